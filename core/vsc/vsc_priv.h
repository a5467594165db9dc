/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the NetVSC: state of the device and its queues, and what its files
 * offer each other.  Included by core/vsc/ and tests only.
 *
 * A control exchange is one `struct vsc_wait` at a time; lists of steps
 * (vsc_ctl.c) move it.  Only its owner touches a queue, except for the fields
 * marked otherwise.
 */
#ifndef CORE_VSC_VSC_PRIV_H
#define CORE_VSC_VSC_PRIV_H

#include "pkt/pkt_csum.h"
#include "pkt/pkt_parse.h"
#include "pkt/pkt_seg.h"
#include "vsc/vsc.h"
#include "wire/ndis_obj.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"
#include "wire/rndis_pkt.h"

/* Policy: patience with one control exchange, and during detach. */
#define VSC_EXCHANGE_NS		10000000000ull
#define VSC_DETACH_NS		2000000000ull
/* The bus has time-outs of its own, which tell more: let it be first. */
#define VSC_BUS_NS		15000000000ull
#define VSC_POLL_NS		1000000ull	/* draining, or no event */
/* Of a ring, for any one packet of a control exchange. */
#define VSC_CTL_ROOM		128u

#define VSC_NONE		0xffffffffu
#define VSC_RECV_BYTES		8192u	/* 562 ranges of RSC and headers */
#define VSC_RX_HEAD		256u	/* RNDIS header and PPIs copied */
#define VSC_RSC_MAX		562u	/* fragments; protocol notes, limits */
#define VSC_FRAME_MAX		(65535u + 14u + 4u)
#define VSC_ACKS		1024u	/* acknowledgements that may wait */
#define VSC_TX_PENDING		4u	/* packets that wait for ring room */
#define VSC_CTL_BYTES		1024u	/* longest control message of a host */
/* Policy: room for messages of a host that control has not read yet. */
#define VSC_MAIL_BYTES		16384u	/* a power of two */
#define VSC_CTL_XACTS		8u
#define VSC_ANSWER_OFF		2048u	/* in the control page: our replies */
/* Transaction ids of control exchanges; those of frames lack this bit. */
#define VSC_XACT_CTL		(1ull << 62)

/* RNDIS header with the one PPI that most frames have, and with all. */
#define VSC_HEAD_FEW		(44u + RNDIS_PPI_BYTES)
#define VSC_HEAD_ALL		(44u + 3u * RNDIS_PPI_BYTES)
/* Frame bytes of a large-frame slot, after its head room. */
#define VSC_SLOT_DATA		(17u * HV_PAGE_SIZE)
/* A slot that is header room only: VSC_HEAD_ALL and VSC_TX_HEAD_MAX. */
#define VSC_SLOT_HEAD		512u

enum vsc_state {
	VSC_ATTACHING,		/* control exchanges; no frames */
	VSC_UP,			/* frames; control requests one at a time */
	VSC_FAILED,		/* waits for vsc_detach() */
	VSC_DETACHING,
	VSC_DOWN,		/* vsc_free() only */
};

enum vsc_chan_state {
	VSC_CHAN_CLOSED, VSC_CHAN_OPENING, VSC_CHAN_OPEN, VSC_CHAN_CLOSING,
};

enum vsc_gpadl_state {
	VSC_GPADL_NONE, VSC_GPADL_CREATING, VSC_GPADL_UP, VSC_GPADL_TEARING,
};

/* What a control step waits for. */
enum vsc_wait_kind {
	VSC_WAIT_NONE,
	VSC_WAIT_OPEN, VSC_WAIT_CLOSE,	/* channel */
	VSC_WAIT_GPADL,			/* created or torn down */
	VSC_WAIT_NVS,			/* completion of an NVSP request */
	VSC_WAIT_RNDIS,			/* completion, and reply if any */
	VSC_WAIT_SPACE,			/* ring room; then the step restarts */
	VSC_WAIT_SUBS,			/* offers of sub-channels */
	VSC_WAIT_DRAIN,			/* outstanding packets, detach */
	VSC_WAIT_HELD,			/* the user's packets, detach */
	VSC_WAIT_SETTLE,		/* exchanges cut off by detach */
};

/* A step: start returns one of these or E_*; done is called after the wait. */
enum vsc_step_result { VSC_STEP_NEXT, VSC_STEP_WAIT, VSC_STEP_AGAIN };

struct vsc;

