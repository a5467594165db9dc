/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that a host may read by address, for a driver in user space: addresses
 * are physical (huge pages), or virtual where the other side takes those
 * (`hvnet uio`).  Never grows, freed as a whole.
 *
 * Context: one thread.
 */
#ifndef LINUX_GUEST_UIO_ARENA_H
#define LINUX_GUEST_UIO_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/chan.h"

struct uio_arena;

#define UIO_ARENA_CHUNK	(2u << 20)	/* what one piece can be at most */

/*
 * Chunks of zeroed memory, huge pages with physical addresses if huge.  NULL
 * with a sentence.
 */
struct uio_arena *uio_arena_create(uint32_t chunks, bool huge, char *err,
    size_t cap);
void uio_arena_destroy(struct uio_arena *);
/* 0; E_NOMEM: used up, or too large a piece. */
int uio_arena_alloc(struct uio_arena *, uint32_t bytes, struct chan_mem *out);
/* Where [addr, addr + len) of it lies, within a page, or NULL.  Any thread. */
uint8_t *uio_arena_find(const struct uio_arena *, uint64_t addr, uint32_t len);

#endif
