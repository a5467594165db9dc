/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of threads: which ring is whose.
 */
#include "linux/see/see.h"

static uint32_t threads_numbered;
static __thread uint32_t thread_number;	/* 0: none yet */

uint32_t
see_thread(void)
{
	if (thread_number == 0)
		thread_number = __atomic_add_fetch(&threads_numbered, 1,
		    __ATOMIC_RELAXED);
	return thread_number;
}
