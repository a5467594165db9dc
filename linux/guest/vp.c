/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual processors as threads.
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
#include "linux/guest/vp.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "linux/guest/guest_priv.h"
#include "linux/run/priv.h"
#include "linux/run/thread.h"

#define X(name, text) COUNTER_ROW(vp_counters, name, text)
COUNTER_TABLE(vp_counters, VP_COUNTERS(X));
#undef X

#define VP_EVENTS	16
/* Policy of polling: turns without a sleep, then sleeps of this length. */
#define VP_POLL_SPINS	200u
#define VP_POLL_MIN_NS	10000u
#define VP_POLL_MAX_NS	500000u

static void
vp_park_here(struct vp *v)
{
	pthread_mutex_lock(&v->lock);
	while (v->park_wanted > 0) {
		v->parked = true;
		pthread_cond_broadcast(&v->cond);
		pthread_cond_wait(&v->cond, &v->lock);
	}
	v->parked = false;
	pthread_mutex_unlock(&v->lock);
	counter_add(&v->counters.parks, 1);
}

void
vp_yield(struct vp *v)
{
	if (os_ld32_acq(&v->park_wanted) > 0)
		vp_park_here(v);
}

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
		break;
	case VP_SOURCE_SOCKET:
		guest_socket_event(v->guest);
		break;
	case VP_SOURCE_TAP:
		netif_readable(v->guest, (uint32_t)(e->data.u64 >> 32));
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
		n = epoll_wait(v->epoll_fd, ev, VP_EVENTS, timeout);
	}
	counter_add(timeout == 0 ? &v->counters.polls :
	    &v->counters.wakeups, 1);
	return n;
}

static void *
vp_main(void *arg)
{
	struct vp *v = arg;
	struct epoll_event ev[VP_EVENTS];

	/* The control context is VP 0; the others carry frames alone. */
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
		/* After dispatch, whose events it may have to answer. */
		if (v->index == 0)
			guest_control(v->guest);
	}
	/* Whoever parks it from now on need not wait. */
	pthread_mutex_lock(&v->lock);
	v->ended = true;
	pthread_cond_broadcast(&v->cond);
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

int
vp_source_add(struct vp *v, int fd, enum vp_source source, uint32_t queue)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET,
		.data.u64 = (uint64_t)queue << 32 | source };

	return epoll_ctl(v->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

void
vp_source_del(struct vp *v, int fd)
{
	epoll_ctl(v->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int
vp_start(struct vp *v, struct guest *g, uint32_t index)
{
	int rc;

	v->guest = g;
	v->index = index;
	v->park_wanted = index == 0 ? 0 : 1;
	v->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	v->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->epoll_fd < 0 || v->wake_fd < 0)
		return -errno;
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->cond, NULL);
	rc = vp_source_add(v, v->wake_fd, VP_SOURCE_WAKE, 0);
	if (rc < 0)
		return rc;
	rc = -pthread_create(&v->thread, NULL, vp_main, v);
	if (rc < 0)
		return rc;
	v->started = true;
	thread_place(v->thread, "hv-vp", index, &g->cfg.place);
	return 0;
}

void
vp_join(struct vp *v)
{
	if (v->started) {
		pthread_mutex_lock(&v->lock);
		os_st32(&v->park_wanted, 0);
		pthread_cond_broadcast(&v->cond);
		pthread_mutex_unlock(&v->lock);
		vp_wake(v);
		pthread_join(v->thread, NULL);
	}
	if (v->epoll_fd > 0)
		close(v->epoll_fd);
	if (v->wake_fd > 0)
		close(v->wake_fd);
}

void
vp_wake(struct vp *v)
{
	uint64_t one = 1;

	if (write(v->wake_fd, &one, sizeof(one)) < 0)
		return;	/* full: a wake-up is pending anyway */
}

void
vp_kick(struct vp *v)
{
	os_xchg32(&v->kicked, 1);
	vp_wake(v);
}

void
vp_park(struct vp *v)
{
	if (!v->started || pthread_equal(pthread_self(), v->thread))
		return;
	pthread_mutex_lock(&v->lock);
	os_st32(&v->park_wanted, v->park_wanted + 1);
	vp_wake(v);
	while (!v->parked && !v->ended)
		pthread_cond_wait(&v->cond, &v->lock);
	pthread_mutex_unlock(&v->lock);
}

void
vp_unpark(struct vp *v)
{
	if (!v->started || pthread_equal(pthread_self(), v->thread))
		return;
	pthread_mutex_lock(&v->lock);
	OS_ASSERT(v->park_wanted > 0);
	os_st32_rel(&v->park_wanted, v->park_wanted - 1);
	if (v->park_wanted == 0)
		v->parked = false;
	pthread_cond_broadcast(&v->cond);
	pthread_mutex_unlock(&v->lock);
}
