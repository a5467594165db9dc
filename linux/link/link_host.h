/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host side of one guest's connection: partition protocol in, partition
 * (core/bus/partition.h) out.
 *
 * Context: the control thread, on its event loop.  While registers or memory
 * change, the guest's workers are parked through the ops.
 */
#ifndef LINUX_LINK_LINK_HOST_H
#define LINUX_LINK_LINK_HOST_H

#include <event2/event.h>

#include "bus/partition.h"
#include "linux/link/link_wire.h"

/* Policy: limits of one guest, besides those of link_wire.h. */
#define LINK_MAX_GUEST_BYTES	(64ull << 30)	/* guest memory */
#define LINK_MAX_MAP_RUNS	16384u	/* pieces of non-contiguous mappings */
#define LINK_POST_RATE		20000u	/* messages a second, then they wait */
#define LINK_POST_BURST		2048u
#define LINK_HELLO_SECONDS	5	/* to say HELLO */
/* Policy: a guest's messages get one part in so many of control's time. */
#define LINK_TIME_PART		8u
#define LINK_TIME_BURST_NS	1000000000u
/* Policy: ends of messages handled a second; then none for this long. */
#define LINK_EOM_RATE		4000u
#define LINK_EOM_BURST		1024u
#define LINK_EOM_PAUSE_US	20000u
/* Policy: the same for the signal of VMBus before 2.4, which carries data. */
#define LINK_SIGNAL_RATE	20000u
#define LINK_SIGNAL_BURST	2048u
#define LINK_SIGNAL_PAUSE_US	1000u
#define LINK_MISS_LOOK_US	500000	/* while addresses are requested */

struct link_host;

/* The reason of over() for a guest that sent BYE. */
#define LINK_HOST_DETACHED	"guest detached"

struct link_host_ops {
	/*
	 * The guest sent HELLO; its partition exists.  LINK_OK or the status
	 * to refuse it with.
	 */
	uint32_t (*attach)(void *ctx, struct link_host *,
	    const struct link_hello *);
	/* No worker touches this guest between the two. */
	void (*park)(void *ctx);
	void (*unpark)(void *ctx);
	/*
	 * Does HvPostMessage take this connection?  After attach().  NULL: 1
	 * and 4.
	 */
	bool (*connection)(void *ctx, uint32_t connection);
	/* HvPostMessage; as vms_message(). */
	int (*message)(void *ctx, uint32_t connection, struct span msg);
	/*
	 * The guest signalled the connection that has no channel of its own
	 * (connection_add() with none).  May be NULL.
	 */
	void (*signalled)(void *ctx);
	/* The machine resets: close every channel, stay attached. */
	void (*reset)(void *ctx);
	/*
	 * True if a channel uses this memory: its region goes only after a
	 * reset().  Workers are parked.
	 */
	bool (*memory_used)(void *ctx, uint64_t gpa, uint64_t bytes);
	/*
	 * Memory that channels waited for has come, or their wait is over: try
	 * them again.
	 */
	void (*memory_changed)(void *ctx);
	/*
	 * The guest was refused something and stays; for the log.  May be
	 * NULL.
	 */
	void (*refused)(void *ctx, const char *what, const char *why);
	/*
	 * The guest held one of our threads in the write of an interrupt (it
	 * filled the eventfd and made it blocking); link_guard.h freed that
	 * thread, and over() follows.  May be NULL.
	 */
	void (*held)(void *ctx);
	/*
	 * The connection is over, orderly or not; `why` is for the log.  The
	 * callee lets go of everything and calls link_host_destroy() later,
	 * from its event loop, never inside this call.  Called once.
	 */
	void (*over)(void *ctx, const char *why);
};

/*
 * Serve a connected socket (consumed, also on error).  NULL: out of memory or
 * descriptors.  Borrows base, ops and ctx.
 */
struct link_host *link_host_create(struct event_base *base, int sock,
    const struct link_host_ops *ops, void *ctx);
/*
 * End it: tell the guest why (a link_status; LINK_OK: nothing), unmap its
 * memory, close every descriptor.  No worker may use it any more.
 */
void link_host_destroy(struct link_host *, uint32_t status);

/*
 * Who connected, as the kernel saw it then (SO_PEERCRED): what HELLO says of
 * the guest's pid is its own word.  pid 0: of a pid namespace that we do not
 * see.  Valid as long as the link.
 */
struct link_peer {
	uint32_t pid, uid, gid;
};
const struct link_peer *link_host_peer(const struct link_host *);
/* The same of a connected socket. */
struct link_peer link_peer_get(int sock);
/* True until the guest says HELLO.  It then has LINK_HELLO_SECONDS in all. */
bool link_host_silent(const struct link_host *);

/* Valid from attach() to link_host_destroy(). */
struct partition *link_host_partition(struct link_host *);
/*
 * The eventfd that the guest signals this channel with, or -1.  Borrowed.  Wait
 * for it edge-triggered (EPOLLET) and never read it: a guest shares its flags
 * and could make a read block.
 */
int link_host_signal_fd(const struct link_host *, const struct chan *);

struct link_host_usage {
	uint64_t guest_bytes;	/* guest memory mapped */
	uint32_t regions;
	uint32_t connections;	/* signal eventfds */
	uint32_t map_runs;
	uint64_t posts, posts_delayed;
	uint64_t wanted;	/* addresses requested from it */
	uint64_t want_refused;	/* wanted, not brought in time */
};
void link_host_usage(const struct link_host *, struct link_host_usage *);

#endif
