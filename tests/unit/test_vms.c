/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus server: contact, offers, rescind, unload and messages out of place,
 * as golden bytes in and out.
 */
#include "vms_rig.h"

static const struct vms_config cfg_default = { .dedicated_interrupt = true };

/* [dev: relid, instance byte, sub-channel, flags, monitor, dedicated, conn] */
#define OFFER(relid, inst8, sub, flags, mon, ded, conn)			\
	"01000000 00000000"						\
	"635161f83edfc546913ff2d2f965ed0e"				\
	inst8 inst8 "00000000000000000000000000000000"			\
	flags "0000"							\
	"75" "0000000000000000000000000000000000000000"			\
	"00000000000000000000000000000000000000000000000000000000000000"\
	"00000000000000000000000000000000000000000000000000000000000000"\
	"00000000000000000000000000000000000000000000000000000000000000"\
	"000000000000"							\
	sub "0000" relid mon ded conn
#define A1	"a1a1a1a1a1a1a1a1"
#define B2	"b2b2b2b2b2b2b2b2"

static void
versions_below_5_select_themselves(void **state)
{
	static const char *const le[] = { "0d000000", "01000100", "04000200",
	    "00000300", "00000400", "01000400" };

	for (size_t i = 0; i < ARRAY_LEN(le); i++) {
		struct rig *r = rig_new(&cfg_default);
		char in[128], out[64];

		snprintf(in, sizeof(in), "0e000000 00000000 %s 00000000"
		    "0000030000000000 0010030000000000 0020030000000000",
		    le[i]);
		snprintf(out, sizeof(out),
		    "0f000000 00000000 0100 0000 %s", le[i]);
		assert_int_equal(rig_post(r, in), 0);
		rig_expect(r, out);
		rig_expect_none(r);
		rig_expect_no_fault(r);
		assert_int_equal(vms_version(r->vms), vmbus_versions[10 - i]);
		/* the shared event connection only before 2.4 */
		assert_int_equal(rig_conn_declared(r, 2), i < 2);
		rig_delete(r);
	}
}

static void
versions_from_5_name_the_message_connection(void **state)
{
	static const char *const le[] = { "00000500", "01000500", "02000500",
	    "03000500" };

	for (size_t i = 0; i < ARRAY_LEN(le); i++) {
		struct rig *r = rig_new(&cfg_default);
		char in[128];

		snprintf(in, sizeof(in), "0e000000 00000000 %s 00000000"
		    "0200000000000000 0010030000000000 0020030000000000",
		    le[i]);
		assert_int_equal(rig_post_on(r, 4, in, 0), 0);
		rig_expect(r, "0f000000 00000000 0100 0000 04000000");
		assert_int_equal(vms_version(r->vms), vmbus_versions[4 - i]);
		rig_delete(r);
	}
}

static void
version_6_grants_no_feature(void **state)
{
	struct rig *r = rig_new(&cfg_default);

	/* requests every feature, with a client id */
	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 00000600 00000000 02000000ff000000"
	    "0000000000000000 0000000000000000"
	    "000102030405060708090a0b0c0d0e0f", 0), 0);
	rig_expect(r, "0f000000 00000000 0100 0000 04000000 00000000");
	assert_int_equal(vms_version(r->vms), VMBUS_V6_0);
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
newer_and_unknown_versions_are_refused(void **state)
{
	static const char *const le[] = { "03000500", "00000600", "00000700",
	    "01000300", "00000000" };
	struct vms_config cfg = cfg_default;
	struct rig *r;

	cfg.max_version = VMBUS_V5_2;
	r = rig_new(&cfg);
	for (size_t i = 0; i < ARRAY_LEN(le); i++) {
		char in[128];

		snprintf(in, sizeof(in), "0e000000 00000000 %s 00000000 0200",
		    le[i]);
		assert_int_equal(rig_post_on(r, 4, in, 40), 0);
		rig_expect(r, "0f000000 00000000 0000 0000 00000000");
		assert_int_equal(vms_version(r->vms), 0);
	}
	rig_expect_no_fault(r);
	/* ...and then one that is spoken */
	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 02000500 00000000 0200", 40), 0);
	rig_expect(r, "0f000000 00000000 0100 0000 04000000");
	rig_delete(r);
}

