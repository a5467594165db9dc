/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest of a world.
 *
 * Theory of operation.  It does what linux/guest/guest.c does around the
 * driver: a NIC that was taken back waits for the next offer; one that failed
 * is left in order, and the connection made again, ever later.
 */
#include "world.h"

/* Policy, as linux/guest/guest.c: when to try again after a failure. */
#define RETRY_NS	200000000ull
#define RETRY_DOUBLE	5u

static struct vsc_ops guest_ops;

static void
again_event(void *arg, uint64_t value)
{
	struct world *w = world_of(arg);
	struct sim_nic_run *r = &w->run;
	int rc;

	r->attached = r->failed = r->detached = r->unloaded = false;
	r->detach_due = false;
	w->blames = world_blames(w);
	w->next_offer = w->offered = NULL;
	rc = sim_link_again(&r->link);
	OS_ASSERT(rc == 0);
	sim_link_control(&r->link);
}

static void
again(struct world *w)
{
	uint32_t n = min_u32(w->fails++, RETRY_DOUBLE);

	if (hvnet_bug("gives-up"))
		return;
	sim_after(&w->sim, RETRY_NS << n, again_event, &w->run, 0);
}

static void on_offer(void *ctx, struct chan *c);

/* The driver is freed. */
static void
let_go(struct world *w)
{
	struct sim_nic_run *r = &w->run;
	struct chan *next = w->next_offer;

	/* The same NIC again. */
	if (next == NULL && w->renew)
		next = w->offered;
	w->renew = false;
	r->detached = r->attached = false;
	w->carrier = false;
	w->next_offer = NULL;
	if (r->failed && r->err != E_GONE) {
		vmc_unload(r->link.vmc);
		return;
	}
	r->failed = false;
	if (next != NULL)
		on_offer(r, next);
}

static uint64_t
on_timer(void *ctx, uint64_t now)
{
	struct world *w = world_of(ctx);
	uint64_t next = sim_nic_link_ops.timer(ctx, now);

	/* A kernel's control thread goes on with what it has begun. */
	w->run.guest_due |= w->run.detach_due;
	if (w->run.vsc != NULL || !w->run.detached)
		return next;
	let_go(w);
	return now;
}

static void
on_connected(void *ctx, int version_or_err)
{
	if (version_or_err < 0)
		again(world_of(ctx));
}

static void
on_unloaded(void *ctx)
{
	again(world_of(ctx));
}

static void
on_offer(void *ctx, struct chan *c)
{
	struct world *w = world_of(ctx);

	if (w->run.vsc != NULL && w->next_offer == NULL) {
		w->next_offer = c;
		return;
	}
	if (hv_guid_equal(&c->type, &hv_guid_nic))
		w->offered = c;
	sim_nic_link_ops.offer(ctx, c);
}

static void
on_gone(void *ctx, struct chan *c)
{
	struct world *w = world_of(ctx);

	if (w->next_offer == c)
		w->next_offer = NULL;
	if (w->offered == c)
		w->offered = NULL;
	sim_nic_link_ops.gone(ctx, c);
}

/* --- messages --- */

static uint32_t
on_filter(void *ctx, bool to_guest, uint32_t vp, uint8_t *msg, uint32_t *len)
{
	struct world *w = world_of(ctx);

	if (w->bend == NULL)
		return 1;
	switch (bend_message(w->bend, to_guest, 1, vp, msg, len)) {
	case BEND_TAKE:
		return 0;
	case BEND_TWICE:
		return 2;
	default:
		return 1;
	}
}

static void
on_message(void *ctx, bool to_guest, struct span msg)
{
	struct world *w = world_of(ctx);
	struct see_name name;

	see_name_set(&name, SEE_END_HOST, "n0", 1);
	transcript_message(w->transcript, &name, to_guest, msg);
}

const struct sim_link_ops world_link_ops = {
	.connected = on_connected, .offer = on_offer, .gone = on_gone,
	.unloaded = on_unloaded, .timer = on_timer, .filter = on_filter,
	.message = on_message,
};

/* --- the driver's needs --- */

static void
on_attached(void *ctx, const struct vsc_caps *caps)
{
	struct world *w = world_of(ctx);

	sim_nic_vsc_ops.attached(ctx, caps);
	w->fails = 0;
	w->blocked = 0;
	w->carrier = caps->link_up;
}

static void
on_link(void *ctx, bool up, uint64_t speed_bps)
{
	world_of(ctx)->carrier = up;
	if (up)
		world_guest_pump(world_of(ctx));
}

static void
on_tx_wake(void *ctx, uint32_t queue)
{
	world_of(ctx)->blocked &= ~(1ull << queue);
	world_guest_pump(world_of(ctx));
}

/* What broke a NIC was noted at its channel. */
static void
on_failed(void *ctx, int err, enum fault why, const char *stage)
{
	if (why != FAULT_NONE)
		(void)fault_note(&world_of(ctx)->blames, why, 0);
	sim_nic_vsc_ops.failed(ctx, err, why, stage);
}

struct fault_log
world_blames(const struct world *w)
{
	const struct fault_log *now = vmc_faults(w->run.link.vmc);
	struct fault_log sum = w->blames;

	sum.total += now->total;
	for (uint32_t i = 0; i < FAULT_COUNT; i++)
		sum.count[i] += now->count[i];
	return sum;
}

void
world_guest_config(struct world *w)
{
	struct vsc_config *c = &w->cfg.vsc;

	guest_ops = sim_nic_vsc_ops;
	guest_ops.attached = on_attached;
	guest_ops.failed = on_failed;
	guest_ops.link = on_link;
	guest_ops.rx = world_rx;
	guest_ops.tx_wake = on_tx_wake;
	w->cfg.vsc_ops = &guest_ops;
	w->cfg.link.vps = c->vps = 4;
	w->cfg.link.mem_pages = 16384;
	/* What the host leaves open would reach nobody who fills it in. */
	w->cfg.vsp.backend_csum = false;
	w->cfg.vsp.backend_gso4 = w->cfg.vsp.backend_gso6 = false;
	c->mtu = 0;
	c->tune.ring_pages = 16;
	c->tune.tx_slots = 16;
	c->tune.rxbuf_kb = 1024;
	c->tune.sendbuf_kb = 512;
}

void
world_guest(struct world *w)
{
	int rc = w->started ? 0 : vmc_start(w->run.link.vmc);

	OS_ASSERT(rc == 0);
	w->started = true;
	sim_link_control(&w->run.link);
}

void
world_renew(struct world *w)
{
	if (w->run.vsc == NULL)
		return;
	w->renew = w->run.detach_due = w->run.guest_due = true;
	w->carrier = false;
	sim_link_control(&w->run.link);
}
