/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Channels of a NIC that the kernel's uio_hv_generic gave to user space: what
 * bus/vmc.h is to a guest that is on the bus itself.
 *
 * Context: control (VP 0, the other VPs parked), except where noted.
 */
#ifndef LINUX_GUEST_UIO_BUS_H
#define LINUX_GUEST_UIO_BUS_H

#include "bus/chan.h"

struct uio_bus;

struct uio_bus_config {
	uint32_t number;	/* N of /dev/uioN */
	uint32_t vps;
	uint32_t chunks;	/* of UIO_ARENA_CHUNK, for frames by address */
	uint32_t queues;	/* wanted: sub-channels are looked for */
	bool huge;		/* huge pages, physical addresses */
	bool interrupt;		/* sleep on the uio's interrupt, do not poll */
	/* A channel of that VP was opened: dispatch it once. */
	void (*kick)(void *ctx, uint32_t vp);
	/*
	 * A channel was closed: between the two the VP does not dispatch.  May
	 * be NULL where one thread runs all.
	 */
	void (*park)(void *ctx, uint32_t vp);
	void (*unpark)(void *ctx, uint32_t vp);
	void *ctx;
};

/* Policy: large-frame slots that surely fit in a chunk (vsc_queue.c). */
#define UIO_BUS_CHUNK_SLOTS	14u

/* Chunks that a NetVSC with that many queues and slots a queue needs. */
static inline uint32_t
uio_bus_chunks(uint32_t queues, uint32_t tx_slots)
{
	return 1 + queues * (tx_slots / UIO_BUS_CHUNK_SLOTS + 1);
}

/*
 * Take the device; the kernel opens its channel.  Sub-channels follow from
 * uio_bus_timer(), the primary's events are the user's to set.  NULL with a
 * sentence.
 */
struct uio_bus *uio_bus_open(const struct uio_bus_config *, char *err,
    size_t cap);
/* Unmap and free all; the kernel closes the channels. */
void uio_bus_close(struct uio_bus *);
struct chan *uio_bus_primary(struct uio_bus *);

/* Guest memory; only uio_bus_close() frees it.  0 or E_NOMEM. */
int uio_bus_mem_alloc(struct uio_bus *, uint32_t bytes, struct chan_mem *out);
/* As uio_arena_find(). */
uint8_t *uio_bus_mem_find(const struct uio_bus *, uint64_t addr, uint32_t len);

/*
 * Poll the open channels of a VP; true: something was there, poll again.
 * Context: that VP.
 */
bool uio_bus_dispatch(struct uio_bus *, uint32_t vp, uint32_t budget);
/*
 * Look for sub-channels and for the device's end, as far as it is time; when to
 * call again, ns.  Earlier calls do nothing.
 */
uint64_t uio_bus_timer(struct uio_bus *, uint64_t now_ns);
/* Readable at an interrupt, with uio_bus_config.interrupt. */
int uio_bus_fd(const struct uio_bus *);
/* Take note of an interrupt.  Context: VP 0. */
void uio_bus_interrupt(struct uio_bus *);
/* The VP that a channel was opened for.  Any thread. */
uint32_t uio_bus_chan_vp(const struct chan *);

#endif
