/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes wrong in the in-process link, and what is left over in the end.
 *
 * Theory of operation.  Each end has a heap of its own whose live blocks are
 * counted, so that a leak has a side.  An allocation fails by chance, from the
 * seed, or from the Nth one on; a host's mapping or connection counts as one.
 */
#include "sim/sim_link.h"

#include <stdio.h>
#include <stdlib.h>
#include "os_block.h"

bool
sim_faults_named(const char *name, struct sim_faults *out)
{
	const bool all = strcmp(name, "all") == 0;

	memset(out, 0, sizeof(*out));
	if (strcmp(name, "none") == 0)
		return true;
	if (all || strcmp(name, "delay") == 0)
		out->delay_ns = 300000;
	if (all || strcmp(name, "irq") == 0) {
		out->irq_late = 100000;
		out->irq_twice = 200000;
	}
	if (all || strcmp(name, "signal") == 0) {
		out->sig_late = 100000;
		out->sig_twice = 200000;
	}
	if (all || strcmp(name, "post") == 0)
		out->post_again = 300000;
	if (strcmp(name, "alloc") == 0) {
		out->guest_alloc = 50000;
		out->host_alloc = 50000;
	}
	return all || out->delay_ns != 0 || out->irq_late != 0 ||
	    out->sig_late != 0 || out->post_again != 0 ||
	    out->guest_alloc != 0;
}

/* --- heaps --- */

static void *
heap_alloc(size_t bytes, uint64_t *live)
{
	void *p = os_block_zeroed(bytes);

	if (p == NULL) {
		perror("sim: heap");
		exit(2);
	}
	++*live;
	return p;
}

void *
sim_guest_alloc(void *link, size_t bytes)
{
	struct sim_link *l = link;

	if (l->mem.allocs_left == 0 ||
	    sim_chance(l->sim, l->cfg.faults.guest_alloc))
		return NULL;
	if (l->mem.allocs_left != UINT32_MAX)
		l->mem.allocs_left--;
	return heap_alloc(bytes, &l->guest_heap);
}

void
sim_guest_free(void *link, void *p, size_t bytes)
{
	struct sim_link *l = link;

	l->guest_heap--;
	free(p);
}

int
sim_guest_mem_alloc(void *link, uint32_t bytes, struct chan_mem *out)
{
	struct sim_link *l = link;

	if (sim_chance(l->sim, l->cfg.faults.guest_alloc))
		return E_NOMEM;
	return sim_mem_alloc(&l->mem, bytes, out);
}

void
sim_guest_mem_free(void *link, struct chan_mem *mem)
{
	struct sim_link *l = link;

	sim_mem_free(&l->mem, mem);
}

bool
sim_host_refuses(struct sim_link *l)
{
	if (l->host_allocs_left == 0 ||
	    sim_chance(l->sim, l->cfg.faults.host_alloc))
		return true;
	if (l->host_allocs_left != UINT32_MAX)
		l->host_allocs_left--;
	return false;
}

void *
sim_host_alloc(void *link, size_t bytes)
{
	struct sim_link *l = link;

	return sim_host_refuses(l) ? NULL : heap_alloc(bytes, &l->host_heap);
}

void
sim_host_free(void *link, void *p, size_t bytes)
{
	struct sim_link *l = link;

	l->host_heap--;
	free(p);
}

/* --- the balance --- */

bool
sim_link_at_0_13(const struct sim_link *l)
{
	return l->cfg.vmc.max_version == VMBUS_V0_13 ||
	    l->cfg.vms.max_version == VMBUS_V0_13;
}

bool
sim_link_host_blames(const struct sim_link *l)
{
	return l->part.faults.total != 0;
}

bool
sim_link_leaks(struct sim_link *l, bool destroyed, char *what, size_t cap)
{
	uint64_t guest_pages = l->leaked_pages +
	    (destroyed ? 0 : 2 * l->cfg.vps + 3);
	int n = 0;

#define LEAK(name, value, want)						\
	do {								\
		if ((uint64_t)(value) != (uint64_t)(want) && n >= 0 &&	\
		    (size_t)n < cap)					\
			n += snprintf(what + n, cap - (size_t)n,	\
			    " %s=%llu", name,				\
			    (unsigned long long)(value));		\
	} while (0)
	if (destroyed) {
		LEAK("guest_heap", l->guest_heap, 0);
		LEAK("host_heap", l->host_heap, 0);
	} else {
		LEAK("vmc_channels", vmc_channel_count(l->vmc), 0);
		LEAK("vmc_gpadls", vmc_gpadl_count(l->vmc), 0);
		LEAK("vms_gpadls", vms_gpadl_count(l->vms), 0);
		LEAK("vms_pages", vms_gpadl_pages(l->vms), 0);
	}
	LEAK("connections", l->conns, 0);
	LEAK("guest_pages", l->mem.pages_live, guest_pages);
	LEAK("host_maps", l->mem.maps_live, 0);
	LEAK("written_after_free", sim_mem_dirty(&l->mem), 0);
#undef LEAK
	return n > 0;
}
