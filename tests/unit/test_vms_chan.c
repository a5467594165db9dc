/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus server: open, traffic, close, sub-channels.
 */
#include "vms_chan_rig.h"

static void
open_carries_traffic_and_signals(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct ring_chan guest;
	struct vmpkt_in in;
	uint64_t buf[8];
	uint32_t signals;

	ring_gpadl(r, 1);
	/* relid 1, open id 0x77, GPADL 11, VP 2, downstream at page 4 */
	assert_int_equal(rig_post_on(r, 1, "05000000 00000000 01000000"
	    "77000000 0b000000 02000000 04000000", 148), 0);
	rig_expect(r, "06000000 00000000 01000000 77000000 00000000");
	assert_non_null(r->open[0]);
	assert_int_equal(r->open[0]->vmbus_version, VMBUS_V5_3);
	assert_int_equal(r->open[0]->relid, 1);
	assert_int_equal(r->open[0]->ops->caps, RING_CHAN_CAPS);
	assert_int_equal(vms_chan_vp(r->open[0]), 2);
	assert_ptr_equal(vms_connection_chan(r->vms, 0x2001), r->open[0]);
	assert_null(vms_connection_chan(r->vms, 0x2002));
	assert_null(vms_connection_chan(r->vms, 1));
	assert_null(vms_connection_chan(r->vms, 0xffffffff));

	guest_end(r, 1, &guest, &signals);
	assert_int_equal(send_text(&guest.chan, "to  host"), 0);
	assert_int_equal(signals, 1);
	assert_int_equal(chan_recv(r->open[0], &in, buf, sizeof(buf)), 1);
	assert_memory_equal(in.data.p, "to  host", 8);
	assert_int_equal(in.xact, 5);
	chan_recv_commit(r->open[0]);

	assert_int_equal(send_text(r->open[0], "to guest"), 0);
	assert_int_equal(flag_of(r, 2, 1), 1);
	assert_int_equal(r->interrupts[2], 1);
	assert_int_equal(r->interrupts[0], 4 + 1);
	assert_int_equal(chan_recv(&guest.chan, &in, buf, sizeof(buf)), 1);
	assert_memory_equal(in.data.p, "to guest", 8);
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
wrong_opens_fail_and_are_noted(void **state)
{
	static const struct {
		uint32_t relid, gpadl, vp, down;
		enum fault why;
	} bad[] = {
		{ 9, 11, 0, 4, FAULT_VMBUS_RELID },
		{ 0xffffffff, 11, 0, 4, FAULT_VMBUS_RELID },
		{ 1, 12, 0, 4, FAULT_GPADL_ID },
		{ 1, 0, 0, 4, FAULT_GPADL_ID },
		{ 1, 11, RIG_VPS, 4, FAULT_VMBUS_VP },
		{ 1, 11, 0xfffffffe, 4, FAULT_VMBUS_VP },
		{ 1, 11, 0, 0, FAULT_OPEN_GEOMETRY },
		{ 1, 11, 0, 1, FAULT_OPEN_GEOMETRY },
		{ 1, 11, 0, 7, FAULT_OPEN_GEOMETRY },
		{ 1, 11, 0, 8, FAULT_OPEN_GEOMETRY },
		{ 1, 11, 0, 0x100002, FAULT_OPEN_GEOMETRY },
		{ 1, 11, 0, 0xffffffff, FAULT_OPEN_GEOMETRY },
	};
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct ring_ctrl_wire *ctrl = rig_page(r, RING_PFN + 8);
	uint8_t buf[VMBUS_MSG_MAX];

	ring_gpadl(r, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(post_open(r, bad[i].relid, bad[i].gpadl,
		    bad[i].vp, bad[i].down), E_PEER);
		assert_int_equal(rig_take(r, 0, buf), 20);
		assert_int_equal(buf[0], VMBUS_OPEN_RESULT);
		assert_int_equal(buf[12], 0x77);
		assert_memory_equal(buf + 16, "\xff\xff\x00\x80", 4);
		rig_expect_fault(r, bad[i].why);
	}
	/* an index that cannot be */
	ctrl->write_index = le32_put(4);
	assert_int_equal(post_open(r, 1, 11, 0, 4), E_PEER);
	rig_expect(r, "06000000 00000000 01000000 77000000" FAILED);
	rig_expect_fault(r, FAULT_RING_INDEX);
	ctrl->write_index = le32_put(0);
	/* the device refuses: no fault of the guest */
	r->open_result = E_NOMEM;
	assert_int_equal(post_open(r, 1, 11, 0, 4), 0);
	rig_expect(r, "06000000 00000000 01000000 77000000" FAILED);
	rig_expect_no_fault(r);
	r->open_result = 0;
	/* nothing was left behind: 2 and 6 pages are fine, then taken */
	assert_int_equal(post_open(r, 1, 11, 0, 2), 0);
	rig_expect(r, "06000000 00000000 01000000 77000000" OK);
	assert_int_equal(post_open(r, 1, 11, 0, 2), E_PEER);
	rig_expect(r, "06000000 00000000 01000000 77000000" FAILED);
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	assert_int_equal(r->opens, 1);
	rig_delete(r);
}

/* A ring is one channel's: not of memory that another channel's GPADL names. */
static void
ring_of_another_channel_is_refused(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	uint8_t buf[VMBUS_MSG_MAX];

	/* two more channels: sub-channels 2 and 3 of the device */
	open_on(r, 1, 0);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 2), 2);
	while (rig_take(r, 0, buf) == 196)
		;
	ring_gpadl(r, 2);
	assert_int_equal(post_open(r, 3, 12, 0, 4), E_PEER);
	rig_expect(r, "06000000 00000000 03000000 77000000" FAILED);
	rig_expect_fault(r, FAULT_GPADL_ID);
	assert_null(r->open[2]);
	/* nor a ring that is in use, under its own channel */
	assert_int_equal(post_open(r, 2, 11, 0, 4), E_PEER);
	rig_expect(r, "06000000 00000000 02000000 77000000" FAILED);
	rig_expect_fault(r, FAULT_GPADL_ID);
	assert_int_equal(post_open(r, 2, 12, 0, 4), 0);
	rig_expect(r, "06000000 00000000 02000000 77000000" OK);
	rig_delete(r);
}

