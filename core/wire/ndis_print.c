/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * The information buffer of an RNDIS query or set, as text appended to a
 * line: offload and RSS objects field by field, well-known values by meaning,
 * everything else as its first bytes.  Pure functions.
 */
#include "wire/ndis_obj.h"
#include "wire/wire_print.h"
#include "wire/wire_text.h"

/* Policy: bytes of an unknown object that a line shows. */
#define RAW_BYTES_MAX	32u

static const struct wire_text_bit filter_bits[] = {
	{ NDIS_FILTER_DIRECTED, "directed" },
	{ NDIS_FILTER_MULTICAST, "multicast" },
	{ NDIS_FILTER_ALLMULTI, "allmulti" },
	{ NDIS_FILTER_BROADCAST, "broadcast" },
	{ NDIS_FILTER_PROMISC, "promisc" },
};

static const struct wire_text_bit hash_bits[] = {
	{ NDIS_HASH_FUNC_TOEPLITZ, "toeplitz" },
	{ NDIS_HASH_IPV4, "ipv4" },
	{ NDIS_HASH_TCP4, "tcp4" },
	{ NDIS_HASH_IPV6, "ipv6" },
	{ NDIS_HASH_IPV6_EX, "ipv6ex" },
	{ NDIS_HASH_TCP6, "tcp6" },
	{ NDIS_HASH_TCP6_EX, "tcp6ex" },
	{ NDIS_HASH_UDP4, "udp4" },
	{ NDIS_HASH_UDP6, "udp6" },
	{ NDIS_HASH_UDP6_EX, "udp6ex" },
};

static const struct wire_text_bit rss_flag_bits[] = {
	{ NDIS_RSS_F_BASE_CPU_SAME, "base_cpu_same" },
	{ NDIS_RSS_F_HASH_SAME, "hash_same" },
	{ NDIS_RSS_F_TABLE_SAME, "table_same" },
	{ NDIS_RSS_F_KEY_SAME, "key_same" },
	{ NDIS_RSS_F_DISABLE, "disable" },
};

static void
raw_print(struct wire_text *t, struct span info)
{
	wire_text_fdec(t, "bytes", info.len);
	if (info.len == 0)
		return;
	wire_text_fstr(t, "data", "");
	wire_text_bytes(t, info.p, min_u32(info.len, RAW_BYTES_MAX), '\0');
	if (info.len > RAW_BYTES_MAX)
		wire_text_str(t, "...");
}

static void
bad_print(struct wire_text *t, struct span info)
{
	wire_text_str(t, " malformed: OID_OBJECT");
	raw_print(t, info);
}

static void
caps_print(struct wire_text *t, struct span info)
{
	struct ndis_offload_caps c;
	enum fault why;

	if (ndis_offload_caps_decode(&c, info, &why) != 0) {
		bad_print(t, info);
		return;
	}
	wire_text_fdec(t, "rev", c.rev);
	wire_text_fhex(t, "v4_tx", c.v4_tx);
	wire_text_fhex(t, "v4_rx", c.v4_rx);
	wire_text_fhex(t, "v6_tx", c.v6_tx);
	wire_text_fhex(t, "v6_rx", c.v6_rx);
	wire_text_fdec(t, "lso4_max", c.lso4.max_bytes);
	wire_text_fdec(t, "lso4_min", c.lso4.min_segs);
	wire_text_fdec(t, "lso6_max", c.lso6.max_bytes);
	wire_text_fdec(t, "lso6_min", c.lso6.min_segs);
	wire_text_fhex(t, "lso6_opts", c.lso6_opts);
	wire_text_fdec(t, "rsc4", c.rsc4);
	wire_text_fdec(t, "rsc6", c.rsc6);
}

static void
csum_param(struct wire_text *t, const char *name, uint8_t v)
{
	static const char *const word[] = {
		"nochange", "off", "tx", "rx", "both",
	};

	if (v < ARRAY_LEN(word))
		wire_text_fstr(t, name, word[v]);
	else
		wire_text_fdec(t, name, v);
}

static void
switch_param(struct wire_text *t, const char *name, uint8_t v)
{
	static const char *const word[] = { "nochange", "off", "on" };

	if (v < ARRAY_LEN(word))
		wire_text_fstr(t, name, word[v]);
	else
		wire_text_fdec(t, name, v);
}

static void
params_print(struct wire_text *t, struct span info)
{
	struct ndis_offload_params p;
	enum fault why;

	if (ndis_offload_params_decode(&p, info, &why) != 0) {
		bad_print(t, info);
		return;
	}
	wire_text_fdec(t, "rev", p.rev);
	csum_param(t, "ip4", p.ip4_csum);
	csum_param(t, "tcp4", p.tcp4_csum);
	csum_param(t, "udp4", p.udp4_csum);
	csum_param(t, "tcp6", p.tcp6_csum);
	csum_param(t, "udp6", p.udp6_csum);
	switch_param(t, "lso4", p.lso4);
	switch_param(t, "lso6", p.lso6);
	switch_param(t, "rsc4", p.rsc4);
	switch_param(t, "rsc6", p.rsc6);
}

static void
rss_caps_print(struct wire_text *t, struct span info)
{
	struct ndis_rss_caps c;
	enum fault why;

	if (ndis_rss_caps_decode(&c, info, &why) != 0) {
		bad_print(t, info);
		return;
	}
	wire_text_fdec(t, "rev", c.rev);
	wire_text_fhex(t, "caps", c.caps);
	wire_text_fdec(t, "interrupts", c.interrupts);
	wire_text_fdec(t, "queues", c.queues);
	wire_text_fdec(t, "entries", c.entries);
}