static void
connection_4_exists_from_5_0_only(void **state)
{
	struct vms_config cfg = cfg_default;
	struct rig *r;

	cfg.max_version = VMBUS_V4_1;
	r = rig_new(&cfg);
	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 03000500 00000000 0200", 40), E_NOTSUP);
	assert_false(vms_message_conn(r->vms, 4));
	assert_true(vms_message_conn(r->vms, 1));
	rig_expect_none(r);
	assert_int_equal(rig_post_on(r, 1,
	    "0e000000 00000000 01000400 00000000 0000", 40), 0);
	rig_expect(r, "0f000000 00000000 0100 0000 01000400");
	assert_int_equal(rig_post_on(r, 7, "03000000 00000000", 0), E_NOTSUP);
	rig_delete(r);
}

static void
message_vp_is_honoured(void **state)
{
	struct rig *r = rig_new(&cfg_default);

	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 03000500 03000000 0200", 40), 0);
	rig_expect_on(r, 3, "0f000000 00000000 0100 0000 04000000", 0);
	assert_int_equal(r->interrupts[3], 1);
	assert_int_equal(rig_post(r, "03000000 00000000"), 0);
	rig_expect_on(r, 3, "04000000 00000000", 0);
	rig_expect_none(r);
	rig_delete(r);
}

static void
bad_contacts_are_answered_and_noted(void **state)
{
	static const struct { const char *in; enum fault why; } bad[] = {
		/* no such VP; SINT 3; VTL 1 */
		{ "0e000000 00000000 03000500 04000000 0200",
		    FAULT_VMBUS_VP },
		{ "0e000000 00000000 03000500 00000000 0300",
		    FAULT_VMBUS_STATE },
		{ "0e000000 00000000 03000500 00000000 0201",
		    FAULT_VMBUS_STATE },
		/* one monitor page; outside memory; unaligned */
		{ "0e000000 00000000 03000500 00000000 0200000000000000"
		  "0010030000000000 0000000000000000", FAULT_VMBUS_MONITOR },
		{ "0e000000 00000000 03000500 00000000 0200000000000000"
		  "0010030000000000 0000000200000000", FAULT_VMBUS_MONITOR },
		{ "0e000000 00000000 03000500 00000000 0200000000000000"
		  "0010030000000000 0820030000000000", FAULT_VMBUS_MONITOR },
		/* 1.1 without an interrupt page in memory */
		{ "0e000000 00000000 01000100 00000000 00000002",
		    FAULT_GPA_UNMAPPED },
	};
	struct rig *r = rig_new(&cfg_default);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		rig_connect(r);
		assert_int_equal(rig_post_on(r, 4, bad[i].in, 40), E_PEER);
		rig_expect(r, "0f000000 00000000 0002 0000 00000000");
		assert_int_equal(vms_version(r->vms), 0);
		rig_expect_fault(r, bad[i].why);
	}
	r->fail_add = 1;
	assert_int_equal(rig_post_on(r, 1,
	    "0e000000 00000000 01000100 00000000 0000030000000000", 40), 0);
	rig_expect(r, "0f000000 00000000 0001 0000 00000000");
	rig_delete(r);
}

static void
offers_are_golden(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	struct vms_dev two;

	rig_dev_init(&two, 0xb2);
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), E_STATE);
	assert_int_equal(vms_dev_offer(r->vms, &two), 0);
	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 03000500 00000000 0200", 40), 0);
	rig_expect(r, "0f000000 00000000 0100 0000 04000000");
	rig_expect_none(r);
	assert_int_equal(r->conn_count, 0);

	assert_int_equal(rig_post(r, "03000000 00000000"), 0);
	rig_expect(r, OFFER("01000000", A1, "0000", "0100", "0000", "0100",
	    "01200000"));
	rig_expect(r, OFFER("02000000", B2, "0000", "0100", "0000", "0100",
	    "02200000"));
	rig_expect(r, "04000000 00000000");
	rig_expect_none(r);
	assert_true(rig_conn_declared(r, 0x2001));
	assert_true(rig_conn_declared(r, 0x2002));

	/* a second request is out of place, and gets nothing */
	assert_int_equal(rig_post(r, "03000000 00000000"), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	rig_expect_none(r);
	vms_dev_rescind(r->vms, &two);
	rig_delete(r);
}