static void
close_gives_the_ring_back(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct chan *c;

	open_on(r, 1, 0);
	c = r->open[0];
	/* the ring's GPADL cannot go while it is open; answered after */
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 0b000000"),
	    E_PEER);
	rig_expect_fault(r, FAULT_GPADL_BUSY);
	rig_expect_none(r);
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), 0);
	assert_string_equal(r->order, "o0c0");
	rig_expect(r, "0c000000 00000000 0b000000");
	rig_expect_none(r);
	assert_int_equal(send_text(c, "to guest"), E_GONE);
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	assert_int_equal(rig_post(r, "07000000 00000000 05000000"), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_RELID);
	/* and again, in the order that Linux has: close, then teardown */
	open_on(r, 1, 1);
	assert_ptr_equal(r->open[0], c);
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), 0);
	rig_expect_none(r);
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 0b000000"),
	    0);
	rig_expect(r, "0c000000 00000000 0b000000");
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
primary_close_takes_its_subchannels(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	uint8_t buf[VMBUS_MSG_MAX];

	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 3), E_STATE);
	open_on(r, 1, 0);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 3), 3);
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(rig_take(r, 0, buf), 196);
		assert_int_equal(buf[180], i);		/* index */
		assert_int_equal(buf[184], 1 + i);	/* relid */
		assert_memory_equal(buf + 8, r->dev.type.b, 16);
		assert_memory_equal(buf + 24, r->dev.instance.b, 16);
	}
	open_on(r, 2, 1);
	open_on(r, 4, 3);
	assert_int_equal(r->open[3]->subindex, 3);
	assert_int_equal(send_text(r->open[3], "to guest"), 0);
	assert_int_equal(flag_of(r, 3, 4), 1);
	/* a sub-channel closes and opens by itself */
	assert_int_equal(rig_post(r, "07000000 00000000 02000000"), 0);
	rig_expect_none(r);
	assert_int_equal(post_open(r, 2, 12, 1, 4), 0);
	rig_expect(r, "06000000 00000000 02000000 77000000" OK);

	memset(r->order, 0, sizeof(r->order));
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), 0);
	assert_string_equal(r->order, "c1c3c0");
	rig_expect(r, "02000000 00000000 02000000");
	rig_expect(r, "02000000 00000000 03000000");
	rig_expect(r, "02000000 00000000 04000000");
	rig_expect_none(r);
	assert_int_equal(r->conn_count, 1);
	/* the guest may still close what it had open */
	assert_int_equal(rig_post(r, "07000000 00000000 02000000"), 0);

	/* not released: new relids; released: used again */
	assert_int_equal(rig_post(r, "0d000000 00000000 03000000"), 0);
	assert_int_equal(post_open(r, 1, 11, 0, 4), 0);
	rig_expect(r, "06000000 00000000 01000000 77000000" OK);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 2), 2);
	assert_int_equal(rig_take(r, 0, buf), 196);
	assert_int_equal(buf[180], 1);
	assert_int_equal(buf[184], 3);
	assert_int_equal(rig_take(r, 0, buf), 196);
	assert_int_equal(buf[180], 2);
	assert_int_equal(buf[184], 5);
	rig_expect_no_fault(r);
	/* a new contact takes them all */
	rig_connect(r);
	assert_int_equal(r->conn_count, 1);
	rig_delete(r);
}

