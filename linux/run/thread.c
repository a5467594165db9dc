/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Priority, policy and processor of a data thread.
 *
 * Theory of operation.  Called once for each data thread by the thread that
 * made it; the new one may run meanwhile, and moves when told.
 */
#include "linux/run/thread.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#define THREAD_NAME_MAX	16	/* the kernel's, with its end */

const char *const thread_sched_names[THREAD_SCHEDS] = {
	[THREAD_SCHED_BATCH] = "batch",
	[THREAD_SCHED_NORMAL] = "normal",
};

void
thread_place(pthread_t t, const char *name, uint32_t k,
    const struct thread_place *p)
{
	const struct sched_param none = { 0 };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char full[THREAD_NAME_MAX];
	cpu_set_t set;

	snprintf(full, sizeof(full), "%s%u", name, k);
	pthread_setname_np(t, full);
	if (p->sched == THREAD_SCHED_BATCH)
		pthread_setschedparam(t, SCHED_BATCH, &none);
	if (!p->pin || cpus <= 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((p->first_cpu + k) % (uint32_t)cpus, &set);
	pthread_setaffinity_np(t, sizeof(set), &set);
}
