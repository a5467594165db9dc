/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entering and leaving named network namespaces.
 *
 * Control thread only: a thread's namespace decides where the devices and
 * sockets that it makes live, not where they are used, so that nobody stays
 * inside for longer than the making takes.
 */
#include "linux/net/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "linux/run/priv.h"

/* This thread is inside, with a capability that it must give back. */
static _Thread_local bool netns_raised;

static void
netns_lower(void)
{
	if (netns_raised)
		priv_admin_lower();
	netns_raised = false;
}

int
netns_enter(const char *name, int *back)
{
	char path[256];
	int fd, rc;

	*back = -1;
	if (name == NULL || name[0] == '\0')
		return 0;
	if (snprintf(path, sizeof(path), "/run/netns/%s", name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	netns_raised = priv_admin_raise();
	rc = *back < 0 || setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	close(fd);
	if (rc < 0 && *back >= 0) {
		close(*back);
		*back = -1;
	}
	if (rc < 0)
		netns_lower();
	return rc;
}

void
netns_leave(int back)
{
	if (back < 0)
		return;
	/* It was ours a moment ago, so this cannot fail for lack of rights. */
	if (setns(back, CLONE_NEWNET) < 0)
		perror("leaving the network namespace");
	close(back);
	netns_lower();
}
