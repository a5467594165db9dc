/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet: frames to and from a Hyper-V synthetic NIC, without TAP or DPDK.
 *
 * A connection is one NIC of a host end (`hvnet host`).  Nothing runs behind
 * the caller's back: each queue is driven by the thread that calls for it, one
 * thread a queue at a time, or one for all queues.  Queue 0 also carries the
 * control messages, so whatever a program does it must call hvnet_rx(),
 * hvnet_tx() or hvnet_poll() for queue 0 now and then (every few milliseconds),
 * or sleep in hvnet_wait().
 *
 * A connection that breaks (the host went, took the NIC back, or misbehaved)
 * stays broken: every call returns HVNET_GONE, and frames that were received
 * stay readable, until hvnet_close(), with all other threads out of it.
 */
#ifndef HVNET_H
#define HVNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Major << 16 | minor << 8 | patch, of this header: 0.1.0. */
#define HVNET_VERSION	0x000100u

#define HVNET_MAX_QUEUES	64

/* Results below zero. */
#define HVNET_GONE	(-1)	/* the connection is broken; see hvnet_why() */
#define HVNET_INVALID	(-2)	/* no such queue, frame or room */
#define HVNET_FULL	(-3)	/* no room now: drive the queue, try again */

struct hvnet;

/* What is known about a frame, or requested for it. */
#define HVNET_CSUM_PARTIAL	0x0001u	/* sum csum_start.. into csum_offset */
#define HVNET_IP_CSUM		0x0002u	/* compute the IPv4 header checksum */
#define HVNET_IP_GOOD		0x0004u
#define HVNET_IP_BAD		0x0008u
#define HVNET_L4_GOOD		0x0010u
#define HVNET_L4_BAD		0x0020u
#define HVNET_VLAN		0x0040u	/* vlan_tci; no tag in the frame */
#define HVNET_HASH		0x0080u	/* hash, and HVNET_HASH_* it is of */
#define HVNET_TSO4		0x0100u	/* cut at gso_size; CSUM_PARTIAL too */
#define HVNET_TSO6		0x0200u
#define HVNET_JOINED		0x0400u	/* was several; cut size not known */

/* hvnet_meta.hash_type: what a hash was computed of (NDIS_HASH_*). */
#define HVNET_HASH_IP4		0x00100u
#define HVNET_HASH_TCP4		0x00200u
#define HVNET_HASH_IP6		0x00400u
#define HVNET_HASH_IP6_EX	0x00800u
#define HVNET_HASH_TCP6		0x01000u
#define HVNET_HASH_TCP6_EX	0x02000u
#define HVNET_HASH_UDP4		0x04000u
#define HVNET_HASH_UDP6		0x08000u
#define HVNET_HASH_UDP6_EX	0x10000u

struct hvnet_meta {
	uint32_t flags;		/* HVNET_* above; 0: a plain frame */
	uint32_t hash, hash_type; /* HVNET_HASH_IP4 ... */
	uint16_t csum_start;	/* from the first byte of the frame */
	uint16_t csum_offset;	/* from csum_start */
	uint16_t gso_size;	/* TCP payload of a segment */
	uint16_t hdr_len;	/* bytes up to the TCP payload, 0: look */
	uint16_t segs;
	uint16_t vlan_tci;
	uint16_t l3_off, l4_off;
	uint8_t ip_version, l4_proto;
};

struct hvnet_frame {
	void *data;		/* Ethernet header first */
	uint32_t len;
	struct hvnet_meta meta;
	uint32_t own;		/* hvnet's, of a received frame */
};

/*
 * Offloads wanted or in effect.  RSC has to be wanted by name: with it the
 * host joins TCP segments into frames of up to 64 KB (HVNET_TSO4 and 6 with
 * gso_size, or HVNET_JOINED), which are copied together and cannot be held.
 */
#define HVNET_OFF_TX_CSUM	0x001fu
#define HVNET_OFF_RX_CSUM	0x0020u
#define HVNET_OFF_TSO		0x00c0u
#define HVNET_OFF_VLAN		0x0400u
#define HVNET_OFF_HASH		0x0800u
#define HVNET_OFF_RSC		0x0300u
#define HVNET_OFF_ALL		0x0cffu	/* but not RSC */

/* Frames that the NIC lets in, hvnet_config.filter (NDIS_PACKET_TYPE_*). */
#define HVNET_FILTER_OWN	0x01u	/* to its address */
#define HVNET_FILTER_SOME_MULTI	0x02u	/* to groups that were joined */
#define HVNET_FILTER_MULTI	0x04u	/* to any group */
#define HVNET_FILTER_BROAD	0x08u	/* to all */
#define HVNET_FILTER_ANY	0x20u	/* every frame, as a bridge needs */

