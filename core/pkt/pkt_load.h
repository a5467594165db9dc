/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unaligned big-endian loads and stores, and the vec list as one frame.
 *
 * Frames lie at any alignment and headers may be split over pieces, so nothing
 * in core/pkt dereferences a pointer wider than a byte.
 */
#ifndef CORE_PKT_PKT_LOAD_H
#define CORE_PKT_PKT_LOAD_H

#include "base/span.h"

static inline uint16_t
pkt_be16_load(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
pkt_be32_load(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static inline void
pkt_be16_store(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
pkt_be32_store(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/*
 * Bytes in a list of n pieces.  Context: any.  The caller keeps the sum below
 * 4 GiB (our frames end at 64 KiB).  Pieces of length 0 are allowed here and
 * in every function below.
 */
uint32_t pkt_vec_bytes(const struct vec *v, uint32_t n);

/*
 * Copy [off, off + len) of the list to dst, as far as the list goes.
 * Context: any.  Returns the bytes copied.
 */
uint32_t pkt_vec_gather(const struct vec *v, uint32_t n, uint32_t off,
    void *dst, uint32_t len);

/* The same of memory that a peer may change, as copy_once(). */
static inline uint32_t
pkt_vec_gather_once(const struct vec *v, uint32_t n, uint32_t off, void *dst,
    uint32_t len)
{
	uint32_t got = pkt_vec_gather(v, n, off, dst, len);

	os_barrier();
	return got;
}

/*
 * Copy len bytes from src over [off, off + len) of the list, as far as the
 * list goes.  Context: owner of the frame.  Returns the bytes copied.
 */
uint32_t pkt_vec_scatter(const struct vec *v, uint32_t n, uint32_t off,
    const void *src, uint32_t len);

/*
 * Describe [off, off + len) of the list in out[0..max).  Context: any; out
 * borrows the pieces' memory and may not overlap v.  Returns the pieces used
 * (none of length 0), E_NOMEM when max is too small, E_STATE when the list is
 * shorter than off + len.
 */
int pkt_vec_slice(const struct vec *v, uint32_t n, uint32_t off, uint32_t len,
    struct vec *out, uint32_t max);

#endif
