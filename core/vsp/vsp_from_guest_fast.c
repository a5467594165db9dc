/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path of a frame from the guest: in one pass.
 *
 * Theory of operation.  Most small frames come in an
 * RNDIS message that requests no offload: it has no per-packet information, or
 * only the hash value of FreeBSD's and DPDK's drivers, which we do not read.
 * Here we decode such a message and hand its frame to the backend, with the
 * same result as the general path (vsp_from_guest_frame.c) but without its
 * choices.  That path handles everything else and starts again from the guest's
 * memory: this one takes a frame or does nothing, and neither drops nor counts
 * a refusal.
 *
 * Header and start of the frame are copied out once each, and only the copies
 * are looked at.  No byte is copied that is not needed: its cache line would
 * come from the guest's processor, and go back there for the next frame.
 *
 * The same for a message that lies in several pieces, as of a guest that sends
 * by address, with its header in one of them.
 *
 * tests/unit/test_vsp_from_guest_fast.c holds all paths against each other.
 *
 * Context: the worker that owns the queue.
 */
#include "pkt/pkt_load.h"
#include "vsp/vsp_priv.h"
#include "wire/rndis_pkt.h"

#define HDR	((uint32_t)sizeof(struct rndis_packet_wire))

/* A message without offload requests. */
struct fast_msg {
	uint32_t len;			/* of the whole message */
	uint32_t data_off, data_len;	/* from its first byte */
};

/* The one per-packet information that changes nothing here. */
static inline bool
fast_ppi(const uint8_t *msg)
{
	struct rndis_ppi_wire w;

	copy_once(&w, msg + HDR, sizeof(w));
	return le32_get(w.size) == RNDIS_PPI_BYTES &&
	    le32_get(w.type) == RNDIS_PPI_HASH_VALUE &&
	    le32_get(w.data_off) == sizeof(w);
}

/*
 * Decode the header of a message of at most `left` bytes at p, where `here` >=
 * HDR of them are in one piece.
 */
static inline bool
fast_decode(const uint8_t *p, uint32_t here, uint32_t left,
    struct fast_msg *m)
{
	struct rndis_packet_wire w;
	uint32_t ppi, off;

	copy_once(&w, p, sizeof(w));
	m->len = le32_get(w.len);
	m->data_len = le32_get(w.data_len);
	off = le32_get(w.data_off);
	ppi = le32_get(w.ppi_len);
	if (le32_get(w.type) != RNDIS_PACKET || m->len < HDR || m->len > left)
		return false;
	if ((le32_get(w.oob_len) | le32_get(w.oob_count) |
	    le32_get(w.vc)) != 0)
		return false;
	if (off < HDR - RNDIS_OFF_BASE + ppi ||
	    !range_ok(off, m->data_len, m->len - RNDIS_OFF_BASE))
		return false;
	m->data_off = RNDIS_OFF_BASE + off;
	if (ppi == 0)
		return true;
	return ppi == RNDIS_PPI_BYTES && HDR + ppi <= here &&
	    le32_get(w.ppi_off) == HDR - RNDIS_OFF_BASE && fast_ppi(p);
}

/* May an untagged frame from this address, len bytes long, pass the port? */
static inline bool
fast_port(const struct vsp *vsp, const uint8_t *frame, uint32_t len)
{
	uint16_t type = pkt_be16_load(frame + 12);

	return vsp->cfg.link_up && vsp->cfg.loss_ppm == 0 &&
	    vsp->cfg.vlan != VSP_VLAN_ACCESS && type != PKT_TYPE_VLAN &&
	    type != PKT_TYPE_SVLAN && (frame[6] & 1) == 0 &&
	    memcmp(frame + 6, vsp->guest.mac, 6) == 0 &&
	    len <= pkt_frame_max(vsp->mtu, 0);
}

uint32_t
vsp_from_guest_fast(struct vsp_queue *q, uint8_t *p, uint32_t left)
{
	struct vsp *vsp = q->vsp;
	struct vsp_from_guest *from = &q->from;
	struct vsp_from_guest_counters *c = &vsp->counts[q->index].from;
	struct fast_msg m;
	uint32_t head;

	if (left < HDR || !fast_decode(p, left, left, &m) ||
	    m.data_len < PKT_ETH_BYTES)
		return 0;
	head = min_u32(m.data_len, VSP_HEAD_BYTES);
	copy_once(from->head, p + m.data_off, head);
	if (!fast_port(vsp, from->head, m.data_len))
		return 0;

	struct vsp_frame f = {
		.vec = from->out, .nvec = 1, .len = m.data_len,
	};

	from->out[0] = (struct vec){ from->head, head };
	if (head < m.data_len)
		from->out[f.nvec++] = (struct vec){
		    p + m.data_off + head, m.data_len - head };
	counter_add(&c->frames, 1);
	counter_add(&c->bytes, m.data_len);
	from->unflushed = true;
	vsp->ops.from_guest(vsp->ctx, q->index, &f);
	return m.len;
}

/*
 * Head and rest of a frame of len bytes at a place of the pieces, the head
 * copied.  Returns the pieces of the frame.
 */
static uint32_t
fast_pieces(struct vsp_from_guest *from, struct vsp_place at, uint32_t len,
    uint32_t head)
{
	uint32_t got = 0, n = 1;

	from->out[0] = (struct vec){ from->head, head };
	for (; len != 0; at.i++, at.at = 0) {
		uint8_t *p = (uint8_t *)from->msg[at.i].p + at.at;
		uint32_t here = min_u32(from->msg[at.i].len - at.at, len);
		uint32_t copy = min_u32(here, head - got);

		copy_once(from->head + got, p, copy);
		got += copy;
		if (copy < here)
			from->out[n++] = (struct vec){ p + copy, here - copy };
		len -= here;
	}
	return n;
}

uint32_t
vsp_from_guest_fast_pieces(struct vsp_queue *q, struct vsp_place at,
    uint32_t here, uint32_t left)
{
	struct vsp *vsp = q->vsp;
	struct vsp_from_guest *from = &q->from;
	struct vsp_from_guest_counters *c = &vsp->counts[q->index].from;
	const struct vec *v = &from->msg[at.i];
	struct vsp_frame f = { .vec = from->out };
	struct fast_msg m;

	here = min_u32(here, v->len - at.at);
	if (here < HDR || left < HDR ||
	    !fast_decode((const uint8_t *)v->p + at.at, here, left, &m) ||
	    m.data_len < PKT_ETH_BYTES)
		return 0;
	vsp_place_move(from->msg, &at, m.data_off);
	f.len = m.data_len;
	f.nvec = fast_pieces(from, at, m.data_len,
	    min_u32(m.data_len, VSP_HEAD_BYTES));
	if (!fast_port(vsp, from->head, m.data_len))
		return 0;
	counter_add(&c->frames, 1);
	counter_add(&c->bytes, m.data_len);
	from->unflushed = true;
	vsp->ops.from_guest(vsp->ctx, q->index, &f);
	return m.len;
}