struct hvnet_config {
	/*
	 * The host's socket; or "uio:N", the NIC that uio_hv_generic has as
	 * /dev/uioN, on Hyper-V or under `hvnet uio`: with huge pages, or with
	 * "uio:N,no-huge", which only `hvnet uio` takes.  nic and name do not
	 * count then.
	 */
	const char *connect;
	const char *name;	/* of this program, for the host; may be "" */
	const char *nic;	/* the NIC wanted; "": any */
	uint32_t queues;	/* wanted; the host may give fewer */
	uint32_t offloads;	/* HVNET_OFF_* wanted */
	uint32_t filter;	/* HVNET_FILTER_*; 0: OWN, MULTI and BROAD */
	uint32_t timeout_ms;	/* of hvnet_open() */
	uint64_t memory_bytes;	/* address space for rings and buffers */
	/*
	 * Memory to send from without a copy: hvnet_memory().  0: none.  At
	 * most 1 GiB, rounded up to 2 MiB.  If not 0, a frame that is copied
	 * has to fit a section of the host's send buffer (6 KB).
	 */
	uint64_t send_bytes;
	/*
	 * Frames of hvnet_tx_ref() that may share a packet, 16 at most and as
	 * many as the host allows; 0: as many as that.  See docs/offloads.md.
	 */
	uint32_t send_frames;
	/*
	 * Received frames are to be sent on by something that fills in no
	 * checksum: HVNET_CSUM_PARTIAL never comes, the checksum is computed.
	 */
	bool complete_csum;
	/* "name=value" as `hvnet guest -o` takes them; ends with NULL */
	const char *const *tunables;
	/* Zero.  A later header may have wishes here; we refuse those. */
	uint64_t reserved[8];
};

struct hvnet_info {
	uint8_t mac[6];
	bool link_up;
	uint32_t mtu;
	uint32_t queues;
	uint32_t offloads;	/* HVNET_OFF_* in effect */
	uint32_t tso_maxlen;	/* largest frame to be cut; 0: none */
	uint32_t vmbus_version;	/* 0: not known (uio) */
	uint32_t nvsp_version;
	uint64_t speed_bps;
	uint64_t reserved[8];	/* zero */
};

/* Of one queue, since hvnet_open(). */
struct hvnet_stats {
	uint64_t rx_frames, rx_bytes, rx_packets;
	uint64_t rx_dropped;	/* malformed, or of several pieces */
	uint64_t rx_polls, rx_idle; /* passes over the ring; with nothing new */
	uint64_t tx_frames, tx_bytes, tx_packets;
	uint64_t tx_completed;	/* packets the host is done with */
	uint64_t tx_errors;	/* completed with an error */
	uint64_t tx_full;	/* times there was no room */
	uint64_t tx_invalid;	/* frames refused: size or offsets */
	uint64_t reserved[8];	/* zero */
};

/*
 * The version of the library that runs, "0.1.0"; that of the header which a
 * program was built with is HVNET_VERSION.  Any thread.
 */
const char *hvnet_version(void);

/* Defaults: 1 queue, all offloads, 10 s, 256 MiB. */
void hvnet_config_default(struct hvnet_config *);

/*
 * Connect and attach; blocks until frames can be sent, or timeout_ms.  NULL
 * with a sentence in err (which may be NULL).  Borrows the configuration for
 * the call.  What is NULL or zero in it has its default, except connect, which
 * has none, and offloads, where zero means none.
 */
struct hvnet *hvnet_open(const struct hvnet_config *, char *err,
    size_t err_cap);
/*
 * Detach and free everything, also after HVNET_GONE.  No other thread may be in
 * a call, or touch a frame, any more.  Blocks, 5 s at most.  NULL is allowed.
 */
void hvnet_close(struct hvnet *);

/* Thread of queue 0. */
void hvnet_info(const struct hvnet *, struct hvnet_info *);
/* Queues in use; the same for the life of the connection. */
uint32_t hvnet_queues(const struct hvnet *);
/* A sentence on why the connection is broken, or "". */
const char *hvnet_why(const struct hvnet *);
/* Any thread; a running queue's numbers are recent. */
int hvnet_stats(const struct hvnet *, uint32_t queue, struct hvnet_stats *);

/*
 * Receive at most n frames; how many, or below zero.  Data lies in the receive
 * buffer: it is the caller's to read and change until its next hvnet_rx() on
 * this queue, which gives it back unless hvnet_hold() kept it.  Meanwhile the
 * host lacks that much of the buffer, so take what is needed and come again.
 * The host can write there at any time: copy what is decided on before it is
 * checked.
 */
int hvnet_rx(struct hvnet *, uint32_t queue, struct hvnet_frame *,
    uint32_t n);

/*
 * Keep frames of the last hvnet_rx() on this queue for longer, until
 * hvnet_release(): the first n of frame, which names them from then on.  How
 * many are held now, or below zero.  Fewer than n: no more may be held, so
 * that the host does not run out of buffer (tunable rx_hold, 25 per cent of
 * it), or the next is a copy already (HVNET_OFF_RSC): copy those.  All frames
 * of a VMBus packet stay as long as one of them.
 */
