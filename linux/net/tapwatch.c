/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling a TAP that was deleted from one that was moved, and making it again.
 *
 * For netlink both are gone from their namespace.  But only the descriptors of
 * a deleted one lose their device: they answer EBADFD until TUNSETIFF gives
 * them a device again.
 */
#include "linux/net/tapwatch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tapwatch {
	struct tap *tap;
	const struct tapwatch_ops *ops;
	void *ctx;
	struct ifwatch *ifwatch;
	struct event *again;
	enum tapwatch_state state;
	int failed;		/* -errno that the user knows of, or 0 */
};

/* Policy: who deletes it to use its name has this long to do so. */
static const struct timeval tapwatch_again = { 1, 0 };

static void
tapwatch_become(struct tapwatch *w, enum tapwatch_state to)
{
	static const char *const texts[] = {
		[TAPWATCH_THERE] = "the interface is back from the other "
		    "network namespace",
		[TAPWATCH_MOVED] = "the interface was moved to another network "
		    "namespace: its frames go on, but its MTU, address and "
		    "filter are not followed there (--netns or netns= makes "
		    "it there)",
		[TAPWATCH_DELETED] = "the interface was deleted; it is made "
		    "again in a second",
	};
	enum tapwatch_state before = w->state;

	if (to == before)
		return;
	w->state = to;
	w->failed = 0;
	w->ops->say(w->ctx, to == TAPWATCH_THERE &&
	    before == TAPWATCH_DELETED ? "the interface was made again: its "
	    "IP addresses and routes have to be set again" : texts[to]);
	w->ops->state(w->ctx, before);
	if (to == TAPWATCH_DELETED)
		event_add(w->again, &tapwatch_again);
}

static void
tapwatch_changed(void *arg)
{
	struct tapwatch *w = arg;
	struct ifwatch_state s;

	/* Until tapwatch_on_again() has made it, whatever has its index now. */
	if (w->state == TAPWATCH_DELETED)
		return;
	ifwatch_now(w->ifwatch, &s);
	tapwatch_become(w, !s.gone ? TAPWATCH_THERE :
	    tap_alive(w->tap) ? TAPWATCH_MOVED : TAPWATCH_DELETED);
	if (w->state == TAPWATCH_THERE && w->ops->wanted != NULL)
		w->ops->wanted(w->ctx);
}

static void
tapwatch_on_again(evutil_socket_t fd, short what, void *arg)
{
	struct tapwatch *w = arg;
	int rc = tap_again(w->tap);
	char text[160];

	if (rc == 0) {
		tapwatch_become(w, TAPWATCH_THERE);
		ifwatch_follow(w->ifwatch, w->tap->index);
		return;
	}
	if (rc != w->failed) {
		snprintf(text, sizeof(text), "making the interface again: %s; "
		    "tried each second", rc == -EBUSY || rc == -EINVAL ?
		    "another one has its name" : strerror(-rc));
		w->ops->say(w->ctx, text);
	}
	w->failed = rc;
	event_add(w->again, &tapwatch_again);
}

struct tapwatch *
tapwatch_create(struct event_base *base, struct tap *tap,
    const struct tapwatch_ops *ops, void *ctx, char *err, size_t cap)
{
	struct tapwatch *w = calloc(1, sizeof(*w));

	snprintf(err, cap, "out of memory");
	if (w == NULL)
		return NULL;
	*w = (struct tapwatch){ .tap = tap, .ops = ops, .ctx = ctx };
	w->again = evtimer_new(base, tapwatch_on_again, w);
	if (w->again != NULL)
		w->ifwatch = ifwatch_create(base, tap->netns, tap->index,
		    ops->wanted == NULL, tapwatch_changed, w, err, cap);
	if (w->ifwatch != NULL)
		return w;
	tapwatch_destroy(w);
	return NULL;
}

void
tapwatch_destroy(struct tapwatch *w)
{
	if (w == NULL)
		return;
	ifwatch_destroy(w->ifwatch);
	if (w->again != NULL)
		event_free(w->again);
	free(w);
}

enum tapwatch_state
tapwatch_state(const struct tapwatch *w)
{
	return w->state;
}

const char *
tapwatch_state_name(enum tapwatch_state s)
{
	static const char *const names[] = { "there", "moved", "deleted" };

	return names[s];
}

void
tapwatch_now(struct tapwatch *w, struct ifwatch_state *s)
{
	ifwatch_now(w->ifwatch, s);
}
