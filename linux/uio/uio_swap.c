/*
 * /dev/uio0 without a device: one name, six files, in turn.
 *
 * A uio device tells its maps apart by the offset of mmap(), N pages for map N.
 * For an ordinary file that is a byte offset, and the maps would overlap.  But
 * the driver opens the device once for itself and then once for each map, in
 * order, so each open can get a file of its own, in which map N begins at N
 * pages (field/dpdk.md 3).
 *
 * The name is a symbolic link.  Each file is watched by fanotify for opens that
 * need permission: the opener sleeps, the link is moved to the next file, and
 * then it may go on.  So there is no race, however fast the program is.  The
 * event also brings the process's id, and the first file's open says that a
 * program takes the NIC: it sleeps until the channel is open, with fresh rings.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/uio/uio_priv.h"

static struct uio_file *
swap_file(struct uio *u, uint32_t turn)
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

static void
swap_reply(struct uio *u, int fd, bool allow)
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
		uio_tree_point(u, swap_file(u, 1));
	}
	swap_reply(u, u->pending_fd, allow);
	u->pending_fd = -1;
	u->pending_pid = 0;
}

void
uio_swap_rewind(struct uio *u)
{
	u->next_open = 0;
	uio_tree_point(u, &u->attach);
}

static void
swap_event(struct uio *u, int fd, pid_t pid)
{
	uint32_t turn = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		st.st_ino = 0;
	while (turn <= UIO_MAPS && swap_file(u, turn)->ino != st.st_ino)
		turn++;
	if (turn == 0) {
		if (u->pending_fd >= 0) {
			swap_reply(u, fd, false);
			return;
		}
		u->pending_fd = fd;
		u->pending_pid = pid;
		uio_on_attach(u, pid);
		return;
	}
	/* A look at a map out of turn changes nothing. */
	if (turn != u->next_open || pid != u->user) {
		swap_reply(u, fd, true);
		return;
	}
	u->next_open = turn < UIO_MAPS ? turn + 1 : 0;
	uio_tree_point(u, swap_file(u, u->next_open));
	swap_reply(u, fd, true);
	if (u->next_open == 0)
		uio_on_mapped(u);
}

static void
swap_on_readable(evutil_socket_t fan, short what, void *arg)
{
	char buf[4096] __attribute__((aligned(8)));
	struct uio *u = arg;
	ssize_t n = read(fan, buf, sizeof(buf));
	const struct fanotify_event_metadata *e = (const void *)buf;

	for (; n > 0 && FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n))
		if (e->fd >= 0)
			swap_event(u, e->fd, e->pid);
	uio_pump(u);
}

int
uio_swap_start(struct uio *u)
{
	char path[64];

	for (uint32_t turn = 0; turn <= UIO_MAPS; turn++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d",
		    swap_file(u, turn)->fd);
		if (fanotify_mark(u->fan_fd, FAN_MARK_ADD, FAN_OPEN_PERM,
		    AT_FDCWD, path) < 0)
			return -errno;
	}
	u->fan_event = event_new(u->base, u->fan_fd, EV_READ | EV_PERSIST,
	    swap_on_readable, u);
	if (u->fan_event == NULL)
		return -ENOMEM;
	event_add(u->fan_event, NULL);
	u->next_open = 0;
	return uio_tree_point(u, &u->attach);
}

void
uio_swap_close(struct uio *u)
{
	if (u->fan_event != NULL)
		event_free(u->fan_event);
	if (u->pending_fd >= 0)
		close(u->pending_fd);
	/* Whoever waits is let go by the kernel. */
	if (u->fan_fd >= 0)
		close(u->fan_fd);
}
