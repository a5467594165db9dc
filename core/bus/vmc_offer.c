/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus client: channels come (offer) and go (rescind, end of connection).
 *
 * Theory of operation.  An offer makes a channel.  A primary goes to the port
 * at once; a sub-channel (same type and instance, another index) waits until
 * its primary has a user that wants it.  A rescind ends the exchanges that are
 * under way and tells the user, who closes and tears down; when the channel is
 * closed and has no GPADL, vmc_chan_sweep() says gone(), sends RELID_RELEASED
 * and the channel is freed as that leaves the queue.  The end of a connection
 * is a rescind of every channel without the messages.
 *
 * Nothing is freed outside vmc_chan_sweep(), vmc_out_*() and vmc_destroy(), so
 * a loop over channels may make upcalls.  Context: control.
 */
#include "bus/vmc_priv.h"

/* The channel of that instance and index which is not on its way out. */
static struct vmc_chan *
instance_find(struct vmc *vmc, const struct hv_guid *type,
    const struct hv_guid *instance, uint32_t subindex)
{
	for (uint32_t i = 0; i < VMC_MAX_CHANNELS; i++) {
		struct vmc_chan *vc = vmc->chan[i];

		if (vc != NULL && !vc->rescinded &&
		    vc->rc.chan.subindex == subindex &&
		    hv_guid_equal(&vc->rc.chan.type, type) &&
		    hv_guid_equal(&vc->rc.chan.instance, instance))
			return vc;
	}
	return NULL;
}

static enum fault
offer_check(struct vmc *vmc, const struct vmbus_offer *o)
{
	if (vmc->state != VMC_OFFERS && vmc->state != VMC_CONNECTED)
		return FAULT_VMBUS_STATE;
	if (o->relid == 0 || o->relid >= SYNIC_FLAGS ||
	    vmc_chan_find(vmc, o->relid) != NULL ||
	    (vmc->untaken[o->relid / 32] & 1u << o->relid % 32) != 0)
		return FAULT_VMBUS_RELID;
	if (instance_find(vmc, &o->if_type, &o->instance, o->subchan) != NULL)
		return FAULT_VMBUS_STATE;
	if (o->monitor_allocated && o->monitor_id >= SYNIC_MONITOR_IDS)
		return FAULT_VMBUS_MONITOR;
	return FAULT_NONE;
}

static struct vmc_chan *
chan_make(struct vmc *vmc, const struct vmbus_offer *o)
{
	struct vmc_chan *vc;
	uint32_t i = 0;

	while (i < VMC_MAX_CHANNELS && vmc->chan[i] != NULL)
		i++;
	if (i == VMC_MAX_CHANNELS)
		return NULL;
	vc = vmc->ops->alloc(vmc->ctx, sizeof(*vc));
	if (vc == NULL)
		return NULL;
	vc->vmc = vmc;
	vc->index = i;
	vc->conn_id = vmc->version < VMBUS_V1_1 ? VMBUS_CONN_EVENT : o->conn_id;
	vc->monitor_id = o->monitor_id;
	vc->monitor_allocated = o->monitor_allocated;
	vc->monitor = vmc_signal_monitor(vc);
	vc->dedicated = vmc->version >= VMBUS_V1_1 && o->dedicated_interrupt;
	vc->rc.chan.ops = &vmc_chan_ops;
	vc->rc.chan.type = o->if_type;
	vc->rc.chan.instance = o->instance;
	vc->rc.chan.subindex = o->subchan;
	vc->rc.chan.relid = o->relid;
	vc->rc.chan.vmbus_version = vmc->version;
	vmc->chan[i] = vc;
	vmc->channels++;
	return vc;
}

void
vmc_offer(struct vmc *vmc, const struct vmbus_offer *o)
{
	enum fault why = offer_check(vmc, o);
	struct vmc_chan *vc;

	if (vmc->state == VMC_UNLOADING) {
		vmc_stray(vmc, VMBUS_OFFER_CHANNEL);
		return;
	}
	if (why != FAULT_NONE) {
		counter_add(&vmc->counters.offers_refused, 1);
		vmc_fault(vmc, why, o->relid);
		return;
	}
	vc = chan_make(vmc, o);
	if (vc == NULL) {
		vmc->untaken[o->relid / 32] |= 1u << o->relid % 32;
		counter_add(&vmc->counters.offers_refused, 1);
		return;
	}
	counter_add(&vmc->counters.offers, 1);
	if (o->subchan != 0) {
		vmc->sweep = true;
		return;
	}
	vc->offered = true;
	vmc->ops->offer(vmc->ctx, &vc->rc.chan);
}

static void
chan_withdraw(struct vmc_chan *vc)
{
	struct chan *c = &vc->rc.chan;
	bool told = vc->rescinded && !vc->lost;

	vc->rescinded = true;
	vc->vmc->sweep = true;
	if (vc->lost)
		vmc_gpadl_abort(vc);
	vmc_chan_abort(vc);
	if (!told && c->events != NULL && c->events->rescinded != NULL)
		c->events->rescinded(c);
}

/* A relid of untaken_gone; 0: none. */
static uint32_t
untaken_next(const struct vmc *vmc)
{
	for (uint32_t w = 0; w < SYNIC_FLAG_WORDS; w++) {
		uint32_t bits = vmc->untaken_gone[w];

		if (bits != 0)
			return w * 32 + (uint32_t)__builtin_ctz(bits);
	}
	return 0;
}

