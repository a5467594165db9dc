/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of a guest process.
 *
 * The interface and the virtual processors' threads are made once and live as
 * long as the process; link, VMBus and NetVSC are made again for each host that
 * answers.  While no host answers the interface stays, without carrier, and
 * the other VPs are parked.
 *
 * The states of enum guest_state are moved by guest_control(), which runs on
 * VP 0 and is the control context of vmc and vsc.  Events that arrive from
 * inside their upcalls only set `lost` or `reset`: nothing is freed under the
 * code that called.  Teardown: NetVSC, then UNLOAD, then the link.
 */
#include "linux/guest/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "linux/guest/guest_priv.h"
#include "linux/run/clock.h"
#include "linux/run/sockfile.h"
#include "wire/ndis_obj.h"

/* Policy: how often an absent host is looked for. */
#define GUEST_RETRY_NS		200000000ull
/* Policy: doubled so many times while a host is there and it fails. */
#define GUEST_RETRY_DOUBLE	5u
/* Policy: packets a channel in one turn of dispatch. */
#define GUEST_BUDGET		64u
/* Policy: how long a stop waits for the host: of one that is up, and else. */
#define GUEST_STOP_UP_NS	3000000000ull
#define GUEST_STOP_NS		1000000000ull

bool
guest_stopped(const struct guest *g)
{
	return os_ld32(&g->stopped) != 0;
}

void
guest_config_default(struct guest_config *c)
{
	*c = (struct guest_config){ .name = "", .nic = "", .ifname = "hn0",
		.netns = "", .vps = 2, .uio = -1, .memory_bytes = 1ull << 30,
		.coalesce = true,
		.place = { .pin = true, .first_cpu = GUEST_CPU_AUTO } };
	vsc_tunables_default(&c->vsc.tune);
	c->vsc.offloads = VSC_OFF_ALL;
	/* Until the interface was looked at. */
	c->vsc.filter = NDIS_FILTER_DIRECTED | NDIS_FILTER_ALLMULTI |
	    NDIS_FILTER_BROADCAST;
}

/* --- states --- */

static bool
guest_stop_due(const struct guest *g, uint64_t now)
{
	return os_ld32_acq(&g->stopping) != 0 && now >= g->stop_at;
}

/* The link waits for the host: be parked meanwhile, and stop when told to. */
static bool
guest_go_on(void *ctx)
{
	struct guest *g = ctx;

	if (g->wire.link == NULL)
		snprintf(g->reason, sizeof(g->reason), "%s: the host does "
		    "not answer", g->cfg.connect);
	vp_yield(&g->vp[0]);
	if (g->wire.link == NULL)
		return os_ld32(&g->stopping) == 0;
	return !guest_stop_due(g, clock_now_ns());
}

static int
guest_connect(struct guest *g)
{
	/* A host that does not look at the moment asks to be told: edge. */
	const bool poll = g->cfg.signal == VMC_SIGNAL_POLL;
	const struct link_guest_config lc = { .path = g->cfg.connect,
		.name = g->cfg.name, .nic = g->cfg.nic,
		.kind = poll ? LINK_KIND_POLL : LINK_KIND_HVNET,
		.max_nics = 1, .vps = g->cfg.vps,
		.memory_bytes = g->cfg.memory_bytes,
		.go_on = guest_go_on, .ctx = g };
	struct vmc_config vc = { .vps = g->cfg.vps,
		.max_version = g->cfg.max_vmbus,
		.min_version = g->cfg.min_vmbus,
		.signal = poll ? VMC_SIGNAL_EDGE : g->cfg.signal };
	char err[sizeof(g->reason)];
	int rc;

	if (g->cfg.uio >= 0)
		return guest_uio_connect(g);
	rc = link_guest_open(&lc, &g->wire.link, err, sizeof(err));
	if (rc < 0) {
		memcpy(g->reason, err, sizeof(err));
		/* Another host may fare better: it is tried at once. */
		g->fails = 0;
		return rc;
	}
	for (uint32_t i = 0; i < g->cfg.vps; i++) {
		vc.simp[i] = link_guest_simp(g->wire.link, i);
		vc.siefp[i] = link_guest_siefp(g->wire.link, i);
		vp_source_add(&g->vp[i],
		    link_guest_interrupt_fd(g->wire.link, i),
		    VP_SOURCE_INTERRUPT, 0);
	}
	vp_source_add(&g->vp[0], link_guest_fd(g->wire.link),
	    VP_SOURCE_SOCKET, 0);
	g->vmc = vmc_create(&vc, &guest_vmc_ops, g);
	if (g->vmc == NULL || vmc_start(g->vmc) < 0) {
		snprintf(g->reason, sizeof(g->reason), "out of memory");
		g->lost = true;
		return -ENOMEM;
	}
	snprintf(g->reason, sizeof(g->reason), "the host does not answer at "
	    "VMBus");
	/* The channel may be another VP's from the first message. */
	guest_vps_unpark(g);
	guest_state_set(g, GUEST_CONNECTING);
	return 0;
}

