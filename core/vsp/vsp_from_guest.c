/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's ring: one pass of a worker over one channel.
 *
 * A pass takes packets out of the ring into a private copy each, hands their
 * frames to the backend (vsp_from_guest_frame.c), and at its end tells the
 * backend to write, queues the completions and publishes them at once.  In
 * that order: a completion gives the guest its memory back, so every frame of
 * it must have left before.
 *
 * A batch of completions may be set to fewer than a pass has
 * (cfg.completion_batch): then each batch is published in the middle of it.
 *
 * When no more completions can wait (vsp_completion.c) and the ring has no room
 * for them the pass ends, and the ring's space event starts the next one.
 *
 * A pass is bounded by packets, and by what they hold: frames and bytes.  It
 * also ends, a few packets later, when control wants in (vsp_ops.stop).
 *
 * A control packet is left in from.pkt with `held` set, and ends the pass:
 * control reads on from there with this worker parked.  Control in turn leaves
 * a data packet held.  A packet that names memory which the guest has not added
 * yet is held as well, and retried in the turn that the port then gives.
 *
 * If the backend has no room for a data packet, it is set aside until there is
 * some (vsp_aside.c); the pass goes on.
 *
 * A packet that breaks the ring, the range list or NVSP fails the queue: it is
 * not served again until the guest reopens it.  A malformed RNDIS message or
 * frame costs just that packet, which is completed with a failing status.
 */
#include "vsp/vsp_priv.h"
#include "wire/nvs_msg.h"

/*
 * Policy: what a packet costs by itself, besides 1 for each frame and each
 * 4 KiB in it, and what a pass may cost.  A packet may hold RNDIS_MAX_PACKETS
 * frames, or 1 MiB.  After each slice a pass looks whether it must end.
 */
#define PACKET_COST		16u
#define SLICE_COST		128u
#define PASS_COST_MAX		1024u

int
vsp_packet_next(struct vsp_queue *q)
{
	struct vsp_from_guest *f = &q->from;
	int rc;

	if (f->held)
		return 1;
	rc = chan_recv(q->chan, &f->pkt, f->buf, sizeof(f->buf));
	if (rc == E_NOMEM)
		return vsp_queue_fail(q, FAULT_RING_TOO_BIG, 0);
	if (rc < 0) {
		q->dead = true;
		return E_PEER;
	}
	f->held = rc > 0;
	f->taken += f->held;
	return rc;
}

bool
vsp_packet_is_control(const struct vmpkt_in *pkt)
{
	struct nvs_rndis n;

	if (pkt->type == VMPKT_COMPLETION)
		return false;
	return !nvs_rndis_get(&n, pkt->data) || n.channel != NVS_CHANNEL_DATA;
}

/* Write out and publish everything of this pass. */
static bool
pass_complete(struct vsp_queue *q)
{
	struct vsp *vsp = q->vsp;

	if (q->from.unflushed) {
		q->from.unflushed = false;
		vsp->ops.from_guest_flush(vsp->ctx, q->index);
	}
	return vsp_completions_send(q);
}

/*
 * Enough completions wait for a batch.  Smaller ones than a pass are published
 * at once; true if all went.
 */
static bool
pass_complete_batch(struct vsp_queue *q)
{
	bool sent = pass_complete(q);

	if (q->from.done_batch < VSP_COMPLETIONS)
		chan_commit(q->chan);
	return sent;
}

static int
take_completion(struct vsp_queue *q, const struct vmpkt_in *pkt)
{
	enum fault why = FAULT_NONE;

	q->from.acked = true;
	if (q->vsp->rx_gpadl == NULL)
		return 0;	/* late, after a revoke */
	if (vsp_to_guest_ack(q, pkt->xact, pkt->data, &why) == E_PEER)
		return vsp_queue_fail(q, why, pkt->xact);
	return 0;
}

/* A packet of a kind that the data path takes. */
static int
take_data(struct vsp_queue *q, const struct vmpkt_in *pkt)
{
	uint32_t status = NVS_STATUS_OK;

	if (pkt->type == VMPKT_COMPLETION)
		return take_completion(q, pkt);
	int rc = vsp_from_guest_packet(q, pkt, &status);

	if (rc != 0)
		return rc;
	if (pkt->flags & VMPKT_F_COMPLETE)
		(void)vsp_completion_add(q, pkt->xact, status);
	return 0;
}

enum pass_end {
	PASS_EMPTY, PASS_BUDGET, PASS_CONTROL, PASS_STALLED, PASS_MEMORY,
	PASS_BACKEND
};

/* Has the backend no room?  Nothing of a guest that is not up goes there. */
static bool
pass_no_room(struct vsp_queue *q, bool full)
{
	struct vsp *vsp = q->vsp;

	return q->aside.buf != NULL && vsp_data_up(vsp) &&
	    vsp->ops.from_guest_stalled != NULL &&
	    vsp->ops.from_guest_stalled(vsp->ctx, q->index, full);
}

/*
 * Handle a packet later that was just read: true if it was set aside; *waits if
 * there is no place for it.
 */
static bool
pass_set_aside(struct vsp_queue *q, bool *waits)
{
	struct vsp_from_guest *f = &q->from;

	*waits = false;
	if (f->pkt.type == VMPKT_COMPLETION || (vsp_aside_empty(&q->aside) &&
	    !pass_no_room(q, false)))
		return false;
	if (!vsp_aside_put(&q->aside, &f->pkt)) {
		*waits = pass_no_room(q, true);
		return true;
	}
	f->held = false;
	counter_add(&q->vsp->counts[q->index].from.set_aside, 1);
	return true;
}

