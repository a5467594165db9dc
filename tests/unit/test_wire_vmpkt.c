/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extensions of packet types 7 and 9: golden bytes, every malformed list of
 * protocol.md section 3, and the walk against a byte-by-byte model.
 */
#include "wire_test.h"
#include "wire/vmpkt.h"

/* What is decoded is also read, so that ASan sees where it lies. */
static volatile uint64_t touched;

static int
xfer(struct span raw, enum fault *why)
{
	struct vmpkt_xfer x;
	int rc = vmpkt_xfer_decode(&x, raw, why);

	for (uint32_t i = 0; rc == 0 && i < x.count; i++)
		touched += vmpkt_xfer_range(&x, i).bytes;
	return rc;
}

static int
gpa(struct span raw, enum fault *why)
{
	struct vmpkt_gpa g;
	struct vmpkt_gpa_walk w;
	struct gpa_piece piece;
	uint64_t sum = 0;
	int rc = vmpkt_gpa_decode(&g, raw, why);

	if (rc != 0)
		return rc;
	vmpkt_gpa_walk_init(&w, &g);
	while (vmpkt_gpa_walk_next(&w, &piece)) {
		assert_int_not_equal(piece.len, 0);
		assert_true(w.range < g.count);
		sum += piece.len;
	}
	assert_int_equal(sum, g.total_bytes);
	return 0;
}

static void
test_xfer(void **state)
{
	const struct vmpkt_xfer_range r[2] = { { 1728, 0 },
	    { 100, 0x123456 } };
	struct golden g = { 24, { { 0, 2, 0xcafe }, { 4, 4, 2 },
	    { 8, 4, 1728 }, { 12, 4, 0 }, { 16, 4, 100 },
	    { 20, 4, 0x123456 } } };
	uint8_t want[24], got[24];
	struct vmpkt_xfer x;
	enum fault why;

	golden_put(&g, want);
	assert_int_equal(VMPKT_XFER_EXT_BYTES(2), 24);
	assert_int_equal(vmpkt_xfer_ext_put(got, 0xcafe, r, 2), 24);
	assert_memory_equal(got, want, 24);
	want[2] = 0xff;		/* sender_owns and reserved: garbage allowed */
	want[3] = 0xff;
	assert_int_equal(vmpkt_xfer_decode(&x, (struct span){ want, 24 },
	    &why), 0);
	assert_int_equal(x.pageset, 0xcafe);
	assert_int_equal(x.count, 2);
	assert_int_equal(vmpkt_xfer_range(&x, 1).bytes, 100);
	assert_int_equal(vmpkt_xfer_range(&x, 1).offset, 0x123456);
	decode_hurt(xfer, "xfer", want, 24, 24, FAULT_PKT_RANGES);
	field_put(want, 4, 4, 0);
	assert_int_equal(decode_exact(xfer, want, 24, &why), E_PEER);
	field_put(want, 4, 4, 0x20000002);	/* 8 * count wraps to 16 */
	assert_int_equal(decode_exact(xfer, want, 24, &why), E_PEER);
	assert_int_equal(why, FAULT_PKT_RANGES);
}

static void
test_gpa_golden(void **state)
{
	static const uint64_t pfn[3] = { 0x10, 0x11, 0x1fffff };
	const struct gpa_range r = { 8192, 100, pfn };
	const struct gpa_piece p[2] = { { 0x5064, 60 }, { 0x7000, 4096 } };
	const struct golden prp = { 40, { { 4, 4, 1 }, { 8, 4, 8192 },
	    { 12, 4, 100 }, { 16, 8, 0x10 }, { 24, 8, 0x11 },
	    { 32, 8, 0x1fffff } } };
	const struct golden sg = { 40, { { 4, 4, 2 }, { 8, 4, 60 },
	    { 12, 4, 0x64 }, { 16, 8, 5 }, { 24, 4, 4096 }, { 28, 4, 0 },
	    { 32, 8, 7 } } };
	uint8_t want[40], got[40];

	golden_put(&prp, want);
	assert_int_equal(vmpkt_gpa_ext_put(got, 40, &r, 1), 40);
	assert_int_equal(VMPKT_PRP_EXT_BYTES(3), 40);
	assert_memory_equal(got, want, 40);
	assert_int_equal(vmpkt_gpa_ext_put(got, 39, &r, 1), 0);
	field_put(want, 0, 4, 0xdeadbeef);	/* reserved */
	decode_hurt(gpa, "prplist", want, 40, 40, FAULT_PKT_RANGES);

	golden_put(&sg, want);
	assert_int_equal(vmpkt_gpa_sg_put(got, 40, p, 2), 40);
	assert_int_equal(VMPKT_SG_EXT_BYTES(2), 40);
	assert_memory_equal(got, want, 40);
	assert_int_equal(vmpkt_gpa_sg_put(got, 39, p, 2), 0);
	assert_int_equal(vmpkt_gpa_sg_put(got, 7, p, 1), 0);
	assert_int_equal(vmpkt_gpa_sg_put(got, 40, p, 0), 0);
	decode_hurt(gpa, "sglist", want, 40, 40, FAULT_PKT_RANGES);
}

