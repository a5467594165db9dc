/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room for frames in sections and slots, and their placing (vsc_txroom.c).
 *
 * What every frame needs is inline.  Context: queue owner.
 */
#ifndef CORE_VSC_VSC_TXROOM_H
#define CORE_VSC_VSC_TXROOM_H

#include "vsc/vsc_priv.h"

/* Room for `need` bytes; as vsc_tx_reserve(). */
int vsc_tx_room_get(struct vsc_queue *q, uint32_t need, bool slot_needed,
    struct vsc_tx_room *room);
/* The frame of len bytes in room goes with these PPIs. */
void vsc_tx_place(struct vsc_queue *q, struct vsc_tx_room *room, uint32_t len,
    const struct rndis_ppi_set *ppi);

/* Bytes of the section that messages may use. */
static inline uint32_t
vsc_tx_section_end(const struct vsc_queue *q)
{
	const struct vsc_txq *t = &q->tx;

	/* The first message may fill it; others keep to the agreed size. */
	return t->frames == 0 ? t->section_cap :
	    min_u32(t->section_cap, q->vsc->caps.agg_bytes);
}

/* Where a section of the send buffer lies. */
static inline uint8_t *
vsc_tx_section_va(const struct vsc_queue *q, uint32_t section)
{
	const struct vsc *v = q->vsc;

	return (uint8_t *)v->sendbuf.mem.va +
	    (size_t)(q->tx.section_first + section) * v->caps.section_bytes;
}

/*
 * The host read the section to come after this one: have its lines under way,
 * as far as this one is being written.
 */
static inline void
vsc_tx_ahead(const struct vsc_txq *t, uint32_t at, uint32_t bytes)
{
	if (t->ahead == NULL)
		return;
	for (uint32_t i = 0; i < bytes; i += OS_CACHELINE)
		os_prefetch_write(t->ahead + at + i);
}

#endif
