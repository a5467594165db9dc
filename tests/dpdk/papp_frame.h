/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of papp from 10.9.0.1 to 10.9.0.2: the payload is a sequence number
 * and then bytes that follow from number and place, so each end can check what
 * comes without knowing what was sent.
 */
#ifndef TESTS_DPDK_PAPP_FRAME_H
#define TESTS_DPDK_PAPP_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

struct papp_ends {
	struct rte_ether_addr src, dst;
};

struct papp_kind {
	uint32_t size;
	bool csum;
	int vlan;		/* TCI, or -1 */
	uint32_t tso;		/* segment size, or 0 */
};

/* NULL: the pool is empty. */
struct rte_mbuf *papp_frame_make(struct rte_mempool *, const struct papp_ends *,
    const struct papp_kind *, uint32_t seq);
/* True if the payload is what its sequence number, *seq, says. */
bool papp_frame_check(const struct rte_mbuf *, uint32_t *seq);

#endif
