/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocates and frees the memory of the queues.
 *
 * Theory of operation.  Memory of the queues: all of it is taken here, during
 * attach, and given back here at the end of detach.  A queue's receive side is
 * ready as soon as the queue exists, since control messages come that way;
 * its transmit side when the number of queues is known, because the sections
 * of the send buffer are divided among them.
 *
 * What the host may still write or read (a ring whose GPADL was not confirmed
 * torn down) is leaked on purpose and counted.
 *
 * Context: control; the owner of what is freed will not be called any more.
 */
#include "vsc/vsc_priv.h"

int
vsc_mem_alloc(struct vsc *v, uint32_t bytes, struct chan_mem *out)
{
	int rc = v->ops->mem_alloc(v->ctx, bytes, out);

	if (rc < 0)
		memset(out, 0, sizeof(*out));
	return rc;
}

int
vsc_mem_take(struct vsc *v, struct chan *c, enum chan_given what,
    uint32_t bytes, struct chan_mem *out, bool *given)
{
	int rc;

	*given = c->ops->given != NULL;
	if (!*given)
		return vsc_mem_alloc(v, bytes, out);
	rc = c->ops->given(c, what, out);
	if (rc < 0)
		memset(out, 0, sizeof(*out));
	return rc;
}

void
vsc_mem_free(struct vsc *v, struct chan_mem *m, bool leak)
{
	if (m->va == NULL)
		return;
	if (leak)
		os_st32(&v->leaked, v->leaked + m->bytes);
	else
		v->ops->mem_free(v->ctx, m);
	memset(m, 0, sizeof(*m));
}

bool
vsc_stack_init(struct vsc *v, struct vsc_stack *s, uint32_t n)
{
	OS_ASSERT(n <= UINT16_MAX);
	s->n = 0;
	s->cap = 0;
	if (n == 0)
		return true;
	s->id = v->ops->alloc(v->ctx, n * sizeof(s->id[0]));
	if (s->id == NULL)
		return false;
	s->cap = n;
	while (s->n < n) {
		s->id[s->n] = (uint16_t)(n - 1 - s->n);
		s->n++;
	}
	return true;
}

static void
stack_free(struct vsc *v, struct vsc_stack *s)
{
	if (s->id != NULL)
		v->ops->free(v->ctx, s->id, s->cap * sizeof(s->id[0]));
	s->id = NULL;
}

