/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where QEMU is.  scripts/qemu-build.sh knows: it looks into the user's cache
 * for one built from the very inputs of this program's tree, and builds it
 * otherwise.
 */
#include "linux/vm/vm_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int
vm_qemu_set(char *path, size_t cap, const char *from, char *err,
    size_t err_cap)
{
	if (access(from, X_OK) < 0) {
		int code = errno;

		snprintf(err, err_cap, "%s: %s", from, strerror(code));
		return -code;
	}
	if ((size_t)snprintf(path, cap, "%s", from) >= cap) {
		snprintf(err, err_cap, "path of QEMU is too long");
		return -ENAMETOOLONG;
	}
	return 0;
}

const char *
vm_qemu_given(const struct vm_config *cfg)
{
	const char *env = getenv("HVNET_QEMU");

	if (cfg->qemu != NULL)
		return cfg->qemu;
	return env != NULL && env[0] != '\0' ? env : NULL;
}

bool
vm_qemu_has_device(const char *path)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execl(path, path, "-device", "hvnet,help", (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		return true;	/* who knows */
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return true;
	return !WIFEXITED(status) || WEXITSTATUS(status) == 0;
}

int
vm_qemu_find(const struct vm_config *cfg, char *path, size_t cap, char *err,
    size_t err_cap)
{
	const char *given = vm_qemu_given(cfg);
	char script[4096], text[4096];
	char *const argv[] = { script, NULL };
	char *line;

	if (given != NULL)
		return vm_qemu_set(path, cap, given, err, err_cap);
	if (vm_script_find("qemu-build.sh", script, sizeof(script)) < 0) {
		snprintf(err, err_cap, "no QEMU: qemu-build.sh is in none of "
		    "%s; name one by --qemu", vm_script_places());
		return -ENOENT;
	}
	if (vm_script_ask(argv, text, sizeof(text)) != 0) {
		snprintf(err, err_cap, "%s did not give a QEMU", script);
		return -ENOEXEC;
	}
	/* The last line is the path. */
	if (text[0] != '\0')
		text[strlen(text) - 1] = '\0';
	line = strrchr(text, '\n');
	return vm_qemu_set(path, cap, line != NULL ? line + 1 : text, err,
	    err_cap);
}
