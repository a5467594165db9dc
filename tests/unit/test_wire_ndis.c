/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NDIS objects: golden bytes from the offsets of protocol.md section 6, each
 * revision, truncation, tables and keys at hostile offsets, and the shapes
 * that Linux and FreeBSD send.
 */
#include "wire_test.h"
#include "wire/ndis_obj.h"

static int
caps(struct span raw, enum fault *why)
{
	struct ndis_offload_caps c;

	return ndis_offload_caps_decode(&c, raw, why);
}

static int
params(struct span raw, enum fault *why)
{
	struct ndis_offload_params p;

	return ndis_offload_params_decode(&p, raw, why);
}

static int
rss_caps(struct span raw, enum fault *why)
{
	struct ndis_rss_caps c;

	return ndis_rss_caps_decode(&c, raw, why);
}

static int
rss_params(struct span raw, enum fault *why)
{
	struct ndis_rss_params p;

	return ndis_rss_params_decode(&p, raw, why);
}

static int
config(struct span raw, enum fault *why)
{
	struct ndis_config c;
	uint8_t mac[6];
	int rc = ndis_config_decode(&c, raw, why);

	if (rc == 0)
		(void)ndis_config_mac_get(&c, mac);
	return rc;
}

static struct golden
caps_golden(uint8_t rev)
{
	static const uint32_t len[4] = { 0, 112, 144, 156 };
	struct golden g = { len[rev], { { 0, 1, 0xa7 }, { 1, 1, rev },
	    { 2, 2, len[rev] }, { 4, 4, 2 }, { 8, 4, 0x155 }, { 12, 4, 2 },
	    { 16, 4, 0x150 }, { 20, 4, 2 }, { 24, 4, 0x55 }, { 28, 4, 2 },
	    { 32, 4, 0x50 }, { 80, 4, 2 }, { 84, 4, 0xf53c }, { 88, 4, 2 },
	    { 92, 4, 2 }, { 96, 4, 0xf000 }, { 100, 4, 3 },
	    { 104, 4, 5 } } };

	if (rev == 3) {
		g.f[18] = (struct field_at){ 144, 1, 1 };
		g.f[19] = (struct field_at){ 145, 1, 1 };
	}
	return g;
}

static void
test_offload_caps(void **state)
{
	for (uint8_t rev = 1; rev <= 3; rev++) {
		struct golden g = caps_golden(rev);
		struct ndis_offload_caps c = { .rev = rev, .v4_tx = 0x155,
		    .v4_rx = 0x150, .v6_tx = 0x55, .v6_rx = 0x50,
		    .lso4 = { NDIS_LSO_MAX, NDIS_LSO_MIN_SEGS },
		    .lso6 = { 0xf000, 3 },
		    .lso6_opts = NDIS_LSO_V6_IPEXT | NDIS_LSO_V6_TCPOPT,
		    .rsc4 = rev == 3, .rsc6 = rev == 3 };
		struct ndis_offload_caps back;
		uint8_t want[156], got[156];
		enum fault why;

		golden_put(&g, want);
		assert_int_equal(ndis_offload_caps_encode(&c, got), g.len);
		assert_memory_equal(got, want, g.len);
		memset(&back, 0, sizeof(back));
		assert_int_equal(ndis_offload_caps_decode(&back,
		    (struct span){ want, g.len }, &why), 0);
		assert_int_equal(back.rev, rev);
		assert_int_equal(back.v6_rx, 0x50);
		assert_int_equal(back.rsc6, rev == 3);
		assert_int_equal(ndis_offload_caps_encode(&back, got), g.len);
		assert_memory_equal(got, want, g.len);
		decode_hurt(caps, "caps", want, g.len, g.len,
		    FAULT_OID_OBJECT);
	}
}

