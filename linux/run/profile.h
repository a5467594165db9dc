/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Profiles: settings that go together, by what matters most.  Each end has its
 * own settings for each; docs/tuning.md has them all.
 */
#ifndef LINUX_RUN_PROFILE_H
#define LINUX_RUN_PROFILE_H

enum profile {
	PROFILE_DEFAULT,
	PROFILE_THROUGHPUT,	/* bytes a second of a few flows */
	PROFILE_LATENCY,	/* the time of a round trip, also under load */
	PROFILE_MANY_FLOWS,	/* hundreds of flows, bursts on every channel */
	PROFILE_LOW_CPU,	/* processor time a byte */
};

#define PROFILES	5u
/* By number, as the command line has them. */
extern const char *const profile_names[PROFILES];

#endif
