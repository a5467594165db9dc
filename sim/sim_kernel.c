/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel that a kernel owns.  See sim_kernel.h.
 *
 * Theory of operation.  The channel below is ours, with its events: those of
 * control only end the sleep of the operation that waits for them, and the
 * driver learns of them from inside its own call.  ready() below is the
 * interrupt, which runs the driver's ready() as the channel's task.
 *
 * A driver that calls control from a task, does not close what it was given, or
 * leaves packets in a ring for ever, would hang a kernel: the first two are
 * counted here, the last makes the task come for ever.
 */
#include "sim/sim_kernel.h"

static struct sim_kernel_chan *
kernel_chan_of(struct chan *c)
{
	return CONTAINER_OF(c, struct sim_kernel_chan, chan);
}

static void
kernel_lock(struct sim_kernel *k)
{
	if (k->ops->lock != NULL)
		k->ops->lock(k->ctx);
}

static void
kernel_unlock(struct sim_kernel *k)
{
	if (k->ops->unlock != NULL)
		k->ops->unlock(k->ctx);
}

static void
kernel_enter(struct sim_kernel *k)
{
	if (k->ops->enter != NULL)
		k->ops->enter(k->ctx);
}

static void
kernel_leave(struct sim_kernel *k)
{
	if (k->ops->leave != NULL)
		k->ops->leave(k->ctx);
}

/* ---- data --------------------------------------------------------------- */

/* The bus below noted it; the driver looks at its own channel. */
static int
kernel_fault(struct sim_kernel_chan *kc, int err)
{
	if (err == E_PEER && os_xchg32(&kc->noted, 1) == 0)
		(void)fault_note(&kc->chan.faults, kc->bus->faults.last,
		    kc->bus->faults.last_value);
	return err;
}

static int
kernel_send(struct chan *c, const struct vmpkt_out *p)
{
	struct sim_kernel_chan *kc = kernel_chan_of(c);
	int err = E_GONE;

	kernel_lock(kc->kernel);
	if (kc->bus != NULL)
		err = chan_send(kc->bus, p);
	if (err == 0)
		chan_commit(kc->bus);
	kernel_unlock(kc->kernel);
	return kernel_fault(kc, err);
}

static void
kernel_nothing(struct chan *c)
{
}

/* A look, no more: nobody reports room. */
static bool
kernel_want_space(struct chan *c, uint32_t bytes)
{
	struct sim_kernel_chan *kc = kernel_chan_of(c);
	bool room;

	if (kc->bus == NULL)
		return true;
	kernel_lock(kc->kernel);
	room = ring_out_space(&ring_chan_of(kc->bus)->out) >= bytes;
	kernel_unlock(kc->kernel);
	return room;
}

static int
kernel_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	struct sim_kernel_chan *kc = kernel_chan_of(c);
	int err = chan_recv(kc->bus, out, buf, cap);

	if (err < 0) {
		err = kernel_fault(kc, err);
		kc->dead = true;
	}
	return err;
}

/* Both send a signal if the host waits for room. */
static void
kernel_recv_commit(struct chan *c)
{
	chan_recv_commit(kernel_chan_of(c)->bus);
}

static bool
kernel_irq_unmask(struct chan *c)
{
	return false;
}

bool
sim_kernel_run(struct sim_kernel *k, uint32_t subindex, uint32_t budget)
{
	struct sim_kernel_chan *kc = &k->chan[subindex];
	bool more;

	if (os_ld32_acq(&kc->run) == 0 || kc->dead)
		return false;
	chan_irq_mask(kc->bus);
	kc->in_task = true;
	more = kc->chan.events->ready(&kc->chan, budget);
	kc->in_task = false;
	/* A ring that makes no sense, or is not read, is looked at no more. */
	if (kc->dead || os_ld32(&kc->run) == 0 ||
	    os_ld32(&ring_chan_of(kc->bus)->gone) != 0)
		return false;
	return !ring_in_empty(&ring_chan_of(kc->bus)->in) || more ||
	    chan_irq_unmask(kc->bus);
}

/* ---- control ------------------------------------------------------------ */

