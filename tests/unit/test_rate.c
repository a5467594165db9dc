/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rates and shares of time: bursts, refills, and time that stands still.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "linux/run/rate.h"

static uint32_t
take_all(struct rate *r, uint64_t now)
{
	uint32_t n = 0;

	while (rate_take(r, now))
		n++;
	return n;
}

static void
burst_then_rate(void **state)
{
	struct rate r = rate_of(1000, 50, 7);

	assert_int_equal(take_all(&r, 7), 50);
	assert_int_equal(take_all(&r, 7), 0);
	assert_int_equal(take_all(&r, 7 + 999999), 0);
	assert_int_equal(take_all(&r, 7 + 1000000), 1);
	/* what is left of a token is not lost */
	assert_int_equal(take_all(&r, 7 + 2500000), 1);
	assert_int_equal(take_all(&r, 7 + 3000000), 1);
	/* never more than the burst */
	assert_int_equal(take_all(&r, 1ull << 60), 50);
}

static void
share_waits_for_what_it_used(void **state)
{
	struct share s = share_of(20, 500);

	assert_int_equal(share_wait_ns(&s, 1000), 0);
	share_spend(&s, 500, 1000);
	assert_int_equal(share_wait_ns(&s, 1000), 0);
	share_spend(&s, 1, 1000);
	assert_int_equal(share_wait_ns(&s, 1000), 20);
	assert_int_equal(share_wait_ns(&s, 1019), 1);
	assert_int_equal(share_wait_ns(&s, 1020), 0);
	/* all is paid for after 20 times as long */
	share_spend(&s, 500, 1000 + 20 * 501);
	assert_int_equal(share_wait_ns(&s, 1000 + 20 * 501), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_then_rate),
		cmocka_unit_test(share_waits_for_what_it_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
