/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory of the simulation.  See sim_mem.h.
 *
 * Theory of operation.  The memfd is mapped once for the guest and once a
 * region for the host.  Regions follow each other in guest physical addresses
 * but not in the host's, so a GPADL that crosses a border is not one run and
 * takes the map_pages path, as guest memory of many memory slots does.  The
 * allocator starts its search at a place that the seed chooses.
 */
#include "sim/sim_mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_FRESH, PAGE_USED, PAGE_FREED };

static void
give_up(const char *what)
{
	perror(what);
	exit(2);
}

static uint8_t *
map_fd(const struct sim_mem *m, size_t pages, uint64_t page)
{
	void *va = mmap(NULL, pages * HV_PAGE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED, m->fd, (off_t)(page * HV_PAGE_SIZE));

	if (va == MAP_FAILED)
		give_up("sim: mmap");
	return va;
}

void
sim_mem_init(struct sim_mem *m, struct sim *sim, uint32_t pages,
    uint32_t regions)
{
	memset(m, 0, sizeof(*m));
	m->sim = sim;
	m->regions = regions;
	m->region_pages = (pages + regions - 1) / regions;
	m->pages = m->region_pages * regions;
	m->allocs_left = UINT32_MAX;
	m->fd = memfd_create("sim-guest", MFD_CLOEXEC);
	if (m->fd < 0 ||
	    ftruncate(m->fd, (off_t)m->pages * (off_t)HV_PAGE_SIZE) < 0)
		give_up("sim: memfd");
	m->guest = map_fd(m, m->pages, 0);
	/* Backwards, so that neighbours are not neighbours by chance. */
	for (uint32_t i = regions; i-- > 0;)
		m->host[i] = map_fd(m, m->region_pages,
		    (uint64_t)i * m->region_pages);
	m->used = calloc(m->pages, 1);
	if (m->used == NULL)
		give_up("sim: pages");
}

void
sim_mem_fini(struct sim_mem *m)
{
	munmap(m->guest, (size_t)m->pages * HV_PAGE_SIZE);
	for (uint32_t i = 0; i < m->regions; i++)
		munmap(m->host[i], (size_t)m->region_pages * HV_PAGE_SIZE);
	close(m->fd);
	free(m->used);
}

void
sim_mem_regions(struct sim_mem *m, struct guestmem *gm)
{
	const uint64_t bytes = (uint64_t)m->region_pages * HV_PAGE_SIZE;

	for (uint32_t i = 0; i < m->regions; i++) {
		struct gpa_region r = { .gpa = SIM_MEM_GPA + i * bytes,
			.bytes = bytes, .va = m->host[i] };

		if (guestmem_add(gm, &r) < 0)
			give_up("sim: guestmem_add");
	}
}

static bool
page_clean(const struct sim_mem *m, uint32_t page)
{
	const uint64_t *p = (const void *)(m->guest +
	    (size_t)page * HV_PAGE_SIZE);

	for (uint32_t i = 0; i < HV_PAGE_SIZE / sizeof(*p); i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* First run of n free pages from `from` on; m->pages if there is none. */
static uint32_t
run_find(const struct sim_mem *m, uint32_t from, uint32_t n)
{
	uint32_t run = 0;

	for (uint32_t i = from; i < m->pages; i++) {
		run = m->used[i] == PAGE_USED ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return m->pages;
}

int
sim_mem_alloc(struct sim_mem *m, uint32_t bytes, struct chan_mem *out)
{
	uint32_t n = (bytes + HV_PAGE_SIZE - 1) / HV_PAGE_SIZE, at;

	if (m->allocs_left == 0)
		return E_NOMEM;
	if (m->allocs_left != UINT32_MAX)
		m->allocs_left--;
	at = run_find(m, sim_below(m->sim, m->pages), n);
	if (at == m->pages)
		at = run_find(m, 0, n);
	if (at == m->pages || n == 0)
		return E_NOMEM;
	for (uint32_t i = at; i < at + n; i++) {
		bool fresh = m->used[i] == PAGE_FRESH;

		m->used[i] = PAGE_USED;
		if (!fresh && !page_clean(m, i)) {
			m->dirty++;
			memset(m->guest + (size_t)i * HV_PAGE_SIZE, 0,
			    HV_PAGE_SIZE);
		}
	}
	m->pages_live += n;
	*out = (struct chan_mem){
		.va = m->guest + (size_t)at * HV_PAGE_SIZE,
		.gpa = SIM_MEM_GPA + (uint64_t)at * HV_PAGE_SIZE,
		.bytes = n * HV_PAGE_SIZE,
	};
	return 0;
}

void
sim_mem_free(struct sim_mem *m, struct chan_mem *mem)
{
	uint32_t n = mem->bytes / HV_PAGE_SIZE;
	uint32_t at = (uint32_t)((mem->gpa - SIM_MEM_GPA) / HV_PAGE_SIZE);

	OS_ASSERT(mem->va != NULL && at + n <= m->pages);
	for (uint32_t i = at; i < at + n; i++) {
		OS_ASSERT(m->used[i] == PAGE_USED);
		m->used[i] = PAGE_FREED;
	}
	memset(mem->va, 0, mem->bytes);
	m->pages_live -= n;
	memset(mem, 0, sizeof(*mem));
}

int
sim_mem_map(struct sim_mem *m, const uint64_t *pfns, uint32_t count,
    struct part_map *out)
{
	const uint64_t first = SIM_MEM_GPA >> HV_PAGE_SHIFT;
	const size_t bytes = (size_t)count * HV_PAGE_SIZE;
	uint8_t *va = mmap(NULL, bytes, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (va == MAP_FAILED)
		give_up("sim: mmap");
	for (uint32_t i = 0; i < count; i++)
		if (mmap(va + (size_t)i * HV_PAGE_SIZE, HV_PAGE_SIZE,
		    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, m->fd,
		    (off_t)((pfns[i] - first) * HV_PAGE_SIZE)) == MAP_FAILED)
			give_up("sim: mmap");
	m->maps_live++;
	out->va = va;
	out->bytes = (uint32_t)bytes;
	return 0;
}

void
sim_mem_unmap(struct sim_mem *m, struct part_map *map)
{
	m->maps_live--;
	munmap(map->va, map->bytes);
}

uint32_t
sim_mem_dirty(struct sim_mem *m)
{
	uint32_t dirty = m->dirty;

	for (uint32_t i = 0; i < m->pages; i++)
		if (m->used[i] == PAGE_FREED && !page_clean(m, i))
			dirty++;
	return dirty;
}
