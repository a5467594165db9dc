/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A borrowed run of bytes, and the one range test in the house.
 */
#ifndef CORE_BASE_SPAN_H
#define CORE_BASE_SPAN_H

#include "base/os.h"

struct span {
	const uint8_t *p;
	uint32_t len;
};

/* One piece of a gather or scatter list. */
struct vec {
	void *p;
	uint32_t len;
};

/*
 * True if [off, off + len) lies inside size.  Peer values are never added:
 * `off + len > size` on values from the wire is a review reject.
 */
static inline bool
range_ok(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

/* The part [off, off + len) of s; the caller has made sure that it exists. */
static inline struct span
span_sub(struct span s, uint32_t off, uint32_t len)
{
	OS_ASSERT(range_ok(off, len, s.len));
	return (struct span){ s.p + off, len };
}

#endif
