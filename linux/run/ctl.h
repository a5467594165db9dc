/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control sockets: how `hvnet stat` and `hvnet set` talk to a running host or
 * guest.
 *
 * Each process listens at RUNDIR/<kind>-<name>.<pid>.sock, where RUNDIR is
 * $HVNET_RUN, for a user who is not root $XDG_RUNTIME_DIR/hvnet, else
 * /run/hvnet; -2, -3 follow the pid where the name is taken.  The mode is 0600,
 * or with a group 0660; who is neither its user nor root may only read (stat
 * and describe).  A client sends one JSON object and shuts
 * its side; the answer is one JSON object, {"ok": true, ...} or
 * {"ok": false, "error": "a sentence"}.
 *
 * Context: the process's control thread.
 */
#ifndef LINUX_RUN_CTL_H
#define LINUX_RUN_CTL_H

#include <event2/event.h>
#include <jansson.h>
#include <sys/types.h>

#define CTL_MAX_REQUEST	65536u	/* bytes */
#define CTL_MAX_CLIENTS	32u
#define CTL_SECONDS	5	/* for a client to say what it wants */

#define CTL_SCHEMA	1	/* of "stat": a member keeps its meaning */

struct ctl_server;

/* Returns a new reference: the answer.  Borrows the request. */
typedef json_t *ctl_handler(void *ctx, const json_t *request);

/*
 * NULL with a sentence in err.  A stale socket of a dead process is removed.
 * group: who may read, or SOCKFILE_NO_GROUP.
 */
struct ctl_server *ctl_server_create(struct event_base *base, const char *kind,
    const char *name, gid_t group, ctl_handler *handler, void *ctx, char *err,
    size_t err_cap);
void ctl_server_destroy(struct ctl_server *);

/*
 * What every answer to "stat" says of this program, besides the schema and its
 * uptime.  Borrowed; before any server.
 */
void ctl_about(const char *version, const char *commit);

/* {"ok": false, "error": formatted}; a new reference. */
json_t *ctl_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- clients --- */

struct ctl_paths {
	char **path;		/* sorted */
	size_t count;
};

/*
 * Paths of live control sockets, kind NULL for all; ctl_paths_free() frees.
 * Those of dead processes are removed.  For a user who is not root those of
 * /run/hvnet are among them, unless $HVNET_RUN is set.  0, or -errno if a
 * folder cannot be read; that there is none yet is no error.
 */
int ctl_paths(const char *kind, struct ctl_paths *);
void ctl_paths_free(struct ctl_paths *);

struct ctl_answer {
	json_t *json;		/* a new reference, or NULL: */
	char why[300];		/* a sentence; "": the process is gone */
};

/* Policy: seconds that a process may take to answer what costs it nothing, */
#define CTL_ASK_SECONDS		1u
/* and what changes something. */
#define CTL_CALL_SECONDS	10u

/*
 * One request to each of n processes, all at once.  Blocks until each has
 * answered, or was silent for so many seconds.
 */
void ctl_ask(char *const *paths, size_t n, const json_t *request,
    unsigned int seconds, struct ctl_answer *);
/*
 * One request to one, CTL_CALL_SECONDS.  The answer (a new reference), or NULL
 * with a sentence in err.
 */
json_t *ctl_call(const char *path, const json_t *request, char *err,
    size_t err_cap);

#endif