struct vsc_queue *
vsc_queue_new(struct vsc *v, struct chan *c, uint32_t index,
    const struct chan_events *events)
{
	struct vsc_queue *q = v->ops->alloc(v->ctx, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->rx.buf = v->ops->alloc(v->ctx, VSC_RECV_BYTES);
	if (q->rx.buf == NULL) {
		v->ops->free(v->ctx, q, sizeof(*q));
		return NULL;
	}
	q->vsc = v;
	q->chan = c;
	q->index = index;
	q->tx.section = VSC_NONE;
	q->tx.slot = VSC_NONE;
	q->tx.head_room = VSC_HEAD_FEW;
	c->events = events;
	c->user = q;
	v->q[index] = q;
	return q;
}

/*
 * Bytes of a section that we use: the frame part is tx_chimney_size, but never
 * below the headers that offloads have to see in one piece.
 */
static uint32_t
queue_section_cap(const struct vsc *v)
{
	uint32_t frame = max_u32(v->cfg.tune.tx_chimney_size, PKT_HEAD_MAX);

	if (v->cfg.tune.tx_chimney_size == 0 ||
	    v->caps.section_bytes < VSC_HEAD_ALL + PKT_HEAD_MAX)
		return 0;
	return min_u32(v->caps.section_bytes, frame + VSC_HEAD_ALL);
}

/* A place for each of n packets. */
static bool
queue_freed_alloc(struct vsc_queue *q, uint32_t n)
{
	struct vsc *v = q->vsc;
	uint32_t size = 1;

	while (size < n)
		size *= 2;
	q->freed.mask = size - 1;
	q->freed.id = v->ops->alloc(v->ctx, size * sizeof(q->freed.id[0]));
	return q->freed.id != NULL;
}

/* Slots of 64 KiB, each contiguous. */
static int
queue_slots_alloc(struct vsc_queue *q, uint32_t slots)
{
	struct vsc_txq *t = &q->tx;

	for (uint32_t i = 0; i < slots; i++) {
		int rc = vsc_mem_alloc(q->vsc, t->slot_head + VSC_SLOT_DATA,
		    &t->slot_mem[i]);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Slots for headers only, none over a page's end; slot_mem are views. */
static int
queue_heads_alloc(struct vsc_queue *q, uint32_t slots)
{
	struct vsc_txq *t = &q->tx;
	int rc = vsc_mem_alloc(q->vsc, align_up(slots * VSC_SLOT_HEAD,
	    HV_PAGE_SIZE), &t->heads);

	for (uint32_t i = 0; rc == 0 && i < slots; i++)
		t->slot_mem[i] = (struct chan_mem){
		    .va = (uint8_t *)t->heads.va + i * VSC_SLOT_HEAD,
		    .gpa = t->heads.gpa + i * VSC_SLOT_HEAD };
	return rc;
}

int
vsc_queue_tx_alloc(struct vsc_queue *q)
{
	struct vsc *v = q->vsc;
	struct vsc_txq *t = &q->tx;
	uint32_t slots = v->cfg.tune.tx_slots;
	uint32_t each = v->caps.sections / v->caps.queues;
	uint32_t n;
	int rc;

	t->section_cap = queue_section_cap(v);
	/* Without large slots no frame can be joined there. */
	if (v->cfg.by_ref)
		t->head_room = VSC_HEAD_ALL;
	if (t->section_cap == 0)
		each = 0;
	t->section_first = q->index * each;
	t->inflight_max = v->cfg.tune.tx_inflight_kb << 10;
	t->slot_head = align_up(t->section_cap + VSC_HEAD_ALL, HV_PAGE_SIZE);
	n = each + slots;
	if (!vsc_stack_init(v, &t->sections, each) ||
	    !vsc_stack_init(v, &t->slots, slots) ||
	    !vsc_stack_init(v, &t->packets, n))
		return E_NOMEM;
	t->shared = v->ops->tx_lock != NULL;
	if (t->shared && !queue_freed_alloc(q, n))
		return E_NOMEM;
	t->packet = v->ops->alloc(v->ctx, n * sizeof(t->packet[0]));
	t->slot_mem = v->ops->alloc(v->ctx, slots * sizeof(t->slot_mem[0]));
	t->ref_frames = v->ops->tx_done == NULL ? 0 :
	    max_u32(min_u32(v->cfg.ref_frames == 0 ? VSC_TX_REF_FRAMES :
	    min_u32(v->cfg.ref_frames, VSC_TX_REF_FRAMES),
	    v->caps.agg_pkts), 1);
	t->ref_max = t->ref_frames;
	t->ref_align = v->caps.agg_align;
	if (t->ref_frames != 0)
		t->cookie = v->ops->alloc(v->ctx,
		    n * t->ref_frames * sizeof(t->cookie[0]));
	if (t->packet == NULL || t->slot_mem == NULL ||
	    (t->ref_frames != 0 && t->cookie == NULL))
		return E_NOMEM;
	rc = v->cfg.by_ref ? queue_heads_alloc(q, slots) :
	    queue_slots_alloc(q, slots);
	t->up = rc == 0;
	return rc;
}

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

static void
dead_rescinded(struct chan *c)
{
}

/* For a channel whose vsc is gone: the bus may be late with anything. */
static const struct chan_events dead_events = {
	.ready = dead_ready,
	.opened = dead_end,
	.closed = dead_end,
	.gpadl_created = dead_gpadl,
	.gpadl_torndown = dead_gpadl,
	.rescinded = dead_rescinded,
};

void
vsc_queue_free(struct vsc_queue *q)
{
	struct vsc *v = q->vsc;
	struct vsc_txq *t = &q->tx;
	bool open = q->state != VSC_CHAN_CLOSED || q->ring_stuck;
	uint32_t slots = v->cfg.tune.tx_slots;

	vsc_tx_refs_end(q, open ? E_TIMEOUT : E_GONE);
	for (uint32_t i = 0; t->slot_mem != NULL && t->heads.va == NULL &&
	    i < slots; i++)
		vsc_mem_free(v, &t->slot_mem[i], open);
	vsc_mem_free(v, &t->heads, open);
	if (t->slot_mem != NULL)
		v->ops->free(v->ctx, t->slot_mem,
		    slots * sizeof(t->slot_mem[0]));
	if (t->packet != NULL)
		v->ops->free(v->ctx, t->packet,
		    t->packets.cap * sizeof(t->packet[0]));
	if (q->freed.id != NULL)
		v->ops->free(v->ctx, q->freed.id,
		    (q->freed.mask + 1) * sizeof(q->freed.id[0]));
	if (t->cookie != NULL)
		v->ops->free(v->ctx, t->cookie, t->packets.cap *
		    t->ref_frames * sizeof(t->cookie[0]));
	stack_free(v, &t->packets);
	stack_free(v, &t->slots);
	stack_free(v, &t->sections);
	if (!q->ring_given)
		vsc_mem_free(v, &q->ring, open);
	v->ops->free(v->ctx, q->rx.buf, VSC_RECV_BYTES);
	/* A rescinded channel ceases to be once it is closed. */
	if (!q->gone || q->state != VSC_CHAN_CLOSED)
		q->chan->events = &dead_events;
	v->q[q->index] = NULL;
	v->ops->free(v->ctx, q, sizeof(*q));
}
