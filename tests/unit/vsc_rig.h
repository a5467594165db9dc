/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scripted host under the NetVSC: channels that record what is sent and give
 * back what a test queues.  By itself it answers the exchanges of attach and
 * detach, as `struct rig` says; everything else is the test's.
 *
 * With HVNET_KERNEL in the environment the channels are as a kernel's: no event
 * for room, and sub-channels that are counted (docs/porting.md).
 */
#ifndef TESTS_UNIT_VSC_RIG_H
#define TESTS_UNIT_VSC_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "os_block.h"
#include "vsc/vsc_priv.h"

#define RIG_CHANS	4u
#ifndef RIG_PACKETS
#define RIG_PACKETS	1600u
#endif
#define RIG_GPA		0x123400000000ull

struct rig_packet {
	uint32_t chan;
	uint16_t type, flags;
	uint64_t xact;
	uint32_t ext_len, data_len;
	uint8_t ext[4600], data[256];
};

struct rig_mem {
	void *va;
	uint64_t gpa;
	uint32_t bytes;
};

struct rig {
	/* script */
	uint32_t version;		/* newest NVSP accepted */
	uint32_t section_bytes;		/* 0: the send buffer is refused */
	uint32_t slot_bytes;
	uint32_t grant;			/* sub-channels */
	uint32_t lso_max;
	uint32_t max_packets, max_xfer, align_shift;
	uint32_t rss_queues;
	bool rsc, no_csum;
	int mute;			/* NVSP or RNDIS type not answered */
	uint32_t refuse;		/* OID that is not supported */
	bool complete;			/* complete frames by itself */
	bool stuck;			/* channels do not close in time */
	int room;			/* sends that still fit; < 0: any */
	uint32_t mem_left;		/* mem_alloc() until one fails */
	/* state */
	struct chan chan[RIG_CHANS];
	bool open[RIG_CHANS];
	struct rig_packet *sent;
	uint32_t nsent, handled;
	struct rig_packet *in;
	uint32_t nin[RIG_CHANS], in_at;
	uint32_t commits, wants, masks, unmasks;
	uint32_t nmem;
	uint64_t gpa;
	uint32_t live_bytes, live_mem, allocs;
	uint32_t gpadls, next_gpadl;
	char order[512];		/* bus calls, a word each */
	uint32_t filter, mcast_bytes;	/* that were set */
	uint8_t mcast[256];
	/* upcalls */
	uint32_t attached, failed, detached, links, tables, wakes, flushes;
	uint32_t unflushed;		/* frames since the last flush */
	uint32_t dones;			/* and the last one */
	uint64_t cookie;
	int done;
	int err;
	enum fault why;
	const char *stage;
	bool link_up;
	bool wanted;			/* control */
	uint32_t kicked;		/* queues, a bit each */
	uint32_t granted, expected;	/* sub-channels of a kernel */
	/* received frames */
	uint32_t frames, queue;
	struct pkt_meta meta;
	uint32_t len, nvec;
	struct vsc *v;
	uint64_t now;
	struct vsc_config cfg;
	/* last: of these nothing is read before it was written */
	struct rig_mem mem[4096];
	uint8_t frame[70000];
};

static struct rig *the_rig;
static struct rig_packet rig_sent[RIG_PACKETS], rig_in[RIG_PACKETS];

static void
rig_order(const char *word)
{
	struct rig *r = the_rig;
	size_t n = strlen(r->order);

	snprintf(r->order + n, sizeof(r->order) - n, "%s ", word);
}

static uint32_t
rig_index(const struct chan *c)
{
	return (uint32_t)(c - the_rig->chan);
}

/* ---- memory ------------------------------------------------------------- */

static void *
rig_alloc(void *ctx, size_t bytes)
{
	struct rig *r = ctx;
	void *p = os_block_zeroed(bytes);

	assert_non_null(p);
	r->allocs++;
	r->live_bytes += (uint32_t)bytes;
	return p;
}

static void
rig_free(void *ctx, void *p, size_t bytes)
{
	struct rig *r = ctx;

	r->live_bytes -= (uint32_t)bytes;
	free(p);
}

static int
rig_mem_alloc(void *ctx, uint32_t bytes, struct chan_mem *out)
{
	struct rig *r = ctx;

	assert_int_equal(bytes % HV_PAGE_SIZE, 0);
	if (r->mem_left == 1)
		return E_NOMEM;
	if (r->mem_left > 1)
		r->mem_left--;
	r->allocs++;
	out->va = aligned_alloc(HV_PAGE_SIZE, bytes);
	assert_non_null(out->va);
	memset(out->va, 0, bytes);
	out->gpa = r->gpa;
	out->bytes = bytes;
	r->gpa += bytes + HV_PAGE_SIZE;
	r->mem[r->nmem++] = (struct rig_mem){ out->va, out->gpa, bytes };
	r->live_mem += bytes;
	return 0;
}

