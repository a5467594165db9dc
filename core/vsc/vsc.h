/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NetVSC: the guest's network driver.
 *
 * Files, from the top down; each needs only files further down:
 *	vsc.c		the calls for control: attach, detach, settings
 *	vsc_event.c	what channels report, time-outs
 *	vsc_attach.c, vsc_detach.c	the lists of steps
 *	vsc_rx.c	a pass over a queue, frames handed up
 *	vsc_ctlin.c	control messages of the host
 *	vsc_mail.c	brings those from the owner to control
 *	vsc_ack.c	sections go back to the host
 *	vsc_hold.c	the user keeps some
 *	vsc_rsc.c	fragments are joined
 *	vsc_tx.c	frames to send
 *	vsc_txref.c	frames sent from the user's own memory
 *	vsc_txcut.c	cuts them in software where the host does not
 *	vsc_txoff.c	decides who does an offload
 *	vsc_txroom.c	places frames in sections and slots
 *	vsc_txq.c	packets, from post to completion
 *	vsc_negotiate.c, vsc_off.c, vsc_rss.c, vsc_subs.c	those steps
 *	vsc_nvs.c, vsc_rndis.c	control messages of ours
 *	vsc_xact.c	their ids
 *	vsc_queue.c	memory of queues
 *	vsc_ctl.c	the engine: runs lists of steps, reports a failure
 * and, for any context, vsc_tune.c: tunables and counters by name.
 *
 * Context: "queue owner" and "control" as in bus/chan.h and docs/porting.md:
 * calls of control functions come one at a time, in a context that may sleep.
 * Nothing is allocated outside attach.
 */
#ifndef CORE_VSC_VSC_H
#define CORE_VSC_VSC_H

#include "base/counter.h"
#include "bus/chan.h"
#include "pkt/pkt_meta.h"

#define VSC_MAX_QUEUES	64u
#define VSC_MTU_MAX	9000u
#define VSC_TX_REF_FRAMES 16u
/* Policy: groups of vsc_set_multicast(); more of them mean all. */
#define VSC_MCAST_MAX	32u

struct vsc;

/* Offloads as a mask; each can be wanted by us and offered by the host. */
#define VSC_OFF_TXCSUM_IP4	0x0001u
#define VSC_OFF_TXCSUM_TCP4	0x0002u
#define VSC_OFF_TXCSUM_UDP4	0x0004u
#define VSC_OFF_TXCSUM_TCP6	0x0008u
#define VSC_OFF_TXCSUM_UDP6	0x0010u
#define VSC_OFF_RXCSUM		0x0020u
#define VSC_OFF_TSO4		0x0040u	/* LSOv2 */
#define VSC_OFF_TSO6		0x0080u
#define VSC_OFF_RSC4		0x0100u
#define VSC_OFF_RSC6		0x0200u
#define VSC_OFF_VLAN		0x0400u
#define VSC_OFF_HASH		0x0800u	/* hash value and type, both ways */
#define VSC_OFF_ALL		0x0fffu

/*
 * Tunables, by the names of FreeBSD's hn(4) where it has one.  X(name,
 * default, min, max, text); all uint32_t.  `-o name=value` sets them.
 */
#define VSC_TUNABLES(X)							\
	X(tx_chimney_size, 6144, 0, 65536,				\
	    "copy frames up to this many bytes into the send buffer")	\
	X(tso_maxlen, 65535, 1514, 65535,				\
	    "largest TSO frame, bytes; the host may lower it")		\
	X(tx_agg_size, 6144, 0, 65536,					\
	    "bytes of frames that share a section; 0: none share")	\
	X(tx_agg_pkts, 64, 0, 64,					\
	    "frames that share a section; the host may lower it")	\
	X(chan_cnt, 0, 0, 64, "channels; 0: one a virtual processor")	\
	X(ring_pages, 128, 2, 2048, "pages of each ring, in or out")	\
	X(tx_slots, 64, 4, 1024, "large-frame slots of 64 KiB, a queue") \
	X(tx_inflight_kb, 384, 0, 65536,				\
	    "KiB in flight by address, a queue; more waits; 0: any") \
	X(rxbuf_kb, 16384, 64, 31744, "receive buffer, KiB")		\
	X(sendbuf_kb, 8192, 0, 15360, "send buffer, KiB; 0: none")	\
	X(ack_batch, 4, 1, 512, "receive completions sent together")	\
	X(rx_hold, 25, 0, 50,						\
	    "percent of the receive sections that the user may hold")
