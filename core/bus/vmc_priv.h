/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus client: what its files share.  Inside core/bus/vmc*.c and tests only.
 *
 * Context of every function: control, unless it says otherwise.
 */
#ifndef CORE_BUS_VMC_PRIV_H
#define CORE_BUS_VMC_PRIV_H

#include "bus/ring_chan.h"
#include "bus/vmc.h"
#include "wire/synic_wire.h"
#include "wire/vmbus_gpadl.h"
#include "wire/vmbus_msg.h"

#define VMC_MSG_VP	0u	/* takes the messages, and all before 2.4 */
#define VMC_MAX_GPADLS	512u	/* Policy; index bits of an id below */
#define VMC_GPADL_BITS	10u

/* Policy: how long an answer may take.  FreeBSD waits for ever. */
#define VMC_ANSWER_NS		10000000000ull
/* Policy: back-off of HvPostMessage, doubling (FreeBSD vmbus.c). */
#define VMC_BACKOFF_MIN_NS	1000000ull
#define VMC_BACKOFF_MAX_NS	2000000000ull
/* Policy: messages handled in one dispatch, so that a flood cannot stall. */
#define VMC_MSG_BUDGET		32u

/*
 * A time-out.  Control calls do not know the time: they leave DUE_ARM, and the
 * next vmc_timer() starts the clock.
 */
#define DUE_NEVER	0ull
#define DUE_ARM		1ull

/*
 * An entry of the outgoing queue.  It lives in what it is about, so that
 * queuing cannot fail, and its bytes are made when it is posted.
 */
struct vmc_out {
	struct vmc_out *next;
	const struct vmc_out_kind *kind;
	bool queued;
};

/* What an entry is, given by who queues it.  NULL: nothing to do. */
struct vmc_out_kind {
	enum vmbus_msg_type type;
	/* Fill the body; m is zero except its type. */
	void (*build)(const struct vmc *, const struct vmc_out *,
	    struct vmbus_msg *m);
	/* Instead of build: the bytes themselves; their length. */
	uint32_t (*build_raw)(const struct vmc_out *, uint8_t *buf);
	/* Posted (err 0), or refused for good: true if it has more to say. */
	bool (*more)(struct vmc *, struct vmc_out *, int err);
	/* It left the queue so. */
	void (*done)(struct vmc *, struct vmc_out *, int err);
	/* The connection ended while it waited. */
	void (*dropped)(struct vmc_out *);
};

/* Operations allowed: FREE none; CREATING answer, time-out; LIVE teardown;
 * TEARDOWN answer, time-out; LEAKED a late answer. */
enum vmc_gpadl_state {
	GPADL_FREE, GPADL_CREATING, GPADL_LIVE, GPADL_TEARDOWN, GPADL_LEAKED
};

struct vmc_chan;

/* Whose a GPADL is.  Each is the last that happens: it may call back. */
struct vmc_gpadl_user {
	void (*created)(struct vmc_chan *, uint32_t id, int err);
	void (*torndown)(struct vmc_chan *, uint32_t id, int err);
};

struct vmc_gpadl {
	enum vmc_gpadl_state state;
	uint32_t id;			/* generation << bits | index */
	uint32_t gen;
	struct vmc_chan *chan;		/* NULL once leaked and chan gone */
	const struct vmc_gpadl_user *user;
	uint32_t relid;
	struct vmbus_gpadl_src src;
	uint32_t sent, messages;	/* of header and bodies */
	uint64_t due;
	struct vmc_out out_create, out_teardown;
};

/*
 *	CLOSED	  open
 *	GPADL	  ring GPADL being created; close is remembered
 *	OPENING	  OPEN_CHANNEL sent; close is remembered
 *	BACKOUT	  open failed, ring GPADL being torn down, opened(err) follows
 *	OPEN	  data, move, close
 *	CLOSING	  CLOSE_CHANNEL sent, ring GPADL being torn down
 *	ZOMBIE	  gone; waits for RELID_RELEASED to leave the queue
 */
enum vmc_chan_state {
	CHAN_CLOSED, CHAN_GPADL, CHAN_OPENING, CHAN_BACKOUT, CHAN_OPEN,
	CHAN_CLOSING, CHAN_ZOMBIE
};

struct vmc_chan {
	struct ring_chan rc;		/* rc.chan is what the user has */

