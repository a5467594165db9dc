/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checksums against a bytewise sum: lengths, alignments, splits; complete,
 * verify, partial.
 */
#include "test_pkt_frame.h"

#include "base/err.h"
#include "pkt/pkt_csum.h"

static uint16_t
folded_be(uint64_t sum)
{
	uint8_t b[2];

	pkt_sum_store(b, pkt_sum_fold(sum));
	return (uint16_t)get16(b);
}

/* 0 and 0xffff are the same sum; the bytewise sum gives 0xffff or 0. */
static void
same_sum(uint32_t a, uint32_t b)
{
	assert_int_equal(a % 0xffff, b % 0xffff);
	if (b == 0)
		assert_int_equal(a, 0);
}

static void
every_length_and_alignment(void **state)
{
	uint8_t buf[700];
	uint32_t s = rnd_seed();

	for (uint32_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)rnd(&s);
	for (uint32_t off = 0; off < 9; off++) {
		for (uint32_t len = 0; len < 600; len++) {
			uint8_t *exact = malloc(len + 1);

			memcpy(exact + 1, buf + off, len);
			same_sum(folded_be(pkt_sum_bytes(0, exact + 1, len)),
			    naive_sum(0, buf + off, len));
			free(exact);
		}
	}
	memset(buf, 0xff, sizeof(buf));
	assert_int_equal(folded_be(pkt_sum_bytes(0, buf, 700)), 0xffff);
	assert_int_equal(folded_be(pkt_sum_bytes(UINT64_MAX, buf, 64)),
	    0xffff);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(folded_be(pkt_sum_bytes(0, buf, 700)), 0);
}

static void
golden_rfc1071(void **state)
{
	/* RFC 1071, 3: the sum of these is ddf2. */
	static const uint8_t b[] = { 0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7 };

	assert_int_equal(folded_be(pkt_sum_bytes(0, b, 8)), 0xddf2);
	assert_int_equal(folded_be(pkt_sum_be16(0x1234)), 0x1234);
}

static void
random_splits(void **state)
{
	uint8_t buf[3000];
	uint32_t s = rnd_seed();

	for (uint32_t round = 0; round < 2000; round++) {
		const uint32_t len = rnd(&s) % sizeof(buf);
		struct vec v[12];
		uint32_t n, off, part;

		for (uint32_t i = 0; i < len; i++)
			buf[i] = (uint8_t)rnd(&s);
		n = vec_cut(buf, len, v, 12, &s);
		off = rnd(&s) % (len + 1);
		part = rnd(&s) % (len - off + 1);
		assert_int_equal(pkt_vec_bytes(v, n), len);
		same_sum(folded_be(pkt_sum_vecs(0, v, n, off, part)),
		    naive_sum(0, buf + off, part));
		same_sum(folded_be(pkt_sum_vecs(0, v, n, off, len + 9)),
		    naive_sum(0, buf + off, len - off));
	}
}

static const struct frame_spec specs[] = {
	{ .version = 4, .proto = 6, .payload = 1000, .host = 1 },
	{ .version = 4, .proto = 17, .payload = 77, .tags = 1 },
	{ .version = 6, .proto = 6, .payload = 333, .tcp_opts = 12 },
	{ .version = 6, .proto = 17, .payload = 1, .ip_opts = 8 },
	{ .version = 4, .proto = 6, .payload = 0, .ip_opts = 40,
	  .tcp_opts = 40, .tags = 2 },
};

static void
complete_over_splits(void **state)
{
	uint32_t s = rnd_seed();
	uint8_t f[1500], want[1500];

	for (uint32_t round = 0; round < 1000; round++) {
		struct frame_spec sp = specs[round % 5];
		struct pkt_meta m = { .vlan_tci = 7 };
		struct pkt_info info;
		struct vec v[12];
		uint32_t len, n, at;

		sp.fill = rnd(&s);
		len = frame_build(want, &sp);
		memcpy(f, want, len);
		pkt_parse(&info, (struct span){ f, len }, len);
		assert_int_equal(info.layer, PKT_LAYER_L4);
		at = info.l4_off + (sp.proto == 6 ? 16 : 6);
		/* The same in TCP, and who completes need not know which. */
		if (get16(want + at) == 0)
			put16(want + at, 0xffff);
		put16(f + at, rnd(&s));
		assert_int_equal(pkt_csum_partial_set(f, &info, &m), 0);
		assert_int_equal(m.flags, PKT_CSUM_PARTIAL);
		assert_int_equal(get16(f + m.csum_start + m.csum_offset),
		    naive_pseudo(f + info.l3_off, sp.proto,
		    len - info.l4_off));
		pkt_meta_info_set(&m, &info);
		if (sp.version == 4) {
			put16(f + info.l3_off + 10, rnd(&s));
			m.flags |= PKT_IPCS;
		}
		n = vec_cut(f, len, v, 12, &s);
		assert_int_equal(pkt_csum_complete(v, n, &m), 0);
		assert_memory_equal(f, want, len);
		assert_int_equal(m.flags, PKT_LAYOUT | PKT_CSUM_GOOD_L4 |
		    (sp.version == 4 ? PKT_CSUM_GOOD_IP : 0));
	}
}

