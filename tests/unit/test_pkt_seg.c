/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segmentation and LSO: every segment verified with sums that are not ours,
 * payload reassembled, headers compared field by field.
 */
#include "test_pkt_frame.h"

#include "base/err.h"
#include "pkt/pkt_csum.h"
#include "pkt/pkt_seg.h"

#define BIG	66000

static const struct frame_spec specs[] = {
	{ .version = 4, .proto = 6, .payload = 10000, .id = 0xfffe,
	  .flags = 0x99, .seq = 0xffffff00, .tcp_opts = 12, .df = true },
	{ .version = 6, .proto = 6, .payload = 9999, .flags = 0x18,
	  .seq = 77, .tags = 1 },
	{ .version = 6, .proto = 6, .payload = 12000, .flags = 0x10,
	  .ip_opts = 24, .tcp_opts = 40, .tags = 2 },
	{ .version = 4, .proto = 6, .payload = 5001, .flags = 0x11,
	  .ip_opts = 40, .id = 5 },
	{ .version = 4, .proto = 6, .payload = 1, .flags = 0x19 },
	{ .version = 4, .proto = 6, .payload = 0, .flags = 0x02 },
};

/* Check segment k of a frame built from sp; seg holds it whole. */
static void
segment_check(const uint8_t *seg, uint32_t len, const struct frame_spec *sp,
    uint32_t k, uint32_t mss, const struct pkt_seg_out *o, bool partial)
{
	const uint32_t l4 = frame_l4(sp), hdr = frame_hdr(sp);
	const bool last = (k + 1) * mss >= sp->payload;
	struct frame_spec one = *sp;
	uint8_t want[BIG];
	uint8_t flags = sp->flags;

	if (k > 0)
		flags &= 0x7f;
	if (!last)
		flags &= (uint8_t)~0x09;
	one.flags = flags;
	one.id = (uint16_t)(sp->id + k);
	one.seq = sp->seq + k * mss;
	one.payload = last ? sp->payload - k * mss : mss;
	assert_int_equal(frame_build(want, &one), len);
	/* Payload differs from the builder's: take it, redo the sum. */
	memcpy(want + hdr, seg + hdr, len - hdr);
	put16(want + l4 + 16, 0);
	if (partial) {
		put16(want + l4 + 16, naive_pseudo(want + frame_l3(sp), 6,
		    len - l4));
		assert_int_equal(o->meta.flags & PKT_CSUM_PARTIAL,
		    PKT_CSUM_PARTIAL);
		assert_int_equal(o->meta.csum_start, l4);
		assert_int_equal(o->meta.csum_offset, 16);
	} else {
		put16(want + l4 + 16, ~naive_sum(naive_pseudo(want +
		    frame_l3(sp), 6, len - l4), want + l4, len - l4));
		assert_int_equal(o->meta.flags & PKT_CSUM_GOOD_L4,
		    PKT_CSUM_GOOD_L4);
		assert_true(frame_ok(seg, len, sp));
	}
	assert_memory_equal(seg, want, hdr);
	assert_int_equal(o->meta.flags & PKT_GSO_ANY, 0);
	assert_int_equal(o->meta.gso_size, 0);
	assert_int_equal(o->meta.vlan_tci, 42);
}

static void
cut_and_check(const struct frame_spec *sp, uint32_t mss, bool partial,
    uint32_t *s)
{
	static uint8_t f[BIG], seg[BIG], again[BIG];
	const uint32_t len = frame_build(f, sp), hdr = frame_hdr(sp);
	struct pkt_meta m = { .flags = PKT_VLAN | PKT_GSO_TCP4,
	    .vlan_tci = 42, .gso_size = (uint16_t)mss };
	uint32_t done = 0, k = 0;
	struct pkt_seg_out o;
	struct pkt_seg it;
	struct vec v[20], part[20];
	uint32_t n;
	int want;

	n = vec_cut(f, len, v, 20, s);
	want = pkt_seg_start(&it, v, n, &m, partial ? PKT_SEG_PARTIAL :
	    PKT_SEG_COMPLETE);
	assert_int_equal(want, sp->payload == 0 ? 1 :
	    (sp->payload + mss - 1) / mss);
	while (pkt_seg_next(&it, &o, seg) == 1) {
		int pieces;

		assert_int_equal(o.hdr_len, hdr);
		assert_int_equal(o.payload_off, hdr + done);
		pieces = pkt_vec_slice(v, n, o.payload_off, o.payload_len,
		    part, 20);
		assert_in_range(pieces, 0, 20);
		pkt_vec_gather(part, (uint32_t)pieces, 0, seg + hdr,
		    o.payload_len);
		segment_check(seg, hdr + o.payload_len, sp, k, mss, &o,
		    partial);
		memcpy(again + done, seg + hdr, o.payload_len);
		done += o.payload_len;
		k++;
	}
	assert_int_equal(k, want);
	assert_int_equal(done, sp->payload);
	assert_memory_equal(again, f + hdr, done);
	assert_int_equal(pkt_seg_next(&it, &o, seg), 0);
}

