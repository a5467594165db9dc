/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The echo device and its driver.  See sim_echo.h.
 *
 * Theory of operation.  Both ends use a channel as vsc and vsp do: mask, drain
 * up to a budget, publish, unmask and look again; wait for space where the
 * ring is full.  A packet's length and bytes follow from its channel and
 * number, so the guest needs to remember neither.  The guest's teardown is
 * driven by upcalls: each ends in progress(), which does the next step that
 * the present state allows.
 *
 * Context: one thread.
 */
#include "sim/sim_echo.h"

#include <stdlib.h>

static const struct hv_guid echo_type = { .b = { 0xec, 0x40, 1 } };

/* --- host --- */

struct host_chan {
	struct sim_echo_dev *dev;
	bool have;
	struct vmpkt_in in;
	uint8_t buf[SIM_ECHO_MAX + 64] __attribute__((aligned(8)));
};

/* Echo what is held; false: no room yet, and a signal will come. */
static bool
host_send(struct chan *c, struct host_chan *hc)
{
	struct vmpkt_out out = { .type = VMPKT_COMPLETION,
		.xact = hc->in.xact, .data = hc->in.data };
	int err;

	for (;;) {
		err = chan_send(c, &out);
		if (err != E_AGAIN)
			break;
		chan_commit(c);
		if (!chan_want_space(c, (uint32_t)ring_packet_bytes(0,
		    out.data.len)))
			return false;
	}
	hc->have = false;
	hc->dev->echoed++;
	return err == 0;
}

static bool
host_ready(struct chan *c, uint32_t budget)
{
	struct host_chan *hc = c->user;
	uint32_t n = 0;

	chan_irq_mask(c);
	for (;;) {
		if (hc->have && !host_send(c, hc)) {
			chan_recv_commit(c);
			return false;
		}
		if (n++ == budget) {
			chan_commit(c);
			chan_recv_commit(c);
			return true;
		}
		if (chan_recv(c, &hc->in, hc->buf, sizeof(hc->buf)) == 1) {
			hc->have = true;
			continue;
		}
		chan_commit(c);
		chan_recv_commit(c);
		if (!chan_irq_unmask(c))
			return false;
	}
}

static const struct chan_events host_events = { .ready = host_ready };

static void
host_offer_subs(void *arg, uint64_t value)
{
	struct sim_echo_dev *d = arg;

	if (d->open != 0 && d->offered)
		(void)vms_subchannels_offer(d->link->vms, &d->dev, d->subs);
}

static int
host_open(struct vms_dev *dev, struct chan *c)
{
	struct sim_echo_dev *d = CONTAINER_OF(dev, struct sim_echo_dev, dev);
	struct host_chan *hc = sim_host_alloc(d->link, sizeof(*hc));

	if (hc == NULL)
		return E_NOMEM;
	hc->dev = d;
	c->user = hc;
	c->events = &host_events;
	d->open++;
	if (c->subindex == 0 && d->subs != 0)
		sim_after(d->link->sim, 1000, host_offer_subs, d, 0);
	return 0;
}

static void
host_close(struct vms_dev *dev, struct chan *c)
{
	struct sim_echo_dev *d = CONTAINER_OF(dev, struct sim_echo_dev, dev);

	sim_host_free(d->link, c->user, sizeof(struct host_chan));
	d->open--;
	if (c->subindex == 0)
		sim_forget(d->link->sim, d);
}

static bool
host_gpadl_gone(struct vms_dev *dev, uint32_t gpadl)
{
	return true;
}

static const struct vms_dev_ops host_dev_ops = {
	.open = host_open,
	.close = host_close,
	.gpadl_gone = host_gpadl_gone,
};

void
sim_echo_dev_init(struct sim_echo_dev *d, struct sim_link *l, uint32_t subs)
{
	memset(d, 0, sizeof(*d));
	d->dev.ops = &host_dev_ops;
	d->dev.type = echo_type;
	d->dev.instance = (struct hv_guid){ .b = { 1, 2, 3 } };
	d->link = l;
	d->subs = subs;
}

/* --- guest: data --- */

static uint32_t
mix(uint32_t relid, uint64_t seq)
{
	uint64_t x = (seq + 1) * 0x9e3779b97f4a7c15ull + relid;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ull;
	return (uint32_t)(x >> 32);
}

/* The payload of packet seq; its length, a multiple of 8. */
static uint32_t
payload(uint8_t *p, uint32_t relid, uint64_t seq)
{
	uint32_t m = mix(relid, seq), len = 8 + m % (SIM_ECHO_MAX - 8);

	len &= ~7u;
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(m + i * 7);
	return len;
}

