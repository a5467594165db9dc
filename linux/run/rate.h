/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often something may happen: a bucket of tokens that fills with time.  And
 * what part of a thread's time something may have: the same, but in time.
 *
 * Context: one thread at a time.
 */
#ifndef LINUX_RUN_RATE_H
#define LINUX_RUN_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	uint64_t each_ns;	/* until a token comes back */
	uint32_t burst;		/* tokens of a full bucket */
	uint32_t spent;		/* tokens taken from it */
	uint64_t at_ns;		/* when the last one came back */
};

/* A full bucket. */
static inline struct rate
rate_of(uint32_t a_second, uint32_t burst, uint64_t now_ns)
{
	return (struct rate){ 1000000000u / a_second, burst, 0, now_ns };
}

/* Take a token; false: there is none now. */
static inline bool
rate_take(struct rate *r, uint64_t now_ns)
{
	uint64_t back = (now_ns - r->at_ns) / r->each_ns;

	if (back >= r->spent) {
		r->spent = 0;
		r->at_ns = now_ns;
	} else {
		r->spent -= (uint32_t)back;
		r->at_ns += back * r->each_ns;
	}
	if (r->spent == r->burst)
		return false;
	r->spent++;
	return true;
}

struct share {
	uint32_t part;		/* one part in so many */
	uint64_t burst_ns;	/* of the thread's time, at once */
	uint64_t paid_ns;	/* what was used is paid for by then */
};

static inline struct share
share_of(uint32_t part, uint64_t burst_ns)
{
	return (struct share){ part, burst_ns, 0 };
}

/* It used so much of the thread's time. */
static inline void
share_spend(struct share *s, uint64_t used_ns, uint64_t now_ns)
{
	if (s->paid_ns < now_ns)
		s->paid_ns = now_ns;
	s->paid_ns += used_ns * s->part;
}

/* How long it has to wait; 0: it may go on. */
static inline uint64_t
share_wait_ns(const struct share *s, uint64_t now_ns)
{
	uint64_t ahead = s->paid_ns > now_ns ? s->paid_ns - now_ns : 0;

	return ahead > s->burst_ns * s->part ? ahead - s->burst_ns * s->part :
	    0;
}

#endif
