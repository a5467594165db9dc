/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does somebody else want the processor of a thread that polls?
 *
 * A thread that finds nothing for long yields its processor now and then.  If
 * others then keep it, polling is useless: who would fill the ring may be
 * waiting for this very processor.  So for a while it should sleep instead.
 * Context: the thread that polls.
 */
#ifndef LINUX_RUN_CROWD_H
#define LINUX_RUN_CROWD_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "linux/run/clock.h"

/* Policy: a yield that takes this long means that others need the processor. */
#define CROWD_YIELD_NS	100000u
/* Policy: for this long the thread then does not poll. */
#define CROWD_LEAVE_NS	500000000u

struct crowd {
	uint64_t until_ns;
};

/* Yield; true: others were waiting for the processor. */
static inline bool
crowd_yield(struct crowd *c)
{
	uint64_t before = clock_now_ns(), after;

	sched_yield();
	after = clock_now_ns();
	if (after - before < CROWD_YIELD_NS)
		return false;
	c->until_ns = after + CROWD_LEAVE_NS;
	return true;
}

static inline bool
crowd_is(const struct crowd *c, uint64_t now_ns)
{
	return now_ns < c->until_ns;
}

#endif
