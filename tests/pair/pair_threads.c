/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NetVSC in a system with many threads, over channels as a kernel has them
 * (sim/sim_kernel.h), and the real host end in a thread of its own.
 *
 * A thread for each virtual processor runs the tasks of its channels, one more
 * is control and sleeps in its operations, and four transmit, and look after
 * packets that were received and held.  Frames are numbered and checked.
 * Mainly for a race detector: run it under ThreadSanitizer.
 *
 * Locks, in the order in which they are taken: sending (a sender is in the
 * driver), bus (VMBus client), vp (a processor's dispatch), tx (the driver's,
 * of a queue's transmit), ring (rings that we write), post, memory, hold, wake.
 */
#include "threads_host.h"

/* ---- the guest's bus and its processors --------------------------------- */

static void
wake(struct world *w, bool *what)
{
	pthread_mutex_lock(&w->wake);
	if (what != NULL)
		*what = true;
	w->due = true;
	pthread_cond_broadcast(&w->cond);
	pthread_mutex_unlock(&w->wake);
}

static void
on_offer(void *ctx, struct chan *c)
{
	struct world *w = ctx;
	struct chan *mine = sim_kernel_take(&w->kernel, c);

	pthread_mutex_lock(&w->wake);
	w->offered = mine;
	pthread_mutex_unlock(&w->wake);
	wake(w, NULL);
}

static void
on_gone(void *ctx, struct chan *c)
{
	sim_kernel_gone(&((struct world *)ctx)->kernel, c);
}

static void
on_unloaded(void *ctx)
{
	os_xchg32(&((struct world *)ctx)->unloaded, 1);
}

/* Who parks holds bus, as VP 0 does while it dispatches. */
static void
guest_park(void *ctx, uint32_t vp)
{
	if (vp != 0)
		pthread_mutex_lock(&((struct world *)ctx)->vp[vp]);
}

static void
guest_unpark(void *ctx, uint32_t vp)
{
	if (vp != 0)
		pthread_mutex_unlock(&((struct world *)ctx)->vp[vp]);
}

static void
guest_kick(void *ctx, uint32_t vp)
{
	os_xchg32(&((struct world *)ctx)->irq[vp], 1);
}

static const struct vmc_ops vmc_ops = {
	.post_message = guest_post, .signal_event = guest_signal,
	.eom = guest_eom, .alloc = mem_new, .free = mem_del,
	.mem_alloc = guest_mem_alloc, .mem_free = guest_mem_free,
	.connected = on_connected, .offer = on_offer, .gone = on_gone,
	.unloaded = on_unloaded, .vp_park = guest_park,
	.vp_unpark = guest_unpark, .vp_kick = guest_kick,
};

static void *
vp_main(void *arg)
{
	struct thread *t = arg;
	struct world *w = t->w;
	bool more = false;

	while (os_ld32(&w->stop) == 0) {
		if (t->index == 0)
			pthread_mutex_lock(&w->bus);
		pthread_mutex_lock(&w->vp[t->index]);
		if (os_xchg32(&w->irq[t->index], 0) != 0 || more)
			more = vmc_vp_dispatch(w->vmc, t->index, 64);
		if (os_xchg32(&w->kicked[t->index], 0) != 0 &&
		    sim_kernel_run(&w->kernel, t->index, 64))
			os_xchg32(&w->kicked[t->index], 1);
		pthread_mutex_unlock(&w->vp[t->index]);
		if (t->index == 0) {
			(void)vmc_timer(w->vmc, now_ns());
			pthread_mutex_unlock(&w->bus);
		}
		if (!more)
			usleep(IDLE_US);
	}
	return NULL;
}

/* ---- the kernel's channels ---------------------------------------------- */

static void
kernel_sleep(void *ctx, const uint32_t *done)
{
	struct world *w = ctx;

	pthread_mutex_lock(&w->wake);
	while (os_ld32_acq(done) == 0)
		pthread_cond_wait(&w->cond, &w->wake);
	pthread_mutex_unlock(&w->wake);
}

static void
kernel_wakeup(void *ctx)
{
	wake(ctx, NULL);
}

static void
kernel_lock(void *ctx)
{
	pthread_mutex_lock(&((struct world *)ctx)->ring);
}

static void
kernel_unlock(void *ctx)
{
	pthread_mutex_unlock(&((struct world *)ctx)->ring);
}

static void
kernel_enter(void *ctx)
{
	pthread_mutex_lock(&((struct world *)ctx)->bus);
}

static void
kernel_leave(void *ctx)
{
	pthread_mutex_unlock(&((struct world *)ctx)->bus);
}

/* A task that a kick runs; the bus itself parks its own. */
static void
kernel_drain(void *ctx, uint32_t subindex)
{
	struct world *w = ctx;

	pthread_mutex_lock(&w->vp[subindex % VPS]);
	pthread_mutex_unlock(&w->vp[subindex % VPS]);
}

static void
kernel_subs_here(void *ctx)
{
	struct world *w = ctx;

	wake(w, &w->subs_due);
}

static void
kernel_revoked(void *ctx)
{
	struct world *w = ctx;

	os_xchg32(&w->gone, 1);
	wake(w, &w->detach_due);
}

static const struct sim_kernel_ops kernel_ops = {
	.sleep = kernel_sleep, .wakeup = kernel_wakeup,
	.lock = kernel_lock, .unlock = kernel_unlock,
	.enter = kernel_enter, .leave = kernel_leave, .drain = kernel_drain,
	.subs_here = kernel_subs_here, .revoked = kernel_revoked,
};

/* ---- the driver --------------------------------------------------------- */

static void
on_attached(void *ctx, const struct vsc_caps *caps)
{
	struct world *w = ctx;

	w->caps = *caps;
	os_st32_rel(&w->attached, 1);
}

static void
on_failed(void *ctx, int err, enum fault why, const char *stage)
{
	struct world *w = ctx;

	/* With the offer gone, sends fail before the bus says why. */
	if (err != E_GONE) {
		print_message("# %s: %s at %s\n", hv_err_name(err),
		    fault_name(why), stage);
		os_xchg32(&w->failed, 1);
	}
	wake(w, &w->detach_due);
}

static void
on_detached(void *ctx)
{
	((struct world *)ctx)->detached = true;
}

static void
on_link(void *ctx, bool up, uint64_t speed_bps)
{
}

static uint32_t
on_queue_vp(void *ctx, uint32_t queue)
{
	return queue % VPS;
}

static void
on_send_table(void *ctx, const uint32_t *table, uint32_t count)
{
}

/* Changes with any byte. */
static uint32_t
frame_sum(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 1;

	for (uint32_t i = 0; i < len; i++)
		sum = sum * 31 + p[i];
	return sum;
}

/* A sender is to look at this frame later, and to let go of it. */
static void
hold(struct world *w, uint32_t queue, const struct vsc_frame *f)
{
	const uint8_t *p = f->vec[0].p;

	pthread_mutex_lock(&w->hold);
	if (w->held_n < HELD) {
		int rc = vsc_rx_hold(w->vsc, queue, f->packet);

		if (rc >= 0) {
			w->held[w->held_n++] = (struct held){ p, f->len,
				queue, (uint32_t)rc, frame_sum(p, f->len) };
			w->held_all++;
		}
	}
	pthread_mutex_unlock(&w->hold);
}

static void
unhold(struct world *w)
{
	struct held h = { 0 };

	pthread_mutex_lock(&w->hold);
	if (w->held_n != 0)
		h = w->held[--w->held_n];
	pthread_mutex_unlock(&w->hold);
	if (h.at != NULL && (frame_sum(h.at, h.len) != h.sum ||
	    vsc_rx_unhold(w->vsc, h.queue, h.number) < 0))
		os_xchg32(&w->bad, 1);
}

static void
on_rx(void *ctx, uint32_t queue, const struct vsc_frame *f)
{
	struct world *w = ctx;

	if (f->len % 4 == 0 && f->nvec == 1)
		hold(w, queue, f);
	if (queue >= VPS || !frame_good(f->vec, f->nvec, w->down_got, DOWN))
		os_xchg32(&w->bad, 1);
	else
		os_st32(&w->used[queue], 1);
}

static void
on_control_wanted(void *ctx)
{
	wake(ctx, NULL);
}

static void
on_queue_kick(void *ctx, uint32_t queue)
{
	os_xchg32(&((struct world *)ctx)->kicked[queue], 1);
}

static void
on_tx_lock(void *ctx, uint32_t queue)
{
	pthread_mutex_lock(&((struct world *)ctx)->tx[queue]);
}

static void
on_tx_unlock(void *ctx, uint32_t queue)
{
	pthread_mutex_unlock(&((struct world *)ctx)->tx[queue]);
}

static const struct vsc_ops vsc_ops = {
	.alloc = mem_new, .free = mem_del,
	.mem_alloc = guest_mem_alloc, .mem_free = guest_mem_free,
	.attached = on_attached, .failed = on_failed, .detached = on_detached,
	.link = on_link, .queue_vp = on_queue_vp, .send_table = on_send_table,
	.rx = on_rx, .rx_flush = on_quiet_queue, .tx_wake = on_quiet_queue,
	.tx_lock = on_tx_lock, .tx_unlock = on_tx_unlock,
	.control_wanted = on_control_wanted, .queue_kick = on_queue_kick,
};

/* Transmitters are out of the driver, and stay out. */
static void
transmit_stop(struct world *w)
{
	os_st32(&w->traffic, 0);
	for (uint32_t i = 0; i < SENDERS; i++) {
		pthread_mutex_lock(&w->sending[i]);
		pthread_mutex_unlock(&w->sending[i]);
	}
}

/* What control finds to do; false: it is over. */
static bool
control_turn(struct world *w, uint64_t *next)
{
	struct chan *offered;
	bool subs, detach;

	pthread_mutex_lock(&w->wake);
	offered = w->offered;
	subs = w->subs_due;
	detach = w->detach_due;
	w->offered = NULL;
	w->subs_due = false;
	pthread_mutex_unlock(&w->wake);
	if (offered != NULL && w->vsc == NULL) {
		w->vsc = vsc_attach(&w->cfg.vsc, &vsc_ops, w, offered);
		OS_ASSERT(w->vsc != NULL);
	}
	if (w->vsc == NULL)
		return !detach;
	if (subs)
		sim_kernel_subs(&w->kernel);
	if (detach && !w->detaching) {
		w->detaching = true;
		transmit_stop(w);
		vsc_detach(w->vsc);
	} else if (os_ld32(&w->traffic) != 0) {
		(void)vsc_set_filter(w->vsc, 0xd);
	}
	*next = vsc_control(w->vsc, now_ns());
	return !w->detached;
}

static void *
control_main(void *arg)
{
	struct world *w = arg;
	uint64_t next = 0;

	while (control_turn(w, &next)) {
		struct timespec ts;

		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += 1000000;
		ts.tv_sec += ts.tv_nsec / 1000000000;
		ts.tv_nsec %= 1000000000;
		pthread_mutex_lock(&w->wake);
		if (!w->due && next > now_ns())
			pthread_cond_timedwait(&w->cond, &w->wake, &ts);
		w->due = false;
		pthread_mutex_unlock(&w->wake);
	}
	if (w->vsc == NULL)
		return NULL;
	transmit_stop(w);	/* nobody is inside vsc_rx_unhold() */
	pthread_mutex_lock(&w->bus);
	sim_kernel_end(&w->kernel);
	pthread_mutex_unlock(&w->bus);
	vsc_free(w->vsc);
	return NULL;
}

static void *
sender_main(void *arg)
{
	static const struct pkt_meta plain;
	struct thread *t = arg;
	struct world *w = t->w;
	uint32_t q = t->index % VPS, n = 0;
	uint8_t frame[1600];

	while (os_ld32(&w->stop) == 0) {
		struct vec v = { frame, frame_fill(frame, t->index, n) };
		bool sent = false;

		pthread_mutex_lock(&w->sending[t->index]);
		if (n < FRAMES && os_ld32_acq(&w->traffic) != 0)
			sent = vsc_tx_copy(w->vsc, q, &v, 1, &plain) == 0;
		if (sent && n % 4 == 3)
			vsc_tx_flush(w->vsc, q);
		unhold(w);
		pthread_mutex_unlock(&w->sending[t->index]);
		n += sent;
		if (!sent)
			usleep(IDLE_US);
	}
	return NULL;
}

/* ---- the world ---------------------------------------------------------- */

static struct world the_world;

static void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	sim_init(&w->sim, 1);
	sim_nic_defaults(&w->cfg);
	w->cfg.vsc.vps = VPS;
	w->cfg.vsc.rx_hold = true;
	w->cfg.vsp.max_queues = VPS;
	pthread_mutex_init(&w->bus, NULL);
	pthread_mutex_init(&w->ring, NULL);
	pthread_mutex_init(&w->post, NULL);
	pthread_mutex_init(&w->memory, NULL);
	pthread_mutex_init(&w->wake, NULL);
	pthread_mutex_init(&w->hold, NULL);
	for (uint32_t i = 0; i < SENDERS; i++)
		pthread_mutex_init(&w->sending[i], NULL);
	pthread_cond_init(&w->cond, NULL);
	sim_mem_init(&w->mem, &w->sim, w->cfg.link.mem_pages, 1);
	part_init(&w->part, &part_ops, w, VPS, w->msgs);
	sim_mem_regions(&w->mem, &w->part.mem);
	w->cfg.link.vmc.vps = VPS;
	for (uint32_t i = 0; i < VPS; i++) {
		struct part_vp_regs regs = { .scontrol = true };

		pthread_mutex_init(&w->vp[i], NULL);
		pthread_mutex_init(&w->tx[i], NULL);
		assert_int_equal(guest_mem_alloc(w, HV_PAGE_SIZE,
		    &w->simp[i]), 0);
		assert_int_equal(guest_mem_alloc(w, HV_PAGE_SIZE,
		    &w->siefp[i]), 0);
		regs.simp = guestmem_ptr(&w->part.mem, w->simp[i].gpa,
		    HV_PAGE_SIZE);
		regs.siefp = guestmem_ptr(&w->part.mem, w->siefp[i].gpa,
		    HV_PAGE_SIZE);
		part_vp_set_regs(&w->part, i, &regs);
		w->cfg.link.vmc.simp[i] = w->simp[i].va;
		w->cfg.link.vmc.siefp[i] = w->siefp[i].va;
	}
	sim_kernel_init(&w->kernel, &kernel_ops, w);
	w->vms = vms_create(&w->part, &w->cfg.link.vms, &vms_ops, w);
	w->vsp = vsp_create(&w->cfg.vsp, &vsp_ops, w);
	w->vmc = vmc_create(&w->cfg.link.vmc, &vmc_ops, w);
	assert_true(w->vms != NULL && w->vsp != NULL && w->vmc != NULL);
	assert_int_equal(vms_dev_offer(w->vms, vsp_dev(w->vsp)), 0);
	assert_int_equal(vmc_start(w->vmc), 0);
}

