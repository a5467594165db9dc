/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the NIC scenario: its state, what its guest stack (sim_nic_guest.c)
 * and host backend (sim_nic_host.c) give to sim_nic.c, and NICs side by side.
 */
#ifndef SIM_SIM_NIC_PRIV_H
#define SIM_SIM_NIC_PRIV_H

#include "sim/sim_kernel.h"
#include "sim/sim_nic.h"

/* Frames that a source offers in one go. */
#define SIM_NIC_BURST	8u
/* Frames that the guest's stack holds at a time, at most. */
#define SIM_NIC_HELD	64u

enum sim_nic_phase { ATTACH, TRAFFIC, DETACH, UNLOAD, RESCINDED, DONE };

struct sim_nic_run {
	const struct sim_nic_config *cfg;
	struct sim *sim;
	struct sim_link link;
	struct vsp *vsp;
	struct vsc *vsc;
	struct chan *host_chan[VSP_MAX_QUEUES];
	bool offered, control_due;
	bool attached, failed, detach_due, detached, unloaded;
	/* with cfg->kernel */
	struct sim_kernel kernel;
	bool guest_due;			/* control is wanted */
	uint64_t guest_at;		/* or will be, then */
	int err;
	const char *stage;
	enum sim_nic_phase phase;
	struct vsc_caps caps;
	struct sim_flow up[SIM_NIC_FLOWS], down[SIM_NIC_FLOWS];
	uint32_t strays;	/* frames of no flow */
	uint32_t rekeys, vf_messages;
	/* with cfg->vsc.rx_hold */
	struct sim_nic_held {
		const uint8_t *at;	/* NULL: free */
		uint32_t len, queue, hold;
		uint64_t sum;
	} hold[SIM_NIC_HELD];
	uint32_t held, not_held, spoilt;
	uint8_t frame[SIM_FRAME_MAX];
};

/*
 * A NIC in a world that may hold others: begin, run the world with
 * sim_nic_advance() of each (true: detached and unloaded), stop, run on, end;
 * then sim_link_leaks() and sim_link_free() of its link.  The run and its
 * configuration are borrowed until then.  0, or E_NOMEM as told.
 */
int sim_nic_begin(struct sim_nic_run *, struct sim *,
    const struct sim_nic_config *);
bool sim_nic_advance(void *run);
void sim_nic_stop(struct sim_nic_run *, enum sim_stop);
void sim_nic_end(struct sim_nic_run *);
/* Raise the goal of every flow, both ways, and go on. */
void sim_nic_more(struct sim_nic_run *, uint32_t bytes);

extern const struct vsc_ops sim_nic_vsc_ops;
extern const struct vsp_ops sim_nic_vsp_ops;
extern const struct sim_link_ops sim_nic_link_ops;
extern const struct sim_kernel_ops sim_nic_kernel_ops;

/* Simulation events: a burst of each source, again later while it has more. */
void sim_nic_guest_pump(void *run, uint64_t value);
void sim_nic_host_pump(void *run, uint64_t value);
/* Another RSS key and table, and so on every rekey_us. */
void sim_nic_rekey(void *run, uint64_t value);
/* The host says that there is a VF, or is no more, and who moves the data. */
void sim_nic_vf(void *run, uint64_t value);

#endif
