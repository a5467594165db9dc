/*
 * Control sockets: how `hvnet stat` and `hvnet set` talk to a running host or
 * guest.
 *
 * Each process listens at RUNDIR/<kind>-<name>.<pid>.sock (mode 0600), where
 * RUNDIR is $HVNET_RUN or /run/hvnet.  A client sends one JSON object and shuts
 * its side; the answer is one JSON object, {"ok": true, ...} or
 * {"ok": false, "error": "a sentence"}.
 *
 * Context: the process's control thread.
 */
#ifndef LINUX_RUN_CTL_H
#define LINUX_RUN_CTL_H

#include <event2/event.h>
#include <jansson.h>

#define CTL_MAX_REQUEST	65536u	/* bytes */
#define CTL_MAX_CLIENTS	32u
#define CTL_SECONDS	5	/* for a client to say what it wants */

struct ctl_server;

/* Returns a new reference: the answer.  Borrows the request. */
typedef json_t *ctl_handler(void *ctx, const json_t *request);

/* NULL with a sentence in err.  A stale socket of a dead process is removed. */
struct ctl_server *ctl_server_create(struct event_base *base, const char *kind,
    const char *name, ctl_handler *handler, void *ctx, char *err,
    size_t err_cap);
void ctl_server_destroy(struct ctl_server *);

/* {"ok": false, "error": formatted}; a new reference. */
json_t *ctl_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- clients --- */

/* Paths of live control sockets, kind NULL for all; ctl_paths_free() frees. */
char **ctl_paths(const char *kind, size_t *count);
void ctl_paths_free(char **paths, size_t count);
/*
 * One request, blocking, 10 s at most.  The answer (a new reference), or NULL
 * with a sentence in err.
 */
json_t *ctl_call(const char *path, const json_t *request, char *err,
    size_t err_cap);

#endif
