/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel that an operating system owns: the second implementation of
 * chan_ops, in the manner of FreeBSD's vmbus(4).  No batch, no masks, no
 * wait for room; it includes nothing of the bus but chan.h, and the user below
 * needs only that header.  It keeps the seam honest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bus/chan.h"

#define DUMMY_SLOTS	4u
#define DUMMY_BYTES	64u

struct dummy_pkt {
	uint16_t type, flags;
	uint64_t xact;
	uint32_t ext_len, data_len;
	uint8_t bytes[DUMMY_BYTES];
};

/* What the OS has of a channel; a loop: what is sent is received. */
struct dummy {
	struct chan chan;
	struct dummy_pkt pkt[DUMMY_SLOTS];
	uint32_t head, count;
	uint32_t told;		/* times the peer was told */
	bool open, rescinded;
	uint32_t gpadls, next_gpadl;
};

static struct dummy *
dummy_of(struct chan *c)
{
	return CONTAINER_OF(c, struct dummy, chan);
}

static int
dummy_send(struct chan *c, const struct vmpkt_out *p)
{
	struct dummy *d = dummy_of(c);
	struct dummy_pkt *k = &d->pkt[(d->head + d->count) % DUMMY_SLOTS];

	if (!d->open || d->rescinded)
		return E_GONE;
	if (p->ext.len + p->data.len > DUMMY_BYTES)
		return E_STATE;
	if (d->count == DUMMY_SLOTS)
		return E_AGAIN;
	*k = (struct dummy_pkt){ .type = p->type, .flags = p->flags,
	    .xact = p->xact, .ext_len = p->ext.len, .data_len = p->data.len };
	if (p->ext.len > 0)
		memcpy(k->bytes, p->ext.p, p->ext.len);
	if (p->data.len > 0)
		memcpy(k->bytes + p->ext.len, p->data.p, p->data.len);
	d->count++;
	d->told++;
	return 0;
}

static void
dummy_commit(struct chan *c)
{
}

static bool
dummy_want_space(struct chan *c, uint32_t bytes)
{
	return dummy_of(c)->count < DUMMY_SLOTS;
}

static int
dummy_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	struct dummy *d = dummy_of(c);
	const struct dummy_pkt *k = &d->pkt[d->head];
	uint8_t *b = buf;

	if (d->count == 0)
		return 0;
	*out = (struct vmpkt_in){ .type = k->type, .flags = k->flags,
	    .xact = k->xact, .ext = { b, k->ext_len },
	    .data = { b + k->ext_len, align_up(k->data_len, 8) } };
	if (out->ext.len + out->data.len > cap)
		return E_NOMEM;
	memcpy(b, k->bytes, out->ext.len + out->data.len);
	d->head = (d->head + 1) % DUMMY_SLOTS;
	d->count--;
	return 1;
}

static void
dummy_nothing(struct chan *c)
{
}

static bool
dummy_irq_unmask(struct chan *c)
{
	return dummy_of(c)->count > 0;
}

static int
dummy_gpadl_create(struct chan *c, const struct chan_mem *m, uint32_t *gpadl)
{
	struct dummy *d = dummy_of(c);

	if (d->rescinded)
		return E_GONE;
	if (m->bytes == 0 || m->bytes % HV_PAGE_SIZE != 0)
		return E_STATE;
	*gpadl = ++d->next_gpadl;
	d->gpadls++;
	c->events->gpadl_created(c, *gpadl, 0);
	return 0;
}

static int
dummy_gpadl_teardown(struct chan *c, uint32_t gpadl)
{
	dummy_of(c)->gpadls--;
	c->events->gpadl_torndown(c, gpadl, 0);
	return 0;
}

static int
dummy_open(struct chan *c, const struct chan_open *o)
{
	struct dummy *d = dummy_of(c);

	if (d->open || o->to_host_bytes >= o->ring.bytes)
		return E_STATE;
	d->open = true;
	c->events->opened(c, 0);
	return 0;
}

static int
dummy_close(struct chan *c)
{
	struct dummy *d = dummy_of(c);

	if (!d->open)
		return E_STATE;
	d->open = false;
	c->events->closed(c, 0);
	return 0;
}

static const struct chan_ops dummy_ops = {
	.caps = 0,
	.send = dummy_send,
	.commit = dummy_commit,
	.want_space = dummy_want_space,
	.recv = dummy_recv,
	.recv_commit = dummy_nothing,
	.irq_mask = dummy_nothing,
	.irq_unmask = dummy_irq_unmask,
	.gpadl_create = dummy_gpadl_create,
	.gpadl_teardown = dummy_gpadl_teardown,
	.open = dummy_open,
	.close = dummy_close,
};

/* A user of channels, as vsc is one. */
struct user {
	uint32_t opened, closed, created, torndown, subchannels, rescinded;
	uint32_t got;
	uint64_t last_xact;
};

static bool
user_ready(struct chan *c, uint32_t budget)
{
	struct user *u = c->user;
	uint64_t buf[DUMMY_BYTES / 8];
	struct vmpkt_in in;

	chan_irq_mask(c);
	do {
		while (chan_recv(c, &in, buf, sizeof(buf)) == 1) {
			u->got++;
			u->last_xact = in.xact;
			if (--budget == 0) {
				chan_recv_commit(c);
				return true;
			}
		}
		chan_recv_commit(c);
	} while (chan_irq_unmask(c));
	return false;
}

