/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The in-process link: a partition with a guest end (vmc) and a host end (vms)
 * in one process, and everything that can go wrong between them.
 *
 * Context: one thread, inside simulation events or between them.
 */
#ifndef SIM_SIM_LINK_H
#define SIM_SIM_LINK_H

#include "bus/vmc.h"
#include "bus/vms.h"
#include "sim/sim_mem.h"

#define SIM_MAX_VPS	16u
#define SIM_POST_QUEUE	16u	/* guest messages a port holds (QEMU: 16) */
#define SIM_CONNS	512u

/*
 * What goes wrong, chances in a million.  A "late" interrupt or signal comes
 * after SIM_LATE_NS: a real one is never lost for good either.
 */
struct sim_faults {
	uint32_t delay_ns;	/* messages, interrupts, signals: up to this */
	uint32_t irq_late, irq_twice;
	uint32_t sig_late, sig_twice;
	uint32_t post_again;	/* HvPostMessage: insufficient buffers */
	uint32_t guest_alloc;	/* a guest allocation fails */
	uint32_t host_alloc;	/* a host allocation or mapping fails */
};
#define SIM_LATE_NS	5000000ull

/* "none", "delay", "irq", "signal", "post", "alloc", "all".  False: unknown. */
bool sim_faults_named(const char *name, struct sim_faults *out);

struct sim_link_config {
	uint32_t vps;
	uint32_t mem_pages;
	uint32_t mem_regions;	/* 1..64; more: more GPADLs cross a border */
	uint32_t budget;	/* packets a channel and dispatch; 0: random */
	struct vmc_config vmc;	/* versions, signal; the rest is filled in */
	struct vms_config vms;
	struct sim_faults faults;
	bool trace;		/* print every VMBus message */
};

/* Upcalls to who owns both ends' users; guest control context. */
struct sim_link_ops {
	void (*connected)(void *ctx, int version_or_err);
	void (*offer)(void *ctx, struct chan *);
	void (*gone)(void *ctx, struct chan *);
	void (*unloaded)(void *ctx);
	/* After each round in guest control; the next time wanted, as
	 * vmc_timer().  May be NULL. */
	uint64_t (*timer)(void *ctx, uint64_t now_ns);
	/*
	 * A VMBus message on its way, *len bytes that it may change: how many
	 * times it goes.  Host context.  NULL: once.
	 */
	uint32_t (*filter)(void *ctx, bool to_guest, uint32_t vp, uint8_t *msg,
	    uint32_t *len);
	/* One that the guest sends or got.  NULL: nobody looks. */
	void (*message)(void *ctx, bool to_guest, struct span msg);
};

struct sim_post {
	uint32_t conn_id;
	uint32_t len;
	uint8_t bytes[VMBUS_MSG_MAX];
};

struct sim_link {
	struct sim *sim;
	struct sim_link_config cfg;
	const struct sim_link_ops *ops;
	void *ctx;

	struct sim_mem mem;
	struct chan_mem simp[SIM_MAX_VPS], siefp[SIM_MAX_VPS];
	struct partition part;
	struct part_msg *msgs;
	struct vms *vms;
	struct vmc *vmc;

	struct sim_post post[SIM_POST_QUEUE];
	uint32_t post_head, post_count;
	uint32_t conn[SIM_CONNS];
	uint32_t conns;
	uint64_t timer_at;
	uint64_t guest_heap, host_heap;	/* blocks live */
	/* Host allocations that still succeed; UINT32_MAX: all. */
	uint32_t host_allocs_left;
	uint64_t signals;		/* hypercalls of the guest */
	uint64_t leaked_pages;		/* given up on purpose by the user */
};

/* 0, or E_NOMEM where an allocation failed as told (nothing is left then). */
int sim_link_init(struct sim_link *, struct sim *,
    const struct sim_link_config *, const struct sim_link_ops *, void *ctx);
/* Destroys both ends; sim_link_leaks() afterwards says what they left. */
void sim_link_fini(struct sim_link *);
/* Frees the rest. */
void sim_link_free(struct sim_link *);

/* The wire is cut: the host resets, the guest loses its host. */
void sim_link_cut(struct sim_link *);
/* The guest begins again, once its client has unloaded or failed to connect. */
int sim_link_again(struct sim_link *);
/* A pass of the host's worker over a channel, and more if it asks. */
void sim_link_host_ready(struct sim_link *, struct chan *);
/* Run the guest's timers, as every control call must be followed by. */
void sim_link_control(struct sim_link *);

/*
 * What is live that should not be.  With the connection over, or (destroyed)
 * after sim_link_fini().  False: nothing; else *what says it.
 */
bool sim_link_leaks(struct sim_link *, bool destroyed, char *what, size_t cap);

/* One end speaks 0.13 at most: no UNLOAD_COMPLETE, then. */
bool sim_link_at_0_13(const struct sim_link *);
/* The host noted a fault of the (honest) guest. */
bool sim_link_host_blames(const struct sim_link *);

/* Heap of either end, with fault injection; for the users' ops tables. */
void *sim_guest_alloc(void *link, size_t bytes);
void sim_guest_free(void *link, void *p, size_t bytes);
void *sim_host_alloc(void *link, size_t bytes);
void sim_host_free(void *link, void *p, size_t bytes);
/* The next thing that the host would allocate is refused; counts it if not. */
bool sim_host_refuses(struct sim_link *);
int sim_guest_mem_alloc(void *link, uint32_t bytes, struct chan_mem *out);
void sim_guest_mem_free(void *link, struct chan_mem *);

#endif
