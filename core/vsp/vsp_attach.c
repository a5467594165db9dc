/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NIC as a device of the VMBus server: create, channels that open and
 * close, the control pass, configuration, and what can be seen of it.
 *
 * A queue is a channel: its index is the channel's subindex.  The primary
 * (queue 0) carries NVSP; when it closes, everything that the guest set up is
 * forgotten and its buffers are let go.  vms closes sub-channels first.
 *
 * Control pass (vsp_control_run): worker 0 met a control packet, or control
 * was waiting for something that has come.  Per packet, in this order: send
 * the answer that waits, the completions that wait, the replies that wait;
 * then take the next packet.  What finds no ring room or no section stays, and
 * vsp->block tells worker 0 when to request control again.  A data packet ends
 * the pass, is left held for the worker, and the port starts a pass of the
 * worker after each control pass.
 *
 * All functions: context control, unless vsp_priv.h says otherwise.
 */
#include "vsp/vsp_priv.h"
#include "wire/ndis_obj.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"

/* Policy: control packets in one pass. */
#define CONTROL_BUDGET	64u

static struct vsp *
dev_vsp(struct vms_dev *dev)
{
	return CONTAINER_OF(dev, struct vsp, dev);
}

/* ---- channels --------------------------------------------------------- */

static bool
all_queues_open(const struct vsp *vsp)
{
	return vsp->queues == vsp->guest.subchannels + 1;
}

static int
dev_open(struct vms_dev *dev, struct chan *c)
{
	struct vsp *vsp = dev_vsp(dev);
	uint32_t k = c->subindex;
	struct vsp_queue *q;

	if (k >= vsp->cfg.max_queues || vsp->queue[k] != NULL ||
	    (k > 0 && vsp->guest.state != VSP_NVS_UP))
		return E_STATE;
	q = vsp->ops.alloc(vsp->ctx, sizeof(*q));
	if (q == NULL)
		return E_NOMEM;
	q->vsp = vsp;
	q->chan = c;
	q->index = k;
	q->random = 0x9e3779b9u * (k + 1);
	vsp_queue_config(q);
	vsp->queue[k] = q;
	vsp->queues++;
	if (k == 0)
		vsp_nvs_reset(vsp);
	if (vsp_aside_open(q) != 0 || vsp_to_guest_open(q) != 0) {
		vsp_aside_close(q);
		vsp->queue[k] = NULL;
		vsp->queues--;
		vsp->ops.free(vsp->ctx, q, sizeof(*q));
		return E_NOMEM;
	}
	c->events = &vsp_queue_events;
	c->user = q;
	vsp_steer_queues_changed(vsp);
	vsp->ops.queue_start(vsp->ctx, k, c);
	if (vsp->guest.send_table_due && all_queues_open(vsp))
		vsp->ops.control_wanted(vsp->ctx);
	return 0;
}

static void
faults_add(struct fault_log *sum, const struct fault_log *log)
{
	sum->total += log->total;
	for (uint32_t i = 0; i < FAULT_COUNT; i++)
		sum->count[i] += log->count[i];
	if (log->total > 0) {
		sum->last = log->last;
		sum->last_value = log->last_value;
	}
}

static void
dev_close(struct vms_dev *dev, struct chan *c)
{
	struct vsp *vsp = dev_vsp(dev);
	struct vsp_queue *q = c->user;
	uint32_t k = q->index;

	vsp->ops.queue_stop(vsp->ctx, k);
	faults_add(&vsp->faults_closed, &c->faults);
	memset(&c->faults, 0, sizeof(c->faults));
	vsp_to_guest_close(q);
	vsp_aside_close(q);
	vsp->queue[k] = NULL;
	vsp->queues--;
	if (k == 0)
		vsp_nvs_reset(vsp);
	vsp_steer_queues_changed(vsp);
	vsp->ops.free(vsp->ctx, q, sizeof(*q));
	if (k == 0 && vsp->ops.state != NULL)
		vsp->ops.state(vsp->ctx);
}

