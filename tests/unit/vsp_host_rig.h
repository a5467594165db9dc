/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rig for tests of the NetVSP: channels, GPADLs and backend are this file.
 *
 * The channel is a queue of packets in and a log of packets out, with a
 * settable room; guest memory is one malloc'ed region, so that ASan sees each
 * step outside of it.  Link the test with vsp, pkt, wire and base, not bus.
 */
#ifndef TESTS_UNIT_VSP_HOST_RIG_H
#define TESTS_UNIT_VSP_HOST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os_block.h"
#include "pkt/pkt_load.h"
#include "vsp/vsp_priv.h"
#include "wire/ndis_obj.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"
#include "wire/rndis_pkt.h"

#ifndef RIG_SMALL	/* fuzz targets make one for each input */
#define RIG_MEM		(4u << 20)
#define RIG_SEND_OFF	(1u << 20)	/* in guest memory */
#define RIG_DATA_OFF	(2u << 20)	/* for GPA ranges */
#define RIG_LOG		2048u
#define RIG_FRAMES	8u	/* the log of the backend wraps */
#else
#define RIG_MEM		(5u << 16)
#define RIG_SEND_OFF	(2u << 16)
#define RIG_DATA_OFF	(3u << 16)
#define RIG_LOG		128u
#define RIG_FRAMES	1u
#endif
#define RIG_GPA		0x100000000ull
#define RIG_RX_GPADL	0xe1e10u
#define RIG_SEND_GPADL	0xe1e11u
/* Not what any driver of ours calls its buffers. */
#define RIG_RX_ID	0xbeadu
#define RIG_SEND_ID	0xb0bau
#define RIG_RX_BYTES	(64u * 1792u)
#define RIG_SEND_BYTES	(1u << 16)
#define RIG_PKT		2304u
#define RIG_CHANS	8u

static const uint8_t rig_mac[6] = { 0x02, 0x15, 0x5d, 1, 2, 3 };

struct rig_pkt {
	uint16_t type, flags;
	uint64_t xact;
	uint32_t ext_len, data_len;
	uint8_t ext[RIG_PKT];
	uint8_t data[RIG_PKT];
};

struct rig_chan {
	struct chan chan;
	struct rig_pkt *in, *out;
	uint32_t in_head, in_count;
	uint32_t outs;
	uint32_t commits, recv_commits;
	uint32_t room;			/* packets; for send() */
	bool wanted;
	bool masked;
};

struct rig_frame {
	uint32_t len, queue, nvec;
	struct pkt_meta meta;
	uint8_t bytes[70000];
};

/* The server, as far as the NetVSP sees it. */
struct vms {
	struct partition part;
	struct vms_gpadl gpadl[2];
	uint32_t offered;
	int offer_result;
};

struct rig {
	struct vms vms;
	struct vsp *vsp;
	uint8_t *mem;
	struct rig_chan chan[RIG_CHANS];
	struct rig_frame *frame;
	uint32_t frames;
	uint32_t flushes, wanted, states, steerings, starts, stops;
	uint32_t outs_at_flush;
	size_t allocated;
	bool no_memory;			/* every allocation fails */
	uint32_t *stop, stop_after;	/* set it when so many frames came */
};

/* ---- the server's functions ------------------------------------------- */

struct vms_gpadl *
vms_gpadl_get(struct vms *s, uint32_t id)
{
	for (uint32_t i = 0; i < 2; i++) {
		if (s->gpadl[i].id == id) {
			s->gpadl[i].users++;
			return &s->gpadl[i];
		}
	}
	return NULL;
}

void
vms_gpadl_put(struct vms *s, struct vms_gpadl *g)
{
	(void)s;
	assert_true(g->users > 0);
	g->users--;
}

int
vms_subchannels_offer(struct vms *s, struct vms_dev *dev, uint32_t count)
{
	(void)dev;
	if (s->offer_result < 0)
		return s->offer_result;
	s->offered += count;
	return (int)count;
}

struct partition *
vms_partition(const struct vms *s)
{
	return (struct partition *)(uintptr_t)&s->part;
}

/* ---- the channel ------------------------------------------------------ */

static inline struct rig_chan *
rig_chan_of(struct chan *c)
{
	return CONTAINER_OF(c, struct rig_chan, chan);
}

static int
rig_send(struct chan *c, const struct vmpkt_out *p)
{
	struct rig_chan *rc = rig_chan_of(c);
	struct rig_pkt *o = &rc->out[rc->outs];

	if (rc->room == 0)
		return E_AGAIN;
	rc->room--;
	assert_true(rc->outs < RIG_LOG);
	o->type = p->type;
	o->flags = p->flags;
	o->xact = p->xact;
	o->ext_len = p->ext.len;
	o->data_len = p->data.len;
	assert_true(p->ext.len <= RIG_PKT && p->data.len <= RIG_PKT);
	if (p->ext.len > 0)
		memcpy(o->ext, p->ext.p, p->ext.len);
	if (p->data.len > 0)
		memcpy(o->data, p->data.p, p->data.len);
	rc->outs++;
	return 0;
}