static void
complete_refuses(void **state)
{
	uint8_t f[60] = { 0 }, same[60] = { 0 };
	struct vec v = { f, sizeof(f) };
	struct pkt_meta m = { .flags = PKT_CSUM_PARTIAL };

	m.csum_start = 50;
	m.csum_offset = 9;
	assert_int_equal(pkt_csum_complete(&v, 1, &m), E_NOTSUP);
	m.csum_start = 65535;
	m.csum_offset = 65535;
	assert_int_equal(pkt_csum_complete(&v, 1, &m), E_NOTSUP);
	m.csum_start = m.csum_offset = 0;
	m.flags = PKT_CSUM_PARTIAL | PKT_GSO_TCP4;
	assert_int_equal(pkt_csum_complete(&v, 1, &m), E_NOTSUP);
	m.flags = PKT_IPCS;
	assert_int_equal(pkt_csum_complete(&v, 1, &m), E_NOTSUP);
	m.l3_off = 50;
	f[50] = same[50] = 0x45;
	assert_int_equal(pkt_csum_complete(&v, 1, &m), E_NOTSUP);
	assert_memory_equal(f, same, sizeof(f));
	assert_int_equal(m.flags, PKT_IPCS);
}

static void
udp_sum_zero_is_stored_as_ones(void **state)
{
	struct frame_spec sp = { .version = 4, .proto = 17, .payload = 2 };
	struct pkt_meta m = { 0 };
	struct pkt_info info;
	uint8_t f[64];
	const uint32_t len = frame_build(f, &sp);
	struct vec v = { f, len };

	/* Choose the payload so that the sum comes to ffff. */
	put16(f + 42, 0);
	put16(f + 40, 0);
	put16(f + 42, 0xffffu - naive_sum(naive_pseudo(f + 14, 17, len - 34),
	    f + 34, len - 34));
	pkt_parse(&info, (struct span){ f, len }, len);
	pkt_csum_partial_set(f, &info, &m);
	assert_int_equal(pkt_csum_complete(&v, 1, &m), 0);
	assert_int_equal(get16(f + 40), 0xffff);
	assert_int_equal(pkt_csum_verify(&v, 1, &info),
	    PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4);
	put16(f + 40, 0);
	assert_int_equal(pkt_csum_verify(&v, 1, &info), PKT_CSUM_GOOD_IP);
}

static void
verify_finds_every_flipped_bit(void **state)
{
	uint8_t f[1500];
	uint32_t s = rnd_seed();

	for (uint32_t i = 0; i < 5; i++) {
		const uint32_t good_ip =
		    specs[i].version == 4 ? PKT_CSUM_GOOD_IP : 0;
		const uint32_t len = frame_build(f, &specs[i]);
		struct pkt_info info;
		struct vec v[8];
		uint32_t n, bit;

		pkt_parse(&info, (struct span){ f, len }, len);
		n = vec_cut(f, len, v, 8, &s);
		assert_int_equal(pkt_csum_verify(v, n, &info),
		    good_ip | PKT_CSUM_GOOD_L4);
		/* Past the UDP length field, which is an error of its own. */
		for (bit = (info.l4_off + 6) * 8; bit < len * 8; bit++) {
			f[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(pkt_csum_verify(v, n, &info),
			    good_ip | PKT_CSUM_BAD_L4);
			f[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		if (specs[i].version == 4) {
			f[info.l3_off + 8] ^= 1;
			assert_int_equal(pkt_csum_verify(v, n, &info),
			    PKT_CSUM_BAD_IP | PKT_CSUM_GOOD_L4);
		}
	}
}

static void
vec_slice_gather_scatter(void **state)
{
	uint8_t buf[200], got[200];
	uint32_t s = rnd_seed();

	for (uint32_t round = 0; round < 500; round++) {
		struct vec v[8], out[8];
		uint32_t n, off, len;
		int k;

		for (uint32_t i = 0; i < 200; i++)
			buf[i] = (uint8_t)rnd(&s);
		n = vec_cut(buf, 200, v, 8, &s);
		off = rnd(&s) % 201;
		len = rnd(&s) % (201 - off);
		assert_int_equal(pkt_vec_gather(v, n, off, got, len), len);
		assert_memory_equal(got, buf + off, len);
		k = pkt_vec_slice(v, n, off, len, out, 8);
		assert_in_range(k, 0, n);
		memset(got, 0, 200);
		assert_int_equal(pkt_vec_gather(out, (uint32_t)k, 0, got, 200),
		    len);
		assert_memory_equal(got, buf + off, len);
		for (int i = 0; i < k; i++)
			assert_int_not_equal(out[i].len, 0);
		if (k > 0)
			assert_int_equal(pkt_vec_slice(v, n, off, len, out,
			    (uint32_t)k - 1), E_NOMEM);
		assert_int_equal(pkt_vec_slice(v, n, off, 201 - off, out, 8),
		    E_STATE);
		memset(got, 0xa5, len);
		assert_int_equal(pkt_vec_scatter(v, n, off, got, len), len);
		for (uint32_t i = 0; i < len; i++)
			assert_int_equal(buf[off + i], 0xa5);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_rfc1071),
		cmocka_unit_test(every_length_and_alignment),
		cmocka_unit_test(random_splits),
		cmocka_unit_test(complete_over_splits),
		cmocka_unit_test(complete_refuses),
		cmocka_unit_test(udp_sum_zero_is_stored_as_ones),
		cmocka_unit_test(verify_finds_every_flipped_bit),
		cmocka_unit_test(vec_slice_gather_scatter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