	/* const after the offer */
	struct vmc *vmc;
	uint32_t index;			/* in vmc->chan[] */
	uint32_t conn_id;
	uint8_t monitor_id;
	bool monitor_allocated;
	bool dedicated;

	/* owner: control; monitor is changed with the owner parked */
	bool monitor;			/* and used to signal */
	enum vmc_chan_state state;
	bool rescinded;
	bool lost;			/* connection ended: no messages */
	int lost_err;			/* 0: the host holds nothing of ours */
	bool close_wanted;
	bool offered;			/* offer() or subchannel() was called */
	bool moving;			/* MODIFY_CHANNEL_RESPONSE to come */
	int err;			/* of the open that is backed out */
	struct vmc_chan *primary;	/* of a sub-channel; may be NULL */
	struct vmc_gpadl *ring_gpadl;
	struct chan_mem ring;
	uint32_t to_host_bytes;
	uint32_t open_id;
	uint32_t vp;
	uint32_t gpadls;		/* not FREE or LEAKED */
	uint64_t due, move_due;
	uint8_t user_data[VMBUS_USER_BYTES];
	struct vmc_out out_open, out_close, out_modify, out_release;

	/* owner: queue */
	uint8_t pad[OS_CACHELINE];
	struct vmc_signal_counters signals;
};

struct vmc_vp {
	/* any VP */
	uint32_t forward[SYNIC_FLAG_WORDS];	/* flags from elsewhere */
	uint32_t forwarded;			/* some word above is not 0 */
	/* control writes, the VP reads */
	uint32_t words;			/* event-flag words worth a look */
	/* owner: the VP */
	uint8_t pad[OS_CACHELINE];
	uint32_t ready[SYNIC_FLAG_WORDS];
	struct vmc_vp_counters counters;
};

/*
 *	IDLE	   start
 *	CONTACT	   INITIATE_CONTACT sent
 *	OFFERS	   REQUEST_OFFERS sent; offers, channels work already
 *	CONNECTED  everything
 *	UNLOADING  UNLOAD sent
 */
enum vmc_state {
	VMC_IDLE, VMC_CONTACT, VMC_OFFERS, VMC_CONNECTED, VMC_UNLOADING
};

struct vmc {
	/* const after create */
	struct vmc_config cfg;
	const struct vmc_ops *ops;
	void *ctx;
	struct chan_mem pages;		/* monitor in, out; interrupt page */

	/* owner: control */
	enum vmc_state state;
	uint32_t try;			/* index in vmbus_versions[] */
	uint32_t version;
	uint32_t msg_conn;
	uint64_t due;
	bool unload_sent;
	struct vmc_out out_contact, out_request, out_unload;
	struct vmc_out *head, **tail;
	bool posting;
	uint64_t retry_due, backoff_ns;
	bool armed;			/* some due is DUE_ARM */
	bool sweep;			/* vmc_chan_sweep() has work */
	uint64_t next_due;		/* no due is earlier */
	/* offered but not taken (no memory, no slot), a bit a relid; then
	 * rescinded too, so to be released */
	uint32_t untaken[SYNIC_FLAG_WORDS];
	uint32_t untaken_gone[SYNIC_FLAG_WORDS];
	struct vmc_out out_untaken;
	uint32_t channels;
	uint32_t next_open_id;
	struct vmc_chan *chan[VMC_MAX_CHANNELS];
	uint32_t gpadls;		/* not FREE */
	struct vmc_gpadl gpadl[VMC_MAX_GPADLS];
	struct vmc_counters counters;
	struct fault_log faults;

	/* control writes, any VP reads */
	uint32_t intpage_used;		/* below 2.4 */
	uint32_t route[SYNIC_FLAGS];	/* relid: vp << 16 | index + 1, or 0 */
	struct vmc_vp *vp;
};

/* Start the clock of a time-out at the next vmc_timer(). */
static inline void
vmc_due_arm(struct vmc *vmc, uint64_t *due)
{
	*due = DUE_ARM;
	vmc->armed = true;
}

/* A fault of the host: count, remember. */
static inline void
vmc_fault(struct vmc *vmc, enum fault why, uint64_t value)
{
	(void)fault_note(&vmc->faults, why, value);
}

/* A message for another state: late if we unload, else a fault. */
static inline void
vmc_stray(struct vmc *vmc, enum vmbus_msg_type type)
{
	if (vmc->state == VMC_UNLOADING)
		counter_add(&vmc->counters.late, 1);
	else
		vmc_fault(vmc, FAULT_VMBUS_STATE, type);
}

