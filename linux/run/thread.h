/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where and how a thread that carries traffic runs.
 */
#ifndef LINUX_RUN_THREAD_H
#define LINUX_RUN_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* How the scheduler treats it. */
enum thread_sched {
	/*
	 * SCHED_BATCH: when it wakes up, it does not preempt the running
	 * thread.  So the thread that makes frames goes on, and each wake-up
	 * finds several: less work a byte where processors are busy
	 * (docs/tuning.md).
	 */
	THREAD_SCHED_BATCH,
	THREAD_SCHED_NORMAL,	/* at once, frame by frame */
};

#define THREAD_SCHEDS	2u
extern const char *const thread_sched_names[THREAD_SCHEDS];

struct thread_place {
	bool pin;		/* thread k to processor first_cpu + k */
	uint32_t first_cpu;
	enum thread_sched sched;
};

/*
 * Name thread k "NAMEk" and place it.  All of it is a hint: what the kernel
 * refuses is left as it is.  Any thread; k counts from 0, modulo processors.
 */
void thread_place(pthread_t, const char *name, uint32_t k,
    const struct thread_place *);

#endif
