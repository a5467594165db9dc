/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Channels over uio_hv_generic's maps.
 *
 * The kernel did VMBus: the primary channel is open as soon as the device is,
 * receive and send buffer are announced, and both come with the channel (the
 * given() operation).  So open, close and the GPADL operations end before they
 * return, and what is left of the bus is the rings and how to signal: by the
 * monitor page where the channel has a monitor id, else by its bit in the
 * interrupt page and a write to the device (Linux uio_hv_generic.c).
 *
 * Sub-channels appear as directories some time after the request to the host;
 * the timer looks.  Those that are there when the device is opened belong to
 * the opening before it: the host takes them back, and the kernel removes them
 * some time later.
 *
 * Polled, the host's signals stay masked and dispatch looks at each ring.  In
 * interrupt mode the owner unmasks a channel that it finds empty, as usual, and
 * one descriptor serves all: VP 0 takes the interrupt and has all VPs look.
 * The files of `hvnet uio` have no interrupt: tests/vm/test_uio.py runs it.
 *
 * Context: see the header.  A channel's owner runs only while it is open; close
 * parks it for a moment, after which it sees that.
 */
#include "linux/guest/uio_bus.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bus/ring_chan.h"
#include "linux/guest/uio_arena.h"
#include "linux/guest/uio_dev.h"
#include "wire/synic_wire.h"

#define BUS_CHANNELS	64u
/* Policy: how often sub-channels are looked for, and for how long. */
#define BUS_SCAN_NS	10000000ull
#define BUS_SCANS	1500u
/* Policy: how often the device is looked for.  The kernel frees the rings of
 * one that is gone, though they are mapped: soon. */
#define BUS_BEAT_NS	20000000ull

struct uio_chan {
	struct ring_chan rc;
	struct uio_bus *bus;
	void *ring;		/* both, ours first; NULL: not mapped */
	uint32_t ring_bytes;
	int monitor;		/* -1: none */
	uint32_t vp;
	uint32_t open;		/* control writes, the owner reads */
	bool rescinded;
};

struct uio_bus {
	struct uio_bus_config cfg;
	struct uio_dev dev;
	struct uio_arena *arena;
	uint64_t scan_at;	/* not before */
	uint32_t found;		/* sub-channels */
	uint32_t old[BUS_CHANNELS];	/* relids of an opening before */
	uint32_t olds;
	uint32_t scans;
	uint64_t beat_at;
	bool gone;		/* an interrupt showed it */
	struct uio_chan *chan[BUS_CHANNELS];	/* by subindex */
};

static struct uio_chan *
uio_chan_of(struct chan *c)
{
	return CONTAINER_OF(ring_chan_of(c), struct uio_chan, rc);
}

/* --- signals --- */

static void
chan_signal(struct ring_chan *rc)
{
	struct uio_chan *uc = CONTAINER_OF(rc, struct uio_chan, rc);
	struct uio_dev *d = &uc->bus->dev;
	const int32_t one = 1;

	if (uc->monitor >= 0) {
		struct synic_monitor_wire *m = d->map[UIO_DEV_MONITOR].va;
		uint32_t id = (uint32_t)uc->monitor;

		os_or32(&m->group[id / 32].pending.raw,
		    os_le32(1u << id % 32));
		return;
	}
	if (rc->chan.relid < SYNIC_FLAG_WORDS * 32) {
		struct synic_intpage_wire *p = d->map[UIO_DEV_INT].va;

		os_or32(&p->to_host[rc->chan.relid / 32].raw,
		    os_le32(1u << rc->chan.relid % 32));
	}
	/* The kernel signals the channels for us. */
	if (write(d->fd, &one, sizeof(one)) < 0)
		fault_note(&rc->chan.faults, FAULT_VMBUS_STATE, 0);
}

/* --- control operations, which the kernel has carried out already --- */

static int
chan_given(struct chan *c, enum chan_given what, struct chan_mem *out)
{
	struct uio_chan *uc = uio_chan_of(c);
	struct uio_bus *b = uc->bus;
	enum uio_dev_map map = what == CHAN_GIVEN_RECV ? UIO_DEV_RECV :
	    UIO_DEV_SEND;

	if (what != CHAN_GIVEN_RING) {
		*out = (struct chan_mem){ .va = b->dev.map[map].va,
			.bytes = b->dev.map[map].bytes };
		return 0;
	}
	if (uc->ring == NULL)
		uc->ring = uio_dev_ring_map(&b->dev, c->relid,
		    &uc->ring_bytes);
	if (uc->ring == NULL)
		return E_GONE;
	*out = (struct chan_mem){ .va = uc->ring, .bytes = uc->ring_bytes };
	return 0;
}

static int
chan_gpadl_create(struct chan *c, const struct chan_mem *m, uint32_t *gpadl)
{
	struct uio_dev *d = &uio_chan_of(c)->bus->dev;

	for (uint32_t i = UIO_DEV_RECV; i <= UIO_DEV_SEND; i++) {
		if (m->va != d->map[i].va)
			continue;
		*gpadl = d->map[i].gpadl;
		c->events->gpadl_created(c, *gpadl, 0);
		return 0;
	}
	return E_STATE;
}