/* The guest may tear down without a revoke: that is one. */
static bool
dev_gpadl_gone(struct vms_dev *dev, uint32_t gpadl)
{
	struct vsp *vsp = dev_vsp(dev);

	if (vsp->rx_gpadl != NULL && vsp->rx_gpadl->id == gpadl)
		vsp_nvs_recv_buf_drop(vsp);
	if (vsp->send.gpadl != NULL && vsp->send.gpadl->id == gpadl)
		vsp_nvs_send_buf_drop(vsp);
	return true;
}

static void
dev_gone(struct vms_dev *dev)
{
	struct vsp *vsp = dev_vsp(dev);

	if (vsp->ops.gone != NULL)
		vsp->ops.gone(vsp->ctx);
}

static const struct vms_dev_ops dev_ops = {
	.open = dev_open,
	.close = dev_close,
	.gpadl_gone = dev_gpadl_gone,
	.gone = dev_gone,
};

/* ---- the control pass ------------------------------------------------- */

/* Send what waits; false: the ring has no room for it. */
static bool
control_send(struct vsp *vsp)
{
	vsp->block = VSP_BLOCK_NONE;
	if (!vsp_nvs_answer_flush(vsp) ||
	    !vsp_completions_send(vsp->queue[0])) {
		vsp->block = VSP_BLOCK_RING;
		return false;
	}
	vsp_rndis_replies_flush(vsp);
	return vsp->block != VSP_BLOCK_RING;
}

bool
vsp_control_run(struct vsp *vsp)
{
	struct vsp_queue *q = vsp->queue[0];
	bool more = true, wait = false;
	uint32_t n;

	if (q == NULL || q->dead)
		return false;
	for (n = 0; n < CONTROL_BUDGET && more; n++) {
		more = control_send(vsp) && vsp_packet_next(q) > 0 &&
		    vsp_packet_is_control(&q->from.pkt);
		if (!more)
			break;
		int rc = vsp_nvs_message(vsp, &q->from.pkt);

		q->from.held = wait = rc == E_AGAIN;
		if (rc != 0)
			more = false;
	}
	if (!q->dead) {
		vsp_nvs_send_table(vsp);
		if (control_send(vsp) && wait)
			vsp->block = VSP_BLOCK_MEMORY;
		chan_recv_commit(q->chan);
	}
	chan_commit(q->chan);
	return more && !q->dead;
}

void
vsp_memory_changed(struct vsp *vsp)
{
	if (vsp->block != VSP_BLOCK_MEMORY)
		return;
	vsp->block = VSP_BLOCK_NONE;
	vsp->ops.control_wanted(vsp->ctx);
}

/* ---- configuration ---------------------------------------------------- */

static bool
config_ok(const struct vsp_config *c)
{
	if (c->mtu < 68 || c->mtu > 9000 || (c->mac[0] & 1))
		return false;
	if (c->max_queues < 1 || c->max_queues > VSP_MAX_QUEUES)
		return false;
	if (c->max_nvsp != 0 && !nvs_version_known(c->max_nvsp))
		return false;
	if (c->offloads & ~VSP_OFF_ALL)
		return false;
	if (c->vlan == VSP_VLAN_ACCESS && (c->vlan_id < 1 || c->vlan_id > 4094))
		return false;
	if (c->lso_max != 0 && (c->lso_max < 1514 || c->lso_max > 65535))
		return false;
	if (c->send_section_bytes != 0 && (c->send_section_bytes < 512 ||
	    c->send_section_bytes > (1u << 20) || c->send_section_bytes % 8))
		return false;
	return c->completion_batch <= VSP_COMPLETIONS &&
	    c->section_bytes <= (1u << 20) &&
	    c->rsc_section_bytes <= (1u << 20) && c->loss_ppm <= 1000000;
}

static void
indicate_offloads(struct vsp *vsp)
{
	uint8_t buf[256];
	uint32_t len;

	vsp_obj_offload_limit(vsp);
	if (vsp_obj_offload_current(vsp, buf, sizeof(buf), &len) ==
	    RNDIS_STATUS_OK)
		vsp_rndis_indicate(vsp, RNDIS_STATUS_OFFLOAD_CONFIG,
		    (struct span){ buf, len });
}

