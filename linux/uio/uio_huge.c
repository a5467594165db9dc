/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages that a program gives back and takes again.
 *
 * DPDK unmaps a page that it frees, and may soon map another file at the same
 * address.  The host would go on reading the old one.  So each open of a file
 * of our hugetlbfs needs permission, and before it is given the program's
 * memory map is compared with what the host has: the old page is gone from the
 * map by then, and is taken back, and the new one is not there yet.  The host
 * misses it when it meets it, and asks.
 *
 * We open such files as well (to hand them over), and must not wait for
 * ourselves.  So a thread reads the events, lets ours pass, and gives the
 * others to the main thread, which answers them.
 *
 * Memory that is not hugetlbfs files (--in-memory, --no-huge) has no such
 * event; there the beat of uio.c finds a change within its time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "linux/uio/uio_priv.h"

struct uio_huge {
	struct uio *uio;
	int fan_fd;
	int stop_fd;
	int pipe[2];
	struct event *event;
	pthread_t thread;
	bool started;
};

static void
huge_allow(const struct uio_huge *h, int fd)
{
	const struct fanotify_response r = { fd, FAN_ALLOW };

	if (write(h->fan_fd, &r, sizeof(r)) < 0 && errno != ENOENT)
		fprintf(stderr, "hvnet uio: answering an open: errno %d\n",
		    errno);
	close(fd);
}

static void *
huge_run(void *arg)
{
	char buf[4096] __attribute__((aligned(8)));
	struct uio_huge *h = arg;
	struct pollfd p[2] = { { .fd = h->stop_fd, .events = POLLIN },
		{ .fd = h->fan_fd, .events = POLLIN } };
	ssize_t n;

	while ((poll(p, 2, -1) >= 0 || errno == EINTR) && p[0].revents == 0) {
		n = read(h->fan_fd, buf, sizeof(buf));
		if (n <= 0 && errno != EINTR && errno != EAGAIN)
			break;
		const struct fanotify_event_metadata *e = (const void *)buf;

		for (; n > 0 && FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
			int fd = e->fd;

			if (fd < 0)
				continue;
			if (e->pid == getpid() || write(h->pipe[1], &fd,
			    sizeof(fd)) != (ssize_t)sizeof(fd))
				huge_allow(h, fd);
		}
	}
	return NULL;
}

static void
huge_on_open(evutil_socket_t pipe_fd, short what, void *arg)
{
	struct uio_huge *h = arg;
	int fd;

	if (read(pipe_fd, &fd, sizeof(fd)) != (ssize_t)sizeof(fd))
		return;
	uio_mem_check(h->uio);
	huge_allow(h, fd);
	uio_pump(h->uio);
}

void
uio_huge_stop(struct uio *u)
{
	struct uio_huge *h = u->huge;

	if (h == NULL)
		return;
	if (h->started) {
		const uint64_t one = 1;

		while (write(h->stop_fd, &one, sizeof(one)) < 0 &&
		    errno == EINTR)
			;
		pthread_join(h->thread, NULL);
	}
	if (h->event != NULL)
		event_free(h->event);
	/* The kernel lets those go that still wait. */
	if (h->fan_fd >= 0)
		close(h->fan_fd);
	if (h->stop_fd >= 0)
		close(h->stop_fd);
	if (h->pipe[0] >= 0) {
		close(h->pipe[0]);
		close(h->pipe[1]);
	}
	free(h);
	u->huge = NULL;
}

int
uio_huge_start(struct uio *u)
{
	struct uio_huge *h = calloc(1, sizeof(*h));
	int rc = -ENOMEM;

	if (h == NULL)
		return rc;
	u->huge = h;
	h->uio = u;
	h->pipe[0] = h->pipe[1] = -1;
	h->stop_fd = eventfd(0, EFD_CLOEXEC);
	h->fan_fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC |
	    FAN_NONBLOCK, O_RDONLY | O_CLOEXEC);
	if (h->stop_fd < 0 || h->fan_fd < 0 ||
	    fanotify_mark(h->fan_fd, FAN_MARK_ADD | FAN_MARK_MOUNT,
	    FAN_OPEN_PERM, AT_FDCWD, UIO_HUGE_DIR) < 0 ||
	    pipe2(h->pipe, O_CLOEXEC) < 0) {
		rc = -errno;
		goto stop;
	}
	h->event = event_new(u->base, h->pipe[0], EV_READ | EV_PERSIST,
	    huge_on_open, h);
	if (h->event == NULL)
		goto stop;
	event_add(h->event, NULL);
	rc = -pthread_create(&h->thread, NULL, huge_run, h);
	if (rc < 0)
		goto stop;
	h->started = true;
	return 0;

stop:
	uio_huge_stop(u);
	return rc;
}
