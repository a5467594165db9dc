/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The consuming end of a ring.  One owner at a time calls these.
 *
 * A reader that sleeps:
 *
 *	ring_in_mask(ri);
 *	do {
 *		while ((r = ring_in_get(ri, &pkt, buf, cap, &why)) == 1)
 *			use pkt;
 *		if (ring_in_commit(ri))
 *			signal the peer;
 *	} while (r == 0 && ring_in_unmask(ri));
 *	sleep until signalled
 */
#ifndef CORE_RING_RING_IN_H
#define CORE_RING_RING_IN_H

#include "base/counter.h"
#include "ring/ring_ctrl.h"

#define RING_IN_COUNTERS(X)						\
	X(packets,	 "packets got")					\
	X(bytes,	 "ring bytes of packets got")			\
	X(commits,	 "batches given back to the writer")		\
	X(signals,	 "commits that signalled a writer waiting for room") \
	X(skip_legacy,	 "commits without a signal: writer cannot wait") \
	X(skip_idle,	 "commits without a signal: writer not waiting") \
	X(skip_short,	 "commits without a signal: still too little room") \
	X(skip_roomy,	 "commits without a signal: had room before")	\
	X(skip_bad,	 "commits without a signal: write index invalid") \
	X(unmasks,	 "times the reader went to sleep")		\
	X(rechecks,	 "times the reader stayed awake: re-check found data")
COUNTER_STRUCT(ring_in_counters, RING_IN_COUNTERS);

enum ring_in_flags {
	/*
	 * A writer without the feature bit is signalled at every commit, as
	 * QEMU does, instead of never.
	 */
	RING_IN_LEGACY_SIGNAL = 0x1,
};

struct ring_in {
	/* const after init */
	struct ring_ctrl_wire *ctrl;	/* shared with peer: ring_ld/st only */
	const uint8_t *data;		/* written by the peer at any time */
	uint32_t size;			/* bytes at data */
	uint32_t flags;

	/* owner: consumer */
	uint32_t next;			/* next packet is here */
	uint32_t committed;		/* what the peer has been shown */
	uint32_t write;			/* the peer's, as last seen */
	struct ring_in_counters counters;
};

/*
 * Take up the consuming end of the ring at mem, as ring_out_init().  The mask
 * is left as it is: it says whether a predecessor wanted signals; call
 * ring_in_mask() or ring_in_unmask() before relying on one.
 */
int ring_in_init(struct ring_in *ri, void *mem, uint32_t bytes,
    uint32_t flags, enum fault *why) must_check;

/*
 * Get one packet.  Descriptor, extension and payload are read from the ring
 * exactly once; ext and payload land in buf (cap bytes) one behind the other,
 * and *out points into buf.  The bytes stay the ring's until ring_in_commit().
 * Context: owner.  out->data.len includes the writer's padding to 8 bytes.
 * Returns 1 for a packet; 0 for an empty ring; E_NOMEM if cap is too small:
 * nothing is consumed, out->ext.len and out->data.len say what it takes
 * together (p is NULL), at most 524,264; E_PEER with *why one of
 * FAULT_RING_INDEX, _OVERRUN, _DESC, _TYPE, _FLAGS, and nothing consumed.
 */
int ring_in_get(struct ring_in *ri, struct vmpkt_in *out, void *buf,
    uint32_t cap, enum fault *why) must_check;

/*
 * Give everything got so far back to the writer.  Context: owner.
 * Returns true if the peer must be signalled because this very commit made
 * the room that it waits for (protocol.md 3.1).
 */
bool ring_in_commit(struct ring_in *ri) must_check;

/* Ask the writer for silence: the reader is awake and will look again. */
void ring_in_mask(struct ring_in *ri);

/*
 * Request a signal at the next packet, then look once more.  Everything got
 * must have been committed.  Returns true if there is data (or an invalid
 * index, which the next get reports): the mask is set again and the caller
 * goes on.  False: the caller may sleep until it is signalled.
 */
bool ring_in_unmask(struct ring_in *ri) must_check;

/* True if there is nothing to get now; false also for an invalid index. */
bool ring_in_empty(struct ring_in *ri) must_check;

#endif
