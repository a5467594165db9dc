/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a channel does: the one view of VMBus that vsc and vsp have.
 *
 * Two implementations exist: our own rings (bus/ring_chan.h, used by both
 * ends), and a channel that an operating system owns, such as FreeBSD's
 * vmbus(4).  The latter signals each packet itself and cannot batch; the
 * capability bits say so, and callers work with either.  tests/unit/
 * test_chan_dummy.c keeps a third, do-nothing implementation compiling and
 * passing, so that this seam stays honest.
 *
 * Ownership: a channel has one owner thread at a time (the virtual processor
 * at the guest end, the worker at the host end), and only that thread calls
 * data functions.  Control functions are called from the control context of the
 * end, with the channel's owner parked or absent.
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

#define CHAN_CAP_BATCH	0x1u	/* send() waits for commit() to be seen */
#define CHAN_CAP_SPACE	0x2u	/* want_space() leads to a space event */
#define CHAN_CAP_MASK	0x4u	/* irq_mask() and irq_unmask() have effect */

/* What the guest end asks of OPEN_CHANNEL. */
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
	 * Append a packet to the open batch.  0; E_AGAIN: no room (nothing was
	 * written); E_PEER: the peer broke the ring, the fault is noted;
	 * E_GONE: channel rescinded or closed.  Without CHAN_CAP_BATCH the
	 * packet is visible, and the peer told, on return.
	 */
	int (*send)(struct chan *, const struct vmpkt_out *);
	/* Publish the batch; one signal at most. */
	void (*commit)(struct chan *);
	/*
	 * After E_AGAIN: request an event when `bytes` of room are free.
	 * True if there is room already: then no event follows.
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
	/* Tell the peer not to signal.  A hint. */
	void (*irq_mask)(struct chan *);
	/* Request signals again; true: packets are there, poll on. */
	bool (*irq_unmask)(struct chan *);

	/*
	 * Guest end, control context; NULL at the host end.  Each starts an
	 * exchange that ends in the chan_events call of the same name, maybe
	 * before it returns.  E_STATE, E_NOMEM, E_GONE: not started.
	 */
	int (*gpadl_create)(struct chan *, const struct chan_mem *,
	    uint32_t *gpadl);
	int (*gpadl_teardown)(struct chan *, uint32_t gpadl);
	int (*open)(struct chan *, const struct chan_open *);
	/*
	 * Close; the ring's GPADL is torn down, ->closed() tells when the ring
	 * memory is ours again.  A primary closes its sub-channels first.
	 */
	int (*close)(struct chan *);

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
	void (*opened)(struct chan *, int err);
	/*
	 * err 0: the ring memory may be freed.  Otherwise (no teardown reply)
	 * the host may still write there: leak it on purpose, and count it.
	 */
	void (*closed)(struct chan *, int err);
	void (*gpadl_created)(struct chan *, uint32_t gpadl, int err);
	void (*gpadl_torndown)(struct chan *, uint32_t gpadl, int err);
	/* The host offered a sub-channel of this primary. */
	void (*subchannel)(struct chan *primary, struct chan *sub);
	/* The host took the offer back: close (closed() follows), forget. */
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
