/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order in which a NetVSC detaches.
 *
 * Theory of operation.  Tear-down, as a list of steps that skip what is not
 * there, so that it serves a device at any stage of attach, a running one, and
 * one whose host has gone silent, mad or away.  Nothing here fails: a step
 * that is refused or times out is passed over, and what the host may still use
 * is leaked and counted.
 *
 * Order: no more frames (filter 0), HALT, outstanding packets home, buffers
 * revoked.  Their GPADLs go before the primary is closed below VMBus 4.0, and
 * after it from then on (FreeBSD hn_nvs.c).  When the offer is rescinded they
 * go before in any version, because the channel ends with its close.  Last, the
 * user gives back received packets that it holds.
 *
 * Context: control.  Owners go on until their channel is closed: they take
 * completions and give sections back, and report when their queue is idle.
 */
#include "vsc/vsc_priv.h"

#define DETACH_VMBUS_4_0	0x00040000u

/* True while the host can be talked to on the primary. */
static bool
detach_talk(const struct vsc *v)
{
	return v->talk && !v->q[0]->gone && v->q[0]->state == VSC_CHAN_OPEN;
}

bool
vsc_detach_bus_busy(const struct vsc *v)
{
	for (uint32_t i = 0; i < VSC_MAX_QUEUES; i++) {
		if (v->q[i] != NULL && v->q[i]->state == VSC_CHAN_OPENING)
			return true;
	}
	return v->rxbuf.state == VSC_GPADL_CREATING ||
	    v->sendbuf.state == VSC_GPADL_CREATING;
}

/*
 * Exchanges that detach cut off end first: the control page is the host's
 * until then, and a GPADL must not go before the host has read about it.
 */
static bool
detach_unsettled(const struct vsc *v)
{
	bool busy = v->ctl.page_busy;

	for (uint32_t i = 0; i < VSC_CTL_XACTS; i++)
		busy = busy || v->ctl.xact_gen[i] != 0;
	return vsc_detach_bus_busy(v) || (busy && detach_talk(v));
}

static int
settle_start(struct vsc *v)
{
	return detach_unsettled(v) ? vsc_ctl_wait(v, VSC_WAIT_SETTLE, NULL) :
	    VSC_STEP_NEXT;
}

/* A host that does not answer once is not asked again. */
static int
settle_done(struct vsc *v)
{
	if (v->ctl.err < 0)
		v->talk = false;
	else if (detach_unsettled(v))
		return VSC_STEP_AGAIN;
	return VSC_STEP_NEXT;
}

static int
quiet_start(struct vsc *v)
{
	le32_t none = le32_put(0);

	if (!v->rndis_up || !detach_talk(v))
		return VSC_STEP_NEXT;
	return vsc_rndis_set(v, OID_GEN_CURRENT_PACKET_FILTER,
	    (struct span){ (const uint8_t *)&none, sizeof(none) });
}

static int
quiet_done(struct vsc *v)
{
	if (v->ctl.err < 0)
		v->talk = false;
	return VSC_STEP_NEXT;
}

static int
halt_start(struct vsc *v)
{
	struct rndis_msg m = { .type = RNDIS_HALT };

	if (!v->rndis_up || !detach_talk(v))
		return VSC_STEP_NEXT;
	v->rndis_up = false;
	return vsc_rndis_send(v, &m);
}

bool
vsc_detach_drained(const struct vsc *v)
{
	for (uint32_t i = 0; i < VSC_MAX_QUEUES; i++) {
		const struct vsc_queue *q = v->q[i];

		if (q != NULL && q->state == VSC_CHAN_OPEN &&
		    !vsc_queue_idle(q))
			return false;
	}
	return true;
}

static int
drain_start(struct vsc *v)
{
	if (!detach_talk(v))
		return VSC_STEP_NEXT;
	os_xchg32(&v->draining, 1);
	return vsc_detach_drained(v) ? VSC_STEP_NEXT :
	    vsc_ctl_wait(v, VSC_WAIT_DRAIN, NULL);
}

static int
revoke_start(struct vsc *v, struct vsc_buf *b, enum nvs_msg_type type,
    uint16_t id)
{
	struct nvs_msg m = { .type = type };

	if (!b->told || v->q[0]->gone || v->q[0]->state != VSC_CHAN_OPEN)
		return VSC_STEP_NEXT;
	b->told = false;
	m.revoke_id = id;
	/* No room means that the host stopped reading: closing tells it. */
	if (vsc_nvs_send(v, &m, false) == VSC_STEP_WAIT)
		v->ctl.wait = VSC_WAIT_NONE;
	return VSC_STEP_NEXT;
}

static int
rx_revoke_start(struct vsc *v)
{
	return revoke_start(v, &v->rxbuf, NVS_RECV_BUF_REVOKE,
	    NVS_RECV_BUF_ID);
}

static int
send_revoke_start(struct vsc *v)
{
	return revoke_start(v, &v->sendbuf, NVS_SEND_BUF_REVOKE,
	    NVS_SEND_BUF_ID_BSD);
}

