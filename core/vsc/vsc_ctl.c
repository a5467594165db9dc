/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs lists of control steps, one answer at a time.
 *
 * Theory of operation.  Everything that takes an answer from the host is a
 * step of a list: start() sends and names what it waits for, done() looks at
 * how the wait ended.  One wait is outstanding at a time.  Events only mark
 * the wait as over (vsc_ctl_event()); vsc_ctl_run() then moves on.  An event
 * may come before start() returns: run() is not re-entered, its loop sees the
 * mark.
 *
 * Time: no event carries the time, so a wait gets its deadline at the first
 * vsc_timer() after it began.  The port calls vsc_timer() after each control
 * event, as it does for vmc_timer().
 *
 * Failure: any owner may break the device, once; the control context delivers
 * ->failed() at the end of its next entry, so that the port may detach from
 * inside it.
 *
 * Context: control, but for vsc_break(), vsc_fault(), vsc_chan_broken().
 */
#include "vsc/vsc_priv.h"

bool
vsc_is_broken(const struct vsc *v)
{
	return os_ld32(&v->broken) != 0;
}

int
vsc_break(struct vsc *v, int err, enum fault why, const char *stage)
{
	if (os_cas32(&v->broken, 0, 1)) {
		v->broken_err = err;
		v->broken_why = why;
		v->broken_stage = stage;
		os_st32_rel(&v->broken, 2);
		if (v->ops->control_wanted != NULL)
			v->ops->control_wanted(v->ctx);
	}
	return err;
}

int
vsc_fault(struct vsc_queue *q, enum fault why, uint64_t value,
    const char *stage)
{
	return vsc_break(q->vsc, fault_note(&q->chan->faults, why, value), why,
	    stage);
}

int
vsc_chan_broken(struct vsc_queue *q, int err)
{
	return vsc_break(q->vsc, err,
	    err == E_PEER ? q->chan->faults.last : FAULT_NONE, "ring");
}

int
vsc_ctl_wait(struct vsc *v, enum vsc_wait_kind kind, struct chan *c)
{
	v->ctl.wait = kind;
	v->ctl.wait_chan = c;
	v->ctl.waited = false;
	v->ctl.err = 0;
	v->ctl.armed = false;
	return VSC_STEP_WAIT;
}

bool
vsc_ctl_event(struct vsc *v, enum vsc_wait_kind kind, struct chan *c, int err)
{
	struct vsc_ctl *ctl = &v->ctl;

	if (ctl->wait != kind || ctl->waited ||
	    (c != NULL && ctl->wait_chan != c))
		return false;
	ctl->waited = true;
	ctl->err = err;
	return true;
}

void
vsc_ctl_start(struct vsc *v, const struct vsc_list *list)
{
	v->ctl.list = list;
	v->ctl.at = 0;
	v->ctl.wait = VSC_WAIT_NONE;
}

/* The next request of a device that is up and idle. */
static bool
ctl_request_next(struct vsc *v)
{
	static const struct { uint32_t bit; const struct vsc_list *list; }
	    order[] = {
		{ VSC_WANT_HWCAPS, &vsc_hwcaps_list },
		{ VSC_WANT_OFFLOADS, &vsc_off_list },
		{ VSC_WANT_RSS, &vsc_rss_list },
		{ VSC_WANT_FILTER, &vsc_filter_list },
		{ VSC_WANT_MAC, &vsc_mac_list },
		{ VSC_WANT_LINK, &vsc_link_list },
	};

	if (v->state != VSC_UP)
		return false;
	if ((v->want & VSC_WANT_FLAP) != 0) {
		v->want = (v->want & ~VSC_WANT_FLAP) | VSC_WANT_LINK;
		v->caps.link_up = false;
		v->ops->link(v->ctx, false, v->caps.speed_bps);
	}
	for (uint32_t i = 0; i < ARRAY_LEN(order); i++) {
		if ((v->want & order[i].bit) != 0) {
			v->want &= ~order[i].bit;
			vsc_ctl_start(v, order[i].list);
			return true;
		}
	}
	return false;
}

int
vsc_ctl_want(struct vsc *v, uint32_t bits)
{
	if (v->state != VSC_UP || vsc_is_broken(v))
		return E_STATE;
	v->want |= bits;
	vsc_ctl_run(v);
	return 0;
}

