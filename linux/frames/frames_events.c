/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What VMBus client and NetVSC request of the frames API, and report to it.
 *
 * Context: control, inside calls of vmc or vsc.  Nobody is parked: once a
 * connection is open, nothing that a queue's thread uses is freed or replaced
 * before hvnet_close(); what goes wrong only breaks the connection.  So it
 * attaches once: another host, with other sizes, is another hvnet_open().
 */
#include <stdio.h>

#include "linux/frames/frames_priv.h"
#include "linux/run/clock.h"

static void
frames_attached(void *ctx, const struct vsc_caps *caps)
{
	struct hvnet *h = ctx;

	if (!frames_keep_alloc(h, caps->rx_sections)) {
		frames_break(h, "out of memory");
		return;
	}
	os_st32(&h->queues, min_u32(caps->queues, h->cfg.queues));
	h->attached = true;
}

static void
frames_failed(void *ctx, int err, enum fault why, const char *stage)
{
	frames_break(ctx, "%s at %s%s%s", err == E_GONE ?
	    "the host took the NIC back" : hv_err_text(err), stage,
	    why == FAULT_NONE ? "" : ": ",
	    why == FAULT_NONE ? "" : fault_text(why));
}

static void
frames_detached(void *ctx)
{
	struct hvnet *h = ctx;

	h->vsc_down = true;
}

static void
frames_link(void *ctx, bool up, uint64_t speed_bps)
{
}

static uint32_t
frames_queue_vp(void *ctx, uint32_t queue)
{
	struct hvnet *h = ctx;

	return queue % h->cfg.queues;
}

static void
frames_send_table(void *ctx, const uint32_t *table, uint32_t count)
{
}

static void
frames_rx_flush(void *ctx, uint32_t queue)
{
}

static void
frames_tx_wake(void *ctx, uint32_t queue)
{
	struct hvnet *h = ctx;

	h->queue[queue].room = true;
}

/* By the next call on queue 0; of two who write, any may win. */
static void
frames_control_wanted(void *ctx)
{
	struct hvnet *h = ctx;

	os_st32(&h->queue[0].calls, 0);
	frames_wake_control(h);
}

/* Packets that were held are given back; the queue's thread may sleep. */
static void
frames_queue_kick(void *ctx, uint32_t queue)
{
	struct hvnet *h = ctx;
	struct frames_queue *q = &h->queue[queue];

	if (os_ld32(&q->sleeps) != 0 && os_xchg32(&q->sleeps, 0) != 0)
		frames_wake_queue(h, queue);
}

static const struct vsc_ops frames_vsc_ops = {
	.alloc = guest_wire_alloc,
	.free = guest_wire_free,
	.mem_alloc = guest_wire_mem_alloc,
	.mem_free = guest_wire_mem_free,
	.attached = frames_attached,
	.failed = frames_failed,
	.detached = frames_detached,
	.link = frames_link,
	.queue_vp = frames_queue_vp,
	.send_table = frames_send_table,
	.rx = frames_rx,
	.rx_flush = frames_rx_flush,
	.tx_wake = frames_tx_wake,
	.tx_done = frames_tx_done,
	.control_wanted = frames_control_wanted,
	.queue_kick = frames_queue_kick,
};

static void
frames_on_connected(void *ctx, int version_or_err)
{
	if (version_or_err < 0)
		frames_break(ctx, "VMBus: the host accepted none of our "
		    "versions (%s)", hv_err_text(version_or_err));
}

void
frames_attach(struct hvnet *h, struct chan *c)
{
	h->vsc = vsc_attach(&h->vsc_cfg, &frames_vsc_ops, h, c);
	if (h->vsc == NULL)
		frames_break(h, "out of memory");
}

static void
frames_on_offer(void *ctx, struct chan *c)
{
	struct hvnet *h = ctx;

	if (hv_guid_equal(&c->type, &hv_guid_nic) && h->vsc == NULL &&
	    !h->closing)
		frames_attach(h, c);
}

static void
frames_on_gone(void *ctx, struct chan *c)
{
}

static void
frames_on_unloaded(void *ctx)
{
	struct hvnet *h = ctx;

	h->unloaded = true;
}

const struct vmc_ops frames_vmc_ops = {
	.post_message = guest_wire_post,
	.signal_event = guest_wire_signal,
	.eom = guest_wire_eom,
	.alloc = guest_wire_alloc,
	.free = guest_wire_free,
	.mem_alloc = guest_wire_mem_alloc,
	.mem_free = guest_wire_mem_free,
	.connected = frames_on_connected,
	.offer = frames_on_offer,
	.gone = frames_on_gone,
	.unloaded = frames_on_unloaded,
};
