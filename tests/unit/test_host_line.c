/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of waiting frames: wrap, gap, full, order, and two threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "linux/host/frame_line.h"

/* A record is its 40-byte header and the frame, in steps of 64. */
#define STEP	64u
#define HEAD	((uint32_t)sizeof(struct frame_record))

static bool
put(struct frame_line *l, uint32_t seq, uint32_t len)
{
	struct pkt_meta m = { .hash = seq };
	uint8_t *p = frame_line_room(l, len);

	if (p == NULL)
		return false;
	memset(p, (int)(seq & 0xff), len);
	frame_line_put(l, seq, len, &m);
	return true;
}

/* Take one, check that nothing of it was overwritten. */
static bool
take(struct frame_line *l, uint32_t seq, uint32_t len)
{
	struct frame_record *r = frame_line_oldest(l);

	if (r == NULL || r->stamp != seq || r->len != len ||
	    r->meta.hash != seq)
		return false;
	for (uint32_t i = 0; i < len; i++)
		if (frame_record_bytes(r)[i] != (uint8_t)seq)
			return false;
	frame_line_drop(l, r);
	return true;
}

static void
test_empty_and_full(void **state)
{
	struct frame_line l;
	uint32_t n = 0;

	assert_int_equal(frame_line_make(&l, 8 * STEP), 0);
	assert_null(frame_line_oldest(&l));
	assert_int_equal(frame_line_used(&l), 0);
	assert_null(frame_line_room(&l, 8 * STEP - HEAD));
	while (put(&l, n, STEP - HEAD))
		n++;
	assert_int_equal(n, 7);
	assert_int_equal(frame_line_used(&l), 7 * STEP);
	for (uint32_t i = 0; i < n; i++)
		assert_true(take(&l, i, STEP - HEAD));
	assert_null(frame_line_oldest(&l));
	frame_line_free(&l);
}

static void
test_gap(void **state)
{
	struct frame_line l;

	assert_int_equal(frame_line_make(&l, 8 * STEP), 0);
	assert_true(put(&l, 1, 3 * STEP - HEAD));
	assert_true(put(&l, 2, 3 * STEP - HEAD));
	/* Two steps are left at the end, one must stay; none at the start. */
	assert_false(put(&l, 3, 2 * STEP - HEAD));
	assert_true(take(&l, 1, 3 * STEP - HEAD));
	assert_true(put(&l, 3, 2 * STEP - HEAD));
	assert_true(take(&l, 2, 3 * STEP - HEAD));
	assert_true(take(&l, 3, 2 * STEP - HEAD));
	assert_null(frame_line_oldest(&l));
	frame_line_free(&l);
}

static void
test_copy(void **state)
{
	const struct pkt_meta m = { .gso_size = 1448 };
	struct vec v[2] = { { (char[]){ "abc" }, 3 },
		{ (char[]){ "def" }, 3 } };
	struct frame_line l;
	struct frame_record *r;

	assert_int_equal(frame_line_make(&l, 4096), 0);
	assert_true(frame_line_copy(&l, 9, v, 2, 6, &m));
	assert_false(frame_line_copy(&l, 9, v, 2, 4096, &m));
	r = frame_line_oldest(&l);
	assert_non_null(r);
	assert_int_equal(r->len, 6);
	assert_int_equal(r->meta.gso_size, 1448);
	assert_memory_equal(frame_record_bytes(r), "abcdef", 6);
	frame_line_clear(&l);
	assert_null(frame_line_oldest(&l));
	frame_line_free(&l);
}

#define RACE_FRAMES	100000u

static uint32_t
race_len(uint32_t seq)
{
	return seq * 7919u % 1500u;
}

static void *
race_putter(void *arg)
{
	for (uint32_t n = 0; n < RACE_FRAMES;)
		if (put(arg, n, race_len(n)))
			n++;
		else
			sched_yield();
	return NULL;
}

static void
test_two_threads(void **state)
{
	struct frame_line l;
	pthread_t t;

	assert_int_equal(frame_line_make(&l, 8192), 0);
	assert_int_equal(pthread_create(&t, NULL, race_putter, &l), 0);
	for (uint32_t n = 0; n < RACE_FRAMES;) {
		if (frame_line_oldest(&l) == NULL) {
			sched_yield();
			continue;
		}
		if (!take(&l, n, race_len(n)))
			fail_msg("frame %u was lost or overwritten", n);
		n++;
	}
	pthread_join(t, NULL);
	assert_null(frame_line_oldest(&l));
	frame_line_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_and_full),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
