/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The descriptors by which a queue's thread is woken; frames_wait.c has how
 * they are used.
 *
 * Context: open and close; any thread for frames_wake_control(), _all() and
 * _queue().
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "linux/frames/frames_priv.h"

static bool
wake_add(struct frames_queue *q, int fd, enum frames_wake source,
    uint32_t events)
{
	struct epoll_event e = { .events = events, .data.u32 = source };

	return fd >= 0 && epoll_ctl(q->wait_fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

static bool
wake_open_queue(struct hvnet *h, uint32_t k)
{
	struct frames_queue *q = &h->queue[k];
	const bool link = h->wire.link != NULL;

	q->wait_fd = epoll_create1(EPOLL_CLOEXEC);
	q->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->wait_fd < 0 ||
	    !wake_add(q, q->kick_fd, FRAMES_WAKE_OTHER, EPOLLIN | EPOLLET) ||
	    !wake_add(q, h->gone_fd, FRAMES_WAKE_OTHER, EPOLLIN) ||
	    (link && !wake_add(q, link_guest_interrupt_fd(h->wire.link, k),
	    FRAMES_WAKE_OTHER, EPOLLIN | EPOLLET)))
		return false;
	if (k == 0 && (!wake_add(q, h->control_fd, FRAMES_WAKE_OTHER,
	    EPOLLIN | EPOLLET) ||
	    (link && !wake_add(q, link_guest_fd(h->wire.link),
	    FRAMES_WAKE_SOCKET, EPOLLIN | EPOLLET))))
		return false;
	if (k != 0 && link)
		return true;
	q->timer_fd = timerfd_create(CLOCK_MONOTONIC,
	    TFD_CLOEXEC | TFD_NONBLOCK);
	return wake_add(q, q->timer_fd, FRAMES_WAKE_OTHER, EPOLLIN | EPOLLET);
}

void
frames_wake_init(struct hvnet *h)
{
	h->gone_fd = h->control_fd = -1;
	for (uint32_t k = 0; k < h->cfg.queues; k++)
		h->queue[k].wait_fd = h->queue[k].timer_fd =
		    h->queue[k].kick_fd = -1;
}

bool
frames_wake_open(struct hvnet *h, char *err, size_t cap)
{
	bool ok;

	h->gone_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	h->control_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ok = h->gone_fd >= 0 && h->control_fd >= 0;
	for (uint32_t k = 0; ok && k < h->cfg.queues; k++)
		ok = wake_open_queue(h, k);
	if (!ok)
		snprintf(err, cap, "descriptors to sleep on: %s",
		    strerror(errno));
	return ok;
}

static void
wake_fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

void
frames_wake_close(struct hvnet *h)
{
	for (uint32_t k = 0; k < h->cfg.queues; k++) {
		wake_fd_close(h->queue[k].wait_fd);
		wake_fd_close(h->queue[k].timer_fd);
		wake_fd_close(h->queue[k].kick_fd);
	}
	wake_fd_close(h->gone_fd);
	wake_fd_close(h->control_fd);
}

static void
wake_tell(int fd)
{
	const uint64_t one = 1;

	/* A counter that is full is readable anyway. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

void
frames_wake_control(struct hvnet *h)
{
	wake_tell(h->control_fd);
}

void
frames_wake_queue(struct hvnet *h, uint32_t queue)
{
	wake_tell(h->queue[queue].kick_fd);
}

void
frames_wake_all(struct hvnet *h)
{
	wake_tell(h->gone_fd);
}
