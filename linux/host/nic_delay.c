/*
 * Delay lines.
 *
 * Each queue has a line each way: a ring of bytes that holds records of a
 * header and a frame, in order of time, because the delay is the same for all
 * of them.  A record never wraps: where it would, the rest of the ring is left
 * as a gap, which a length of GAP says.  One timer a queue wakes its worker for
 * the oldest record.
 *
 * Context: the queue's worker, but for the control functions of the header.
 */
#include "linux/host/nic_delay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "pkt/pkt_load.h"

/* Policy: bytes that wait, a queue and direction. */
#define DELAY_LINE_BYTES	(4u << 20)
/* Policy: frames let go in one turn. */
#define DELAY_TURN		64u
#define DELAY_GAP		UINT32_MAX

struct delay_record {
	uint64_t due_ns;
	uint32_t len;		/* of the frame, or DELAY_GAP */
	struct pkt_meta meta;
};

struct delay_line {
	uint8_t *buf;
	uint32_t head, tail;	/* tail is the oldest; equal: empty */
};

struct delay_queue {
	struct work_source timer;
	int fd;
	struct delay_line to_guest, from_guest;
};

struct nic_delay {
	uint64_t delay_ns;
	struct delay_queue queue[];
};

static uint64_t
delay_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint32_t
record_bytes(uint32_t len)
{
	return align_up((uint32_t)sizeof(struct delay_record) + len, 8);
}

static struct delay_record *
line_at(const struct delay_line *l, uint32_t off)
{
	return (struct delay_record *)(void *)(l->buf + off);
}

/* Room for a record with a frame of len bytes, in one piece, or NULL. */
static struct delay_record *
line_room(struct delay_line *l, uint32_t len)
{
	uint32_t need = record_bytes(len) + 8;

	if (l->head >= l->tail && DELAY_LINE_BYTES - l->head < need +
	    sizeof(struct delay_record)) {
		if (l->tail <= need)
			return NULL;
		line_at(l, l->head)->len = DELAY_GAP;
		l->head = 0;
	}
	if (l->head < l->tail && l->tail - l->head <= need)
		return NULL;
	return line_at(l, l->head);
}

static void
line_put(struct delay_line *l, uint64_t due, uint32_t len,
    const struct pkt_meta *m)
{
	struct delay_record *r = line_at(l, l->head);

	r->due_ns = due;
	r->len = len;
	r->meta = *m;
	l->head += record_bytes(len);
}

/* The oldest record, or NULL. */
static struct delay_record *
line_oldest(struct delay_line *l)
{
	if (l->tail != l->head && line_at(l, l->tail)->len == DELAY_GAP)
		l->tail = 0;
	return l->tail == l->head ? NULL : line_at(l, l->tail);
}

static void
line_drop(struct delay_line *l)
{
	l->tail += record_bytes(line_at(l, l->tail)->len);
}

/* --- worker --- */

