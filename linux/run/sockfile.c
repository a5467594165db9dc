/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets with a name in the file system.
 *
 * A socket is bound to a hidden name beside its own, listens, and is then
 * renamed: a name that is there answers, or its process is dead.  So
 * ECONNREFUSED is enough to know a dead one, whatever its pid or PID namespace.
 *
 * Between a look and an unlink() another server may have taken the name.  So a
 * dead file is first renamed and checked once more there.
 */
#include "linux/run/sockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/run/clock.h"

#define SOCKFILE_BACKLOG	16
/* Policy: times that we replace a dead socket before somebody else does. */
#define SOCKFILE_TRIES		8

/* A hidden name in the folder of path, of nobody else.  False: too long. */
static bool
name_hidden(struct sockaddr_un *sa, const char *path)
{
	const char *slash = strrchr(path, '/');
	int folder = slash != NULL ? (int)(slash - path) + 1 : 0;

	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return (size_t)snprintf(sa->sun_path, sizeof(sa->sun_path),
	    "%.*s.hv%x.%llx", folder, path, (unsigned int)getpid(),
	    (unsigned long long)clock_now_ns() & 0xffffffffu) <
	    sizeof(sa->sun_path);
}

/* Connecting was not refused for lack of a listener. */
static bool
path_answers(const char *path, int type)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused;

	if (sock < 0)
		return true;	/* who knows */
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	refused = connect(sock, (struct sockaddr *)&sa, sizeof(sa)) < 0 &&
	    errno == ECONNREFUSED;
	close(sock);
	return !refused;
}

bool
sockfile_bury(const char *path, int type)
{
	struct sockaddr_un aside;
	struct stat st;

	/* A file that is no socket refuses as well. */
	if (lstat(path, &st) < 0)
		return errno == ENOENT;
	if (!S_ISSOCK(st.st_mode) || path_answers(path, type) ||
	    !name_hidden(&aside, path) || rename(path, aside.sun_path) < 0)
		return false;
	if (path_answers(aside.sun_path, type)) {
		/* Of a server that came just now; it is there again. */
		renameat2(AT_FDCWD, aside.sun_path, AT_FDCWD, path,
		    RENAME_NOREPLACE);
		return false;
	}
	return unlink(aside.sun_path) == 0;
}

/* A listening socket at the hidden name sa, with its final owner and mode. */
static int
hidden_listen(const struct sockaddr_un *sa, int type, gid_t group)
{
	int sock = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old;
	int rc;

	if (sock < 0)
		return -errno;
	old = umask(0177);
	rc = bind(sock, (const struct sockaddr *)sa, sizeof(*sa));
	umask(old);
	if (rc == 0)
		rc = listen(sock, SOCKFILE_BACKLOG);
	if (rc == 0 && group != SOCKFILE_NO_GROUP)
		rc = chown(sa->sun_path, (uid_t)-1, group) == 0 ?
		    chmod(sa->sun_path, 0660) : -1;
	if (rc == 0)
		return sock;
	rc = -errno;
	unlink(sa->sun_path);
	close(sock);
	return rc;
}

/* Give it its name, in the place of a dead one. */
static int
hidden_show(const char *hidden, const char *path, int type)
{
	struct stat st;

	for (int i = 0; i < SOCKFILE_TRIES; i++) {
		if (renameat2(AT_FDCWD, hidden, AT_FDCWD, path,
		    RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
			return -EEXIST;
		if (!sockfile_bury(path, type))
			return -EADDRINUSE;
	}
	return -EADDRINUSE;
}

int
sockfile_open(struct sockfile *f, const char *path, int type, gid_t group)
{
	struct sockaddr_un hidden;
	struct stat st;
	int sock, rc;

	*f = SOCKFILE_CLOSED;
	if (strlen(path) >= sizeof(f->path) || !name_hidden(&hidden, path))
		return -ENAMETOOLONG;
	sock = hidden_listen(&hidden, type, group);
	if (sock < 0)
		return sock;
	rc = lstat(hidden.sun_path, &st) < 0 ? -errno :
	    hidden_show(hidden.sun_path, path, type);
	if (rc < 0) {
		unlink(hidden.sun_path);
		close(sock);
		return rc;
	}
	strcpy(f->path, path);
	f->sock = sock;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	return 0;
}

void
sockfile_adopt(struct sockfile *f, int sock, const char *path)
{
	*f = SOCKFILE_CLOSED;
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->sock = sock;
}

void
sockfile_close(struct sockfile *f)
{
	struct stat st;

	if (f->sock < 0)
		return;
	/* No file has inode 0: one that was adopted stays. */
	if (lstat(f->path, &st) == 0 && st.st_dev == f->dev &&
	    st.st_ino == f->ino)
		unlink(f->path);
	close(f->sock);
	f->sock = -1;
}
