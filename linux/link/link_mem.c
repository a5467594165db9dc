/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory at the host.
 *
 * A region is a shared mapping of a file that the guest handed over.  The file
 * must be sealed against shrinking, else the guest could truncate it under us
 * and a worker would die of SIGBUS; and it must hold what the message says.
 * The descriptor is kept: pages that are scattered over regions (a ring whose
 * GPADL is not contiguous) are mapped again, side by side, from it.
 *
 * A DPDK program's memory is hugetlbfs files, one a page, that cannot be
 * sealed.  Where the link allows it they are taken all the same: no descriptor
 * is kept, and no GPADL may scatter over them.
 *
 * Even sealed memory can be absent: a page that was never written is allocated
 * when we touch it, and a system without overcommit may have none, or the page
 * is broken.  So every mapping here is watched for SIGBUS (link_loose.h), and
 * each comes out of a budget (link_budget.h).
 *
 * Context: control thread, workers of this guest parked.
 */
#include "linux/link/link_mem.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "linux/link/link_host.h"

struct link_region {
	int fd;			/* -1: not sealed */
	uint64_t offset;	/* of the region in the file */
	struct link_loose *loose;
};

/* Pages that were mapped side by side. */
struct link_scatter {
	uint32_t pieces;
	struct link_loose *loose;
};

/*
 * True only for files of tmpfs and hugetlbfs: they have seals, if only the one
 * against seals.  A file of another system could block us, even in fstat(),
 * until the guest serves it (FUSE).
 */
static bool
file_is_memory(int fd)
{
	return fcntl(fd, F_GET_SEALS) >= 0;
}

/* Huge pages can run out, sealed or not: a hole is SIGBUS then. */
static bool
file_is_huge(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) != 0 || fs.f_type == HUGETLBFS_MAGIC;
}

static bool
file_is_large(int fd, uint64_t offset, uint64_t bytes)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size >= 0 &&
	    range_ok(offset, bytes, (uint64_t)st.st_size);
}

/* True if [offset, offset + bytes) is in the file, now and for ever. */
static bool
file_is_stable(int fd, uint64_t offset, uint64_t bytes)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 &&
	    !file_is_huge(fd) && file_is_large(fd, offset, bytes);
}

static uint64_t
link_mem_total(const struct partition *p)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < p->mem.count; i++)
		total += p->mem.region[i].bytes;
	return total;
}

/* Regions whose descriptor is kept. */
static uint32_t
link_mem_held(const struct partition *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->mem.count; i++)
		n += ((struct link_region *)p->mem.region[i].port)->fd >= 0;
	return n;
}

static uint32_t
link_region_map(struct partition *p, const struct link_mem_add *m, int fd,
    struct link_mem_owner *o, struct link_region *lr)
{
	struct gpa_region r = { m->gpa, m->bytes, NULL, lr };

	if (!link_budget_map(&o->budget))
		return LINK_E_LIMIT;
	r.va = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    (off_t)m->offset);
	if (r.va == MAP_FAILED)
		goto give_back;
	(void)madvise(r.va, m->bytes, MADV_HUGEPAGE);
	lr->loose = link_loose_add(r.va, m->bytes, &o->loose);
	if (lr->loose == NULL)
		goto unmap;
	if (guestmem_add(&p->mem, &r) < 0)
		goto remove_loose;
	return LINK_OK;

remove_loose:
	link_loose_remove(lr->loose);
unmap:
	munmap(r.va, m->bytes);
give_back:
	link_budget_unmap(&o->budget, 1);
	return LINK_E_MEM;
}

uint32_t
link_mem_add(struct partition *p, const struct link_mem_add *m, int fd,
    struct link_mem_owner *o, bool unsealed)
{
	bool stable = file_is_stable(fd, m->offset, m->bytes);

	if (((m->gpa | m->bytes | m->offset) & (HV_PAGE_SIZE - 1)) != 0 ||
	    m->bytes == 0)
		return LINK_E_MEM;
	if (p->mem.count >= GUESTMEM_MAX_REGIONS ||
	    (stable && link_mem_held(p) >= LINK_MAX_REGIONS) ||
	    m->bytes > LINK_MAX_GUEST_BYTES - link_mem_total(p))
		return LINK_E_LIMIT;
	if (!stable && (!unsealed || !file_is_memory(fd) ||
	    !file_is_large(fd, m->offset, m->bytes)))
		return LINK_E_MEM;

	struct link_region *lr = malloc(sizeof(*lr));
	if (lr == NULL)
		return LINK_E_LIMIT;
	*lr = (struct link_region){ stable ? fd : -1, m->offset, NULL };
	uint32_t status = link_region_map(p, m, fd, o, lr);
	if (status != LINK_OK)
		free(lr);
	else if (!stable)
		close(fd);
	return status;
}

uint32_t
link_mem_del(struct partition *p, uint64_t gpa, struct link_mem_owner *o)
{
	struct gpa_region old;

	if (guestmem_remove(&p->mem, gpa, &old) < 0)
		return LINK_E_MEM;
	struct link_region *lr = old.port;
	link_loose_remove(lr->loose);
	munmap(old.va, old.bytes);
	link_budget_unmap(&o->budget, 1);
	if (lr->fd >= 0)
		close(lr->fd);
	free(lr);
	return LINK_OK;
}

