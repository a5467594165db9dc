/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers and gates: no turn behind a closed gate, none forgotten when it
 * opens, no post lost, and removed works leave no trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "linux/host/worker.h"

#define WORKS	8u
#define ROUNDS	3000u

struct job {
	struct work work;
	struct work_source src;
	uint32_t asked;		/* shared: turns requested */
	uint32_t seen;		/* shared: what the last turn saw of it */
	uint32_t greedy;	/* shared: always has more to do */
	uint32_t turns;		/* shared */
	uint32_t noted;		/* shared: events of the source */
	uint32_t *behind;	/* shared: turns going on behind the gate */
	uint32_t hold;		/* shared: in its turn, wait for a call */
	struct rig *rig;
};

struct rig {
	struct worker_pool pool;
	struct gate gate;
	uint32_t behind;
	struct job job[WORKS];
	uint32_t turns_held, turns_called;	/* of all jobs, by then */
};

static uint32_t
rig_turns(const struct rig *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < WORKS; i++)
		n += os_ld32_acq(&r->job[i].turns);
	return n;
}

/* Go on when control waits for this worker. */
static void
job_hold(struct job *j)
{
	j->rig->turns_held = rig_turns(j->rig);
	os_st32_rel(&j->hold, 0);
	while (os_ld32_acq(&j->work.worker->call_wanted) == 0)
		sched_yield();
}

static enum work_turn
job_turn(struct work *wk)
{
	struct job *j = CONTAINER_OF(wk, struct job, work);

	(void)__atomic_fetch_add(j->behind, 1, __ATOMIC_SEQ_CST);
	os_st32_rel(&j->seen, os_ld32_acq(&j->asked));
	(void)__atomic_fetch_add(&j->turns, 1, __ATOMIC_SEQ_CST);
	if (os_ld32_acq(&j->hold) != 0)
		job_hold(j);
	(void)__atomic_fetch_sub(j->behind, 1, __ATOMIC_SEQ_CST);
	return (enum work_turn)os_ld32(&j->greedy);
}

static void
job_on_event(struct work_source *s)
{
	struct job *j = CONTAINER_OF(s, struct job, src);

	(void)__atomic_fetch_add(&j->noted, 1, __ATOMIC_SEQ_CST);
}

static void
rig_start(struct rig *r, uint32_t workers)
{
	memset(r, 0, sizeof(*r));
	r->gate.id = 1;
	assert_int_equal(worker_pool_start(&r->pool, workers,
	    &(struct thread_place){ 0 }), 0);
	for (uint32_t i = 0; i < WORKS; i++) {
		r->job[i].behind = &r->behind;
		r->job[i].rig = r;
		r->job[i].src.fd = -1;
		work_init(&r->job[i].work, &r->pool.worker[i % workers],
		    &r->gate, job_turn);
	}
}

static void
rig_stop(struct rig *r)
{
	struct work *works[WORKS];

	for (uint32_t i = 0; i < WORKS; i++)
		works[i] = &r->job[i].work;
	work_remove(&r->pool, works, WORKS);
	worker_pool_stop(&r->pool);
}

static void
await(const uint32_t *what, uint32_t value)
{
	while (os_ld32_acq(what) != value)
		sched_yield();
}

/* A lost wake-up or post hangs here, and the runner's time-out says so. */
static void
test_posts(void **state)
{
	struct rig r;

	rig_start(&r, 3);
	for (uint32_t n = 1; n <= ROUNDS; n++) {
		for (uint32_t i = 0; i < WORKS; i++) {
			os_st32_rel(&r.job[i].asked, n);
			work_post(&r.job[i].work);
		}
		for (uint32_t i = 0; i < WORKS; i++)
			await(&r.job[i].seen, n);
	}
	rig_stop(&r);
}

static void
test_gate(void **state)
{
	struct rig r;

	rig_start(&r, 3);
	for (uint32_t n = 1; n <= ROUNDS; n++) {
		for (uint32_t i = 0; i < WORKS; i++) {
			os_st32_rel(&r.job[i].asked, n);
			work_post(&r.job[i].work);
		}
		gate_close(&r.pool, &r.gate);
		gate_close(&r.pool, &r.gate);
		assert_int_equal(os_ld32_acq(&r.behind), 0);
		uint32_t turns = 0, again = 0;
		for (uint32_t i = 0; i < WORKS; i++)
			turns += os_ld32_acq(&r.job[i].turns);
		gate_open(&r.pool, &r.gate);
		sched_yield();
		for (uint32_t i = 0; i < WORKS; i++)
			again += os_ld32_acq(&r.job[i].turns);
		/* One of the two closings is still in force. */
		assert_int_equal(turns, again);
		gate_open(&r.pool, &r.gate);
		/* Shut again before those turned away may have looked. */
		gate_close(&r.pool, &r.gate);
		if (n % 2 == 0)
			sched_yield();
		gate_open(&r.pool, &r.gate);
		for (uint32_t i = 0; i < WORKS; i++)
			await(&r.job[i].seen, n);
	}
	rig_stop(&r);
}

