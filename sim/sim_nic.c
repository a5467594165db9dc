/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NIC scenario.  See sim_nic.h.
 *
 * Theory of operation.  sim_nic_advance() moves through attach, traffic, detach
 * and unload, after every event; a stop ends it early, in one of four ways.
 * What is sent is checked at the other side, and in the end nobody may blame
 * anybody and nothing may be left.  The two ends' ports are sim_nic_guest.c and
 * sim_nic_host.c.
 */
#include "sim/sim_nic_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define LIMIT_NS	400000000000ull
#define LIMIT_STEPS	2000000u

static void
flows_init(struct sim_nic_run *r, struct sim_flow *flow, bool to_guest)
{
	static const enum sim_flow_kind kind[] = { FLOW_TCP4, FLOW_TCP6,
		FLOW_UDP4, FLOW_TCP4, FLOW_UDP6, FLOW_RAW };
	static const uint8_t peer[6] = { 2, 0, 0, 0, 0, 9 };
	const struct sim_nic_config *c = r->cfg;

	for (uint32_t i = 0; i < c->flows; i++) {
		struct sim_flow *f = &flow[i];
		uint32_t head;

		memset(f, 0, sizeof(*f));
		f->kind = kind[i % ARRAY_LEN(kind)];
		f->id = (uint16_t)(i + 1 + (to_guest ? SIM_NIC_FLOWS : 0));
		f->goal = c->bytes;
		f->vlan_tci = c->vlan && (i & 1) ? (uint16_t)(100 + i) : 0;
		memcpy(f->src, to_guest ? peer : c->vsp.mac, 6);
		memcpy(f->dst, to_guest ? c->vsp.mac : peer, 6);
		f->partial = i % 3 != 2;
		f->moves = to_guest && c->rekey_us != 0;
		OS_ASSERT(!f->moves || c->bytes <= SIM_FLOW_BYTES);
		head = f->kind == FLOW_TCP4 ? 40 : f->kind == FLOW_TCP6 ? 60 :
		    f->kind == FLOW_UDP4 ? 28 : f->kind == FLOW_UDP6 ? 48 : 2;
		f->max_payload = c->vsp.mtu - head;
		if (f->kind == FLOW_TCP4 || f->kind == FLOW_TCP6) {
			f->mss = f->max_payload;
			if (c->frame > f->mss)
				f->max_payload = c->frame;
		}
	}
}

static void
enter(struct sim_nic_run *r, enum sim_nic_phase p)
{
	r->phase = p;
	if (p == TRAFFIC) {
		if (r->cfg->no_alloc)
			r->link.mem.allocs_left = r->link.host_allocs_left = 0;
		sim_after(r->sim, 0, sim_nic_guest_pump, r, 0);
		sim_after(r->sim, 0, sim_nic_host_pump, r, 0);
		if (r->cfg->rekey_us != 0)
			sim_after(r->sim, 0, sim_nic_rekey, r, 0);
		if (r->cfg->vf)
			sim_after(r->sim, 0, sim_nic_vf, r, 0);
	} else if (p == DETACH) {
		r->guest_due = true;
		if (r->vsc != NULL)
			vsc_detach(r->vsc);
	} else if (p == UNLOAD) {
		vmc_unload(r->link.vmc);
	} else if (p == RESCINDED && r->offered) {
		vsp_leave(r->vsp, &sim_nic_vsp_ops, r);
		(void)vms_dev_rescind(r->link.vms, vsp_dev(r->vsp));
		r->offered = false;
	}
	sim_link_control(&r->link);
}

bool
sim_nic_advance(void *ctx)
{
	struct sim_nic_run *r = ctx;

	if (r->cfg->stop_at != 0 && r->sim->steps >= r->cfg->stop_at &&
	    r->phase < DETACH)
		return true;
	if (r->phase < DETACH && r->failed)
		enter(r, DETACH);
	if (r->phase == ATTACH && r->attached)
		enter(r, TRAFFIC);
	if (r->phase == TRAFFIC && !r->cfg->hold &&
	    sim_flows_done(r->up, r->cfg->flows) &&
	    sim_flows_done(r->down, r->cfg->flows))
		enter(r, DETACH);
	if (r->phase == RESCINDED && vmc_channel_count(r->link.vmc) == 0)
		enter(r, UNLOAD);
	if (r->phase == DETACH && r->vsc == NULL)
		enter(r, UNLOAD);
	if (r->phase == UNLOAD && r->unloaded && r->vsc == NULL &&
	    vms_version(r->link.vms) == 0)
		r->phase = DONE;
	return r->phase == DONE && vmc_channel_count(r->link.vmc) == 0;
}

void
sim_nic_stop(struct sim_nic_run *r, enum sim_stop how)
{
	if (how == SIM_STOP_CUT) {
		r->phase = UNLOAD;
		r->unloaded = true;
		sim_link_cut(&r->link);
	} else {
		enter(r, how == SIM_STOP_UNLOAD ? UNLOAD :
		    how == SIM_STOP_RESCIND ? RESCINDED : DETACH);
	}
}

