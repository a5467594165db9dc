/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames towards the guest: rooms to read them into, and what is done with a
 * frame that was read.
 *
 * Theory of operation.  A backend with GSO does one readv() for a frame that
 * may be 60 bytes or 64 KiB, before it knows which.  The room is laid out over
 * free sections as the last GSO frame of this queue wanted it: the headers and
 * a piece of payload into the first section, a piece into each other one, with
 * room for what goes in front.  If the frame turns out to be
 * like that, no byte of it moves again.  If not, it is gathered in the bounce
 * buffer, cut from there, and the guess corrected.  Small frames fit the first
 * section in any case, or are made to by moving the rest.
 *
 * Sections are only looked at when reserved and popped when submitted, so a
 * reservation that is not used costs nothing.  When fewer are free than the
 * layout wants, the frame is read into the bounce buffer as a whole.
 *
 * Context: the worker that owns the queue.
 */
#include "vsp/vsp_priv.h"

/* Policy: sections that should be free before a waiting backend is woken. */
#define WAKE_SECTIONS	48u

/* The queue, if the guest takes frames on it now. */
static struct vsp_queue *
tg_queue(struct vsp *vsp, uint32_t queue)
{
	struct vsp_queue *q = vsp_queue_at(vsp, queue);

	if (q == NULL || q->dead || !vsp_data_up(vsp) ||
	    vsp->rxbuf.base == NULL || vsp->guest.filter == 0)
		return NULL;
	return q;
}

/* The backend is told E_AGAIN, and woken when `free` sections are there. */
static int
tg_again(struct vsp_queue *q, uint32_t free)
{
	q->to.wake = true;
	q->to.wake_free = free;
	return E_AGAIN;
}

/* The same where something is stuck, or seems to be. */
static int
tg_make_ready(struct vsp_queue *q, uint32_t want)
{
	struct vsp *vsp = q->vsp;
	struct vsp_rxbuf *rb = &vsp->rxbuf;
	uint32_t wake = max_u32(want, min_u32(WAKE_SECTIONS,
	    rb->home[q->index].total / 4 + 1));

	if (q->to.ring_full)
		vsp_to_guest_send(q);
	if (q->to.ring_full || q->to.cut.held)
		return tg_again(q, wake);
	if (vsp_rxbuf_ready(rb, q->index) >= want &&
	    !vsp_rxbuf_lent_out(rb, q->index))
		return (int)rb->home[q->index].top;
	/* What is finished must go out before any can come back. */
	vsp_to_guest_publish(q);
	if (vsp_to_guest_sections_back(q, want))
		return (int)rb->home[q->index].top;
	counter_add(&vsp->counts[q->index].to.no_section, 1);
	if (vsp_rxbuf_lent_out(rb, q->index))
		counter_add(&vsp->counts[q->index].to.lent_out, 1);
	return tg_again(q, wake);
}

/*
 * Free sections, at least one, for a queue with nothing stuck; else E_AGAIN.
 */
static inline int
tg_ready(struct vsp_queue *q, uint32_t want)
{
	struct vsp_rxbuf *rb = &q->vsp->rxbuf;

	if (q->to.ring_full || q->to.cut.held ||
	    vsp_rxbuf_ready(rb, q->index) < want ||
	    vsp_rxbuf_lent_out(rb, q->index))
		return tg_make_ready(q, want);
	return (int)rb->home[q->index].top;
}

/* ---- room ---------------------------------------------------------------- */

static void
room_add(struct vsp_room *room, void *p, uint32_t len)
{
	room->vec[room->nvec++] = (struct vec){ p, len };
}

/* Room from `from` on, up to the longest frame, that is no section's. */
static void
room_bounce(struct vsp_queue *q, uint32_t from, struct vsp_room *room)
{
	room_add(room, q->to.bounce + from, VSP_FRAME_MAX - from);
}

/* Lay the longest frame out over sections as guessed. */
static void
room_layout(struct vsp_queue *q, uint32_t free, struct vsp_room *room)
{
	struct vsp_to_guest *t = &q->to;
	const struct vsp_rxbuf *rb = &q->vsp->rxbuf;
	uint32_t at = VSP_SECTION_HEAD;
	uint32_t piece, done;

	t->room_rsc = vsp_to_guest_rsc(q->vsp, t->guess_v6);
	piece = vsp_to_guest_piece(q->vsp, t->guess_hdr, t->guess_seg,
	    t->room_rsc);
	room->hdr_bytes = t->guess_hdr;
	room->seg_bytes = piece;
	done = room->first_bytes = min_u32(VSP_FRAME_MAX, t->guess_hdr + piece);
	room->sections = 1;
	room_add(room, vsp_rxbuf_ptr(rb, vsp_rxbuf_peek(rb, q->index, 0)) + at,
	    done);
	if (!t->room_rsc)
		at += t->guess_hdr;
	while (done < VSP_FRAME_MAX && room->nvec < ARRAY_LEN(room->vec) - 1) {
		uint32_t len = min_u32(VSP_FRAME_MAX - done, piece);

		if (room->sections == free) {
			room->nvec = room->sections = 0;
			room_bounce(q, 0, room);
			return;
		}
		room_add(room, vsp_rxbuf_ptr(rb, vsp_rxbuf_peek(rb, q->index,
		    room->sections)) + at, len);
		room->sections++;
		done += len;
	}
	if (done < VSP_FRAME_MAX)
		room_bounce(q, done, room);
}

