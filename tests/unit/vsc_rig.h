/*
 * A scripted host under the NetVSC: channels that record what is sent and give
 * back what a test queues.  By itself it answers the exchanges of attach and
 * detach, as `struct rig` says; everything else is the test's.
 */
#ifndef TESTS_UNIT_VSC_RIG_H
#define TESTS_UNIT_VSC_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

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
	uint32_t max_packets, align_shift;
	uint32_t rss_queues;
	bool rsc, no_csum;
	int mute;			/* NVSP type or RNDIS type not answered */
	bool complete;			/* complete frames by itself */
	int room;			/* sends that still fit; < 0: any */
	/* state */
	struct chan chan[RIG_CHANS];
	bool open[RIG_CHANS];
	struct rig_packet *sent;
	uint32_t nsent, handled;
	struct rig_packet *in;
	uint32_t nin[RIG_CHANS], in_at;
	uint32_t commits, wants, masks, unmasks;
	struct rig_mem mem[4096];
	uint32_t nmem;
	uint64_t gpa;
	uint32_t live_bytes, live_mem, allocs;
	uint32_t gpadls, next_gpadl;
	char order[512];		/* bus calls, a word each */
	/* upcalls */
	uint32_t attached, failed, detached, links, tables, wakes, flushes;
	uint32_t unflushed;		/* frames since the last flush */
	int err;
	enum fault why;
	const char *stage;
	bool link_up;
	uint32_t stops, starts;
	/* received frames */
	uint32_t frames, queue;
	struct pkt_meta meta;
	uint32_t len, nvec;
	uint8_t frame[70000];
	struct vsc *v;
	uint64_t now;
	struct vsc_config cfg;
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
	void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);

	assert_non_null(p);
	r->allocs++;
	r->live_bytes += (uint32_t)bytes;
	return memset(p, 0, bytes);
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
	c->events->closed(c, 0);
	return 0;
}