struct vsc_tunables {
#define X(name, def, min, max, text) uint32_t name;
	VSC_TUNABLES(X)
#undef X
};

struct vsc_config {
	struct vsc_tunables tune;
	uint32_t vps;			/* virtual processors of the guest */
	uint32_t mtu;			/* 0: whatever the host's is */
	uint32_t max_nvsp;		/* newest version tried; 0: all */
	uint32_t offloads;		/* VSC_OFF_* wanted */
	uint8_t rss_key[40];		/* all zero: the default key */
	uint32_t filter;		/* NDIS packet filter once up */
	/*
	 * The user polls: the host is not asked to signal, except by
	 * vsc_queue_arm(), and frames of one piece stay valid until
	 * vsc_rx_release().
	 */
	bool poll;
	/*
	 * The user sends large frames by vsc_tx_gather(): slots are header
	 * room of 512 bytes, not 64 KiB, and a frame that is copied must fit a
	 * section.
	 */
	bool by_ref;
	/*
	 * Frames of vsc_tx_gather() that may share a packet, at most
	 * VSC_TX_REF_FRAMES, and what the host allows (agg_pkts); 0: as many
	 * as that; 1: none do.  Each has its RNDIS header in a range of its
	 * own, docs/protocol.md.  If the host fails the first such packet,
	 * none do from then on.
	 */
	uint32_t ref_frames;
	/*
	 * Received frames go on to somebody who wants their checksums: one that
	 * the host verified but left out is computed here, before ->rx().
	 * Frames of several segments (PKT_GSO_*) still have it open.
	 */
	bool rx_complete;
	/*
	 * The user keeps received packets: vsc_rx_hold(), as far as the tunable
	 * rx_hold allows.
	 */
	bool rx_hold;
};

/* What came out of attach. */
struct vsc_caps {
	uint32_t vmbus_version, nvsp_version, ndis_version;
	uint8_t mac[6];
	uint32_t mtu;
	uint32_t queues;
	uint32_t offloads;		/* VSC_OFF_* in effect */
	uint32_t tso_maxlen;		/* bytes of frame, 0: none */
	uint32_t section_bytes, sections; /* send buffer */
	uint32_t rx_sections;
	uint32_t agg_pkts, agg_bytes, agg_align;
	uint64_t speed_bps;
	bool link_up;
};

/* A received frame: pieces in the receive buffer, valid during the call. */
struct vsc_frame {
	const struct vec *vec;
	uint32_t nvec;
	uint32_t len;
	struct pkt_meta meta;
	uint32_t packet;		/* for vsc_rx_hold() */
};

/*
 * What the NetVSC needs of its user.  A call is NULL only where its
 * comment has it.
 */