/* An operation begins. */
static void
kernel_begin(struct sim_kernel_chan *kc)
{
	struct sim_kernel *k = kc->kernel;

	/* A task that waits for itself (seen where there is one thread), or a
	 * second one in control. */
	if ((k->ops->lock == NULL && kc->in_task) || k->sleeping)
		k->wrong++;
	os_st32(&kc->done, 0);
	kc->err = 0;
	kernel_enter(k);
}

static void
kernel_sleep(struct sim_kernel_chan *kc)
{
	struct sim_kernel *k = kc->kernel;

	k->sleeping = true;
	k->ops->sleep(k->ctx, &kc->done);
	k->sleeping = false;
}

static void
kernel_done(struct chan *bus, int err)
{
	struct sim_kernel_chan *kc = bus->user;
	struct sim_kernel *k = kc->kernel;

	kc->err = err;
	os_st32_rel(&kc->done, 1);
	if (k->ops->wakeup != NULL)
		k->ops->wakeup(k->ctx);
}

static void
kernel_done_id(struct chan *bus, uint32_t id, int err)
{
	((struct sim_kernel_chan *)bus->user)->id = id;
	kernel_done(bus, err);
}

static int
kernel_gpadl_create(struct chan *c, const struct chan_mem *m, uint32_t *id)
{
	struct sim_kernel_chan *kc = kernel_chan_of(c);
	int err;

	if (kc->bus == NULL)
		return E_GONE;
	kernel_begin(kc);
	err = kc->bus->ops->gpadl_create(kc->bus, m, id);
	kernel_leave(kc->kernel);
	if (err < 0)
		return err;
	kernel_sleep(kc);
	*id = kc->id;
	c->events->gpadl_created(c, *id, kc->err);
	return 0;
}

static int
kernel_gpadl_teardown(struct chan *c, uint32_t id)
{
	struct sim_kernel_chan *kc = kernel_chan_of(c);
	int err;

	if (kc->bus == NULL)
		return E_GONE;
	kernel_begin(kc);
	err = kc->bus->ops->gpadl_teardown(kc->bus, id);
	kernel_leave(kc->kernel);
	if (err < 0)
		return err;
	kernel_sleep(kc);
	c->events->gpadl_torndown(c, id, kc->err);
	return 0;
}

static int
kernel_open(struct chan *c, const struct chan_open *o)
{
	struct sim_kernel_chan *kc = kernel_chan_of(c);
	int err;

	if (kc->bus == NULL)
		return E_GONE;
	kernel_begin(kc);
	kc->dead = false;
	os_st32_rel(&kc->run, 1);
	err = kc->bus->ops->open(kc->bus, o);
	kernel_leave(kc->kernel);
	if (err == 0)
		kernel_sleep(kc);
	kc->open = err == 0 && kc->err == 0;
	if (!kc->open)
		os_st32(&kc->run, 0);
	if (err == 0)
		c->events->opened(c, kc->err);
	return err;
}

static int
kernel_close(struct chan *c)
{
	struct sim_kernel_chan *kc = kernel_chan_of(c);
	int err = E_STATE;

	kc->closed = true;
	if (!kc->open)
		return E_STATE;
	kernel_begin(kc);
	kc->open = false;
	os_st32(&kc->run, 0);
	if (kc->kernel->ops->drain != NULL)
		kc->kernel->ops->drain(kc->kernel->ctx, c->subindex);
	if (kc->bus != NULL)
		err = kc->bus->ops->close(kc->bus);
	kernel_leave(kc->kernel);
	if (err < 0)
		return err;
	kernel_sleep(kc);
	c->events->closed(c, kc->err);
	return 0;
}

static void
kernel_subs_expect(struct chan *c, uint32_t n)
{
	struct sim_kernel *k = kernel_chan_of(c)->kernel;

	bool here;

	kernel_lock(k);
	k->expected = n;
	here = k->subs >= n;
	kernel_unlock(k);
	if (here)
		k->ops->subs_here(k->ctx);
}

