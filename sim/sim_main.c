/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet-sim: run one simulation, the same every time for the same options.
 *
 * Failing pair and hostile tests print the command line to repeat them here;
 * with --trace every VMBus message is shown.
 */
#include "sim/sim_nic.h"
#include "sim/sim_vmbus.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
	bool is_nic;
	struct sim_vmbus_config vmbus;
	struct sim_nic_config nic;
	const char *faults;
	uint64_t seeds;
};

enum key {
	KEY_VMBUS = 256, KEY_NIC, KEY_NVSP, KEY_GOFF, KEY_HOFF, KEY_BACKEND,
	KEY_MTU, KEY_FRAME, KEY_BYTES, KEY_FLOWS, KEY_QUEUES, KEY_VLAN,
	KEY_NOALLOC, KEY_REKEY, KEY_VF, KEY_KERNEL, KEY_RXHOLD, KEY_SEED,
	KEY_SEEDS, KEY_FAULTS, KEY_GUEST, KEY_HOST,
	KEY_SIGNAL, KEY_MONITOR, KEY_SUBS, KEY_PACKETS, KEY_RING, KEY_BUF,
	KEY_REGIONS, KEY_VPS, KEY_STOP_AT, KEY_STOP, KEY_GALLOC, KEY_HALLOC,
	KEY_TRACE
};

static const struct argp_option option_list[] = {
	{ "vmbus", KEY_VMBUS, NULL, 0, "only VMBus (the default)", 0 },
	{ "nic", KEY_NIC, NULL, 0, "a whole NIC with traffic", 0 },
	{ "nvsp", KEY_NVSP, "V", 0, "newest NVSP version of the host", 0 },
	{ "guest-offloads", KEY_GOFF, "MASK", 0, "VSC_OFF_*", 0 },
	{ "host-offloads", KEY_HOFF, "MASK", 0, "VSP_OFF_*", 0 },
	{ "backend", KEY_BACKEND, "456", 0, "three digits 0 or 1: the backend "
	  "takes GSO over IPv4, over IPv6, partial checksums", 0 },
	{ "mtu", KEY_MTU, "N", 0, "MTU of both ends", 0 },
	{ "frame", KEY_FRAME, "N", 0, "TCP payload given at once", 0 },
	{ "bytes", KEY_BYTES, "N", 0, "payload of a flow", 0 },
	{ "flows", KEY_FLOWS, "N", 0, "flows each way", 0 },
	{ "queues", KEY_QUEUES, "N", 0, "queues the host allows", 0 },
	{ "vlan", KEY_VLAN, NULL, 0, "tag every other flow", 0 },
	{ "no-alloc", KEY_NOALLOC, NULL, 0,
	  "every allocation after attach fails", 0 },
	{ "rekey", KEY_REKEY, "US", 0,
	  "another RSS key and table every so many microseconds", 0 },
	{ "vf", KEY_VF, NULL, 0, "the host says that a VF comes and goes", 0 },
	{ "kernel", KEY_KERNEL, NULL, 0,
	  "the guest's channels are a kernel's (sim/sim_kernel.h)", 0 },
	{ "rx-hold", KEY_RXHOLD, NULL, 0,
	  "the guest's stack holds every fourth packet for a while", 0 },
	{ "seed", KEY_SEED, "N", 0, "seed of the schedule", 0 },
	{ "seeds", KEY_SEEDS, "N", 0, "run N seeds, from --seed on", 0 },
	{ "faults", KEY_FAULTS, "CLASS", 0,
	  "none, delay, irq, signal, post, alloc, all", 0 },
	{ "guest-version", KEY_GUEST, "V", 0, "newest VMBus version of the "
	  "guest, such as 0x50003; 0: all", 0 },
	{ "host-version", KEY_HOST, "V", 0, "of the host", 0 },
	{ "signal", KEY_SIGNAL, "N", 0, "guest signals: 0 auto, 1 edge, "
	  "2 packet, 3 monitor", 0 },
	{ "monitor", KEY_MONITOR, NULL, 0, "the host offers monitor ids", 0 },
	{ "subs", KEY_SUBS, "N", 0, "sub-channels", 0 },
	{ "packets", KEY_PACKETS, "N", 0, "packets a channel and round", 0 },
	{ "ring-pages", KEY_RING, "N", 0, "pages of a ring", 0 },
	{ "buf-pages", KEY_BUF, "N", 0, "pages of a further GPADL", 0 },
	{ "regions", KEY_REGIONS, "N", 0, "regions of guest memory", 0 },
	{ "vps", KEY_VPS, "N", 0, "virtual processors", 0 },
	{ "stop-at", KEY_STOP_AT, "N", 0, "end after N events; 0: never", 0 },
	{ "stop", KEY_STOP, "HOW", 0, "cut, unload, detach, rescind", 0 },
	{ "guest-allocs", KEY_GALLOC, "N", 0,
	  "the guest's allocation N fails, and all later ones; 0: none", 0 },
	{ "host-allocs", KEY_HALLOC, "N", 0, "the same of the host", 0 },
	{ "trace", KEY_TRACE, NULL, 0, "print every VMBus message", 0 },
	{ 0 }
};

