/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets with a name in the file system, for servers.
 *
 * Nobody sees the name before the socket listens, and nothing that answers is
 * ever removed: neither another process' socket nor, at the end, one that took
 * our name.
 *
 * Context: control threads.
 */
#ifndef LINUX_RUN_SOCKFILE_H
#define LINUX_RUN_SOCKFILE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

struct sockfile {
	int sock;		/* listens, does not block; -1: closed */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev;		/* which file it is */
	ino_t ino;
};

#define SOCKFILE_CLOSED	((struct sockfile){ .sock = -1 })
#define SOCKFILE_NO_GROUP	((gid_t)-1)

/*
 * Listen at path, with SOCK_STREAM or SOCK_SEQPACKET.  Mode 0600; with a group
 * 0660 and that group.  A socket file at which nobody listens is replaced.  0,
 * or -errno: -EADDRINUSE somebody answers there, -EEXIST it is no socket.
 */
int sockfile_open(struct sockfile *, const char *path, int type, gid_t group);
/* Take a socket that another opened at this path, and will remove. */
void sockfile_adopt(struct sockfile *, int sock, const char *path);
/* Close, and remove the file if it is still ours.  May be closed already. */
void sockfile_close(struct sockfile *);

/*
 * Remove a socket file if nobody listens there.  True if it is gone.  A process
 * that is stopped, busy or in another PID namespace does listen.
 */
bool sockfile_bury(const char *path, int type);

#endif
