/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames sent by reference: from the user's own memory.
 *
 * Theory of operation.  The RNDIS header and the first bytes of the frame,
 * which offloads may change, are written to memory of ours: a send-buffer
 * section, as of a frame that goes by both (vsc_txroom.c), or a slot where none
 * is free.
 * The rest is named where it lies, a range for each page, as Linux and FreeBSD
 * name it.  The packet remembers the user's cookie; its completion is
 * ->tx_done().
 *
 * A frame that finds no room, or a full ring, is not taken at all: nothing of
 * it has to be kept.  So there is no cutting here either.
 *
 * Context: queue owner.
 */
#include "vsc/vsc_txroom.h"

/* The header's own page, if it is in a slot, and those of the pieces. */
struct ref_pages {
	struct gpa_piece page[VSC_TX_PAGES];
	uint32_t n;
};

/* A range for each page of the pieces, from page[1] on. */
static int
ref_pages_put(struct ref_pages *r, const struct vsc_piece *piece, uint32_t n,
    uint32_t *bytes)
{
	*bytes = 0;
	r->n = 1;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t gpa = piece[i].gpa;
		uint32_t left = piece[i].bytes;

		if (left == 0 || left > VSC_FRAME_MAX - *bytes)
			return E_STATE;
		*bytes += left;
		while (left != 0) {
			uint32_t in_page = HV_PAGE_SIZE -
			    (uint32_t)(gpa & (HV_PAGE_SIZE - 1));
			uint32_t len = min_u32(left, in_page);

			if (r->n == VSC_TX_PAGES)
				return E_NOTSUP;
			r->page[r->n++] = (struct gpa_piece){ gpa, len };
			gpa += len;
			left -= len;
		}
	}
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
	for (uint32_t i = 0; i < n && piece[i].va != NULL; i++)
		v[nv++] = (struct vec){ (void *)(uintptr_t)piece[i].va,
		    piece[i].bytes };
	rc = vsc_tx_offload(q, v, nv, len, &m, ppi);
	return rc == VSC_TX_CUT ? E_NOTSUP : rc;
}

/* Memory for header and head; E_AGAIN: none. */
static int
ref_room_get(struct vsc_queue *q, struct vsc_tx_packet *p, uint8_t **at)
{
	struct vsc_txq *t = &q->tx;
	uint32_t next;

	p->section = vsc_stack_pop(&t->sections);
	p->slot = VSC_NONE;
	if (p->section != VSC_NONE) {
		*at = vsc_tx_section_va(q, p->section);
		next = vsc_stack_top(&t->sections);
		if (next != VSC_NONE)
			os_prefetch_write(vsc_tx_section_va(q, next));
		return 0;
	}
	counter_add(&t->count.no_section, t->section_cap != 0);
	p->slot = vsc_stack_pop(&t->slots);
	if (p->slot == VSC_NONE) {
		counter_add(&t->count.no_slot, 1);
		return E_AGAIN;
	}
	*at = t->slot_mem[p->slot].va;
	return 0;
}

static void
ref_room_put(struct vsc_txq *t, const struct vsc_tx_packet *p)
{
	if (p->section != VSC_NONE)
		vsc_stack_push(&t->sections, p->section);
	if (p->slot != VSC_NONE)
		vsc_stack_push(&t->slots, p->slot);
}

/* Header and head at `at`, and the packet sent. */
static int
ref_place(struct vsc_queue *q, struct vsc_tx_packet *p, uint8_t *at,
    struct ref_pages *r, struct span head, const struct vsc_piece *piece,
    uint32_t n, const struct pkt_meta *m)
{
	struct vsc_txq *t = &q->tx;
	uint32_t len = head.len + p->slot_bytes;
	uint32_t off = m->flags == 0 ?
	    (uint32_t)sizeof(struct rndis_packet_wire) : VSC_HEAD_ALL;
	struct rndis_ppi_set ppi = { .present = 0 };
	int rc = 0;

	memcpy(at + off, head.p, head.len);
	if (m->flags != 0 || len > pkt_frame_max(q->vsc->caps.mtu, 0))
		rc = ref_offload(q, (struct vec){ at + off, head.len }, piece,
		    n, len, m, &ppi);
	if (rc < 0)
		return rc;
	if (ppi.present == 0)
		rndis_packet_put_bare(at, off + len, off, len, 0);
	else
		rndis_packet_put(at, &ppi, off, len, off + len);
	if (p->section != VSC_NONE) {
		p->section_bytes = off + head.len;
		return vsc_tx_post_ref(q, p, r->page + 1, r->n - 1);
	}
	r->page[0] = (struct gpa_piece){ t->slot_mem[p->slot].gpa,
		off + head.len };
	return vsc_tx_post_ref(q, p, r->page, r->n);
}

/* Frames placed before this one go first; E_AGAIN: they wait. */
static int
ref_turn(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;

	if (!vsc_tx_push(q) || (t->cutting && !vsc_tx_cut_run(q)))
		return E_AGAIN;
	vsc_tx_section_close(q);
	if (t->npending != 0)
		return E_AGAIN;
	if (vsc_tx_limited(t)) {
		counter_add(&t->count.limited, 1);
		return E_AGAIN;
	}
	return 0;
}

int
vsc_tx_gather(struct vsc *v, uint32_t queue, struct span head,
    const struct vsc_piece *piece, uint32_t n, uint64_t cookie,
    const struct pkt_meta *m)
{
	struct vsc_queue *q = v->q[queue];
	struct vsc_txq *t = &q->tx;
	struct vsc_tx_packet p = { .ref = true, .cookie = cookie };
	struct ref_pages pages;
	uint8_t *at;
	int rc;

	if (!vsc_tx_may(q))
		return E_GONE;
	if (head.len < PKT_ETH_BYTES || head.len > VSC_TX_HEAD_MAX)
		return E_STATE;
	rc = ref_pages_put(&pages, piece, n, &p.slot_bytes);
	if (rc < 0)
		return rc;
	rc = ref_turn(q);
	if (rc == 0)
		rc = ref_room_get(q, &p, &at);
	if (rc == 0) {
		rc = ref_place(q, &p, at, &pages, head, piece, n, m);
		if (rc < 0)
			ref_room_put(t, &p);
	}
	if (rc == E_AGAIN) {
		t->want_wake = true;
		vsc_tx_flush(v, queue);
	}
	if (rc < 0)
		return rc == E_PEER ? E_GONE : rc;
	counter_add(&t->count.by_ref, 1);
	counter_add(&t->count.frames, 1);
	counter_add(&t->count.bytes, head.len + p.slot_bytes);
	return 0;
}
