/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of a guest process, page by page.
 *
 * Pages are dealt out first fit from a list of free runs; freed pages are
 * punched out of the file, so that they come back zeroed and cost nothing
 * meanwhile.
 */
#include "linux/link/link_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"

int
link_pages_create(struct link_pages *lp, uint64_t gpa_base, uint64_t bytes)
{
	lp->gpa_base = gpa_base;
	lp->fd = memfd_create("hvnet-guest", MFD_CLOEXEC |
	    MFD_ALLOW_SEALING);
	if (lp->fd < 0)
		return -errno;
	if (ftruncate(lp->fd, (off_t)bytes) < 0 ||
	    fcntl(lp->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return -errno;
	lp->mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
	    lp->fd, 0);
	if (lp->mem == MAP_FAILED) {
		lp->mem = NULL;
		return -errno;
	}
	/* Helps where .../mm/transparent_hugepage/shmem_enabled lets. */
	(void)madvise(lp->mem, bytes, MADV_HUGEPAGE);
	lp->bytes = bytes;
	lp->runs_cap = 64;
	lp->run = calloc(lp->runs_cap, sizeof(*lp->run));
	if (lp->run == NULL)
		return -ENOMEM;
	lp->run[0] = (struct link_pages_run){ 0, bytes / HV_PAGE_SIZE };
	lp->runs = 1;
	return 0;
}

void
link_pages_destroy(struct link_pages *lp)
{
	if (lp->mem != NULL)
		munmap(lp->mem, lp->bytes);
	if (lp->fd >= 0)
		close(lp->fd);
	free(lp->run);
}

int
link_pages_alloc(struct link_pages *lp, uint32_t bytes,
    struct chan_mem *out)
{
	uint64_t pages = ((uint64_t)bytes + HV_PAGE_SIZE - 1) / HV_PAGE_SIZE;

	for (uint32_t i = 0; pages > 0 && i < lp->runs; i++) {
		struct link_pages_run *r = &lp->run[i];

		if (r->pages < pages)
			continue;
		*out = (struct chan_mem){
			.va = lp->mem + r->first * HV_PAGE_SIZE,
			.gpa = lp->gpa_base + r->first * HV_PAGE_SIZE,
			.bytes = (uint32_t)(pages * HV_PAGE_SIZE),
		};
		r->first += pages;
		r->pages -= pages;
		if (r->pages == 0)
			lp->run[i] = lp->run[--lp->runs];
		lp->used_bytes += out->bytes;
		return 0;
	}
	return E_NOMEM;
}

void
link_pages_free(struct link_pages *lp, struct chan_mem *m)
{
	struct link_pages_run back = {
		(m->gpa - lp->gpa_base) / HV_PAGE_SIZE,
		m->bytes / HV_PAGE_SIZE,
	};

	if (m->bytes == 0)
		return;
	fallocate(lp->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)(back.first * HV_PAGE_SIZE), m->bytes);
	lp->used_bytes -= m->bytes;
	*m = (struct chan_mem){ 0 };
	/* Join the neighbours on both sides; order in the list is free. */
	for (uint32_t i = 0; i < lp->runs;) {
		struct link_pages_run *r = &lp->run[i];

		if (r->first + r->pages == back.first)
			back.first = r->first;
		else if (back.first + back.pages != r->first) {
			i++;
			continue;
		}
		back.pages += r->pages;
		*r = lp->run[--lp->runs];
		i = 0;
	}
	if (lp->runs == lp->runs_cap) {
		struct link_pages_run *grown = realloc(lp->run,
		    2 * lp->runs_cap * sizeof(*grown));

		if (grown == NULL)
			return;	/* the pages are lost to this process only */
		lp->run = grown;
		lp->runs_cap *= 2;
	}
	lp->run[lp->runs++] = back;
}
