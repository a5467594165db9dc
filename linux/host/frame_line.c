/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of frames: a ring of bytes with records of a header and a frame.
 *
 * A record never wraps.  Where it would, the rest of the ring is a gap: a
 * record whose length is GAP, which the taker steps over.  Every record is a
 * multiple of its alignment and the putter keeps one header free, so there is
 * always room to say GAP.  head == tail is empty; the putter never lets head
 * catch up with tail.
 */
#include "linux/host/frame_line.h"

#include <errno.h>
#include <stdlib.h>

#include "pkt/pkt_load.h"

#define LINE_GAP	UINT32_MAX
#define LINE_ALIGN	64u
#define LINE_HEAD	((uint32_t)sizeof(struct frame_record))

_Static_assert(sizeof(struct frame_record) <= LINE_ALIGN, "gap record");

static uint32_t
record_bytes(uint32_t len)
{
	return align_up(LINE_HEAD + len, LINE_ALIGN);
}

static struct frame_record *
line_at(const struct frame_line *l, uint32_t off)
{
	return (struct frame_record *)(void *)(l->buf + off);
}

int
frame_line_make(struct frame_line *l, uint32_t bytes)
{
	*l = (struct frame_line){ .bytes = align_up(bytes, LINE_ALIGN) };
	l->buf = aligned_alloc(LINE_ALIGN, l->bytes);
	return l->buf != NULL ? 0 : -ENOMEM;
}

void
frame_line_free(struct frame_line *l)
{
	free(l->buf);
	l->buf = NULL;
}

void
frame_line_clear(struct frame_line *l)
{
	l->head = l->tail = 0;
}

uint8_t *
frame_line_room(struct frame_line *l, uint32_t len)
{
	uint32_t need = record_bytes(len);
	uint32_t head = os_ld32(&l->head);
	uint32_t tail = os_ld32_acq(&l->tail);

	/* One LINE_ALIGN stays free behind it: for a gap, and before tail. */
	if (head >= tail) {
		if (l->bytes - head > need)
			return frame_record_bytes(line_at(l, head));
		if (tail <= need)
			return NULL;
		line_at(l, head)->len = LINE_GAP;
		os_st32_rel(&l->head, 0);
		return frame_record_bytes(line_at(l, 0));
	}
	return tail - head > need ? frame_record_bytes(line_at(l, head)) :
	    NULL;
}

void
frame_line_put(struct frame_line *l, uint64_t stamp, uint32_t len,
    const struct pkt_meta *m)
{
	uint32_t head = os_ld32(&l->head);
	struct frame_record *r = line_at(l, head);

	r->stamp = stamp;
	r->len = len;
	r->meta = *m;
	os_st32_rel(&l->head, head + record_bytes(len));
}

bool
frame_line_copy(struct frame_line *l, uint64_t stamp, const struct vec *v,
    uint32_t n, uint32_t len, const struct pkt_meta *m)
{
	uint8_t *p = frame_line_room(l, len);

	if (p == NULL)
		return false;
	pkt_vec_gather(v, n, 0, p, len);
	frame_line_put(l, stamp, len, m);
	return true;
}

struct frame_record *
frame_line_oldest(struct frame_line *l)
{
	uint32_t head = os_ld32_acq(&l->head);
	uint32_t tail = os_ld32(&l->tail);

	if (tail != head && line_at(l, tail)->len == LINE_GAP) {
		tail = 0;
		os_st32_rel(&l->tail, 0);
	}
	return tail == head ? NULL : line_at(l, tail);
}

void
frame_line_drop(struct frame_line *l, const struct frame_record *r)
{
	os_st32_rel(&l->tail, os_ld32(&l->tail) + record_bytes(r->len));
}

uint32_t
frame_line_used(const struct frame_line *l)
{
	uint32_t head = os_ld32(&l->head), tail = os_ld32(&l->tail);

	return head >= tail ? head - tail : l->bytes - tail + head;
}