static void
rig_mem_free(void *ctx, struct chan_mem *m)
{
	struct rig *r = ctx;

	r->live_mem -= m->bytes;
	for (uint32_t i = 0; i < r->nmem; i++) {
		if (r->mem[i].gpa == m->gpa)
			r->mem[i].bytes = 0;
	}
	free(m->va);
}

/* Give back what vsc left with the host on purpose; after vsc_free(). */
static inline void
rig_leaked_free(struct rig *r)
{
	for (uint32_t i = 0; i < r->nmem; i++) {
		if (r->mem[i].bytes != 0)
			free(r->mem[i].va);
		r->mem[i].bytes = 0;
	}
}

static uint8_t *
rig_va(uint64_t gpa, uint32_t len)
{
	for (uint32_t i = 0; i < the_rig->nmem; i++) {
		const struct rig_mem *m = &the_rig->mem[i];

		if (gpa >= m->gpa && range_ok(gpa - m->gpa, len, m->bytes))
			return (uint8_t *)m->va + (gpa - m->gpa);
	}
	fail_msg("gpa %llx is not guest memory", (unsigned long long)gpa);
	return NULL;
}

/* ---- channel ------------------------------------------------------------ */

static int
rig_send(struct chan *c, const struct vmpkt_out *p)
{
	struct rig *r = the_rig;
	struct rig_packet *s;

	assert_true(r->open[rig_index(c)]);
	/* The user lets go of the frames before they are acknowledged. */
	if (p->type == VMPKT_COMPLETION)
		assert_int_equal(r->unflushed, 0);
	if (r->room == 0)
		return E_AGAIN;
	if (r->room > 0)
		r->room--;
	assert_true(r->nsent < RIG_PACKETS);
	s = &r->sent[r->nsent++];
	s->chan = rig_index(c);
	s->type = p->type;
	s->flags = p->flags;
	s->xact = p->xact;
	s->ext_len = p->ext.len;
	s->data_len = p->data.len;
	assert_true(p->ext.len <= sizeof(s->ext) && p->ext.len % 8 == 0);
	assert_true(p->data.len <= sizeof(s->data));
	if (p->ext.len != 0)
		memcpy(s->ext, p->ext.p, p->ext.len);
	memcpy(s->data, p->data.p, p->data.len);
	return 0;
}

static void
rig_commit(struct chan *c)
{
	the_rig->commits++;
}

static bool
rig_want_space(struct chan *c, uint32_t bytes)
{
	assert_true(bytes >= 24);
	the_rig->wants++;
	return the_rig->room != 0;
}

static int
rig_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	struct rig *r = the_rig;
	uint32_t k = rig_index(c);
	uint8_t *b = buf;

	for (uint32_t i = r->in_at; i < RIG_PACKETS; i++) {
		struct rig_packet *p = &r->in[i];

		if (p->type == 0)
			break;
		if (p->chan != k || p->type == 0xffff)
			continue;
		if (p->ext_len + p->data_len > cap)
			return E_NOMEM;
		memcpy(b, p->ext, p->ext_len);
		memcpy(b + p->ext_len, p->data, p->data_len);
		out->type = p->type;
		out->flags = p->flags;
		out->xact = p->xact;
		out->ext = (struct span){ b, p->ext_len };
		out->data = (struct span){ b + p->ext_len, p->data_len };
		p->type = 0xffff;
		if (i == r->in_at && i < RIG_PACKETS - 1)
			r->in_at++;
		return 1;
	}
	return 0;
}

static void
rig_recv_commit(struct chan *c)
{
}

static void
rig_irq_mask(struct chan *c)
{
	the_rig->masks++;
}

static bool
rig_irq_unmask(struct chan *c)
{
	the_rig->unmasks++;
	return false;
}

static int
rig_gpadl_create(struct chan *c, const struct chan_mem *m, uint32_t *id)
{
	struct rig *r = the_rig;

	*id = ++r->next_gpadl;
	r->gpadls++;
	c->events->gpadl_created(c, *id, 0);
	return 0;
}

static int
rig_gpadl_teardown(struct chan *c, uint32_t id)
{
	rig_order("teardown");
	the_rig->gpadls--;
	c->events->gpadl_torndown(c, id, 0);
	return 0;
}