static void
guest_check(struct sim_echo_chan *ec, const struct vmpkt_in *in)
{
	uint8_t want[SIM_ECHO_MAX];
	uint32_t len = payload(want, ec->chan->relid, ec->received);

	if (in->type != VMPKT_COMPLETION || in->xact != ec->received ||
	    in->data.len != len || memcmp(in->data.p, want, len) != 0)
		ec->echo->bad++;
	ec->received++;
}

static void
guest_send(struct sim_echo_chan *ec)
{
	uint8_t bytes[SIM_ECHO_MAX];

	while (ec->sent < ec->goal) {
		struct vmpkt_out out = { .type = VMPKT_INBAND,
			.flags = VMPKT_F_COMPLETE, .xact = ec->sent };
		int err;

		out.data.len = payload(bytes, ec->chan->relid, ec->sent);
		out.data.p = bytes;
		err = chan_send(ec->chan, &out);
		if (err == E_AGAIN) {
			chan_commit(ec->chan);
			if (!chan_want_space(ec->chan, (uint32_t)
			    ring_packet_bytes(0, out.data.len)))
				return;
		} else if (err < 0) {
			return;
		} else {
			ec->sent++;
		}
	}
	chan_commit(ec->chan);
}

static bool
guest_ready(struct chan *c, uint32_t budget)
{
	struct sim_echo_chan *ec = c->user;
	struct vmpkt_in in;
	uint32_t n = 0;

	if (ec->ring_state != ECHO_OPEN)
		return false;
	chan_irq_mask(c);
	for (;;) {
		if (n++ == budget) {
			chan_recv_commit(c);
			return true;
		}
		if (chan_recv(c, &in, ec->packet, sizeof(ec->packet)) == 1) {
			guest_check(ec, &in);
			continue;
		}
		chan_recv_commit(c);
		guest_send(ec);
		if (!chan_irq_unmask(c))
			return false;
	}
}

/* --- guest: control --- */

static void
echo_ring_free(struct sim_echo_chan *ec, int err)
{
	ec->ring_state = ECHO_CLOSED;
	if (err == E_TIMEOUT)
		ec->echo->link->leaked_pages += ec->ring.bytes / HV_PAGE_SIZE;
	else
		sim_guest_mem_free(ec->echo->link, &ec->ring);
	memset(&ec->ring, 0, sizeof(ec->ring));
}

static void
echo_buf_free(struct sim_echo_chan *ec, int err)
{
	ec->buf_state = ECHO_NONE;
	if (err == E_TIMEOUT)
		ec->echo->link->leaked_pages += ec->buf.bytes / HV_PAGE_SIZE;
	else
		sim_guest_mem_free(ec->echo->link, &ec->buf);
	memset(&ec->buf, 0, sizeof(ec->buf));
}

static void
echo_ring_open(struct sim_echo_chan *ec)
{
	struct sim_echo *e = ec->echo;
	struct chan_open o = { .to_host_bytes = e->ring_pages * HV_PAGE_SIZE };

	o.vp = (uint32_t)(ec - e->ch) % e->link->cfg.vps;
	if (sim_guest_mem_alloc(e->link, 2 * o.to_host_bytes, &ec->ring) < 0) {
		e->failed++;
		return;
	}
	o.ring = ec->ring;
	ec->ring_state = ECHO_OPENING;
	if (ec->chan->ops->open(ec->chan, &o) < 0) {
		e->failed++;
		echo_ring_free(ec, 0);
	}
}

/* The next step of the way down. */
static void
progress(struct sim_echo_chan *ec)
{
	struct chan *c = ec->chan;

	if (!ec->down)
		return;
	if (ec->ring_state == ECHO_OPEN || ec->ring_state == ECHO_OPENING) {
		ec->ring_state = ECHO_CLOSING;
		if (c->ops->close(c) < 0)
			abort();
		return;
	}
	if (ec->ring_state == ECHO_CLOSED && ec->buf_state == ECHO_LIVE) {
		ec->buf_state = ECHO_TEARDOWN;
		if (c->ops->gpadl_teardown(c, ec->gpadl) < 0)
			abort();
	}
}

static void
guest_opened(struct chan *c, int err)
{
	struct sim_echo_chan *ec = c->user;

	if (err < 0) {
		ec->echo->failed++;
		echo_ring_free(ec, err);
	} else {
		ec->ring_state = ECHO_OPEN;
		ec->echo->opened++;
	}
	progress(ec);
}

static void
guest_closed(struct chan *c, int err)
{
	struct sim_echo_chan *ec = c->user;

	ec->echo->closed++;
	echo_ring_free(ec, err);
	progress(ec);
}

