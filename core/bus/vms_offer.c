/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices, their channels' ids, offers and rescinds.
 *
 * A device has a primary channel, and with it a relid, from vms_dev_offer() to
 * vms_dev_rescind(), whatever guests come and go.  Sub-channels exist from
 * vms_subchannels_offer() until the primary closes or the connection ends.
 *
 * A relid is the guest's from its offer to RELID_RELEASED, and is given out
 * again only then.  After RESCIND_OFFER the channel stays until the release:
 * LEAVING while it is open, then REVOKED.  So GPADL messages that race a
 * rescind still find the relid, and a guest that never releases runs out of
 * relids by itself.
 *
 * A rescinded device stays with the server until the relid of its primary is
 * released: guests wait for completions and answers on a channel that was
 * rescinded (Linux without a time-out).  Its instance is not offered before
 * that: to Linux, a second offer of an instance that it knows is a return from
 * hibernation.
 *
 * The connection id is declared before the offer is posted, so that the link
 * can route the guest's first signal.
 *
 * Context: control.
 */
#include "bus/vms_priv.h"

struct vms_chan *
vms_chan_find(struct vms *s, uint32_t relid)
{
	struct vms_chan *vc;

	if (relid >= VMS_MAX_CHANNELS)
		return NULL;
	vc = s->chan[relid];
	return vc != NULL && vc->state != VMS_CHAN_IDLE ? vc : NULL;
}

/* A new channel on the lowest free relid; 0 is reserved. */
static struct vms_chan *
vms_chan_new(struct vms *s, struct vms_dev *dev, uint32_t subindex)
{
	struct vms_chan *vc;
	uint32_t relid = 1;

	while (relid < VMS_MAX_CHANNELS && s->chan[relid] != NULL)
		relid++;
	if (relid == VMS_MAX_CHANNELS)
		return NULL;
	vc = s->ops->alloc(s->ctx, sizeof(*vc));
	if (vc == NULL)
		return NULL;
	vc->rc.chan.ops = &ring_chan_ops;
	vc->rc.chan.type = dev->type;
	vc->rc.chan.instance = dev->instance;
	vc->rc.chan.subindex = (uint16_t)subindex;
	vc->rc.chan.relid = relid;
	vc->vms = s;
	vc->dev = dev;
	vc->relid = relid;
	s->chan[relid] = vc;
	return vc;
}

static void
vms_chan_free(struct vms *s, struct vms_chan *vc)
{
	s->chan[vc->relid] = NULL;
	s->ops->free(s->ctx, vc, sizeof(*vc));
}

static void
vms_monitor_assign(struct vms *s, struct vms_chan *vc)
{
	vc->monitored = false;
	vc->monitor_id = 0;
	if (!s->cfg.monitor || s->monitor == NULL)
		return;
	for (uint32_t i = 0; i < SYNIC_MONITOR_IDS; i++) {
		if (s->monitor_relid[i] != 0)
			continue;
		s->monitor_relid[i] = (uint16_t)vc->relid;
		vc->monitored = true;
		vc->monitor_id = (uint8_t)i;
		return;
	}
}

/* Undo what an offer set up at the link and in our tables. */
static void
vms_chan_undeclare(struct vms *s, struct vms_chan *vc)
{
	if (vc->declared)
		s->part->ops->connection_remove(s->part, vc->conn_id);
	vc->declared = false;
	if (vc->monitored)
		s->monitor_relid[vc->monitor_id] = 0;
	vc->monitored = false;
}

static void
vms_offer_post(struct vms *s, const struct vms_chan *vc)
{
	struct vmbus_msg m = { .type = VMBUS_OFFER_CHANNEL };
	struct vmbus_offer *o = &m.offer;

	memset(o, 0, sizeof(*o));
	o->if_type = vc->rc.chan.type;
	o->instance = vc->rc.chan.instance;
	o->relid = vc->relid;
	o->conn_id = vc->conn_id;
	o->flags = VMBUS_OFFER_ENUMERATE;
	if (vc->monitored)
		o->flags |= VMBUS_OFFER_MONITORED;
	o->subchan = vc->rc.chan.subindex;
	o->monitor_id = vc->monitor_id;
	o->monitor_allocated = vc->monitored;
	o->dedicated_interrupt = s->cfg.dedicated_interrupt &&
	    s->version >= VMBUS_V1_1;
	memcpy(o->user, vc->dev->user_data, sizeof(o->user));
	vms_post(s, &m);
}