static enum sim_stop
stop_parse(const char *arg, struct argp_state *state)
{
	for (int i = 0; i < SIM_STOPS; i++)
		if (strcmp(arg, sim_stop_names[i]) == 0)
			return (enum sim_stop)i;
	argp_error(state, "unknown way to stop: %s", arg);
	return SIM_STOP_CUT;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	struct sim_vmbus_config *c = &o->vmbus;
	struct sim_nic_config *nic = &o->nic;
	uint64_t n = arg != NULL ? strtoull(arg, NULL, 0) : 0;

	switch (key) {
	case KEY_VMBUS: o->is_nic = false; break;
	case KEY_NIC: o->is_nic = true; break;
	case KEY_NVSP: nic->vsp.max_nvsp = (uint32_t)n; break;
	case KEY_GOFF: nic->vsc.offloads = (uint32_t)n; break;
	case KEY_HOFF: nic->vsp.offloads = (uint32_t)n; break;
	case KEY_BACKEND:
		if (strlen(arg) != 3 || strspn(arg, "01") != 3)
			argp_error(state, "three digits 0 or 1: %s", arg);
		nic->vsp.backend_gso4 = arg[0] == '1';
		nic->vsp.backend_gso6 = arg[1] == '1';
		nic->vsp.backend_csum = arg[2] == '1';
		break;
	case KEY_MTU: nic->vsp.mtu = nic->vsc.mtu = (uint32_t)n; break;
	case KEY_FRAME: nic->frame = (uint32_t)n; break;
	case KEY_BYTES: nic->bytes = (uint32_t)n; break;
	case KEY_FLOWS: nic->flows = (uint32_t)n; break;
	case KEY_QUEUES: nic->vsp.max_queues = (uint32_t)n; break;
	case KEY_VLAN: nic->vlan = true; break;
	case KEY_NOALLOC: nic->no_alloc = true; break;
	case KEY_REKEY: nic->rekey_us = (uint32_t)n; break;
	case KEY_VF: nic->vf = true; break;
	case KEY_KERNEL: nic->kernel = true; break;
	case KEY_RXHOLD: nic->vsc.rx_hold = true; break;
	case KEY_SEED: c->seed = n; break;
	case KEY_SEEDS: o->seeds = n; break;
	case KEY_FAULTS:
		o->faults = arg;
		if (!sim_faults_named(arg, &c->link.faults))
			argp_error(state, "unknown faults: %s", arg);
		break;
	case KEY_GUEST: c->link.vmc.max_version = (uint32_t)n; break;
	case KEY_HOST: c->link.vms.max_version = (uint32_t)n; break;
	case KEY_SIGNAL: c->link.vmc.signal = (enum vmc_signal)n; break;
	case KEY_MONITOR: c->link.vms.monitor = true; break;
	case KEY_SUBS: c->subs = (uint32_t)n; break;
	case KEY_PACKETS: c->goal = n; break;
	case KEY_RING: c->ring_pages = (uint32_t)n; break;
	case KEY_BUF: c->buf_pages = (uint32_t)n; break;
	case KEY_REGIONS: c->link.mem_regions = (uint32_t)n; break;
	case KEY_VPS: c->link.vps = (uint32_t)n; break;
	case KEY_STOP_AT: c->stop_at = n; break;
	case KEY_STOP: c->stop = stop_parse(arg, state); break;
	case KEY_GALLOC: c->guest_allocs = (uint32_t)n; break;
	case KEY_HALLOC: c->host_allocs = (uint32_t)n; break;
	case KEY_TRACE: c->link.trace = true; break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void
check(const struct options *o)
{
	const struct sim_vmbus_config *c = &o->vmbus;

	if (c->link.vps >= 1 && c->link.vps <= SIM_MAX_VPS &&
	    c->subs < SIM_ECHO_CHANNELS && c->ring_pages >= 2 &&
	    c->buf_pages >= 1 && c->link.mem_regions >= 1 &&
	    c->link.mem_regions <= GUESTMEM_MAX_REGIONS &&
	    o->nic.flows >= 1 && o->nic.flows <= SIM_NIC_FLOWS &&
	    (o->nic.rekey_us == 0 || o->nic.bytes <= SIM_FLOW_BYTES) &&
	    o->nic.frame <= 60000 && o->nic.vsp.mtu >= 576)
		return;
	fprintf(stderr, "hvnet-sim: a number is out of range\n");
	exit(64);
}

/* What both scenarios have goes to the NIC too. */
static void
nic_complete(struct options *o)
{
	const struct sim_vmbus_config *c = &o->vmbus;
	uint32_t pages = o->nic.link.mem_pages;

	o->nic.link = c->link;
	o->nic.link.mem_pages = pages;
	o->nic.vsc.vps = c->link.vps;
	o->nic.seed = c->seed;
	o->nic.stop_at = c->stop_at;
	o->nic.stop = c->stop;
	o->nic.guest_allocs = c->guest_allocs;
	o->nic.host_allocs = c->host_allocs;
}

static bool
nic_run(struct options *o)
{
	struct sim_nic_result r;
	char line[512];

	nic_complete(o);
	if (sim_nic_run(&o->nic, &r)) {
		printf("seed %llu: ok, nvsp %#x, queues %u, %llu frames from "
		    "guest (%llu GSO), %llu to guest (%llu GSO), %llu signals, "
		    "%llu interrupts, %llu events%s%s\n",
		    (unsigned long long)o->nic.seed, r.caps.nvsp_version,
		    r.caps.queues, (unsigned long long)r.from_guest,
		    (unsigned long long)r.from_guest_gso,
		    (unsigned long long)r.to_guest,
		    (unsigned long long)r.to_guest_gso,
		    (unsigned long long)r.signals,
		    (unsigned long long)r.interrupts,
		    (unsigned long long)r.steps, r.err < 0 ? ", attach: " : "",
		    r.err < 0 ? hv_err_name(r.err) : "");
		return true;
	}
	sim_nic_command(&o->nic, o->faults, line, sizeof(line));
	fprintf(stderr, "FAILED: %s\nrepeat: %s\n", r.why, line);
	return false;
}

static bool
vmbus_run(struct options *o)
{
	struct sim_vmbus_result r;
	char line[512];

	if (sim_vmbus_run(&o->vmbus, &r)) {
		printf("seed %llu: ok, version %#x, %llu packets, "
		    "%llu signals, %llu events\n",
		    (unsigned long long)o->vmbus.seed, r.version,
		    (unsigned long long)r.echoed,
		    (unsigned long long)r.signals,
		    (unsigned long long)r.steps);
		return true;
	}
	sim_vmbus_command(&o->vmbus, o->faults, line, sizeof(line));
	fprintf(stderr, "FAILED: %s\nrepeat: %s\n", r.why, line);
	return false;
}

int
main(int argc, char **argv)
{
	static const struct argp argp = { option_list, parse, NULL,
		"Run both ends of VMBus in one process, under a virtual clock.",
		NULL, NULL, NULL };
	struct options o = { .faults = "none", .seeds = 1 };

	sim_vmbus_defaults(&o.vmbus);
	sim_nic_defaults(&o.nic);
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	check(&o);
	for (uint64_t i = 0; i < o.seeds; i++, o.vmbus.seed++)
		if (!(o.is_nic ? nic_run(&o) : vmbus_run(&o)))
			return 1;
	return 0;
}
