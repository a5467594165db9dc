/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service's side of sd_listen_fds(3) and sd_notify(3).
 */
#include "linux/run/service.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SERVICE_FIRST_FD	3	/* SD_LISTEN_FDS_START */
#define SERVICE_FDS_MAX		64u	/* Policy */

/* A number in the environment; 0: there is none. */
static unsigned long long
env_number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static bool
fd_listens(int fd, int type, struct sockaddr_un *sa)
{
	socklen_t len = sizeof(int), sa_len = sizeof(*sa);
	int is = 0, listens = 0;

	memset(sa, 0, sizeof(*sa));
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &is, &len) == 0 &&
	    is == type && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens,
	    &len) == 0 && listens != 0 &&
	    getsockname(fd, (struct sockaddr *)sa, &sa_len) == 0 &&
	    sa->sun_family == AF_UNIX && sa->sun_path[0] == '/';
}

int
service_socket(int type, char *path, size_t cap)
{
	unsigned long long n = env_number("LISTEN_FDS");
	struct sockaddr_un sa;

	if (env_number("LISTEN_PID") != (unsigned long long)getpid())
		return -1;
	for (int k = 0; k < (int)n && k < (int)SERVICE_FDS_MAX; k++) {
		int fd = SERVICE_FIRST_FD + k;

		if (!fd_listens(fd, type, &sa) ||
		    strlen(sa.sun_path) >= cap)
			continue;
		strcpy(path, sa.sun_path);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		return fd;
	}
	return -1;
}

void
service_notify(const char *fmt, ...)
{
	const char *where = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t len = where != NULL ? strlen(where) : 0;
	char text[512];
	va_list ap;
	int fd, n;

	if (len == 0 || len >= sizeof(sa.sun_path))
		return;
	memcpy(sa.sun_path, where, len);
	if (where[0] == '@')
		sa.sun_path[0] = '\0';
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (n > 0 && (size_t)n < sizeof(text) &&
	    sendto(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT,
	    (const struct sockaddr *)&sa, (socklen_t)
	    (offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		/* It is not there any more: nobody to tell. */
	}
	close(fd);
}

uint64_t
service_watchdog_us(void)
{
	unsigned long long pid = env_number("WATCHDOG_PID");

	return pid != 0 && pid != (unsigned long long)getpid() ? 0 :
	    env_number("WATCHDOG_USEC");
}