/* Free what belongs to one host; the interface loses its carrier. */
static void
guest_disconnect(struct guest *g)
{
	guest_vps_park(g);
	tap_carrier(&g->tap, false);
	/* At once: the link may wait and let the main thread look. */
	guest_state_set(g, GUEST_WAIT_HOST);
	if (g->vsc != NULL) {
		g->leaked_bytes += vsc_leaked_bytes(g->vsc);
		vsc_free(g->vsc);
	}
	g->vsc = NULL;
	g->offered = g->next_offer = NULL;
	if (g->vmc != NULL)
		vmc_destroy(g->vmc);
	g->vmc = NULL;
	if (g->wire.link != NULL) {
		vp_source_del(&g->vp[0], link_guest_fd(g->wire.link));
		for (uint32_t i = 0; i < g->cfg.vps; i++)
			vp_source_del(&g->vp[i],
			    link_guest_interrupt_fd(g->wire.link, i));
		link_guest_close(g->wire.link);
	}
	g->wire.link = NULL;
	guest_uio_disconnect(g);
	g->queues = 0;
	g->lost = g->reset = g->rescinded = g->dropped = g->renew = false;
	g->timer_at = UINT64_MAX;
	g->retry_at = clock_now_ns() + (GUEST_RETRY_NS <<
	    min_u32(g->fails, GUEST_RETRY_DOUBLE));
}

static void
guest_detach(struct guest *g)
{
	guest_vps_park(g);
	tap_carrier(&g->tap, false);
	guest_state_set(g, GUEST_DETACHING);
	if (g->vsc == NULL) {
		g->vsc_down = true;
		return;
	}
	vsc_detach(g->vsc);
	/* No more frames, but the VPs still own their channels. */
	guest_vps_unpark(g);
}

/*
 * The NetVSC is down: attach again with other settings, wait for the NIC's next
 * offer, or say good-bye.
 */
static void
guest_let_go(struct guest *g)
{
	struct chan *next = g->next_offer;
	bool stay = g->rescinded || g->renew;

	/* The same NIC again. */
	if (next == NULL && !g->rescinded)
		next = g->offered;
	if (g->vsc != NULL) {
		g->leaked_bytes += vsc_leaked_bytes(g->vsc);
		vsc_free(g->vsc);
		g->vsc = NULL;
	}
	g->queues = 0;
	g->offered = g->next_offer = NULL;
	if (g->wire.bus != NULL) {
		/* The channel ends with its files. */
		g->lost = true;
		return;
	}
	if (!stay || os_ld32(&g->stopping) != 0) {
		guest_state_set(g, GUEST_UNLOADING);
		vmc_unload(g->vmc);
		return;
	}
	g->rescinded = g->reset = g->renew = false;
	guest_state_set(g, GUEST_CONNECTING);
	if (next != NULL)
		guest_attach(g, next);
}