static void
subchannels_offered_until_something_ends(void **state)
{
	struct rig *r = connected(VMBUS_V2_4, &cfg_default);

	open_on(r, 1, 0);
	r->fail_add = 3;
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 5), 2);
	r->fail_alloc = 1;
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 5), E_NOMEM);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 0), 0);
	assert_int_equal(rig_take(r, 0, (uint8_t[240]){ 0 }), 196);
	assert_int_equal(rig_take(r, 0, (uint8_t[240]){ 0 }), 196);
	rig_expect_none(r);
	rig_delete(r);
}

#define RESCIND(relid)	"02000000 00000000 " relid
#define CLOSE(relid)	"07000000 00000000 " relid
#define RELEASED(relid)	"0d000000 00000000 " relid

/* Of another device than the rig's, with the same instance. */
static const struct vms_dev_ops mute_ops = { .open = NULL };

/* A primary and a sub-channel, both open and rescinded. */
static struct rig *
leaving(void)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	uint8_t buf[VMBUS_MSG_MAX];

	open_on(r, 1, 0);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 1), 1);
	assert_int_equal(rig_take(r, 0, buf), 196);
	open_on(r, 2, 1);
	assert_true(vms_dev_rescind(r->vms, &r->dev));
	rig_expect(r, RESCIND("02000000"));
	rig_expect(r, RESCIND("01000000"));
	assert_string_equal(r->order, "o0o1");
	return r;
}

