/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Worker threads.
 *
 * The loop: sleep until something happens (or not at all while works are
 * ready), note what happened, take posts, then give each ready work one turn,
 * in the order in which they became ready.  A work that has more to do goes to
 * the end, so a channel that never runs dry costs the others one turn each
 * round.
 *
 * A work that found nothing may still request another turn (WORK_SPIN): a guest
 * that polls does not signal, so its ring must be polled.  While there are such
 * works the worker looks at descriptors only every few rounds, and if it finds
 * nothing for long it yields the processor now and then (crowd.h).  If others
 * wanted it, worker_may_spin() is false for a while; works request signals
 * instead, and the worker sleeps until one comes.
 *
 * Gates are Dekker's handshake: a worker writes which gate it enters and then
 * reads whether that is closed; control closes it and then reads who is inside.
 * Each side has a full barrier between the two.  A worker that is turned away
 * keeps the work in a list of its own, which it goes through each round, and
 * marks itself in the gate; opening wakes the marked ones.  The worker reads
 * the gate again after marking, so it misses no opening.
 */
#include "linux/host/worker.h"
#include "linux/run/clock.h"
#include "linux/run/priv.h"
#include "linux/see/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define X(name, text) COUNTER_ROW(worker_counters, name, text)
COUNTER_TABLE(worker_counters, WORKER_COUNTERS(X));
#undef X

#define WORKER_EVENTS	32
#define WORKER_NAP_NS	50000u
#define WORKER_YIELDS	64u
/* Policy: rounds between looks at descriptors, while rings are polled. */
#define WORKER_POLL_ROUNDS	8u
#define WORKER_SPIN_ROUNDS	64u

static void
worker_wake(struct worker *w)
{
	uint64_t one = 1;

	if (write(w->wake_fd, &one, sizeof(one)) < 0)
		return;	/* full: a wake-up is pending anyway */
}

/* --- gates --- */

static bool
gate_enter(struct worker *w, struct gate *g)
{
	(void)os_xchg32(&w->inside, g->id);
	os_mb();
	if (os_ld32_acq(&g->closed) == 0)
		return true;
	os_st32_rel(&w->inside, 0);
	return false;
}

static void
gate_leave(struct worker *w)
{
	os_st32_rel(&w->inside, 0);
}

/* Control waits for a worker: it yields at first, then naps. */
static void
worker_wait(uint32_t *steps)
{
	const struct timespec nap = { 0, WORKER_NAP_NS };

	if (++*steps < WORKER_YIELDS) {
		sched_yield();
		return;
	}
	nanosleep(&nap, NULL);
}

void
gate_close(struct worker_pool *p, struct gate *g)
{
	uint32_t steps = 0;

	if (g->closings++ > 0)
		return;
	(void)os_xchg32(&g->closed, 1);
	os_mb();
	for (uint32_t i = 0; i < p->count; i++)
		while (os_ld32_acq(&p->worker[i].inside) == g->id)
			worker_wait(&steps);
}

void
gate_open(struct worker_pool *p, struct gate *g)
{
	uint64_t missed;

	OS_ASSERT(g->closings > 0);
	if (--g->closings > 0)
		return;
	(void)os_xchg32(&g->closed, 0);
	os_mb();
	missed = os_xchg64(&g->missed, 0);
	for (uint32_t i = 0; i < p->count; i++) {
		if ((missed >> i & 1) != 0)
			worker_wake(&p->worker[i]);
	}
}

/* --- works; owner --- */

void
work_ready(struct work *wk)
{
	struct worker *w = wk->worker;

	if (wk->queued)
		return;
	wk->queued = true;
	wk->next = NULL;
	*w->last = wk;
	w->last = &wk->next;
}

static void
work_turn_away(struct worker *w, struct work *wk)
{
	(void)os_or64(&wk->gate->missed, (uint64_t)1 << w->index);
	os_mb();
	/* It may have opened before it could see our mark. */
	if (os_ld32_acq(&wk->gate->closed) == 0) {
		work_ready(wk);
		return;
	}
	wk->queued = true;
	wk->next = w->turned_away;
	w->turned_away = wk;
}

