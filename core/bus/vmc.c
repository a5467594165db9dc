/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus client: the connection.
 *
 * Theory of operation.  vmc_start() proposes versions to the host, newest
 * first, one INITIATE_CONTACT a try, until one is accepted; versions from 5.0
 * on go to message connection 4, and if the host has no such connection, older
 * ones are proposed on connection 1 (protocol.md 1.4).  Then the offers are
 * requested; connected() is called when the host has sent all of them.  The
 * states are in vmc_priv.h.
 *
 * Every exchange has a time-out.  A due time is DUE_NEVER, DUE_ARM (the clock
 * starts at the next vmc_timer(), because control calls do not carry the
 * time), or absolute.  next_due is never later than the earliest of them, so
 * that a timer call costs nothing while nothing is due.
 *
 * Context: control, which is the thread of VMC_MSG_VP.  Upcalls may call back
 * into everything but vmc_destroy(); channels are freed only by the timer and
 * at the end of a message round, never under the feet of an upcall.
 */
#include "bus/vmc_priv.h"

#define X(name, text) COUNTER_ROW(vmc_counters, name, text)
COUNTER_TABLE(vmc_counters, VMC_COUNTERS(X));
#undef X

static void
contact_build(const struct vmc *vmc, const struct vmc_out *o,
    struct vmbus_msg *m)
{
	struct vmbus_contact *c = &m->contact;

	c->version = vmc->version;
	c->target_vp = VMC_MSG_VP;
	c->sint = VMBUS_SINT;
	c->monitor_to_guest = vmc->pages.gpa;
	c->monitor_to_host = vmc->pages.gpa + HV_PAGE_SIZE;
	if (vmc->version < VMBUS_V2_4)
		c->interrupt_gpa = vmc->pages.gpa + 2 * HV_PAGE_SIZE;
}

static void contact_done(struct vmc *, struct vmc_out *, int err);
static void unload_posted(struct vmc *, struct vmc_out *, int err);

static const struct vmc_out_kind out_contact = {
	.type = VMBUS_INITIATE_CONTACT,
	.build = contact_build,
	.done = contact_done,
};
static const struct vmc_out_kind out_request = {
	.type = VMBUS_REQUEST_OFFERS,
};
static const struct vmc_out_kind out_unload = {
	.type = VMBUS_UNLOAD,
	.done = unload_posted,
};

static uint32_t
version_next(const struct vmc *vmc, uint32_t from, uint32_t below)
{
	for (uint32_t i = from; i < VMBUS_VERSIONS; i++) {
		uint32_t v = vmbus_versions[i];

		if (v < below && v >= vmc->cfg.min_version &&
		    (vmc->cfg.max_version == 0 || v <= vmc->cfg.max_version))
			return i;
	}
	return VMBUS_VERSIONS;
}

struct vmc *
vmc_create(const struct vmc_config *cfg, const struct vmc_ops *ops, void *ctx)
{
	const size_t vp_bytes = sizeof(struct vmc_vp) * cfg->vps;
	struct vmc *vmc;

	if (cfg->vps == 0 || cfg->vps > ARRAY_LEN(cfg->simp))
		return NULL;
	vmc = ops->alloc(ctx, sizeof(*vmc));
	if (vmc == NULL)
		return NULL;
	vmc->cfg = *cfg;
	vmc->ops = ops;
	vmc->ctx = ctx;
	vmc->tail = &vmc->head;
	vmc->next_due = UINT64_MAX;
	if (version_next(vmc, 0, UINT32_MAX) == VMBUS_VERSIONS)
		goto fail;
	vmc->vp = ops->alloc(ctx, vp_bytes);
	if (vmc->vp == NULL)
		goto fail;
	if (ops->mem_alloc(ctx, 3 * HV_PAGE_SIZE, &vmc->pages) < 0)
		goto fail_vp;
	return vmc;

fail_vp:
	ops->free(ctx, vmc->vp, vp_bytes);
fail:
	ops->free(ctx, vmc, sizeof(*vmc));
	return NULL;
}

