/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames sent by reference: from the user's own memory.
 *
 * Theory of operation.  The RNDIS header and the first bytes of the frame,
 * which offloads may change, are written to memory of ours: a send-buffer
 * section, as of a frame that goes by both (vsc_txroom.c), or a slot where none
 * is free.  The rest is named where it lies, a range for each page, as Linux
 * and FreeBSD name it.  The packet remembers the user's cookie; its completion
 * is ->tx_done().
 *
 *	section |hdr|head 1|..|hdr|head 2|..|hdr|head 3|
 *	ranges               rest 1, hdr and head 2, rest 2, hdr and head 3, ...
 *
 * Several frames share a packet, as many as cfg.ref_frames and the host's INIT
 * reply allow, each with its header at a cache line's start of the same section
 * and within a page, and so in one range, as hosts want it.  The messages must
 * be aligned in the packet, and nothing can be put behind a frame, so a gap
 * before the data does that.  OpenVMM takes such packets; of Windows we do not
 * know.  So if the first of them fails, each later frame has its own.
 *
 * Only one such packet is put together at a time, and nothing else is taken
 * while it waits for the ring; so its ranges need one place.  There is no
 * cutting here: what a host does not do, the user does.
 *
 * Context: queue owner.
 */
#include "vsc/vsc_txroom.h"

/* Name [gpa, gpa + bytes), a range for each page; false: too many. */
static bool
ref_name(struct vsc_tx_ref *r, uint64_t gpa, uint32_t bytes)
{
	while (bytes != 0) {
		uint32_t in_page = HV_PAGE_SIZE -
		    (uint32_t)(gpa & (HV_PAGE_SIZE - 1));
		uint32_t len = min_u32(bytes, in_page);

		/* One less where the header is in the section. */
		if (r->pages == VSC_TX_PAGES - (r->p.section != VSC_NONE))
			return false;
		vmpkt_gpa_sg_piece_put(r->ext, r->pages++,
		    (struct gpa_piece){ gpa, len });
		gpa += len;
		bytes -= len;
	}
	return true;
}

/* Memory for headers and heads of a packet; E_AGAIN: none. */
static int
ref_open(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;
	struct vsc_tx_ref *r = &t->ref;
	uint32_t next;

	if (t->shared)
		(void)vsc_tx_reclaim(q);
	r->p = (struct vsc_tx_packet){ .slot = VSC_NONE };
	r->used = r->pages = 0;
	r->p.section = vsc_stack_pop(&t->sections);
	if (r->p.section != VSC_NONE) {
		r->at = vsc_tx_section_va(q, r->p.section);
		r->gpa = q->vsc->sendbuf.mem.gpa + (uint64_t)(r->at -
		    (uint8_t *)q->vsc->sendbuf.mem.va);
		r->room = q->vsc->caps.section_bytes;
		next = vsc_stack_top(&t->sections);
		if (next != VSC_NONE)
			os_prefetch_write(vsc_tx_section_va(q, next));
		r->open = true;
		return 0;
	}
	counter_add(&t->count.no_section, t->section_cap != 0);
	r->p.slot = vsc_stack_pop(&t->slots);
	if (r->p.slot == VSC_NONE) {
		counter_add(&t->count.no_slot, 1);
		return E_AGAIN;
	}
	r->at = t->slot_mem[r->p.slot].va;
	r->gpa = t->slot_mem[r->p.slot].gpa;
	r->room = VSC_SLOT_HEAD;
	r->open = true;
	return 0;
}

/* Offloads of a frame that requests any; head is our copy of its start. */
static int
ref_offload(struct vsc_queue *q, struct vec head,
    const struct vsc_piece *piece, uint32_t n, uint32_t len,
    const struct pkt_meta *meta, struct rndis_ppi_set *ppi)
{
	struct vec v[VSC_TX_PAGES] = { head };
	struct pkt_meta m = *meta;
	uint32_t nv = 1;
	int rc;

	if ((m.flags & PKT_CSUM_PARTIAL) != 0 &&
	    !range_ok((size_t)m.csum_start + m.csum_offset, 2, head.len))
		return E_STATE;
	if ((m.flags & PKT_IPCS) != 0 && !range_ok(m.l3_off, 20, head.len))
		return E_STATE;
	/* Only read: the checksum's field is in the head. */
	for (uint32_t i = 0; i < n && nv < VSC_TX_PAGES &&
	    piece[i].va != NULL; i++)
		v[nv++] = (struct vec){ (void *)(uintptr_t)piece[i].va,
		    piece[i].bytes };
	rc = vsc_tx_offload(q, v, nv, len, &m, ppi);
	return rc == VSC_TX_CUT ? E_NOTSUP : rc;
}

