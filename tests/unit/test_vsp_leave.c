/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NIC that leaves: no frame passes, everything else is answered.
 */
#include "vsp_frame_rig.h"

static uint32_t gone;

static void
frame_came(void *ctx, uint32_t queue, const struct vsp_frame *f)
{
	fail_msg("a frame of %u bytes reached the backend", f->len);
}

static void
leave_gone(void *ctx)
{
	gone++;
}

/* What serves it from then on; from_guest_stalled stays NULL. */
static void
leave(struct rig *r)
{
	struct vsp_ops ops = rig_ops;
	uint32_t starts = r->starts, stops = r->stops, open = starts - stops;

	/* The NIC's gate, which is freed with the NIC. */
	r->vsp->stop = &(const uint32_t){ 1 };
	ops.from_guest = frame_came;
	ops.gone = leave_gone;
	vsp_leave(r->vsp, &ops, r);
	assert_ptr_equal(r->vsp->stop, &r->vsp->never_stop);
	assert_int_equal(r->starts - starts, open);
	assert_int_equal(r->stops - stops, open);
}

static struct rig *
up(void)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	rig_attach(r, NVS_V6_1);
	r->vsp->guest.filter = NDIS_FILTER_PROMISC;
	return r;
}

static bool
attaching(const struct rig *r)
{
	struct vsp_guest_state s;

	vsp_guest_state(r->vsp, &s);
	return s.attaching;
}

static void
test_what_was_sent_is_completed(void **state)
{
	struct rig *r = up();
	uint8_t f[1514];
	uint32_t len = frame4(f, PKT_IPPROTO_UDP, 100), n;

	n = message(section(r, 3), NULL, f, len);
	push_section(r, 0, 77, 3, n);
	leave(r);
	/* told at once that the link is down */
	RIG_WORDS(rig_reply(r, rig_last(r, 0), &n), 7, 20, 0x4001000c, 0);
	rig_run(r);
	expect_done(r, 77, 1);
	push_section(r, 0, 78, 3, message(section(r, 3), NULL, f, len));
	rig_run(r);
	expect_done(r, 78, 1);
	/* and told again, which changes nothing */
	vsp_link_repeat(r->vsp);
	RIG_WORDS(rig_reply(r, rig_last(r, 0), &n), 7, 20, 0x4001000c, 0);
	rig_run(r);
	assert_int_equal(counts(r)->drop_link, 2);
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
	rig_del(r);
}

static void
test_what_waits_for_the_guest_is_dropped(void **state)
{
	struct rig *r = up();
	struct pkt_meta m = { .flags = 0 };
	uint8_t f[1514];
	struct vec v = { f, frame4(f, PKT_IPPROTO_UDP, 100) };
	uint32_t outs = r->chan[0].outs, n;
	uint32_t free = vsp_rxbuf_free(r->vsp);

	assert_int_equal(vsp_to_guest_copy(r->vsp, 0, &v, 1, &m), 0);
	assert_int_equal(vsp_rxbuf_free(r->vsp), free - 1);
	leave(r);
	(void)rig_reply(r, rig_last(r, 0), &n);
	rig_run(r);
	vsp_to_guest_flush(r->vsp, 0);
	/* only the indication; the section is free again */
	assert_int_equal(r->chan[0].outs, outs + 1);
	assert_int_equal(vsp_rxbuf_free(r->vsp), free);
	assert_int_equal(vsp_to_guest_copy(r->vsp, 0, &v, 1, &m), E_STATE);
	rig_del(r);
}

static void
test_control_is_answered(void **state)
{
	const struct rndis_msg m = { .type = RNDIS_KEEPALIVE };
	struct rig *r = up();
	uint32_t len;

	leave(r);
	(void)rig_reply(r, rig_last(r, 0), &len);
	rig_rndis_msg(r, &m);
	RIG_WORDS(rig_reply(r, rig_last(r, 0), &len), 0x80000008, 16, 0, 0);
	RIG_NVS(r, 9, NVS_SUBCHAN, 1, 1);
	RIG_WORDS(rig_last(r, 0)->data, NVS_SUBCHAN, 1, 1);
	rig_run(r);
	rig_del(r);
}

/* The NIC goes as soon as the channel is open: the attach goes on. */
static void
test_attach_goes_on(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	leave(r);
	assert_true(attaching(r));
	rig_attach(r, NVS_V6_1);
	assert_false(attaching(r));
	RIG_NVS(r, 9, NVS_SUBCHAN, 1, 1);
	assert_true(attaching(r));
	assert_int_equal(rig_open(r, 1), 0);
	assert_false(attaching(r));
	assert_int_equal(r->starts, 3);
	rig_run(r);
	gone = 0;
	rig_close(r, 1);
	rig_close(r, 0);
	vsp_dev(r->vsp)->ops->gone(vsp_dev(r->vsp));
	assert_int_equal(gone, 1);
	rig_del(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_sent_is_completed),
		cmocka_unit_test(test_what_waits_for_the_guest_is_dropped),
		cmocka_unit_test(test_control_is_answered),
		cmocka_unit_test(test_attach_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