struct vsc_step {
	const char *name;		/* the stage in ->failed() */
	int (*start)(struct vsc *);
	int (*done)(struct vsc *);	/* NULL: next */
};

struct vsc_list {
	const struct vsc_step *step;
	uint32_t steps;
	void (*end)(struct vsc *);	/* after the last step */
};

/* Control requests of a device that is up; bits of vsc.want. */
#define VSC_WANT_FILTER		0x01u
#define VSC_WANT_RSS		0x02u
#define VSC_WANT_OFFLOADS	0x04u
#define VSC_WANT_LINK		0x08u
#define VSC_WANT_FLAP		0x10u	/* network change: down, then up */
#define VSC_WANT_HWCAPS		0x20u	/* the host's offers may differ */
#define VSC_WANT_MAC		0x40u
#define VSC_WANT_MCAST		0x80u

/* A control request, and the steps that serve it. */
struct vsc_request {
	uint32_t bit;
	const struct vsc_list *list;
};

struct vsc_ctl {
	const struct vsc_request *request;	/* const after vsc_attach() */
	uint32_t requests;
	const struct vsc_list *list;
	uint32_t at;
	bool running;
	enum vsc_wait_kind wait;
	bool waited;			/* the wait is over */
	int err;			/* how it ended */
	bool armed;			/* deadline is set */
	uint64_t deadline;
	struct chan *wait_chan;
	/* NVSP: the reply; RNDIS: status and information buffer */
	uint64_t xact, rndis_xact;
	struct nvs_msg nvs;
	uint32_t req_id;
	bool want_reply, got_reply, got_completion;
	struct rndis_msg rndis;		/* info points into reply */
	uint8_t reply[VSC_CTL_BYTES];
	/* outstanding ids: generation, 0 if free */
	uint32_t xact_gen[VSC_CTL_XACTS];
	uint32_t next_gen;
	struct chan_mem page;		/* requests; then VSC_ANSWER_OFF */
	bool page_busy, answer_busy;
	uint64_t answer_xact;
};

/* A control message of the host: a private copy. */
enum vsc_mail_kind {
	VSC_MAIL_COMPLETION,		/* NVSP, ends an exchange of ours */
	VSC_MAIL_NVS,			/* NVSP, by itself */
	VSC_MAIL_RNDIS,
};

struct vsc_mail {
	uint32_t kind;			/* enum vsc_mail_kind */
	uint32_t len;
	uint64_t xact;
	uint8_t bytes[];
};

struct vsc_mailbox {
	/* owner of the primary; control reads head */
	uint32_t head CACHE_ALIGNED;
	uint32_t told;			/* head when control was wanted */
	/* control; the owner reads */
	uint32_t tail CACHE_ALIGNED;
	uint8_t bytes[VSC_MAIL_BYTES + sizeof(struct vsc_mail) +
	    VSC_CTL_BYTES] CACHE_ALIGNED;
};

/* Receive or send buffer. */
struct vsc_buf {
	struct chan_mem mem;
	uint32_t gpadl;
	enum vsc_gpadl_state state;
	bool told;			/* the host was given it by NVSP */
	bool stuck;			/* no teardown reply: leak it */
	bool given;			/* mem is chan_ops->given() memory */
};

/* One VMBus packet with frames, from post to completion. */
struct vsc_tx_packet {
	uint32_t section;		/* VSC_NONE: none */
	uint32_t section_bytes;
	uint32_t slot;			/* VSC_NONE: none */
	uint32_t slot_off, slot_bytes;	/* what goes by address */
	uint32_t refs;			/* frames by reference in it */
};

/* An entry of the packet table; transmitter and owner's pass share it. */
struct vsc_tx_entry {
	uint32_t gen;			/* odd: outstanding */
	uint32_t sent;			/* in the ring: may be completed */
	struct vsc_tx_packet p;
};

/*
 * With a transmit lock: packets that were completed, on their way from the
 * owner's pass to whoever holds the lock.  There is a place for each.
 */
struct vsc_tx_freed {
	uint16_t *id;			/* const after attach */
	uint32_t mask;
	uint32_t head CACHE_ALIGNED;	/* the owner's */
	uint32_t completions;		/* not yet in the counter */
	uint32_t tail CACHE_ALIGNED;	/* the lock holder's */
};

/*
 * The packet of frames by reference that is being put together, or that waits
 * for the ring: one at a time.
 */
