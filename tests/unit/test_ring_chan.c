/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel on our own rings: both ends over one piece of memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bus/ring_chan.h"

#define RING_BYTES	(2 * HV_PAGE_SIZE)

struct pair {
	_Alignas(8) uint8_t up[RING_BYTES], down[RING_BYTES];
	struct ring_chan guest, host;
	uint32_t guest_signals, host_signals;	/* that each sent */
};

static struct pair pair;

static void
signal_guest_end(struct ring_chan *rc)
{
	CONTAINER_OF(rc, struct pair, guest)->guest_signals++;
}

static void
signal_host_end(struct ring_chan *rc)
{
	CONTAINER_OF(rc, struct pair, host)->host_signals++;
}

static struct pair *
pair_new(enum ring_chan_policy policy)
{
	struct ring_chan_config guest = { .out_mem = pair.up,
	    .out_bytes = RING_BYTES, .in_mem = pair.down,
	    .in_bytes = RING_BYTES, .policy = policy,
	    .signal = signal_guest_end };
	struct ring_chan_config host = { .out_mem = pair.down,
	    .out_bytes = RING_BYTES, .in_mem = pair.up,
	    .in_bytes = RING_BYTES, .signal = signal_host_end };
	enum fault why;

	memset(&pair, 0, sizeof(pair));
	pair.guest.chan.ops = pair.host.chan.ops = &ring_chan_ops;
	assert_int_equal(ring_chan_init(&pair.guest, &guest, &why), 0);
	assert_int_equal(ring_chan_init(&pair.host, &host, &why), 0);
	return &pair;
}

/* A packet of 64 ring bytes. */
static int
put(struct ring_chan *rc, uint64_t xact)
{
	static const uint8_t data[40];
	const struct vmpkt_out p = { .type = VMPKT_INBAND, .xact = xact,
	    .data = { data, sizeof(data) } };

	return chan_send(&rc->chan, &p);
}

static uint32_t
drain(struct ring_chan *rc)
{
	uint64_t buf[64];
	struct vmpkt_in in;
	uint32_t n = 0;

	while (chan_recv(&rc->chan, &in, buf, sizeof(buf)) == 1)
		n++;
	chan_recv_commit(&rc->chan);
	return n;
}

static void
one_signal_a_batch_on_the_edge(void **state)
{
	struct pair *p = pair_new(RING_CHAN_EDGE);

	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(put(&p->guest, i), 0);
	assert_int_equal(drain(&p->host), 0);
	chan_commit(&p->guest.chan);
	assert_int_equal(p->guest_signals, 1);
	/* not empty: silent */
	assert_int_equal(put(&p->guest, 16), 0);
	chan_commit(&p->guest.chan);
	assert_int_equal(p->guest_signals, 1);
	assert_int_equal(p->guest.out.counters.skip_busy, 1);
	assert_int_equal(drain(&p->host), 17);
	/* masked: silent */
	chan_irq_mask(&p->host.chan);
	assert_int_equal(put(&p->guest, 17), 0);
	chan_commit(&p->guest.chan);
	assert_int_equal(p->guest_signals, 1);
	assert_int_equal(p->guest.out.counters.skip_masked, 1);
	/* unmask finds it */
	assert_true(chan_irq_unmask(&p->host.chan));
	assert_int_equal(drain(&p->host), 1);
	assert_false(chan_irq_unmask(&p->host.chan));
	assert_int_equal(put(&p->guest, 18), 0);
	chan_commit(&p->guest.chan);
	assert_int_equal(p->guest_signals, 2);
	assert_int_equal(p->guest.counters.signals_data, 2);
}

static void
packet_policy_signals_each(void **state)
{
	struct pair *p = pair_new(RING_CHAN_PACKET);

	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(put(&p->guest, i), 0);
	assert_int_equal(p->guest_signals, 5);
	assert_int_equal(drain(&p->host), 5);
	ring_chan_policy_set(&p->guest, RING_CHAN_EDGE);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(put(&p->guest, i), 0);
	chan_commit(&p->guest.chan);
	assert_int_equal(p->guest_signals, 6);
}

