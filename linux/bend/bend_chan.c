/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of a bent channel.
 *
 * Theory of operation.  A packet that no rule is about passes unchanged; of
 * another a copy is made, changed, and sent, kept or forgotten.  Then NetVSP
 * was told that it was sent, and what it waits for (the completion of a receive
 * packet, say) does not come, as with a host that does this.
 *
 * Lies that only a ring can tell are told there: a field of a descriptor is
 * changed after the packet was written and before it is published, an index
 * after it was.
 */
#include "linux/bend/bend_priv.h"

#include "bus/ring_chan.h"
#include "pkt/pkt_load.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"
#include "wire/wire_print.h"

#define PACKET_MAX	8192u	/* longest that NetVSP sends, and more */
#define RNDIS_MAX	1024u	/* of a message that is looked at */

static struct bend_chan *
chan_of(struct chan *c)
{
	return (struct bend_chan *)(uintptr_t)c->ops;
}

static int
chan_recv_straight(struct bend_chan *b, struct vmpkt_in *out, void *buf,
    uint32_t cap)
{
	int rc;

	b->chan->ops = b->inner;
	rc = b->inner->recv(b->chan, out, buf, cap);
	b->chan->ops = &b->ops;
	return rc;
}

/* The RNDIS message that a packet refers to, copied to buf. */
static struct span
rndis_of(struct bend_chan *b, const struct vmpkt_in *pkt, uint8_t *buf,
    uint8_t **at, uint32_t *room)
{
	struct span msg = { buf, 0 };
	struct rndis_hdr_wire h;
	struct vec v[SEE_PIECES];
	struct nvs_rndis nvs;
	uint32_t n;

	*at = NULL;
	*room = 0;
	if (pkt->type == VMPKT_COMPLETION || !nvs_rndis_get(&nvs, pkt->data))
		return msg;
	n = see_gather(&b->see, pkt, v);
	if (n == 0)
		return msg;
	*at = v[0].p;
	*room = v[0].len;
	msg.len = pkt_vec_gather(v, n, 0, buf, RNDIS_MAX);
	if (msg.len >= sizeof(h)) {
		memcpy(&h, buf, sizeof(h));
		msg.len = min_u32(msg.len, le32_get(h.len));
	}
	return msg;
}

/* Remember what the guest asks about, for the text of the answer. */
static void
oid_note(struct bend_chan *b, const struct bend_kind *k, struct span msg)
{
	struct rndis_query_wire q;

	if (k->layer != BEND_RNDIS || k->type != RNDIS_QUERY ||
	    msg.len < sizeof(q))
		return;
	memcpy(&q, msg.p, sizeof(q));
	b->oid = le32_get(q.oid);
}

/*
 * What the rules want of a packet; false: nothing.  Lock held if true.  *at:
 * where its RNDIS message lies.
 */
static bool
packet_judge(struct bend_chan *b, bool to_guest, const struct vmpkt_in *pkt,
    struct bend_judgement *j, uint8_t **at, uint32_t *room)
{
	struct bend_kind k = { .to_guest = to_guest };
	uint8_t buf[RNDIS_MAX];
	char text[WIRE_PRINT_MAX];
	struct span msg = rndis_of(b, pkt, buf, at, room);

	if (!bend_kind_packet(&k, pkt, msg))
		return false;
	if (!to_guest)
		oid_note(b, &k, msg);
	if (!bend_cares(b->bend, &k))
		return false;
	if (k.layer != BEND_RNDIS)
		msg = pkt->data;
	bend_kind_print(&k, msg, b->oid, text, sizeof(text));
	pthread_mutex_lock(&b->bend->lock);
	bend_judge(b->bend, &k, b->chan->subindex != 0, text, j);
	return true;
}

/* --- to the guest --- */

static void
head_set(const struct bend_rule *r, struct vmpkt_out *p)
{
	for (uint32_t i = 0; i < r->sets; i++) {
		const struct bend_set *s = &r->set[i];

		if (s->field.place != BEND_HEAD)
			continue;
		if (s->field.off == BEND_HEAD_TYPE)
			p->type = (uint16_t)bend_set_number(s, p->type);
		else if (s->field.off == BEND_HEAD_FLAGS)
			p->flags = (uint16_t)bend_set_number(s, p->flags);
		else
			p->xact = bend_set_number(s, p->xact);
	}
}

