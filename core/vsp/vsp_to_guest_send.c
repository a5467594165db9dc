/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finished frames on their way to the ring, and sections on their way back.
 *
 * Theory of operation.  A finished frame is a chain of sections, each with an
 * RNDIS message of its own.  Frames wait in one list a queue until there are
 * enough for a type 7 packet, or until the flush; the packet's ranges are the
 * sections of as many whole frames as fit.  Its transaction id is the index of
 * the first section: DPDK's driver requires one below the slot count and unique
 * while outstanding.  The completion gives all the sections back.
 *
 * If the ring is full the list stays, ring_full is set, and the end of the next
 * pass over the ring (vsp_to_guest_resume()) tries again; meanwhile the backend
 * gets E_AGAIN.  So no more can wait than there are sections.
 *
 * A frame for another queue's ring is pushed on that queue's `in` list and
 * sent by its owner; when acknowledged there, its sections go home by `back`
 * lists.  Two queues of one worker use the same lists.  A section is "lent"
 * while a queue other than its home uses it.  A queue that has lent half of its
 * sections takes no more frames from its backend until some are home again.
 * This bounds every queue of frames, and frames wait rather than get lost.
 *
 * Context: the worker that owns the queue; control functions say so.
 */
#include "vsp/vsp_priv.h"

/* Descriptor, extension, NVSP message, trailer. */
#define SEND_PACKET_BYTES(n) \
	(16u + VMPKT_XFER_EXT_BYTES(n) + NVS_MSG_BYTES_6_1 + 8u)

static struct vsp_to_guest_counters *
send_counts(const struct vsp_queue *q)
{
	return &q->vsp->counts[q->index].to;
}

/* ---- lists --------------------------------------------------------------- */

static void
send_append(struct vsp_queue *q, uint32_t first)
{
	struct vsp_to_guest *t = &q->to;
	struct vsp_section *section = q->vsp->rxbuf.section;

	section[first].link = VSP_SECTION_NONE;
	if (t->first == VSP_SECTION_NONE)
		t->first = first;
	else
		section[t->last].link = first;
	t->last = first;
	t->ranges += section[first].count;
}

/* Give a chain of sections back; kicks homes that starve (lack sections). */
static void
send_chain_free(struct vsp_queue *q, uint32_t s)
{
	struct vsp *vsp = q->vsp;

	while (s != VSP_SECTION_NONE) {
		uint32_t next = vsp->rxbuf.section[s].next;
		const uint8_t *p = vsp_rxbuf_ptr(&vsp->rxbuf, s);

		/*
		 * It is the next to be used, and its lines are in the cache of
		 * the guest's processor: prefetch them.
		 */
		os_prefetch_write(p);
		os_prefetch_write(p + VSP_SECTION_HEAD);

		uint32_t home = vsp_rxbuf_put(&vsp->rxbuf, q->index, s);

		if (home != VSP_SECTION_NONE)
			q->to.kick |= (uint64_t)1 << home;
		s = next;
	}
}

static void
send_hand_over(struct vsp_queue *q, uint32_t target, uint32_t first)
{
	struct vsp *vsp = q->vsp;
	struct vsp_rxbuf *rb = &vsp->rxbuf;

	for (uint32_t s = first; s != VSP_SECTION_NONE;
	    s = rb->section[s].next) {
		rb->section[s].lent = true;
		rb->home[q->index].lent++;
	}
	vsp_handover_push(&vsp->queue[target]->to.in, rb->section, first);
	q->to.kick |= (uint64_t)1 << target;
}

void
vsp_to_guest_handed_over(struct vsp_queue *q)
{
	const struct vsp_section *section = q->vsp->rxbuf.section;
	uint32_t s = vsp_handover_take(&q->to.in, q->vsp->rxbuf.section);

	while (s != VSP_SECTION_NONE) {
		uint32_t link = section[s].link;

		send_append(q, s);
		s = link;
	}
}

void
vsp_to_guest_emit(struct vsp_queue *q, uint32_t target, uint32_t first,
    uint32_t count)
{
	struct vsp *vsp = q->vsp;

	vsp->rxbuf.section[first].count = (uint16_t)count;
	if (target != q->index && vsp->queue[target] != NULL) {
		send_hand_over(q, target, first);
		return;
	}
	send_append(q, first);
	if (q->to.ranges >= VSP_PACKET_RANGES && !q->to.ring_full)
		vsp_to_guest_send(q);
}

/* ---- to the ring --------------------------------------------------------- */

