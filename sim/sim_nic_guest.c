/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest side of the NIC scenario: a stack that sends and checks frames, and
 * the port's duties towards vsc and vmc.
 *
 * Theory of operation.  The source offers bursts and stops where the driver
 * says E_AGAIN, until it says wake.  Timers run after every round of guest
 * control; a NIC that failed is detached there, and freed once detached.
 *
 * Context: one thread, inside simulation events or between them.
 */
#include "sim/sim_nic_priv.h"
#include "wire/ndis_obj.h"

/* --- guest stack --- */

static uint32_t
guest_queue(const struct sim_nic_run *r, uint32_t flow)
{
	return flow % r->caps.queues;
}

static void
guest_pump(struct sim_nic_run *r, uint32_t queue)
{
	uint32_t sent = 0;

	for (uint32_t i = 0; i < r->cfg->flows; i++) {
		struct pkt_meta m;
		uint32_t n, len;

		if (guest_queue(r, i) != queue)
			continue;
		while (sent < SIM_NIC_BURST &&
		    (len = sim_frame_make(&r->up[i], r->frame, &m, &n)) != 0) {
			struct vec v = { r->frame, len };

			if (vsc_tx_copy(r->vsc, queue, &v, 1, &m) < 0)
				goto out;
			sim_frame_sent(&r->up[i], n);
			sent++;
		}
	}
out:
	vsc_tx_flush(r->vsc, queue);
}

void
sim_nic_guest_pump(void *arg, uint64_t value)
{
	struct sim_nic_run *r = arg;

	if (r->phase != TRAFFIC || !r->attached || r->detach_due)
		return;
	for (uint32_t q = 0; q < r->caps.queues; q++)
		guest_pump(r, q);
	if (!sim_flows_done(r->up, r->cfg->flows))
		sim_after(r->sim, 20000, sim_nic_guest_pump, r, 0);
}

/* --- packets that the stack holds --- */

static uint64_t
hold_sum(const uint8_t *p, uint32_t len)
{
	uint64_t sum = len;

	for (uint32_t i = 0; i < len; i++)
		sum = sum * 31 + p[i];
	return sum;
}

/* Its bytes are as they were. */
static void
unhold_event(void *arg, uint64_t i)
{
	struct sim_nic_run *r = arg;
	struct sim_nic_held *e = &r->hold[i];

	/* The NIC did not wait for us. */
	if (r->vsc == NULL || e->sum != hold_sum(e->at, e->len) ||
	    vsc_rx_unhold(r->vsc, e->queue, e->hold) < 0)
		r->spoilt++;
	e->at = NULL;
}

/* Hold some, and give them back after up to 0.2 ms, in any order. */
static void
hold_some(struct sim_nic_run *r, uint32_t queue, const struct vsc_frame *f)
{
	uint32_t i = sim_below(r->sim, 4 * SIM_NIC_HELD);
	struct sim_nic_held *e = &r->hold[i % SIM_NIC_HELD];
	int rc;

	/* Of several pieces, the first may be gone after the call. */
	if (i >= SIM_NIC_HELD || e->at != NULL || f->nvec != 1)
		return;
	rc = vsc_rx_hold(r->vsc, queue, f->packet);
	if (rc < 0) {
		r->spoilt += rc != E_AGAIN;
		r->not_held++;
		return;
	}
	*e = (struct sim_nic_held){ f->vec[0].p, f->len, queue,
		(uint32_t)rc, hold_sum(f->vec[0].p, f->len) };
	r->held++;
	sim_after(r->sim, sim_below(r->sim, 200000), unhold_event, r, i);
}

static void
on_rx(void *ctx, uint32_t queue, const struct vsc_frame *f)
{
	struct sim_nic_run *r = ctx;

	if (r->cfg->vsc.rx_hold)
		hold_some(r, queue, f);
	if (!sim_frame_check(r->down, r->cfg->flows, queue, f->vec, f->nvec,
	    &f->meta))
		r->strays++;
}

static void
on_rx_flush(void *ctx, uint32_t queue)
{
}

static void
on_tx_wake(void *ctx, uint32_t queue)
{
	struct sim_nic_run *r = ctx;

	if (r->phase == TRAFFIC && r->attached)
		guest_pump(r, queue);
}

/* --- a kernel's channels --- */

