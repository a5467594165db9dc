/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory at the host: mapping regions and scattered pages of them.
 */
#ifndef LINUX_LINK_LINK_MEM_H
#define LINUX_LINK_LINK_MEM_H

#include "bus/partition.h"
#include "linux/link/link_loose.h"
#include "linux/link/link_wire.h"

/*
 * Map a region and add it to the partition's table.  Takes fd over on success
 * only.  A file that is not sealed is refused, or, where `loose` is given,
 * mapped loosely: its owner is condemned when such memory was taken away,
 * see link_loose.h.  Returns a link_status.
 */
uint32_t link_mem_add(struct partition *, const struct link_mem_add *, int fd,
    struct link_loose_owner *loose);
/* Unmap and forget the region at gpa.  Returns a link_status. */
uint32_t link_mem_del(struct partition *, uint64_t gpa);
void link_mem_del_all(struct partition *);

/*
 * Map one page of a file that is not part of any region (a SIMP or SIEFP that
 * is a page of its own).  NULL unless the file is sealed and large enough.
 */
void *link_page_map(int fd, uint64_t offset);
void link_page_unmap(void *page);

/* part_ops.map_pages and unmap_pages; *runs counts pieces, at most max. */
int link_pages_map(struct partition *, const uint64_t *pfns, uint32_t count,
    struct part_map *out, uint32_t *runs, uint32_t max);
void link_pages_unmap(struct part_map *, uint32_t *runs);

#endif
