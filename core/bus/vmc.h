/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus client: the guest end of VMBus.
 *
 * Pure state machine moved by start, interrupt and timer; never blocks.
 * Control context is that of the virtual processor that takes messages (VP 0
 * in INITIATE_CONTACT); vmc_vp_dispatch() runs on each virtual processor.
 */
#ifndef CORE_BUS_VMC_H
#define CORE_BUS_VMC_H

#include "bus/chan.h"

#define VMC_MAX_CHANNELS	256u	/* Policy */

struct vmc;

/*
 * What the VMBus client needs of its user.  A call is NULL only where its
 * comment has it.
 */
struct vmc_ops {
	/*
	 * HvPostMessage.  0; E_AGAIN: insufficient buffers, retried later by
	 * vmc; E_NOTSUP: invalid connection id; E_GONE: no host.
	 */
	int (*post_message)(void *ctx, uint32_t conn_id, const void *msg,
	    uint32_t len);
	/* HvSignalEvent.  Any VP. */
	void (*signal_event)(void *ctx, uint32_t conn_id);
	/* Write the EOM register of this VP. */
	void (*eom)(void *ctx, uint32_t vp);
	/* Zeroed, at a multiple of OS_CACHELINE; NULL: there is none. */
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p, size_t bytes);
	/* Shared pages, zeroed: E_NOMEM. */
	int (*mem_alloc)(void *ctx, uint32_t bytes, struct chan_mem *out);
	void (*mem_free)(void *ctx, struct chan_mem *);

	/* Upcalls, control context. */
	/* Connected (version), all offers seen; or E_* after the last try. */
	void (*connected)(void *ctx, int version_or_err);
	/* A primary channel was offered: the user sets events, user; or not. */
	void (*offer)(void *ctx, struct chan *c);
	/* A channel is about to vanish (after rescind and close). */
	void (*gone)(void *ctx, struct chan *c);
	/* The host answered UNLOAD, or the wait for it ended. */
	void (*unloaded)(void *ctx);
	/*
	 * A channel moves between VPs or leaves dispatch: park its VP's thread
	 * between the two calls.  May be NULL where one thread runs all.
	 */
	void (*vp_park)(void *ctx, uint32_t vp);
	void (*vp_unpark)(void *ctx, uint32_t vp);
	/*
	 * Make vmc_vp_dispatch() run soon on a VP, as its interrupt would.  Any
	 * VP.  May be NULL where one thread runs all and calls every VP's
	 * dispatch in each round.
	 */
	void (*vp_kick)(void *ctx, uint32_t vp);
	void (*trace)(void *ctx, bool to_host, struct span msg); /* or NULL */
};

/* How the host is told that a ring has something. */
enum vmc_signal {
	VMC_SIGNAL_AUTO,	/* monitor page if it has one, else edge */
	VMC_SIGNAL_EDGE,	/* hypercall on the empty edge */
	VMC_SIGNAL_PACKET,	/* hypercall for each packet (legacy) */
	VMC_SIGNAL_MONITOR,	/* monitor page bit on the empty edge */
	VMC_SIGNAL_POLL,	/* never: the host polls */
};

struct vmc_config {
	uint32_t vps;
	uint32_t max_version;	/* newest tried; 0: all */
	uint32_t min_version;	/* oldest tried; 0: all */
	enum vmc_signal signal;
	uint32_t monitor_latency_100ns;	/* 0: leave the host's */
	void *simp[64];		/* message pages, a VP each; the port enables */
	void *siefp[64];	/* event-flags page */
};

/* One connection; writer: control context. */
#define VMC_COUNTERS(X)							\
	X(messages_in,	"messages taken from the slot")			\
	X(messages_out,	"messages posted")				\
	X(post_retries,	"posts refused for lack of buffers, tried again") \
	X(post_refused,	"messages dropped: the connection id is invalid") \
	X(eoms,		"end-of-message writes: another message waited") \
	X(contacts,	"versions proposed")				\
	X(offers,	"channels offered")				\
	X(offers_refused, "offers ignored: malformed, duplicate or too many") \
	X(rescinds,	"offers taken back")				\
	X(released,	"channel ids given back")			\
	X(timeouts,	"exchanges without an answer in time")		\
	X(late,		"answers to an exchange that had ended")	\
	X(leaked_gpadls, "GPADLs whose teardown was not answered")	\
	X(leaked_bytes,	"bytes of guest memory in leaked GPADLs")	\
	X(modify_failed, "moves of a channel that the host refused")