static void
poll_policy_counts_what_it_leaves_out(void **state)
{
	struct pair *p = pair_new(RING_CHAN_POLL);

	assert_int_equal(put(&p->guest, 1), 0);
	chan_commit(&p->guest.chan);
	assert_int_equal(p->guest_signals, 0);
	assert_int_equal(p->guest.counters.signals_poll, 1);
	assert_int_equal(drain(&p->host), 1);
}

static void
full_ring_waits_and_is_woken_once(void **state)
{
	struct pair *p = pair_new(RING_CHAN_EDGE);
	uint32_t n = 0;
	int err;

	while ((err = put(&p->guest, n)) == 0)
		n++;
	assert_int_equal(err, E_AGAIN);
	assert_int_equal(n, 63);	/* of 64 bytes, in 4096 - 8 */
	assert_false(chan_want_space(&p->guest.chan, 64));
	assert_int_equal(p->guest_signals, 1);	/* published what was put */
	assert_int_equal(drain(&p->host), n);
	assert_int_equal(p->host_signals, 1);
	assert_int_equal(p->host.counters.signals_room, 1);
	assert_true(chan_want_space(&p->guest.chan, 64));
	assert_int_equal(put(&p->guest, 0), 0);
}

static void
broken_ring_is_noted_once(void **state)
{
	struct pair *p = pair_new(RING_CHAN_EDGE);
	struct ring_ctrl_wire *up = (void *)p->up;

	up->read_index = le32_put(3);
	while (put(&p->guest, 0) == 0)
		;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(put(&p->guest, 0), E_PEER);
		chan_commit(&p->guest.chan);
		assert_true(chan_want_space(&p->guest.chan, 64));
		assert_false(chan_irq_unmask(&p->guest.chan));
		assert_int_equal(drain(&p->guest), 0);
	}
	assert_int_equal(p->guest.chan.faults.total, 1);
	assert_int_equal(p->guest.chan.faults.last, FAULT_RING_INDEX);
	assert_int_equal(p->guest.chan.faults.last_value, 3);
	assert_int_equal(p->guest_signals, 0);
}

static void
stopped_channel_is_gone(void **state)
{
	struct pair *p = pair_new(RING_CHAN_EDGE);
	struct ring_chan zero;

	assert_int_equal(put(&p->guest, 0), 0);
	chan_commit(&p->guest.chan);
	ring_chan_stop(&p->guest);
	ring_chan_stop(&p->host);
	memset(&zero, 0, sizeof(zero));
	zero.chan.ops = &ring_chan_ops;
	assert_int_equal(put(&p->guest, 0), E_GONE);
	assert_int_equal(put(&zero, 0), E_GONE);
	assert_int_equal(drain(&p->host), 0);
	assert_int_equal(drain(&zero), 0);
	assert_false(chan_irq_unmask(&p->host.chan));
	chan_irq_mask(&zero.chan);
	chan_commit(&zero.chan);
	assert_true(chan_want_space(&zero.chan, 64));
}

static void
init_refuses_impossible_rings(void **state)
{
	struct pair *p = pair_new(RING_CHAN_EDGE);
	struct ring_chan_config cfg = { .out_mem = p->up,
	    .out_bytes = HV_PAGE_SIZE, .in_mem = p->down,
	    .in_bytes = RING_BYTES, .signal = signal_guest_end };
	enum fault why = FAULT_NONE;

	assert_int_equal(ring_chan_init(&p->guest, &cfg, &why), E_PEER);
	assert_int_equal(why, FAULT_OPEN_GEOMETRY);
	assert_int_equal(put(&p->guest, 0), E_GONE);
	cfg.out_bytes = RING_BYTES;
	((struct ring_ctrl_wire *)(void *)p->down)->write_index =
	    le32_put(4096);
	assert_int_equal(ring_chan_init(&p->guest, &cfg, &why), E_PEER);
	assert_int_equal(why, FAULT_RING_INDEX);
	assert_int_equal(put(&p->guest, 0), E_GONE);
	assert_int_equal(p->guest.chan.faults.total, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_signal_a_batch_on_the_edge),
		cmocka_unit_test(packet_policy_signals_each),
		cmocka_unit_test(poll_policy_counts_what_it_leaves_out),
		cmocka_unit_test(full_ring_waits_and_is_woken_once),
		cmocka_unit_test(broken_ring_is_noted_once),
		cmocka_unit_test(stopped_channel_is_gone),
		cmocka_unit_test(init_refuses_impossible_rings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
