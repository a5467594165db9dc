/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the test gives the stand-in: guest memory, and VMBus by our own client.
 */
#ifndef TESTS_FREEBSD_STANDIN_H
#define TESTS_FREEBSD_STANDIN_H

#include "hvn_kernel.h"

#include "bus/vmc.h"
#include "sim/sim_mem.h"

/* Guest memory, and its lock; pages of it become mbufs. */
void standin_memory(struct sim_mem *, pthread_mutex_t *, uint32_t pages);
/* mbufs that were not freed; gives their memory back. */
uint32_t standin_memory_end(void);
/* Empty mbuf of any size up to a page, with a packet header. */
struct mbuf *standin_mbuf(void);

/* Locks of the test, in this order; vp has one for each processor. */
struct standin_locks {
	pthread_mutex_t *bus, *vp, *ring;
};
void standin_bus(const struct standin_locks *, uint32_t vps);
void standin_bus_end(void);
/* The client offers a primary; returns the device's channel. */
struct vmbus_channel *standin_offer(struct chan *);
void standin_gone(struct chan *);
/* The offer was taken back, and the device is to be detached. */
extern uint32_t standin_revoked;

#endif
