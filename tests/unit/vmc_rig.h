/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scripted host under the VMBus client: what the client posts is recorded,
 * the test answers through the message and event-flag pages.
 */
#ifndef TESTS_UNIT_VMC_RIG_H
#define TESTS_UNIT_VMC_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bus/vmc_priv.h"
#include "os_block.h"

#define POSTS	64u
#define MS	1000000ull

static struct rig {
	struct vmc *vmc;
	uint64_t now, next;
	uint8_t simp[4096] __attribute__((aligned(4096)));
	uint8_t siefp[2][4096] __attribute__((aligned(4096)));
	uint8_t arena[64 * 4096] __attribute__((aligned(4096)));
	uint32_t arena_used;
	uint32_t blocks, mems;		/* live */
	int post_err;			/* what HvPostMessage says */
	uint32_t posts, tries, eoms, signals, kicks, gones, unloads;
	uint32_t conn[POSTS];
	uint32_t len[POSTS];
	uint8_t msg[POSTS][240];
	uint32_t last_conn;
	int connected;
	struct chan *chan, *sub;
	uint32_t offers;
	/* events */
	uint32_t ready, opened, closed, created, torndown, rescinded;
	int err;
	bool more;
	bool type_clear_at_eom;
} rig;

static int
post(void *ctx, uint32_t conn, const void *msg, uint32_t len)
{
	rig.tries++;
	rig.last_conn = conn;
	if (rig.post_err != 0)
		return rig.post_err;
	assert_true(rig.posts < POSTS);
	rig.conn[rig.posts] = conn;
	rig.len[rig.posts] = len;
	memcpy(rig.msg[rig.posts++], msg, len);
	return 0;
}

static inline int
post_no_conn_4(void *ctx, uint32_t conn, const void *msg, uint32_t len)
{
	return conn == 4 ? E_NOTSUP : post(ctx, conn, msg, len);
}

static void
signal_event(void *ctx, uint32_t conn)
{
	rig.signals++;
	rig.last_conn = conn;
}

static void
eom(void *ctx, uint32_t vp)
{
	rig.eoms++;
	rig.type_clear_at_eom = rig.simp[2 * 256] == 0;
}

static void *
block_alloc(void *ctx, size_t bytes)
{
	rig.blocks++;
	return os_block_zeroed(bytes);
}

static void
block_free(void *ctx, void *p, size_t bytes)
{
	rig.blocks--;
	free(p);
}

static int
mem_alloc(void *ctx, uint32_t bytes, struct chan_mem *out)
{
	if (rig.arena_used + bytes > sizeof(rig.arena))
		return E_NOMEM;
	out->va = rig.arena + rig.arena_used;
	out->gpa = 0x10000000 + rig.arena_used;
	out->bytes = bytes;
	rig.arena_used += bytes;
	rig.mems++;
	return 0;
}

static void
mem_free(void *ctx, struct chan_mem *m)
{
	rig.mems--;
}

static bool
ev_ready(struct chan *c, uint32_t budget)
{
	rig.ready++;
	return rig.more;
}

static void ev_opened(struct chan *c, int err) { rig.opened++; rig.err = err; }
static void ev_closed(struct chan *c, int err) { rig.closed++; rig.err = err; }

static void
ev_created(struct chan *c, uint32_t gpadl, int err)
{
	rig.created++;
	rig.err = err;
}

static void
ev_torndown(struct chan *c, uint32_t gpadl, int err)
{
	rig.torndown++;
	rig.err = err;
}

static void ev_sub(struct chan *c, struct chan *sub) { rig.sub = sub; }
static void ev_rescinded(struct chan *c) { rig.rescinded++; }

static const struct chan_events events = {
	.ready = ev_ready, .opened = ev_opened, .closed = ev_closed,
	.gpadl_created = ev_created, .gpadl_torndown = ev_torndown,
	.subchannel = ev_sub, .rescinded = ev_rescinded,
};

static void connected(void *ctx, int v) { rig.connected = v; }
static void gone(void *ctx, struct chan *c) { rig.gones++; }
static void unloaded(void *ctx) { rig.unloads++; }
static void kick(void *ctx, uint32_t vp) { rig.kicks++; }

static void
offer(void *ctx, struct chan *c)
{
	rig.offers++;
	if (rig.chan == NULL)
		rig.chan = c;
}

static struct vmc_ops ops = {
	.post_message = post, .signal_event = signal_event, .eom = eom,
	.alloc = block_alloc, .free = block_free,
	.mem_alloc = mem_alloc, .mem_free = mem_free,
	.connected = connected, .offer = offer, .gone = gone,
	.unloaded = unloaded, .vp_kick = kick,
};

static void
tick(uint64_t ns)
{
	rig.now += ns;
	rig.next = vmc_timer(rig.vmc, rig.now);
}