/* A frame into the open packet.  E_AGAIN: it wants a packet of its own. */
static int
ref_add(struct vsc_queue *q, struct span head, const struct vsc_piece *piece,
    uint32_t n, uint64_t cookie, const struct pkt_meta *m)
{
	struct vsc_tx_ref *r = &q->tx.ref;
	const uint32_t pages = r->pages;
	uint32_t off = m->flags == 0 ?
	    (uint32_t)sizeof(struct rndis_packet_wire) : VSC_HEAD_ALL;
	struct rndis_ppi_set ppi = { .present = 0 };
	uint32_t rest = 0, used = r->used, in_page, len;
	uint8_t *at;
	int rc = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (piece[i].bytes == 0 ||
		    piece[i].bytes > VSC_FRAME_MAX - rest)
			return E_STATE;
		rest += piece[i].bytes;
	}
	len = head.len + rest;
	in_page = (uint32_t)((r->gpa + used) & (HV_PAGE_SIZE - 1));
	if (r->p.refs != 0 && in_page + off > HV_PAGE_SIZE)
		used += HV_PAGE_SIZE - in_page;
	at = r->at + used;
	if (q->tx.ref_frames > 1)
		off += -(off + len) & (q->tx.ref_align - 1);
	if (rest > VSC_FRAME_MAX - r->p.slot_bytes ||
	    !range_ok(used, off + head.len, r->room) || (r->p.refs != 0 &&
	    used + r->p.slot_bytes + off + len > q->vsc->agg_bytes))
		return r->p.refs != 0 ? E_AGAIN : E_NOTSUP;
	if ((r->p.refs != 0 || r->p.section == VSC_NONE) &&
	    !ref_name(r, r->gpa + used, off + head.len))
		rc = E_NOTSUP;
	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = ref_name(r, piece[i].gpa, piece[i].bytes) ? 0 : E_NOTSUP;
	if (rc == 0) {
		memcpy(at + off, head.p, head.len);
		if (m->flags != 0 || len > pkt_frame_max(q->vsc->caps.mtu, 0))
			rc = ref_offload(q, (struct vec){ at + off, head.len },
			    piece, n, len, m, &ppi);
	} else if (r->p.refs != 0) {
		rc = E_AGAIN;
	}
	if (rc < 0) {
		r->pages = pages;
		return rc;
	}
	if (ppi.present == 0)
		rndis_packet_put_bare(at, off + len, off, len, 0);
	else
		rndis_packet_put(at, &ppi, off, len, off + len);
	if (r->p.refs == 0 && r->p.section != VSC_NONE)
		r->p.section_bytes = off + head.len;
	r->used = align_up(used + off + head.len, OS_CACHELINE);
	r->p.slot_bytes += rest;
	r->cookie[r->p.refs++] = cookie;
	return 0;
}

/* Frames placed before this one go first, and there is a packet for it. */
static int
ref_turn(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;

	if (t->npending != 0 && !vsc_tx_push(q))
		return E_AGAIN;
	if (t->cutting && !vsc_tx_cut_run(q))
		return E_AGAIN;
	if (t->frames != 0)
		vsc_tx_section_close(q);
	if (t->npending != 0)
		return E_AGAIN;
	if (vsc_tx_limited(t)) {
		counter_add(&t->count.limited, 1);
		return E_AGAIN;
	}
	return t->ref.open ? 0 : ref_open(q);
}

static int
tx_gather(struct vsc_queue *q, struct span head,
    const struct vsc_piece *piece, uint32_t n, uint64_t cookie,
    const struct pkt_meta *m)
{
	struct vsc_txq *t = &q->tx;
	uint32_t bytes = t->ref.open ? t->ref.p.slot_bytes : 0;
	int rc;

	if (!vsc_tx_may(q))
		return E_GONE;
	if (head.len < PKT_ETH_BYTES || head.len > VSC_TX_HEAD_MAX)
		return E_STATE;
	rc = ref_turn(q);
	if (rc == 0) {
		rc = ref_add(q, head, piece, n, cookie, m);
		if (rc == E_AGAIN) {
			/* That packet is full: a new one. */
			bytes = 0;
			vsc_tx_ref_close(q);
			rc = ref_turn(q);
			if (rc == 0)
				rc = ref_add(q, head, piece, n, cookie, m);
		}
	}
	if (rc == E_AGAIN) {
		t->want_wake = true;
		vsc_tx_push_all(q);
	}
	if (rc < 0)
		return rc;
	counter_add(&t->count.by_ref, 1);
	counter_add(&t->count.frames, 1);
	counter_add(&t->count.bytes, head.len + t->ref.p.slot_bytes - bytes);
	if (t->ref.p.refs >= min_u32(os_ld32(&t->ref_max),
	    q->vsc->caps.agg_pkts))
		vsc_tx_ref_close(q);
	return 0;
}

int
vsc_tx_gather(struct vsc *v, uint32_t queue, struct span head,
    const struct vsc_piece *piece, uint32_t n, uint64_t cookie,
    const struct pkt_meta *m)
{
	struct vsc_queue *q = v->q[queue];
	int rc;

	if (!q->tx.shared)
		return tx_gather(q, head, piece, n, cookie, m);
	vsc_tx_lock(q);
	do {
		rc = tx_gather(q, head, piece, n, cookie, m);
	} while (rc == E_AGAIN && vsc_tx_again(q));
	vsc_tx_unlock(q);
	return rc;
}
