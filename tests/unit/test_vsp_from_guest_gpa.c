/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames from the guest by address: the ranges, with and without a section, and
 * where RNDIS headers may lie in them.
 */
#include "vsp_frame_rig.h"

static struct rig *
up_with(const struct vsp_config *cfg)
{
	struct rig *r = rig_new(cfg);

	rig_attach(r, NVS_V6_1);
	return r;
}

static struct rig *
up(void)
{
	struct vsp_config cfg = rig_config();

	return up_with(&cfg);
}

static void
test_gpa_and_both(void **state)
{
	struct rig *r = up();
	uint8_t f[1514], *mem = r->mem + RIG_DATA_OFF;
	uint32_t len = frame4(f, PKT_IPPROTO_UDP, 1400);
	uint32_t head = rndis_packet_put_header(mem, 512,
	    &(struct rndis_ppi_set){ 0 }, len);
	/* Only the header; the frame in three pieces, two adjacent. */
	const struct gpa_piece g[4] = {
		{ RIG_GPA + RIG_DATA_OFF, head },
		{ RIG_GPA + RIG_DATA_OFF + 0x5ff0, 16 },
		{ RIG_GPA + RIG_DATA_OFF + 0x6000, 700 },
		{ RIG_GPA + RIG_DATA_OFF + 0x9123, len - 716 },
	};

	(void)state;
	memcpy(mem + 0x5ff0, f, 716);
	memcpy(mem + 0x9123, f + 716, len - 716);
	push_gpa(r, 8, g, 4, NVS_SECTION_NONE, 0);
	rig_run(r);
	assert_int_equal(r->frames, 1);
	assert_int_equal(r->frame[0].len, len);
	assert_memory_equal(r->frame[0].bytes, f, len);
	/* private head, rest of the merged two, third */
	assert_int_equal(r->frame[0].nvec, 3);
	expect_done(r, 8, 1);
	assert_int_equal(counts(r)->by_gpa, 1);

	memcpy(section(r, 0), mem, head);
	push_gpa(r, 9, g + 1, 3, 0, head);
	rig_run(r);
	assert_int_equal(r->frames, 2);
	assert_memory_equal(r->frame[1].bytes, f, len);
	assert_int_equal(counts(r)->by_both, 1);
	rig_del(r);
}

/* The 2025 Linux bug: Windows refuses a header split over ranges. */
static void
test_split_header(void **state)
{
	struct vsp_config cfg = rig_config();

	(void)state;
	for (int strict = 0; strict < 2; strict++) {
		uint8_t f[300], msg[400];
		uint32_t len = frame4(f, PKT_IPPROTO_UDP, 200);
		uint32_t n = message(msg, NULL, f, len);
		const struct gpa_piece g[2] = {
			{ RIG_GPA + RIG_DATA_OFF, 20 },
			{ RIG_GPA + RIG_DATA_OFF + 0x3000, n - 20 },
		};

		cfg.strict = strict;
		struct rig *r = up_with(&cfg);

		memcpy(r->mem + RIG_DATA_OFF, msg, 20);
		memcpy(r->mem + RIG_DATA_OFF + 0x3000, msg + 20, n - 20);
		push_gpa(r, 5, g, 2, NVS_SECTION_NONE, 0);
		rig_run(r);
		expect_done(r, 5, strict ? 2 : 1);
		assert_int_equal(r->frames, strict ? 0 : 1);
		assert_int_equal(vsp_faults(r->vsp)->count[FAULT_RNDIS_SPLIT],
		    strict);
		if (!strict)
			assert_memory_equal(r->frame[0].bytes, f, len);
		/* The channel goes on. */
		message(section(r, 0), NULL, f, len);
		push_section(r, 0, 6, 0, n);
		rig_run(r);
		expect_done(r, 6, 1);
		rig_del(r);
	}
}

/*
 * Three messages: in the section, and two in the ranges behind.  The header of
 * each in one range, whichever, is taken; the last cut in two is not, even
 * where both ranges are one run of memory.
 */
static void
test_later_headers(void **state)
{
	(void)state;
	for (uint32_t cut = 0; cut <= 60; cut += 20) {
		struct rig *r = up();	/* strict */
		uint8_t f[300], msg[400], *mem = r->mem + RIG_DATA_OFF;
		uint32_t len = frame4(f, PKT_IPPROTO_UDP, 200);
		uint32_t n = message(msg, NULL, f, len);
		const struct gpa_piece g[4] = {
			{ RIG_GPA + RIG_DATA_OFF + 0x100, 52 },
			{ RIG_GPA + RIG_DATA_OFF + 0x3000, n - 52 },
			{ RIG_GPA + RIG_DATA_OFF + 0x5000, cut == 0 ? n : cut },
			{ RIG_GPA + RIG_DATA_OFF + 0x5000 + cut, n - cut },
		};
		bool split = cut != 0 && cut < 44;

		memcpy(section(r, 2), msg, n);
		memcpy(mem + 0x100, msg, 52);
		memcpy(mem + 0x3000, msg + 52, n - 52);
		memcpy(mem + 0x5000, msg, n);
		push_gpa(r, 5, g, cut == 0 ? 3 : 4, 2, n);
		rig_run(r);
		expect_done(r, 5, split ? 2 : 1);
		assert_int_equal(r->frames, split ? 2 : 3);
		for (uint32_t i = 0; i < r->frames; i++) {
			assert_int_equal(r->frame[i].len, len);
			assert_memory_equal(r->frame[i].bytes, f, len);
		}
		assert_int_equal(vsp_faults(r->vsp)->count[FAULT_RNDIS_SPLIT],
		    split);
		rig_del(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gpa_and_both),
		cmocka_unit_test(test_split_header),
		cmocka_unit_test(test_later_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