struct vsc_tx_ref {
	struct vsc_tx_packet p;		/* its memory, once there is any */
	bool open;
	uint8_t *at;			/* for headers: section or slot */
	uint64_t gpa;
	uint32_t used, room;		/* bytes of it */
	uint32_t pages;			/* in ext */
	uint64_t cookie[VSC_TX_REF_FRAMES];
	uint8_t ext[VMPKT_SG_EXT_BYTES(VSC_TX_PAGES)];
};

/* Free numbers, last in first out. */
struct vsc_stack {
	uint16_t *id;
	uint32_t n, cap;
};

struct vsc_txq {
	/* const after attach */
	struct vsc_stack sections, slots, packets;
	struct vsc_tx_entry *packet;
	struct chan_mem *slot_mem;
	struct chan_mem heads;		/* of all slots, with cfg.by_ref */
	uint32_t section_first;		/* of the send buffer, this queue's */
	uint32_t section_cap;		/* bytes used of a section */
	uint32_t slot_head;		/* head room of a slot */
	uint32_t ref_frames;		/* by reference in a packet, at most */
	uint32_t ref_align;		/* of RNDIS messages, the host's wish */
	uint64_t *cookie;		/* ref_frames for each packet */
	uint32_t inflight_max;		/* bytes by address; 0: any */
	bool up;
	bool shared;			/* there is a transmit lock */
	/* any thread, by os_ld32(): the owner's pass has something to do */
	uint32_t waits;
	/* the same: of ref_frames, what this host turned out to take */
	uint32_t ref_max;
	/* owner: it completed a packet of several with success */
	bool ref_several;
	/* owner: queue, or who holds the transmit lock */
	uint32_t section CACHE_ALIGNED;	/* open section, or VSC_NONE */
	uint8_t *ahead;			/* section to come next, or NULL */
	uint32_t used;			/* bytes of it that hold messages */
	uint32_t frames;		/* messages in it */
	uint32_t slot;			/* reserved, or VSC_NONE */
	uint32_t head_room;		/* VSC_HEAD_FEW or _ALL */
	uint32_t pending[VSC_TX_PENDING]; /* packets not yet in the ring */
	uint32_t npending;
	uint32_t inflight;		/* bytes by address, outstanding */
	bool want_wake;
	struct vsc_tx_ref ref;
	/* a frame being cut in software */
	bool cutting;
	uint32_t cut_slot, cut_max;
	struct vec cut_vec;
	struct pkt_seg cut;
	struct vsc_tx_counters count;
};

struct vsc_rsc {
	bool open;
	uint16_t id;
	uint32_t n, len;
	struct rndis_ppi_set ppi;	/* of the first fragment */
	uint32_t frag_len[VSC_RSC_MAX];
};

struct vsc_rxq {
	uint8_t *buf;			/* VSC_RECV_BYTES */
	uint32_t ranges;		/* in the packets of this pass */
	uint32_t packet;		/* the present one: vsc_frame.packet */
	uint64_t ack[VSC_ACKS];		/* owner: queue; ring of ids */
	uint16_t ack_ranges[VSC_ACKS];	/* of that packet */
	uint16_t ack_hold[VSC_ACKS];	/* entry of holds + 1; 0: not held */
	uint32_t ack_first, ack_n;	/* modulo VSC_ACKS; and how many */
	bool ack_waits;
	struct vsc_holds *holds;	/* const after attach; may be NULL */
	bool delivered;			/* since the last flush */
	bool stop;			/* the user wants no more now */
	bool masked;			/* polled: signals are off */
	bool found;			/* this pass took packets */
	struct vec vec[VSC_RSC_MAX + 1]; /* [0] is for a rewritten head */
	struct vsc_rsc rsc;
	uint8_t head[VSC_RX_HEAD];	/* RNDIS header of one message */
	uint8_t frame_head[PKT_HEAD_MAX]; /* rewritten head of a frame */
	struct vsc_rx_counters count;
};

struct vsc_queue {
	struct vsc *vsc;
	struct chan *chan;		/* NULL: not offered */
	uint32_t index;
	uint32_t state;			/* enum vsc_chan_state; control */
	bool gone;			/* rescinded; control */
	bool ring_stuck;
	bool let_go;			/* the bus was told to close it */
	bool ring_given;		/* it came with the channel */
	struct chan_mem ring;
	uint32_t dirty;			/* sent and not committed; who sends */
	uint32_t starved;		/* waits for room that no event tells */
	bool idle_told;			/* owner: during detach, once */
	struct vsc_txq tx CACHE_ALIGNED;
	struct vsc_tx_freed freed CACHE_ALIGNED;
	struct vsc_rxq rx CACHE_ALIGNED;
};

