/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NetVSPs that guests have not let go of yet.
 *
 * Theory of operation.  A guest says little while it lets go of a NIC, so all
 * channels of a NetVSP that leaves are looked at on the control thread, with
 * bounded work in each look: when the guest signals, and by a timer, often
 * while the guest says something and ever less often when it does not.  Signals
 * make answers quick; nothing depends on them.
 *
 *	QUIETING	the link went down; served, not rescinded yet
 *	RESCINDED	RESCIND_OFFER is out; served; the NIC waits
 *	OVERDUE		as above, and others may have the instance
 *
 * RESCIND_OFFER waits until the guest has come to rest (nic_quiet.h): it is not
 * attaching, has read and acknowledged all, and was silent for long enough.
 * What Linux sends all the same, between that look and its handling of the
 * rescind, must be answered before it gets there: within some milliseconds.  So
 * the looks stay quick for LEAVING_CLOSE_NS.
 *
 * A guest that has not let go LEAVING_RELEASE_NS after that keeps only itself
 * from the NIC.
 */
#include "linux/host/nic_leaving.h"

#include <stdlib.h>
#include <string.h>

#include "bus/ring_chan.h"
#include "linux/host/host_priv.h"
#include "linux/host/nic_quiet.h"
#include "linux/host/nic_see.h"
#include "linux/host/nic_vsp.h"
#include "linux/host/offer.h"
#include "linux/run/clock.h"

/* Policy: quick looks after RESCIND_OFFER. */
#define LEAVING_CLOSE_NS	1000000000u
/* Policy: a guest that has not let go by then keeps no other from the NIC. */
#define LEAVING_RELEASE_NS	30000000000u
/* Policy: time between looks, and signals heard in it. */
#define LEAVING_LOOK_MIN_US	1000u
#define LEAVING_LOOK_MAX_US	128000u
#define LEAVING_SIGNALS		8u
/* Policy: packets in a pass over a channel, and passes in a look at all. */
#define LEAVING_BUDGET		64u
#define LEAVING_PASSES		16u

enum leaving_state { LEAVING_QUIETING, LEAVING_RESCINDED, LEAVING_OVERDUE };

struct nic_leaving {
	struct host *host;
	struct nic_leaving *next;
	struct nic_user user;
	struct event *look;
	struct vsp *vsp;		/* NULL until it begins */
	char name[NIC_NAME_LEN];
	uint8_t mac[6];
	enum leaving_state state;
	uint32_t look_us;
	uint64_t since_ns;		/* of the state */
	uint64_t looked_ns;
	struct nic_quiet quiet;
	uint32_t signals;		/* since the last look */
	bool control_due;
	bool heard;			/* since the last look */
	bool gone;			/* the guest let go */
	struct chan *chan[VSP_MAX_QUEUES];
	struct see_watch watch[VSP_MAX_QUEUES];
	struct event *signal[VSP_MAX_QUEUES];	/* NULL: it has none */
	uint32_t turn;			/* the channel to begin with */
};

static void leaving_on_look(evutil_socket_t fd, short what, void *arg);

static void
leaving_look_in(struct nic_leaving *l, uint32_t us)
{
	const struct timeval tv = { 0, (suseconds_t)us };

	l->look_us = us;
	evtimer_add(l->look, &tv);
}

/* --- signals --- */

/* What came while they were not heard is there at once: edge-triggered. */
static void
leaving_signals_hear(struct nic_leaving *l)
{
	l->signals = 0;
	for (uint32_t k = 0; k < VSP_MAX_QUEUES; k++)
		if (l->signal[k] != NULL)
			event_add(l->signal[k], NULL);
}

static void
leaving_signals_ignore(struct nic_leaving *l)
{
	for (uint32_t k = 0; k < VSP_MAX_QUEUES; k++)
		if (l->signal[k] != NULL)
			event_del(l->signal[k]);
}

/* Look now, but not more often than the timer would. */
static void
leaving_on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct nic_leaving *l = arg;

	if (++l->signals == LEAVING_SIGNALS)
		leaving_signals_ignore(l);	/* until the next look */
	if (clock_now_ns() - l->looked_ns >= LEAVING_LOOK_MIN_US * 1000)
		leaving_on_look(-1, 0, l);
	else if (l->look_us > LEAVING_LOOK_MIN_US)
		leaving_look_in(l, LEAVING_LOOK_MIN_US);
}

/* --- the NetVSP's needs --- */

static void
leaving_from_guest(void *ctx, uint32_t queue, const struct vsp_frame *f)
{
	/* The link is down: no frame arrives here. */
}

static void
leaving_from_guest_flush(void *ctx, uint32_t queue)
{
}

static void
leaving_to_guest_wake(void *ctx, uint32_t queue)
{
}

