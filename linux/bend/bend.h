/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host that bends: a script changes what passes between a straight NetVSP
 * and its guest, a line for each bend (docs/conform.md, hvnet-bend(5)).
 *
 * Theory of operation.  NetVSP and VMBus server know nothing of this.  A bent
 * channel has another table of operations, which changes, holds back, drops or
 * doubles packets and calls the channel's own; a VMBus message is shown to
 * bend_message() on its way.  Where no script runs there is neither.
 *
 * What is held back waits in the bend until its time, or until a message
 * passes; then the owner's control thread calls bend_release().
 *
 * Context: bend_message() and what bend_chan_start() installs may run in any
 * thread, the latter as the owner of the channel.  All else: control, with the
 * owners of all bent channels parked where a function says so.
 */
#ifndef LINUX_BEND_BEND_H
#define LINUX_BEND_BEND_H

#include <jansson.h>

#include "bus/chan.h"
#include "linux/see/see.h"

struct bend;
struct ring_chan;

struct bend_ops {
	/* Have bend_release() called soon.  Any thread. */
	void (*ask)(void *ctx);
	/* A held VMBus message of this guest goes on its way.  Control. */
	void (*post)(void *ctx, uint32_t guest, uint32_t vp, struct span msg);
	/* Take the NIC from its guest, and offer it again.  Control. */
	void (*rescind)(void *ctx);
	/* Nanoseconds of the clock that waits go by.  NULL: clock_now_ns(). */
	uint64_t (*now)(void *ctx);
};

/*
 * Read a script.  NULL with a sentence in err that names the line.  Borrows
 * ops and ctx.
 */
struct bend *bend_load(const char *path, const struct bend_ops *ops,
    void *ctx, char *err, size_t cap);
/* What is still held is lost.  NULL: nothing happens. */
void bend_free(struct bend *);

/* A channel that is bent.  Zeroed before the first start. */
struct bend_chan {
	struct chan_ops ops;		/* first: what chan.ops points to */
	const struct chan_ops *inner;	/* NULL: not bent */
	struct chan *chan;
	struct bend *bend;
	struct see_watch see;		/* for see_gather(); watches nothing */
	struct ring_chan *ring;		/* NULL: not on rings of ours */
	uint32_t oid;			/* of the guest's last query */
	bool lie;			/* the next commit lies */
	int64_t lie_index;
};

/*
 * Bend a channel until bend_chan_stop().  need and ctx tell what packets refer
 * to, as for see_watch_start().  ring: the channel, where it is on rings of
 * ours; without it lies about indexes and descriptors are left out.  Owner
 * parked.
 */
void bend_chan_start(struct bend_chan *, struct chan *, struct ring_chan *ring,
    struct bend *, const struct see_watch_ops *need, void *ctx);
/*
 * The channel is straight again; what was held of it is sent first.  Not bent:
 * nothing happens.  Owner parked.
 */
void bend_chan_stop(struct bend_chan *);

/* What shall happen to a VMBus message; msg may have been changed. */
enum bend_verdict { BEND_PASS, BEND_TAKE, BEND_TWICE };

/*
 * A VMBus message of a guest, on the way to a processor where it is to the
 * guest.  *len may become less.  BEND_TAKE: it is dropped, or held.
 */
enum bend_verdict bend_message(struct bend *, bool to_guest, uint32_t guest,
    uint32_t vp, uint8_t *msg, uint32_t *len);

/*
 * Send what is due, and rescind if that was the script's wish.  Owners parked.
 * Returns nanoseconds until it wants to be called again, 0: when it asks.
 */
uint64_t bend_release(struct bend *);

/* [{"line": 3, "text": "...", "seen": 4, "done": 1}, ...]; any time. */
json_t *bend_stat(struct bend *);

/* --- bend_kind.c, bend_fields.c: for manual page and --describe --- */

/* Message i of all that a script may name; NULL: no more. */
const char *bend_name(uint32_t i, const char **layer);
/* "field field ..." that `set` knows of it; may be "". */
void bend_fields_text(uint32_t i, char *out, size_t cap);

#endif
