/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Large blocks are kept from one input to the next.  A sanitizer's allocator
 * maps and unmaps each of them, which took half of the time of the targets
 * that make a device for each input.
 *
 * To be included first: what follows, rigs included, then allocates here.  A
 * block that is free, and what lies behind a shorter one, is poisoned, so a
 * use of it is found as ever; that all are free in the end is the rig's to
 * check.
 */
#ifndef TESTS_FUZZ_FUZZ_BLOCKS_H
#define TESTS_FUZZ_FUZZ_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#define FUZZ_BLOCK_MIN	16384u		/* smaller ones are malloc's */
#define FUZZ_BLOCK_GAP	4096u		/* poisoned, behind each */
#define FUZZ_BLOCKS	64u

/* Weak: one table for the whole program, whose files each include this. */
__attribute__((weak)) struct fuzz_block {
	char *p;
	size_t cap;
	bool used;
} fuzz_block[FUZZ_BLOCKS];

/* A free block that is large enough and not much larger, or a new one. */
static inline struct fuzz_block *
fuzz_block_find(size_t bytes)
{
	struct fuzz_block *b = fuzz_block;

	for (; b < fuzz_block + FUZZ_BLOCKS && b->p != NULL; b++)
		if (!b->used && b->cap >= bytes && b->cap <= bytes + bytes / 2)
			return b;
	if (b == fuzz_block + FUZZ_BLOCKS)
		return NULL;
	b->cap = (bytes + 4095) / 4096 * 4096;
	b->p = aligned_alloc(4096, b->cap + FUZZ_BLOCK_GAP);
	if (b->p == NULL)
		abort();
	return b;
}

static inline void *
fuzz_block_get(size_t align, size_t bytes, bool zero)
{
	struct fuzz_block *b = bytes < FUZZ_BLOCK_MIN ? NULL :
	    fuzz_block_find(bytes);
	void *p;

	if (b == NULL) {
		p = align > 16 ? aligned_alloc(align, bytes) :
		    malloc(bytes > 0 ? bytes : 1);
		return p != NULL && zero ? memset(p, 0, bytes) : p;
	}
	b->used = true;
	ASAN_UNPOISON_MEMORY_REGION(b->p, bytes);
	ASAN_POISON_MEMORY_REGION(b->p + bytes, b->cap + FUZZ_BLOCK_GAP -
	    bytes);
	return zero ? memset(b->p, 0, bytes) : b->p;
}

static inline void
fuzz_block_put(void *p)
{
	for (struct fuzz_block *b = fuzz_block; (uintptr_t)p % 4096 == 0 &&
	    b < fuzz_block + FUZZ_BLOCKS && b->p != NULL; b++) {
		if (b->p != p)
			continue;
		if (!b->used)
			abort();	/* freed twice */
		b->used = false;
		ASAN_POISON_MEMORY_REGION(b->p, b->cap);
		return;
	}
	free(p);
}

static inline void *
fuzz_block_malloc(size_t bytes)
{
	return fuzz_block_get(0, bytes, false);
}

static inline void *
fuzz_block_calloc(size_t n, size_t bytes)
{
	return fuzz_block_get(0, n * bytes, true);
}

static inline void *
fuzz_block_aligned(size_t align, size_t bytes)
{
	return fuzz_block_get(align, bytes, false);
}

/* Names, not calls: members of these names are renamed with their structs. */
#define malloc		fuzz_block_malloc
#define calloc		fuzz_block_calloc
#define aligned_alloc	fuzz_block_aligned
#define free		fuzz_block_put

#endif
