/*
 * Control sockets, the asking side, and where they are.
 *
 * The name of a socket carries the pid of its process, so that one which
 * a killed process left behind is known, and removed, without connecting.
 */
#include "linux/run/ctl.h"

#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "linux/run/ctl_path.h"

const char *
ctl_rundir(void)
{
	const char *dir = getenv("HVNET_RUN");

	return dir != NULL && dir[0] != '\0' ? dir : "/run/hvnet";
}

int
ctl_path_make(char *path, size_t path_cap, const char *kind, const char *name,
    char *err, size_t err_cap)
{
	if (mkdir(ctl_rundir(), 0755) < 0 && errno != EEXIST) {
		int e = errno;

		snprintf(err, err_cap, "%s: %s", ctl_rundir(), strerror(e));
		return -e;
	}
	if ((size_t)snprintf(path, path_cap, "%s/%s-%s.%d.sock", ctl_rundir(),
	    kind, name, (int)getpid()) >= path_cap) {
		snprintf(err, err_cap, "%s: path too long for a socket",
		    ctl_rundir());
		return -ENAMETOOLONG;
	}
	return 0;
}

static int ctl_connect(const char *path);

/*
 * False, and the file removed, if its process is no more: by its pid, or (a
 * killed process that nobody has waited for yet) since nobody listens.
 */
static int
ctl_path_alive(const char *path)
{
	int sock = ctl_connect(path);

	const char *dot = strrchr(path, '.');	/* of ".sock" */
	long pid = 0;

	while (dot != NULL && dot > path && dot[-1] != '.')
		dot--;
	if (dot != NULL)
		pid = strtol(dot, NULL, 10);
	if (sock >= 0)
		close(sock);
	if (sock == -ECONNREFUSED ||
	    (pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH)) {
		unlink(path);
		return 0;
	}
	return 1;
}

char **
ctl_paths(const char *kind, size_t *count)
{
	char pattern[256];
	glob_t g;
	char **out;

	*count = 0;
	snprintf(pattern, sizeof(pattern), "%s/%s-*.sock", ctl_rundir(),
	    kind != NULL ? kind : "*");
	if (glob(pattern, 0, NULL, &g) != 0)
		return NULL;
	out = calloc(g.gl_pathc, sizeof(*out));
	for (size_t i = 0; out != NULL && i < g.gl_pathc; i++)
		if (ctl_path_alive(g.gl_pathv[i]) &&
		    (out[*count] = strdup(g.gl_pathv[i])) != NULL)
			(*count)++;
	globfree(&g);
	return out;
}

void
ctl_paths_free(char **paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
}

static int
ctl_connect(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const struct timeval limit = { 10, 0 };
	int sock;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(sock, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int rc = -errno;

		close(sock);
		return rc;
	}
	return sock;
}

json_t *
ctl_call(const char *path, const json_t *request, char *err, size_t cap)
{
	json_error_t jerr;
	json_t *answer = NULL;
	int sock = ctl_connect(path);

	if (sock < 0) {
		snprintf(err, cap, "%s: %s", path, strerror(-sock));
		return NULL;
	}
	if (json_dumpfd(request, sock, JSON_COMPACT) < 0 ||
	    shutdown(sock, SHUT_WR) < 0) {
		snprintf(err, cap, "%s: %s", path, strerror(errno));
	} else {
		answer = json_loadfd(sock, 0, &jerr);
		if (answer == NULL)
			snprintf(err, cap, "%s: no answer (%s)", path,
			    jerr.text);
	}
	close(sock);
	return answer;
}
