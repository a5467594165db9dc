/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delay lines: a layer between a NIC and its backend.
 *
 * Each queue has a line each way (frame_line.h), in order of time, because the
 * delay is the same for all frames.  One timer a queue wakes its worker for the
 * oldest; the queue's turn then calls delay_turn().
 *
 * All operations of the backend but the four of `ops` below are used as they
 * are: both have the same port.
 *
 * Context: the queue's worker, except the control functions of the header.
 */
#include "linux/host/backend_delay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "linux/host/frame_line.h"
#include "linux/host/worker.h"
#include "linux/run/clock.h"
#include "pkt/pkt_load.h"

/* Policy: bytes that wait, a queue and direction. */
#define DELAY_LINE_BYTES	(4u << 20)
/* Policy: frames let go in one turn. */
#define DELAY_TURN		64u

struct delay_queue {
	struct work_source timer;
	int fd;
	struct frame_line to_guest, from_guest;
	uint8_t *spill;			/* VSP_FRAME_MAX bytes: a full line's */
};

struct backend_delay {
	uint64_t delay_ns;
	struct backend_ops ops;		/* ours */
	/* what stood in the port before */
	const struct backend_ops *real;
	const struct backend_to_guest *to_guest;
	struct delay_queue queue[];
};

/* --- worker --- */

/* A frame is dropped. */
static int
delay_full(struct backend_port *port, uint32_t queue)
{
	counter_add(&port->queue[queue].counters.delay_full, 1);
	return E_STATE;
}

static void
delay_arm(struct delay_queue *d)
{
	struct frame_record *a = frame_line_oldest(&d->to_guest);
	struct frame_record *b = frame_line_oldest(&d->from_guest);
	uint64_t at = UINT64_MAX;
	struct itimerspec it = { { 0, 0 }, { 0, 0 } };

	if (a != NULL)
		at = a->stamp;
	if (b != NULL && b->stamp < at)
		at = b->stamp;
	if (at == UINT64_MAX)
		return;
	it.it_value.tv_sec = (time_t)(at / 1000000000u);
	it.it_value.tv_nsec = (long)(at % 1000000000u);
	timerfd_settime(d->fd, TFD_TIMER_ABSTIME, &it, NULL);
}

static void
delay_on_timer(struct work_source *s)
{
}

static void
delay_from_guest(struct backend_port *port, uint32_t queue,
    const struct vsp_frame *f)
{
	struct backend_delay *delay = port->delay;
	struct delay_queue *d = &delay->queue[queue];
	bool idle = frame_line_oldest(&d->from_guest) == NULL;

	if (!frame_line_copy(&d->from_guest, clock_now_ns() + delay->delay_ns,
	    f->vec, f->nvec, f->len, &f->meta))
		(void)delay_full(port, queue);
	else if (idle)
		delay_arm(d);
}

/* A frame for the guest is in the room that the line gave. */
static void
delay_put(struct backend_delay *delay, uint32_t queue, uint32_t len,
    const struct pkt_meta *m)
{
	struct delay_queue *d = &delay->queue[queue];
	bool idle = frame_line_oldest(&d->to_guest) == NULL;

	frame_line_put(&d->to_guest, clock_now_ns() + delay->delay_ns, len, m);
	if (idle)
		delay_arm(d);
}

/* Of a full line: room for a frame that will be dropped. */
static int
delay_reserve(struct backend_port *port, uint32_t queue, uint32_t usual,
    struct vsp_room *room)
{
	struct delay_queue *d = &port->delay->queue[queue];
	uint8_t *p = frame_line_room(&d->to_guest, VSP_FRAME_MAX);

	room->vec[0] = (struct vec){ p != NULL ? p : d->spill, VSP_FRAME_MAX };
	room->nvec = 1;
	return 0;
}

static int
delay_submit(struct backend_port *port, uint32_t queue, struct vsp_room *room,
    uint32_t len, const struct pkt_meta *m)
{
	struct backend_delay *delay = port->delay;

	if (room->vec[0].p == delay->queue[queue].spill)
		return delay_full(port, queue);
	delay_put(delay, queue, len, m);
	return 0;
}

static int
delay_copy(struct backend_port *port, uint32_t queue, const struct vec *v,
    uint32_t n, const struct pkt_meta *m)
{
	struct backend_delay *delay = port->delay;
	uint32_t len = pkt_vec_bytes(v, n);
	uint8_t *p = frame_line_room(&delay->queue[queue].to_guest, len);

	if (p == NULL)
		return delay_full(port, queue);
	pkt_vec_gather(v, n, 0, p, len);
	delay_put(delay, queue, len, m);
	return 0;
}

/* Their time comes. */
static void
delay_flush(struct backend_port *port, uint32_t queue)
{
}

static const struct backend_to_guest delay_to_guest = {
	.reserve = delay_reserve,
	.submit = delay_submit,
	.copy = delay_copy,
	.flush = delay_flush,
};

/* The guest's frames that are due. */
static void
delay_turn_from_guest(struct backend_port *port, uint32_t queue, uint64_t now)
{
	const struct backend_ops *real = port->delay->real;
	struct frame_line *line = &port->delay->queue[queue].from_guest;
	struct frame_record *r;

	for (uint32_t n = 0; n < DELAY_TURN && (r = frame_line_oldest(line)) !=
	    NULL && r->stamp <= now; n++) {
		struct vec v = { frame_record_bytes(r), r->len };
		struct vsp_frame f = { &v, 1, r->len, r->meta };

		if (real->stalled != NULL && real->stalled(port, queue, false))
			break;	/* it will poke us */
		real->from_guest(port, queue, &f);
		real->from_guest_flush(port, queue);
		frame_line_drop(line, r);
	}
}

