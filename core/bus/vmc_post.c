/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus client: messages to the host.
 *
 * Theory of operation.  HvPostMessage may lack buffers at any time and refuse,
 * so messages wait in one queue and leave in order; none is ever lost.  An
 * entry is embedded in what it is about (connection, channel, GPADL) and its
 * bytes are made at the moment of posting, so that queuing takes no memory and
 * cannot fail.  Who queues an entry also gives its kind: how its bytes are
 * made and what follows.  A GPADL's entry stays at the head until its header
 * and all bodies are out; the one for refused offers waits until all are
 * released.  After a refusal the queue rests, twice as long each time, until
 * vmc_timer() tries again.
 *
 * Context: control.  Not re-entrant: what is queued while posting is picked up
 * by the loop that runs.
 */
#include "bus/vmc_priv.h"

/* The head was posted (err 0) or can never be. */
static void
out_done(struct vmc *vmc, struct vmc_out *o, int err)
{
	const struct vmc_out_kind *kind = o->kind;

	if (kind->more != NULL && kind->more(vmc, o, err))
		return;
	vmc->head = o->next;
	if (vmc->head == NULL)
		vmc->tail = &vmc->head;
	o->queued = false;
	if (kind->done != NULL)
		kind->done(vmc, o, err);
}

static uint32_t
out_build(struct vmc *vmc, struct vmc_out *o, uint8_t *buf)
{
	struct vmbus_msg m = { .type = o->kind->type };

	if (o->kind->build_raw != NULL)
		return o->kind->build_raw(o, buf);
	if (o->kind->build != NULL)
		o->kind->build(vmc, o, &m);
	return vmbus_msg_encode(&m, buf);
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
vmc_out_add(struct vmc *vmc, struct vmc_out *o, const struct vmc_out_kind *kind)
{
	if (vmc->state == VMC_UNLOADING && kind->type != VMBUS_UNLOAD)
		return;
	if (!o->queued) {
		o->kind = kind;
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
		if (o->kind->dropped != NULL)
			o->kind->dropped(o);
	}
	vmc->retry_due = DUE_NEVER;
	vmc->backoff_ns = 0;
}
