/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel wants of an interface: its address, and which frames.
 *
 * A TAP does not tell its owner of a change, and not every change brings a
 * netlink message: a macvlan or a bridge port raises the interface's
 * promiscuity count without one, and so does joining a multicast group.  So we
 * query the interface several times a second, and at once after a message.
 *
 * Context: the thread of the event base.
 */
#ifndef LINUX_NET_IFWATCH_H
#define LINUX_NET_IFWATCH_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ifwatch;

struct ifwatch_state {
	/* Deleted, or moved away; the rest is as it was before. */
	bool gone;
	bool promisc;		/* flag or count, set by anybody */
	bool multicast;		/* all of it, or a group at least */
	uint8_t mac[6];
};

/* Once at the start, then after each change, from the event loop. */
typedef void ifwatch_changed(void *ctx);

/*
 * Watch interface `index` of namespace `netns` ("": ours).  With there_only,
 * only its existence matters: the kernel reports that by itself, so no timer
 * runs.  NULL with a sentence in err.
 */
struct ifwatch *ifwatch_create(struct event_base *, const char *netns,
    int index, bool there_only, ifwatch_changed *, void *ctx, char *err,
    size_t err_cap);
/* It has another index now; changed() is called. */
void ifwatch_follow(struct ifwatch *, int index);
/* Asks now: what changed() was called for may be history. */
void ifwatch_now(struct ifwatch *, struct ifwatch_state *);
/* NULL is allowed. */
void ifwatch_destroy(struct ifwatch *);

#endif
