/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How far apart two processors are: the time in which a word written by one is
 * answered by the other, in nanoseconds.
 *
 *	pps_cores CPU CPU
 *
 * Two virtual processors may be cores that share a cache at one moment and
 * cores that do not at the next, as the hypervisor likes, and packets a second
 * follow.  Printed is the best of several short rounds, so that others who use
 * the processors do not count.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "linux/run/clock.h"

#define ROUNDS		20u
#define TURNS		500u
#define ANSWERS		(ROUNDS * TURNS)

static _Alignas(128) atomic_uint word;

static void
stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		perror("pps_cores: sched_setaffinity");
}

/* Wait for the value, give way now and then: both may be on one processor. */
static void
await(unsigned int value)
{
	for (unsigned int n = 1; atomic_load_explicit(&word,
	    memory_order_acquire) != value; n++)
		if (n % 4096 == 0)
			sched_yield();
}

static void *
answer(void *arg)
{
	stay_on(*(int *)arg);
	for (unsigned int i = 0; i < ANSWERS; i++) {
		await(2 * i + 1);
		atomic_store_explicit(&word, 2 * i + 2, memory_order_release);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	uint64_t best = UINT64_MAX;
	unsigned int i = 0;
	pthread_t thread;
	int cpu[2];

	if (argc != 3) {
		fprintf(stderr, "pps_cores: CPU CPU\n");
		return 2;
	}
	cpu[0] = atoi(argv[1]);
	cpu[1] = atoi(argv[2]);
	stay_on(cpu[0]);
	if (pthread_create(&thread, NULL, answer, &cpu[1]) != 0) {
		fprintf(stderr, "pps_cores: no thread\n");
		return 1;
	}
	for (unsigned int r = 0; r < ROUNDS; r++) {
		uint64_t from = clock_now_ns(), took;

		for (unsigned int k = 0; k < TURNS; k++, i++) {
			atomic_store_explicit(&word, 2 * i + 1,
			    memory_order_release);
			await(2 * i + 2);
		}
		took = clock_now_ns() - from;
		if (took < best)
			best = took;
	}
	pthread_join(thread, NULL);
	printf("%.1f\n", (double)best / TURNS);
	return 0;
}
