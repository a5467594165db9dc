/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subcommands that are Python scripts.
 *
 * A script is looked for in the folder that its variable names, then where
 * `make install` put it (../lib/hvnet beside this executable's folder), then in
 * the source tree.
 */
#include "cli/script.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define SCRIPT_WORDS	64	/* of a command line */

/* False: there is none, path is the last tried. */
static bool
script_find(const struct script *s, const char *name, const char *exe,
    char *path, size_t cap)
{
	const char *dir = getenv(s->env);
	const char *slash = strrchr(exe, '/');

	if (dir != NULL && dir[0] != '\0') {
		snprintf(path, cap, "%s/%s.py", dir, name);
		return access(path, R_OK) == 0;
	}
	snprintf(path, cap, "%.*s/../lib/hvnet/%s/%s.py", (int)(slash - exe),
	    exe, s->folder, name);
	if (access(path, R_OK) == 0)
		return true;
	snprintf(path, cap, "%s/%s.py", s->source, name);
	return access(path, R_OK) == 0;
}

int
script_become(const struct script *s, const char *name, int argc, char **argv)
{
	char exe[512], path[600], *args[SCRIPT_WORDS + 5];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	int n = 0;

	if (argc > SCRIPT_WORDS)
		cli_usage("%d arguments are too many: %d at most", argc,
		    SCRIPT_WORDS);
	if (len < 0)
		return cli_fail(CLI_FAILED, "/proc/self/exe: %s",
		    strerror(errno));
	exe[len] = '\0';
	if (!script_find(s, name, exe, path, sizeof(path)))
		return cli_fail(CLI_FAILED, "no %s: it is in the folder %s of "
		    "the source tree; %s names that folder", path, s->source,
		    s->env);
	args[n++] = (char *)"python3";
	args[n++] = path;
	args[n++] = (char *)"--hvnet";
	args[n++] = exe;
	for (int i = 0; i < argc; i++)
		args[n++] = argv[i];
	args[n] = NULL;
	execvp(args[0], args);
	return cli_fail(CLI_FAILED, "python3: %s", strerror(errno));
}
