/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stand-in from inside.
 *
 *	uio.c		life: connect, make everything, stop
 *	uio_vmbus.c	VMBus client: what the host offers and answers
 *	uio_opens.c	opens of /dev/uio0, by fanotify
 *	uio_user.c	which process has the NIC
 *	uio_pump.c	runs what has to be done now
 *	uio_chan.c	shared memory, channels opened and closed
 *	uio_child.c	the program that we start
 *	uio_ns.c	mount namespace
 *	uio_tree.c	the files of sysfs
 *	uio_swap.c	/dev/uio0: one name, six files in turn
 *	uio_mem.c	the program's own memory
 *	uio_huge.c	its huge pages, when they are used again
 *	uio_ctl.c	statistics
 *	uio_end.c	how it ends
 *
 * Context of everything: the one thread, but where uio_huge.c says otherwise.
 */
#ifndef LINUX_UIO_UIO_PRIV_H
#define LINUX_UIO_UIO_PRIV_H

#include <jansson.h>
#include <sys/types.h>

#include "bus/vmc.h"
#include "linux/link/link_guest.h"
#include "linux/run/ctl.h"
#include "linux/see/capture.h"
#include "linux/see/transcript.h"
#include "linux/uio/uio.h"
#include "linux/uio/uio_mem.h"

#define UIO_MAX_QUEUES	64u
#define UIO_HUGE_DIR	"/dev/hugepages"

/* The maps of uio_hv_generic, in its order; each is opened by itself. */
enum uio_map {
	UIO_MAP_RINGS, UIO_MAP_INT, UIO_MAP_MONITOR, UIO_MAP_RECV,
	UIO_MAP_SEND, UIO_MAPS
};

/* A file that the program maps and the host has as guest memory. */
struct uio_file {
	int fd;			/* -1: none */
	ino_t ino;
	struct chan_mem mem;	/* bytes 0: not guest memory */
};

struct uio_sub {
	struct chan *chan;	/* NULL: not offered */
	struct uio_file ring;	/* kept from one program to the next */
	bool shown;		/* its directory is there */
};

/*
 *	START	the host has not offered a NIC, or buffers are not ready
 *	READY	files are there, channel closed, /dev/uio0 waits
 *	OPENING	a program opens /dev/uio0 and sleeps; channel being opened
 *	OPEN	it drives the channel
 *	CLOSING	it ended; channel being closed
 */
enum uio_state {
	UIO_START, UIO_READY, UIO_OPENING, UIO_OPEN, UIO_CLOSING
};

struct uio_huge;

struct uio {
	struct uio_config cfg;
	struct event_base *base;
	struct ctl_server *ctl;
	struct transcript *transcript;	/* or NULL */
	struct capture *capture;	/* or NULL; without rings */
	struct link_guest *link;
	struct vmc *vmc;
	struct event *link_event, *interrupt_event, *timer, *deadline;

	/* VMBus */
	enum uio_state state;
	struct chan *primary;		/* NULL: not offered */
	uint64_t next_gpa;
	struct chan_mem pages;		/* monitor and interrupt pages */
	struct uio_file attach;		/* the first open, never mapped */
	struct uio_file map[UIO_MAPS];
	uint32_t gpadl[UIO_MAPS];	/* of RECV and SEND; 0: none */
	struct uio_sub sub[UIO_MAX_QUEUES];	/* by subindex; [0] unused */

	/* the program */
	pid_t child;			/* ours; 0: not started, or reaped */
	bool child_ended;		/* status is there */
	int child_fd;			/* pidfd */
	struct event *child_event;
	pid_t user;			/* has the NIC; 0: nobody */
	int user_fd;
	struct event *user_event;
	struct uio_mem *mem;		/* of user; NULL: none */
	struct event *beat;
	struct uio_huge *huge;		/* NULL: no huge pages */

