/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel that a kernel owns: chan.h as FreeBSD's vmbus(4) is, over a real
 * channel of ours, so with a real host opposite.
 *
 * Control operations sleep and have ended when they return; never from a
 * channel's task.  Each packet is published and signalled as it is sent, by
 * any thread.  Masking is the bus's, room is not reported, sub-channels are
 * counted.  A task is called until its ring is empty.  Whoever gets a
 * sub-channel must close it.  A rescind is not reported: revoked() says that
 * the port is to detach.
 *
 * Context: control, except data operations and the task.
 */
#ifndef SIM_SIM_KERNEL_H
#define SIM_SIM_KERNEL_H

#include "bus/ring_chan.h"

#define SIM_KERNEL_CHANS	64u

struct sim_kernel;

/* What the system around it does. */
struct sim_kernel_ops {
	/* Sleep until *done; meanwhile everything but control goes on. */
	void (*sleep)(void *ctx, const uint32_t *done);
	/* *done was set; any thread.  May be NULL. */
	void (*wakeup)(void *ctx);
	/* Around each access to a ring that we write.  NULL: one thread. */
	void (*lock)(void *ctx);
	void (*unlock)(void *ctx);
	/* Around control calls of the bus below.  NULL: one thread. */
	void (*enter)(void *ctx);
	void (*leave)(void *ctx);
	/*
	 * Wait until no task of the channel runs that began before; inside
	 * enter().  NULL: one thread.
	 */
	void (*drain)(void *ctx, uint32_t subindex);
	/* All that were expected are there: call sim_kernel_subs() soon. */
	void (*subs_here)(void *ctx);
	/* The offer was taken back: detach. */
	void (*revoked)(void *ctx);
};

struct sim_kernel_chan {
	struct chan chan;		/* what the driver has */
	struct sim_kernel *kernel;
	struct chan *bus;		/* ours below; NULL: it is gone */
	bool open;			/* control */
	bool given, closed;		/* control; to and by the driver */
	uint32_t run;			/* the task may be called */
	bool in_task, dead;		/* task */
	uint32_t noted;			/* the fault of the bus below */
	uint32_t done;			/* the operation under way ended */
	uint32_t id;
	int err;
};

struct sim_kernel {
	const struct sim_kernel_ops *ops;
	void *ctx;
	bool sleeping;			/* control is, in an operation */
	bool revoked;
	uint32_t expected, subs;	/* sub-channels; lock() */
	uint32_t wrong;			/* uses that would hang a kernel */
	struct sim_kernel_chan chan[SIM_KERNEL_CHANS];	/* by subindex */
};

void sim_kernel_init(struct sim_kernel *, const struct sim_kernel_ops *,
    void *ctx);
/* Take an offered primary; returns what the driver gets. */
struct chan *sim_kernel_take(struct sim_kernel *, struct chan *bus);
/* Give the driver the sub-channels that it expects. */
void sim_kernel_subs(struct sim_kernel *);
/* Run a channel's task, if it may; true: again. */
bool sim_kernel_run(struct sim_kernel *, uint32_t subindex, uint32_t budget);
/* A channel of the bus below vanishes. */
void sim_kernel_gone(struct sim_kernel *, const struct chan *bus);
/* The driver is gone: counts what it should have closed. */
void sim_kernel_end(struct sim_kernel *);

#endif
