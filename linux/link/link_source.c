/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The eventfds by which a guest tells the control thread something: the end of
 * a message of each virtual processor, and the one signal for all channels of
 * VMBus before 2.4.
 *
 * They are edge-triggered and never read: the descriptor's flags are shared
 * with the guest, who could make a read() here block.  A guest may write them
 * as often as it likes, so each kind has a rate; beyond it we look away from
 * all of that kind for a moment.  Nothing is lost by that: a source that we
 * look at again is ready at once, as it was never read.
 *
 * A source belongs to what it serves, a processor or a connection, and ends
 * before its descriptor is closed: the next descriptor may have the same
 * number.
 *
 * Context: control thread.
 */
#include "linux/link/link_host_priv.h"

#include <stdlib.h>

#include "linux/run/clock.h"

static void
source_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct link_source *s = arg;
	struct link_sources *k = s->kind;

	if (rate_take(&k->rate, clock_now_ns())) {
		k->heard(s->link, s->index);
		return;
	}
	event_del(s->event);
	if (!evtimer_pending(k->resume, NULL))
		evtimer_add(k->resume, &k->pause);
}

static void
sources_on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct link_sources *k = arg;

	for (struct link_source *s = k->first; s != NULL; s = s->next)
		event_add(s->event, NULL);
}

int
link_sources_init(struct link_sources *k, struct event_base *base,
    uint32_t a_second, uint32_t burst, uint32_t pause_us,
    void (*heard)(struct link_host *, uint32_t))
{
	*k = (struct link_sources){ .heard = heard,
		.rate = rate_of(a_second, burst, clock_now_ns()),
		.pause = { 0, (suseconds_t)pause_us } };
	k->resume = evtimer_new(base, sources_on_resume, k);
	return k->resume != NULL ? 0 : -1;
}

void
link_sources_free(struct link_sources *k)
{
	if (k->resume != NULL)
		event_free(k->resume);
}

struct link_source *
link_source_add(struct link_host *lh, struct link_sources *k, int fd,
    uint32_t index)
{
	struct link_source *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct link_source){ .link = lh, .kind = k, .index = index };
	s->event = event_new(lh->base, fd, EV_READ | EV_PERSIST | EV_ET,
	    source_on_event, s);
	if (s->event == NULL || event_add(s->event, NULL) < 0) {
		if (s->event != NULL)
			event_free(s->event);
		free(s);
		return NULL;
	}
	s->next = k->first;
	k->first = s;
	return s;
}

void
link_source_del(struct link_source *s)
{
	struct link_source **at;

	if (s == NULL)
		return;
	for (at = &s->kind->first; *at != s; at = &(*at)->next)
		;
	*at = s->next;
	event_free(s->event);
	free(s);
}
