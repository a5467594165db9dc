/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rings of guests that poll, and backends that have no room now.
 */
#include "vsp_frame_rig.h"

/* Polled: no signal is requested until ready() ends polling. */
static void
test_polled(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);
	struct rig_chan *rc = &r->chan[0];
	uint8_t f[1514];
	uint32_t n;

	(void)state;
	rig_attach(r, NVS_V6_1);
	n = message(section(r, 0), NULL, f, frame4(f, PKT_IPPROTO_UDP, 100));
	assert_false(rc->masked);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(vsp_from_guest_poll(r->vsp, 0, 64),
		    VSP_POLL_EMPTY);
		assert_true(rc->masked);
		push_section(r, 0, i, 0, n);
		push_section(r, 0, i + 10, 0, n);
		assert_int_equal(vsp_from_guest_poll(r->vsp, 0, 1),
		    VSP_POLL_WORK);
		assert_int_equal(rig_last(r, 0)->xact, i);
		assert_int_equal(vsp_from_guest_poll(r->vsp, 0, 64),
		    VSP_POLL_WORK);
		assert_int_equal(rig_last(r, 0)->xact, i + 10);
		assert_true(rc->masked);
	}
	assert_int_equal(r->frames, 6);
	assert_false(rc->chan.events->ready(&rc->chan, 64));
	assert_false(rc->masked);
	/* Signals without ready(), unless something came. */
	assert_int_equal(vsp_from_guest_poll(r->vsp, 0, 64), VSP_POLL_EMPTY);
	assert_true(vsp_from_guest_arm(r->vsp, 0));
	assert_false(rc->masked);
	assert_int_equal(vsp_from_guest_poll(r->vsp, 0, 64), VSP_POLL_EMPTY);
	assert_true(rc->masked);
	push_section(r, 0, 20, 0, n);
	assert_false(vsp_from_guest_arm(r->vsp, 0));
	assert_int_equal(vsp_from_guest_poll(r->vsp, 0, 64), VSP_POLL_WORK);
	assert_true(vsp_from_guest_arm(r->vsp, 5));

	/* A control message ends the polling until control has run. */
	const uint32_t w[3] = { NVS_NDIS_VERSION, 6, 30 };
	struct rig_pkt *p = rig_push(r, 0, VMPKT_INBAND, 0, 0);

	memcpy(p->data, w, sizeof(w));
	p->data_len = 40;
	assert_int_equal(vsp_from_guest_poll(r->vsp, 0, 64), VSP_POLL_WORK);
	assert_int_equal(r->wanted, 1);
	assert_int_equal(vsp_from_guest_poll(r->vsp, 0, 64), VSP_POLL_WAIT);
	rig_run(r);
	assert_int_equal(vsp_from_guest_poll(r->vsp, 0, 64), VSP_POLL_EMPTY);
	assert_int_equal(vsp_from_guest_poll(r->vsp, 5, 64), VSP_POLL_WAIT);
	rig_del(r);
}

static bool stalled;
static uint32_t stalled_full;
static uint32_t stalled_looks;		/* not 0: room comes after so many */

static bool
stalls(void *ctx, uint32_t queue, bool full)
{
	(void)ctx;
	assert_int_equal(queue, 0);
	stalled_full += full;
	if (stalled_looks > 0 && --stalled_looks == 0)
		stalled = false;
	return stalled;
}

static struct rig *
up_stalling(void)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	rig_close(r, 0);
	r->vsp->ops.from_guest_stalled = stalls;
	assert_int_equal(rig_open(r, 0), 0);
	stalled = false;
	stalled_full = stalled_looks = 0;
	rig_attach(r, NVS_V6_1);
	return r;
}

/*
 * A backend without room: data is kept, uncompleted, while acknowledgements and
 * control go on; then it comes in order.
 */
