/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pair backend: two NICs joined, so two guests talk to each other.
 *
 * Both NICs are behind one gate, so a worker inside may use either's NetVSP.
 * Queue k of one feeds source k of the other, and channel k of both belongs to
 * the same worker: then a frame is copied once, from one guest's memory to the
 * other's receive buffer, GSO kept whole.  Otherwise, or if the other
 * guest has no room, it waits in a line (frame_line.h) of its sender's queue,
 * which the worker of the other's queue drains.
 *
 * Data of a guest whose line is a quarter full is not taken until the line is
 * drained (`stalled`): the NetVSP sets it aside (queues it, still in the
 * guest's memory) and goes on with acknowledgements and control.  So two guests
 * never wait for each other, nothing is lost, and a guest that never reads
 * holds up only its own pair.  If a guest has more under way than fits there,
 * its whole ring waits; if nothing moves a timer ends that, and frames are
 * dropped and counted until the line is drained.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/host/backend.h"
#include "linux/host/frame_line.h"
#include "linux/host/worker.h"

/* Policy: bytes that wait, a queue; stall from here on. */
#define PAIR_LINE_BYTES		(4u << 20)
#define PAIR_STALL_BYTES	(1u << 20)
/* Policy: a whole ring waits so many beats without progress. */
#define PAIR_BEAT_US		100000
#define PAIR_STALL_BEATS	10u

struct pair_queue {
	struct frame_line line;
	/* owner: the sender's worker */
	bool unflushed;		/* frames were copied, not yet shown */
	bool posted;		/* the line got frames in this pass */
	/* shared */
	uint32_t stalled;	/* the ring waits */
	uint32_t full;		/* and the set-aside queue is full */
	uint32_t hopeless;	/* do not wait: drop */
	/* owner: control */
	uint32_t last_tail, beats;
};

struct backend_pair {
	struct event *timer;
	struct pair_queue queue[];
};

static struct pair_queue *
pair_queue_of(const struct backend_port *port, uint32_t queue)
{
	struct backend_pair *p = port->backend;

	return &p->queue[queue];
}

/* The queue of the other NIC that takes what queue k sends; -1: none does. */
static int
pair_target(const struct backend_port *port, uint32_t k)
{
	const struct backend_port *mate = port->mate;

	if (mate == NULL || mate->queues_open == 0)
		return -1;
	return (int)mate->queue[k % mate->spec->queues].server;
}

static void
pair_from_guest(struct backend_port *port, uint32_t queue,
    const struct vsp_frame *f)
{
	struct backend_counters *c = &port->queue[queue].counters;
	struct pair_queue *pq = pair_queue_of(port, queue);
	struct backend_port *mate = port->mate;
	int to = pair_target(port, queue);
	int rc = E_AGAIN;

	if (to < 0) {
		counter_add(&c->no_guest, 1);
		return;
	}
	if (mate->queue[to].work->worker == port->queue[queue].work->worker &&
	    frame_line_oldest(&pq->line) == NULL) {
		rc = mate->to_guest->copy(mate, (uint32_t)to, f->vec, f->nvec,
		    &f->meta);
		pq->unflushed = true;
	}
	if (rc == E_AGAIN) {
		if (!frame_line_copy(&pq->line, 0, f->vec, f->nvec, f->len,
		    &f->meta)) {
			counter_add(&c->pair_full, 1);
			return;
		}
		pq->posted = true;
	} else if (rc == E_GONE) {
		counter_add(&c->no_guest, 1);
		return;
	}
	backend_count_written(c, f->len);
}

static void
pair_from_guest_flush(struct backend_port *port, uint32_t queue)
{
	struct pair_queue *pq = pair_queue_of(port, queue);
	struct backend_port *mate = port->mate;
	int to = pair_target(port, queue);

	if (pq->unflushed && to >= 0)
		mate->to_guest->flush(mate, (uint32_t)to);
	pq->unflushed = false;
	if (pq->posted && to >= 0)
		backend_port_post(mate, queue % mate->spec->queues);
	pq->posted = false;
}

static bool
pair_stalled(struct backend_port *port, uint32_t queue, bool full)
{
	struct pair_queue *pq = pair_queue_of(port, queue);

	if (frame_line_used(&pq->line) < PAIR_STALL_BYTES ||
	    port->mate == NULL || os_ld32(&pq->hopeless) != 0)
		return false;
	if (full)
		os_st32(&pq->full, 1);
	if (os_ld32(&pq->stalled) != 0)
		return true;
	(void)os_xchg32(&pq->stalled, 1);
	counter_add(&port->queue[queue].counters.stalls, 1);
	os_mb();
	/* It may have been drained before our mark could be seen. */
	if (frame_line_used(&pq->line) >= PAIR_STALL_BYTES)
		return true;
	os_st32(&pq->stalled, 0);
	return false;
}

/* One line to the guest.  True: it is empty. */
static bool
pair_drain(struct backend_port *port, uint32_t sender, uint32_t queue,
    uint32_t *frames, bool *blocked)
{
	struct pair_queue *pq = pair_queue_of(port->mate, sender);
	struct backend_counters *c = &port->queue[queue].counters;
	struct frame_record *r;

	while ((r = frame_line_oldest(&pq->line)) != NULL &&
	    *frames < BACKEND_BURST_FRAMES) {
		struct vec v = { frame_record_bytes(r), r->len };

		if (port->to_guest->copy(port, queue, &v, 1, &r->meta) ==
		    E_AGAIN) {
			*blocked = true;
			break;
		}
		backend_count_read(c, r->len);
		frame_line_drop(&pq->line, r);
		(*frames)++;
	}
	if (frame_line_used(&pq->line) < PAIR_STALL_BYTES / 2) {
		os_st32(&pq->hopeless, 0);
		os_st32(&pq->full, 0);
		os_mb();
		if (os_ld32(&pq->stalled) != 0 &&
		    os_xchg32(&pq->stalled, 0) != 0)
			backend_port_poke(port->mate, sender);
	}
	return r == NULL;
}

static enum backend_pull
pair_pull(struct backend_port *port, uint32_t k, uint32_t queue)
{
	bool blocked = false, empty = true;
	uint32_t frames = 0;

	if (port->mate == NULL)
		return BACKEND_DRY;
	for (uint32_t s = k; s < port->mate->spec->queues;
	    s += port->spec->queues)
		if (!pair_drain(port, s, queue, &frames, &blocked))
			empty = false;
	if (frames > 0) {
		port->to_guest->flush(port, queue);
		counter_add(&port->queue[queue].counters.bursts, 1);
	}
	return blocked ? BACKEND_BLOCKED : empty ? BACKEND_DRY : BACKEND_MORE;
}

/* Control: end stalls that hold back a whole ring, if nothing moves. */
static void
pair_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct backend_port *port = arg;

	for (uint32_t k = 0; k < port->spec->queues; k++) {
		struct pair_queue *pq = pair_queue_of(port, k);
		uint32_t tail = os_ld32(&pq->line.tail);

		pq->beats = tail == pq->last_tail ? pq->beats + 1 : 0;
		pq->last_tail = tail;
		if (pq->beats < PAIR_STALL_BEATS || os_ld32(&pq->full) == 0 ||
		    os_ld32(&pq->stalled) == 0)
			continue;
		os_st32(&pq->hopeless, 1);
		if (os_xchg32(&pq->stalled, 0) != 0)
			backend_port_poke(port, k);
	}
}

