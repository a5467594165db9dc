/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RNDIS data message: golden bytes with every per-packet info, decode of
 * a header whose data is elsewhere, the checklist one fault at a time, and
 * several messages in one buffer.
 */
#include "wire_test.h"
#include "wire/rndis_pkt.h"

static const struct rndis_ppi_set all = {
	.present = RNDIS_HAS_ALL,
	.csum = 0x00220015,
	.lso = 0x423005b4,
	.vlan = 0x7b3,
	.hash_value = 0xdeadbeef,
	.hash_info = 0x201,
	.frag_id = 0x1234,
	.frag_flags = RNDIS_FRAG_FIRST | RNDIS_FRAG_LAST,
};

/* All PPIs in order, 60 bytes of data. */
static const struct golden full = { 200, {
	{ 0, 4, 1 }, { 4, 4, 200 }, { 8, 4, 132 }, { 12, 4, 60 },
	{ 28, 4, 36 }, { 32, 4, 96 },
	{ 44, 4, 16 }, { 48, 4, 0 }, { 52, 4, 12 }, { 56, 4, 0x00220015 },
	{ 60, 8, 0x200000010 }, { 68, 8, 0x423005b40000000c },
	{ 76, 8, 0x600000010 }, { 84, 8, 0x000007b30000000c },
	{ 92, 8, 0x800000010 }, { 100, 8, 0xdeadbeef0000000c },
	{ 108, 8, 0x900000010 }, { 116, 8, 0x000002010000000c },
	{ 124, 8, 0x8000000100000010 }, { 132, 4, 12 },
	{ 136, 1, 1 }, { 137, 1, 6 }, { 138, 2, 0x1234 },
	{ 140, 60, 1 } } };

static void
assert_set(const struct rndis_ppi_set *s)
{
	assert_int_equal(s->present, RNDIS_HAS_ALL);
	assert_int_equal(s->csum, all.csum);
	assert_int_equal(s->lso, all.lso);
	assert_int_equal(s->vlan, all.vlan);
	assert_int_equal(s->hash_value, all.hash_value);
	assert_int_equal(s->hash_info, all.hash_info);
	assert_int_equal(s->frag_id, all.frag_id);
	assert_int_equal(s->frag_flags, all.frag_flags);
}

/* What is decoded is also read, so that ASan sees where it lies. */
static volatile uint32_t touched;

static int
decode(struct span raw, enum fault *why)
{
	struct rndis_packet p;
	int rc = rndis_packet_decode(&p, raw, why);

	for (uint32_t i = 0; rc == 0 && i < p.data_len; i++)
		touched += raw.p[p.data_off + i];
	return rc;
}

static void
test_full(void **state)
{
	uint8_t want[200], got[200], *heap;
	struct rndis_packet p;
	enum fault why;

	golden_put(&full, want);
	memset(got, 0xa5, sizeof(got));
	assert_int_equal(RNDIS_PACKET_HDR_MAX, 140);
	assert_int_equal(rndis_packet_header_bytes(RNDIS_HAS_ALL), 140);
	assert_int_equal(rndis_packet_put_header(got, 139, &all, 60), 0);
	assert_int_equal(got[0], 0xa5);
	assert_int_equal(rndis_packet_put_header(got, 140, &all, 60), 140);
	assert_memory_equal(got, want, 140);
	assert_int_equal(got[140], 0xa5);

	heap = exact_copy(want, 200);
	assert_int_equal(rndis_packet_decode(&p, (struct span){ heap, 200 },
	    &why), 0);
	assert_int_equal(p.msg_len, 200);
	assert_int_equal(p.data_off, 140);
	assert_int_equal(p.data_len, 60);
	assert_false(p.oob);
	assert_set(&p.ppi);
	free(heap);
	for (uint32_t n = 0; n < 200; n++) {
		assert_int_equal(decode_exact(decode, want, n, &why), E_PEER);
		assert_int_equal(why, n < 44 ? FAULT_RNDIS_SHORT :
		    FAULT_RNDIS_LEN);
	}
	for (uint32_t bit = 0; bit < 200 * 8; bit++) {
		want[bit / 8] ^= (uint8_t)(1 << (bit & 7));
		(void)decode_exact(decode, want, 200, &why);
		want[bit / 8] ^= (uint8_t)(1 << (bit & 7));
	}
}

