/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What channels report to a NetVSC, and its time-outs.
 *
 * Theory of operation.  An event of a channel updates the state of its queue
 * or buffer, ends the wait for it, and lets the engine (vsc_ctl.c) move on.
 *
 * Time: no event carries the time, so a wait gets its deadline at the first
 * vsc_control() after it began.  The port calls that after each control event,
 * as it does for vmc_timer().
 *
 * Context: control.
 */
#include "vsc/vsc_priv.h"

static void
event_opened(struct chan *c, int err)
{
	struct vsc_queue *q = c->user;
	struct vsc *v = q->vsc;

	if (q->state == VSC_CHAN_OPENING) {
		os_st32(&q->state, err == 0 ? VSC_CHAN_OPEN :
		    VSC_CHAN_CLOSED);
		q->ring_stuck = err == E_TIMEOUT;
	}
	vsc_ctl_event(v, VSC_WAIT_OPEN, c, err);
	vsc_ctl_event(v, VSC_WAIT_SETTLE, NULL, 0);
	vsc_ctl_run(v);
}

static void
event_closed(struct chan *c, int err)
{
	struct vsc_queue *q = c->user;
	struct vsc *v = q->vsc;

	os_st32(&q->state, VSC_CHAN_CLOSED);
	q->ring_stuck = q->ring_stuck || err != 0;
	q->let_go = true;
	vsc_ctl_event(v, VSC_WAIT_CLOSE, c, err);
	vsc_ctl_event(v, VSC_WAIT_OPEN, c, E_GONE);
	vsc_ctl_event(v, VSC_WAIT_SETTLE, NULL, 0);
	if (v->state != VSC_DETACHING)
		vsc_break(v, E_GONE, FAULT_NONE, "closed");
	vsc_ctl_run(v);
}

static struct vsc_buf *
event_buf(struct vsc *v, uint32_t gpadl)
{
	if (v->rxbuf.state != VSC_GPADL_NONE && v->rxbuf.gpadl == gpadl)
		return &v->rxbuf;
	if (v->sendbuf.state != VSC_GPADL_NONE && v->sendbuf.gpadl == gpadl)
		return &v->sendbuf;
	return NULL;
}

static void
event_gpadl_created(struct chan *c, uint32_t gpadl, int err)
{
	struct vsc *v = ((struct vsc_queue *)c->user)->vsc;
	struct vsc_buf *b = event_buf(v, gpadl);

	/* The answer may come before gpadl_create() has told us the id. */
	if (b == NULL)
		b = v->rxbuf.state == VSC_GPADL_CREATING ? &v->rxbuf :
		    &v->sendbuf;
	if (b->state != VSC_GPADL_CREATING)
		return;
	b->gpadl = gpadl;
	b->state = err == 0 ? VSC_GPADL_UP : VSC_GPADL_NONE;
	b->stuck = err == E_TIMEOUT;
	vsc_ctl_event(v, VSC_WAIT_GPADL, NULL, err);
	vsc_ctl_event(v, VSC_WAIT_SETTLE, NULL, 0);
	vsc_ctl_run(v);
}

static void
event_gpadl_torndown(struct chan *c, uint32_t gpadl, int err)
{
	struct vsc *v = ((struct vsc_queue *)c->user)->vsc;
	struct vsc_buf *b = event_buf(v, gpadl);

	if (b == NULL || b->state != VSC_GPADL_TEARING)
		return;
	b->state = VSC_GPADL_NONE;
	b->stuck = err != 0;
	vsc_ctl_event(v, VSC_WAIT_GPADL, NULL, err);
	vsc_ctl_run(v);
}

static void
event_subchannel(struct chan *primary, struct chan *sub)
{
	struct vsc *v = ((struct vsc_queue *)primary->user)->vsc;

	vsc_sub_offered(v, sub);
	vsc_ctl_run(v);
}

static void
event_rescinded(struct chan *c)
{
	struct vsc_queue *q = c->user;
	struct vsc *v = q->vsc;

	q->gone = true;
	v->talk = false;
	vsc_break(v, E_GONE, FAULT_NONE, "rescinded");
	vsc_ctl_event(v, VSC_WAIT_NVS, NULL, E_GONE);
	vsc_ctl_event(v, VSC_WAIT_RNDIS, NULL, E_GONE);
	vsc_ctl_event(v, VSC_WAIT_SPACE, NULL, E_GONE);
	vsc_ctl_event(v, VSC_WAIT_SUBS, NULL, E_GONE);
	vsc_ctl_event(v, VSC_WAIT_DRAIN, NULL, E_GONE);
	vsc_ctl_event(v, VSC_WAIT_SETTLE, NULL, 0);
	vsc_ctl_run(v);
}

