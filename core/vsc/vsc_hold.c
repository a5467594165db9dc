/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received packets that the user keeps.
 *
 * Theory of operation.  A packet's receive-buffer sections are the guest's
 * until its acknowledgement is sent.  A user that holds a packet keeps that
 * back: when its turn in the ring of acknowledgements comes, its id moves into
 * an entry of the hold table, and the ring goes on.  The entry counts who holds
 * the packet: the user, once for each vsc_rx_hold(), and the ring until that
 * turn.  Who lets go last gives the entry back: the ring's turn frees it at
 * once; a user, in any thread, pushes it to `returned`, a stack from which the
 * owner takes everything at a time (so there is no ABA), and acknowledges.  Who
 * pushes the first kicks the owner, because a host that waits for sections
 * sends nothing that would.
 *
 * The bound is in ranges, since a packet may have a thousand, and is divided
 * among the queues: so the host keeps the rest of what is at home with each.
 * Policy: a range counts as a section; a host with longer ones lacks more.
 *
 * The table outlives the queue, until vsc_free(), so a user may be late.  The
 * receive buffer of which something is still held at the end of detach is
 * leaked and counted.
 *
 * Context: queue owner; vsc_rx_unhold() any; the rest control.
 */
#include "vsc/vsc_priv.h"

#define HOLD_USERS	0x7fffffffu
/* Policy: as many as an entry's number in the ring has bits for. */
#define HOLD_MAX	32768u

struct hold {
	uint64_t xact;
	uint32_t refs;		/* any thread, atomic */
	uint32_t next;		/* in a list: entry + 1 */
	uint32_t ranges;
};

/* The ring's own reference, in refs. */
#define HOLD_RING	0x80000000u

struct vsc_holds {
	uint32_t n;		/* const after attach: entries, and ranges */
	/* owner */
	uint32_t free, mine;	/* lists: entry + 1, or 0 */
	uint32_t ranges;	/* held, or not yet acknowledged */
	/* any thread pushes, the owner takes all */
	uint32_t returned CACHE_ALIGNED;
	struct hold hold[] CACHE_ALIGNED;
};

static size_t
hold_bytes(uint32_t n)
{
	return sizeof(struct vsc_holds) + n * sizeof(struct hold);
}

int
vsc_holds_alloc(struct vsc_queue *q)
{
	struct vsc *v = q->vsc;
	uint64_t share = (uint64_t)v->caps.rx_sections *
	    v->cfg.tune.rx_hold / 100u / v->caps.queues;
	uint32_t n = share < HOLD_MAX ? (uint32_t)share : HOLD_MAX;
	struct vsc_holds *h;

	if (!v->cfg.rx_hold || n == 0 ||
	    (!v->cfg.poll && v->ops->queue_kick == NULL))
		return 0;
	h = v->ops->alloc(v->ctx, hold_bytes(n));
	if (h == NULL)
		return E_NOMEM;
	h->n = n;
	for (uint32_t i = n; i > 0; i--) {
		h->hold[i - 1].next = h->free;
		h->free = i;
	}
	v->holds[q->index] = h;
	q->rx.holds = h;
	return 0;
}

void
vsc_holds_free(struct vsc *v)
{
	for (uint32_t k = 0; k < VSC_MAX_QUEUES; k++) {
		if (v->holds[k] != NULL)
			v->ops->free(v->ctx, v->holds[k],
			    hold_bytes(v->holds[k]->n));
	}
}

bool
vsc_holds_out(const struct vsc *v)
{
	for (uint32_t k = 0; k < VSC_MAX_QUEUES; k++) {
		const struct vsc_holds *h = v->holds[k];

		for (uint32_t i = 0; h != NULL && i < h->n; i++) {
			if ((os_ld32_acq(&h->hold[i].refs) & HOLD_USERS) != 0)
				return true;
		}
	}
	return false;
}

/* ---- owner -------------------------------------------------------------- */

/* A new entry for a packet in the ring; entry + 1, or 0: too much is held. */
static uint32_t
hold_new(struct vsc_holds *h, uint32_t ranges)
{
	uint32_t i = h->free;
	struct hold *e;

	if (i == 0 || !range_ok(h->ranges, ranges, h->n))
		return 0;
	e = &h->hold[i - 1];
	h->free = e->next;
	h->ranges += ranges;
	e->ranges = ranges;
	os_st32(&e->refs, HOLD_RING);
	return i;
}