static void
guest_gpadl_created(struct chan *c, uint32_t gpadl, int err)
{
	struct sim_echo_chan *ec = c->user;

	if (err < 0) {
		ec->echo->failed++;
		echo_buf_free(ec, err);
		return;
	}
	ec->buf_state = ECHO_LIVE;
	if (ec->down)
		progress(ec);
	else
		echo_ring_open(ec);
}

static void
guest_gpadl_torndown(struct chan *c, uint32_t gpadl, int err)
{
	echo_buf_free(c->user, err);
}

static void
guest_rescinded(struct chan *c)
{
	struct sim_echo_chan *ec = c->user;

	ec->down = true;
	progress(ec);
}

static void guest_subchannel(struct chan *primary, struct chan *sub);

static const struct chan_events guest_events = {
	.ready = guest_ready,
	.opened = guest_opened,
	.closed = guest_closed,
	.gpadl_created = guest_gpadl_created,
	.gpadl_torndown = guest_gpadl_torndown,
	.subchannel = guest_subchannel,
	.rescinded = guest_rescinded,
};

static struct sim_echo_chan *
chan_take(struct sim_echo *e, struct chan *c)
{
	uint32_t i = 0;

	while (i < SIM_ECHO_CHANNELS && e->ch[i].chan != NULL)
		i++;
	if (i == SIM_ECHO_CHANNELS)
		return NULL;
	e->ch[i] = (struct sim_echo_chan){ .echo = e, .chan = c,
		.goal = e->goal };
	c->events = &guest_events;
	c->user = &e->ch[i];
	e->chans++;
	return &e->ch[i];
}

static void
guest_subchannel(struct chan *primary, struct chan *sub)
{
	struct sim_echo_chan *ec = primary->user;
	struct sim_echo *e = ec->echo;

	ec = chan_take(e, sub);
	if (ec != NULL && !e->detaching)
		echo_ring_open(ec);
}

void
sim_echo_init(struct sim_echo *e, struct sim_link *l, uint32_t ring_pages,
    uint32_t buf_pages, uint64_t goal)
{
	memset(e, 0, sizeof(*e));
	e->link = l;
	e->ring_pages = ring_pages;
	e->buf_pages = buf_pages;
	e->goal = goal;
}

void
sim_echo_offer(struct sim_echo *e, struct chan *c)
{
	struct sim_echo_chan *ec = chan_take(e, c);

	if (ec == NULL || e->detaching)
		return;
	if (sim_guest_mem_alloc(e->link, e->buf_pages * HV_PAGE_SIZE,
	    &ec->buf) < 0) {
		e->failed++;
		return;
	}
	ec->buf_state = ECHO_CREATING;
	if (c->ops->gpadl_create(c, &ec->buf, &ec->gpadl) < 0) {
		e->failed++;
		echo_buf_free(ec, 0);
	}
}

void
sim_echo_gone(struct sim_echo *e, struct chan *c)
{
	struct sim_echo_chan *ec = c->user;

	OS_ASSERT(ec->chan == c && ec->ring_state == ECHO_CLOSED &&
	    ec->buf_state == ECHO_NONE);
	ec->chan = NULL;
	e->chans--;
}

void
sim_echo_more(struct sim_echo *e, uint64_t more)
{
	for (uint32_t i = 0; i < SIM_ECHO_CHANNELS; i++) {
		struct sim_echo_chan *ec = &e->ch[i];

		if (ec->chan == NULL || ec->ring_state != ECHO_OPEN)
			continue;
		ec->goal += more;
		guest_send(ec);
	}
}

bool
sim_echo_idle(const struct sim_echo *e, uint32_t chans)
{
	uint32_t idle = 0;

	for (uint32_t i = 0; i < SIM_ECHO_CHANNELS; i++) {
		const struct sim_echo_chan *ec = &e->ch[i];

		if (ec->chan != NULL && ec->ring_state == ECHO_OPEN &&
		    ec->received == ec->goal)
			idle++;
	}
	return idle == chans;
}

void
sim_echo_detach(struct sim_echo *e)
{
	e->detaching = true;
	/* Sub-channels close before the primary. */
	for (uint32_t i = SIM_ECHO_CHANNELS; i-- > 0;) {
		e->ch[i].down = true;
		if (e->ch[i].chan != NULL && e->ch[i].chan->subindex != 0)
			progress(&e->ch[i]);
	}
	for (uint32_t i = 0; i < SIM_ECHO_CHANNELS; i++)
		if (e->ch[i].chan != NULL)
			progress(&e->ch[i]);
}

bool
sim_echo_detached(const struct sim_echo *e)
{
	for (uint32_t i = 0; i < SIM_ECHO_CHANNELS; i++)
		if (e->ch[i].chan != NULL &&
		    (e->ch[i].ring_state != ECHO_CLOSED ||
		    e->ch[i].buf_state != ECHO_NONE))
			return false;
	return true;
}
