/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transmits: reserve, submit, copy, flush.
 *
 * Theory of operation.  A frame gets room (vsc_txroom.c) and the user fills it.
 * Submit decides its offload requests (vsc_txoff.c) and places it, or cuts it
 * first (vsc_txcut.c).  A reserve that finds no room flushes: what is ready
 * must not wait for what is not.
 *
 * Context: queue owner.
 */
#include "vsc/vsc_txroom.h"

__attribute__((always_inline)) static inline int
tx_reserve(struct vsc *v, uint32_t queue, uint32_t need, bool slot_needed,
    struct vsc_tx_room *room)
{
	struct vsc_queue *q = v->q[queue];
	struct vsc_txq *t = &q->tx;
	int rc = E_AGAIN;

	if (!vsc_tx_may(q))
		return E_GONE;
	if (vsc_tx_push(q) && (!t->cutting || vsc_tx_cut_run(q)))
		rc = vsc_tx_room_get(q, need, slot_needed, room);
	if (rc == E_AGAIN) {
		/* What is ready must not wait for what is not. */
		t->want_wake = true;
		vsc_tx_push_all(q);
	}
	return rc;
}

int
vsc_tx_reserve(struct vsc *v, uint32_t queue, struct vsc_tx_room *room)
{
	/* Without large slots, a room is of a section or not at all. */
	if (v->cfg.by_ref && v->q[queue]->tx.section_cap == 0)
		return v->q[queue]->tx.up ? E_NOTSUP : E_GONE;
	return tx_reserve(v, queue, pkt_frame_max(v->caps.mtu, 1),
	    !v->cfg.by_ref, room);
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
	if (rc == VSC_TX_CUT && v->cfg.by_ref)
		return E_NOTSUP;
	if (rc == VSC_TX_CUT)
		rc = vsc_tx_cut(q, room, len, &m);
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
 * per-packet info that it does not have.  False: it does not qualify.
 */
__attribute__((always_inline)) static inline bool
tx_copy_behind(struct vsc_queue *q, const uint8_t *frame, uint32_t len)
{
	struct vsc_txq *t = &q->tx;
	const struct vsc_caps *caps = &q->vsc->caps;
	const uint32_t head = sizeof(struct rndis_packet_wire);
	uint32_t end, padded;
	uint8_t *at;

	if (t->frames == 0 || t->npending != 0 || t->cutting ||
	    len < PKT_ETH_BYTES || len > pkt_frame_max(caps->mtu, 0))
		return false;
	end = vsc_tx_section_end(q);
	padded = align_up(head + len, caps->agg_align);
	if (!range_ok(t->used, padded, end))
		return false;
	at = vsc_tx_section_va(q, t->section) + t->used;
	vsc_tx_ahead(t, t->used, padded);
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

/* In line, as what it calls first: a call costs a short frame an eighth. */
__attribute__((always_inline)) static inline int
tx_copy(struct vsc *v, uint32_t queue, const struct vec *vec, uint32_t n,
    const struct pkt_meta *m)
{
	/* A VLAN tag or hash may want the slot for its larger header. */
	bool slot = (m->flags & (PKT_VLAN | PKT_HASH | PKT_GSO_ANY)) != 0;
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
	if (v->cfg.by_ref) {
		const struct vsc_txq *t = &v->q[queue]->tx;

		if (len + VSC_HEAD_ALL > t->section_cap)
			return t->up ? E_NOTSUP : E_GONE;
		slot = false;
	}
	rc = tx_reserve(v, queue, len, slot, &room);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < room.nvec && off < len; i++)
		off += pkt_vec_gather(vec, n, off, room.vec[i].p,
		    min_u32(room.vec[i].len, len - off));
	return vsc_tx_submit(v, queue, &room, len, m);
}

__attribute__((noinline)) static int
tx_copy_shared(struct vsc *v, uint32_t queue, const struct vec *vec,
    uint32_t n, const struct pkt_meta *m)
{
	struct vsc_queue *q = v->q[queue];
	int rc;

	vsc_tx_lock(q);
	do {
		rc = tx_copy(v, queue, vec, n, m);
	} while (rc == E_AGAIN && vsc_tx_again(q));
	vsc_tx_unlock(q);
	return rc;
}

int
vsc_tx_copy(struct vsc *v, uint32_t queue, const struct vec *vec, uint32_t n,
    const struct pkt_meta *m)
{
	if (v->q[queue]->tx.shared)
		return tx_copy_shared(v, queue, vec, n, m);
	return tx_copy(v, queue, vec, n, m);
}

bool
vsc_tx_again(struct vsc_queue *q)
{
	/*
	 * The word before the look: either we see the completion, or its pass
	 * sees the word and comes for the lock.
	 */
	os_st32(&q->tx.waits, 1);
	os_mb();
	return vsc_tx_reclaim(q);
}

void
vsc_commit(struct vsc_queue *q)
{
	if (os_ld32(&q->dirty) == 0)
		return;
	/* Of several who send, each commits at least what it sent. */
	if (q->tx.shared)
		os_xchg32(&q->dirty, 0);
	else
		q->dirty = 0;
	chan_commit(q->chan);
}

void
vsc_tx_push_all(struct vsc_queue *q)
{
	if (vsc_tx_push(q)) {
		vsc_tx_ref_close(q);
		vsc_tx_section_close(q);
	}
	vsc_commit(q);
}

void
vsc_tx_flush(struct vsc *v, uint32_t queue)
{
	struct vsc_queue *q = v->q[queue];

	if (!q->tx.up)
		return;
	vsc_tx_lock(q);
	vsc_tx_push_all(q);
	if (q->tx.shared)
		vsc_tx_unlock(q);
}

/* Where the next frame goes: a slot, or, without large ones, a section. */
static bool
tx_has_room(const struct vsc_queue *q)
{
	const struct vsc_txq *t = &q->tx;

	if (q->vsc->cfg.by_ref && t->section_cap != 0)
		return t->section != VSC_NONE || t->sections.n != 0;
	return t->slot != VSC_NONE || t->slots.n != 0;
}

/* Continue what waits; true: wake the user. */
static bool
tx_resume(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;

	if (!vsc_tx_push(q))
		return false;
	if (t->cutting) {
		bool done = vsc_tx_cut_run(q);

		/* The user's flush was long ago. */
		vsc_tx_section_close(q);
		if (!done)
			return false;
	}
	if (!t->want_wake || vsc_tx_limited(t) || !tx_has_room(q))
		return false;
	t->want_wake = false;
	return true;
}

/* The same, as far as somebody waits, by who holds the lock. */
static bool
tx_resume_shared(struct vsc_queue *q)
{
	struct vsc_tx_freed *f = &q->freed;
	bool wake;

	if (f->completions != 0) {
		counter_add(&q->tx.count.completions, f->completions);
		f->completions = 0;
	}
	/* Completions before the look, see vsc_tx_again(). */
	os_mb();
	if (os_ld32(&q->tx.waits) == 0)
		return false;
	vsc_tx_lock(q);
	(void)vsc_tx_reclaim(q);
	wake = tx_resume(q);
	vsc_tx_unlock(q);
	return wake;
}

void
vsc_tx_resume(struct vsc_queue *q)
{
	if (q->tx.up && (q->tx.shared ? tx_resume_shared(q) : tx_resume(q)))
		q->vsc->ops->tx_wake(q->vsc->ctx, q->index);
}