struct vsc_ops {
	/* Zeroed, at a multiple of OS_CACHELINE; NULL: there is none. */
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p, size_t bytes);
	int (*mem_alloc)(void *ctx, uint32_t bytes, struct chan_mem *out);
	void (*mem_free)(void *ctx, struct chan_mem *);

	/* Control context. */
	void (*attached)(void *ctx, const struct vsc_caps *);
	/* Attach failed or the device broke; vsc_detach() and retry later. */
	void (*failed)(void *ctx, int err, enum fault why, const char *stage);
	/* Every channel closed, all memory back (or leaked and counted). */
	void (*detached)(void *ctx);
	void (*link)(void *ctx, bool up, uint64_t speed_bps);
	/* The offloads in effect changed at run time; may be NULL. */
	void (*offloads)(void *ctx, const struct vsc_caps *);
	/* vsc_set_mac() ended: caps.mac is in force; may be NULL. */
	void (*mac)(void *ctx, bool taken, const struct vsc_caps *);
	/* The virtual processor for queue k's channel. */
	uint32_t (*queue_vp)(void *ctx, uint32_t queue);
	/*
	 * The host's send indirection table changed (16 entries or more).  May
	 * be NULL.
	 */
	void (*send_table)(void *ctx, const uint32_t *table, uint32_t count);

	/* Queue owner. */
	/*
	 * Deliver a frame.  A frame of one piece stays valid until rx_flush();
	 * if it has several, the first piece, a header copy, lives only for the
	 * call.
	 */
	void (*rx)(void *ctx, uint32_t queue, const struct vsc_frame *);
	/* No more frames in this pass: flush what rx() batched. */
	void (*rx_flush)(void *ctx, uint32_t queue);
	/* vsc_tx_reserve() returned E_AGAIN; it can succeed again. */
	void (*tx_wake)(void *ctx, uint32_t queue);
	/*
	 * The memory of a frame that vsc_tx_gather() took, once for each.  err
	 * 0: sent; E_PEER: the host reports a failure; E_GONE: detached, the
	 * host can read it no more; E_TIMEOUT: detached, but the channel did
	 * not close, so the host may read it for ever: never use it again.  May
	 * not send.  NULL where nothing is sent by reference.  At detach,
	 * context control.
	 */
	void (*tx_done)(void *ctx, uint32_t queue, uint64_t cookie, int err);
	/*
	 * Both or neither.  Where other threads than the queue's owner send: an
	 * exclusive lock of the queue's transmit, taken and released inside
	 * vsc_tx_copy(), vsc_tx_gather() and vsc_tx_flush(), and by owner and
	 * control where they send.  Held over no upcall but control_wanted().
	 * Completions are taken without it, so tx_done() of a queue comes from
	 * its owner while others send.  NULL: only the owner sends.
	 */
	void (*tx_lock)(void *ctx, uint32_t queue);
	void (*tx_unlock)(void *ctx, uint32_t queue);
	/*
	 * Have vsc_control() called soon, in control context: the host sent a
	 * control message, or something broke.  Any context, and never waits.
	 * NULL where one thread runs all and calls vsc_control() after each
	 * pass.
	 */
	void (*control_wanted)(void *ctx);
	/*
	 * Have the queue's owner make a pass soon (vsc_queue_poll(), until it
	 * returns false): what waits there for room in the ring is tried again,
	 * or what was held goes back to the host.  By control for a channel
	 * without CHAN_CAP_SPACE; with cfg.rx_hold by any context, inside
	 * vsc_rx_unhold().  Otherwise it may be NULL, and for a user who polls
	 * and never sleeps.
	 */
	void (*queue_kick)(void *ctx, uint32_t queue);
	/*
	 * A pass is over and the ring was empty at its end; `found`: the pass
	 * took packets.  True: leave signals masked, and have ready() called
	 * again soon.  Queue owner.  NULL: never.
	 */
	bool (*queue_spin)(void *ctx, uint32_t queue, bool found);
};

#define VSC_TX_COUNTERS(X)						\
	X(frames,	"frames sent")					\
	X(bytes,	"bytes of frames sent")				\
	X(tso_frames,	"frames sent with LSO")				\
	X(packets,	"VMBus packets with frames sent")		\
	X(by_section,	"frames copied whole into a send-buffer section") \
	X(by_gpa,	"frames sent by guest physical address")	\
	X(by_both,	"frames split between section and addresses")	\
	X(by_ref,	"frames sent from the user's own memory")	\
	X(aggregated,	"frames that shared a section with an earlier one") \
	X(completions,	"completions received")				\
	X(errors,	"completions with a status other than success")	\
	X(no_section,	"times no send-buffer section was free")	\
	X(no_slot,	"times no large-frame slot was free")		\
	X(limited,	"times tx_inflight_kb were under way")		\
	X(ring_full,	"times the ring had no room")			\
	X(too_long,	"frames dropped: longer than the host takes")	\
	X(too_short,	"frames dropped: shorter than an Ethernet header") \
	X(no_vlan,	"frames or segments dropped: tagged, VLAN is off") \
	X(sw_segments,	"segments cut in software")			\
	X(sw_csum,	"checksums computed in software")