static void
untaken_build(const struct vmc *vmc, const struct vmc_out *o,
    struct vmbus_msg *m)
{
	m->relid = untaken_next(vmc);
}

/* Posted or not, it is dealt with; true while others wait. */
static bool
untaken_more(struct vmc *vmc, struct vmc_out *o, int err)
{
	uint32_t relid = untaken_next(vmc);

	counter_add(&vmc->counters.released, 1);
	vmc->untaken_gone[relid / 32] &= ~(1u << relid % 32);
	return untaken_next(vmc) != 0;
}

static const struct vmc_out_kind out_untaken = {
	.type = VMBUS_RELID_RELEASED,
	.build = untaken_build,
	.more = untaken_more,
};

/* True if this was an offer that we had no room for. */
static bool
untaken_rescind(struct vmc *vmc, uint32_t relid)
{
	uint32_t w = relid / 32, bit = 1u << relid % 32;

	if (relid >= SYNIC_FLAGS || (vmc->untaken[w] & bit) == 0)
		return false;
	vmc->untaken[w] &= ~bit;
	vmc->untaken_gone[w] |= bit;
	vmc_out_add(vmc, &vmc->out_untaken, &out_untaken);
	return true;
}

void
vmc_rescind(struct vmc *vmc, uint32_t relid)
{
	struct vmc_chan *vc = vmc_chan_find(vmc, relid);

	if (vc == NULL && untaken_rescind(vmc, relid)) {
		counter_add(&vmc->counters.rescinds, 1);
		return;
	}
	if (vc == NULL || vc->rescinded) {
		vmc_fault(vmc, FAULT_VMBUS_RELID, relid);
		return;
	}
	counter_add(&vmc->counters.rescinds, 1);
	chan_withdraw(vc);
}

void
vmc_chan_lose_all(struct vmc *vmc, int err)
{
	memset(vmc->untaken, 0, sizeof(vmc->untaken));
	memset(vmc->untaken_gone, 0, sizeof(vmc->untaken_gone));
	for (uint32_t i = 0; i < VMC_MAX_CHANNELS; i++) {
		struct vmc_chan *vc = vmc->chan[i];
		bool rescinded;

		if (vc == NULL || vc->lost)
			continue;
		rescinded = vc->rescinded;
		vc->lost = true;
		vc->lost_err = err;
		if (!rescinded) {
			chan_withdraw(vc);
		} else {
			vc->vmc->sweep = true;
			vmc_gpadl_abort(vc);
			vmc_chan_abort(vc);
		}
	}
}

/* Hand a waiting sub-channel to its primary's user, if there is one. */
static void
sub_deliver(struct vmc_chan *vc)
{
	struct chan *c = &vc->rc.chan, *primary;

	if (vc->primary == NULL)
		vc->primary = instance_find(vc->vmc, &c->type, &c->instance, 0);
	if (vc->primary == NULL)
		return;
	primary = &vc->primary->rc.chan;
	if (primary->events == NULL || primary->events->subchannel == NULL)
		return;
	vc->offered = true;
	primary->events->subchannel(primary, c);
}

static void
release_build(const struct vmc *vmc, const struct vmc_out *o,
    struct vmbus_msg *m)
{
	m->relid = CONTAINER_OF(o, const struct vmc_chan,
	    out_release)->rc.chan.relid;
}

static void
release_dropped(struct vmc_out *o)
{
	vmc_chan_free(CONTAINER_OF(o, struct vmc_chan, out_release));
}

static void
release_done(struct vmc *vmc, struct vmc_out *o, int err)
{
	release_dropped(o);
}

static const struct vmc_out_kind out_release = {
	.type = VMBUS_RELID_RELEASED,
	.build = release_build,
	.done = release_done,
	.dropped = release_dropped,
};

static void
chan_release(struct vmc_chan *vc)
{
	struct vmc *vmc = vc->vmc;

	for (uint32_t i = 0; i < VMC_MAX_CHANNELS; i++)
		if (vmc->chan[i] != NULL && vmc->chan[i]->primary == vc)
			vmc->chan[i]->primary = NULL;
	vc->state = CHAN_ZOMBIE;
	if (vc->offered)
		vmc->ops->gone(vmc->ctx, &vc->rc.chan);
	if (vc->lost || vmc->state == VMC_UNLOADING) {
		vmc_chan_free(vc);
		return;
	}
	counter_add(&vmc->counters.released, 1);
	vmc_out_add(vmc, &vc->out_release, &out_release);
}

void
vmc_chan_sweep(struct vmc *vmc)
{
	vmc->sweep = false;
	for (uint32_t i = 0; i < VMC_MAX_CHANNELS; i++) {
		struct vmc_chan *vc = vmc->chan[i];

		if (vc == NULL || vc->state == CHAN_ZOMBIE)
			continue;
		if (!vc->rescinded && !vc->offered)
			sub_deliver(vc);
		if (vc->rescinded && vc->state == CHAN_CLOSED &&
		    vc->gpadls == 0)
			chan_release(vc);
	}
}

void
vmc_chan_free(struct vmc_chan *vc)
{
	struct vmc *vmc = vc->vmc;

	vmc_out_cancel(vmc, &vc->out_open);
	vmc_out_cancel(vmc, &vc->out_close);
	vmc_out_cancel(vmc, &vc->out_modify);
	vmc_out_cancel(vmc, &vc->out_release);
	vmc->chan[vc->index] = NULL;
	vmc->channels--;
	vmc->ops->free(vmc->ctx, vc, sizeof(*vc));
}
