/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control: the one thread that runs the core's state machine.
 *
 * Theory of operation.  A task queue with one thread.  The rest of the driver
 * says what it wants (`goal_up`, bits of `due`) and enqueues the task; a turn
 * does what is wanted, calls vsc_control(), and sets the timer for when that
 * wants to be called next.  Everything that sleeps in vmbus(4) sleeps here.
 *
 * A NIC that broke, because the host did something wrong or did not answer, is
 * detached and attached again, after a second and then after ever longer.  So
 * is one whose host completes nothing for tx_timeout_ms with packets under way:
 * the watchdog looks at the counters of each queue.
 *
 * Context: control, under ctl, unless a function says otherwise.
 */
#include "hvn.h"

/* Policy: how long an ioctl or attach of the device waits. */
#define CTL_PATIENCE_S	30
/* Policy: how often the time before the next attempt doubles. */
#define CTL_RETRIES_MAX	6u
/* A sub-channel that the host granted is not there yet. */
#define CTL_SUBS_NS	100000000ull

static uint64_t
ctl_now(void)
{
	return (uint64_t)sbttons(sbinuptime());
}

void
hvn_ctl_due(struct hvn_softc *sc, uint32_t due)
{
	mtx_lock(&sc->mtx);
	sc->due |= due;
	mtx_unlock(&sc->mtx);
	taskqueue_enqueue(sc->ctl_tq, &sc->ctl_task);
}

static void
ctl_state(struct hvn_softc *sc, enum hvn_state state)
{
	mtx_lock(&sc->mtx);
	sc->state = state;
	cv_broadcast(&sc->cv);
	mtx_unlock(&sc->mtx);
}

/* ---- upcalls of the core ------------------------------------------------ */

static void
ctl_attached(void *ctx, const struct vsc_caps *caps)
{
	struct hvn_softc *sc = ctx;

	mtx_lock(&sc->mtx);
	sc->caps = *caps;
	sc->attaches++;
	mtx_unlock(&sc->mtx);
	sc->fail_runs = 0;
	for (uint32_t i = 0; i < sc->max_queues; i++)
		sc->queue[i].watch_since = 0;
	if (bootverbose || sc->attaches == 1)
		device_printf(sc->dev, "VMBus %u.%u, NVSP %u.%u, NDIS %u.%u, "
		    "%u channels, MTU %u\n", caps->vmbus_version >> 16,
		    caps->vmbus_version & 0xffff, caps->nvsp_version >> 16,
		    caps->nvsp_version & 0xffff, caps->ndis_version >> 16,
		    caps->ndis_version & 0xffff, caps->queues, caps->mtu);
	hvn_if_caps(sc, caps);
	hvn_tx_start(sc);
	ctl_state(sc, HVN_UP);
	hvn_if_link(sc, caps->link_up, caps->speed_bps);
	if (sc->poll_hz != 0)
		hvn_chan_poll(sc, sc->poll_hz);
	/* What was wanted meanwhile. */
	hvn_ctl_due(sc, HVN_DUE_FILTER | HVN_DUE_OFFLOADS |
	    (sc->rss_set ? HVN_DUE_RSS : 0));
}

static void
ctl_failed(void *ctx, int err, enum fault why, const char *stage)
{
	struct hvn_softc *sc = ctx;

	sc->failed = true;
	sc->fail_err = err;
	sc->fail_why = why;
	if (sc->rescinded)
		return;
	if (why != FAULT_NONE)
		device_printf(sc->dev, "%s: %s (%s)\n", stage,
		    hv_err_text(err), fault_text(why));
	else
		device_printf(sc->dev, "%s: %s\n", stage, hv_err_text(err));
}

static void
ctl_detached(void *ctx)
{
	((struct hvn_softc *)ctx)->detached = true;
}

static void
ctl_link(void *ctx, bool up, uint64_t speed_bps)
{
	hvn_if_link(ctx, up, speed_bps);
}

static void
ctl_offloads(void *ctx, const struct vsc_caps *caps)
{
	struct hvn_softc *sc = ctx;

	mtx_lock(&sc->mtx);
	sc->caps = *caps;
	mtx_unlock(&sc->mtx);
	hvn_if_caps(sc, caps);
}

static uint32_t
ctl_queue_vp(void *ctx, uint32_t queue)
{
	return queue % (uint32_t)mp_ncpus;
}

static void
ctl_send_table(void *ctx, const uint32_t *table, uint32_t count)
{
	struct hvn_softc *sc = ctx;
	uint32_t n = min_u32(count, HVN_SEND_ENTRIES);

	for (uint32_t i = 0; i < n; i++)
		os_st32(&sc->send_table[i], table[i]);
	os_st32(&sc->send_count, n);
}

