/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAP frames to the NetVSC and back.
 *
 * Out: each frame is read straight into the room that the NetVSC gives: the
 * rest of a send-buffer section and, behind it, a large-frame slot, so the only
 * copy is the kernel's.  A burst ends when the TAP is dry, when enough bytes or
 * frames are gathered (the host should start on them), or when the host has no
 * room; then the queue sleeps until tx_wake.
 *
 * In: each frame goes to the TAP in one writev() from the receive buffer.
 * Segments that follow each other may be merged first (receive coalescing),
 * which saves the kernel a pass a segment; what is held goes out at the end of
 * the dispatch pass, and the NetVSC acknowledges only after that.
 */
#include "linux/guest/netif.h"

#include <unistd.h>

#include "linux/guest/guest_priv.h"
#include "linux/net/tap_frame.h"
#include "linux/see/trace.h"
#include "pkt/pkt_coal.h"
#include "pkt/pkt_parse.h"

#define X(name, text) COUNTER_ROW(netif_counters, name, text)
COUNTER_TABLE(netif_counters, NETIF_COUNTERS(X));
#undef X

/* Policy: a burst that is worth a signal to the host. */
#define NETIF_BURST_FRAMES	32u
#define NETIF_BURST_BYTES	(256u << 10)
/* Policy: bursts of one queue before others get their turn. */
#define NETIF_TURN_BURSTS	4u
#define NETIF_COAL_BYTES	65535u

uint32_t
netif_queue_vp(const struct guest *g, uint32_t queue)
{
	return g->queue[queue].vp;
}

void
netif_readable(struct guest *g, uint32_t vp, uint32_t queue)
{
	/* Since epoll_wait() reported it, the queue may have moved. */
	if (g->queue[queue].vp == vp)
		g->queue[queue].readable = true;
}

void
netif_tx_wake(void *ctx, uint32_t queue)
{
	struct guest *g = ctx;

	g->queue[queue].blocked = false;
	if (trace_on())
		guest_see_short_end(g, queue);
}

/* --- out --- */

/* Nobody to send it to: take it off the TAP, count it. */
static void
netif_discard(struct netif_queue *q)
{
	char frame[64];

	while (read(q->fd, frame, sizeof(frame)) > 0)
		counter_add(&q->counters.no_queue, 1);
	q->readable = false;
}

/* One burst; true if the TAP may have more and the host has room. */
static bool
netif_burst(struct guest *g, struct netif_queue *q)
{
	uint32_t frames = 0, bytes = 0;
	struct vsc_tx_room room;
	struct pkt_meta meta;

	while (frames < NETIF_BURST_FRAMES && bytes < NETIF_BURST_BYTES) {
		int len;

		if (vsc_tx_reserve(g->vsc, q->index, &room) < 0) {
			q->blocked = true;
			if (trace_on())
				guest_see_short(g, q->index);
			counter_add(&q->counters.blocked, 1);
			break;
		}
		len = tap_frame_read(q->fd, room.vec, room.nvec, &meta);
		if (len == 0) {
			q->readable = false;
			break;
		}
		frames++;
		if (len < 0) {
			counter_add(&q->counters.read_cut, 1);
			continue;
		}
		counter_add(&q->counters.read, 1);
		counter_add(&q->counters.read_bytes, (uint32_t)len);
		/* A frame that it drops is counted there. */
		(void)!vsc_tx_submit(g->vsc, q->index, &room, (uint32_t)len,
		    &meta);
		bytes += (uint32_t)len;
	}
	if (frames > 0) {
		vsc_tx_flush(g->vsc, q->index);
		counter_add(&q->counters.flushes, 1);
	}
	return q->readable && !q->blocked;
}

bool
netif_run(struct guest *g, uint32_t vp)
{
	uint64_t left = g->vp[vp].queues;
	bool more = false;

	if (os_ld32(&g->state) != GUEST_UP)
		return false;
	for (; left != 0; left &= left - 1) {
		uint32_t k = (uint32_t)__builtin_ctzll(left);
		struct netif_queue *q = &g->queue[k];

		if (!q->readable || q->blocked)
			continue;
		if (k >= g->queues) {
			netif_discard(q);
			continue;
		}
		for (uint32_t n = 0; n < NETIF_TURN_BURSTS; n++)
			if (!netif_burst(g, q))
				break;
		more |= q->readable && !q->blocked;
	}
	return more;
}

/* --- in --- */

static void
netif_write(struct netif_queue *q, const struct vec *vec, uint32_t nvec,
    uint32_t len, const struct pkt_meta *meta)
{
	if (!tap_frame_write(q->fd, vec, nvec, meta)) {
		counter_add(&q->counters.write_errors, 1);
		return;
	}
	counter_add(&q->counters.written, 1);
	counter_add(&q->counters.written_bytes, len);
}

static void
netif_emit(void *arg, const struct pkt_super *s)
{
	struct netif_queue *q = arg;

	if (s->frames > 1)
		counter_add(&q->counters.coalesced, s->frames);
	netif_write(q, s->v, s->n, s->frame_len, &s->meta);
}

void
netif_coal_init(struct netif_queue *q)
{
	pkt_coal_init(q->coal, NETIF_COAL_BYTES, netif_emit, q);
}

void
netif_rx(void *ctx, uint32_t queue, const struct vsc_frame *f)
{
	struct guest *g = ctx;
	struct netif_queue *q = &g->queue[queue];
	struct span head = { f->vec[0].p, f->vec[0].len };
	struct pkt_info info;

	/* Whole single-piece segments stay where they are until rx_flush(). */
	if (q->coal != NULL && f->nvec == 1 &&
	    (f->meta.flags & (PKT_GSO_ANY | PKT_GSO_NORESEG)) == 0) {
		if (pkt_parse(&info, head, f->len) >= 0 &&
		    pkt_coal_add(q->coal, f->vec, f->nvec, &info, &f->meta,
		    0) == PKT_COAL_HELD)
			return;
	} else if (q->coal != NULL) {
		pkt_coal_pass(q->coal, head, f->len);
	}
	netif_write(q, f->vec, f->nvec, f->len, &f->meta);
}

void
netif_rx_flush(void *ctx, uint32_t queue)
{
	struct guest *g = ctx;

	if (g->queue[queue].coal != NULL)
		pkt_coal_flush(g->queue[queue].coal);
}
