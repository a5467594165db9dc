/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a reader looks at an empty ring before it requests a signal.
 *
 *	more packets come within what a signal costs	look on, signals masked
 *	they come later, or not at all			sleep
 *
 * As with the rent of skis: who looks for as long as a signal costs and then
 * sleeps pays at most twice what the best choice would.  Here the reader also
 * knows the past: the running mean of the gaps says whether looking pays at
 * all, and how long.  Where it does not, one empty ring in RING_SPIN_PROBE is
 * still looked at, so that a change is noticed.
 *
 * Context: the ring's owner.
 */
#ifndef CORE_RING_RING_SPIN_H
#define CORE_RING_RING_SPIN_H

#include "base/counter.h"

/* Policy: of so many rings that ran dry one is looked at, to learn. */
#define RING_SPIN_PROBE		32u
/* Policy: the newest gap counts for one in 2^3. */
#define RING_SPIN_SHIFT		3u

#define RING_SPIN_COUNTERS(X)						\
	X(hits,		"empty rings where packets came while it looked") \
	X(misses,	"empty rings where it looked in vain, then slept") \
	X(sleeps,	"empty rings where it slept at once: gaps are long") \
	X(window_ns,	"how long it looks now, ns; 0: it sleeps")	\
	X(gap_ns,	"mean gap to the next packet, ns")
COUNTER_STRUCT(ring_spin_counters, RING_SPIN_COUNTERS);

/* All zero: nothing is known yet. */
struct ring_spin {
	uint64_t empty_ns;	/* since when it is; 0: it is not */
	uint64_t until_ns;	/* look until then; 0: asleep */
	uint64_t gap_ns;	/* running mean, twice the cost at most */
	uint32_t idle;		/* dry rings since one was looked at */
	struct ring_spin_counters counters;
};

/* Packets were found. */
void ring_spin_found(struct ring_spin *s, uint64_t cost_ns, uint64_t now_ns);
/*
 * Nothing was found.  True: look again soon, with signals masked; false:
 * request a signal and sleep.  cost_ns: what a signal costs both sides.
 */
bool ring_spin_empty(struct ring_spin *s, uint64_t cost_ns, uint64_t now_ns);

#endif
