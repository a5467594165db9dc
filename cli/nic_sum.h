/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NICs of the processes that run here, a few numbers each: what `hvnet list'
 * and `hvnet top' show.
 */
#ifndef CLI_NIC_SUM_H
#define CLI_NIC_SUM_H

#include <stdint.h>

#include "cli/peers.h"

/* Sums over all queues, since the start. */
struct nic_counts {
	uint64_t frames_out, bytes_out;	/* from the guest */
	uint64_t frames_in, bytes_in;	/* to the guest */
	uint64_t drops;
	uint64_t signals;		/* that this end sent */
	uint64_t interrupts;		/* of the guest that has it */
	uint64_t waits_guest;		/* somebody waited for the guest */
	uint64_t waits_host;		/* ... for the host */
};

struct nic_sum {
	const struct peer *peer;
	const char *name;	/* of a host's NIC or a guest's interface */
	const json_t *nic;	/* the NIC of a host, or the guest's answer */
	struct nic_counts n;
};

struct nic_sums {
	struct nic_sum *nic;
	size_t count;
};

/* Of all NICs of the list, which must stay; nic_sums_free() frees. */
struct nic_sums nic_sums_of(const struct peer_list *);
void nic_sums_free(struct nic_sums *);
/* The same NIC of the same process in other sums, or NULL. */
const struct nic_sum *nic_sums_find(const struct nic_sums *,
    const struct nic_sum *);

#endif
