/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stand-in's locks, task queues, memory and software queues.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void
mem_free(void *p)
{
	free(p);
}

static void *
mem_new(size_t bytes)
{
	return calloc(1, bytes);
}

#include "base/os.h"
#include "standin.h"

int mp_ncpus = 1, bootverbose, hz = 1000;
_Thread_local int curcpu;

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

sbintime_t
nstosbt(int64_t ns)
{
	return (ns / 1000000000) * SBT_1S +
	    (ns % 1000000000) * SBT_1S / 1000000000;
}

int64_t
sbttons(sbintime_t t)
{
	return (t >> 32) * 1000000000 +
	    (int64_t)(((uint64_t)t & 0xffffffffu) * 1000000000u >> 32);
}

sbintime_t
sbinuptime(void)
{
	return nstosbt((int64_t)now_ns());
}

void *
standin_malloc(size_t bytes, struct malloc_type *t, int flags)
{
	__atomic_fetch_add(&t->blocks, 1, __ATOMIC_RELAXED);
	return mem_new(bytes);
}

void
standin_free(void *p, struct malloc_type *t)
{
	if (p != NULL)
		__atomic_fetch_sub(&t->blocks, 1, __ATOMIC_RELAXED);
	mem_free(p);
}

/* ---- locks -------------------------------------------------------------- */

static _Thread_local char self;		/* its address names the thread */

void
mtx_init(struct mtx *m, const char *name, const char *type, int flags)
{
	m->owner = NULL;
	pthread_mutex_init(&m->m, NULL);
}

static void
mtx_own(struct mtx *m, const void *who)
{
	__atomic_store_n(&m->owner, who, __ATOMIC_RELAXED);
}

void
mtx_lock(struct mtx *m)
{
	KASSERT(!mtx_owned(m), (""));
	pthread_mutex_lock(&m->m);
	mtx_own(m, &self);
}

int
mtx_trylock(struct mtx *m)
{
	if (pthread_mutex_trylock(&m->m) != 0)
		return 0;
	mtx_own(m, &self);
	return 1;
}

void
mtx_unlock(struct mtx *m)
{
	KASSERT(mtx_owned(m), (""));
	mtx_own(m, NULL);
	pthread_mutex_unlock(&m->m);
}

int
mtx_owned(const struct mtx *m)
{
	return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == &self;
}

static int
cond_until(pthread_cond_t *c, pthread_mutex_t *m, uint64_t ns)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ns += (uint64_t)ts.tv_nsec;
	ts.tv_sec += (time_t)(ns / 1000000000);
	ts.tv_nsec = (long)(ns % 1000000000);
	return pthread_cond_timedwait(c, m, &ts);
}

int
cv_timedwait(struct cv *c, struct mtx *m, int ticks)
{
	int err;

	mtx_own(m, NULL);
	err = cond_until(&c->c, &m->m, (uint64_t)ticks * 1000000);
	mtx_own(m, &self);
	return err;
}

/* ---- task queues -------------------------------------------------------- */

struct taskqueue {
	pthread_mutex_t m;
	pthread_cond_t c;
	pthread_t thread;
	bool started, stop;
	pthread_mutex_t *around;
	struct task *first, *running;
	struct timeout_task *timers;
};

struct taskqueue *
taskqueue_create(const char *name, int flags, void (*wake)(void *), void *arg)
{
	struct taskqueue *tq = mem_new(sizeof(*tq));

	pthread_mutex_init(&tq->m, NULL);
	pthread_cond_init(&tq->c, NULL);
	return tq;
}

void
standin_taskqueue_lock(struct taskqueue *tq, pthread_mutex_t *m)
{
	tq->around = m;
}

/* lock: m */
static int
task_add(struct taskqueue *tq, struct task *t)
{
	struct task **at = &tq->first;

	if (t->pending++ != 0)
		return 0;
	while (*at != NULL)
		at = &(*at)->next;
	t->next = NULL;
	*at = t;
	pthread_cond_broadcast(&tq->c);
	return 0;
}

/* Enqueue what is due; returns ns to the next that is not, or UINT64_MAX. */
static uint64_t
task_timers(struct taskqueue *tq)
{
	uint64_t now = now_ns(), next = UINT64_MAX;

	for (struct timeout_task *t = tq->timers; t != NULL; t = t->next) {
		if (t->at == 0)
			continue;
		if (t->at > now) {
			next = next < t->at - now ? next : t->at - now;
			continue;
		}
		t->at = 0;
		(void)task_add(tq, &t->t);
	}
	return next;
}

static void
task_run(struct taskqueue *tq, struct task *t)
{
	int pending = t->pending;

	tq->first = t->next;
	t->pending = 0;
	tq->running = t;
	pthread_mutex_unlock(&tq->m);
	if (tq->around != NULL)
		pthread_mutex_lock(tq->around);
	t->fn(t->ctx, pending);
	if (tq->around != NULL)
		pthread_mutex_unlock(tq->around);
	pthread_mutex_lock(&tq->m);
	tq->running = NULL;
	pthread_cond_broadcast(&tq->c);
}

