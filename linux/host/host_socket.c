/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket where guests connect: its file, and who accepts.
 *
 * A socket file may be left over from a host that died: if nobody listens at it
 * it is replaced, else starting fails (linux/run/sockfile.h).
 *
 * Context: control.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/host/host_priv.h"
#include "linux/link/link_fds.h"
#include "linux/run/acceptor.h"

int
host_socket_group(const char *name, gid_t *group, char *err, size_t cap)
{
	const struct group *g;

	*group = SOCKFILE_NO_GROUP;
	if (name == NULL || name[0] == '\0')
		return 0;
	g = getgrnam(name);
	if (g == NULL) {
		snprintf(err, cap, "there is no group '%s'", name);
		return -EINVAL;
	}
	*group = g->gr_gid;
	return 0;
}

static int
socket_listen(struct host *h, char *err, size_t cap)
{
	const char *path = h->cfg.listen;
	gid_t group;
	int rc;

	if (h->cfg.listen_fd > 0) {
		sockfile_adopt(&h->file, h->cfg.listen_fd, path);
		return 0;
	}
	if (strlen(path) == 0 || strlen(path) >= sizeof(h->file.path)) {
		snprintf(err, cap, "--listen: the path must have 1 to %zu "
		    "characters", sizeof(h->file.path) - 1);
		return -EINVAL;
	}
	rc = host_socket_group(h->cfg.group, &group, err, cap);
	if (rc < 0)
		return rc;
	rc = sockfile_open(&h->file, path, SOCK_SEQPACKET, group);
	if (rc == -EEXIST)
		snprintf(err, cap, "%s exists and is not a socket", path);
	else if (rc == -EADDRINUSE)
		snprintf(err, cap, "%s: another host listens there", path);
	else if (rc < 0)
		snprintf(err, cap, "%s: %s", path, strerror(-rc));
	return rc;
}

static void
socket_on_client(void *ctx, int fd)
{
	host_guest_accept(ctx, fd);
}

static void
socket_on_starved(void *ctx, int error)
{
	struct host *h = ctx;

	host_log_once(&h->log, "a guest waits: %s", error == EMFILE ?
	    link_fds_text() : strerror(error));
}

int
host_socket_open(struct host *h, char *err, size_t cap)
{
	int rc = socket_listen(h, err, cap);

	if (rc < 0)
		return rc;
	h->acceptor = acceptor_create(h->base, h->file.sock, socket_on_client,
	    socket_on_starved, h);
	if (h->acceptor != NULL)
		return 0;
	snprintf(err, cap, "out of memory or descriptors");
	return -ENOMEM;
}

void
host_socket_close(struct host *h)
{
	acceptor_free(h->acceptor);
	sockfile_close(&h->file);
}
