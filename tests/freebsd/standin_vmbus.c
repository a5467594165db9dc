/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmbus(4) of the stand-in, over the VMBus client of core/bus: operations
 * sleep until their event came, each send publishes and signals, a callback is
 * called until its ring is empty, sub-channels are counted.
 */
#include "standin.h"

#include "bus/ring_chan.h"

#define CHANS	64u

struct vmbus_channel {
	struct chan *bus;		/* ours below; NULL: gone */
	uint32_t subidx, id;
	struct hyperv_guid inst;
	uint32_t revoked, run;
	bool open, there;
	int cpu;
	vmbus_callback *cb;
	void *cbarg;
	/* the operation under way */
	bool done;
	int err;
	uint32_t gpadl;
};

static struct standin_locks locks;
static struct vmbus_channel chans[CHANS];
static struct taskqueue *event_tq[VPS_MAX];
static uint32_t event_vps, bus_version;
static pthread_mutex_t wait_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wait_cond = PTHREAD_COND_INITIALIZER;
uint32_t standin_revoked;

/* ---- events of the channel below ---------------------------------------- */

static void
bus_done(struct chan *bus, int err)
{
	struct vmbus_channel *vc = bus->user;

	pthread_mutex_lock(&wait_lock);
	vc->err = err;
	vc->done = true;
	pthread_cond_broadcast(&wait_cond);
	pthread_mutex_unlock(&wait_lock);
}

static void
bus_done_id(struct chan *bus, uint32_t id, int err)
{
	((struct vmbus_channel *)bus->user)->gpadl = id;
	bus_done(bus, err);
}

/* Sleep until the operation has ended; 0 or an errno. */
static int
bus_wait(struct vmbus_channel *vc)
{
	int err;

	pthread_mutex_lock(&wait_lock);
	while (!vc->done)
		pthread_cond_wait(&wait_cond, &wait_lock);
	err = vc->err;
	pthread_mutex_unlock(&wait_lock);
	return err == 0 ? 0 : err == E_TIMEOUT ? EISCONN : EIO;
}

/* The interrupt: the callback, until the ring is empty. */
static bool
bus_ready(struct chan *bus, uint32_t budget)
{
	struct vmbus_channel *vc = bus->user;
	struct ring_ctrl_wire *ctrl = ring_chan_of(bus)->in.ctrl;

	if (os_ld32_acq(&vc->run) == 0)
		return false;
	curcpu = vc->cpu;
	ring_st(&ctrl->interrupt_mask, 1);
	vc->cb(vc, vc->cbarg);
	if (os_ld32(&vc->run) == 0)
		return false;
	ring_st(&ctrl->interrupt_mask, 0);
	os_mb();
	return ring_ld_acq(&ctrl->write_index) != ring_ld(&ctrl->read_index);
}

static const struct chan_events bus_events;

static struct vmbus_channel *
bus_take(struct chan *bus)
{
	struct vmbus_channel *vc = &chans[bus->subindex];

	pthread_mutex_lock(&wait_lock);
	memset(vc, 0, sizeof(*vc));
	vc->bus = bus;
	vc->subidx = bus->subindex;
	vc->id = bus->relid;
	memcpy(&vc->inst, &bus->instance, sizeof(vc->inst));
	vc->there = true;
	bus->user = vc;
	bus->events = &bus_events;
	pthread_cond_broadcast(&wait_cond);
	pthread_mutex_unlock(&wait_lock);
	return vc;
}

static void
bus_subchannel(struct chan *primary, struct chan *sub)
{
	if (sub->subindex < CHANS && !chans[sub->subindex].there)
		(void)bus_take(sub);
}

static void
bus_rescinded(struct chan *bus)
{
	os_xchg32(&((struct vmbus_channel *)bus->user)->revoked, 1);
	if (bus->subindex == 0)
		os_xchg32(&standin_revoked, 1);
}

static const struct chan_events bus_events = {
	.ready = bus_ready,
	.opened = bus_done, .closed = bus_done,
	.gpadl_created = bus_done_id, .gpadl_torndown = bus_done_id,
	.subchannel = bus_subchannel, .rescinded = bus_rescinded,
};

struct vmbus_channel *
standin_offer(struct chan *bus)
{
	bus_version = bus->vmbus_version;
	return bus_take(bus);
}

void
standin_gone(struct chan *bus)
{
	struct vmbus_channel *vc = &chans[bus->subindex];

	pthread_mutex_lock(&wait_lock);
	if (vc->bus == bus) {
		os_st32(&vc->run, 0);
		vc->bus = NULL;
		vc->there = false;
		pthread_cond_broadcast(&wait_cond);
	}
	pthread_mutex_unlock(&wait_lock);
}

/* ---- control ------------------------------------------------------------ */

