/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Eventfds that the host shares, used so that the machine cannot be held.
 *
 * Whoever shares an eventfd may clear its O_NONBLOCK and fill or empty it at
 * any moment, so a plain read or write of one may wait for ever, whatever was
 * asked of it just before.  A read has a form that never waits (RWF_NOWAIT).  A
 * write has none: a vCPU says by an odd number that it writes, and a thread
 * that finds the same odd number twice sends it SIGURG, whose handler does
 * nothing but end the system call with EINTR.  The signal may come before the
 * write began to wait; then the next look finds it again.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/error-report.h"

#include <sys/eventfd.h>
#include <sys/uio.h>

#include "hvnet.h"

#define HVNET_LOOK_US	200000		/* Policy: twice this frees a vCPU */

static void
hvnet_guard_signal(int sig)
{
}

static void *
hvnet_guard_main(void *opaque)
{
	struct hvnet_dev *dev = opaque;

	for (;;) {
		g_usleep(HVNET_LOOK_US);
		for (uint32_t i = 0; i < dev->vps; i++) {
			struct hvnet_vp *vp = &dev->vp[i];
			uint32_t turn = qatomic_load_acquire(&vp->write_turn);

			if ((turn & 1) != 0 && turn == vp->write_seen)
				pthread_kill(vp->write_thread, SIGURG);
			vp->write_seen = turn;
		}
	}
	return NULL;
}

void
hvnet_guard_start(struct hvnet_dev *dev)
{
	/* No SA_RESTART: the write is to end. */
	struct sigaction act = { .sa_handler = hvnet_guard_signal };
	int fd = eventfd(0, EFD_CLOEXEC);

	errno = 0;
	if (hvnet_eventfd_take(fd) || errno != EAGAIN) {
		error_report("hvnet: this kernel cannot read an eventfd "
		    "without waiting; Linux 5.8 can");
		exit(1);
	}
	close(fd);
	sigaction(SIGURG, &act, NULL);
	qemu_thread_create(&dev->guard, "hvnet-guard", hvnet_guard_main, dev,
	    QEMU_THREAD_DETACHED);
}

/* QEMU's threads begin with every signal blocked. */
static void
hvnet_guard_unblock(struct hvnet_vp *vp)
{
	sigset_t urg;

	if (vp->write_turn != 0)
		return;
	sigemptyset(&urg);
	sigaddset(&urg, SIGURG);
	pthread_sigmask(SIG_UNBLOCK, &urg, NULL);
	vp->write_thread = pthread_self();
}

bool
hvnet_eventfd_add(struct hvnet_vp *vp, int fd)
{
	const uint64_t one = 1;
	bool held;

	hvnet_guard_unblock(vp);
	qatomic_store_release(&vp->write_turn, vp->write_turn + 1);
	held = write(fd, &one, sizeof(one)) < 0 && errno == EINTR;
	/* Never 0 again. */
	qatomic_store_release(&vp->write_turn,
	    vp->write_turn == UINT32_MAX ? 2 : vp->write_turn + 1);
	return !held;
}

bool
hvnet_eventfd_take(int fd)
{
	uint64_t count;
	struct iovec iov = { &count, sizeof(count) };

	return preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(count);
}

bool
hvnet_eventfd_ok(int fd)
{
	char path[40], name[32];
	ssize_t n;
	int flags;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name) - 1);
	if (n < 0)
		return false;
	name[n] = '\0';
	if (strcmp(name, "anon_inode:[eventfd]") != 0)
		return false;
	flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}
