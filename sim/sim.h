/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulation: a virtual clock, a seeded scheduler, and the in-process link
 * with both real ends of VMBus on it.
 *
 * One thread.  Everything that happens is an event at a virtual time; events
 * at the same time run in an order that the seed decides.  The same seed and
 * options give the same run, to the byte: nothing reads a clock, an address or
 * an uninitialised byte to decide anything.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void sim_fn(void *arg, uint64_t value);

struct sim_event {
	uint64_t at_ns;
	uint64_t tie;		/* random; then the order of scheduling */
	uint64_t seq;
	sim_fn *fn;
	void *arg;
	uint64_t value;
};

struct sim {
	uint64_t now_ns;
	uint64_t prng;
	uint64_t steps;		/* events run */
	uint64_t seq;
	struct sim_event *heap;
	size_t count, cap;
};

void sim_init(struct sim *, uint64_t seed);
/* Drops what is still scheduled. */
void sim_fini(struct sim *);

uint64_t sim_rand(struct sim *);
/* 0 .. below - 1; 0 for below 0. */
uint32_t sim_below(struct sim *, uint32_t below);
/* True with a chance of ppm in a million; draws nothing if ppm is 0. */
bool sim_chance(struct sim *, uint32_t ppm);

void sim_after(struct sim *, uint64_t delay_ns, sim_fn *, void *arg,
    uint64_t value);
/* Drop what is scheduled for arg. */
void sim_forget(struct sim *, const void *arg);
/* Run the next event; false if there is none. */
bool sim_step(struct sim *);
/*
 * Run until done(ctx), or until `steps` more events ran or none is left or
 * the clock reached until_ns.  True if done.
 */
bool sim_run(struct sim *, bool (*done)(void *), void *ctx, uint64_t steps,
    uint64_t until_ns);

#endif