COUNTER_STRUCT(vsc_tx_counters, VSC_TX_COUNTERS);

#define VSC_RX_COUNTERS(X)						\
	X(frames,	"frames delivered")				\
	X(bytes,	"bytes of frames delivered")			\
	X(packets,	"VMBus packets with frames received")		\
	X(rsc_frames,	"frames reassembled from RSC fragments")	\
	X(rsc_fragments, "RSC fragments received")			\
	X(rsc_noreseg,	"RSC frames whose segment size is unknown")	\
	X(csum_good,	"frames with checksum verified by the host")	\
	X(csum_bad,	"frames with checksum found bad by the host")	\
	X(csum_none,	"frames without checksum info from the host")	\
	X(sw_csum,	"checksums completed in software")		\
	X(hash,		"frames with a hash value")			\
	X(acks,		"receive completions sent")			\
	X(ack_waits,	"times acknowledgements waited for ring room")	\
	X(held,		"times the user held a packet")			\
	X(hold_full,	"times the user held as much as it may")	\
	X(dropped,	"frames dropped as malformed")
COUNTER_STRUCT(vsc_rx_counters, VSC_RX_COUNTERS);

/* Room for one frame to send: where its bytes go, in this order. */
struct vsc_tx_room {
	struct vec vec[2];	/* section remainder, overflow slot */
	uint32_t nvec;
	/* vsc_tx's own */
	uint32_t section, slot;
	uint32_t head_off;
};

void vsc_tunables_default(struct vsc_tunables *);
/* Set one by name; E_NOTSUP: no such name; E_STATE: out of range. */
int vsc_tunable_set(struct vsc_tunables *, const char *name, uint32_t value);
/* Its range; false: no such name. */
bool vsc_tunable_range(const char *name, uint32_t *min, uint32_t *max);
/* Guest memory that a NIC with so many queues takes, about: bytes. */
uint64_t vsc_memory_bytes(const struct vsc_tunables *, uint32_t queues,
    bool by_ref);

/*
 * Attach to an offered NIC channel; borrows cfg for the call, ops and ctx for
 * life.  ->attached() or ->failed() follows, but not before vsc_control() is
 * called, which takes the first step: call it next.  NULL: out of memory.
 */
struct vsc *vsc_attach(const struct vsc_config *cfg, const struct vsc_ops *ops,
    void *ctx, struct chan *primary);
/*
 * Tear down in the order of the versions; ->detached() follows.  No transmit
 * call is under way, or comes any more; what was not flushed is dropped.
 * Owners of receive go on.  What is held must be given back; after two seconds
 * the receive buffer stays allocated for ever, and counts as leaked.
 */
void vsc_detach(struct vsc *);
/* After ->detached(). */
void vsc_free(struct vsc *);
/*
 * All the control work that is due: messages of the host, the next steps,
 * time-outs.  Call it at the time that it returned (absolute ns, UINT64_MAX:
 * none), after control_wanted(), and after every control call and event, for
 * the deadline of a wait counts from the first call in it.
 */
uint64_t vsc_control(struct vsc *, uint64_t now_ns);

const struct vsc_caps *vsc_caps(const struct vsc *);

