/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control sockets, the asking side.
 *
 * Many processes are asked at once, each over its own socket that never
 * blocks, and poll() waits for all.  One that is stuck (stopped, a full queue
 * of clients) costs its own time limit and nobody else's answer.
 */
#include "linux/run/ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "linux/run/clock.h"
#include "linux/run/ctl_path.h"
#include "linux/run/sockfile.h"

/* Policy: how often a process whose queue of clients is full is tried again. */
#define CTL_AGAIN_MS	50
#define CTL_READ_BYTES	65536u

/* One process that is asked. */
struct ctl_question {
	const char *path;
	struct ctl_answer *answer;
	int sock;		/* -1: not connected yet */
	bool done;
	uint64_t end_ns;	/* unless it says more */
	char *text;		/* its answer so far */
	size_t len, cap;
};

static void
question_end(struct ctl_question *q)
{
	if (q->sock >= 0)
		close(q->sock);
	free(q->text);
	q->sock = -1;
	q->text = NULL;
	q->done = true;
}

static void
question_fail(struct ctl_question *q, const char *why)
{
	snprintf(q->answer->why, sizeof(q->answer->why), "%s: %s", q->path,
	    why);
	question_end(q);
}

/* Connect and send; its queue may be full, then nothing has happened. */
static void
question_put(struct ctl_question *q, const char *request, size_t len)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", q->path);
	q->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (q->sock < 0) {
		question_fail(q, strerror(errno));
	} else if (connect(q->sock, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int e = errno;

		if (e == EAGAIN) {
			close(q->sock);
			q->sock = -1;
		} else if (e == ECONNREFUSED || e == ENOENT) {
			question_end(q);
		} else {
			question_fail(q, e == EACCES ? "permission denied: "
			    "only its owner, root and its --ctl-group "
			    "may ask it" :
			    strerror(e));
		}
	} else if (send(q->sock, request, len, MSG_NOSIGNAL) !=
	    (ssize_t)len || shutdown(q->sock, SHUT_WR) < 0) {
		question_fail(q, "it ended, or takes no requests");
	}
}

/* All of it is there. */
static void
question_read_end(struct ctl_question *q)
{
	json_error_t jerr;

	if (q->len == 0) {
		question_fail(q, "it ended without an answer");
		return;
	}
	q->answer->json = json_loadb(q->text, q->len, 0, &jerr);
	if (q->answer->json == NULL)
		question_fail(q, "its answer is cut off, or not JSON");
	else
		question_end(q);
}

/* Take what there is; the wait begins again. */
static void
question_read(struct ctl_question *q, uint64_t end_ns)
{
	ssize_t n;

	do {
		if (q->cap - q->len < CTL_READ_BYTES) {
			size_t cap = 2 * q->cap + CTL_READ_BYTES;
			char *text = realloc(q->text, cap);

			if (text == NULL) {
				question_fail(q, "out of memory");
				return;
			}
			q->text = text;
			q->cap = cap;
		}
		n = recv(q->sock, q->text + q->len, q->cap - q->len, 0);
		if (n > 0) {
			q->len += (size_t)n;
			q->end_ns = end_ns;
		}
	} while (n > 0);
	if (n == 0 || errno == ECONNRESET)
		question_read_end(q);
}

/* Wait for those that are under way; how many they are. */
static size_t
questions_wait(struct ctl_question *q, struct pollfd *fds, size_t n)
{
	uint64_t now = clock_now_ns(), end = UINT64_MAX;
	size_t open = 0;
	bool again = false;
	int ms;

	for (size_t i = 0; i < n; i++) {
		fds[i] = (struct pollfd){ .fd = q[i].sock, .events = POLLIN };
		if (q[i].done)
			continue;
		open++;
		again = again || q[i].sock < 0;
		if (q[i].end_ns < end)
			end = q[i].end_ns;
	}
	if (open == 0)
		return 0;
	ms = end <= now ? 0 : (int)((end - now) / 1000000u) + 1;
	poll(fds, n, again && ms > CTL_AGAIN_MS ? CTL_AGAIN_MS : ms);
	return open;
}

static void
questions_run(struct ctl_question *q, struct pollfd *fds, size_t n,
    const char *request, unsigned int seconds)
{
	const uint64_t limit = seconds * 1000000000ull;
	char why[100];

	snprintf(why, sizeof(why), "no answer within %u s: the process is "
	    "stopped, stuck or very busy", seconds);
	do {
		uint64_t now = clock_now_ns();

		for (size_t i = 0; i < n; i++) {
			if (!q[i].done && q[i].sock < 0)
				question_put(&q[i], request, strlen(request));
			else if (!q[i].done && fds[i].revents != 0)
				question_read(&q[i], now + limit);
			if (!q[i].done && now >= q[i].end_ns)
				question_fail(&q[i], why);
		}
	} while (questions_wait(q, fds, n) > 0);
}

void
ctl_ask(char *const *paths, size_t n, const json_t *request,
    unsigned int seconds, struct ctl_answer *answers)
{
	struct ctl_question *q = calloc(n + 1, sizeof(*q));
	struct pollfd *fds = calloc(n + 1, sizeof(*fds));
	char *text = json_dumps(request, JSON_COMPACT);
	uint64_t end = clock_now_ns() + seconds * 1000000000ull;

	for (size_t i = 0; i < n; i++) {
		answers[i] = (struct ctl_answer){ .json = NULL };
		if (q == NULL || fds == NULL || text == NULL)
			snprintf(answers[i].why, sizeof(answers[i].why),
			    "%s: out of memory", paths[i]);
		else
			q[i] = (struct ctl_question){ .path = paths[i],
				.answer = &answers[i], .sock = -1,
				.end_ns = end };
	}
	if (q != NULL && fds != NULL && text != NULL)
		questions_run(q, fds, n, text, seconds);
	free(q);
	free(fds);
	free(text);
}

json_t *
ctl_call(const char *path, const json_t *request, char *err, size_t cap)
{
	char *const paths[1] = { (char *)(uintptr_t)path };
	struct ctl_answer a;

	ctl_ask(paths, 1, request, CTL_CALL_SECONDS, &a);
	if (a.json == NULL && a.why[0] != '\0')
		snprintf(err, cap, "%s", a.why);
	else if (a.json == NULL)
		snprintf(err, cap, "%s: the process has ended", path);
	return a.json;
}