int
vsp_to_guest_reserve(struct vsp *vsp, uint32_t queue, uint32_t usual,
    struct vsp_room *room)
{
	struct vsp_queue *q = tg_queue(vsp, queue);

	if (q == NULL)
		return E_GONE;

	int free = tg_ready(q, 1);

	if (free < 0)
		return free;
	usual = min_u32(usual, VSP_FRAME_MAX);
	room->nvec = room->sections = 0;
	room->first_bytes = room->seg_bytes = room->hdr_bytes = 0;
	if (usual <= vsp_rxbuf_frame_max(&vsp->rxbuf)) {
		uint32_t s = vsp_rxbuf_peek(&vsp->rxbuf, queue, 0);

		room->sections = 1;
		room->first_bytes = usual;
		room_add(room, vsp_rxbuf_ptr(&vsp->rxbuf, s) +
		    VSP_SECTION_HEAD, usual);
		room_bounce(q, usual, room);
		return 0;
	}
	room_layout(q, (uint32_t)free, room);
	return 0;
}

/* ---- one frame ----------------------------------------------------------- */

/*
 * A frame of one section, of which the first `there` raw bytes are in place.
 */
static void
tg_plain(struct vsp_queue *q, struct vsp_to_guest_frame *f, const struct vec *v,
    uint32_t n, uint32_t there)
{
	struct vsp *vsp = q->vsp;
	uint32_t s = vsp_rxbuf_pop(&vsp->rxbuf, q->index);
	uint8_t *p = vsp_rxbuf_ptr(&vsp->rxbuf, s);
	uint32_t start = VSP_SECTION_HEAD + f->raw_len - f->len;
	struct vec data = { p + start, f->len };

	bool whole = there == 0 && f->head_len >= f->len;

	/* All of a short frame is in its head. */
	if (there < f->raw_len && !whole)
		pkt_vec_gather(v, n, there, p + VSP_SECTION_HEAD + there,
		    f->raw_len - there);
	if (f->edited || whole)
		memcpy(p + start, f->head, min_u32(f->head_len, f->len));
	vsp_to_guest_csum(q, f, &data, 1);
	vsp_to_guest_section_finish(vsp, s, start, f->len, &f->ppi);
	vsp_to_guest_emit(q, f->target, s, 1);
}

/* Move a frame to the bounce buffer, where the end of it may lie already. */
static void
tg_bounce(struct vsp_queue *q, const struct vec *v, uint32_t n, uint32_t len)
{
	uint8_t *dst = q->to.bounce;

	for (uint32_t i = 0; i < n && len > 0; i++) {
		uint32_t part = min_u32(v[i].len, len);

		if (v[i].p != dst)
			memcpy(dst, v[i].p, part);
		dst += part;
		len -= part;
	}
}

/* Cut what lies in the bounce buffer. */
static int
tg_cut_bounce(struct vsp_queue *q)
{
	struct vsp_to_guest_cut *cut = &q->to.cut;
	const struct vsp_to_guest_frame *f = &cut->f;

	cut->v[0] = (struct vec){ f->head, f->hdr_len };
	cut->v[1] = (struct vec){ q->to.bounce + f->raw_hdr,
	    f->raw_len - f->raw_hdr };
	cut->n = 2;
	return vsp_to_guest_cut_start(q);
}

/* Lay the next room out as this GSO frame would have wanted it. */
static void
tg_guess(struct vsp_queue *q, const struct vsp_to_guest_frame *f)
{
	struct vsp_to_guest *t = &q->to;

	if (f->raw_hdr + f->meta.gso_size > vsp_rxbuf_frame_max(
	    &q->vsp->rxbuf))
		return;
	t->guess_hdr = f->raw_hdr;
	t->guess_seg = f->meta.gso_size;
	t->guess_v6 = f->meta.ip_version == 6;
}

/* True if the pieces of the frame lie where the guest must find them. */
static bool
tg_guess_right(const struct vsp_queue *q, const struct vsp_room *room,
    const struct vsp_to_guest_frame *f)
{
	uint64_t reach = room->first_bytes +
	    (uint64_t)(room->sections - 1) * room->seg_bytes;

	return room->sections > 0 && room->seg_bytes == f->piece &&
	    room->hdr_bytes == f->raw_hdr && f->raw_len <= reach &&
	    q->to.room_rsc == vsp_to_guest_rsc(q->vsp, f->meta.ip_version == 6);
}

