/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Worker threads of a host, and gates.
 *
 * A worker owns works: things that get bounded turns, round robin, while they
 * have something to do.  Whatever may give a work something to do is a source
 * (a descriptor, edge-triggered and never read here) or a post from another
 * thread.  Between turns a worker touches nothing of any NIC.
 *
 * A gate stands before the works of one NIC.  Control closes it, waits until no
 * worker is inside, changes what it likes, and opens it.  That costs a sleeping
 * worker nothing, and other NICs go on meanwhile.
 */
#ifndef LINUX_HOST_WORKER_H
#define LINUX_HOST_WORKER_H

#include <pthread.h>

#include "base/counter.h"
#include "linux/run/crowd.h"
#include "linux/run/thread.h"

#define WORKER_COUNTERS(X)						\
	X(wakeups,	"times the thread woke from sleep")		\
	X(polls,	"times the thread looked for work without sleeping") \
	X(spins,	"rounds in which polled rings had nothing")	\
	X(crowded,	"times polling was given up for lack of a processor") \
	X(turns,	"turns given to channels")			\
	X(posts,	"channels poked by another thread")		\
	X(gated,	"turns put off for a control change")
COUNTER_STRUCT(worker_counters, WORKER_COUNTERS);

struct worker;
struct worker_pool;

struct gate {
	uint32_t id;		/* const; not 0, one a gate */
	uint32_t users;		/* control: NICs behind it */
	uint32_t closings;	/* control: closes in force */
	uint32_t closed;	/* shared; not 0: turns should end soon */
	uint64_t missed;	/* shared: workers that were turned away */
};

enum work_turn {
	WORK_IDLE,		/* until something happens */
	WORK_MORE,		/* there is more to do now */
	/*
	 * Nothing to do, but look again at once: what comes next is seen in
	 * memory, and nobody may say so.
	 */
	WORK_SPIN,
};

struct work {
	/* const after work_init() */
	struct worker *worker;
	struct gate *gate;
	enum work_turn (*turn)(struct work *);	/* its worker */
	/* owner: the worker */
	struct work *next;
	bool queued;
	/* shared */
	uint32_t posted;
	struct work *post_next;
};

struct work_source {
	struct work *work;
	/* Note what happened; the work's turn comes later.  Its worker. */
	void (*event)(struct work_source *);
	int fd;			/* -1: not watched */
};

struct worker {
	uint32_t index;
	pthread_t thread;
	bool started;
	int epoll_fd;
	int wake_fd;

	/* shared */
	uint32_t inside;	/* id of the gate that it is behind, or 0 */
	uint32_t stopping;
	struct work *posts;	/* newest first */
	uint32_t call_wanted;
	void (*call)(struct worker *, void *);	/* by call_wanted */
	void *call_arg;

	/* owner: the thread */
	struct work *first, **last;	/* ready */
	struct work *turned_away;
	uint32_t rounds;		/* since it looked at descriptors */
	uint32_t spins;			/* rounds since something was done */
	bool spinning;			/* a ready work is polled */
	struct crowd crowd;
	struct worker_counters counters CACHE_ALIGNED;
};

struct worker_pool {
	uint32_t count;
	struct worker *worker;
};

/* Start `count` threads.  0 or -errno. */
int worker_pool_start(struct worker_pool *, uint32_t count,
    const struct thread_place *);
/* All works were removed. */
void worker_pool_stop(struct worker_pool *);

/* Control: nest; on return no worker is inside, until as many opens. */
void gate_close(struct worker_pool *, struct gate *);
void gate_open(struct worker_pool *, struct gate *);

/* Prepare a work; from now on it may be posted. */
void work_init(struct work *, struct worker *, struct gate *,
    enum work_turn (*turn)(struct work *));
/* Give the work a turn.  Any thread. */
void work_post(struct work *);
/* The same from the work's own worker. */
void work_ready(struct work *);
/*
 * False while others want this worker's processor, see worker.c: a work should
 * then wait for an event instead of returning WORK_SPIN.  Its own thread.
 */
bool worker_may_spin(const struct worker *, uint64_t now_ns);
/* Control: on return the worker holds no trace of these works. */
void work_remove(struct worker_pool *, struct work **, uint32_t count);

/* Control: watch fd for input.  0 or -errno. */
int work_source_add(struct work_source *, struct work *, int fd,
    void (*event)(struct work_source *));
/*
 * Stop watching.  One stale event may still be noted, so the source lives until
 * work_remove() of its work.
 */
void work_source_del(struct work_source *);

/* Control: run fn in the worker's thread, between turns, and wait for it. */
void worker_call(struct worker *, void (*fn)(struct worker *, void *),
    void *arg);

#endif
