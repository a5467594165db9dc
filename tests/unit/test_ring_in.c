/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The consuming end of a ring: what it accepts and what it refuses, the
 * re-check of unmask, and the signal for a writer that waits.
 */
#include "test_ring_rig.h"

static struct rig rig;

/* Write a raw descriptor at index `at` and publish up to `write`. */
static void
raw_packet(uint32_t at, uint16_t type, uint16_t off8, uint16_t len8,
    uint16_t flags, uint32_t write)
{
	struct ring_desc_wire d = { le16_put(type), le16_put(off8),
	    le16_put(len8), le16_put(flags), le64_put(77) };

	memcpy(rig_data(&rig) + at, &d, sizeof(d));
	rig.ctrl.write_index = le32_put(write);
}

static void
golden_packet(void **state)
{
	static const uint8_t wire[40] = {
		0x0b, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x00,
		0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
		0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
		0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
		/* A trailer that QEMU would leave as it was. */
		0xde, 0xad, 0xbe, 0xef, 0xde, 0xad, 0xbe, 0xef,
	};

	/* The descriptor wraps after its first half. */
	rig_init_at(&rig, RING_MIN_BYTES, 4088, 0, 0);
	memcpy(rig_data(&rig) + 4088, wire, 8);
	memcpy(rig_data(&rig), wire + 8, 32);
	rig.ctrl.write_index = le32_put(32);
	assert_false(ring_in_empty(&rig.in));
	assert_int_equal(rig_get(&rig), 1);
	assert_int_equal(rig.pkt.type, VMPKT_COMPLETION);
	assert_int_equal(rig.pkt.flags, 0);
	assert_int_equal(rig.pkt.xact, 0x1122334455667788);
	assert_int_equal(rig.pkt.ext.len, 8);
	assert_memory_equal(rig.pkt.ext.p, wire + 16, 8);
	assert_int_equal(rig.pkt.data.len, 8);
	assert_memory_equal(rig.pkt.data.p, wire + 24, 8);
	assert_ptr_equal(rig.pkt.ext.p, rig.buf);
	assert_true(ring_in_empty(&rig.in));
	assert_int_equal(rig_get(&rig), 0);
	assert_int_equal(le32_get(rig.ctrl.read_index), 4088);
	assert_false(ring_in_commit(&rig.in));
	assert_int_equal(le32_get(rig.ctrl.read_index), 32);
}

/* Every place of a packet of every shape relative to the end of the ring. */
static void
wrap_everywhere(void **state)
{
	static const uint32_t ext_len[] = { 0, 8, 40 };
	static const uint32_t data_len[] = { 0, 1, 8, 61, 600 };
	static uint8_t ext[40], data[600];

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 1);
	for (unsigned i = 0; i < sizeof(ext); i++)
		ext[i] = (uint8_t)(i | 0x80);
	for (uint32_t at = 0; at < 4096; at += 8) {
		rig_init_at(&rig, RING_MIN_BYTES, at, 0, 0);
		for (unsigned k = 0; k < 15; k++) {
			struct vmpkt_out p = { VMPKT_GPA_DIRECT, 0, at + k,
			    { ext, ext_len[k / 5] }, { data, data_len[k % 5] }};
			uint32_t dl = (p.data.len + 7) & ~7u;
			uint8_t pad[8] = { 0 };
			uint64_t trailer;

			assert_int_equal(ring_out_put(&rig.out, &p, &rig.why),
			    0);
			memcpy(&trailer, rig_data(&rig) +
			    (rig.out.write + 4096 - 8) % 4096, 8);
			assert_int_equal(trailer,
			    (uint64_t)rig.out.committed << 32);
			assert_true(ring_out_commit(&rig.out));
			assert_int_equal(rig_get(&rig), 1);
			assert_false(ring_in_commit(&rig.in));
			assert_int_equal(rig.pkt.type, VMPKT_GPA_DIRECT);
			assert_int_equal(rig.pkt.xact, at + k);
			assert_int_equal(rig.pkt.ext.len, p.ext.len);
			assert_int_equal(rig.pkt.data.len, dl);
			assert_int_equal(memcmp(rig.pkt.ext.p, ext, p.ext.len),
			    0);
			assert_int_equal(memcmp(rig.pkt.data.p, data,
			    p.data.len), 0);
			assert_int_equal(memcmp(rig.pkt.data.p + p.data.len,
			    pad, dl - p.data.len), 0);
		}
		assert_int_equal(rig_get(&rig), 0);
	}
}

