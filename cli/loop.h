/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main thread of a process that serves until it is told to end.
 */
#ifndef CLI_LOOP_H
#define CLI_LOOP_H

#include <event2/event.h>

struct loop;

/*
 * An event base that SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 end.  NULL:
 * out of memory.
 */
struct loop *loop_create(void);
/*
 * One of these signals shall not end it: fn is called instead, also where it
 * was ignored.  0, or -1: out of memory.
 */
int loop_on(struct loop *, int sig, void (*fn)(void *ctx), void *ctx);
void loop_destroy(struct loop *);
struct event_base *loop_base(struct loop *);
/*
 * Run until a signal, or until tick, called every `ms` milliseconds, returns
 * something other than 0.  tick may be NULL.  Returns 0 or what tick returned.
 */
int loop_run(struct loop *, int (*tick)(void *ctx), void *ctx,
    unsigned int ms);
/* After loop_run(): a second Ctrl-C kills. */
void loop_signals_release(struct loop *);

#endif