struct vsc {
	/* const after vsc_attach() */
	struct vsc_config cfg;
	const struct vsc_ops *ops;
	void *ctx;
	/* control */
	enum vsc_state state;
	struct vsc_caps caps;
	struct vsc_ctl ctl;
	struct vsc_buf rxbuf, sendbuf;
	struct nvs_section rx_section;
	uint32_t want;
	uint32_t nvs_try;		/* index in nvs_versions */
	uint32_t nsub_asked, at_queue;
	bool rndis_up, talk, attached;
	uint32_t agg_pkts, agg_bytes, agg_shift; /* limits of the host */
	struct ndis_offload_caps hw;
	uint32_t hw_offloads;		/* VSC_OFF_* the host offers */
	uint32_t rsc_offered;		/* ever; all owners, by os_ld32() */
	uint32_t new_offloads;
	uint8_t new_mac[6];		/* wanted next */
	uint8_t asked_mac[6];		/* in the request under way */
	uint8_t mcast[VSC_MCAST_MAX][6];
	uint32_t mcasts;		/* above VSC_MCAST_MAX: too many */
	bool mcast_all;			/* the host does not have them */
	struct ndis_rss_caps rss_caps;
	uint32_t rss_entries, rss_hash_types;
	uint8_t rss_key[NDIS_RSS_KEY_BYTES];
	uint32_t rss_table[NDIS_RSS_ENTRIES_MAX];
	uint32_t leaked;
	uint64_t vf_messages;
	uint64_t kick_at;		/* starved queues; 0: not set */
	/* control writes, owners read: os_ld32() */
	uint32_t tx_offloads;		/* VSC_OFF_* */
	uint32_t rx_on;
	uint32_t rx_ready;		/* rx_section is there */
	uint32_t draining;		/* control waits for idle queues */
	uint32_t send_count;
	uint32_t send_table[NVS_SEND_TABLE_ENTRIES];
	/* any owner sets it once: 0, 1 claimed, 2 filled */
	uint32_t broken;
	int broken_err;
	enum fault broken_why;
	const char *broken_stage;
	bool broken_told, detached_told; /* control */
	struct vsc_queue *q[VSC_MAX_QUEUES];
	struct vsc_holds *holds[VSC_MAX_QUEUES]; /* until vsc_free() */
	struct vsc_mailbox mail;
};

/* --- vsc_ctl.c: the step machine; control ------------------------------- */

/* Begin a list of steps; the machine must be idle.  Ends in vsc_ctl_run(). */
void vsc_ctl_start(struct vsc *v, const struct vsc_list *list);
/* Move as far as possible, then deliver a failure if there is one.  The last
 * thing of every control entry; v may be gone afterwards. */
void vsc_ctl_run(struct vsc *v);
/* Wait for an event of this kind; returns VSC_STEP_WAIT. */
int vsc_ctl_wait(struct vsc *v, enum vsc_wait_kind kind, struct chan *c);
/* The event came: true if the machine was waiting for it. */
bool vsc_ctl_event(struct vsc *v, enum vsc_wait_kind kind, struct chan *c,
    int err);
/* Start a control request of a device that is up. */
int vsc_ctl_want(struct vsc *v, uint32_t bits);
/*
 * The device is broken: the first reason wins, ->failed() follows in control
 * context.  Any owner.  Returns err.
 */
int vsc_break(struct vsc *v, int err, enum fault why, const char *stage);
/* Count a fault of the peer on q's channel and break.  Owner. */
int vsc_fault(struct vsc_queue *q, enum fault why, uint64_t value,
    const char *stage);
/* A send or receive failed with E_PEER or E_GONE: break.  Owner. */
int vsc_chan_broken(struct vsc_queue *q, int err);
static inline bool
vsc_is_broken(const struct vsc *v)
{
	return os_ld32(&v->broken) != 0;
}

/* --- vsc_event.c --------------------------------------------------------- */

extern const struct chan_events vsc_chan_events;

/* --- vsc_queue.c: memory of queues; control ------------------------------ */

struct vsc_queue *vsc_queue_new(struct vsc *v, struct chan *c, uint32_t index,
    const struct chan_events *events);
