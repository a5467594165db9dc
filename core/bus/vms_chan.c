/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open, close, move and release a channel, and the signals.
 *
 * Opening takes the guest's ring GPADL, cuts it in two at the downstream
 * offset and puts a ring_chan on it: the first part is what the guest writes,
 * the second what we write.  The device sees the channel only when all this
 * has worked, and the guest gets OPEN_RESULT only when the device has agreed.
 * The mapping is held by a use count of the GPADL from here to the return of
 * the device's close(), so a teardown in between waits.
 *
 * Signals to the guest go to the virtual processor of OPEN or MODIFY_CHANNEL,
 * as one event flag whose number is the relid.  Before 2.4 they go through the
 * interrupt page: the relid's bit there, and flag 0 on the message VP.
 * target_vp is one word that control stores and the channel's owner loads, so
 * a move needs no lock; the old VP may see one stray flag.
 *
 * Context: control; vms_chan_signal() and vms_chan_vp() the channel's owner.
 */
#include "bus/vms_priv.h"

#define VMS_MIN_RING_PAGES	2u	/* control page and one of data */

static struct vms_chan *
vms_chan_of(struct ring_chan *rc)
{
	return CONTAINER_OF(rc, struct vms_chan, rc);
}

uint32_t
vms_chan_vp(const struct chan *c)
{
	const struct ring_chan *rc = ring_chan_of_const(c);
	const struct vms_chan *vc = (const void *)((const char *)rc -
	    offsetof(struct vms_chan, rc));

	return os_ld32(&vc->target_vp);
}

/* Context: the channel's owner, or control while the owner is parked. */
static void
vms_chan_signal(struct ring_chan *rc)
{
	struct vms_chan *vc = vms_chan_of(rc);
	struct vms *s = vc->vms;
	uint32_t vp = os_ld32(&vc->target_vp);

	if (vp == VMBUS_VP_INTERRUPTS_OFF)
		return;
	if (rc->chan.vmbus_version >= VMBUS_V2_4) {
		part_flag_set(s->part, vp, vc->relid);
		return;
	}
	os_or32(&s->intpage->to_guest[vc->relid / 32].raw,
	    os_le32(1u << vc->relid % 32));
	part_flag_set(s->part, s->msg_vp, 0);
}

static bool
vms_vp_ok(const struct vms *s, uint32_t vp)
{
	return vp < s->part->vps || vp == VMBUS_VP_INTERRUPTS_OFF;
}

/*
 * Put the rings on a mapped GPADL.  A guest whose own ring lacks the feature
 * bit does not promise to honour pending_send_size: Linux before 3.11 breaks
 * when a host uses it.
 */
static int
vms_rings_init(struct vms *s, struct vms_chan *vc, const struct vms_gpadl *g,
    uint32_t down_pages)
{
	struct ring_ctrl_wire *guest_ring = (void *)g->map.va;
	struct ring_chan_config cfg;
	enum fault why = FAULT_NONE;
	bool space;

	if (down_pages < VMS_MIN_RING_PAGES || down_pages > g->pages ||
	    g->pages - down_pages < VMS_MIN_RING_PAGES)
		return vms_fault(s, FAULT_OPEN_GEOMETRY, down_pages);
	space = ring_ld(&guest_ring->feature) & RING_FEATURE_PENDING_SEND;
	memset(&cfg, 0, sizeof(cfg));
	cfg.in_mem = g->map.va;
	cfg.in_bytes = down_pages << HV_PAGE_SHIFT;
	cfg.out_mem = g->map.va + cfg.in_bytes;
	cfg.out_bytes = (g->pages - down_pages) << HV_PAGE_SHIFT;
	cfg.out_flags = space ? 0 : RING_OUT_NO_PENDING;
	cfg.policy = s->cfg.policy;
	cfg.signal = vms_chan_signal;
	if (ring_chan_init(&vc->rc, &cfg, &why) < 0)
		return vms_fault(s, why, vc->relid);
	vc->rc.chan.ops = space ? &ring_chan_ops : &ring_chan_ops_no_space;
	return 0;
}

static int
vms_chan_open(struct vms *s, struct vms_chan *vc, const struct vmbus_open *m)
{
	int err;

	if (vc->state != VMS_CHAN_OFFERED)
		return vms_fault(s, FAULT_VMBUS_STATE, VMBUS_OPEN_CHANNEL);
	if (!vms_vp_ok(s, m->target_vp))
		return vms_fault(s, FAULT_VMBUS_VP, m->target_vp);
	vc->ring = vms_gpadl_ring_get(s, vc->relid, m->ring_gpadl);
	if (vc->ring == NULL)
		return vms_fault(s, FAULT_GPADL_ID, m->ring_gpadl);
	err = vms_rings_init(s, vc, &vc->ring->gpadl, m->downstream_pages);
	if (err < 0)
		goto put_ring;
	os_st32(&vc->target_vp, m->target_vp);
	vc->state = VMS_CHAN_OPEN;
	err = vc->dev->ops->open(vc->dev, &vc->rc.chan);
	if (err < 0)
		goto stop;
	return 0;
stop:
	vc->state = VMS_CHAN_OFFERED;
	ring_chan_stop(&vc->rc);
	vc->rc.chan.events = NULL;
	vc->rc.chan.user = NULL;
put_ring:
	vms_gpadl_ring_put(s, vc->ring);
	vc->ring = NULL;
	return err;
}