/* The oldest packet that was set aside: 0, or as take_data(). */
static int
take_aside(struct vsp_queue *q)
{
	struct vmpkt_in pkt;
	int rc;

	vsp_aside_oldest(&q->aside, &pkt);
	rc = take_data(q, &pkt);
	if (rc != E_AGAIN) {
		q->from.taken++;
		vsp_aside_drop(&q->aside);
	}
	return rc;
}

/* Packets until the pass has cost `until`. */
static enum pass_end
pass_slice(struct vsp_queue *q, uint32_t until)
{
	struct vsp_from_guest *f = &q->from;

	for (; f->spent < until; f->spent += PACKET_COST) {
		bool waits;
		int rc;

		if (f->done_count >= f->done_batch &&
		    !pass_complete_batch(q) &&
		    f->done_count == VSP_COMPLETIONS)
			return PASS_STALLED;
		if (!vsp_aside_empty(&q->aside) && !pass_no_room(q, false)) {
			rc = take_aside(q);
			if (rc != 0)
				return rc == E_AGAIN ? PASS_MEMORY : PASS_EMPTY;
			continue;
		}
		rc = vsp_packet_next(q);
		if (rc <= 0)
			return PASS_EMPTY;
		if (vsp_packet_is_control(&f->pkt)) {
			if (q->index == 0)
				return PASS_CONTROL;
			(void)vsp_queue_fail(q, FAULT_NVS_STATE, f->pkt.type);
			return PASS_EMPTY;
		}
		if (pass_set_aside(q, &waits)) {
			if (waits)
				return PASS_BACKEND;
			continue;
		}
		rc = take_data(q, &f->pkt);
		f->held = rc == E_AGAIN;
		if (rc != 0)
			return f->held ? PASS_MEMORY : PASS_EMPTY;
	}
	return PASS_BUDGET;
}

static enum pass_end
pass_packets(struct vsp_queue *q, uint32_t budget)
{
	const uint32_t most = min_u32(budget * PACKET_COST, PASS_COST_MAX);
	enum pass_end end = PASS_BUDGET;

	q->from.spent = 0;
	while (end == PASS_BUDGET && q->from.spent < most &&
	    os_ld32(q->vsp->stop) == 0)
		end = pass_slice(q, min_u32(q->from.spent + SLICE_COST, most));
	return end;
}

/*
 * Whether control can go on now.  Not while it lacks ring room or a section:
 * otherwise worker and control would wake each other for ever.
 */
static bool
control_due(struct vsp_queue *q, enum pass_end end)
{
	if (q->index != 0)
		return false;
	switch (q->vsp->block) {
	case VSP_BLOCK_RING:
		return vsp_queue_want_space(q, VSP_CONTROL_RING_BYTES);
	case VSP_BLOCK_SECTION:
		return q->from.acked || end == PASS_CONTROL;
	case VSP_BLOCK_MEMORY:
		return false;
	case VSP_BLOCK_NONE:
		break;
	}
	return end == PASS_CONTROL;
}

/*
 * Something waits for ring room and no event can come for it (a guest without
 * pending_send_size): then the worker looks again by itself.
 */
static bool
must_poll(const struct vsp_queue *q, bool sent)
{
	if (q->chan->ops->caps & CHAN_CAP_SPACE)
		return false;
	return !sent || q->to.ring_full ||
	    (q->index == 0 && q->vsp->block == VSP_BLOCK_RING);
}

/* One pass; *more: a pass that requests a signal should follow at once. */
static enum pass_end
queue_pass(struct vsp_queue *q, uint32_t budget, bool *more)
{
	struct vsp *vsp = q->vsp;
	struct chan *c = q->chan;

	if (!q->from.masked)
		chan_irq_mask(c);
	q->from.masked = true;
	q->from.acked = false;
	(void)vsp_completions_send(q);
	enum pass_end end = pass_packets(q, budget);
	bool sent = pass_complete(q);

	*more = false;
	if (!q->dead)
		chan_recv_commit(c);
	chan_commit(c);
	if (q->dead)
		return end;
	vsp_to_guest_resume(q);
	if (control_due(q, end))
		vsp->ops.control_wanted(vsp->ctx);
	*more = end == PASS_BUDGET || must_poll(q, sent) ||
	    (end == PASS_STALLED && sent);
	return end;
}

static bool
queue_ready(struct chan *c, uint32_t budget)
{
	struct vsp_queue *q = c->user;
	bool more;

	if (q->dead)
		return false;
	enum pass_end end = queue_pass(q, budget, &more);

	if (q->dead || end != PASS_EMPTY)
		return more;
	q->from.masked = chan_irq_unmask(c);
	return q->from.masked || more;
}

enum vsp_poll
vsp_from_guest_poll(struct vsp *vsp, uint32_t queue, uint32_t budget)
{
	struct vsp_queue *q = vsp_queue_at(vsp, queue);
	bool more;

	if (q == NULL || q->dead)
		return VSP_POLL_WAIT;
	q->from.taken = 0;
	enum pass_end end = queue_pass(q, budget, &more);

	if (q->dead)
		return VSP_POLL_WAIT;
	if (q->from.taken > 0 || more)
		return VSP_POLL_WORK;
	return end == PASS_EMPTY ? VSP_POLL_EMPTY : VSP_POLL_WAIT;
}

bool
vsp_from_guest_arm(struct vsp *vsp, uint32_t queue)
{
	struct vsp_queue *q = vsp_queue_at(vsp, queue);

	if (q == NULL || q->dead)
		return true;
	q->from.masked = chan_irq_unmask(q->chan);
	return !q->from.masked;
}

const struct chan_events vsp_queue_events = {
	.ready = queue_ready,
};
