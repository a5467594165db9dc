/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The producing end of a ring: bytes on the wire, room, the edge rule, the
 * wait for space, and a reader that lies.
 */
#include "test_ring_rig.h"

static struct rig rig;

static void
golden_packet(void **state)
{
	static const uint8_t ext[8] = { 0xfe, 0xca, 1, 0, 1, 0, 0, 0 };
	static const uint8_t data[5] = { 0x11, 0x22, 0x33, 0x44, 0x55 };
	static const uint8_t want[40] = {
		0x07, 0x00,		/* type */
		0x03, 0x00,		/* data offset / 8 */
		0x04, 0x00,		/* length / 8, no trailer */
		0x01, 0x00,		/* flags */
		0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
		0xfe, 0xca, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00,
		0x11, 0x22, 0x33, 0x44, 0x55, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00,
	};
	struct vmpkt_out p = {
		.type = VMPKT_XFER_PAGES, .flags = VMPKT_F_COMPLETE,
		.xact = 0x1122334455667788, .ext = { ext, 8 },
		.data = { data, 5 },
	};

	rig_init_at(&rig, RING_MIN_BYTES, 0x40, 0, 0);
	assert_int_equal(ring_out_put(&rig.out, &p, &rig.why), 0);
	assert_int_equal(le32_get(rig.ctrl.write_index), 0x40);
	assert_true(ring_out_commit(&rig.out));
	assert_int_equal(le32_get(rig.ctrl.write_index), 0x40 + 40);
	assert_int_equal(le32_get(rig.ctrl.read_index), 0x40);
	assert_int_equal(le32_get(rig.ctrl.feature), 1);
	assert_memory_equal(rig_data(&rig) + 0x40, want, sizeof(want));
	assert_int_equal(rig_data(&rig)[0x3f], 0xa5);
	assert_int_equal(rig_data(&rig)[0x40 + 40], 0xa5);
	assert_int_equal(rig.out.counters.packets, 1);
	assert_int_equal(rig.out.counters.bytes, 40);
}

static void
geometry(void **state)
{
	static const uint32_t bad[] = { 0, 4096, 8191, 8192 + 8 };
	struct ring_out ro;

	rig_init(&rig);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(ring_out_init(&ro, rig.mem, bad[i], 0,
		    &rig.why), E_PEER);
		assert_int_equal(rig.why, FAULT_OPEN_GEOMETRY);
	}
	rig.ctrl.read_index = le32_put(4096);
	assert_int_equal(ring_out_init(&ro, rig.mem, 8192, 0, &rig.why),
	    E_PEER);
	assert_int_equal(rig.why, FAULT_RING_INDEX);
	rig.ctrl.read_index = le32_put(0);
	rig.ctrl.write_index = le32_put(12);
	assert_int_equal(ring_out_init(&ro, rig.mem, 8192, 0, &rig.why),
	    E_PEER);
	assert_int_equal(rig.why, FAULT_RING_INDEX);
	ring_ctrl_reset(rig.mem);
	assert_int_equal(ring_out_init(&ro, rig.mem, 8192, 0, &rig.why), 0);
}

static void
takes_up_cursors(void **state)
{
	struct ring_out again;

	rig_init(&rig);
	assert_int_equal(rig_put(&rig, 64), 0);
	assert_true(ring_out_commit(&rig.out));
	rig.ctrl.pending_send = le32_put(99);
	assert_int_equal(ring_out_init(&again, rig.mem, RING_MIN_BYTES, 0,
	    &rig.why), 0);
	assert_int_equal(again.write, 64);
	assert_int_equal(le32_get(rig.ctrl.pending_send), 0);
	assert_int_equal(ring_out_space(&again), 4096 - 64 - 8);
}

static void
fill_to_the_brim(void **state)
{
	rig_init(&rig);
	assert_int_equal(ring_out_max_bytes(&rig.out), 4088);
	assert_int_equal(ring_out_space(&rig.out), 4088);
	assert_int_equal(rig_put(&rig, 4096), E_STATE);
	assert_int_equal(rig_put(&rig, 4088), 0);
	assert_int_equal(rig_put(&rig, 24), E_AGAIN);
	assert_true(ring_out_commit(&rig.out));
	assert_int_equal(rig_put(&rig, 24), E_AGAIN);
	assert_int_equal(rig.out.counters.full, 2);
	assert_int_equal(ring_out_space(&rig.out), 0);

	/* Got but not given back is not room. */
	rig_drain(&rig, 1);
	assert_int_equal(rig.pkt.data.len, 4088 - 24);
	assert_int_equal(rig_put(&rig, 24), E_AGAIN);
	assert_false(ring_in_commit(&rig.in));
	assert_int_equal(rig_put(&rig, 4088), 0);
	assert_int_equal(rig_put(&rig, 24), E_AGAIN);
}