/* The host delivers a message; flags as in the slot. */
static void
deliver_raw(const void *bytes, uint32_t len, uint8_t flags)
{
	struct synic_slot_wire *slot = (void *)(rig.simp + 2 * 256);

	assert_int_equal(le32_get(slot->type), 0);
	slot->payload_len = (uint8_t)len;
	slot->flags = flags;
	memcpy(slot->payload, bytes, len);
	slot->type = le32_put(1);
	(void)vmc_vp_dispatch(rig.vmc, 0, 64);
	tick(0);
}

static void
deliver(const struct vmbus_msg *m)
{
	uint8_t buf[240];

	deliver_raw(buf, vmbus_msg_encode(m, buf), 0);
}

static void
deliver_version(bool supported, uint32_t selected)
{
	struct vmbus_msg m = { .type = VMBUS_VERSION_RESPONSE };

	m.version.supported = supported;
	m.version.selected = selected;
	deliver(&m);
}

static void
deliver_offer(uint32_t relid, uint16_t sub, uint8_t instance)
{
	struct vmbus_msg m = { .type = VMBUS_OFFER_CHANNEL };

	m.offer.relid = relid;
	m.offer.conn_id = 0x2000 | relid;
	m.offer.subchan = sub;
	m.offer.instance.b[0] = instance;
	m.offer.dedicated_interrupt = true;
	deliver(&m);
}

static void
deliver_simple(enum vmbus_msg_type type, uint32_t relid)
{
	struct vmbus_msg m = { .type = type, .relid = relid };

	deliver(&m);
}

static void
deliver_created(uint32_t relid, uint32_t gpadl, uint32_t status)
{
	struct vmbus_msg m = { .type = VMBUS_GPADL_CREATED };

	m.gpadl = (struct vmbus_gpadl_result){ relid, gpadl, status };
	deliver(&m);
}

static inline void
deliver_torndown(uint32_t gpadl)
{
	struct vmbus_msg m = { .type = VMBUS_GPADL_TORNDOWN };

	m.gpadl.gpadl = gpadl;
	deliver(&m);
}

static void
deliver_opened(uint32_t relid, uint32_t open_id, uint32_t status)
{
	struct vmbus_msg m = { .type = VMBUS_OPEN_RESULT };

	m.open_result = (struct vmbus_open_result){ relid, open_id, status };
	deliver(&m);
}

static void
start(uint32_t max_version)
{
	struct vmc_config cfg = { .vps = 2, .max_version = max_version };

	memset(&rig, 0, sizeof(rig));
	rig.now = 1000 * MS;
	cfg.simp[0] = rig.simp;
	cfg.siefp[0] = rig.siefp[0];
	cfg.siefp[1] = rig.siefp[1];
	rig.vmc = vmc_create(&cfg, &ops, NULL);
	assert_non_null(rig.vmc);
	assert_int_equal(vmc_start(rig.vmc), 0);
	assert_int_equal(vmc_start(rig.vmc), E_STATE);
	tick(0);
}

/* Connected, with a primary on relid 5 whose events are ours. */
static void
up(uint32_t version)
{
	start(version);
	deliver_version(true, version >= VMBUS_V5_0 ? 77 : version);
	deliver_offer(5, 0, 1);
	deliver_simple(VMBUS_ALL_OFFERS_DELIVERED, 0);
	assert_int_equal(rig.connected, version);
	assert_non_null(rig.chan);
	rig.chan->events = &events;
	rig.posts = 0;
}

static inline void
end(void)
{
	vmc_destroy(rig.vmc);
	assert_int_equal(rig.blocks, 0);
	assert_int_equal(rig.mems, 0);
}

static void
open_begin(struct chan *c, uint32_t vp)
{
	struct chan_open o = { .to_host_bytes = 2 * HV_PAGE_SIZE, .vp = vp };

	assert_int_equal(mem_alloc(NULL, 4 * HV_PAGE_SIZE, &o.ring), 0);
	rig.mems--;
	assert_int_equal(c->ops->open(c, &o), 0);
	tick(0);
}

static uint32_t
u32(uint32_t i, uint32_t off)
{
	uint32_t v;

	memcpy(&v, rig.msg[i] + off, 4);
	return v;
}

/* Open relid 5 to the end; returns the ring's GPADL. */
static uint32_t
open_whole(struct chan *c, uint32_t vp)
{
	uint32_t gpadl, at = rig.posts;

	open_begin(c, vp);
	gpadl = u32(at, 12);
	deliver_created(c->relid, gpadl, 0);
	assert_int_equal(u32(at + 1, 0), VMBUS_OPEN_CHANNEL);
	deliver_opened(c->relid, u32(at + 1, 12), 0);
	assert_int_equal(rig.err, 0);
	return gpadl;
}

static inline void
expect_fault(enum fault f, uint64_t total)
{
	assert_int_equal(vmc_faults(rig.vmc)->total, total);
	assert_int_equal(vmc_faults(rig.vmc)->last, f);
}

#endif
