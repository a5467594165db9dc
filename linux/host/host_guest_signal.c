/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals of guests that are not one eventfd a channel: the one of VMBus before
 * 2.4, and monitor pages, which nobody signals and a timer looks at.
 *
 * The monitor timer beats fast while signals come and slowly when none came for
 * a while.
 */
#include <sys/timerfd.h>
#include <unistd.h>

#include "linux/host/host_guest_priv.h"
#include "linux/host/nic.h"

/* Policy: monitor page polls, while busy and while idle; beats until idle. */
#define MONITOR_BUSY_NS		100000
#define MONITOR_IDLE_NS		2000000
#define MONITOR_BUSY_BEATS	1000u

static void
guest_poke(void *ctx, struct chan *c)
{
	struct host_guest *g = ctx;

	g->monitor_hit = true;
	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->guest == g && nic_chan_poke(n, c))
			return;
}

void
host_guest_signalled(struct host_guest *g)
{
	vms_intpage_poll(g->vms, guest_poke, g);
}

static void
guest_monitor_beat(struct host_guest *g, long ns)
{
	const struct itimerspec it = { { 0, ns }, { 0, ns } };

	timerfd_settime(g->monitor_fd, 0, &it, NULL);
}

static void
guest_on_monitor(evutil_socket_t fd, short what, void *arg)
{
	struct host_guest *g = arg;
	uint64_t beats;

	if (read(fd, &beats, sizeof(beats)) < 0)
		return;
	g->monitor_hit = false;
	vms_monitor_poll(g->vms, guest_poke, g);
	if (g->monitor_hit) {
		if (g->monitor_quiet >= MONITOR_BUSY_BEATS)
			guest_monitor_beat(g, MONITOR_BUSY_NS);
		g->monitor_quiet = 0;
	} else if (++g->monitor_quiet == MONITOR_BUSY_BEATS) {
		guest_monitor_beat(g, MONITOR_IDLE_NS);
	}
}

uint32_t
host_guest_monitor_start(struct host_guest *g)
{
	g->monitor_fd = timerfd_create(CLOCK_MONOTONIC,
	    TFD_CLOEXEC | TFD_NONBLOCK);
	if (g->monitor_fd < 0)
		return LINK_E_LIMIT;
	g->monitor_event = event_new(g->host->base, g->monitor_fd,
	    EV_READ | EV_PERSIST, guest_on_monitor, g);
	if (g->monitor_event == NULL)
		return LINK_E_LIMIT;
	event_add(g->monitor_event, NULL);
	guest_monitor_beat(g, MONITOR_BUSY_NS);
	return LINK_OK;
}

void
host_guest_signals_end(struct host_guest *g)
{
	if (g->monitor_event != NULL)
		event_free(g->monitor_event);
	if (g->monitor_fd >= 0)
		close(g->monitor_fd);
}