static void
leaving_control_wanted(void *ctx)
{
	struct nic_leaving *l = ctx;

	l->control_due = true;
}

static void
leaving_queue_start(void *ctx, uint32_t queue, struct chan *c)
{
	struct nic_leaving *l = ctx;
	int fd = link_host_signal_fd(l->user.link, c);

	l->chan[queue] = c;
	nic_see_leaving(&l->watch[queue], l->host, l->vsp, l->name, &l->user,
	    c);
	if (fd >= 0)
		l->signal[queue] = event_new(l->host->base, fd, EV_READ |
		    EV_ET | EV_PERSIST, leaving_on_signal, l);
	leaving_signals_hear(l);
	l->heard = true;
	leaving_look_in(l, LEAVING_LOOK_MIN_US);
}

static void
leaving_queue_stop(void *ctx, uint32_t queue)
{
	struct nic_leaving *l = ctx;

	see_watch_stop(&l->watch[queue]);
	if (l->signal[queue] != NULL)
		event_free(l->signal[queue]);
	l->signal[queue] = NULL;
	l->chan[queue] = NULL;
}

static void
leaving_gone(void *ctx)
{
	struct nic_leaving *l = ctx;

	l->gone = true;
	leaving_look_in(l, 0);
}

static const struct vsp_ops leaving_ops = {
	.alloc = nic_vsp_alloc,
	.free = nic_vsp_free,
	.from_guest = leaving_from_guest,
	.from_guest_flush = leaving_from_guest_flush,
	.to_guest_wake = leaving_to_guest_wake,
	.control_wanted = leaving_control_wanted,
	.queue_start = leaving_queue_start,
	.queue_stop = leaving_queue_stop,
	.gone = leaving_gone,
};

/* --- service --- */

/* One pass; true: there may be more. */
static bool
leaving_pass(struct nic_leaving *l, uint32_t k)
{
	enum vsp_poll p = vsp_from_guest_poll(l->vsp, k, LEAVING_BUDGET);

	if (!l->control_due && p != VSP_POLL_WORK)
		return p == VSP_POLL_EMPTY && !vsp_from_guest_arm(l->vsp, k);
	l->heard = true;
	if (l->control_due) {
		l->control_due = false;
		if (vsp_control_run(l->vsp))
			l->control_due = true;
	}
	return true;
}

/* However much a guest sends, one look is short. */
static void
leaving_serve(struct nic_leaving *l)
{
	uint32_t dry = 0;

	for (uint32_t n = 0; n < LEAVING_PASSES && dry < VSP_MAX_QUEUES;) {
		uint32_t k = l->turn;

		l->turn = (k + 1) % VSP_MAX_QUEUES;
		if (l->chan[k] == NULL) {
			dry++;
			continue;
		}
		n++;
		dry = leaving_pass(l, k) ? 0 : dry + 1;
	}
}

/* Is the attach over, and has the guest read and acknowledged all? */
static bool
leaving_settled(const struct nic_leaving *l)
{
	struct vsp_guest_state s;

	vsp_guest_state(l->vsp, &s);
	if (s.attaching || s.rx_sections_free != s.rx_sections)
		return false;
	for (uint32_t k = 0; k < VSP_MAX_QUEUES; k++)
		if (l->chan[k] != NULL &&
		    !ring_chan_drained(ring_chan_of(l->chan[k])))
			return false;
	return true;
}

static void
leaving_enter(struct nic_leaving *l, enum leaving_state s, uint64_t now)
{
	l->state = s;
	l->since_ns = now;
}

static void
leaving_rescind(struct nic_leaving *l, uint64_t now)
{
	leaving_enter(l, LEAVING_RESCINDED, now);
	l->gone = !vms_dev_rescind(l->user.vms, vsp_dev(l->vsp));
}

static void
leaving_overdue(struct nic_leaving *l, uint64_t now)
{
	leaving_enter(l, LEAVING_OVERDUE, now);
	host_log(&l->host->log, "%s: guest %u has not let go of it within "
	    "%u s: other guests may have it now, and this one when it has let "
	    "go or was reset", l->name, l->user.number,
	    (uint32_t)(LEAVING_RELEASE_NS / 1000000000u));
	offer_again(l->host, NULL);
}

static void
leaving_unlist(struct nic_leaving *l)
{
	struct nic_leaving **p = &l->host->leaving;

	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
}

/* The guest holds the NIC still: is it time for the next state? */
static void
leaving_advance(struct nic_leaving *l, uint64_t now)
{
	if (l->heard)
		nic_quiet_heard(&l->quiet, now);
	if (l->state == LEAVING_QUIETING) {
		if (nic_quiet_repeat(&l->quiet, now)) {
			vsp_link_repeat(l->vsp);
			l->heard = true;	/* look for the answer */
		}
		if (nic_quiet_over(&l->quiet, now, leaving_settled(l)))
			leaving_rescind(l, now);
	} else if (l->state == LEAVING_RESCINDED &&
	    now - l->since_ns >= LEAVING_RELEASE_NS) {
		leaving_overdue(l, now);
	}
}

