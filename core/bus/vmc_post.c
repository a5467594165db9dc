/*
 * VMBus client: messages to the host.
 *
 * Theory of operation.  HvPostMessage may refuse for want of buffers at any
 * time, so messages wait in one queue and leave in order; none is ever lost.
 * An entry is embedded in what it is about (connection, channel, GPADL) and
 * its bytes are made at the moment of posting, so that queuing takes no memory
 * and cannot fail.  A GPADL's entry stays at the head until its header and all
 * bodies are out; that for offers that were not taken, until all are released.
 * After a refusal the queue rests, twice as long each time, until vmc_timer()
 * tries again.
 *
 * Context: control.  Not re-entrant: what is queued while posting is picked up
 * by the loop that runs.
 */
#include "bus/vmc_priv.h"

static void
contact_build(const struct vmc *vmc, struct vmbus_contact *c)
{
	c->version = vmc->version;
	c->target_vp = VMC_MSG_VP;
	c->sint = VMBUS_SINT;
	c->monitor_to_guest = vmc->pages.gpa;
	c->monitor_to_host = vmc->pages.gpa + HV_PAGE_SIZE;
	if (vmc->version < VMBUS_V2_4)
		c->interrupt_gpa = vmc->pages.gpa + 2 * HV_PAGE_SIZE;
}

static void
open_build(const struct vmc_chan *vc, struct vmbus_open *o)
{
	o->relid = vc->rc.chan.relid;
	o->open_id = vc->open_id;
	o->ring_gpadl = vc->ring_gpadl->id;
	o->target_vp = vc->vp;
	o->downstream_pages = vc->to_host_bytes >> HV_PAGE_SHIFT;
	memcpy(o->user, vc->user_data, sizeof(o->user));
}

static uint32_t
out_build(struct vmc *vmc, struct vmc_out *o, uint8_t *buf)
{
	struct vmbus_msg m = { .type = o->type };
	const struct vmc_gpadl *g;
	const struct vmc_chan *vc;

	switch (o->type) {
	case VMBUS_INITIATE_CONTACT:
		contact_build(vmc, &m.contact);
		break;
	case VMBUS_OPEN_CHANNEL:
		open_build(CONTAINER_OF(o, struct vmc_chan, out_open), &m.open);
		break;
	case VMBUS_CLOSE_CHANNEL:
		vc = CONTAINER_OF(o, struct vmc_chan, out_close);
		m.relid = vc->rc.chan.relid;
		break;
	case VMBUS_RELID_RELEASED:
		vc = CONTAINER_OF(o, struct vmc_chan, out_release);
		m.relid = o == &vmc->out_untaken ?
		    vmc_untaken_next(vmc, false) : vc->rc.chan.relid;
		break;
	case VMBUS_MODIFY_CHANNEL:
		vc = CONTAINER_OF(o, struct vmc_chan, out_modify);
		m.modify.relid = vc->rc.chan.relid;
		m.modify.target_vp = vc->vp;
		break;
	case VMBUS_GPADL_HEADER:
		g = CONTAINER_OF(o, struct vmc_gpadl, out_create);
		return vmbus_gpadl_message(&g->src, 1, g->relid, g->id, g->sent,
		    buf);
	case VMBUS_GPADL_TEARDOWN:
		g = CONTAINER_OF(o, struct vmc_gpadl, out_teardown);
		m.gpadl.relid = g->relid;
		m.gpadl.gpadl = g->id;
		break;
	default:	/* REQUEST_OFFERS, UNLOAD: no body */
		break;
	}
	return vmbus_msg_encode(&m, buf);
}