static void
test_gpa_malformed(void **state)
{
	struct golden g = { 24, { { 4, 4, 1 }, { 8, 4, 4096 }, { 12, 4, 0 },
	    { 16, 8, 1 } } };
	uint8_t raw[32] = { 0 };
	enum fault why;

	golden_put(&g, raw);
	assert_int_equal(decode_exact(gpa, raw, 24, &why), 0);
	assert_int_equal(decode_exact(gpa, raw, 32, &why), 0);
	field_put(raw, 12, 4, 1);		/* now two pages */
	assert_int_equal(decode_exact(gpa, raw, 24, &why), E_PEER);
	assert_int_equal(decode_exact(gpa, raw, 32, &why), 0);
	field_put(raw, 12, 4, 4096);		/* offset at the limit */
	assert_int_equal(decode_exact(gpa, raw, 32, &why), E_PEER);
	field_put(raw, 12, 4, 4095);
	field_put(raw, 8, 4, 1);
	assert_int_equal(decode_exact(gpa, raw, 24, &why), 0);
	field_put(raw, 8, 4, 0xffffffff);	/* 2^20 + 1 pages */
	assert_int_equal(decode_exact(gpa, raw, 32, &why), E_PEER);
	field_put(raw, 8, 4, 1);
	field_put(raw, 4, 4, 0);		/* no range */
	assert_int_equal(decode_exact(gpa, raw, 24, &why), E_PEER);
	field_put(raw, 4, 4, 0xffffffff);
	assert_int_equal(decode_exact(gpa, raw, 32, &why), E_PEER);
	assert_int_equal(why, FAULT_PKT_RANGES);
}

/* An empty range with an offset has a page, and gives nothing. */
static void
test_gpa_empty_range(void **state)
{
	struct golden g = { 56, { { 4, 4, 3 }, { 8, 4, 0 }, { 12, 4, 0 },
	    { 16, 4, 0 }, { 20, 4, 7 }, { 24, 8, 99 }, { 32, 4, 4097 },
	    { 36, 4, 0 }, { 40, 8, 5 }, { 48, 8, 6 } } };
	uint8_t raw[56];
	struct vmpkt_gpa x;
	struct vmpkt_gpa_walk w;
	struct gpa_piece p;
	enum fault why;

	golden_put(&g, raw);
	assert_int_equal(vmpkt_gpa_decode(&x, (struct span){ raw, 56 }, &why),
	    0);
	assert_int_equal(x.count, 3);
	assert_int_equal(x.total_bytes, 4097);
	vmpkt_gpa_walk_init(&w, &x);
	assert_true(vmpkt_gpa_walk_next(&w, &p));
	assert_int_equal(p.gpa, 0x5000);
	assert_int_equal(p.len, 4097);
	assert_int_equal(w.range, 2);
	assert_false(vmpkt_gpa_walk_next(&w, &p));
	assert_false(vmpkt_gpa_walk_next(&w, &p));
}

/* Of bytes, at random steps, the end of their range. */
static void
ends_check(const struct vmpkt_gpa *x, const struct gpa_range *r, uint32_t n,
    uint64_t *seed)
{
	struct vmpkt_gpa_ends e = { x->ranges.p, x->count, 0 };
	uint32_t end = 0, i = 0;

	for (uint32_t at = 0; at < x->total_bytes;
	    at += (uint32_t)(next_random(seed) % 50000)) {
		while (end <= at && i < n)
			end += r[i++].bytes;
		assert_int_equal(vmpkt_gpa_end(&e, at), end);
	}
	assert_int_equal(vmpkt_gpa_end(&e, (uint32_t)x->total_bytes),
	    x->total_bytes);
}

/* Pieces, laid out byte by byte, are the bytes of the ranges in order. */
static void
test_gpa_walk_model(void **state)
{
	static uint8_t ext[65536];
	static uint64_t pfns[16][20];
	uint64_t seed = 0x2545f4914f6cdd1d;

	for (int round = 0; round < 300; round++) {
		struct gpa_range r[16];
		uint32_t n = 1 + (uint32_t)(next_random(&seed) % 16), len;
		uint32_t range = 0, at = 0, pieces = 0;
		struct vmpkt_gpa x;
		struct vmpkt_gpa_walk w;
		struct gpa_piece p;
		enum fault why;

		for (uint32_t i = 0; i < n; i++) {
			r[i].bytes = (uint32_t)(next_random(&seed) % 70000);
			r[i].offset = (uint32_t)(next_random(&seed) % 4096);
			r[i].pfn = pfns[i];
			/* runs of neighbours, broken now and then */
			for (uint32_t k = 0; k < 20; k++)
				pfns[i][k] = k != 0 &&
				    next_random(&seed) % 4 != 0 ?
				    pfns[i][k - 1] + 1 :
				    next_random(&seed) >> 20;
		}
		len = vmpkt_gpa_ext_put(ext, sizeof(ext), r, n);
		assert_int_not_equal(len, 0);
		assert_int_equal(vmpkt_gpa_decode(&x,
		    (struct span){ ext, len }, &why), 0);
		ends_check(&x, r, n, &seed);
		vmpkt_gpa_walk_init(&w, &x);
		while (vmpkt_gpa_walk_next(&w, &p)) {
			while (at == r[range].bytes) {
				range++;
				at = 0;
			}
			assert_int_equal(w.range, range);
			assert_true(p.len <= r[range].bytes - at);
			for (uint32_t b = 0; b < p.len; b++) {
				uint32_t o = r[range].offset + at + b;

				if (p.gpa + b != pfns[range][o / 4096] * 4096 +
				    o % 4096)
					fail_msg("round %d, piece %u", round,
					    pieces);
			}
			at += p.len;
			pieces++;
		}
		while (range < n && at == r[range].bytes) {
			range++;
			at = 0;
		}
		assert_int_equal(range, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xfer),
		cmocka_unit_test(test_gpa_golden),
		cmocka_unit_test(test_gpa_malformed),
		cmocka_unit_test(test_gpa_empty_range),
		cmocka_unit_test(test_gpa_walk_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