/* Those for the guest; false: it has no room, to_guest_wake() comes. */
static bool
delay_turn_to_guest(struct backend_port *port, uint32_t queue, uint64_t now)
{
	const struct backend_to_guest *to = port->delay->to_guest;
	struct frame_line *line = &port->delay->queue[queue].to_guest;
	struct frame_record *r;
	bool room = true;
	uint32_t n;

	for (n = 0; n < DELAY_TURN && (r = frame_line_oldest(line)) != NULL &&
	    r->stamp <= now; n++) {
		struct vec v = { frame_record_bytes(r), r->len };

		room = to->copy(port, queue, &v, 1, &r->meta) != E_AGAIN;
		if (!room)
			break;
		frame_line_drop(line, r);
	}
	if (n > 0 || !room)
		to->flush(port, queue);
	return room;
}

static void
delay_turn(struct backend_port *port, uint32_t queue)
{
	uint64_t now = clock_now_ns();

	delay_turn_from_guest(port, queue, now);
	if (delay_turn_to_guest(port, queue, now))
		delay_arm(&port->delay->queue[queue]);
}

/* --- control --- */

static void
delay_quiet(struct backend_delay *delay, uint32_t queues)
{
	for (uint32_t k = 0; delay != NULL && k < queues; k++)
		work_source_del(&delay->queue[k].timer);
}

static void
delay_free(struct backend_delay *delay, uint32_t queues)
{
	for (uint32_t k = 0; delay != NULL && k < queues; k++) {
		struct delay_queue *d = &delay->queue[k];

		if (d->fd >= 0)
			close(d->fd);
		frame_line_free(&d->to_guest);
		frame_line_free(&d->from_guest);
		free(d->spill);
	}
	free(delay);
}

/* Of lines that workers may have heard of. */
static void
delay_end(struct backend_port *port, struct backend_delay *delay)
{
	struct work *none = NULL;

	if (delay == NULL)
		return;
	delay_quiet(delay, port->spec->queues);
	/* After this no event of its timers is under way. */
	work_remove(port->pool, &none, 0);
	delay_free(delay, port->spec->queues);
}

static int
delay_queue_make(struct delay_queue *d, struct work *work)
{
	d->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->fd < 0)
		return -errno;
	if (frame_line_make(&d->to_guest, DELAY_LINE_BYTES) < 0 ||
	    frame_line_make(&d->from_guest, DELAY_LINE_BYTES) < 0)
		return -ENOMEM;
	d->spill = malloc(VSP_FRAME_MAX);
	if (d->spill == NULL)
		return -ENOMEM;
	return work_source_add(&d->timer, work, d->fd, delay_on_timer);
}

int
backend_delay_make(struct backend_port *port, uint32_t delay_us,
    struct backend_delay **out)
{
	uint32_t n = port->spec->queues;
	struct backend_delay *delay;
	size_t bytes = sizeof(*delay) + n * sizeof(delay->queue[0]);
	int rc = 0;

	*out = NULL;
	if (delay_us == 0 || port->delay != NULL)
		return 0;
	delay = aligned_alloc(OS_CACHELINE, align_up((uint32_t)bytes,
	    OS_CACHELINE));
	if (delay == NULL)
		return -ENOMEM;
	memset(delay, 0, bytes);
	for (uint32_t k = 0; k < n; k++)
		delay->queue[k].fd = delay->queue[k].timer.fd = -1;
	for (uint32_t k = 0; k < n && rc == 0; k++)
		rc = delay_queue_make(&delay->queue[k], port->queue[k].work);
	if (rc < 0)
		delay_end(port, delay);
	else
		*out = delay;
	return rc;
}

void
backend_delay_forget(struct backend_port *port, struct backend_delay *made)
{
	delay_end(port, made);
}

static void
delay_guest_gone(struct backend_port *port)
{
	for (uint32_t k = 0; k < port->spec->queues; k++) {
		struct delay_queue *d = &port->delay->queue[k];

		frame_line_clear(&d->to_guest);
		frame_line_clear(&d->from_guest);
	}
}

static void
delay_insert(struct backend_port *port, struct backend_delay *delay)
{
	delay->real = port->ops;
	delay->to_guest = port->to_guest;
	delay->ops = *port->ops;
	delay->ops.from_guest = delay_from_guest;
	delay->ops.from_guest_flush = delay_flush;
	delay->ops.turn = delay_turn;
	delay->ops.guest_gone = delay_guest_gone;
	port->ops = &delay->ops;
	port->to_guest = &delay_to_guest;
	port->delay = delay;
}

static struct backend_delay *
delay_remove(struct backend_port *port)
{
	struct backend_delay *delay = port->delay;

	if (delay != NULL) {
		port->ops = delay->real;
		port->to_guest = delay->to_guest;
	}
	port->delay = NULL;
	return delay;
}

void
backend_delay_use(struct backend_port *port, uint32_t delay_us,
    struct backend_delay *made)
{
	if (made != NULL)
		delay_insert(port, made);
	if (delay_us == 0)
		delay_end(port, delay_remove(port));
	else
		port->delay->delay_ns = (uint64_t)delay_us * 1000;
}

void
backend_delay_quiet(struct backend_port *port)
{
	delay_quiet(port->delay, port->spec->queues);
}

void
backend_delay_free(struct backend_port *port)
{
	delay_free(delay_remove(port), port->spec->queues);
}