static void
rig_commit(struct chan *c)
{
	rig_chan_of(c)->commits++;
}

static bool
rig_want_space(struct chan *c, uint32_t bytes)
{
	(void)bytes;
	rig_chan_of(c)->wanted = rig_chan_of(c)->room == 0;
	return rig_chan_of(c)->room > 0;
}

static int
rig_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	struct rig_chan *rc = rig_chan_of(c);
	struct rig_pkt *p = &rc->in[rc->in_head];
	uint32_t padded = align_up(p->data_len, 8);

	if (rc->in_count == 0)
		return 0;
	if (p->ext_len + padded > cap)
		return E_NOMEM;
	memset(buf, 0, p->ext_len + padded);
	memcpy(buf, p->ext, p->ext_len);
	memcpy((uint8_t *)buf + p->ext_len, p->data, p->data_len);
	*out = (struct vmpkt_in){
		.type = p->type, .flags = p->flags, .xact = p->xact,
		.ext = { buf, p->ext_len },
		.data = { (uint8_t *)buf + p->ext_len, padded },
	};
	rc->in_head = (rc->in_head + 1) % RIG_LOG;
	rc->in_count--;
	return 1;
}

static void
rig_recv_commit(struct chan *c)
{
	rig_chan_of(c)->recv_commits++;
}

static void
rig_mask(struct chan *c)
{
	rig_chan_of(c)->masked = true;
}

static bool
rig_unmask(struct chan *c)
{
	rig_chan_of(c)->masked = false;
	return rig_chan_of(c)->in_count > 0;
}

static const struct chan_ops rig_chan_ops = {
	.caps = CHAN_CAP_SPACE,
	.send = rig_send, .commit = rig_commit,
	.want_space = rig_want_space, .recv = rig_recv,
	.recv_commit = rig_recv_commit, .irq_mask = rig_mask,
	.irq_unmask = rig_unmask,
};

/* ---- the backend ------------------------------------------------------ */

static void *
rig_alloc(void *ctx, size_t bytes)
{
	if (((struct rig *)ctx)->no_memory)
		return NULL;
	((struct rig *)ctx)->allocated += bytes;
	return os_block_zeroed(bytes);
}

static void
rig_free(void *ctx, void *p, size_t bytes)
{
	((struct rig *)ctx)->allocated -= bytes;
	free(p);
}

static void
rig_from_guest(void *ctx, uint32_t queue, const struct vsp_frame *f)
{
	struct rig *r = ctx;
	struct rig_frame *o = &r->frame[r->frames++ % RIG_FRAMES];

	if (r->stop_after != 0 && r->frames >= r->stop_after)
		*r->stop = 1;
	o->len = f->len;
	o->queue = queue;
	o->nvec = f->nvec;
	o->meta = f->meta;
	assert_int_equal(pkt_vec_bytes(f->vec, f->nvec), f->len);
	pkt_vec_gather(f->vec, f->nvec, 0, o->bytes, sizeof(o->bytes));
}

static void
rig_flush(void *ctx, uint32_t queue)
{
	struct rig *r = ctx;

	r->flushes++;
	r->outs_at_flush = r->chan[queue].outs;
}

static void
rig_wanted(void *ctx)
{
	((struct rig *)ctx)->wanted++;
}

static void
rig_state(void *ctx)
{
	((struct rig *)ctx)->states++;
}

static void
rig_steering(void *ctx)
{
	((struct rig *)ctx)->steerings++;
}

static void
rig_start(void *ctx, uint32_t queue, struct chan *c)
{
	assert_int_equal(c->subindex, queue);
	((struct rig *)ctx)->starts++;
}

static void
rig_stop(void *ctx, uint32_t queue)
{
	(void)queue;
	((struct rig *)ctx)->stops++;
}

static void
rig_wake(void *ctx, uint32_t queue)
{
	(void)ctx;
	(void)queue;
}

static const struct vsp_ops rig_ops = {
	.alloc = rig_alloc, .free = rig_free,
	.from_guest = rig_from_guest, .from_guest_flush = rig_flush,
	.to_guest_wake = rig_wake, .control_wanted = rig_wanted,
	.queue_start = rig_start, .queue_stop = rig_stop,
	.steering = rig_steering, .state = rig_state,
};

/* ---- up and down ------------------------------------------------------ */

