/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the extensions of packet types 7 and 9.  The pieces of a walk
 * add up to the bytes that the decoder promised.
 */
#include <stdint.h>

#include "wire/vmpkt.h"
#include "fuzz_input.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span raw = { data, (uint32_t)size };
	struct vmpkt_gpa_walk w;
	struct vmpkt_xfer x;
	struct vmpkt_gpa g;
	struct gpa_piece p;
	enum fault why = FAULT_NONE;
	uint64_t sum = 0;

	if (vmpkt_xfer_decode(&x, raw, &why) == 0) {
		for (uint32_t i = 0; i < x.count; i++)
			(void)vmpkt_xfer_range(&x, i);
	} else {
		fuzz_require(why == FAULT_PKT_RANGES);
	}
	why = FAULT_NONE;
	if (vmpkt_gpa_decode(&g, raw, &why) != 0) {
		fuzz_require(why == FAULT_PKT_RANGES);
		return 0;
	}
	vmpkt_gpa_walk_init(&w, &g);
	while (vmpkt_gpa_walk_next(&w, &p)) {
		fuzz_require(p.len != 0 && w.range < g.count);
		sum += p.len;
	}
	fuzz_require(sum == g.total_bytes);
	return 0;
}
