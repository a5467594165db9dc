/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus server: who is signalled, on which processor and by which means:
 * flags, moves, the interrupt page, monitor pages.
 */
#include "vms_chan_rig.h"

static void
guest_without_pending_send_gets_no_wait(void **state)
{
	struct rig *r = connected(VMBUS_V2_4, &cfg_default);
	struct ring_ctrl_wire *up = rig_page(r, RING_PFN + 8);
	struct ring_ctrl_wire *down = rig_page(r, RING_PFN + 8 + 4);

	ring_gpadl(r, 1);
	up->feature = le32_put(0);
	assert_int_equal(post_open(r, 1, 11, 0, 4), 0);
	assert_int_equal(r->open[0]->ops->caps & CHAN_CAP_SPACE, 0);
	assert_int_equal(le32_get(down->feature), 0);
	rig_delete(r);
}

static void
interrupts_off_until_moved(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);

	open_on(r, 1, VMBUS_VP_INTERRUPTS_OFF);
	memset(r->interrupts, 0, sizeof(r->interrupts));
	assert_int_equal(send_text(r->open[0], "to guest"), 0);
	for (uint32_t vp = 0; vp < RIG_VPS; vp++) {
		assert_int_equal(r->interrupts[vp], 0);
		assert_int_equal(flag_of(r, vp, 1), 0);
	}
	/* on again: what was not signalled is made up for */
	assert_int_equal(rig_post(r, "16000000 00000000 01000000 03000000"),
	    0);
	rig_expect(r, "18000000 00000000 01000000 00000000");
	assert_int_equal(flag_of(r, 3, 1), 1);
	assert_int_equal(r->interrupts[3], 1);
	rig_delete(r);
}

static void
modify_moves_the_flag(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);

	open_on(r, 1, 0);
	assert_int_equal(rig_post(r, "16000000 00000000 01000000 02000000"),
	    0);
	rig_expect(r, "18000000 00000000 01000000 00000000");
	assert_int_equal(vms_chan_vp(r->open[0]), 2);
	assert_int_equal(send_text(r->open[0], "to guest"), 0);
	assert_int_equal(flag_of(r, 0, 1), 0);
	assert_int_equal(flag_of(r, 2, 1), 1);
	/* no such VP, no such channel, not open */
	assert_int_equal(rig_post(r, "16000000 00000000 01000000 04000000"),
	    E_PEER);
	rig_expect(r, "18000000 00000000 01000000 ffff0080");
	rig_expect_fault(r, FAULT_VMBUS_VP);
	assert_int_equal(rig_post(r, "16000000 00000000 08000000 00000000"),
	    E_PEER);
	rig_expect(r, "18000000 00000000 08000000 ffff0080");
	rig_expect_fault(r, FAULT_VMBUS_RELID);
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), 0);
	assert_int_equal(rig_post(r, "16000000 00000000 01000000 00000000"),
	    E_PEER);
	rig_expect(r, "18000000 00000000 01000000 ffff0080");
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	rig_delete(r);
}

static void
modify_by_version(void **state)
{
	static const struct {
		uint32_t version;
		bool known, answered;
	} row[] = {
		{ VMBUS_V4_0, false, false }, { VMBUS_V4_1, true, false },
		{ VMBUS_V5_2, true, false }, { VMBUS_V5_3, true, true },
		{ VMBUS_V6_0, true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct rig *r = connected(row[i].version, &cfg_default);
		uint8_t buf[VMBUS_MSG_MAX];

		open_on(r, 1, 0);
		assert_int_equal(rig_post(r,
		    "16000000 00000000 01000000 03000000"),
		    row[i].known ? 0 : E_PEER);
		assert_int_equal(rig_take(r, 0, buf),
		    row[i].answered ? 16 : 0);
		assert_int_equal(vms_chan_vp(r->open[0]),
		    row[i].known ? 3 : 0);
		rig_delete(r);
	}
}

static void
old_guests_get_the_interrupt_page(void **state)
{
	static const uint32_t old[] = { VMBUS_V0_13, VMBUS_V1_1 };

	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		struct rig *r = connected(old[i], &cfg_default);
		struct synic_intpage_wire *page = rig_page(r, 0x30);

		open_on(r, 1, 0);
		memset(r->interrupts, 0, sizeof(r->interrupts));
		assert_int_equal(send_text(r->open[0], "to guest"), 0);
		assert_int_equal(le32_get(page->to_guest[0]), 1u << 1);
		assert_int_equal(flag_of(r, 0, 0), 1);
		assert_int_equal(flag_of(r, 0, 1), 0);
		assert_int_equal(r->interrupts[0], 1);
		assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 1),
		    E_NOTSUP);
		rig_delete(r);
	}
}