static void
rss_params_print(struct wire_text *t, struct span info)
{
	struct ndis_rss_params p;
	enum fault why;

	if (ndis_rss_params_decode(&p, info, &why) != 0) {
		bad_print(t, info);
		return;
	}
	wire_text_fdec(t, "rev", p.rev);
	wire_text_fbits(t, "flags", p.flags, rss_flag_bits,
	    ARRAY_LEN(rss_flag_bits));
	wire_text_fbits(t, "hash", p.hash_info, hash_bits,
	    ARRAY_LEN(hash_bits));
	if (p.has_key) {
		wire_text_fstr(t, "key", "");
		wire_text_bytes(t, p.key, sizeof(p.key), '\0');
	}
	wire_text_fdec(t, "entries", p.entries);
	if (p.entries == 0)
		return;
	wire_text_fstr(t, "table", "");
	for (uint32_t i = 0; i < p.entries; i++) {
		if (i != 0)
			wire_text_str(t, ",");
		wire_text_dec(t, p.entry[i]);
	}
}

static void
config_print(struct wire_text *t, struct span info)
{
	struct ndis_config c;
	enum fault why;

	if (ndis_config_decode(&c, info, &why) != 0) {
		bad_print(t, info);
		return;
	}
	wire_text_fstr(t, "name", "");
	wire_text_utf16(t, c.name);
	wire_text_fstr(t, "value", "");
	if (c.type == NDIS_CONFIG_STRING)
		wire_text_utf16(t, c.value);
	else if (c.type == NDIS_CONFIG_INT)
		wire_text_dec(t, c.integer);
	else
		wire_text_bytes(t, c.value.p,
		    min_u32(c.value.len, RAW_BYTES_MAX), '\0');
}

static void
macs_print(struct wire_text *t, struct span info)
{
	wire_text_fstr(t, "mac", info.len < 6 ? "none" : "");
	for (uint32_t i = 0; info.len - i >= 6; i += 6) {
		if (i != 0)
			wire_text_str(t, ",");
		wire_text_bytes(t, info.p + i, 6, ':');
	}
}

static void
u32_print(struct wire_text *t, uint32_t oid, struct span info)
{
	le32_t w;
	uint32_t v;

	if (info.len < sizeof(w)) {
		raw_print(t, info);
		return;
	}
	memcpy(&w, info.p, sizeof(w));
	v = le32_get(w);
	switch ((enum ndis_oid)oid) {
	case OID_GEN_CURRENT_PACKET_FILTER:
		wire_text_fbits(t, "filter", v, filter_bits,
		    ARRAY_LEN(filter_bits));
		break;
	case OID_GEN_MEDIA_CONNECT_STATUS:
		wire_text_fstr(t, "link",
		    v == NDIS_MEDIA_CONNECTED ? "up" : "down");
		break;
	case OID_GEN_LINK_SPEED:
		wire_text_fdec(t, "mbit", v / 10000);
		break;
	default:
		wire_text_fdec(t, "value", v);
		break;
	}
}

void
ndis_oid_print(struct wire_text *t, uint32_t oid)
{
	const char *name = ndis_oid_name(oid);

	if (name != NULL)
		wire_text_fstr(t, "oid", name);
	else
		wire_text_fhex(t, "oid", oid);
}

void
ndis_obj_print(struct wire_text *t, uint32_t oid, struct span info)
{
	if (info.len == 0)
		return;
	switch ((enum ndis_oid)oid) {
	case OID_TCP_OFFLOAD_CURRENT_CONFIG:
	case OID_TCP_OFFLOAD_HW_CAPABILITIES:
		caps_print(t, info);
		break;
	case OID_TCP_OFFLOAD_PARAMETERS:
		params_print(t, info);
		break;
	case OID_GEN_RSS_CAPABILITIES:
		rss_caps_print(t, info);
		break;
	case OID_GEN_RSS_PARAMETERS:
		rss_params_print(t, info);
		break;
	case OID_GEN_RNDIS_CONFIG_PARAMETER:
		config_print(t, info);
		break;
	case OID_802_3_PERMANENT_ADDRESS:
	case OID_802_3_CURRENT_ADDRESS:
	case OID_802_3_MULTICAST_LIST:
		macs_print(t, info);
		break;
	case OID_GEN_CURRENT_PACKET_FILTER:
	case OID_GEN_MEDIA_CONNECT_STATUS:
	case OID_GEN_LINK_SPEED:
	case OID_GEN_MAXIMUM_FRAME_SIZE:
	case OID_GEN_MAXIMUM_TOTAL_SIZE:
	case OID_802_3_MAXIMUM_LIST_SIZE:
		u32_print(t, oid, info);
		break;
	default:
		raw_print(t, info);
		break;
	}
}

int
ndis_filter_print(char *buf, size_t cap, uint32_t filter)
{
	struct wire_text t;

	wire_text_init(&t, buf, cap);
	wire_text_bits(&t, filter, filter_bits, ARRAY_LEN(filter_bits));
	return (int)t.len;
}

int
ndis_hash_print(char *buf, size_t cap, uint32_t hash_info)
{
	struct wire_text t;

	wire_text_init(&t, buf, cap);
	wire_text_bits(&t, hash_info, hash_bits, ARRAY_LEN(hash_bits));
	return (int)t.len;
}