/* One move.  False: nothing to do until the next event. */
static bool
ctl_move(struct vsc *v)
{
	struct vsc_ctl *ctl = &v->ctl;
	const struct vsc_list *list = ctl->list;
	const struct vsc_step *s;
	enum vsc_wait_kind wait = ctl->wait;
	int rc;

	if (list == NULL)
		return ctl_request_next(v);
	s = &list->step[ctl->at];
	if (wait != VSC_WAIT_NONE && !ctl->waited)
		return false;
	ctl->wait = VSC_WAIT_NONE;
	ctl->waited = false;
	if (wait == VSC_WAIT_SPACE && ctl->err < 0)
		rc = ctl->err;
	else if (wait == VSC_WAIT_NONE || wait == VSC_WAIT_SPACE)
		rc = s->start(v);
	else
		rc = s->done == NULL ? ctl->err : s->done(v);
	if (rc < 0 && v->state != VSC_DETACHING) {
		vsc_break(v, rc, rc == E_PEER ?
		    v->q[0]->chan->faults.last : FAULT_NONE, s->name);
		return false;
	}
	if (rc < 0)	/* detach goes on whatever happens */
		rc = VSC_STEP_NEXT;
	if (rc == VSC_STEP_NEXT && ++ctl->at == list->steps) {
		ctl->list = NULL;
		if (list->end != NULL)
			list->end(v);
	}
	return true;
}

void
vsc_ctl_run(struct vsc *v)
{
	if (v->ctl.running)
		return;
	v->ctl.running = true;
	while (v->state != VSC_FAILED && v->state != VSC_DOWN &&
	    (v->state == VSC_DETACHING || !vsc_is_broken(v)) && ctl_move(v))
		;
	v->ctl.running = false;
	if (v->state == VSC_DOWN && !v->detached_told) {
		v->detached_told = true;
		v->ops->detached(v->ctx);
		return;
	}
	if (os_ld32_acq(&v->broken) == 2 && !v->broken_told &&
	    (v->state == VSC_ATTACHING || v->state == VSC_UP)) {
		v->state = VSC_FAILED;
		v->ctl.list = NULL;
		os_st32(&v->rx_on, 0);
		v->ops->failed(v->ctx, v->broken_err, v->broken_why,
		    v->broken_stage);
	}
}

/* ---- events of channels ------------------------------------------------- */

static void
ctl_opened(struct chan *c, int err)
{
	struct vsc_queue *q = c->user;
	struct vsc *v = q->vsc;

	if (q->state == VSC_CHAN_OPENING) {
		q->state = err == 0 ? VSC_CHAN_OPEN : VSC_CHAN_CLOSED;
		q->ring_stuck = err == E_TIMEOUT;
	}
	vsc_ctl_event(v, VSC_WAIT_OPEN, c, err);
	vsc_ctl_event(v, VSC_WAIT_SETTLE, NULL, 0);
	vsc_ctl_run(v);
}

static void
ctl_closed(struct chan *c, int err)
{
	struct vsc_queue *q = c->user;
	struct vsc *v = q->vsc;

	q->state = VSC_CHAN_CLOSED;
	q->ring_stuck = err != 0;
	vsc_ctl_event(v, VSC_WAIT_CLOSE, c, err);
	vsc_ctl_event(v, VSC_WAIT_OPEN, c, E_GONE);
	vsc_ctl_event(v, VSC_WAIT_SETTLE, NULL, 0);
	if (v->state != VSC_DETACHING)
		vsc_break(v, E_GONE, FAULT_NONE, "closed");
	vsc_ctl_run(v);
}

static struct vsc_buf *
ctl_buf(struct vsc *v, uint32_t gpadl)
{
	if (v->rxbuf.state != VSC_GPADL_NONE && v->rxbuf.gpadl == gpadl)
		return &v->rxbuf;
	if (v->sendbuf.state != VSC_GPADL_NONE && v->sendbuf.gpadl == gpadl)
		return &v->sendbuf;
	return NULL;
}