void
vmc_destroy(struct vmc *vmc)
{
	const struct vmc_ops *ops = vmc->ops;

	vmc_out_clear(vmc);
	for (uint32_t i = 0; i < VMC_MAX_CHANNELS; i++)
		if (vmc->chan[i] != NULL)
			vmc_chan_free(vmc->chan[i]);
	ops->mem_free(vmc->ctx, &vmc->pages);
	ops->free(vmc->ctx, vmc->vp, sizeof(struct vmc_vp) * vmc->cfg.vps);
	ops->free(vmc->ctx, vmc, sizeof(*vmc));
}

/* The connection is over; either end may have ended it. */
static void
connection_end(struct vmc *vmc, int err)
{
	vmc->state = VMC_IDLE;
	vmc->version = 0;
	vmc->due = DUE_NEVER;
	vmc_out_clear(vmc);
	vmc_flags_reset(vmc);
	vmc_chan_lose_all(vmc, err);
	vmc_gpadl_forget(vmc);
}

static void
connect_failed(struct vmc *vmc, int err)
{
	connection_end(vmc, err == E_TIMEOUT ? E_TIMEOUT : 0);
	vmc->ops->connected(vmc->ctx, err);
}

static void
contact(struct vmc *vmc, uint32_t try)
{
	if (try == VMBUS_VERSIONS) {
		connect_failed(vmc, E_NOTSUP);
		return;
	}
	vmc->try = try;
	vmc->version = vmbus_versions[try];
	vmc->msg_conn = vmc->version >= VMBUS_V5_0 ?
	    VMBUS_CONN_MESSAGE_5_0 : VMBUS_CONN_MESSAGE;
	os_st32(&vmc->intpage_used, vmc->version < VMBUS_V2_4);
	counter_add(&vmc->counters.contacts, 1);
	vmc_due_arm(vmc, &vmc->due);
	vmc_out_add(vmc, &vmc->out_contact, &out_contact);
}

int
vmc_start(struct vmc *vmc)
{
	if (vmc->state != VMC_IDLE)
		return E_STATE;
	vmc->state = VMC_CONTACT;
	memset(vmc->pages.va, 0, vmc->pages.bytes);
	contact(vmc, version_next(vmc, 0, UINT32_MAX));
	return 0;
}

/* An error: the host has no such message connection (HvPostMessage). */
static void
contact_done(struct vmc *vmc, struct vmc_out *o, int err)
{
	if (err == 0 || vmc->state != VMC_CONTACT)
		return;
	if (vmc->msg_conn == VMBUS_CONN_MESSAGE_5_0)
		contact(vmc, version_next(vmc, 0, VMBUS_V5_0));
	else
		connect_failed(vmc, E_NOTSUP);
}

void
vmc_version_response(struct vmc *vmc, const struct vmbus_version *v)
{
	if (vmc->state != VMC_CONTACT) {
		vmc_stray(vmc, VMBUS_VERSION_RESPONSE);
		return;
	}
	if (!v->supported) {
		contact(vmc, version_next(vmc, vmc->try + 1, UINT32_MAX));
		return;
	}
	if (v->state != VMBUS_CONN_OK) {
		connect_failed(vmc, v->state == VMBUS_CONN_LOW_RESOURCES ?
		    E_NOMEM : E_NOTSUP);
		return;
	}
	/* From 5.0 on the host names the connection for what follows. */
	if (vmc->version >= VMBUS_V5_0)
		vmc->msg_conn = v->selected != 0 ? v->selected :
		    VMBUS_CONN_MESSAGE;
	vmc->state = VMC_OFFERS;
	vmc_due_arm(vmc, &vmc->due);
	vmc_out_add(vmc, &vmc->out_request, &out_request);
}

void
vmc_all_offers(struct vmc *vmc)
{
	if (vmc->state != VMC_OFFERS) {
		vmc_stray(vmc, VMBUS_ALL_OFFERS_DELIVERED);
		return;
	}
	vmc->state = VMC_CONNECTED;
	vmc->due = DUE_NEVER;
	vmc->ops->connected(vmc->ctx, (int)vmc->version);
}

void
vmc_unload(struct vmc *vmc)
{
	if (vmc->state == VMC_UNLOADING)
		return;
	if (vmc->state == VMC_IDLE) {
		vmc->ops->unloaded(vmc->ctx);
		return;
	}
	vmc->state = VMC_UNLOADING;
	vmc_due_arm(vmc, &vmc->due);
	vmc_out_add(vmc, &vmc->out_unload, &out_unload);
}