static void
test_offload_caps_sizes(void **state)
{
	struct golden g = caps_golden(3);
	struct ndis_offload_caps c;
	uint8_t raw[200] = { 0 };
	enum fault why;

	golden_put(&g, raw);
	raw[1] = 4;			/* a later revision, longer */
	field_put(raw, 2, 2, 200);
	assert_int_equal(ndis_offload_caps_decode(&c,
	    (struct span){ raw, 200 }, &why), 0);
	assert_int_equal(c.rev, 3);
	assert_int_equal(c.rsc4, 1);
	field_put(raw, 2, 2, 144);	/* says 4, holds 2 */
	assert_int_equal(ndis_offload_caps_decode(&c,
	    (struct span){ raw, 200 }, &why), 0);
	assert_int_equal(c.rev, 2);
	assert_int_equal(c.rsc4, 0);
	field_put(raw, 2, 2, 111);
	assert_int_equal(decode_exact(caps, raw, 200, &why), E_PEER);
	field_put(raw, 2, 2, 156);
	raw[0] = 0xa8;
	assert_int_equal(decode_exact(caps, raw, 200, &why), E_PEER);
	raw[0] = 0xa7;
	raw[1] = 0;
	assert_int_equal(decode_exact(caps, raw, 200, &why), E_PEER);
}

static void
test_asks(void **state)
{
	uint8_t buf[156], zero[156] = { 0 };

	assert_int_equal(ndis_offload_caps_ask(2, buf), 144);
	assert_memory_equal(buf, "\xa7\x02\x90\x00", 4);
	assert_memory_equal(buf + 4, zero, 140);
	assert_int_equal(ndis_rss_caps_ask(2, buf), 18);
	assert_memory_equal(buf, "\x88\x02\x12\x00", 4);
	assert_memory_equal(buf + 4, zero, 14);
	assert_int_equal(ndis_rss_caps_ask(1, buf), 16);
}

static void
test_offload_params(void **state)
{
	static const uint32_t len[4] = { 0, 20, 22, 28 };

	for (uint8_t rev = 1; rev <= 3; rev++) {
		struct golden g = { len[rev], { { 0, 1, 0x80 }, { 1, 1, rev },
		    { 2, 2, len[rev] }, { 4, 1, 4 }, { 5, 1, 3 }, { 6, 1, 2 },
		    { 7, 1, 1 }, { 8, 1, 4 }, { 9, 1, 1 }, { 11, 1, 2 },
		    { 12, 1, 1 }, { 16, 4, 0x77 } } };
		struct ndis_offload_params p = { rev, 4, 3, 2, 1, 4, 1, 2, 1,
		    0, 0, 0x77 }, back;
		uint8_t want[28], got[28];
		enum fault why;

		if (rev == 3) {
			g.f[12] = (struct field_at){ 22, 1, 2 };
			g.f[13] = (struct field_at){ 23, 1, 1 };
			p.rsc4 = NDIS_OFFLOAD_ON;
			p.rsc6 = NDIS_OFFLOAD_OFF;
		}
		golden_put(&g, want);
		assert_int_equal(ndis_offload_params_encode(&p, got), g.len);
		assert_memory_equal(got, want, g.len);
		assert_int_equal(ndis_offload_params_decode(&back,
		    (struct span){ want, g.len }, &why), 0);
		assert_int_equal(back.rev, rev);
		assert_int_equal(ndis_offload_params_encode(&back, got),
		    g.len);
		assert_memory_equal(got, want, g.len);
		decode_hurt(params, "params", want, g.len, g.len,
		    FAULT_OID_OBJECT);
	}
}

/*
 * Linux sends revision 3 with 26 bytes, and below NVSP 5 revision 3 with 22
 * (rndis_filter.c, VERSION_4_OFFLOAD_SIZE).
 */
static void
test_offload_params_linux(void **state)
{
	struct golden g = { 26, { { 0, 1, 0x80 }, { 1, 1, 3 }, { 2, 2, 26 },
	    { 4, 1, 4 }, { 22, 1, 2 }, { 23, 1, 2 } } };
	struct ndis_offload_params p;
	uint8_t raw[26];
	enum fault why;

	golden_put(&g, raw);
	assert_int_equal(ndis_offload_params_decode(&p,
	    (struct span){ raw, 26 }, &why), 0);
	assert_int_equal(p.rev, 3);
	assert_int_equal(p.rsc4, 2);
	field_put(raw, 2, 2, 22);
	assert_int_equal(ndis_offload_params_decode(&p,
	    (struct span){ raw, 22 }, &why), 0);
	assert_int_equal(p.rev, 2);
	assert_int_equal(p.ip4_csum, 4);
	assert_int_equal(p.rsc4, NDIS_OFFLOAD_NOCHANGE);
	field_put(raw, 2, 2, 20);
	assert_int_equal(ndis_offload_params_decode(&p,
	    (struct span){ raw, 26 }, &why), 0);
	assert_int_equal(p.rev, 1);
}

