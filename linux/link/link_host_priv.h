/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the host side of the partition protocol: the state of one guest's
 * link, shared by its messages (link_host.c), its partition (link_part.c) and
 * its eventfds (link_source.c).
 */
#ifndef LINUX_LINK_LINK_HOST_PRIV_H
#define LINUX_LINK_LINK_HOST_PRIV_H

#include "linux/link/link_host.h"
#include "linux/link/link_mem.h"
#include "linux/link/link_miss.h"
#include "linux/run/rate.h"

struct link_source;

struct link_vp {
	int interrupt_fd;
	int eom_fd;
	struct link_source *eom;
	struct link_page simp;	/* own mappings, where not in a region */
	struct link_page siefp;
};

struct link_connection {
	uint32_t id;
	int fd;
	const struct chan *chan;	/* NULL: of all channels together */
	struct link_source *signal;	/* where chan is NULL */
};

/* One of the guest's eventfds that control waits for. */
struct link_source {
	struct link_host *link;
	struct link_sources *kind;
	struct link_source *next;
	struct event *event;
	uint32_t index;
};

/* All of one kind, and how often they are listened to. */
struct link_sources {
	struct rate rate;
	struct timeval pause;
	struct event *resume;
	void (*heard)(struct link_host *, uint32_t index);
	struct link_source *first;
};

struct link_host {
	struct event_base *base;
	int sock;
	const struct link_host_ops *ops;
	void *ctx;
	struct link_peer peer;
	struct event *readable;
	struct event *timer;	/* HELLO deadline, then the rate pause */
	struct event *alarm;	/* of owner.alarm_fd */
	struct event *miss_timer;	/* while addresses are requested */
	bool greeted;
	bool over;
	struct partition part;
	struct part_msg *queue_mem;
	struct link_vp *vps;
	struct link_connection *conns;
	uint32_t conns_count, conns_cap;
	bool loose;		/* unsealed memory is taken, misses are asked */
	struct link_mem_owner owner;	/* any thread may ring its alarm */
	uint32_t held;		/* any thread: a write had to be freed */
	struct link_miss_table misses;
	struct rate post_rate;
	struct share time;	/* of control's, for messages */
	struct link_sources eoms, signals;
	uint64_t posts, posts_delayed;
	char why[128];		/* of the end, for ops->over() */
};

/* --- link_vp.c --- */

/* The messages of these names; a link_status. */
uint32_t link_on_vp_fds(struct link_host *, const struct link_vp_fds *,
    int *fds, unsigned int nfds);
uint32_t link_on_vp_regs(struct link_host *, const struct link_vp_regs *,
    int *fds, unsigned int nfds);
void link_vp_close(struct link_vp *);

/* --- link_source.c --- */

/*
 * Sources of a kind, none yet.  Each event calls heard(); beyond the rate they
 * all wait for pause_us.  0, or -1: out of memory.
 */
int link_sources_init(struct link_sources *, struct event_base *,
    uint32_t a_second, uint32_t burst, uint32_t pause_us,
    void (*heard)(struct link_host *, uint32_t index));
/* Call it after the last link_source_del(). */
void link_sources_free(struct link_sources *);
/* Wait for fd (borrowed until link_source_del()).  NULL: out of memory. */
struct link_source *link_source_add(struct link_host *, struct link_sources *,
    int fd, uint32_t index);
/* Before fd is closed.  NULL is allowed. */
void link_source_del(struct link_source *);

/* --- link_part.c --- */

/* Descriptors that this guest has of the host's. */
uint32_t link_fds_mine(const struct link_host *);
/* What the partition of a link requests of it; ctx is the struct link_host. */
extern const struct part_ops link_part_ops;

#endif
