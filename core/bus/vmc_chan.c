/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus client: open and close of a channel.
 *
 * Theory of operation.  Open is GPADL for the rings, then OPEN_CHANNEL; close
 * is CLOSE_CHANNEL (no reply), then teardown of that GPADL, whose answer makes
 * the ring memory ours again.  The states are in vmc_priv.h.  A close during
 * an open waits for the open to end; then closed() is called, and opened() is
 * not.  opened(err) with E_TIMEOUT means that the host may still hold the ring
 * memory, which is then leaked; with any other error it is ours again.
 *
 * A channel is dispatched (vmc_route_add()) exactly while it is OPEN and not
 * rescinded.  Before 2.4 all channels are served by VMC_MSG_VP.
 *
 * Context: control.  An upcall may call any function of this file, so each
 * function makes its upcall last.
 */
#include "bus/vmc_priv.h"

#define X(name, text) COUNTER_ROW(vmc_signal_counters, name, text)
COUNTER_TABLE(vmc_signal_counters, VMC_SIGNAL_COUNTERS(X));
#undef X

struct vmc_chan *
vmc_chan_find(struct vmc *vmc, uint32_t relid)
{
	for (uint32_t i = 0; i < VMC_MAX_CHANNELS; i++) {
		struct vmc_chan *vc = vmc->chan[i];

		if (vc != NULL && vc->rc.chan.relid == relid && !vc->lost &&
		    vc->state != CHAN_ZOMBIE)
			return vc;
	}
	return NULL;
}

static void
open_build(const struct vmc *vmc, const struct vmc_out *out,
    struct vmbus_msg *m)
{
	const struct vmc_chan *vc =
	    CONTAINER_OF(out, const struct vmc_chan, out_open);
	struct vmbus_open *o = &m->open;

	o->relid = vc->rc.chan.relid;
	o->open_id = vc->open_id;
	o->ring_gpadl = vc->ring_gpadl->id;
	o->target_vp = vc->vp;
	o->downstream_pages = vc->to_host_bytes >> HV_PAGE_SHIFT;
	memcpy(o->user, vc->user_data, sizeof(o->user));
}

static void
close_build(const struct vmc *vmc, const struct vmc_out *out,
    struct vmbus_msg *m)
{
	m->relid = CONTAINER_OF(out, const struct vmc_chan,
	    out_close)->rc.chan.relid;
}

static void
modify_build(const struct vmc *vmc, const struct vmc_out *out,
    struct vmbus_msg *m)
{
	const struct vmc_chan *vc =
	    CONTAINER_OF(out, const struct vmc_chan, out_modify);

	m->modify.relid = vc->rc.chan.relid;
	m->modify.target_vp = vc->vp;
}

static const struct vmc_out_kind out_open = {
	.type = VMBUS_OPEN_CHANNEL,
	.build = open_build,
};
static const struct vmc_out_kind out_close = {
	.type = VMBUS_CLOSE_CHANNEL,
	.build = close_build,
};
static const struct vmc_out_kind out_modify = {
	.type = VMBUS_MODIFY_CHANNEL,
	.build = modify_build,
};

static int
rings_init(struct vmc_chan *vc, const struct chan_open *o)
{
	uint8_t *to_host = o->ring.va, *to_guest = to_host + o->to_host_bytes;
	struct ring_chan_config cfg = {
		.out_mem = to_host,
		.out_bytes = o->to_host_bytes,
		.in_mem = to_guest,
		.in_bytes = o->ring.bytes - o->to_host_bytes,
		.policy = vmc_signal_policy(vc->vmc),
		.signal = vmc_chan_signal,
	};
	enum fault why;

	ring_ctrl_reset(to_host);
	ring_ctrl_reset(to_guest);
	return ring_chan_init(&vc->rc, &cfg, &why) < 0 ? E_STATE : 0;
}

/* The exchange is over: one of opened() and closed(). */
static void
chan_ended(struct vmc_chan *vc, bool opening, int err)
{
	struct chan *c = &vc->rc.chan;

	vc->state = CHAN_CLOSED;
	vc->ring_gpadl = NULL;
	vc->due = DUE_NEVER;
	vc->vmc->sweep = true;
	ring_chan_stop(&vc->rc);
	if (opening && !vc->close_wanted)
		c->events->opened(c, err);
	else
		c->events->closed(c, err == E_TIMEOUT ? E_TIMEOUT : 0);
}

