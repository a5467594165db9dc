/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One count for the process, and one for each guest.
 *
 * The kernel joins neighbours that fit, so we never have more mappings than we
 * count.  Its limit is read once: whoever lowers it while we run lowers it for
 * existing mappings as well.
 */
#include "linux/link/link_budget.h"

#include <stdio.h>

#define BUDGET_MAPS_KERNEL	65530u	/* where /proc is not there */

static uint32_t budget_maps;		/* of all guests */
static uint32_t budget_maps_max;	/* 0: not read yet */

uint32_t
link_budget_maps_max(void)
{
	unsigned long long n = BUDGET_MAPS_KERNEL;
	FILE *f;

	if (budget_maps_max != 0)
		return budget_maps_max;
	f = fopen("/proc/sys/vm/max_map_count", "re");
	if (f != NULL) {
		if (fscanf(f, "%llu", &n) != 1)
			n = BUDGET_MAPS_KERNEL;
		fclose(f);
	}
	/* More than 2^30 is more than anybody needs. */
	budget_maps_max = (uint32_t)(n < 1u << 30 ? n : 1u << 30) / 4 * 3;
	return budget_maps_max;
}

uint32_t
link_budget_maps(void)
{
	return budget_maps;
}

bool
link_budget_map(struct link_budget *b)
{
	uint32_t max = link_budget_maps_max();
	uint32_t own = LINK_BUDGET_PLACES * LINK_MAPS_OWN;

	if (b->maps >= LINK_MAPS_OWN)
		max -= own < max / 2 ? own : max / 2;
	if (budget_maps >= max)
		return false;
	budget_maps++;
	b->maps++;
	return true;
}

void
link_budget_unmap(struct link_budget *b, uint32_t maps)
{
	budget_maps -= maps;
	b->maps -= maps;
}
