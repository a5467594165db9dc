/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus server: GPADLs.  Assembly, mapping, limits, teardown and lies.
 */
#include "vms_rig.h"

static const struct vms_config cfg_default = { .dedicated_interrupt = true };

static struct rig *
connected(void)
{
	struct rig *r = rig_new(&cfg_default);

	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	rig_connect(r);
	return r;
}

static void
one_message(void **state)
{
	struct rig *r = connected();
	struct vms_gpadl *g;

	/* relid 1, id 0xe1e10, 24 bytes, 1 range: 2 pages, 0x100 and 0x101 */
	assert_int_equal(rig_post(r, "08000000 00000000 01000000 101e0e00"
	    "1800 0100 00200000 00000000"
	    "0001000000000000 0101000000000000"), 0);
	rig_expect(r, "0a000000 00000000 01000000 101e0e00 00000000");
	g = vms_gpadl_get(r->vms, 0xe1e10);
	assert_non_null(g);
	assert_int_equal(g->pages, 2);
	assert_int_equal(g->pfns[1], 0x101);
	assert_true(g->map.direct);
	assert_ptr_equal(g->map.va, rig_page(r, 0x100));
	assert_int_equal(g->users, 1);
	vms_gpadl_put(r->vms, g);
	assert_true(vms_memory_used(r->vms, 0x101000, 0x1000));
	assert_false(vms_memory_used(r->vms, 0x102000, 0x100000));
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 101e0e00"), 0);
	rig_expect(r, "0c000000 00000000 101e0e00");
	assert_int_equal(vms_gpadl_count(r->vms), 0);
	assert_int_equal(vms_gpadl_pages(r->vms), 0);
	assert_null(vms_gpadl_get(r->vms, 0xe1e10));
	assert_null(vms_gpadl_get(r->vms, 0));
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
header_and_146_bodies(void **state)
{
	struct rig *r = connected();
	struct vmbus_gpadl_src src = { .bytes = 4100 << 12,
		.first_pfn = 0x400 };
	struct vms_gpadl *g;
	uint8_t buf[VMBUS_MSG_MAX];
	uint32_t n, i;

	assert_int_equal(vmbus_gpadl_messages(8 + 8 * 4100), 1 + 146);
	for (i = 0; i < 147; i++) {
		rig_expect_none(r);
		assert_null(vms_gpadl_get(r->vms, 9));
		n = vmbus_gpadl_message(&src, 1, 1, 9, i, buf);
		/* the message number is ignored */
		if (i > 0)
			memset(buf + 8, 0xee, 4);
		assert_int_equal(vms_message(r->vms, 4,
		    (struct span){ buf, n }), 0);
	}
	rig_expect(r, "0a000000 00000000 01000000 09000000 00000000");
	g = vms_gpadl_get(r->vms, 9);
	assert_non_null(g);
	assert_int_equal(g->pages, 4100);
	assert_int_equal(g->map.bytes, 4100 << 12);
	for (i = 0; i < 4100; i++)
		assert_int_equal(g->pfns[i], 0x400 + i);
	vms_gpadl_put(r->vms, g);
	/* one more body than it takes */
	assert_int_equal(rig_post(r, "09000000 00000000 00000000 09000000"),
	    E_PEER);
	rig_expect_fault(r, FAULT_GPADL_ID);
	rig_delete(r);
}

static void
several_ranges_are_one_mapping(void **state)
{
	struct rig *r = connected();
	struct vms_gpadl *g;

	/* pages 0x205, 0x200 0x201, 0x300: mapped a second time */
	assert_int_equal(rig_post(r, "08000000 00000000 01000000 05000000"
	    "3800 0300"
	    "00100000 00000000 0502000000000000"
	    "00200000 00000000 0002000000000000 0102000000000000"
	    "00100000 00000000 0003000000000000"), 0);
	rig_expect(r, "0a000000 00000000 01000000 05000000 00000000");
	g = vms_gpadl_get(r->vms, 5);
	assert_non_null(g);
	assert_int_equal(g->pages, 4);
	assert_false(g->map.direct);
	assert_int_equal(r->mapped, 1);
	*(uint8_t *)rig_page(r, 0x205) = 0x11;
	g->map.va[2 * 4096] = 0x22;
	g->map.va[4 * 4096 - 1] = 0x33;
	assert_int_equal(g->map.va[0], 0x11);
	assert_int_equal(*(uint8_t *)rig_page(r, 0x201), 0x22);
	assert_int_equal(((uint8_t *)rig_page(r, 0x300))[4095], 0x33);
	vms_gpadl_put(r->vms, g);
	assert_true(vms_memory_used(r->vms, 0x300000, 0x1000));
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 05000000"), 0);
	rig_expect(r, "0c000000 00000000 05000000");
	assert_int_equal(r->mapped, 0);
	rig_delete(r);
}

static void
wrong_headers_fail_once_and_are_answered(void **state)
{
	static const struct { const char *head, *id; enum fault why; } bad[] = {
		/* unknown channel; id zero */
		{ "07000000 02000000 1000 0100 00100000 00000000"
		  "0001000000000000", "07000000 02000000", FAULT_VMBUS_RELID },
		{ "ffffffff 02000000 1000 0100 00100000 00000000"
		  "0001000000000000", "ffffffff 02000000", FAULT_VMBUS_RELID },
		{ "01000000 00000000 1000 0100 00100000 00000000"
		  "0001000000000000", "01000000 00000000", FAULT_GPADL_ID },
		/* no range; no bytes; fewer pages than the range says */
		{ "01000000 02000000 1000 0000 00100000 00000000"
		  "0001000000000000", "01000000 02000000", FAULT_GPADL_RANGE },
		{ "01000000 02000000 0000 0100",
		  "01000000 02000000", FAULT_GPADL_RANGE },
		{ "01000000 02000000 1000 0100 01100000 00000000"
		  "0001000000000000", "01000000 02000000", FAULT_GPADL_RANGE },
		/* two ranges announced, one there */
		{ "01000000 02000000 1000 0200 00100000 00000000"
		  "0001000000000000", "01000000 02000000", FAULT_GPADL_RANGE },
		/* empty; offset; huge offset; part of a page */
		{ "01000000 02000000 1000 0100 00000000 00000000"
		  "0001000000000000", "01000000 02000000", FAULT_GPADL_RANGE },
		{ "01000000 02000000 1000 0100 00080000 00080000"
		  "0001000000000000", "01000000 02000000", FAULT_GPADL_RANGE },
		{ "01000000 02000000 1000 0100 00100000 ffffffff"
		  "0001000000000000", "01000000 02000000", FAULT_GPADL_RANGE },
		{ "01000000 02000000 1000 0100 00080000 00000000"
		  "0001000000000000", "01000000 02000000", FAULT_GPADL_RANGE },
		/* page outside memory; page number past 2^40, wraps to 1 */
		{ "01000000 02000000 1000 0100 00100000 00000000"
		  "0020000000000000", "01000000 02000000", FAULT_GPA_UNMAPPED },
		{ "01000000 02000000 1000 0100 00100000 00000000"
		  "0100000000001000", "01000000 02000000", FAULT_GPA_UNMAPPED },
	};
	struct rig *r = connected();
	char text[512];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text), "08000000 00000000 %s",
		    bad[i].head);
		assert_int_equal(rig_post(r, text), E_PEER);
		snprintf(text, sizeof(text), "0a000000 00000000 %s ffff0080",
		    bad[i].id);
		rig_expect(r, text);
		rig_expect_none(r);
		rig_expect_fault(r, bad[i].why);
		assert_int_equal(vms_gpadl_count(r->vms), 0);
		assert_int_equal(vms_gpadl_pages(r->vms), 0);
	}
	rig_delete(r);
}

