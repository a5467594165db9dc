/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMBus scenario.  See sim_vmbus.h.
 *
 * Theory of operation.  advance() is asked before every event and moves
 * through the phases: each waits for its condition, then does what starts the
 * next one.  An honest run must end in DONE with no fault noted at either end;
 * with failing allocations it may give up early, but must still end with
 * nothing live.
 */
#include "sim/sim_vmbus.h"

#include <stdio.h>

#define LIMIT_NS	400000000000ull	/* virtual; several time-outs fit */
#define LIMIT_STEPS	3000000u

enum phase {
	START, CONNECT, TRAFFIC, MOVED, DETACH, UNLOAD, AGAIN, RESCINDED,
	REOFFERED, LAST_DETACH, LAST_UNLOAD, DONE
};

struct run {
	const struct sim_vmbus_config *cfg;
	struct sim sim;
	struct sim_link link;
	struct sim_echo_dev dev;
	struct sim_echo echo;
	enum phase phase;
	int connected;		/* 0: not yet */
	bool unloaded;
	bool gave_up;
	bool unload_blind;	/* channels open, and no UNLOAD_COMPLETE */
};

const char *const sim_stop_names[SIM_STOPS] = {
	"cut", "unload", "detach", "rescind"
};

static void
on_connected(void *ctx, int version_or_err)
{
	struct run *r = ctx;

	r->connected = version_or_err;
}

static void
on_offer(void *ctx, struct chan *c)
{
	struct run *r = ctx;

	sim_echo_offer(&r->echo, c);
}

static void
on_gone(void *ctx, struct chan *c)
{
	struct run *r = ctx;

	sim_echo_gone(&r->echo, c);
}

static void
on_unloaded(void *ctx)
{
	struct run *r = ctx;

	r->unloaded = true;
}

static const struct sim_link_ops run_ops = {
	.connected = on_connected,
	.offer = on_offer,
	.gone = on_gone,
	.unloaded = on_unloaded,
};

static void
guest_start(struct run *r)
{
	r->connected = 0;
	r->unloaded = false;
	sim_echo_init(&r->echo, &r->link, r->cfg->ring_pages,
	    r->cfg->buf_pages, r->cfg->goal);
	(void)vmc_start(r->link.vmc);
}

static uint32_t
channels_wanted(const struct run *r)
{
	return 1 + (r->connected >= (int)VMBUS_V2_4 ? r->dev.subs : 0);
}

static void
offer(struct run *r)
{
	r->dev.offered = vms_dev_offer(r->link.vms, &r->dev.dev) == 0;
	if (!r->dev.offered)
		r->gave_up = true;
}

static void
rescind(struct run *r)
{
	if (r->dev.offered)
		(void)vms_dev_rescind(r->link.vms, &r->dev.dev);
	r->dev.offered = false;
}

static void
move_all(struct run *r)
{
	for (uint32_t i = 0; i < SIM_ECHO_CHANNELS; i++) {
		struct chan *c = r->echo.ch[i].chan;

		if (c != NULL)
			(void)vmc_chan_move(r->link.vmc, c, (vmc_chan_vp(c) +
			    1) % r->link.cfg.vps);
	}
	sim_echo_more(&r->echo, r->cfg->goal);
}

/* Do what begins a phase. */
static void
enter(struct run *r, enum phase p)
{
	r->phase = p;
	switch (p) {
	case CONNECT:
	case AGAIN:
		guest_start(r);
		break;
	case MOVED:
		move_all(r);
		break;
	case DETACH:
	case LAST_DETACH:
		sim_echo_detach(&r->echo);
		break;
	case UNLOAD:
	case LAST_UNLOAD:
		r->unloaded = false;
		vmc_unload(r->link.vmc);
		break;
	case RESCINDED:
		rescind(r);
		break;
	case REOFFERED:
		offer(r);
		break;
	default:
		break;
	}
	sim_link_control(&r->link);
}