static const struct chan_ops rig_chan_ops = {
	.caps = CHAN_CAP_BATCH | CHAN_CAP_SPACE | CHAN_CAP_MASK,
	.send = rig_send, .commit = rig_commit, .want_space = rig_want_space,
	.recv = rig_recv, .recv_commit = rig_recv_commit,
	.irq_mask = rig_irq_mask, .irq_unmask = rig_irq_unmask,
	.gpadl_create = rig_gpadl_create,
	.gpadl_teardown = rig_gpadl_teardown,
	.open = rig_open, .close = rig_close,
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
rig_stop(void *ctx)
{
	((struct rig *)ctx)->stops++;
}

static void
rig_start(void *ctx)
{
	((struct rig *)ctx)->starts++;
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

static const struct vsc_ops rig_ops = {
	.alloc = rig_alloc, .free = rig_free,
	.mem_alloc = rig_mem_alloc, .mem_free = rig_mem_free,
	.attached = rig_attached, .failed = rig_failed,
	.detached = rig_detached, .link = rig_link,
	.queue_vp = rig_queue_vp, .send_table = rig_send_table,
	.queues_stop = rig_stop, .queues_start = rig_start,
	.rx = rig_rx, .rx_flush = rig_rx_flush, .tx_wake = rig_tx_wake,
};

/* ---- the host ----------------------------------------------------------- */

/* Queue a packet for the guest; the caller fills what it wants. */
static struct rig_packet *
rig_push(uint32_t chan, uint16_t type, uint64_t xact)
{
	struct rig *r = the_rig;
	uint32_t i = r->in_at;

	while (r->in[i].type != 0 && i < RIG_PACKETS - 1)
		i++;
	memset(&r->in[i], 0, sizeof(r->in[i]));
	r->in[i].chan = chan;
	r->in[i].type = type;
	r->in[i].xact = xact;
	return &r->in[i];
}

static void
rig_push_nvs(uint32_t chan, uint16_t type, uint64_t xact,
    const struct nvs_msg *m)
{
	struct rig_packet *p = rig_push(chan, type, xact);

	p->data_len = nvs_msg_encode(m, NVS_MSG_BYTES_6_1, p->data);
}

static void
rig_complete(uint32_t chan, uint64_t xact)
{
	struct nvs_msg m = { .type = NVS_RNDIS_DONE };

	m.rndis_status = NVS_STATUS_OK;
	rig_push_nvs(chan, VMPKT_COMPLETION, xact, &m);
}

/* Type 7 packet over ranges of the receive buffer. */
static struct rig_packet *
rig_push_xfer(uint32_t chan, uint64_t xact, uint32_t what,
    const struct vmpkt_xfer_range *range, uint32_t n)
{
	struct nvs_msg m = { .type = NVS_RNDIS };
	struct rig_packet *p = rig_push(chan, VMPKT_XFER_PAGES, xact);

	m.rndis.channel = what;
	m.rndis.section = NVS_SECTION_NONE;
	p->flags = VMPKT_F_COMPLETE;
	p->ext_len = vmpkt_xfer_ext_put(p->ext, NVS_RECV_BUF_ID, range, n);
	p->data_len = nvs_msg_encode(&m, NVS_MSG_BYTES_6_1, p->data);
	return p;
}

static uint8_t *
rig_rxbuf(uint32_t off)
{
	return (uint8_t *)the_rig->v->rxbuf.mem.va + off;
}

static void
rig_push_rndis(const struct rndis_msg *m)
{
	struct vmpkt_xfer_range range = { .offset = 0 };

	/* Windows claims the whole section. */
	range.bytes = the_rig->slot_bytes;
	assert_true(rndis_msg_encode(m, rig_rxbuf(0), range.bytes) != 0);
	rig_push_xfer(0, 0x7700, NVS_CHANNEL_CONTROL, &range, 1);
}

static uint32_t
rig_info(const struct rig *r, uint32_t oid, uint8_t *buf)
{
	struct ndis_offload_caps hw = { .rev = 3 };
	struct ndis_rss_caps rss = { .rev = 2 };
	le32_t w = le32_put(0);

	switch (oid) {
	case OID_802_3_PERMANENT_ADDRESS:
		memcpy(buf, "\x00\x15\x5d\x01\x02\x03", 6);
		return 6;
	case (uint32_t)OID_TCP_OFFLOAD_HW_CAPABILITIES:
		if (!r->no_csum) {
			hw.v4_tx = hw.v4_rx = 0x155;
			hw.v6_tx = hw.v6_rx = 0x55;
		}
		hw.lso4.max_bytes = hw.lso6.max_bytes = r->lso_max;
		hw.lso4.min_segs = hw.lso6.min_segs = 2;
		hw.lso6_opts = 5;
		hw.rsc4 = hw.rsc6 = r->rsc;
		return ndis_offload_caps_encode(&hw, buf);
	case OID_GEN_RSS_CAPABILITIES:
		rss.caps = 0x00001b01;
		rss.interrupts = 1;
		rss.queues = r->rss_queues;
		rss.entries = 128;
		return ndis_rss_caps_encode(&rss, buf);
	case OID_GEN_LINK_SPEED:
		w = le32_put(100000000);
		break;
	case OID_GEN_MAXIMUM_FRAME_SIZE:
		w = le32_put(1500);
		break;
	default:
		break;
	}
	memcpy(buf, &w, sizeof(w));
	return sizeof(w);
}

static void
rig_host_rndis(struct rig *r, const struct rig_packet *p)
{
	struct vmpkt_gpa g;
	struct vmpkt_gpa_walk walk;
	struct gpa_piece piece;
	struct rndis_msg m, a = { 0 };
	uint8_t info[256];
	enum fault why;

	assert_int_equal(vmpkt_gpa_decode(&g, (struct span){ p->ext,
	    p->ext_len }, &why), 0);
	assert_int_equal(g.count, 1);
	vmpkt_gpa_walk_init(&walk, &g);
	assert_true(vmpkt_gpa_walk_next(&walk, &piece));
	assert_true((piece.gpa & 4095) + piece.len <= 4096);
	assert_int_equal(rndis_msg_decode(&m, (struct span){
	    rig_va(piece.gpa, piece.len), piece.len }, &why), 0);
	if ((int)m.type == r->mute)
		return;
	rig_complete(0, p->xact);
	a.type = m.type | RNDIS_COMPLETION;
	switch (m.type) {
	case RNDIS_INIT:
		a.init_done.req_id = m.init.req_id;
		a.init_done.major = 1;
		a.init_done.dev_flags = 1;
		a.init_done.max_packets = r->max_packets;
		a.init_done.max_xfer = 0x4000;
		a.init_done.align_shift = r->align_shift;
		break;
	case RNDIS_QUERY:
		a.done.info = (struct span){ info,
		    rig_info(r, m.query.oid, info) };
		/* fall through */
	case RNDIS_SET:
		a.done.req_id = m.query.req_id;
		break;
	default:	/* HALT, KEEPALIVE_DONE */
		return;
	}
	rig_push_rndis(&a);
}

static void
rig_host_nvs(struct rig *r, const struct rig_packet *p)
{
	struct nvs_msg m, a = { 0 };
	enum fault why;

	assert_int_equal(nvs_msg_decode(&m, (struct span){ p->data,
	    p->data_len }, r->version, &why), 0);
	if ((int)m.type == r->mute)
		return;
	switch (m.type) {
	case NVS_INIT:
		a.type = NVS_INIT_DONE;
		a.init_done.version = NVS_NO_VERSION;
		a.init_done.max_mdl = NVS_MAX_MDL;
		a.init_done.status = m.init.version <= r->version ?
		    NVS_STATUS_OK : NVS_STATUS_TOO_NEW;
		break;
	case NVS_RECV_BUF:
		a.type = NVS_RECV_BUF_DONE;
		a.recv_buf_done.status = NVS_STATUS_OK;
		a.recv_buf_done.sections = 1;
		a.recv_buf_done.section.slot_bytes = r->slot_bytes;
		a.recv_buf_done.section.slots = 64;
		a.recv_buf_done.section.end = 64 * r->slot_bytes;
		break;
	case NVS_SEND_BUF:
		a.type = NVS_SEND_BUF_DONE;
		a.send_buf_done.status = r->section_bytes == 0 ?
		    NVS_STATUS_FAILED : NVS_STATUS_OK;
		a.send_buf_done.section_bytes = r->section_bytes;
		break;
	case NVS_SUBCHAN:
		a.type = NVS_SUBCHAN;
		a.subchan_done.status = NVS_STATUS_OK;
		a.subchan_done.count = min_u32(r->grant, m.subchan.count);
		rig_push_nvs(0, VMPKT_COMPLETION, p->xact, &a);
		for (uint32_t i = 1; i <= a.subchan_done.count; i++)
			r->chan[0].events->subchannel(&r->chan[0],
			    &r->chan[i]);
		return;
	default:
		return;
	}
	rig_push_nvs(0, VMPKT_COMPLETION, p->xact, &a);
}

/* The host takes the next packet, and answers it if it can. */
static void
rig_answer(struct rig *r)
{
	const struct rig_packet *p = &r->sent[r->handled++];
	struct nvs_rndis n;
	bool rndis = nvs_rndis_get(&n, (struct span){ p->data, p->data_len });

	if (rndis && n.channel == NVS_CHANNEL_CONTROL)
		rig_host_rndis(r, p);
	else if (rndis && r->complete)
		rig_complete(p->chan, p->xact);
	else if (!rndis && p->type == VMPKT_INBAND)
		rig_host_nvs(r, p);
}

/* Let both sides go on until neither has anything to do. */
static void
rig_run(struct rig *r)
{
	bool more = true;

	while (more) {
		more = r->handled < r->nsent;
		(void)vsc_timer(r->v, r->now);
		while (r->detached == 0 && r->handled < r->nsent) {
			rig_answer(r);
			more = true;
		}
		for (uint32_t k = 0; k < RIG_CHANS; k++) {
			while (r->open[k] && r->chan[k].events->ready(
			    &r->chan[k], 64))
				more = true;
		}
		if (r->detached != 0)
			return;
		more = more || r->handled < r->nsent;
	}
}

static void
rig_init(struct rig *r, uint32_t vmbus_version)
{
	memset(r, 0, sizeof(*r));
	the_rig = r;
	memset(rig_in, 0, sizeof(rig_in));
	r->sent = rig_sent;
	r->in = rig_in;
	r->version = NVS_V6_1;
	r->section_bytes = 6144;
	r->slot_bytes = 1728;
	r->lso_max = NDIS_LSO_MAX;
	r->max_packets = 8;
	r->align_shift = 3;
	r->rss_queues = 8;
	r->rsc = true;
	r->complete = true;
	r->room = -1;
	r->gpa = RIG_GPA;
	r->now = 1000;
	for (uint32_t i = 0; i < RIG_CHANS; i++) {
		r->chan[i].ops = &rig_chan_ops;
		r->chan[i].subindex = (uint16_t)i;
		r->chan[i].vmbus_version = vmbus_version;
	}
	vsc_tunables_default(&r->cfg.tune);
	r->cfg.mtu = 1500;
	r->cfg.tune.tx_slots = 4;
	r->cfg.tune.ring_pages = 2;
	r->cfg.tune.rxbuf_kb = 128;
	r->cfg.tune.sendbuf_kb = 64;
	r->cfg.vps = 1;
	r->cfg.offloads = VSC_OFF_ALL;
	r->cfg.filter = 0x0d;
}

static void
rig_attach(struct rig *r)
{
	r->v = vsc_attach(&r->cfg, &rig_ops, r, &r->chan[0], r->now);
	assert_non_null(r->v);
	rig_run(r);
}

/* Attach, and forget what was said during it. */
static inline void
rig_up(struct rig *r)
{
	rig_attach(r);
	assert_int_equal(r->attached, 1);
	assert_int_equal(r->failed, 0);
	r->nsent = r->handled = 0;
	r->commits = 0;
	r->allocs = 0;
}

static void
rig_down(struct rig *r)
{
	uint32_t allocs = r->allocs;

	vsc_detach(r->v, r->now);
	for (uint32_t i = 0; i < 100 && r->detached == 0; i++) {
		rig_run(r);
		r->now += 500000000ull;
	}
	assert_int_equal(r->detached, 1);
	assert_int_equal(r->allocs, allocs);
	vsc_free(r->v);
	assert_int_equal(r->live_bytes, 0);
}

static inline void
rig_poll(struct rig *r, uint32_t chan)
{
	while (r->chan[chan].events->ready(&r->chan[chan], 64))
		;
}

#endif