/* Each subset of the PPIs survives the trip. */
static void
test_subsets(void **state)
{
	for (uint32_t has = 0; has <= RNDIS_HAS_ALL; has++) {
		struct rndis_ppi_set s = all;
		uint8_t buf[RNDIS_PACKET_HDR_MAX];
		struct rndis_packet p;
		enum fault why;
		uint32_t n;

		s.present = has;
		n = rndis_packet_put_header(buf, sizeof(buf), &s, 0);
		assert_int_equal(n, rndis_packet_header_bytes(has));
		assert_int_equal(n, 44 + 16 * __builtin_popcount(has));
		assert_int_equal(rndis_packet_decode(&p,
		    (struct span){ buf, n }, &why), 0);
		assert_int_equal(p.ppi.present, has);
		assert_int_equal(p.data_off, n);
		assert_int_equal(p.data_len, 0);
		if (has & RNDIS_HAS_LSO)
			assert_int_equal(p.ppi.lso, all.lso);
		if (has & RNDIS_HAS_FRAG)
			assert_int_equal(p.ppi.frag_id, all.frag_id);
	}
}

/* Header in hand, data elsewhere: enough is enough, less is a split. */
static void
test_head_only(void **state)
{
	uint8_t raw[200];
	struct rndis_packet p;
	enum fault why;

	golden_put(&full, raw);
	for (uint32_t n = 0; n <= 200; n++) {
		uint8_t *heap = exact_copy(raw, n);
		int rc = rndis_packet_decode_head(&p,
		    (struct span){ heap, n }, 200, &why);

		free(heap);
		assert_int_equal(rc, n < 140 ? E_PEER : 0);
		if (rc != 0) {
			assert_int_equal(why, FAULT_RNDIS_SPLIT);
			continue;
		}
		assert_set(&p.ppi);
		assert_int_equal(p.data_off, 140);
		assert_int_equal(p.data_len, 60);
	}
	assert_int_equal(rndis_packet_decode_head(&p,
	    (struct span){ raw, 140 }, 199, &why), E_PEER);
	assert_int_equal(why, FAULT_RNDIS_LEN);
	assert_int_equal(rndis_packet_decode_head(&p,
	    (struct span){ raw, 140 }, 64000, &why), 0);
	assert_int_equal(p.msg_len, 200);
}

struct lie {
	uint32_t off;
	uint32_t v;
	enum fault why;		/* FAULT_NONE: accepted */
};

static void
test_lies(void **state)
{
	static const struct lie lies[] = {
		{ 0, 2, FAULT_RNDIS_TYPE },
		{ 4, 43, FAULT_RNDIS_LEN },
		{ 4, 201, FAULT_RNDIS_LEN },
		{ 4, 0xffffffff, FAULT_RNDIS_LEN },
		{ 4, 199, FAULT_RNDIS_DATA },
		{ 8, 35, FAULT_RNDIS_DATA },
		{ 8, 133, FAULT_RNDIS_DATA },
		{ 8, 0xfffffff8, FAULT_RNDIS_DATA },
		{ 8, 131, FAULT_RNDIS_PPI },	/* data over the last PPI */
		{ 12, 61, FAULT_RNDIS_DATA },
		{ 12, 0xffffffff, FAULT_RNDIS_DATA },
		{ 12, 59, FAULT_NONE },
		{ 16, 0xffffffff, FAULT_NONE },	/* offset of no oob data */
		{ 20, 4, FAULT_RNDIS_OOB },	/* at offset 0 */
		{ 24, 1, FAULT_NONE },
		{ 28, 35, FAULT_RNDIS_PPI },
		{ 28, 40, FAULT_RNDIS_PPI },
		{ 28, 0xfffffff0, FAULT_RNDIS_PPI },
		{ 32, 97, FAULT_RNDIS_PPI },
		{ 32, 95, FAULT_RNDIS_PPI },
		{ 32, 0xffffffe0, FAULT_RNDIS_PPI },
		{ 32, 1, FAULT_RNDIS_PPI },
		{ 32, 11, FAULT_RNDIS_PPI },
		{ 32, 16, FAULT_NONE },
		{ 36, 1, FAULT_NONE },		/* vc */
		{ 40, 1, FAULT_NONE },		/* reserved */
		{ 44, 0, FAULT_RNDIS_PPI },	/* would not advance */
		{ 44, 4, FAULT_RNDIS_PPI },
		{ 44, 8, FAULT_RNDIS_PPI },
		{ 44, 12, FAULT_RNDIS_PPI },	/* no room for the value */
		{ 44, 17, FAULT_RNDIS_PPI },
		{ 44, 18, FAULT_RNDIS_PPI },
		{ 44, 97, FAULT_RNDIS_PPI },
		{ 44, 100, FAULT_RNDIS_PPI },
		{ 44, 0xfffffff0, FAULT_RNDIS_PPI },
		{ 44, 96, FAULT_NONE },		/* swallows the others */
		{ 48, 11, FAULT_NONE },		/* short pad: skipped */
		{ 48, 77, FAULT_NONE },		/* unknown: skipped */
		{ 48, 0x80000000, FAULT_NONE },
		{ 48, 2, FAULT_NONE },		/* a second LSO */
		{ 52, 0, FAULT_RNDIS_PPI },
		{ 52, 11, FAULT_RNDIS_PPI },
		{ 52, 13, FAULT_RNDIS_PPI },
		{ 52, 16, FAULT_RNDIS_PPI },
		{ 52, 17, FAULT_RNDIS_PPI },
		{ 52, 0xffffffff, FAULT_RNDIS_PPI },
		{ 132, 13, FAULT_RNDIS_PPI },	/* of PKTINFO_ID */
	};
	uint8_t raw[200];

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		const struct lie *l = &lies[i];
		enum fault why;
		int rc;

		golden_put(&full, raw);
		field_put(raw, l->off, 4, l->v);
		rc = decode_exact(decode, raw, 200, &why);
		if (why != l->why || (rc == 0) != (why == FAULT_NONE)) {
			print_error("%u = 0x%x: %s, not %s\n", l->off, l->v,
			    fault_name(why), fault_name(l->why));
			fail();
		}
	}
}

