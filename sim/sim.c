/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulation: clock, generator and event queue.
 *
 * Theory of operation.  The queue is a binary heap by time, then by a random
 * number drawn when the event was scheduled, so that the order of simultaneous
 * events differs between seeds, and then by sequence.  Time advances only when
 * an event is taken.  xorshift64* is the generator: small, and the same
 * everywhere.
 *
 * Context: one thread.
 */
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
sim_init(struct sim *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->now_ns = 1000000;
	/* Spread small seeds; the state must not be 0. */
	s->prng = (seed + 1) * 0x9e3779b97f4a7c15ull;
	if (s->prng == 0)
		s->prng = 1;
	for (int i = 0; i < 8; i++)
		(void)sim_rand(s);
}

void
sim_fini(struct sim *s)
{
	free(s->heap);
	memset(s, 0, sizeof(*s));
}

uint64_t
sim_rand(struct sim *s)
{
	s->prng ^= s->prng >> 12;
	s->prng ^= s->prng << 25;
	s->prng ^= s->prng >> 27;
	return s->prng * 0x2545f4914f6cdd1dull;
}

uint32_t
sim_below(struct sim *s, uint32_t below)
{
	return below == 0 ? 0 : (uint32_t)((sim_rand(s) >> 32) * below >> 32);
}

bool
sim_chance(struct sim *s, uint32_t ppm)
{
	return ppm != 0 && sim_below(s, 1000000) < ppm;
}

static bool
before(const struct sim_event *a, const struct sim_event *b)
{
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns;
	if (a->tie != b->tie)
		return a->tie < b->tie;
	return a->seq < b->seq;
}

static void
swap(struct sim_event *a, struct sim_event *b)
{
	struct sim_event t = *a;

	*a = *b;
	*b = t;
}

static void
sift_down(struct sim *s, size_t i)
{
	for (;;) {
		size_t least = i, kid = 2 * i + 1;

		if (kid < s->count && before(&s->heap[kid], &s->heap[least]))
			least = kid;
		kid++;
		if (kid < s->count && before(&s->heap[kid], &s->heap[least]))
			least = kid;
		if (least == i)
			return;
		swap(&s->heap[i], &s->heap[least]);
		i = least;
	}
}

void
sim_after(struct sim *s, uint64_t delay_ns, sim_fn *fn, void *arg,
    uint64_t value)
{
	size_t i = s->count;

	if (s->count == s->cap) {
		s->cap = s->cap == 0 ? 256 : 2 * s->cap;
		s->heap = realloc(s->heap, s->cap * sizeof(*s->heap));
		if (s->heap == NULL) {
			perror("sim: event queue");
			exit(2);
		}
	}
	s->heap[i] = (struct sim_event){
		.at_ns = delay_ns > UINT64_MAX - s->now_ns ? UINT64_MAX :
		    s->now_ns + delay_ns,
		.tie = sim_rand(s), .seq = s->seq++,
		.fn = fn, .arg = arg, .value = value,
	};
	s->count++;
	while (i > 0 && before(&s->heap[i], &s->heap[(i - 1) / 2])) {
		swap(&s->heap[i], &s->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

void
sim_forget(struct sim *s, const void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++)
		if (s->heap[i].arg != arg)
			s->heap[kept++] = s->heap[i];
	s->count = kept;
	for (size_t i = kept / 2; i-- > 0;)
		sift_down(s, i);
}

bool
sim_step(struct sim *s)
{
	struct sim_event e;

	if (s->count == 0)
		return false;
	e = s->heap[0];
	s->heap[0] = s->heap[--s->count];
	sift_down(s, 0);
	if (e.at_ns > s->now_ns)
		s->now_ns = e.at_ns;
	s->steps++;
	e.fn(e.arg, e.value);
	return true;
}

bool
sim_run(struct sim *s, bool (*done)(void *), void *ctx, uint64_t steps,
    uint64_t until_ns)
{
	for (uint64_t n = 0; n < steps && s->now_ns < until_ns; n++) {
		if (done(ctx))
			return true;
		if (!sim_step(s))
			break;
	}
	return done(ctx);
}