const struct chan_events vsc_chan_events = {
	.ready = vsc_queue_ready,
	.opened = event_opened,
	.closed = event_closed,
	.gpadl_created = event_gpadl_created,
	.gpadl_torndown = event_gpadl_torndown,
	.subchannel = event_subchannel,
	.rescinded = event_rescinded,
};

/* ---- time --------------------------------------------------------------- */

static uint64_t
timer_patience(const struct vsc *v)
{
	switch (v->ctl.wait) {
	case VSC_WAIT_OPEN:
	case VSC_WAIT_CLOSE:
	case VSC_WAIT_GPADL:
		return VSC_BUS_NS;
	case VSC_WAIT_SETTLE:
		return vsc_detach_bus_busy(v) ? VSC_BUS_NS : VSC_DETACH_NS;
	default:
		return v->state == VSC_DETACHING ? VSC_DETACH_NS :
		    VSC_EXCHANGE_NS;
	}
}

/*
 * Queues that wait for room in a ring whose channel does not report it: their
 * owners look again, a little later.  Returns when, or UINT64_MAX.
 */
static uint64_t
timer_kick(struct vsc *v, uint64_t now_ns)
{
	bool due = v->kick_at <= now_ns, any = false;

	/* Once it is closed, the bus may have freed the channel. */
	if (v->q[0]->state == VSC_CHAN_CLOSED || vsc_space_told(v->q[0]))
		return UINT64_MAX;
	for (uint32_t i = 0; i < VSC_MAX_QUEUES; i++) {
		struct vsc_queue *q = v->q[i];

		if (q == NULL || os_ld32(&q->starved) == 0)
			continue;
		any = true;
		if (due && v->kick_at != 0) {
			os_xchg32(&q->starved, 0);
			v->ops->queue_kick(v->ctx, i);
		}
	}
	if (due)
		v->kick_at = any && v->kick_at == 0 ? now_ns + VSC_POLL_NS : 0;
	return v->kick_at == 0 ? UINT64_MAX : v->kick_at;
}

uint64_t
vsc_control(struct vsc *v, uint64_t now_ns)
{
	struct vsc_ctl *ctl = &v->ctl;
	uint64_t next = UINT64_MAX, kick;

	/* An upcall of the engine: it goes on by itself. */
	if (ctl->running)
		return now_ns;
	if (v->state == VSC_DOWN)
		return UINT64_MAX;
	vsc_ctl_mail(v);
	if (ctl->wait == VSC_WAIT_DRAIN && vsc_detach_drained(v))
		vsc_ctl_event(v, VSC_WAIT_DRAIN, NULL, 0);
	if (ctl->wait == VSC_WAIT_HELD && !vsc_holds_out(v))
		vsc_ctl_event(v, VSC_WAIT_HELD, NULL, 0);
	if (ctl->wait == VSC_WAIT_SPACE &&
	    vsc_want_space(v->q[0], VSC_CTL_ROOM))
		vsc_ctl_event(v, VSC_WAIT_SPACE, NULL, 0);
	if (ctl->wait != VSC_WAIT_NONE && !ctl->waited) {
		if (!ctl->armed) {
			ctl->armed = true;
			ctl->deadline = now_ns + timer_patience(v);
		}
		if (now_ns >= ctl->deadline) {
			ctl->waited = true;
			ctl->err = E_TIMEOUT;
		}
	}
	if (ctl->wait != VSC_WAIT_NONE && !ctl->waited) {
		next = ctl->deadline;
		/* An event may have come too early, or there is none. */
		if (ctl->wait == VSC_WAIT_DRAIN ||
		    ctl->wait == VSC_WAIT_SPACE || ctl->wait == VSC_WAIT_HELD)
			next = next < now_ns + VSC_POLL_NS ? next :
			    now_ns + VSC_POLL_NS;
	} else if (ctl->wait != VSC_WAIT_NONE || ctl->list != NULL ||
	    (v->state == VSC_UP && v->want != 0)) {
		next = now_ns;		/* the next wait needs its deadline */
	}
	kick = timer_kick(v, now_ns);
	vsc_ctl_run(v);
	return next < kick ? next : kick;
}
