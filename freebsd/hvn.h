/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvn(4): hvnet's NetVSC in a FreeBSD kernel, over vmbus(4).
 *
 *	hvn_dev.c	probe, attach and detach of the device
 *	hvn_ctl.c	the control thread, and what it tells the rest
 *	hvn_if.c	the interface: ioctl, flags, MTU, capabilities
 *	hvn_tx.c	frames to send, from any CPU
 *	hvn_rx.c	frames received
 *	hvn_rxcut.c	coalesced frames that go on to somebody else
 *	hvn_netmap.c	netmap(4), where the kernel has it
 *	hvn_chan.c	struct chan_ops over vmbus(4)
 *	hvn_mem.c	memory that the host sees
 *	hvn_sysctl.c	hw.hvn and dev.hvn
 *
 * Contexts (docs/porting.md).  Owner of a queue: the event thread of vmbus(4)
 * for the CPU of its channel, inside the network epoch.  Control: a task queue
 * with one thread, under `ctl`.  Transmit: any, under the queue's `tx`.
 *
 * Locks, in the order in which they are taken: cfg (sx: ioctl that waits),
 * ctl (sx), tx (mtx, one a queue), mtx (short; state and wakeups).
 */
#ifndef FREEBSD_HVN_H
#define FREEBSD_HVN_H

#include <hvn_kernel.h>

#include "ring/ring_in.h"
#include "vsc/vsc.h"

/* Policy: frames by reference under way, a queue; as hn(4). */
#define HVN_DESCS	512u
/* Policy: frames that wait for a queue; a power of two. */
#define HVN_SWQ_DEPTH	1024
/* Policy: packets of a pass before the stack gets its frames. */
#define HVN_BUDGET	64u
/* Policy: mbufs of a frame that is copied; more are copied together first. */
#define HVN_COPY_VEC	16u
#define HVN_RSS_ENTRIES	128u
/* Entries of the host's send table that are used. */
#define HVN_SEND_ENTRIES 16u
/* Pages by reference: one less than of a packet, which the header takes. */
#define HVN_SEGS	((int)VSC_TX_PAGES - 1)

struct hvn_softc;
struct hvn_queue;

/* A channel of vmbus(4) as the core sees it. */
struct hvn_chan {
	struct chan chan;
	/* const after the offer */
	struct hvn_softc *sc;
	struct vmbus_channel *vc;
	/* control */
	bool open;
	/* const while it is open */
	struct ring_ctrl_wire *out;	/* of the ring that we write */
	uint32_t out_size;
	struct taskqueue *event_tq;	/* runs the owner */
	/* control writes, owner reads: os_ld32() */
	uint32_t run;			/* the owner may be called */
	/* owner */
	struct ring_in in;
	bool dead;			/* the ring made no sense */
};

/* A frame by reference, from gather to completion; the cookie is its index. */
struct hvn_desc {
	struct mbuf *m;
	bus_dmamap_t map;
};

#define HVN_QUEUE_COUNTERS(X)						\
	X(queued,	"frames that waited in the software queue")	\
	X(dropped,	"frames dropped: the software queue was full")	\
	X(failed,	"frames dropped: refused by the core")		\
	X(stalls,	"times transmit waited for room")		\
	X(no_desc,	"times no descriptor was free")			\
	X(collapsed,	"frames in too many pieces, copied together")	\
	X(rx_cut,	"coalesced frames cut again, for they go on")	\
	X(held,		"times a section stayed open for more frames")	\
	X(flushes,	"sections closed with nothing under way")
COUNTER_STRUCT(hvn_queue_counters, HVN_QUEUE_COUNTERS);

struct hvn_queue {
	/* const after attach */
	struct hvn_softc *sc;
	uint32_t index;
	struct buf_ring *br;
	struct mtx tx;
	char tx_name[16];
	/* lock: tx */
	bool up;
	bool draining;			/* who holds tx is in hvn_tx.c */
	uint32_t free_tail;		/* descriptors taken */
	struct hvn_queue_counters count;
	/* any, by os_ld32() */
	uint32_t stalled;		/* no room; hvn_tx_wake() ends it */
	uint32_t wakes;
	uint32_t held;			/* an open section waits for us */
	uint32_t want_desc;
	/* owner */
	uint32_t free_head CACHE_ALIGNED; /* descriptors given back */
	struct mbuf *rx_first, **rx_last;
	uint32_t rx_frames;
	uint64_t rx_bytes;
	struct lro_ctrl lro;
	bool lro_ready;
	struct task kick;
	/* control: the watchdog, see hvn_ctl.c */
	uint64_t watch_done, watch_since;
	/* netmap: a ring of slots with a writer for each end */
#define HVN_NM_TX	0x1u
#define HVN_NM_RX	0x2u
	uint32_t nm_on;			/* ctl writes, any by os_ld32() */
	uint32_t nm_tail;		/* owner */
	bool nm_got;			/* owner */
	uint32_t nm_cur CACHE_ALIGNED;	/* rxsync */
	/* of both, see hvn_tx.c */
	uint16_t free_id[HVN_DESCS];
	struct hvn_desc desc[HVN_DESCS];
};