static const struct chan_ops kernel_ops = {
	.caps = CHAN_CAP_WRITERS,
	.send = kernel_send, .commit = kernel_nothing,
	.want_space = kernel_want_space,
	.recv = kernel_recv, .recv_commit = kernel_recv_commit,
	.irq_mask = kernel_nothing, .irq_unmask = kernel_irq_unmask,
	.gpadl_create = kernel_gpadl_create,
	.gpadl_teardown = kernel_gpadl_teardown,
	.open = kernel_open, .close = kernel_close,
	.subs_expect = kernel_subs_expect,
};

/* ---- the bus below ------------------------------------------------------ */

static bool
bus_ready(struct chan *bus, uint32_t budget)
{
	struct sim_kernel_chan *kc = bus->user;

	return sim_kernel_run(kc->kernel, kc->chan.subindex, budget);
}

static const struct chan_events bus_events;

static struct sim_kernel_chan *
kernel_chan_new(struct sim_kernel *k, struct chan *bus)
{
	struct sim_kernel_chan *kc = &k->chan[bus->subindex];

	memset(kc, 0, sizeof(*kc));
	kc->kernel = k;
	kc->bus = bus;
	kc->chan = (struct chan){ .ops = &kernel_ops, .type = bus->type,
		.instance = bus->instance, .subindex = bus->subindex,
		.relid = bus->relid, .vmbus_version = bus->vmbus_version };
	bus->events = &bus_events;
	bus->user = kc;
	return kc;
}

static void
bus_subchannel(struct chan *primary, struct chan *sub)
{
	struct sim_kernel *k =
	    ((struct sim_kernel_chan *)primary->user)->kernel;
	bool here;

	if (sub->subindex >= SIM_KERNEL_CHANS ||
	    k->chan[sub->subindex].bus != NULL)
		return;
	kernel_chan_new(k, sub);
	kernel_lock(k);
	here = ++k->subs == k->expected;
	kernel_unlock(k);
	if (here)
		k->ops->subs_here(k->ctx);
}

static void
bus_rescinded(struct chan *bus)
{
	struct sim_kernel *k = ((struct sim_kernel_chan *)bus->user)->kernel;

	k->revoked = true;
	if (bus->subindex == 0)
		k->ops->revoked(k->ctx);
}

static const struct chan_events bus_events = {
	.ready = bus_ready,
	.opened = kernel_done, .closed = kernel_done,
	.gpadl_created = kernel_done_id, .gpadl_torndown = kernel_done_id,
	.subchannel = bus_subchannel, .rescinded = bus_rescinded,
};

/* ---- life --------------------------------------------------------------- */

void
sim_kernel_init(struct sim_kernel *k, const struct sim_kernel_ops *ops,
    void *ctx)
{
	memset(k, 0, sizeof(*k));
	k->ops = ops;
	k->ctx = ctx;
}

struct chan *
sim_kernel_take(struct sim_kernel *k, struct chan *bus)
{
	k->expected = k->subs = 0;
	k->revoked = false;
	return &kernel_chan_new(k, bus)->chan;
}

void
sim_kernel_subs(struct sim_kernel *k)
{
	struct chan *primary = &k->chan[0].chan;

	for (uint32_t i = 1; i < SIM_KERNEL_CHANS; i++) {
		struct sim_kernel_chan *kc = &k->chan[i];

		if (kc->bus == NULL || kc->given ||
		    primary->events->subchannel == NULL)
			continue;
		kc->given = true;
		primary->events->subchannel(primary, &kc->chan);
		/* Not taken: it stays ours. */
		kc->closed = kc->chan.events == NULL;
	}
}

void
sim_kernel_gone(struct sim_kernel *k, const struct chan *bus)
{
	struct sim_kernel_chan *kc = &k->chan[bus->subindex];

	if (bus->subindex < SIM_KERNEL_CHANS && kc->bus == bus)
		kc->bus = NULL;
}

void
sim_kernel_end(struct sim_kernel *k)
{
	for (uint32_t i = 1; i < SIM_KERNEL_CHANS; i++) {
		struct sim_kernel_chan *kc = &k->chan[i];

		if (kc->open || (kc->given && !kc->closed && kc->bus != NULL))
			k->wrong++;
	}
	if (k->chan[0].open)
		k->wrong++;
}
