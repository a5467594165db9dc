/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dice for tests that roll their settings and frames: the same rolls for the
 * same start everywhere.  A copy rolls on by itself.
 */
#ifndef TESTS_UNIT_DICE_H
#define TESTS_UNIT_DICE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How many settings to roll: of n, a tenth under TSan, where each of these
 * tests takes a minute and has one thread.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROLLS(n)	((n) / 10u)
#endif
#endif
#ifndef ROLLS
#define ROLLS(n)	(n)
#endif

struct dice {
	uint64_t x;
};

/* 0 to n - 1. */
static inline uint32_t
roll(struct dice *d, uint32_t n)
{
	d->x = d->x * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(d->x >> 33) % n;
}

static inline bool
one_in(struct dice *d, uint32_t n)
{
	return roll(d, n) == 0;
}

#endif
