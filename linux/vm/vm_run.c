/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Children: QEMU, a host end of its own, and how long they live.
 */
#include "linux/vm/vm_priv.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/span.h"

static volatile sig_atomic_t vm_child;

/* What ends QEMU: it would die of SIGUSR1 or 2 with its socket left behind. */
static const int vm_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };

static void
vm_signal(int number)
{
	if (vm_child > 0)
		kill((pid_t)vm_child, number == SIGINT ? SIGINT : SIGTERM);
}

/* But under nohup SIGHUP stays ignored, by QEMU too. */
static void
vm_signals_set(const struct sigaction *to)
{
	struct sigaction was;

	for (size_t i = 0; i < ARRAY_LEN(vm_signals); i++) {
		sigaction(vm_signals[i], NULL, &was);
		if (was.sa_handler != SIG_IGN || vm_signals[i] != SIGHUP)
			sigaction(vm_signals[i], to, NULL);
	}
}

int
vm_wait_socket(const char *path, uint32_t seconds, char *err, size_t err_cap)
{
	const struct timespec tick = { 0, 100000000 };
	struct stat st;

	for (uint32_t i = 0; stat(path, &st) < 0; i++) {
		if (i >= 10 * seconds) {
			snprintf(err, err_cap, "no host at %s: start `hvnet "
			    "host --listen %s` first", path, path);
			return -ENOENT;
		}
		nanosleep(&tick, NULL);
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, err_cap, "%s is not a socket", path);
		return -ENOTSOCK;
	}
	return 0;
}

static void __attribute__((noreturn))
vm_exec(char *const *argv, int out, pid_t parent, const sigset_t *mask)
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };

	/* A child does not outlive us. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(126);
	vm_signals_set(&normal);
	signal(SIGXFSZ, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (out >= 0) {
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
	}
	execv(argv[0], argv);
	_exit(127);
}

pid_t
vm_spawn(char *const *argv, int out, bool hand_on, char *err, size_t err_cap)
{
	const struct sigaction handler = { .sa_handler = vm_signal };
	pid_t self = getpid(), pid;
	sigset_t all, before;

	/* A signal that comes now waits until we know whom to hand it to. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (hand_on)
		vm_signals_set(&handler);
	pid = fork();
	if (pid == 0)
		vm_exec(argv, out, self, &before);
	if (pid < 0) {
		snprintf(err, err_cap, "fork: %s", strerror(errno));
		pid = -EAGAIN;
	}
	if (hand_on)
		vm_child = pid;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int
vm_reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (vm_child == pid)
		vm_child = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

int
vm_run(const struct vm_config *cfg, char **args, char *err, size_t err_cap)
{
	int rc = vm_wait_socket(cfg->connect, cfg->wait_s, err, err_cap);
	pid_t pid;

	if (rc < 0)
		return rc;
	pid = vm_spawn(args, -1, true, err, err_cap);
	return pid < 0 ? pid : vm_reap(pid);
}