/* --- vmc.c --- */

void vmc_version_response(struct vmc *, const struct vmbus_version *);
void vmc_all_offers(struct vmc *);
void vmc_unload_done(struct vmc *, int err);
/* --- vmc_post.c: outgoing messages --- */

/* Queue, and post what can be posted; nothing follows an UNLOAD. */
void vmc_out_add(struct vmc *, struct vmc_out *, const struct vmc_out_kind *);
void vmc_out_run(struct vmc *);
/* Take one back, if it waits. */
void vmc_out_cancel(struct vmc *, struct vmc_out *);
/* Forget everything that waits. */
void vmc_out_clear(struct vmc *);

/* --- vmc_offer.c: channels come and go --- */

void vmc_offer(struct vmc *, const struct vmbus_offer *);
void vmc_rescind(struct vmc *, uint32_t relid);
/* Hand over waiting sub-channels, release channels that are finished. */
void vmc_chan_sweep(struct vmc *);
/* The connection ended; err 0 if the host holds no memory of ours any more. */
void vmc_chan_lose_all(struct vmc *, int err);
/* After RELID_RELEASED left the queue. */
void vmc_chan_free(struct vmc_chan *);
static inline struct vmc_chan *
vmc_chan_of(const struct chan *c)
{
	return CONTAINER_OF(c, struct vmc_chan, rc.chan);
}

/* --- vmc_chan.c: open and close --- */

extern const struct chan_ops vmc_chan_ops;
/* By relid, those released excepted; NULL if there is none. */
struct vmc_chan *vmc_chan_find(struct vmc *, uint32_t relid);
void vmc_open_result(struct vmc *, const struct vmbus_open_result *);
void vmc_modify_result(struct vmc *, const struct vmbus_modify_result *);
/* The offer is taken back, or the connection ended: finish what goes on. */
void vmc_chan_abort(struct vmc_chan *);
void vmc_chan_timeout(struct vmc_chan *);

/* --- vmc_gpadl.c --- */

/*
 * A GPADL for mem, not yet announced; E_GONE, E_STATE (geometry, no
 * connection) or E_NOMEM.  Then announce it.
 */
int vmc_gpadl_alloc(struct vmc_chan *, const struct chan_mem *,
    const struct vmc_gpadl_user *, struct vmc_gpadl **out);
void vmc_gpadl_send(struct vmc_gpadl *);
/* Tear a live one down; its end may be told before this returns. */
void vmc_gpadl_end(struct vmc_gpadl *);
int vmc_gpadl_create(struct chan *, const struct chan_mem *, uint32_t *id);
int vmc_gpadl_teardown(struct chan *, uint32_t id);
void vmc_gpadl_created(struct vmc *, const struct vmbus_gpadl_result *);
void vmc_gpadl_torndown(struct vmc *, uint32_t id);
void vmc_gpadl_timeout(struct vmc_gpadl *);
/* As vmc_chan_abort(), for the GPADLs of a channel that was lost. */
void vmc_gpadl_abort(struct vmc_chan *);
/* The connection ended: ids that were leaked mean nothing any more. */
void vmc_gpadl_forget(struct vmc *);

/* --- vmc_flags.c: event flags, routes, signals --- */

/* Let a VP dispatch the channel, and look at it once. */
void vmc_route_add(struct vmc_chan *);
/* On return no VP is in the channel's handler or will enter it. */
void vmc_route_remove(struct vmc_chan *);
/* Call the channel's handler on its VP soon.  Any VP. */
void vmc_vp_poke(struct vmc *, uint32_t vp, uint32_t relid);
/* Nothing of an old connection may be taken for news of the next. */
void vmc_flags_reset(struct vmc *);
/*
 * Take the flags that came and let each channel have its turn; *work: there
 * was one.  True if a channel left work.  Its VP.
 */
bool vmc_flags_run(struct vmc *, uint32_t vp, uint32_t budget, bool *work);
/* Tell the host that the channel's ring changed.  Queue owner. */
void vmc_chan_signal(struct ring_chan *);
/* What the configuration says: of every channel, and of this one. */
enum ring_chan_policy vmc_signal_policy(const struct vmc *);
bool vmc_signal_monitor(const struct vmc_chan *);

#endif