static void
duplicate_id_fails_and_the_first_lives(void **state)
{
	struct rig *r = connected();
	struct vms_gpadl *g;

	assert_int_equal(rig_gpadl(r, 1, 3, 0x100, 2), 0);
	rig_expect(r, "0a000000 00000000 01000000 03000000 00000000");
	assert_int_equal(rig_gpadl(r, 1, 3, 0x200, 1), E_PEER);
	rig_expect(r, "0a000000 00000000 01000000 03000000 ffff0080");
	rig_expect_fault(r, FAULT_GPADL_ID);
	g = vms_gpadl_get(r->vms, 3);
	assert_non_null(g);
	assert_int_equal(g->pfns[0], 0x100);
	vms_gpadl_put(r->vms, g);
	rig_delete(r);
}

static void
bodies_of_a_refused_header_pass_in_silence(void **state)
{
	struct rig *r = connected();
	struct vmbus_gpadl_src src = { .bytes = 100 << 12, .first_pfn = 0x400 };
	uint8_t buf[VMBUS_MSG_MAX];

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t n = vmbus_gpadl_message(&src, 1, 77, 3, i, buf);

		assert_int_equal(vms_message(r->vms, 1,
		    (struct span){ buf, n }), i == 0 ? E_PEER : 0);
	}
	rig_expect(r, "0a000000 00000000 4d000000 03000000 ffff0080");
	rig_expect_none(r);
	rig_expect_fault(r, FAULT_VMBUS_RELID);
	/* a fifth is nobody's */
	assert_int_equal(rig_post(r, "09000000 00000000 00000000 03000000"
	    "0001000000000000"), E_PEER);
	rig_expect_fault(r, FAULT_GPADL_ID);
	rig_delete(r);
}

