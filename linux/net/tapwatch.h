/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TAP that others take away under us, and what is done then.
 *
 * One that was deleted is made again, with the same name and descriptors, a
 * second later and then each second until the name is free; its owner sets what
 * is to be set.  One that was moved to another network namespace goes on: its
 * frames come as before, but it can no longer be queried and set by its index.
 *
 * Context: the thread of the event base.
 */
#ifndef LINUX_NET_TAPWATCH_H
#define LINUX_NET_TAPWATCH_H

#include "linux/net/ifwatch.h"
#include "linux/net/tap.h"

enum tapwatch_state {
	TAPWATCH_THERE,
	TAPWATCH_MOVED,
	TAPWATCH_DELETED,
};

struct tapwatch_ops {
	/*
	 * What the kernel wants of the interface changed; tapwatch_now() has
	 * it.  NULL: nobody asks.
	 */
	void (*wanted)(void *ctx);
	/*
	 * The state is another one.  After TAPWATCH_DELETED it is a new
	 * interface, down and with nothing set.
	 */
	void (*state)(void *ctx, enum tapwatch_state before);
	/* A sentence about it, for the user: once for each change. */
	void (*say)(void *ctx, const char *text);
};

struct tapwatch;

/*
 * Watch a TAP, which is borrowed: while it is deleted, nobody else uses its
 * `index`.  NULL with a sentence in err.
 */
struct tapwatch *tapwatch_create(struct event_base *, struct tap *,
    const struct tapwatch_ops *, void *ctx, char *err, size_t err_cap);
/* NULL is allowed. */
void tapwatch_destroy(struct tapwatch *);
enum tapwatch_state tapwatch_state(const struct tapwatch *);
/* "there", "moved" or "deleted". */
const char *tapwatch_state_name(enum tapwatch_state);
/* As ifwatch_now(). */
void tapwatch_now(struct tapwatch *, struct ifwatch_state *);

#endif