/* Opening used up our mark, so those still shut out mark themselves again. */
static void
worker_retry(struct worker *w)
{
	struct work *wk = w->turned_away;

	w->turned_away = NULL;
	while (wk != NULL) {
		struct work *next = wk->next;

		wk->queued = false;
		if (os_ld32_acq(&wk->gate->closed) == 0)
			work_ready(wk);
		else
			work_turn_away(w, wk);
		wk = next;
	}
}

/* The rest of a round waits: it comes first in the next one. */
static void
round_put_off(struct worker *w, struct work *rest)
{
	struct work *last = rest;

	while (last->next != NULL)
		last = last->next;
	last->next = w->first;
	if (w->first == NULL)
		w->last = &last->next;
	w->first = rest;
}

static void
worker_turns(struct worker *w)
{
	struct work *wk = w->first;

	/* Those that become ready meanwhile get their turn next round. */
	w->first = NULL;
	w->last = &w->first;
	w->spinning = false;
	w->spins++;
	while (wk != NULL) {
		struct work *next = wk->next;

		/* Control waits for one turn at most, not for all turns. */
		if (os_ld32_acq(&w->call_wanted) != 0) {
			round_put_off(w, wk);
			break;
		}
		wk->queued = false;
		if (gate_enter(w, wk->gate)) {
			enum work_turn t = wk->turn(wk);

			counter_add(&w->counters.turns, 1);
			if (t != WORK_IDLE)
				work_ready(wk);
			if (t == WORK_SPIN)
				w->spinning = true;
			else
				w->spins = 0;
			gate_leave(w);
		} else {
			counter_add(&w->counters.gated, 1);
			work_turn_away(w, wk);
		}
		wk = next;
	}
}

static void
worker_posts_take(struct worker *w)
{
	struct work *wk = __atomic_exchange_n(&w->posts, NULL,
	    __ATOMIC_SEQ_CST);

	while (wk != NULL) {
		struct work *next = wk->post_next;

		/* From here on it may be posted again. */
		(void)os_xchg32(&wk->posted, 0);
		counter_add(&w->counters.posts, 1);
		work_ready(wk);
		wk = next;
	}
}

static void
worker_call_here(struct worker *w)
{
	w->call(w, w->call_arg);
	os_st32_rel(&w->call_wanted, 0);
}

/* Sleep until a descriptor is ready; while works are ready, only look. */
static void
worker_events_take(struct worker *w)
{
	struct epoll_event ev[WORKER_EVENTS];
	int timeout = w->first != NULL ? 0 : -1;
	int n;

	if (timeout != 0 && trace_on())
		trace_put(TRACE_SLEEP, TRACE_WHY_NONE, 0, 0);
	n = epoll_wait(w->epoll_fd, ev, WORKER_EVENTS, timeout);
	if (timeout != 0 && trace_on())
		trace_put(TRACE_WAKE, TRACE_WHY_NONE, 0, (uint64_t)n);

	counter_add(timeout == 0 ? &w->counters.polls : &w->counters.wakeups,
	    1);
	for (int i = 0; i < n; i++) {
		struct work_source *s = ev[i].data.ptr;

		/* NULL: the wake-up; edge-triggered, not read. */
		if (s == NULL)
			continue;
		s->event(s);
		work_ready(__atomic_load_n(&s->work, __ATOMIC_ACQUIRE));
	}
	w->rounds = 0;
}

/* After a round in which no work found anything. */
static void
worker_spin(struct worker *w)
{
	counter_add(&w->counters.spins, 1);
	if (w->spins % WORKER_SPIN_ROUNDS != 0) {
		os_relax();
		return;
	}
	if (crowd_yield(&w->crowd))
		counter_add(&w->counters.crowded, 1);
}

bool
worker_may_spin(const struct worker *w, uint64_t now_ns)
{
	return !crowd_is(&w->crowd, now_ns);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;

	priv_none();
	while (os_ld32_acq(&w->stopping) == 0) {
		uint32_t every = !w->spinning ? 1 : w->spins == 0 ?
		    WORKER_POLL_ROUNDS : WORKER_SPIN_ROUNDS;

		if (w->first == NULL || ++w->rounds >= every)
			worker_events_take(w);
		if (w->spins > 0 && w->first != NULL)
			worker_spin(w);
		worker_posts_take(w);
		worker_retry(w);
		if (os_ld32_acq(&w->call_wanted) != 0)
			worker_call_here(w);
		worker_turns(w);
	}
	return NULL;
}

/* --- control, and other threads --- */

