/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings: a process has so many (vm.max_map_count), and one guest could take
 * them all.  Where none is left, malloc() fails, and so does the handler that
 * keeps us alive when guest memory goes away (link_loose.h).
 *
 * All guests together have three quarters of the mappings; a guest that has few
 * always gets one more, whatever the others took.
 *
 * Context: control thread.
 */
#ifndef LINUX_LINK_LINK_BUDGET_H
#define LINUX_LINK_LINK_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* Policy: places for guests, each with so many mappings that are its own. */
#define LINK_BUDGET_PLACES	64u
#define LINK_MAPS_OWN		128u

/* What one guest has. */
struct link_budget {
	uint32_t maps;
};

/* One mapping more; false: there is none left for this guest. */
bool link_budget_map(struct link_budget *);
/* It has so many less. */
void link_budget_unmap(struct link_budget *, uint32_t maps);

/* Mappings of all guests, and how many these may have. */
uint32_t link_budget_maps(void);
uint32_t link_budget_maps_max(void);

#endif
