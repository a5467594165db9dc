/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The range buffer of a GPADL: a list of ranges, each {u32 bytes, u32 offset,
 * PFNs}, cut into a GPADL_HEADER message and any number of GPADL_BODY
 * messages (OpenVMM protocol.rs; FreeBSD vmbus_chan.c).
 */
#ifndef CORE_WIRE_VMBUS_GPADL_H
#define CORE_WIRE_VMBUS_GPADL_H

#include "base/fault.h"
#include "base/span.h"
#include "wire/vmbus_wire.h"

/* Bytes of range buffer in the first and in each further message. */
#define VMBUS_GPADL_HEADER_PART	216u	/* one range header and 26 PFNs */
#define VMBUS_GPADL_BODY_PART	224u	/* 28 PFNs */
#define VMBUS_GPADL_BYTES_MAX	65528u	/* u16, multiple of 8: 8190 PFNs */

/* ---- reading: host ---------------------------------------------------- */

struct vmbus_gpadl_iter {
	struct span left;
	uint32_t ranges_left;
};

struct vmbus_gpadl_range {
	uint32_t bytes;
	uint32_t offset;	/* into the first page, < 4096 */
	uint32_t pages;
	struct span pfns;	/* pages x u64 */
};

/*
 * Walk the complete range buffer.  next returns 1 with a range, 0 after the
 * last one, or E_PEER with *why GPADL_RANGE: an empty range, an offset of
 * 4096 or more, PFNs beyond the buffer, or no range at all.  Bytes after the
 * last range are ignored.
 */
void vmbus_gpadl_iter_init(struct vmbus_gpadl_iter *it, struct span buf,
    uint32_t ranges);
int vmbus_gpadl_next(struct vmbus_gpadl_iter *it,
    struct vmbus_gpadl_range *out, enum fault *why) must_check;

/*
 * Check the whole buffer once.  Returns 0 with the number of pages of all
 * ranges and their bytes (either may be NULL), or E_PEER.
 */
int vmbus_gpadl_check(struct span buf, uint32_t ranges, uint32_t *pages,
    uint64_t *bytes, enum fault *why) must_check;

/* PFN i of a range that next returned, i < pages. */
static inline uint64_t
vmbus_gpadl_pfn(const struct vmbus_gpadl_range *r, uint32_t i)
{
	le64_t pfn;

	memcpy(&pfn, r->pfns.p + (size_t)i * sizeof(pfn), sizeof(pfn));
	return le64_get(pfn);
}

/* ---- writing: guest --------------------------------------------------- */

/* One range to describe: by a list of PFNs, or contiguous if pfn is NULL. */
struct vmbus_gpadl_src {
	uint32_t bytes;
	uint32_t offset;
	const uint64_t *pfn;
	uint64_t first_pfn;
};

/* Bytes of the range buffer for these ranges; 0 if over the u16 limit. */
uint32_t vmbus_gpadl_bytes(const struct vmbus_gpadl_src *src, uint32_t n);

/* Messages that many bytes take: one header, and bodies. */
uint32_t vmbus_gpadl_messages(uint32_t bytes);

/*
 * Build message i (0 is the header) of a GPADL.  Returns its length, <= 240,
 * or 0 if there is no such message.
 */
uint32_t vmbus_gpadl_message(const struct vmbus_gpadl_src *src, uint32_t n,
    uint32_t relid, uint32_t gpadl, uint32_t i, uint8_t buf[VMBUS_MSG_MAX]);

#endif
