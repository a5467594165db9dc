/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a channel does: the one view of VMBus that vsc and vsp have.
 *
 * Implementations: our own rings (bus/ring_chan.h, used by both ends), the
 * rings of uio_hv_generic, and a channel that a kernel owns, such as FreeBSD's
 * vmbus(4), whose behaviour sim/sim_kernel.h has over our rings
 * (docs/porting.md).
 *
 * Contexts.  A channel has an *owner*: the one thread at a time in which
 * ready() runs (the virtual processor at the guest end, the worker at the host
 * end, a task of the kernel).  Data functions are the owner's; with
 * CHAN_CAP_WRITERS any thread may send.  The guest end also has a *control
 * context*: calls of control functions and of all events but ready() come one
 * at a time, whatever threads they come from.  It may sleep, and no owner ever
 * waits for it.  At the host end control runs with the owner parked or absent.
 */
#ifndef CORE_BUS_CHAN_H
#define CORE_BUS_CHAN_H

#include "base/counter.h"
#include "base/fault.h"
#include "wire/guid.h"
#include "wire/vmpkt.h"

struct chan;

/* Memory that both ends see: contiguous in guest physical addresses. */
struct chan_mem {
	void *va;
	uint64_t gpa;
	uint32_t bytes;		/* multiple of HV_PAGE_SIZE */
	void *port;		/* the allocator's own */
};

/*
 * What only some channels can do.  A channel that publishes and signals each
 * packet by itself, or cannot mask signals, needs no bit: see commit(),
 * irq_mask() and irq_unmask().
 */
#define CHAN_CAP_SPACE	0x1u	/* want_space() leads to a call of ready() */
/* send(), commit() and want_space() may be called by several threads at once */
#define CHAN_CAP_WRITERS 0x2u

/* What the guest end requests by OPEN_CHANNEL. */
struct chan_open {
	struct chan_mem ring;	/* both rings, ours (to the host) first */
	uint32_t to_host_bytes;	/* of ring.bytes; multiple of HV_PAGE_SIZE */
	uint32_t vp;		/* virtual processor that takes the events */
	struct span user_data;	/* up to 120 bytes for the host, may be empty */
};

/* Memory that a channel may bring along. */
enum chan_given { CHAN_GIVEN_RING, CHAN_GIVEN_RECV, CHAN_GIVEN_SEND };

struct chan_ops {
	uint32_t caps;

	/*
	 * Append a packet.  0; E_AGAIN: no room (nothing was written); E_PEER:
	 * the peer broke the ring, the fault is noted; E_GONE: channel
	 * rescinded or closed.  The packet is visible after commit() at the
	 * latest; it may be, and its answer there, before send() returns.
	 */
	int (*send)(struct chan *, const struct vmpkt_out *);
	/*
	 * Publish what was sent; one signal at most.  Does nothing where each
	 * send() publishes and signals.
	 */
	void (*commit)(struct chan *);
	/*
	 * After E_AGAIN: request a call of ready() when `bytes` of room are
	 * free.  True if there is room already: then no call follows.  Without
	 * CHAN_CAP_SPACE no call follows either: look again later.
	 */
	bool (*want_space)(struct chan *, uint32_t bytes);

	/*
	 * Copy the next packet into buf and describe it in *out, whose spans
	 * point into buf.  1: a packet; 0: none; E_NOMEM: larger than cap
	 * (nothing consumed); E_PEER: the ring is broken, the fault is noted.
	 */
	int (*recv)(struct chan *, struct vmpkt_in *out, void *buf,
	    uint32_t cap);
	/* Give the peer the room of all packets received so far. */
	void (*recv_commit)(struct chan *);
	/* Tell the peer not to signal.  A hint: it may do nothing. */
	void (*irq_mask)(struct chan *);
	/*
	 * Request signals again; true: packets are there, poll on.  A channel
	 * that cannot mask returns false, and calls ready() while there are
	 * packets.
	 */
	bool (*irq_unmask)(struct chan *);

