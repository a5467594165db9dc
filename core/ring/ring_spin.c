/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The window of adaptive polling; ring_spin.h has the idea.
 *
 * Theory of operation.  Gaps are learnt only where the ring was looked at: to a
 * sleeper the time to wake up would be part of the gap.  A look in vain counts
 * as a gap of twice the cost, which is all that matters about it.  While the
 * mean is at most the cost, the window is twice the mean, but not above the
 * cost; above that the ring is looked at only as a probe.  A probe that finds
 * something is followed by another at once, so a few of them in a row bring the
 * mean back.
 *
 * Context: the ring's owner.
 */
#include "ring/ring_spin.h"

#define X(name, text) COUNTER_ROW(ring_spin_counters, name, text)
COUNTER_TABLE(ring_spin_counters, RING_SPIN_COUNTERS(X));
#undef X

static void
spin_learn(struct ring_spin *s, uint64_t gap_ns, uint64_t cost_ns)
{
	uint64_t gap = gap_ns < 2 * cost_ns ? gap_ns : 2 * cost_ns;

	s->gap_ns = s->gap_ns - (s->gap_ns >> RING_SPIN_SHIFT) +
	    (gap >> RING_SPIN_SHIFT);
	os_st64(&s->counters.gap_ns, s->gap_ns);
}

/* How long to look at the ring that just ran dry; 0: not at all. */
static uint64_t
spin_window(struct ring_spin *s, uint64_t cost_ns)
{
	uint64_t window = 0;

	if (s->gap_ns <= cost_ns)
		window = 2 * s->gap_ns + cost_ns / 4;
	os_st64(&s->counters.window_ns, window < cost_ns ? window : cost_ns);
	if (window == 0 && ++s->idle < RING_SPIN_PROBE)
		return 0;
	return window != 0 && window < cost_ns ? window : cost_ns;
}

void
ring_spin_found(struct ring_spin *s, uint64_t cost_ns, uint64_t now_ns)
{
	if (s->empty_ns == 0)
		return;
	if (s->until_ns != 0) {
		spin_learn(s, now_ns - s->empty_ns, cost_ns);
		counter_add(&s->counters.hits, 1);
		/* The next look is free to be a probe again. */
		s->idle = RING_SPIN_PROBE;
	}
	s->empty_ns = s->until_ns = 0;
}

bool
ring_spin_empty(struct ring_spin *s, uint64_t cost_ns, uint64_t now_ns)
{
	uint64_t window;

	if (s->empty_ns != 0) {
		if (s->until_ns == 0)
			return false;
		if (now_ns < s->until_ns)
			return true;
		spin_learn(s, 2 * cost_ns, cost_ns);
		counter_add(&s->counters.misses, 1);
		s->until_ns = 0;
		return false;
	}
	s->empty_ns = now_ns;
	window = spin_window(s, cost_ns);
	if (window == 0) {
		counter_add(&s->counters.sleeps, 1);
		return false;
	}
	s->idle = 0;
	s->until_ns = now_ns + window;
	return true;
}
