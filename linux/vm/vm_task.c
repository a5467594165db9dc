/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command in a machine.
 *
 * Its standard output and error are two serial ports, each a socket here; a
 * third one tells how it went, a line each: "start", "exit N", "bad TEXT"
 * (scripts/guest/task.sh).  The console is a file.  What comes from a machine
 * is not trusted: lines are cut, numbers bounded, texts made printable.
 */
#include "linux/vm/vm_priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT_OUT, PORT_ERR, PORT_TOLD };

struct vm_pump {
	struct vm_task *task;
	struct pollfd fd[VM_PORTS];
	char line[256];		/* what was told, so far */
	size_t len;
};

bool
vm_write(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static void
vm_told_line(struct vm_task *t, const char *line)
{
	char *end;
	long n;

	if (strcmp(line, "start") == 0) {
		t->started = true;
	} else if (strncmp(line, "bad ", 4) == 0 && t->bad[0] == '\0') {
		snprintf(t->bad, sizeof(t->bad), "%s", line + 4);
		for (char *c = t->bad; *c != '\0'; c++)
			if (!isprint((unsigned char)*c))
				*c = '?';
	} else if (strncmp(line, "exit ", 5) == 0) {
		n = strtol(line + 5, &end, 10);
		t->ended = *end == '\0' && n >= 0 && n <= 255;
		t->code = t->ended ? (int)n : 0;
	}
}

static void
vm_told(struct vm_pump *p, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n') {
			p->line[p->len] = '\0';
			vm_told_line(p->task, p->line);
			p->len = 0;
		} else if (p->len + 1 < sizeof(p->line)) {
			p->line[p->len++] = text[i];
		}
	}
}

/* Until QEMU has closed all ports; false: our output takes no more. */
static bool
vm_pump(struct vm_pump *p)
{
	char buf[16384];
	unsigned open = VM_PORTS;
	ssize_t n;

	while (open > 0) {
		if (poll(p->fd, VM_PORTS, -1) < 0)
			continue;
		for (unsigned i = 0; i < VM_PORTS; i++) {
			if (p->fd[i].revents == 0)
				continue;
			n = read(p->fd[i].fd, buf, sizeof(buf));
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0) {
				p->fd[i].fd = -1 - p->fd[i].fd;
				p->fd[i].revents = 0;
				open--;
			} else if (i == PORT_TOLD) {
				vm_told(p, buf, (size_t)n);
			} else if (!vm_write(i == PORT_OUT ? STDOUT_FILENO :
			    STDERR_FILENO, buf, (size_t)n)) {
				return false;
			}
		}
	}
	return true;
}

/* A socket for each port; QEMU gets the other ends, which are in cfg. */
static int
vm_ports_open(struct vm_config *cfg, struct vm_pump *p)
{
	int ends[2];

	for (unsigned i = 0; i < VM_PORTS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
		    ends) < 0)
			return -errno;
		p->fd[i] = (struct pollfd){ ends[0], POLLIN, 0 };
		cfg->port[i] = ends[1];
		fcntl(ends[1], F_SETFD, 0);
	}
	return 0;
}

int
vm_task_run(struct vm_config *cfg, const char *qemu, struct vm_task *t,
    char *err, size_t err_cap)
{
	struct vm_pump p = { .task = t };
	int ours[VM_PORTS];
	char **args;
	pid_t pid;
	int rc;

	*t = (struct vm_task){ 0 };
	rc = vm_wait_socket(cfg->connect, cfg->wait_s, err, err_cap);
	if (rc < 0)
		return rc;
	rc = vm_ports_open(cfg, &p);
	if (rc < 0) {
		snprintf(err, err_cap, "socketpair: %s", strerror(-rc));
		return rc;
	}
	args = vm_args_make(cfg, qemu);
	snprintf(err, err_cap, "out of memory, or too many options for QEMU");
	pid = args == NULL ? -ENOMEM : vm_spawn(args, -1, true, err, err_cap);
	vm_args_free(args);
	for (unsigned i = 0; i < VM_PORTS; i++) {
		ours[i] = p.fd[i].fd;
		close(cfg->port[i]);
	}
	rc = pid < 0 ? pid : 0;
	if (pid > 0) {
		if (!vm_pump(&p))
			kill(pid, SIGTERM);
		rc = vm_reap(pid);
	}
	for (unsigned i = 0; i < VM_PORTS; i++)
		close(ours[i]);
	return rc;
}