/* Begin an operation: true, and the bus is locked, unless it is gone. */
static bool
bus_begin(struct vmbus_channel *vc)
{
	pthread_mutex_lock(locks.bus);
	vc->done = false;
	vc->err = 0;
	if (vc->bus != NULL)
		return true;
	pthread_mutex_unlock(locks.bus);
	return false;
}

int
vmbus_chan_open_br(struct vmbus_channel *vc, const struct vmbus_chan_br *br,
    const void *data, int len, vmbus_callback *cb, void *arg)
{
	struct chan_open o = {
		.ring = { .va = br->cbr, .gpa = br->cbr_paddr,
		    .bytes = (uint32_t)(br->cbr_txsz + br->cbr_rxsz) },
		.to_host_bytes = (uint32_t)br->cbr_txsz,
		.vp = (uint32_t)vc->cpu,
		.user_data = { data, (uint32_t)len },
	};
	int err;

	memset(br->cbr, 0, o.ring.bytes);
	if (!bus_begin(vc))
		return ENXIO;
	vc->cb = cb;
	vc->cbarg = arg;
	os_st32_rel(&vc->run, 1);
	err = vc->bus->ops->open(vc->bus, &o);
	pthread_mutex_unlock(locks.bus);
	err = err < 0 ? ENXIO : bus_wait(vc);
	if (err != 0)
		os_st32_rel(&vc->run, 0);
	vc->open = err == 0;
	return err;
}

int
vmbus_chan_close_direct(struct vmbus_channel *vc)
{
	int err;

	if (!vc->open)
		return 0;
	vc->open = false;
	/* Drain: no callback after this. */
	os_st32_rel(&vc->run, 0);
	pthread_mutex_lock(&locks.vp[vc->cpu]);
	pthread_mutex_unlock(&locks.vp[vc->cpu]);
	if (!bus_begin(vc))
		return 0;
	err = vc->bus->ops->close(vc->bus);
	pthread_mutex_unlock(locks.bus);
	return err < 0 ? 0 : bus_wait(vc);
}

int
vmbus_chan_gpadl_connect(struct vmbus_channel *vc, bus_addr_t at, int size,
    uint32_t *gpadl)
{
	struct chan_mem m = { .gpa = at, .bytes = (uint32_t)size };
	uint32_t id;
	int err;

	if (!bus_begin(vc))
		return ENXIO;
	err = vc->bus->ops->gpadl_create(vc->bus, &m, &id);
	pthread_mutex_unlock(locks.bus);
	if (err < 0)
		return EIO;
	err = bus_wait(vc);
	*gpadl = err == 0 ? vc->gpadl : 0;
	return err;
}

int
vmbus_chan_gpadl_disconnect(struct vmbus_channel *vc, uint32_t gpadl)
{
	int err;

	if (!bus_begin(vc))
		return 0;
	err = vc->bus->ops->gpadl_teardown(vc->bus, gpadl);
	pthread_mutex_unlock(locks.bus);
	return err < 0 ? 0 : bus_wait(vc);
}

struct vmbus_channel **
vmbus_subchan_get(struct vmbus_channel *primary, int n)
{
	static struct malloc_type temp[1];
	struct vmbus_channel **got;
	int have = 0;

	got = malloc((size_t)n * sizeof(got[0]), temp, M_WAITOK);
	pthread_mutex_lock(&wait_lock);
	while (have != n) {
		have = 0;
		for (uint32_t i = 1; i < CHANS && have < n; i++) {
			if (chans[i].there)
				got[have++] = &chans[i];
		}
		/* A kernel's thread would stay; this one lets a test end. */
		if (have != n && os_ld32(&standin_revoked) != 0) {
			while (have < n)
				got[have++] = &chans[CHANS - 1];
		}
		if (have != n)
			pthread_cond_wait(&wait_cond, &wait_lock);
	}
	pthread_mutex_unlock(&wait_lock);
	return got;
}

void
vmbus_subchan_rel(struct vmbus_channel **subs, int n)
{
	static struct malloc_type temp[1];

	free(subs, temp);
}

void
vmbus_subchan_drain(struct vmbus_channel *primary)
{
	pthread_mutex_lock(&wait_lock);
	for (uint32_t i = 1; i < CHANS; i++) {
		while (chans[i].there)
			pthread_cond_wait(&wait_cond, &wait_lock);
	}
	pthread_mutex_unlock(&wait_lock);
}

/* ---- data --------------------------------------------------------------- */

static int
bus_send(struct vmbus_channel *vc, const struct vmpkt_out *o)
{
	int err = E_GONE;

	pthread_mutex_lock(locks.ring);
	if (vc->bus != NULL)
		err = chan_send(vc->bus, o);
	if (err == 0)
		chan_commit(vc->bus);
	pthread_mutex_unlock(locks.ring);
	return err == 0 ? 0 : EAGAIN;
}

