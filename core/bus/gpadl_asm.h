/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assembly of a GPADL from its header and body messages, at the host end.
 * Pure: the caller brings the memory.  Context: control.
 */
#ifndef CORE_BUS_GPADL_ASM_H
#define CORE_BUS_GPADL_ASM_H

#include "wire/vmbus_gpadl.h"

struct gpadl_asm {
	uint8_t *buf;		/* `bytes` of the caller's */
	uint32_t bytes;		/* of the range buffer, as the header says */
	uint32_t have;
	uint32_t ranges;
};

void gpadl_asm_init(struct gpadl_asm *as, uint8_t *buf, uint32_t bytes,
    uint32_t ranges);

/*
 * Append the part that a message carries; what exceeds the range buffer is
 * padding and is dropped.  True if the buffer is complete.
 */
bool gpadl_asm_add(struct gpadl_asm *as, struct span part);

/*
 * Check the complete buffer.  The number of pages, or E_PEER with *why
 * GPADL_RANGE: malformed, or a range that is not whole pages from the start of
 * a page (no guest makes such ones for a ring or a buffer; QEMU drops them).
 */
int gpadl_asm_check(const struct gpadl_asm *as, enum fault *why) must_check;

/* The page numbers of all ranges, in order, after a successful check. */
void gpadl_asm_pfns(const struct gpadl_asm *as, uint64_t *pfns);

#endif
