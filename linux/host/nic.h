/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NIC of the host: its backend, its NetVSP while a guest has it, and the
 * queues that workers serve.
 *
 * Context: control, except what says "worker".
 */
#ifndef LINUX_HOST_NIC_H
#define LINUX_HOST_NIC_H

#include "linux/bend/bend.h"
#include "linux/host/backend.h"
#include "linux/host/host_log.h"
#include "linux/host/nic_spec.h"
#include "linux/host/worker.h"
#include "ring/ring_spin.h"
#include "linux/run/rate.h"
#include "linux/see/see.h"

struct event;
struct event_base;
struct host;
struct host_guest;
struct link_host;
struct nic;
struct nic_queue;
struct nic_leaving;
struct see_hist;

/* One queue of the backend, as it feeds the guest. */
struct nic_source {
	struct work_source src;
	struct nic_source *next;	/* of the same queue; gate closed */
	uint32_t index;
	/* Set by the worker's events also while the gate is closed: os_st32 */
	uint32_t readable;
	uint32_t posted;		/* shared: look at it */
};

struct nic_queue {
	struct work work CACHE_ALIGNED;
	struct work_source signal;	/* the guest signals this channel */
	struct nic *nic;
	uint32_t index;
	/* control, gate closed */
	struct chan *chan;		/* NULL: not open */
	struct nic_source *sources;
	bool polled;			/* its guest does not signal */
	bool adaptive;			/* polled as long as it pays */
	bool stop_said;			/* that a fault stopped it */
	struct see_watch watch;
	struct bend_chan bend;
	/* owner: worker */
	bool ring;			/* the ring may have packets */
	bool blocked;			/* to_guest_wake() will come */
	bool stopped;			/* by a fault; control was told */
	uint64_t idle_from_ns;		/* polled and empty since; 0: not */
	struct ring_spin spin;		/* the same, adaptive */
	/* shared */
	uint32_t poke;			/* look at the ring */
	uint32_t handover;		/* frames were left for this queue */
};

/* Who has a NIC, and what the NIC needs of it. */
struct nic_user {
	struct host_guest *guest;	/* NULL: nobody has it */
	uint32_t kind;			/* LINK_KIND_* */
	uint32_t number;
	uint32_t pid;
	const char *name;		/* may be "" */
	struct link_host *link;
	struct vms *vms;
};

struct nic {
	struct host *host;
	struct worker_pool *pool;	/* the host's */
	struct event_base *base;	/* control's */
	struct host_log *log;
	struct nic *next;
	struct nic_spec spec;
	uint8_t mac[6];			/* of the guest's end */
	uint32_t first_worker;
	struct backend_port port;	/* what the backend sees */
	struct gate *gate;		/* shared with the NIC of a pair */
	struct nic_queue *queue;	/* spec.queues of them */
	struct nic_source *source;	/* the same number */
	struct capture *capture;	/* capture=; NULL: none */
	bool tracing;			/* its channels are traced */
	struct see_hist *hist;		/* one a queue; NULL: none */
	char capture_path[NIC_PATH_LEN];	/* ... as it was opened */
	struct {
		struct bend *bend;	/* bend=; NULL: none */
		char path[NIC_PATH_LEN];	/* ... as it was read */
		struct event *again;	/* when what it holds is due */
		uint32_t due;		/* shared: look now */
	} bent;
	uint32_t control_due;		/* shared: set by workers */
	struct share control_share;	/* of control's time, for its ring */
	struct event *control_again;	/* when it may have more */
	/* while a guest has it */
	struct nic_user user;
	struct vsp *vsp;
	uint64_t link_ns;		/* nic_quiet_link() of its changes */
	struct nic_leaving *leaving;	/* for when it is withdrawn */
};

/* The other NIC of a pair, or NULL. */
static inline struct nic *
nic_mate(const struct nic *nic)
{
	return nic->port.mate == NULL ? NULL :
	    CONTAINER_OF(nic->port.mate, struct nic, port);
}

/* Close its gate: no worker is inside on return, until it is opened. */
static inline void
nic_close(struct nic *nic)
{
	gate_close(nic->pool, nic->gate);
}

static inline void
nic_open(struct nic *nic)
{
	gate_open(nic->pool, nic->gate);
}

/* Open the backend; 0 or -errno with a sentence in err. */
int nic_create(struct host *, const struct nic_spec *, struct nic **,
    char *err, size_t cap);
/* Nobody has it any more. */
void nic_destroy(struct nic *);

/* A worker met control messages: handle them. */
void nic_control(struct nic *);
/* Before the first of these.  0, or -1: out of memory. */
int nic_control_init(struct nic *);
/* After the last nic_control_ask(). */
void nic_control_free(struct nic *);
/* Change the running NIC; *to is checked already.  0 or -errno. */
int nic_set(struct nic *, const struct nic_spec *to, char *err, size_t cap);

#endif
