/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's network interface: TAP queues to NetVSC queues and back.
 *
 * Queue k of the TAP, queue k of the NetVSC and the virtual processor that
 * owns both are one thread's business, so nothing here is shared.
 */
#ifndef LINUX_GUEST_NETIF_H
#define LINUX_GUEST_NETIF_H

#include "base/counter.h"
#include "ring/ring_spin.h"
#include "vsc/vsc.h"

struct guest;

#define NETIF_COUNTERS(X)						\
	X(read,		"frames read from the TAP")			\
	X(read_bytes,	"bytes read from the TAP")			\
	X(read_cut,	"frames dropped because they were read in part") \
	X(written,	"frames written to the TAP")			\
	X(written_bytes, "bytes written to the TAP")			\
	X(write_errors,	"frames that the TAP did not take")		\
	X(flushes,	"bursts handed to the host")			\
	X(blocked,	"times transmission waited for the host")	\
	X(no_queue,	"frames read from a queue without a channel")	\
	X(coalesced,	"received segments merged before the TAP")	\
	X(moves,	"times it went to another virtual processor")
COUNTER_STRUCT(netif_counters, NETIF_COUNTERS);

struct netif_queue {
	uint32_t index;
	int fd;
	/* owner: VP 0, all others parked */
	uint32_t vp;		/* whose it is */
	uint32_t vp_wanted;	/* whose it shall be; control */
	/* owner: the queue's virtual processor */
	bool readable;		/* the TAP may have frames */
	bool blocked;		/* waits for tx_wake */
	struct pkt_coal *coal;	/* NULL: coalescing off */
	struct ring_spin spin;	/* of the ring from the host */
	struct netif_counters counters CACHE_ALIGNED;
};

/* Ready q->coal, which the caller allocated.  Before the VP runs. */
void netif_coal_init(struct netif_queue *);
/* The TAP's queue has frames.  Context: its VP. */
void netif_readable(struct guest *, uint32_t vp, uint32_t queue);
/* A bounded turn of transmission on all queues of a VP; true: work is left. */
bool netif_run(struct guest *, uint32_t vp);
/* Which VP owns queue k. */
uint32_t netif_queue_vp(const struct guest *, uint32_t queue);

/* vsc_ops. */
void netif_rx(void *guest, uint32_t queue, const struct vsc_frame *);
void netif_rx_flush(void *guest, uint32_t queue);
void netif_tx_wake(void *guest, uint32_t queue);

#endif
