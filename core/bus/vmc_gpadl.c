/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus client: GPADLs, the ranges of our memory that the host may map.
 *
 * Theory of operation.  A GPADL is one range of pages, announced by a header
 * and as many bodies as it takes, answered by GPADL_CREATED; torn down by a
 * request and its answer.  An id is the index of a table entry and the
 * generation of its use, so that an answer to an earlier use finds nothing.
 *
 * Memory is the user's again only after GPADL_TORNDOWN.  Where that never
 * comes the entry is LEAKED: its id is not used again, bytes are counted, and
 * the user leaks the memory on purpose.  That goes for a rescinded channel as
 * well: the host serves it until it has read that we closed it.  After a lost
 * connection no answer is needed.
 *
 * GPADLs of a ring are driven by vmc_chan.c, all others by the channel's user.
 * Context: control.
 */
#include "bus/vmc_priv.h"

static struct vmc_gpadl *
gpadl_find(struct vmc *vmc, uint32_t id)
{
	uint32_t i = id & ((1u << VMC_GPADL_BITS) - 1);

	if (i >= VMC_MAX_GPADLS || vmc->gpadl[i].state == GPADL_FREE ||
	    vmc->gpadl[i].id != id)
		return NULL;
	return &vmc->gpadl[i];
}

/* An id that we gave out once, for whatever that is worth from a host. */
static bool
gpadl_past(const struct vmc *vmc, uint32_t id)
{
	uint32_t i = id & ((1u << VMC_GPADL_BITS) - 1);

	return i < VMC_MAX_GPADLS && id >> VMC_GPADL_BITS != 0 &&
	    id >> VMC_GPADL_BITS <= vmc->gpadl[i].gen;
}

static void
gpadl_unlink(struct vmc_gpadl *g)
{
	g->chan->gpadls--;
	g->chan->vmc->sweep = true;
	g->chan = NULL;
	g->due = DUE_NEVER;
}

static void
gpadl_free(struct vmc *vmc, struct vmc_gpadl *g)
{
	vmc_out_cancel(vmc, &g->out_create);
	vmc_out_cancel(vmc, &g->out_teardown);
	g->state = GPADL_FREE;
	vmc->gpadls--;
}

static void
gpadl_leak(struct vmc *vmc, struct vmc_gpadl *g)
{
	g->state = GPADL_LEAKED;
	counter_add(&vmc->counters.leaked_gpadls, 1);
	counter_add(&vmc->counters.leaked_bytes, g->src.bytes);
}

/* The next of header and bodies. */
static uint32_t
header_build(const struct vmc_out *o, uint8_t *buf)
{
	const struct vmc_gpadl *g =
	    CONTAINER_OF(o, const struct vmc_gpadl, out_create);

	return vmbus_gpadl_message(&g->src, 1, g->relid, g->id, g->sent, buf);
}

static bool
header_more(struct vmc *vmc, struct vmc_out *o, int err)
{
	struct vmc_gpadl *g = CONTAINER_OF(o, struct vmc_gpadl, out_create);

	return err == 0 && ++g->sent < g->messages;
}

static void
teardown_build(const struct vmc *vmc, const struct vmc_out *o,
    struct vmbus_msg *m)
{
	const struct vmc_gpadl *g =
	    CONTAINER_OF(o, const struct vmc_gpadl, out_teardown);

	m->gpadl.relid = g->relid;
	m->gpadl.gpadl = g->id;
}

static const struct vmc_out_kind out_create = {
	.type = VMBUS_GPADL_HEADER,
	.build_raw = header_build,
	.more = header_more,
};
static const struct vmc_out_kind out_teardown = {
	.type = VMBUS_GPADL_TEARDOWN,
	.build = teardown_build,
};

