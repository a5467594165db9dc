/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a guest has come to rest, and a NIC can be rescinded.
 *
 * Linux stops listening to a channel before it begins to wait for what it has
 * under way there (its handling of a rescind, since 4.19), and it waits without
 * a time-out.  So nothing may be under way at that moment.  The link is down,
 * but Linux may act on that late (netvsc_link_change in netvsc_drv.c):
 *
 * - It leaves LINKCHANGE_INT, 2 s, between two changes of link or network.
 * - It tries again after 2 s when another task holds the RTNL lock.
 * - It drops a change that comes before the interface is registered.
 *
 * Until it acts it sends as before: retransmissions 0.2, 0.4, 0.8 s apart,
 * pings, neighbour discovery.  So nothing is rescinded before the guest can
 * have acted on the changes that it was told of; and a guest that then still
 * speaks is told again, and has come to rest after more than 2 s of silence.
 *
 * No clock and no timer: the caller says what time it is.
 */
#ifndef LINUX_HOST_NIC_QUIET_H
#define LINUX_HOST_NIC_QUIET_H

#include <stdbool.h>
#include <stdint.h>

/* LINKCHANGE_INT of netvsc_drv.c. */
#define NIC_QUIET_LINK_NS	2000000000u
/* Policy: silence that is enough for a guest that acted on its link. */
#define NIC_QUIET_NS		200000000u
/* Policy: and for one that may not have; more than LINKCHANGE_INT. */
#define NIC_QUIET_LATE_NS	2200000000u
/* Policy: this soon after it should have acted, what it says is old. */
#define NIC_QUIET_GRACE_NS	100000000u
/* Policy: after that a guest is told although it did not come to rest. */
#define NIC_QUIET_MAX_NS	5000000000u

struct nic_quiet {
	bool slow;		/* a guest that may act late */
	bool late;		/* ... and may not have acted yet */
	bool repeat;		/* tell it again */
	uint64_t acts_ns;	/* on the link that went down */
	uint64_t heard_ns;	/* when the guest spoke last */
	uint64_t end_ns;	/* rest or not */
};

/*
 * When a slow guest acts on a change of its link that it is told now; link_ns
 * is the same of the change before, 0: none.
 */
uint64_t nic_quiet_link(uint64_t link_ns, uint64_t now);

/* The link goes down now; link_ns as above. */
void nic_quiet_begin(struct nic_quiet *, uint64_t now, uint64_t link_ns,
    bool slow);
/* The guest sent something. */
void nic_quiet_heard(struct nic_quiet *, uint64_t now);
/*
 * True: tell the guest again, now.  Not while it speaks: then it may hold the
 * very lock that would make it late.
 */
bool nic_quiet_repeat(struct nic_quiet *, uint64_t now);
/* settled: nothing is under way, as far as can be seen. */
bool nic_quiet_over(const struct nic_quiet *, uint64_t now, bool settled);

#endif
