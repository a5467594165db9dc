/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests that try to attach and never can: why, and what would be right.
 *
 * Such a guest tries again for ever.  The first time it has its lines as any
 * other and one that says how far it got; then nothing for a minute, unless it
 * does come up.
 *
 * Context: control thread.
 */
#ifndef LINUX_HOST_HOST_TRIES_H
#define LINUX_HOST_HOST_TRIES_H

#include <stdbool.h>
#include <stdint.h>

/* Policy: guests remembered, by process and user. */
#define HOST_TRIES_PEERS	64u

struct host_guest;
struct vsp;

/* How far a guest came with one of its NICs at least. */
enum host_tries_step {
	HOST_TRIES_NOTHING,
	HOST_TRIES_VMBUS,	/* a version was agreed on */
	HOST_TRIES_CHANNEL,	/* it opened a NIC's channel */
	HOST_TRIES_NVSP,	/* a version was agreed on */
	HOST_TRIES_BUFFER,	/* it gave a receive buffer */
	HOST_TRIES_UP,		/* it wants frames */
};

struct host_tries {
	struct {
		uint32_t uid, pid;
		uint64_t until_ns;
	} peer[HOST_TRIES_PEERS];
	uint32_t next;
};

/* It tried in vain in the last minute: its connecting is not worth a line. */
bool host_tries_known(const struct host_guest *);
/* Something happened: of one of its NICs, or vsp is NULL. */
void host_tries_look(struct host_guest *, const struct vsp *);
/* It ends.  True if it gave up, and that was logged or is known. */
bool host_tries_ended(struct host_guest *);

#endif