/* The packet as the rules want it, in buf.  False: it is too long for that. */
static bool
packet_bend(const struct bend_judgement *j, const struct vmpkt_out *in,
    struct vmpkt_out *out, uint8_t *buf, uint8_t *rndis, uint32_t room)
{
	*out = *in;
	if (in->ext.len + in->data.len > PACKET_MAX)
		return false;
	if (in->ext.len > 0)
		memcpy(buf, in->ext.p, in->ext.len);
	if (in->data.len > 0)
		memcpy(buf + in->ext.len, in->data.p, in->data.len);
	out->ext.p = buf;
	out->data.p = buf + in->ext.len;
	for (uint32_t i = 0; i < j->rules; i++) {
		const struct bend_rule *r = j->rule[i];

		bend_set_bytes(r, BEND_EXT, buf, in->ext.len);
		if (rndis != NULL)
			bend_set_bytes(r, BEND_BODY, rndis, room);
		else
			bend_set_bytes(r, BEND_BODY, buf + in->ext.len,
			    in->data.len);
		head_set(r, out);
	}
	if (j->cut != NULL)
		out->data.len = min_u32(out->data.len, j->cut->cut);
	return true;
}

/* Fields of the descriptor that was written last, before it is published. */
static void
desc_lie(struct bend_chan *b, const struct bend_judgement *j, uint32_t at)
{
	struct ring_desc_wire d;
	struct ring_out *ring;

	if (b->ring == NULL)
		return;
	ring = &b->ring->out;
	/* One that lies around the ring's end stays as it is. */
	if (!range_ok(at, sizeof(d), ring->size))
		return;
	memcpy(&d, ring->data + at, sizeof(d));
	for (uint32_t i = 0; i < j->rules; i++)
		bend_set_bytes(j->rule[i], BEND_DESC, (uint8_t *)&d,
		    sizeof(d));
	memcpy(ring->data + at, &d, sizeof(d));
}

/* What else the script says, as a packet without answer. */
static void
packet_say(struct bend_chan *b, const struct bend_judgement *j)
{
	for (uint32_t i = 0; i < j->rules; i++) {
		const struct bend_rule *r = j->rule[i];
		const struct vmpkt_out say = { .type = VMPKT_INBAND,
			.data = { r->say, r->say_len } };

		if ((r->does & BEND_DOES_SAY) != 0)
			(void)bend_chan_send(b, &say);
	}
}

/* *went: it is in the ring, not dropped or held.  Lock held. */
static int
packet_send(struct bend_chan *b, const struct bend_judgement *j,
    const struct vmpkt_out *p, bool *went)
{
	uint32_t at = b->ring != NULL ? b->ring->out.write : 0;
	int rc;

	*went = false;
	if ((j->does & BEND_DOES_DROP) != 0)
		return 0;
	/* What would be swapped as well is the next that the last waits for. */
	if (j->hold != NULL && ((j->hold->does & BEND_DOES_SWAP) == 0 ||
	    !bend_held_swapping(b)) &&
	    bend_hold_packet(b->bend, j->hold, b, p))
		return 0;
	rc = bend_chan_send(b, p);
	if (rc != 0)
		return rc;
	*went = true;
	desc_lie(b, j, at);
	if ((j->does & BEND_DOES_TWICE) != 0)
		(void)bend_chan_send(b, p);
	if (j->index != NULL && b->ring != NULL) {
		b->lie = true;
		b->lie_index = j->index->index;
	}
	return 0;
}

