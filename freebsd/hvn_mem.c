/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: the core's own, and what the host sees.
 *
 * Theory of operation.  Shared memory is one DMA segment, page aligned, since
 * vmbus(4) makes a GPADL of one contiguous range.  The core's own memory is
 * aligned by hand: not all releases have malloc_aligned(9).
 *
 * Context: control.
 */
#include "hvn.h"

/* Before each block of the core: what malloc(9) gave. */
#define MEM_EXTRA	(OS_CACHELINE + sizeof(void *))

struct hvn_dma {
	bus_dma_tag_t tag;
	bus_dmamap_t map;
};

void *
hvn_mem_new(void *ctx, size_t bytes)
{
	char *raw, *p;

	if (bytes > SIZE_MAX - MEM_EXTRA)
		return NULL;
	raw = malloc(bytes + MEM_EXTRA, M_HVN, M_WAITOK | M_ZERO);
	p = raw + MEM_EXTRA;
	p -= (uintptr_t)p % OS_CACHELINE;
	memcpy(p - sizeof(raw), &raw, sizeof(raw));
	return p;
}

void
hvn_mem_del(void *ctx, void *p, size_t bytes)
{
	char *raw;

	if (p == NULL)
		return;
	memcpy(&raw, (char *)p - sizeof(raw), sizeof(raw));
	free(raw, M_HVN);
}

/* The address of the one segment. */
static void
mem_loaded(void *arg, bus_dma_segment_t *seg, int n, int error)
{
	if (error == 0 && n == 1)
		*(bus_addr_t *)arg = seg[0].ds_addr;
}

int
hvn_mem_shared(void *ctx, uint32_t bytes, struct chan_mem *out)
{
	struct hvn_softc *sc = ctx;
	struct hvn_dma *d;
	bus_addr_t at = 0;
	void *va;

	d = malloc(sizeof(*d), M_HVN, M_WAITOK | M_ZERO);
	if (bus_dma_tag_create(bus_get_dma_tag(sc->dev), HV_PAGE_SIZE, 0,
	    BUS_SPACE_MAXADDR, BUS_SPACE_MAXADDR, NULL, NULL, bytes, 1, bytes,
	    0, NULL, NULL, &d->tag) != 0)
		goto no_tag;
	if (bus_dmamem_alloc(d->tag, &va, BUS_DMA_WAITOK | BUS_DMA_ZERO,
	    &d->map) != 0)
		goto no_memory;
	if (bus_dmamap_load(d->tag, d->map, va, bytes, mem_loaded, &at,
	    BUS_DMA_NOWAIT) != 0 || at == 0)
		goto not_loaded;
	*out = (struct chan_mem){ .va = va, .gpa = at, .bytes = bytes,
	    .port = d };
	return 0;

not_loaded:
	bus_dmamem_free(d->tag, va, d->map);
no_memory:
	bus_dma_tag_destroy(d->tag);
no_tag:
	free(d, M_HVN);
	device_printf(sc->dev, "no %u KiB of contiguous memory\n",
	    bytes / 1024);
	return E_NOMEM;
}

void
hvn_mem_unshare(void *ctx, struct chan_mem *m)
{
	struct hvn_dma *d = m->port;

	bus_dmamap_unload(d->tag, d->map);
	bus_dmamem_free(d->tag, m->va, d->map);
	bus_dma_tag_destroy(d->tag);
	free(d, M_HVN);
}
