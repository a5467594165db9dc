/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual processors as threads: starting, parking, waking.  What such a thread
 * does is vp_loop.c.
 */
#include "linux/guest/vp.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "linux/guest/guest_priv.h"
#include "linux/run/thread.h"

#define X(name, text) COUNTER_ROW(vp_counters, name, text)
COUNTER_TABLE(vp_counters, VP_COUNTERS(X));
#undef X

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
vp_start(struct vp *v, struct guest *g, uint32_t index, void *(*loop)(void *))
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
	rc = -pthread_create(&v->thread, NULL, loop, v);
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

/* --- all but VP 0 --- */

void
guest_vps_park(struct guest *g)
{
	for (uint32_t i = 1; g->vps_running && i < g->cfg.vps; i++)
		vp_park(&g->vp[i]);
	g->vps_running = false;
}

void
guest_vps_unpark(struct guest *g)
{
	for (uint32_t i = 1; !g->vps_running && i < g->cfg.vps; i++)
		vp_unpark(&g->vp[i]);
	g->vps_running = true;
}
