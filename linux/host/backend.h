/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a NIC's backend does: where the guest's frames go and come from.
 *
 * A backend has as many queues as its NIC has, at most.  Frames to the guest
 * are taken by pull() and given to the NetVSP of the NIC; frames from the guest
 * come by from_guest().  A source is one queue of the backend as the to-guest
 * side sees it; it is served by the NIC queue that has a channel for it.
 */
#ifndef LINUX_HOST_BACKEND_H
#define LINUX_HOST_BACKEND_H

#include "base/counter.h"
#include "vsp/vsp.h"

struct nic;

/* Policy: a burst that the guest should hear of. */
#define BACKEND_BURST_FRAMES	32u
#define BACKEND_BURST_BYTES	(256u << 10)

#define BACKEND_COUNTERS(X)						\
	X(read,		"frames taken from the backend for the guest")	\
	X(read_bytes,	"bytes taken from the backend for the guest")	\
	X(written,	"frames given to the backend")			\
	X(written_bytes, "bytes given to the backend")			\
	X(write_errors,	"frames that the backend did not take")		\
	X(coalesced,	"segments of the guest merged before the backend") \
	X(polls,	"looks at the ring of a guest that polls")	\
	X(polls_idle,	"looks at a polling guest's ring: no packet")	\
	X(bursts,	"bursts towards the guest")			\
	X(blocked,	"times frames for the guest had to wait")	\
	X(no_guest,	"frames dropped because no guest takes them")	\
	X(read_cut,	"frames dropped because they were read in part") \
	X(delay_full,	"frames dropped because the delay line was full") \
	X(stalls,	"times the guest's ring waited for the other guest") \
	X(pair_full,	"frames dropped because the other guest takes none") \
	X(file_lost,	"frames that the capture file could not take")	\
	X(replay_snapped,						\
	  "frames dropped because the replay file has only their start") \
	X(replay_broken, "replay files cut short or malformed")		\
	X(behind,	"frames not made in time: the guest had no room")
COUNTER_STRUCT(backend_counters, BACKEND_COUNTERS);

enum backend_pull {
	BACKEND_DRY,		/* nothing there; the source will tell */
	BACKEND_MORE,		/* the burst ended, there may be more */
	BACKEND_BLOCKED,	/* the guest is full; to_guest_wake() comes */
};

#define BACKEND_GSO4	0x1u	/* takes TCP/IPv4 GSO frames whole */
#define BACKEND_GSO6	0x2u
#define BACKEND_CSUM	0x4u	/* takes partial checksums */

struct backend_ops {
	uint32_t caps;		/* BACKEND_* */

	/*
	 * Control, no guest attached.  0 or -errno with a sentence in err;
	 * sets nic->backend.
	 */
	int (*open)(struct nic *, char *err, size_t cap);
	void (*close)(struct nic *);
	/* Descriptor that is readable when source k has frames, or -1. */
	int (*source_fd)(struct nic *, uint32_t k);
	/*
	 * Its worker: one burst of source k to the guest through NIC queue
	 * `queue`, flushed.
	 */
	enum backend_pull (*pull)(struct nic *, uint32_t k, uint32_t queue);
	/* Nobody wants what source k has: drop it.  Its worker.  Or NULL. */
	void (*discard)(struct nic *, uint32_t k);
	/* Worker; as vsp_ops.  The frame may be kept until flush, but for
	 * vec[0] and the list, which live for the call. */
	void (*from_guest)(struct nic *, uint32_t queue,
	    const struct vsp_frame *);
	void (*from_guest_flush)(struct nic *, uint32_t queue);
	/*
	 * Worker; as vsp_ops.from_guest_stalled: the backend will poke the
	 * queue.  May be NULL.
	 */
	bool (*stalled)(struct nic *, uint32_t queue, bool full);
	/* Control, gate closed; each may be NULL. */
	void (*carrier)(struct nic *, bool on);
	/* MTU and offloads as nic->spec has them.  0, or -errno and they are
	 * as they were. */
	int (*configure)(struct nic *);
	void (*steering)(struct nic *);
};

extern const struct backend_ops backend_tap_ops;
extern const struct backend_ops backend_null_ops;
extern const struct backend_ops backend_pcap_ops;
extern const struct backend_ops backend_pair_ops;
extern const struct backend_ops backend_generator_ops;

#endif