/* Control requests; each is queued behind the exchanges under way. */
/* Also of one that is attaching. */
int vsc_set_filter(struct vsc *, uint32_t ndis_filter);
/*
 * The groups that NDIS_FILTER_MULTICAST of the filter stands for: copies n
 * addresses, which replace the earlier ones, for OID_802_3_MULTICAST_LIST.
 * While the host does not have them (it has not answered yet, or refused, or n
 * is above VSC_MCAST_MAX) the filter requests all multicast instead.  Also
 * while attaching; not kept over a detach.
 */
int vsc_set_multicast(struct vsc *, const uint8_t (*groups)[6], uint32_t n);
/*
 * Another address for the NIC, as Linux's hv_netvsc sets it: the configuration
 * parameter NetworkAddress.  ->mac() follows.  A host takes it where the port
 * may spoof addresses.
 */
int vsc_set_mac(struct vsc *, const uint8_t mac[6]);
int vsc_set_rss(struct vsc *, const uint8_t key[40], const uint32_t *table,
    uint32_t entries);
int vsc_set_offloads(struct vsc *, uint32_t offloads);
/*
 * Other tunables for a device that is up: ack_batch, tx_inflight_kb,
 * tx_agg_size and tx_agg_pkts take effect at once.  False: others differ too,
 * which takes another attach.  Control, with every owner parked.
 */
bool vsc_tune(struct vsc *, const struct vsc_tunables *);
/*
 * Copy the key and at most cap entries of the table that we set, or will set at
 * the next request; whether the host took them is not known here.  Returns the
 * entries copied; 0, and nothing copied, with fewer than two queues.  Control.
 */
int vsc_get_rss(const struct vsc *, uint8_t key[40], uint32_t *table,
    uint32_t cap);

/* --- received packets that the user keeps (vsc_config.rx_hold) --- */

#define VSC_PACKET_MASK	0x7fffffffu	/* of vsc_frame.packet */

/*
 * Keep the packet of a received frame: its bytes in the receive buffer stay the
 * guest's until vsc_rx_unhold() of what this returns, a number below 2^15.
 * Each call needs an unhold, also where two are for the same packet.  Of a
 * frame of several pieces, the caller keeps vec and first piece itself.  From
 * inside ->rx() until ->rx_flush() returns; polled, until vsc_rx_release().
 *
 * E_AGAIN: as much is held as may be, copy the frame; E_NOTSUP: nothing may be
 * held; E_STATE: the packet has gone back.  Queue owner.
 */
int vsc_rx_hold(struct vsc *, uint32_t queue, uint32_t packet);
/*
 * Any thread, before vsc_free().  The owner's pass, for which this may call
 * queue_kick(), gives the memory back to the host; polled, the next pass or
 * vsc_rx_release().  E_STATE: this is not held.
 */
int vsc_rx_unhold(struct vsc *, uint32_t queue, uint32_t hold);
/* Nobody uses what is held any more, or lets go of it meanwhile.  Control. */
void vsc_rx_unhold_all(struct vsc *);

/* --- polled receive (vsc_config.poll); queue owner --- */

/*
 * One pass over the queue's ring, of at most budget packets.  True: not polled,
 * and the ring may hold more.  Also for who does not poll, after queue_kick().
 */
bool vsc_queue_poll(struct vsc *, uint32_t queue, uint32_t budget);
/* From inside ->rx(): no further packet in this pass. */
void vsc_rx_stop(struct vsc *, uint32_t queue);
/* Every frame that was delivered goes back; the host hears at the next pass. */
void vsc_rx_release(struct vsc *, uint32_t queue);
/*
 * Request signals until the next pass.  True: packets are there already, make
 * one.
 */
bool vsc_queue_arm(struct vsc *, uint32_t queue);

/*
 * --- transmit; queue owner ---
 *
 * With vsc_ops.tx_lock any thread, and several at once, may call vsc_tx_copy(),
 * vsc_tx_gather(), vsc_tx_flush() and vsc_tx_select(); vsc_tx_reserve() is for
 * an owner that is the only sender.  All have returned before vsc_detach().
 */