void
vmc_unload_done(struct vmc *vmc, int err)
{
	if (vmc->state != VMC_UNLOADING) {
		counter_add(&vmc->counters.late, 1);
		return;
	}
	connection_end(vmc, err);
	vmc->ops->unloaded(vmc->ctx);
}

static void
unload_posted(struct vmc *vmc, struct vmc_out *o, int err)
{
	/*
	 * UNLOAD_COMPLETE exists from 1.1 on.  Before, nobody says when the
	 * host is done with a channel left open: leak its memory.
	 */
	if (vmc->version < VMBUS_V1_1)
		vmc_unload_done(vmc, E_TIMEOUT);
}

void
vmc_lost(struct vmc *vmc)
{
	bool unloading = vmc->state == VMC_UNLOADING;

	connection_end(vmc, 0);
	if (unloading)
		vmc->ops->unloaded(vmc->ctx);
}

static void
connection_timeout(struct vmc *vmc)
{
	counter_add(&vmc->counters.timeouts, 1);
	if (vmc->state == VMC_UNLOADING)
		vmc_unload_done(vmc, E_TIMEOUT);
	else
		connect_failed(vmc, E_TIMEOUT);
}

/* Start the clock of *due, or tell that it ran out. */
static bool
due_check(struct vmc *vmc, uint64_t *due, uint64_t now)
{
	if (*due == DUE_NEVER)
		return false;
	if (*due == DUE_ARM)
		*due = now + VMC_ANSWER_NS;
	if (now >= *due) {
		*due = DUE_NEVER;
		return true;
	}
	if (*due < vmc->next_due)
		vmc->next_due = *due;
	return false;
}

static void
due_scan(struct vmc *vmc, uint64_t now)
{
	vmc->armed = false;
	vmc->next_due = UINT64_MAX;
	if (due_check(vmc, &vmc->due, now))
		connection_timeout(vmc);
	for (uint32_t i = 0; i < VMC_MAX_GPADLS && vmc->gpadls != 0; i++)
		if (due_check(vmc, &vmc->gpadl[i].due, now))
			vmc_gpadl_timeout(&vmc->gpadl[i]);
	for (uint32_t i = 0; i < VMC_MAX_CHANNELS; i++) {
		struct vmc_chan *vc = vmc->chan[i];

		if (vc != NULL && due_check(vmc, &vc->due, now))
			vmc_chan_timeout(vc);
		if (vc != NULL && due_check(vmc, &vc->move_due, now)) {
			counter_add(&vmc->counters.timeouts, 1);
			vc->moving = false;
		}
	}
}

uint64_t
vmc_timer(struct vmc *vmc, uint64_t now_ns)
{
	uint64_t next;

	if (vmc->retry_due != DUE_NEVER && vmc->retry_due != DUE_ARM &&
	    now_ns >= vmc->retry_due) {
		vmc->retry_due = DUE_NEVER;
		vmc_out_run(vmc);
	}
	/* What is due may arm, and what is swept may too; but not for ever. */
	for (uint32_t round = 0; round < 4; round++) {
		if (vmc->armed || now_ns >= vmc->next_due)
			due_scan(vmc, now_ns);
		if (vmc->sweep)
			vmc_chan_sweep(vmc);
		if (!vmc->armed && !vmc->sweep)
			break;
	}
	if (vmc->retry_due == DUE_ARM)
		vmc->retry_due = now_ns + vmc->backoff_ns;
	next = vmc->armed || vmc->sweep ? now_ns : vmc->next_due;
	if (vmc->retry_due != DUE_NEVER && vmc->retry_due < next)
		next = vmc->retry_due;
	return next;
}

uint32_t
vmc_version(const struct vmc *vmc)
{
	return vmc->state == VMC_OFFERS || vmc->state == VMC_CONNECTED ?
	    vmc->version : 0;
}

uint32_t
vmc_channel_count(const struct vmc *vmc)
{
	return vmc->channels;
}

uint32_t
vmc_gpadl_count(const struct vmc *vmc)
{
	return vmc->gpadls;
}

const struct vmc_counters *
vmc_stats(const struct vmc *vmc)
{
	return &vmc->counters;
}

const struct fault_log *
vmc_faults(const struct vmc *vmc)
{
	return &vmc->faults;
}
