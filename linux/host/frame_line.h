/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line of frames that wait: one thread puts, one takes, nothing is allocated
 * after it was made.
 */
#ifndef LINUX_HOST_FRAME_LINE_H
#define LINUX_HOST_FRAME_LINE_H

#include "base/span.h"
#include "pkt/pkt_meta.h"

struct frame_line {
	uint8_t *buf;
	uint32_t bytes;
	uint32_t head CACHE_ALIGNED;	/* shared: the putter writes */
	uint32_t tail CACHE_ALIGNED;	/* shared: the taker writes */
};

struct frame_record {
	uint64_t stamp;			/* the putter's own */
	uint32_t len;			/* of the frame that follows */
	struct pkt_meta meta;
};

/* 0 or -ENOMEM.  Touched memory only is used. */
int frame_line_make(struct frame_line *, uint32_t bytes);
void frame_line_free(struct frame_line *);
/* Neither side runs. */
void frame_line_clear(struct frame_line *);

/* Putter: where a frame of up to len bytes goes, or NULL: full. */
uint8_t *frame_line_room(struct frame_line *, uint32_t len);
/* Put what was written to that room; at most its len. */
void frame_line_put(struct frame_line *, uint64_t stamp, uint32_t len,
    const struct pkt_meta *);
/* Putter: gather and put.  False: full. */
bool frame_line_copy(struct frame_line *, uint64_t stamp, const struct vec *,
    uint32_t n, uint32_t len, const struct pkt_meta *);

/* Taker: the oldest, or NULL; then drop it. */
struct frame_record *frame_line_oldest(struct frame_line *);
void frame_line_drop(struct frame_line *, const struct frame_record *);

/* A glimpse: bytes in use.  Any thread. */
uint32_t frame_line_used(const struct frame_line *);

static inline uint8_t *
frame_record_bytes(struct frame_record *r)
{
	return (uint8_t *)(r + 1);
}

#endif
