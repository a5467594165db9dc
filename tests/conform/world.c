/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host of a world.
 *
 * Theory of operation.  Channels are watched for the transcript and bent above
 * that, as in linux/host.  A NIC that is taken back is served until the guest
 * has let go of it, then it is offered again.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "linux/run/stat.h"
#include "wire/nvs_msg.h"
#include "wire/wire_print.h"

#define LEAVING_NS	1000000u

/* --- bends --- */

static void
release_event(void *arg, uint64_t value)
{
	struct world *w = arg;
	uint64_t ns;

	if (w->sim.now_ns < w->release_at || w->bend == NULL)
		return;
	w->release_at = UINT64_MAX;
	ns = bend_release(w->bend);
	if (ns == 0 || w->sim.now_ns + ns >= w->release_at)
		return;
	w->release_at = w->sim.now_ns + ns;
	sim_after(&w->sim, ns, release_event, w, 0);
}

static void
bent_ask(void *ctx)
{
	struct world *w = ctx;
	uint64_t ns = 500 + sim_below(&w->sim, 1000);

	if (w->sim.now_ns + ns >= w->release_at)
		return;
	w->release_at = w->sim.now_ns + ns;
	sim_after(&w->sim, ns, release_event, w, 0);
}

static void
bent_post(void *ctx, uint32_t guest, uint32_t vp, struct span msg)
{
	vms_post_bytes(((struct world *)ctx)->run.link.vms, vp, msg);
}

static void
bent_rescind(void *ctx)
{
	world_rescind(ctx);
}

static uint64_t
bent_now(void *ctx)
{
	return ((struct world *)ctx)->sim.now_ns;
}

static const struct bend_ops bent_ops = {
	.ask = bent_ask, .post = bent_post, .rescind = bent_rescind,
	.now = bent_now,
};

static void
see_memory(void *ctx, struct see_memory *out)
{
	struct world *w = ctx;
	struct vsp_buffers b;

	vsp_buffers(w->run.vsp != NULL ? w->run.vsp : w->leaving, &b);
	*out = (struct see_memory){ .recv = b.recv,
		.recv_bytes = b.recv_bytes, .send = b.send,
		.send_sections = b.send_sections,
		.section_bytes = b.send_section_bytes };
}

static uint8_t *
see_gpa(void *ctx, uint64_t gpa, uint32_t len)
{
	return guestmem_ptr(&((struct world *)ctx)->run.link.part.mem, gpa,
	    len);
}

static const struct see_watch_ops see_need = {
	.memory = see_memory, .gpa = see_gpa,
};

static void
chan_bend(struct world *w, uint32_t queue)
{
	struct chan *c = w->run.host_chan[queue];

	if (c != NULL && w->bend != NULL)
		bend_chan_start(&w->bent[queue], c, ring_chan_of(c), w->bend,
		    &see_need, w);
}

int
world_bend(struct world *w, const char *script, char *err, size_t cap)
{
	struct bend *b = NULL;

	if (strcmp(script, "off") != 0) {
		b = bend_load(script, &bent_ops, w, err, cap);
		if (b == NULL)
			return -1;
	}
	for (uint32_t k = 0; k < VSP_MAX_QUEUES; k++)
		bend_chan_stop(&w->bent[k]);
	bend_free(w->bend);
	w->bend = b;
	w->release_at = UINT64_MAX;
	for (uint32_t k = 0; k < VSP_MAX_QUEUES; k++)
		chan_bend(w, k);
	return 0;
}

/* --- NetVSP's needs --- */

static void
chan_watch(struct world *w, uint32_t queue, struct chan *c)
{
	const struct see_watchers who = { .transcript = w->transcript };
	struct see_name name;

	see_name_set(&name, SEE_END_HOST, "n0", 1);
	name.relid = c->relid;
	name.queue = queue;
	see_watch_start(&w->watch[queue], c, &name, &see_need, w, &who);
}

static void
queue_start(void *run, uint32_t queue, struct chan *c)
{
	struct world *w = world_of(run);

	sim_nic_vsp_ops.queue_start(run, queue, c);
	chan_watch(w, queue, c);
	chan_bend(w, queue);
}

