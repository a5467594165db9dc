/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory at the host: maps regions and their scattered pages.
 */
#ifndef LINUX_LINK_LINK_MEM_H
#define LINUX_LINK_LINK_MEM_H

#include "bus/partition.h"
#include "linux/link/link_budget.h"
#include "linux/link/link_loose.h"
#include "linux/link/link_wire.h"

/* What a guest has mapped, and who is told when a page of it is gone. */
struct link_mem_owner {
	struct link_loose_owner loose;
	struct link_budget budget;
	uint32_t map_runs;	/* pieces of link_pages_map() */
};

/*
 * Map a region and add it to the partition's table.  Takes fd over on success
 * only.  A file that is not sealed is refused unless `unsealed` allows it.
 * Returns a link_status.
 */
uint32_t link_mem_add(struct partition *, const struct link_mem_add *, int fd,
    struct link_mem_owner *, bool unsealed);
/* Unmap and forget the region at gpa.  Returns a link_status. */
uint32_t link_mem_del(struct partition *, uint64_t gpa,
    struct link_mem_owner *);
void link_mem_del_all(struct partition *, struct link_mem_owner *);
/* Regions whose descriptor is kept. */
uint32_t link_mem_fds(const struct partition *);

/*
 * Map one page of a file that is not part of any region (a SIMP or SIEFP that
 * is a page of its own).  Refused unless the file is sealed and large enough.
 * Returns a link_status; page->va is NULL unless that is LINK_OK.
 */
struct link_page {
	void *va;		/* NULL: none */
	struct link_loose *loose;
};
uint32_t link_page_map(struct link_page *, int fd, uint64_t offset,
    struct link_mem_owner *);
void link_page_unmap(struct link_page *, struct link_mem_owner *);

/* part_ops.map_pages and unmap_pages. */
int link_pages_map(struct partition *, const uint64_t *pfns, uint32_t count,
    struct part_map *out, struct link_mem_owner *);
void link_pages_unmap(struct part_map *, struct link_mem_owner *);

#endif