static void
number_and_pages_are_limited(void **state)
{
	struct rig *r = connected();
	uint32_t id;

	for (id = 1; id <= VMS_MAX_GPADLS; id++) {
		assert_int_equal(rig_gpadl(r, 1, id, id, 1), 0);
		assert_int_equal(rig_take(r, 0, (uint8_t[240]){ 0 }), 20);
	}
	assert_int_equal(rig_gpadl(r, 1, id, 1, 1), E_PEER);
	rig_expect(r, "0a000000 00000000 01000000 01020000 ffff0080");
	rig_expect_fault(r, FAULT_GPADL_LIMIT);

	/* 8190 pages each, announced and never filled: charged at once */
	rig_connect(r);
	for (id = 1; id <= VMS_MAX_GPADL_PAGES / 8191; id++) {
		char text[64];

		snprintf(text, sizeof(text),
		    "08000000 00000000 01000000 %02x000000 f8ff 0100", id);
		assert_int_equal(rig_post(r, text), 0);
	}
	assert_int_equal(rig_post(r,
	    "08000000 00000000 01000000 70000000 f8ff 0100"), E_PEER);
	rig_expect(r, "0a000000 00000000 01000000 70000000 ffff0080");
	rig_expect_fault(r, FAULT_GPADL_LIMIT);
	assert_true(vms_gpadl_pages(r->vms) <= VMS_MAX_GPADL_PAGES);
	assert_true(r->allocated < 64 * 8191 * 8);
	/* a GPADL that is not complete can be torn down */
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 01000000"), 0);
	rig_expect(r, "0c000000 00000000 01000000");
	rig_delete(r);
}

static void
no_memory_is_answered(void **state)
{
	struct rig *r = connected();

	for (int nth = 1; nth <= 3; nth++) {
		r->fail_alloc = nth;
		assert_int_equal(rig_gpadl(r, 1, 3, 0x100, 2), 0);
		rig_expect(r, "0a000000 00000000 01000000 03000000 ffff0080");
		assert_int_equal(vms_gpadl_count(r->vms), 0);
		rig_expect_no_fault(r);
	}
	r->fail_alloc = 0;
	assert_int_equal(rig_gpadl(r, 1, 3, 0x100, 2), 0);
	rig_expect(r, "0a000000 00000000 01000000 03000000 00000000");
	rig_delete(r);
}

static void
teardown_of_nothing_is_noted(void **state)
{
	struct rig *r = connected();

	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 03000000"),
	    E_PEER);
	rig_expect_fault(r, FAULT_GPADL_ID);
	assert_int_equal(rig_gpadl(r, 1, 3, 0x100, 2), 0);
	rig_expect(r, "0a000000 00000000 01000000 03000000 00000000");
	/* another channel's */
	assert_int_equal(rig_post(r, "0b000000 00000000 02000000 03000000"),
	    E_PEER);
	rig_expect_fault(r, FAULT_GPADL_ID);
	rig_expect_none(r);
	rig_delete(r);
}

