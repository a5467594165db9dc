/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping until a queue has something.
 *
 * Theory of operation.  A queue that is polled has its signals masked for good;
 * hvnet_wait() takes the mask away for one sleep, and the next pass over the
 * ring puts it back.  What wakes is collected in one epoll descriptor a queue,
 * which a program may watch instead of sleeping here: the interrupt of its
 * virtual processor, and a descriptor that becomes readable when the connection
 * breaks; for queue 0, whose thread is control, also the link's socket, the
 * timers of control, and a descriptor by which other queues report work for it.
 *
 * All but the broken connection are edge-triggered and never read.  So the
 * order of arming decides that no wake-up is lost:
 *
 *	1. events so far are taken from the epoll descriptor;
 *	2. event flags are cleared, for the host interrupts only at a flag's
 *	   change from 0 to 1; control runs;
 *	3. the ring's mask is taken away, and the ring is looked at once more,
 *	   and what other threads gave back (hvnet_release()) goes to the host.
 *
 * What the host does after its look at the mask that 3. finds in the ring, it
 * need not signal; whatever it does later sets a flag that 2. had cleared, and
 * so makes the descriptor readable, after 1.
 *
 * With a NIC of uio_hv_generic there is one interrupt for all queues, which is
 * not ours to take: there each queue's timer wakes it every UIO_NAP_NS.
 *
 * Context: the queue's thread.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "linux/frames/frames_priv.h"
#include "linux/run/clock.h"

#define WAIT_EVENTS	8
/* Policy: passes over a ring that keeps filling with what is no frame. */
#define WAIT_ROUNDS	16u
/* Policy: how long a queue of uio_hv_generic sleeps at most. */
#define UIO_NAP_NS	1000000u

/* Take the events so far, or sleep for the first; as epoll_wait(). */
static int
wait_events(struct hvnet *h, struct frames_queue *q, int timeout_ms)
{
	struct epoll_event ev[WAIT_EVENTS];
	int n = epoll_wait(q->wait_fd, ev, WAIT_EVENTS, timeout_ms);

	for (int i = 0; i < n; i++)
		if (ev[i].data.u32 == FRAMES_WAKE_SOCKET)
			h->socket_at = 0;
	return n;
}

/* At the latest, wake at this time; UINT64_MAX: at none. */
static void
wait_timer(struct frames_queue *q, uint64_t at_ns)
{
	struct itimerspec t = { 0 };

	if (at_ns == q->timer_at && at_ns > clock_now_ns())
		return;
	q->timer_at = at_ns;
	/* With a time that is over it is readable at once. */
	if (at_ns != UINT64_MAX) {
		t.it_value.tv_sec = (time_t)(at_ns / 1000000000u);
		t.it_value.tv_nsec = (long)(at_ns % 1000000000u);
	}
	(void)timerfd_settime(q->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* Step 2 of arming. */
static void
wait_prepare(struct hvnet *h, uint32_t queue)
{
	struct frames_queue *q = &h->queue[queue];
	const bool uio = h->wire.bus != NULL;
	uint64_t at = UINT64_MAX;

	if (queue == 0)
		at = frames_control(h);
	else if (!uio)
		(void)vmc_vp_dispatch(h->vmc, queue, FRAMES_BUDGET);
	if (uio) {
		uint64_t nap = clock_now_ns() + UIO_NAP_NS;

		at = nap < at ? nap : at;
	}
	if (q->timer_fd >= 0)
		wait_timer(q, at);
}

/* The caller has something to do. */
static bool
wait_found(struct frames_queue *q)
{
	bool room = q->room;

	q->room = false;
	return room || q->kept_n > 0 || q->cookie_n > 0;
}

/* 1: found something; 0: from now on it wakes; or HVNET_GONE. */
static int
wait_arm(struct hvnet *h, uint32_t queue)
{
	struct frames_queue *q = &h->queue[queue];

	if (frames_gone(h))
		return HVNET_GONE;
	if (wait_found(q))
		return 1;
	frames_give_back(h, queue);
	(void)wait_events(h, q, 0);
	/* Before the passes below, which take what was released so far. */
	os_xchg32(&q->sleeps, 1);
	wait_prepare(h, queue);
	if (wait_found(q))
		return 1;
	for (uint32_t i = 0; i < WAIT_ROUNDS; i++) {
		(void)vsc_queue_poll(h->vsc, queue, FRAMES_BUDGET);
		if (wait_found(q))
			return 1;
		if (frames_gone(h))
			return HVNET_GONE;
		if (!vsc_queue_arm(h->vsc, queue))
			return 0;
	}
	return 1;
}

int
hvnet_fd(const struct hvnet *h, uint32_t queue)
{
	return queue < os_ld32(&h->queues) ? h->queue[queue].wait_fd :
	    HVNET_INVALID;
}

int
hvnet_wait(struct hvnet *h, uint32_t queue, int timeout_ms)
{
	uint64_t end = timeout_ms > 0 ? clock_now_ns() +
	    (uint64_t)timeout_ms * 1000000u : 0;
	int left = timeout_ms;

	if (queue >= h->queues)
		return HVNET_INVALID;
	for (;;) {
		int rc = wait_arm(h, queue);
		uint64_t now;

		if (rc != 0 || left == 0)
			return rc;
		if (wait_events(h, &h->queue[queue], left) < 0)
			return errno == EINTR ? 0 : HVNET_INVALID;
		if (timeout_ms < 0)
			continue;
		now = clock_now_ns();
		left = now < end ? (int)((end - now + 999999u) / 1000000u) : 0;
	}
}
