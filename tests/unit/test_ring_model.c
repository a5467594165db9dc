/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on both ends of one ring, against a queue so simple that
 * it can be seen to be right: four totals that only grow, a mask and a
 * pending size.  Every return value is predicted, signals included.
 *
 * A failure prints its seed: HV_SEED=<seed> runs only that one.
 */
#include "test_ring_rig.h"

#define SEEDS	24
#define STEPS	8000
#define QUEUE	1024

struct item {
	uint16_t type, flags;
	uint64_t xact;
	uint32_t ext, data, bytes;
};

/* put >= published >= got >= back, in bytes since the beginning. */
struct model {
	uint64_t rng;
	uint32_t size;
	uint64_t put, published, got, back;
	bool masked;
	uint32_t pending;
	struct item q[QUEUE];
	unsigned head, tail;
	unsigned signals, space_signals, full;
};

static struct rig rig;
static struct model m;

static uint32_t
rnd(uint32_t n)
{
	m.rng ^= m.rng << 13;
	m.rng ^= m.rng >> 7;
	m.rng ^= m.rng << 17;
	return (uint32_t)(m.rng >> 32) % n;
}

static uint8_t
pattern(uint64_t xact, uint32_t i)
{
	return (uint8_t)(xact * 31 + i * 13 + (i >> 8));
}

static uint32_t
model_free(void)
{
	return m.size - 8 - (uint32_t)(m.put - m.back);
}

static void
step_put(void)
{
	static const uint16_t types[] = { 6, 7, 9, 11 };
	static uint8_t bytes[RIG_MAX_BYTES + 64];
	static uint64_t xact;
	struct item it;
	struct vmpkt_out p;
	int want;

	it.type = types[rnd(4)];
	it.flags = (uint16_t)rnd(2);
	it.xact = ++xact;
	it.ext = rnd(3) ? 8 * rnd(12) : 0;
	it.data = rnd(8) ? rnd(700) : rnd(m.size);
	it.bytes = 24 + it.ext + (it.data + 7) / 8 * 8;
	for (uint32_t i = 0; i < it.ext + it.data; i++)
		bytes[i] = pattern(it.xact, i);
	p = (struct vmpkt_out){ it.type, it.flags, it.xact,
	    { bytes, it.ext }, { bytes + it.ext, it.data } };

	want = it.bytes > m.size - 8 ? E_STATE :
	    it.bytes > model_free() ? E_AGAIN : 0;
	assert_int_equal(ring_out_fits(&rig.out, it.bytes), want == 0);
	assert_int_equal(ring_out_put(&rig.out, &p, &rig.why), want);
	m.full += want == E_AGAIN;
	if (want != 0)
		return;
	m.put += it.bytes;
	m.q[m.tail++ % QUEUE] = it;
}

static void
step_commit(void)
{
	bool want = m.put != m.published && !m.masked &&
	    m.back == m.published;

	assert_int_equal(ring_out_commit(&rig.out), want);
	m.published = m.put;
	m.signals += want;
}

static void
step_want(void)
{
	uint32_t n = rnd(m.size);
	uint32_t want = min_u32((n + 7) / 8 * 8, m.size - 8);

	step_commit();
	assert_int_equal(ring_out_want_space(&rig.out, n),
	    want <= model_free());
	m.pending = want <= model_free() ? 0 : want;
	assert_int_equal(ring_out_waiting(&rig.out), m.pending != 0);
	assert_int_equal(ring_out_space(&rig.out), model_free());
}

static void
step_get(void)
{
	struct item it;

	assert_int_equal(ring_in_empty(&rig.in), m.got == m.published);
	assert_int_equal(rig_get(&rig), m.got != m.published);
	if (m.got == m.published)
		return;
	it = m.q[m.head++ % QUEUE];
	assert_int_equal(rig.pkt.type, it.type);
	assert_int_equal(rig.pkt.flags, it.flags);
	assert_int_equal(rig.pkt.xact, it.xact);
	assert_int_equal(rig.pkt.ext.len, it.ext);
	assert_int_equal(rig.pkt.data.len, (it.data + 7) / 8 * 8);
	for (uint32_t i = 0; i < it.ext + it.data; i++)
		if (rig.buf[i] != pattern(it.xact, i))
			fail_msg("byte %u of packet %llu", i,
			    (unsigned long long)it.xact);
	m.got += it.bytes;
}

static void
step_give_back(void)
{
	uint32_t before = m.size - 8 - (uint32_t)(m.published - m.back);
	uint32_t after = m.size - 8 - (uint32_t)(m.published - m.got);
	bool want = m.pending != 0 && before < m.pending &&
	    after >= m.pending;

	assert_int_equal(ring_in_commit(&rig.in), want);
	m.back = m.got;
	m.space_signals += want;
}

static void
step_mask(void)
{
	if (rnd(2) == 0) {
		ring_in_mask(&rig.in);
		m.masked = true;
		return;
	}
	step_give_back();
	assert_int_equal(ring_in_unmask(&rig.in), m.got != m.published);
	m.masked = m.got != m.published;
}

static void
run_seed(uint64_t seed)
{
	memset(&m, 0, sizeof(m));
	m.rng = seed * 0x9e3779b97f4a7c15 + 1;
	m.size = HV_PAGE_SIZE * (1 + rnd(3));
	rig_init_at(&rig, m.size + HV_PAGE_SIZE, 8 * rnd(m.size / 8), 0, 0);
	for (unsigned i = 0; i < STEPS; i++) {
		switch (rnd(16)) {
		case 0: case 1: case 2: case 3: case 4: step_put(); break;
		case 5: case 6: case 7: step_commit(); break;
		case 8: step_want(); break;
		case 9: case 10: case 11: case 12: step_get(); break;
		case 13: case 14: step_give_back(); break;
		default: step_mask(); break;
		}
	}
	/* A run that never met these would prove little. */
	assert_true(m.signals > 0 && m.space_signals > 0 && m.full > 0);
	assert_int_equal(rig.out.counters.signals, m.signals);
	assert_int_equal(rig.in.counters.signals, m.space_signals);
	assert_int_equal(rig.out.counters.full, m.full);
	assert_int_equal(rig.out.counters.bytes, m.put);
	assert_int_equal(rig.in.counters.bytes, m.got);
}

static void
random_operations(void **state)
{
	const char *one = getenv("HV_SEED");

	for (uint64_t s = 1; s <= SEEDS; s++) {
		uint64_t seed = one ? strtoull(one, NULL, 0) : s;

		/* cmocka longjmps out of a failure: say so beforehand. */
		printf("# HV_SEED=%llu\n", (unsigned long long)seed);
		run_seed(seed);
		if (one)
			break;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations),
	};

	return cmocka_run_group_tests_name("ring_model", tests, NULL, NULL);
}
