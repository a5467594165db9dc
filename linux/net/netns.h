/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network namespaces by name, as `ip netns` makes them.
 */
#ifndef LINUX_NET_NETNS_H
#define LINUX_NET_NETNS_H

/*
 * Move the calling thread into the namespace; "" or NULL: stay.  *back is for
 * netns_leave().  0 or -errno (-ENOENT: no such namespace).
 */
int netns_enter(const char *name, int *back);
/* Return to where netns_enter() started. */
void netns_leave(int back);

#endif
