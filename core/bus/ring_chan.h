/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel on our own rings: the data half of chan_ops over a producing and
 * a consuming ring.  Both ends use it; the guest adds the control half in its
 * own ops table (RING_CHAN_DATA_OPS), the host end needs none.
 *
 * Context: the channel's owner, except where a function says otherwise.  One
 * other thread at a time may send (send, commit, want_space) while the owner
 * receives, as the NetVSC's transmit lock sees to.
 */
#ifndef CORE_BUS_RING_CHAN_H
#define CORE_BUS_RING_CHAN_H

#include "bus/chan.h"
#include "ring/ring_in.h"
#include "ring/ring_out.h"

#define RING_CHAN_COUNTERS(X)						\
	X(signals_data,	"signals sent because packets were published")	\
	X(signals_room,	"signals sent because the peer waited for room") \
	X(signals_poll,	"signals due but not sent: the peer polls")
COUNTER_STRUCT(ring_chan_counters, RING_CHAN_COUNTERS);

/* When to call signal(); how the peer is told is signal()'s own matter. */
enum ring_chan_policy {
	RING_CHAN_EDGE,		/* as ring_out_commit() says; once a batch */
	/*
	 * Legacy: each packet is published by send() and signalled unless the
	 * peer masked signals.
	 */
	RING_CHAN_PACKET,
	RING_CHAN_POLL,		/* never: the peer looks by itself */
};

struct ring_chan {
	struct chan chan;

	/* const after init */
	void (*signal)(struct ring_chan *);

	/* owner: control; a hint to the owner of the channel */
	uint32_t gone;

	/* owner: queue */
	struct ring_out out;
	struct ring_in in;
	enum ring_chan_policy policy;
	bool open;
	uint32_t broken;	/* the peer broke a ring; noted once a side */
	struct ring_chan_counters counters;
};

struct ring_chan_config {
	void *out_mem;		/* the ring that we write */
	uint32_t out_bytes;
	uint32_t out_flags;	/* enum ring_out_flags */
	uint32_t in_flags;	/* enum ring_in_flags */
	void *in_mem;		/* the ring that we read */
	uint32_t in_bytes;
	enum ring_chan_policy policy;
	void (*signal)(struct ring_chan *);	/* tell the peer; owner */
};

/*
 * Take up both rings; rc->chan stays as it is, all else starts afresh.  The
 * memory is borrowed until ring_chan_stop() and the owner's last call.
 * Context: control, before the owner runs.  0, or E_PEER with *why
 * OPEN_GEOMETRY or RING_INDEX, and then the channel is as after stop.
 */
int ring_chan_init(struct ring_chan *rc, const struct ring_chan_config *cfg,
    enum fault *why) must_check;

/*
 * Calls of the owner find the channel gone: send E_GONE, recv nothing.  With
 * the owner parked, the ring memory may go after this.  Context: control, and
 * the owner may be running.
 */
void ring_chan_stop(struct ring_chan *rc);

/* True if the peer has read all that was committed.  Context: owner. */
bool ring_chan_drained(struct ring_chan *rc);

/* Change the policy of an open channel. */
void ring_chan_policy_set(struct ring_chan *rc, enum ring_chan_policy policy);

/* The data half, as chan_ops has it.  A zeroed ring_chan is a stopped one. */
int ring_chan_send(struct chan *c, const struct vmpkt_out *pkt);
void ring_chan_commit(struct chan *c);
bool ring_chan_want_space(struct chan *c, uint32_t bytes);
int ring_chan_recv(struct chan *c, struct vmpkt_in *out, void *buf,
    uint32_t cap);
void ring_chan_recv_commit(struct chan *c);
void ring_chan_irq_mask(struct chan *c);
bool ring_chan_irq_unmask(struct chan *c);

/*
 * Initializers of an ops table; caps leaves out CHAN_CAP_SPACE where the ring
 * has RING_OUT_NO_PENDING.  send() also returns E_STATE for a packet that the
 * ring can never hold.
 */
#define RING_CHAN_CAPS	CHAN_CAP_SPACE
#define RING_CHAN_DATA_OPS						\
	.send = ring_chan_send,						\
	.commit = ring_chan_commit,					\
	.want_space = ring_chan_want_space,				\
	.recv = ring_chan_recv,						\
	.recv_commit = ring_chan_recv_commit,				\
	.irq_mask = ring_chan_irq_mask,					\
	.irq_unmask = ring_chan_irq_unmask

/* Data half only, with and without CHAN_CAP_SPACE: for the host end. */
extern const struct chan_ops ring_chan_ops;
extern const struct chan_ops ring_chan_ops_no_space;

static inline struct ring_chan *
ring_chan_of(struct chan *c)
{
	return CONTAINER_OF(c, struct ring_chan, chan);
}

static inline const struct ring_chan *
ring_chan_of_const(const struct chan *c)
{
	return (const struct ring_chan *)(const void *)
	    ((const char *)c - offsetof(struct ring_chan, chan));
}

#endif
