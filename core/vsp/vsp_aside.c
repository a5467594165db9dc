/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data packets that were read while the backend had no room.
 *
 * Theory of operation.  "Aside" is the queue of data packets that were read
 * from the ring while the backend had no room.  Acknowledgements share the ring
 * with data: an unread ring would hold back sections that other guests wait
 * for, and two guests joined by a pair could wait for each other.  So we read
 * on, handle acknowledgements and control, and queue data packets here, in
 * order, until there is room.  They are not completed meanwhile: the frames
 * stay in the guest's memory, so the guest's limit of packets under way bounds
 * this queue.  If a guest has more under way than fits, its whole ring waits.
 *
 * Packets lie one behind the other in one buffer; what was taken in front is
 * closed up when the end is reached.
 *
 * Context: the worker that owns the queue; open and close are control's.
 */
#include "vsp/vsp_priv.h"

struct aside_record {
	uint64_t xact;
	uint32_t ext_len, data_len;
	uint16_t type, flags;
	uint32_t pad;
};

static uint32_t
aside_bytes(const struct aside_record *r)
{
	return align_up((uint32_t)sizeof(*r) + r->ext_len + r->data_len, 8);
}

int
vsp_aside_open(struct vsp_queue *q)
{
	struct vsp *vsp = q->vsp;

	if (vsp->ops.from_guest_stalled == NULL)
		return 0;
	q->aside.buf = vsp->ops.alloc(vsp->ctx, VSP_ASIDE_BYTES);
	return q->aside.buf != NULL ? 0 : E_NOMEM;
}

void
vsp_aside_close(struct vsp_queue *q)
{
	if (q->aside.buf != NULL)
		q->vsp->ops.free(q->vsp->ctx, q->aside.buf, VSP_ASIDE_BYTES);
	q->aside = (struct vsp_aside){ .buf = NULL };
}

bool
vsp_aside_put(struct vsp_aside *a, const struct vmpkt_in *pkt)
{
	const struct aside_record r = { .xact = pkt->xact,
		.ext_len = pkt->ext.len, .data_len = pkt->data.len,
		.type = pkt->type, .flags = pkt->flags };
	uint32_t need = aside_bytes(&r);

	if (need > VSP_ASIDE_BYTES - a->end &&
	    a->first >= VSP_ASIDE_BYTES / 2) {
		memmove(a->buf, a->buf + a->first, a->end - a->first);
		a->end -= a->first;
		a->first = 0;
	}
	if (need > VSP_ASIDE_BYTES - a->end)
		return false;
	uint8_t *p = a->buf + a->end;

	memcpy(p, &r, sizeof(r));
	if (r.ext_len > 0)
		memcpy(p + sizeof(r), pkt->ext.p, r.ext_len);
	if (r.data_len > 0)
		memcpy(p + sizeof(r) + r.ext_len, pkt->data.p, r.data_len);
	a->end += need;
	return true;
}

void
vsp_aside_oldest(const struct vsp_aside *a, struct vmpkt_in *out)
{
	const uint8_t *p = a->buf + a->first;
	struct aside_record r;

	memcpy(&r, p, sizeof(r));
	p += sizeof(r);
	*out = (struct vmpkt_in){ .type = r.type, .flags = r.flags,
		.xact = r.xact, .ext = { p, r.ext_len },
		.data = { p + r.ext_len, r.data_len } };
}

void
vsp_aside_drop(struct vsp_aside *a)
{
	struct aside_record r;

	memcpy(&r, a->buf + a->first, sizeof(r));
	a->first += aside_bytes(&r);
	if (a->first == a->end)
		a->first = a->end = 0;
}
