/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole NIC under the simulation: vsc on vmc in the guest, vsp on vms in the
 * host, a guest stack and a backend that exchange frames which check
 * themselves.
 */
#ifndef SIM_SIM_NIC_H
#define SIM_SIM_NIC_H

#include "sim/sim_frame.h"
#include "sim/sim_link.h"
#include "sim/sim_vmbus.h"	/* enum sim_stop */
#include "vsc/vsc.h"
#include "vsp/vsp.h"

#define SIM_NIC_FLOWS	64u

struct sim_nic_config {
	struct sim_link_config link;
	struct vsc_config vsc;
	const struct vsc_ops *vsc_ops;	/* NULL: sim_nic_vsc_ops */
	struct vsp_config vsp;
	uint64_t seed;
	uint32_t flows;		/* each way; kinds in turn */
	uint32_t bytes;		/* a flow */
	uint32_t frame;		/* TCP payload given at once; > MTU: GSO */
	bool vlan;		/* every other flow is tagged */
	bool no_alloc;		/* after attach, each allocation fails */
	uint32_t rekey_us;	/* RSS key and table change so often; or 0 */
	bool vf;		/* the host announces a VF, and takes it back */
	bool hold;		/* stay when all flows are done, for more */
	bool kernel;		/* the guest's channels are a kernel's */
	uint64_t stop_at;
	enum sim_stop stop;
	uint32_t guest_allocs, host_allocs;
};

struct sim_nic_result {
	uint64_t steps;
	struct vsc_caps caps;
	uint64_t from_guest, to_guest;		/* frames delivered */
	uint64_t from_guest_gso, to_guest_gso;	/* as whole GSO frames */
	uint32_t queues_used_guest, queues_used_host;
	uint64_t signals, interrupts;
	uint32_t rekeys, moves;		/* RSS set; flows that changed queues */
	uint32_t vf_messages;		/* of the host, about a VF */
	uint32_t held, not_held;	/* packets; refused */
	uint64_t virtual_ns;
	int err;				/* of a failed attach */
	char why[400];
};

void sim_nic_defaults(struct sim_nic_config *);
bool sim_nic_run(const struct sim_nic_config *, struct sim_nic_result *);
void sim_nic_command(const struct sim_nic_config *, const char *faults,
    char *line, size_t cap);

#endif