static void
ctl_wanted(void *ctx)
{
	struct hvn_softc *sc = ctx;

	taskqueue_enqueue(sc->ctl_tq, &sc->ctl_task);
}

static void
ctl_queue_kick(void *ctx, uint32_t queue)
{
	hvn_chan_kick(ctx, queue);
}

const struct vsc_ops hvn_vsc_ops = {
	.alloc = hvn_mem_new, .free = hvn_mem_del,
	.mem_alloc = hvn_mem_shared, .mem_free = hvn_mem_unshare,
	.attached = ctl_attached, .failed = ctl_failed,
	.detached = ctl_detached, .link = ctl_link,
	.offloads = ctl_offloads, .queue_vp = ctl_queue_vp,
	.send_table = ctl_send_table,
	.rx = hvn_rx, .rx_flush = hvn_rx_flush,
	.tx_wake = hvn_tx_wake, .tx_done = hvn_tx_done,
	.tx_lock = hvn_tx_lock, .tx_unlock = hvn_tx_unlock,
	.control_wanted = ctl_wanted, .queue_kick = ctl_queue_kick,
};

/* ---- a turn ------------------------------------------------------------- */

static void
ctl_begin(struct hvn_softc *sc)
{
	struct chan *primary = hvn_chan_take(sc, sc->primary);

	sc->failed = sc->detached = false;
	os_st32(&sc->send_count, 0);
	os_st32(&sc->vsc_cfg.filter, hvn_if_filter(sc));
	sc->vsc_cfg.offloads = hvn_if_offloads(sc);
	ctl_state(sc, HVN_ATTACHING);
	sc->vsc = vsc_attach(&sc->vsc_cfg, &hvn_vsc_ops, sc, primary);
	if (sc->vsc == NULL) {
		sc->failed = true;
		sc->fail_err = E_NOMEM;
		return;
	}
	hvn_if_groups(sc, &sc->groups);
	(void)vsc_set_multicast(sc->vsc, sc->groups.mac, sc->groups.n);
}

static void
ctl_leave(struct hvn_softc *sc)
{
	hvn_tx_stop(sc);
	ctl_state(sc, HVN_DETACHING);
	vsc_detach(sc->vsc);
}

/* Detached: all is back, or leaked on purpose. */
static void
ctl_end(struct hvn_softc *sc)
{
	uint32_t leaked = sc->vsc != NULL ? vsc_leaked_bytes(sc->vsc) : 0;

	if (leaked != 0)
		device_printf(sc->dev,
		    "the host did not let go of %u bytes: leaked\n", leaked);
	if (sc->vsc != NULL)
		vsc_free(sc->vsc);
	sc->vsc = NULL;
	/* Sub-channels are gone when vmbus(4) has seen that they are. */
	if (sc->subs_taken)
		vmbus_subchan_drain(sc->primary);
	sc->subs_taken = false;
	mtx_lock(&sc->mtx);
	if (sc->failed) {
		sc->failures++;
		sc->retry_at = ctl_now() +
		    ((uint64_t)sc->tune.retry_ms * 1000000 <<
		    min_u32(sc->fail_runs++, CTL_RETRIES_MAX));
	}
	sc->failed = false;
	sc->state = HVN_DOWN;
	cv_broadcast(&sc->cv);
	mtx_unlock(&sc->mtx);
}

static void
ctl_filter(struct hvn_softc *sc)
{
	struct hvn_groups g;

	hvn_if_groups(sc, &g);
	if (memcmp(&g, &sc->groups, sizeof(g)) != 0) {
		sc->groups = g;
		(void)vsc_set_multicast(sc->vsc, g.mac, g.n);
	}
	os_st32(&sc->vsc_cfg.filter, hvn_if_filter(sc));
	(void)vsc_set_filter(sc->vsc, sc->vsc_cfg.filter);
}

/* Requests of a NIC that is up. */
static void
ctl_requests(struct hvn_softc *sc, uint32_t due)
{
	if ((due & HVN_DUE_FILTER) != 0)
		ctl_filter(sc);
	if ((due & HVN_DUE_OFFLOADS) != 0 &&
	    sc->vsc_cfg.offloads != hvn_if_offloads(sc)) {
		sc->vsc_cfg.offloads = hvn_if_offloads(sc);
		(void)vsc_set_offloads(sc->vsc, sc->vsc_cfg.offloads);
	}
	if ((due & HVN_DUE_RSS) != 0 && sc->caps.queues > 1) {
		uint32_t table[HVN_RSS_ENTRIES];

		/* Fewer queues than when it was set are no mistake. */
		for (uint32_t i = 0; i < HVN_RSS_ENTRIES; i++)
			table[i] = sc->rss_table[i] % sc->caps.queues;
		(void)vsc_set_rss(sc->vsc, sc->rss_key, table,
		    HVN_RSS_ENTRIES);
	}
}