static void
segments_are_right(void **state)
{
	uint32_t s = rnd_seed();

	for (uint32_t round = 0; round < 60; round++) {
		for (uint32_t k = 0; k < 6; k++) {
			struct frame_spec sp = specs[k];

			sp.fill = rnd(&s);
			cut_and_check(&sp, k == 5 ? 1448 :
			    100 + rnd(&s) % 9000, round & 1, &s);
		}
	}
}

static void
largest_frame_into_smallest_segments(void **state)
{
	struct frame_spec sp = specs[0];
	uint32_t s = rnd_seed();

	sp.payload = 65535 - 52;
	cut_and_check(&sp, 1448, false, &s);
	sp.payload = 300;
	cut_and_check(&sp, 1, false, &s);
}

static void
not_cut(void **state)
{
	static uint8_t f[BIG];
	struct frame_spec sp = { .version = 4, .proto = 17, .payload = 5000 };
	struct pkt_meta m = { .gso_size = 1000 };
	struct pkt_seg it;
	struct vec v = { f, 0 };

	v.len = frame_build(f, &sp);
	assert_int_equal(pkt_seg_start(&it, &v, 1, &m, 0), E_NOTSUP);
	sp = specs[0];
	v.len = frame_build(f, &sp);
	assert_int_equal(pkt_seg_start(&it, &v, 1, &m, 0), 10);
	f[20] = 0x20;
	assert_int_equal(pkt_seg_start(&it, &v, 1, &m, 0), E_NOTSUP);
	f[20] = 0x40;
	f[34 + 13] = PKT_TCP_SYN;
	assert_int_equal(pkt_seg_start(&it, &v, 1, &m, 0), E_NOTSUP);
	f[34 + 13] = PKT_TCP_ACK;
	m.flags = PKT_GSO_NORESEG;
	assert_int_equal(pkt_seg_start(&it, &v, 1, &m, 0), E_NOTSUP);
	m.flags = 0;
	m.gso_size = 0;
	assert_int_equal(pkt_seg_start(&it, &v, 1, &m, 0), E_NOTSUP);
	m.gso_size = 1000;
	v.len = 65;
	assert_int_equal(pkt_seg_start(&it, &v, 1, &m, 0), E_NOTSUP);
	v.len = 66;
	assert_int_equal(pkt_seg_start(&it, &v, 1, &m, 0), 1);
	/* A segment that the IP length field could not hold. */
	m.gso_size = 65535;
	v.len = BIG;
	assert_int_equal(pkt_seg_start(&it, &v, 1, &m, 0), E_NOTSUP);
}

static void
fixed_id_stays(void **state)
{
	static uint8_t f[BIG], hdr[PKT_HEAD_MAX];
	struct pkt_meta m = { .gso_size = 1000, .flags = PKT_GSO_FIXEDID };
	struct pkt_seg_out o;
	struct pkt_seg it;
	struct vec v = { f, frame_build(f, &specs[0]) };

	assert_int_equal(pkt_seg_start(&it, &v, 1, &m, 0), 10);
	while (pkt_seg_next(&it, &o, hdr) == 1) {
		assert_int_equal(get16(hdr + 18), 0xfffe);
		assert_int_equal(naive_sum(0, hdr + 14, 20), 0xffff);
	}
}

static void
lso_round_trip(void **state)
{
	static uint8_t f[BIG], g[BIG];

	for (uint32_t k = 0; k < 4; k++) {
		const struct frame_spec *sp = &specs[k];
		const uint32_t len = frame_build(f, sp);
		const uint32_t l3 = frame_l3(sp), l4 = frame_l4(sp);
		const uint32_t hdr = frame_hdr(sp);
		const uint32_t gso = sp->version == 4 ? PKT_GSO_TCP4 :
		    PKT_GSO_TCP6;
		struct pkt_meta m = { .gso_size = 1400 };
		enum fault why = FAULT_NONE;

		memcpy(g, f, len);
		assert_int_equal(pkt_lso_prepare(g, hdr, len, &m), 0);
		assert_int_equal(m.flags, gso | PKT_LAYOUT);
		assert_int_equal(m.l4_off, l4);
		assert_int_equal(get16(g + l3 + (sp->version == 4 ? 2 : 4)),
		    0);
		if (sp->version == 4)
			assert_int_equal(get16(g + l3 + 10), 0);
		assert_int_equal(get16(g + l4 + 16),
		    naive_pseudo(f + l3, 6, 0));

		m = (struct pkt_meta){ .gso_size = 1400, .flags = gso };
		assert_int_equal(pkt_lso_restore(g, hdr, len, &m, &why), 0);
		put16(f + l4 + 16, naive_pseudo(f + l3, 6, len - l4));
		assert_memory_equal(g, f, len);
		assert_int_equal(m.flags, gso | PKT_LAYOUT |
		    PKT_CSUM_PARTIAL | (k == 0 ? PKT_GSO_ECN : 0));
		assert_int_equal(m.csum_start, l4);
		assert_int_equal(m.csum_offset, 16);
		assert_int_equal(m.hdr_len, hdr);
		assert_int_equal(m.segs, (sp->payload + 1399) / 1400);

		/* What the guest leaves in those fields does not matter. */
		put16(g + l3 + (sp->version == 4 ? 2 : 4), 0x1234);
		if (sp->version == 4)
			put16(g + l3 + 10, 0x4321);
		put16(g + l4 + 16, 0xabcd);
		assert_int_equal(pkt_lso_restore(g, hdr, len, &m, &why), 0);
		assert_memory_equal(g, f, len);
	}
}