/* What this NIC's guest sent waits for nobody any more. */
static void
pair_let_go(struct backend_port *port)
{
	for (uint32_t k = 0; k < port->spec->queues; k++) {
		struct pair_queue *pq = pair_queue_of(port, k);

		pq->unflushed = pq->posted = false;
		os_st32(&pq->hopeless, 0);
		os_st32(&pq->full, 0);
		if (os_xchg32(&pq->stalled, 0) != 0)
			backend_port_poke(port, k);
	}
}

/* The other guest goes, or its link: forget what waits for it. */
static void
pair_clear(struct backend_port *port)
{
	for (uint32_t k = 0; k < port->spec->queues; k++)
		frame_line_clear(&pair_queue_of(port, k)->line);
	pair_let_go(port);
}

/* What a guest sent before it went is still the other one's. */
static void
pair_carrier(struct backend_port *port, bool on)
{
	if (on)
		return;
	pair_let_go(port);
	if (port->mate != NULL)
		pair_clear(port->mate);
}

static void
pair_close(struct backend_port *port)
{
	struct backend_pair *p = port->backend;

	if (port->mate != NULL)
		pair_clear(port->mate);
	event_free(p->timer);
	for (uint32_t k = 0; k < port->spec->queues; k++)
		frame_line_free(&p->queue[k].line);
	free(p);
	port->backend = NULL;
}

static int
pair_open(struct backend_port *port, char *err, size_t cap)
{
	const struct timeval beat = { 0, PAIR_BEAT_US };
	uint32_t n = port->spec->queues;
	size_t bytes = sizeof(struct backend_pair) +
	    n * sizeof(struct pair_queue);
	struct backend_pair *p;
	int rc = 0;

	p = aligned_alloc(OS_CACHELINE, align_up((uint32_t)bytes,
	    OS_CACHELINE));
	if (p == NULL)
		goto no_memory;
	memset(p, 0, bytes);
	p->timer = event_new(port->base, -1, EV_PERSIST, pair_on_timer,
	    port);
	for (uint32_t k = 0; k < n && rc == 0; k++)
		rc = frame_line_make(&p->queue[k].line, PAIR_LINE_BYTES);
	if (rc < 0 || p->timer == NULL)
		goto free_all;
	port->backend = p;
	event_add(p->timer, &beat);
	return 0;

free_all:
	for (uint32_t k = 0; k < n; k++)
		frame_line_free(&p->queue[k].line);
	if (p->timer != NULL)
		event_free(p->timer);
	free(p);
no_memory:
	snprintf(err, cap, "out of memory");
	return -ENOMEM;
}

const struct backend_ops backend_pair_ops = {
	.caps = BACKEND_GSO4 | BACKEND_GSO6 | BACKEND_CSUM,
	.open = pair_open,
	.close = pair_close,
	.pull = pair_pull,
	.from_guest = pair_from_guest,
	.from_guest_flush = pair_from_guest_flush,
	.stalled = pair_stalled,
	.carrier = pair_carrier,
};