static void *
task_thread(void *arg)
{
	struct taskqueue *tq = arg;

	pthread_mutex_lock(&tq->m);
	while (!tq->stop) {
		uint64_t next = task_timers(tq);

		if (tq->first != NULL)
			task_run(tq, tq->first);
		else if (next == UINT64_MAX)
			pthread_cond_wait(&tq->c, &tq->m);
		else
			(void)cond_until(&tq->c, &tq->m, next);
	}
	pthread_mutex_unlock(&tq->m);
	return NULL;
}

int
taskqueue_start_threads(struct taskqueue **tq, int n, int pri,
    const char *fmt, ...)
{
	(*tq)->started = true;
	return pthread_create(&(*tq)->thread, NULL, task_thread, *tq);
}

int
taskqueue_enqueue(struct taskqueue *tq, struct task *t)
{
	pthread_mutex_lock(&tq->m);
	(void)task_add(tq, t);
	pthread_mutex_unlock(&tq->m);
	return 0;
}

int
taskqueue_enqueue_timeout_sbt(struct taskqueue *tq, struct timeout_task *t,
    sbintime_t sbt, sbintime_t pr, int flags)
{
	pthread_mutex_lock(&tq->m);
	if (!t->known) {
		t->known = true;
		t->next = tq->timers;
		tq->timers = t;
	}
	t->at = now_ns() + (uint64_t)sbttons(sbt) + 1;
	pthread_cond_broadcast(&tq->c);
	pthread_mutex_unlock(&tq->m);
	return 0;
}

int
taskqueue_cancel_timeout(struct taskqueue *tq, struct timeout_task *t,
    u_int *pending)
{
	bool busy;

	pthread_mutex_lock(&tq->m);
	t->at = 0;
	busy = t->t.pending != 0 || tq->running == &t->t;
	pthread_mutex_unlock(&tq->m);
	return busy ? EBUSY : 0;
}

void
taskqueue_drain(struct taskqueue *tq, struct task *t)
{
	pthread_mutex_lock(&tq->m);
	while (t->pending != 0 || tq->running == t)
		pthread_cond_wait(&tq->c, &tq->m);
	pthread_mutex_unlock(&tq->m);
}

void
taskqueue_free(struct taskqueue *tq)
{
	pthread_mutex_lock(&tq->m);
	tq->stop = true;
	pthread_cond_broadcast(&tq->c);
	pthread_mutex_unlock(&tq->m);
	if (tq->started)
		pthread_join(tq->thread, NULL);
	mem_free(tq);
}

/* ---- buf_ring ----------------------------------------------------------- */

struct buf_ring {
	pthread_mutex_t m;
	int size;
	int first, n;			/* atomic to look at */
	void *buf[];
};

struct buf_ring *
buf_ring_alloc(int count, struct malloc_type *t, int flags, struct mtx *m)
{
	struct buf_ring *br = malloc(sizeof(*br) + (size_t)count *
	    sizeof(br->buf[0]), t, flags);

	pthread_mutex_init(&br->m, NULL);
	br->size = count;
	return br;
}

void
buf_ring_free(struct buf_ring *br, struct malloc_type *t)
{
	free(br, t);
}

int
buf_ring_enqueue(struct buf_ring *br, void *p)
{
	int err = ENOBUFS;

	pthread_mutex_lock(&br->m);
	/* One place stays free, as there. */
	if (br->n < br->size - 1) {
		br->buf[(br->first + br->n) % br->size] = p;
		__atomic_store_n(&br->n, br->n + 1, __ATOMIC_SEQ_CST);
		err = 0;
	}
	pthread_mutex_unlock(&br->m);
	return err;
}

void *
buf_ring_peek(struct buf_ring *br)
{
	void *p = NULL;

	pthread_mutex_lock(&br->m);
	if (br->n != 0)
		p = br->buf[br->first];
	pthread_mutex_unlock(&br->m);
	return p;
}

void
buf_ring_advance_sc(struct buf_ring *br)
{
	pthread_mutex_lock(&br->m);
	br->first = (br->first + 1) % br->size;
	__atomic_store_n(&br->n, br->n - 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&br->m);
}

void
buf_ring_putback_sc(struct buf_ring *br, void *p)
{
	pthread_mutex_lock(&br->m);
	br->buf[br->first] = p;
	pthread_mutex_unlock(&br->m);
}

void *
buf_ring_dequeue_sc(struct buf_ring *br)
{
	void *p = buf_ring_peek(br);

	if (p != NULL)
		buf_ring_advance_sc(br);
	return p;
}

int
buf_ring_empty(struct buf_ring *br)
{
	return __atomic_load_n(&br->n, __ATOMIC_SEQ_CST) == 0;
}
