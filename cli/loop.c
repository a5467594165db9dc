/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main thread of a process that serves until it is told to end.
 *
 * SIGINT and SIGTERM arrive as events, so that the detach that follows runs in
 * ordinary context.  After the first one they have their default action again:
 * a detach that hangs can be killed from the keyboard.  SIGHUP (but not under
 * nohup), SIGUSR1 and SIGUSR2 end it the same way unless a command gives them a
 * meaning (loop_on()).
 */
#include "cli/loop.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/span.h"

static const int loop_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1,
	SIGUSR2 };

struct loop {
	struct event_base *base;
	struct event *sig[ARRAY_LEN(loop_signals)];
	struct {
		void (*fn)(void *ctx);	/* NULL: it ends */
		void *ctx;
	} on[ARRAY_LEN(loop_signals)];
	struct event *timer;
	int (*tick)(void *);
	void *ctx;
	int result;
};

static void
loop_on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct loop *l = arg;

	for (size_t i = 0; i < ARRAY_LEN(loop_signals); i++)
		if (loop_signals[i] == sig && l->on[i].fn != NULL) {
			l->on[i].fn(l->on[i].ctx);
			return;
		}
	event_base_loopbreak(l->base);
}

static int
loop_watch(struct loop *l, size_t i)
{
	l->sig[i] = evsignal_new(l->base, loop_signals[i], loop_on_signal, l);
	return l->sig[i] != NULL && event_add(l->sig[i], NULL) == 0 ? 0 : -1;
}

static void
loop_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	l->result = l->tick(l->ctx);
	if (l->result != 0)
		event_base_loopbreak(l->base);
}

/* Under nohup it stays so. */
static bool
loop_hup_ignored(void)
{
	struct sigaction sa;

	return sigaction(SIGHUP, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

struct loop *
loop_create(void)
{
	struct loop *l = calloc(1, sizeof(*l));
	bool ok;

	if (l == NULL)
		return NULL;
	l->base = event_base_new();
	ok = l->base != NULL;
	for (size_t i = 0; ok && i < ARRAY_LEN(loop_signals); i++) {
		if (loop_signals[i] == SIGHUP && loop_hup_ignored())
			continue;
		ok = loop_watch(l, i) == 0;
	}
	if (!ok) {
		loop_destroy(l);
		return NULL;
	}
	return l;
}

int
loop_on(struct loop *l, int sig, void (*fn)(void *ctx), void *ctx)
{
	for (size_t i = 0; i < ARRAY_LEN(loop_signals); i++) {
		if (loop_signals[i] != sig)
			continue;
		l->on[i].fn = fn;
		l->on[i].ctx = ctx;
		return l->sig[i] != NULL ? 0 : loop_watch(l, i);
	}
	return -1;
}

void
loop_signals_release(struct loop *l)
{
	for (size_t i = 0; i < ARRAY_LEN(loop_signals); i++) {
		if (l->sig[i] != NULL)
			event_free(l->sig[i]);
		l->sig[i] = NULL;
	}
}

void
loop_destroy(struct loop *l)
{
	loop_signals_release(l);
	if (l->base != NULL)
		event_base_free(l->base);
	free(l);
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}

int
loop_run(struct loop *l, int (*tick)(void *), void *ctx, unsigned int ms)
{
	const struct timeval every = { ms / 1000, ms % 1000 * 1000 };

	l->tick = tick;
	l->ctx = ctx;
	if (tick != NULL) {
		l->timer = event_new(l->base, -1, EV_PERSIST, loop_on_timer,
		    l);
		if (l->timer == NULL)
			return -1;
		event_add(l->timer, &every);
	}
	event_base_dispatch(l->base);
	if (l->timer != NULL)
		event_free(l->timer);
	l->timer = NULL;
	return l->result;
}
