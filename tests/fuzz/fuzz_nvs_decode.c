/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: NVSP messages.  The first byte picks the negotiated version,
 * the second says whether it is a completion, the rest is the message.  What
 * decodes must survive the way through the encoder.
 */
#include <stdint.h>

#include "wire/nvs_msg.h"
#include "wire/wire_print.h"
#include "fuzz_input.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t once[NVS_MSG_BYTES_MAX], twice[NVS_MSG_BYTES_MAX];
	char line[WIRE_PRINT_MAX];
	struct nvs_msg m, again;
	struct nvs_rndis r;
	enum fault why = FAULT_NONE;
	struct span raw;
	uint32_t version, n;

	if (size < 2)
		return 0;
	version = nvs_versions[data[0] % NVS_VERSIONS];
	raw = (struct span){ data + 2, (uint32_t)size - 2 };
	fuzz_require(nvs_msg_print(line, sizeof(line), raw, version,
	    data[1] & 1) > 0);
	if (nvs_msg_decode(&m, raw, version, &why) != 0) {
		fuzz_require(why != FAULT_NONE);
		fuzz_require(!nvs_rndis_get(&r, raw));
		return 0;
	}
	fuzz_require(nvs_rndis_get(&r, raw) == (m.type == NVS_RNDIS));
	n = nvs_msg_encode(&m, NVS_MSG_BYTES_6_1, once);
	fuzz_require(nvs_msg_decode(&again, (struct span){ once, n }, version,
	    &why) == 0);
	fuzz_require(nvs_msg_encode(&again, NVS_MSG_BYTES_6_1, twice) == n);
	fuzz_require(memcmp(once, twice, n) == 0);
	return 0;
}