static void
backout(struct vmc_chan *vc, int err)
{
	vc->state = CHAN_BACKOUT;
	vc->err = err;
	vc->due = DUE_NEVER;
	vmc_gpadl_end(vc->ring_gpadl);
}

static void
ring_created(struct vmc_chan *vc, uint32_t id, int err)
{
	struct vmc *vmc = vc->vmc;

	if (err < 0) {
		chan_ended(vc, true, err);
		return;
	}
	if (vc->rescinded || vc->close_wanted) {
		backout(vc, E_GONE);
		return;
	}
	vc->state = CHAN_OPENING;
	vc->open_id = ++vmc->next_open_id;
	vmc_due_arm(vmc, &vc->due);
	vmc_out_add(vmc, &vc->out_open, &out_open);
}

static void
ring_torndown(struct vmc_chan *vc, uint32_t id, int err)
{
	bool opening = vc->state == CHAN_BACKOUT;

	chan_ended(vc, opening, err < 0 ? E_TIMEOUT : opening ? vc->err : 0);
}

static const struct vmc_gpadl_user ring_user = {
	.created = ring_created,
	.torndown = ring_torndown,
};

static int
chan_open(struct chan *c, const struct chan_open *o)
{
	struct vmc_chan *vc = vmc_chan_of(c);
	const uint32_t bytes = o->ring.bytes, to_host = o->to_host_bytes;
	int err;

	if (vc->rescinded)
		return E_GONE;
	if (vc->state != CHAN_CLOSED || c->events == NULL ||
	    to_host % HV_PAGE_SIZE != 0 || to_host < RING_MIN_BYTES ||
	    bytes < RING_MIN_BYTES || to_host > bytes - RING_MIN_BYTES ||
	    o->vp >= vc->vmc->cfg.vps ||
	    o->user_data.len > sizeof(vc->user_data))
		return E_STATE;
	err = vmc_gpadl_alloc(vc, &o->ring, &ring_user, &vc->ring_gpadl);
	if (err < 0)
		return err;
	err = rings_init(vc, o);
	OS_ASSERT(err == 0);
	vc->ring = o->ring;
	vc->to_host_bytes = to_host;
	os_st32(&vc->vp, c->vmbus_version < VMBUS_V2_4 ? VMC_MSG_VP : o->vp);
	memset(vc->user_data, 0, sizeof(vc->user_data));
	if (o->user_data.len != 0)
		memcpy(vc->user_data, o->user_data.p, o->user_data.len);
	vc->close_wanted = false;
	vc->state = CHAN_GPADL;
	vc->vmc->sweep = true;
	vmc_gpadl_send(vc->ring_gpadl);
	return 0;
}

static void
chan_shut(struct vmc_chan *vc)
{
	vmc_route_remove(vc);
	ring_chan_stop(&vc->rc);
	vc->state = CHAN_CLOSING;
	vc->due = DUE_NEVER;
	if (!vc->lost)
		vmc_out_add(vc->vmc, &vc->out_close, &out_close);
	vmc_gpadl_end(vc->ring_gpadl);
}

void
vmc_open_result(struct vmc *vmc, const struct vmbus_open_result *r)
{
	struct vmc_chan *vc = vmc_chan_find(vmc, r->relid);
	struct chan *c;

	if (vc == NULL) {
		vmc_fault(vmc, FAULT_VMBUS_RELID, r->relid);
		return;
	}
	if (vc->state != CHAN_OPENING || vc->open_id != r->open_id ||
	    vc->out_open.queued) {
		/* Ids only grow: a smaller one is of an open we gave up. */
		if (vc->state != CHAN_OPEN && r->open_id != 0 &&
		    r->open_id <= vc->open_id)
			counter_add(&vmc->counters.late, 1);
		else
			vmc_fault(vmc, FAULT_VMBUS_STATE, VMBUS_OPEN_RESULT);
		return;
	}
	vc->due = DUE_NEVER;
	if (r->status != VMBUS_STATUS_OK) {
		backout(vc, E_NOTSUP);
		return;
	}
	if (vc->close_wanted) {
		chan_shut(vc);
		return;
	}
	vc->state = CHAN_OPEN;
	vmc_route_add(vc);
	c = &vc->rc.chan;
	c->events->opened(c, 0);
}

