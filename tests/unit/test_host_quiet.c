/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a guest that loses a NIC has come to rest: at once, late, or never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "linux/host/nic_quiet.h"

#define MS	1000000ull
#define NOW	(1000000 * MS)

static bool
over(const struct nic_quiet *q, uint64_t ms)
{
	return nic_quiet_over(q, NOW + ms * MS, true);
}

static void
heard(struct nic_quiet *q, uint64_t ms)
{
	nic_quiet_heard(q, NOW + ms * MS);
}

static bool
repeat(struct nic_quiet *q, uint64_t ms)
{
	return nic_quiet_repeat(q, NOW + ms * MS);
}

/* What it sent before it learnt of the link, and its acknowledgement. */
static void
a_moment_is_enough(void **state)
{
	struct nic_quiet q;

	nic_quiet_begin(&q, NOW, 0, true);
	heard(&q, 1);
	heard(&q, 100);
	assert_false(repeat(&q, 250));
	assert_false(over(&q, 299));
	assert_false(nic_quiet_over(&q, NOW + 300 * MS, false));
	assert_true(over(&q, 300));
}

/* Linux 6.1 hung: it sent now and then, and once more after the rescind. */
static void
who_speaks_without_a_link_is_told_again(void **state)
{
	struct nic_quiet q;

	nic_quiet_begin(&q, NOW, 0, true);
	for (uint64_t ms = 190; ms < 2000; ms += 250) {
		heard(&q, ms);
		assert_false(repeat(&q, ms + 99));
		assert_true(repeat(&q, ms + 100));
		assert_false(repeat(&q, ms + 101));
		heard(&q, ms + 105);		/* acknowledged */
		assert_false(over(&q, ms + 249));
	}
	assert_false(repeat(&q, 2200));
	assert_false(over(&q, 1940 + 105 + 2199));
	assert_true(over(&q, 1940 + 105 + 2200));
}

/* Linux leaves 2 s between two changes of the link. */
static void
a_link_that_just_changed_is_late(void **state)
{
	struct nic_quiet q;

	nic_quiet_begin(&q, NOW, NOW - 500 * MS, true);
	for (uint64_t ms = 0; ms <= 1600; ms += 200)
		heard(&q, ms);
	assert_false(repeat(&q, 1700));
	assert_false(over(&q, 1799));
	assert_true(over(&q, 1800));
	/* a guest that says nothing may just have nothing to say */
	nic_quiet_begin(&q, NOW, NOW - 500 * MS, true);
	assert_false(over(&q, 1699));
	assert_true(over(&q, 1700));
	nic_quiet_begin(&q, NOW, NOW - 2001 * MS, true);
	assert_true(over(&q, 200));
}

static void
changes_of_the_link_queue_up(void **state)
{
	uint64_t link = nic_quiet_link(0, NOW);
	struct nic_quiet q;

	assert_int_equal(link, NOW);
	link = nic_quiet_link(link, NOW + 5 * MS);
	assert_int_equal(link, NOW + 2000 * MS);
	assert_int_equal(nic_quiet_link(link, NOW + 4001 * MS),
	    NOW + 4001 * MS);
	nic_quiet_begin(&q, NOW + 2500 * MS, link, true);
	assert_false(over(&q, 4199));
	assert_true(over(&q, 4200));
	/* but not without end */
	for (int i = 0; i < 10; i++)
		link = nic_quiet_link(link, NOW);
	nic_quiet_begin(&q, NOW, link, true);
	assert_false(over(&q, 5199));
	assert_true(over(&q, 5200));
	assert_true(nic_quiet_over(&q, NOW + 10000 * MS, false));
}

static void
other_guests_know_at_once(void **state)
{
	struct nic_quiet q;

	nic_quiet_begin(&q, NOW, NOW - 1, false);
	heard(&q, 190);
	assert_false(repeat(&q, 300));
	assert_true(over(&q, 390));
}

static void
no_guest_is_waited_for_without_end(void **state)
{
	struct nic_quiet q;

	nic_quiet_begin(&q, NOW, 0, true);
	for (uint64_t ms = 0; ms < 5000; ms++) {
		heard(&q, ms);
		assert_false(repeat(&q, ms));
		assert_false(over(&q, ms));
	}
	assert_true(nic_quiet_over(&q, NOW + 5000 * MS, false));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_moment_is_enough),
		cmocka_unit_test(who_speaks_without_a_link_is_told_again),
		cmocka_unit_test(a_link_that_just_changed_is_late),
		cmocka_unit_test(changes_of_the_link_queue_up),
		cmocka_unit_test(other_guests_know_at_once),
		cmocka_unit_test(no_guest_is_waited_for_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