/* Ready the transmit side; sections and slots are shared out now. */
int vsc_queue_tx_alloc(struct vsc_queue *q);
/* Release all; leaks (counted) what the host may still use. */
void vsc_queue_free(struct vsc_queue *q);
int vsc_mem_alloc(struct vsc *v, uint32_t bytes, struct chan_mem *out);
/* As vsc_mem_alloc(), unless the channel brings this memory along. */
int vsc_mem_take(struct vsc *v, struct chan *c, enum chan_given what,
    uint32_t bytes, struct chan_mem *out, bool *given);
void vsc_mem_free(struct vsc *v, struct chan_mem *m, bool leak);

/* --- vsc_attach.c, vsc_detach.c ------------------------------------------ */

extern const struct vsc_list vsc_attach_list, vsc_detach_list;
#define VSC_REQUESTS	7u
extern const struct vsc_request vsc_requests[VSC_REQUESTS];
/* True while the bus owes an answer to something that detach cut off. */
bool vsc_detach_bus_busy(const struct vsc *v);
/* True if no packet is under way on any queue; owners may be at work. */
bool vsc_detach_drained(const struct vsc *v);

/* --- vsc_subs.c: steps of attach ----------------------------------------- */

/* Open a queue's channel; a step's start. */
int vsc_queue_open(struct vsc_queue *q);
int vsc_subs_start(struct vsc *v);
int vsc_subs_done(struct vsc *v);
int vsc_offers_start(struct vsc *v);
int vsc_offers_done(struct vsc *v);
int vsc_queues_start(struct vsc *v);
int vsc_sub_open_start(struct vsc *v);
int vsc_sub_open_done(struct vsc *v);
/* The host offers a sub-channel of the primary. */
void vsc_sub_offered(struct vsc *v, struct chan *sub);

/* --- vsc_negotiate.c: steps of attach ------------------------------------ */

int vsc_init_start(struct vsc *v);
int vsc_init_done(struct vsc *v);
int vsc_config_start(struct vsc *v);
int vsc_version_start(struct vsc *v);
int vsc_rxbuf_start(struct vsc *v);
int vsc_rxbuf_tell(struct vsc *v);
int vsc_rxbuf_told(struct vsc *v);
int vsc_sendbuf_start(struct vsc *v);
int vsc_sendbuf_tell(struct vsc *v);
int vsc_sendbuf_told(struct vsc *v);
int vsc_rinit_start(struct vsc *v);
int vsc_rinit_done(struct vsc *v);
/* caps.agg_*, of the tunables and the host's limits. */
void vsc_agg_set(struct vsc *v);
int vsc_mac_start(struct vsc *v);
int vsc_mac_done(struct vsc *v);
int vsc_link_start(struct vsc *v);
int vsc_link_done(struct vsc *v);
int vsc_speed_start(struct vsc *v);
int vsc_speed_done(struct vsc *v);
int vsc_frame_start(struct vsc *v);
int vsc_frame_done(struct vsc *v);

/* --- vsc_xact.c: ids of control packets ---------------------------------- */

uint64_t vsc_xact_new(struct vsc *v);		/* 0: none is free */
bool vsc_xact_end(struct vsc *v, uint64_t xact);	/* false: none such */

/* --- vsc_nvs.c, vsc_rndis.c: what we send -------------------------------- */

/* Send a control message on the primary; with a reply, begin its exchange. */
int vsc_nvs_send(struct vsc *v, const struct nvs_msg *m, bool reply);
/* The reply of an NVSP request must be of this type. */
int vsc_nvs_reply_check(struct vsc *v, enum nvs_msg_type type);
/* Send a control message and begin its exchange (HALT: only completion). */
int vsc_rndis_send(struct vsc *v, struct rndis_msg *m);
int vsc_rndis_query(struct vsc *v, uint32_t oid, struct span info);
int vsc_rndis_set(struct vsc *v, uint32_t oid, struct span info);
/* Send len bytes at off of the control page.  0 with *xact, or E_*. */
int vsc_rndis_page_send(struct vsc *v, uint32_t off, uint32_t len,
    uint64_t *xact);

/* --- vsc_ctlin.c: what the host sends ------------------------------------ */

/* Handle all messages in the mailbox. */
void vsc_ctl_mail(struct vsc *v);

/* --- vsc_mail.c: from the owner of the primary to control ---------------- */

/*
 * Owner.  Copy a control packet, or a control message in shared memory, once.
 * 0, or E_PEER: on a sub-channel, or the mailbox is full.
 */