int
vms_open(struct vms *s, const struct vmbus_open *m)
{
	struct vmbus_msg r = { .type = VMBUS_OPEN_RESULT };
	struct vms_chan *vc = vms_chan_find(s, m->relid);
	int err;

	if (vc != NULL && vc->state == VMS_CHAN_REVOKED)
		return 0;	/* raced our rescind: no answer, by protocol */
	if (vc != NULL)
		err = vms_chan_open(s, vc, m);
	else
		err = vms_fault(s, FAULT_VMBUS_RELID, m->relid);
	r.open_result = (struct vmbus_open_result){ .relid = m->relid,
	    .open_id = m->open_id,
	    .status = err < 0 ? VMBUS_STATUS_FAILED : VMBUS_STATUS_OK };
	vms_post(s, &r);
	return err == E_PEER ? E_PEER : 0;
}

/* Close one channel; nothing if it is not open. */
static void
vms_chan_shut(struct vms *s, struct vms_chan *vc)
{
	if (!vms_chan_is_open(vc))
		return;
	ring_chan_stop(&vc->rc);
	vc->dev->ops->close(vc->dev, &vc->rc.chan);
	vc->rc.chan.events = NULL;
	vc->rc.chan.user = NULL;
	vms_gpadl_ring_put(s, vc->ring);
	vc->ring = NULL;
	if (vc->state == VMS_CHAN_LEAVING)
		vms_chan_left(s, vc);
	else
		vc->state = VMS_CHAN_OFFERED;
}

/* A channel of dev that is not its primary, from relid *at on. */
static struct vms_chan *
vms_subchannel_next(struct vms *s, const struct vms_dev *dev, uint32_t *at)
{
	while (++*at < VMS_MAX_CHANNELS) {
		struct vms_chan *vc = s->chan[*at];

		if (vc != NULL && vc->dev == dev && vc->rc.chan.subindex != 0)
			return vc;
	}
	return NULL;
}

void
vms_chan_close(struct vms *s, struct vms_chan *vc)
{
	const struct vms_dev *dev = vc->dev;
	struct vms_chan *sub;
	uint32_t at = 0;

	if (dev == NULL)
		return;		/* rescinded and closed */
	if (vc->rc.chan.subindex == 0)
		while ((sub = vms_subchannel_next(s, dev, &at)) != NULL)
			vms_chan_shut(s, sub);
	vms_chan_shut(s, vc);
	at = 0;
	if (vc->rc.chan.subindex == 0)
		while ((sub = vms_subchannel_next(s, dev, &at)) != NULL)
			vms_chan_revoke(s, sub);
}

void
vms_chans_close(struct vms *s)
{
	for (struct vms_dev *d = s->devs; d != NULL; d = d->next)
		vms_chan_close(s, s->chan[d->relid]);
}

int
vms_close(struct vms *s, uint32_t relid)
{
	struct vms_chan *vc = vms_chan_find(s, relid);

	if (vc == NULL)
		return vms_fault(s, FAULT_VMBUS_RELID, relid);
	if (vc->state == VMS_CHAN_REVOKED)
		return 0;	/* its primary was closed, or it raced us */
	if (!vms_chan_is_open(vc))
		return vms_fault(s, FAULT_VMBUS_STATE, VMBUS_CLOSE_CHANNEL);
	vms_chan_close(s, vc);
	return 0;
}

int
vms_relid_released(struct vms *s, uint32_t relid)
{
	struct vms_chan *vc = vms_chan_find(s, relid);

	if (vc == NULL)
		return vms_fault(s, FAULT_VMBUS_RELID, relid);
	if (vc->state == VMS_CHAN_LEAVING)
		vms_chan_close(s, vc);
	if (vc->state != VMS_CHAN_REVOKED)
		return vms_fault(s, FAULT_VMBUS_STATE, VMBUS_RELID_RELEASED);
	vms_gpadls_forget_relid(s, relid);
	vms_chan_released(s, vc);
	return 0;
}

static int
vms_chan_move(struct vms *s, struct vms_chan *vc, uint32_t vp)
{
	uint32_t old;

	if (vc == NULL)
		return E_GONE;
	if (!vms_chan_is_open(vc))
		return vc->state == VMS_CHAN_REVOKED ? E_GONE :
		    vms_fault(s, FAULT_VMBUS_STATE, VMBUS_MODIFY_CHANNEL);
	if (!vms_vp_ok(s, vp))
		return vms_fault(s, FAULT_VMBUS_VP, vp);
	old = os_xchg32(&vc->target_vp, vp);
	/* What was not signalled while interrupts were off is made up for. */
	if (old == VMBUS_VP_INTERRUPTS_OFF && vp != old)
		part_flag_set(s->part, vp, vc->relid);
	return 0;
}

int
vms_modify(struct vms *s, const struct vmbus_modify *m)
{
	struct vmbus_msg r = { .type = VMBUS_MODIFY_CHANNEL_RESPONSE };
	struct vms_chan *vc = vms_chan_find(s, m->relid);
	int err;

	if (s->version < VMBUS_V4_1)
		return vms_fault(s, FAULT_VMBUS_TYPE, VMBUS_MODIFY_CHANNEL);
	err = vms_chan_move(s, vc, m->target_vp);
	if (vc == NULL)
		err = vms_fault(s, FAULT_VMBUS_RELID, m->relid);
	r.modify_result = (struct vmbus_modify_result){ .relid = m->relid,
	    .status = err < 0 ? VMBUS_STATUS_FAILED : VMBUS_STATUS_OK };
	if (s->version >= VMBUS_V5_3)
		vms_post(s, &r);
	return err == E_PEER ? E_PEER : 0;
}