static int
chan_gpadl_teardown(struct chan *c, uint32_t gpadl)
{
	c->events->gpadl_torndown(c, gpadl, 0);
	return 0;
}

static int
chan_open(struct chan *c, const struct chan_open *o)
{
	struct uio_chan *uc = uio_chan_of(c);
	struct uio_bus *b = uc->bus;
	uint8_t *ring = uc->ring;
	struct ring_chan_config rc = {
		.out_mem = ring,
		.out_bytes = uc->ring_bytes / 2,
		.in_mem = ring + uc->ring_bytes / 2,
		.in_bytes = uc->ring_bytes / 2,
		.policy = RING_CHAN_EDGE,
		.signal = chan_signal,
	};
	enum fault why;

	if (uc->rescinded)
		return E_GONE;
	if (uc->open || o->ring.va != uc->ring || o->vp >= b->cfg.vps)
		return E_STATE;
	if (ring_chan_init(&uc->rc, &rc, &why) < 0)
		return fault_note(&c->faults, why, 0);
	ring_chan_irq_mask(c);
	os_st32(&uc->vp, o->vp);
	os_st32_rel(&uc->open, 1);
	b->cfg.kick(b->cfg.ctx, o->vp);
	c->events->opened(c, 0);
	return 0;
}

static int
chan_close(struct chan *c)
{
	struct uio_chan *uc = uio_chan_of(c);
	const struct uio_bus *b = uc->bus;

	if (!uc->open)
		return E_STATE;
	os_st32(&uc->open, 0);
	ring_chan_stop(&uc->rc);
	if (b->cfg.park != NULL) {
		b->cfg.park(b->cfg.ctx, uc->vp);
		b->cfg.unpark(b->cfg.ctx, uc->vp);
	}
	c->events->closed(c, 0);
	return 0;
}

/* Stay masked; what came meanwhile, the next poll finds. */
static bool
chan_poll_unmask(struct chan *c)
{
	return false;
}

#define BUS_CONTROL_OPS							\
	.gpadl_create = chan_gpadl_create,				\
	.gpadl_teardown = chan_gpadl_teardown,				\
	.open = chan_open,						\
	.close = chan_close,						\
	.given = chan_given

static const struct chan_ops bus_poll_ops = {
	.caps = RING_CHAN_CAPS,
	.send = ring_chan_send,
	.commit = ring_chan_commit,
	.want_space = ring_chan_want_space,
	.recv = ring_chan_recv,
	.recv_commit = ring_chan_recv_commit,
	.irq_mask = ring_chan_irq_mask,
	.irq_unmask = chan_poll_unmask,
	BUS_CONTROL_OPS,
};

static const struct chan_ops bus_interrupt_ops = {
	.caps = RING_CHAN_CAPS,
	RING_CHAN_DATA_OPS,
	BUS_CONTROL_OPS,
};

/* --- channels --- */

static struct uio_chan *
bus_chan_new(struct uio_bus *b, uint32_t subindex, uint32_t relid, int monitor)
{
	struct uio_chan *uc = aligned_alloc(OS_CACHELINE,
	    align_up(sizeof(*uc), OS_CACHELINE));

	if (uc == NULL)
		return NULL;
	memset(uc, 0, sizeof(*uc));
	uc->bus = b;
	uc->monitor = monitor;
	uc->rc.chan = (struct chan){ .type = b->dev.type,
		.instance = b->dev.instance, .subindex = (uint16_t)subindex,
		.relid = relid,
		/* What the kernel settled on is not told. */
		.vmbus_version = 0,
		.ops = b->cfg.interrupt ? &bus_interrupt_ops :
		    &bus_poll_ops };
	b->chan[subindex] = uc;
	return uc;
}

static bool
bus_old(const struct uio_bus *b, uint32_t relid)
{
	for (uint32_t i = 0; i < b->olds; i++)
		if (b->old[i] == relid)
			return true;
	return false;
}

/* What the kernel has removed: its relid may come again. */
static void
bus_old_forget(struct uio_bus *b, const struct uio_dev_sub *sub, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < b->olds; i++)
		for (uint32_t k = 0; k < n; k++)
			if (sub[k].relid == b->old[i]) {
				b->old[kept++] = b->old[i];
				break;
			}
	b->olds = kept;
}

static void
bus_old_note(struct uio_bus *b)
{
	struct uio_dev_sub sub[BUS_CHANNELS];

	b->olds = uio_dev_subs(&b->dev, sub, BUS_CHANNELS);
	for (uint32_t i = 0; i < b->olds; i++)
		b->old[i] = sub[i].relid;
}

