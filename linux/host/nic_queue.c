/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue's turn at its worker: frames that other workers left for it, its
 * ring, then the backend's sources that it serves, each in bounded pieces.
 *
 * Descriptors are edge-triggered, so events are remembered (`ring`, `readable`)
 * until their work is done.  A source that is blocked (no room at the guest)
 * stays readable and is tried again when the NetVSP says so, which it does from
 * inside the ring's turn.
 *
 * We poll the rings of a guest that polls (DPDK, the frames API): as long as
 * packets come, and for poll_us after the last one, we request no signal.  Then
 * the ring is armed as any other.
 *
 * A queue that its guest broke is not served any more until its channel is
 * opened again.  The worker notices after the turn; control says it.
 */
#include "linux/host/nic_queue.h"

#include <errno.h>
#include <string.h>

#include "bus/ring_chan.h"
#include "linux/host/host_priv.h"
#include "linux/host/nic_trace.h"
#include "linux/host/nic_wake.h"
#include "linux/link/link_guard.h"
#include "linux/run/clock.h"
#include "linux/see/trace.h"

/* Policy: packets of a ring in one turn, worth 16 frames or 64 KiB each. */
#define QUEUE_BUDGET		64u
/* Policy: bursts of one source before others get their turn. */
#define QUEUE_TURN_BURSTS	4u

static void
queue_on_signal(struct work_source *s)
{
	struct nic_queue *q = CONTAINER_OF(s, struct nic_queue, signal);

	q->ring = true;
	nic_trace_signalled(q);
}

static void
source_on_readable(struct work_source *s)
{
	os_st32(&CONTAINER_OF(s, struct nic_source, src)->readable, 1);
}

static inline struct backend_counters *
queue_counters(const struct nic_queue *q)
{
	return &q->nic->port.queue[q->index].counters;
}

/* One source; true: it has more and the guest has room. */
static bool
source_turn(struct nic_queue *q, struct nic_source *s)
{
	struct nic *nic = q->nic;

	for (uint32_t n = 0; n < QUEUE_TURN_BURSTS &&
	    os_ld32(&nic->gate->closed) == 0; n++) {
		switch (nic->port.ops->pull(&nic->port, s->index, q->index)) {
		case BACKEND_DRY:
			os_st32(&s->readable, 0);
			return false;
		case BACKEND_BLOCKED:
			counter_add(&queue_counters(q)->blocked, 1);
			q->blocked = true;
			if (trace_on())
				nic_trace_short(q);
			return false;
		case BACKEND_MORE:
			break;
		}
	}
	return true;
}

/* Polled and empty: true while it is worth another look. */
static bool
ring_spins(struct nic_queue *q)
{
	uint64_t now = clock_now_ns();

	counter_add(&queue_counters(q)->polls_idle, 1);
	if (q->adaptive)
		return worker_may_spin(q->work.worker, now) &&
		    ring_spin_empty(&q->spin, link_signal_cost_ns(), now);
	if (q->idle_from_ns == 0)
		q->idle_from_ns = now;
	return worker_may_spin(q->work.worker, now) && now - q->idle_from_ns <
	    q->nic->host->cfg.poll_us * (uint64_t)1000;
}

static enum work_turn
ring_turn(struct nic_queue *q)
{
	enum vsp_poll found = VSP_POLL_WAIT;

	if (q->polled) {
		counter_add(&queue_counters(q)->polls, 1);
		found = vsp_from_guest_poll(q->nic->vsp, q->index,
		    QUEUE_BUDGET);
	}
	if (found == VSP_POLL_WORK) {
		q->idle_from_ns = 0;
		if (q->spin.empty_ns != 0)
			ring_spin_found(&q->spin, link_signal_cost_ns(),
			    clock_now_ns());
		return WORK_MORE;
	}
	if (found == VSP_POLL_EMPTY && ring_spins(q))
		return WORK_SPIN;
	q->idle_from_ns = 0;
	q->ring = q->chan->events->ready(q->chan, QUEUE_BUDGET);
	return q->ring ? WORK_MORE : WORK_IDLE;
}