void
work_init(struct work *wk, struct worker *w, struct gate *g,
    enum work_turn (*turn)(struct work *))
{
	*wk = (struct work){ .worker = w, .gate = g, .turn = turn };
}

void
work_post(struct work *wk)
{
	struct worker *w = wk->worker;
	struct work *head;

	if (os_xchg32(&wk->posted, 1) != 0)
		return;
	head = __atomic_load_n(&w->posts, __ATOMIC_RELAXED);
	do {
		wk->post_next = head;
	} while (!__atomic_compare_exchange_n(&w->posts, &head, wk, true,
	    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	/* wk may be taken and posted again by now: look at head, not at it. */
	if (head == NULL)
		worker_wake(w);
}

void
worker_call(struct worker *w, void (*fn)(struct worker *, void *), void *arg)
{
	uint32_t steps = 0;

	w->call = fn;
	w->call_arg = arg;
	os_st32_rel(&w->call_wanted, 1);
	worker_wake(w);
	while (os_ld32_acq(&w->call_wanted) != 0)
		worker_wait(&steps);
}

struct work_set {
	struct work **work;
	uint32_t count;
};

static bool
work_set_has(const struct work_set *s, const struct work *wk)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->work[i] == wk)
			return true;
	return false;
}

/* The worker's thread: forget the works of the set. */
static void
worker_forget(struct worker *w, void *arg)
{
	const struct work_set *s = arg;
	struct work **p;

	worker_posts_take(w);
	for (p = &w->first; *p != NULL;) {
		if (work_set_has(s, *p))
			*p = (*p)->next;
		else
			p = &(*p)->next;
	}
	w->last = p;
	for (p = &w->turned_away; *p != NULL;) {
		if (work_set_has(s, *p))
			*p = (*p)->next;
		else
			p = &(*p)->next;
	}
}

void
work_remove(struct worker_pool *p, struct work **works, uint32_t count)
{
	struct work_set s = { works, count };

	for (uint32_t i = 0; i < p->count; i++)
		worker_call(&p->worker[i], worker_forget, &s);
}

int
work_source_add(struct work_source *s, struct work *wk, int fd,
    void (*event)(struct work_source *))
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.ptr = s };

	s->work = wk;
	s->event = event;
	s->fd = fd;
	if (epoll_ctl(wk->worker->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0)
		return 0;
	s->fd = -1;
	return -errno;
}

void
work_source_del(struct work_source *s)
{
	if (s->fd >= 0)
		epoll_ctl(s->work->worker->epoll_fd, EPOLL_CTL_DEL, s->fd,
		    NULL);
	s->fd = -1;
}

static int
worker_start(struct worker *w, const struct thread_place *place)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int rc;

	w->last = &w->first;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll_fd < 0 || w->wake_fd < 0)
		return -errno;
	if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->wake_fd, &e) < 0)
		return -errno;
	rc = -pthread_create(&w->thread, NULL, worker_main, w);
	if (rc < 0)
		return rc;
	w->started = true;
	thread_place(w->thread, "hv-worker", w->index, place);
	return 0;
}

int
worker_pool_start(struct worker_pool *p, uint32_t count,
    const struct thread_place *place)
{
	int rc = 0;

	*p = (struct worker_pool){ 0 };
	p->worker = aligned_alloc(OS_CACHELINE, count * sizeof(*p->worker));
	if (p->worker == NULL)
		return -ENOMEM;
	memset(p->worker, 0, count * sizeof(*p->worker));
	for (uint32_t i = 0; i < count; i++) {
		struct worker *w = &p->worker[i];

		w->index = i;
		w->epoll_fd = w->wake_fd = -1;
	}
	for (p->count = 0; p->count < count && rc == 0; p->count++)
		rc = worker_start(&p->worker[p->count], place);
	if (rc < 0)
		worker_pool_stop(p);
	return rc;
}

void
worker_pool_stop(struct worker_pool *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		struct worker *w = &p->worker[i];

		if (w->started) {
			os_st32_rel(&w->stopping, 1);
			worker_wake(w);
			pthread_join(w->thread, NULL);
		}
		if (w->epoll_fd >= 0)
			close(w->epoll_fd);
		if (w->wake_fd >= 0)
			close(w->wake_fd);
	}
	free(p->worker);
	p->worker = NULL;
	p->count = 0;
}
