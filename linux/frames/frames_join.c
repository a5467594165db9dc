/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received frames of several pieces (RSC), copied into one.
 *
 * Copies lie one behind the other in blocks of the queue, which come as they
 * are needed and stay until hvnet_close().  All copies end at once, when the
 * packets of the same time go back to the host; since those lie in its receive
 * buffer until then, the copies never need more than the buffer's size, and
 * what is lost at the ends of blocks.
 *
 * Context: the queue's thread.
 */
#include <stdlib.h>

#include "linux/frames/frames_priv.h"
#include "pkt/pkt_load.h"

/* Policy: bytes of a block, several of the longest frames. */
#define JOIN_BLOCK	(512u << 10)

uint8_t *
frames_join(struct frames_queue *q, const struct vsc_frame *f)
{
	struct frames_joined *j = &q->joined;
	uint8_t *to;

	if (f->len > JOIN_BLOCK)
		return NULL;
	if (j->blocks != 0 && f->len > JOIN_BLOCK - j->used) {
		j->at++;
		j->used = 0;
	}
	if (j->at == j->blocks) {
		if (j->blocks == FRAMES_JOIN_BLOCKS)
			return NULL;
		j->block[j->at] = malloc(JOIN_BLOCK);
		if (j->block[j->at] == NULL)
			return NULL;
		j->blocks++;
	}
	to = j->block[j->at] + j->used;
	(void)pkt_vec_gather_once(f->vec, f->nvec, 0, to, f->len);
	/* So that each copy begins as a cache line does. */
	j->used += min_u32(align_up(f->len, OS_CACHELINE),
	    JOIN_BLOCK - j->used);
	return to;
}

void
frames_join_free(struct frames_queue *q)
{
	for (uint32_t i = 0; i < q->joined.blocks; i++)
		free(q->joined.block[i]);
}
