/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of pair_threads.c: what its threads share, the frames, and the host
 * end's thread with real NetVSP and VMBus server.
 */
#ifndef TESTS_PAIR_THREADS_HOST_H
#define TESTS_PAIR_THREADS_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pkt/pkt_load.h"
#include "sim/sim_nic_priv.h"

#define VPS		2u
#define SENDERS		4u
#define DOWN		8u		/* senders at the host */
#define FRAMES		1000u		/* of each sender */
#define POSTS		64u
#define HELD		32u		/* packets, by the senders */
#define IDLE_US		50u
#define SECONDS		60	/* on a machine that is busy otherwise */

struct world {
	struct sim sim;			/* random numbers; lock: mem */
	struct sim_nic_config cfg;
	struct sim_mem mem;
	struct chan_mem simp[VPS], siefp[VPS];
	pthread_mutex_t bus, vp[VPS], tx[VPS], ring, post, memory, wake;
	pthread_mutex_t sending[SENDERS];	/* in the driver */
	pthread_cond_t cond;		/* wake */
	/* host thread */
	struct partition part;
	struct part_msg msgs[VPS * PART_MSG_QUEUE];
	struct vms *vms;
	struct vsp *vsp;
	struct chan *host_chan[VSP_MAX_QUEUES];
	bool host_control;
	uint32_t down_sent[DOWN], up_got[SENDERS];
	void (*host_turn)(struct world *);	/* a test's own; or NULL */
	/* lock: post */
	struct sim_post posts[POSTS];
	uint32_t post_first, post_n;
	/* any thread, atomic */
	uint32_t signalled, eom, irq[VPS];
	uint32_t stop, traffic, up_done, rescind, pause;
	uint32_t attached, failed, gone, unloaded, bad, kicked[VPS];
	uint32_t down_got[DOWN];	/* owner of its queue writes */
	uint32_t used[VPS];		/* queues that frames came on */
	/* lock: hold */
	pthread_mutex_t hold;
	struct held {
		const uint8_t *at;
		uint32_t len, queue, number, sum;
	} held[HELD];
	uint32_t held_n, held_all;
	/* lock: bus */
	struct vmc *vmc;
	struct sim_kernel kernel;
	/* control thread */
	struct vsc *vsc;
	bool detaching, detached;
	/* lock: wake; what control is to do */
	struct chan *offered;
	bool due, subs_due, detach_due;
	struct vsc_caps caps;		/* const once attached */
};

/* ---- frames ------------------------------------------------------------- */

#define HEAD		50u	/* Ethernet, IPv4, UDP, sender, number */

/* Frame n of a sender; returns its length. */
static uint32_t
frame_fill(uint8_t *p, uint32_t who, uint32_t n)
{
	uint32_t len = 60 + n * 37 % 1455;

	memset(p, 0xff, 6);
	memcpy(p + 6, "\0\x15\x5d\1\2\3\x08\0\x45\0", 10);
	memcpy(p + 16, (uint8_t[]){ (uint8_t)((len - 14) >> 8),
	    (uint8_t)(len - 14), 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,
	    0, 2, 7, (uint8_t)(who * 59), 7, 1, (uint8_t)((len - 34) >> 8),
	    (uint8_t)(len - 34), 0, 0 }, 26);
	memcpy(p + 42, &who, 4);
	memcpy(p + 46, &n, 4);
	for (uint32_t i = HEAD; i < len; i++)
		p[i] = (uint8_t)(who * 31 + n * 7 + i);
	return len;
}

/* True if this is the next frame of one of the senders. */
static bool
frame_good(const struct vec *vec, uint32_t nvec, uint32_t *next,
    uint32_t senders)
{
	uint8_t got[1600], want[1600];
	uint32_t len = pkt_vec_bytes(vec, nvec), who;

	if (len < HEAD || len > sizeof(got))
		return false;
	(void)pkt_vec_gather(vec, nvec, 0, got, len);
	memcpy(&who, got + 42, 4);
	if (who >= senders || frame_fill(want, who, next[who]) != len ||
	    memcmp(got, want, len) != 0)
		return false;
	os_st32_rel(&next[who], next[who] + 1);
	return true;
}

