/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clients of a listening socket, one call each, and a pause where there is
 * no descriptor or memory to take one.
 *
 * Context: the thread of the event base.
 */
#ifndef LINUX_RUN_ACCEPTOR_H
#define LINUX_RUN_ACCEPTOR_H

#include <event2/event.h>

struct acceptor;

/* A client; fd (non-blocking, close-on-exec) is the callee's to close. */
typedef void acceptor_client(void *ctx, int fd);
/*
 * Clients wait: accept() found no descriptor or memory, and error says which.
 * Called again at each further try, a short pause later.
 */
typedef void acceptor_starved(void *ctx, int error);

/*
 * Begin to accept.  Borrows sock, which listens and does not block, until
 * acceptor_free().  NULL: out of memory.
 */
struct acceptor *acceptor_create(struct event_base *base, int sock,
    acceptor_client *on_client, acceptor_starved *starved, void *ctx);
/* NULL is allowed. */
void acceptor_free(struct acceptor *);

#endif