void
hvn_ctl_rss_kernel(struct hvn_softc *sc)
{
#ifdef RSS
	rss_getkey(sc->rss_key);
	for (uint32_t i = 0; i < HVN_RSS_ENTRIES; i++)
		sc->rss_table[i] = rss_get_indirection_to_bucket(i);
	sc->rss_set = true;
#endif
}

static void
ctl_rescind(struct hvn_softc *sc)
{
	struct chan *c = &sc->chan[0].chan;

	if (sc->rescinded || !vmbus_chan_is_revoked(sc->primary))
		return;
	sc->rescinded = true;
	if (sc->vsc != NULL)
		c->events->rescinded(c);
}

/* ---- the watchdog ------------------------------------------------------- */

/* For how long the queue had packets under way and none completed, ns. */
static uint64_t
ctl_stuck_ns(struct hvn_queue *q, uint64_t now)
{
	const struct vsc_tx_counters *c = vsc_tx_stats(q->sc->vsc, q->index);
	uint64_t done = os_ld64(&c->completions);

	if (os_ld64(&c->packets) == done)
		q->watch_since = 0;
	else if (q->watch_since == 0 || q->watch_done != done)
		q->watch_since = now;
	q->watch_done = done;
	return q->watch_since != 0 ? now - q->watch_since : 0;
}

/* Returns when to look again. */
static uint64_t
ctl_watch(struct hvn_softc *sc, uint64_t now)
{
	int ms = sc->tune.tx_timeout_ms;
	uint64_t limit = (uint64_t)ms * 1000000;

	if (sc->state != HVN_UP || sc->failed || ms <= 0)
		return UINT64_MAX;
	for (uint32_t i = 0; i < min_u32(sc->caps.queues,
	    sc->max_queues); i++) {
		if (ctl_stuck_ns(&sc->queue[i], now) < limit)
			continue;
		device_printf(sc->dev, "queue %u: the host completed no packet "
		    "for %d ms: restart\n", i, ms);
		mtx_lock(&sc->mtx);
		sc->watchdogs++;
		mtx_unlock(&sc->mtx);
		sc->failed = true;
		sc->fail_err = E_TIMEOUT;
		sc->fail_why = FAULT_NONE;
		return now;
	}
	return now + limit / 4;
}

/* ---- turns -------------------------------------------------------------- */

/* Down to up or back, as far as it goes now; returns when to look again. */
static uint64_t
ctl_turn(struct hvn_softc *sc, uint32_t due, bool goal)
{
	uint64_t now = ctl_now(), next = UINT64_MAX, look;
	bool busy;

	ctl_rescind(sc);
	hvn_chan_subs(sc);
	if (sc->state == HVN_DOWN && goal && !sc->rescinded) {
		mtx_lock(&sc->mtx);
		busy = sc->subs_busy;
		mtx_unlock(&sc->mtx);
		if (busy)
			return now + CTL_SUBS_NS;
		if (now < sc->retry_at)
			return sc->retry_at;
		ctl_begin(sc);
		due = 0;
	}
	if (sc->vsc != NULL && sc->state != HVN_DETACHING &&
	    (!goal || sc->failed || (due & HVN_DUE_RESTART) != 0))
		ctl_leave(sc);
	if (sc->state == HVN_UP)
		ctl_requests(sc, due);
	if (sc->vsc != NULL)
		next = vsc_control(sc->vsc, now);
	look = ctl_watch(sc, now);
	next = look < next ? look : next;
	/* An upcall of it may want another turn. */
	if (sc->failed && sc->vsc != NULL && sc->state != HVN_DETACHING)
		next = now;
	if (sc->detached || (sc->vsc == NULL && sc->state != HVN_DOWN)) {
		sc->detached = false;
		ctl_end(sc);
		next = now;
	}
	return next;
}

static void
ctl_run(struct hvn_softc *sc)
{
	uint64_t next, now;
	uint32_t due;
	bool goal;

	sx_xlock(&sc->ctl);
	do {
		mtx_lock(&sc->mtx);
		due = sc->due;
		sc->due = 0;
		goal = sc->goal_up;
		mtx_unlock(&sc->mtx);
		next = ctl_turn(sc, due, goal);
		now = ctl_now();
	} while (next <= now);
	sx_xunlock(&sc->ctl);
	if (next != UINT64_MAX)
		taskqueue_enqueue_timeout_sbt(sc->ctl_tq, &sc->ctl_timer,
		    nstosbt((int64_t)(next - now)), 0, 0);
}

static void
ctl_task(void *arg, int pending)
{
	ctl_run(arg);
}

/* ---- requests of the rest; these sleep ---------------------------------- */

/*
 * Wait until the state is that, with more attaches or failures than before.
 */
