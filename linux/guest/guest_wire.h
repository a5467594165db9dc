/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program that is a guest has under its driver: the link to a host, or
 * the channels of a NIC of uio_hv_generic, and the calls of VMBus client and
 * NetVSC that need only them.
 *
 * `hvnet guest` and the frames API both put these functions into their tables
 * of struct vmc_ops and struct vsc_ops, where their contracts are.  So ctx is a
 * struct that begins with a struct guest_wire.
 *
 * Context: control, except guest_wire_signal() and guest_wire_eom(): those
 * belong to each virtual processor's thread.
 */
#ifndef LINUX_GUEST_GUEST_WIRE_H
#define LINUX_GUEST_GUEST_WIRE_H

#include "linux/guest/uio_bus.h"
#include "linux/link/link_guest.h"

/* One of the two, or neither while there is no connection. */
struct guest_wire {
	struct link_guest *link;
	struct uio_bus *bus;
};

/* Zeroed, at a cache line's start. */
void *guest_wire_alloc(void *ctx, size_t bytes);
void guest_wire_free(void *ctx, void *p, size_t bytes);
int guest_wire_mem_alloc(void *ctx, uint32_t bytes, struct chan_mem *out);
void guest_wire_mem_free(void *ctx, struct chan_mem *);

/* Where memory of ours with this address is, or NULL. */
uint8_t *guest_wire_gpa(const struct guest_wire *, uint64_t gpa, uint32_t len);

/* Only with a link. */
int guest_wire_post(void *ctx, uint32_t conn_id, const void *msg,
    uint32_t len);
void guest_wire_signal(void *ctx, uint32_t conn_id);
void guest_wire_eom(void *ctx, uint32_t vp);

#endif