/* The head was posted (err 0) or can never be. */
static void
out_done(struct vmc *vmc, struct vmc_out *o, int err)
{
	if (o->type == VMBUS_GPADL_HEADER && err == 0) {
		struct vmc_gpadl *g =
		    CONTAINER_OF(o, struct vmc_gpadl, out_create);

		if (++g->sent < g->messages)
			return;
	}
	if (o == &vmc->out_untaken) {
		counter_add(&vmc->counters.released, 1);
		(void)vmc_untaken_next(vmc, true);
		if (vmc_untaken_next(vmc, false) != 0)
			return;
	}
	vmc->head = o->next;
	if (vmc->head == NULL)
		vmc->tail = &vmc->head;
	o->queued = false;
	switch (o->type) {
	case VMBUS_INITIATE_CONTACT:
		if (err < 0)
			vmc_contact_refused(vmc);
		break;
	case VMBUS_RELID_RELEASED:
		if (o != &vmc->out_untaken)
			vmc_chan_free(CONTAINER_OF(o, struct vmc_chan,
			    out_release));
		break;
	case VMBUS_UNLOAD:
		/*
		 * UNLOAD_COMPLETE exists from 1.1 on.  Before, nobody says when
		 * the host is done with a channel left open: leak its memory.
		 */
		if (vmc->version < VMBUS_V1_1)
			vmc_unload_done(vmc, E_TIMEOUT);
		break;
	default:
		break;
	}
}

void
vmc_out_run(struct vmc *vmc)
{
	uint8_t buf[VMBUS_MSG_MAX] __attribute__((aligned(8)));

	if (vmc->posting)
		return;
	vmc->posting = true;
	while (vmc->head != NULL && vmc->retry_due == DUE_NEVER) {
		struct vmc_out *o = vmc->head;
		uint32_t len = out_build(vmc, o, buf);
		int err = vmc->ops->post_message(vmc->ctx, vmc->msg_conn, buf,
		    len);

		if (err == E_AGAIN || err == E_GONE) {
			counter_add(&vmc->counters.post_retries, 1);
			vmc->backoff_ns = vmc->backoff_ns == 0 ?
			    VMC_BACKOFF_MIN_NS : 2 * vmc->backoff_ns;
			if (vmc->backoff_ns > VMC_BACKOFF_MAX_NS)
				vmc->backoff_ns = VMC_BACKOFF_MAX_NS;
			vmc->retry_due = DUE_ARM;
			break;
		}
		if (vmc->head != o)
			continue;	/* the connection ended meanwhile */
		vmc->backoff_ns = 0;
		if (err < 0) {
			counter_add(&vmc->counters.post_refused, 1);
		} else {
			counter_add(&vmc->counters.messages_out, 1);
			if (vmc->ops->trace != NULL)
				vmc->ops->trace(vmc->ctx, true,
				    (struct span){ buf, len });
		}
		out_done(vmc, o, err < 0 ? err : 0);
	}
	vmc->posting = false;
}

void
vmc_out_add(struct vmc *vmc, struct vmc_out *o, enum vmbus_msg_type type)
{
	if (vmc->state == VMC_UNLOADING && type != VMBUS_UNLOAD)
		return;
	if (!o->queued) {
		o->type = type;
		o->next = NULL;
		o->queued = true;
		*vmc->tail = o;
		vmc->tail = &o->next;
	}
	vmc_out_run(vmc);
}

void
vmc_out_cancel(struct vmc *vmc, struct vmc_out *o)
{
	struct vmc_out **at = &vmc->head;

	if (!o->queued)
		return;
	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	if (vmc->tail == &o->next)
		vmc->tail = at;
	o->queued = false;
}

void
vmc_out_clear(struct vmc *vmc)
{
	struct vmc_out *o;

	while ((o = vmc->head) != NULL) {
		vmc->head = o->next;
		if (vmc->head == NULL)
			vmc->tail = &vmc->head;
		o->queued = false;
		if (o->type == VMBUS_RELID_RELEASED && o != &vmc->out_untaken)
			vmc_chan_free(CONTAINER_OF(o, struct vmc_chan,
			    out_release));
	}
	vmc->retry_due = DUE_NEVER;
	vmc->backoff_ns = 0;
}