static void
guest_timers(struct guest *g, uint64_t now)
{
	uint64_t at = UINT64_MAX, t;

	if (g->vmc != NULL)
		at = vmc_timer(g->vmc, now);
	if (g->wire.bus != NULL && g->vsc != NULL &&
	    (t = uio_bus_timer(g->wire.bus, now)) < at)
		at = t;
	if (g->vsc != NULL && (t = vsc_control(g->vsc, now)) < at)
		at = t;
	g->timer_at = at;
}

/*
 * The host vanished, or sent BYE: tell the state machines once, and drop them
 * when the NetVSC has let go.
 */
static void
guest_on_lost(struct guest *g, uint64_t now)
{
	bool up = g->state == GUEST_UP;

	if (!g->dropped) {
		g->dropped = true;
		guest_vps_park(g);
		tap_carrier(&g->tap, false);
		if (g->vmc != NULL)
			vmc_lost(g->vmc);
		if (g->vsc != NULL)
			vsc_detach(g->vsc);
		guest_timers(g, now);
	}
	if (g->vsc != NULL && !g->vsc_down) {
		guest_state_set(g, GUEST_DETACHING);
		return;
	}
	guest_disconnect(g);
	if (up && os_ld32(&g->stopping) == 0)
		fprintf(stderr, "hvnet guest: %s: the host is gone%s\n",
		    g->tap.name, g->cfg.once ? "" : "; waiting for it");
	if (g->cfg.once || os_ld32(&g->stopping) != 0) {
		guest_state_set(g, GUEST_STOPPED);
		os_st32(&g->stopped, 1);
	}
}

void
guest_control(struct guest *g)
{
	uint64_t now = clock_now_ns();
	enum guest_state before;

	if (g->state == GUEST_UP && os_ld32(&g->control_due) == 0 &&
	    !g->lost && !g->reset && now < g->timer_at &&
	    os_ld32(&g->stopping) == 0)
		return;
	os_xchg32(&g->control_due, 0);
	if (g->state > GUEST_WAIT_HOST && guest_stop_due(g, now))
		g->lost = true;		/* the host does not answer */
	do {
		before = g->state;
		guest_timers(g, now);
		if (g->lost) {
			guest_on_lost(g, now);
		} else if (g->state == GUEST_WAIT_HOST) {
			if (os_ld32(&g->stopping) != 0) {
				guest_state_set(g, GUEST_STOPPED);
				os_st32(&g->stopped, 1);
			} else if (now >= g->retry_at &&
			    guest_connect(g) < 0) {
				g->retry_at = clock_now_ns() + GUEST_RETRY_NS;
			}
		} else if (g->state <= GUEST_UP &&
		    (g->reset || os_ld32(&g->stopping) != 0)) {
			guest_detach(g);
		} else if (g->state == GUEST_DETACHING && g->vsc_down) {
			guest_let_go(g);
		}
	} while (g->state != before);
	guest_moves(g);
}

int
guest_timeout_ms(const struct guest *g)
{
	uint64_t now = clock_now_ns();
	uint64_t at = g->state == GUEST_WAIT_HOST ? g->retry_at : g->timer_at;

	if (os_ld32_acq(&g->stopping) != 0 && g->stop_at < at)
		at = g->stop_at;

	if ((g->lost && !g->dropped) || (g->reset && g->state <= GUEST_UP) ||
	    os_ld32(&g->control_due) != 0)
		return 0;
	if (at == UINT64_MAX)
		return -1;
	return at <= now ? 0 : (int)((at - now) / 1000000u) + 1;
}

void
guest_socket_event(struct guest *g)
{
	if (g->wire.link != NULL && link_guest_poll(g->wire.link) < 0)
		g->lost = true;
}

bool
guest_dispatch(struct guest *g, uint32_t vp)
{
	if (g->wire.bus != NULL)
		return guest_uio_dispatch(g, vp);
	if (g->vmc == NULL)
		return false;
	/* Messages come to VP 0, and what they begin the timers go on with. */
	if (vp == 0)
		os_st32(&g->control_due, 1);
	return vmc_vp_dispatch(g->vmc, vp, GUEST_BUDGET);
}

