/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Toeplitz: Microsoft's published verification suite ("Verifying the RSS Hash
 * Calculation"), and a bit-by-bit implementation written from the definition.
 */
#include "test_pkt_frame.h"

#include "pkt/pkt_toeplitz.h"

static const uint8_t ms_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
	0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct {
	uint8_t src[4], dst[4];
	uint16_t sport, dport;
	uint32_t addr_hash, port_hash;
} v4[] = {
	{ { 66, 9, 149, 187 }, { 161, 142, 100, 80 }, 2794, 1766,
	  0x323e8fc2, 0x51ccc178 },
	{ { 199, 92, 111, 2 }, { 65, 69, 140, 83 }, 14230, 4739,
	  0xd718262a, 0xc626b0ea },
	{ { 24, 19, 198, 95 }, { 12, 22, 207, 184 }, 12898, 38024,
	  0xd2d0a5de, 0x5c2b394a },
	{ { 38, 27, 205, 30 }, { 209, 142, 163, 6 }, 48228, 2217,
	  0x82989176, 0xafc7327f },
	{ { 153, 39, 163, 191 }, { 202, 188, 127, 2 }, 44251, 1303,
	  0x5d1809c5, 0x10e828a2 },
};

static const struct {
	uint16_t src[8], dst[8];
	uint16_t sport, dport;
	uint32_t addr_hash, port_hash;
} v6[] = {
	{ { 0x3ffe, 0x2501, 0x0200, 0x1fff, 0, 0, 0, 7 },
	  { 0x3ffe, 0x2501, 0x0200, 0x0003, 0, 0, 0, 1 }, 2794, 1766,
	  0x2cc18cd5, 0x40207d3d },
	{ { 0x3ffe, 0x0501, 0x0008, 0, 0x0260, 0x97ff, 0xfe40, 0xefab },
	  { 0xff02, 0, 0, 0, 0, 0, 0, 1 }, 14230, 4739,
	  0x0f0c461c, 0xdde51bbf },
	{ { 0x3ffe, 0x1900, 0x4545, 3, 0x0200, 0xf8ff, 0xfe21, 0x67cf },
	  { 0xfe80, 0, 0, 0, 0x0200, 0xf8ff, 0xfe21, 0x67cf }, 44251, 38024,
	  0x4b61e985, 0x02d1feef },
};

static struct toeplitz_key key;

static uint32_t
bitwise(const uint8_t *k, const uint8_t *in, uint32_t len)
{
	uint32_t h = 0;

	for (uint32_t bit = 0; bit < len * 8; bit++) {
		if ((in[bit / 8] >> (7 - bit % 8) & 1) == 0)
			continue;
		for (uint32_t j = 0; j < 32; j++) {
			const uint32_t at = bit + j;

			h ^= (uint32_t)(k[at / 8] >> (7 - at % 8) & 1) <<
			    (31 - j);
		}
	}
	return h;
}

static uint32_t
frame_v4(uint8_t *f, uint32_t i, uint8_t proto)
{
	struct frame_spec s = { .version = 4, .proto = proto,
	    .sport = v4[i].sport, .payload = 10 };

	frame_build(f, &s);
	memcpy(f + 26, v4[i].src, 4);
	memcpy(f + 30, v4[i].dst, 4);
	put16(f + 36, v4[i].dport);
	return frame_len(&s);
}

static uint32_t
frame_v6(uint8_t *f, uint32_t i, uint8_t proto)
{
	struct frame_spec s = { .version = 6, .proto = proto,
	    .sport = v6[i].sport, .payload = 10 };

	frame_build(f, &s);
	for (uint32_t j = 0; j < 8; j++) {
		put16(f + 22 + 2 * j, v6[i].src[j]);
		put16(f + 38 + 2 * j, v6[i].dst[j]);
	}
	put16(f + 56, v6[i].dport);
	return frame_len(&s);
}

static void
check(const uint8_t *f, uint32_t len, uint32_t enabled, uint32_t want_hash,
    uint32_t want_type)
{
	const struct span head = { f, len };
	struct pkt_info info;
	uint32_t type = 99;
	uint32_t h;

	pkt_parse(&info, head, len);
	h = pkt_rss_hash(&key, enabled, &info, head, &type);
	assert_int_equal(type, want_type);
	assert_int_equal(h, want_hash);
}

