/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual processors of a guest that is a process: one pinned thread each, the
 * owner of the channels and interface queues bound to it.
 *
 * A thread sleeps in epoll_wait() on its interrupt, its interface queues and a
 * wake-up descriptor; VP 0 also runs the guest's control work (see guest.c).
 * Parking is how control code gets a moment in which a VP touches nothing.
 */
#ifndef LINUX_GUEST_VP_H
#define LINUX_GUEST_VP_H

#include <pthread.h>

#include "base/counter.h"
#include "linux/run/crowd.h"

struct guest;

#define VP_COUNTERS(X)							\
	X(wakeups,	"times the thread woke from sleep")		\
	X(polls,	"times the thread looked for work without sleeping") \
	X(interrupts,	"interrupts taken")				\
	X(spins,	"rounds in which only empty rings were looked at") \
	X(crowded,	"times that was given up for lack of a processor") \
	X(parks,	"times the thread was parked for control")
COUNTER_STRUCT(vp_counters, VP_COUNTERS);

/* What a descriptor in a VP's epoll set means. */
enum vp_source {
	VP_SOURCE_WAKE,		/* posted work or a park request */
	VP_SOURCE_INTERRUPT,
	VP_SOURCE_SOCKET,	/* VP 0: a message from the host */
	VP_SOURCE_TAP,		/* + queue number */
};

struct vp {
	struct guest *guest;
	uint32_t index;
	pthread_t thread;
	int epoll_fd;
	int wake_fd;

	pthread_mutex_t lock;
	pthread_cond_t cond;
	uint32_t park_wanted;	/* parks in force; lock */
	bool parked;		/* lock */
	bool ended;		/* lock */
	bool started;
	uint64_t queues;	/* of the interface, a bit each; VP parked */
	uint32_t kicked;	/* any thread sets it: dispatch, please */

	/* owner: the thread */
	bool interrupt;		/* seen, not yet dispatched */
	bool more;		/* dispatch left work */
	bool spun;		/* it looked at an empty ring, and will again */
	uint32_t spins;		/* rounds of that */
	struct crowd crowd;
	uint32_t idle;		/* polls in a row that found nothing */
	struct vp_counters counters CACHE_ALIGNED;
};

/* Prepare and start the thread, parked, with loop(vp); 0 or -errno. */
int vp_start(struct vp *, struct guest *, uint32_t index,
    void *(*loop)(void *));
/* What it is started with; see vp_loop.c. */
void *vp_loop(void *vp);
/* The thread sees guest_stopped() and ends; waits for it. */
void vp_join(struct vp *);

/*
 * From any thread but the VP's own (there both do nothing): on return from
 * vp_park() the VP touches neither channels nor interface until as many
 * vp_unpark() calls.
 */
void vp_park(struct vp *);
void vp_unpark(struct vp *);
/* On the VP's own thread, in the middle of something: park here, if asked. */
void vp_yield(struct vp *);
/* Make the thread go round its loop once. */
void vp_wake(struct vp *);
/* The same, and dispatch as if an interrupt had come. */
void vp_kick(struct vp *);

/* Add or remove a descriptor, edge-triggered. 0 or -errno. */
int vp_source_add(struct vp *, int fd, enum vp_source, uint32_t queue);
void vp_source_del(struct vp *, int fd);

#endif
