/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which queue a frame to the guest belongs to: Toeplitz over the guest's key
 * and indirection table.  Written by control with the workers parked, read by
 * workers.  Contracts of vsp_steer_reset(), vsp_steer_set() and
 * vsp_steer_queues_changed() are in vsp_priv.h.
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
 * Queue of a parsed frame; its hash and the hash's type, or 0 and 0 where there
 * is none (queue 0).  Context: any worker.
 */
static inline uint32_t
vsp_steer_hash(const struct vsp_steer_cfg *c, const struct pkt_info *info,
    struct span head, uint32_t *hash, uint32_t *type)
{
	*hash = *type = 0;
	if (c->hash_types != 0)
		*hash = pkt_rss_hash(&c->key, c->hash_types, info, head, type);
	return *type != 0 ? c->table[*hash & (c->entries - 1)] : 0;
}

/*
 * The same; sets hash, hash_type and PKT_HASH in *m, or clears the flag where
 * there is no hash (queue 0).  Context: any worker.
 */
uint32_t vsp_steer_info(const struct vsp_steer_cfg *c,
    const struct pkt_info *info, struct span head, struct pkt_meta *m);

#endif
