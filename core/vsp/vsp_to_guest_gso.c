/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GSO frames towards the guest: RSC fragments, or segments cut in software.
 *
 * Theory of operation.  RSC has no field for the segment size, so fragments
 * are cut at it: the first one holds the headers and one segment's payload,
 * each other one a segment's payload, and a guest may read the size off them.
 * With rsc_large fragments hold as many segments as a section takes: with
 * sections of 34 KiB two RNDIS headers for a 64 KiB frame instead of 45.  Our
 * own guest gets the size instead (rsc_sizes), by LSO info on the first
 * fragment; the kernels of virtual machines do not request it.  All fragments
 * are one chain, and so in one packet.  A guest without RSC, or a frame of more
 * fragments than a packet takes, gets whole TCP segments, each a frame of its
 * own.
 *
 * Two ways: in place, when the backend's read has put every piece where it
 * belongs (the guess was right) and only headers are missing; or by copying
 * from the bounce buffer or the caller's list.  Copied segments may run out of
 * sections half-way: the rest is held, and goes on at vsp_to_guest_resume().
 * The guest can write sections that hold the payload while we sum it: it only
 * gets a wrong checksum.
 *
 * Context: the worker of the queue that read the frame.
 */
#include "vsp/vsp_priv.h"

/* A list of sections of one frame, being made. */
struct gso_chain {
	uint32_t first, last, count;
};

static void
gso_chain_add(struct vsp_rxbuf *rb, struct gso_chain *c, uint32_t s)
{
	if (c->count++ == 0)
		c->first = s;
	else
		rb->section[c->last].next = s;
	c->last = s;
}

/* PPIs of fragment i of n: the first has all, each its place. */
static struct rndis_ppi_set
gso_fragment_ppi(const struct vsp *vsp, const struct vsp_to_guest_frame *f,
    uint32_t i, uint32_t n, uint16_t id)
{
	struct rndis_ppi_set ppi = i == 0 ? f->ppi :
	    (struct rndis_ppi_set){ 0 };

	ppi.present |= RNDIS_HAS_FRAG;
	ppi.frag_id = id;
	ppi.frag_flags = RNDIS_FRAG_SUBALLOC;
	if (i == 0)
		ppi.frag_flags |= RNDIS_FRAG_FIRST;
	if (i == 0 && vsp->cfg.rsc_sizes &&
	    (f->meta.flags & PKT_GSO_ANY) != 0) {
		ppi.present |= RNDIS_HAS_LSO;
		ppi.lso = rndis_lso_put(f->meta.gso_size, 0,
		    f->meta.ip_version == 6);
	}
	if (i == n - 1)
		ppi.frag_flags |= RNDIS_FRAG_LAST;
	return ppi;
}

static void
gso_rsc_emit(struct vsp_queue *q, const struct vsp_to_guest_frame *f,
    const struct gso_chain *chain)
{
	struct vsp_to_guest_counters *c = &q->vsp->counts[q->index].to;

	q->to.frag_id++;
	counter_add(&c->rsc_frames, 1);
	counter_add(&c->rsc_fragments, chain->count);
	vsp_to_guest_emit(q, f->target, chain->first, chain->count);
}

/* ---- in place ------------------------------------------------------------ */

static int
gso_inplace_rsc(struct vsp_queue *q, struct vsp_to_guest_frame *f)
{
	struct vsp_rxbuf *rb = &q->vsp->rxbuf;
	struct vec *v = q->to.cut.v;
	uint32_t n = vsp_to_guest_pieces(f);
	uint32_t left = f->len - f->hdr_len;
	struct gso_chain chain = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		uint32_t s = vsp_rxbuf_pop(rb, q->index);
		uint32_t len = min_u32(left, f->piece);
		uint32_t start = VSP_SECTION_HEAD;

		left -= len;
		if (i == 0) {
			start += f->raw_hdr - f->hdr_len;
			len += f->hdr_len;
			if (f->edited)
				memcpy(vsp_rxbuf_ptr(rb, s) + start, f->head,
				    f->hdr_len);
		}
		v[i] = (struct vec){ vsp_rxbuf_ptr(rb, s) + start, len };
		gso_chain_add(rb, &chain, s);
	}
	vsp_to_guest_csum(q, f, v, n);

	uint32_t s = chain.first;

	for (uint32_t i = 0; i < n; i++, s = rb->section[s].next) {
		struct rndis_ppi_set ppi = gso_fragment_ppi(q->vsp, f, i, n,
		    q->to.frag_id);

		vsp_to_guest_section_finish(q->vsp, s,
		    (uint32_t)((uint8_t *)v[i].p - vsp_rxbuf_ptr(rb, s)),
		    v[i].len, &ppi);
	}
	gso_rsc_emit(q, f, &chain);
	return 0;
}

static void
gso_segment_finish(struct vsp_queue *q, const struct vsp_to_guest_frame *f,
    uint32_t s, const uint8_t *hdr, const struct pkt_seg_out *out,
    uint32_t payload_at)
{
	struct vsp *vsp = q->vsp;
	uint32_t start = payload_at - out->hdr_len;

	memcpy(vsp_rxbuf_ptr(&vsp->rxbuf, s) + start, hdr, out->hdr_len);
	vsp_to_guest_section_finish(vsp, s, start,
	    out->hdr_len + out->payload_len, &f->ppi);
	counter_add(&vsp->counts[q->index].to.sw_segments, 1);
	vsp_to_guest_emit(q, f->target, s, 1);
}

