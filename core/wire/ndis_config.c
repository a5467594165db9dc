/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * OID_GEN_RNDIS_CONFIG_PARAMETER: one named setting of the adapter, name and
 * string values in UTF-16LE.  Only ASCII text is ever produced or compared.
 * Linux sets a MAC address this way, by the name "NetworkAddress".  Pure
 * functions, any context; control path only.
 */
#include "wire/ndis_obj.h"
#include "wire/wire_hex.h"

static const char mac_name[] = "NetworkAddress";

int
ndis_config_decode(struct ndis_config *out, struct span raw, enum fault *why)
{
	struct ndis_config_wire w;
	uint32_t name_off, name_len, value_off, value_len;

	if (raw.len < sizeof(w))
		return peer_bad(why, FAULT_OID_OBJECT);
	memcpy(&w, raw.p, sizeof(w));
	name_off = le32_get(w.name_off);
	name_len = le32_get(w.name_len);
	value_off = le32_get(w.value_off);
	value_len = le32_get(w.value_len);
	if (name_off < sizeof(w) || (name_len & 1) != 0 ||
	    !range_ok(name_off, name_len, raw.len))
		return peer_bad(why, FAULT_OID_OBJECT);
	if (value_off < sizeof(w) || !range_ok(value_off, value_len, raw.len))
		return peer_bad(why, FAULT_OID_OBJECT);
	out->type = le32_get(w.type);
	out->name = span_sub(raw, name_off, name_len);
	out->value = span_sub(raw, value_off, value_len);
	out->integer = 0;
	if (out->type == NDIS_CONFIG_INT) {
		le32_t v;

		if (value_len < sizeof(v))
			return peer_bad(why, FAULT_OID_OBJECT);
		memcpy(&v, out->value.p, sizeof(v));
		out->integer = le32_get(v);
	}
	return 0;
}

static uint32_t
ascii_len(const char *s)
{
	uint32_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

static void
utf16_put(uint8_t *p, const char *ascii, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		*p++ = (uint8_t)ascii[i];
		*p++ = 0;
	}
}

/* Character i, or 0 for one outside ASCII, which is never wanted. */
static char
utf16_char(struct span s, uint32_t i)
{
	const uint8_t *p = s.p + 2 * (size_t)i;

	return p[1] == 0 && p[0] < 0x80 ? (char)p[0] : '\0';
}

/* Characters of s without a trailing NUL. */
static uint32_t
utf16_len(struct span s)
{
	uint32_t n = s.len / 2;

	if (n != 0 && s.p[2 * n - 2] == 0 && s.p[2 * n - 1] == 0)
		n--;
	return n;
}

uint32_t
ndis_config_string_encode(const char *name, const char *value, uint8_t *buf,
    uint32_t cap)
{
	uint32_t name_len = ascii_len(name), value_len = ascii_len(value);
	uint32_t value_off = (uint32_t)sizeof(struct ndis_config_wire) +
	    2 * name_len;
	struct ndis_config_wire w = {
		.name_off = le32_put(sizeof(w)),
		.name_len = le32_put(2 * name_len),
		.type = le32_put(NDIS_CONFIG_STRING),
		.value_off = le32_put(value_off),
		.value_len = le32_put(2 * value_len),
	};

	if (value_off + 2 * value_len > cap)
		return 0;
	memcpy(buf, &w, sizeof(w));
	utf16_put(buf + sizeof(w), name, name_len);
	utf16_put(buf + value_off, value, value_len);
	return value_off + 2 * value_len;
}

bool
ndis_utf16_equal(struct span utf16, const char *ascii)
{
	uint32_t n = utf16_len(utf16);

	if (n != ascii_len(ascii))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (utf16_char(utf16, i) != ascii[i])
			return false;
	return true;
}

uint32_t
ndis_config_mac_encode(const uint8_t mac[6], uint8_t buf[NDIS_CONFIG_MAC_BYTES])
{
	static const char digit[] = "0123456789abcdef";
	char text[13];

	for (uint32_t i = 0; i < 6; i++) {
		text[2 * i] = digit[mac[i] >> 4];
		text[2 * i + 1] = digit[mac[i] & 15];
	}
	text[12] = '\0';
	return ndis_config_string_encode(mac_name, text, buf,
	    NDIS_CONFIG_MAC_BYTES);
}

bool
ndis_config_mac_get(const struct ndis_config *c, uint8_t mac[6])
{
	uint8_t m[6];

	if (c->type != NDIS_CONFIG_STRING ||
	    !ndis_utf16_equal(c->name, mac_name) || utf16_len(c->value) != 12)
		return false;
	for (uint32_t i = 0; i < 6; i++) {
		int hi = wire_hex_value(utf16_char(c->value, 2 * i));
		int lo = wire_hex_value(utf16_char(c->value, 2 * i + 1));

		if (hi < 0 || lo < 0)
			return false;
		m[i] = (uint8_t)(hi << 4 | lo);
	}
	memcpy(mac, m, sizeof(m));
	return true;
}
