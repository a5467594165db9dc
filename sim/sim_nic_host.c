/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host side of the NIC scenario: a backend that sends and checks frames.
 *
 * Theory of operation.  The source offers bursts, each frame to the queue that
 * the NetVSP steers it to, and stops where that says E_AGAIN, until it says
 * wake.  Control work that the device requests is an event of its own, with the
 * worker quiet: there is only one thread.
 */
#include "sim/sim_nic_priv.h"
#include "wire/nvs_msg.h"

/* --- host backend --- */

static bool
host_pump(struct sim_nic_run *r)
{
	bool used[VSP_MAX_QUEUES] = { false };
	uint32_t sent = 0;

	for (uint32_t i = 0; i < r->cfg->flows; i++) {
		struct sim_flow *f = &r->down[i];
		struct pkt_meta m;
		uint32_t n, len, q;

		while (sent < SIM_NIC_BURST &&
		    (len = sim_frame_make(f, r->frame, &m, &n)) != 0) {
			struct vec v = { r->frame, len };

			q = vsp_steer(r->vsp, (struct span){ r->frame, len },
			    len, &m);
			if (vsp_to_guest_copy(r->vsp, q, &v, 1, &m) < 0)
				break;
			used[q] = true;
			sim_frame_sent(f, n);
			sent++;
		}
	}
	for (uint32_t q = 0; q < VSP_MAX_QUEUES; q++)
		if (used[q])
			vsp_to_guest_flush(r->vsp, q);
	return sent != 0;
}

void
sim_nic_host_pump(void *arg, uint64_t value)
{
	struct sim_nic_run *r = arg;

	if (r->phase != TRAFFIC || r->vsp == NULL)
		return;
	(void)host_pump(r);
	if (!sim_flows_done(r->down, r->cfg->flows))
		sim_after(r->sim, 20000, sim_nic_host_pump, r, 0);
}

static void
on_from_guest(void *ctx, uint32_t queue, const struct vsp_frame *f)
{
	struct sim_nic_run *r = ctx;

	if (!sim_frame_check(r->up, r->cfg->flows, queue, f->vec, f->nvec,
	    &f->meta))
		r->strays++;
}

static void
on_from_guest_flush(void *ctx, uint32_t queue)
{
}

static void
on_to_guest_wake(void *ctx, uint32_t queue)
{
	struct sim_nic_run *r = ctx;

	if (r->phase == TRAFFIC)
		(void)host_pump(r);
}

static void
control_event(void *arg, uint64_t value)
{
	struct sim_nic_run *r = arg;

	if (r->vsp == NULL)
		return;
	r->control_due = false;
	while (vsp_control_run(r->vsp))
		;
	if (r->host_chan[0] != NULL)
		sim_link_host_ready(&r->link, r->host_chan[0]);
}

static void
on_control_wanted(void *ctx)
{
	struct sim_nic_run *r = ctx;

	if (r->control_due)
		return;
	r->control_due = true;
	sim_after(r->sim, 500, control_event, r, 0);
}

static void
on_queue_start(void *ctx, uint32_t queue, struct chan *c)
{
	struct sim_nic_run *r = ctx;

	r->host_chan[queue] = c;
}

static void
on_queue_stop(void *ctx, uint32_t queue)
{
	struct sim_nic_run *r = ctx;

	r->host_chan[queue] = NULL;
}

static void
on_steering(void *ctx)
{
}

static void *
host_alloc(void *ctx, size_t bytes)
{
	struct sim_nic_run *r = ctx;

	return sim_host_alloc(&r->link, bytes);
}

static void
host_free(void *ctx, void *p, size_t bytes)
{
	struct sim_nic_run *r = ctx;

	sim_host_free(&r->link, p, bytes);
}

static bool
on_same_owner(void *ctx, uint32_t qa, uint32_t qb)
{
	return true;
}

const struct vsp_ops sim_nic_vsp_ops = {
	.alloc = host_alloc, .free = host_free,
	.from_guest = on_from_guest, .from_guest_flush = on_from_guest_flush,
	.to_guest_wake = on_to_guest_wake,
	.control_wanted = on_control_wanted, .same_owner = on_same_owner,
	.queue_start = on_queue_start, .queue_stop = on_queue_stop,
	.steering = on_steering, .state = on_steering,
};

#define VF_EVERY_NS	50000u

void
sim_nic_vf(void *arg, uint64_t n)
{
	struct sim_nic_run *r = arg;
	struct nvs_msg m = { .type = n & 2 ? NVS_DATAPATH :
	    NVS_VF_ASSOCIATION };
	uint8_t buf[NVS_MSG_BYTES_MAX];
	struct vmpkt_out p = { .type = VMPKT_INBAND };

	if (r->phase != TRAFFIC || r->host_chan[0] == NULL)
		return;
	if (m.type == NVS_VF_ASSOCIATION)
		m.vf = (struct nvs_vf){ .allocated = !(n & 1), .serial = 7 };
	else
		m.datapath = n & 1 ? NVS_DATAPATH_SYNTHETIC : NVS_DATAPATH_VF;
	p.data = (struct span){ buf, nvs_msg_encode(&m, NVS_MSG_BYTES_6_1,
	    buf) };
	if (chan_send(r->host_chan[0], &p) == 0) {
		chan_commit(r->host_chan[0]);
		r->vf_messages++;
	}
	sim_after(r->sim, VF_EVERY_NS, sim_nic_vf, r, n + 1);
}
