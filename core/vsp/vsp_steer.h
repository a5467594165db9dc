/*
 * Which queue a frame to the guest belongs to: Toeplitz over the guest's key
 * and indirection table.  Written by control with the workers parked, read by
 * workers.  Contracts of vsp_steer_reset(), _set() and _queues_changed() are
 * in vsp_priv.h.
 */
#ifndef CORE_VSP_VSP_STEER_H
#define CORE_VSP_VSP_STEER_H

#include "pkt/pkt_toeplitz.h"
#include "vsp/vsp.h"

#define VSP_STEER_ENTRIES	128u

struct vsp_steer_cfg {
	uint32_t hash_types;		/* enum pkt_hash_type; 0: RSS off */
	uint32_t entries;		/* power of two, 1..128 */
	uint32_t asked[VSP_STEER_ENTRIES];	/* as the guest set it */
	uint32_t table[VSP_STEER_ENTRIES];	/* open queues only */
	struct toeplitz_key key;
};

/*
 * Queue of a parsed frame; sets hash, hash_type and PKT_HASH in *m, or clears
 * the flag where there is no hash (queue 0).  Context: any worker.
 */
uint32_t vsp_steer_info(const struct vsp_steer_cfg *c,
    const struct pkt_info *info, struct span head, struct pkt_meta *m);

#endif
