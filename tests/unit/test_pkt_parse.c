/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parse: golden frames, frames of every kind cut short at each byte, and
 * random bytes.  Heads live in blocks of exactly their length, so that ASan
 * sees a read past them.
 */
#include "test_pkt_frame.h"

#include "pkt/pkt_parse.h"

/* Only the Ethernet layer: the same as far as it goes, and nothing above. */
static void
eth_agrees(const struct pkt_info *all, struct span head)
{
	struct pkt_info eth;

	assert_int_equal(pkt_parse_eth(&eth, head, all->frame_len),
	    all->layer == PKT_LAYER_NONE ? PKT_LAYER_NONE : PKT_LAYER_ETH);
	assert_int_equal(eth.frame_len, all->frame_len);
	assert_int_equal(eth.l3_off, all->l3_off);
	assert_int_equal(eth.end_off, all->frame_len);
	assert_int_equal(eth.ethertype, all->ethertype);
	assert_int_equal(eth.vlan_tags, all->vlan_tags);
	assert_int_equal(eth.vlan_tci, all->vlan_tci);
	assert_int_equal(eth.ip_version, 0);
	assert_int_equal(eth.l4_proto, 0);
	assert_int_equal(eth.l4_off, 0);
	assert_false(eth.is_fragment);
}

static int
parse_exact(struct pkt_info *out, const uint8_t *f, uint32_t head_len,
    uint32_t len)
{
	uint8_t *exact = malloc(head_len > 0 ? head_len : 1);
	int layer;

	memcpy(exact, f, head_len);
	layer = pkt_parse(out, (struct span){ exact, head_len }, len);
	eth_agrees(out, (struct span){ exact, head_len });
	free(exact);
	assert_int_equal(layer, out->layer);
	assert_int_equal(out->frame_len, len);
	assert_in_range(out->l3_off, 0, len);
	assert_in_range(out->end_off, out->l3_off, len);
	if (layer == PKT_LAYER_L4) {
		assert_in_range(out->payload_off, out->l4_off + 8,
		    out->end_off);
		assert_in_range(out->payload_off, 0, head_len);
		assert_true(out->l4_off > out->l3_off);
		assert_false(out->is_fragment);
	} else {
		assert_int_equal(out->l4_off, 0);
		assert_int_equal(out->payload_off, 0);
	}
	return layer;
}

/* A SYN from a capture's shape: 66 bytes, TCP options, written by hand. */
static void
golden_tcp4(void **state)
{
	static const uint8_t f[] = {
		0x00, 0x15, 0x5d, 0x01, 0x02, 0x03,
		0x00, 0x15, 0x5d, 0x04, 0x05, 0x06, 0x08, 0x00,
		0x45, 0x00, 0x00, 0x34, 0x12, 0x34, 0x40, 0x00,
		0x40, 0x06, 0x00, 0x00, 0x0a, 0x00, 0x00, 0x01,
		0x0a, 0x00, 0x00, 0x02,
		0xc0, 0x00, 0x14, 0x51, 0x00, 0x00, 0x00, 0x01,
		0x00, 0x00, 0x00, 0x00, 0x80, 0x02, 0xff, 0xff,
		0x00, 0x00, 0x00, 0x00,
		0x02, 0x04, 0x05, 0xb4, 0x01, 0x03, 0x03, 0x08,
		0x01, 0x01, 0x04, 0x02,
	};
	struct pkt_meta m = { .flags = PKT_VLAN, .vlan_tci = 9 };
	struct pkt_info i;

	assert_int_equal(parse_exact(&i, f, 66, 66), PKT_LAYER_L4);
	assert_int_equal(i.ethertype, 0x0800);
	assert_int_equal(i.l3_off, 14);
	assert_int_equal(i.l4_off, 34);
	assert_int_equal(i.payload_off, 66);
	assert_int_equal(i.end_off, 66);
	assert_int_equal(i.ip_version, 4);
	assert_int_equal(i.l4_proto, 6);
	assert_int_equal(i.tcp_flags, PKT_TCP_SYN);
	assert_int_equal(i.vlan_tags, 0);
	assert_false(i.has_ip_opts);
	pkt_meta_info_set(&m, &i);
	assert_int_equal(m.flags, PKT_VLAN | PKT_LAYOUT);
	assert_int_equal(m.l3_off, 14);
	assert_int_equal(m.l4_off, 34);
	assert_int_equal(m.hdr_len, 66);
	assert_int_equal(m.vlan_tci, 9);
}