static void
many_small(void **state)
{
	unsigned n = 0;

	rig_init_at(&rig, RING_MIN_BYTES, 4072, 0, 0);
	while (rig_put(&rig, 24) == 0)
		n++;
	assert_int_equal(n, 4088 / 24);
	assert_true(ring_out_commit(&rig.out));
	rig_drain(&rig, n);
	assert_int_equal(rig_get(&rig), 0);
}

static void
longest_packet(void **state)
{
	static uint8_t data[0xffff * 8];
	struct vmpkt_out p = { .type = VMPKT_INBAND, .data = { data, 0 } };
	static uint8_t mem[132 * HV_PAGE_SIZE] __attribute__((aligned(8)));
	struct ring_out ro;

	assert_int_equal(ring_out_init(&ro, mem, sizeof(mem), 0, &rig.why), 0);
	assert_int_equal(ring_out_max_bytes(&ro), 0xffff * 8 + 8);
	p.data.len = 0xffff * 8 - 16 + 1;
	assert_int_equal(ring_out_put(&ro, &p, &rig.why), E_STATE);
	p.data.len = 0xffffffff;
	assert_int_equal(ring_out_put(&ro, &p, &rig.why), E_STATE);
	p.data.len = 0xffff * 8 - 16;
	assert_int_equal(ring_out_put(&ro, &p, &rig.why), 0);
	p.data.len = 0;
	p.ext = (struct span){ data, 12 };
	assert_int_equal(ring_out_put(&ro, &p, &rig.why), E_STATE);
}

/* Signal iff the reader stands where the batch begins, and has no mask. */
static void
edge_rule(void **state)
{
	rig_init(&rig);
	assert_false(ring_out_commit(&rig.out));	/* no batch */
	assert_int_equal(rig.out.counters.commits, 0);

	assert_int_equal(rig_put(&rig, 24), 0);
	assert_int_equal(rig_put(&rig, 24), 0);
	assert_true(ring_out_commit(&rig.out));		/* empty before */
	assert_int_equal(rig_put(&rig, 24), 0);
	assert_false(ring_out_commit(&rig.out));	/* not empty */
	assert_int_equal(rig.out.counters.skip_busy, 1);

	rig_drain(&rig, 3);
	assert_int_equal(rig_put(&rig, 24), 0);
	assert_false(ring_out_commit(&rig.out));	/* got and kept */
	assert_false(ring_in_commit(&rig.in));		/* read at 72 */
	assert_int_equal(rig_put(&rig, 24), 0);
	assert_false(ring_out_commit(&rig.out));	/* batch began at 96 */
	rig_drain(&rig, 2);
	assert_false(ring_in_commit(&rig.in));

	ring_in_mask(&rig.in);
	assert_int_equal(rig_put(&rig, 24), 0);
	assert_false(ring_out_commit(&rig.out));
	assert_int_equal(rig.out.counters.skip_masked, 1);
	rig_drain(&rig, 1);
	assert_false(ring_in_commit(&rig.in));
	rig.ctrl.interrupt_mask = le32_put(0x80);	/* any but 0 */
	assert_int_equal(rig_put(&rig, 24), 0);
	assert_false(ring_out_commit(&rig.out));
	assert_int_equal(rig.out.counters.skip_masked, 2);
	rig_drain(&rig, 1);
	assert_false(ring_in_commit(&rig.in));
	assert_false(ring_in_unmask(&rig.in));
	assert_int_equal(rig_put(&rig, 24), 0);
	assert_true(ring_out_commit(&rig.out));
	assert_int_equal(rig.out.counters.signals, 2);
	assert_int_equal(rig.out.counters.skip_busy, 3);
}

static void
signal_always(void **state)
{
	rig_init_at(&rig, RING_MIN_BYTES, 0, RING_OUT_SIGNAL_ALWAYS, 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rig_put(&rig, 24), 0);
		assert_true(ring_out_commit(&rig.out));
	}
	ring_in_mask(&rig.in);
	assert_int_equal(rig_put(&rig, 24), 0);
	assert_false(ring_out_commit(&rig.out));
	assert_int_equal(rig.out.counters.signals, 3);
}

