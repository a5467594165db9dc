/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals of guests that are not one eventfd a channel: the one of VMBus before
 * 2.4, and monitor pages, which nobody signals and a timer looks at.
 *
 * There is one timer for all guests.  It runs while such a guest has a channel
 * open, beats fast while signals come and slowly after a while without.  A
 * guest without a channel costs nothing.
 */
#include <sys/timerfd.h>
#include <unistd.h>

#include "linux/host/host_guest_priv.h"
#include "linux/host/nic.h"
#include "linux/host/nic_wake.h"

/* Policy: monitor page polls, while busy and while idle; beats until idle. */
#define MONITOR_BUSY_NS		100000
#define MONITOR_IDLE_NS		2000000
#define MONITOR_BUSY_BEATS	1000u

static void
guest_poke(void *ctx, struct chan *c)
{
	struct host_guest *g = ctx;

	g->host->monitor_hit = true;
	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->user.guest == g && nic_chan_poke(n, c))
			return;
}

void
host_guest_signalled(struct host_guest *g)
{
	vms_intpage_poll(g->vms, guest_poke, g);
}

static void
monitor_beat(struct host *h, long ns)
{
	const struct itimerspec it = { { 0, ns }, { 0, ns } };

	timerfd_settime(h->monitor_fd, 0, &it, NULL);
	h->monitor_ns = ns;
}

/* Look at the pages of all who have a channel; false: nobody has. */
static bool
monitor_look(struct host *h)
{
	bool any = false;

	for (struct nic *n = h->nics; n != NULL; n = n->next) {
		if (n->user.guest == NULL || !n->user.guest->monitored ||
		    n->port.queues_open == 0)
			continue;
		any = true;
		vms_monitor_poll(n->user.guest->vms, guest_poke, n->user.guest);
	}
	return any;
}

static void
monitor_on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct host *h = arg;
	uint64_t beats;

	if (read(fd, &beats, sizeof(beats)) < 0)
		return;
	h->monitor_hit = false;
	if (!monitor_look(h)) {
		monitor_beat(h, 0);
	} else if (h->monitor_hit) {
		h->monitor_quiet = 0;
		if (h->monitor_ns != MONITOR_BUSY_NS)
			monitor_beat(h, MONITOR_BUSY_NS);
	} else if (++h->monitor_quiet == MONITOR_BUSY_BEATS) {
		monitor_beat(h, MONITOR_IDLE_NS);
	}
}

int
host_monitor_start(struct host *h)
{
	h->monitor_fd = timerfd_create(CLOCK_MONOTONIC,
	    TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->monitor_fd < 0)
		return -1;
	h->monitor_event = event_new(h->base, h->monitor_fd,
	    EV_READ | EV_PERSIST, monitor_on_beat, h);
	return h->monitor_event != NULL ? event_add(h->monitor_event, NULL) :
	    -1;
}

void
host_monitor_wake(struct host *h)
{
	h->monitor_quiet = 0;
	if (h->monitor_ns != MONITOR_BUSY_NS)
		monitor_beat(h, MONITOR_BUSY_NS);
}

void
host_monitor_end(struct host *h)
{
	if (h->monitor_event != NULL)
		event_free(h->monitor_event);
	if (h->monitor_fd >= 0)
		close(h->monitor_fd);
}
