/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One attached guest from inside: its life is host_guest.c, how it got a place
 * host_accept.c, the signals of guests that have no eventfd a channel
 * host_guest_signal.c.
 *
 * Context: control thread.
 */
#ifndef LINUX_HOST_HOST_GUEST_PRIV_H
#define LINUX_HOST_HOST_GUEST_PRIV_H

#include "linux/host/host_priv.h"

/* What a traced partition has instead of the link's operations. */
struct host_part_watch {
	struct part_ops ops;		/* first */
	const struct part_ops *inner;	/* NULL: never traced */
};

struct host_guest {
	struct host *host;
	struct host_guest *next;
	struct link_host *link;
	struct vms *vms;		/* NULL before HELLO */
	struct event *end;		/* the deferred teardown */
	uint32_t number;
	struct link_hello hello;
	uint32_t nics;
	char why[128];
	enum host_tries_step step;	/* how far it came */
	bool quiet;			/* it tried before, in vain */
	bool monitored;			/* it signals by monitor page */
	struct host_part_watch part_watch;	/* nic_trace.c */
};

/* --- host_guest.c --- */

/* Make a guest of this socket (consumed).  False: out of memory. */
bool host_guest_create(struct host *, int sock);

/* --- host_guest_signal.c --- */

/* VMBus before 2.4: some of its channels have something, in the page. */
void host_guest_signalled(struct host_guest *);

#endif