	/* /dev/uio0 */
	int fan_fd;
	struct event *fan_event;
	uint32_t next_open;		/* 0: attach, then 1 + enum uio_map */
	int pending_fd;			/* the attach that waits, or -1 */
	pid_t pending_pid;

	enum uio_end end;
	int status;
	char why[256];
	struct uio_counters counters;
};

/* --- uio_end.c --- */

/* It is over; the first reason counts.  From any upcall: it only notes it. */
void uio_over(struct uio *, enum uio_end, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- uio_pump.c --- */

/* Run what VMBus has to do now. */
void uio_pump(struct uio *);
/* The program's memory may have changed: compare. */
void uio_mem_check(struct uio *);

/* --- uio_user.c --- */

/* The channel is open: the attach that waits may go on (err 0) or not. */
void uio_on_opened(struct uio *, int err);
/* The channel is closed, nothing of the program is in use any more. */
void uio_on_closed(struct uio *);
/* A process opens /dev/uio0; it sleeps until uio_swap_answer(). */
void uio_on_attach(struct uio *, pid_t pid);
/* Nobody has the NIC: its memory and pidfd are given back. */
void uio_user_forget(struct uio *);

/* --- uio_child.c --- */

/* A descriptor that is readable when the process has ended, or -1. */
int uio_pidfd(pid_t pid);
/* Start the program; 0 or -errno of exec. */
int uio_child_start(struct uio *);
/* Kill it if it still runs.  What it leaves is uio_child_reap()'s. */
void uio_child_end(struct uio *);
/* Last of all: it leaves this thread at the lowest ordinary priority. */
void uio_child_reap(struct uio *);

/* --- uio_vmbus.c --- */

extern const struct vmc_ops uio_vmc_ops;

/* --- uio_chan.c --- */

/* A sealed file of `bytes`, guest memory from `offset` on; 0 or -errno. */
int uio_file_make(struct uio *, struct uio_file *, const char *name,
    uint64_t offset, uint32_t bytes);
void uio_file_close(struct uio_file *);
/* Interrupt and monitor pages, before vmc_create(). */
int uio_pages_make(struct uio *);
/* Open a channel over the two halves of a file; 0 or enum err. */
int uio_chan_begin(struct chan *, const struct uio_file *ring);
/*
 * Begin to open or close the primary; its event follows.  An enum err: it
 * cannot, no event follows, and the channel is closed.
 */
int uio_channel_open(struct uio *);
int uio_channel_close(struct uio *);

/* --- uio_ns.c --- */

/* A mount namespace with our /sys/bus, /dev, /run/dpdk; 0 or -1 with err. */
int uio_ns_enter(bool huge, bool pci, char *err, size_t cap);

/* --- uio_huge.c --- */

/* Watch the hugetlbfs of the namespace; 0 or -errno. */
int uio_huge_start(struct uio *);
void uio_huge_stop(struct uio *);

/* --- uio_tree.c --- */

/* The device's directory and channel 0; 0 or -errno. */
int uio_tree_make(struct uio *);
int uio_tree_sub_add(struct uio *, uint32_t subindex);
void uio_tree_sub_remove(struct uio *, uint32_t subindex);
/* Let /dev/uio0 be this file. */
int uio_tree_point(const struct uio *, const struct uio_file *);

/* --- uio_swap.c --- */

/* 0, or -1 with a sentence. */
int uio_swap_init(struct uio *, char *err, size_t cap);
/* The file of a turn: 0 the attach, then 1 + enum uio_map. */
struct uio_file *uio_swap_file(struct uio *, uint32_t turn);
/* Let the process go on that waits in this event, or not. */
void uio_swap_reply(struct uio *, int fd, bool allow);
/* Let the process that waits go on, or not. */
void uio_swap_answer(struct uio *, bool allow);
/* Back to the first file. */
void uio_swap_rewind(struct uio *);
void uio_swap_close(struct uio *);

/* --- uio_opens.c --- */

/* Watch the files, which exist now; 0 or -errno. */
int uio_opens_start(struct uio *);

#endif
