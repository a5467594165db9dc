/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of profiles. */
#include "linux/run/profile.h"

const char *const profile_names[PROFILES] = {
	[PROFILE_DEFAULT] = "default",
	[PROFILE_THROUGHPUT] = "throughput",
	[PROFILE_LATENCY] = "latency",
	[PROFILE_MANY_FLOWS] = "many-flows",
	[PROFILE_LOW_CPU] = "low-cpu",
};
