/*
 * Inside the host side of the partition protocol: the state of one guest's
 * link, shared by its messages (link_host.c) and its partition (link_part.c).
 */
#ifndef LINUX_LINK_LINK_HOST_PRIV_H
#define LINUX_LINK_LINK_HOST_PRIV_H

#include "linux/link/link_host.h"
#include "linux/link/link_miss.h"

struct link_vp {
	int interrupt_fd;
	int eom_fd;
	struct event *eom_event;
	void *simp_page;	/* own mappings, where not in a region */
	void *siefp_page;
	struct link_host *link;
	uint32_t index;
};

struct link_connection {
	uint32_t id;
	int fd;
	const struct chan *chan;
};

struct link_host {
	struct event_base *base;
	int sock;
	const struct link_host_ops *ops;
	void *ctx;
	struct link_peer peer;
	struct event *readable;
	struct event *timer;	/* HELLO deadline, then the rate pause */
	struct event *guard;
	bool greeted;
	bool over;
	struct partition part;
	struct part_msg *queue_mem;
	struct link_vp *vps;
	struct link_connection *conns;
	uint32_t conns_count, conns_cap;
	uint32_t map_runs;
	bool loose;		/* unsealed memory is taken, misses are asked */
	uint32_t condemned;	/* any thread: loose memory was taken away */
	uint32_t held;		/* any thread: a write had to be freed */
	struct link_miss_table misses;
	uint32_t tokens;
	uint64_t tokens_at_ns;
	uint64_t posts, posts_delayed;
	char why[128];		/* of the end, for ops->over() */
};

/* What the partition of a link asks of it; ctx is the struct link_host. */
extern const struct part_ops link_part_ops;

#endif
