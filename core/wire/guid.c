/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * GUID text to bytes and back.  In memory a GUID is always the 16 bytes of
 * the wire; the only place that knows which groups are swapped is the table
 * below, which says for each pair of hex digits, left to right, where its
 * byte goes.  Pure functions, any context.
 */
#include "wire/guid.h"
#include "wire/wire_hex.h"

const struct hv_guid hv_guid_nic = {{
	0x63, 0x51, 0x61, 0xf8, 0x3e, 0xdf, 0xc5, 0x46,
	0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e,
}};

static const uint8_t guid_order[16] = {
	3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15,
};

static bool
dash_before(uint32_t i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

bool
hv_guid_parse(struct hv_guid *out, const char *text)
{
	bool brace = text[0] == '{';
	struct hv_guid g;

	if (brace)
		text++;
	for (uint32_t i = 0; i < 16; i++) {
		int hi, lo;

		if (dash_before(i) && *text++ != '-')
			return false;
		hi = wire_hex_value(text[0]);
		lo = hi < 0 ? -1 : wire_hex_value(text[1]);
		if (lo < 0)
			return false;
		g.b[guid_order[i]] = (uint8_t)(hi << 4 | lo);
		text += 2;
	}
	if (brace && *text++ != '}')
		return false;
	if (*text != '\0')
		return false;
	*out = g;
	return true;
}

void
hv_guid_format(const struct hv_guid *g, char text[HV_GUID_TEXT_LEN + 1])
{
	static const char digit[] = "0123456789abcdef";

	for (uint32_t i = 0; i < 16; i++) {
		uint8_t b = g->b[guid_order[i]];

		if (dash_before(i))
			*text++ = '-';
		*text++ = digit[b >> 4];
		*text++ = digit[b & 15];
	}
	*text = '\0';
}
