/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of a transmit queue, from post to completion.
 *
 * Theory of operation.  VMBus packets of one transmit queue, from post to
 * completion.  A packet owns a send-buffer section, a slot, or both, and an
 * entry of the packet table; the transaction id is the entry's index and
 * generation, checked at completion, so a host can neither complete a packet
 * twice nor one that was never sent.  There are as many entries as sections
 * and slots together, so an entry is always free.
 *
 * Free numbers are stacks: what was used last is in the cache.  For the same
 * reason only so many bytes are under way by address at a time
 * (tx_inflight_kb): the host copies them while they are still near, and what
 * waits meanwhile grows into larger frames before it is read.  A packet that
 * finds the ring full waits in `pending`, in order; nothing is reserved while
 * one waits, so VSC_TX_PENDING bounds them.
 *
 * With a transmit lock, who holds it posts, while the owner's pass takes
 * completions without it.  An entry then goes round: the transmitter fills it
 * and marks it sent, the pass sees the mark, takes it away and puts the number
 * into `freed`, from where the next transmitter takes it back.  A mark is there
 * a little before the packet is, so a host that guesses ids can complete one
 * too early; then the packet may go out with what a later one has in its place,
 * which only spoils what that host reads, and its second completion is a fault.
 *
 * Context: queue owner or, with a lock, who holds it; vsc_tx_completion() the
 * owner.
 */
#include "vsc/vsc_priv.h"

/* A slot is contiguous: one range, at most this many pages. */
#define TXQ_PAGES_MAX	40u

uint32_t
vsc_stack_pop(struct vsc_stack *s)
{
	uint32_t n = s->n;

	if (n == 0)
		return VSC_NONE;
	os_st32(&s->n, n - 1);
	return s->id[n - 1];
}

uint32_t
vsc_stack_top(const struct vsc_stack *s)
{
	return s->n == 0 ? VSC_NONE : s->id[s->n - 1];
}

void
vsc_stack_push(struct vsc_stack *s, uint32_t id)
{
	OS_ASSERT(s->n < s->cap);
	s->id[s->n] = (uint16_t)id;
	os_st32(&s->n, s->n + 1);
}

static uint64_t
txq_xact(const struct vsc_txq *t, uint32_t i)
{
	return (uint64_t)os_ld32(&t->packet[i].gen) << 16 | i;
}

/* The range of a packet's slot, as wire bytes in ext; 0 if it has none. */
static uint32_t
txq_ext_put(const struct vsc_txq *t, const struct vsc_tx_packet *p,
    uint8_t *ext, uint32_t cap)
{
	uint64_t pfn[TXQ_PAGES_MAX];
	struct gpa_range r = { .bytes = p->slot_bytes, .pfn = pfn };
	uint64_t gpa;
	uint32_t pages;

	if (p->slot == VSC_NONE)
		return 0;
	gpa = t->slot_mem[p->slot].gpa + p->slot_off;
	r.offset = (uint32_t)(gpa & (HV_PAGE_SIZE - 1));
	pages = gpa_range_pages(r.bytes, r.offset);
	OS_ASSERT(pages <= TXQ_PAGES_MAX);
	for (uint32_t i = 0; i < pages; i++)
		pfn[i] = (gpa >> HV_PAGE_SHIFT) + i;
	return vmpkt_gpa_ext_put(ext, cap, &r, 1);
}

/* What a packet names by address, as wire bytes. */
static struct span
txq_ext(struct vsc_txq *t, const struct vsc_tx_packet *p, uint8_t *ext,
    uint32_t cap)
{
	struct vsc_tx_ref *r = &t->ref;

	if (p->refs == 0)
		return (struct span){ ext, txq_ext_put(t, p, ext, cap) };
	if (r->pages == 0)
		return (struct span){ NULL, 0 };
	vmpkt_gpa_sg_head_put(r->ext, r->pages);
	return (struct span){ r->ext, VMPKT_SG_EXT_BYTES(r->pages) };
}