int
vmbus_chan_send(struct vmbus_channel *vc, uint16_t type, uint16_t flags,
    void *data, int len, uint64_t xact)
{
	struct vmpkt_out o = { .type = type, .flags = flags, .xact = xact,
		.data = { data, (uint32_t)len } };

	return bus_send(vc, &o);
}

/* Ranges as they go to the wire, after the reserved word and their count. */
static int
bus_send_ranges(struct vmbus_channel *vc, const void *ranges, size_t bytes,
    int n, void *data, int len, uint64_t xact)
{
	uint8_t ext[1024];
	uint32_t count = (uint32_t)n;
	struct vmpkt_out o = { .type = VMPKT_GPA_DIRECT,
		.flags = VMPKT_F_COMPLETE, .xact = xact,
		.ext = { ext, (uint32_t)(bytes + 8) },
		.data = { data, (uint32_t)len } };

	KASSERT(bytes + 8 <= sizeof(ext), (""));
	memset(ext, 0, 4);
	memcpy(ext + 4, &count, 4);
	memcpy(ext + 8, ranges, bytes);
	return bus_send(vc, &o);
}

int
vmbus_chan_send_sglist(struct vmbus_channel *vc, struct vmbus_gpa *sg, int n,
    void *data, int len, uint64_t xact)
{
	return bus_send_ranges(vc, sg, (size_t)n * sizeof(*sg), n, data, len,
	    xact);
}

int
vmbus_chan_send_prplist(struct vmbus_channel *vc, struct vmbus_gpa_range *r,
    int pages, void *data, int len, uint64_t xact)
{
	return bus_send_ranges(vc, r, sizeof(*r) + (size_t)pages * 8, 1, data,
	    len, xact);
}

int
vmbus_chan_recv_idxadv(struct vmbus_channel *vc, uint32_t advance)
{
	struct ring_chan *rc = ring_chan_of(vc->bus);
	struct ring_in *in = &rc->in;
	uint32_t write = ring_ld_acq(&in->ctrl->write_index);
	uint32_t bytes = advance + RING_TRAILER_BYTES;
	bool signal;

	in->next = in->committed = ring_ld(&in->ctrl->read_index);
	if (!ring_index_ok(write, in->size) ||
	    ring_used(write, in->next, in->size) < bytes)
		return EAGAIN;
	in->write = write;
	in->next = ring_advance(in->next, bytes, in->size);
	/* Signals are written where packets are. */
	signal = ring_in_commit(in);
	if (signal) {
		pthread_mutex_lock(locks.ring);
		rc->signal(rc);
		pthread_mutex_unlock(locks.ring);
	}
	return 0;
}

void
vmbus_chan_set_pending_send_size(struct vmbus_channel *vc, uint32_t bytes)
{
	ring_st(&ring_chan_of(vc->bus)->out.ctrl->pending_send, bytes);
}

/* ---- what it is --------------------------------------------------------- */

#define WHAT_IT_IS(type, name, value)					\
	type name(const struct vmbus_channel *vc) { return value; }
WHAT_IT_IS(uint32_t, vmbus_chan_id, vc->id)
WHAT_IT_IS(uint32_t, vmbus_chan_subidx, vc->subidx)
WHAT_IT_IS(bool, vmbus_chan_is_primary, vc->subidx == 0)
WHAT_IT_IS(bool, vmbus_chan_is_revoked, os_ld32(&vc->revoked) != 0)

void
vmbus_chan_cpu_set(struct vmbus_channel *vc, int cpu)
{
	vc->cpu = cpu;
}

struct hyperv_guid *
vmbus_chan_guid_inst(struct vmbus_channel *vc)
{
	return &vc->inst;
}

struct vmbus_channel *
vmbus_get_channel(device_t dev)
{
	return dev->chan;
}

uint32_t
VMBUS_GET_VERSION(device_t bus, device_t dev)
{
	return bus_version;
}

struct taskqueue *
VMBUS_GET_EVENT_TASKQ(device_t bus, device_t dev, int cpu)
{
	return event_tq[cpu];
}

void
standin_bus(const struct standin_locks *l, uint32_t vps)
{
	locks = *l;
	event_vps = vps;
	mp_ncpus = (int)vps;
	os_st32(&standin_revoked, 0);
	memset(chans, 0, sizeof(chans));
	for (uint32_t i = 0; i < CHANS; i++)
		chans[i].subidx = i;
	for (uint32_t i = 0; i < vps; i++) {
		event_tq[i] = taskqueue_create("event", M_WAITOK, NULL, NULL);
		standin_taskqueue_lock(event_tq[i], &l->vp[i]);
		(void)taskqueue_start_threads(&event_tq[i], 1, PI_NET, "event");
	}
}

void
standin_bus_end(void)
{
	for (uint32_t i = 0; i < event_vps; i++)
		taskqueue_free(event_tq[i]);
}