static void
judge(struct sim_nic_run *r, bool finished, struct sim_nic_result *out)
{
	const struct fault_log *g = vmc_faults(r->link.vmc);
	const struct fault_log *h = &r->link.part.faults;
	const struct fault_log *d = vsp_faults(r->vsp);
	const char *bad = sim_flows_bad(r->up, r->cfg->flows);
	char leaks[256] = "";

	if (bad == NULL)
		bad = sim_flows_bad(r->down, r->cfg->flows);
#define SAY(...) snprintf(out->why, sizeof(out->why), __VA_ARGS__)
	if (bad != NULL)
		SAY("frame: %s", bad);
	else if (!finished)
		SAY("stuck in phase %d: attached %d, failed %d (%s at %s), "
		    "up %u/%u, down %u/%u", r->phase, r->attached, r->failed,
		    hv_err_name(r->err), r->stage ? r->stage : "-",
		    r->up[0].got, r->up[0].sent, r->down[0].got,
		    r->down[0].sent);
	else if (r->kernel.wrong != 0)
		SAY("%u uses of channels that would hang a kernel",
		    r->kernel.wrong);
	else if (r->spoilt != 0)
		SAY("%u packets changed, or were lost, while held", r->spoilt);
	else if (r->strays != 0)
		SAY("%u frames of no flow", r->strays);
	else if (g->total != 0)
		SAY("guest blames host: %s %#llx", fault_name(g->last),
		    (unsigned long long)g->last_value);
	else if (sim_link_host_blames(&r->link))
		SAY("host blames guest: %s %#llx", fault_name(h->last),
		    (unsigned long long)h->last_value);
	else if (d->total != 0)
		SAY("device blames guest: %s %#llx", fault_name(d->last),
		    (unsigned long long)d->last_value);
	else if (sim_link_leaks(&r->link, false, leaks, sizeof(leaks)))
		SAY("live at the end:%s", leaks);
#undef SAY
}

static uint32_t
queues_used(const struct sim_flow *f, uint32_t n)
{
	uint64_t mask = 0;
	uint32_t used = 0;

	for (uint32_t i = 0; i < n; i++)
		if (f[i].frames != 0)
			mask |= 1ull << f[i].queue;
	for (; mask != 0; mask &= mask - 1)
		used++;
	return used;
}

static void
report(const struct sim_nic_run *r, struct sim_nic_result *out)
{
	for (uint32_t i = 0; i < r->cfg->flows; i++) {
		out->from_guest += r->up[i].frames;
		out->from_guest_gso += r->up[i].gso_frames;
		out->to_guest += r->down[i].frames;
		out->to_guest_gso += r->down[i].gso_frames;
		out->moves += r->down[i].moved;
	}
	out->queues_used_guest = queues_used(r->down, r->cfg->flows);
	out->queues_used_host = queues_used(r->up, r->cfg->flows);
	out->caps = r->caps;
	out->steps = r->sim->steps;
	out->signals = r->link.signals;
	out->interrupts = r->link.part.counters.interrupts;
	out->virtual_ns = r->sim->now_ns;
	out->err = r->err;
	out->rekeys = r->rekeys;
	out->vf_messages = r->vf_messages;
	out->held = r->held;
	out->not_held = r->not_held;
}

static bool
short_of_memory(const struct sim_nic_config *c)
{
	return c->guest_allocs != 0 || c->host_allocs != 0 ||
	    c->link.faults.guest_alloc != 0 || c->link.faults.host_alloc != 0;
}

static bool
run_to_end(struct sim_nic_run *r)
{
	bool finished = sim_run(r->sim, sim_nic_advance, r, LIMIT_STEPS,
	    r->sim->now_ns + LIMIT_NS);

	if (!finished && short_of_memory(r->cfg)) {
		/* Too little for a NIC to appear: that is an end as well. */
		r->failed = true;
		return sim_run(r->sim, sim_nic_advance, r, LIMIT_STEPS,
		    r->sim->now_ns + LIMIT_NS);
	}
	if (r->cfg->stop_at == 0 || r->phase >= DETACH)
		return finished;
	sim_nic_stop(r, r->cfg->stop);
	return sim_run(r->sim, sim_nic_advance, r, LIMIT_STEPS,
	    r->sim->now_ns + LIMIT_NS);
}

int
sim_nic_begin(struct sim_nic_run *r, struct sim *sim,
    const struct sim_nic_config *cfg)
{
	int err;

	memset(r, 0, sizeof(*r));
	r->cfg = cfg;
	r->sim = sim;
	flows_init(r, r->up, false);
	flows_init(r, r->down, true);
	sim_kernel_init(&r->kernel, &sim_nic_kernel_ops, r);
	err = sim_link_init(&r->link, sim, &cfg->link, &sim_nic_link_ops, r);
	if (err < 0)
		return err;
	if (cfg->guest_allocs != 0)
		r->link.mem.allocs_left = cfg->guest_allocs - 1;
	/* The NIC itself is there; what it needs later may not be. */
	r->link.cfg.faults.host_alloc = 0;
	r->vsp = vsp_create(&cfg->vsp, &sim_nic_vsp_ops, r);
	r->link.cfg.faults.host_alloc = cfg->link.faults.host_alloc;
	if (cfg->host_allocs != 0)
		r->link.host_allocs_left = cfg->host_allocs - 1;
	OS_ASSERT(r->vsp != NULL);
	r->offered = vms_dev_offer(r->link.vms, vsp_dev(r->vsp)) == 0;
	r->failed = !r->offered;
	(void)vmc_start(r->link.vmc);
	sim_link_control(&r->link);
	return 0;
}