static int
ctl_wait(struct hvn_softc *sc, enum hvn_state state, uint32_t attaches,
    uint32_t failures)
{
	sbintime_t end = sbinuptime() + CTL_PATIENCE_S * SBT_1S;

	mtx_assert(&sc->mtx, MA_OWNED);
	for (;;) {
		bool there = sc->state == state;

		if (there && (state == HVN_DOWN || sc->attaches != attaches))
			return 0;
		if (state == HVN_UP && (sc->failures != failures ||
		    vmbus_chan_is_revoked(sc->primary)))
			return ENXIO;
		/* Down is waited for as long as it takes. */
		if (state == HVN_UP && sbinuptime() > end)
			return ETIMEDOUT;
		(void)cv_timedwait(&sc->cv, &sc->mtx, hz);
	}
}

int
hvn_ctl_up(struct hvn_softc *sc)
{
	uint32_t attaches, failures;
	int error;

	mtx_lock(&sc->mtx);
	attaches = sc->attaches;
	failures = sc->failures;
	sc->goal_up = true;
	mtx_unlock(&sc->mtx);
	hvn_ctl_due(sc, 0);
	mtx_lock(&sc->mtx);
	error = ctl_wait(sc, HVN_UP, attaches, failures);
	mtx_unlock(&sc->mtx);
	return error;
}

int
hvn_ctl_down(struct hvn_softc *sc)
{
	int error;

	mtx_lock(&sc->mtx);
	sc->goal_up = false;
	mtx_unlock(&sc->mtx);
	hvn_ctl_due(sc, 0);
	mtx_lock(&sc->mtx);
	error = ctl_wait(sc, HVN_DOWN, 0, 0);
	mtx_unlock(&sc->mtx);
	return error;
}

int
hvn_ctl_mtu(struct hvn_softc *sc, uint32_t mtu)
{
	uint32_t attaches, failures;
	int error;

	sx_xlock(&sc->ctl);
	sc->vsc_cfg.mtu = mtu;
	sx_xunlock(&sc->ctl);
	mtx_lock(&sc->mtx);
	attaches = sc->attaches;
	failures = sc->failures;
	mtx_unlock(&sc->mtx);
	hvn_ctl_due(sc, HVN_DUE_RESTART);
	mtx_lock(&sc->mtx);
	error = ctl_wait(sc, HVN_UP, attaches, failures);
	mtx_unlock(&sc->mtx);
	return error;
}

int
hvn_ctl_init(struct hvn_softc *sc)
{
	const char *name = device_get_nameunit(sc->dev);

	sx_init(&sc->cfg, "hvn cfg");
	sx_init(&sc->ctl, "hvn ctl");
	mtx_init(&sc->mtx, "hvn state", NULL, MTX_DEF);
	cv_init(&sc->cv, "hvnctl");
	TASK_INIT(&sc->ctl_task, 0, ctl_task, sc);
	TASK_INIT(&sc->subs_task, 0, hvn_chan_subs_wait, sc);
	sc->ctl_tq = taskqueue_create("hvn_ctl", M_WAITOK,
	    taskqueue_thread_enqueue, &sc->ctl_tq);
	sc->subs_tq = taskqueue_create("hvn_subs", M_WAITOK,
	    taskqueue_thread_enqueue, &sc->subs_tq);
	TIMEOUT_TASK_INIT(sc->ctl_tq, &sc->ctl_timer, 0, ctl_task, sc);
	TIMEOUT_TASK_INIT(sc->ctl_tq, &sc->hold_timer, 0, hvn_tx_held, sc);
	if (taskqueue_start_threads(&sc->ctl_tq, 1, PI_NET, "%s ctl",
	    name) != 0 ||
	    taskqueue_start_threads(&sc->subs_tq, 1, PI_NET, "%s subs",
	    name) != 0)
		return ENOMEM;
	return 0;
}

void
hvn_ctl_fini(struct hvn_softc *sc)
{
	taskqueue_drain(sc->subs_tq, &sc->subs_task);
	taskqueue_drain(sc->ctl_tq, &sc->ctl_task);
	while (taskqueue_cancel_timeout(sc->ctl_tq, &sc->ctl_timer,
	    NULL) != 0)
		taskqueue_drain_timeout(sc->ctl_tq, &sc->ctl_timer);
	while (taskqueue_cancel_timeout(sc->ctl_tq, &sc->hold_timer,
	    NULL) != 0)
		taskqueue_drain_timeout(sc->ctl_tq, &sc->hold_timer);
	taskqueue_free(sc->subs_tq);
	taskqueue_free(sc->ctl_tq);
	cv_destroy(&sc->cv);
	mtx_destroy(&sc->mtx);
	sx_destroy(&sc->ctl);
	sx_destroy(&sc->cfg);
}