static void
test_rss_caps(void **state)
{
	struct golden g = { 18, { { 0, 1, 0x88 }, { 1, 1, 2 }, { 2, 2, 18 },
	    { 4, 4, 0x01000301 }, { 8, 4, 9 }, { 12, 4, 64 },
	    { 16, 2, 128 } } };
	struct ndis_rss_caps c = { 2, NDIS_RSS_CAP_MSI | NDIS_RSS_CAP_IPV4 |
	    NDIS_RSS_CAP_IPV6 | NDIS_RSS_CAP_TOEPLITZ, 9, 64, 128 }, back;
	uint8_t want[18], got[20];
	enum fault why;

	golden_put(&g, want);
	assert_int_equal(ndis_rss_caps_encode(&c, got), 18);
	assert_memory_equal(got, want, 18);
	assert_int_equal(ndis_rss_caps_decode(&back,
	    (struct span){ want, 18 }, &why), 0);
	assert_int_equal(ndis_rss_caps_encode(&back, got), 18);
	assert_memory_equal(got, want, 18);
	decode_hurt(rss_caps, "rss_caps", want, 18, 18, FAULT_OID_OBJECT);

	field_put(want, 2, 2, 16);	/* revision 2 cut to 1's size */
	assert_int_equal(ndis_rss_caps_decode(&back,
	    (struct span){ want, 16 }, &why), 0);
	assert_int_equal(back.rev, 1);
	assert_int_equal(back.entries, 128);
	assert_int_equal(back.queues, 64);
	field_put(want, 2, 2, 15);
	assert_int_equal(decode_exact(rss_caps, want, 18, &why), E_PEER);
	c.rev = 1;
	assert_int_equal(ndis_rss_caps_encode(&c, got), 16);
}

static struct ndis_rss_params
rss_sample(uint8_t rev, uint32_t entries)
{
	struct ndis_rss_params p = { .rev = rev, .base_cpu = 0x1234,
	    .hash_info = NDIS_HASH_FUNC_TOEPLITZ | NDIS_HASH_TCP4 |
	    NDIS_HASH_UDP6, .entries = entries, .has_key = true };

	run_put(p.key, 40, 0x6d);
	for (uint32_t i = 0; i < entries; i++)
		p.entry[i] = i * 3;
	return p;
}

static void
test_rss_params(void **state)
{
	/* FreeBSD's layout: key at 40, table at 80, total 80 + 4n */
	const struct golden g = { 96, { { 0, 1, 0x89 }, { 1, 1, 2 },
	    { 2, 2, 40 }, { 4, 2, 0 }, { 6, 2, 0x1234 }, { 8, 4, 0x8201 },
	    { 12, 2, 16 }, { 16, 4, 80 }, { 20, 2, 40 }, { 24, 4, 40 },
	    { 40, 40, 0x6d }, { 80, 4, 0 }, { 84, 4, 3 }, { 88, 4, 6 },
	    { 92, 4, 9 } } };
	struct ndis_rss_params p = rss_sample(2, 4), back;
	uint8_t want[96], got[NDIS_RSS_PARAMS_MAX];
	enum fault why;

	golden_put(&g, want);
	assert_int_equal(ndis_rss_params_encode(&p, got), 96);
	assert_memory_equal(got, want, 96);
	assert_int_equal(ndis_rss_params_decode(&back,
	    (struct span){ want, 96 }, &why), 0);
	assert_int_equal(ndis_rss_params_encode(&back, got), 96);
	assert_memory_equal(got, want, 96);
	decode_hurt(rss_params, "rss_params", want, 96, 96,
	    FAULT_OID_OBJECT);
	for (uint8_t rev = 1; rev <= 3; rev++) {
		static const uint32_t fixed[4] = { 0, 28, 40, 44 };
		uint32_t n;

		p = rss_sample(rev, 128);
		n = ndis_rss_params_encode(&p, got);
		assert_int_equal(n, fixed[rev] + 40 + 512);
		assert_int_equal(ndis_rss_params_decode(&back,
		    (struct span){ got, n }, &why), 0);
		assert_int_equal(back.rev, rev);
		assert_int_equal(back.entries, 128);
		assert_int_equal(back.entry[127], 381);
		assert_true(back.has_key);
		assert_memory_equal(back.key, p.key, 40);
	}
}

