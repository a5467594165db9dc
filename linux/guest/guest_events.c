/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What VMBus client and NetVSC request of a guest process, and report to it:
 * parking, and the events of attach, link and steering.
 *
 * Context: VP 0, the control context, inside calls of vmc or vsc; so nothing
 * of theirs is freed here, `lost` and `reset` are set for guest_control().
 */
#include <stdio.h>

#include "linux/guest/guest_priv.h"
#include "linux/link/link_guard.h"
#include "linux/run/clock.h"
#include "wire/nvs_msg.h"

static void
guest_vp_park(void *ctx, uint32_t vp)
{
	struct guest *g = ctx;

	vp_park(&g->vp[vp]);
}

static void
guest_vp_unpark(void *ctx, uint32_t vp)
{
	struct guest *g = ctx;

	vp_unpark(&g->vp[vp]);
}

static void
guest_vp_kick(void *ctx, uint32_t vp)
{
	struct guest *g = ctx;

	vp_kick(&g->vp[vp]);
}

static void
guest_control_wanted(void *ctx)
{
	struct guest *g = ctx;

	os_xchg32(&g->control_due, 1);
	vp_wake(&g->vp[0]);
}

/* It failed, and will again until somebody changes something: reported once. */
static void
guest_failed(struct guest *g)
{
	if (strcmp(g->told, g->reason) != 0)
		fprintf(stderr, "hvnet guest: %s: %s\n", g->tap.name,
		    g->reason);
	memcpy(g->told, g->reason, sizeof(g->told));
	g->fails++;
	g->reset = true;
}

static void
guest_on_connected(void *ctx, int version_or_err)
{
	struct guest *g = ctx;

	if (version_or_err < 0) {
		snprintf(g->reason, sizeof(g->reason),
		    "VMBus: %s", version_or_err == E_NOTSUP ?
		    "the host accepts no version that --max-vmbus and "
		    "--min-vmbus let us offer" : hv_err_text(version_or_err));
		guest_failed(g);
	} else if (g->offered == NULL) {
		snprintf(g->reason, sizeof(g->reason),
		    "connected; the host offers no NIC yet");
	}
}

static void
guest_on_unloaded(void *ctx)
{
	struct guest *g = ctx;

	if (g->state == GUEST_UNLOADING)
		g->lost = true;
}

static void
guest_on_gone(void *ctx, struct chan *c)
{
	struct guest *g = ctx;

	if (g->offered == c)
		g->offered = NULL;
	if (g->next_offer == c)
		g->next_offer = NULL;
}

static const struct vsc_ops guest_vsc_ops;

void
guest_attach(struct guest *g, struct chan *c)
{
	g->offered = c;
	g->vsc_down = false;
	g->vsc = vsc_attach(&g->cfg.vsc, &guest_vsc_ops, g, c);
	if (g->vsc == NULL) {
		snprintf(g->reason, sizeof(g->reason), "out of memory");
		g->reset = true;
		return;
	}
	guest_state_set(g, GUEST_ATTACHING);
	os_st32(&g->control_due, 1);
}

static void
guest_on_offer(void *ctx, struct chan *c)
{
	struct guest *g = ctx;

	if (!hv_guid_equal(&c->type, &hv_guid_nic))
		return;
	if (g->vsc == NULL)
		guest_attach(g, c);
	else if (g->next_offer == NULL)
		g->next_offer = c;
}

const struct vmc_ops guest_vmc_ops = {
	.post_message = guest_wire_post,
	.signal_event = guest_wire_signal,
	.eom = guest_wire_eom,
	.alloc = guest_wire_alloc,
	.free = guest_wire_free,
	.mem_alloc = guest_wire_mem_alloc,
	.mem_free = guest_wire_mem_free,
	.connected = guest_on_connected,
	.offer = guest_on_offer,
	.gone = guest_on_gone,
	.unloaded = guest_on_unloaded,
	.vp_park = guest_vp_park,
	.vp_unpark = guest_vp_unpark,
	.vp_kick = guest_vp_kick,
	.trace = guest_see_message,
};

static void
guest_on_send_table(void *ctx, const uint32_t *table, uint32_t count)
{
	guest_steer(ctx);
}