static void
test_oob(void **state)
{
	uint8_t raw[200];
	struct rndis_packet p;
	enum fault why;

	golden_put(&full, raw);
	field_put(raw, 16, 4, 132);
	field_put(raw, 20, 4, 60);
	assert_int_equal(rndis_packet_decode(&p, (struct span){ raw, 200 },
	    &why), 0);
	assert_true(p.oob);
	field_put(raw, 20, 4, 61);
	assert_int_equal(rndis_packet_decode(&p, (struct span){ raw, 200 },
	    &why), E_PEER);
	assert_int_equal(why, FAULT_RNDIS_OOB);
	golden_put(&full, raw);
	field_put(raw, 36, 4, 7);
	assert_int_equal(rndis_packet_decode(&p, (struct span){ raw, 200 },
	    &why), 0);
	assert_true(p.oob);
}

static void
test_last_ppi_wins(void **state)
{
	uint8_t raw[200];
	struct rndis_packet p;
	enum fault why;

	golden_put(&full, raw);
	field_put(raw, 64, 4, 0);	/* the LSO PPI becomes a checksum */
	assert_int_equal(rndis_packet_decode(&p, (struct span){ raw, 200 },
	    &why), 0);
	assert_int_equal(p.ppi.present, RNDIS_HAS_ALL & ~RNDIS_HAS_LSO);
	assert_int_equal(p.ppi.csum, all.lso);
}

/* PPIs may follow the data, at any offset (MS-RNDIS 2.2.14). */
static void
test_ppi_after_data(void **state)
{
	const struct golden g = { 76, { { 0, 4, 1 }, { 4, 4, 76 },
	    { 8, 4, 36 }, { 12, 4, 15 }, { 28, 4, 52 }, { 32, 4, 16 },
	    { 60, 4, 16 }, { 64, 4, 6 }, { 68, 4, 12 }, { 72, 4, 0x50 } } };
	uint8_t raw[76];
	struct rndis_packet p;
	enum fault why;

	golden_put(&g, raw);
	assert_int_equal(rndis_packet_decode(&p, (struct span){ raw, 76 },
	    &why), 0);
	assert_int_equal(p.ppi.present, RNDIS_HAS_VLAN);
	assert_int_equal(p.ppi.vlan, 0x50);
	assert_int_equal(p.data_off, 44);
	field_put(raw, 12, 4, 17);	/* runs into the PPI */
	assert_int_equal(rndis_packet_decode(&p, (struct span){ raw, 76 },
	    &why), E_PEER);
	assert_int_equal(why, FAULT_RNDIS_PPI);
}