static void
offers_of_0_13_have_no_own_connection(void **state)
{
	struct vms_config cfg = cfg_default;
	struct rig *r;

	cfg.monitor = true;
	r = rig_new(&cfg);
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	assert_int_equal(rig_post(r,
	    "0e000000 00000000 0d000000 00000000"
	    "0000030000000000 0010030000000000 0020030000000000"), 0);
	rig_expect(r, "0f000000 00000000 0100 0000 0d000000");
	assert_int_equal(rig_post(r, "03000000 00000000"), 0);
	rig_expect(r, OFFER("01000000", A1, "0000", "0104", "0001", "0000",
	    "02000000"));
	assert_int_equal(r->conn_count, 1);
	rig_delete(r);
}

static void
hot_add_and_rescind(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	struct vms_dev two;

	rig_dev_init(&two, 0xb2);
	rig_connect(r);
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	/* declared before the offer is posted */
	assert_int_equal(r->posted_at_add, r->out_posted - 1);
	rig_expect(r, OFFER("01000000", A1, "0000", "0100", "0000", "0100",
	    "01200000"));
	vms_dev_rescind(r->vms, &r->dev);
	rig_expect(r, "02000000 00000000 01000000");
	assert_false(rig_conn_declared(r, 0x2001));
	/* relid 1 is the guest's until it says so */
	assert_int_equal(vms_dev_offer(r->vms, &two), 0);
	rig_expect(r, OFFER("02000000", B2, "0000", "0100", "0000", "0100",
	    "02200000"));
	assert_int_equal(rig_post(r, "0d000000 00000000 01000000"), 0);
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	rig_expect(r, OFFER("01000000", A1, "0000", "0100", "0000", "0100",
	    "01200000"));
	/* release without rescind; of nothing */
	rig_expect_no_fault(r);
	assert_int_equal(rig_post(r, "0d000000 00000000 01000000"), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	assert_int_equal(rig_post(r, "0d000000 00000000 09000000"), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_RELID);
	assert_int_equal(rig_post(r, "0d000000 00000000 ffffffff"), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_RELID);
	rig_delete(r);
}

/* Memory of which a page is ours may not go: each of them, and no other. */
static void
pages_of_the_contact_are_used(void **state)
{
	static const struct {
		uint32_t version;
		uint64_t first, last;
	} row[] = {
		{ VMBUS_V1_1, 0x30000, 0x32000 },
		{ VMBUS_V5_3, 0x31000, 0x32000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct rig *r = rig_new(&cfg_default);

		rig_connect_version(r, row[i].version);
		for (uint64_t gpa = 0x2f000; gpa <= 0x33000; gpa += 0x1000)
			assert_int_equal(vms_memory_used(r->vms, gpa, 0x1000),
			    gpa >= row[i].first && gpa <= row[i].last);
		assert_true(vms_memory_used(r->vms, 0, 0x40000));
		vms_reset(r->vms);
		assert_false(vms_memory_used(r->vms, 0, 0x40000));
		rig_delete(r);
	}
}

static void
offer_that_the_link_cannot_route_is_not_made(void **state)
{
	struct rig *r = rig_new(&cfg_default);

	rig_connect(r);
	r->fail_add = 1;
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), E_NOMEM);
	rig_expect_none(r);
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	rig_delete(r);
}

