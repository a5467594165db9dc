/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory as the core's alloc() calls promise it: zeroed, at a multiple of
 * OS_CACHELINE.  All of our ports have it from here, and the tests' rigs.
 */
#ifndef LINUX_PORT_OS_BLOCK_H
#define LINUX_PORT_OS_BLOCK_H

#include <stdlib.h>

#include "base/os.h"

/* NULL: out of memory.  free() it. */
static inline void *
os_block_zeroed(size_t bytes)
{
	size_t size = (bytes + OS_CACHELINE - 1) / OS_CACHELINE * OS_CACHELINE;
	void *p = aligned_alloc(OS_CACHELINE, size);

	return p == NULL ? NULL : memset(p, 0, size);
}

#endif