/* Append packet i to the ring's batch. */
static int
txq_send(struct vsc_queue *q, uint32_t i)
{
	struct vsc_txq *t = &q->tx;
	struct vsc_tx_packet *p = &t->packet[i].p;
	uint8_t ext[VMPKT_PRP_EXT_BYTES(TXQ_PAGES_MAX) + 8];
	struct nvs_rndis_wire w = {
		.type = le32_put(NVS_RNDIS),
		.channel = le32_put(NVS_CHANNEL_DATA),
		.section = le32_put(p->section == VSC_NONE ?
		    NVS_SECTION_NONE : t->section_first + p->section),
		.section_bytes = le32_put(p->section_bytes),
	};
	uint8_t msg[NVS_MSG_BYTES_6_1] = { 0 };
	struct vmpkt_out o = { .flags = VMPKT_F_COMPLETE };
	int rc;

	memcpy(msg, &w, sizeof(w));
	o.xact = txq_xact(t, i);
	o.data = (struct span){ msg, sizeof(msg) };
	o.ext = txq_ext(t, p, ext, sizeof(ext));
	o.type = o.ext.len == 0 ? VMPKT_INBAND : VMPKT_GPA_DIRECT;
	do {
		/* Its completion may come before send() returns. */
		os_st32_rel(&t->packet[i].sent, 1);
		rc = chan_send(q->chan, &o);
		if (rc == 0) {
			os_st32(&q->dirty, 1);
			counter_add(&t->count.packets, 1);
			return 0;
		}
		os_st32(&t->packet[i].sent, 0);
		if (rc != E_AGAIN) {
			(void)vsc_chan_broken(q, rc);
			return rc;
		}
		counter_add(&t->count.ring_full, 1);
		/* Before the request that leads to a pass. */
		os_st32(&t->waits, 1);
	} while (chan_want_space(q->chan,
	    o.ext.len + o.data.len + 16u + RING_TRAILER_BYTES));
	vsc_space_wait(q);
	return E_AGAIN;
}

bool
vsc_tx_push(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;
	uint32_t done = 0;

	while (done < t->npending && txq_send(q, t->pending[done]) == 0)
		done++;
	t->npending -= done;
	for (uint32_t i = 0; done != 0 && i < t->npending; i++)
		t->pending[i] = t->pending[i + done];
	return t->npending == 0;
}

/* An entry of the packet table for *p. */
static uint32_t
txq_take(struct vsc_txq *t, const struct vsc_tx_packet *p)
{
	uint32_t i = vsc_stack_pop(&t->packets);
	uint32_t gen;

	OS_ASSERT(i != VSC_NONE);
	t->packet[i].p = *p;
	gen = t->packet[i].gen + 1;
	os_st32(&t->packet[i].gen, gen);	/* odd: outstanding */
	t->inflight += p->slot_bytes;
	for (uint32_t k = 0; k < p->refs; k++)
		t->cookie[i * t->ref_frames + k] = t->ref.cookie[k];
	return i;
}

void
vsc_tx_post(struct vsc_queue *q, const struct vsc_tx_packet *p)
{
	struct vsc_txq *t = &q->tx;

	OS_ASSERT(t->npending < VSC_TX_PENDING);
	t->pending[t->npending++] = txq_take(t, p);
	(void)vsc_tx_push(q);
}

/* These frames by reference are done with. */
static void
txq_refs_done(struct vsc_queue *q, const uint64_t *cookie, uint32_t n, int err)
{
	for (uint32_t k = 0; k < n; k++)
		q->vsc->ops->tx_done(q->vsc->ctx, q->index, cookie[k], err);
}

void
vsc_tx_refs_end(struct vsc_queue *q, int err)
{
	struct vsc_txq *t = &q->tx;

	if (t->cookie == NULL)
		return;
	for (uint32_t i = 0; i < t->packets.cap; i++) {
		struct vsc_tx_entry *e = &t->packet[i];

		if ((e->gen & 1) != 0)
			txq_refs_done(q, t->cookie + i * t->ref_frames,
			    e->p.refs, err);
		e->p.refs = 0;
	}
	/* The host never heard of these. */
	if (t->ref.open)
		txq_refs_done(q, t->ref.cookie, t->ref.p.refs, E_GONE);
	t->ref.open = false;
}

void
vsc_tx_section_close(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;
	struct vsc_tx_packet p = { .slot = VSC_NONE };

	if (t->section == VSC_NONE || t->frames == 0)
		return;
	p.section = t->section;
	p.section_bytes = t->used;
	t->section = VSC_NONE;
	t->used = 0;
	t->frames = 0;
	vsc_tx_post(q, &p);
}