static void
lso_restore_refuses(void **state)
{
	static uint8_t f[BIG], g[BIG];
	const uint32_t len = frame_build(f, &specs[0]);
	struct pkt_meta m = { .gso_size = 1400 }, same = m;
	enum fault why = FAULT_NONE;

	memcpy(g, f, len);
	for (uint32_t cut = 0; cut < 66; cut++) {
		uint8_t *exact = malloc(cut + 1);

		memcpy(exact, f, cut);
		assert_int_equal(pkt_lso_restore(exact, cut, len, &m, &why),
		    E_PEER);
		assert_int_equal(why, FAULT_FRAME_SHORT);
		assert_int_equal(pkt_lso_prepare(exact, cut, len, &m),
		    E_NOTSUP);
		assert_memory_equal(exact, f, cut);
		free(exact);
	}
	m.flags = same.flags = PKT_GSO_TCP6;
	assert_int_equal(pkt_lso_restore(f, len, len, &m, &why), E_PEER);
	assert_int_equal(why, FAULT_FRAME_HEADERS);
	m.flags = same.flags = 0;
	why = FAULT_NONE;
	assert_int_equal(pkt_lso_restore(f, 66, 14 + 65536, &m, &why), E_PEER);
	assert_int_equal(why, FAULT_FRAME_LONG);
	assert_memory_equal(&m, &same, sizeof(m));
	m.gso_size = 7;
	assert_int_equal(pkt_lso_restore(f, len, len, &m, &why), E_PEER);
	assert_int_equal(why, FAULT_FRAME_HEADERS);
	m.gso_size = 1400;
	f[23] = g[23] = 17;
	assert_int_equal(pkt_lso_restore(f, len, len, &m, &why), E_PEER);
	assert_int_equal(why, FAULT_FRAME_HEADERS);
	put16(f + 12, 0x0806);
	put16(g + 12, 0x0806);
	assert_int_equal(pkt_lso_restore(f, len, len, &m, &why), E_PEER);
	assert_int_equal(why, FAULT_FRAME_HEADERS);
	assert_memory_equal(f, g, len);
}

static void
lso_of_one_segment_is_a_plain_frame(void **state)
{
	static uint8_t f[BIG];
	const uint32_t len = frame_build(f, &specs[4]);
	struct pkt_meta m = { .gso_size = 1400,
	    .flags = PKT_GSO_TCP4 | PKT_IPCS };
	enum fault why = FAULT_NONE;

	assert_int_equal(pkt_lso_restore(f, len, len, &m, &why), 0);
	assert_int_equal(m.flags, PKT_CSUM_PARTIAL | PKT_LAYOUT);
	assert_int_equal(m.gso_size, 0);
	assert_int_equal(m.segs, 1);
}

static void
rsc_segment_size(void **state)
{
	assert_int_equal(pkt_rsc_segsize((uint32_t[]){ 1514, 1448, 1448, 9 },
	    4, 66), 1448);
	assert_int_equal(pkt_rsc_segsize((uint32_t[]){ 1514, 1448 }, 2, 66),
	    1448);
	assert_int_equal(pkt_rsc_segsize((uint32_t[]){ 1514, 1449 }, 2, 66),
	    0);
	assert_int_equal(pkt_rsc_segsize((uint32_t[]){ 1514, 1447, 10 }, 3,
	    66), 0);
	assert_int_equal(pkt_rsc_segsize((uint32_t[]){ 1514, 0 }, 2, 66), 0);
	assert_int_equal(pkt_rsc_segsize((uint32_t[]){ 1514 }, 1, 66), 0);
	assert_int_equal(pkt_rsc_segsize((uint32_t[]){ 66, 66 }, 2, 66), 0);
	assert_int_equal(pkt_rsc_segsize(NULL, 0, 66), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_are_right),
		cmocka_unit_test(largest_frame_into_smallest_segments),
		cmocka_unit_test(not_cut),
		cmocka_unit_test(fixed_id_stays),
		cmocka_unit_test(lso_round_trip),
		cmocka_unit_test(lso_restore_refuses),
		cmocka_unit_test(lso_of_one_segment_is_a_plain_frame),
		cmocka_unit_test(rsc_segment_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