static void
teardown_in_use_asks_the_device(void **state)
{
	struct rig *r = connected();

	assert_int_equal(rig_gpadl(r, 1, 3, 0x100, 2), 0);
	rig_expect(r, "0a000000 00000000 01000000 03000000 00000000");
	r->held = vms_gpadl_get(r->vms, 3);
	r->let_go = true;
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 03000000"), 0);
	assert_null(r->held);
	rig_expect(r, "0c000000 00000000 03000000");
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
teardown_in_use_waits_for_the_last_put(void **state)
{
	struct rig *r = connected();
	struct vms_gpadl *g;

	assert_int_equal(rig_gpadl(r, 1, 3, 0x100, 2), 0);
	rig_expect(r, "0a000000 00000000 01000000 03000000 00000000");
	g = vms_gpadl_get(r->vms, 3);
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 03000000"),
	    E_PEER);
	rig_expect_fault(r, FAULT_GPADL_BUSY);
	rig_expect_none(r);
	assert_null(vms_gpadl_get(r->vms, 3));
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 03000000"),
	    E_PEER);
	rig_expect_fault(r, FAULT_GPADL_BUSY);
	vms_gpadl_put(r->vms, g);
	rig_expect(r, "0c000000 00000000 03000000");
	rig_expect_none(r);
	assert_int_equal(vms_gpadl_count(r->vms), 0);
	rig_delete(r);
}

static void
gpadl_racing_a_rescind_succeeds(void **state)
{
	struct rig *r = connected();

	vms_dev_rescind(r->vms, &r->dev);
	rig_expect(r, "02000000 00000000 01000000");
	assert_int_equal(rig_gpadl(r, 1, 3, 0x100, 2), 0);
	rig_expect(r, "0a000000 00000000 01000000 03000000 00000000");
	assert_int_equal(rig_gpadl(r, 1, 4, 0x102, 2), 0);
	rig_expect(r, "0a000000 00000000 01000000 04000000 00000000");
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 03000000"), 0);
	rig_expect(r, "0c000000 00000000 03000000");
	/* an open of it has no answer */
	assert_int_equal(rig_post_on(r, 1,
	    "05000000 00000000 01000000 01000000 04000000", 148), 0);
	rig_expect_none(r);
	/* what is left goes with the relid */
	assert_int_equal(rig_post(r, "0d000000 00000000 01000000"), 0);
	assert_int_equal(vms_gpadl_count(r->vms), 0);
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
gpadl_lent_to_another_device_outlives_its_relid(void **state)
{
	struct rig *r = connected();
	struct vms_gpadl *g;

	assert_int_equal(rig_gpadl(r, 1, 3, 0x100, 2), 0);
	rig_expect(r, "0a000000 00000000 01000000 03000000 00000000");
	g = vms_gpadl_get(r->vms, 3);
	assert_non_null(g);
	vms_dev_rescind(r->vms, &r->dev);
	rig_expect(r, "02000000 00000000 01000000");
	assert_int_equal(rig_post(r, "0d000000 00000000 01000000"), 0);
	rig_expect_fault(r, FAULT_GPADL_BUSY);
	assert_int_equal(vms_gpadl_count(r->vms), 1);
	assert_int_equal(g->map.bytes, 2 << 12);
	vms_gpadl_put(r->vms, g);
	assert_int_equal(vms_gpadl_count(r->vms), 0);
	rig_delete(r);
}

static void
short_header_is_answered_if_it_names_a_gpadl(void **state)
{
	struct rig *r = connected();

	assert_int_equal(rig_post(r, "08000000 00000000 01000000 03000000"),
	    E_PEER);
	rig_expect(r, "0a000000 00000000 01000000 03000000 ffff0080");
	rig_expect_fault(r, FAULT_VMBUS_SHORT);
	assert_int_equal(rig_post(r, "08000000 00000000 01000000"), E_PEER);
	rig_expect_none(r);
	rig_expect_fault(r, FAULT_VMBUS_SHORT);
	rig_delete(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message),
		cmocka_unit_test(header_and_146_bodies),
		cmocka_unit_test(several_ranges_are_one_mapping),
		cmocka_unit_test(wrong_headers_fail_once_and_are_answered),
		cmocka_unit_test(duplicate_id_fails_and_the_first_lives),
		cmocka_unit_test(bodies_of_a_refused_header_pass_in_silence),
		cmocka_unit_test(number_and_pages_are_limited),
		cmocka_unit_test(no_memory_is_answered),
		cmocka_unit_test(teardown_of_nothing_is_noted),
		cmocka_unit_test(teardown_in_use_asks_the_device),
		cmocka_unit_test(teardown_in_use_waits_for_the_last_put),
		cmocka_unit_test(gpadl_racing_a_rescind_succeeds),
		cmocka_unit_test(
		    gpadl_lent_to_another_device_outlives_its_relid),
		cmocka_unit_test(short_header_is_answered_if_it_names_a_gpadl),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