static int
gpadl_start(struct vsc *v, struct vsc_buf *b)
{
	struct chan *c = v->q[0]->chan;
	int rc;

	if (b->state != VSC_GPADL_UP)
		return VSC_STEP_NEXT;
	b->state = VSC_GPADL_TEARING;
	vsc_ctl_wait(v, VSC_WAIT_GPADL, NULL);
	/* A channel with a GPADL lives, even if rescinded and closed. */
	rc = c->ops->gpadl_teardown(c, b->gpadl);
	if (rc < 0) {
		b->state = VSC_GPADL_NONE;
		b->stuck = rc != E_GONE;
		v->ctl.wait = VSC_WAIT_NONE;
		return VSC_STEP_NEXT;
	}
	return VSC_STEP_WAIT;
}

/* True in the step of the list that is this version's. */
static bool
gpadl_turn(const struct vsc *v, bool closed)
{
	bool after = v->caps.vmbus_version >= DETACH_VMBUS_4_0 &&
	    !v->q[0]->gone;

	/* Whatever is left when the channel is closed goes then. */
	return closed || !after;
}

static int
rx_gpadl_before(struct vsc *v)
{
	return gpadl_turn(v, false) ? gpadl_start(v, &v->rxbuf) :
	    VSC_STEP_NEXT;
}

static int
send_gpadl_before(struct vsc *v)
{
	return gpadl_turn(v, false) ? gpadl_start(v, &v->sendbuf) :
	    VSC_STEP_NEXT;
}

static int
rx_gpadl_after(struct vsc *v)
{
	return gpadl_start(v, &v->rxbuf);
}

static int
send_gpadl_after(struct vsc *v)
{
	return gpadl_start(v, &v->sendbuf);
}

/* Packets that the user holds: the receive buffer is freed at the end. */
static int
held_start(struct vsc *v)
{
	return vsc_holds_out(v) ? vsc_ctl_wait(v, VSC_WAIT_HELD, NULL) :
	    VSC_STEP_NEXT;
}

static int
detach_ignore(struct vsc *v)
{
	(void)v;
	return VSC_STEP_NEXT;
}

static int
close_start(struct vsc *v, struct vsc_queue *q)
{
	bool never = q->state == VSC_CHAN_CLOSED;
	int rc;

	/*
	 * A sub-channel that was never opened is still to be let go, unless it
	 * ended with its offer.
	 */
	if (q->let_go || (never && (q->index == 0 || q->gone)))
		return VSC_STEP_NEXT;
	q->let_go = true;
	if (!never)
		os_st32(&q->state, VSC_CHAN_CLOSING);
	vsc_ctl_wait(v, VSC_WAIT_CLOSE, q->chan);
	rc = q->chan->ops->close(q->chan);
	if (rc < 0) {
		/* Not open as the bus sees it: it has let go of the ring. */
		os_st32(&q->state, VSC_CHAN_CLOSED);
		v->ctl.wait = VSC_WAIT_NONE;
		return VSC_STEP_NEXT;
	}
	return VSC_STEP_WAIT;
}

/* Sub-channels, one after the other, the last first. */
static int
subs_close_start(struct vsc *v)
{
	for (uint32_t i = VSC_MAX_QUEUES - 1; i > 0; i--) {
		if (v->q[i] == NULL || v->q[i]->let_go)
			continue;
		if (close_start(v, v->q[i]) == VSC_STEP_WAIT)
			return VSC_STEP_WAIT;
	}
	return VSC_STEP_NEXT;
}

static int
subs_close_done(struct vsc *v)
{
	(void)v;
	return VSC_STEP_AGAIN;
}

static int
primary_close_start(struct vsc *v)
{
	return close_start(v, v->q[0]);
}

static void
detach_buf_free(struct vsc *v, struct vsc_buf *b)
{
	if (b == &v->rxbuf)
		b->stuck = b->stuck || vsc_holds_out(v);
	if (b->given)
		memset(&b->mem, 0, sizeof(b->mem));
	vsc_mem_free(v, &b->mem, b->stuck || b->state != VSC_GPADL_NONE);
	b->state = VSC_GPADL_NONE;
}

static void
detach_end(struct vsc *v)
{
	bool open = v->q[0]->state != VSC_CHAN_CLOSED || v->q[0]->ring_stuck;

	detach_buf_free(v, &v->rxbuf);
	detach_buf_free(v, &v->sendbuf);
	vsc_mem_free(v, &v->ctl.page,
	    open && (v->ctl.page_busy || v->ctl.answer_busy));
	for (uint32_t i = 0; i < VSC_MAX_QUEUES; i++) {
		if (v->q[i] != NULL)
			vsc_queue_free(v->q[i]);
	}
	v->state = VSC_DOWN;
}

static const struct vsc_step detach_steps[] = {
	{ "settle", settle_start, settle_done },
	{ "packet filter", quiet_start, quiet_done },
	{ "HALT", halt_start, quiet_done },
	{ "drain", drain_start, detach_ignore },
	{ "receive buffer revoke", rx_revoke_start, NULL },
	{ "send buffer revoke", send_revoke_start, NULL },
	{ "receive buffer GPADL", rx_gpadl_before, detach_ignore },
	{ "send buffer GPADL", send_gpadl_before, detach_ignore },
	{ "sub-channel close", subs_close_start, subs_close_done },
	{ "close", primary_close_start, detach_ignore },
	{ "receive buffer GPADL", rx_gpadl_after, detach_ignore },
	{ "send buffer GPADL", send_gpadl_after, detach_ignore },
	{ "held packets", held_start, detach_ignore },
};
const struct vsc_list vsc_detach_list = {
	detach_steps, ARRAY_LEN(detach_steps), detach_end
};
