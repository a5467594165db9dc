/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scenario only on VMBus: connect, offers, open, echo, sub-channels, move,
 * detach, unload, reconnect, rescind, offer again; and the same cut off after
 * any number of events, to see that every byte comes back.
 */
#ifndef SIM_SIM_VMBUS_H
#define SIM_SIM_VMBUS_H

#include "sim/sim_echo.h"

/* What ends a run that is stopped. */
enum sim_stop {
	SIM_STOP_CUT,		/* the wire is cut */
	SIM_STOP_UNLOAD,	/* the guest unloads, channels open or not */
	SIM_STOP_DETACH,	/* the guest closes everything, then unloads */
	SIM_STOP_RESCIND,	/* the host takes the device back */
	SIM_STOPS
};
extern const char *const sim_stop_names[SIM_STOPS];

struct sim_vmbus_config {
	struct sim_link_config link;
	uint64_t seed;
	uint32_t subs;
	uint64_t goal;		/* packets a channel and round */
	uint32_t ring_pages, buf_pages;
	uint64_t stop_at;	/* events; 0: run to the end */
	enum sim_stop stop;
	uint32_t guest_allocs, host_allocs;	/* that succeed; 0: all */
};

struct sim_vmbus_result {
	uint64_t steps;
	uint64_t echoed;
	int version;		/* negotiated, or E_* */
	uint64_t signals;
	char why[400];		/* what failed; empty: nothing */
};

/* A small machine with everything on; callers change what they like. */
void sim_vmbus_defaults(struct sim_vmbus_config *);
/* True if all was well; else r->why says what was not. */
bool sim_vmbus_run(const struct sim_vmbus_config *, struct sim_vmbus_result *r);
/* The command that reproduces a run. */
void sim_vmbus_command(const struct sim_vmbus_config *, const char *faults,
    char *line, size_t cap);

#endif
