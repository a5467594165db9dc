/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What waits: packets and messages that a rule holds back.
 *
 * Theory of operation.  One list in the order in which they came; what is due
 * leaves in that order.  Whoever makes something due wakes control, which
 * parks the owners of the channels and sends.  A packet that finds no room in
 * its ring waits for the next time.
 */
#include "linux/bend/bend_priv.h"

#include <stdlib.h>

#include "linux/run/clock.h"

/* Policy: what waits for the next packet waits no longer than this. */
#define BEND_SWAP_NS		1000000000u
/* Policy: until the next try where a ring is full. */
#define BEND_AGAIN_NS		10000000u

/*
 * Calls of the channel's own operations.  They may be those of a watched
 * channel, which finds itself by chan.ops as we do; nobody but the owner looks
 * there meanwhile.
 */
int
bend_chan_send(struct bend_chan *b, const struct vmpkt_out *p)
{
	int rc;

	b->chan->ops = b->inner;
	rc = b->inner->send(b->chan, p);
	b->chan->ops = &b->ops;
	return rc;
}

void
bend_chan_commit(struct bend_chan *b)
{
	b->chan->ops = b->inner;
	b->inner->commit(b->chan);
	b->chan->ops = &b->ops;
}

static uint64_t
held_now(const struct bend *b)
{
	return b->ops->now != NULL ? b->ops->now(b->ctx) : clock_now_ns();
}

static struct bend_held *
held_new(struct bend *b, const struct bend_rule *r, size_t bytes)
{
	struct bend_held *h = calloc(1, sizeof(*h) + bytes), **last = &b->held;

	if (h == NULL)
		return NULL;
	h->rule = r;
	if ((r->does & BEND_DOES_WAIT) != 0)
		h->at_ns = held_now(b) + r->wait_ns;
	else if ((r->does & BEND_DOES_SWAP) != 0)
		h->at_ns = held_now(b) + BEND_SWAP_NS;
	else
		h->due = (r->does & BEND_DOES_UNTIL) == 0;
	while (*last != NULL)
		last = &(*last)->next;
	*last = h;
	return h;
}

bool
bend_hold_packet(struct bend *b, const struct bend_rule *r,
    struct bend_chan *c, const struct vmpkt_out *pkt)
{
	struct bend_held *h = held_new(b, r, pkt->ext.len + pkt->data.len);

	if (h == NULL)
		return false;
	h->chan = c;
	h->pkt = *pkt;
	h->pkt.ext.p = h->bytes;
	h->pkt.data.p = h->bytes + pkt->ext.len;
	if (pkt->ext.len > 0)
		memcpy(h->bytes, pkt->ext.p, pkt->ext.len);
	if (pkt->data.len > 0)
		memcpy(h->bytes + pkt->ext.len, pkt->data.p, pkt->data.len);
	return true;
}

bool
bend_hold_message(struct bend *b, const struct bend_rule *r, uint32_t guest,
    uint32_t vp, struct span msg)
{
	struct bend_held *h = held_new(b, r, msg.len);

	if (h == NULL)
		return false;
	h->guest = guest;
	h->vp = vp;
	h->len = msg.len;
	memcpy(h->bytes, msg.p, msg.len);
	return true;
}

void
bend_held_event(struct bend *b, const struct bend_kind *k, const char *text)
{
	for (struct bend_held *h = b->held; h != NULL; h = h->next)
		if ((h->rule->does & BEND_DOES_UNTIL) != 0 &&
		    bend_what_fits(&h->rule->until, k, text))
			h->due = true;
}

static bool
held_send(struct bend_held *h)
{
	return bend_chan_send(h->chan, &h->pkt) != E_AGAIN;
}

bool
bend_held_swapping(const struct bend_chan *c)
{
	for (const struct bend_held *h = c->bend->held; h != NULL; h = h->next)
		if (h->chan == c && (h->rule->does & BEND_DOES_SWAP) != 0)
			return true;
	return false;
}

void
bend_held_swapped(struct bend_chan *c)
{
	struct bend_held **p = &c->bend->held, *h;

	while ((h = *p) != NULL) {
		if (h->chan != c || (h->rule->does & BEND_DOES_SWAP) == 0 ||
		    !held_send(h)) {
			p = &h->next;
			continue;
		}
		*p = h->next;
		free(h);
	}
}

void
bend_held_chan_end(struct bend_chan *c)
{
	struct bend_held **p = &c->bend->held, *h;

	while ((h = *p) != NULL) {
		if (h->chan != c) {
			p = &h->next;
			continue;
		}
		(void)held_send(h);
		*p = h->next;
		free(h);
	}
}

/* True if it went. */
static bool
held_go(struct bend *b, struct bend_held *h)
{
	if (h->chan != NULL) {
		if (!held_send(h))
			return false;
		bend_chan_commit(h->chan);
		return true;
	}
	b->ops->post(b->ctx, h->guest, h->vp,
	    (struct span){ h->bytes, h->len });
	return true;
}

uint64_t
bend_release(struct bend *b)
{
	uint64_t now = held_now(b), next = 0;
	struct bend_held **p, *h;
	bool rescind;

	pthread_mutex_lock(&b->lock);
	for (p = &b->held; (h = *p) != NULL;) {
		bool due = h->due || (h->at_ns != 0 && h->at_ns <= now);
		uint64_t wait = due ? BEND_AGAIN_NS : h->at_ns - now;

		if (due && held_go(b, h)) {
			*p = h->next;
			free(h);
			continue;
		}
		if ((due || h->at_ns != 0) && (next == 0 || wait < next))
			next = wait;
		p = &h->next;
	}
	rescind = b->rescind;
	b->rescind = false;
	pthread_mutex_unlock(&b->lock);
	if (rescind)
		b->ops->rescind(b->ctx);
	return next;
}
