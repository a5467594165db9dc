/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seeing what passes a channel: the one place where captures and transcripts
 * get ring packets from, and the name that a channel has in all of them.
 *
 * Theory of operation.  A watched channel has another table of operations:
 * ours, which hands each packet on and calls the channel's own function.  So a
 * channel that is not watched does nothing more than before, not even look
 * whether it is watched.
 *
 * Context: see_watch_start() and _stop() in the control context, with the
 * owner of the channel parked; what they install runs as the owner.
 */
#ifndef LINUX_SEE_SEE_H
#define LINUX_SEE_SEE_H

#include "bus/chan.h"
#include "linux/see/see_wire.h"

struct capture;
struct see_hist;
struct transcript;

/* Whose message or packet it is. */
struct see_name {
	char nic[SEE_NIC_BYTES];	/* NIC or interface; may be "" */
	uint32_t end;			/* SEE_END_* */
	uint32_t guest;			/* number at the host; 0: not known */
	uint32_t relid;			/* 0: of no channel */
	uint32_t queue;
	uint32_t vp;
};

/* Set a name; text is cut to what fits. */
void see_name_set(struct see_name *n, uint32_t end, const char *nic,
    uint32_t guest);

/* The buffers that packets of a channel refer to.  NULL, 0: there is none. */
struct see_memory {
	uint8_t *recv;
	uint32_t recv_bytes;
	uint8_t *send;
	uint32_t send_sections, section_bytes;
};

#define SEE_SHORTS	4u	/* kinds of shortages: see see_decide.h */
#define SEE_SECTION_MAX	65536u	/* Policy: kept of a send section */
#define SEE_DROPS	24u	/* counters of dropped frames */

/* Of whoever looks: what may be seen of a watched channel. */
struct see_watch_ops {
	/* What the buffers are now.  Owner. */
	void (*memory)(void *ctx, struct see_memory *out);
	/* Where guest memory [gpa, gpa + len) lies, or NULL.  Owner. */
	uint8_t *(*gpa)(void *ctx, uint64_t gpa, uint32_t len);
	/*
	 * Counters of dropped frames of a queue, and what each counts: how
	 * many there are.  Owner; NULL: none is known.
	 */
	uint32_t (*drops)(void *ctx, uint32_t queue,
	    uint64_t count[SEE_DROPS], const char *text[SEE_DROPS]);
};

struct see_watch {
	struct chan_ops ops;		/* first: what chan.ops points to */
	const struct chan_ops *inner;	/* NULL: no channel is watched */
	struct chan *chan;
	const struct see_watch_ops *need;
	void *ctx;
	struct see_name name;
	struct capture *capture;	/* or NULL */
	struct transcript *transcript;	/* or NULL */
	uint32_t oid;			/* of the last RNDIS query */
	uint64_t faults;		/* noted so far */
	uint64_t drops[SEE_DROPS];
	/* see_decide.h */
	uint32_t trace;			/* number of the channel; 0: none */
	struct see_hist *hist;		/* or NULL */
	uint32_t in, out;		/* packets since the last commit */
	bool room_wait;
	bool is_short;
	uint64_t shorts[SEE_SHORTS];	/* as seen last */
	uint64_t signal_ns;		/* when the last one was sent */
	uint64_t wake_ns;		/* see first_packet_add() */
};

/*
 * Watch a channel until see_watch_stop(), for a capture, a transcript or both.
 * *name is copied; w, need, ctx and who watches are borrowed.
 */
struct see_watchers {
	struct capture *capture;
	struct transcript *transcript;
	struct see_hist *hist;	/* of this channel, or NULL */
	bool trace;		/* while a trace is on */
};
void see_watch_start(struct see_watch *w, struct chan *c,
    const struct see_name *name, const struct see_watch_ops *need, void *ctx,
    const struct see_watchers *who);
/* The peer signalled the channel.  Owner; a channel not watched: nothing. */
void see_watch_signalled(struct see_watch *w);
/* A sentence to capture and transcript of whoever watches. */
void see_watch_note(const struct see_watch *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The channel gets its own operations back.  Not watched: nothing happens. */
void see_watch_stop(struct see_watch *w);

/* --- see_thread.c --- */

/* The number of the calling thread in this process, from 1. */
uint32_t see_thread(void);

/* --- see_gather.c --- */

#define SEE_PIECES	520u	/* of a packet: 480 pages and a section */

/*
 * Where the bytes are that a packet refers to: pieces of v, in order.  What
 * the peer made up (no such section, no such page) is left out.  Returns the
 * number of pieces.  Owner of the channel.
 */
uint32_t see_gather(const struct see_watch *w, const struct vmpkt_in *pkt,
    struct vec v[SEE_PIECES]);

#endif