static void
test_set_aside(void **state)
{
	struct rig *r = up_stalling();
	const struct rndis_msg alive = { .type = RNDIS_KEEPALIVE };
	uint8_t f[1514], *mem = r->mem + RIG_DATA_OFF + 0x8000;
	uint32_t len = frame4(f, PKT_IPPROTO_UDP, 60), outs, n;

	(void)state;
	n = message(section(r, 0), NULL, f, len);
	message(mem, NULL, f, len);
	stalled = true;
	outs = r->chan[0].outs;
	for (uint32_t i = 0; i < 10; i++) {
		const struct gpa_piece g = { RIG_GPA + RIG_DATA_OFF + 0x8000,
			n };

		push_section(r, 0, 100 + i, 0, n);
		push_gpa(r, 200 + i, &g, 1, NVS_SECTION_NONE, 0);
	}
	rig_run(r);
	assert_int_equal(r->frames, 0);
	assert_int_equal(r->chan[0].outs, outs);
	assert_int_equal(r->chan[0].in_count, 0);
	assert_int_equal(counts(r)->set_aside, 20);
	/* RNDIS control passes them, and its reply's section comes back. */
	rig_rndis_msg(r, &alive);
	assert_int_equal(r->chan[0].outs, outs + 2);
	(void)rig_reply(r, rig_last(r, 0), &len);
	n = vsp_rxbuf_free(r->vsp);
	rig_run(r);
	assert_int_equal(vsp_rxbuf_free(r->vsp), n + 1);
	assert_int_equal(r->frames, 0);

	stalled = false;
	outs = r->chan[0].outs;
	rig_run(r);
	assert_int_equal(r->frames, 20);
	assert_int_equal(r->chan[0].outs, outs + 20);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(r->chan[0].out[outs + i].xact,
		    (i % 2 == 0 ? 100 : 200) + i / 2);
	assert_int_equal(stalled_full, 0);
	rig_del(r);
}

/* More than can be set aside: the ring waits, and nothing is lost. */
static void
test_set_aside_full(void **state)
{
	struct rig *r = up_stalling();
	struct rig_chan *rc = &r->chan[0];
	uint8_t f[1514];
	uint32_t n = message(section(r, 0), NULL, f, frame4(f,
	    PKT_IPPROTO_UDP, 60)), pushed = 0, outs = rc->outs;

	(void)state;
	stalled = true;
	while (stalled_full == 0) {
		for (uint32_t i = 0; i < 64; i++)
			push_section(r, 0, pushed++, 0, n);
		rig_run(r);
	}
	assert_true(rc->in_count > 0);
	assert_int_equal(counts(r)->set_aside + rc->in_count + 1, pushed);
	assert_true(counts(r)->set_aside > 3000);
	stalled = false;
	rc->outs = outs;
	for (uint32_t i = 0, at = outs; i < pushed; i++) {
		/* The log of packets out is short. */
		if (at == rc->outs) {
			at = rc->outs = outs;
			rc->room = RIG_LOG;
			(void)rc->chan.events->ready(&rc->chan, 64);
		}
		assert_int_equal(rc->out[at++].xact, i);
	}
	rig_run(r);
	assert_int_equal(r->frames, pushed);
	assert_true(vsp_aside_empty(&r->vsp->queue[0]->aside));
	rig_del(r);
}

/*
 * Room that comes between two looks: a packet that was just read does not go
 * before those that were set aside.
 */
static void
test_set_aside_order(void **state)
{
	uint8_t f[1514];

	(void)state;
	for (uint32_t looks = 1; looks < 8; looks++) {
		struct rig *r = up_stalling();
		uint32_t n = message(section(r, 0), NULL, f, frame4(f,
		    PKT_IPPROTO_UDP, 60)), outs;

		stalled = true;
		push_section(r, 0, 0, 0, n);
		push_section(r, 0, 1, 0, n);
		rig_run(r);
		assert_int_equal(counts(r)->set_aside, 2);
		outs = r->chan[0].outs;
		stalled_looks = looks;
		push_section(r, 0, 2, 0, n);
		push_section(r, 0, 3, 0, n);
		rig_run(r);
		stalled = false;
		stalled_looks = 0;
		rig_run(r);
		assert_int_equal(r->chan[0].outs, outs + 4);
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(r->chan[0].out[outs + i].xact, i);
		rig_del(r);
	}
}

/* A guest that halts: what was set aside is completed, and dropped. */
static void
test_set_aside_halt(void **state)
{
	struct rig *r = up_stalling();
	const struct rndis_msg halt = { .type = RNDIS_HALT };
	uint8_t f[1514];
	uint32_t n = message(section(r, 0), NULL, f, frame4(f,
	    PKT_IPPROTO_UDP, 60));

	(void)state;
	stalled = true;
	push_section(r, 0, 77, 0, n);
	push_section(r, 0, 78, 0, n);
	rig_run(r);
	assert_int_equal(counts(r)->set_aside, 2);
	rig_rndis_msg(r, &halt);
	assert_int_equal(counts(r)->drop_state, 2);
	expect_done(r, 78, 2);
	assert_int_equal(r->frames, 0);
	rig_del(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_polled),
		cmocka_unit_test(test_set_aside),
		cmocka_unit_test(test_set_aside_full),
		cmocka_unit_test(test_set_aside_order),
		cmocka_unit_test(test_set_aside_halt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