/* Multicast groups of the interface. */
struct hvn_groups {
	uint32_t n;			/* above VSC_MCAST_MAX: too many */
	uint8_t mac[VSC_MCAST_MAX][6];
};

enum hvn_state { HVN_DOWN, HVN_ATTACHING, HVN_UP, HVN_DETACHING };

/* What control is to do; bits of hvn_softc.due. */
#define HVN_DUE_RESTART		0x1u
#define HVN_DUE_FILTER		0x2u
#define HVN_DUE_OFFLOADS	0x4u
#define HVN_DUE_SUBS		0x8u
#define HVN_DUE_RSS		0x10u

/* Tunables of the port itself, by hn(4)'s names where it has one. */
#define HVN_TUNABLES(X)							\
	X(trust_hosttcp, 1, "trust the host for TCP without checksum info") \
	X(trust_hostudp, 1, "trust the host for UDP without checksum info") \
	X(trust_hostip, 1, "trust the host for IPv4 without checksum info") \
	X(rsc_switch, 1, "receive segment coalescing by the host")	\
	X(lro_entry_count, 128, "LRO entries of a queue")		\
	X(retry_ms, 1000, "before a NIC that broke is tried again, ms; " \
	    "doubled up to 64 times")					\
	X(tx_timeout_ms, 10000, "restart after this long with packets under " \
	    "way and none completed, ms; 0: never")			\
	X(tx_hold, 1, "small frames wait for others while packets are " \
	    "under way")
struct hvn_tunables {
#define X(name, def, text) int name;
	HVN_TUNABLES(X)
#undef X
};

struct hvn_softc {
	/* const after attach */
	device_t dev;
	if_t ifp;
	bus_dma_tag_t tx_tag;
	uint32_t max_queues;
	struct hvn_queue *queue;	/* max_queues */
	struct vmbus_channel *primary;
	struct hvn_chan *chan;		/* max_queues, by subindex */
	struct taskqueue *ctl_tq, *subs_tq;
	struct task ctl_task, subs_task;
	struct timeout_task ctl_timer, hold_timer;
	struct sx cfg, ctl;
	struct mtx mtx;
	struct cv cv;
	struct hvn_tunables tune;
	struct ifmedia media;

	/* lock: ctl */
	struct vsc *vsc;
	struct vsc_config vsc_cfg;
	bool rescinded;			/* the core was told */
	bool failed, detached;		/* from the core's upcalls */
	bool subs_taken;
	uint32_t fail_runs;		/* in a row */
	uint64_t retry_at;
	int fail_err;
	enum fault fail_why;
	uint8_t rss_key[40];
	uint32_t rss_table[HVN_RSS_ENTRIES];
	bool rss_set;			/* by sysctl: again at each attach */
	struct hvn_groups groups;	/* that the core was told */
	uint32_t poll_hz;		/* 0: interrupts */

	/* lock: mtx */
	enum hvn_state state;
	bool goal_up;
	uint32_t due;
	uint32_t attaches;		/* that succeeded */
	uint32_t failures;
	uint32_t watchdogs;		/* of these, the watchdog's */
	struct vsc_caps caps;		/* of the last attach */
	uint32_t filter, offloads;
	struct vmbus_channel **subs;
	uint32_t subs_n;		/* in subs; to be waited for */
	bool subs_busy;
	bool link_up;

	/* any, by os_ld32() */
	uint32_t attached;		/* to the network stack */
	uint32_t queues;		/* that transmit */
	uint32_t hold_armed;		/* hold_timer will run */
	uint32_t send_count;		/* 0: the host has no wish */
	uint32_t send_table[HVN_SEND_ENTRIES];
};

MALLOC_DECLARE(M_HVN);

/* --- hvn_dev.c ----------------------------------------------------------- */

extern struct vsc_tunables hvn_core_tunables;
extern struct hvn_tunables hvn_port_tunables;

/* --- hvn_ctl.c: control --------------------------------------------------- */

int hvn_ctl_init(struct hvn_softc *);
void hvn_ctl_fini(struct hvn_softc *);
/* Have control do that soon; any context, never waits. */
void hvn_ctl_due(struct hvn_softc *, uint32_t due);
/*
 * Bring the NIC up, or down, and wait until it is; 0 or an errno.  Sleeps.
 */
int hvn_ctl_up(struct hvn_softc *);
int hvn_ctl_down(struct hvn_softc *);
/* Down and up again with vsc_cfg.mtu of so much; sleeps. */
int hvn_ctl_mtu(struct hvn_softc *, uint32_t mtu);
/* Take key and table of the kernel's RSS option, where it has that. */
void hvn_ctl_rss_kernel(struct hvn_softc *);

extern const struct vsc_ops hvn_vsc_ops;

