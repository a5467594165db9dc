/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adaptive polling under virtual time: what it does at steady gaps, when they
 * change, and that it costs little more than the better of the two policies.
 */
#include "ring/ring_spin.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dice.h"

#define COST	6000u		/* ns of a signal, both sides */
#define STEP	100u		/* ns of a look at the ring */
#define WAKE	20000u		/* ns until a sleeper runs */

struct reader {
	struct ring_spin s;
	uint64_t now;
	uint64_t spent;		/* looking, and COST for each sleep */
};

/* The ring runs dry; the next packet comes `gap` later.  True: it slept. */
static bool
dry(struct reader *r, uint64_t gap)
{
	uint64_t came = r->now + gap;

	while (ring_spin_empty(&r->s, COST, r->now)) {
		r->now += STEP;
		r->spent += STEP;
		if (r->now >= came) {
			ring_spin_found(&r->s, COST, r->now);
			return false;
		}
	}
	r->spent += COST;
	r->now = (r->now > came ? r->now : came) + WAKE;
	ring_spin_found(&r->s, COST, r->now);
	return true;
}

static uint32_t
sleeps(struct reader *r, uint64_t gap, uint32_t times)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < times; i++)
		n += dry(r, gap);
	return n;
}

static void
test_short_gaps_are_looked_through(void **state)
{
	struct reader r = { .now = 1 };

	(void)state;
	(void)sleeps(&r, 1000, 50);
	assert_int_equal(sleeps(&r, 1000, 1000), 0);
	assert_in_range(r.s.counters.gap_ns, 800, 1200);
	assert_in_range(r.s.counters.window_ns, 1000, COST);
}

static void
test_long_gaps_are_slept_through(void **state)
{
	struct reader r = { .now = 1 };
	uint64_t spent;

	(void)state;
	(void)sleeps(&r, 100000, 50);
	spent = r.spent;
	assert_int_equal(sleeps(&r, 100000, 1000), 1000);
	/* What it looks at, to learn, adds a twentieth at most. */
	assert_in_range(r.spent - spent, 1000 * COST, 1050 * COST);
	assert_int_equal(r.s.counters.window_ns, 0);
}

static void
test_it_follows_a_change(void **state)
{
	struct reader r = { .now = 1 };

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		(void)sleeps(&r, 1000, 100);
		assert_int_equal(sleeps(&r, 1000, 100), 0);
		(void)sleeps(&r, 50000, 40);
		assert_int_equal(sleeps(&r, 50000, 100), 100);
	}
}

/*
 * Exponential gaps of many means: against the better of the pure policies.  It
 * is worst where both cost about the same, at 0.7.
 */
static void
test_little_worse_than_the_better(void **state)
{
	static const double means[] = { 0.05, 0.3, 0.7, 1, 1.5, 3, 30 };
	const uint32_t times = 20000;
	struct dice d = { 18 };

	(void)state;
	for (uint32_t m = 0; m < sizeof(means) / sizeof(means[0]); m++) {
		struct reader r = { .now = 1 };
		uint64_t poll = 0, edge = (uint64_t)times * COST;

		for (uint32_t i = 0; i < times; i++) {
			double u = (roll(&d, 1000000) + 1) / 1000001.0;
			uint64_t gap = (uint64_t)(-log(u) * means[m] * COST);

			poll += (gap / STEP + 1) * STEP;
			(void)dry(&r, gap);
		}
		assert_true((double)r.spent <
		    1.35 * (double)(poll < edge ? poll : edge));
	}
}

/* A signal that comes for something else does not end the sleep. */
static void
test_empty_again(void **state)
{
	struct ring_spin s = { 0 };

	(void)state;
	assert_true(ring_spin_empty(&s, COST, 1000));
	assert_false(ring_spin_empty(&s, COST, 1000 + COST));
	assert_false(ring_spin_empty(&s, COST, 1001 + COST));
	assert_int_equal(s.counters.misses, 1);
	ring_spin_found(&s, COST, 900000);
	assert_int_equal(s.counters.hits, 0);
	ring_spin_found(&s, COST, 900001);
	assert_int_equal(s.empty_ns, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_gaps_are_looked_through),
		cmocka_unit_test(test_long_gaps_are_slept_through),
		cmocka_unit_test(test_it_follows_a_change),
		cmocka_unit_test(test_little_worse_than_the_better),
		cmocka_unit_test(test_empty_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