static void
published_vectors_v4(void **state)
{
	uint8_t f[256];

	for (uint32_t i = 0; i < 5; i++) {
		const uint32_t tcp = frame_v4(f, i, 6);

		check(f, tcp, 0x100 | 0x200, v4[i].port_hash, 0x200);
		check(f, tcp, 0x100, v4[i].addr_hash, 0x100);
		check(f, tcp, 0x4000, 0, 0);
		const uint32_t udp = frame_v4(f, i, 17);

		check(f, udp, 0x100 | 0x4000, v4[i].port_hash, 0x4000);
		check(f, udp, 0x100 | 0x200, v4[i].addr_hash, 0x100);
		check(f, udp, 0x200, 0, 0);
	}
}

static void
published_vectors_v6(void **state)
{
	uint8_t f[256];

	for (uint32_t i = 0; i < 3; i++) {
		const uint32_t tcp = frame_v6(f, i, 6);

		check(f, tcp, 0x400 | 0x1000, v6[i].port_hash, 0x1000);
		check(f, tcp, 0x400 | 0x2000, v6[i].port_hash, 0x2000);
		check(f, tcp, 0x400, v6[i].addr_hash, 0x400);
		check(f, tcp, 0x800, v6[i].addr_hash, 0x800);
		check(f, tcp, 0x100 | 0x200, 0, 0);
		const uint32_t udp = frame_v6(f, i, 17);

		check(f, udp, 0x8000, v6[i].port_hash, 0x8000);
		check(f, udp, 0x10000, v6[i].port_hash, 0x10000);
		check(f, udp, 0x400 | 0x1000, v6[i].addr_hash, 0x400);
	}
}

static void
same_as_bit_by_bit(void **state)
{
	uint32_t s = rnd_seed();
	struct toeplitz_key *k = malloc(sizeof(*k));

	for (uint32_t round = 0; round < 50; round++) {
		uint8_t kb[40], in[40];

		for (uint32_t i = 0; i < 40; i++) {
			kb[i] = (uint8_t)rnd(&s);
			in[i] = (uint8_t)rnd(&s);
		}
		toeplitz_key_set(k, kb);
		for (uint32_t len = 0; len <= 36; len++)
			assert_int_equal(toeplitz_hash(k, in, len),
			    bitwise(kb, in, len));
		assert_int_equal(toeplitz_hash(k, in, 40),
		    bitwise(kb, in, 36));
	}
	free(k);
}

static void
no_hash_for_fragments_and_non_ip(void **state)
{
	uint8_t f[256];
	const uint32_t len = frame_v4(f, 0, 6);

	f[14 + 6] = 0x20;
	check(f, len, 0x1ff00, 0, 0);
	f[14 + 6] = 0;
	f[14 + 7] = 5;
	check(f, len, 0x1ff00, 0, 0);
	f[14 + 7] = 0;
	check(f, len, 0x1ff00, v4[0].port_hash, 0x200);
	put16(f + 12, 0x0806);
	check(f, len, 0x1ff00, 0, 0);
}

/* RFC 6275: what the EX types take instead of the header's addresses. */
static void
ex_types_use_mobility_addresses(void **state)
{
	uint8_t f[14 + 40 + 24 + 24 + 20] = { 0 };
	uint8_t in[36];
	uint32_t want;

	put16(f + 12, 0x86dd);
	f[14] = 0x60;
	put16(f + 18, sizeof(f) - 54);
	f[20] = 60;
	memset(f + 22, 0x11, 16);
	memset(f + 38, 0x22, 16);
	f[54] = 43;
	f[55] = 2;
	f[56] = 1, f[57] = 2;
	f[60] = 0xc9, f[61] = 16;
	memset(f + 62, 0x33, 16);
	f[78] = 6;
	f[79] = 2;
	f[80] = 2;
	f[81] = 1;
	memset(f + 86, 0x44, 16);
	put32(f + 102, 0x12345678);
	f[114] = 0x50;

	memset(in, 0x11, 16);
	memset(in + 16, 0x22, 16);
	put32(in + 32, 0x12345678);
	check(f, sizeof(f), 0x1000, bitwise(ms_key, in, 36), 0x1000);
	memset(in, 0x33, 16);
	memset(in + 16, 0x44, 16);
	want = bitwise(ms_key, in, 36);
	check(f, sizeof(f), 0x3000, want, 0x2000);
	/* An option of another length is not a home address. */
	f[61] = 15;
	memset(in, 0x11, 16);
	want = bitwise(ms_key, in, 32);
	check(f, sizeof(f), 0x800, want, 0x800);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_v4),
		cmocka_unit_test(published_vectors_v6),
		cmocka_unit_test(same_as_bit_by_bit),
		cmocka_unit_test(no_hash_for_fragments_and_non_ip),
		cmocka_unit_test(ex_types_use_mobility_addresses),
	};

	toeplitz_key_set(&key, ms_key);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
