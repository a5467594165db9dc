/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Places the bytes of a frame and packs frames into packets.
 *
 * Theory of operation.  Where a frame's bytes lie, and in which packet they go.
 *
 * The room for a frame is what is left of the open send-buffer section, after
 * the head room for the RNDIS header, and then a slot.  So one readv() puts a
 * small frame into its section, where several share one packet, and a large
 * one into section and slot, to go by both: the section holds the header and
 * the first bytes, one range names the rest.
 *
 *	section |hdr|frame    |hdr|frame |hdr|first bytes...|
 *	slot    |        head room  |...the rest            |
 *
 * Only a section's first message may go by both.  A frame that overflows a
 * section with other messages in it is joined in the slot: its first bytes are
 * copied to the end of the slot's head room, the header before them, and one
 * range names it all; so goes a frame for which no section was free.  Header
 * and per-packet info are never split over ranges, which Windows refuses.
 *
 * The head room fits the header with one PPI; the first frame that needs more
 * (VLAN, hash) is joined in the slot, and later rooms have the larger one.  A
 * smaller header leaves a gap before the data, which its data offset names.
 *
 * Context: queue owner.
 */
#include "vsc/vsc_txroom.h"

/* Frame bytes that still fit in the open section. */
static uint32_t
tx_section_left(const struct vsc_queue *q)
{
	uint32_t end = vsc_tx_section_end(q);
	uint32_t at = q->tx.used + q->tx.head_room;

	return at < end ? end - at : 0;
}

static void
tx_section_open(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;
	uint32_t next;

	if (t->shared)
		(void)vsc_tx_reclaim(q);
	t->section = vsc_stack_pop(&t->sections);
	if (t->section == VSC_NONE) {
		counter_add(&t->count.no_section, 1);
		return;
	}
	next = vsc_stack_top(&t->sections);
	t->ahead = next == VSC_NONE ? NULL : vsc_tx_section_va(q, next);
	vsc_tx_ahead(t, 0, t->head_room + PKT_ETH_BYTES);
}

int
vsc_tx_room_get(struct vsc_queue *q, uint32_t need, bool slot_needed,
    struct vsc_tx_room *room)
{
	struct vsc_txq *t = &q->tx;
	uint32_t whole = t->section_cap == 0 ? 0 :
	    t->section_cap - t->head_room;

	if (t->frames != 0 && tx_section_left(q) < min_u32(need, whole))
		vsc_tx_section_close(q);
	if (t->npending != 0)
		return E_AGAIN;
	if (t->section == VSC_NONE && whole != 0)
		tx_section_open(q);
	if (t->section == VSC_NONE || tx_section_left(q) < need)
		slot_needed = true;
	if (slot_needed && vsc_tx_limited(t)) {
		counter_add(&t->count.limited, 1);
		return E_AGAIN;
	}
	if (slot_needed && q->vsc->cfg.by_ref) {
		/* No section is free, and a slot is header room only. */
		return E_AGAIN;
	}
	if (slot_needed && t->slot == VSC_NONE) {
		t->slot = vsc_stack_pop(&t->slots);
		if (t->slot == VSC_NONE) {
			counter_add(&t->count.no_slot, 1);
			return E_AGAIN;
		}
	}
	room->section = t->section;
	room->slot = t->slot;
	room->head_off = t->used;
	room->nvec = 0;
	if (t->section != VSC_NONE)
		room->vec[room->nvec++] = (struct vec){
		    vsc_tx_section_va(q, t->section) + t->used + t->head_room,
		    tx_section_left(q) };
	if (t->slot != VSC_NONE)
		room->vec[room->nvec++] = (struct vec){
		    (uint8_t *)t->slot_mem[t->slot].va + t->slot_head,
		    VSC_SLOT_DATA };
	return 0;
}

/* ---- placing ------------------------------------------------------------ */

/* The frame lies whole in the open section, behind its head room. */
static void
tx_place_section(struct vsc_queue *q, uint32_t len,
    const struct rndis_ppi_set *ppi)
{
	struct vsc_txq *t = &q->tx;
	const struct vsc_caps *caps = &q->vsc->caps;
	uint8_t *at = vsc_tx_section_va(q, t->section) + t->used;
	uint32_t bytes = t->head_room + len;
	uint32_t padded = align_up(bytes, caps->agg_align);

	if (t->used + padded <= vsc_tx_section_end(q) && caps->agg_pkts > 1)
		bytes = padded;
	rndis_packet_put(at, ppi, t->head_room, len, bytes);
	t->used += bytes;
	t->frames++;
	counter_add(&t->count.by_section, 1);
	if (t->frames > 1)
		counter_add(&t->count.aggregated, 1);
	if (t->frames >= caps->agg_pkts || bytes != padded ||
	    t->used >= vsc_tx_section_end(q))
		vsc_tx_section_close(q);
}

/* Header and first bytes in the section, the rest in the slot. */
static void
tx_place_both(struct vsc_queue *q, uint32_t len, uint32_t first,
    const struct rndis_ppi_set *ppi)
{
	struct vsc_txq *t = &q->tx;
	struct vsc_tx_packet p = {
		.section = t->section,
		.section_bytes = t->head_room + first,
		.slot = t->slot,
		.slot_off = t->slot_head,
		.slot_bytes = len - first,
	};

	rndis_packet_put(vsc_tx_section_va(q, t->section), ppi, t->head_room,
	    len, t->head_room + len);
	t->section = VSC_NONE;
	t->slot = VSC_NONE;
	counter_add(&t->count.by_both, 1);
	vsc_tx_post(q, &p);
}

/* All by address; the first bytes, if in a section, are joined to the rest. */
static void
tx_place_slot(struct vsc_queue *q, const struct vsc_tx_room *room,
    uint32_t len, uint32_t first, uint32_t hdr,
    const struct rndis_ppi_set *ppi)
{
	struct vsc_txq *t = &q->tx;
	uint8_t *data = (uint8_t *)t->slot_mem[t->slot].va + t->slot_head -
	    first;
	struct vsc_tx_packet p = {
		.section = VSC_NONE,
		.slot = t->slot,
		.slot_off = t->slot_head - first - hdr,
		.slot_bytes = hdr + len,
	};

	if (first != 0)
		memcpy(data, room->vec[0].p, first);
	rndis_packet_put(data - hdr, ppi, hdr, len, hdr + len);
	t->slot = VSC_NONE;
	counter_add(&t->count.by_gpa, 1);
	vsc_tx_section_close(q);	/* earlier frames go first */
	vsc_tx_post(q, &p);
}

void
vsc_tx_place(struct vsc_queue *q, struct vsc_tx_room *room, uint32_t len,
    const struct rndis_ppi_set *ppi)
{
	struct vsc_txq *t = &q->tx;
	uint32_t hdr = rndis_packet_header_bytes(ppi->present);
	uint32_t first = room->section == VSC_NONE ? 0 :
	    min_u32(len, room->vec[0].len);
	bool fits = room->section != VSC_NONE && hdr <= t->head_room;

	if (t->ref.open)
		vsc_tx_ref_close(q);	/* earlier frames go first */
	if (fits && first == len)
		tx_place_section(q, len, ppi);
	else if (fits && t->frames == 0)
		tx_place_both(q, len, first, ppi);
	else
		tx_place_slot(q, room, len, first, hdr, ppi);
	if (hdr > t->head_room)
		t->head_room = VSC_HEAD_ALL;
}
