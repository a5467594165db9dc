/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs lists of control steps, one answer at a time.
 *
 * Theory of operation.  Everything that takes an answer from the host is a
 * step of a list: start() sends and names what it waits for, done() looks at
 * how the wait ended.  One wait is outstanding at a time.  Events only mark
 * the wait as over (vsc_ctl_event()); vsc_ctl_run() then moves on.  An event
 * may come before start() returns: run() is not re-entered, its loop sees the
 * mark.  The engine knows no list: vsc.c hands it those of attach, detach and
 * requests.
 *
 * Failure: any owner may break the device, once; the control context delivers
 * ->failed() at the end of its next entry, so that the port may detach from
 * inside it.
 *
 * Context: control, except vsc_break(), vsc_fault(), vsc_chan_broken().
 */
#include "vsc/vsc_priv.h"

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
	if (v->state != VSC_UP)
		return false;
	if ((v->want & VSC_WANT_FLAP) != 0) {
		v->want = (v->want & ~VSC_WANT_FLAP) | VSC_WANT_LINK;
		v->caps.link_up = false;
		v->ops->link(v->ctx, false, v->caps.speed_bps);
	}
	for (uint32_t i = 0; i < v->ctl.requests; i++) {
		const struct vsc_request *r = &v->ctl.request[i];

		if ((v->want & r->bit) != 0) {
			v->want &= ~r->bit;
			vsc_ctl_start(v, r->list);
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