static void
queue_stop(void *run, uint32_t queue)
{
	struct world *w = world_of(run);

	bend_chan_stop(&w->bent[queue]);
	see_watch_stop(&w->watch[queue]);
	sim_nic_vsp_ops.queue_stop(run, queue);
}

static void
to_guest_wake(void *run, uint32_t queue)
{
	world_host_pump(world_of(run));
}

#define POLL_NS		20000u
#define POLL_TURN_NS	100000u

/* A turn of polling; then signals are wanted again. */
static void
poll_event(void *arg, uint64_t value)
{
	struct world *w = arg;
	bool last = value == POLL_TURN_NS / POLL_NS;

	w->polling = !last;
	for (uint32_t k = 0; w->run.vsp != NULL && k < VSP_MAX_QUEUES; k++) {
		struct chan *c = w->run.host_chan[k];

		if (c != NULL && !last)
			(void)vsp_from_guest_poll(w->run.vsp, k, 64);
		else if (c != NULL)
			sim_link_host_ready(&w->run.link, c);
	}
	if (!last)
		sim_after(&w->sim, POLL_NS, poll_event, w, value + 1);
}

void
world_poll(struct world *w)
{
	if (!w->poll || w->polling)
		return;
	w->polling = true;
	sim_after(&w->sim, 0, poll_event, w, 0);
}

/* --- offers --- */

static void
offer(struct world *w)
{
	struct vsp_ops ops = sim_nic_vsp_ops;

	ops.from_guest = world_from_guest;
	ops.to_guest_wake = to_guest_wake;
	ops.queue_start = queue_start;
	ops.queue_stop = queue_stop;
	w->run.control_due = false;
	w->run.vsp = vsp_create(&w->cfg.vsp, &ops, &w->run);
	OS_ASSERT(w->run.vsp != NULL);
	w->run.offered = vms_dev_offer(w->run.link.vms,
	    vsp_dev(w->run.vsp)) == 0;
	OS_ASSERT(w->run.offered);
}

static void
left_event(void *arg, uint64_t value)
{
	struct world *w = arg;

	vsp_destroy(w->leaving);
	w->leaving = NULL;
	if (!w->removed)
		offer(w);
	sim_link_control(&w->run.link);
}

static void
leaving_event(void *arg, uint64_t value)
{
	struct world *w = arg;

	w->leaving_due = false;
	if (w->leaving == NULL || w->leaving_gone)
		return;
	while (vsp_control_run(w->leaving))
		;
	if (w->leaving_chan != NULL)
		sim_link_host_ready(&w->run.link, w->leaving_chan);
}

static void
leaving_control(void *ctx)
{
	struct world *w = ctx;

	if (w->leaving_due)
		return;
	w->leaving_due = true;
	sim_after(&w->sim, 500, leaving_event, w, 0);
}

static void
leaving_gone(void *ctx)
{
	struct world *w = ctx;

	w->leaving_gone = true;
	sim_after(&w->sim, 0, left_event, w, 0);
}

static void leaving_frame(void *ctx, uint32_t queue,
    const struct vsp_frame *f) { }
static void leaving_flush(void *ctx, uint32_t queue) { }

static void
leaving_start(void *ctx, uint32_t queue, struct chan *c)
{
	struct world *w = ctx;

	chan_watch(w, queue, c);
	if (queue == 0)
		w->leaving_chan = c;
}

static void
leaving_stop(void *ctx, uint32_t queue)
{
	struct world *w = ctx;

	see_watch_stop(&w->watch[queue]);
	if (queue == 0)
		w->leaving_chan = NULL;
}

static void *
leaving_alloc(void *ctx, size_t bytes)
{
	return sim_host_alloc(&((struct world *)ctx)->run.link, bytes);
}

static void
leaving_free(void *ctx, void *p, size_t bytes)
{
	sim_host_free(&((struct world *)ctx)->run.link, p, bytes);
}

static const struct vsp_ops leaving_ops = {
	.alloc = leaving_alloc, .free = leaving_free,
	.from_guest = leaving_frame, .from_guest_flush = leaving_flush,
	.control_wanted = leaving_control, .queue_start = leaving_start,
	.queue_stop = leaving_stop, .gone = leaving_gone,
};

/* The host lets the guest come to rest first, as linux/host does. */
static void
rescind_event(void *arg, uint64_t value)
{
	struct world *w = arg;

	if (!vms_dev_rescind(w->run.link.vms, vsp_dev(w->leaving)))
		leaving_gone(w);
}