static void
test_rss_params_flags(void **state)
{
	struct ndis_rss_params p = rss_sample(2, 4), back;
	uint8_t raw[NDIS_RSS_PARAMS_MAX];
	enum fault why;
	uint32_t n = ndis_rss_params_encode(&p, raw);

	/* what a flag says is not there is not looked at */
	field_put(raw, 16, 4, 0xffffffff);
	assert_int_equal(decode_exact(rss_params, raw, n, &why), E_PEER);
	field_put(raw, 4, 2, NDIS_RSS_F_TABLE_SAME);
	assert_int_equal(ndis_rss_params_decode(&back, (struct span){ raw, n },
	    &why), 0);
	assert_int_equal(back.entries, 0);
	assert_true(back.has_key);
	field_put(raw, 24, 4, 0xffffffff);
	assert_int_equal(decode_exact(rss_params, raw, n, &why), E_PEER);
	field_put(raw, 4, 2, NDIS_RSS_F_TABLE_SAME | NDIS_RSS_F_KEY_SAME);
	assert_int_equal(ndis_rss_params_decode(&back, (struct span){ raw, n },
	    &why), 0);
	assert_false(back.has_key);
	field_put(raw, 4, 2, NDIS_RSS_F_DISABLE);
	assert_int_equal(ndis_rss_params_decode(&back, (struct span){ raw, n },
	    &why), 0);
	assert_int_equal(back.flags, NDIS_RSS_F_DISABLE);
	assert_int_equal(back.entries, 0);
}

static void
test_rss_params_lies(void **state)
{
	static const struct {
		uint32_t off, size, v;
	} lies[] = {
		{ 0, 1, 0x88 }, { 1, 1, 0 }, { 2, 2, 27 }, { 2, 2, 97 },
		{ 12, 2, 15 }, { 12, 2, 17 }, { 12, 2, 20 }, { 12, 2, 516 },
		{ 16, 4, 27 }, { 16, 4, 81 }, { 16, 4, 0xfffffff8 },
		{ 20, 2, 39 }, { 20, 2, 41 }, { 20, 2, 0xffff },
		{ 24, 4, 27 }, { 24, 4, 57 }, { 24, 4, 0xffffffff },
	};
	struct ndis_rss_params p = rss_sample(2, 4);
	uint8_t raw[NDIS_RSS_PARAMS_MAX];
	enum fault why;

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		uint32_t n = ndis_rss_params_encode(&p, raw);

		assert_int_equal(decode_exact(rss_params, raw, n, &why), 0);
		field_put(raw, lies[i].off, lies[i].size, lies[i].v);
		if (decode_exact(rss_params, raw, n, &why) != E_PEER)
			fail_msg("%u = %x accepted", lies[i].off, lies[i].v);
		assert_int_equal(why, FAULT_OID_OBJECT);
	}
}