static void
delay_arm(struct delay_queue *d)
{
	struct delay_record *a = line_oldest(&d->to_guest);
	struct delay_record *b = line_oldest(&d->from_guest);
	uint64_t at = UINT64_MAX;
	struct itimerspec it = { { 0, 0 }, { 0, 0 } };

	if (a != NULL)
		at = a->due_ns;
	if (b != NULL && b->due_ns < at)
		at = b->due_ns;
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

bool
nic_delay_from_guest(struct nic *nic, uint32_t queue,
    const struct vsp_frame *f)
{
	struct delay_queue *d = &nic->delay->queue[queue];
	bool idle = line_oldest(&d->from_guest) == NULL;
	struct delay_record *r = line_room(&d->from_guest, f->len);

	if (r == NULL) {
		counter_add(&nic->queue[queue].counters.delay_full, 1);
		return true;
	}
	pkt_vec_gather(f->vec, f->nvec, 0, r + 1, f->len);
	line_put(&d->from_guest, delay_now() + nic->delay->delay_ns, f->len,
	    &f->meta);
	if (idle)
		delay_arm(d);
	return true;
}

uint8_t *
nic_delay_room(struct nic *nic, uint32_t queue, uint32_t max)
{
	struct delay_record *r = line_room(
	    &nic->delay->queue[queue].to_guest, max);

	return r != NULL ? (uint8_t *)(r + 1) : NULL;
}

void
nic_delay_to_guest(struct nic *nic, uint32_t queue, uint32_t len,
    const struct pkt_meta *m)
{
	struct delay_queue *d = &nic->delay->queue[queue];
	bool idle = line_oldest(&d->to_guest) == NULL;

	line_put(&d->to_guest, delay_now() + nic->delay->delay_ns, len, m);
	if (idle)
		delay_arm(d);
}

void
nic_delay_turn(struct nic_queue *q)
{
	struct nic *nic = q->nic;
	struct delay_queue *d = &nic->delay->queue[q->index];
	uint64_t now = delay_now();
	struct delay_record *r;
	uint32_t n;

	for (n = 0; n < DELAY_TURN && (r = line_oldest(&d->from_guest)) !=
	    NULL && r->due_ns <= now; n++) {
		struct vec v = { r + 1, r->len };
		struct vsp_frame f = { &v, 1, r->len, r->meta };

		nic->ops->from_guest(nic, q->index, &f);
		nic->ops->from_guest_flush(nic, q->index);
		line_drop(&d->from_guest);
	}
	for (n = 0; n < DELAY_TURN && (r = line_oldest(&d->to_guest)) !=
	    NULL && r->due_ns <= now; n++) {
		struct vec v = { r + 1, r->len };

		if (vsp_to_guest_copy(nic->vsp, q->index, &v, 1, &r->meta) ==
		    E_AGAIN) {
			/* The ring's next turn comes by to_guest_wake(). */
			vsp_to_guest_flush(nic->vsp, q->index);
			return;
		}
		line_drop(&d->to_guest);
	}
	if (n > 0)
		vsp_to_guest_flush(nic->vsp, q->index);
	delay_arm(d);
}

/* --- control --- */

static int
delay_queue_make(struct nic *nic, uint32_t k)
{
	struct delay_queue *d = &nic->delay->queue[k];

	d->to_guest.buf = malloc(DELAY_LINE_BYTES);
	d->from_guest.buf = malloc(DELAY_LINE_BYTES);
	d->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->to_guest.buf == NULL || d->from_guest.buf == NULL || d->fd < 0)
		return -ENOMEM;
	return work_source_add(&d->timer, &nic->queue[k].work, d->fd,
	    delay_on_timer);
}

int
nic_delay_set(struct nic *nic, uint32_t delay_us)
{
	uint32_t n = nic->spec.queues;
	int rc = 0;

	if (delay_us == 0 && nic->delay != NULL) {
		struct work *none = NULL;

		nic_delay_quiet(nic);
		/* After this no event of its timers is under way. */
		work_remove(&nic->host->pool, &none, 0);
		nic_delay_free(nic);
	}
	if (delay_us == 0)
		return 0;
	if (nic->delay == NULL) {
		nic->delay = calloc(1, sizeof(*nic->delay) +
		    n * sizeof(nic->delay->queue[0]));
		if (nic->delay == NULL)
			return -ENOMEM;
		for (uint32_t k = 0; k < n; k++)
			nic->delay->queue[k].fd =
			    nic->delay->queue[k].timer.fd = -1;
		for (uint32_t k = 0; k < n && rc == 0; k++)
			rc = delay_queue_make(nic, k);
	}
	nic->delay->delay_ns = (uint64_t)delay_us * 1000;
	return rc;
}

void
nic_delay_clear(struct nic *nic)
{
	for (uint32_t k = 0; nic->delay != NULL && k < nic->spec.queues; k++) {
		struct delay_queue *d = &nic->delay->queue[k];

		d->to_guest.head = d->to_guest.tail = 0;
		d->from_guest.head = d->from_guest.tail = 0;
	}
}

void
nic_delay_quiet(struct nic *nic)
{
	for (uint32_t k = 0; nic->delay != NULL && k < nic->spec.queues; k++)
		work_source_del(&nic->delay->queue[k].timer);
}

void
nic_delay_free(struct nic *nic)
{
	for (uint32_t k = 0; nic->delay != NULL && k < nic->spec.queues; k++) {
		struct delay_queue *d = &nic->delay->queue[k];

		if (d->fd >= 0)
			close(d->fd);
		free(d->to_guest.buf);
		free(d->from_guest.buf);
	}
	free(nic->delay);
	nic->delay = NULL;
}
