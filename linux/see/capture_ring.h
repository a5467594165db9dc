/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of records of any length from one thread to the thread that writes
 * them to a file.
 *
 * The writer of records never waits: a record that does not fit is counted as
 * lost, and the next one that does says how many were.  A record is in one
 * piece; one that would reach over the end begins at the start again.
 *
 * Context: put by one thread, get by another.
 */
#ifndef LINUX_SEE_CAPTURE_RING_H
#define LINUX_SEE_CAPTURE_RING_H

#include <stdint.h>
#include <string.h>

#include "base/counter.h"

struct capture_record {
	uint32_t bytes;		/* behind this; 0: go on at the start */
	uint32_t orig;		/* length before it was cut */
	uint32_t lost;		/* records before this one, since the last */
	uint32_t text;		/* the last so many bytes are a comment too */
	uint64_t time_ns;
};

struct capture_ring {
	/* const */
	uint8_t *mem;
	uint32_t size;		/* a multiple of 8 */
	/* owner: who puts */
	uint32_t head CACHE_ALIGNED;	/* shared: read by who gets */
	uint32_t tail_seen;
	uint32_t lost_now;
	uint64_t records, lost;		/* shared: read by others */
	/* owner: who gets */
	uint32_t tail CACHE_ALIGNED;	/* shared: read by who puts */
	uint32_t next;			/* the next to take */
};

static inline uint32_t
capture_ring_step(uint32_t bytes)
{
	return (uint32_t)sizeof(struct capture_record) + align_up(bytes, 8);
}

/*
 * Room for a record of so many bytes, in one piece, or NULL: lost.  Fill it in
 * and call capture_ring_publish().
 */
struct capture_record *capture_ring_room(struct capture_ring *r,
    uint32_t bytes);
void capture_ring_publish(struct capture_ring *r,
    const struct capture_record *rec);

/* The next record, or NULL; it stays until capture_ring_free(). */
const struct capture_record *capture_ring_get(struct capture_ring *r);
/* The record that capture_ring_get() returned was used. */
void capture_ring_skip(struct capture_ring *r,
    const struct capture_record *rec);
/* Give the room of all used records back. */
void capture_ring_free(struct capture_ring *r);

#endif