/*
 * Room for the next frame of at most tso_maxlen + 18 bytes (cfg.by_ref: of a
 * section; E_NOTSUP: there is no send buffer).  E_AGAIN: none;
 * ->tx_wake() comes.  E_GONE: not attached, or broken.  Reserving again
 * without a submit gives the same room.
 */
int vsc_tx_reserve(struct vsc *, uint32_t queue, struct vsc_tx_room *);
/*
 * Send the frame of `len` bytes that was placed in the room.  What the host
 * does not take (GSO, checksum) is done in software here.  0, or E_STATE for a
 * frame that was dropped (counted: too_long, too_short, no_vlan), or for room
 * that was not reserved; E_NOTSUP, with cfg.by_ref: it would have to be cut
 * here.  Visible after vsc_tx_flush().
 */
int vsc_tx_submit(struct vsc *, uint32_t queue, struct vsc_tx_room *,
    uint32_t len, const struct pkt_meta *);
/*
 * Reserve, copy and submit in one.  E_NOTSUP, with cfg.by_ref: too long for a
 * section, send it by reference.
 */
int vsc_tx_copy(struct vsc *, uint32_t queue, const struct vec *, uint32_t n,
    const struct pkt_meta *);

/*
 * A piece of a frame that is sent from where it lies: guest memory, contiguous
 * in guest physical addresses.
 */
struct vsc_piece {
	uint64_t gpa;
	uint32_t bytes;		/* 1 or more */
	const void *va;		/* may be NULL, see below */
};

/*
 * Pages of one packet: Linux's MAX_PAGE_BUFFER_COUNT and FreeBSD's
 * NETVSC_PACKET_MAXPAGE.  Pieces touch one less, the first is for the header.
 */
#define VSC_TX_PAGES	32u
/* Longest head, and enough for all headers that offloads look at. */
#define VSC_TX_HEAD_MAX	256u

/*
 * Send a frame by reference: its first bytes are in head, which is copied, the
 * rest in the pieces, of which the host reads until ->tx_done(cookie); they
 * must not change meanwhile.  head has 14 to VSC_TX_HEAD_MAX bytes, and all
 * headers where the frame requests a checksum or GSO.  n may be 0.
 *
 * 0: taken, ->tx_done() follows, maybe before this returns.  Otherwise it was
 * not taken and nothing follows: E_AGAIN, E_GONE as vsc_tx_reserve(); E_STATE:
 * dropped, as vsc_tx_submit(), or head or pieces are not as above; E_NOTSUP:
 * more pages than VSC_TX_PAGES - 1, or an offload that the host does not do and
 * we cannot: GSO, or a checksum where a piece has no va.  Then do it (or copy
 * the frame together), and send that.  Borrows head and piece for the call.
 * Visible after vsc_tx_flush().
 */
int vsc_tx_gather(struct vsc *, uint32_t queue, struct span head,
    const struct vsc_piece *piece, uint32_t n, uint64_t cookie,
    const struct pkt_meta *);
/* End of a burst: close the open section, publish, signal if needed. */
void vsc_tx_flush(struct vsc *, uint32_t queue);
/* The queue that the host's send table wants for this hash. */
uint32_t vsc_tx_select(const struct vsc *, uint32_t hash);

/* Counters and state for statistics; any thread. */
const struct vsc_tx_counters *vsc_tx_stats(const struct vsc *, uint32_t queue);
const struct vsc_rx_counters *vsc_rx_stats(const struct vsc *, uint32_t queue);
/* Both buffers, while they exist: what packets refer to. */
struct vsc_buffers {
	uint8_t *recv;			/* NULL: none */
	uint32_t recv_bytes;
	uint8_t *send;			/* NULL: none */
	uint32_t send_sections, send_section_bytes;
};
/* Queue owner, or control. */
void vsc_buffers(const struct vsc *, struct vsc_buffers *);
struct chan *vsc_queue_chan(const struct vsc *, uint32_t queue);
uint32_t vsc_leaked_bytes(const struct vsc *);

#endif