/* --- hvn_mem.c ------------------------------------------------------------ */

void *hvn_mem_new(void *sc, size_t bytes);
void hvn_mem_del(void *sc, void *p, size_t bytes);
int hvn_mem_shared(void *sc, uint32_t bytes, struct chan_mem *out);
void hvn_mem_unshare(void *sc, struct chan_mem *m);

/* --- hvn_chan.c ----------------------------------------------------------- */

/* Take a channel; returns what the core gets, or NULL: it is not for us. */
struct chan *hvn_chan_take(struct hvn_softc *, struct vmbus_channel *);
/* Control: give the core the sub-channels that are there. */
void hvn_chan_subs(struct hvn_softc *);
/* The task that waits for them. */
void hvn_chan_subs_wait(void *sc, int pending);
/* Control: poll open channels so often a second; 0: interrupts again. */
void hvn_chan_poll(struct hvn_softc *, uint32_t passes);
/* Control: have the owner of a queue make a pass. */
void hvn_chan_kick(struct hvn_softc *, uint32_t queue);
void hvn_chan_kicked(void *queue, int pending);

/* --- hvn_tx.c ------------------------------------------------------------- */

int hvn_tx_init(struct hvn_queue *);
void hvn_tx_fini(struct hvn_queue *);
/* Control: transmit may begin; no transmit is under way, nor will be. */
void hvn_tx_start(struct hvn_softc *);
void hvn_tx_stop(struct hvn_softc *);
/* A section was open for long enough: the timer's task. */
void hvn_tx_held(void *sc, int pending);
/* After a pass of the owner. */
void hvn_tx_passed(struct hvn_queue *);
int hvn_transmit(if_t, struct mbuf *);
void hvn_qflush(if_t);
/* Of the core. */
void hvn_tx_lock(void *sc, uint32_t queue);
void hvn_tx_unlock(void *sc, uint32_t queue);
void hvn_tx_wake(void *sc, uint32_t queue);
void hvn_tx_done(void *sc, uint32_t queue, uint64_t cookie, int err);

/* --- hvn_rx.c ------------------------------------------------------------- */

void hvn_rx_init(struct hvn_queue *);
void hvn_rx_fini(struct hvn_queue *);
/* Of the core: a frame was received; the stack gets it after the pass. */
void hvn_rx(void *sc, uint32_t queue, const struct vsc_frame *);
void hvn_rx_flush(void *sc, uint32_t queue);
void hvn_rx_put(struct hvn_queue *, const struct vec *, uint32_t n,
    uint32_t len, const struct pkt_meta *);
/* After a pass of the owner: the stack gets what came. */
void hvn_rx_passed(struct hvn_queue *);

/* --- hvn_rxcut.c: owner --------------------------------------------------- */

/*
 * Where frames go on to somebody else, a frame of several segments is cut
 * again, and a checksum that the host left out is filled in.  True: it was
 * handed up in pieces.
 */
bool hvn_rx_onward(struct hvn_queue *, const struct vsc_frame *,
    struct pkt_meta *);

/* --- hvn_if.c ------------------------------------------------------------- */

int hvn_if_alloc(struct hvn_softc *);
void hvn_if_attach(struct hvn_softc *);
void hvn_if_detach(struct hvn_softc *);
/* Control: what the host offers changed. */
void hvn_if_caps(struct hvn_softc *, const struct vsc_caps *);
void hvn_if_link(struct hvn_softc *, bool up, uint64_t speed_bps);
/* The filter and the offloads that the interface's flags request. */
uint32_t hvn_if_filter(struct hvn_softc *);
void hvn_if_groups(struct hvn_softc *, struct hvn_groups *);
uint32_t hvn_if_offloads(struct hvn_softc *);

/* --- hvn_netmap.c -------------------------------------------------------- */

#ifdef DEV_NETMAP
void hvn_netmap_attach(struct hvn_softc *, uint32_t queues);
void hvn_netmap_detach(struct hvn_softc *);
/* A program has a receive ring open. */
bool hvn_netmap_receives(struct hvn_softc *);
/* Owner, where nm_on has RX: a frame for the ring; tell those who wait. */
void hvn_netmap_put(struct hvn_queue *, const struct vec *, uint32_t n,
    uint32_t len, const struct pkt_meta *);
void hvn_netmap_passed(struct hvn_queue *);
/* There is room to send again. */
void hvn_netmap_wake(struct hvn_queue *);
#else
#define hvn_netmap_attach(sc, queues) ((void)(queues))
#define hvn_netmap_detach(sc) ((void)(sc))
#define hvn_netmap_receives(sc) ((void)(sc), false)
#define hvn_netmap_put(q, vec, n, len, meta) ((void)(q))
#define hvn_netmap_passed(q) ((void)(q))
#define hvn_netmap_wake(q) ((void)(q))
#endif

/* --- hvn_sysctl.c --------------------------------------------------------- */

void hvn_sysctl_attach(struct hvn_softc *);

#endif
