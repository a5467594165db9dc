/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of guest memory regions.
 *
 * Sorted by guest physical address and free of overlaps, so an address has at
 * most one region.  Addresses come from the guest side and are checked here
 * once: page-aligned, not empty, below 2^52, hence sums of a region's start
 * and length never wrap.  Context: control, see guestmem.h.
 */
#include "bus/guestmem.h"

#define GUESTMEM_GPA_LIMIT	(1ull << 52)

static bool
guestmem_region_ok(const struct gpa_region *r)
{
	return r->va != NULL && r->bytes != 0 &&
	    r->gpa % HV_PAGE_SIZE == 0 && r->bytes % HV_PAGE_SIZE == 0 &&
	    r->gpa < GUESTMEM_GPA_LIMIT &&
	    r->bytes <= GUESTMEM_GPA_LIMIT - r->gpa;
}

int
guestmem_add(struct guestmem *m, const struct gpa_region *r)
{
	uint32_t at = 0;

	if (!guestmem_region_ok(r))
		return E_STATE;
	while (at < m->count && m->region[at].gpa < r->gpa)
		at++;
	if (at > 0 && m->region[at - 1].gpa + m->region[at - 1].bytes > r->gpa)
		return E_STATE;
	if (at < m->count && r->gpa + r->bytes > m->region[at].gpa)
		return E_STATE;
	if (m->count == GUESTMEM_MAX_REGIONS)
		return E_NOMEM;
	memmove(&m->region[at + 1], &m->region[at],
	    (m->count - at) * sizeof(m->region[0]));
	m->region[at] = *r;
	m->count++;
	return 0;
}

int
guestmem_remove(struct guestmem *m, uint64_t gpa, struct gpa_region *old)
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->region[i].gpa != gpa)
			continue;
		*old = m->region[i];
		m->count--;
		memmove(&m->region[i], &m->region[i + 1],
		    (m->count - i) * sizeof(m->region[0]));
		return 0;
	}
	return E_STATE;
}

const struct gpa_region *
guestmem_find(const struct guestmem *m, uint64_t gpa)
{
	uint32_t i = guestmem_below(m, gpa);
	const struct gpa_region *r = i > 0 ? &m->region[i - 1] : NULL;

	return r != NULL && gpa - r->gpa < r->bytes ? r : NULL;
}
