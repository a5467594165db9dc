/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host says on standard error: each thing once, however often a guest
 * repeats it, and no guest uses up the lines of another.
 *
 * Context: control thread.
 */
#ifndef LINUX_HOST_HOST_LOG_H
#define LINUX_HOST_HOST_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* Policy: lines of one peer and kind at once, then one in this time. */
#define HOST_LOG_BURST		16u
#define HOST_LOG_LINE_NS	4000000000ull
/* Policy: the same of all users together, kind by kind. */
#define HOST_LOG_USERS_BURST	128u
#define HOST_LOG_USERS_NS	250000000ull
/* Policy: a text that is repeated so soon is left out. */
#define HOST_LOG_AGAIN_NS	60000000000ull
#define HOST_LOG_KNOWN		8u	/* texts of each peer and kind */
#define HOST_LOG_BUCKETS	512u

enum host_log_kind {
	HOST_LOG_OWN,		/* about the host itself */
	HOST_LOG_COME,		/* a guest came, or was turned away */
	HOST_LOG_GO,		/* it went */
	HOST_LOG_REFUSED,	/* it stays, but did not get something */
	HOST_LOG_STOPPED,	/* a queue of it was stopped */
};

/*
 * Whom lines are about, by what a guest cannot change with each
 * connection: the NIC that it has, else its user.
 */
struct host_log_peer {
	uint32_t what;		/* 0: the host, 1: a NIC, 2: a user */
	uint32_t id;
};

struct host_log_peer host_log_nic(const char *name);
struct host_log_peer host_log_user(uint32_t uid);

struct host_log_bucket {
	struct host_log_peer peer;
	enum host_log_kind kind;
	uint32_t spent;			/* lines of the burst used */
	uint64_t spent_at_ns;
	uint64_t used_at_ns;		/* 0: free */
	uint64_t left_out;		/* lines not printed since the last */
	uint32_t next;			/* known[] entry to forget */
	struct {
		uint64_t hash;
		uint64_t at_ns;		/* 0: free */
	} known[HOST_LOG_KNOWN];
};

struct host_log {
	struct host_log_bucket bucket[HOST_LOG_BUCKETS];
	struct host_log_bucket users[HOST_LOG_STOPPED + 1];
};

/*
 * "hvnet host: TEXT", as printf, about the host itself; of its texts a guest
 * chooses nothing.
 */
void host_log(struct host_log *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, but a text that was printed in the last minute is left out. */
void host_log_once(struct host_log *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * About a peer.  Beyond HOST_LOG_BURST lines of one peer and kind there is one
 * each HOST_LOG_LINE_NS, and it says how many were left out.
 */
void host_log_of(struct host_log *, struct host_log_peer, enum host_log_kind,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void host_log_once_of(struct host_log *, struct host_log_peer,
    enum host_log_kind, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