/* Tell the guest of an IDLE channel.  0, or the link's E_NOMEM. */
static int
vms_offer_send(struct vms *s, struct vms_chan *vc)
{
	int err;

	/* 0.13 knows one shared event connection, which the bus declared. */
	vc->conn_id = VMBUS_CONN_EVENT;
	if (s->version >= VMBUS_V1_1) {
		vc->conn_id = VMS_EVENT_CONN(vc->relid);
		err = s->part->ops->connection_add(s->part, vc->conn_id,
		    &vc->rc.chan);
		if (err < 0)
			return err;
		vc->declared = true;
	}
	vms_monitor_assign(s, vc);
	vc->rc.chan.vmbus_version = s->version;
	vc->state = VMS_CHAN_OFFERED;
	vms_offer_post(s, vc);
	return 0;
}

int
vms_request_offers(struct vms *s)
{
	const struct vmbus_msg done = { .type = VMBUS_ALL_OFFERS_DELIVERED };

	if (s->offers_sent)
		return vms_fault(s, FAULT_VMBUS_STATE, VMBUS_REQUEST_OFFERS);
	s->offers_sent = true;
	/* One that the link cannot route now is not offered to this guest. */
	for (uint32_t i = 1; i < VMS_MAX_CHANNELS; i++)
		if (s->chan[i] != NULL && s->chan[i]->state == VMS_CHAN_IDLE)
			(void)vms_offer_send(s, s->chan[i]);
	vms_post(s, &done);
	return 0;
}

void
vms_chan_left(struct vms *s, struct vms_chan *vc)
{
	vms_chan_undeclare(s, vc);
	vc->state = VMS_CHAN_REVOKED;
	vc->dev = NULL;
}

void
vms_chan_revoke(struct vms *s, struct vms_chan *vc)
{
	struct vmbus_msg m = { .type = VMBUS_RESCIND_OFFER };

	m.relid = vc->relid;
	if (vc->state == VMS_CHAN_OPEN) {
		vc->state = VMS_CHAN_LEAVING;
	} else if (vc->state == VMS_CHAN_IDLE || s->version == 0) {
		vms_chan_undeclare(s, vc);
		vms_chan_free(s, vc);
		return;
	} else {
		vms_chan_left(s, vc);
	}
	vms_post(s, &m);
}

static void
vms_dev_unlist(struct vms *s, struct vms_dev *dev)
{
	struct vms_dev **at = &s->devs;

	while (*at != dev)
		at = &(*at)->next;
	*at = dev->next;
	dev->next = NULL;
	dev->vms = NULL;
	dev->relid = 0;
	dev->rescinded = false;
}

/* Nothing is left of a rescinded device. */
static void
vms_dev_gone(struct vms *s, struct vms_dev *dev)
{
	vms_dev_unlist(s, dev);
	if (dev->ops->gone != NULL)
		dev->ops->gone(dev);
}

/* The rescinded device whose primary has this relid, or NULL. */
static struct vms_dev *
vms_dev_leaving(const struct vms *s, uint32_t relid)
{
	struct vms_dev *d = s->devs;

	while (d != NULL && (!d->rescinded || d->relid != relid))
		d = d->next;
	return d;
}

void
vms_chan_released(struct vms *s, struct vms_chan *vc)
{
	uint32_t relid = vc->relid;
	struct vms_dev *dev;

	vms_chan_free(s, vc);
	dev = vms_dev_leaving(s, relid);
	if (dev != NULL)
		vms_dev_gone(s, dev);
}

