/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NetVSP with nothing but its to-guest half, on channels that record what is
 * sent.  Frames are taken out of the recorded packets as a guest would, and
 * given to the tests with their per-packet info.
 */
#ifndef TESTS_UNIT_VSP_TO_GUEST_RIG_H
#define TESTS_UNIT_VSP_TO_GUEST_RIG_H

#include "test_pkt_frame.h"

#include "pkt/pkt_csum.h"
#include "vsp/vsp_priv.h"
#include "wire/ndis_obj.h"

#define RIG_QUEUES	4u
#define RIG_PACKETS	4096u
#define RIG_FRAMES	4096u
/* Not what any driver of ours calls its receive buffer. */
#define RIG_RX_ID	0xbeadu

struct rig_packet {
	uint32_t queue;
	uint64_t xact;
	bool acked;
	uint32_t ranges;
	struct vmpkt_xfer_range range[VSP_PACKET_RANGES];
	struct nvs_rndis nvs;
	uint32_t nvs_bytes;
};

/* A frame as the guest got it. */
struct rig_frame {
	uint32_t queue;
	struct rndis_ppi_set ppi;	/* of the first fragment */
	uint32_t frags;			/* 0: not RSC */
	uint32_t frag_len[VSP_PACKET_RANGES];
	uint32_t len;
	uint8_t *bytes;
};

struct rig {
	struct vsp *vsp;
	struct chan chan[RIG_QUEUES];
	uint8_t *buf;
	uint32_t buf_bytes;
	/* the ring: how many packets it still takes */
	uint32_t room[RIG_QUEUES];
	bool wanted[RIG_QUEUES];
	uint32_t commits[RIG_QUEUES];
	struct rig_packet *packet;
	uint32_t packets, seen;
	struct rig_frame *frame;
	uint32_t frames;
	/* calls */
	uint32_t wakes[RIG_QUEUES], kicks[RIG_QUEUES], steerings;
	bool one_owner;
	long allocs;
	bool alloc_fails;
};

static struct rig *the_rig;

/* ---- channel ------------------------------------------------------------- */

static int
rig_send(struct chan *c, const struct vmpkt_out *p)
{
	struct rig *r = the_rig;
	uint32_t k = c->subindex;
	struct rig_packet *o = &r->packet[r->packets];
	struct vmpkt_xfer x;
	enum fault why;

	if (r->room[k] == 0)
		return E_AGAIN;
	r->room[k]--;
	assert_true(r->packets < RIG_PACKETS);
	r->packets++;
	assert_int_equal(p->type, VMPKT_XFER_PAGES);
	assert_int_equal(p->flags, VMPKT_F_COMPLETE);
	assert_int_equal(p->ext.len % 8, 0);
	memset(o, 0, sizeof(*o));
	o->queue = k;
	o->xact = p->xact;
	assert_int_equal(vmpkt_xfer_decode(&x, p->ext, &why), 0);
	assert_int_equal(x.pageset, RIG_RX_ID);
	assert_true(x.count <= VSP_PACKET_RANGES);
	o->ranges = x.count;
	for (uint32_t i = 0; i < x.count; i++)
		o->range[i] = vmpkt_xfer_range(&x, i);
	assert_true(nvs_rndis_get(&o->nvs, p->data));
	o->nvs_bytes = p->data.len;
	return 0;
}

static void
rig_commit(struct chan *c)
{
	the_rig->commits[c->subindex]++;
}

static bool
rig_want_space(struct chan *c, uint32_t bytes)
{
	assert_true(bytes >= 16 + 16 + 40 + 8);
	the_rig->wanted[c->subindex] = true;
	return the_rig->room[c->subindex] > 0;
}

static const struct chan_ops rig_chan_ops = {
	.caps = CHAN_CAP_SPACE,
	.send = rig_send,
	.commit = rig_commit,
	.want_space = rig_want_space,
};

/* ---- ops ----------------------------------------------------------------- */

static void *
rig_alloc(void *ctx, size_t bytes)
{
	struct rig *r = ctx;
	void *p;

	if (r->alloc_fails)
		return NULL;
	r->allocs++;
	p = aligned_alloc(64, (bytes + 63) / 64 * 64);
	assert_non_null(p);
	memset(p, 0, bytes);
	return p;
}

static void
rig_free(void *ctx, void *p, size_t bytes)
{
	struct rig *r = ctx;

	(void)bytes;
	if (p != NULL)
		r->allocs--;
	free(p);
}

static void
rig_wake(void *ctx, uint32_t queue)
{
	((struct rig *)ctx)->wakes[queue]++;
}

static void
rig_kick(void *ctx, uint32_t queue)
{
	((struct rig *)ctx)->kicks[queue]++;
}

static bool
rig_same_owner(void *ctx, uint32_t a, uint32_t b)
{
	assert_true(a != b);
	return ((struct rig *)ctx)->one_owner;
}

