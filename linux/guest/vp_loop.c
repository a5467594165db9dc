/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a virtual processor's thread does.
 *
 * The loop: sleep until something happens (or not at all while work is left),
 * note what happened, then do a bounded turn of each kind of work: park if
 * asked, control (VP 0), interrupt dispatch, interface queues.  Descriptors
 * are edge-triggered and remembered in flags until their work ran dry, so that
 * nothing is read just to re-arm it.
 *
 * Where no interrupt comes (guest_polls()) each turn dispatches, and the sleep
 * between turns is none while there is traffic, then longer and longer.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "linux/guest/guest_priv.h"
#include "linux/run/priv.h"
#include "linux/see/see_decide.h"
#include "linux/see/trace.h"

#define VP_EVENTS	16
/* Policy of polling: turns without a sleep, then sleeps of this length. */
#define VP_POLL_SPINS	200u
#define VP_POLL_MIN_NS	10000u
#define VP_POLL_MAX_NS	500000u
/* Policy: so many rounds at empty rings, then a yield. */
#define VP_SPIN_ROUNDS	32u

static void
vp_note(struct vp *v, const struct epoll_event *e)
{
	switch ((enum vp_source)(uint32_t)e->data.u64) {
	case VP_SOURCE_WAKE:
		/* Edge-triggered; the counter need not be read back. */
		break;
	case VP_SOURCE_INTERRUPT:
		v->interrupt = true;
		counter_add(&v->counters.interrupts, 1);
		see_decide_interrupted();
		break;
	case VP_SOURCE_SOCKET:
		guest_socket_event(v->guest);
		break;
	case VP_SOURCE_TAP:
		netif_readable(v->guest, v->index,
		    (uint32_t)(e->data.u64 >> 32));
		break;
	}
}

/* The sleep of a VP that polls: 0, then doubled up to the maximum. */
static uint32_t
vp_poll_ns(struct vp *v)
{
	uint32_t over;

	if (v->more)
		v->idle = 0;
	if (v->idle++ < VP_POLL_SPINS)
		return 0;
	over = min_u32((v->idle - VP_POLL_SPINS) / 8, 16);
	return min_u32(VP_POLL_MIN_NS << over, VP_POLL_MAX_NS);
}

/* Sleep until something happens, or not; events as epoll_wait(). */
static int
vp_wait(struct vp *v, struct epoll_event *ev)
{
	int timeout, n;

	if (guest_polls(v->guest)) {
		const struct timespec ts = { 0, vp_poll_ns(v) };

		n = epoll_pwait2(v->epoll_fd, ev, VP_EVENTS, &ts, NULL);
		/* Linux before 5.11 */
		if (n < 0 && errno == ENOSYS)
			n = epoll_wait(v->epoll_fd, ev, VP_EVENTS,
			    ts.tv_nsec == 0 ? 0 : 1);
		timeout = ts.tv_nsec == 0 ? 0 : 1;
		v->interrupt = true;
	} else {
		timeout = v->more ? 0 :
		    v->index == 0 ? guest_timeout_ms(v->guest) : -1;
		if (timeout != 0 && trace_on())
			trace_put(TRACE_SLEEP, TRACE_WHY_NONE, 0, 0);
		n = epoll_wait(v->epoll_fd, ev, VP_EVENTS, timeout);
		if (timeout != 0 && trace_on())
			trace_put(TRACE_WAKE, TRACE_WHY_NONE, 0, (uint64_t)n);
	}
	counter_add(timeout == 0 ? &v->counters.polls :
	    &v->counters.wakeups, 1);
	return n;
}

/*
 * A round that only looked at empty rings.  If others want the processor, the
 * rings are not looked at for a while (guest_queue_spin()).
 */
static void
vp_spin(struct vp *v)
{
	v->spun = false;
	counter_add(&v->counters.spins, 1);
	if (++v->spins % VP_SPIN_ROUNDS == 0 && crowd_yield(&v->crowd))
		counter_add(&v->counters.crowded, 1);
}

void *
vp_loop(void *arg)
{
	struct vp *v = arg;
	struct epoll_event ev[VP_EVENTS];

	/* The control context is VP 0; the others carry only frames. */
	if (v->index != 0)
		priv_none();
	while (!guest_stopped(v->guest)) {
		int n = vp_wait(v, ev);

		/* Zero: what was done while it was not comes before this. */
		vp_yield(v);
		for (int i = 0; i < n; i++)
			vp_note(v, &ev[i]);
		v->more = false;
		if (os_ld32(&v->kicked) != 0) {
			os_xchg32(&v->kicked, 0);
			v->interrupt = true;
		}
		if (v->interrupt) {
			v->interrupt = guest_dispatch(v->guest, v->index);
			v->more = v->interrupt;
		}
		if (netif_run(v->guest, v->index))
			v->more = true;
		if (v->spun)
			vp_spin(v);
		/* After dispatch, whose events it may have to answer. */
		if (v->index == 0)
			guest_control(v->guest);
	}
	/* Who parks it from now on need not wait. */
	pthread_mutex_lock(&v->lock);
	v->ended = true;
	pthread_cond_broadcast(&v->cond);
	pthread_mutex_unlock(&v->lock);
	return NULL;
}
