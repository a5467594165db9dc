/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steering: Toeplitz over the guest's key and indirection table.
 *
 * Theory of operation.  The guest's table is kept as the guest set it, and a
 * second time as it is in force: entries that name a queue without a channel
 * point to queue 0 there.  Frames that are not IP, and fragments, have no hash
 * and go to queue 0.
 *
 * Context: reset, set and queues_changed are control's, with the workers
 * parked, so that a worker sees one consistent set; the rest is any worker's.
 */
#include "vsp/vsp_priv.h"

static void
steer_table_resolve(struct vsp *vsp)
{
	struct vsp_steer_cfg *c = &vsp->steer;

	for (uint32_t i = 0; i < c->entries; i++) {
		uint32_t k = c->asked[i];
		bool open = k < VSP_MAX_QUEUES && vsp->queue[k] != NULL;

		c->table[i] = open ? k : 0;
	}
}

static void
steer_tell(struct vsp *vsp)
{
	if (vsp->ops.steering != NULL)
		vsp->ops.steering(vsp->ctx);
}

void
vsp_steer_reset(struct vsp *vsp)
{
	struct vsp_steer_cfg *c = &vsp->steer;

	toeplitz_key_set(&c->key, toeplitz_key_default);
	c->hash_types = 0;
	c->entries = 1;
	c->asked[0] = c->table[0] = 0;
}

void
vsp_steer_set(struct vsp *vsp, uint32_t hash_types, const uint8_t *key40,
    const uint32_t *table, uint32_t n)
{
	struct vsp_steer_cfg *c = &vsp->steer;

	if (key40 != NULL)
		toeplitz_key_set(&c->key, key40);
	if (table != NULL) {
		OS_ASSERT(n > 0 && n <= VSP_STEER_ENTRIES &&
		    (n & (n - 1)) == 0);
		memcpy(c->asked, table, n * sizeof(*table));
		c->entries = n;
	}
	c->hash_types = hash_types;
	steer_table_resolve(vsp);
	steer_tell(vsp);
}

void
vsp_steer_queues_changed(struct vsp *vsp)
{
	steer_table_resolve(vsp);
	steer_tell(vsp);
}

uint32_t
vsp_steer_info(const struct vsp_steer_cfg *c, const struct pkt_info *info,
    struct span head, struct pkt_meta *m)
{
	uint32_t type;
	uint32_t target = vsp_steer_hash(c, info, head, &m->hash, &type);

	m->hash_type = type;
	m->flags &= ~PKT_HASH;
	if (type != 0)
		m->flags |= PKT_HASH;
	return target;
}

uint32_t
vsp_steer(const struct vsp *vsp, struct span head, uint32_t len,
    struct pkt_meta *m)
{
	struct pkt_info info;

	pkt_parse(&info, head, len);
	return vsp_steer_info(&vsp->steer, &info, head, m);
}

void
vsp_steering(const struct vsp *vsp, uint8_t key[40], uint32_t table[128],
    uint32_t *entries, uint32_t *hash_types)
{
	const struct vsp_steer_cfg *c = &vsp->steer;

	memcpy(key, c->key.key, TOEPLITZ_KEY_BYTES);
	memcpy(table, c->table, c->entries * sizeof(*table));
	*entries = c->entries;
	*hash_types = c->hash_types;
}