static void
buffer_too_small(void **state)
{
	rig_init(&rig);
	assert_int_equal(rig_put(&rig, 24 + 48), 0);
	assert_true(ring_out_commit(&rig.out));
	assert_int_equal(ring_in_get(&rig.in, &rig.pkt, rig.buf, 47, &rig.why),
	    E_NOMEM);
	assert_int_equal(rig.pkt.ext.len + rig.pkt.data.len, 48);
	assert_null(rig.pkt.data.p);
	assert_false(ring_in_commit(&rig.in));
	assert_int_equal(rig.in.counters.commits, 0);
	assert_int_equal(ring_in_get(&rig.in, &rig.pkt, rig.buf, 48, &rig.why),
	    1);
	assert_int_equal(rig_get(&rig), 0);
}

static void
lying_desc(void **state)
{
	static const struct {
		uint16_t type, off8, len8, flags;
		uint32_t write;
		enum fault why;
	} v[] = {
		{ 6, 2, 2, 0, 8, FAULT_RING_OVERRUN },	/* no descriptor */
		{ 6, 2, 2, 0, 16, FAULT_RING_OVERRUN },	/* no trailer */
		{ 6, 2, 2, 0, 24, FAULT_NONE },
		{ 0, 2, 2, 0, 24, FAULT_RING_TYPE },
		{ 5, 2, 2, 0, 24, FAULT_RING_TYPE },
		{ 8, 2, 2, 0, 24, FAULT_RING_TYPE },
		{ 0xa, 2, 2, 0, 24, FAULT_RING_TYPE },
		{ 0xc, 2, 2, 0, 24, FAULT_RING_TYPE },
		{ 0x106, 2, 2, 0, 24, FAULT_RING_TYPE },
		{ 7, 2, 2, 1, 24, FAULT_NONE },
		{ 7, 2, 2, 2, 24, FAULT_RING_FLAGS },
		{ 7, 2, 2, 0x8001, 24, FAULT_RING_FLAGS },
		{ 9, 1, 2, 0, 24, FAULT_RING_DESC },
		{ 9, 0, 0, 0, 24, FAULT_RING_DESC },
		{ 9, 3, 2, 0, 32, FAULT_RING_DESC },
		{ 9, 0xffff, 2, 0, 32, FAULT_RING_DESC },
		{ 11, 2, 3, 0, 24, FAULT_RING_OVERRUN },
		{ 11, 2, 3, 0, 32, FAULT_NONE },
		{ 11, 2, 0xffff, 0, 4088, FAULT_RING_OVERRUN },
		{ 11, 0xffff, 0xffff, 0, 4088, FAULT_RING_OVERRUN },
		{ 11, 2, 511, 0, 4088, FAULT_RING_OVERRUN },
		{ 11, 2, 510, 0, 4088, FAULT_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		rig_init(&rig);
		raw_packet(0, v[i].type, v[i].off8, v[i].len8, v[i].flags,
		    v[i].write);
		rig.why = FAULT_NONE;
		assert_int_equal(rig_get(&rig), v[i].why ? E_PEER : 1);
		assert_int_equal(rig.why, v[i].why);
		/* A fault consumes nothing. */
		if (v[i].why != FAULT_NONE)
			assert_int_equal(rig.in.next, 0);
	}
}

static void
lying_write_index(void **state)
{
	static const uint32_t bad[] = { 4096, 0xffffffff, 0xfffffff8, 49, 52 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		rig_init(&rig);
		rig.ctrl.write_index = le32_put(bad[i]);
		assert_int_equal(rig_get(&rig), E_PEER);
		assert_int_equal(rig.why, FAULT_RING_INDEX);
		assert_false(ring_in_empty(&rig.in));
		assert_true(ring_in_unmask(&rig.in));
		assert_int_equal(le32_get(rig.ctrl.interrupt_mask), 1);
	}
	/* Backwards into what was taken and not given back. */
	rig_init(&rig);
	assert_int_equal(rig_put(&rig, 48), 0);
	assert_true(ring_out_commit(&rig.out));
	rig_drain(&rig, 1);
	rig.ctrl.write_index = le32_put(40);
	assert_int_equal(rig_get(&rig), E_PEER);
	assert_int_equal(rig.why, FAULT_RING_INDEX);
	rig.ctrl.write_index = le32_put(48);
	assert_int_equal(rig_get(&rig), 0);
	assert_false(ring_in_commit(&rig.in));
	/* Given back, 40 is as far ahead as a ring can be: data, though bad. */
	rig.ctrl.write_index = le32_put(40);
	raw_packet(48, 0, 2, 2, 0, 40);
	assert_int_equal(rig_get(&rig), E_PEER);
	assert_int_equal(rig.why, FAULT_RING_TYPE);
}

static void
init_checks(void **state)
{
	struct ring_in ri;

	rig_init(&rig);
	assert_int_equal(ring_in_init(&ri, rig.mem, 4096, 0, &rig.why),
	    E_PEER);
	assert_int_equal(rig.why, FAULT_OPEN_GEOMETRY);
	assert_int_equal(ring_in_init(&ri, rig.mem, 8200, 0, &rig.why),
	    E_PEER);
	assert_int_equal(rig.why, FAULT_OPEN_GEOMETRY);
	rig.ctrl.write_index = le32_put(4096);
	assert_int_equal(ring_in_init(&ri, rig.mem, 8192, 0, &rig.why),
	    E_PEER);
	assert_int_equal(rig.why, FAULT_RING_INDEX);
	rig.ctrl.write_index = le32_put(0);
	rig.ctrl.read_index = le32_put(4);
	assert_int_equal(ring_in_init(&ri, rig.mem, 8192, 0, &rig.why),
	    E_PEER);
	assert_int_equal(rig.why, FAULT_RING_INDEX);
}

static void
mask_and_unmask(void **state)
{
	rig_init(&rig);
	ring_in_mask(&rig.in);
	assert_int_equal(le32_get(rig.ctrl.interrupt_mask), 1);
	assert_false(ring_in_unmask(&rig.in));
	assert_int_equal(le32_get(rig.ctrl.interrupt_mask), 0);
	ring_in_mask(&rig.in);
	assert_int_equal(rig_put(&rig, 24), 0);
	assert_false(ring_in_unmask(&rig.in));		/* not published */
	ring_in_mask(&rig.in);
	assert_false(ring_out_commit(&rig.out));
	assert_true(ring_in_unmask(&rig.in));		/* re-check finds it */
	assert_int_equal(le32_get(rig.ctrl.interrupt_mask), 1);
	assert_int_equal(rig.in.counters.unmasks, 3);
	assert_int_equal(rig.in.counters.rechecks, 1);
}

/* Fill the ring with n packets of 128 bytes, 120 + 16 bytes left at n = 31. */
static void
fill(unsigned n, uint32_t in_flags, uint32_t out_flags)
{
	rig_init_at(&rig, RING_MIN_BYTES, 2048, out_flags, in_flags);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(rig_put(&rig, 128), 0);
	assert_true(ring_out_commit(&rig.out));
	assert_int_equal(ring_out_space(&rig.out), 4088 - n * 128);
}

/* The vector that gives no wake-up at all by QEMU's arithmetic. */
static void
blocked_writer_reader_drains(void **state)
{
	for (unsigned batch = 1; batch <= 31; batch++) {
		unsigned signals = 0, got = 0;

		fill(31, 0, 0);
		assert_false(ring_out_want_space(&rig.out, 4088));
		while (rig_get(&rig) == 1)
			if (++got % batch == 0)
				signals += ring_in_commit(&rig.in);
		signals += ring_in_commit(&rig.in);
		assert_int_equal(got, 31);
		assert_int_equal(signals, 1);
		assert_int_equal(rig.in.counters.signals, 1);
		assert_true(ring_out_want_space(&rig.out, 4088));
		assert_int_equal(rig_put(&rig, 4088), 0);
	}
}

/* free: 120, then 248, 376, ...: signal by the commit that crosses, once. */
static void
pending_crossing(void **state)
{
	static const struct {
		uint32_t pending;
		int at;			/* commit number, 0 for never */
	} v[] = {
		{ 0, 0 }, { 1, 0 }, { 7, 0 }, { 8, 0 }, { 120, 0 },
		{ 121, 0 }, { 127, 0 }, { 128, 1 }, { 248, 1 }, { 255, 1 },
		{ 256, 2 }, { 376, 2 }, { 384, 3 }, { 4088, 31 },
		{ 4095, 31 },		/* writers that request size - 1 */
		{ 4096, 0 }, { 0xffffffff, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		fill(31, 0, 0);
		rig.ctrl.pending_send = le32_put(v[i].pending);
		for (int n = 1; n <= 31; n++) {
			rig_drain(&rig, 1);
			assert_int_equal(ring_in_commit(&rig.in),
			    n == v[i].at);
		}
		assert_int_equal(rig_get(&rig), 0);
		assert_false(ring_in_commit(&rig.in));
		assert_int_equal(rig.in.counters.commits, 31);
	}
}

static void
pending_counters(void **state)
{
	fill(31, 0, 0);
	rig_drain(&rig, 1);
	assert_false(ring_in_commit(&rig.in));
	rig.ctrl.pending_send = le32_put(248);
	rig_drain(&rig, 1);
	assert_false(ring_in_commit(&rig.in));	/* had 248, no crossing */
	rig.ctrl.pending_send = le32_put(1000);
	rig_drain(&rig, 1);
	assert_false(ring_in_commit(&rig.in));	/* 504 */
	rig.ctrl.write_index = le32_put(4097);
	rig_drain(&rig, 1);
	assert_false(ring_in_commit(&rig.in));
	assert_int_equal(rig.in.counters.skip_idle, 1);
	assert_int_equal(rig.in.counters.skip_roomy, 1);
	assert_int_equal(rig.in.counters.skip_short, 1);
	assert_int_equal(rig.in.counters.skip_bad, 1);
	assert_int_equal(rig.in.counters.signals, 0);
	assert_int_equal(ring_in_counters_table.rows, 11);
}

/* The writer went on with small packets while a large one waits. */
static void
pending_with_later_puts(void **state)
{
	fill(31, 0, 0);
	assert_false(ring_out_want_space(&rig.out, 248));
	assert_int_equal(rig_put(&rig, 120), 0);
	assert_false(ring_out_commit(&rig.out));
	rig_drain(&rig, 1);
	assert_false(ring_in_commit(&rig.in));		/* 128 */
	rig_drain(&rig, 1);
	assert_true(ring_in_commit(&rig.in));		/* 256 */
	assert_true(ring_out_want_space(&rig.out, 248));
}

static void
legacy_writer(void **state)
{
	fill(31, 0, RING_OUT_NO_PENDING);
	rig.ctrl.pending_send = le32_put(248);
	rig_drain(&rig, 31);
	assert_false(ring_in_commit(&rig.in));
	assert_int_equal(rig.in.counters.skip_legacy, 1);

	fill(31, RING_IN_LEGACY_SIGNAL, RING_OUT_NO_PENDING);
	for (unsigned i = 1; i <= 31; i++) {
		rig_drain(&rig, 1);
		assert_true(ring_in_commit(&rig.in));
		assert_false(ring_in_commit(&rig.in));	/* nothing new */
	}
	assert_int_equal(rig.in.counters.signals, 31);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_packet),
		cmocka_unit_test(wrap_everywhere),
		cmocka_unit_test(buffer_too_small),
		cmocka_unit_test(lying_desc),
		cmocka_unit_test(lying_write_index),
		cmocka_unit_test(init_checks),
		cmocka_unit_test(mask_and_unmask),
		cmocka_unit_test(blocked_writer_reader_drains),
		cmocka_unit_test(pending_crossing),
		cmocka_unit_test(pending_counters),
		cmocka_unit_test(pending_with_later_puts),
		cmocka_unit_test(legacy_writer),
	};

	return cmocka_run_group_tests_name("ring_in", tests, NULL, NULL);
}