int vsc_mail_nvs(struct vsc_queue *q, enum vsc_mail_kind kind,
    const struct vmpkt_in *p);
int vsc_mail_rndis(struct vsc_queue *q, const uint8_t *shared,
    uint32_t bytes);
/* Control.  The oldest message, valid until it is dropped; or NULL. */
const struct vsc_mail *vsc_mail_first(const struct vsc *v);
void vsc_mail_drop(struct vsc *v);

/* --- vsc_off.c, vsc_rss.c: steps of attach and requests ------------------ */

int vsc_hwcaps_start(struct vsc *v);
int vsc_hwcaps_done(struct vsc *v);
int vsc_hwcaps_again_done(struct vsc *v);
int vsc_off_start(struct vsc *v);
int vsc_off_done(struct vsc *v);
int vsc_rss_caps_start(struct vsc *v);
int vsc_rss_caps_done(struct vsc *v);
int vsc_rss_start(struct vsc *v);
int vsc_rss_done(struct vsc *v);
extern const struct vsc_list vsc_rss_list;
/* Keep the host's send table and tell the port. */
void vsc_send_table_set(struct vsc *v, const struct nvs_send_table *t);

/* --- vsc_txq.c: packets in flight; owner --------------------------------- */

bool vsc_stack_init(struct vsc *v, struct vsc_stack *s, uint32_t n);
uint32_t vsc_stack_pop(struct vsc_stack *s);	/* VSC_NONE: empty */
uint32_t vsc_stack_top(const struct vsc_stack *s);	/* pop's next */
void vsc_stack_push(struct vsc_stack *s, uint32_t id);
/* Put a packet behind those that wait, and as many as fit in the ring. */
void vsc_tx_post(struct vsc_queue *q, const struct vsc_tx_packet *p);
/* Post the packet of frames by reference, if there are any. */
void vsc_tx_ref_close(struct vsc_queue *q);
/* Every frame sent by reference that is outstanding ends with err. */
void vsc_tx_refs_end(struct vsc_queue *q, int err);
/* Send what waits; true if nothing waits any more. */
bool vsc_tx_push(struct vsc_queue *q);
/* Close the open section and post it, if it holds messages. */
void vsc_tx_section_close(struct vsc_queue *q);
/* With a lock: free what was completed; true if there was any. */
bool vsc_tx_reclaim(struct vsc_queue *q);
/* A completion of frames.  Owner, without the lock. */
int vsc_tx_completion(struct vsc_queue *q, const struct vmpkt_in *p);
/* Any context: some recent state. */
uint32_t vsc_tx_outstanding(const struct vsc_queue *q);
/* Enough is under way; a completion will tell. */
static inline bool
vsc_tx_limited(const struct vsc_txq *t)
{
	return t->inflight_max != 0 && t->inflight >= t->inflight_max;
}

/*
 * The transmit lock, if there is one.  Unlock leaves word of what waits for the
 * owner's pass.
 */
static inline void
vsc_tx_lock(struct vsc_queue *q)
{
	if (q->tx.shared)
		q->vsc->ops->tx_lock(q->vsc->ctx, q->index);
}
static inline void
vsc_tx_unlock(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;
	uint32_t waits = t->want_wake || t->npending != 0 || t->cutting;

	if (t->waits != waits)
		os_st32(&t->waits, waits);
	q->vsc->ops->tx_unlock(q->vsc->ctx, q->index);
}
/* After E_AGAIN, with the lock: completions came meanwhile, try again. */
bool vsc_tx_again(struct vsc_queue *q);
/* The same for acknowledgements and control, where a channel has one writer. */
static inline bool
vsc_send_lock(struct vsc_queue *q)
{
	bool lock = q->tx.shared &&
	    (q->chan->ops->caps & CHAN_CAP_WRITERS) == 0;

	if (lock)
		vsc_tx_lock(q);
	return lock;
}
static inline void
vsc_send_unlock(struct vsc_queue *q, bool locked)
{
	if (locked)
		vsc_tx_unlock(q);
}
/* chan_want_space() by control. */
static inline bool
vsc_want_space(struct vsc_queue *q, uint32_t bytes)
{
	bool locked = vsc_send_lock(q);
	bool room = chan_want_space(q->chan, bytes);

	vsc_send_unlock(q, locked);
	return room;
}