static void
until(const uint32_t *what, uint32_t n)
{
	for (time_t end = time(NULL) + SECONDS; os_ld32_acq(what) != n;) {
		assert_true(time(NULL) < end);
		usleep(1000);
	}
}

/* Up, traffic both ways, down; by detach, or by a rescind in the middle. */
static void
life(bool rescind)
{
	struct world *w = &the_world;
	struct thread vp[VPS], sender[SENDERS], host, control;

	world_init(w);
	pthread_create(&host.id, NULL, host_main, w);
	pthread_create(&control.id, NULL, control_main, w);
	for (uint32_t i = 0; i < VPS; i++) {
		vp[i] = (struct thread){ .w = w, .index = i };
		pthread_create(&vp[i].id, NULL, vp_main, &vp[i]);
	}
	for (uint32_t i = 0; i < SENDERS; i++) {
		sender[i] = (struct thread){ .w = w, .index = i };
		pthread_create(&sender[i].id, NULL, sender_main, &sender[i]);
	}
	until(&w->attached, 1);
	os_st32_rel(&w->traffic, 1);
	if (rescind) {
		usleep(2000);
		os_xchg32(&w->rescind, 1);
		until(&w->gone, 1);
	} else {
		until(&w->up_done, 1);
		for (uint32_t i = 0; i < DOWN; i++)
			until(&w->down_got[i], FRAMES);
		assert_true(os_ld32(&w->used[0]) && os_ld32(&w->used[1]));
		assert_true(w->held_all > 0);
		wake(w, &w->detach_due);
	}
	pthread_join(control.id, NULL);
	pthread_mutex_lock(&w->bus);
	vmc_unload(w->vmc);
	pthread_mutex_unlock(&w->bus);
	until(&w->unloaded, 1);
	os_st32(&w->stop, 1);
	for (uint32_t i = 0; i < VPS; i++)
		pthread_join(vp[i].id, NULL);
	for (uint32_t i = 0; i < SENDERS; i++)
		pthread_join(sender[i].id, NULL);
	os_st32(&w->stop, 2);
	pthread_join(host.id, NULL);
	assert_int_equal(w->failed, 0);
	assert_int_equal(w->bad, 0);
	assert_int_equal(w->kernel.wrong, 0);
	assert_int_equal(w->caps.queues, VPS);
	assert_int_equal(vmc_faults(w->vmc)->total, 0);
	assert_int_equal(vsp_faults(w->vsp)->total, 0);
	vmc_destroy(w->vmc);
	if (!rescind)
		(void)vms_dev_rescind(w->vms, vsp_dev(w->vsp));
	vsp_destroy(w->vsp);
	vms_destroy(w->vms);
	for (uint32_t i = 0; i < VPS; i++) {
		guest_mem_free(w, &w->simp[i]);
		guest_mem_free(w, &w->siefp[i]);
	}
	assert_int_equal(w->mem.pages_live, 0);
	sim_mem_fini(&w->mem);
	sim_fini(&w->sim);
}

static void
traffic_and_detach(void **state)
{
	life(false);
}

static void
rescind_in_traffic(void **state)
{
	for (uint32_t i = 0; i < 3; i++)
		life(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traffic_and_detach),
		cmocka_unit_test(rescind_in_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
