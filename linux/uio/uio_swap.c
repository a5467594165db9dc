/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/uio0 without a device: one name, six files, in turn.
 *
 * A uio device tells its maps apart by the offset of mmap(), N pages for map N.
 * For an ordinary file that is a byte offset, and the maps would overlap.  But
 * the driver opens the device once for itself and then once for each map, in
 * order, so each open can get a file of its own, in which map N begins at N
 * pages (DPDK drivers/bus/vmbus/vmbus_common_uio.c).
 *
 * The name is a symbolic link.  Each file is watched by fanotify for opens that
 * need permission: the opener sleeps, the link is moved to the next file, and
 * then it may go on.  So there is no race, however fast the program is.
 * uio_opens.c reads those events.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <unistd.h>

#include "linux/uio/uio_priv.h"

struct uio_file *
uio_swap_file(struct uio *u, uint32_t turn)
{
	return turn == 0 ? &u->attach : &u->map[turn - 1];
}

/* A kernel without permission events says so at the first mark only. */
static int
swap_try_mark(int fan_fd)
{
	int fd = memfd_create("hvnet-uio", MFD_CLOEXEC), rc;
	char path[64];

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = fanotify_mark(fan_fd, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD,
	    path);
	if (rc == 0)
		rc = fanotify_mark(fan_fd, FAN_MARK_REMOVE, FAN_OPEN_PERM,
		    AT_FDCWD, path);
	close(fd);
	return rc;
}

int
uio_swap_init(struct uio *u, char *err, size_t cap)
{
	u->fan_fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC |
	    FAN_NONBLOCK, O_RDONLY | O_CLOEXEC);
	if (u->fan_fd >= 0 && swap_try_mark(u->fan_fd) == 0)
		return 0;
	snprintf(err, cap, "fanotify: %s (it needs CAP_SYS_ADMIN and a kernel "
	    "with CONFIG_FANOTIFY_ACCESS_PERMISSIONS)", strerror(errno));
	return -1;
}

void
uio_swap_reply(struct uio *u, int fd, bool allow)
{
	struct fanotify_response r = { fd, allow ? FAN_ALLOW : FAN_DENY };

	if (write(u->fan_fd, &r, sizeof(r)) < 0)
		fprintf(stderr, "hvnet uio: answering an open: %s\n",
		    strerror(errno));
	close(fd);
}

void
uio_swap_answer(struct uio *u, bool allow)
{
	if (u->pending_fd < 0)
		return;
	if (allow) {
		u->next_open = 1;
		uio_tree_point(u, uio_swap_file(u, 1));
	}
	uio_swap_reply(u, u->pending_fd, allow);
	u->pending_fd = -1;
	u->pending_pid = 0;
}

void
uio_swap_rewind(struct uio *u)
{
	u->next_open = 0;
	uio_tree_point(u, &u->attach);
}

void
uio_swap_close(struct uio *u)
{
	if (u->fan_event != NULL)
		event_free(u->fan_event);
	if (u->pending_fd >= 0)
		close(u->pending_fd);
	/* The kernel lets those go that wait. */
	if (u->fan_fd >= 0)
		close(u->fan_fd);
}
