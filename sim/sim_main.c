/*
 * hvnet-sim: run one simulation, the same every time for the same options.
 *
 * Failing pair and hostile tests print the command line to repeat them here;
 * with --trace every VMBus message is shown.
 */
#include "sim/sim_vmbus.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
	struct sim_vmbus_config vmbus;
	const char *faults;
	uint64_t seeds;
};

enum key {
	KEY_VMBUS = 256, KEY_SEED, KEY_SEEDS, KEY_FAULTS, KEY_GUEST, KEY_HOST,
	KEY_SIGNAL, KEY_MONITOR, KEY_SUBS, KEY_PACKETS, KEY_RING, KEY_BUF,
	KEY_REGIONS, KEY_VPS, KEY_STOP_AT, KEY_STOP, KEY_GALLOC, KEY_HALLOC,
	KEY_TRACE
};

static const struct argp_option option_list[] = {
	{ "vmbus", KEY_VMBUS, NULL, 0, "VMBus alone (the default)", 0 },
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
	uint64_t n = arg != NULL ? strtoull(arg, NULL, 0) : 0;

	switch (key) {
	case KEY_VMBUS: break;
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
	    c->link.mem_regions <= GUESTMEM_MAX_REGIONS)
		return;
	fprintf(stderr, "hvnet-sim: a number is out of range\n");
	exit(64);
}

int
main(int argc, char **argv)
{
	static const struct argp argp = { option_list, parse, NULL,
		"Run both ends of VMBus in one process, under a virtual clock.",
		NULL, NULL, NULL };
	struct options o = { .faults = "none", .seeds = 1 };
	struct sim_vmbus_result r;
	char line[512];

	sim_vmbus_defaults(&o.vmbus);
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	check(&o);
	for (uint64_t i = 0; i < o.seeds; i++, o.vmbus.seed++) {
		if (sim_vmbus_run(&o.vmbus, &r)) {
			printf("seed %llu: ok, version %#x, %llu packets, "
			    "%llu signals, %llu events\n",
			    (unsigned long long)o.vmbus.seed, r.version,
			    (unsigned long long)r.echoed,
			    (unsigned long long)r.signals,
			    (unsigned long long)r.steps);
			continue;
		}
		sim_vmbus_command(&o.vmbus, o.faults, line, sizeof(line));
		fprintf(stderr, "FAILED: %s\nrepeat: %s\n", r.why, line);
		return 1;
	}
	return 0;
}
