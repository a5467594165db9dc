/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peers that held one of our threads, and how long each stays out.
 *
 * A peer is known by process and user, as the kernel says them (SO_PEERCRED).
 *
 * Context: control thread.
 */
#ifndef LINUX_HOST_HOST_HOLDOFF_H
#define LINUX_HOST_HOST_HOLDOFF_H

#include "linux/link/link_host.h"

/* Policy: processes and users remembered, and for how long. */
#define HOST_HOLDOFF_PEERS	64u
#define HOST_HOLDOFF_KEEP_NS	600000000000ull
/* Policy: how long one stays out at first, and how often that doubles. */
#define HOST_HOLDOFF_NS		1000000000ull
#define HOST_HOLDOFF_DOUBLE	6u
/* Policy: a user stays out once his processes did it more often than this. */
#define HOST_HOLDOFF_USER_FREE	16u

struct host_holdoff {
	struct {
		uint32_t uid;
		uint32_t pid;		/* 0: all processes of this user */
		uint32_t times;		/* 0: free */
		uint64_t last_ns;
		uint64_t until_ns;
	} peer[HOST_HOLDOFF_PEERS];
};

/* This peer held a thread. */
void host_holdoff_add(struct host_holdoff *, const struct link_peer *,
    uint64_t now_ns);
/* How long it still stays out; 0: it may come. */
uint64_t host_holdoff_ns(const struct host_holdoff *,
    const struct link_peer *, uint64_t now_ns);

#endif
