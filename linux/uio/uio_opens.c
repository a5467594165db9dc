/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each open of /dev/uio0: whose it is, and of which file.
 *
 * The event brings the process's id.  An open of the first file means that a
 * program takes the NIC: it sleeps until the channel is open, with fresh rings.
 * An open of a map moves the link on to the next file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/uio/uio_priv.h"

static void
opens_event(struct uio *u, int fd, pid_t pid)
{
	uint32_t turn = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		st.st_ino = 0;
	while (turn <= UIO_MAPS && uio_swap_file(u, turn)->ino != st.st_ino)
		turn++;
	if (turn == 0) {
		if (u->pending_fd >= 0) {
			uio_swap_reply(u, fd, false);
			return;
		}
		u->pending_fd = fd;
		u->pending_pid = pid;
		uio_on_attach(u, pid);
		return;
	}
	/* A look at a map out of turn changes nothing. */
	if (turn != u->next_open || pid != u->user) {
		uio_swap_reply(u, fd, true);
		return;
	}
	u->next_open = turn < UIO_MAPS ? turn + 1 : 0;
	uio_tree_point(u, uio_swap_file(u, u->next_open));
	uio_swap_reply(u, fd, true);
	if (u->next_open == 0)
		uio_mem_check(u);
}

static void
opens_readable(evutil_socket_t fan, short what, void *arg)
{
	char buf[4096] __attribute__((aligned(8)));
	struct uio *u = arg;
	ssize_t n = read(fan, buf, sizeof(buf));
	const struct fanotify_event_metadata *e = (const void *)buf;

	for (; n > 0 && FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n))
		if (e->fd >= 0)
			opens_event(u, e->fd, e->pid);
	uio_pump(u);
}

int
uio_opens_start(struct uio *u)
{
	char path[64];

	for (uint32_t turn = 0; turn <= UIO_MAPS; turn++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d",
		    uio_swap_file(u, turn)->fd);
		if (fanotify_mark(u->fan_fd, FAN_MARK_ADD, FAN_OPEN_PERM,
		    AT_FDCWD, path) < 0)
			return -errno;
	}
	u->fan_event = event_new(u->base, u->fan_fd, EV_READ | EV_PERSIST,
	    opens_readable, u);
	if (u->fan_event == NULL)
		return -ENOMEM;
	event_add(u->fan_event, NULL);
	u->next_open = 0;
	return uio_tree_point(u, &u->attach);
}