void
sim_nic_end(struct sim_nic_run *r)
{
	vms_reset(r->link.vms);
	if (r->offered)
		(void)vms_dev_rescind(r->link.vms, vsp_dev(r->vsp));
	vsp_destroy(r->vsp);
	r->vsp = NULL;
	sim_link_fini(&r->link);
}

void
sim_nic_more(struct sim_nic_run *r, uint32_t bytes)
{
	for (uint32_t i = 0; i < r->cfg->flows; i++) {
		r->up[i].goal += bytes;
		r->down[i].goal += bytes;
	}
	sim_after(r->sim, 0, sim_nic_guest_pump, r, 0);
	sim_after(r->sim, 0, sim_nic_host_pump, r, 0);
}

bool
sim_nic_run(const struct sim_nic_config *cfg, struct sim_nic_result *out)
{
	static struct sim_nic_run r;	/* large */
	char leaks[256] = "";
	struct sim sim;
	bool finished;

	memset(out, 0, sizeof(*out));
	sim_init(&sim, cfg->seed);
	if (sim_nic_begin(&r, &sim, cfg) == 0) {
		finished = run_to_end(&r);
		judge(&r, finished, out);
		report(&r, out);
		sim_nic_end(&r);
	}
	if (out->why[0] == 0 &&
	    sim_link_leaks(&r.link, true, leaks, sizeof(leaks)))
		snprintf(out->why, sizeof(out->why), "live after destroy:%s",
		    leaks);
	sim_link_free(&r.link);
	sim_fini(&sim);
	return out->why[0] == 0;
}

void
sim_nic_defaults(struct sim_nic_config *c)
{
	static const uint8_t mac[6] = { 0, 0x15, 0x5d, 1, 2, 3 };

	memset(c, 0, sizeof(*c));
	c->link.vps = 2;
	c->link.mem_pages = 4096;
	c->link.mem_regions = 16;
	c->link.vms.dedicated_interrupt = true;
	vsc_tunables_default(&c->vsc.tune);
	c->vsc.tune.ring_pages = 8;
	c->vsc.tune.tx_slots = 4;
	c->vsc.tune.rxbuf_kb = 256;
	c->vsc.tune.sendbuf_kb = 128;
	c->vsc.vps = 2;
	c->vsc.mtu = 1500;
	c->vsc.offloads = VSC_OFF_ALL;
	c->vsc.filter = 0xd;	/* directed, broadcast, all multicast */
	memcpy(c->vsp.mac, mac, sizeof(mac));
	c->vsp.mtu = 1500;
	c->vsp.max_queues = 4;
	c->vsp.offloads = VSP_OFF_ALL;
	c->vsp.strict = true;
	c->vsp.speed_bps = 10000000000ull;
	c->vsp.link_up = true;
	c->vsp.backend_gso4 = c->vsp.backend_gso6 = true;
	c->vsp.backend_csum = true;
	c->seed = 1;
	c->flows = 6;
	c->bytes = 60000;
	c->frame = 20000;
	c->kernel = getenv("HVNET_KERNEL") != NULL;
}

void
sim_nic_command(const struct sim_nic_config *c, const char *faults, char *line,
    size_t cap)
{
	snprintf(line, cap, "hvnet-sim --nic --seed=%llu --faults=%s "
	    "--guest-version=%#x --host-version=%#x --nvsp=%#x "
	    "--guest-offloads=%#x --host-offloads=%#x --backend=%d%d%d "
	    "--mtu=%u --frame=%u --bytes=%u --flows=%u --queues=%u --vps=%u "
	    "--regions=%u%s%s%s%s%s --rekey=%u --stop-at=%llu --stop=%s "
	    "--guest-allocs=%u --host-allocs=%u",
	    (unsigned long long)c->seed, faults,
	    c->link.vmc.max_version, c->link.vms.max_version, c->vsp.max_nvsp,
	    c->vsc.offloads, c->vsp.offloads, c->vsp.backend_gso4,
	    c->vsp.backend_gso6, c->vsp.backend_csum, c->vsp.mtu, c->frame,
	    c->bytes, c->flows, c->vsp.max_queues, c->link.vps,
	    c->link.mem_regions, c->vlan ? " --vlan" : "",
	    c->no_alloc ? " --no-alloc" : "", c->vf ? " --vf" : "",
	    c->kernel ? " --kernel" : "",
	    c->vsc.rx_hold ? " --rx-hold" : "",
	    c->rekey_us, (unsigned long long)c->stop_at,
	    sim_stop_names[c->stop], c->guest_allocs, c->host_allocs);
}
