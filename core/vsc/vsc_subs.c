/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens queues and brings up sub-channels.
 *
 * Theory of operation.  A queue's channel is opened here, the primary's too.
 * The steps of attach for sub-channels: request them, wait for their offers,
 * divide the send buffer among the queues, open one after the other.  A
 * sub-channel takes the events table of its primary.
 *
 * Context: control.
 */
#include "vsc/vsc_priv.h"

int
vsc_queue_open(struct vsc_queue *q)
{
	struct vsc *v = q->vsc;
	uint32_t bytes = v->cfg.tune.ring_pages * HV_PAGE_SIZE;
	struct chan_open o = { .to_host_bytes = bytes };
	int rc;

	if (q->gone)
		return E_GONE;
	rc = vsc_mem_take(v, q->chan, CHAN_GIVEN_RING, 2 * bytes, &q->ring,
	    &q->ring_given);
	if (rc < 0)
		return rc;
	o.ring = q->ring;
	if (q->ring_given)
		o.to_host_bytes = o.ring.bytes / 2;
	o.vp = v->ops->queue_vp(v->ctx, q->index);
	os_st32(&q->state, VSC_CHAN_OPENING);
	vsc_ctl_wait(v, VSC_WAIT_OPEN, q->chan);
	rc = q->chan->ops->open(q->chan, &o);
	if (rc < 0) {
		os_st32(&q->state, VSC_CHAN_CLOSED);
		return rc;
	}
	return VSC_STEP_WAIT;
}

int
vsc_subs_start(struct vsc *v)
{
	struct nvs_msg m = { .type = NVS_SUBCHAN };

	if (v->nsub_asked == 0)
		return VSC_STEP_NEXT;
	m.subchan.op = NVS_SUBCHAN_ALLOC;
	m.subchan.count = v->nsub_asked;
	return vsc_nvs_send(v, &m, true);
}

int
vsc_subs_done(struct vsc *v)
{
	const struct nvs_subchan_done *d = &v->ctl.nvs.subchan_done;
	struct chan *c = v->q[0]->chan;
	int rc = vsc_nvs_reply_check(v, NVS_SUBCHAN);

	if (rc < 0)
		return rc;
	v->nsub_asked = d->status == NVS_STATUS_OK ?
	    min_u32(d->count, v->nsub_asked) : 0;
	if (v->nsub_asked != 0 && c->ops->subs_expect != NULL)
		c->ops->subs_expect(c, v->nsub_asked);
	return VSC_STEP_NEXT;
}

static bool
subs_here(const struct vsc *v)
{
	for (uint32_t i = 1; i <= v->nsub_asked; i++) {
		if (v->q[i] == NULL)
			return false;
	}
	return true;
}

void
vsc_sub_offered(struct vsc *v, struct chan *sub)
{
	uint32_t k = sub->subindex;

	if (v->state != VSC_ATTACHING || v->attached || k == 0 ||
	    k >= VSC_MAX_QUEUES || v->q[k] != NULL)
		return;
	if (vsc_queue_new(v, sub, k, v->q[0]->chan->events) == NULL) {
		vsc_break(v, E_NOMEM, FAULT_NONE, "sub-channel");
		return;
	}
	if (subs_here(v))
		vsc_ctl_event(v, VSC_WAIT_SUBS, NULL, 0);
}

int
vsc_offers_start(struct vsc *v)
{
	return subs_here(v) ? VSC_STEP_NEXT :
	    vsc_ctl_wait(v, VSC_WAIT_SUBS, NULL);
}

/* A host that offers fewer than it granted is served with those. */
int
vsc_offers_done(struct vsc *v)
{
	return v->ctl.err == E_GONE ? E_GONE : VSC_STEP_NEXT;
}

int
vsc_queues_start(struct vsc *v)
{
	uint32_t n = 1;

	while (n <= v->nsub_asked && v->q[n] != NULL)
		n++;
	v->caps.queues = n;
	v->at_queue = 0;
	for (uint32_t i = 0; i < n; i++) {
		int rc = vsc_queue_tx_alloc(v->q[i]);

		if (rc == 0)
			rc = vsc_holds_alloc(v->q[i]);
		if (rc < 0)
			return rc;
	}
	return VSC_STEP_NEXT;
}

int
vsc_sub_open_start(struct vsc *v)
{
	if (++v->at_queue >= v->caps.queues)
		return VSC_STEP_NEXT;
	return vsc_queue_open(v->q[v->at_queue]);
}

int
vsc_sub_open_done(struct vsc *v)
{
	return v->ctl.err < 0 ? v->ctl.err : VSC_STEP_AGAIN;
}