static void
indicate_link(struct vsp *vsp)
{
	vsp_rndis_indicate(vsp, vsp->cfg.link_up ? RNDIS_STATUS_MEDIA_CONNECT :
	    RNDIS_STATUS_MEDIA_DISCONNECT, (struct span){ NULL, 0 });
}

static void
indicate_u32(struct vsp *vsp, uint32_t status, uint32_t value)
{
	le32_t w = le32_put(value);

	vsp_rndis_indicate(vsp, status,
	    (struct span){ (const uint8_t *)&w, sizeof(w) });
}

/*
 * What each carries: Linux refuses LINK_SPEED without the speed, and FreeBSD
 * looks for the kind of NETWORK_CHANGE; the two of the link carry nothing.
 *
 * Spacing: guests want 5 s between two link changes (FreeBSD and Linux delay
 * them themselves); there is no clock here, so that is the caller's to keep.
 */
static void
indicate_changes(struct vsp *vsp, const struct vsp_config *old)
{
	const struct vsp_config *now = &vsp->cfg;

	if (now->link_up != old->link_up)
		indicate_link(vsp);
	if (now->speed_bps != old->speed_bps)
		indicate_u32(vsp, RNDIS_STATUS_LINK_SPEED,
		    vsp_oid_link_speed(vsp));
	if (now->vlan != old->vlan || now->vlan_id != old->vlan_id)
		indicate_u32(vsp, RNDIS_STATUS_NETWORK_CHANGE,
		    NDIS_NETWORK_CHANGE_SURE);
	if (now->offloads != old->offloads)
		indicate_offloads(vsp);
}

/* Send now what was indicated, as far as there is room. */
static void
indications_flush(struct vsp *vsp)
{
	if (vsp->queue[0] == NULL || vsp->queue[0]->dead)
		return;
	(void)control_send(vsp);
	chan_commit(vsp->queue[0]->chan);
}

void
vsp_link_repeat(struct vsp *vsp)
{
	indicate_link(vsp);
	indications_flush(vsp);
}

int
vsp_reconfigure(struct vsp *vsp, const struct vsp_config *cfg)
{
	struct vsp_config old = vsp->cfg;
	bool other_mac = memcmp(old.mac, cfg->mac, sizeof(old.mac)) != 0;

	if (!config_ok(cfg))
		return E_STATE;
	if (vsp->queues > 0 && (other_mac || cfg->max_queues != old.max_queues))
		return E_STATE;
	vsp->cfg = *cfg;
	vsp_mtu_set(vsp);
	for (uint32_t k = 0; k < VSP_MAX_QUEUES; k++)
		if (vsp->queue[k] != NULL)
			vsp_queue_config(vsp->queue[k]);
	if (other_mac)
		memcpy(vsp->guest.mac, cfg->mac, sizeof(vsp->guest.mac));
	indicate_changes(vsp, &old);
	indications_flush(vsp);
	if (vsp->ops.state != NULL)
		vsp->ops.state(vsp->ctx);
	return 0;
}

const struct vsp_config *
vsp_config(const struct vsp *vsp)
{
	return &vsp->cfg;
}

/* ---- life ------------------------------------------------------------- */

/* Whom it serves from now on. */
static void
ops_take(struct vsp *vsp, const struct vsp_ops *ops, void *ctx)
{
	vsp->ops = *ops;
	vsp->ctx = ctx;
	vsp->stop = ops->stop != NULL ? ops->stop : &vsp->never_stop;
}

