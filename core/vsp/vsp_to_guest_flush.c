/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a batch towards the guest, and of a pass over its ring.
 *
 * A batch ends with the packets that name its frames and at most one signal,
 * and with a kick for each other queue that was handed frames or got sections
 * back; a queue of the same worker has its turn here, at once.
 *
 * A pass over the ring may have brought back sections and room.  In this order
 * they serve frames from other queues, the list that found the ring full, a
 * GSO frame that is half cut, and a backend that was told E_AGAIN.
 *
 * Context: the worker that owns the queue.
 */
#include "vsp/vsp_priv.h"

/* Let others know of what they were given. */
static void
flush_kicks(struct vsp_queue *q)
{
	struct vsp *vsp = q->vsp;
	uint64_t kick = q->to.kick;

	q->to.kick = 0;
	for (uint32_t i = 0; kick != 0; i++, kick >>= 1) {
		if ((kick & 1) == 0 || vsp->queue[i] == NULL)
			continue;
		if (vsp->ops.same_owner != NULL &&
		    vsp->ops.same_owner(vsp->ctx, q->index, i))
			vsp_to_guest_drain_handover(vsp, i);
		else if (vsp->ops.handover_kick != NULL)
			vsp->ops.handover_kick(vsp->ctx, i);
	}
}

void
vsp_to_guest_publish(struct vsp_queue *q)
{
	if (q->to.first != VSP_SECTION_NONE && !q->to.ring_full)
		vsp_to_guest_send(q);
	if (q->to.uncommitted) {
		q->to.uncommitted = false;
		chan_commit(q->chan);
	}
}

static void
flush_queue(struct vsp_queue *q)
{
	vsp_to_guest_publish(q);
	if (q->to.kick != 0)
		flush_kicks(q);
}

void
vsp_to_guest_flush(struct vsp *vsp, uint32_t queue)
{
	struct vsp_queue *q = vsp->queue[queue];

	if (q != NULL && vsp->rxbuf.base != NULL)
		flush_queue(q);
}

/* Wake the backend if it waits and can go on. */
static void
flush_wake(struct vsp_queue *q)
{
	struct vsp *vsp = q->vsp;
	struct vsp_to_guest *t = &q->to;
	struct vsp_rxbuf *rb = &vsp->rxbuf;
	uint32_t want = min_u32(t->wake_free, rb->home[q->index].total);

	if (!t->wake || t->ring_full || t->cut.held || q->dead)
		return;
	if (!vsp_to_guest_sections_back(q, want))
		return;
	t->wake = false;
	if (vsp->ops.to_guest_wake != NULL)
		vsp->ops.to_guest_wake(vsp->ctx, q->index);
}

void
vsp_to_guest_resume(struct vsp_queue *q)
{
	struct vsp *vsp = q->vsp;
	struct vsp_to_guest *t = &q->to;

	if (vsp->rxbuf.base == NULL)
		return;
	vsp_to_guest_handed_over(q);
	if (t->ring_full)
		vsp_to_guest_send(q);
	if (t->cut.held && !t->ring_full)
		vsp_to_guest_cut_run(q);
	flush_queue(q);
	flush_wake(q);
}

void
vsp_to_guest_drain_handover(struct vsp *vsp, uint32_t queue)
{
	struct vsp_queue *q = vsp_queue_at(vsp, queue);

	if (q != NULL)
		vsp_to_guest_resume(q);
}
