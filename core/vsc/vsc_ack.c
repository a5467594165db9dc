/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives receive-buffer sections back to the host.
 *
 * Theory of operation.  Receive completions (NVSP 108).  Until one is sent, the
 * packet's receive-buffer sections are the guest's, so none may ever be lost:
 * ids wait in a ring of their own, and when that is full vsc_queue_ready()
 * reads no further packet.  A full VMBus ring is waited for by want_space();
 * where the channel has no event of room, control has the owner look again.
 *
 * They are sent in batches of ack_batch: one commit, one signal at most.  The
 * message is 8 bytes long, as Linux sends it (netvsc.c recv_comp_data).
 *
 * Context: queue owner.
 */
#include "vsc/vsc_priv.h"

void
vsc_ack_put(struct vsc_queue *q, uint64_t xact)
{
	struct vsc_rxq *r = &q->rx;

	OS_ASSERT(r->ack_n < VSC_ACKS);
	r->ack[vsc_ack_next(r) % VSC_ACKS] = xact;
	os_st32(&r->ack_n, r->ack_n + 1);
}

static int
ack_send_one(struct vsc_queue *q, uint64_t xact)
{
	const struct nvs_rndis_done_wire w = {
		.type = le32_put(NVS_RNDIS_DONE),
		.status = le32_put(NVS_STATUS_OK),
	};
	struct vmpkt_out o = { .type = VMPKT_COMPLETION, .xact = xact };
	int rc;

	o.data = (struct span){ (const uint8_t *)&w, sizeof(w) };
	do {
		rc = chan_send(q->chan, &o);
		if (rc != E_AGAIN)
			return rc;
	} while (chan_want_space(q->chan,
	    16u + sizeof(w) + RING_TRAILER_BYTES));
	return rc;
}

void
vsc_space_wait(struct vsc_queue *q)
{
	struct vsc *v = q->vsc;

	if (vsc_space_told(q) || os_ld32(&q->starved) != 0)
		return;
	os_st32(&q->starved, 1);
	if (v->ops->control_wanted != NULL)
		v->ops->control_wanted(v->ctx);
}

/* True if it is in the ring; otherwise it waits, or the channel is broken. */
static bool
ack_sent(struct vsc_queue *q, uint64_t xact)
{
	struct vsc_rxq *r = &q->rx;
	int rc = ack_send_one(q, xact);

	if (rc == E_AGAIN) {
		if (!r->ack_waits)
			counter_add(&r->count.ack_waits, 1);
		r->ack_waits = true;
		vsc_space_wait(q);
		return false;
	}
	if (rc < 0) {
		(void)vsc_chan_broken(q, rc);
		return false;
	}
	os_st32(&q->dirty, 1);
	counter_add(&r->count.acks, 1);
	return true;
}

static void
ack_held(struct vsc_queue *q)
{
	uint64_t xact;

	while (vsc_hold_first(&q->rx, &xact) && ack_sent(q, xact))
		vsc_hold_drop(&q->rx);
}

void
vsc_ack_send(struct vsc_queue *q)
{
	struct vsc_rxq *r = &q->rx;
	bool locked;

	if (r->ack_n == 0 && !vsc_hold_returned(r))
		return;
	locked = vsc_send_lock(q);
	while (r->ack_n != 0) {
		uint32_t at = r->ack_first % VSC_ACKS;

		if (!vsc_hold_keep(r, at) && !ack_sent(q, r->ack[at]))
			break;
		r->ack_first++;
		os_st32(&r->ack_n, r->ack_n - 1);
	}
	if (r->ack_n == 0)
		ack_held(q);
	r->ack_waits = r->ack_waits && (r->ack_n != 0 || vsc_hold_returned(r));
	vsc_send_unlock(q, locked);
}

void
vsc_ack_send_held(struct vsc_queue *q)
{
	bool locked;

	if (!vsc_hold_returned(&q->rx))
		return;
	locked = vsc_send_lock(q);
	ack_held(q);
	vsc_send_unlock(q, locked);
}