struct vsp *
vsp_create(const struct vsp_config *cfg, const struct vsp_ops *ops, void *ctx)
{
	/* Ours: only the MAC varies, so that a NIC keeps its name. */
	static const uint8_t instance[10] = {
		0x68, 0x76, 0x6e, 0x65, 0x74, 0x00, 0x00, 0x40, 0x80, 0x00
	};
	struct vsp *vsp;

	if (!config_ok(cfg))
		return NULL;
	vsp = ops->alloc(ctx, sizeof(*vsp));
	if (vsp == NULL)
		return NULL;
	ops_take(vsp, ops, ctx);
	vsp->cfg = *cfg;
	vsp_mtu_set(vsp);
	vsp->dev.ops = &dev_ops;
	vsp->dev.type = hv_guid_nic;
	memcpy(vsp->dev.instance.b, instance, sizeof(instance));
	memcpy(vsp->dev.instance.b + sizeof(instance), cfg->mac, 6);
	memcpy(vsp->guest.mac, cfg->mac, sizeof(vsp->guest.mac));
	vsp_steer_reset(vsp);
	return vsp;
}

void
vsp_leave(struct vsp *vsp, const struct vsp_ops *ops, void *ctx)
{
	struct vsp_config cfg = vsp->cfg;

	for (uint32_t k = 0; k < VSP_MAX_QUEUES; k++)
		if (vsp->queue[k] != NULL) {
			vsp->ops.queue_stop(vsp->ctx, k);
			vsp_to_guest_reset(vsp->queue[k]);
		}
	/* Dropped packets free sections for the answers of control. */
	vsp_rxbuf_share(&vsp->rxbuf);
	ops_take(vsp, ops, ctx);
	for (uint32_t k = 0; k < VSP_MAX_QUEUES; k++)
		if (vsp->queue[k] != NULL)
			ops->queue_start(ctx, k, vsp->queue[k]->chan);
	cfg.link_up = false;
	(void)vsp_reconfigure(vsp, &cfg);
}

void
vsp_destroy(struct vsp *vsp)
{
	if (vsp == NULL)
		return;
	OS_ASSERT(vsp->queues == 0);
	vsp->ops.free(vsp->ctx, vsp, sizeof(*vsp));
}

struct vms_dev *
vsp_dev(struct vsp *vsp)
{
	return &vsp->dev;
}

/* ---- what can be seen ------------------------------------------------- */

void
vsp_guest_state(const struct vsp *vsp, struct vsp_guest_state *s)
{
	const struct vsp_guest *g = &vsp->guest;
	const struct vsp_queue *q = vsp->queue[0];

	*s = (struct vsp_guest_state){
		.vmbus_version = q != NULL ? q->chan->vmbus_version : 0,
		.nvsp_version = g->nvsp_version,
		.ndis_version = g->ndis_major << 16 | (g->ndis_minor & 0xffff),
		.filter = g->filter,
		.guest_mtu = vsp->mtu,
		.queues = vsp->queues,
		.attaching = vsp->queues > 0 &&
		    (!g->rndis_up || !all_queues_open(vsp)),
		.offloads_tx = g->csum_tx,
		.offloads_rx = g->csum_rx,
		.rsc4 = g->rsc4,
		.rsc6 = g->rsc6,
		.lso4 = g->lso4,
		.lso6 = g->lso6,
		.hash_types = vsp->steer.hash_types,
		.table_entries = vsp->steer.entries,
		.rx_sections = vsp->rxbuf.sections,
		.rx_sections_free = vsp_rxbuf_free(vsp),
		.send_sections = vsp->send.sections,
	};
}

void
vsp_buffers(const struct vsp *vsp, struct vsp_buffers *b)
{
	*b = (struct vsp_buffers){
		.recv = vsp->rxbuf.base,
		.recv_bytes = vsp->rxbuf.bytes,
		.send = vsp->send.base,
		.send_sections = vsp->send.sections,
		.send_section_bytes = vsp->send.section_bytes,
	};
}

const struct fault_log *
vsp_faults(struct vsp *vsp)
{
	vsp->faults_sum = vsp->faults_closed;
	for (uint32_t i = 0; i < VSP_MAX_QUEUES; i++)
		if (vsp->queue[i] != NULL)
			faults_add(&vsp->faults_sum,
			    &vsp->queue[i]->chan->faults);
	return &vsp->faults_sum;
}
