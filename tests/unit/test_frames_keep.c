/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many frames a program that only sends keeps: one for each section that
 * the host named, and never more than a bound, whatever it names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "linux/frames/frames_priv.h"

#define QUEUES	3u

static uint32_t
kept_by(struct hvnet *h, uint32_t sections)
{
	uint32_t keep;

	h->cfg.queues = QUEUES;
	assert_true(frames_keep_alloc(h, sections));
	keep = h->queue[0].keep;
	for (uint32_t k = 0; k < QUEUES; k++) {
		struct frames_queue *q = &h->queue[k];

		assert_int_equal(q->keep, keep);
		/* All of it is there, a large packet's ranges on top. */
		memset(q->kept, 1, (keep + FRAMES_KEEP_MORE) *
		    sizeof(q->kept[0]));
		free(q->kept);
		q->kept = NULL;
	}
	return keep;
}

static void
test_as_many_as_sections(void **state)
{
	struct frames_queue queue[QUEUES] = { { 0 } };
	struct hvnet h = { .queue = queue };

	/* One more: completions are read with a frame kept of each. */
	assert_int_equal(kept_by(&h, 18140), 18141);
	/* Our host's smallest: 31 MiB in sections of 360 bytes. */
	assert_int_equal(kept_by(&h, (31u << 20) / 360), (31u << 20) / 360 + 1);
	assert_int_equal(kept_by(&h, 1), FRAMES_KEEP);
}

/* Sections of a byte, of which 31 MiB have 32 million. */
static void
test_bound(void **state)
{
	struct frames_queue queue[QUEUES] = { { 0 } };
	struct hvnet h = { .queue = queue };

	assert_int_equal(kept_by(&h, 31u << 20), FRAMES_KEEP_MAX);
	assert_int_equal(kept_by(&h, UINT32_MAX), FRAMES_KEEP_MAX);
	assert_true(sizeof(struct hvnet_frame) * (FRAMES_KEEP_MAX +
	    FRAMES_KEEP_MORE) < 7u << 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_many_as_sections),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