static void
relids_run_out_at_255(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	static struct vms_dev many[256];

	for (uint32_t i = 0; i < 255; i++) {
		rig_dev_init(&many[i], (uint8_t)i);
		assert_int_equal(vms_dev_offer(r->vms, &many[i]), 0);
		assert_int_equal(many[i].relid, i + 1);
	}
	rig_dev_init(&many[255], 0xff);
	assert_int_equal(vms_dev_offer(r->vms, &many[255]), E_NOMEM);
	/* 255 offers and the end: none is lost */
	rig_connect(r);
	assert_int_equal(r->part.counters.messages_lost, 0);
	assert_int_equal(r->part.counters.messages_out, 257);
	rig_delete(r);
}

static void
relids_are_stable_over_contacts(void **state)
{
	struct rig *r = rig_new(&cfg_default);

	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	for (uint32_t i = 0; i < VMBUS_VERSIONS; i++) {
		rig_connect_version(r, vmbus_versions[i]);
		assert_int_equal(vms_version(r->vms), vmbus_versions[i]);
		assert_int_equal(r->dev.relid, 1);
		/* the channel's own, the shared one, and before 2.4 both */
		assert_int_equal(r->conn_count,
		    vmbus_versions[i] == VMBUS_V1_1 ? 2 : 1);
	}
	vms_reset(r->vms);
	assert_int_equal(r->conn_count, 0);
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
contact_drops_messages_nobody_took(void **state)
{
	struct rig *r = rig_new(&cfg_default);

	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 03000500 00000000 0200", 40), 0);
	assert_int_equal(rig_post(r, "03000000 00000000"), 0);
	/* the slot holds the response; two more wait */
	assert_int_equal(r->part.vp[0].count, 2);
	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 02000500 00000000 0200", 40), 0);
	rig_expect(r, "0f000000 00000000 0100 0000 04000000");
	rig_expect(r, "0f000000 00000000 0100 0000 04000000");
	rig_expect_none(r);
	assert_int_equal(vms_version(r->vms), VMBUS_V5_2);
	rig_delete(r);
}

static void
unload_answers_after_the_reset(void **state)
{
	struct rig *r = rig_new(&cfg_default);

	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	rig_connect(r);
	assert_int_equal(rig_post(r, "10000000 00000000"), 0);
	rig_expect(r, "11000000 00000000");
	assert_int_equal(vms_version(r->vms), 0);
	assert_int_equal(r->conn_count, 0);
	/* once more: whoever waits gets an answer */
	assert_int_equal(rig_post(r, "10000000 00000000"), 0);
	rig_expect(r, "11000000 00000000");
	/* 0.13 has no answer to it */
	rig_connect_version(r, VMBUS_V0_13);
	assert_int_equal(rig_post(r, "10000000 00000000"), 0);
	rig_expect_none(r);
	assert_int_equal(vms_version(r->vms), 0);
	assert_int_equal(r->part.faults.total, 0);
	rig_connect(r);
	rig_delete(r);
}

static void
messages_before_contact_are_noted(void **state)
{
	struct rig *r = rig_new(&cfg_default);

	for (uint32_t type = 1; type < VMBUS_MSG_TYPES; type++) {
		char in[32];

		if (type == VMBUS_INITIATE_CONTACT || type == VMBUS_UNLOAD ||
		    type == VMBUS_CLOSE_RESERVED)
			continue;
		snprintf(in, sizeof(in), "%02x000000", type);
		assert_int_equal(rig_post_on(r, 1, in, 240), E_PEER);
		rig_expect_none(r);
		rig_expect_fault(r, FAULT_VMBUS_STATE);
	}
	rig_delete(r);
}

static void
types_out_of_place_are_noted(void **state)
{
	static const uint8_t host_types[] = { 1, 2, 4, 6, 10, 12, 15, 17, 20,
	    23, 24, 26, 28 };
	struct rig *r = rig_new(&cfg_default);
	char in[32];

	rig_connect(r);
	for (size_t i = 0; i < ARRAY_LEN(host_types); i++) {
		snprintf(in, sizeof(in), "%02x000000", host_types[i]);
		assert_int_equal(rig_post_on(r, 1, in, 240), E_PEER);
		rig_expect_none(r);
		rig_expect_fault(r, host_types[i] < 27 ?
		    FAULT_VMBUS_TYPE : FAULT_VMBUS_STATE);
	}
	assert_int_equal(rig_post_on(r, 1, "00000000", 240), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_TYPE);
	assert_int_equal(rig_post_on(r, 1, "1e000000", 240), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_TYPE);
	assert_int_equal(rig_post(r, "0300"), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_SHORT);
	assert_int_equal(rig_post(r, "0e000000 00000000 03000500"), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_SHORT);
	rig_expect_none(r);
	rig_delete(r);
}

static void
side_requests_are_refused_by_an_answer(void **state)
{
	struct rig *r = rig_new(&cfg_default);

	rig_connect(r);
	/* Hyper-V socket */
	assert_int_equal(rig_post(r, "15000000 00000000"
	    "000102030405060708090a0b0c0d0e0f"
	    "101112131415161718191a1b1c1d1e1f"), 0);
	rig_expect(r, "17000000 00000000"
	    "000102030405060708090a0b0c0d0e0f"
	    "101112131415161718191a1b1c1d1e1f 360200c0");
	/* reserved channels: open has no answer, close has */
	assert_int_equal(rig_post_on(r, 1, "12000000 00000000 05", 28),
	    E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_RELID);
	rig_expect_none(r);
	assert_int_equal(rig_post(r,
	    "13000000 00000000 05000000 01000000 02000000"), E_PEER);
	rig_expect_on(r, 1, "14000000 00000000 05000000", 0);
	rig_expect_fault(r, FAULT_VMBUS_RELID);
	/* 6.0's, without the feature */
	assert_int_equal(rig_post_on(r, 1, "1b000000", 8), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	assert_int_equal(rig_post_on(r, 1, "19000000", 24), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	rig_expect_none(r);
	rig_connect_version(r, VMBUS_V6_0);
	assert_int_equal(rig_post_on(r, 1, "19000000", 24), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	{
		uint8_t buf[VMBUS_MSG_MAX];

		assert_true(rig_take(r, 0, buf) >= 9);
		assert_memory_equal(buf, "\x1a\0\0\0\0\0\0\0\x02", 9);
	}
	rig_delete(r);
}

static void
flood_of_answers_is_bounded(void **state)
{
	struct rig *r = rig_new(&cfg_default);

	rig_connect_version(r, VMBUS_V5_3);
	for (uint32_t i = 0; i < 300; i++)
		(void)rig_post_on(r, 1, "15000000", 40);
	/* one in the slot, the queue, and the rest counted */
	assert_int_equal(r->part.counters.messages_lost,
	    300 - 1 - PART_MSG_QUEUE);
	assert_int_equal(r->part.faults.count[FAULT_MSG_RATE],
	    300 - 1 - PART_MSG_QUEUE);
	rig_delete(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_below_5_select_themselves),
		cmocka_unit_test(versions_from_5_name_the_message_connection),
		cmocka_unit_test(version_6_grants_no_feature),
		cmocka_unit_test(newer_and_unknown_versions_are_refused),
		cmocka_unit_test(connection_4_exists_from_5_0_only),
		cmocka_unit_test(message_vp_is_honoured),
		cmocka_unit_test(bad_contacts_are_answered_and_noted),
		cmocka_unit_test(offers_are_golden),
		cmocka_unit_test(offers_of_0_13_have_no_own_connection),
		cmocka_unit_test(hot_add_and_rescind),
		cmocka_unit_test(pages_of_the_contact_are_used),
		cmocka_unit_test(offer_that_the_link_cannot_route_is_not_made),
		cmocka_unit_test(relids_run_out_at_255),
		cmocka_unit_test(relids_are_stable_over_contacts),
		cmocka_unit_test(contact_drops_messages_nobody_took),
		cmocka_unit_test(unload_answers_after_the_reset),
		cmocka_unit_test(messages_before_contact_are_noted),
		cmocka_unit_test(types_out_of_place_are_noted),
		cmocka_unit_test(side_requests_are_refused_by_an_answer),
		cmocka_unit_test(flood_of_answers_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