static void
rig_steering(void *ctx)
{
	((struct rig *)ctx)->steerings++;
}

/* ---- life ---------------------------------------------------------------- */

static inline void
rig_queue_open(struct rig *r, uint32_t k)
{
	struct vsp_queue *q = rig_alloc(r, sizeof(*q));

	r->chan[k] = (struct chan){ .ops = &rig_chan_ops,
	    .subindex = (uint16_t)k };
	r->room[k] = RIG_PACKETS;
	q->vsp = r->vsp;
	q->chan = &r->chan[k];
	q->index = k;
	r->vsp->queue[k] = q;
	assert_int_equal(vsp_to_guest_open(q), 0);
	vsp_steer_queues_changed(r->vsp);
}

static inline void
rig_queue_close(struct rig *r, uint32_t k)
{
	struct vsp_queue *q = r->vsp->queue[k];

	vsp_to_guest_close(q);
	r->vsp->queue[k] = NULL;
	vsp_steer_queues_changed(r->vsp);
	rig_free(r, q, sizeof(*q));
}

/* queues open, a receive buffer of `sections`, RNDIS up, our MAC 02..07. */
static inline struct rig *
rig_new(uint32_t queues, uint32_t sections)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct vsp *vsp;

	assert_non_null(r);
	the_rig = r;
	r->packet = calloc(RIG_PACKETS, sizeof(*r->packet));
	r->frame = calloc(RIG_FRAMES, sizeof(*r->frame));
	vsp = r->vsp = rig_alloc(r, sizeof(*vsp));
	vsp->ctx = r;
	vsp->ops.alloc = rig_alloc;
	vsp->ops.free = rig_free;
	vsp->ops.to_guest_wake = rig_wake;
	vsp->ops.handover_kick = rig_kick;
	vsp->ops.same_owner = rig_same_owner;
	vsp->ops.steering = rig_steering;
	vsp->cfg.mtu = 1500;
	vsp_mtu_set(vsp);
	vsp->cfg.max_queues = RIG_QUEUES;
	vsp->cfg.offloads = VSP_OFF_ALL;
	vsp->cfg.link_up = true;
	vsp->guest.nvsp_version = NVS_V6_1;
	vsp->guest.rndis_up = true;
	vsp->guest.vlan_cap = vsp->guest.rsc_cap = true;
	vsp->guest.rsc4 = vsp->guest.rsc6 = true;
	vsp->guest.csum_rx = VSP_CS_IP4 | VSP_CS_TCP4 | VSP_CS_UDP4 |
	    VSP_CS_TCP6 | VSP_CS_UDP6;
	vsp->guest.filter = NDIS_FILTER_DIRECTED | NDIS_FILTER_BROADCAST;
	for (uint32_t i = 0; i < 6; i++)
		vsp->guest.mac[i] = (uint8_t)(0x02 + i);
	vsp_steer_reset(vsp);
	for (uint32_t k = 0; k < queues; k++)
		rig_queue_open(r, k);
	/* vsp_data_up() wants to see one; nobody looks into it. */
	vsp->rx_gpadl = (struct vms_gpadl *)(void *)vsp;
	r->buf_bytes = sections * 1792;
	r->buf = malloc(r->buf_bytes);
	memset(r->buf, 0xee, r->buf_bytes);	/* what was there before */
	assert_int_equal(vsp_rxbuf_attach(vsp, RIG_RX_ID, r->buf,
	    r->buf_bytes), 0);
	return r;
}

static inline void
rig_frames_forget(struct rig *r)
{
	for (uint32_t i = 0; i < r->frames; i++)
		free(r->frame[i].bytes);
	r->frames = 0;
}

static inline void
rig_end(struct rig *r)
{
	rig_frames_forget(r);
	for (uint32_t k = 0; k < RIG_QUEUES; k++) {
		if (r->vsp->queue[k] != NULL)
			rig_queue_close(r, k);
	}
	vsp_rxbuf_detach(r->vsp);
	rig_free(r, r->vsp, sizeof(*r->vsp));
	assert_int_equal(r->allocs, 0);
	free(r->packet);
	free(r->frame);
	free(r->buf);
	free(r);
	the_rig = NULL;
}

/* ---- the guest ----------------------------------------------------------- */

static inline void
rig_range_take(struct rig *r, const struct rig_packet *p, uint32_t i,
    struct rig_frame **open)
{
	struct vmpkt_xfer_range range = p->range[i];
	struct rndis_packet d;
	struct rig_frame *f;
	enum fault why;