	/*
	 * Guest end, control context; NULL at the host end.  Each starts an
	 * exchange that ends in the chan_events call of the same name, maybe
	 * before it returns.  Each may sleep, also for the owner: never from
	 * ready().  E_STATE, E_NOMEM, E_GONE: not started.
	 */
	int (*gpadl_create)(struct chan *, const struct chan_mem *,
	    uint32_t *gpadl);
	int (*gpadl_teardown)(struct chan *, uint32_t gpadl);
	int (*open)(struct chan *, const struct chan_open *);
	/*
	 * Close; the ring's GPADL is torn down.  A primary closes its
	 * sub-channels first.  A channel that was never opened is given back:
	 * closed() follows, or E_STATE is returned.
	 */
	int (*close)(struct chan *);
	/*
	 * The host granted this primary n sub-channels: a bus that does not
	 * report them by itself begins to wait for them, in a thread of its
	 * own, and calls subchannel() for each.  NULL where the bus reports
	 * each as it is offered.
	 */
	void (*subs_expect)(struct chan *primary, uint32_t n);

	/*
	 * Given memory: what the bus driver allocated and announced
	 * (uio_hv_generic).  Use it for the ring and for gpadl_create().  Split
	 * a ring in half.  NULL if there is none.  Returns 0, or E_GONE.
	 */
	int (*given)(struct chan *, enum chan_given what,
	    struct chan_mem *out);
};

/* Upcalls to the user of a channel (vsc or vsp). */
struct chan_events {
	/*
	 * Packets or room may be there.  Context: owner.  Do at most `budget`
	 * packets, fewer where they hold much; true: there is more, call again
	 * without a new signal.
	 */
	bool (*ready)(struct chan *, uint32_t budget);

	/* Guest end, control context. */
	/*
	 * err E_TIMEOUT: no answer, the host may still have the ring memory:
	 * leak it on purpose, and count it.  Any other: it is ours.
	 */
	void (*opened)(struct chan *, int err);
	/*
	 * The channel is drained: no ready() is under way or will come.
	 * err 0: the ring memory may be freed.  Otherwise (no teardown reply)
	 * the host may still write there: leak it on purpose, and count it.
	 */
	void (*closed)(struct chan *, int err);
	/* err as of opened(), of the GPADL's memory. */
	void (*gpadl_created)(struct chan *, uint32_t gpadl, int err);
	/* err as of closed(), of the GPADL's memory. */
	void (*gpadl_torndown)(struct chan *, uint32_t gpadl, int err);
	/*
	 * A sub-channel of this primary is there.  To take it, set its events
	 * before this returns; then it must be closed, also if it was never
	 * opened.  Without events it stays the bus's.  The operation may be
	 * NULL while no sub-channel is taken.
	 */
	void (*subchannel)(struct chan *primary, struct chan *sub);
	/*
	 * The host took the offer back.  An open channel is still to be closed
	 * (closed() follows) and ceases to be with that; another one ceases to
	 * be now.  A hint: it may be late, or never come where the bus only
	 * lets calls fail with E_GONE.
	 */
	void (*rescinded)(struct chan *);
};

struct chan {
	/* const after the offer */
	const struct chan_ops *ops;
	struct hv_guid type;
	struct hv_guid instance;
	uint16_t subindex;	/* 0: primary */
	uint32_t relid;
	uint32_t vmbus_version;	/* VMBus version of the connection */

	/* set by the user before the first control call */
	const struct chan_events *events;
	void *user;

	/* owner: queue */
	struct fault_log faults;
};

static inline int
chan_send(struct chan *c, const struct vmpkt_out *p)
{
	return c->ops->send(c, p);
}

static inline void
chan_commit(struct chan *c)
{
	c->ops->commit(c);
}

static inline bool
chan_want_space(struct chan *c, uint32_t bytes)
{
	return c->ops->want_space(c, bytes);
}

static inline int
chan_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	return c->ops->recv(c, out, buf, cap);
}

static inline void
chan_recv_commit(struct chan *c)
{
	c->ops->recv_commit(c);
}

static inline void
chan_irq_mask(struct chan *c)
{
	c->ops->irq_mask(c);
}

static inline bool
chan_irq_unmask(struct chan *c)
{
	return c->ops->irq_unmask(c);
}

#endif