/* When to look again, if nothing is heard. */
static uint32_t
leaving_pause(const struct nic_leaving *l, uint64_t now)
{
	if (l->heard || (l->state == LEAVING_RESCINDED &&
	    now - l->since_ns < LEAVING_CLOSE_NS))
		return LEAVING_LOOK_MIN_US;
	return min_u32(l->look_us * 2, LEAVING_LOOK_MAX_US);
}

static void
leaving_on_look(evutil_socket_t fd, short what, void *arg)
{
	struct nic_leaving *l = arg;
	uint64_t now = clock_now_ns();

	l->looked_ns = now;
	if (!l->gone) {
		leaving_serve(l);
		leaving_advance(l, now);
	}
	if (l->gone) {
		struct host *h = l->host;
		struct host_guest *g = l->user.guest;

		leaving_unlist(l);
		nic_leaving_free(l);
		offer_again(h, g);
		return;
	}
	leaving_look_in(l, leaving_pause(l, now));
	if (l->signals >= LEAVING_SIGNALS)
		leaving_signals_hear(l);
	l->signals = 0;
	l->heard = false;
}

/* --- life --- */

struct nic_leaving *
nic_leaving_create(struct host *h, const struct nic_user *u)
{
	struct nic_leaving *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->host = h;
	l->user = *u;
	l->look = evtimer_new(h->base, leaving_on_look, l);
	if (l->look == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

void
nic_leaving_free(struct nic_leaving *l)
{
	if (l == NULL)
		return;
	vsp_destroy(l->vsp);
	event_free(l->look);
	free(l);
}

void
nic_leaving_begin(struct nic_leaving *l, const struct nic *nic)
{
	uint64_t now = clock_now_ns();

	l->vsp = nic->vsp;
	strcpy(l->name, nic->spec.name);
	memcpy(l->mac, nic->mac, sizeof(l->mac));
	nic_quiet_begin(&l->quiet, now, nic->link_ns,
	    l->user.kind == LINK_KIND_VM);
	leaving_enter(l, LEAVING_QUIETING, now);
	l->next = l->host->leaving;
	l->host->leaving = l;
	leaving_look_in(l, LEAVING_LOOK_MIN_US);
	vsp_leave(l->vsp, &leaving_ops, l);
	/* A guest that is not connected need not be spared. */
	if (vms_version(l->user.vms) == 0)
		leaving_rescind(l, now);
}

void
nic_leaving_end_guest(struct host *h, const struct host_guest *g)
{
	struct nic_leaving **p = &h->leaving, *l;

	while ((l = *p) != NULL) {
		if (l->user.guest != g) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		nic_leaving_free(l);
	}
}

void
nic_leaving_memory_changed(struct host *h, const struct host_guest *g)
{
	for (struct nic_leaving *l = h->leaving; l != NULL; l = l->next)
		if (l->user.guest == g) {
			vsp_memory_changed(l->vsp);
			leaving_look_in(l, LEAVING_LOOK_MIN_US);
		}
}

struct host_guest *
nic_leaving_holder(const struct host *h, const uint8_t mac[6],
    const struct host_guest *g)
{
	for (struct nic_leaving *l = h->leaving; l != NULL; l = l->next)
		if (memcmp(l->mac, mac, sizeof(l->mac)) == 0 &&
		    (l->state != LEAVING_OVERDUE || g == NULL ||
		    l->user.guest == g))
			return l->user.guest;
	return NULL;
}

uint32_t
nic_leaving_count(const struct host *h, const struct host_guest *g)
{
	uint32_t n = 0;

	for (const struct nic_leaving *l = h->leaving; l != NULL; l = l->next)
		n += g == NULL || l->user.guest == g;
	return n;
}

static bool
leaving_has_relid(const struct nic_leaving *l, uint32_t relid)
{
	if (l->vsp != NULL && vsp_dev(l->vsp)->relid == relid)
		return true;
	for (uint32_t k = 0; k < VSP_MAX_QUEUES; k++)
		if (l->chan[k] != NULL && l->chan[k]->relid == relid)
			return true;
	return false;
}

const char *
nic_leaving_name(const struct host *h, const struct host_guest *g,
    uint32_t relid)
{
	const char *only = "";

	for (const struct nic_leaving *l = h->leaving; l != NULL; l = l->next) {
		if (l->user.guest != g)
			continue;
		if (relid != 0 && leaving_has_relid(l, relid))
			return l->name;
		only = nic_leaving_count(h, g) == 1 ? l->name : "";
	}
	return only;
}