static void
ctl_gpadl_created(struct chan *c, uint32_t gpadl, int err)
{
	struct vsc *v = ((struct vsc_queue *)c->user)->vsc;
	struct vsc_buf *b = ctl_buf(v, gpadl);

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
ctl_gpadl_torndown(struct chan *c, uint32_t gpadl, int err)
{
	struct vsc *v = ((struct vsc_queue *)c->user)->vsc;
	struct vsc_buf *b = ctl_buf(v, gpadl);

	if (b == NULL || b->state != VSC_GPADL_TEARING)
		return;
	b->state = VSC_GPADL_NONE;
	b->stuck = err != 0;
	vsc_ctl_event(v, VSC_WAIT_GPADL, NULL, err);
	vsc_ctl_run(v);
}

static void
ctl_subchannel(struct chan *primary, struct chan *sub)
{
	struct vsc *v = ((struct vsc_queue *)primary->user)->vsc;

	vsc_sub_offered(v, sub);
	vsc_ctl_run(v);
}

static void
ctl_rescinded(struct chan *c)
{
	struct vsc_queue *q = c->user;
	struct vsc *v = q->vsc;

	os_st32(&q->gone, 1);
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
	.opened = ctl_opened,
	.closed = ctl_closed,
	.gpadl_created = ctl_gpadl_created,
	.gpadl_torndown = ctl_gpadl_torndown,
	.subchannel = ctl_subchannel,
	.rescinded = ctl_rescinded,
};

static bool
dead_ready(struct chan *c, uint32_t budget)
{
	return false;
}

static void
dead_end(struct chan *c, int err)
{
}

static void
dead_gpadl(struct chan *c, uint32_t gpadl, int err)
{
}

const struct chan_events vsc_dead_events = {
	.ready = dead_ready,
	.opened = dead_end,
	.closed = dead_end,
	.gpadl_created = dead_gpadl,
	.gpadl_torndown = dead_gpadl,
};

/* ---- time --------------------------------------------------------------- */

/* While detaching, the control context reads the parked owners' rings. */
static void
ctl_drain_poll(struct vsc *v)
{
	uint32_t left = 0;

	v->ctl.running = true;
	for (uint32_t i = 0; i < VSC_MAX_QUEUES; i++) {
		struct vsc_queue *q = v->q[i];

		if (q == NULL || q->state != VSC_CHAN_OPEN)
			continue;
		(void)vsc_queue_ready(q->chan, 256);
		left += vsc_tx_outstanding(q) + q->rx.ack_n;
	}
	v->ctl.running = false;
	if (left == 0)
		vsc_ctl_event(v, VSC_WAIT_DRAIN, NULL, 0);
}

static uint64_t
ctl_patience(const struct vsc *v)
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

uint64_t
vsc_timer(struct vsc *v, uint64_t now_ns)
{
	struct vsc_ctl *ctl = &v->ctl;
	uint64_t next = UINT64_MAX;

	if (ctl->wait == VSC_WAIT_DRAIN && !ctl->waited)
		ctl_drain_poll(v);
	if (ctl->wait == VSC_WAIT_SPACE && !vsc_space_told(v->q[0]) &&
	    chan_want_space(v->q[0]->chan, VSC_CTL_ROOM))
		vsc_ctl_event(v, VSC_WAIT_SPACE, NULL, 0);
	if (ctl->wait != VSC_WAIT_NONE && !ctl->waited) {
		if (!ctl->armed) {
			ctl->armed = true;
			ctl->deadline = now_ns + ctl_patience(v);
		}
		if (now_ns >= ctl->deadline) {
			ctl->waited = true;
			ctl->err = E_TIMEOUT;
		}
	}
	if (ctl->wait != VSC_WAIT_NONE && !ctl->waited) {
		next = ctl->deadline;
		if (ctl->wait == VSC_WAIT_DRAIN || (ctl->wait ==
		    VSC_WAIT_SPACE && !vsc_space_told(v->q[0])))
			next = next < now_ns + VSC_POLL_NS ? next :
			    now_ns + VSC_POLL_NS;
	} else if (ctl->wait != VSC_WAIT_NONE || ctl->list != NULL) {
		next = now_ns;		/* the next wait needs its deadline */
	}
	vsc_ctl_run(v);
	return next;
}