static void
user_opened(struct chan *c, int err)
{
	((struct user *)c->user)->opened += err == 0;
}

static void
user_closed(struct chan *c, int err)
{
	((struct user *)c->user)->closed += err == 0;
}

static void
user_gpadl_created(struct chan *c, uint32_t gpadl, int err)
{
	((struct user *)c->user)->created += gpadl;
}

static void
user_gpadl_torndown(struct chan *c, uint32_t gpadl, int err)
{
	((struct user *)c->user)->torndown += gpadl;
}

static void
user_subchannel(struct chan *primary, struct chan *sub)
{
	((struct user *)primary->user)->subchannels++;
	sub->events = primary->events;
	sub->user = primary->user;
}

static void
user_rescinded(struct chan *c)
{
	((struct user *)c->user)->rescinded++;
	assert_int_equal(c->ops->close(c), 0);
}

static const struct chan_events user_events = {
	.ready = user_ready, .opened = user_opened, .closed = user_closed,
	.gpadl_created = user_gpadl_created,
	.gpadl_torndown = user_gpadl_torndown,
	.subchannel = user_subchannel, .rescinded = user_rescinded,
};

static const struct chan_open open_two = { .ring = { .bytes = 16384 },
    .to_host_bytes = 8192 };

static void
dummy_init(struct dummy *d, struct user *u)
{
	memset(d, 0, sizeof(*d));
	memset(u, 0, sizeof(*u));
	d->chan.ops = &dummy_ops;
	d->chan.events = &user_events;
	d->chan.user = u;
}

static void
control_half(void **state)
{
	const struct chan_mem mem = { .bytes = 8192 }, none = { 0 };
	struct dummy d, sub;
	struct chan *c = &d.chan;
	struct user u;
	uint32_t gpadl;

	dummy_init(&d, &u);
	assert_int_equal(c->ops->close(c), E_STATE);
	assert_int_equal(c->ops->open(c, &open_two), 0);
	assert_int_equal(c->ops->open(c, &open_two), E_STATE);
	assert_int_equal(u.opened, 1);
	assert_int_equal(c->ops->gpadl_create(c, &none, &gpadl), E_STATE);
	assert_int_equal(c->ops->gpadl_create(c, &mem, &gpadl), 0);
	assert_int_equal(u.created, gpadl);
	assert_int_equal(c->ops->gpadl_teardown(c, gpadl), 0);
	assert_int_equal(u.torndown, gpadl);
	dummy_init(&sub, &u);
	sub.chan.events = NULL;
	sub.chan.subindex = 1;
	c->events->subchannel(c, &sub.chan);
	assert_ptr_equal(sub.chan.events, &user_events);
	d.rescinded = true;
	c->events->rescinded(c);
	assert_int_equal(u.closed, 1);
	assert_int_equal(c->ops->gpadl_create(c, &mem, &gpadl), E_GONE);
	assert_int_equal(d.gpadls, 0);
}

static void
data_half_without_any_capability(void **state)
{
	struct dummy d;
	struct chan *c = &d.chan;
	struct user u;
	uint64_t buf[8];
	struct vmpkt_in in;
	struct vmpkt_out p = { .type = VMPKT_GPA_DIRECT,
	    .flags = VMPKT_F_COMPLETE,
	    .ext = { (const uint8_t *)"extexte1", 8 },
	    .data = { (const uint8_t *)"hello", 5 } };

	dummy_init(&d, &u);
	assert_int_equal(chan_send(c, &p), E_GONE);
	assert_int_equal(c->ops->open(c, &open_two), 0);
	/* seen, and the peer told, without a commit */
	p.xact = 41;
	assert_int_equal(chan_send(c, &p), 0);
	assert_int_equal(d.told, 1);
	assert_int_equal(chan_recv(c, &in, buf, 8), E_NOMEM);
	assert_int_equal(chan_recv(c, &in, buf, sizeof(buf)), 1);
	assert_int_equal(in.type, VMPKT_GPA_DIRECT);
	assert_int_equal(in.flags, VMPKT_F_COMPLETE);
	assert_int_equal(in.xact, 41);
	assert_int_equal(in.ext.len, 8);
	assert_memory_equal(in.ext.p, "extexte1", 8);
	assert_int_equal(in.data.len, 8);
	assert_memory_equal(in.data.p, "hello\0\0\0", 8);
	assert_int_equal(chan_recv(c, &in, buf, sizeof(buf)), 0);

	for (p.xact = 0; p.xact < DUMMY_SLOTS; p.xact++)
		assert_int_equal(chan_send(c, &p), 0);
	chan_commit(c);
	assert_int_equal(d.told, 1 + DUMMY_SLOTS);
	assert_int_equal(chan_send(c, &p), E_AGAIN);
	assert_false(chan_want_space(c, 64));
	assert_true(c->events->ready(c, 3));
	assert_int_equal(u.got, 3);
	assert_true(chan_want_space(c, 64));
	assert_false(c->events->ready(c, 3));
	assert_int_equal(u.got, DUMMY_SLOTS);
	assert_int_equal(u.last_xact, DUMMY_SLOTS - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_half),
		cmocka_unit_test(data_half_without_any_capability),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
