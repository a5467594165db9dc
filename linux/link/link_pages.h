/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a guest that is a process: one memfd, sealed against
 * shrinking and mapped once.
 *
 * Context: the control context of the guest.
 */
#ifndef LINUX_LINK_LINK_PAGES_H
#define LINUX_LINK_LINK_PAGES_H

#include "bus/chan.h"

struct link_pages_run {
	uint64_t first, pages;
};

struct link_pages {
	int fd;			/* -1: none */
	uint64_t gpa_base;
	uint8_t *mem;
	uint64_t bytes;
	uint64_t used_bytes;
	struct link_pages_run *run;
	uint32_t runs, runs_cap;
};

/* Of so many bytes, seen by the host from gpa_base on.  0 or -errno; then
 * link_pages_destroy() is due as well. */
int link_pages_create(struct link_pages *, uint64_t gpa_base, uint64_t bytes);
void link_pages_destroy(struct link_pages *);
/* Zeroed, contiguous: 0 or E_NOMEM. */
int link_pages_alloc(struct link_pages *, uint32_t bytes,
    struct chan_mem *out);
void link_pages_free(struct link_pages *, struct chan_mem *);

#endif
