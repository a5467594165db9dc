/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a NIC's backend does: where the guest's frames go and come from.
 *
 * A backend has as many queues as its NIC has, at most.  pull() takes frames
 * from outside and gives them to the guest by port->to_guest; frames from the
 * guest come by from_guest().  A source is one queue of the backend as the
 * to-guest side sees it; it is served by the NIC queue that has a channel for
 * it.
 *
 * A backend knows its NIC only as a struct backend_port.  So a layer can stand
 * between the two (backend_delay.h).
 */
#ifndef LINUX_HOST_BACKEND_H
#define LINUX_HOST_BACKEND_H

#include "base/counter.h"
#include "linux/host/nic_spec.h"
#include "vsp/vsp.h"

struct backend_delay;
struct backend_ops;
struct backend_port;
struct event_base;
struct host_log;
struct work;
struct worker_pool;

/* Policy: a burst that is worth a signal to the guest. */
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

/* A frame was given to the backend, or taken from it.  Owner of the counts. */
static inline void
backend_count_written(struct backend_counters *c, uint32_t bytes)
{
	counter_add(&c->written, 1);
	counter_add(&c->written_bytes, bytes);
}

static inline void
backend_count_read(struct backend_counters *c, uint32_t bytes)
{
	counter_add(&c->read, 1);
	counter_add(&c->read_bytes, bytes);
}

enum backend_pull {
	BACKEND_DRY,		/* nothing there; the source will tell */
	BACKEND_MORE,		/* the burst ended, there may be more */
	BACKEND_BLOCKED,	/* the guest is full; to_guest_wake() comes */
};

#define BACKEND_GSO4	0x1u	/* takes TCP/IPv4 GSO frames whole */
#define BACKEND_GSO6	0x2u
#define BACKEND_CSUM	0x4u	/* takes partial checksums */

/*
 * Where a backend's frames for the guest go.  Worker of the queue; contracts
 * are those of vsp_to_guest_reserve() and its neighbours (vsp.h).
 */
struct backend_to_guest {
	int (*reserve)(struct backend_port *, uint32_t queue, uint32_t usual,
	    struct vsp_room *);
	int (*submit)(struct backend_port *, uint32_t queue, struct vsp_room *,
	    uint32_t len, const struct pkt_meta *);
	int (*copy)(struct backend_port *, uint32_t queue, const struct vec *,
	    uint32_t n, const struct pkt_meta *);
	void (*flush)(struct backend_port *, uint32_t queue);
};

/* One queue of the NIC, and the source of the same number. */
struct backend_queue {
	struct work *work;		/* const: the queue's turns */
	uint32_t server;		/* queue that serves the source;
					 * control, gate closed */
	/* owner: worker of the queue */
	struct backend_counters counters CACHE_ALIGNED;
};

/* A NIC as its backend sees it. */
struct backend_port {
	/* const */
	const struct nic_spec *spec;	/* its content: as configure() says */
	const uint8_t *mac;		/* of the guest's end */
	struct event_base *base;	/* control's */
	struct worker_pool *pool;
	struct host_log *log;
	struct backend_queue *queue;	/* spec->queues of them */
	void (*cut_changed)(struct backend_port *);	/* the backend calls */
	/* control, gate closed */
	const struct backend_ops *ops;	/* the backend's, or of a layer */
	const struct backend_to_guest *to_guest;	/* the same */
	struct backend_delay *delay;	/* the layer, or NULL: there is none */
	struct backend_port *mate;	/* the other NIC of a pair, or NULL */
	uint32_t queues_open;
	/* the backend's */
	void *backend;
	const char *interface;		/* of a TAP, for the user; or NULL */
	bool cut;			/* it was deleted: the link is down */
};

struct backend_ops {
	uint32_t caps;		/* BACKEND_* */

	/*
	 * Control, no guest attached.  0 or -errno with a sentence in err;
	 * sets port->backend.
	 */
	int (*open)(struct backend_port *, char *err, size_t cap);
	/* Its mate, if any, is still joined. */
	void (*close)(struct backend_port *);
	/* Descriptor that is readable when source k has frames, or -1. */
	int (*source_fd)(struct backend_port *, uint32_t k);
	/*
	 * Its worker: one burst of source k to the guest through NIC queue
	 * `queue`, flushed.
	 */
	enum backend_pull (*pull)(struct backend_port *, uint32_t k,
	    uint32_t queue);
	/* Nobody wants what source k has: drop it.  Its worker.  Or NULL. */
	void (*discard)(struct backend_port *, uint32_t k);
	/* Worker; as vsp_ops.  The frame may be kept until flush, except
	 * vec[0] and the list, which live for the call. */
	void (*from_guest)(struct backend_port *, uint32_t queue,
	    const struct vsp_frame *);
	void (*from_guest_flush)(struct backend_port *, uint32_t queue);
	/*
	 * Worker; as vsp_ops.from_guest_stalled: the backend will poke the
	 * queue.  May be NULL.
	 */
	bool (*stalled)(struct backend_port *, uint32_t queue, bool full);
	/* Control, gate closed; each may be NULL. */
	void (*carrier)(struct backend_port *, bool on);
	/* All that can change as port->spec has it; vsp NULL: no guest.  0, or
	 * -errno with a sentence in err and it is as it was. */
	int (*configure)(struct backend_port *, const struct vsp *, char *err,
	    size_t cap);
	/* Files that somebody moved away begin again. */
	void (*reopen)(struct backend_port *);
	/* The guest's RSS key, table or queues changed. */
	void (*steering)(struct backend_port *, const struct vsp *);

	/* A layer's; NULL in a backend. */
	/* A queue with a channel has its turn.  Worker. */
	void (*turn)(struct backend_port *, uint32_t queue);
	/* Drop the frames that wait.  Control, gate closed. */
	void (*guest_gone)(struct backend_port *);
};

/* --- backend_port.c; any thread --- */

/* Give source k a turn at the queue that serves it. */
void backend_port_post(struct backend_port *, uint32_t k);
/* Give a queue's ring a turn. */
void backend_port_poke(struct backend_port *, uint32_t queue);
/* Straight to the NIC's NetVSP. */
extern const struct backend_to_guest backend_port_to_guest;

extern const struct backend_ops backend_tap_ops;
extern const struct backend_ops backend_null_ops;
extern const struct backend_ops backend_pcap_ops;
extern const struct backend_ops backend_pair_ops;
extern const struct backend_ops backend_generator_ops;

#endif