static inline struct vsp_config
rig_config(void)
{
	struct vsp_config c = {
		.mtu = 1500, .max_queues = 4, .offloads = VSP_OFF_ALL,
		.strict = true, .speed_bps = 10000000000ull, .link_up = true,
		.vlan = VSP_VLAN_TRUNK, .backend_gso4 = true,
		.backend_gso6 = true, .backend_csum = true,
	};

	memcpy(c.mac, rig_mac, 6);
	return c;
}

static inline int
rig_open(struct rig *r, uint32_t k)
{
	struct rig_chan *rc = &r->chan[k];
	struct vms_dev *dev = vsp_dev(r->vsp);

	free(rc->in);
	free(rc->out);
	memset(rc, 0, sizeof(*rc));
	rc->in = calloc(RIG_LOG, sizeof(*rc->in));
	rc->out = calloc(RIG_LOG, sizeof(*rc->out));
	rc->room = RIG_LOG;
	rc->chan.ops = &rig_chan_ops;
	rc->chan.subindex = (uint16_t)k;
	rc->chan.relid = 7 + k;
	rc->chan.vmbus_version = 0x50003;
	return dev->ops->open(dev, &rc->chan);
}

static inline void
rig_close(struct rig *r, uint32_t k)
{
	struct vms_dev *dev = vsp_dev(r->vsp);

	dev->ops->close(dev, &r->chan[k].chan);
	r->chan[k].chan.user = NULL;
}

static inline struct rig *
rig_new(const struct vsp_config *cfg)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct vms *s = &r->vms;

	r->mem = malloc(RIG_MEM);
	memset(r->mem, 0xa5, RIG_MEM);
	r->frame = calloc(RIG_FRAMES, sizeof(*r->frame));
	s->part.mem.count = 1;
	s->part.mem.region[0] = (struct gpa_region){ RIG_GPA, RIG_MEM, r->mem,
	    NULL };
	s->gpadl[0] = (struct vms_gpadl){ .id = RIG_RX_GPADL, .relid = 7,
	    .map = { .va = r->mem, .bytes = RIG_RX_BYTES } };
	s->gpadl[1] = (struct vms_gpadl){ .id = RIG_SEND_GPADL, .relid = 7,
	    .map = { .va = r->mem + RIG_SEND_OFF, .bytes = RIG_SEND_BYTES } };
	r->vsp = vsp_create(cfg, &rig_ops, r);
	assert_non_null(r->vsp);
	vsp_dev(r->vsp)->vms = s;
	assert_int_equal(rig_open(r, 0), 0);
	return r;
}

/* Close what is open; every byte and every use of a GPADL must be back. */
static inline void
rig_del(struct rig *r)
{
	for (uint32_t k = RIG_CHANS; k-- > 0;) {
		if (r->chan[k].chan.user != NULL)
			rig_close(r, k);
		free(r->chan[k].in);
		free(r->chan[k].out);
	}
	assert_int_equal(r->starts, r->stops);
	assert_int_equal(r->vms.gpadl[0].users, 0);
	assert_int_equal(r->vms.gpadl[1].users, 0);
	vsp_destroy(r->vsp);
	assert_int_equal(r->allocated, 0);
	free(r->frame);
	free(r->mem);
	free(r);
}

/* ---- what a guest does ------------------------------------------------ */

static inline struct rig_pkt *
rig_push(struct rig *r, uint32_t k, uint16_t type, uint16_t flags,
    uint64_t xact)
{
	struct rig_chan *rc = &r->chan[k];
	struct rig_pkt *p = &rc->in[(rc->in_head + rc->in_count) % RIG_LOG];

	assert_true(rc->in_count < RIG_LOG);
	rc->in_count++;
	memset(p, 0, sizeof(*p));
	p->type = type;
	p->flags = flags;
	p->xact = xact;
	return p;
}

/* A worker pass, then control as often as requested. */
static inline void
rig_run(struct rig *r)
{
	for (uint32_t i = 0; i < 200; i++) {
		bool again = false;

		for (uint32_t k = 0; k < RIG_CHANS; k++) {
			struct chan *c = &r->chan[k].chan;

			if (c->user != NULL)
				again |= c->events->ready(c, 64);
		}
		if (r->wanted > 0) {
			r->wanted = 0;
			while (vsp_control_run(r->vsp))
				;
			again = true;
		}
		if (!again)
			return;
	}
	fail_msg("worker and control call each other without end");
}

/* The NVSP message of `words` words, zero-padded to `bytes`. */
static inline void
rig_nvs(struct rig *r, uint32_t bytes, uint64_t xact, uint16_t flags,
    const uint32_t *words, uint32_t n)
{
	struct rig_pkt *p = rig_push(r, 0, VMPKT_INBAND, flags, xact);

	for (uint32_t i = 0; i < n; i++) {
		le32_t w = le32_put(words[i]);

		memcpy(p->data + i * 4, &w, 4);
	}
	p->data_len = bytes;
	rig_run(r);
}