void
vsc_tx_ref_close(struct vsc_queue *q)
{
	struct vsc_tx_ref *r = &q->tx.ref;

	if (!r->open || r->p.refs == 0)
		return;
	r->open = false;
	vsc_tx_post(q, &r->p);
}

uint32_t
vsc_tx_outstanding(const struct vsc_queue *q)
{
	const struct vsc_tx_freed *f = &q->freed;

	return q->tx.packets.cap - os_ld32(&q->tx.packets.n) -
	    (os_ld32(&f->head) - os_ld32(&f->tail));
}

/* Section, slot and entry of a packet that the host is done with. */
static void
txq_free(struct vsc_txq *t, uint32_t i)
{
	const struct vsc_tx_packet *p = &t->packet[i].p;

	t->inflight -= p->slot_bytes;
	if (p->section != VSC_NONE)
		vsc_stack_push(&t->sections, p->section);
	if (p->slot != VSC_NONE)
		vsc_stack_push(&t->slots, p->slot);
	vsc_stack_push(&t->packets, i);
}

bool
vsc_tx_reclaim(struct vsc_queue *q)
{
	struct vsc_tx_freed *f = &q->freed;
	uint32_t head = os_ld32_acq(&f->head);
	uint32_t tail = f->tail;

	if (head == tail)
		return false;
	for (; tail != head; tail++)
		txq_free(&q->tx, f->id[tail & f->mask]);
	os_st32(&f->tail, tail);
	return true;
}

/* To whoever holds the lock next. */
static void
txq_hand_over(struct vsc_queue *q, uint32_t i)
{
	struct vsc_tx_freed *f = &q->freed;

	f->id[f->head & f->mask] = (uint16_t)i;
	os_st32_rel(&f->head, f->head + 1);
	f->completions++;
}

/*
 * A packet of several frames by reference succeeded or failed.  A host that
 * fails the first of them takes none, as far as we know.
 */
static void
txq_several(struct vsc_txq *t, bool ok)
{
	if (t->ref_several)
		return;
	if (ok)
		t->ref_several = true;
	else
		os_st32(&t->ref_max, 1);
}

int
vsc_tx_completion(struct vsc_queue *q, const struct vmpkt_in *in)
{
	struct vsc_txq *t = &q->tx;
	uint32_t i = (uint32_t)(in->xact & 0xffff);
	struct nvs_rndis_done_wire w;
	struct vsc_tx_entry *e;
	uint32_t refs;

	if (i >= t->packets.cap || (os_ld32(&t->packet[i].gen) & 1) == 0 ||
	    in->xact != txq_xact(t, i))
		return vsc_fault(q, FAULT_XACT_ID, in->xact, "completion");
	if (in->data.len < sizeof(w))
		return vsc_fault(q, FAULT_NVS_SHORT, in->data.len,
		    "completion");
	memcpy(&w, in->data.p, sizeof(w));
	if (le32_get(w.type) != NVS_RNDIS_DONE)
		return vsc_fault(q, FAULT_NVS_TYPE, le32_get(w.type),
		    "completion");
	e = &t->packet[i];
	/* Not sent yet, and so not the host's to complete. */
	if (os_ld32_acq(&e->sent) == 0)
		return vsc_fault(q, FAULT_XACT_ID, in->xact, "completion");
	os_st32(&e->sent, 0);
	os_st32(&e->gen, e->gen + 1);
	refs = e->p.refs;
	if (le32_get(w.status) != NVS_STATUS_OK)
		counter_add(&t->count.errors, 1);
	if (refs > 1)
		txq_several(t, le32_get(w.status) == NVS_STATUS_OK);
	/* Before the entry, and so the cookies' place, is another's. */
	if (refs != 0)
		txq_refs_done(q, t->cookie + i * t->ref_frames, refs,
		    le32_get(w.status) == NVS_STATUS_OK ? 0 : E_PEER);
	if (t->shared) {
		txq_hand_over(q, i);
		return 0;
	}
	txq_free(t, i);
	counter_add(&t->count.completions, 1);
	return 0;
}