static void
rescinded_channels_stay_until_the_guest_closes(void **state)
{
	struct rig *r = leaving();

	/* no more sub-channels; a second rescind changes nothing */
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 1), E_STATE);
	assert_true(vms_dev_rescind(r->vms, &r->dev));
	rig_expect_none(r);
	/* signals still find both, and the guest may move them */
	assert_non_null(vms_connection_chan(r->vms, VMS_EVENT_CONN(1)));
	assert_int_equal(rig_post(r, "16000000 00000000 02000000 01000000"),
	    0);
	rig_expect(r, "18000000 00000000 02000000 00000000");
	assert_int_equal(rig_post(r, CLOSE("01000000")), 0);
	assert_string_equal(r->order, "o0o1c1c0");
	assert_false(rig_conn_declared(r, 0x2001));
	assert_false(rig_conn_declared(r, 0x2002));
	/* racing requests: no open result, GPADL torn down */
	assert_int_equal(post_open(r, 1, 11, 0, 4), 0);
	assert_int_equal(rig_post(r, CLOSE("01000000")), 0);
	rig_expect_none(r);
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 0b000000"),
	    0);
	rig_expect(r, "0c000000 00000000 0b000000");
	assert_int_equal(r->gone, 0);
	assert_int_equal(rig_post(r, RELEASED("01000000")), 0);
	assert_int_equal(r->gone, 1);
	assert_null(r->dev.vms);
	/* the sub-channel's relid is the guest's until it says so */
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	assert_int_equal(r->dev.relid, 1);
	assert_int_equal(rig_post(r, RELEASED("02000000")), 0);
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
a_release_closes_what_is_open(void **state)
{
	struct rig *r = leaving();

	assert_int_equal(rig_post(r, RELEASED("02000000")), 0);
	assert_string_equal(r->order, "o0o1c1");
	assert_int_equal(rig_post(r, RELEASED("01000000")), 0);
	assert_string_equal(r->order, "o0o1c1c0");
	assert_int_equal(r->gone, 1);
	assert_int_equal(vms_gpadl_count(r->vms), 0);
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
an_instance_comes_back_after_its_release(void **state)
{
	struct rig *r = leaving();
	struct vms_dev same, other;

	rig_dev_init(&same, 0xa1);
	same.ops = &mute_ops;
	rig_dev_init(&other, 0xb2);
	other.ops = &mute_ops;
	assert_int_equal(vms_dev_offer(r->vms, &same), E_AGAIN);
	assert_int_equal(vms_dev_offer(r->vms, &other), 0);
	assert_int_equal(rig_post(r, CLOSE("01000000")), 0);
	assert_int_equal(vms_dev_offer(r->vms, &same), E_AGAIN);
	assert_int_equal(rig_post(r, RELEASED("01000000")), 0);
	assert_int_equal(vms_dev_offer(r->vms, &same), 0);
	assert_int_equal(same.relid, 1);
	rig_expect_no_fault(r);
	/* one that no guest knows of goes at once */
	vms_reset(r->vms);
	assert_false(vms_dev_rescind(r->vms, &same));
	assert_false(vms_dev_rescind(r->vms, &other));
	assert_null(same.vms);
	rig_delete(r);
}

/* A guest that never lets go, and reboots. */
static void
the_end_of_a_connection_lets_go(void **state)
{
	struct rig *r = leaving();
	struct vms_dev same;

	rig_dev_init(&same, 0xa1);
	same.ops = &mute_ops;
	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 03000500 00000000 0200", 40), 0);
	assert_string_equal(r->order, "o0o1c1c0");
	assert_int_equal(r->gone, 1);
	rig_expect(r, "0f000000 00000000 0100 0000 04000000");
	assert_int_equal(vms_dev_offer(r->vms, &same), 0);
	assert_int_equal(rig_post(r, "03000000 00000000"), 0);
	assert_int_equal(same.relid, 1);
	assert_false(rig_conn_declared(r, 0x2002));
	assert_true(vms_dev_rescind(r->vms, &same));
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
contact_and_unload_close_what_is_open(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);

	open_on(r, 1, 0);
	r->held = vms_gpadl_get(r->vms, 11);
	rig_connect(r);
	assert_int_equal(r->closes, 1);
	assert_int_equal(vms_gpadl_count(r->vms), 0);
	open_on(r, 1, 0);
	assert_int_equal(rig_post(r, "10000000 00000000"), 0);
	rig_expect(r, "11000000 00000000");
	rig_expect_none(r);
	assert_int_equal(r->closes, 2);
	rig_delete(r);
}

static void
guest_that_breaks_a_ring_is_noted_once(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct ring_ctrl_wire *up = rig_page(r, RING_PFN + 8);
	struct vmpkt_in in;
	uint64_t buf[8];

	open_on(r, 1, 0);
	up->write_index = le32_put(0x7fffffff);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(chan_recv(r->open[0], &in, buf, sizeof(buf)),
		    E_PEER);
		assert_int_equal(send_text(r->open[0], "to guest"), E_PEER);
		assert_false(chan_irq_unmask(r->open[0]));
	}
	assert_int_equal(r->open[0]->faults.total, 1);
	assert_int_equal(r->open[0]->faults.count[FAULT_RING_INDEX], 1);
	assert_int_equal(r->open[0]->faults.last_value, 0x7fffffff);
	rig_delete(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_carries_traffic_and_signals),
		cmocka_unit_test(wrong_opens_fail_and_are_noted),
		cmocka_unit_test(ring_of_another_channel_is_refused),
		cmocka_unit_test(close_gives_the_ring_back),
		cmocka_unit_test(primary_close_takes_its_subchannels),
		cmocka_unit_test(subchannels_offered_until_something_ends),
		cmocka_unit_test(
		    rescinded_channels_stay_until_the_guest_closes),
		cmocka_unit_test(a_release_closes_what_is_open),
		cmocka_unit_test(an_instance_comes_back_after_its_release),
		cmocka_unit_test(the_end_of_a_connection_lets_go),
		cmocka_unit_test(contact_and_unload_close_what_is_open),
		cmocka_unit_test(guest_that_breaks_a_ring_is_noted_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
