/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hvnet processes that run here, found by their control sockets.
 */
#ifndef CLI_PEERS_H
#define CLI_PEERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct peer {
	char *path;	/* of the control socket */
	json_t *stat;	/* its answer to "stat" */
};

struct peer_list {
	struct peer *peer;
	size_t count;
	size_t answered;	/* before peers_keep() */
	size_t failed;		/* that run and did not answer */
};

/*
 * Ask every live process for its statistics, all at once.  Who does not answer
 * within CTL_ASK_SECONDS is named on standard error and left out.  Free with
 * peers_free().
 */
struct peer_list peers_ask(void);
/*
 * Say why the list has not what was wanted: `what`, a NIC or NULL for any
 * process.  Returns the exit code.
 */
int peers_none(const struct peer_list *, const char *what);
void peers_free(struct peer_list *);

/* Is this the name of one of its NICs, or (a guest) of its interface? */
bool peer_has(const struct peer *, const char *nic);
/* Drop who does not have it, and the other NICs out of a host's answer. */
void peers_keep(struct peer_list *, const char *nic);
/* "host" or "guest". */
const char *peer_kind(const struct peer *);
long peer_pid(const struct peer *);
/*
 * Switch what a process records of a NIC ("trace", "hist") on or off.  Its
 * answer, the caller's to free; or NULL, the reason on standard error, and the
 * exit code in *status.
 */
json_t *peer_switch(const struct peer *, const char *cmd, const char *nic,
    bool on, int *status);

#endif