	assert_true(range_ok(range.offset, range.bytes, r->buf_bytes));
	assert_true(range.bytes <= r->vsp->rxbuf.section_bytes);
	assert_int_equal(rndis_packet_decode(&d, (struct span){
	    r->buf + range.offset, range.bytes }, &why), 0);
	assert_int_equal(d.msg_len, range.bytes);
	assert_false(d.oob);
	assert_in_range(d.data_off + d.data_len, range.bytes - 7, range.bytes);
	for (uint32_t at = d.data_off + d.data_len; at < range.bytes; at++)
		assert_int_equal(r->buf[range.offset + at], 0);

	bool frag = (d.ppi.present & RNDIS_HAS_FRAG) != 0;

	if (!frag || (d.ppi.frag_flags & RNDIS_FRAG_FIRST)) {
		assert_null(*open);
		assert_true(r->frames < RIG_FRAMES);
		f = &r->frame[r->frames++];
		memset(f, 0, sizeof(*f));
		f->queue = p->queue;
		f->ppi = d.ppi;
		f->bytes = malloc(VSP_FRAME_MAX);
	} else {
		f = *open;
		assert_non_null(f);
		assert_int_equal(d.ppi.frag_id, f->ppi.frag_id);
		assert_int_equal(d.ppi.present, RNDIS_HAS_FRAG);
	}
	assert_true(f->len + d.data_len <= VSP_FRAME_MAX);
	memcpy(f->bytes + f->len, r->buf + range.offset + d.data_off,
	    d.data_len);
	f->len += d.data_len;
	if (frag) {
		assert_true((d.ppi.frag_flags & RNDIS_FRAG_SUBALLOC) != 0);
		f->frag_len[f->frags++] = d.data_len;
	}
	*open = frag && !(d.ppi.frag_flags & RNDIS_FRAG_LAST) ? f : NULL;
}

/* Take the frames out of all packets not looked at before. */
static inline void
rig_receive(struct rig *r)
{
	for (; r->seen < r->packets; r->seen++) {
		const struct rig_packet *p = &r->packet[r->seen];
		struct rig_frame *open = NULL;

		if (p->nvs.channel != NVS_CHANNEL_DATA)
			continue;
		assert_int_equal(p->xact * r->vsp->rxbuf.section_bytes,
		    p->range[0].offset);
		for (uint32_t i = 0; i < p->ranges; i++)
			rig_range_take(r, p, i, &open);
		assert_null(open);
	}
}

static inline int
rig_ack(struct rig *r, uint32_t k, uint64_t xact)
{
	enum fault why = FAULT_NONE;
	int rc = vsp_to_guest_ack(r->vsp->queue[k], xact,
	    (struct span){ NULL, 0 }, &why);

	if (rc != 0)
		assert_int_equal(why, FAULT_XACT_ID);
	return rc;
}

/* Receive all, acknowledge every packet of queue k, and end the pass. */
static inline void
rig_ack_all(struct rig *r, uint32_t k)
{
	rig_receive(r);
	for (uint32_t i = 0; i < r->packets; i++) {
		if (r->packet[i].queue != k || r->packet[i].acked)
			continue;
		assert_int_equal(rig_ack(r, k, r->packet[i].xact), 0);
		r->packet[i].acked = true;
	}
	vsp_to_guest_resume(r->vsp->queue[k]);
}

/* All TCP to queue k. */
static inline void
rig_steer(struct rig *r, uint32_t k)
{
	vsp_steer_set(r->vsp, PKT_HASH_TCP4 | PKT_HASH_TCP6, NULL, &k, 1);
}

/* ---- the backend --------------------------------------------------------- */

/* Reserve, "readv" and submit. */
static inline int
rig_put(struct rig *r, uint32_t k, const uint8_t *frame, uint32_t len,
    uint32_t usual, const struct pkt_meta *m)
{
	struct vsp_room room;
	int rc = vsp_to_guest_reserve(r->vsp, k, usual, &room);

	if (rc != 0)
		return rc;
	assert_int_equal(pkt_vec_bytes(room.vec, room.nvec), VSP_FRAME_MAX);
	assert_int_equal(pkt_vec_scatter(room.vec, room.nvec, 0, frame, len),
	    len);
	return vsp_to_guest_submit(r->vsp, k, &room, len, m);
}

#define RIG_MAX_GSO	65550u
#define RIG_MAX_PLAIN	1518u

/* Turn a complete TCP frame into what a TAP gives for GSO. */
static inline struct pkt_meta
rig_gso(uint8_t *f, const struct frame_spec *s, uint16_t gso_size)
{
	uint32_t l3 = frame_l3(s), l4 = frame_l4(s);
	struct pkt_meta m = {
		.flags = PKT_CSUM_PARTIAL |
		    (s->version == 4 ? PKT_GSO_TCP4 : PKT_GSO_TCP6),
		.csum_start = (uint16_t)l4,
		.csum_offset = 16,
		.gso_size = gso_size,
		.hdr_len = (uint16_t)frame_hdr(s),
	};

	put16(f + l4 + 16, naive_pseudo(f + l3, 6, frame_len(s) - l4));
	return m;
}