static void
test_config(void **state)
{
	static const uint8_t mac[6] = { 0x00, 0x15, 0x5d, 0xab, 0xcd, 0xef };
	const struct golden g = { 72, { { 0, 4, 20 }, { 4, 4, 28 },
	    { 8, 4, 2 }, { 12, 4, 48 }, { 16, 4, 24 } } };
	static const char text[] = "NetworkAddress00155dabcdef";
	uint8_t want[72], got[72], back[6];
	struct ndis_config c;
	enum fault why;

	golden_put(&g, want);
	for (uint32_t i = 0; i < 26; i++)
		want[20 + 2 * i] = (uint8_t)text[i];
	assert_int_equal(NDIS_CONFIG_MAC_BYTES, 72);
	assert_int_equal(ndis_config_mac_encode(mac, got), 72);
	assert_memory_equal(got, want, 72);
	assert_int_equal(ndis_config_decode(&c, (struct span){ want, 72 },
	    &why), 0);
	assert_true(ndis_utf16_equal(c.name, "NetworkAddress"));
	assert_false(ndis_utf16_equal(c.name, "NetworkAddres"));
	assert_false(ndis_utf16_equal(c.name, "NetworkAddresss"));
	assert_true(ndis_config_mac_get(&c, back));
	assert_memory_equal(back, mac, 6);
	decode_hurt(config, "config", want, 72, 72, FAULT_OID_OBJECT);
	want[49] = 1;			/* not ASCII */
	assert_false(ndis_config_mac_get(&c, back));
	want[49] = 0;
	want[48] = 'g';
	assert_false(ndis_config_mac_get(&c, back));
	want[48] = 'A';
	assert_true(ndis_config_mac_get(&c, back));
	assert_int_equal(back[0], 0xa0);
	c.value.len = 22;
	assert_false(ndis_config_mac_get(&c, back));
	assert_int_equal(ndis_config_string_encode("a", "b", got, 23), 0);
	assert_int_equal(ndis_config_string_encode("a", "b", got, 24), 24);
}

static void
test_config_integer(void **state)
{
	struct golden g = { 26, { { 0, 4, 20 }, { 4, 4, 2 }, { 8, 4, 0 },
	    { 12, 4, 22 }, { 16, 4, 4 }, { 20, 2, 'x' },
	    { 22, 4, 0x12345678 } } };
	struct ndis_config c;
	uint8_t raw[26];
	enum fault why;

	golden_put(&g, raw);
	assert_int_equal(ndis_config_decode(&c, (struct span){ raw, 26 },
	    &why), 0);
	assert_int_equal(c.integer, 0x12345678);
	field_put(raw, 16, 4, 3);
	assert_int_equal(decode_exact(config, raw, 26, &why), E_PEER);
	field_put(raw, 16, 4, 4);
	field_put(raw, 4, 4, 1);		/* half a character */
	assert_int_equal(decode_exact(config, raw, 26, &why), E_PEER);
	field_put(raw, 4, 4, 0xfffffffe);
	assert_int_equal(decode_exact(config, raw, 26, &why), E_PEER);
	field_put(raw, 4, 4, 2);
	field_put(raw, 0, 4, 18);
	assert_int_equal(decode_exact(config, raw, 26, &why), E_PEER);
	field_put(raw, 0, 4, 20);
	field_put(raw, 12, 4, 23);
	assert_int_equal(decode_exact(config, raw, 26, &why), E_PEER);
}

static void
test_oid_names(void **state)
{
	assert_string_equal(ndis_oid_name(0x00010107), "GEN_LINK_SPEED");
	assert_string_equal(ndis_oid_name(0x0001010e),
	    "GEN_CURRENT_PACKET_FILTER");
	assert_string_equal(ndis_oid_name(0xfc01020d),
	    "TCP_OFFLOAD_HW_CAPABILITIES");
	assert_string_equal(ndis_oid_name(0x01010101),
	    "802_3_PERMANENT_ADDRESS");
	assert_string_equal(ndis_oid_name(0x0101010a),
	    "OFFLOAD_ENCAPSULATION");
	assert_string_equal(ndis_oid_name(0x0001021b),
	    "GEN_RNDIS_CONFIG_PARAMETER");
	assert_null(ndis_oid_name(0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offload_caps),
		cmocka_unit_test(test_offload_caps_sizes),
		cmocka_unit_test(test_asks),
		cmocka_unit_test(test_offload_params),
		cmocka_unit_test(test_offload_params_linux),
		cmocka_unit_test(test_rss_caps),
		cmocka_unit_test(test_rss_params),
		cmocka_unit_test(test_rss_params_flags),
		cmocka_unit_test(test_rss_params_lies),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_config_integer),
		cmocka_unit_test(test_oid_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
