/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory as the host end sees it: a few regions, each a run of guest
 * physical addresses at one place of the host's own address space.
 *
 * The table changes in the control context only, with every worker that uses
 * it parked; look-ups need no lock.
 */
#ifndef CORE_BUS_GUESTMEM_H
#define CORE_BUS_GUESTMEM_H

#include "base/err.h"
#include "base/os.h"

/* Policy, see docs/partition.md; a DPDK program has one a 2 MiB page. */
#define GUESTMEM_MAX_REGIONS	1024

struct gpa_region {
	uint64_t gpa;
	uint64_t bytes;
	uint8_t *va;
	void *port;		/* the link's own: file, offset */
};

struct guestmem {
	uint32_t count;
	struct gpa_region region[GUESTMEM_MAX_REGIONS];	/* sorted by gpa */
};

/*
 * Add a region.  E_NOMEM: table full; E_STATE: empty, unaligned, overlapping
 * another one or past 2^52.
 */
int guestmem_add(struct guestmem *, const struct gpa_region *);
/* Remove the region that starts at gpa; E_STATE if there is none. */
int guestmem_remove(struct guestmem *, uint64_t gpa, struct gpa_region *old);
/* The region that holds gpa, or NULL. */
const struct gpa_region *guestmem_find(const struct guestmem *, uint64_t gpa);

/* How many regions start at or below gpa; the table is sorted. */
static inline uint32_t
guestmem_below(const struct guestmem *m, uint64_t gpa)
{
	uint32_t low = 0, high = m->count;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (m->region[mid].gpa <= gpa)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * Where [gpa, gpa + len) lies in our memory; NULL unless one region holds all
 * of it.  Context: any that may use the table.
 */
static inline uint8_t *
guestmem_ptr(const struct guestmem *m, uint64_t gpa, uint32_t len)
{
	const struct gpa_region *r;
	uint32_t i = guestmem_below(m, gpa);

	if (i == 0)
		return NULL;
	r = &m->region[i - 1];
	if (gpa - r->gpa > r->bytes || len > r->bytes - (gpa - r->gpa))
		return NULL;
	return r->va + (gpa - r->gpa);
}

#endif