static bool
phase_done(const struct run *r)
{
	const bool idle = sim_echo_idle(&r->echo, channels_wanted(r));

	switch (r->phase) {
	case CONNECT:
		return r->connected != 0;
	case TRAFFIC:
	case MOVED:
	case REOFFERED:
		return idle;
	case AGAIN:
		return r->connected > 0 && idle;
	case DETACH:
	case LAST_DETACH:
		return sim_echo_detached(&r->echo);
	case UNLOAD:
	case LAST_UNLOAD:
		return r->unloaded && r->echo.chans == 0 &&
		    vms_version(r->link.vms) == 0;
	case RESCINDED:
		return r->echo.chans == 0 && r->dev.dev.vms == NULL;
	default:
		return true;
	}
}

static bool
advance(void *ctx)
{
	struct run *r = ctx;
	bool broken = r->connected < 0 || r->echo.failed != 0 || r->gave_up;

	if (r->cfg->stop_at != 0 && r->sim.steps >= r->cfg->stop_at)
		return true;
	if (broken && r->phase < LAST_DETACH) {
		r->gave_up = true;
		enter(r, LAST_DETACH);
	}
	while (r->phase != DONE && phase_done(r))
		enter(r, r->phase + 1);
	return r->phase == DONE;
}

/* After a stop: the conditions for an end. */
static bool
stopped(void *ctx)
{
	struct run *r = ctx;

	if (r->phase == LAST_DETACH && sim_echo_detached(&r->echo))
		enter(r, LAST_UNLOAD);
	if (r->phase == LAST_UNLOAD && r->unloaded)
		r->phase = DONE;
	if (r->phase == RESCINDED && r->echo.chans == 0)
		enter(r, LAST_UNLOAD);
	return r->phase == DONE && r->echo.chans == 0 &&
	    vms_version(r->link.vms) == 0;
}

static bool
stop(struct run *r)
{
	switch (r->cfg->stop) {
	case SIM_STOP_CUT:
		sim_link_cut(&r->link);
		r->phase = DONE;
		break;
	case SIM_STOP_UNLOAD:
		r->unload_blind = sim_link_at_0_13(&r->link);
		enter(r, LAST_UNLOAD);
		break;
	case SIM_STOP_RESCIND:
		enter(r, RESCINDED);
		break;
	default:
		enter(r, LAST_DETACH);
		break;
	}
	return sim_run(&r->sim, stopped, r, LIMIT_STEPS,
	    r->sim.now_ns + LIMIT_NS);
}

/* A host out of memory offers fewer sub-channels: not what we wait for. */
static bool
short_of_memory(const struct sim_vmbus_config *c)
{
	return c->guest_allocs != 0 || c->host_allocs != 0 ||
	    c->link.faults.guest_alloc != 0 || c->link.faults.host_alloc != 0;
}

static bool
give_up(struct run *r)
{
	r->gave_up = true;
	return sim_run(&r->sim, advance, r, LIMIT_STEPS,
	    r->sim.now_ns + LIMIT_NS);
}

static const char *
phase_name(enum phase p)
{
	static const char *const name[] = { "start", "connect", "traffic",
		"moved", "detach", "unload", "again", "rescinded",
		"reoffered", "last-detach", "last-unload", "done" };

	return name[p];
}