#define RIG_NVS(r, xact, ...)						\
	rig_nvs(r, 40, xact, VMPKT_F_COMPLETE,				\
	    (const uint32_t[]){ __VA_ARGS__ },				\
	    sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static inline struct rig_pkt *
rig_last(struct rig *r, uint32_t k)
{
	assert_true(r->chan[k].outs > 0);
	return &r->chan[k].out[r->chan[k].outs - 1];
}

/* The payload must begin with these words. */
static inline void
rig_words(const uint8_t *p, const uint32_t *words, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		le32_t w;

		memcpy(&w, p + i * 4, 4);
		if (le32_get(w) != words[i])
			fail_msg("word %u is %#x, not %#x", i, le32_get(w),
			    words[i]);
	}
}

#define RIG_WORDS(p, ...)						\
	rig_words(p, (const uint32_t[]){ __VA_ARGS__ },			\
	    sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

/* An RNDIS control message by GPA, as DPDK and Linux send it. */
static inline void
rig_rndis(struct rig *r, uint64_t xact, const void *msg, uint32_t len)
{
	struct rig_pkt *p = rig_push(r, 0, VMPKT_GPA_DIRECT, VMPKT_F_COMPLETE,
	    xact);
	struct gpa_piece g = { RIG_GPA + RIG_DATA_OFF, len };
	const uint32_t nvs[4] = { NVS_RNDIS, 1, NVS_SECTION_NONE, 0 };

	memcpy(r->mem + RIG_DATA_OFF, msg, len);
	p->ext_len = vmpkt_gpa_sg_put(p->ext, RIG_PKT, &g, 1);
	assert_true(p->ext_len > 0);
	memcpy(p->data, nvs, sizeof(nvs));
	p->data_len = 40;
	rig_run(r);
}

static inline void
rig_rndis_msg(struct rig *r, const struct rndis_msg *m)
{
	uint8_t buf[1024];
	uint32_t n = rndis_msg_encode(m, buf, sizeof(buf));

	assert_true(n > 0);
	rig_rndis(r, 0, buf, n);
}

/* The RNDIS message of a type 7 packet of control; acknowledges it. */
static inline const uint8_t *
rig_reply(struct rig *r, struct rig_pkt *o, uint32_t *len)
{
	struct vmpkt_xfer x;
	enum fault why;

	assert_int_equal(o->type, VMPKT_XFER_PAGES);
	RIG_WORDS(o->data, NVS_RNDIS, 1);
	assert_int_equal(vmpkt_xfer_decode(&x,
	    (struct span){ o->ext, o->ext_len }, &why), 0);
	assert_int_equal(x.pageset, RIG_RX_ID);
	assert_int_equal(x.count, 1);
	struct vmpkt_xfer_range g = vmpkt_xfer_range(&x, 0);

	assert_true(range_ok(g.offset, g.bytes, RIG_RX_BYTES));
	struct rig_pkt *p = rig_push(r, 0, VMPKT_COMPLETION, 0, o->xact);
	const uint32_t done[2] = { NVS_RNDIS_DONE, 1 };

	memcpy(p->data, done, sizeof(done));
	p->data_len = 8;
	*len = g.bytes;
	return r->mem + g.offset;
}

/* INIT, NDIS config and version, both buffers, RNDIS INIT. */
static inline void
rig_attach(struct rig *r, uint32_t version)
{
	const struct rndis_msg init = { .type = RNDIS_INIT,
	    .init = { 1, 1, 0, 0x4000 } };
	uint32_t len;

	RIG_NVS(r, 1, NVS_INIT, version, version);
	RIG_WORDS(rig_last(r, 0)->data, NVS_INIT_DONE,
	    version == NVS_V1 ? 2 : 0xffffffff, 34, 1);
	if (version >= NVS_V2)
		rig_nvs(r, 40, 0, 0, (const uint32_t[]){ NVS_NDIS_CONFIG, 1514,
		    0, 0x88, 0 }, 5);
	rig_nvs(r, 40, 0, 0, (const uint32_t[]){ NVS_NDIS_VERSION, 6,
	    version >= NVS_V5 ? 30 : 1 }, 3);
	RIG_NVS(r, 2, NVS_RECV_BUF, RIG_RX_GPADL, RIG_RX_ID);
	RIG_WORDS(rig_last(r, 0)->data, NVS_RECV_BUF_DONE, 1, 1);
	RIG_NVS(r, 3, NVS_SEND_BUF, RIG_SEND_GPADL, RIG_SEND_ID);
	RIG_WORDS(rig_last(r, 0)->data, NVS_SEND_BUF_DONE, 1, 6144);
	rig_rndis_msg(r, &init);
	(void)rig_reply(r, rig_last(r, 0), &len);
	rig_run(r);
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
}

#endif
