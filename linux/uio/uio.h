/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's part for a DPDK program: VMBus client and uio_hv_generic, played
 * by a process, for an unmodified program that drives a synthetic NIC from user
 * space.
 *
 * Context: one thread, which runs the event base.  uio_start() puts the calling
 * process into a mount namespace of its own.
 */
#ifndef LINUX_UIO_UIO_H
#define LINUX_UIO_UIO_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"

#define UIO_COUNTERS(X)							\
	X(attaches,	"programs that opened the NIC")			\
	X(refused,	"programs turned away: the NIC was in use")	\
	X(detaches,	"programs that ended")				\
	X(wants,	"addresses that the host requested")		\
	X(wants_unknown, "requested addresses not in shared memory")	\
	X(scans,	"looks at the program's memory map")		\
	X(regions_added, "pieces of memory handed to the host")		\
	X(regions_removed, "pieces of memory taken back from the host")
COUNTER_STRUCT(uio_counters, UIO_COUNTERS);

struct capture_spec;
struct transcript_spec;
struct uio;

struct uio_config {
	const char *connect;	/* path of the host's socket */
	const char *nic;	/* wanted, may be "" */
	const char *name;	/* of this guest, may be "" */
	char **argv;		/* the program and its arguments, then NULL */
	uint32_t ring_bytes;	/* of each ring of a pair */
	uint32_t recv_bytes;	/* receive buffer */
	uint32_t send_bytes;	/* send buffer */
	uint32_t max_vmbus;	/* newest version tried; 0: all */
	bool pci;		/* it may see the machine's PCI devices */
	const struct transcript_spec *transcript;	/* or NULL: none */
	const struct capture_spec *capture;	/* the same */
};

void uio_config_default(struct uio_config *);

/*
 * Connect, and begin; the program is started as soon as the host has offered
 * its NIC, which may take until the base runs.  Borrows the configuration's
 * strings.  NULL with a sentence in err; *refused: a host answered and refused.
 */
struct uio *uio_start(const struct uio_config *, struct event_base *,
    bool *refused, char *err, size_t err_cap);

enum uio_end {
	UIO_RUNNING,
	UIO_EXITED,		/* the program ended; *status as of wait() */
	UIO_FAILED,		/* the program was not started */
	UIO_REFUSED,		/* the host has no NIC that we can use */
	UIO_LOST,		/* the host or its NIC went away */
};

/*
 * Whether it is over; the base's loop is broken when it is.  *why is a
 * sentence, or "" where there is nothing to say.
 */
enum uio_end uio_ended(const struct uio *, int *status, const char **why);
/* Pass a signal on to the program; one that is not running yet never will. */
void uio_signal(struct uio *, int sig);
/* Kill the program if it still runs, detach, free. */
void uio_stop(struct uio *);

#endif
