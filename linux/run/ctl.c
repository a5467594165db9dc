/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control sockets, the serving side.
 *
 * A client is a bufferevent that collects one request until its end of file,
 * gets one answer, and is freed when that is written or when it takes longer
 * than CTL_SECONDS: a client that stalls holds a little memory for a while and
 * nothing else.
 */
#include "linux/run/ctl.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/run/acceptor.h"
#include "linux/run/clock.h"
#include "linux/run/ctl_path.h"
#include "linux/run/sockfile.h"
#include "linux/run/text.h"

/* Policy: log once a minute that clients wait for a descriptor. */
#define CTL_SAY_NS	60000000000ull
/* Names tried where processes of other PID namespaces have our pid. */
#define CTL_NAMES	64u

struct ctl_client {
	struct ctl_server *server;
	struct bufferevent *bev;
	struct ctl_client *next;
	struct ctl_client **prev;
	int answered;
	bool may_change;	/* it is ours, or root's */
};

struct ctl_server {
	struct event_base *base;
	ctl_handler *handler;
	void *ctx;
	struct sockfile file;
	struct acceptor *acceptor;
	uint64_t said_ns;		/* that clients wait; 0: never */
	struct ctl_client *clients;
	unsigned int count;
	uint64_t start_ns;
};

static const char *about_version = "", *about_commit = "";

void
ctl_about(const char *version, const char *commit)
{
	about_version = version;
	about_commit = commit;
}

json_t *
ctl_error(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return json_pack("{s:b, s:o}", "ok", 0, "error", text_json(text));
}

static void
ctl_client_free(struct ctl_client *c)
{
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	c->server->count--;
	bufferevent_free(c->bev);
	free(c);
}

/* The answer to a client that may only read; NULL: it may have this. */
static json_t *
ctl_refuse(const struct ctl_client *c, const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));

	if (c->may_change || cmd == NULL || strcmp(cmd, "stat") == 0 ||
	    strcmp(cmd, "describe") == 0)
		return NULL;
	return ctl_error("only the user of this process and root may do that; "
	    "its group may read statistics");
}

static json_t *
ctl_handle(const struct ctl_client *c, const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	json_t *answer = ctl_refuse(c, request), *about;

	if (answer != NULL)
		return answer;
	answer = c->server->handler(c->server->ctx, request);
	if (cmd == NULL || strcmp(cmd, "stat") != 0)
		return answer;
	about = json_pack("{s:i,s:s,s:s,s:f}", "schema", CTL_SCHEMA,
	    "version", about_version, "commit", about_commit,
	    "uptime_seconds", (double)((clock_now_ns() -
	    c->server->start_ns) / 1000000) / 1000);
	json_object_update(answer, about);
	json_decref(about);
	return answer;
}

static void
ctl_answer(struct ctl_client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(in);
	json_error_t jerr;
	json_t *request = json_loadb((const char *)evbuffer_pullup(in, -1),
	    len, 0, &jerr);
	json_t *answer = json_is_object(request) ?
	    ctl_handle(c, request) :
	    ctl_error("not a JSON object: %s", jerr.text);
	char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;

	c->answered = 1;
	evbuffer_drain(in, len);
	bufferevent_disable(c->bev, EV_READ);
	bufferevent_write(c->bev, text != NULL ? text : "{\"ok\":false}",
	    text != NULL ? strlen(text) : 12);
	free(text);
	json_decref(answer);
	json_decref(request);
}

static void
ctl_on_event(struct bufferevent *bev, short what, void *arg)
{
	struct ctl_client *c = arg;

	if ((what & BEV_EVENT_EOF) != 0 && !c->answered &&
	    evbuffer_get_length(bufferevent_get_input(bev)) > 0)
		ctl_answer(c);
	else
		ctl_client_free(c);
}

static void
ctl_on_read(struct bufferevent *bev, void *arg)
{
	if (evbuffer_get_length(bufferevent_get_input(bev)) > CTL_MAX_REQUEST)
		ctl_client_free(arg);
}

static void
ctl_on_written(struct bufferevent *bev, void *arg)
{
	struct ctl_client *c = arg;

	if (c->answered)
		ctl_client_free(c);
}

static void
ctl_on_starved(void *ctx, int error)
{
	struct ctl_server *s = ctx;
	uint64_t now = clock_now_ns();

	if (s->said_ns != 0 && now - s->said_ns < CTL_SAY_NS)
		return;
	fprintf(stderr, "hvnet: control socket %s: clients wait: %s\n",
	    s->file.path, strerror(error));
	s->said_ns = now;
}

static void
ctl_on_client(void *ctx, int fd)
{
	const struct timeval limit = { CTL_SECONDS, 0 };
	struct ctl_server *s = ctx;
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	struct ctl_client *c;

	c = s->count < CTL_MAX_CLIENTS ? calloc(1, sizeof(*c)) : NULL;
	if (c == NULL) {
		close(fd);
		return;
	}
	c->server = s;
	c->may_change = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer,
	    &len) == 0 && (peer.uid == 0 || peer.uid == geteuid());
	c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL) {
		close(fd);
		free(c);
		return;
	}
	c->next = s->clients;
	c->prev = &s->clients;
	if (c->next != NULL)
		c->next->prev = &c->next;
	s->clients = c;
	s->count++;
	bufferevent_setcb(c->bev, ctl_on_read, ctl_on_written, ctl_on_event, c);
	bufferevent_set_timeouts(c->bev, &limit, &limit);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* Listen under the first name that nobody else has. */
static int
ctl_listen(struct ctl_server *s, const char *kind, const char *name,
    gid_t group, char *err, size_t cap)
{
	char path[sizeof(s->file.path)];
	int rc = -EADDRINUSE;

	for (unsigned int k = 0; k < CTL_NAMES && rc == -EADDRINUSE; k++) {
		rc = ctl_path_make(path, sizeof(path), kind, name, k, err,
		    cap);
		if (rc < 0)
			return rc;
		rc = sockfile_open(&s->file, path, SOCK_STREAM, group);
	}
	if (rc < 0)
		snprintf(err, cap, "control socket %s: %s (HVNET_RUN=FOLDER "
		    "chooses another place)", path, strerror(-rc));
	return rc;
}

struct ctl_server *
ctl_server_create(struct event_base *base, const char *kind, const char *name,
    gid_t group, ctl_handler *handler, void *ctx, char *err, size_t cap)
{
	struct ctl_server *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		snprintf(err, cap, "out of memory");
		return NULL;
	}
	*s = (struct ctl_server){ .base = base, .handler = handler,
		.ctx = ctx, .file = SOCKFILE_CLOSED,
		.start_ns = clock_now_ns() };
	if (ctl_listen(s, kind, name, group, err, cap) < 0)
		goto fail;
	s->acceptor = acceptor_create(base, s->file.sock, ctl_on_client,
	    ctl_on_starved, s);
	if (s->acceptor != NULL)
		return s;
	snprintf(err, cap, "out of memory");
	sockfile_close(&s->file);
fail:
	free(s);
	return NULL;
}

void
ctl_server_destroy(struct ctl_server *s)
{
	if (s == NULL)
		return;
	while (s->clients != NULL)
		ctl_client_free(s->clients);
	acceptor_free(s->acceptor);
	sockfile_close(&s->file);
	free(s);
}