static void
tags_options_and_padding(void **state)
{
	struct frame_spec s = { .version = 4, .proto = 17, .tags = 2,
	    .ip_opts = 8, .payload = 3 };
	uint8_t f[200] = { 0 };
	uint32_t len = frame_build(f, &s);
	struct pkt_info i;

	assert_int_equal(len, 61);
	assert_int_equal(parse_exact(&i, f, 64, 64), PKT_LAYER_L4);
	assert_int_equal(i.vlan_tags, 2);
	assert_int_equal(i.vlan_tci, 0x2005);
	assert_int_equal(i.l3_off, 22);
	assert_int_equal(i.l4_off, 50);
	assert_int_equal(i.payload_off, 58);
	assert_int_equal(i.end_off, 61);
	assert_true(i.has_ip_opts);
	/* A third tag is not looked into. */
	put16(f + 20, 0x8100);
	assert_int_equal(parse_exact(&i, f, 64, 64), PKT_LAYER_ETH);
	assert_int_equal(i.ethertype, 0x8100);
	assert_int_equal(i.end_off, 64);
}

static void
ipv6_extension_headers(void **state)
{
	struct frame_spec s = { .version = 6, .proto = 6, .ip_opts = 16,
	    .tcp_opts = 12, .payload = 5 };
	uint8_t f[400] = { 0 };
	const uint32_t len = frame_build(f, &s);
	struct pkt_info i;

	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_L4);
	assert_int_equal(i.l4_off, 70);
	assert_int_equal(i.payload_off, 102);
	assert_true(i.has_ip_opts);
	assert_int_equal(i.ex_src_off, 22);
	assert_int_equal(i.ex_dst_off, 38);

	/* Routing header with segments left: the destination is elsewhere. */
	f[20] = 43;
	f[56] = 4, f[57] = 1;
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_IP);
	assert_int_equal(i.l4_proto, 0);
	f[57] = 0;
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_L4);

	/* Fragment header, even if it is the only fragment. */
	f[20] = 44;
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_IP);
	assert_true(i.is_fragment);
	assert_int_equal(i.l4_proto, 6);

	/* A header longer than the packet; ESP; nothing next. */
	f[20] = 60;
	f[55] = 255;
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_IP);
	f[20] = 50;
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_IP);
	assert_int_equal(i.l4_proto, 50);
	f[20] = 59;
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_IP);
	assert_int_equal(i.l4_proto, 59);
}

static void
ipv6_walk_is_bounded(void **state)
{
	uint8_t f[14 + 40 + 9 * 8 + 20] = { 0 };
	struct pkt_info i;

	put16(f + 12, 0x86dd);
	f[14] = 0x60;
	put16(f + 18, sizeof(f) - 54);
	f[20] = 60;
	for (uint32_t h = 0; h < 9; h++)
		f[54 + 8 * h] = h == 8 ? 6 : 60;
	f[54 + 72 + 12] = 0x50;
	assert_int_equal(parse_exact(&i, f, sizeof(f), sizeof(f)),
	    PKT_LAYER_IP);
	f[54 + 48] = 6;
	f[54 + 56 + 12] = 0x50;
	assert_int_equal(parse_exact(&i, f, sizeof(f), sizeof(f)),
	    PKT_LAYER_L4);
	assert_int_equal(i.l4_off, 54 + 56);
}