struct thread {
	struct world *w;
	uint32_t index;
	pthread_t id;
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void *
mem_new(void *ctx, size_t bytes)
{
	size_t size = (bytes + OS_CACHELINE - 1) / OS_CACHELINE * OS_CACHELINE;
	void *p = aligned_alloc(OS_CACHELINE, size);

	return p == NULL ? NULL : memset(p, 0, size);
}

static void
mem_del(void *ctx, void *p, size_t bytes)
{
	free(p);
}

static int
guest_mem_alloc(void *ctx, uint32_t bytes, struct chan_mem *out)
{
	struct world *w = ctx;
	int err;

	pthread_mutex_lock(&w->memory);
	err = sim_mem_alloc(&w->mem, bytes, out);
	pthread_mutex_unlock(&w->memory);
	return err;
}

static void
guest_mem_free(void *ctx, struct chan_mem *m)
{
	struct world *w = ctx;

	pthread_mutex_lock(&w->memory);
	sim_mem_free(&w->mem, m);
	pthread_mutex_unlock(&w->memory);
}

/* ---- host --------------------------------------------------------------- */

static void
on_interrupt(struct partition *p, uint32_t vp)
{
	os_xchg32(&((struct world *)p->ctx)->irq[vp], 1);
}

static int
on_connection_add(struct partition *p, uint32_t conn_id, struct chan *c)
{
	return 0;
}

static void
on_connection_remove(struct partition *p, uint32_t conn_id)
{
}

static int
on_map(struct partition *p, const uint64_t *pfns, uint32_t n,
    struct part_map *out)
{
	return E_NOMEM;		/* there is one region: never asked */
}

static void
on_unmap(struct partition *p, struct part_map *m)
{
}

static const struct part_ops part_ops = {
	.interrupt = on_interrupt, .connection_add = on_connection_add,
	.connection_remove = on_connection_remove,
	.map_pages = on_map, .unmap_pages = on_unmap,
};

static const struct vms_ops vms_ops = { .alloc = mem_new, .free = mem_del };

static void
on_from_guest(void *ctx, uint32_t queue, const struct vsp_frame *f)
{
	struct world *w = ctx;
	uint32_t done = 0;

	if (!frame_good(f->vec, f->nvec, w->up_got, SENDERS))
		os_xchg32(&w->bad, 1);
	for (uint32_t i = 0; i < SENDERS; i++)
		done += w->up_got[i] == FRAMES;
	if (done == SENDERS)
		os_st32_rel(&w->up_done, 1);
}

static void
on_quiet_queue(void *ctx, uint32_t queue)
{
}

static void
on_quiet(void *ctx)
{
}

static void
on_host_control(void *ctx)
{
	((struct world *)ctx)->host_control = true;
}

static void
on_queue_start(void *ctx, uint32_t queue, struct chan *c)
{
	((struct world *)ctx)->host_chan[queue] = c;
}

static void
on_queue_stop(void *ctx, uint32_t queue)
{
	((struct world *)ctx)->host_chan[queue] = NULL;
}

static bool
on_same_owner(void *ctx, uint32_t a, uint32_t b)
{
	return true;
}

static const struct vsp_ops vsp_ops = {
	.alloc = mem_new, .free = mem_del,
	.from_guest = on_from_guest, .from_guest_flush = on_quiet_queue,
	.to_guest_wake = on_quiet_queue, .control_wanted = on_host_control,
	.same_owner = on_same_owner, .queue_start = on_queue_start,
	.queue_stop = on_queue_stop, .steering = on_quiet, .state = on_quiet,
};

static void
host_pump(struct world *w)
{
	uint8_t frame[1600];

	for (uint32_t i = 0; i < DOWN; i++) {
		struct vec v = { frame, 0 };
		uint32_t q = 0;

		for (uint32_t k = 0; k < 8 && w->down_sent[i] < FRAMES; k++) {
			struct pkt_meta plain = { 0 };

			v.len = frame_fill(frame, i, w->down_sent[i]);
			q = vsp_steer(w->vsp, (struct span){ frame, v.len },
			    v.len, &plain);
			if (vsp_to_guest_copy(w->vsp, q, &v, 1, &plain) < 0)
				break;
			w->down_sent[i]++;
		}
		vsp_to_guest_flush(w->vsp, q);
	}
}

/* A message of the guest; false: none. */
static bool
host_message(struct world *w)
{
	struct sim_post p;
	bool any;

	pthread_mutex_lock(&w->post);
	any = w->post_n != 0;
	if (any) {
		p = w->posts[w->post_first];
		w->post_first = (w->post_first + 1) % POSTS;
		w->post_n--;
	}
	pthread_mutex_unlock(&w->post);
	if (any)
		(void)vms_message(w->vms, p.conn_id,
		    (struct span){ p.bytes, p.len });
	return any;
}

static void *
host_main(void *arg)
{
	struct world *w = arg;
	bool more = false;

	while (os_ld32(&w->stop) < 2) {
		uint32_t eom;

		if (os_ld32(&w->pause) != 0) {
			os_st32(&w->pause, 2);
			usleep(IDLE_US);
			continue;
		}
		eom = os_xchg32(&w->eom, 0);
		for (uint32_t i = 0; i < VPS; i++)
			if ((eom & 1u << i) != 0)
				part_eom(&w->part, i);
		if (os_xchg32(&w->rescind, 0) != 0) {
			vsp_leave(w->vsp, &vsp_ops, w);
			(void)vms_dev_rescind(w->vms, vsp_dev(w->vsp));
		}
		while (host_message(w))
			more = true;
		if (os_xchg32(&w->signalled, 0) == 0 && !more)
			usleep(IDLE_US);
		more = false;
		for (uint32_t q = 0; q < VSP_MAX_QUEUES; q++) {
			struct chan *c = w->host_chan[q];

			more |= c != NULL && c->events->ready(c, 64);
		}
		if (w->host_control) {
			w->host_control = false;
			while (vsp_control_run(w->vsp))
				;
			more = true;
		}
		if (os_ld32_acq(&w->traffic) != 0)
			host_pump(w);
		if (w->host_turn != NULL)
			w->host_turn(w);
	}
	return NULL;
}

/* ---- the guest's bus, of both worlds ------------------------------------ */

static int
guest_post(void *ctx, uint32_t conn_id, const void *msg, uint32_t len)
{
	struct world *w = ctx;
	int err = E_AGAIN;

	pthread_mutex_lock(&w->post);
	if (w->post_n < POSTS) {
		struct sim_post *p = &w->posts[(w->post_first + w->post_n++) %
		    POSTS];

		p->conn_id = conn_id;
		p->len = len;
		memcpy(p->bytes, msg, len);
		err = 0;
	}
	pthread_mutex_unlock(&w->post);
	return err;
}

static void
guest_signal(void *ctx, uint32_t conn_id)
{
	os_xchg32(&((struct world *)ctx)->signalled, 1);
}

static void
guest_eom(void *ctx, uint32_t vp)
{
	os_or32(&((struct world *)ctx)->eom, 1u << vp);
}

static void
on_connected(void *ctx, int version_or_err)
{
	if (version_or_err < 0)
		os_xchg32(&((struct world *)ctx)->failed, 1);
}

#endif