static void
test_several(void **state)
{
	static const uint32_t sizes[4] = { 60, 61, 1, 1500 };
	static uint8_t buf[4096];
	struct rndis_ppi_set none = { 0 };
	struct rndis_packet_iter it;
	struct rndis_packet p;
	struct span msg;
	enum fault why;
	uint32_t at = 0, last = 0, n;

	/* lengths rounded up to 8, except the last one */
	for (uint32_t i = 0; i < 4; i++) {
		last = at;
		n = rndis_packet_put_header(buf + at, 44, &none, sizes[i]);
		memset(buf + at + n, (int)i, sizes[i]);
		n += sizes[i];
		if (i != 3) {
			n = align_up(n, 8);
			rndis_packet_set_len(buf + at, n);
		}
		at += n;
	}
	for (uint32_t tail = 0; tail < 8; tail++) {
		uint8_t *heap = exact_copy(buf, at + tail);

		rndis_packet_iter_init(&it, (struct span){ heap, at + tail },
		    8);
		for (uint32_t i = 0; i < 4; i++) {
			assert_int_equal(rndis_packet_next(&it, &p, &msg,
			    &why), 1);
			assert_int_equal(p.data_len, sizes[i]);
			assert_int_equal(msg.p[p.data_off], i);
			assert_int_equal(msg.len, p.msg_len);
		}
		assert_int_equal(rndis_packet_next(&it, &p, &msg, &why), 0);
		free(heap);
	}
	/* eight bytes more are a message, and a broken one */
	rndis_packet_iter_init(&it, (struct span){ buf, align_up(at, 8) + 8 },
	    8);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(rndis_packet_next(&it, &p, &msg, &why), 1);
	assert_int_equal(rndis_packet_next(&it, &p, &msg, &why), E_PEER);
	assert_int_equal(why, FAULT_RNDIS_SHORT);
	/* exact lengths: the next one still starts aligned */
	rndis_packet_set_len(buf, 44 + 60);
	rndis_packet_set_len(buf + 104, 44 + 61);
	rndis_packet_iter_init(&it, (struct span){ buf, at }, 8);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(rndis_packet_next(&it, &p, &msg, &why), 1);
	assert_int_equal(rndis_packet_next(&it, &p, &msg, &why), 0);
	/* a length of zero ends in a fault, not in a loop */
	rndis_packet_set_len(buf + last, 0);
	rndis_packet_iter_init(&it, (struct span){ buf, at }, 8);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(rndis_packet_next(&it, &p, &msg, &why), 1);
	assert_int_equal(rndis_packet_next(&it, &p, &msg, &why), E_PEER);
	assert_int_equal(why, FAULT_RNDIS_LEN);
	rndis_packet_iter_init(&it, (struct span){ buf, 0 }, 8);
	assert_int_equal(rndis_packet_next(&it, &p, &msg, &why), 0);
	rndis_packet_iter_init(&it, (struct span){ buf, 4 }, 8);
	assert_int_equal(rndis_packet_next(&it, &p, &msg, &why), E_PEER);
	assert_int_equal(why, FAULT_RNDIS_SHORT);
}

static void
test_value_helpers(void **state)
{
	/* bits 0-19 MSS, 20-29 offset, 30 v2, 31 IPv6 (protocol.md 5) */
	assert_int_equal(rndis_lso_put(1460, 34, false), 0x422005b4);
	assert_int_equal(rndis_lso_put(1440, 54, true), 0xc36005a0);
	assert_int_equal(rndis_lso_mss(0xc36005a0), 1440);
	assert_int_equal(rndis_lso_l4_off(0xc36005a0), 54);
	assert_true(rndis_lso_is_v2(0x40000000));
	assert_false(rndis_lso_is_v2(0xbfffffff));
	assert_true(rndis_lso_is_ipv6(0xc36005a0));
	assert_false(rndis_lso_is_ipv6(0x422005b4));
	/* bits 16-25 offset */
	assert_int_equal(rndis_txcsum_put(RNDIS_TXCSUM_IPV4 |
	    RNDIS_TXCSUM_TCP | RNDIS_TXCSUM_IPHDR, 34), 0x00220015);
	assert_int_equal(rndis_txcsum_l4_off(0x00220015), 34);
	assert_int_equal(rndis_txcsum_l4_off(0xfc00ffff), 0);
	/* TCI priority 5, CFI, id 0x123 */
	assert_int_equal(rndis_vlan_from_tci(0xb123), 0x123d);
	assert_int_equal(rndis_vlan_to_tci(0x123d), 0xb123);
	for (uint32_t tci = 0; tci < 0x10000; tci++)
		assert_int_equal(rndis_vlan_to_tci(
		    rndis_vlan_from_tci((uint16_t)tci)), tci);
}

/* Random bytes behind a plausible header: no read outside, no endless walk. */
static void
test_random(void **state)
{
	uint64_t seed = 0xd1342543de82ef95;
	uint8_t raw[256];
	enum fault why;

	for (int round = 0; round < 20000; round++) {
		uint32_t n = (uint32_t)(next_random(&seed) % sizeof(raw));

		golden_put(&full, raw);
		for (int k = 0; k < 4; k++)
			field_put(raw, (uint32_t)(next_random(&seed) % 35) * 4,
			    4, next_random(&seed) & 1 ? next_random(&seed) :
			    next_random(&seed) % 256);
		(void)decode_exact(decode, raw, n, &why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_subsets),
		cmocka_unit_test(test_head_only),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_oob),
		cmocka_unit_test(test_last_ppi_wins),
		cmocka_unit_test(test_ppi_after_data),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_value_helpers),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