/* The channel is closed: nobody takes what is there. */
static void
sources_discard(struct nic_queue *q)
{
	struct nic *nic = q->nic;

	for (struct nic_source *s = q->sources; s != NULL; s = s->next)
		if (os_ld32(&s->readable) != 0 &&
		    nic->port.ops->discard != NULL) {
			nic->port.ops->discard(&nic->port, s->index);
			os_st32(&s->readable, 0);
		}
}

/* Once, as soon as the NetVSP will not serve the channel any more. */
static inline void
queue_stop_note(struct nic_queue *q)
{
	if (q->stopped || q->chan->faults.total == 0 ||
	    !vsp_queue_stopped(q->nic->vsp, q->index))
		return;
	q->stopped = true;
	nic_control_ask(q->nic);
}

static enum work_turn
queue_turn(struct work *wk)
{
	struct nic_queue *q = CONTAINER_OF(wk, struct nic_queue, work);
	struct nic *nic = q->nic;
	enum work_turn turn = WORK_IDLE;

	if (os_ld32(&q->poke) != 0 && os_xchg32(&q->poke, 0) != 0)
		q->ring = true;
	if (q->chan == NULL) {
		q->ring = false;
		sources_discard(q);
		return WORK_IDLE;
	}
	if (os_ld32(&q->handover) != 0 && os_xchg32(&q->handover, 0) != 0)
		vsp_to_guest_drain_handover(nic->vsp, q->index);
	if (q->ring)
		turn = ring_turn(q);
	if (nic->port.ops->turn != NULL)
		nic->port.ops->turn(&nic->port, q->index);
	for (struct nic_source *s = q->sources; s != NULL && !q->blocked;
	    s = s->next) {
		if (os_ld32(&s->posted) != 0 && os_xchg32(&s->posted, 0) != 0)
			os_st32(&s->readable, 1);
		if (os_ld32(&s->readable) != 0 && source_turn(q, s))
			turn = WORK_MORE;
	}
	queue_stop_note(q);
	return turn;
}

/* --- control --- */

void
nic_queue_init(struct nic_queue *q, struct nic *nic, uint32_t index,
    struct worker *w)
{
	q->nic = nic;
	q->index = index;
	q->signal.fd = -1;
	work_init(&q->work, w, nic->gate, queue_turn);
}

static void
worker_pass(struct worker *w, void *arg)
{
}

/* Let queue `to` serve the source. */
static void
source_move(struct nic_source *s, struct nic_queue *to)
{
	uint32_t *server = &to->nic->port.queue[s->index].server;
	struct nic_queue *from = &to->nic->queue[*server];
	struct nic_source **p = &from->sources;
	int fd = s->src.fd;

	if (from == to)
		return;
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	if (fd >= 0) {
		work_source_del(&s->src);
		/* After this no event of it is under way. */
		worker_call(from->work.worker, worker_pass, NULL);
		if (work_source_add(&s->src, &to->work, fd,
		    source_on_readable) < 0)
			host_log_of(to->nic->log,
			    host_log_nic(to->nic->spec.name), HOST_LOG_REFUSED,
			    "%s: source %u cannot be watched: %s",
			    to->nic->spec.name, s->index, strerror(errno));
	}
	/* An event of it may be under way at the same worker. */
	__atomic_store_n(&s->src.work, &to->work, __ATOMIC_RELEASE);
	*server = to->index;
	s->next = to->sources;
	to->sources = s;
	os_st32(&s->readable, 1);
	nic_queue_poke(to);
}

static void
sources_share(struct nic *nic)
{
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		source_move(&nic->source[k], nic->queue[k].chan != NULL ?
		    &nic->queue[k] : &nic->queue[0]);
}

