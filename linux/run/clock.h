/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock of timers and deadlines.
 *
 * Context: any thread; no system call where the kernel has a vDSO.
 */
#ifndef LINUX_RUN_CLOCK_H
#define LINUX_RUN_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in nanoseconds. */
static inline uint64_t
clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Processor time of the calling thread so far, in nanoseconds. */
static inline uint64_t
clock_thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#endif
