/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring between a thread that captures and the one that writes.
 *
 * Theory of operation.  Indexes are byte offsets; equal means empty, so 8 bytes
 * stay unused.  A record needs its bytes in one piece: where they do not fit
 * before the end, a record of no bytes marks that the rest is skipped.
 */
#include "linux/see/capture_ring.h"

/* Where `need` bytes in one piece begin; r->size: nowhere. */
static uint32_t
ring_place(const struct capture_ring *r, uint32_t need)
{
	uint32_t tail = r->tail_seen;

	if (r->head < tail)
		return need < tail - r->head ? r->head : r->size;
	/* The end itself may be reached only while index 0 is free. */
	if (need < r->size - r->head || (need == r->size - r->head && tail > 0))
		return r->head;
	return need < tail ? 0 : r->size;
}

struct capture_record *
capture_ring_room(struct capture_ring *r, uint32_t bytes)
{
	uint32_t need = capture_ring_step(bytes);
	uint32_t at = ring_place(r, need);
	struct capture_record *rec;

	if (at == r->size) {
		r->tail_seen = os_ld32_acq(&r->tail);
		at = ring_place(r, need);
	}
	if (at == r->size) {
		r->lost_now++;
		counter_add(&r->lost, 1);
		return NULL;
	}
	if (at != r->head)
		memset(r->mem + r->head, 0, 8);
	rec = (void *)(r->mem + at);
	rec->bytes = bytes;
	rec->lost = r->lost_now;
	r->lost_now = 0;
	return rec;
}

void
capture_ring_publish(struct capture_ring *r, const struct capture_record *rec)
{
	uint32_t end = (uint32_t)((const uint8_t *)rec - r->mem) +
	    capture_ring_step(rec->bytes);

	counter_add(&r->records, 1);
	os_st32_rel(&r->head, end == r->size ? 0 : end);
}

const struct capture_record *
capture_ring_get(struct capture_ring *r)
{
	uint32_t head = os_ld32_acq(&r->head);
	const struct capture_record *rec;

	if (r->next == head)
		return NULL;
	rec = (const void *)(r->mem + r->next);
	if (rec->bytes != 0)
		return rec;
	r->next = 0;
	return r->next == head ? NULL : (const void *)r->mem;
}

void
capture_ring_skip(struct capture_ring *r, const struct capture_record *rec)
{
	uint32_t end = (uint32_t)((const uint8_t *)rec - r->mem) +
	    capture_ring_step(rec->bytes);

	r->next = end == r->size ? 0 : end;
}

void
capture_ring_free(struct capture_ring *r)
{
	os_st32_rel(&r->tail, r->next);
}
