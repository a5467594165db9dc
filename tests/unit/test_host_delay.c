/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The delay layer between a port and a backend that only remembers: frames of
 * both ways wait, in order, also where one end takes none; a full line drops
 * and counts; and the port is as it was when the layer is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "linux/host/backend_delay.h"
#include "linux/host/worker.h"
#include "linux/run/clock.h"

#define DELAY_US	3000u
#define LINE_BYTES	(4u << 20)

/* What one side got. */
struct heard {
	uint32_t frames;	/* shared */
	uint32_t refuse;	/* shared: takes none */
	uint32_t refused;	/* shared: times */
	uint32_t flushes;
	uint64_t at_ns;		/* the last one */
};

struct rig {
	struct worker_pool pool;
	struct gate gate;
	struct work work;
	struct nic_spec spec;
	struct backend_port port;
	struct backend_queue queue;
	struct heard guest, backend;
};

static struct rig *
rig_of(struct backend_port *port)
{
	return CONTAINER_OF(port, struct rig, port);
}

/* Frames are one number long, and come as 0, 1, ... */
static void
hear(struct heard *h, const struct vec *v)
{
	uint32_t seq;

	memcpy(&seq, v->p, sizeof(seq));
	assert_int_equal(seq, h->frames);
	h->at_ns = clock_now_ns();
	os_st32_rel(&h->frames, h->frames + 1);
}

static bool
refuse(struct heard *h)
{
	if (os_ld32(&h->refuse) == 0)
		return false;
	os_st32_rel(&h->refused, h->refused + 1);
	return true;
}

static int
guest_copy(struct backend_port *port, uint32_t queue, const struct vec *v,
    uint32_t n, const struct pkt_meta *m)
{
	struct heard *h = &rig_of(port)->guest;

	assert_int_equal(n, 1);
	if (refuse(h))
		return E_AGAIN;
	hear(h, v);
	return 0;
}

static void
guest_flush(struct backend_port *port, uint32_t queue)
{
	rig_of(port)->guest.flushes++;
}

static void
backend_from_guest(struct backend_port *port, uint32_t queue,
    const struct vsp_frame *f)
{
	hear(&rig_of(port)->backend, f->vec);
}

static void
backend_flush(struct backend_port *port, uint32_t queue)
{
	rig_of(port)->backend.flushes++;
}

static bool
backend_stalled(struct backend_port *port, uint32_t queue, bool full)
{
	return refuse(&rig_of(port)->backend);
}

static const struct backend_to_guest guest_ops = {
	.copy = guest_copy,
	.flush = guest_flush,
};

static const struct backend_ops backend_ops = {
	.caps = BACKEND_CSUM,
	.from_guest = backend_from_guest,
	.from_guest_flush = backend_flush,
	.stalled = backend_stalled,
};

static enum work_turn
rig_turn(struct work *w)
{
	struct rig *r = CONTAINER_OF(w, struct rig, work);

	if (r->port.ops->turn != NULL)
		r->port.ops->turn(&r->port, 0);
	return WORK_IDLE;
}

static struct rig *
rig_make(uint32_t delay_us)
{
	struct rig *r = aligned_alloc(OS_CACHELINE, sizeof(*r));
	struct backend_delay *made;

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	r->gate.id = 1;
	assert_int_equal(worker_pool_start(&r->pool, 1,
	    &(struct thread_place){ 0 }), 0);
	work_init(&r->work, &r->pool.worker[0], &r->gate, rig_turn);
	r->spec.queues = 1;
	r->queue.work = &r->work;
	r->port = (struct backend_port){ .spec = &r->spec, .pool = &r->pool,
		.queue = &r->queue, .ops = &backend_ops,
		.to_guest = &guest_ops };
	gate_close(&r->pool, &r->gate);
	assert_int_equal(backend_delay_make(&r->port, delay_us, &made), 0);
	backend_delay_use(&r->port, delay_us, made);
	gate_open(&r->pool, &r->gate);
	assert_ptr_not_equal(r->port.ops, &backend_ops);
	/* What the layer has no business with is the backend's. */
	assert_int_equal(r->port.ops->caps, BACKEND_CSUM);
	return r;
}