static void
ipv4_odd_headers(void **state)
{
	struct frame_spec s = { .version = 4, .proto = 6, .payload = 10 };
	uint8_t f[100];
	const uint32_t len = frame_build(f, &s);
	struct pkt_info i;

	put16(f + 20, 0x2000);
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_IP);
	assert_true(i.is_fragment);
	assert_int_equal(i.l4_proto, 6);
	put16(f + 20, 0x0001);
	parse_exact(&i, f, len, len);
	assert_true(i.is_fragment);
	put16(f + 20, 0x4000);
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_L4);
	assert_false(i.is_fragment);

	f[14] = 0x44;
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_ETH);
	f[14] = 0x65;
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_ETH);
	f[14] = 0x45;
	put16(f + 16, 19);
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_ETH);
	put16(f + 16, len - 14 + 1);
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_ETH);
	assert_int_equal(pkt_parse_lso(&i, (struct span){ f, len }, len),
	    PKT_LAYER_L4);
	assert_int_equal(i.end_off, len);
	put16(f + 16, 0);
	assert_int_equal(parse_exact(&i, f, len, 4000), PKT_LAYER_L4);
	assert_int_equal(i.end_off, 4000);
	put16(f + 16, 39);
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_IP);
	put16(f + 16, len - 14);
	f[34 + 12] = 0x40;
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_IP);
	f[34 + 12] = 0xf0;
	assert_int_equal(parse_exact(&i, f, len, len), PKT_LAYER_IP);
}

static void
cut_short_at_every_byte(void **state)
{
	static const struct frame_spec specs[] = {
		{ .version = 4, .proto = 6, .payload = 30, .tags = 2,
		  .ip_opts = 12, .tcp_opts = 12 },
		{ .version = 6, .proto = 17, .payload = 30, .ip_opts = 24 },
		{ .version = 6, .proto = 6, .payload = 30, .tcp_opts = 40 },
	};
	uint8_t f[300];

	for (uint32_t k = 0; k < 3; k++) {
		const uint32_t len = frame_build(f, &specs[k]);
		const uint32_t hdr = frame_hdr(&specs[k]);
		struct pkt_info i;

		for (uint32_t cut = 0; cut <= len; cut++) {
			/* The head is short: L4 as soon as headers are in. */
			const int layer = parse_exact(&i, f, cut, len);

			assert_int_equal(layer == PKT_LAYER_L4, cut >= hdr);
			assert_int_equal(layer >= PKT_LAYER_IP, cut >=
			    frame_l4(&specs[k]) - (specs[k].version == 6 ?
			    specs[k].ip_opts : 0u));
			assert_int_equal(layer >= PKT_LAYER_ETH, cut >= 14);
			/* The frame itself is short: its IP length lies. */
			assert_int_equal(parse_exact(&i, f, cut, cut) >=
			    PKT_LAYER_IP, cut == len);
		}
	}
}

/* The MTU counts from behind the tags, of which there may be two. */
static void
what_fits_an_mtu(void **state)
{
	for (uint8_t tags = 0; tags <= 3; tags++) {
		struct frame_spec s = { .version = 4, .proto = 17,
		    .tags = tags };
		uint8_t f[200] = { 0 };
		struct span head = { f, frame_build(f, &s) };
		uint32_t max = 1514 + 4u * min_u32(tags, 2);

		assert_int_equal(pkt_frame_max(1500, min_u32(tags, 2)), max);
		assert_true(pkt_frame_fits(head, 60, 1500));
		assert_true(pkt_frame_fits(head, max, 1500));
		assert_false(pkt_frame_fits(head, max + 1, 1500));
		assert_false(pkt_frame_fits(head, UINT32_MAX, 1500));
	}
}

static void
random_bytes_stay_in_bounds(void **state)
{
	uint32_t s = rnd_seed();

	for (uint32_t round = 0; round < 20000; round++) {
		struct frame_spec sp = { .version = round & 1 ? 6 : 4,
		    .proto = round & 2 ? 17 : 6, .tags = (uint8_t)(round % 3),
		    .ip_opts = (uint8_t)(rnd(&s) % 6 * 8),
		    .payload = rnd(&s) % 64 };
		uint8_t f[400] = { 0 };
		struct pkt_info i;
		uint32_t len = frame_build(f, &sp);

		for (uint32_t k = rnd(&s) % 6; k > 0; k--)
			f[rnd(&s) % len] = (uint8_t)rnd(&s);
		parse_exact(&i, f, rnd(&s) % (len + 1), len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_tcp4),
		cmocka_unit_test(tags_options_and_padding),
		cmocka_unit_test(ipv6_extension_headers),
		cmocka_unit_test(ipv6_walk_is_bounded),
		cmocka_unit_test(ipv4_odd_headers),
		cmocka_unit_test(cut_short_at_every_byte),
		cmocka_unit_test(what_fits_an_mtu),
		cmocka_unit_test(random_bytes_stay_in_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