static void
guest_on_attached(void *ctx, const struct vsc_caps *caps)
{
	struct guest *g = ctx;
	char vmbus[32] = "";

	/* Those of an earlier attach may be at work. */
	guest_vps_park(g);
	/* With uio only the kernel knows. */
	if (caps->vmbus_version != 0)
		snprintf(vmbus, sizeof(vmbus), "VMBus %u.%u, ",
		    caps->vmbus_version >> 16, caps->vmbus_version & 0xffff);
	guest_iface_attached(g, caps);
	guest_offloads_apply(g, caps->offloads);
	g->queues = min_u32(caps->queues, g->tap.queues);
	guest_vps_follow(g);
	guest_steer(g);
	g->attaches++;
	g->fails = 0;
	g->reason[0] = g->told[0] = '\0';
	guest_state_set(g, GUEST_UP);
	for (uint32_t k = 0; k < g->tap.queues; k++) {
		g->queue[k].blocked = false;
		g->queue[k].readable = true;
	}
	tap_carrier(&g->tap, caps->link_up);
	guest_vps_unpark(g);
	fprintf(stderr, "hvnet guest: %s: attached: %sNVSP %s, %u "
	    "queue%s, MTU %u, carrier %s\n", g->tap.name, vmbus,
	    nvs_version_name(caps->nvsp_version), caps->queues,
	    caps->queues == 1 ? "" : "s", caps->mtu,
	    caps->link_up ? "on" : "off");
	if (g->cfg.vsc.mtu > caps->mtu)
		fprintf(stderr, "hvnet guest: %s: MTU %u was requested: the "
		    "host's NIC takes %u at most (mtu=%u there)\n",
		    g->tap.name, g->cfg.vsc.mtu, caps->mtu, g->cfg.vsc.mtu);
}

/* What would be right, of a failure that the options cause; or "". */
static void
guest_failed_hint(const struct guest *g, int err, enum fault why,
    const char *stage, char *out, size_t cap)
{
	const struct vsc_tunables *t = &g->cfg.vsc.tune;
	uint32_t queues = vsc_caps(g->vsc)->queues;

	out[0] = '\0';
	if (err == E_NOMEM && g->wire.link != NULL)
		snprintf(out, cap, "; %u channel%s take --memory %uM",
		    queues, queues == 1 ? "" : "s", (unsigned int)
		    (vsc_memory_bytes(t, queues, false) >> 20) + 16);
	else if (why == FAULT_NVS_STATUS && strcmp(stage,
	    "receive buffer") == 0)
		snprintf(out, cap, "; it has %u KiB (-o rxbuf_kb), and four "
		    "of the NIC's sections must fit", t->rxbuf_kb);
	else if (err == E_NOTSUP && strcmp(stage, "NVSP INIT") == 0)
		snprintf(out, cap, "; it knows no version up to --max-nvsp");
}

static void
guest_on_failed(void *ctx, int err, enum fault why, const char *stage)
{
	struct guest *g = ctx;
	char hint[100];

	if (err == E_GONE) {
		snprintf(g->reason, sizeof(g->reason), "the host took the NIC "
		    "away");
		fprintf(stderr, "hvnet guest: %s: %s\n", g->tap.name,
		    g->reason);
		g->rescinded = g->reset = true;
		return;
	}
	guest_failed_hint(g, err, why, stage, hint, sizeof(hint));
	snprintf(g->reason, sizeof(g->reason), "NetVSC failed at %s: %s%s",
	    stage, why != FAULT_NONE ? fault_text(why) : hv_err_text(err),
	    hint);
	g->rescinded = false;
	guest_failed(g);
}

static void
guest_on_detached(void *ctx)
{
	struct guest *g = ctx;

	g->vsc_down = true;
	os_st32(&g->control_due, 1);
}

static void
guest_on_offloads(void *ctx, const struct vsc_caps *caps)
{
	struct guest *g = ctx;

	guest_offloads_apply(g, caps->offloads);
	guest_iface_gso(g, caps);
}

static void
guest_on_link(void *ctx, bool up, uint64_t speed_bps)
{
	struct guest *g = ctx;

	tap_carrier(&g->tap, up && g->state == GUEST_UP);
}

static uint32_t
guest_queue_vp(void *ctx, uint32_t queue)
{
	uint32_t vp = netif_queue_vp(ctx, queue);

	guest_see_queue(ctx, queue, vp);
	return vp;
}

static bool
guest_queue_spin(void *ctx, uint32_t queue, bool found)
{
	struct guest *g = ctx;
	struct netif_queue *q = &g->queue[queue];
	struct vp *v = &g->vp[q->vp];
	uint64_t now, cost;

	if (os_ld32(&g->cfg.adaptive) == 0 || g->vmc == NULL)
		return false;
	now = clock_now_ns();
	cost = link_signal_cost_ns();
	if (found)
		ring_spin_found(&q->spin, cost, now);
	if (crowd_is(&v->crowd, now) ||
	    !ring_spin_empty(&q->spin, cost, now))
		return false;
	v->spun = true;
	return true;
}

static const struct vsc_ops guest_vsc_ops = {
	.alloc = guest_wire_alloc,
	.free = guest_wire_free,
	.mem_alloc = guest_wire_mem_alloc,
	.mem_free = guest_wire_mem_free,
	.attached = guest_on_attached,
	.failed = guest_on_failed,
	.detached = guest_on_detached,
	.link = guest_on_link,
	.offloads = guest_on_offloads,
	.mac = guest_iface_mac,
	.queue_vp = guest_queue_vp,
	.send_table = guest_on_send_table,
	.control_wanted = guest_control_wanted,
	.rx = netif_rx,
	.rx_flush = netif_rx_flush,
	.tx_wake = netif_tx_wake,
	.queue_spin = guest_queue_spin,
};
