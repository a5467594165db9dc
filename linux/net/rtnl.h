/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few link settings we need of rtnetlink, through libmnl.
 */
#ifndef LINUX_NET_RTNL_H
#define LINUX_NET_RTNL_H

#include <stdbool.h>
#include <stdint.h>

/* A zero or NULL field is left as it is. */
struct rtnl_link {
	uint32_t mtu;
	const uint8_t *mac;
	uint32_t gso_max;	/* bytes */
	bool up, down;
	int bridge;	/* index of the one to be in; RTNL_NO_BRIDGE: none */
};
#define RTNL_NO_BRIDGE	(-1)

/*
 * Change interface `index` of namespace `netns` ("" or NULL: the caller's).
 * 0 or -errno.  An old kernel that does not know gso_max ignores it.
 */
int rtnl_link_set(const char *netns, int index, const struct rtnl_link *);
/*
 * Queues that programs have of a multi-queue TAP, in the thread's namespace;
 * or -errno.
 */
int rtnl_tap_queues(int index);

#endif