/* Works that never run dry starve neither their neighbours nor control. */
static void
test_fair(void **state)
{
	struct rig r;

	rig_start(&r, 1);
	for (uint32_t i = 1; i < WORKS; i++) {
		os_st32(&r.job[i].greedy, WORK_MORE);
		work_post(&r.job[i].work);
	}
	os_st32_rel(&r.job[0].asked, 1);
	work_post(&r.job[0].work);
	await(&r.job[0].seen, 1);
	gate_close(&r.pool, &r.gate);
	uint32_t least = UINT32_MAX, most = 0;
	for (uint32_t i = 1; i < WORKS; i++) {
		least = min_u32(least, os_ld32_acq(&r.job[i].turns));
		most = max_u32(most, os_ld32_acq(&r.job[i].turns));
	}
	gate_open(&r.pool, &r.gate);
	uint32_t from = os_ld32_acq(&r.job[1].turns);
	while (os_ld32_acq(&r.job[1].turns) - from < 1000)
		sched_yield();
	gate_close(&r.pool, &r.gate);
	uint32_t low = UINT32_MAX, high = 0;
	for (uint32_t i = 1; i < WORKS; i++) {
		low = min_u32(low, os_ld32_acq(&r.job[i].turns));
		high = max_u32(high, os_ld32_acq(&r.job[i].turns));
	}
	/* Opening and closing in mid-round may cost a turn each. */
	assert_true(high - low <= most - least + 2);
	gate_open(&r.pool, &r.gate);
	rig_stop(&r);
}

static void
call_counts(struct worker *w, void *arg)
{
	struct rig *r = arg;

	(void)w;
	r->turns_called = rig_turns(r);
}

/* Control waits for the turn at hand, not for a round of them. */
static void
test_call_between_turns(void **state)
{
	struct rig r;

	rig_start(&r, 1);
	for (uint32_t i = 0; i < WORKS; i++) {
		os_st32(&r.job[i].greedy, WORK_MORE);
		work_post(&r.job[i].work);
	}
	for (uint32_t i = 0; i < WORKS; i++) {
		os_st32_rel(&r.job[i].hold, 1);
		await(&r.job[i].hold, 0);
		worker_call(&r.pool.worker[0], call_counts, &r);
		assert_int_equal(r.turns_called, r.turns_held);
		/* The rest of the round was put off, not forgotten. */
		for (uint32_t k = 0; k < WORKS; k++) {
			os_st32_rel(&r.job[k].asked, i + 1);
			await(&r.job[k].seen, i + 1);
		}
	}
	rig_stop(&r);
}

static void
test_source(void **state)
{
	struct rig r;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uint64_t one = 1;

	assert_true(fd >= 0);
	rig_start(&r, 2);
	struct job *j = &r.job[0];
	assert_int_equal(work_source_add(&j->src, &j->work, fd, job_on_event),
	    0);
	for (uint32_t n = 1; n <= 1000; n++) {
		os_st32_rel(&j->asked, n);
		assert_int_equal(write(fd, &one, sizeof(one)), 8);
		await(&j->seen, n);
	}
	/* Never read, and still each write was an event. */
	assert_int_equal(os_ld32_acq(&j->noted), 1000);
	work_source_del(&j->src);
	struct work *works[] = { &j->work };
	work_remove(&r.pool, works, 1);
	assert_int_equal(write(fd, &one, sizeof(one)), 8);
	work_post(&r.job[1].work);
	work_post(&r.job[2].work);
	await(&r.job[1].turns, 1);
	await(&r.job[2].turns, 1);
	assert_int_equal(os_ld32_acq(&j->noted), 1000);
	rig_stop(&r);
	close(fd);
}

/* Works that spin hide neither descriptors, posts nor gates. */
static void
test_spin(void **state)
{
	struct rig r;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	uint64_t one = 1;
	uint32_t turns;

	assert_true(fd >= 0);
	rig_start(&r, 1);
	const struct worker *w = &r.pool.worker[0];
	assert_int_equal(work_source_add(&r.job[0].src, &r.job[0].work, fd,
	    job_on_event), 0);
	os_st32(&r.job[1].greedy, WORK_SPIN);
	work_post(&r.job[1].work);
	for (uint32_t n = 1; n <= 300; n++) {
		os_st32_rel(&r.job[0].asked, n);
		assert_int_equal(write(fd, &one, sizeof(one)), 8);
		os_st32_rel(&r.job[2].asked, n);
		work_post(&r.job[2].work);
		await(&r.job[0].seen, n);
		await(&r.job[2].seen, n);
		gate_close(&r.pool, &r.gate);
		assert_int_equal(os_ld32_acq(&r.behind), 0);
		gate_open(&r.pool, &r.gate);
	}
	turns = os_ld32_acq(&r.job[1].turns);
	while (os_ld32_acq(&r.job[1].turns) - turns < 1000)
		sched_yield();
	assert_true(os_ld64(&w->counters.spins) >= 900);
	work_source_del(&r.job[0].src);
	rig_stop(&r);
	close(fd);
}

static void
test_removed(void **state)
{
	struct rig r;
	struct work *works[1];

	rig_start(&r, 2);
	works[0] = &r.job[0].work;
	/* Ready, turned away and posted: each list must forget it. */
	gate_close(&r.pool, &r.gate);
	work_post(&r.job[0].work);
	work_remove(&r.pool, works, 1);
	gate_open(&r.pool, &r.gate);
	os_st32_rel(&r.job[2].asked, 1);
	work_post(&r.job[2].work);
	await(&r.job[2].seen, 1);
	assert_int_equal(os_ld32_acq(&r.job[0].turns), 0);
	rig_stop(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posts),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_call_between_turns),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_spin),
		cmocka_unit_test(test_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
