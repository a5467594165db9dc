/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine with store buffers, run step by step (x86's TSO).
 *
 * Two sides.  A store of one side waits in its buffer, where only that side
 * sees it, until a barrier or a read-modify-write of that side, or until the
 * machine drains it.  A race is run in every order of this kind: one side,
 * outside, is stopped before its step `at`; its `k` oldest stores are drained;
 * the other side runs to its end, and `j` of its stores are drained; the first
 * goes on; then everything is drained.  That is enough to lose a wake-up if a
 * full barrier is missing at either side.
 */
#ifndef TESTS_UNIT_TSO_H
#define TESTS_UNIT_TSO_H

/* First, so that the core's headers see this port. */
#include "tso/os_port.h"
#include "base/os.h"

#define TSO_STORES	256u
#define TSO_LOG		4096u

struct tso_store {
	uint32_t *p;
	uint32_t v;
};

struct tso_event {
	enum tso_op op;
	const void *p;
};

static struct tso {
	struct {
		struct tso_store st[TSO_STORES];
		uint32_t n;
	} side[2];
	uint32_t me;			/* the side that runs */
	bool weak[2];			/* this side's barriers do nothing */
	const void *own;	/* read without os_ld32() by its owner */
	/* the plan: before step `at` of the outer side the other one runs */
	uint32_t step, at, k, j;
	void (*inner)(void);
	bool inside;
	struct tso_event log[TSO_LOG];
	uint32_t logged;
} tso;

/* The n oldest stores of a side become memory. */
static void
tso_drain(uint32_t side, uint32_t n)
{
	struct tso_store *st = tso.side[side].st;

	n = min_u32(n, tso.side[side].n);
	for (uint32_t i = 0; i < n; i++)
		__atomic_store_n(st[i].p, st[i].v, __ATOMIC_RELAXED);
	tso.side[side].n -= n;
	memmove(st, st + n, tso.side[side].n * sizeof(*st));
}

static void
tso_run_inner(void)
{
	void (*inner)(void) = tso.inner;

	tso.inner = NULL;
	tso_drain(tso.me, tso.k);
	tso.me ^= 1;
	tso.inside = true;
	inner();
	tso.inside = false;
	tso_drain(tso.me, tso.j);
	tso.me ^= 1;
}

static void
tso_step(enum tso_op op, const void *p)
{
	if (tso.logged < TSO_LOG)
		tso.log[tso.logged++] = (struct tso_event){ op, p };
	if (!tso.inside && tso.step++ == tso.at && tso.inner != NULL)
		tso_run_inner();
}

static uint32_t
tso_see(const uint32_t *p)
{
	for (uint32_t i = tso.side[tso.me].n; i-- > 0;)
		if (tso.side[tso.me].st[i].p == p)
			return tso.side[tso.me].st[i].v;
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static void
tso_buffer(uint32_t *p, uint32_t v)
{
	if (tso.side[tso.me].n == TSO_STORES)
		tso_drain(tso.me, 1);
	tso.side[tso.me].st[tso.side[tso.me].n++] = (struct tso_store){ p, v };
}

uint32_t
tso_load(enum tso_op op, const uint32_t *p)
{
	tso_step(op, p);
	return tso_see(p);
}

void
tso_store(enum tso_op op, uint32_t *p, uint32_t v)
{
	tso_step(op, p);
	if (p == tso.own)
		__atomic_store_n(p, v, __ATOMIC_RELAXED);
	else
		tso_buffer(p, v);
}

void
tso_mb(void)
{
	tso_step(TSO_MB, NULL);
	if (!tso.weak[tso.me])
		tso_drain(tso.me, TSO_STORES);
}

uint32_t
tso_rmw(enum tso_op op, uint32_t *p, uint32_t old, uint32_t v)
{
	uint32_t was;

	tso_step(op, p);
	was = tso_see(p);
	if (op == TSO_OR)
		v |= was;
	if (op != TSO_CAS || was == old)
		tso_buffer(p, v);
	if (!tso.weak[tso.me])
		tso_drain(tso.me, TSO_STORES);
	return was;
}

/* Two sides that meet: what is so before, what each does, what was lost. */
struct tso_race {
	const char *name;
	void (*before)(void);
	void (*side[2])(void);
	bool (*lost)(void);
	void (*after)(void);		/* may be NULL */
};

/* One order; true if something was lost.  weak: bit i for side i. */
static bool
tso_run_one(const struct tso_race *r, uint32_t outer, uint32_t weak)
{
	bool lost;

	tso.side[0].n = tso.side[1].n = 0;
	tso.weak[0] = tso.weak[1] = false;
	tso.inner = NULL;
	tso.me = 0;
	r->before();
	tso_drain(0, TSO_STORES);
	tso.weak[0] = weak & 1;
	tso.weak[1] = weak >> 1 & 1;
	tso.me = outer;
	tso.step = tso.logged = 0;
	tso.inner = r->side[!outer];
	r->side[outer]();
	if (tso.inner != NULL)
		tso_run_inner();
	tso_drain(0, TSO_STORES);
	tso_drain(1, TSO_STORES);
	tso.me = 0;
	tso.weak[0] = false;
	lost = r->lost();
	if (r->after != NULL)
		r->after();
	return lost;
}

/* All orders; how many of them lost something.  *runs: how many there are. */
static uint32_t
tso_run(const struct tso_race *r, uint32_t weak, uint32_t *runs)
{
	uint32_t lost = 0;

	memset(&tso, 0, sizeof(tso));
	*runs = 0;
	for (uint32_t outer = 0; outer < 2; outer++) {
		uint32_t steps = 1;

		for (tso.at = 0; tso.at <= steps; tso.at++) {
			for (uint32_t kj = 0; kj < 16; kj++) {
				tso.k = kj % 4;
				tso.j = kj / 4 == 3 ? TSO_STORES : kj / 4;
				lost += tso_run_one(r, outer, weak);
				++*runs;
			}
			steps = tso.step;
		}
	}
	return lost;
}

#endif