void
world_rescind(struct world *w)
{
	if (w->leaving != NULL || w->run.vsp == NULL)
		return;
	w->leaving = w->run.vsp;
	w->leaving_gone = false;
	vsp_leave(w->leaving, &leaving_ops, w);
	w->run.vsp = NULL;
	w->run.offered = false;
	/* What waited for control has to be read by somebody. */
	leaving_control(w);
	sim_after(&w->sim, LEAVING_NS, rescind_event, w, 0);
}

void
world_add(struct world *w)
{
	w->removed = false;
	if (w->leaving == NULL)
		offer(w);
	sim_link_control(&w->run.link);
}

void
world_changed(struct world *w, bool again)
{
	if (again)
		world_rescind(w);
	else if (w->run.vsp != NULL)
		(void)vsp_reconfigure(w->run.vsp, &w->cfg.vsp);
}

/* --- life, numbers --- */

int
world_host(struct world *w, const char *script, char *err, size_t cap)
{
	w->release_at = UINT64_MAX;
	world_echo_init(w);
	world_guest_config(w);
	sim_init(&w->sim, w->cfg.seed);
	w->run.cfg = &w->cfg;
	w->run.sim = &w->sim;
	w->run.phase = TRAFFIC;
	sim_kernel_init(&w->run.kernel, &sim_nic_kernel_ops, &w->run);
	if (sim_link_init(&w->run.link, &w->sim, &w->cfg.link, &world_link_ops,
	    &w->run) < 0) {
		snprintf(err, cap, "out of memory");
		return -1;
	}
	if (script != NULL && world_bend(w, script, err, cap) < 0)
		return -1;
	offer(w);
	return 0;
}

static json_t *
device_stat(const struct vsp *vsp)
{
	struct vsp_guest_state s;
	char filter[80], vmbus[16];
	const char *nvsp;

	vsp_guest_state(vsp, &s);
	ndis_filter_print(filter, sizeof(filter), s.filter);
	snprintf(vmbus, sizeof(vmbus), "%u.%u", s.vmbus_version >> 16,
	    s.vmbus_version & 0xffff);
	nvsp = nvs_version_name(s.nvsp_version);
	return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:i}", "vmbus", vmbus,
	    "nvsp", nvsp != NULL ? nvsp : "none", "filter", filter,
	    "guest_mtu", (int)s.guest_mtu, "queues", (int)s.queues,
	    "rx_sections", (int)s.rx_sections, "rx_sections_free",
	    (int)s.rx_sections_free);
}

static json_t *
queues_stat(const struct world *w)
{
	json_t *a = json_array();

	for (uint32_t k = 0; k < w->cfg.vsp.max_queues; k++)
		json_array_append_new(a, json_pack("{s:o,s:o}", "from_guest",
		    stat_counters(vsp_from_guest_stats(w->run.vsp, k),
		    &vsp_from_guest_counters_table), "to_guest",
		    stat_counters(vsp_to_guest_stats(w->run.vsp, k),
		    &vsp_to_guest_counters_table)));
	return a;
}

json_t *
world_stat(struct world *w)
{
	struct vsp *vsp = w->run.vsp;
	static const struct fault_log none;
	const struct fault_log blames = world_blames(w);
	json_t *nic = json_pack("{s:s,s:o}", "name", "n0", "bend",
	    w->bend != NULL ? bend_stat(w->bend) : json_array());

	if (vsp != NULL) {
		json_object_set_new(nic, "faults",
		    stat_faults(vsp_faults(vsp)));
		json_object_set_new(nic, "device", device_stat(vsp));
		json_object_set_new(nic, "queues", queues_stat(w));
	}
	json_object_set_new(nic, "guest", json_pack("{s:o}", "faults",
	    stat_faults(&w->run.link.part.faults)));
	return json_pack("{s:s,s:o,s:i,s:o,s:o,s:f}", "kind", "host",
	    "blames", stat_faults(&blames),
	    "nics_leaving", w->leaving != NULL, "nics", w->removed ?
	    (json_decref(nic), json_array()) : json_pack("[o]", nic),
	    "faults_of_gone_guests", stat_faults(&none), "now",
	    (double)w->sim.now_ns / 1e9);
}
