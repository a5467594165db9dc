/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The producing end of a ring.  One owner at a time calls these; where an
 * operating system cannot promise that, one lock covers put to commit.
 *
 * A batch is any number of ring_out_put() and one ring_out_commit():
 *
 *	while (packets) {
 *		r = ring_out_put(ro, &pkt, &why);
 *		if (r == E_AGAIN) {
 *			if (ring_out_commit(ro))
 *				signal the peer;
 *			if (ring_out_want_space(ro, bytes))
 *				continue;
 *			return;		the peer will signal; come back then
 *		}
 *	}
 *	if (ring_out_commit(ro))
 *		signal the peer;
 */
#ifndef CORE_RING_RING_OUT_H
#define CORE_RING_RING_OUT_H

#include "base/counter.h"
#include "ring/ring_ctrl.h"

#define RING_OUT_COUNTERS(X)						\
	X(packets,	 "packets put")					\
	X(bytes,	 "ring bytes of packets put")			\
	X(commits,	 "batches published")				\
	X(signals,	 "batches for which the reader was signalled")	\
	X(skip_masked,	 "batches without a signal: reader masked signals") \
	X(skip_busy,	 "batches without a signal: ring was not empty") \
	X(skip_bad,	 "batches without a signal: read index invalid") \
	X(full,		 "puts refused for lack of room")		\
	X(waits,	 "times the writer began to wait for room")	\
	X(wait_avoided,	 "waits that the re-check found unnecessary")
COUNTER_STRUCT(ring_out_counters, RING_OUT_COUNTERS);

enum ring_out_flags {
	/* Neither set the feature bit nor pending: Linux before 3.11. */
	RING_OUT_NO_PENDING = 0x1,
	/* Signal at each commit unless masked, not only on the empty edge. */
	RING_OUT_SIGNAL_ALWAYS = 0x2,
};

struct ring_out {
	/* const after init */
	struct ring_ctrl_wire *ctrl;	/* shared with peer: ring_ld/st only */
	uint8_t *data;
	uint32_t size;			/* bytes at data */
	uint32_t flags;

	/* owner: producer */
	uint32_t write;			/* next packet goes here */
	uint32_t committed;		/* what the peer has been shown */
	uint32_t read;			/* the peer's, as last seen */
	uint32_t pending;		/* what ctrl->pending_send holds */
	struct ring_out_counters counters;
};

/*
 * Take up the producing end of the ring at mem: a control page and data,
 * `bytes` together.  Cursors come from the control page (zero after
 * ring_ctrl_reset(), or wherever a predecessor left them), and the feature bit
 * is set or cleared as flags say.  mem is borrowed until the last call, and
 * aligned to 8 bytes.  Context: owner, before the peer is told.
 * Returns 0, or E_PEER with *why: FAULT_OPEN_GEOMETRY if bytes is no ring,
 * FAULT_RING_INDEX if the control page holds an impossible index.
 */
int ring_out_init(struct ring_out *ro, void *mem, uint32_t bytes,
    uint32_t flags, enum fault *why) must_check;

/*
 * Write one packet behind those already put; the peer does not see it before
 * ring_out_commit().  Borrows pkt for the call.  Context: owner.
 * Returns 0; E_AGAIN if there is no room now; E_STATE if there never will be
 * (ring too small, more than 0xffff units of 8 bytes, or ext not a multiple
 * of 8); E_PEER with *why = FAULT_RING_INDEX.  Nothing is written unless 0.
 */
int ring_out_put(struct ring_out *ro, const struct vmpkt_out *pkt,
    enum fault *why) must_check;

/*
 * Publish all packets put since the last commit.  Context: owner.
 * Returns true if the peer must be signalled now: its mask is clear, and it
 * had read everything up to where this batch begins, so that it may be asleep
 * (protocol.md 3.1).  Without a batch: false.
 */
bool ring_out_commit(struct ring_out *ro) must_check;

/*
 * True if `bytes` ring bytes (see ring_packet_bytes()) fit now.  Looks at the
 * peer's index only where the one last seen does not suffice; false also if
 * that index is invalid.  Context: owner.
 */
bool ring_out_fits(struct ring_out *ro, uint32_t bytes) must_check;

/* Ring bytes free now, from a fresh look at the peer; 0 if it lies. */
uint32_t ring_out_space(struct ring_out *ro) must_check;

/*
 * Wait for `bytes` ring bytes: request a signal when they are free, then look
 * once more.  Everything put must have been committed.  Returns true if the
 * room is there already (the request is withdrawn), and also if the peer's
 * index is invalid (the next put says so): go on.  False: sleep until the
 * channel is signalled, then call this again.  With RING_OUT_NO_PENDING it
 * requests nothing and false means: poll.
 */
bool ring_out_want_space(struct ring_out *ro, uint32_t bytes) must_check;

/* Withdraw the request of ring_out_want_space(), if there is one. */
void ring_out_clear_pending(struct ring_out *ro);

/* True while a request for space stands. */
static inline bool
ring_out_waiting(const struct ring_out *ro)
{
	return ro->pending != 0;
}

/* The largest packet, in ring bytes, that this ring can ever hold. */
static inline uint32_t
ring_out_max_bytes(const struct ring_out *ro)
{
	return min_u32(ro->size - 8, 0xffffu * 8 + RING_TRAILER_BYTES);
}

#endif