/*
 * Control sleeps: all else goes on, and what would call control meanwhile finds
 * kernel.sleeping.
 */
static void
kernel_sleep(void *ctx, const uint32_t *done)
{
	struct sim_nic_run *r = ctx;

	/* What the operation armed in the bus. */
	sim_link_control(&r->link);
	while (os_ld32(done) == 0 && sim_step(r->sim))
		;
	OS_ASSERT(os_ld32(done) != 0);
}

static void
control_event(void *arg, uint64_t value)
{
	struct sim_nic_run *r = arg;

	r->guest_due = true;
	if (r->link.vmc != NULL)
		sim_link_control(&r->link);
}

/* The control thread runs when it gets the processor. */
static void
on_control_wanted(void *ctx)
{
	struct sim_nic_run *r = ctx;

	if (r->cfg->kernel)
		sim_after(r->sim, sim_below(r->sim, 20000), control_event, r,
		    0);
}

static void
kick_event(void *arg, uint64_t queue)
{
	struct sim_nic_run *r = arg;

	if (r->cfg->kernel ? sim_kernel_run(&r->kernel, (uint32_t)queue, 64) :
	    r->vsc != NULL && !r->detached &&
	    vsc_queue_poll(r->vsc, (uint32_t)queue, 64))
		sim_after(r->sim, 500, kick_event, r, queue);
}

static void
on_queue_kick(void *ctx, uint32_t queue)
{
	struct sim_nic_run *r = ctx;

	sim_after(r->sim, 500, kick_event, r, queue);
}

static void
subs_event(void *arg, uint64_t value)
{
	struct sim_nic_run *r = arg;

	if (r->vsc == NULL)
		return;
	if (r->kernel.sleeping) {
		sim_after(r->sim, 1000, subs_event, r, 0);
		return;
	}
	sim_kernel_subs(&r->kernel);
	control_event(r, 0);
}

static void
kernel_subs_here(void *ctx)
{
	struct sim_nic_run *r = ctx;

	sim_after(r->sim, 1000 + sim_below(r->sim, 50000), subs_event, r, 0);
}

static void
kernel_revoked(void *ctx)
{
	struct sim_nic_run *r = ctx;

	r->detach_due = r->guest_due = true;
}

const struct sim_kernel_ops sim_nic_kernel_ops = {
	.sleep = kernel_sleep, .subs_here = kernel_subs_here,
	.revoked = kernel_revoked,
};

/* The port learns of a rescind as late as it likes, or never. */
static void
kernel_rescinded(struct sim_nic_run *r)
{
	struct chan *c = &r->kernel.chan[0].chan;

	if (!r->kernel.revoked || sim_below(r->sim, 4) != 0)
		return;
	r->kernel.revoked = false;
	c->events->rescinded(c);
}

/* --- upcalls --- */

static void
on_attached(void *ctx, const struct vsc_caps *caps)
{
	struct sim_nic_run *r = ctx;

	r->attached = true;
	r->caps = *caps;
}

static void
on_failed(void *ctx, int err, enum fault why, const char *stage)
{
	struct sim_nic_run *r = ctx;

	r->failed = true;
	r->err = err;
	r->stage = stage;
	r->detach_due = true;
}

static void
on_detached(void *ctx)
{
	struct sim_nic_run *r = ctx;

	r->detached = true;
}

static void
on_link(void *ctx, bool up, uint64_t speed_bps)
{
}

static uint32_t
on_queue_vp(void *ctx, uint32_t queue)
{
	struct sim_nic_run *r = ctx;

	return queue % r->link.cfg.vps;
}

static void
on_send_table(void *ctx, const uint32_t *table, uint32_t count)
{
}

static void *
guest_alloc(void *ctx, size_t bytes)
{
	struct sim_nic_run *r = ctx;

	return sim_guest_alloc(&r->link, bytes);
}

static void
guest_free(void *ctx, void *p, size_t bytes)
{
	struct sim_nic_run *r = ctx;

	sim_guest_free(&r->link, p, bytes);
}

static int
guest_mem_alloc(void *ctx, uint32_t bytes, struct chan_mem *out)
{
	struct sim_nic_run *r = ctx;

	return sim_guest_mem_alloc(&r->link, bytes, out);
}

