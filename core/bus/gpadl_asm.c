/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The range buffer of a GPADL arrives in pieces, in
 * order, and is judged as a whole when its last byte is there.
 *
 * The pieces are copied into memory that the header's byte count sized, so
 * nothing that a later message says can make it grow.  After the check the
 * buffer is private and immutable; gpadl_asm_pfns() walks what was checked.
 * Context: control.
 */
#include "bus/gpadl_asm.h"

void
gpadl_asm_init(struct gpadl_asm *as, uint8_t *buf, uint32_t bytes,
    uint32_t ranges)
{
	as->buf = buf;
	as->bytes = bytes;
	as->have = 0;
	as->ranges = ranges;
}

bool
gpadl_asm_add(struct gpadl_asm *as, struct span part)
{
	uint32_t n = min_u32(part.len, as->bytes - as->have);

	if (n > 0)
		memcpy(as->buf + as->have, part.p, n);
	as->have += n;
	return as->have == as->bytes;
}

static void
gpadl_asm_walk(const struct gpadl_asm *as, struct vmbus_gpadl_iter *it)
{
	struct span all = { as->buf, as->bytes };

	vmbus_gpadl_iter_init(it, all, as->ranges);
}

int
gpadl_asm_check(const struct gpadl_asm *as, enum fault *why)
{
	struct vmbus_gpadl_iter it;
	struct vmbus_gpadl_range r;
	uint32_t pages = 0;
	int got;

	OS_ASSERT(as->have == as->bytes);
	gpadl_asm_walk(as, &it);
	while ((got = vmbus_gpadl_next(&it, &r, why)) == 1) {
		if (r.offset != 0 || r.bytes % HV_PAGE_SIZE != 0)
			return peer_bad(why, FAULT_GPADL_RANGE);
		pages += r.pages;
	}
	return got < 0 ? got : (int)pages;
}

void
gpadl_asm_pfns(const struct gpadl_asm *as, uint64_t *pfns)
{
	struct vmbus_gpadl_iter it;
	struct vmbus_gpadl_range r;
	enum fault why;
	uint32_t n = 0;

	gpadl_asm_walk(as, &it);
	while (vmbus_gpadl_next(&it, &r, &why) == 1)
		for (uint32_t i = 0; i < r.pages; i++)
			pfns[n++] = vmbus_gpadl_pfn(&r, i);
}
