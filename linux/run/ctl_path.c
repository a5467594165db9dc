/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where control sockets are, and which there are.
 */
#include "linux/run/ctl_path.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "linux/run/ctl.h"
#include "linux/run/sockfile.h"

#define RUNDIR_SYSTEM	"/run/hvnet"

/* A variable that is set and not empty, or NULL. */
static const char *
rundir_env(const char *name)
{
	const char *dir = getenv(name);

	return dir != NULL && dir[0] != '\0' ? dir : NULL;
}

const char *
ctl_rundir(void)
{
	static char own[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *dir = rundir_env("HVNET_RUN");
	const char *xdg = rundir_env("XDG_RUNTIME_DIR");

	if (dir != NULL)
		return dir;
	if (geteuid() == 0 || xdg == NULL ||
	    (size_t)snprintf(own, sizeof(own), "%s/hvnet", xdg) >= sizeof(own))
		return RUNDIR_SYSTEM;
	return own;
}

int
ctl_path_make(char *path, size_t path_cap, const char *kind, const char *name,
    unsigned int k, char *err, size_t err_cap)
{
	char nth[16] = "";

	if (mkdir(ctl_rundir(), 0755) < 0 && errno != EEXIST) {
		int e = errno;

		snprintf(err, err_cap, "control sockets in %s: %s "
		    "(HVNET_RUN=FOLDER chooses another place)", ctl_rundir(),
		    strerror(e));
		return -e;
	}
	if (k > 0)
		snprintf(nth, sizeof(nth), "-%u", k + 1);
	if ((size_t)snprintf(path, path_cap, "%s/%s-%s.%d%s.sock",
	    ctl_rundir(), kind, name, (int)getpid(), nth) >= path_cap) {
		snprintf(err, err_cap, "control socket %s/%s-%s: the path is "
		    "too long for a socket (HVNET_RUN=FOLDER chooses another "
		    "place)", ctl_rundir(), kind, name);
		return -ENAMETOOLONG;
	}
	return 0;
}

/* "host-x.12.sock", of this kind; not a name that is hidden yet. */
static int
path_is_control(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && strchr(d->d_name, '-') != NULL &&
	    len > 5 && strcmp(d->d_name + len - 5, ".sock") == 0;
}

static bool
path_is_of(const char *name, const char *kind)
{
	size_t len = kind != NULL ? strlen(kind) : 0;

	return kind == NULL || (strncmp(name, kind, len) == 0 &&
	    name[len] == '-');
}

/* Add those of a folder.  0 or -errno. */
static int
paths_add(const char *dir, const char *kind, struct ctl_paths *out)
{
	struct dirent **found = NULL;
	int n = scandir(dir, &found, path_is_control, alphasort);
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char **more;

	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	more = realloc(out->path, (out->count + (size_t)n + 1) *
	    sizeof(*more));
	if (more != NULL)
		out->path = more;
	for (int i = 0; i < n; i++) {
		if (more != NULL && path_is_of(found[i]->d_name, kind) &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", dir,
		    found[i]->d_name) < sizeof(path) &&
		    !sockfile_bury(path, SOCK_STREAM) &&
		    (out->path[out->count] = strdup(path)) != NULL)
			out->count++;
		free(found[i]);
	}
	free(found);
	return more != NULL ? 0 : -ENOMEM;
}

int
ctl_paths(const char *kind, struct ctl_paths *out)
{
	const char *dir = ctl_rundir();
	int rc;

	*out = (struct ctl_paths){ NULL, 0 };
	rc = paths_add(dir, kind, out);
	/* A user's own, and those of the system. */
	if (rc == 0 && rundir_env("HVNET_RUN") == NULL &&
	    strcmp(dir, RUNDIR_SYSTEM) != 0)
		rc = paths_add(RUNDIR_SYSTEM, kind, out);
	return rc;
}

void
ctl_paths_free(struct ctl_paths *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->path[i]);
	free(p->path);
	*p = (struct ctl_paths){ NULL, 0 };
}
