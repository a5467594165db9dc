/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which process has the NIC.
 *
 * The program that has it (`user`) is usually the child, but may be a process
 * that the child started: a script can run one DPDK program after the other.
 * The first open of /dev/uio0 takes the NIC.  It is free again when that
 * process has ended, however it ended: its pidfd tells.  Then the channel is
 * closed, so that the host gives everything back, and then its memory is taken
 * back.  A program that opens the device meanwhile sleeps until that is done.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "linux/uio/uio_priv.h"

/* Policy: how often the program's memory map is read without a request. */
#define UIO_BEAT_MS		250

static bool
user_gone(const struct uio *u)
{
	struct pollfd p = { .fd = u->user_fd, .events = POLLIN };

	return u->user_fd < 0 || poll(&p, 1, 0) > 0;
}

void
uio_user_forget(struct uio *u)
{
	uio_mem_destroy(u->mem);
	u->mem = NULL;
	event_del(u->beat);
	if (u->user_event != NULL)
		event_free(u->user_event);
	u->user_event = NULL;
	if (u->user_fd >= 0)
		close(u->user_fd);
	u->user_fd = -1;
	u->user = 0;
}

static void
channel_close(struct uio *u)
{
	if (uio_channel_close(u) < 0)
		uio_on_closed(u);
}

static void
user_on_end(evutil_socket_t fd, short what, void *arg)
{
	struct uio *u = arg;

	event_del(u->user_event);
	u->counters.detaches++;
	if (u->state == UIO_OPENING)
		uio_swap_answer(u, false);
	if (u->state == UIO_OPENING || u->state == UIO_OPEN)
		channel_close(u);
	uio_pump(u);
}

static bool
user_take(struct uio *u, pid_t pid)
{
	u->user_fd = uio_pidfd(pid);
	if (u->user_fd < 0)
		return false;
	u->user_event = event_new(u->base, u->user_fd, EV_READ | EV_PERSIST,
	    user_on_end, u);
	u->mem = uio_mem_create(u, pid);
	u->user = pid;
	if (u->user_event == NULL || u->mem == NULL) {
		uio_user_forget(u);
		return false;
	}
	event_add(u->user_event, NULL);
	return true;
}

static void
attach_begin(struct uio *u)
{
	int rc;

	if (u->end != UIO_RUNNING || u->primary == NULL ||
	    !user_take(u, u->pending_pid)) {
		uio_swap_answer(u, false);
		return;
	}
	rc = uio_channel_open(u);
	if (rc < 0)
		uio_on_opened(u, rc);
}

void
uio_on_attach(struct uio *u, pid_t pid)
{
	if (u->user != 0 && u->user != pid && !user_gone(u)) {
		fprintf(stderr, "hvnet uio: process %d may not open the NIC: "
		    "process %d has it\n", (int)pid, (int)u->user);
		u->counters.refused++;
		uio_swap_answer(u, false);
		return;
	}
	if (u->state == UIO_READY)
		attach_begin(u);
	else if (u->state == UIO_OPEN)
		channel_close(u);
	/* CLOSING: uio_on_closed() goes on. */
}

void
uio_on_opened(struct uio *u, int err)
{
	if (err < 0) {
		fprintf(stderr, "hvnet uio: the host did not open the "
		    "channel: %s\n", hv_err_text(err));
		uio_user_forget(u);
	} else {
		const struct timeval beat = { 0, UIO_BEAT_MS * 1000 };

		u->counters.attaches++;
		event_add(u->beat, &beat);
	}
	uio_swap_answer(u, err == 0);
}

void
uio_on_closed(struct uio *u)
{
	uio_user_forget(u);
	if (u->end != UIO_RUNNING)
		return;
	uio_swap_rewind(u);
	if (u->pending_fd >= 0)
		attach_begin(u);
}