static int
tg_gso(struct vsp_queue *q, const struct vsp_room *room,
    struct vsp_to_guest_frame *f)
{
	if (tg_guess_right(q, room, f))
		return vsp_to_guest_cut_inplace(q, f);
	counter_add(&q->vsp->counts[q->index].to.recut, 1);
	tg_bounce(q, room->vec, room->nvec, f->raw_len);
	tg_guess(q, f);
	return tg_cut_bounce(q);
}

static void
tg_count(struct vsp_queue *q, const struct vsp_to_guest_frame *f)
{
	struct vsp_to_guest_counters *c = &q->vsp->counts[q->index].to;

	counter_add(&c->frames, 1);
	counter_add(&c->bytes, f->len);
	if (f->target != q->index)
		counter_add(&c->handed_over, 1);
}

int
vsp_to_guest_submit(struct vsp *vsp, uint32_t queue, struct vsp_room *room,
    uint32_t len, const struct pkt_meta *m)
{
	struct vsp_queue *q = tg_queue(vsp, queue);
	int rc;

	if (q == NULL)
		return E_STATE;
	OS_ASSERT(!q->to.cut.held && len <= VSP_FRAME_MAX);

	struct vsp_to_guest_frame *f = &q->to.cut.f;

	rc = vsp_to_guest_prepare(q, room->vec, room->nvec, len, m, false, f);
	if (rc != 0)
		return rc;
	if (f->hdr_len == 0)
		tg_plain(q, f, room->vec, room->nvec, room->sections > 0 ?
		    min_u32(len, room->vec[0].len) : 0);
	else
		rc = tg_gso(q, room, f);
	if (rc == 0)
		tg_count(q, f);
	return rc;
}

/* ---- frames that are elsewhere ------------------------------------------- */

/* Cut straight from the caller's list, if the whole can be done now. */
static int
tg_copy_gso(struct vsp_queue *q, const struct vec *v, uint32_t n)
{
	struct vsp_to_guest_cut *cut = &q->to.cut;
	const struct vsp_to_guest_frame *f = &cut->f;
	int pieces = E_NOMEM;

	if (vsp_to_guest_pieces(f) <= vsp_rxbuf_ready(&q->vsp->rxbuf, q->index))
		pieces = pkt_vec_slice(v, n, f->raw_hdr,
		    f->raw_len - f->raw_hdr, cut->v + 1, VSP_CUT_PIECES - 1);
	if (pieces > 0) {
		cut->v[0] = (struct vec){ f->head, f->hdr_len };
		cut->n = 1 + (uint32_t)pieces;

		int rc = vsp_to_guest_cut_start(q);

		OS_ASSERT(!cut->held);
		return rc;
	}
	tg_bounce(q, v, n, f->raw_len);
	return tg_cut_bounce(q);
}

/* vsp_to_guest_copy() of a frame that is not the usual one. */
static int
tg_copy(struct vsp *vsp, uint32_t queue, const struct vec *v, uint32_t n,
    uint32_t len, const struct pkt_meta *m)
{
	struct vsp_queue *q = tg_queue(vsp, queue);
	uint32_t need = 1;

	if (q == NULL)
		return E_GONE;
	if (len > VSP_FRAME_MAX) {
		counter_add(&vsp->counts[queue].to.drop_long, 1);
		return E_STATE;
	}
	/* About so many; a frame that wants more is held, not refused. */
	if ((m->flags & PKT_GSO_ANY) && m->gso_size > 0)
		need = (len + m->gso_size - 1u) / m->gso_size;
	else if (m->flags & PKT_GSO_NORESEG)
		need = 1 + len / vsp->mtu;

	uint32_t total = vsp->rxbuf.home[queue].total;
	int free = tg_ready(q, need <= total ? need : 1);

	if (free < 0)
		return free;

	struct vsp_to_guest_frame *f = &q->to.cut.f;
	int rc = vsp_to_guest_prepare(q, v, n, len, m, true, f);

	if (rc != 0)
		return rc;
	if (f->hdr_len == 0)
		tg_plain(q, f, v, n, 0);
	else
		rc = tg_copy_gso(q, v, n);
	if (rc == 0)
		tg_count(q, f);
	return rc;
}

int
vsp_to_guest_copy(struct vsp *vsp, uint32_t queue, const struct vec *v,
    uint32_t n, const struct pkt_meta *m)
{
	struct vsp_queue *q = vsp_queue_at(vsp, queue);
	uint32_t len = n == 1 ? v[0].len : pkt_vec_bytes(v, n);

	if (q != NULL && vsp_to_guest_fast(q, v, n, len, m))
		return 0;
	return tg_copy(vsp, queue, v, n, len, m);
}
