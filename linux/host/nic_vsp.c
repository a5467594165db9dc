/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NetVSP of a NIC: what it needs of us, and how it is configured.
 *
 * Context: control with the NIC's gate closed, or a worker behind that gate.
 */
#include "linux/host/nic_vsp.h"

#include <stdlib.h>
#include <string.h>

#include "linux/host/host_priv.h"
#include "linux/host/nic_bend.h"
#include "linux/host/nic_queue.h"
#include "linux/host/nic_quiet.h"
#include "linux/host/nic_see.h"
#include "linux/host/nic_trace.h"
#include "linux/host/nic_wake.h"
#include "linux/run/clock.h"
#include "linux/see/trace.h"
#include "os_block.h"

/*
 * Policy: bytes of a receive section of a guest that takes large fragments: a
 * 64 KiB frame in two, as long as each queue still has some 50 sections.
 */
#define NIC_RSC_SECTION		34816u
/* A machine's guest may leave RSC off: then each segment takes a section. */
#define NIC_RSC_SECTION_VM	16384u
#define NIC_RSC_SECTION_QUEUES	8u
#define NIC_RSC_SECTION_SMALL	8192u

void
nic_carrier(struct nic *nic)
{
	if (nic->port.ops->carrier != NULL)
		nic->port.ops->carrier(&nic->port, nic->spec.link_up &&
		    !nic->port.cut && nic->port.queues_open > 0);
}

/* --- NetVSP's needs --- */

void *
nic_vsp_alloc(void *ctx, size_t bytes)
{
	return os_block_zeroed(bytes);
}

void
nic_vsp_free(void *ctx, void *p, size_t bytes)
{
	free(p);
}

static void
nic_from_guest(void *ctx, uint32_t queue, const struct vsp_frame *f)
{
	struct nic *nic = ctx;

	nic->port.ops->from_guest(&nic->port, queue, f);
}

static void
nic_from_guest_flush(void *ctx, uint32_t queue)
{
	struct nic *nic = ctx;

	nic->port.ops->from_guest_flush(&nic->port, queue);
}

static bool
nic_from_guest_stalled(void *ctx, uint32_t queue, bool full)
{
	struct nic *nic = ctx;

	return nic->port.ops->stalled(&nic->port, queue, full);
}

static void
nic_to_guest_wake(void *ctx, uint32_t queue)
{
	struct nic *nic = ctx;

	nic->queue[queue].blocked = false;
	if (trace_on())
		nic_trace_short_end(&nic->queue[queue]);
	/* It may come from another queue's turn, at the same worker. */
	work_ready(&nic->queue[queue].work);
}

static void
nic_control_wanted(void *ctx)
{
	nic_control_ask(ctx);
}

static bool
nic_same_owner(void *ctx, uint32_t qa, uint32_t qb)
{
	const struct nic *nic = ctx;

	return nic->queue[qa].work.worker == nic->queue[qb].work.worker;
}

static void
nic_handover_kick(void *ctx, uint32_t queue)
{
	struct nic *nic = ctx;

	if (trace_on())
		nic_trace_handover(&nic->queue[queue]);
	(void)os_xchg32(&nic->queue[queue].handover, 1);
	work_post(&nic->queue[queue].work);
}

static void
nic_queue_start_op(void *ctx, uint32_t queue, struct chan *c)
{
	struct nic *nic = ctx;

	nic_queue_start(&nic->queue[queue], c,
	    link_host_signal_fd(nic->user.link, c));
	nic_see_start(&nic->queue[queue]);
	nic_bend_start(&nic->queue[queue]);
	nic->port.queues_open++;
	host_monitor_wake(nic->host);
	if (nic->port.queues_open == 1)
		nic_carrier(nic);
}

static void
nic_look(struct nic *nic)
{
	if (nic->user.guest != NULL && nic->vsp != NULL)
		host_tries_look(nic->user.guest, nic->vsp);
}

static void
nic_queue_stop_op(void *ctx, uint32_t queue)
{
	struct nic *nic = ctx;

	nic_look(nic);
	nic->port.queues_open--;
	if (nic->port.queues_open == 0)
		nic_carrier(nic);
	nic_bend_stop(&nic->queue[queue]);
	nic_see_stop(&nic->queue[queue]);
	nic_queue_stop(&nic->queue[queue]);
}

static void
nic_steering(void *ctx)
{
	struct nic *nic = ctx;

	if (nic->vsp != NULL && nic->port.ops->steering != NULL)
		nic->port.ops->steering(&nic->port, nic->vsp);
}

static void
nic_state(void *ctx)
{
	struct nic *nic = ctx;
	char err[200];
	int rc = 0;

	if (nic->vsp == NULL)
		return;
	nic_look(nic);
	if (nic->port.ops->configure != NULL)
		rc = nic->port.ops->configure(&nic->port, nic->vsp, err,
		    sizeof(err));
	if (rc < 0)
		host_log_once(nic->log, "%s: %s", nic->spec.name, err);
	/* What nobody took so far may be wanted now. */
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		nic_source_post(nic, k);
}

