/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program that we start, and its end.
 *
 * Its pidfd tells that it has ended.  Its status is read then, but it is reaped
 * last of all, when nothing else is left to do, and with the lowest of ordinary
 * priorities.  For to reap is to have the kernel forget what was looked up
 * under /proc/PID, and while somebody else is in the middle of that, wait4()
 * does not sleep but turns in circles (Linux 6.18: shrink_dcache_parent()).
 * That somebody is a thread of the program on its way out (a DPDK program has
 * half a dozen), which ends while we close channels and give memory back; or a
 * process that looks at /proc, as ps does.  If its priority is lower than ours
 * it is we who keep it from its processor: 28 and 52 s were seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/uio/uio_priv.h"

int
uio_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/*
 * Block until it has ended; its status, in wait()'s form.  It stays a zombie.
 */
static void
child_wait(struct uio *u)
{
	siginfo_t si = { 0 };

	while (waitid(P_PID, (id_t)u->child, &si, WEXITED | WNOWAIT) < 0 &&
	    errno == EINTR)
		;
	u->child_ended = true;
	u->status = si.si_code == CLD_EXITED ? (si.si_status & 0xff) << 8 :
	    si.si_status & 0x7f;
}

static void
child_on_end(evutil_socket_t fd, short what, void *arg)
{
	struct uio *u = arg;

	event_del(u->child_event);
	child_wait(u);
	uio_over(u, UIO_EXITED, "%s", u->counters.attaches > 0 ? "" :
	    "the program ended without opening the NIC: it must be a DPDK "
	    "program with the netvsc driver (librte_net_netvsc), and a "
	    "primary process");
}

static void
child_exec(const struct uio *u, int report)
{
	sigset_t none;
	int e;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	/* The PMD would spin for ever without us. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(u->cfg.argv[0], u->cfg.argv);
	e = errno;
	if (write(report, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

int
uio_child_start(struct uio *u)
{
	int report[2], e = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	/* Ignored, as we may have got it, there would be no status. */
	signal(SIGCHLD, SIG_DFL);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child_exec(u, report[1]);
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		return -errno;
	}
	if (read(report[0], &e, sizeof(e)) != (ssize_t)sizeof(e))
		e = 0;
	close(report[0]);
	if (e != 0) {
		waitpid(pid, NULL, 0);
		return -e;
	}
	u->child = pid;
	u->child_fd = uio_pidfd(pid);
	u->child_event = event_new(u->base, u->child_fd, EV_READ | EV_PERSIST,
	    child_on_end, u);
	if (u->child_fd < 0 || u->child_event == NULL)
		return -ENOMEM;
	event_add(u->child_event, NULL);
	return 0;
}

void
uio_signal(struct uio *u, int sig)
{
	if (u->child > 0 && !u->child_ended)
		kill(u->child, sig);
	else
		uio_over(u, UIO_FAILED, "stopped before the program began");
}

void
uio_child_end(struct uio *u)
{
	if (u->child > 0 && !u->child_ended) {
		kill(u->child, SIGKILL);
		child_wait(u);
	}
	if (u->child_event != NULL)
		event_free(u->child_event);
	u->child_event = NULL;
	if (u->child_fd >= 0)
		close(u->child_fd);
	u->child_fd = -1;
}

void
uio_child_reap(struct uio *u)
{
	if (u->child > 0) {
		setpriority(PRIO_PROCESS, 0, 19);
		waitpid(u->child, NULL, 0);
	}
	u->child = 0;
}
