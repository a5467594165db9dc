/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What scripts of bends do beyond a channel: VMBus messages, packets and
 * messages that are due, NICs that are taken back.
 *
 * Theory of operation.  What is due is sent by control, with the NIC's gate
 * closed: a worker, or a message, wakes it through the descriptor that workers
 * use anyway.
 *
 * A VMBus message bends by the script of the NIC that it is about, else by that
 * of the first NIC that has one and is the guest's, or nobody's.
 */
#include "linux/host/host_bend.h"

#include "linux/bend/bend.h"
#include "linux/host/host_guest_priv.h"
#include "linux/host/nic.h"
#include "linux/host/host_see.h"
#include "linux/host/nic_wake.h"
#include "linux/host/offer.h"

static void
bend_ask(void *ctx)
{
	struct nic *nic = ctx;

	nic_bend_ask(nic);
}

static void
bend_post(void *ctx, uint32_t guest, uint32_t vp, struct span msg)
{
	struct nic *nic = ctx;

	for (struct host_guest *g = nic->host->guests; g != NULL; g = g->next)
		if (g->number == guest && g->vms != NULL)
			vms_post_bytes(g->vms, vp, msg);
}

static void
bend_rescind(void *ctx)
{
	struct nic *nic = ctx;

	if (nic->user.guest != NULL)
		offer_withdraw(nic);
}

const struct bend_ops host_bend_ops = {
	.ask = bend_ask,
	.post = bend_post,
	.rescind = bend_rescind,
};

void
host_bend_run(struct nic *nic)
{
	uint64_t ns;

	(void)os_xchg32(&nic->bent.due, 0);
	if (nic->bent.bend == NULL)
		return;
	nic_close(nic);
	ns = bend_release(nic->bent.bend);
	nic_open(nic);
	if (ns != 0) {
		const struct timeval tv = { (time_t)(ns / 1000000000u),
			(suseconds_t)(ns % 1000000000u / 1000 + 1) };

		evtimer_add(nic->bent.again, &tv);
	}
}

/* --- messages --- */

static struct nic *
message_nic(const struct host_guest *g, struct span msg)
{
	struct nic *about = host_see_about(g, msg);

	if (about != NULL)
		return about;
	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->bent.bend != NULL &&
		    (n->user.guest == g || n->user.guest == NULL))
			return n;
	return NULL;
}

uint32_t
host_bend_message(struct host_guest *g, bool to_guest, uint32_t vp,
    uint8_t *msg, uint32_t *len)
{
	const struct nic *nic = message_nic(g, (struct span){ msg, *len });

	if (nic == NULL || nic->bent.bend == NULL)
		return 1;
	switch (bend_message(nic->bent.bend, to_guest, g->number, vp, msg,
	    len)) {
	case BEND_TAKE:
		return 0;
	case BEND_TWICE:
		return 2;
	default:
		return 1;
	}
}