static void
rig_free(struct rig *r)
{
	struct work *work = &r->work;

	gate_close(&r->pool, &r->gate);
	backend_delay_use(&r->port, 0, NULL);
	gate_open(&r->pool, &r->gate);
	assert_ptr_equal(r->port.ops, &backend_ops);
	assert_ptr_equal(r->port.to_guest, &guest_ops);
	assert_null(r->port.delay);
	work_remove(&r->pool, &work, 1);
	worker_pool_stop(&r->pool);
	free(r);
}

static void
await(const uint32_t *what, uint32_t value)
{
	while (os_ld32_acq(what) < value)
		sched_yield();
}

/* Three frames each way, of which one for the guest is read into its room. */
static void
send_three(struct worker *w, void *arg)
{
	struct rig *r = arg;
	struct pkt_meta m = { 0 };
	struct vsp_room room;

	for (uint32_t seq = 0; seq < 3; seq++) {
		struct vec v = { (uint8_t *)&seq, sizeof(seq) };
		struct vsp_frame f = { &v, 1, sizeof(seq), m };

		r->port.ops->from_guest(&r->port, 0, &f);
		if (seq != 1) {
			assert_int_equal(r->port.to_guest->copy(&r->port, 0,
			    &v, 1, &m), 0);
			continue;
		}
		assert_int_equal(r->port.to_guest->reserve(&r->port, 0, 60,
		    &room), 0);
		assert_int_equal(room.nvec, 1);
		memcpy(room.vec[0].p, &seq, sizeof(seq));
		assert_int_equal(r->port.to_guest->submit(&r->port, 0, &room,
		    sizeof(seq), &m), 0);
	}
	r->port.ops->from_guest_flush(&r->port, 0);
	r->port.to_guest->flush(&r->port, 0);
}

static void
test_frames_wait(void **state)
{
	struct rig *r = rig_make(DELAY_US);
	uint64_t began = clock_now_ns();

	worker_call(&r->pool.worker[0], send_three, r);
	await(&r->guest.frames, 3);
	await(&r->backend.frames, 3);
	assert_true(r->guest.at_ns - began >= DELAY_US * 1000u);
	assert_true(r->backend.at_ns - began >= DELAY_US * 1000u);
	rig_free(r);
}

/* Neither end takes anything: all frames wait until it does. */
static void
test_no_room(void **state)
{
	struct rig *r = rig_make(DELAY_US);

	r->guest.refuse = r->backend.refuse = 1;
	worker_call(&r->pool.worker[0], send_three, r);
	await(&r->guest.refused, 1);
	await(&r->backend.refused, 1);
	assert_int_equal(r->guest.frames, 0);
	assert_int_equal(r->backend.frames, 0);
	os_st32(&r->guest.refuse, 0);
	os_st32(&r->backend.refuse, 0);
	work_post(&r->work);
	await(&r->guest.frames, 3);
	await(&r->backend.frames, 3);
	rig_free(r);
}

/* More than the lines hold; and nothing of it comes after the guest went. */
static void
fill(struct worker *w, void *arg)
{
	struct rig *r = arg;
	struct pkt_meta m = { 0 };
	uint32_t sent = 0, bytes = 60000, most = LINE_BYTES / bytes;
	struct vec v = { calloc(1, bytes), bytes };
	struct vsp_frame f = { &v, 1, bytes, m };
	struct vsp_room room;

	assert_non_null(v.p);
	for (uint32_t n = 0; n < most + 1; n++) {
		r->port.ops->from_guest(&r->port, 0, &f);
		sent += r->port.to_guest->copy(&r->port, 0, &v, 1, &m) == 0;
	}
	assert_in_range(sent, most / 2, most);
	assert_int_equal(r->port.to_guest->reserve(&r->port, 0, 60, &room), 0);
	memset(room.vec[0].p, 0, room.vec[0].len);
	assert_int_equal(r->port.to_guest->submit(&r->port, 0, &room, 60, &m),
	    E_STATE);
	free(v.p);
}

static void
test_full(void **state)
{
	struct rig *r = rig_make(10000000);

	worker_call(&r->pool.worker[0], fill, r);
	assert_in_range(r->queue.counters.delay_full, 3, 1000);
	gate_close(&r->pool, &r->gate);
	r->port.ops->guest_gone(&r->port);
	backend_delay_use(&r->port, DELAY_US, NULL);
	gate_open(&r->pool, &r->gate);
	worker_call(&r->pool.worker[0], send_three, r);
	await(&r->guest.frames, 3);
	await(&r->backend.frames, 3);
	rig_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_wait),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