/* Ranges of as many whole frames as fit, to t->ext; *after: the next frame. */
static uint32_t
send_ranges(struct vsp_queue *q, uint32_t *after)
{
	struct vsp_to_guest *t = &q->to;
	const struct vsp_rxbuf *rb = &q->vsp->rxbuf;
	uint32_t n = 0;
	uint32_t first = t->first;

	while (first != VSP_SECTION_NONE &&
	    n + rb->section[first].count <= VSP_PACKET_RANGES) {
		for (uint32_t s = first; s != VSP_SECTION_NONE;
		    s = rb->section[s].next)
			vmpkt_xfer_range_put(t->ext, n++, rb->section[s].bytes,
			    s * rb->section_bytes);
		first = rb->section[first].link;
	}
	*after = first;
	return n;
}

/*
 * Put a packet; when the ring is full, publish what is in it and request room.
 * 0, E_AGAIN, or another error with the queue failed.
 */
static int
send_packet(struct vsp_queue *q, const struct vmpkt_out *p, uint32_t bytes)
{
	for (bool retried = false;; retried = true) {
		int rc = chan_send(q->chan, p);

		if (rc == 0) {
			q->to.uncommitted = true;
			return 0;
		}
		/* The channel noted the fault. */
		if (rc == E_PEER)
			q->dead = true;
		if (rc != E_AGAIN)
			return rc;
		chan_commit(q->chan);
		q->to.uncommitted = false;
		counter_add(&send_counts(q)->ring_full, 1);
		if (!vsp_queue_want_space(q, bytes) || retried)
			return E_AGAIN;
	}
}

/* The packet is in the ring: its frames become one chain. */
static void
send_done(struct vsp_queue *q, uint32_t after)
{
	struct vsp_to_guest *t = &q->to;
	struct vsp_section *section = q->vsp->rxbuf.section;
	uint32_t head = t->first;
	uint32_t prev = VSP_SECTION_NONE;

	for (uint32_t f = head; f != after; f = section[f].link) {
		if (prev != VSP_SECTION_NONE)
			section[prev].next = f;
		for (uint32_t s = f; s != VSP_SECTION_NONE;
		    s = section[s].next) {
			os_st32(&section[s].state, VSP_SECTION_SENT_MORE);
			section[s].queue = (uint16_t)q->index;
			prev = s;
		}
	}
	os_st32(&section[head].state, VSP_SECTION_SENT(q->index));
	t->first = after;
	counter_add(&send_counts(q)->packets, 1);
}

void
vsp_to_guest_send(struct vsp_queue *q)
{
	const struct vsp *vsp = q->vsp;
	struct vsp_to_guest *t = &q->to;

	t->ring_full = false;
	while (t->first != VSP_SECTION_NONE && !q->dead) {
		uint32_t after;
		uint32_t n = send_ranges(q, &after);
		const struct vmpkt_out p = {
			.type = VMPKT_XFER_PAGES,
			.flags = VMPKT_F_COMPLETE,
			.xact = t->first,
			.ext = { t->ext, vmpkt_xfer_head_put(t->ext,
			    vsp->rxbuf.id, n) },
			.data = { t->nvs, sizeof(t->nvs) },
		};

		if (send_packet(q, &p, SEND_PACKET_BYTES(n)) != 0) {
			t->ring_full = true;
			return;
		}
		send_done(q, after);
		t->ranges -= n;
	}
}

/* ---- back from the guest ------------------------------------------------- */

int
vsp_to_guest_ack(struct vsp_queue *q, uint64_t xact, struct span data,
    enum fault *why)
{
	const struct vsp_rxbuf *rb = &q->vsp->rxbuf;

	(void)data;		/* a guest cannot refuse a frame */
	if (xact >= rb->sections)
		return peer_bad(why, FAULT_XACT_ID);

	if (os_ld32(&rb->section[xact].state) != VSP_SECTION_SENT(q->index))
		return peer_bad(why, FAULT_XACT_ID);
	counter_add(&send_counts(q)->acks, 1);
	send_chain_free(q, (uint32_t)xact);
	return 0;
}

bool
vsp_to_guest_sections_back(struct vsp_queue *q, uint32_t want)
{
	struct vsp_rxbuf *rb = &q->vsp->rxbuf;

	return (vsp_rxbuf_ready(rb, q->index) >= want &&
	    !vsp_rxbuf_lent_out(rb, q->index)) ||
	    vsp_rxbuf_starve(rb, q->index, want);
}

/* ---- control ------------------------------------------------------------- */

