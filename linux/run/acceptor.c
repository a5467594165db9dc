/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accepting clients.
 *
 * If we lack a descriptor or memory to accept a client, it stays in the
 * socket's queue and would wake us without end; so we stop accepting for a
 * while.  We do the same if clients come too fast: each costs us more than it
 * costs the client.  Other errors mean that the client left before we came.
 */
#include "linux/run/acceptor.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "linux/run/clock.h"
#include "linux/run/rate.h"

/* Policy: pause after an accept() that found no descriptor or memory. */
#define ACCEPTOR_PAUSE_US	100000
/* Policy: clients a second, at once, and the pause where there are more. */
#define ACCEPTOR_RATE		400u
#define ACCEPTOR_BURST		256u
#define ACCEPTOR_RATE_US	20000

struct acceptor {
	acceptor_client *on_client;
	acceptor_starved *starved;
	void *ctx;
	struct event *client;	/* somebody waits; not while we pause */
	struct event *again;	/* ends a pause */
	struct rate rate;
};

static void
acceptor_on_again(evutil_socket_t sock, short what, void *arg)
{
	struct acceptor *a = arg;

	event_add(a->client, NULL);
}

static void
acceptor_pause(struct acceptor *a, suseconds_t us)
{
	const struct timeval pause = { 0, us };

	event_del(a->client);
	event_add(a->again, &pause);
}

static void
acceptor_on_client(evutil_socket_t sock, short what, void *arg)
{
	struct acceptor *a = arg;
	int fd;

	if (!rate_take(&a->rate, clock_now_ns())) {
		acceptor_pause(a, ACCEPTOR_RATE_US);
		return;
	}
	fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		a->on_client(a->ctx, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM) {
		a->starved(a->ctx, errno);
		acceptor_pause(a, ACCEPTOR_PAUSE_US);
	}
}

struct acceptor *
acceptor_create(struct event_base *base, int sock, acceptor_client *on_client,
    acceptor_starved *starved, void *ctx)
{
	struct acceptor *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	*a = (struct acceptor){ .on_client = on_client, .starved = starved,
		.ctx = ctx, .rate = rate_of(ACCEPTOR_RATE, ACCEPTOR_BURST,
		    clock_now_ns()) };
	a->client = event_new(base, sock, EV_READ | EV_PERSIST,
	    acceptor_on_client, a);
	a->again = evtimer_new(base, acceptor_on_again, a);
	if (a->client == NULL || a->again == NULL) {
		acceptor_free(a);
		return NULL;
	}
	event_add(a->client, NULL);
	return a;
}

void
acceptor_free(struct acceptor *a)
{
	if (a == NULL)
		return;
	if (a->client != NULL)
		event_free(a->client);
	if (a->again != NULL)
		event_free(a->again);
	free(a);
}
