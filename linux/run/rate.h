/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often something may happen: a bucket of tokens that fills with time.
 *
 * Context: one thread at a time.
 */
#ifndef LINUX_RUN_RATE_H
#define LINUX_RUN_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
	uint64_t each_ns;	/* a token comes back in so long */
	uint32_t burst;		/* tokens of a full bucket */
	uint32_t spent;		/* of those, out of it */
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

#endif