int
vsp_to_guest_control(struct vsp *vsp, struct span msg)
{
	struct vsp_queue *q = vsp->queue[0];
	struct vsp_rxbuf *rb = &vsp->rxbuf;
	const struct nvs_msg m = { .type = NVS_RNDIS, .rndis = {
	    NVS_CHANNEL_CONTROL, NVS_SECTION_NONE, 0 } };
	uint8_t nvs[NVS_MSG_BYTES_MAX];
	uint8_t ext[VMPKT_XFER_EXT_BYTES(1)];
	uint32_t bytes = align_up(msg.len, 8);

	if (q == NULL || rb->base == NULL)
		return E_GONE;
	if (bytes > rb->section_bytes)
		return E_NOTSUP;
	if (vsp_rxbuf_ready(rb, VSP_HOME_CONTROL) == 0)
		return E_AGAIN;

	uint32_t s = vsp_rxbuf_pop(rb, VSP_HOME_CONTROL);
	struct vmpkt_xfer_range range = { bytes, s * rb->section_bytes };
	struct vsp_section *x = &rb->section[s];

	memcpy(vsp_rxbuf_ptr(rb, s), msg.p, msg.len);
	memset(vsp_rxbuf_ptr(rb, s) + msg.len, 0, bytes - msg.len);
	x->count = 1;
	x->bytes = bytes;

	const struct vmpkt_out p = {
		.type = VMPKT_XFER_PAGES,
		.flags = VMPKT_F_COMPLETE,
		.xact = s,
		.ext = { ext, vmpkt_xfer_ext_put(ext, rb->id, &range,
		    1) },
		.data = { nvs, nvs_msg_encode(&m, NVS_MSG_BYTES_6_1, nvs) },
	};
	int rc = send_packet(q, &p, SEND_PACKET_BYTES(1));

	if (rc != 0) {
		vsp_rxbuf_put(rb, 0, s);
		return rc;
	}
	os_st32(&x->state, VSP_SECTION_SENT(0));
	x->queue = 0;
	q->to.uncommitted = false;
	chan_commit(q->chan);
	return 0;
}

/* Drop a list of frames; vsp_rxbuf_share() collects their sections. */
static void
send_list_forget(struct vsp_rxbuf *rb, uint32_t first)
{
	for (uint32_t f = first; f != VSP_SECTION_NONE;
	    f = rb->section[f].link) {
		for (uint32_t s = f; s != VSP_SECTION_NONE;
		    s = rb->section[s].next)
			rb->section[s].state = VSP_SECTION_FREE;
	}
}

void
vsp_to_guest_reset(struct vsp_queue *q)
{
	struct vsp_rxbuf *rb = &q->vsp->rxbuf;
	struct vsp_to_guest *t = &q->to;

	if (rb->base != NULL) {
		send_list_forget(rb, t->first);
		send_list_forget(rb, vsp_handover_take(&t->in, rb->section));
	}
	t->first = t->last = VSP_SECTION_NONE;
	t->in.head = 0;
	t->ranges = 0;
	t->ring_full = t->uncommitted = t->wake = t->cut.held = false;
	t->kick = 0;
}

void
vsp_to_guest_forget(struct vsp *vsp)
{
	if (vsp->rxbuf.base == NULL)
		return;
	for (uint32_t i = 0; i < VSP_MAX_QUEUES; i++) {
		if (vsp->queue[i] != NULL && (vsp->rxbuf.open >> i & 1) != 0)
			vsp_to_guest_reset(vsp->queue[i]);
	}
}

int
vsp_to_guest_open(struct vsp_queue *q)
{
	struct vsp *vsp = q->vsp;
	struct vsp_to_guest *t = &q->to;
	const struct nvs_msg m = { .type = NVS_RNDIS, .rndis = {
	    NVS_CHANNEL_DATA, NVS_SECTION_NONE, 0 } };
	uint8_t nvs[NVS_MSG_BYTES_MAX];

	memset(t, 0, sizeof(*t));
	t->bounce = vsp->ops.alloc(vsp->ctx, VSP_FRAME_MAX);
	if (t->bounce == NULL)
		return E_NOMEM;
	nvs_msg_encode(&m, NVS_MSG_BYTES_6_1, nvs);
	memcpy(t->nvs, nvs, sizeof(t->nvs));
	t->first = t->last = VSP_SECTION_NONE;
	/* A first guess: TCP over IPv4 with time stamps. */
	t->guess_hdr = PKT_ETH_BYTES + 20 + 32;
	t->guess_seg = vsp->mtu - 20 - 32;
	vsp->rxbuf.open |= (uint64_t)1 << q->index;
	vsp_rxbuf_share(&vsp->rxbuf);
	return 0;
}

void
vsp_to_guest_close(struct vsp_queue *q)
{
	struct vsp *vsp = q->vsp;

	if (q->to.bounce == NULL)
		return;
	vsp_to_guest_reset(q);
	vsp->rxbuf.open &= ~((uint64_t)1 << q->index);
	vsp_rxbuf_share(&vsp->rxbuf);
	vsp->ops.free(vsp->ctx, q->to.bounce, VSP_FRAME_MAX);
	q->to.bounce = NULL;
}
