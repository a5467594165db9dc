/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steering in the kernel: a BPF program that picks a TAP queue for each frame.
 *
 * The host end's TAP asks what the guest's RSS says (Toeplitz over the guest's
 * key, its indirection table); the guest's TAP asks what the host's send table
 * says.  Both are the same program with different maps: byte-indexed Toeplitz
 * tables in two maps, of which a one-slot array of maps names the one in force,
 * so that a frame sees the old or the new setting and never half of each.
 */
#ifndef LINUX_NET_STEER_H
#define LINUX_NET_STEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct steer;

struct steer_config {
	uint8_t key[40];
	uint32_t hash_types;	/* NDIS; 0: everything to queue 0 */
	uint32_t table[128];	/* queue numbers */
	uint32_t entries;	/* a power of two, 1..128 */
	uint32_t queues;	/* in use; a larger entry means queue 0 */
	/*
	 * Swap source and destination: frames that leave get the queue of the
	 * frames that come in answer, and so one thread serves a flow.
	 */
	bool reverse;
};

/* Load program and maps.  NULL with a sentence in err. */
struct steer *steer_create(char *err, size_t err_cap);
void steer_destroy(struct steer *);
/* For tap_steering(). */
int steer_prog_fd(const struct steer *);
/* Switch to a new setting; blocks for some milliseconds.  0 or -errno. */
int steer_set(struct steer *, const struct steer_config *);

#endif
