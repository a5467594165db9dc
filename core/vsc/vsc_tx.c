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
#include "vsc/vsc_priv.h"

/* Bytes of the section that messages may use. */
static uint32_t
tx_section_end(const struct vsc_queue *q)
{
	const struct vsc_txq *t = &q->tx;

	/* The first message may fill it; others keep to the agreed size. */
	return t->frames == 0 ? t->section_cap :
	    min_u32(t->section_cap, q->vsc->caps.agg_bytes);
}

/* Frame bytes that still fit in the open section. */
static uint32_t
tx_section_left(const struct vsc_queue *q)
{
	uint32_t end = tx_section_end(q);
	uint32_t at = q->tx.used + q->tx.head_room;

	return at < end ? end - at : 0;
}

static uint8_t *
tx_section_va(const struct vsc_queue *q, uint32_t section)
{
	const struct vsc *v = q->vsc;

	return (uint8_t *)v->sendbuf.mem.va +
	    (size_t)(q->tx.section_first + section) * v->caps.section_bytes;
}

/*
 * The host read the section to come after this one: have its lines under way,
 * as far as this one is being written.
 */
static inline void
tx_ahead_ask(const struct vsc_txq *t, uint32_t at, uint32_t bytes)
{
	if (t->ahead == NULL)
		return;
	for (uint32_t i = 0; i < bytes; i += OS_CACHELINE)
		os_prefetch_write(t->ahead + at + i);
}

static void
tx_section_open(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;
	uint32_t next;

	t->section = vsc_stack_pop(&t->sections);
	if (t->section == VSC_NONE) {
		counter_add(&t->count.no_section, 1);
		return;
	}
	next = vsc_stack_top(&t->sections);
	t->ahead = next == VSC_NONE ? NULL : tx_section_va(q, next);
	tx_ahead_ask(t, 0, t->head_room + PKT_ETH_BYTES);
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
		    tx_section_va(q, t->section) + t->used + t->head_room,
		    tx_section_left(q) };
	if (t->slot != VSC_NONE)
		room->vec[room->nvec++] = (struct vec){
		    (uint8_t *)t->slot_mem[t->slot].va + t->slot_head,
		    VSC_SLOT_DATA };
	return 0;
}

static int
tx_reserve(struct vsc *v, uint32_t queue, uint32_t need, bool slot_needed,
    struct vsc_tx_room *room)
{
	struct vsc_queue *q = v->q[queue];
	struct vsc_txq *t = &q->tx;
	int rc = E_AGAIN;

	if (!t->up || vsc_is_broken(v) || os_ld32(&v->rx_on) == 0)
		return E_GONE;
	if (vsc_tx_push(q) && (!t->cutting || vsc_tx_cut_run(q)))
		rc = vsc_tx_room_get(q, need, slot_needed, room);
	if (rc == E_AGAIN) {
		/* What is ready must not wait for what is not. */
		t->want_wake = true;
		vsc_tx_flush(v, queue);
	}
	return rc;
}

int
vsc_tx_reserve(struct vsc *v, uint32_t queue, struct vsc_tx_room *room)
{
	return tx_reserve(v, queue, pkt_frame_max(v->caps.mtu, 1), true, room);
}

/* ---- placing ------------------------------------------------------------ */

/* The frame lies whole in the open section, behind its head room. */
static void
tx_place_section(struct vsc_queue *q, uint32_t len,
    const struct rndis_ppi_set *ppi)
{
	struct vsc_txq *t = &q->tx;
	const struct vsc_caps *caps = &q->vsc->caps;
	uint8_t *at = tx_section_va(q, t->section) + t->used;
	uint32_t bytes = t->head_room + len;
	uint32_t padded = align_up(bytes, caps->agg_align);

	if (t->used + padded <= tx_section_end(q) && caps->agg_pkts > 1)
		bytes = padded;
	rndis_packet_put(at, ppi, t->head_room, len, bytes);
	t->used += bytes;
	t->frames++;
	counter_add(&t->count.by_section, 1);
	if (t->frames > 1)
		counter_add(&t->count.aggregated, 1);
	if (t->frames >= caps->agg_pkts || bytes != padded ||
	    t->used >= tx_section_end(q))
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

	rndis_packet_put(tx_section_va(q, t->section), ppi, t->head_room, len,
	    t->head_room + len);
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

	if (fits && first == len)
		tx_place_section(q, len, ppi);
	else if (fits && t->frames == 0)
		tx_place_both(q, len, first, ppi);
	else
		tx_place_slot(q, room, len, first, hdr, ppi);
	if (hdr > t->head_room)
		t->head_room = VSC_HEAD_ALL;
}

/* ---- frames ------------------------------------------------------------- */

/* Move the frame to the slot alone and cut it from there. */
static int
tx_cut(struct vsc_queue *q, const struct vsc_tx_room *room, uint32_t len,
    const struct pkt_meta *m)
{
	struct vsc_txq *t = &q->tx;
	uint32_t first = room->section == VSC_NONE ? 0 :
	    min_u32(len, room->vec[0].len);
	uint8_t *data = (uint8_t *)t->slot_mem[t->slot].va + t->slot_head -
	    first;
	int rc;

	memcpy(data, room->vec[0].p, first);
	t->cut_vec = (struct vec){ data, len };
	t->cut_slot = t->slot;
	t->slot = VSC_NONE;
	rc = vsc_tx_cut_start(q, m);
	if (rc < 0) {
		t->slot = t->cut_slot;
		return rc;
	}
	(void)vsc_tx_cut_run(q);
	return 0;
}