static void
guest_mem_free(void *ctx, struct chan_mem *mem)
{
	struct sim_nic_run *r = ctx;

	sim_guest_mem_free(&r->link, mem);
}

const struct vsc_ops sim_nic_vsc_ops = {
	.alloc = guest_alloc, .free = guest_free,
	.mem_alloc = guest_mem_alloc, .mem_free = guest_mem_free,
	.attached = on_attached, .failed = on_failed,
	.detached = on_detached, .link = on_link,
	.queue_vp = on_queue_vp, .send_table = on_send_table,
	.rx = on_rx, .rx_flush = on_rx_flush, .tx_wake = on_tx_wake,
	.control_wanted = on_control_wanted, .queue_kick = on_queue_kick,
};

void
sim_nic_rekey(void *arg, uint64_t value)
{
	struct sim_nic_run *r = arg;
	uint32_t table[NDIS_RSS_ENTRIES_MAX];
	uint32_t entries = 16u << sim_below(r->sim, 4);
	uint8_t key[NDIS_RSS_KEY_BYTES];

	if (r->phase != TRAFFIC || !r->attached || r->detach_due)
		return;
	if (r->kernel.sleeping) {
		sim_after(r->sim, 1000, sim_nic_rekey, r, 0);
		return;
	}
	for (uint32_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)sim_below(r->sim, 256);
	for (uint32_t i = 0; i < entries; i++)
		table[i] = sim_below(r->sim, r->caps.queues);
	/* Refused: more entries than the host has. */
	if (vsc_set_rss(r->vsc, key, table, entries) == 0)
		r->rekeys++;
	sim_link_control(&r->link);
	sim_after(r->sim, r->cfg->rekey_us * 1000ull, sim_nic_rekey, r, 0);
}

/* --- link upcalls --- */

static void
on_connected(void *ctx, int version_or_err)
{
	struct sim_nic_run *r = ctx;

	if (version_or_err < 0) {
		r->failed = true;
		r->err = version_or_err;
		r->stage = "connect";
	}
}

static void
on_offer(void *ctx, struct chan *c)
{
	struct sim_nic_run *r = ctx;

	if (r->vsc != NULL || !hv_guid_equal(&c->type, &hv_guid_nic))
		return;
	if (r->cfg->kernel) {
		c = sim_kernel_take(&r->kernel, c);
		r->guest_due = true;
	}
	r->vsc = vsc_attach(&r->cfg->vsc, r->cfg->vsc_ops != NULL ?
	    r->cfg->vsc_ops : &sim_nic_vsc_ops, r, c);
	if (r->vsc == NULL) {
		r->failed = true;
		r->err = E_NOMEM;
		r->stage = "vsc_attach";
	}
}

static void
on_gone(void *ctx, struct chan *c)
{
	struct sim_nic_run *r = ctx;

	if (r->cfg->kernel)
		sim_kernel_gone(&r->kernel, c);
}

static void
on_unloaded(void *ctx)
{
	struct sim_nic_run *r = ctx;

	r->unloaded = true;
}

static uint64_t
on_timer(void *ctx, uint64_t now_ns)
{
	struct sim_nic_run *r = ctx;
	uint64_t next;

	if (r->vsc == NULL || r->kernel.sleeping)
		return UINT64_MAX;
	/* A kernel runs it when it is due, not because something happened. */
	if (r->cfg->kernel && !r->guest_due && now_ns < r->guest_at)
		return r->guest_at;
	r->guest_due = false;
	if (r->detach_due) {
		r->detach_due = false;
		kernel_rescinded(r);
		vsc_detach(r->vsc);
		kernel_rescinded(r);
	}
	next = vsc_control(r->vsc, now_ns);
	r->guest_at = next;
	if (r->detach_due)
		return now_ns;
	if (!r->detached)
		return next;
	sim_kernel_end(&r->kernel);
	r->link.leaked_pages += vsc_leaked_bytes(r->vsc) / HV_PAGE_SIZE;
	vsc_free(r->vsc);
	r->vsc = NULL;
	kernel_rescinded(r);
	return UINT64_MAX;
}

const struct sim_link_ops sim_nic_link_ops = {
	.connected = on_connected, .offer = on_offer, .gone = on_gone,
	.unloaded = on_unloaded, .timer = on_timer,
};