static int
chan_close(struct chan *c)
{
	struct vmc_chan *vc = vmc_chan_of(c);
	struct vmc *vmc = vc->vmc;

	switch (vc->state) {
	case CHAN_GPADL:
	case CHAN_OPENING:
	case CHAN_BACKOUT:
		vc->close_wanted = true;
		return 0;
	case CHAN_OPEN:
		break;
	default:
		return E_STATE;
	}
	for (uint32_t i = 0; c->subindex == 0 && i < VMC_MAX_CHANNELS; i++) {
		struct vmc_chan *sub = vmc->chan[i];

		if (sub != NULL && sub->primary == vc &&
		    sub->state != CHAN_CLOSED)
			(void)chan_close(&sub->rc.chan);
	}
	if (vc->state == CHAN_OPEN)
		chan_shut(vc);
	return 0;
}

void
vmc_chan_abort(struct vmc_chan *vc)
{
	vc->moving = false;
	vc->move_due = DUE_NEVER;
	if (vc->state == CHAN_OPEN) {
		vmc_route_remove(vc);
		ring_chan_stop(&vc->rc);
	} else if (vc->state == CHAN_OPENING) {
		vmc_out_cancel(vc->vmc, &vc->out_open);
		backout(vc, E_GONE);
	}
}

void
vmc_chan_timeout(struct vmc_chan *vc)
{
	struct vmc *vmc = vc->vmc;

	OS_ASSERT(vc->state == CHAN_OPENING);
	counter_add(&vmc->counters.timeouts, 1);
	if (vc->out_open.queued)
		vmc_out_cancel(vmc, &vc->out_open);
	else
		vmc_out_add(vmc, &vc->out_close, &out_close);
	backout(vc, E_NOTSUP);
}

int
vmc_chan_move(struct vmc *vmc, struct chan *c, uint32_t vp)
{
	struct vmc_chan *vc = vmc_chan_of(c);

	if (c->vmbus_version < VMBUS_V4_1)
		return E_NOTSUP;
	if (vc->rescinded)
		return E_GONE;
	if (vc->state != CHAN_OPEN || vp >= vmc->cfg.vps ||
	    vmc->state == VMC_UNLOADING)
		return E_STATE;
	if (vc->moving)
		return E_AGAIN;
	vmc_route_remove(vc);
	os_st32(&vc->vp, vp);
	vmc_route_add(vc);
	if (c->vmbus_version >= VMBUS_V5_3) {
		vc->moving = true;
		vmc_due_arm(vmc, &vc->move_due);
	}
	vmc_out_add(vmc, &vc->out_modify, &out_modify);
	return 0;
}

void
vmc_modify_result(struct vmc *vmc, const struct vmbus_modify_result *r)
{
	struct vmc_chan *vc = vmc_chan_find(vmc, r->relid);

	/* A channel may be released with an answer still on its way. */
	if (vc == NULL || !vc->moving) {
		counter_add(&vmc->counters.late, 1);
		return;
	}
	vc->moving = false;
	vc->move_due = DUE_NEVER;
	/* The old VP forwards what the host goes on sending there. */
	if (r->status != VMBUS_STATUS_OK)
		counter_add(&vmc->counters.modify_failed, 1);
}

uint32_t
vmc_chan_vp(const struct chan *c)
{
	return os_ld32(&vmc_chan_of(c)->vp);
}

int
vmc_chan_monitor(const struct chan *c)
{
	const struct vmc_chan *vc = vmc_chan_of(c);

	return vc->monitor_allocated ? vc->monitor_id : -1;
}

const struct vmc_signal_counters *
vmc_chan_signals(const struct chan *c)
{
	return &vmc_chan_of(c)->signals;
}

const struct chan_ops vmc_chan_ops = {
	.caps = RING_CHAN_CAPS,
	RING_CHAN_DATA_OPS,
	.gpadl_create = vmc_gpadl_create,
	.gpadl_teardown = vmc_gpadl_teardown,
	.open = chan_open,
	.close = chan_close,
};