int
vsc_tx_submit(struct vsc *v, uint32_t queue, struct vsc_tx_room *room,
    uint32_t len, const struct pkt_meta *meta)
{
	struct vsc_queue *q = v->q[queue];
	struct vsc_txq *t = &q->tx;
	struct pkt_meta m = *meta;
	struct rndis_ppi_set ppi;
	struct vec vec[2];
	uint32_t total = 0, n;
	int rc;

	for (n = 0; n < room->nvec && total < len; n++) {
		vec[n].p = room->vec[n].p;
		vec[n].len = min_u32(room->vec[n].len, len - total);
		total += vec[n].len;
	}
	if (len < PKT_ETH_BYTES) {
		counter_add(&t->count.too_short, 1);
		return E_STATE;
	}
	if (total < len || room->slot != t->slot ||
	    room->section != t->section || room->head_off != t->used)
		return E_STATE;
	rc = vsc_tx_offload(q, vec, n, len, &m, &ppi);
	if (rc < 0)
		return rc;
	if (rc == VSC_TX_CUT)
		rc = tx_cut(q, room, len, &m);
	else
		vsc_tx_place(q, room, len, &ppi);
	if (rc < 0) {
		counter_add(&t->count.too_long, 1);
		return rc;
	}
	counter_add(&t->count.frames, 1);
	counter_add(&t->count.bytes, len);
	return 0;
}

/*
 * A plain frame of one piece that fits behind others in the open section: as
 * tx_place_section() would, with nothing left to decide, and with no room for
 * per-packet info that it does not have.  False: not so.
 */
static bool
tx_copy_behind(struct vsc_queue *q, const uint8_t *frame, uint32_t len)
{
	struct vsc_txq *t = &q->tx;
	const struct vsc_caps *caps = &q->vsc->caps;
	const uint32_t head = sizeof(struct rndis_packet_wire);
	uint32_t end, padded;
	uint8_t *at;

	if (!t->up || t->frames == 0 || t->npending != 0 || t->cutting ||
	    len < PKT_ETH_BYTES || len > pkt_frame_max(caps->mtu, 0))
		return false;
	end = tx_section_end(q);
	padded = align_up(head + len, caps->agg_align);
	if (!range_ok(t->used, padded, end))
		return false;
	at = tx_section_va(q, t->section) + t->used;
	tx_ahead_ask(t, t->used, padded);
	rndis_packet_put_bare(at, padded, head, len, 0);
	memcpy(at + head, frame, len);
	t->used += padded;
	t->frames++;
	counter_add(&t->count.by_section, 1);
	counter_add(&t->count.aggregated, 1);
	counter_add(&t->count.frames, 1);
	counter_add(&t->count.bytes, len);
	if (t->frames >= caps->agg_pkts || t->used >= end)
		vsc_tx_section_close(q);
	return true;
}

int
vsc_tx_copy(struct vsc *v, uint32_t queue, const struct vec *vec, uint32_t n,
    const struct pkt_meta *m)
{
	struct vsc_tx_room room;
	uint32_t len, off = 0;
	int rc;

	if (n == 1 && m->flags == 0 && !vsc_is_broken(v) &&
	    os_ld32(&v->rx_on) != 0 &&
	    tx_copy_behind(v->q[queue], vec->p, vec->len))
		return 0;
	len = pkt_vec_bytes(vec, n);

	if (len > VSC_FRAME_MAX) {
		counter_add(&v->q[queue]->tx.count.too_long, 1);
		return E_STATE;
	}
	/* A VLAN tag or hash may want the slot for its larger header. */
	rc = tx_reserve(v, queue, len,
	    (m->flags & (PKT_VLAN | PKT_HASH | PKT_GSO_ANY)) != 0, &room);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < room.nvec && off < len; i++)
		off += pkt_vec_gather(vec, n, off, room.vec[i].p,
		    min_u32(room.vec[i].len, len - off));
	return vsc_tx_submit(v, queue, &room, len, m);
}

void
vsc_commit(struct vsc_queue *q)
{
	if (q->dirty) {
		q->dirty = false;
		chan_commit(q->chan);
	}
}

void
vsc_tx_flush(struct vsc *v, uint32_t queue)
{
	struct vsc_queue *q = v->q[queue];

	if (!q->tx.up)
		return;
	if (vsc_tx_push(q))
		vsc_tx_section_close(q);
	vsc_commit(q);
}

void
vsc_tx_resume(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;

	if (!t->up || !vsc_tx_push(q))
		return;
	if (t->cutting) {
		bool done = vsc_tx_cut_run(q);

		/* The user's flush was long ago. */
		vsc_tx_section_close(q);
		if (!done)
			return;
	}
	if (t->want_wake && !vsc_tx_limited(t) &&
	    (t->slot != VSC_NONE || t->slots.n != 0)) {
		t->want_wake = false;
		q->vsc->ops->tx_wake(q->vsc->ctx, q->index);
	}
}
