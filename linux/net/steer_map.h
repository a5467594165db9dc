/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What steer.c writes and steer.bpf.c reads: one complete setting.
 *
 * Compiled for the host and for BPF: fixed-size fields only, no padding.
 */
#ifndef LINUX_NET_STEER_MAP_H
#define LINUX_NET_STEER_MAP_H

#include <linux/types.h>

#define STEER_INPUT_MAX	36	/* two IPv6 addresses, two ports */
#define STEER_ENTRIES	128

struct steer_half {
	/* Contribution of input byte i with value b; see pkt_toeplitz.h. */
	__u32 table[STEER_INPUT_MAX][256];
	__u32 queue[STEER_ENTRIES];	/* all below the queues in use */
	__u32 mask;			/* entries - 1 */
	__u32 hash_types;		/* enum pkt_hash_type; 0: queue 0 */
	__u32 reverse;			/* hash as the flow's other direction */
};

#endif
