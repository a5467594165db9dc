/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long peers that held a thread stay out: by process, by user, and with
 * more of them than are remembered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "linux/host/host_holdoff.h"

#define SECOND	HOST_HOLDOFF_NS

static uint64_t
out(const struct host_holdoff *h, uint32_t pid, uint32_t uid, uint64_t now)
{
	const struct link_peer p = { pid, uid, 0 };

	return host_holdoff_ns(h, &p, now);
}

static void
again(struct host_holdoff *h, uint32_t pid, uint32_t uid, uint64_t now)
{
	const struct link_peer p = { pid, uid, 0 };

	host_holdoff_add(h, &p, now);
}

static void
twice_as_long_each_time(void **state)
{
	struct host_holdoff h = { 0 };
	uint64_t now = 5;

	assert_int_equal(out(&h, 7, 1, now), 0);
	for (uint32_t i = 0; i < 9; i++) {
		uint64_t wait = SECOND << min_u32(i, HOST_HOLDOFF_DOUBLE);

		again(&h, 7, 1, now);
		assert_int_equal(out(&h, 7, 1, now), wait);
		assert_int_equal(out(&h, 7, 1, now + wait - 1), 1);
		/* another user's process, and another of this user's */
		assert_int_equal(out(&h, 7, 2, now), 0);
		assert_int_equal(out(&h, 8, 1, now), 0);
		now += wait;
		assert_int_equal(out(&h, 7, 1, now), 0);
	}
	/* quiet for long: as if it never was */
	now += HOST_HOLDOFF_KEEP_NS + 1;
	again(&h, 7, 1, now);
	assert_int_equal(out(&h, 7, 1, now), SECOND);
}

/* A new process each time: then it is the user who stays out. */
static void
forks_do_not_help(void **state)
{
	struct host_holdoff h = { 0 };
	uint32_t times = 0, pid = 1000;

	for (uint64_t now = 1; now < 60 * SECOND; now += SECOND / 100) {
		pid++;
		if (out(&h, pid, 1, now) > 0)
			continue;
		again(&h, pid, 1, now);
		times++;
	}
	assert_int_equal(times, HOST_HOLDOFF_USER_FREE + 6);
	assert_int_equal(out(&h, pid + 1, 2, 60 * SECOND), 0);
}

/* A process that the kernel cannot name counts only for its user. */
static void
nameless_processes(void **state)
{
	struct host_holdoff h = { 0 };

	for (uint32_t i = 0; i < HOST_HOLDOFF_USER_FREE; i++) {
		again(&h, 0, 1, 1);
		assert_int_equal(out(&h, 0, 1, 1), 0);
	}
	again(&h, 0, 1, 1);
	assert_int_equal(out(&h, 0, 1, 1), SECOND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twice_as_long_each_time),
		cmocka_unit_test(forks_do_not_help),
		cmocka_unit_test(nameless_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
