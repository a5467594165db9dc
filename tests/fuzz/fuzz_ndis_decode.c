/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: NDIS objects as a peer sends them in a query or a set.  Input:
 * one byte that picks the object, then the object.
 */
#include <stdint.h>

#include "wire/ndis_obj.h"
#include "wire/wire_print.h"
#include "wire/wire_text.h"
#include "fuzz_input.h"

static void
rss_params(struct span raw)
{
	static uint8_t buf[NDIS_RSS_PARAMS_MAX];
	struct ndis_rss_params p, again;
	enum fault why;
	uint32_t n;

	if (ndis_rss_params_decode(&p, raw, &why) != 0)
		return;
	n = ndis_rss_params_encode(&p, buf);
	fuzz_require(ndis_rss_params_decode(&again, (struct span){ buf, n },
	    &why) == 0);
	fuzz_require(again.entries == p.entries && again.has_key == p.has_key);
	fuzz_require(memcmp(again.entry, p.entry, sizeof(p.entry)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t oids[] = {
		0xfc01020d, 0xfc01020c, 0x10203, 0x10204, 0x1021b, 0x1010e,
		0x01010103, 0,
	};
	struct ndis_offload_caps caps;
	struct ndis_offload_params params;
	struct ndis_rss_caps rss;
	struct ndis_config config;
	struct wire_text t;
	char line[WIRE_PRINT_MAX];
	enum fault why;
	uint8_t buf[NDIS_OFFLOAD_BYTES_3], mac[6];
	struct span raw;

	if (size < 1)
		return 0;
	raw = (struct span){ data + 1, (uint32_t)size - 1 };
	wire_text_init(&t, line, sizeof(line));
	ndis_obj_print(&t, oids[data[0] % ARRAY_LEN(oids)], raw);
	fuzz_require(t.len < sizeof(line));
	if (ndis_offload_caps_decode(&caps, raw, &why) == 0)
		fuzz_require(ndis_offload_caps_encode(&caps, buf) <= raw.len);
	if (ndis_offload_params_decode(&params, raw, &why) == 0)
		fuzz_require(ndis_offload_params_encode(&params, buf) >= 20);
	if (ndis_rss_caps_decode(&rss, raw, &why) == 0)
		fuzz_require(ndis_rss_caps_encode(&rss, buf) <= raw.len);
	if (ndis_config_decode(&config, raw, &why) == 0)
		(void)ndis_config_mac_get(&config, mac);
	rss_params(raw);
	return 0;
}
