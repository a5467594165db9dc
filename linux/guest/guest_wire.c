/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory, messages and signals of a program that is a guest, from the link to
 * its host or from uio_hv_generic.
 */
#include <stdlib.h>

#include "linux/guest/guest_wire.h"
#include "os_block.h"

void *
guest_wire_alloc(void *ctx, size_t bytes)
{
	return os_block_zeroed(bytes);
}

void
guest_wire_free(void *ctx, void *p, size_t bytes)
{
	free(p);
}

int
guest_wire_mem_alloc(void *ctx, uint32_t bytes, struct chan_mem *out)
{
	struct guest_wire *w = ctx;

	if (w->bus != NULL)
		return uio_bus_mem_alloc(w->bus, bytes, out);
	return link_guest_mem_alloc(w->link, bytes, out);
}

void
guest_wire_mem_free(void *ctx, struct chan_mem *m)
{
	struct guest_wire *w = ctx;

	/* The bus's memory goes with the bus. */
	if (w->bus == NULL)
		link_guest_mem_free(w->link, m);
}

uint8_t *
guest_wire_gpa(const struct guest_wire *w, uint64_t gpa, uint32_t len)
{
	if (w->bus != NULL)
		return uio_bus_mem_find(w->bus, gpa, len);
	return w->link != NULL ? link_guest_mem_find(w->link, gpa, len) :
	    NULL;
}

int
guest_wire_post(void *ctx, uint32_t conn_id, const void *msg, uint32_t len)
{
	struct guest_wire *w = ctx;

	return link_guest_post(w->link, conn_id, msg, len);
}

void
guest_wire_signal(void *ctx, uint32_t conn_id)
{
	struct guest_wire *w = ctx;

	link_guest_signal(w->link, conn_id);
}

void
guest_wire_eom(void *ctx, uint32_t vp)
{
	struct guest_wire *w = ctx;

	link_guest_eom(w->link, vp);
}