int hvnet_hold(struct hvnet *, uint32_t queue, struct hvnet_frame *frame,
    uint32_t n);
/*
 * Give n held frames back; the host has them with the next hvnet_rx(),
 * hvnet_poll() or hvnet_wait() on that queue, and a thread that sleeps in that
 * is woken.  Any thread, and any order.  0, or HVNET_INVALID:
 * some of them is not held.  hvnet_close() gives back what is left.
 */
int hvnet_release(struct hvnet *, uint32_t queue, const struct hvnet_frame *,
    uint32_t n);

/*
 * Send n frames, copied (the caller's again on return): how many were taken,
 * or below zero.  Fewer than n: no room; call again.  A frame that cannot be
 * sent counts as taken, and as tx_invalid.  All that was taken is on its way on
 * return.  Completions come behind received frames, so a queue that is sent on
 * must be received from as well.
 */
int hvnet_tx(struct hvnet *, uint32_t queue, const struct hvnet_frame *,
    uint32_t n);

/* Room for a frame of mtu + 18 bytes, to be filled piece by piece. */
struct hvnet_room {
	struct hvnet_piece {
		void *data;
		uint32_t len;
	} piece[2];
	uint32_t pieces;
	uint32_t own[3];	/* hvnet's */
};

/*
 * Send without a copy: reserve room, fill it, submit its first len bytes, and
 * flush after the last of a burst.  Reserving twice gives the same room.  0,
 * HVNET_FULL, HVNET_INVALID, HVNET_GONE.
 */
int hvnet_tx_reserve(struct hvnet *, uint32_t queue, struct hvnet_room *);
int hvnet_tx_submit(struct hvnet *, uint32_t queue, struct hvnet_room *,
    uint32_t len, const struct hvnet_meta *);
int hvnet_tx_flush(struct hvnet *, uint32_t queue);

/*
 * The memory of hvnet_config.send_bytes, zeroed, until hvnet_close(); *bytes is
 * its length.  The caller divides it, among all queues.  NULL: none.
 */
void *hvnet_memory(const struct hvnet *, uint64_t *bytes);
/*
 * Send n frames from where they lie in hvnet_memory(); taken as by hvnet_tx().
 * The host reads a frame until hvnet_tx_done() gives back its cookie, any
 * number of the caller's: do not change it before that.  Each cookie of a
 * frame that was taken comes once, in any order, also of one that cannot be
 * sent (tx_invalid); HVNET_TSO4 and 6 only as hvnet_info() has it in effect.
 * Short frames (256 bytes) are copied after all, it costs less.
 */
int hvnet_tx_ref(struct hvnet *, uint32_t queue, const struct hvnet_frame *,
    const uint64_t *cookie, uint32_t n);
/*
 * At most n cookies of frames whose memory is free again: how many, or below
 * zero.  Does not drive the queue: hvnet_rx() and hvnet_poll() do, and
 * hvnet_tx_ref() where it has no room.  With 8192 cookies not yet collected,
 * hvnet_tx_ref() takes no more.
 */
int hvnet_tx_done(struct hvnet *, uint32_t queue, uint64_t *cookie,
    uint32_t n);

/*
 * Drive a queue without receiving: completions, and on queue 0 control.  Frames
 * that arrive are kept for hvnet_rx().  0 or HVNET_GONE.
 */
int hvnet_poll(struct hvnet *, uint32_t queue);

/*
 * Sleep until the queue has something for its thread: frames to receive,
 * cookies to collect, or room where a send found none.  1: it has, or may have,
 * so look; 0: not within timeout_ms (below zero: for ever), or a signal handler
 * ran; HVNET_GONE; HVNET_INVALID.  Ends the life of received frames as
 * hvnet_rx() does.  While queue 0 sleeps here it needs no other call.
 *
 * With timeout_ms 0 it does not sleep.  Then 0 means: armed.  From now on
 * hvnet_fd() becomes readable when there is something, whenever it came.  Every
 * other call for the queue disarms, so each sleep begins with hvnet_wait():
 *
 *	while ((rc = hvnet_wait(h, q, 0)) == 0)
 *		poll(..., the queue's hvnet_fd() and others, ...);
 */
int hvnet_wait(struct hvnet *, uint32_t queue, int timeout_ms);
/*
 * The queue's descriptor, for poll(), select() or epoll: POLLIN.  The same
 * until hvnet_close(), which closes it; never read it.  It stays readable once
 * the connection is broken.  Any thread.  HVNET_INVALID: no such queue.
 */
int hvnet_fd(const struct hvnet *, uint32_t queue);

#ifdef __cplusplus
}
#endif

#endif