static const struct vsp_ops nic_vsp_ops = {
	.alloc = nic_vsp_alloc,
	.free = nic_vsp_free,
	.from_guest = nic_from_guest,
	.from_guest_flush = nic_from_guest_flush,
	.from_guest_stalled = nic_from_guest_stalled,
	.to_guest_wake = nic_to_guest_wake,
	.control_wanted = nic_control_wanted,
	.same_owner = nic_same_owner,
	.handover_kick = nic_handover_kick,
	.queue_start = nic_queue_start_op,
	.queue_stop = nic_queue_stop_op,
	.steering = nic_steering,
	.state = nic_state,
};

/* --- configuration --- */

/* Large sections for large fragments; 0: frames of that MTU need their own. */
static uint32_t
nic_rsc_section(const struct nic_spec *s, uint32_t kind)
{
	uint32_t n = s->queues > NIC_RSC_SECTION_QUEUES ?
	    NIC_RSC_SECTION_SMALL : kind == LINK_KIND_VM ?
	    NIC_RSC_SECTION_VM : NIC_RSC_SECTION;

	return s->mtu < n / 2 ? n : 0;
}

bool
nic_waits(const struct nic *nic)
{
	return nic->spec.backend == NIC_PAIR && nic->port.mate == NULL;
}

void
nic_vsp_config(const struct nic *nic, struct vsp_config *c)
{
	uint32_t kind = nic->user.kind;
	const struct nic_spec *s = &nic->spec;

	*c = (struct vsp_config){ .mtu = s->mtu, .max_queues = s->queues,
		.max_nvsp = s->max_nvsp != 0 ? s->max_nvsp :
		    nic->host->cfg.max_nvsp,
		.strict = !nic->host->cfg.lenient,
		.rxcsum_complete = s->rxcsum != NIC_RXCSUM_AUTO ||
		    kind != LINK_KIND_HVNET,
		.speed_bps = s->speed_bps,
		.link_up = s->link_up && !nic->port.cut && !nic_waits(nic),
		.vlan = s->vlan == NIC_VLAN_TRUNK ? VSP_VLAN_TRUNK :
		    s->vlan == NIC_VLAN_ACCESS ? VSP_VLAN_ACCESS :
		    VSP_VLAN_NONE,
		.vlan_id = s->vlan_id, .mac_spoof = s->spoof,
		.lso_max = s->tso_max, .section_bytes = s->section_bytes,
		.rsc_large = kind == LINK_KIND_HVNET || kind == LINK_KIND_VM,
		.rsc_sizes = kind == LINK_KIND_HVNET,
		.backend_gso4 = (nic->port.ops->caps & BACKEND_GSO4) != 0,
		.backend_gso6 = (nic->port.ops->caps & BACKEND_GSO6) != 0,
		.backend_csum = (nic->port.ops->caps & BACKEND_CSUM) != 0,
		.loss_ppm = s->loss_ppm,
		.completion_batch = s->completion_batch };
	if (c->rsc_large && s->rsc)
		c->rsc_section_bytes = nic_rsc_section(s, kind);
	memcpy(c->mac, nic->mac, sizeof(c->mac));
	c->offloads = (s->txcsum ? VSP_OFF_TXCSUM : 0) |
	    (s->rxcsum != NIC_RXCSUM_OFF ? VSP_OFF_RXCSUM : 0) |
	    (s->tso ? VSP_OFF_LSO : 0) | (s->rsc ? VSP_OFF_RSC : 0) |
	    (s->vlan != NIC_VLAN_NONE ? VSP_OFF_VLAN : 0) |
	    (s->hash ? VSP_OFF_HASH : 0);
}

struct vsp *
nic_vsp_create(struct nic *nic)
{
	struct vsp_ops ops = nic_vsp_ops;
	struct vsp_config c;

	nic_vsp_config(nic, &c);
	ops.stop = &nic->gate->closed;
	if (nic->port.ops->stalled == NULL)
		ops.from_guest_stalled = NULL;
	nic->link_ns = 0;
	return vsp_create(&c, &ops, nic);
}

int
nic_vsp_reconfigure(struct nic *nic)
{
	const struct vsp_config *old = vsp_config(nic->vsp);
	struct vsp_config c;

	nic_vsp_config(nic, &c);
	if (c.link_up != old->link_up)
		nic->link_ns = nic_quiet_link(nic->link_ns, clock_now_ns());
	if (c.vlan != old->vlan || c.vlan_id != old->vlan_id) {
		/* Linux makes two of it: down and up. */
		nic->link_ns = nic_quiet_link(nic->link_ns, clock_now_ns());
		nic->link_ns = nic_quiet_link(nic->link_ns, clock_now_ns());
	}
	return vsp_reconfigure(nic->vsp, &c);
}

void
nic_link_changed(struct nic *nic)
{
	if (nic->vsp == NULL)
		return;
	nic_close(nic);
	/* Nothing but the link is another, so it is taken. */
	(void)!nic_vsp_reconfigure(nic);
	nic_open(nic);
}

void
nic_memory_changed(struct nic *nic)
{
	nic_close(nic);
	vsp_memory_changed(nic->vsp);
	nic_open(nic);
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		nic_queue_poke(&nic->queue[k]);
}