static inline struct pkt_meta
rig_partial(uint8_t *f, const struct frame_spec *s)
{
	uint32_t l3 = frame_l3(s), l4 = frame_l4(s);
	struct pkt_meta m = {
		.flags = PKT_CSUM_PARTIAL,
		.csum_start = (uint16_t)l4,
		.csum_offset = s->proto == 6 ? 16 : 6,
	};

	put16(f + l4 + m.csum_offset, naive_pseudo(f + l3, s->proto,
	    frame_len(s) - l4));
	return m;
}

static inline struct vsp_to_guest_counters *
rig_counts(struct rig *r, uint32_t k)
{
	return &r->vsp->counts[k].to;
}

/* ---- expectations ------------------------------------------------------- */

static const struct pkt_meta none = { 0 };

static const struct frame_spec tcp4 = { .version = 4, .proto = 6,
    .tcp_opts = 12, .flags = 0x18, .df = true, .id = 0x1234, .host = 1,
    .sport = 40000, .seq = 0xfffff000, .ack = 7, .window = 512,
    .payload = 1448 };
static const struct frame_spec tcp6 = { .version = 6, .proto = 6,
    .tcp_opts = 12, .flags = 0x18, .host = 1, .sport = 40000, .seq = 1000,
    .payload = 1428 };

/* The only frame received equals want. */
static inline struct rig_frame *
the_frame(struct rig *r, const uint8_t *want, uint32_t len)
{
	vsp_to_guest_flush(r->vsp, 0);
	rig_receive(r);
	assert_int_equal(r->frames, 1);
	assert_int_equal(r->frame[0].len, len);
	if (want != NULL)
		assert_memory_equal(r->frame[0].bytes, want, len);
	return &r->frame[0];
}

/*
 * A GSO frame comes out as RSC fragments cut at its segment size, with the
 * bytes and PPIs that it must have.
 */
static inline void
expect_rsc(struct rig *r, const struct rig_frame *g, const uint8_t *f,
    const struct frame_spec *s, uint32_t seg)
{
	uint32_t n = (s->payload + seg - 1) / seg;
	uint32_t csum = s->version == 4 ? RNDIS_RXCSUM_IP_OK : 0;

	csum |= RNDIS_RXCSUM_TCP_OK;
	if (!r->vsp->cfg.rxcsum_complete)
		csum |= RNDIS_RXCSUM_TCP_NOVAL;
	assert_int_equal(g->frags, n);
	assert_int_equal(g->len, frame_len(s));
	assert_int_equal(g->frag_len[0], frame_hdr(s) + seg);
	for (uint32_t i = 1; i + 1 < n; i++)
		assert_int_equal(g->frag_len[i], seg);
	assert_int_equal(g->ppi.present, RNDIS_HAS_CSUM | RNDIS_HAS_FRAG);
	assert_int_equal(g->ppi.csum, csum);
	if (!r->vsp->cfg.rxcsum_complete)
		assert_memory_equal(g->bytes, f, g->len);
	else
		assert_true(frame_ok(g->bytes, g->len, s));
	assert_memory_equal(g->bytes + frame_hdr(s), f + frame_hdr(s),
	    s->payload);
}

/* What comes out of software segmentation is right by the bytewise sum. */
static inline void
expect_segments(struct rig *r, const uint8_t *f, const struct frame_spec *s,
    uint32_t seg)
{
	uint32_t n = (s->payload + seg - 1) / seg;
	uint32_t hdr = frame_hdr(s), l4 = frame_l4(s), l3 = frame_l3(s);
	uint32_t off = 0;

	vsp_to_guest_flush(r->vsp, 0);
	rig_receive(r);
	assert_int_equal(r->frames, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct rig_frame *g = &r->frame[i];
		struct frame_spec part = *s;

		part.payload = min_u32(seg, s->payload - off);
		assert_int_equal(g->len, frame_len(&part));
		assert_memory_equal(g->bytes + hdr, f + hdr + off,
		    part.payload);
		assert_int_equal(get32(g->bytes + l4 + 4), s->seq + off);
		assert_int_equal(g->bytes[l4 + 13],
		    i == n - 1 ? s->flags : s->flags & ~0x09);
		if (s->version == 4)
			assert_int_equal(get16(g->bytes + l3 + 4),
			    (s->id + i) & 0xffff);
		if (!(g->ppi.present & RNDIS_HAS_CSUM) ||
		    !(g->ppi.csum & RNDIS_RXCSUM_TCP_NOVAL))
			assert_true(frame_ok(g->bytes, g->len, &part));
		else
			assert_int_equal(get16(g->bytes + l4 + 16),
			    naive_pseudo(g->bytes + l3, 6, g->len - l4));
		off += part.payload;
	}
	rig_frames_forget(r);
}

#endif
