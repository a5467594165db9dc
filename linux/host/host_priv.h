/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host daemon from inside.
 *
 *	host.c		life, the control thread
 *	host_socket.c	where guests connect
 *	host_nic.c	NICs come, change and go
 *	host_conf.c, host_reload.c	as a file says
 *	offer.c		who gets which NIC
 *	host_accept.c	places for guests
 *	host_holdoff.c	peers that stay out for a while
 *	host_guest.c	one attached guest
 *	host_bend.c	what scripts do beyond a channel
 *	host_fault.c	why a queue of one was stopped
 *	host_ctl.c	statistics and settings
 *	host_log.c	what is logged about guests
 *	host_tries.c	guests that try to attach and cannot
 *	nic.c, nic_vsp.c, nic_queue.c, nic_control.c	one NIC
 *	backend_port.c	what a NIC's backend sees of it
 *	backend_delay.c	a layer between the two
 *	nic_list.c	all NICs, and those of one guest
 *	nic_wake.c	who makes workers and control look at a NIC
 *	nic_leaving.c	NICs that guests have not let go of
 *	worker.c	threads
 */
#ifndef LINUX_HOST_HOST_PRIV_H
#define LINUX_HOST_HOST_PRIV_H

#include <jansson.h>

#include "bus/vms.h"
#include "linux/host/host.h"
#include "linux/host/host_holdoff.h"
#include "linux/host/host_log.h"
#include "linux/host/host_tries.h"
#include "linux/host/worker.h"
#include "linux/link/link_host.h"
#include "linux/run/ctl.h"
#include "linux/run/sockfile.h"
#include "linux/see/transcript.h"

struct acceptor;
struct bend_ops;
struct capture;
struct nic;
struct nic_leaving;
struct nic_user;
struct host_guest;

struct host {
	struct host_config cfg;
	struct event_base *base;
	struct worker_pool pool;
	struct transcript *transcript;	/* or NULL */
	struct capture *capture;	/* of all NICs, or NULL */
	const struct bend_ops *bend_ops;	/* for scripts of its NICs */
	struct ctl_server *ctl;
	struct sockfile file;		/* where guests connect */
	struct acceptor *acceptor;	/* of it */
	int control_fd;			/* workers: a NIC wants control */
	struct event *control_event;
	/* monitor pages; see host_guest_signal.c */
	int monitor_fd;
	struct event *monitor_event;
	long monitor_ns;		/* between beats; 0: none */
	uint32_t monitor_quiet;		/* beats without a signal */
	bool monitor_hit;
	struct nic *nics;
	uint32_t nic_count;
	struct nic_leaving *leaving;	/* newest first */
	struct host_guest *guests;	/* in the order they came */
	uint32_t guest_count;
	uint32_t next_gate;
	uint32_t next_worker;
	uint32_t next_guest;
	uint64_t guests_served;
	uint64_t turned_away;		/* connections that got no place */
	uint64_t evicted;		/* silent ones that gave theirs up */
	struct host_holdoff holdoff;
	struct host_tries tries;
	struct fault_log faults;	/* of guests that are gone */
	struct host_log log;
};

/* --- host_socket.c --- */

/* Listen at cfg.listen.  0, or -errno with a sentence in err. */
int host_socket_open(struct host *, char *err, size_t cap);
/* The group of a name; NULL: SOCKFILE_NO_GROUP.  0, or -EINVAL with err. */
int host_socket_group(const char *name, gid_t *group, char *err, size_t cap);
/* Also what was opened in part. */
void host_socket_close(struct host *);

/* --- host_nic.c --- */

/* Take a NIC from its guest and destroy it. */
void host_nic_drop(struct host *, struct nic *);

/* --- host_accept.c --- */

/*
 * Serve a connection (consumed).  If all places are taken, the oldest
 * connection that sent no HELLO yet loses its place.
 */
void host_guest_accept(struct host *, int sock);

/* --- host_guest.c --- */

/* End a guest now; status is what it is told. */
void host_guest_end(struct host_guest *, uint32_t status);
json_t *host_guest_stat(struct host_guest *);

/* --- host_guest_signal.c --- */

/* Be ready to look at monitor pages.  0, or -1: out of memory, descriptors. */
int host_monitor_start(struct host *);
/* A channel was opened: look, as long as some guest needs it. */
void host_monitor_wake(struct host *);
void host_monitor_end(struct host *);

/* --- host_fault.c --- */

/* Say that this queue of a NIC of the guest is not served any more, and why. */
void host_guest_queue_stopped(struct host_log *, const struct nic_user *,
    const char *nic, uint32_t queue, enum fault why, uint64_t value);

/* --- host_ctl.c --- */

json_t *host_ctl(void *host, const json_t *request);

#endif