static void
bus_scan(struct uio_bus *b)
{
	struct chan *primary = &b->chan[0]->rc.chan;
	struct uio_dev_sub sub[BUS_CHANNELS];
	uint32_t n = uio_dev_subs(&b->dev, sub, BUS_CHANNELS);

	b->scans++;
	bus_old_forget(b, sub, n);
	for (uint32_t i = 0; i < n; i++) {
		struct uio_chan *uc;

		if (sub[i].subindex >= BUS_CHANNELS || !sub[i].ring ||
		    b->chan[sub[i].subindex] != NULL ||
		    bus_old(b, sub[i].relid))
			continue;
		uc = bus_chan_new(b, sub[i].subindex, sub[i].relid,
		    sub[i].monitor);
		if (uc == NULL)
			return;
		b->found++;
		primary->events->subchannel(primary, &uc->rc.chan);
	}
}

static bool
bus_scanning(const struct uio_bus *b)
{
	return b->chan[0]->open && b->scans < BUS_SCANS &&
	    b->found + 1 < b->cfg.queues;
}

uint64_t
uio_bus_timer(struct uio_bus *b, uint64_t now)
{
	struct uio_chan *p = b->chan[0];

	if (bus_scanning(b) && now >= b->scan_at) {
		b->scan_at = now + BUS_SCAN_NS;
		bus_scan(b);
	}
	if (now >= b->beat_at) {
		b->beat_at = now + BUS_BEAT_NS;
		/* Where interrupts are in use, they are not ours to take. */
		if (!b->cfg.interrupt && !uio_dev_event(&b->dev))
			b->gone = true;
		if (!p->rescinded && (b->gone || !uio_dev_present(&b->dev))) {
			p->rescinded = true;
			p->rc.chan.events->rescinded(&p->rc.chan);
		}
	}
	return bus_scanning(b) && b->scan_at < b->beat_at ? b->scan_at :
	    b->beat_at;
}

bool
uio_bus_dispatch(struct uio_bus *b, uint32_t vp, uint32_t budget)
{
	bool work = false;

	for (uint32_t i = 0; i < BUS_CHANNELS; i++) {
		struct uio_chan *uc = b->chan[i];
		uint32_t at;

		if (uc == NULL || os_ld32_acq(&uc->open) == 0 ||
		    os_ld32(&uc->vp) != vp)
			continue;
		at = uc->rc.in.next;
		work |= uc->rc.chan.events->ready(&uc->rc.chan, budget);
		work |= uc->rc.in.next != at;
	}
	return work;
}

/* --- the whole --- */

struct uio_bus *
uio_bus_open(const struct uio_bus_config *cfg, char *err, size_t cap)
{
	struct uio_bus *b = calloc(1, sizeof(*b));
	struct uio_chan *uc;

	snprintf(err, cap, "out of memory");
	if (b == NULL)
		return NULL;
	b->cfg = *cfg;
	b->dev.fd = -1;
	if (uio_dev_find(&b->dev, cfg->number, err, cap) < 0)
		goto fail;
	bus_old_note(b);
	b->arena = uio_arena_create(cfg->chunks, cfg->huge, err, cap);
	if (b->arena == NULL || uio_dev_take(&b->dev, err, cap) < 0)
		goto fail;
	uc = bus_chan_new(b, 0, b->dev.relid, b->dev.monitor);
	if (uc == NULL)
		goto fail;
	uc->ring = b->dev.map[UIO_DEV_RINGS].va;
	uc->ring_bytes = b->dev.map[UIO_DEV_RINGS].bytes;
	return b;

fail:
	uio_bus_close(b);
	return NULL;
}

void
uio_bus_close(struct uio_bus *b)
{
	for (uint32_t i = 0; i < BUS_CHANNELS; i++) {
		struct uio_chan *uc = b->chan[i];

		if (i > 0 && uc != NULL && uc->ring != NULL)
			munmap(uc->ring, uc->ring_bytes);
		free(uc);
	}
	uio_dev_close(&b->dev);
	/* After the kernel closed the channels: the host no longer reads it. */
	if (b->arena != NULL)
		uio_arena_destroy(b->arena);
	free(b);
}

struct chan *
uio_bus_primary(struct uio_bus *b)
{
	return &b->chan[0]->rc.chan;
}

int
uio_bus_mem_alloc(struct uio_bus *b, uint32_t bytes, struct chan_mem *out)
{
	return uio_arena_alloc(b->arena, bytes, out);
}

uint8_t *
uio_bus_mem_find(const struct uio_bus *b, uint64_t addr, uint32_t len)
{
	return uio_arena_find(b->arena, addr, len);
}

int
uio_bus_fd(const struct uio_bus *b)
{
	return b->dev.fd;
}

void
uio_bus_interrupt(struct uio_bus *b)
{
	if (!uio_dev_event(&b->dev)) {
		b->gone = true;
		b->beat_at = 0;
	}
	for (uint32_t vp = 1; vp < b->cfg.vps; vp++)
		b->cfg.kick(b->cfg.ctx, vp);
}

uint32_t
uio_bus_chan_vp(const struct chan *c)
{
	return os_ld32(&uio_chan_of((struct chan *)(uintptr_t)c)->vp);
}