COUNTER_STRUCT(vmc_counters, VMC_COUNTERS);

/* One virtual processor; writer: that VP. */
#define VMC_VP_COUNTERS(X)						\
	X(dispatches,	"times the interrupt handler ran")		\
	X(idle,		"handler runs that found nothing to do")	\
	X(flags,	"event flags taken")				\
	X(stray,	"event flags without an open channel")		\
	X(forwarded,	"event flags passed to the channel's new VP")	\
	X(ready,	"calls of a channel's handler")			\
	X(again,	"calls that left work because of the budget")
COUNTER_STRUCT(vmc_vp_counters, VMC_VP_COUNTERS);

/* How the host was told, one channel; writer: its owner. */
#define VMC_SIGNAL_COUNTERS(X)						\
	X(hypercalls,	"signals by hypercall")				\
	X(monitor,	"signals by a monitor page bit")		\
	X(monitor_set,	"monitor page bits found set already")		\
	X(shared_bits,	"bits set in the shared interrupt page")
COUNTER_STRUCT(vmc_signal_counters, VMC_SIGNAL_COUNTERS);

/* NULL: out of memory, or a configuration without VPs or versions. */
struct vmc *vmc_create(const struct vmc_config *, const struct vmc_ops *,
    void *ctx);
/* Only when no channel is open; shared pages go too. */
void vmc_destroy(struct vmc *);

/* Begin to connect; ->connected() follows.  E_STATE if under way. */
int vmc_start(struct vmc *);
/* UNLOAD; ->unloaded() follows. */
void vmc_unload(struct vmc *);
/*
 * The host is gone without a word: forget the connection; every open channel
 * gets rescinded() and closed().  vmc_start() may follow.
 */
void vmc_lost(struct vmc *);

/*
 * Run retries and time-outs, and hand over what control calls left behind
 * (gone(), sub-channels).  Call it at its time, and after every round in which
 * control calls were made or vmc_vp_dispatch() ran on the message VP.
 * Returns the next time it wants to run (absolute ns), or UINT64_MAX.  Control
 * context.
 */
uint64_t vmc_timer(struct vmc *, uint64_t now_ns);

/*
 * The interrupt handler of a VP: event flags first, then (on the message VP)
 * messages; calls ready() of channels with set flags until drained or the
 * budget (packets a channel) is spent.  True: work is left, call again.
 */
bool vmc_vp_dispatch(struct vmc *, uint32_t vp, uint32_t budget);

/*
 * MODIFY_CHANNEL: move an open channel to another VP.  E_NOTSUP below 4.1;
 * E_STATE: not open, or no such VP; E_AGAIN: the last move is not answered.
 */
int vmc_chan_move(struct vmc *, struct chan *, uint32_t vp);
uint32_t vmc_chan_vp(const struct chan *);
/*
 * Another way to signal, for channels that are open and those to come.
 * Control, with every owner parked.
 */
void vmc_signal_set(struct vmc *, enum vmc_signal);
/* The monitor id that the offer named, or -1. */
int vmc_chan_monitor(const struct chan *);

/* Negotiated version; 0 while not connected. */
uint32_t vmc_version(const struct vmc *);
/* Channels that exist, GPADLs that the host may know; control context. */
uint32_t vmc_channel_count(const struct vmc *);
uint32_t vmc_gpadl_count(const struct vmc *);

/* Statistics; any thread. */
const struct vmc_counters *vmc_stats(const struct vmc *);
const struct vmc_vp_counters *vmc_vp_stats(const struct vmc *, uint32_t vp);
const struct vmc_signal_counters *vmc_chan_signals(const struct chan *);
/* What the host did wrong, channels apart; control context. */
const struct fault_log *vmc_faults(const struct vmc *);

#endif