/* err 0: live.  E_TIMEOUT: the host may have it.  Else it is ours. */
static void
created_done(struct vmc_gpadl *g, int err)
{
	struct vmc_chan *vc = g->chan;
	const struct vmc_gpadl_user *user = g->user;
	uint32_t id = g->id;

	g->due = DUE_NEVER;
	if (err == 0) {
		g->state = GPADL_LIVE;
	} else {
		gpadl_unlink(g);
		if (err == E_TIMEOUT)
			gpadl_leak(vc->vmc, g);
		else
			gpadl_free(vc->vmc, g);
	}
	user->created(vc, id, err);
}

static void
torndown_done(struct vmc_gpadl *g, int err)
{
	struct vmc_chan *vc = g->chan;
	const struct vmc_gpadl_user *user = g->user;
	uint32_t id = g->id;

	gpadl_unlink(g);
	if (err < 0)
		gpadl_leak(vc->vmc, g);
	else
		gpadl_free(vc->vmc, g);
	user->torndown(vc, id, err);
}

int
vmc_gpadl_alloc(struct vmc_chan *vc, const struct chan_mem *mem,
    const struct vmc_gpadl_user *user, struct vmc_gpadl **out)
{
	struct vmc *vmc = vc->vmc;
	struct vmbus_gpadl_src src = {
		.bytes = mem->bytes,
		.first_pfn = mem->gpa >> HV_PAGE_SHIFT,
	};
	struct vmc_gpadl *g = NULL;
	uint32_t range_bytes;

	if (vc->rescinded)
		return E_GONE;
	if (vmc->state != VMC_OFFERS && vmc->state != VMC_CONNECTED)
		return E_STATE;
	if (mem->bytes == 0 || mem->bytes % HV_PAGE_SIZE != 0 ||
	    mem->gpa % HV_PAGE_SIZE != 0)
		return E_STATE;
	range_bytes = vmbus_gpadl_bytes(&src, 1);
	if (range_bytes == 0)
		return E_STATE;
	for (uint32_t i = 0; i < VMC_MAX_GPADLS && g == NULL; i++)
		if (vmc->gpadl[i].state == GPADL_FREE)
			g = &vmc->gpadl[i];
	if (g == NULL)
		return E_NOMEM;
	/* Generations are 22 bits; 0 would allow an id of 0. */
	g->gen = (g->gen + 1) & (UINT32_MAX >> VMC_GPADL_BITS);
	if (g->gen == 0)
		g->gen = 1;
	g->id = g->gen << VMC_GPADL_BITS | (uint32_t)(g - vmc->gpadl);
	g->state = GPADL_CREATING;
	g->chan = vc;
	g->user = user;
	g->relid = vc->rc.chan.relid;
	g->src = src;
	g->sent = 0;
	g->messages = vmbus_gpadl_messages(range_bytes);
	vc->gpadls++;
	vmc->gpadls++;
	*out = g;
	return 0;
}

void
vmc_gpadl_send(struct vmc_gpadl *g)
{
	struct vmc *vmc = g->chan->vmc;

	vmc_due_arm(vmc, &g->due);
	vmc_out_add(vmc, &g->out_create, &out_create);
}

static void
chan_user_created(struct vmc_chan *vc, uint32_t id, int err)
{
	struct chan *c = &vc->rc.chan;

	c->events->gpadl_created(c, id, err);
}

static void
chan_user_torndown(struct vmc_chan *vc, uint32_t id, int err)
{
	struct chan *c = &vc->rc.chan;

	c->events->gpadl_torndown(c, id, err);
}

/* Buffers of the channel's user. */
static const struct vmc_gpadl_user chan_user = {
	.created = chan_user_created,
	.torndown = chan_user_torndown,
};

int
vmc_gpadl_create(struct chan *c, const struct chan_mem *mem, uint32_t *id)
{
	struct vmc_gpadl *g;
	int err;

	if (c->events == NULL)
		return E_STATE;
	err = vmc_gpadl_alloc(vmc_chan_of(c), mem, &chan_user, &g);
	if (err < 0)
		return err;
	*id = g->id;
	vmc_gpadl_send(g);
	return 0;
}