static void
judge(struct run *r, bool finished, struct sim_vmbus_result *out)
{
	const struct fault_log *g = vmc_faults(r->link.vmc);
	const struct fault_log *h = &r->link.part.faults;
	char leaks[256] = "";

	if (!finished)
		snprintf(out->why, sizeof(out->why), "stuck in phase %s: "
		    "channels %u, opened %u, closed %u, failed %u",
		    phase_name(r->phase), r->echo.chans, r->echo.opened,
		    r->echo.closed, r->echo.failed);
	else if (r->echo.bad != 0)
		snprintf(out->why, sizeof(out->why), "%llu bad packets",
		    (unsigned long long)r->echo.bad);
	else if (g->total != 0)
		snprintf(out->why, sizeof(out->why),
		    "guest blames host: %s %#llx",
		    fault_name(g->last), (unsigned long long)g->last_value);
	else if (sim_link_host_blames(&r->link))
		snprintf(out->why, sizeof(out->why),
		    "host blames guest: %s %#llx",
		    fault_name(h->last), (unsigned long long)h->last_value);
	else if (r->link.leaked_pages != 0 && !r->unload_blind)
		snprintf(out->why, sizeof(out->why), "%llu pages given up",
		    (unsigned long long)r->link.leaked_pages);
	else if (sim_link_leaks(&r->link, false, leaks, sizeof(leaks)))
		snprintf(out->why, sizeof(out->why), "live at the end:%s",
		    leaks);
}

bool
sim_vmbus_run(const struct sim_vmbus_config *cfg, struct sim_vmbus_result *out)
{
	static struct run r;	/* large */
	char leaks[256] = "";
	bool finished;

	memset(out, 0, sizeof(*out));
	memset(&r, 0, sizeof(r));
	r.cfg = cfg;
	sim_init(&r.sim, cfg->seed);
	if (sim_link_init(&r.link, &r.sim, &cfg->link, &run_ops, &r) == 0) {
		if (cfg->guest_allocs != 0)
			r.link.mem.allocs_left = cfg->guest_allocs - 1;
		if (cfg->host_allocs != 0)
			r.link.host_allocs_left = cfg->host_allocs - 1;
		sim_echo_dev_init(&r.dev, &r.link, cfg->subs);
		sim_echo_init(&r.echo, &r.link, cfg->ring_pages,
		    cfg->buf_pages, cfg->goal);
		offer(&r);
		finished = sim_run(&r.sim, advance, &r, LIMIT_STEPS,
		    r.sim.now_ns + LIMIT_NS);
		if (cfg->stop_at != 0 && r.phase != DONE)
			finished = stop(&r);
		else if (!finished && short_of_memory(cfg))
			finished = give_up(&r);
		judge(&r, finished, out);
		out->steps = r.sim.steps;
		out->echoed = r.dev.echoed;
		out->version = r.connected;
		out->signals = r.link.signals;
		sim_link_fini(&r.link);
	}
	if (out->why[0] == 0 &&
	    sim_link_leaks(&r.link, true, leaks, sizeof(leaks)))
		snprintf(out->why, sizeof(out->why), "live after destroy:%s",
		    leaks);
	sim_link_free(&r.link);
	sim_fini(&r.sim);
	return out->why[0] == 0;
}

void
sim_vmbus_defaults(struct sim_vmbus_config *c)
{
	memset(c, 0, sizeof(*c));
	c->link.vps = 2;
	c->link.mem_pages = 1024;
	c->link.mem_regions = 16;
	c->link.vms.dedicated_interrupt = true;
	c->seed = 1;
	c->subs = 3;
	c->goal = 20;
	c->ring_pages = 3;
	c->buf_pages = 60;
}

void
sim_vmbus_command(const struct sim_vmbus_config *c, const char *faults,
    char *line, size_t cap)
{
	snprintf(line, cap, "hvnet-sim --vmbus --seed=%llu --faults=%s "
	    "--guest-version=%#x --host-version=%#x --signal=%d%s --subs=%u "
	    "--packets=%llu --ring-pages=%u --buf-pages=%u --regions=%u "
	    "--vps=%u --stop-at=%llu --stop=%s --guest-allocs=%u "
	    "--host-allocs=%u", (unsigned long long)c->seed, faults,
	    c->link.vmc.max_version, c->link.vms.max_version,
	    c->link.vmc.signal, c->link.vms.monitor ? " --monitor" : "",
	    c->subs, (unsigned long long)c->goal, c->ring_pages, c->buf_pages,
	    c->link.mem_regions, c->link.vps, (unsigned long long)c->stop_at,
	    sim_stop_names[c->stop], c->guest_allocs, c->host_allocs);
}
