/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command in a machine that has nothing of ours: by its serial console, as a
 * person would do it.  It answers a login, replaces the shell that it finds by
 * a plain one without prompt and echo, and types the command.
 *
 * What comes from a machine is not trusted: only its last bytes are kept, and
 * the exit code is bounded.
 */
#include "linux/vm/vm_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Policy: a console that is quiet for this long waits for us. */
#define CONSOLE_QUIET_MS	1000
/* Policy: an answer of a shell, and a power-off. */
#define CONSOLE_ANSWER_MS	3000
#define CONSOLE_OFF_MS		60000
/* Policy: bytes a line of a command, which a terminal's own editing takes. */
#define CONSOLE_LINE		200u

/* +i: no prompt, and no line editing, which sets the terminal as it likes. */
#define CONSOLE_SHELL	"exec env -i HOME=/root TERM=dumb " \
	"PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin " \
	"/bin/sh +i\n"

struct vm_console {
	int fd;
	bool ended;		/* QEMU has closed it */
	int64_t deadline;	/* for a shell, ms */
	char buf[4096];		/* the last bytes */
	size_t len;
};

static int64_t
console_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
console_type(struct vm_console *c, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void
console_say(struct vm_console *c, const char *text)
{
	console_type(c, text, strlen(text));
}

/* More of it; false: none in that time (ms; < 0: without end), or no more. */
static bool
console_read(struct vm_console *c, int ms)
{
	struct pollfd p = { c->fd, POLLIN, 0 };
	ssize_t n;

	/* Its older half goes, if it is full. */
	if (c->len >= sizeof(c->buf) - 1) {
		c->len = sizeof(c->buf) / 2;
		memmove(c->buf, c->buf + sizeof(c->buf) - 1 - c->len, c->len);
	}
	do {
		n = poll(&p, 1, ms);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	do {
		n = read(c->fd, c->buf + c->len, sizeof(c->buf) - 1 - c->len);
	} while (n < 0 && errno == EINTR);
	c->ended = n <= 0;
	if (!c->ended)
		c->len += (size_t)n;
	c->buf[c->len] = '\0';
	return !c->ended;
}

static bool
console_late(const struct vm_console *c)
{
	return c->ended || console_now() > c->deadline;
}

/* Whether the console's last words are these, and maybe a space. */
static bool
console_asks(const struct vm_console *c, const char *words)
{
	size_t len = c->len, n = strlen(words);

	while (len > 0 && c->buf[len - 1] == ' ')
		len--;
	return len >= n && memcmp(c->buf + len - n, words, n) == 0;
}

/* Answer what is asked on the way to a shell; whether that was asked. */
static bool
console_answer(struct vm_console *c, const char *words, const char *answer)
{
	if (!console_asks(c, words))
		return false;
	c->len = 0;
	console_say(c, answer);
	return true;
}

/*
 * Make the terminal quiet; whether the plain shell then answers and nothing
 * else comes.  While shells start, a slow machine forgets what is typed: the
 * one to be replaced may be there still, which echoes by itself.
 */
static bool
console_plain(struct vm_console *c)
{
	static const char ready[] = "ready\001";

	console_say(c, "stty -echo -opost\n");
	while (!console_late(c) && console_read(c, CONSOLE_QUIET_MS))
		c->len = 0;
	c->len = 0;
	console_say(c, "printf 'rea%s\\001' dy\n");
	while (memchr(c->buf, 1, c->len) == NULL)
		if (console_late(c) || !console_read(c, CONSOLE_ANSWER_MS))
			return false;
	return c->len == strlen(ready) && memcmp(c->buf, ready, c->len) == 0;
}

/* To a plain shell of root's; false: t->bad is why not, or it has ended. */
static bool
console_shell(struct vm_console *c, struct vm_task *t, uint32_t seconds)
{
	bool found = false, asked = false;

	while (!console_late(c)) {
		if (console_read(c, CONSOLE_QUIET_MS))
			continue;
		if (asked && console_asks(c, "assword:")) {
			snprintf(t->bad, sizeof(t->bad), "--run: the image "
			    "wants root's password on its console; want one "
			    "where root has none");
			return false;
		}
		/* The first may be about what a login took for a name. */
		if (console_answer(c, "assword:", "\n")) {
			asked = true;
			continue;
		}
		if (console_answer(c, "login:", "root\n") ||
		    console_answer(c, "RETURN for /bin/sh:", "\n"))
			continue;
		found = found || console_asks(c, "#") || console_asks(c, "%");
		if (!found)
			continue;
		c->len = 0;
		console_say(c, CONSOLE_SHELL);
		if (console_plain(c))
			return true;
	}
	if (!c->ended)
		snprintf(t->bad, sizeof(t->bad), "--run: no root shell on the "
		    "image's serial console within %u s (--shell-wait); the "
		    "lines above are its last", seconds);
	return false;
}

/* The end of a piece: whether the shell has taken it. */
static bool
console_taken(struct vm_console *c)
{
	c->len = 0;
	console_say(c, "'; printf '\\001'\n");
	while (memchr(c->buf, 1, c->len) == NULL)
		if (!console_read(c, CONSOLE_OFF_MS))
			return false;
	c->len = 0;
	return true;
}

/*
 * Type the command into the shell's variable C, piece by piece: a terminal
 * takes little ahead.
 */
static bool
console_command(struct vm_console *c, const char *command)
{
	size_t used = 0;

	console_say(c, "C='");
	for (; *command != '\0'; command++) {
		if (*command == '\'')
			console_say(c, "'\\''");
		else
			console_type(c, command, 1);
		used += *command == '\'' ? 4 : 1;
		if (used < CONSOLE_LINE)
			continue;
		if (!console_taken(c))
			return false;
		console_say(c, "C=\"$C\"'");
		used = 0;
	}
	return console_taken(c);
}

/* Copy the command's output until its mark and exit code. */
static void
console_output(struct vm_console *c, struct vm_task *t, const char *mark)
{
	size_t n = strlen(mark), keep;
	char *at;

	for (;;) {
		at = memmem(c->buf, c->len, mark, n);
		if (at != NULL && memchr(at, '\n', c->len -
		    (size_t)(at - c->buf)) != NULL)
			break;
		keep = at != NULL ? c->len - (size_t)(at - c->buf) :
		    c->len < n - 1 ? c->len : n - 1;
		if (!vm_write(STDOUT_FILENO, c->buf, c->len - keep))
			return;
		memmove(c->buf, c->buf + c->len - keep, keep);
		c->len = keep;
		if (!console_read(c, -1))
			return;
	}
	if (!vm_write(STDOUT_FILENO, c->buf, (size_t)(at - c->buf)))
		return;
	t->code = atoi(at + n) & 255;
	t->ended = true;
}

static void
console_talk(struct vm_console *c, struct vm_task *t, const char *command,
    uint32_t seconds)
{
	char mark[40], line[200];
	int64_t off;

	c->deadline = console_now() + (int64_t)seconds * 1000;
	if (!console_shell(c, t, seconds))
		return;
	c->len = 0;
	snprintf(mark, sizeof(mark), "\001hvnet-%d-%llx:", (int)getpid(),
	    (unsigned long long)console_now());
	/* The kernel's own lines leave the console: FreeBSD, Linux. */
	console_say(c, "sysctl kern.consmute=1 >/dev/null 2>&1 || "
	    "dmesg -n 1 >/dev/null 2>&1\n");
	if (!console_command(c, command)) {
		if (!c->ended)
			snprintf(t->bad, sizeof(t->bad), "--run: the shell on "
			    "the image's console no longer answers");
		return;
	}
	snprintf(line, sizeof(line), "cd; /bin/sh -c \"$C\" </dev/null 2>&1; "
	    "printf '\\001%s%%d\\n' $?\n", mark + 1);
	t->started = true;
	console_say(c, line);
	console_output(c, t, mark);
	if (!t->ended)
		return;
	console_say(c, "{ shutdown -p now || poweroff || exit; } "
	    ">/dev/null 2>&1\n");
	off = console_now() + CONSOLE_OFF_MS;
	while (!c->ended && console_now() < off) {
		c->len = 0;
		console_read(c, CONSOLE_QUIET_MS);
	}
}

int
vm_console_run(struct vm_config *cfg, const char *qemu, const char *command,
    uint32_t seconds, struct vm_task *t, char *err, size_t err_cap)
{
	struct vm_console c = { .fd = -1 };
	char **args;
	int ends[2], rc;
	pid_t pid;

	*t = (struct vm_task){ 0 };
	rc = vm_wait_socket(cfg->connect, cfg->wait_s, err, err_cap);
	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		snprintf(err, err_cap, "socketpair: %s", strerror(errno));
		return -EMFILE;
	}
	c.fd = ends[0];
	fcntl(ends[1], F_SETFD, 0);
	cfg->console_fd = ends[1];
	args = vm_args_make(cfg, qemu);
	snprintf(err, err_cap, "out of memory, or too many options for QEMU");
	pid = args == NULL ? -ENOMEM : vm_spawn(args, -1, true, err, err_cap);
	vm_args_free(args);
	close(ends[1]);
	rc = pid < 0 ? pid : 0;
	if (pid > 0) {
		console_talk(&c, t, command, seconds);
		if (!c.ended)
			kill(pid, SIGTERM);
		rc = vm_reap(pid);
	}
	close(c.fd);
	return rc;
}