/* What the NIC says, else the host. */
static enum host_poll
nic_poll(const struct nic *nic)
{
	static const enum host_poll of[] = { [NIC_POLL_OFF] = HOST_POLL_OFF,
		[NIC_POLL_ALL] = HOST_POLL_ALL,
		[NIC_POLL_ADAPTIVE] = HOST_POLL_ADAPTIVE };

	return nic->spec.poll == NIC_POLL_HOST ? nic->host->cfg.poll :
	    of[nic->spec.poll];
}

static bool
nic_polled(const struct nic *nic)
{
	uint32_t kind = nic->user.kind;

	switch (nic_poll(nic)) {
	case HOST_POLL_OFF:
		return false;
	case HOST_POLL_ALL:
	case HOST_POLL_ADAPTIVE:
		return true;
	case HOST_POLL_AUTO:
		break;
	}
	return kind == LINK_KIND_UIO || kind == LINK_KIND_POLL;
}

/* Sections were shared out again: queues that waited may have some now. */
static void
queues_retry(struct nic *nic)
{
	for (uint32_t k = 0; k < nic->spec.queues; k++) {
		nic->queue[k].blocked = false;
		nic_queue_poke(&nic->queue[k]);
	}
}

void
nic_queue_talk(struct nic_queue *q)
{
	const struct nic *nic = q->nic;
	enum nic_signal how = nic->spec.signal;
	bool packet = how == NIC_SIGNAL_HOST ?
	    nic->host->cfg.signal == HOST_SIGNAL_PACKET :
	    how == NIC_SIGNAL_PACKET;

	if (q->chan == NULL)
		return;
	q->polled = nic_polled(nic);
	q->adaptive = nic_poll(nic) == HOST_POLL_ADAPTIVE;
	ring_chan_policy_set(ring_chan_of(q->chan), packet ?
	    RING_CHAN_PACKET : RING_CHAN_EDGE);
	/* It may have masked signals to poll. */
	nic_queue_poke(q);
}

void
nic_queue_start(struct nic_queue *q, struct chan *c, int signal_fd)
{
	q->chan = c;
	q->stopped = q->stop_said = false;
	q->idle_from_ns = 0;
	nic_queue_talk(q);
	if (signal_fd >= 0 && work_source_add(&q->signal, &q->work, signal_fd,
	    queue_on_signal) < 0)
		host_log_of(q->nic->log,
		    host_log_nic(q->nic->spec.name), HOST_LOG_REFUSED,
		    "%s: channel %u cannot be watched: %s",
		    q->nic->spec.name, q->index, strerror(errno));
	sources_share(q->nic);
	for (struct nic_source *s = q->sources; s != NULL; s = s->next)
		os_st32(&s->readable, 1);
	queues_retry(q->nic);
}

void
nic_queue_say_stopped(struct nic_queue *q)
{
	const struct nic *nic = q->nic;

	if (q->chan == NULL || q->stop_said ||
	    !vsp_queue_stopped(nic->vsp, q->index))
		return;
	q->stop_said = true;
	host_guest_queue_stopped(nic->log, &nic->user,
	    nic->spec.name, q->index, q->chan->faults.last,
	    q->chan->faults.last_value);
}

void
nic_queue_stop(struct nic_queue *q)
{
	nic_queue_say_stopped(q);
	work_source_del(&q->signal);
	q->chan = NULL;
	sources_share(q->nic);
	queues_retry(q->nic);
}

int
nic_source_open(struct nic *nic, uint32_t k)
{
	struct nic_source *s = &nic->source[k];
	struct nic_queue *q = &nic->queue[0];
	const struct backend_ops *ops = nic->port.ops;
	int fd = ops->source_fd != NULL ? ops->source_fd(&nic->port, k) : -1;

	nic->port.queue[k].server = q->index;
	s->src.work = &q->work;
	s->next = q->sources;
	q->sources = s;
	return fd < 0 ? 0 : work_source_add(&s->src, &q->work, fd,
	    source_on_readable);
}

void
nic_source_close(struct nic *nic, uint32_t k)
{
	work_source_del(&nic->source[k].src);
}

