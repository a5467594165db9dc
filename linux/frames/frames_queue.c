/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames in and out of one queue, by the thread that calls.
 *
 * In: a pass over the ring hands frames straight to the caller's array; the
 * pass ends when that is full, and what the last packet had besides is kept.
 * Only when nothing is kept does hvnet_rx() give back what went before and make
 * another pass, so every frame is good until the call after it.
 *
 * Out: frames are copied into the NetVSC's room.  When there is none, one pass
 * takes completions in; frames met there are kept.  There is a place for each
 * receive-buffer section that the host reported, so a sender that waits for
 * completions never waits for its own receiving.  If a host puts more frames in
 * its packets, we stop reading the ring above a limit until the caller
 * receives.
 *
 * Context: the queue's thread; on queue 0 that is control as well.
 */
#include <stdlib.h>

#include "linux/frames/frames_priv.h"

_Static_assert(sizeof(struct hvnet_meta) == sizeof(struct pkt_meta) &&
    offsetof(struct hvnet_meta, csum_start) ==
    offsetof(struct pkt_meta, csum_start) &&
    offsetof(struct hvnet_meta, vlan_tci) ==
    offsetof(struct pkt_meta, vlan_tci) &&
    offsetof(struct hvnet_meta, l4_proto) ==
    offsetof(struct pkt_meta, l4_proto), "frame metadata");

/* A frame that is held is named by its hold; others by their packet. */
#define FRAMES_HELD	(VSC_PACKET_MASK + 1)
/* A copy, which cannot be held. */
#define FRAMES_COPIED	UINT32_MAX

static inline uint32_t
frames_kept_max(const struct frames_queue *q)
{
	return q->keep + FRAMES_KEEP_MORE;
}

/* A pass over the ring, of whatever it finds. */
static void
frames_pass(struct hvnet *h, uint32_t queue)
{
	(void)vsc_queue_poll(h->vsc, queue, FRAMES_BUDGET);
}

void
frames_call(struct hvnet *h, uint32_t queue)
{
	struct frames_queue *q = &h->queue[queue];

	uint32_t n;

	if (queue != 0)
		return;
	n = os_ld32(&q->calls);
	os_st32(&q->calls, n + 1);
	if (n % FRAMES_CONTROL_CALLS == 0 && q->kept_n < q->keep)
		(void)frames_control(h);
}

/* --- in --- */

void
frames_give_back(struct hvnet *h, uint32_t queue)
{
	struct frames_joined *j = &h->queue[queue].joined;

	vsc_rx_release(h->vsc, queue);
	j->at = j->used = 0;
}

bool
frames_keep_alloc(struct hvnet *h, uint32_t sections)
{
	/* One more: with all frames kept, completions are still read. */
	uint32_t keep = max_u32(min_u32(sections, FRAMES_KEEP_MAX - 1) + 1,
	    FRAMES_KEEP);

	for (uint32_t k = 0; k < h->cfg.queues; k++) {
		struct frames_queue *q = &h->queue[k];

		if (q->kept != NULL)
			continue;
		q->keep = keep;
		q->kept = calloc(keep + FRAMES_KEEP_MORE, sizeof(q->kept[0]));
		if (q->kept == NULL)
			return false;
	}
	return true;
}

/* Frames come once the host has the filter, which is before attach ends. */
static bool
frames_may_keep(struct hvnet *h, struct frames_queue *q)
{
	if (h->closing || (q->kept == NULL &&
	    !frames_keep_alloc(h, vsc_caps(h->vsc)->rx_sections)))
		return false;
	return q->kept_n < frames_kept_max(q);
}

void
frames_rx(void *ctx, uint32_t queue, const struct vsc_frame *f)
{
	struct hvnet *h = ctx;
	struct frames_queue *q = &h->queue[queue];
	struct hvnet_frame *to;
	void *data = f->vec[0].p;
	uint32_t own = f->packet;

	if (f->nvec != 1) {
		/* Only RSC has more. */
		data = frames_join(q, f);
		own = FRAMES_COPIED;
	}
	if (data == NULL) {
		counter_add(&q->dropped, 1);
		return;
	}
	if (q->out_n < q->out_cap) {
		to = &q->out[q->out_n++];
		if (q->out_n == q->out_cap)
			vsc_rx_stop(h->vsc, queue);
	} else if (frames_may_keep(h, q)) {
		to = &q->kept[(q->kept_first + q->kept_n++) %
		    frames_kept_max(q)];
		if (q->out_cap != 0 || q->kept_n >= q->keep)
			vsc_rx_stop(h->vsc, queue);
	} else {
		counter_add(&q->dropped, 1);
		return;
	}
	to->data = data;
	to->len = f->len;
	memcpy(&to->meta, &f->meta, sizeof(to->meta));
	to->own = own;
}

/* Hand out what is kept. */
static uint32_t
frames_kept(struct frames_queue *q, struct hvnet_frame *out, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n && q->kept_n > 0; i++) {
		out[i] = q->kept[q->kept_first];
		q->kept_first = (q->kept_first + 1) % frames_kept_max(q);
		q->kept_n--;
	}
	return i;
}