static int
bent_send(struct chan *c, const struct vmpkt_out *p)
{
	struct bend_chan *b = chan_of(c);
	const struct vmpkt_in seen = { p->type, p->flags, p->xact, p->ext,
		p->data };
	uint8_t buf[PACKET_MAX], *rndis;
	struct bend_judgement j;
	struct vmpkt_out out;
	bool went = true;
	uint32_t room;
	int rc;

	if (!packet_judge(b, true, &seen, &j, &rndis, &room)) {
		rc = bend_chan_send(b, p);
	} else {
		rc = packet_bend(&j, p, &out, buf, rndis, room) ?
		    packet_send(b, &j, &out, &went) : bend_chan_send(b, p);
		packet_say(b, &j);
		pthread_mutex_unlock(&b->bend->lock);
		b->bend->ops->ask(b->bend->ctx);
	}
	if (rc == 0 && went) {
		pthread_mutex_lock(&b->bend->lock);
		bend_held_swapped(b);
		pthread_mutex_unlock(&b->bend->lock);
	}
	return rc;
}

static void
bent_commit(struct chan *c)
{
	struct bend_chan *b = chan_of(c);
	struct ring_chan *rc = b->ring;

	bend_chan_commit(b);
	if (!b->lie)
		return;
	b->lie = false;
	ring_st(&rc->out.ctrl->write_index, (uint32_t)(rc->out.write +
	    b->lie_index));
	rc->signal(rc);
}

/* --- from the guest --- */

static int
bent_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	struct bend_chan *b = chan_of(c);
	struct bend_judgement j;
	uint32_t room;
	uint8_t *at;
	bool drop;
	int rc;

	do {
		rc = chan_recv_straight(b, out, buf, cap);
		if (rc <= 0 || !packet_judge(b, false, out, &j, &at, &room))
			return rc;
		/* RNDIS lies in the guest's memory, and stays as it is. */
		for (uint32_t i = 0; i < j.rules && at == NULL; i++)
			bend_set_bytes(j.rule[i], BEND_BODY,
			    (uint8_t *)(uintptr_t)out->data.p, out->data.len);
		packet_say(b, &j);
		pthread_mutex_unlock(&b->bend->lock);
		bend_chan_commit(b);
		b->bend->ops->ask(b->bend->ctx);
		drop = (j.does & BEND_DOES_DROP) != 0;
	} while (drop);
	return rc;
}

/* --- what passes as it is --- */

static bool
bent_want_space(struct chan *c, uint32_t bytes)
{
	struct bend_chan *b = chan_of(c);
	bool room;

	c->ops = b->inner;
	room = b->inner->want_space(c, bytes);
	c->ops = &b->ops;
	return room;
}

static void
bent_recv_commit(struct chan *c)
{
	struct bend_chan *b = chan_of(c);

	c->ops = b->inner;
	b->inner->recv_commit(c);
	c->ops = &b->ops;
}

static void
bent_irq_mask(struct chan *c)
{
	struct bend_chan *b = chan_of(c);

	c->ops = b->inner;
	b->inner->irq_mask(c);
	c->ops = &b->ops;
}

static bool
bent_irq_unmask(struct chan *c)
{
	struct bend_chan *b = chan_of(c);
	bool more;

	c->ops = b->inner;
	more = b->inner->irq_unmask(c);
	c->ops = &b->ops;
	return more;
}

/* --- life --- */

void
bend_chan_start(struct bend_chan *b, struct chan *c, struct ring_chan *ring,
    struct bend *bend, const struct see_watch_ops *need, void *ctx)
{
	*b = (struct bend_chan){ .ops = *c->ops, .inner = c->ops, .chan = c,
		.ring = ring, .bend = bend,
		.see = { .need = need, .ctx = ctx } };
	b->ops.send = bent_send;
	b->ops.commit = bent_commit;
	b->ops.recv = bent_recv;
	b->ops.want_space = bent_want_space;
	b->ops.recv_commit = bent_recv_commit;
	b->ops.irq_mask = bent_irq_mask;
	b->ops.irq_unmask = bent_irq_unmask;
	c->ops = &b->ops;
}

void
bend_chan_stop(struct bend_chan *b)
{
	if (b->inner == NULL)
		return;
	pthread_mutex_lock(&b->bend->lock);
	bend_held_chan_end(b);
	pthread_mutex_unlock(&b->bend->lock);
	bend_chan_commit(b);
	b->chan->ops = b->inner;
	b->inner = NULL;
}
