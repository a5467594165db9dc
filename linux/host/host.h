/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host daemon as a library: a listening socket, workers, NICs with their
 * backends, and the guests that attach.
 *
 * Context of every function: the control thread, which runs the event base.
 */
#ifndef LINUX_HOST_HOST_H
#define LINUX_HOST_HOST_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/host/nic_spec.h"
#include "linux/run/profile.h"
#include "linux/run/thread.h"

struct capture_spec;
struct host;
struct transcript_spec;

#define HOST_MAX_WORKERS	64u
#define HOST_MAX_GUESTS		64u	/* Policy: default of max_guests */
#define HOST_MAX_NICS		64u	/* Policy */

/* When the guest is told of packets; see docs/ring.md. */
enum host_signal {
	HOST_SIGNAL_EDGE,	/* once a batch, on the empty edge */
	HOST_SIGNAL_PACKET,	/* legacy: each packet */
};

/* Whose rings are polled while there is traffic, not waited for. */
enum host_poll {
	HOST_POLL_AUTO,		/* of guests that poll themselves */
	HOST_POLL_OFF,
	HOST_POLL_ALL,
	HOST_POLL_ADAPTIVE,	/* of all, as long as it pays: ring_spin.h */
};
#define HOST_POLL_US		200u	/* Policy: default of poll_us */

struct host_config {
	const char *listen;	/* path of the socket that guests connect to */
	int listen_fd;		/* it, open already; 0: it is not */
	const char *ctl_group;	/* may read statistics; NULL: none */
	const char *group;	/* NULL: mode 0600; else 0660 and this group */
	uint32_t workers;	/* 0: one a core */
	struct thread_place place;	/* worker k is thread k */
	bool lenient;		/* take what Windows refuses */
	bool monitor;		/* offer monitor pages to every guest */
	bool no_uio;		/* take no guests of kind uio */
	enum host_signal signal;
	enum host_poll poll;
	uint32_t poll_us;	/* after the last packet; 0: HOST_POLL_US */
	uint32_t max_vmbus;	/* newest VMBus version spoken; 0: all */
	uint32_t max_nvsp;	/* newest NVSP version accepted; 0: all */
	uint32_t max_guests;	/* 0: HOST_MAX_GUESTS */
	const struct transcript_spec *transcript;	/* or NULL: none */
	const struct capture_spec *capture;	/* or NULL: none */
	const char *bend;	/* script of NICs without bend=; or NULL */
	const char *config;	/* its file, for `hvnet stat'; or NULL */
};

void host_config_default(struct host_config *);
/* Change what the profile is about; the rest stays. */
void host_profile(struct host_config *, enum profile);

/*
 * Listen and start the workers; guests are served whenever the base runs.
 * Copies the configuration, borrows its strings and the base until
 * host_stop().  NULL with a sentence in err.  A socket file that nobody
 * listens on any more is replaced.
 */
struct host *host_start(const struct host_config *, struct event_base *,
    char *err, size_t err_cap);
/* Say good-bye to every guest, remove every NIC, free. */
void host_stop(struct host *);

/*
 * Add a NIC: open its backend and offer it to the guests that want one.  0, or
 * -errno with a sentence in err (-EEXIST: the name is taken).
 */
int host_nic_add(struct host *, const struct nic_spec *, char *err,
    size_t err_cap);
/* A NIC of a pair waits for the other: true, with a sentence about it. */
bool host_nic_waits(const struct host *, const char *name, char *text,
    size_t cap);
/* Rescind and remove.  -ENOENT: there is none of that name. */
int host_nic_remove(struct host *, const char *name, char *err,
    size_t err_cap);
/*
 * Change a running NIC: one `key=value[,key=value...]` list, all or nothing.
 * 0, -ENOENT, or -EINVAL with a sentence in err.
 */
int host_nic_set(struct host *, const char *name, const char *list, char *err,
    size_t err_cap);

/* Returns once each worker has ended its turn: all threads are alive. */
void host_alive(struct host *);
/* Captures and transcripts that somebody moved away begin again. */
void host_reopen(struct host *);
/* A line in the host's log, as printf. */
void host_say(struct host *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* NICs there are, and guests that are attached now. */
uint32_t host_nic_count(const struct host *);
uint32_t host_guest_count(const struct host *);

#endif
