/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: VMBus control messages and GPADL range lists.  What decodes
 * must come out of the encoder as a message that decodes to the same bytes;
 * what does not must say why.
 */
#include <stdint.h>

#include "wire/vmbus_gpadl.h"
#include "wire/vmbus_msg.h"
#include "wire/wire_print.h"
#include "fuzz_input.h"

static void
walk_ranges(struct span buf, uint32_t ranges)
{
	struct vmbus_gpadl_iter it;
	struct vmbus_gpadl_range r;
	uint32_t pages = 0, sum = 0;
	uint64_t bytes;
	enum fault why = FAULT_NONE;

	if (vmbus_gpadl_check(buf, ranges, &sum, &bytes, &why) != 0) {
		fuzz_require(why == FAULT_GPADL_RANGE);
		return;
	}
	vmbus_gpadl_iter_init(&it, buf, ranges);
	while (vmbus_gpadl_next(&it, &r, &why) > 0)
		for (uint32_t i = 0; i < r.pages; i++, pages++)
			(void)vmbus_gpadl_pfn(&r, i);
	fuzz_require(pages == sum);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span raw = { data, (uint32_t)size };
	uint8_t once[VMBUS_MSG_MAX], twice[VMBUS_MSG_MAX];
	char line[WIRE_PRINT_MAX];
	struct vmbus_msg m, again;
	enum fault why = FAULT_NONE;
	uint32_t n;

	if (size > VMBUS_MSG_MAX)
		return 0;
	fuzz_require(vmbus_msg_print(line, sizeof(line), raw) > 0);
	if (vmbus_msg_decode(&m, raw, &why) != 0) {
		fuzz_require(why != FAULT_NONE);
		return 0;
	}
	n = vmbus_msg_encode(&m, once);
	fuzz_require(n <= VMBUS_MSG_MAX);
	fuzz_require(vmbus_msg_decode(&again, (struct span){ once, n },
	    &why) == 0);
	fuzz_require(vmbus_msg_encode(&again, twice) == n);
	fuzz_require(memcmp(once, twice, n) == 0);
	if (m.type == VMBUS_GPADL_HEADER)
		walk_ranges(m.gpadl_header.part, m.gpadl_header.range_count);
	return 0;
}