static void
count_signal(void *ctx, struct chan *c)
{
	((uint32_t *)ctx)[c->relid]++;
}

static void
interrupt_page_is_polled(void **state)
{
	struct rig *r = connected(VMBUS_V0_13, &cfg_default);
	struct synic_intpage_wire *page = rig_page(r, 0x30);
	uint32_t hits[VMS_MAX_CHANNELS] = { 0 };

	vms_intpage_poll(r->vms, count_signal, hits);
	open_on(r, 1, 0);
	/* every bit, also those of no channel */
	memset(page->to_host, 0xff, sizeof(page->to_host));
	vms_intpage_poll(r->vms, count_signal, hits);
	vms_intpage_poll(r->vms, count_signal, hits);
	assert_int_equal(hits[1], 1);
	assert_int_equal(hits[2], 0);
	assert_int_equal(le32_get(page->to_host[0]), 0);
	rig_delete(r);
}

static void
monitor_page_is_polled_by_our_own_table(void **state)
{
	struct vms_config cfg = cfg_default;
	struct synic_monitor_wire *page;
	struct rig *r;
	uint32_t hits[VMS_MAX_CHANNELS] = { 0 };
	uint8_t buf[VMBUS_MSG_MAX];
	struct vms_dev two;

	cfg.monitor = true;
	r = connected(VMBUS_V5_3, &cfg);
	page = rig_page(r, 0x32);
	rig_dev_init(&two, 0xb2);
	assert_int_equal(vms_dev_offer(r->vms, &two), 0);
	assert_int_equal(rig_take(r, 0, buf), 196);
	assert_int_equal(buf[188], 1);		/* monitor id */
	assert_int_equal(buf[189], 1);		/* allocated */
	open_on(r, 1, 0);
	/* the guest's parameters lie; ids 0 and 1, and some of nobody */
	memset(page->param, 0xff, sizeof(page->param));
	page->group[0].pending = le32_put(0x80000003);
	page->group[3].pending = le32_put(0xffffffff);
	vms_monitor_poll(r->vms, count_signal, hits);
	vms_monitor_poll(r->vms, count_signal, hits);
	assert_int_equal(hits[1], 1);
	assert_int_equal(hits[2], 0);
	assert_int_equal(le32_get(page->group[0].pending), 0);
	vms_dev_rescind(r->vms, &two);
	rig_delete(r);
	/* a guest without monitor pages gets no id */
	r = rig_new(&cfg);
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 03000500 00000000 0200", 40), 0);
	assert_int_equal(rig_take(r, 0, buf), 16);
	assert_int_equal(rig_post(r, "03000000 00000000"), 0);
	assert_int_equal(rig_take(r, 0, buf), 196);
	assert_int_equal(buf[189], 0);
	vms_monitor_poll(r->vms, count_signal, hits);
	rig_delete(r);
}

static void
monitor_ids_end_at_127(void **state)
{
	struct vms_config cfg = cfg_default;
	struct rig *r;
	uint8_t buf[VMBUS_MSG_MAX];

	cfg.monitor = true;
	r = connected(VMBUS_V5_3, &cfg);
	open_on(r, 1, 0);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 130), 130);
	for (uint32_t i = 1; i <= 130; i++) {
		assert_int_equal(rig_take(r, 0, buf), 196);
		assert_int_equal(buf[188], i < 128 ? i : 0);
		assert_int_equal(buf[189], i < 128);
	}
	rig_delete(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_without_pending_send_gets_no_wait),
		cmocka_unit_test(interrupts_off_until_moved),
		cmocka_unit_test(modify_moves_the_flag),
		cmocka_unit_test(modify_by_version),
		cmocka_unit_test(old_guests_get_the_interrupt_page),
		cmocka_unit_test(interrupt_page_is_polled),
		cmocka_unit_test(monitor_page_is_polled_by_our_own_table),
		cmocka_unit_test(monitor_ids_end_at_127),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