void
vmc_gpadl_created(struct vmc *vmc, const struct vmbus_gpadl_result *r)
{
	struct vmc_gpadl *g = gpadl_find(vmc, r->gpadl);

	if (g == NULL || g->state == GPADL_LEAKED) {
		if (g != NULL || gpadl_past(vmc, r->gpadl))
			counter_add(&vmc->counters.late, 1);
		else
			vmc_fault(vmc, FAULT_GPADL_ID, r->gpadl);
		return;
	}
	if (g->state != GPADL_CREATING || g->sent != g->messages ||
	    g->relid != r->relid) {
		vmc_fault(vmc, FAULT_VMBUS_STATE, VMBUS_GPADL_CREATED);
		return;
	}
	created_done(g, r->status == VMBUS_STATUS_OK ? 0 : E_NOTSUP);
}

void
vmc_gpadl_end(struct vmc_gpadl *g)
{
	struct vmc_chan *vc = g->chan;

	if (vc->lost) {
		torndown_done(g, vc->lost_err);
		return;
	}
	g->state = GPADL_TEARDOWN;
	vmc_due_arm(vc->vmc, &g->due);
	vmc_out_add(vc->vmc, &g->out_teardown, &out_teardown);
}

int
vmc_gpadl_teardown(struct chan *c, uint32_t id)
{
	struct vmc_chan *vc = vmc_chan_of(c);
	struct vmc_gpadl *g = gpadl_find(vc->vmc, id);

	if (g == NULL || g->chan != vc || g->user != &chan_user ||
	    g->state != GPADL_LIVE)
		return E_STATE;
	vmc_gpadl_end(g);
	return 0;
}

void
vmc_gpadl_torndown(struct vmc *vmc, uint32_t id)
{
	struct vmc_gpadl *g = gpadl_find(vmc, id);

	if (g != NULL && g->state == GPADL_TEARDOWN) {
		if (g->out_teardown.queued)
			vmc_fault(vmc, FAULT_VMBUS_STATE, VMBUS_GPADL_TORNDOWN);
		else
			torndown_done(g, 0);
	} else if (g != NULL && g->state == GPADL_LEAKED &&
	    !g->out_create.queued && !g->out_teardown.queued) {
		/* Too late for the user, but the id is free again. */
		counter_add(&vmc->counters.late, 1);
		gpadl_free(vmc, g);
	} else if (g == NULL && gpadl_past(vmc, id)) {
		counter_add(&vmc->counters.late, 1);
	} else {
		vmc_fault(vmc, FAULT_GPADL_ID, id);
	}
}

void
vmc_gpadl_timeout(struct vmc_gpadl *g)
{
	counter_add(&g->chan->vmc->counters.timeouts, 1);
	if (g->state == GPADL_CREATING)
		created_done(g, E_TIMEOUT);
	else
		torndown_done(g, E_TIMEOUT);
}

void
vmc_gpadl_abort(struct vmc_chan *vc)
{
	struct vmc *vmc = vc->vmc;

	for (uint32_t i = 0; i < VMC_MAX_GPADLS && vc->gpadls != 0; i++) {
		struct vmc_gpadl *g = &vmc->gpadl[i];

		if (g->chan != vc)
			continue;
		if (g->state == GPADL_TEARDOWN)
			torndown_done(g, vc->lost_err);
		else if (g->state == GPADL_CREATING)
			created_done(g, vc->lost_err < 0 ? E_TIMEOUT : E_GONE);
	}
}

void
vmc_gpadl_forget(struct vmc *vmc)
{
	for (uint32_t i = 0; i < VMC_MAX_GPADLS && vmc->gpadls != 0; i++)
		if (vmc->gpadl[i].state == GPADL_LEAKED)
			gpadl_free(vmc, &vmc->gpadl[i]);
}