int
hvnet_rx(struct hvnet *h, uint32_t queue, struct hvnet_frame *out, uint32_t n)
{
	struct frames_queue *q;

	if (queue >= h->queues)
		return HVNET_INVALID;
	if (frames_gone(h))
		return HVNET_GONE;
	if (n == 0)
		return hvnet_poll(h, queue);
	q = &h->queue[queue];
	if (q->kept_n > 0)
		return (int)frames_kept(q, out, n);
	frames_give_back(h, queue);
	q->out = out;
	q->out_n = 0;
	q->out_cap = n;
	frames_call(h, queue);
	if (q->out_n < n && q->kept_n == 0)
		frames_pass(h, queue);
	q->out_cap = 0;
	counter_add(&q->polls, 1);
	if (q->out_n == 0)
		counter_add(&q->idle, 1);
	return (int)q->out_n;
}

int
hvnet_poll(struct hvnet *h, uint32_t queue)
{
	if (queue >= h->queues)
		return HVNET_INVALID;
	if (frames_gone(h))
		return HVNET_GONE;
	frames_call(h, queue);
	if (h->queue[queue].kept_n < h->queue[queue].keep)
		frames_pass(h, queue);
	return 0;
}

int
hvnet_hold(struct hvnet *h, uint32_t queue, struct hvnet_frame *frame,
    uint32_t n)
{
	uint32_t i;

	if (queue >= h->queues)
		return HVNET_INVALID;
	for (i = 0; i < n; i++) {
		int rc = frame[i].own == FRAMES_COPIED ? E_AGAIN :
		    (frame[i].own & FRAMES_HELD) != 0 ? E_STATE :
		    vsc_rx_hold(h->vsc, queue, frame[i].own);

		if (rc == E_STATE)
			return i != 0 ? (int)i : HVNET_INVALID;
		if (rc < 0)
			break;
		frame[i].own = FRAMES_HELD | (uint32_t)rc;
	}
	return (int)i;
}

int
hvnet_release(struct hvnet *h, uint32_t queue,
    const struct hvnet_frame *frame, uint32_t n)
{
	int rc = 0;

	if (queue >= h->queues)
		return HVNET_INVALID;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t own = frame[i].own;

		if ((own & FRAMES_HELD) == 0 || vsc_rx_unhold(h->vsc, queue,
		    own & VSC_PACKET_MASK) < 0)
			rc = HVNET_INVALID;
	}
	return rc;
}

/* --- out --- */

bool
frames_make_room(struct hvnet *h, uint32_t queue)
{
	struct frames_queue *q = &h->queue[queue];
	uint64_t before = vsc_tx_stats(h->vsc, queue)->completions;

	if (q->kept_n < q->keep)
		frames_pass(h, queue);
	if (vsc_tx_stats(h->vsc, queue)->completions != before)
		return true;
	counter_add(&q->full, 1);
	return false;
}

int
hvnet_tx(struct hvnet *h, uint32_t queue, const struct hvnet_frame *in,
    uint32_t n)
{
	uint32_t i = 0;

	if (queue >= h->queues)
		return HVNET_INVALID;
	if (frames_gone(h))
		return HVNET_GONE;
	frames_call(h, queue);
	while (i < n) {
		const struct vec v = { in[i].data, in[i].len };
		struct pkt_meta meta;
		int rc;

		memcpy(&meta, &in[i].meta, sizeof(meta));
		rc = vsc_tx_copy(h->vsc, queue, &v, 1, &meta);
		if (rc == E_AGAIN) {
			if (frames_make_room(h, queue))
				continue;
			break;
		}
		if (rc == E_GONE)
			break;
		if (rc < 0)
			counter_add(&h->queue[queue].invalid, 1);
		i++;
	}
	vsc_tx_flush(h->vsc, queue);
	return (int)i;
}

int
hvnet_tx_reserve(struct hvnet *h, uint32_t queue, struct hvnet_room *room)
{
	struct vsc_tx_room r;
	int rc;

	if (queue >= h->queues)
		return HVNET_INVALID;
	if (frames_gone(h))
		return HVNET_GONE;
	frames_call(h, queue);
	do {
		rc = vsc_tx_reserve(h->vsc, queue, &r);
	} while (rc == E_AGAIN && frames_make_room(h, queue));
	if (rc < 0)
		return rc == E_AGAIN ? HVNET_FULL : HVNET_GONE;
	room->pieces = r.nvec;
	for (uint32_t i = 0; i < r.nvec; i++) {
		room->piece[i].data = r.vec[i].p;
		room->piece[i].len = r.vec[i].len;
	}
	room->own[0] = r.section;
	room->own[1] = r.slot;
	room->own[2] = r.head_off;
	return 0;
}

int
hvnet_tx_submit(struct hvnet *h, uint32_t queue, struct hvnet_room *room,
    uint32_t len, const struct hvnet_meta *meta)
{
	struct vsc_tx_room r = { .nvec = room->pieces,
		.section = room->own[0], .slot = room->own[1],
		.head_off = room->own[2] };
	struct pkt_meta m;

	if (queue >= h->queues || room->pieces > ARRAY_LEN(r.vec))
		return HVNET_INVALID;
	if (frames_gone(h))
		return HVNET_GONE;
	for (uint32_t i = 0; i < r.nvec; i++)
		r.vec[i] = (struct vec){ room->piece[i].data,
			room->piece[i].len };
	memcpy(&m, meta, sizeof(m));
	if (vsc_tx_submit(h->vsc, queue, &r, len, &m) < 0) {
		counter_add(&h->queue[queue].invalid, 1);
		return HVNET_INVALID;
	}
	return 0;
}

int
hvnet_tx_flush(struct hvnet *h, uint32_t queue)
{
	if (queue >= h->queues)
		return HVNET_INVALID;
	if (frames_gone(h))
		return HVNET_GONE;
	vsc_tx_flush(h->vsc, queue);
	return 0;
}
