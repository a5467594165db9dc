/*
 * Guest memory at the host.
 *
 * A region is a shared mapping of a file that the guest handed over.  The file
 * must be sealed against shrinking, else the guest could truncate it under us
 * and a worker would die of SIGBUS; and it must hold what the message says.
 * The descriptor is kept: pages that are scattered over regions (a ring whose
 * GPADL is not contiguous) are mapped again, side by side, from it.
 *
 * Context: control thread, workers of this guest parked.
 */
#include "linux/link/link_mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/link/link_host.h"

struct link_region {
	int fd;
	uint64_t offset;	/* of the region in the file */
};

/* True if [offset, offset + bytes) is in the file, now and for ever. */
static bool
file_is_stable(int fd, uint64_t offset, uint64_t bytes)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 &&
	    fstat(fd, &st) == 0 && st.st_size >= 0 &&
	    range_ok(offset, bytes, (uint64_t)st.st_size);
}

static uint64_t
link_mem_total(const struct partition *p)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < p->mem.count; i++)
		total += p->mem.region[i].bytes;
	return total;
}

uint32_t
link_mem_add(struct partition *p, const struct link_mem_add *m, int fd)
{
	if (((m->gpa | m->bytes | m->offset) & (HV_PAGE_SIZE - 1)) != 0 ||
	    m->bytes == 0)
		return LINK_E_MEM;
	if (p->mem.count >= LINK_MAX_REGIONS ||
	    m->bytes > LINK_MAX_GUEST_BYTES - link_mem_total(p))
		return LINK_E_LIMIT;
	if (!file_is_stable(fd, m->offset, m->bytes))
		return LINK_E_MEM;

	struct link_region *lr = malloc(sizeof(*lr));
	if (lr == NULL)
		return LINK_E_LIMIT;
	void *va = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    (off_t)m->offset);
	if (va == MAP_FAILED) {
		free(lr);
		return LINK_E_MEM;
	}
	*lr = (struct link_region){ fd, m->offset };
	struct gpa_region r = { m->gpa, m->bytes, va, lr };
	if (guestmem_add(&p->mem, &r) < 0) {
		munmap(va, m->bytes);
		free(lr);
		return LINK_E_MEM;
	}
	return LINK_OK;
}

uint32_t
link_mem_del(struct partition *p, uint64_t gpa)
{
	struct gpa_region old;

	if (guestmem_remove(&p->mem, gpa, &old) < 0)
		return LINK_E_MEM;
	struct link_region *lr = old.port;
	munmap(old.va, old.bytes);
	close(lr->fd);
	free(lr);
	return LINK_OK;
}

void
link_mem_del_all(struct partition *p)
{
	while (p->mem.count > 0)
		link_mem_del(p, p->mem.region[0].gpa);
}

void *
link_page_map(int fd, uint64_t offset)
{
	if ((offset & (HV_PAGE_SIZE - 1)) != 0 ||
	    !file_is_stable(fd, offset, HV_PAGE_SIZE))
		return NULL;
	void *va = mmap(NULL, HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, (off_t)offset);
	return va == MAP_FAILED ? NULL : va;
}

void
link_page_unmap(void *page)
{
	if (page != NULL)
		munmap(page, HV_PAGE_SIZE);
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
	if (mmap(at, (size_t)n * HV_PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED, lr->fd,
	    (off_t)(lr->offset + (gpa - r->gpa))) == MAP_FAILED)
		return 0;
	return n;
}

int
link_pages_map(struct partition *p, const uint64_t *pfns, uint32_t count,
    struct part_map *out, uint32_t *runs, uint32_t max)
{
	size_t bytes = (size_t)count * HV_PAGE_SIZE;
	uint32_t pieces = 0;

	/* One mapping reserves the place; the pieces then cover it. */
	uint8_t *va = mmap(NULL, bytes, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (va == MAP_FAILED)
		return E_NOMEM;
	for (uint32_t i = 0; i < count;) {
		if (*runs + pieces >= max) {
			munmap(va, bytes);
			return E_NOMEM;
		}
		uint32_t n = link_run_map(p, &pfns[i], count - i,
		    va + (size_t)i * HV_PAGE_SIZE);
		if (n == 0) {
			munmap(va, bytes);
			return E_PEER;
		}
		i += n;
		pieces++;
	}
	*runs += pieces;
	out->va = va;
	out->bytes = (uint32_t)bytes;
	out->direct = false;
	out->port = (void *)(uintptr_t)pieces;
	return 0;
}

void
link_pages_unmap(struct part_map *map, uint32_t *runs)
{
	munmap(map->va, map->bytes);
	*runs -= (uint32_t)(uintptr_t)map->port;
	map->va = NULL;
}