void
vms_chans_forget(struct vms *s)
{
	for (uint32_t i = 1; i < VMS_MAX_CHANNELS; i++) {
		struct vms_chan *vc = s->chan[i];

		if (vc == NULL)
			continue;
		vms_chan_undeclare(s, vc);
		if (vc->dev == NULL || vc->rc.chan.subindex != 0)
			vms_chan_free(s, vc);
		else
			vc->state = VMS_CHAN_IDLE;
	}
	for (struct vms_dev *d = s->devs, *next; d != NULL; d = next) {
		next = d->next;
		if (d->rescinded)
			vms_dev_gone(s, d);
	}
}

/* Is there a primary of this instance, in any state? */
static bool
vms_instance_known(const struct vms *s, const struct vms_dev *dev)
{
	for (uint32_t i = 1; i < VMS_MAX_CHANNELS; i++) {
		const struct vms_chan *vc = s->chan[i];

		if (vc != NULL && vc->rc.chan.subindex == 0 &&
		    memcmp(&vc->rc.chan.instance, &dev->instance,
		    sizeof(dev->instance)) == 0)
			return true;
	}
	return false;
}

int
vms_dev_offer(struct vms *s, struct vms_dev *dev)
{
	struct vms_chan *vc;
	int err;

	if (dev->vms != NULL)
		return E_STATE;
	if (vms_instance_known(s, dev))
		return E_AGAIN;
	vc = vms_chan_new(s, dev, 0);
	if (vc == NULL)
		return E_NOMEM;
	if (s->version != 0 && s->offers_sent) {
		err = vms_offer_send(s, vc);
		if (err < 0) {
			vms_chan_free(s, vc);
			return err;
		}
	}
	dev->vms = s;
	dev->relid = vc->relid;
	dev->next = s->devs;
	s->devs = dev;
	return 0;
}

bool
vms_dev_rescind(struct vms *s, struct vms_dev *dev)
{
	OS_ASSERT(dev->vms == s);
	if (dev->rescinded)
		return true;
	dev->rescinded = true;
	/* Sub-channels before their primary: Linux waits for them there. */
	for (uint32_t i = 1; i < VMS_MAX_CHANNELS; i++)
		if (i != dev->relid && s->chan[i] != NULL &&
		    s->chan[i]->dev == dev)
			vms_chan_revoke(s, s->chan[i]);
	vms_chan_revoke(s, s->chan[dev->relid]);
	if (s->chan[dev->relid] != NULL)
		return true;
	vms_dev_unlist(s, dev);
	return false;
}

uint32_t
vms_relid_count(const struct vms *s)
{
	uint32_t n = 0;

	for (uint32_t i = 1; i < VMS_MAX_CHANNELS; i++)
		n += s->chan[i] != NULL;
	return n;
}

/* The index after the highest one that the guest still knows. */
static uint32_t
vms_subindex_next(const struct vms *s, const struct vms_dev *dev)
{
	uint32_t next = 1;

	for (uint32_t i = 1; i < VMS_MAX_CHANNELS; i++) {
		const struct vms_chan *vc = s->chan[i];

		if (vc != NULL && vc->dev == dev)
			next = max_u32(next, vc->rc.chan.subindex + 1u);
	}
	return next;
}

int
vms_subchannels_offer(struct vms *s, struct vms_dev *dev, uint32_t count)
{
	uint32_t index, done;

	if (dev->vms != s || s->chan[dev->relid]->state != VMS_CHAN_OPEN)
		return E_STATE;
	if (s->version < VMBUS_V2_4)
		return E_NOTSUP;
	index = vms_subindex_next(s, dev);
	for (done = 0; done < count; done++) {
		struct vms_chan *vc = vms_chan_new(s, dev, index + done);

		if (vc == NULL)
			break;
		if (vms_offer_send(s, vc) < 0) {
			vms_chan_free(s, vc);
			break;
		}
	}
	return done == 0 && count != 0 ? E_NOMEM : (int)done;
}