static int
rig_open(struct chan *c, const struct chan_open *o)
{
	char word[16];

	snprintf(word, sizeof(word), "open%u", rig_index(c));
	rig_order(word);
	assert_int_equal(o->ring.bytes, 2 * o->to_host_bytes);
	the_rig->open[rig_index(c)] = true;
	c->events->opened(c, 0);
	return 0;
}

static int
rig_close(struct chan *c)
{
	char word[16];

	snprintf(word, sizeof(word), "close%u", rig_index(c));
	rig_order(word);
	the_rig->open[rig_index(c)] = false;
	c->events->closed(c, the_rig->stuck ? E_TIMEOUT : 0);
	return 0;
}

/* A kernel's bus: its own thread waits for them, and gives them later. */
static void
rig_subs_expect(struct chan *c, uint32_t n)
{
	assert_ptr_equal(c, &the_rig->chan[0]);
	the_rig->expected = n;
}

static const struct chan_ops rig_chan_ops = {
	.caps = CHAN_CAP_SPACE,
	.send = rig_send, .commit = rig_commit, .want_space = rig_want_space,
	.recv = rig_recv, .recv_commit = rig_recv_commit,
	.irq_mask = rig_irq_mask, .irq_unmask = rig_irq_unmask,
	.gpadl_create = rig_gpadl_create,
	.gpadl_teardown = rig_gpadl_teardown,
	.open = rig_open, .close = rig_close,
};

static const struct chan_ops rig_kernel_ops = {
	.caps = CHAN_CAP_WRITERS,
	.send = rig_send, .commit = rig_commit, .want_space = rig_want_space,
	.recv = rig_recv, .recv_commit = rig_recv_commit,
	.irq_mask = rig_irq_mask, .irq_unmask = rig_irq_unmask,
	.gpadl_create = rig_gpadl_create,
	.gpadl_teardown = rig_gpadl_teardown,
	.open = rig_open, .close = rig_close,
	.subs_expect = rig_subs_expect,
};

/* ---- upcalls ------------------------------------------------------------ */

static void
rig_attached(void *ctx, const struct vsc_caps *caps)
{
	((struct rig *)ctx)->attached++;
}

static void
rig_failed(void *ctx, int err, enum fault why, const char *stage)
{
	struct rig *r = ctx;

	r->failed++;
	r->err = err;
	r->why = why;
	r->stage = stage;
}

static void
rig_detached(void *ctx)
{
	((struct rig *)ctx)->detached++;
}

static void
rig_link(void *ctx, bool up, uint64_t speed_bps)
{
	((struct rig *)ctx)->links++;
	((struct rig *)ctx)->link_up = up;
}

static uint32_t
rig_queue_vp(void *ctx, uint32_t queue)
{
	return queue;
}

static void
rig_send_table(void *ctx, const uint32_t *table, uint32_t count)
{
	((struct rig *)ctx)->tables++;
}

static void
rig_rx(void *ctx, uint32_t queue, const struct vsc_frame *f)
{
	struct rig *r = ctx;

	r->frames++;
	r->unflushed++;
	r->queue = queue;
	r->meta = f->meta;
	r->len = f->len;
	r->nvec = f->nvec;
	assert_int_equal(pkt_vec_bytes(f->vec, f->nvec), f->len);
	pkt_vec_gather(f->vec, f->nvec, 0, r->frame, f->len);
}

static void
rig_rx_flush(void *ctx, uint32_t queue)
{
	((struct rig *)ctx)->flushes++;
	((struct rig *)ctx)->unflushed = 0;
}

static void
rig_tx_wake(void *ctx, uint32_t queue)
{
	((struct rig *)ctx)->wakes++;
}

static void
rig_tx_done(void *ctx, uint32_t queue, uint64_t cookie, int err)
{
	struct rig *r = ctx;

	r->dones++;
	r->cookie = cookie;
	r->done = err;
}

static void
rig_control_wanted(void *ctx)
{
	((struct rig *)ctx)->wanted = true;
}

static void
rig_queue_kick(void *ctx, uint32_t queue)
{
	((struct rig *)ctx)->kicked |= 1u << queue;
}

static const struct vsc_ops rig_ops = {
	.alloc = rig_alloc, .free = rig_free,
	.mem_alloc = rig_mem_alloc, .mem_free = rig_mem_free,
	.attached = rig_attached, .failed = rig_failed,
	.detached = rig_detached, .link = rig_link,
	.queue_vp = rig_queue_vp, .send_table = rig_send_table,
	.rx = rig_rx, .rx_flush = rig_rx_flush, .tx_wake = rig_tx_wake,
	.tx_done = rig_tx_done,
	.control_wanted = rig_control_wanted, .queue_kick = rig_queue_kick,
};

#include "vsc_rig_host.h"

#endif