static void
want_space(void **state)
{
	rig_init(&rig);
	/* Room: requested and withdrawn in one. */
	assert_true(ring_out_want_space(&rig.out, 4088));
	assert_int_equal(le32_get(rig.ctrl.pending_send), 0);
	assert_int_equal(rig.out.counters.wait_avoided, 1);

	assert_int_equal(rig_put(&rig, 4000), 0);
	assert_true(ring_out_commit(&rig.out));
	assert_true(ring_out_fits(&rig.out, 88));
	assert_false(ring_out_fits(&rig.out, 96));
	assert_false(ring_out_waiting(&rig.out));
	/* Rounded up to 8, and never more than can be. */
	assert_false(ring_out_want_space(&rig.out, 97));
	assert_int_equal(le32_get(rig.ctrl.pending_send), 104);
	assert_true(ring_out_waiting(&rig.out));
	assert_false(ring_out_want_space(&rig.out, 0xffffffff));
	assert_int_equal(le32_get(rig.ctrl.pending_send), 4088);
	assert_int_equal(rig.out.counters.waits, 1);
	/* Woken: the same call withdraws the request. */
	rig_drain(&rig, 1);
	assert_true(ring_in_commit(&rig.in));
	assert_true(ring_out_want_space(&rig.out, 4088));
	assert_int_equal(le32_get(rig.ctrl.pending_send), 0);
	assert_false(ring_out_waiting(&rig.out));
	assert_int_equal(rig.out.counters.wait_avoided, 1);

	assert_int_equal(rig_put(&rig, 4000), 0);
	assert_true(ring_out_commit(&rig.out));
	assert_false(ring_out_want_space(&rig.out, 96));
	ring_out_clear_pending(&rig.out);
	assert_int_equal(le32_get(rig.ctrl.pending_send), 0);
}

static void
no_pending(void **state)
{
	rig_init_at(&rig, RING_MIN_BYTES, 0, RING_OUT_NO_PENDING, 0);
	assert_int_equal(le32_get(rig.ctrl.feature), 0);
	assert_int_equal(rig_put(&rig, 4000), 0);
	assert_true(ring_out_commit(&rig.out));
	assert_false(ring_out_want_space(&rig.out, 96));
	assert_int_equal(le32_get(rig.ctrl.pending_send), 0);
	rig_drain(&rig, 1);
	assert_false(ring_in_commit(&rig.in));
	assert_int_equal(rig.in.counters.skip_legacy, 1);
	assert_true(ring_out_want_space(&rig.out, 96));
}

/* Each bad read index is found where the ring looks at it, and only there. */
static void
lying_reader(void **state)
{
	/* Bytes 0..2400 got and given back, ..3200 published, ..4000 put. */
	static const uint32_t bad[] = {
		4096, 0xfffffff8, 2401, 2404,	/* range, alignment */
		2392, 0,			/* backwards */
		3208, 4000, 4088,		/* beyond what was published */
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		rig_init(&rig);
		assert_int_equal(rig_put(&rig, 2400), 0);
		assert_true(ring_out_commit(&rig.out));
		rig_drain(&rig, 1);
		assert_false(ring_in_commit(&rig.in));
		assert_int_equal(rig_put(&rig, 800), 0);
		assert_true(ring_out_commit(&rig.out));
		assert_int_equal(rig_put(&rig, 800), 0);

		rig.ctrl.read_index = le32_put(bad[i]);
		assert_int_equal(rig_put(&rig, 2496), E_PEER);
		assert_int_equal(rig.why, FAULT_RING_INDEX);
		assert_int_equal(ring_out_space(&rig.out), 0);
		assert_false(ring_out_fits(&rig.out, 2496));
		/* What needs no look goes on. */
		assert_int_equal(rig_put(&rig, 24), 0);
		if (bad[i] >= 3208 && bad[i] <= 4000)
			continue;	/* possible after this commit */
		assert_false(ring_out_commit(&rig.out));
		assert_int_equal(rig.out.counters.skip_bad, 1);
		assert_true(ring_out_want_space(&rig.out, 4088));
	}
}

static void
counter_names(void **state)
{
	const struct counter_desc *d = ring_out_counters_table.row;

	assert_int_equal(ring_out_counters_table.rows, 10);
	assert_string_equal(d[3].name, "signals");
	rig_init(&rig);
	assert_int_equal(rig_put(&rig, 24), 0);
	assert_true(ring_out_commit(&rig.out));
	assert_int_equal(counter_read(&rig.out.counters, &d[3]), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_packet),
		cmocka_unit_test(geometry),
		cmocka_unit_test(takes_up_cursors),
		cmocka_unit_test(fill_to_the_brim),
		cmocka_unit_test(many_small),
		cmocka_unit_test(longest_packet),
		cmocka_unit_test(edge_rule),
		cmocka_unit_test(signal_always),
		cmocka_unit_test(want_space),
		cmocka_unit_test(no_pending),
		cmocka_unit_test(lying_reader),
		cmocka_unit_test(counter_names),
	};

	return cmocka_run_group_tests_name("ring_out", tests, NULL, NULL);
}