/* --- public --- */

static void
guest_destroy(struct guest *g)
{
	tapwatch_destroy(g->watch);
	ctl_server_destroy(g->ctl);
	for (uint32_t k = 0; g->queue != NULL && k < g->tap.queues; k++)
		free(g->queue[k].coal);
	tap_close(&g->tap);
	free(g->queue);
	if (g->steer != NULL)
		steer_destroy(g->steer);
	guest_see_close(g);
	free(g);
}

/* Guests that run already have the first processors, as far as they go. */
static uint32_t
guest_cpu_auto(uint32_t vps)
{
	struct ctl_paths guests;
	uint32_t first;

	ctl_paths("guest", &guests);
	first = (uint32_t)guests.count * vps;
	ctl_paths_free(&guests);
	return first;
}

struct guest *
guest_start(const struct guest_config *cfg, struct event_base *base, char *err,
    size_t cap)
{
	struct guest *g = aligned_alloc(OS_CACHELINE, sizeof(*g));
	int rc = 0;

	snprintf(err, cap, "out of memory");
	if (g == NULL)
		return NULL;
	memset(g, 0, sizeof(*g));
	g->cfg = *cfg;
	if (g->cfg.place.first_cpu == GUEST_CPU_AUTO)
		g->cfg.place.first_cpu = guest_cpu_auto(cfg->vps);
	g->base = base;
	g->timer_at = UINT64_MAX;
	if (guest_see_open(g, err, cap) < 0)
		goto fail;
	if (guest_iface_make(g, err, cap) < 0)
		goto fail;
	guest_vps_share(g);
	g->ctl = ctl_server_create(base, "guest", cfg->ifname,
	    SOCKFILE_NO_GROUP, guest_ctl, g, err, cap);
	if (g->ctl == NULL)
		goto fail;
	/* VP 0 last: it drives the others. */
	for (uint32_t i = cfg->vps; rc == 0 && i-- > 0;)
		rc = vp_start(&g->vp[i], g, i, vp_loop);
	for (uint32_t k = 0; rc == 0 && k < g->tap.queues; k++)
		rc = vp_source_add(&g->vp[netif_queue_vp(g, k)],
		    g->tap.fd[k], VP_SOURCE_TAP, k);
	if (rc == 0 && guest_iface_watch(g, err, cap) < 0)
		goto stop;
	if (rc == 0)
		return g;
	snprintf(err, cap, "starting virtual processors: %s", strerror(-rc));
stop:
	os_st32(&g->stopped, 1);
	for (uint32_t i = 0; i < cfg->vps; i++)
		vp_join(&g->vp[i]);
fail:
	guest_destroy(g);
	return NULL;
}

void
guest_stop(struct guest *g)
{
	bool up;

	vp_park(&g->vp[0]);
	up = g->state == GUEST_UP;
	vp_unpark(&g->vp[0]);
	g->stop_at = clock_now_ns() + (up ? GUEST_STOP_UP_NS : GUEST_STOP_NS);
	os_st32_rel(&g->stopping, 1);
	for (uint32_t i = 0; i < g->cfg.vps; i++) {
		vp_wake(&g->vp[i]);
		vp_join(&g->vp[i]);
	}
	guest_destroy(g);
}

bool
guest_attached(struct guest *g, char *detail, size_t cap, bool *told)
{
	bool up;

	vp_park(&g->vp[0]);
	up = g->state == GUEST_UP;
	*told = g->fails > 0;
	snprintf(detail, cap, "%s%s%s", g->state == GUEST_WAIT_HOST &&
	    g->cfg.uio >= 0 ? "waiting for the NIC" :
	    guest_state_name(g->state), g->reason[0] != '\0' ? ": " : "",
	    g->reason);
	vp_unpark(&g->vp[0]);
	return up;
}
