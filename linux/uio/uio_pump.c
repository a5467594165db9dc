/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs what has to be done now: VMBus messages, timers, the program's memory.
 */
#include "linux/run/clock.h"
#include "linux/uio/uio_priv.h"

/* Policy: messages in one go. */
#define UIO_BUDGET		64u

static void
mem_done(struct uio *u, int rc)
{
	if (rc < 0)
		uio_over(u, UIO_LOST, "the host at %s is gone",
		    u->cfg.connect);
}

void
uio_mem_check(struct uio *u)
{
	if (u->mem != NULL)
		mem_done(u, uio_mem_scan(u->mem));
}

void
uio_pump(struct uio *u)
{
	uint64_t now = clock_now_ns(), at, gpa;
	struct timeval tv;

	while (u->end == UIO_RUNNING && link_guest_want(u->link, &gpa))
		if (u->mem != NULL)
			mem_done(u, uio_mem_want(u->mem, gpa));
	do {
		while (vmc_vp_dispatch(u->vmc, 0, UIO_BUDGET))
			;
		at = vmc_timer(u->vmc, now);
	} while (at <= now);
	if (at == UINT64_MAX) {
		event_del(u->timer);
		return;
	}
	tv.tv_sec = (time_t)((at - now) / 1000000000u);
	tv.tv_usec = (suseconds_t)((at - now) % 1000000000u / 1000u) + 1;
	event_add(u->timer, &tv);
}
