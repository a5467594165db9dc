/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where QEMU is.  scripts/qemu-build.sh knows: it looks into the user's cache
 * for one built from the very inputs of this program's tree, and builds it
 * otherwise.  The script lies in the source tree or, installed, below
 * share/hvnet, with qemu/ and link_wire.h beside it.
 */
#include "linux/vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/span.h"

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

/* The script's last line on standard output, without its newline. */
static int
vm_qemu_ask(const char *script, char *line, size_t cap)
{
	int pipes[2], status;
	char got[4096];
	pid_t pid;
	FILE *f;

	if (pipe(pipes) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execl(script, script, (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	f = pid < 0 ? NULL : fdopen(pipes[0], "r");
	if (f == NULL) {
		close(pipes[0]);
		return -EAGAIN;
	}
	line[0] = '\0';
	while (fgets(got, sizeof(got), f) != NULL) {
		got[strcspn(got, "\n")] = '\0';
		snprintf(line, cap, "%s", got);
	}
	fclose(f);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    line[0] != '\0' ? 0 : -ENOEXEC;
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
	static const char *const scripts[] = {
		HVNET_SOURCE "/scripts/qemu-build.sh",
		HVNET_SHARE "/scripts/qemu-build.sh",
	};
	const char *given = vm_qemu_given(cfg);
	char line[4096];

	if (given != NULL)
		return vm_qemu_set(path, cap, given, err, err_cap);
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		if (access(scripts[i], X_OK) < 0)
			continue;
		if (vm_qemu_ask(scripts[i], line, sizeof(line)) < 0) {
			snprintf(err, err_cap, "%s did not give a QEMU",
			    scripts[i]);
			return -ENOEXEC;
		}
		return vm_qemu_set(path, cap, line, err, err_cap);
	}
	snprintf(err, err_cap, "no QEMU: neither %s nor %s is there; name one "
	    "by --qemu", scripts[0], scripts[1]);
	return -ENOENT;
}
