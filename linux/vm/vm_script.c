/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scripts that build what a machine is made of.  They lie in the source
 * tree or, installed, below share/hvnet, with what they need beside them.
 */
#include "linux/vm/vm_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/span.h"

int
vm_script_find(const char *name, char *path, size_t cap)
{
	static const char *const folders[] = {
		HVNET_SOURCE "/scripts", HVNET_SHARE "/scripts",
	};

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		snprintf(path, cap, "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

const char *
vm_script_places(void)
{
	return HVNET_SOURCE "/scripts and " HVNET_SHARE "/scripts";
}

int
vm_script_ask(char *const *argv, char *text, size_t cap)
{
	size_t used = 0;
	int pipes[2], status;
	ssize_t n = 0;
	pid_t pid;

	if (pipe(pipes) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		execv(argv[0], argv);
		_exit(127);
	}
	close(pipes[1]);
	while (pid > 0 && used + 1 < cap) {
		n = read(pipes[0], text + used, cap - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
	close(pipes[0]);
	if (pid < 0)
		return -EAGAIN;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ENOEXEC;
}