void
link_mem_del_all(struct partition *p, struct link_mem_owner *o)
{
	while (p->mem.count > 0)
		link_mem_del(p, p->mem.region[0].gpa, o);
}

uint32_t
link_mem_fds(const struct partition *p)
{
	return link_mem_held(p);
}

uint32_t
link_page_map(struct link_page *page, int fd, uint64_t offset,
    struct link_mem_owner *o)
{
	*page = (struct link_page){ NULL, NULL };
	if ((offset & (HV_PAGE_SIZE - 1)) != 0 ||
	    !file_is_stable(fd, offset, HV_PAGE_SIZE))
		return LINK_E_MEM;
	if (!link_budget_map(&o->budget))
		return LINK_E_LIMIT;
	void *va = mmap(NULL, HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, (off_t)offset);
	if (va == MAP_FAILED)
		goto give_back;
	page->loose = link_loose_add(va, HV_PAGE_SIZE, &o->loose);
	if (page->loose == NULL)
		goto unmap;
	page->va = va;
	return LINK_OK;

unmap:
	munmap(va, HV_PAGE_SIZE);
give_back:
	link_budget_unmap(&o->budget, 1);
	return LINK_E_MEM;
}

void
link_page_unmap(struct link_page *page, struct link_mem_owner *o)
{
	if (page->va == NULL)
		return;
	link_loose_remove(page->loose);
	munmap(page->va, HV_PAGE_SIZE);
	link_budget_unmap(&o->budget, 1);
	page->va = NULL;
}

/* Map the pages from pfns[0] on that follow each other in one region. */
static uint32_t
link_run_map(struct partition *p, const uint64_t *pfns, uint32_t count,
    uint8_t *at)
{
	uint64_t gpa = pfns[0] << HV_PAGE_SHIFT;
	const struct gpa_region *r = pfns[0] >> 40 ? NULL :
	    guestmem_find(&p->mem, gpa);
	uint32_t n = 1;

	if (r == NULL)
		return 0;
	while (n < count && pfns[n] == pfns[0] + n &&
	    range_ok(gpa - r->gpa, ((uint64_t)n + 1) * HV_PAGE_SIZE, r->bytes))
		n++;
	const struct link_region *lr = r->port;
	if (lr->fd < 0)
		return 0;
	if (mmap(at, (size_t)n * HV_PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED, lr->fd,
	    (off_t)(lr->offset + (gpa - r->gpa))) == MAP_FAILED)
		return 0;
	return n;
}

/* Put the pieces over the place at va.  How many; E_NOMEM or E_PEER. */
static int
link_pieces_map(struct partition *p, const uint64_t *pfns, uint32_t count,
    uint8_t *va, struct link_mem_owner *o)
{
	uint32_t pieces = 0;
	int err = E_PEER;

	for (uint32_t i = 0; i < count; pieces++) {
		if (o->map_runs + pieces >= LINK_MAX_MAP_RUNS ||
		    !link_budget_map(&o->budget)) {
			err = E_NOMEM;
			goto give_back;
		}
		uint32_t n = link_run_map(p, &pfns[i], count - i,
		    va + (size_t)i * HV_PAGE_SIZE);
		if (n == 0) {
			pieces++;
			goto give_back;
		}
		i += n;
	}
	return (int)pieces;

give_back:
	link_budget_unmap(&o->budget, pieces);
	return err;
}

int
link_pages_map(struct partition *p, const uint64_t *pfns, uint32_t count,
    struct part_map *out, struct link_mem_owner *o)
{
	struct link_scatter *sc = calloc(1, sizeof(*sc));
	size_t bytes = (size_t)count * HV_PAGE_SIZE;
	int rc = E_NOMEM;

	if (sc == NULL)
		return rc;
	/* One mapping reserves the place; the pieces then cover it. */
	uint8_t *va = mmap(NULL, bytes, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (va == MAP_FAILED)
		goto free_sc;
	rc = link_pieces_map(p, pfns, count, va, o);
	if (rc < 0)
		goto unmap;
	sc->pieces = (uint32_t)rc;
	sc->loose = link_loose_add(va, bytes, &o->loose);
	if (sc->loose == NULL) {
		link_budget_unmap(&o->budget, sc->pieces);
		rc = E_NOMEM;
		goto unmap;
	}
	o->map_runs += sc->pieces;
	*out = (struct part_map){ .va = va, .bytes = (uint32_t)bytes,
		.port = sc };
	return 0;

unmap:
	munmap(va, bytes);
free_sc:
	free(sc);
	return rc;
}

void
link_pages_unmap(struct part_map *map, struct link_mem_owner *o)
{
	struct link_scatter *sc = map->port;

	link_loose_remove(sc->loose);
	munmap(map->va, map->bytes);
	link_budget_unmap(&o->budget, sc->pieces);
	o->map_runs -= sc->pieces;
	free(sc);
	map->va = NULL;
}