static int
gso_inplace_segments(struct vsp_queue *q, struct vsp_to_guest_frame *f)
{
	struct vsp_rxbuf *rb = &q->vsp->rxbuf;
	struct vsp_to_guest_cut *cut = &q->to.cut;
	uint32_t n = vsp_to_guest_pieces(f);
	uint32_t at = VSP_SECTION_HEAD + f->raw_hdr;
	uint32_t left = f->len - f->hdr_len;
	struct pkt_seg_out out;
	uint8_t hdr[PKT_HEAD_MAX];

	cut->v[0] = (struct vec){ f->head, f->hdr_len };
	for (uint32_t i = 0; i < n; i++) {
		uint32_t s = vsp_rxbuf_peek(rb, q->index, i);
		uint32_t len = min_u32(left, f->meta.gso_size);

		cut->v[1 + i] = (struct vec){ vsp_rxbuf_ptr(rb, s) + at, len };
		left -= len;
	}
	if (pkt_seg_start(&cut->seg, cut->v, n + 1, &f->meta,
	    vsp_to_guest_csum_seg(q, f)) < 0) {
		counter_add(&q->vsp->counts[q->index].to.drop_long, 1);
		return E_STATE;
	}
	while (pkt_seg_next(&cut->seg, &out, hdr) == 1) {
		uint32_t s = vsp_rxbuf_pop(rb, q->index);

		gso_segment_finish(q, f, s, hdr, &out, at);
	}
	return 0;
}

int
vsp_to_guest_cut_inplace(struct vsp_queue *q, struct vsp_to_guest_frame *f)
{
	return q->to.room_rsc ? gso_inplace_rsc(q, f) :
	    gso_inplace_segments(q, f);
}

/* ---- by copying ---------------------------------------------------------- */

int
vsp_to_guest_cut_start(struct vsp_queue *q)
{
	struct vsp *vsp = q->vsp;
	struct vsp_to_guest_cut *cut = &q->to.cut;
	struct vsp_to_guest_frame *f = &cut->f;
	uint32_t n = vsp_to_guest_pieces(f);

	cut->rsc = vsp_to_guest_rsc(vsp, f->meta.ip_version == 6) &&
	    n <= VSP_PACKET_RANGES && n <= vsp->rxbuf.home[q->index].total;
	if (cut->rsc) {
		/* The field that is completed lies in f->head. */
		vsp_to_guest_csum(q, f, cut->v, cut->n);
		cut->left = n;
	} else {
		int rc = pkt_seg_start(&cut->seg, cut->v, cut->n, &f->meta,
		    vsp_to_guest_csum_seg(q, f));

		if (rc < 0) {
			counter_add(&vsp->counts[q->index].to.drop_long, 1);
			return E_STATE;
		}
		cut->left = (uint32_t)rc;
	}
	cut->held = true;
	vsp_to_guest_cut_run(q);
	return 0;
}

static void
gso_copy_rsc(struct vsp_queue *q)
{
	struct vsp_rxbuf *rb = &q->vsp->rxbuf;
	struct vsp_to_guest_cut *cut = &q->to.cut;
	const struct vsp_to_guest_frame *f = &cut->f;
	struct gso_chain chain = { 0 };
	uint32_t off = 0;

	for (uint32_t i = 0; i < cut->left; i++) {
		uint32_t s = vsp_rxbuf_pop(rb, q->index);
		uint32_t len = f->piece + (i == 0 ? f->hdr_len : 0);
		struct rndis_ppi_set ppi = gso_fragment_ppi(q->vsp, f, i,
		    cut->left, q->to.frag_id);

		len = min_u32(len, f->len - off);
		pkt_vec_gather(cut->v, cut->n, off,
		    vsp_rxbuf_ptr(rb, s) + VSP_SECTION_HEAD, len);
		vsp_to_guest_section_finish(q->vsp, s, VSP_SECTION_HEAD, len,
		    &ppi);
		gso_chain_add(rb, &chain, s);
		off += len;
	}
	cut->left = 0;
	gso_rsc_emit(q, f, &chain);
}

static void
gso_copy_segments(struct vsp_queue *q, uint32_t free)
{
	struct vsp_rxbuf *rb = &q->vsp->rxbuf;
	struct vsp_to_guest_cut *cut = &q->to.cut;
	struct pkt_seg_out out;
	uint8_t hdr[PKT_HEAD_MAX];

	for (; free > 0 && cut->left > 0; free--, cut->left--) {
		if (pkt_seg_next(&cut->seg, &out, hdr) != 1) {
			cut->left = 0;
			break;
		}

		uint32_t s = vsp_rxbuf_pop(rb, q->index);
		uint32_t at = VSP_SECTION_HEAD + out.hdr_len;

		pkt_vec_gather(cut->v, cut->n, out.payload_off,
		    vsp_rxbuf_ptr(rb, s) + at, out.payload_len);
		gso_segment_finish(q, &cut->f, s, hdr, &out, at);
	}
}

void
vsp_to_guest_cut_run(struct vsp_queue *q)
{
	struct vsp_rxbuf *rb = &q->vsp->rxbuf;
	struct vsp_to_guest_cut *cut = &q->to.cut;
	uint32_t want = cut->rsc ? min_u32(cut->left,
	    rb->home[q->index].total) : 1;

	while (cut->left > 0) {
		uint32_t free = vsp_rxbuf_ready(rb, q->index);

		if (free < want && !vsp_rxbuf_starve(rb, q->index, want)) {
			counter_add(&q->vsp->counts[q->index].to.no_section,
			    1);
			return;
		}
		if (cut->rsc)
			gso_copy_rsc(q);
		else
			gso_copy_segments(q, free);
	}
	cut->held = false;
}