/* Frames may be sent. */
static inline bool
vsc_tx_may(const struct vsc_queue *q)
{
	return q->tx.up && !vsc_is_broken(q->vsc) &&
	    os_ld32(&q->vsc->rx_on) != 0;
}

/* --- vsc_tx.c; owner (room and placing: vsc_txroom.h) -------------------- */

/* After completions or room: continue what waits, wake the user.  Owner. */
void vsc_tx_resume(struct vsc_queue *q);
/* vsc_tx_flush() by who holds the lock. */
void vsc_tx_push_all(struct vsc_queue *q);
/* Publish what was sent, with a signal if needed. */
void vsc_commit(struct vsc_queue *q);

/* --- vsc_txoff.c; owner -------------------------------------------------- */

/*
 * What the frame requests, as PPIs, or in software if the host does not do it.
 * v[0] has the headers.  0; VSC_TX_CUT: must be cut first; E_STATE: drop;
 * E_NOTSUP: a checksum over bytes that are not in v.
 */
#define VSC_TX_CUT	1
int vsc_tx_offload(struct vsc_queue *q, const struct vec *v, uint32_t n,
    uint32_t len, struct pkt_meta *m, struct rndis_ppi_set *ppi);

/* --- vsc_txcut.c; owner -------------------------------------------------- */

/* Move the whole frame to the slot and cut it there; E_STATE: cannot. */
int vsc_tx_cut(struct vsc_queue *q, const struct vsc_tx_room *room,
    uint32_t len, const struct pkt_meta *m);
/* Send segments while there is room; true when done. */
bool vsc_tx_cut_run(struct vsc_queue *q);

/* --- vsc_rx.c, vsc_rsc.c; owner ------------------------------------------ */

bool vsc_queue_ready(struct chan *c, uint32_t budget);
int vsc_rx_xfer(struct vsc_queue *q, const struct vmpkt_in *p);
/* A frame in rx.vec[1..n], of len bytes, with its PPIs; rsc: n fragments. */
void vsc_rx_deliver(struct vsc_queue *q, uint32_t n, uint32_t len,
    const struct rndis_ppi_set *ppi, bool rsc);
/* Add a fragment.  1: the frame in rx.vec is complete; 0: more; E_PEER. */
int vsc_rsc_add(struct vsc_queue *q, const struct rndis_packet *pkt,
    uint8_t *data, enum fault *why);
/* ---- vsc_hold.c --------------------------------------------------------- */

/* Control.  A queue's table, if the user may hold anything; all tables. */
int vsc_holds_alloc(struct vsc_queue *q);
void vsc_holds_free(struct vsc *v);
/* Control.  The user holds something of any queue. */
bool vsc_holds_out(const struct vsc *v);
/* The turn of entry `at` in the ring of acknowledgements: true: not yet. */
bool vsc_hold_keep(struct vsc_rxq *r, uint32_t at);
/* Something that was held is to be acknowledged. */
bool vsc_hold_returned(const struct vsc_rxq *r);
/* Its first, and: that is done. */
bool vsc_hold_first(struct vsc_rxq *r, uint64_t *xact);
void vsc_hold_drop(struct vsc_rxq *r);

/* ---- vsc_ack.c ---------------------------------------------------------- */

/* Remember an acknowledgement; the caller has seen vsc_ack_room(). */
void vsc_ack_put(struct vsc_queue *q, uint64_t xact);
/* Send what waits, as far as the ring has room. */
void vsc_ack_send(struct vsc_queue *q);
/* The same only of packets that the user held. */
void vsc_ack_send_held(struct vsc_queue *q);
/* Where the present packet's acknowledgement goes. */
static inline uint32_t
vsc_ack_next(const struct vsc_rxq *r)
{
	return r->ack_first + r->ack_n;
}
/* The ring had no room, and want_space() was called: something comes. */
void vsc_space_wait(struct vsc_queue *q);
/* An event comes when there is room in the ring. */
static inline bool
vsc_space_told(const struct vsc_queue *q)
{
	return (q->chan->ops->caps & CHAN_CAP_SPACE) != 0;
}
/* No packet of this queue is under way.  Any context: some recent state. */
static inline bool
vsc_queue_idle(const struct vsc_queue *q)
{
	return vsc_tx_outstanding(q) == 0 && os_ld32(&q->rx.ack_n) == 0;
}
static inline bool
vsc_ack_room(const struct vsc_queue *q)
{
	return q->rx.ack_n < VSC_ACKS;
}

#endif
