/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which virtual processor has which queue, and moves.
 *
 * A queue's channel and the TAP's queue of the same number have one owner, so
 * they move together: with every VP parked the TAP's descriptor goes to the
 * other VP's epoll set and VMBus moves the channel (MODIFY_CHANNEL).  What was
 * flagged at the old VP is passed on to the new one (vmc_flags.c), and what the
 * TAP holds is read by the new one: nothing is lost, and as only one VP at a
 * time has the queue, frames of a flow keep their order.
 *
 * Channel 0 stays on VP 0: control runs there and sends on its ring as well.
 * Before VMBus 2.4 every channel is VP 0's, and before 4.1 none moves: then the
 * TAP's queues follow their channels.
 *
 * The host answers one move of a channel at a time.  So what is wanted is only
 * noted, and VP 0 moves what is not yet where it should be, each time that it
 * runs control.
 */
#include "linux/guest/guest_priv.h"
#include "wire/vmbus_msg.h"

/* As the table says, repeated; without one round robin. */
static uint32_t
vp_of_queue(const struct guest_config *c, uint32_t queue)
{
	if (c->channel_vps == 0)
		return queue % c->vps;
	return c->channel_vp[queue % c->channel_vps];
}

void
guest_vps_share(struct guest *g)
{
	for (uint32_t k = 0; k < g->tap.queues; k++) {
		uint32_t vp = vp_of_queue(&g->cfg, k);

		g->queue[k].vp = g->queue[k].vp_wanted = vp;
		g->vp[vp].queues |= 1ull << k;
	}
}

/* The TAP's queue goes to a VP; all are parked. */
static void
tap_queue_move(struct guest *g, struct netif_queue *q, uint32_t vp)
{
	struct vp *from = &g->vp[q->vp], *to = &g->vp[vp];

	vp_source_del(from, q->fd);
	from->queues &= ~(1ull << q->index);
	to->queues |= 1ull << q->index;
	q->vp = vp;
	/* Watched by an edge, which may have been before. */
	q->readable = true;
	vp_source_add(to, q->fd, VP_SOURCE_TAP, q->index);
}

/* False: not now. */
static bool
queue_move(struct guest *g, struct netif_queue *q)
{
	bool open = q->index < g->queues;

	if (open && vmc_chan_move(g->vmc, vsc_queue_chan(g->vsc, q->index),
	    q->vp_wanted) < 0)
		return false;
	tap_queue_move(g, q, q->vp_wanted);
	counter_add(&q->counters.moves, 1);
	if (open)
		guest_see_queue(g, q->index, q->vp);
	return true;
}

void
guest_vps_follow(struct guest *g)
{
	for (uint32_t k = 0; g->vmc != NULL && k < g->queues; k++) {
		uint32_t vp = vmc_chan_vp(vsc_queue_chan(g->vsc, k));

		if (g->queue[k].vp != vp)
			tap_queue_move(g, &g->queue[k], vp);
	}
}

void
guest_moves(struct guest *g)
{
	bool parked = false;

	if (g->state != GUEST_UP || g->vmc == NULL ||
	    vmc_version(g->vmc) < VMBUS_V4_1)
		return;
	for (uint32_t k = 0; k < g->tap.queues; k++) {
		struct netif_queue *q = &g->queue[k];

		if (q->vp == q->vp_wanted)
			continue;
		if (!parked)
			guest_vps_park(g);
		parked = true;
		(void)queue_move(g, q);
	}
	if (parked)
		guest_vps_unpark(g);
}
