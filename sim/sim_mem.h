/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory of the simulation: an arena of pages in a memfd, seen by the
 * guest end as one run, and by the host end as regions at unrelated addresses.
 *
 * Freed pages are zero and stay so: a write by an end that gave them back, or
 * never had them, is found when the page is used again or at the end.
 */
#ifndef SIM_SIM_MEM_H
#define SIM_SIM_MEM_H

#include "bus/chan.h"
#include "bus/guestmem.h"
#include "bus/partition.h"
#include "sim/sim.h"

#define SIM_MEM_GPA	0x100000000ull	/* of the first page: above 4 GiB */

struct sim_mem {
	struct sim *sim;
	int fd;
	uint32_t pages;
	uint32_t region_pages;
	uint8_t *guest;			/* the guest's view */
	uint8_t *host[GUESTMEM_MAX_REGIONS];
	uint32_t regions;
	uint8_t *used;			/* a byte a page: fresh, used, freed */
	/* live: what must be 0 in the end */
	uint32_t pages_live;
	uint32_t maps_live;
	uint32_t dirty;			/* freed pages found written */
	/* guest allocations that still succeed; UINT32_MAX: all */
	uint32_t allocs_left;
};

/* Exits on failure: the machine has no memory, not the simulated guest. */
void sim_mem_init(struct sim_mem *, struct sim *, uint32_t pages,
    uint32_t regions);
void sim_mem_fini(struct sim_mem *);
/* Give the host end its regions. */
void sim_mem_regions(struct sim_mem *, struct guestmem *);

/* As vmc_ops and vsc_ops have it. */
int sim_mem_alloc(struct sim_mem *, uint32_t bytes, struct chan_mem *);
void sim_mem_free(struct sim_mem *, struct chan_mem *);
/* As part_ops has it. */
int sim_mem_map(struct sim_mem *, const uint64_t *pfns, uint32_t count,
    struct part_map *);
void sim_mem_unmap(struct sim_mem *, struct part_map *);
/* Pages that are free and not zero. */
uint32_t sim_mem_dirty(struct sim_mem *);

#endif
