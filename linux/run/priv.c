/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities by their system calls.  The kernel keeps them by thread, so a
 * thread that parses what a peer wrote can have fewer than the one that makes
 * devices.
 */
#include "linux/run/priv.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP(c)	(1ull << (c))

/*
 * TAPs, their MTU and state; steering programs and their tables; files in
 * folders of other users (captures, sockets, at their end too).
 */
#define PRIV_KEPT	(CAP(CAP_NET_ADMIN) | CAP(CAP_BPF) |		\
			 CAP(CAP_PERFMON) | CAP(CAP_DAC_OVERRIDE))
/* Entering a network namespace wants this, while it lasts. */
#define PRIV_ADMIN	CAP(CAP_SYS_ADMIN)

struct priv {
	uint64_t effective, permitted;
};

static bool
priv_get(struct priv *p)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };

	if (syscall(SYS_capget, &h, d) < 0)
		return false;
	p->effective = d[0].effective | (uint64_t)d[1].effective << 32;
	p->permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	return true;
}

static void
priv_set(const struct priv *p)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	const struct __user_cap_data_struct d[2] = {
		{ (uint32_t)p->effective, (uint32_t)p->permitted, 0 },
		{ (uint32_t)(p->effective >> 32),
		    (uint32_t)(p->permitted >> 32), 0 } };

	/* Giving up what one has does not fail. */
	(void)syscall(SYS_capset, &h, d);
}

/* None of ours regains others, and no program that we execute. */
static void
priv_bound(uint64_t caps)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if ((caps & CAP(c)) == 0)
			prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
}

void
priv_no_new(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void
priv_limit(void)
{
	/* Before 5.8 what CAP_BPF allows was CAP_SYS_ADMIN's. */
	bool bpf = prctl(PR_CAPBSET_READ, CAP_BPF, 0, 0, 0) >= 0;
	uint64_t now = PRIV_KEPT | (bpf ? 0 : PRIV_ADMIN);
	struct priv p;

	priv_no_new();
	priv_bound(PRIV_KEPT | PRIV_ADMIN);
	if (!priv_get(&p))
		return;
	p.permitted &= PRIV_KEPT | PRIV_ADMIN;
	p.effective &= now;
	priv_set(&p);
}

void
priv_none(void)
{
	const struct priv none = { 0, 0 };

	priv_no_new();
	priv_set(&none);
}

bool
priv_admin_raise(void)
{
	int e = errno;
	struct priv p;
	bool raise = priv_get(&p) && (p.permitted & PRIV_ADMIN) != 0 &&
	    (p.effective & PRIV_ADMIN) == 0;

	if (raise) {
		p.effective |= PRIV_ADMIN;
		priv_set(&p);
	}
	errno = e;
	return raise;
}

void
priv_admin_lower(void)
{
	int e = errno;
	struct priv p;

	if (priv_get(&p)) {
		p.effective &= ~PRIV_ADMIN;
		priv_set(&p);
	}
	errno = e;
}