static void
hold_free(struct vsc_holds *h, uint32_t i)
{
	struct hold *e = &h->hold[i - 1];

	h->ranges -= e->ranges;
	e->next = h->free;
	h->free = i;
}

int
vsc_rx_hold(struct vsc *v, uint32_t queue, uint32_t packet)
{
	struct vsc_rxq *r = &v->q[queue]->rx;
	struct vsc_holds *h = r->holds;
	uint32_t at = packet % VSC_ACKS, i;
	uint32_t *refs, old;

	if (h == NULL)
		return E_NOTSUP;
	/* The one that is being handed up is not in the ring yet. */
	if (((packet - r->ack_first) & VSC_PACKET_MASK) > r->ack_n)
		return E_STATE;
	i = r->ack_hold[at];
	if (i == 0)
		i = hold_new(h, r->ack_ranges[at]);
	if (i == 0) {
		counter_add(&r->count.hold_full, 1);
		return E_AGAIN;
	}
	r->ack_hold[at] = (uint16_t)i;
	refs = &h->hold[i - 1].refs;
	do {
		old = os_ld32(refs);
	} while (!os_cas32(refs, old, old + 1));
	counter_add(&r->count.held, 1);
	return (int)(i - 1);
}

bool
vsc_hold_keep(struct vsc_rxq *r, uint32_t at)
{
	uint32_t i = r->ack_hold[at], old;
	struct hold *e;

	if (i == 0)
		return false;
	r->ack_hold[at] = 0;
	e = &r->holds->hold[i - 1];
	e->xact = r->ack[at];
	do {
		old = os_ld32(&e->refs);
	} while (!os_cas32(&e->refs, old, old & HOLD_USERS));
	if ((old & HOLD_USERS) != 0)
		return true;
	hold_free(r->holds, i);
	return false;
}

bool
vsc_hold_returned(const struct vsc_rxq *r)
{
	const struct vsc_holds *h = r->holds;

	return h != NULL && (h->mine != 0 || os_ld32(&h->returned) != 0);
}

bool
vsc_hold_first(struct vsc_rxq *r, uint64_t *xact)
{
	struct vsc_holds *h = r->holds;

	if (!vsc_hold_returned(r))
		return false;
	if (h->mine == 0)
		h->mine = os_xchg32(&h->returned, 0);
	*xact = h->hold[h->mine - 1].xact;
	return true;
}

void
vsc_hold_drop(struct vsc_rxq *r)
{
	struct vsc_holds *h = r->holds;
	uint32_t i = h->mine;

	h->mine = h->hold[i - 1].next;
	hold_free(h, i);
}

/* ---- any thread --------------------------------------------------------- */

/* True if the owner does not know of any yet. */
static bool
hold_return(struct vsc_holds *h, uint32_t i)
{
	uint32_t head;

	do {
		head = os_ld32(&h->returned);
		h->hold[i].next = head;
	} while (!os_cas32(&h->returned, head, i + 1));
	return head == 0;
}

int
vsc_rx_unhold(struct vsc *v, uint32_t queue, uint32_t hold)
{
	struct vsc_holds *h = queue < VSC_MAX_QUEUES ? v->holds[queue] : NULL;
	uint32_t old;

	if (h == NULL || hold >= h->n)
		return E_STATE;
	do {
		old = os_ld32(&h->hold[hold].refs);
		if ((old & HOLD_USERS) == 0)
			return E_STATE;
	} while (!os_cas32(&h->hold[hold].refs, old, old - 1));
	/* A quiet host may wait for just these sections. */
	if (old == 1 && hold_return(h, hold) && v->ops->queue_kick != NULL)
		v->ops->queue_kick(v->ctx, queue);
	return 0;
}

void
vsc_rx_unhold_all(struct vsc *v)
{
	for (uint32_t k = 0; k < VSC_MAX_QUEUES; k++) {
		for (uint32_t i = 0; v->holds[k] != NULL &&
		    i < v->holds[k]->n; i++) {
			while (vsc_rx_unhold(v, k, i) == 0)
				;
		}
	}
}
