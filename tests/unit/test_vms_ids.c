/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that a guest chooses, at the VMBus server: each comes back in the
 * answer as it was sent, with success and with failure.
 */
#include "vms_chan_rig.h"

static const uint32_t ids[] = { 1, 0x100, 0x80000001, 0xdeadbeef, 0xfffffffe,
	UINT32_MAX };

/* The next message is of this type, and its words from byte 8 are these. */
static void
expect_words(struct rig *r, uint32_t type, const uint32_t *word, uint32_t n)
{
	uint8_t buf[VMBUS_MSG_MAX];
	le32_t w;

	assert_int_equal(rig_take(r, 0, buf), 8 + 4 * n);
	assert_int_equal(buf[0], type);
	for (uint32_t i = 0; i < n; i++) {
		memcpy(&w, buf + 8 + 4 * i, 4);
		if (le32_get(w) != word[i])
			fail_msg("type %u: word %u is %#x, not %#x", type, i,
			    le32_get(w), word[i]);
	}
}

#define EXPECT(r, type, ...)						\
	expect_words(r, type, (const uint32_t[]){ __VA_ARGS__ },	\
	    sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static int
post(struct rig *r, const struct vmbus_msg *m)
{
	uint8_t buf[VMBUS_MSG_MAX];
	uint32_t n = vmbus_msg_encode(m, buf);

	return vms_message(r->vms, 1, (struct span){ buf, n });
}

static int
teardown(struct rig *r, uint32_t relid, uint32_t gpadl)
{
	struct vmbus_msg m = { .type = VMBUS_GPADL_TEARDOWN };

	m.gpadl.relid = relid;
	m.gpadl.gpadl = gpadl;
	return post(r, &m);
}

static void
gpadl_ids(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		/* one message, then several; a channel that is not there */
		assert_int_equal(rig_gpadl(r, 1, ids[i], 0x100, 2), 0);
		EXPECT(r, VMBUS_GPADL_CREATED, 1, ids[i], VMBUS_STATUS_OK);
		assert_int_equal(teardown(r, 1, ids[i]), 0);
		EXPECT(r, VMBUS_GPADL_TORNDOWN, ids[i]);
		assert_int_equal(rig_gpadl(r, 1, ids[i], 0x400, 60), 0);
		EXPECT(r, VMBUS_GPADL_CREATED, 1, ids[i], VMBUS_STATUS_OK);
		rig_expect_no_fault(r);
		/* twice the same */
		assert_int_equal(rig_gpadl(r, 1, ids[i], 0x100, 1), E_PEER);
		EXPECT(r, VMBUS_GPADL_CREATED, 1, ids[i], VMBUS_STATUS_FAILED);
		rig_expect_fault(r, FAULT_GPADL_ID);
		assert_int_equal(rig_gpadl(r, ~ids[i] | 0x80000000, ids[i] - 1,
		    0x100, 1), E_PEER);
		EXPECT(r, VMBUS_GPADL_CREATED, ~ids[i] | 0x80000000,
		    ids[i] - 1, VMBUS_STATUS_FAILED);
		memset(&r->part.faults, 0, sizeof(r->part.faults));
	}
	/* all of them at once, torn down in the order they came */
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		assert_int_equal(teardown(r, 1, ids[i]), 0);
		EXPECT(r, VMBUS_GPADL_TORNDOWN, ids[i]);
	}
	assert_int_equal(vms_gpadl_count(r->vms), 0);
	rig_expect_no_fault(r);
	rig_delete(r);
}

/* The answer to a teardown that waits for the device. */
static void
gpadl_id_of_a_late_teardown(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct vms_gpadl *g;

	assert_int_equal(rig_gpadl(r, 1, 0xfedcba98, 0x100, 2), 0);
	EXPECT(r, VMBUS_GPADL_CREATED, 1, 0xfedcba98, VMBUS_STATUS_OK);
	g = vms_gpadl_get(r->vms, 0xfedcba98);
	assert_non_null(g);
	assert_int_equal(teardown(r, 1, 0xfedcba98), E_PEER);
	rig_expect_none(r);
	vms_gpadl_put(r->vms, g);
	EXPECT(r, VMBUS_GPADL_TORNDOWN, 0xfedcba98);
	rig_delete(r);
}

static int
open_as(struct rig *r, uint32_t relid, uint32_t open_id, uint32_t gpadl)
{
	struct vmbus_msg m = { .type = VMBUS_OPEN_CHANNEL };

	m.open.relid = relid;
	m.open.open_id = open_id;
	m.open.ring_gpadl = gpadl;
	m.open.downstream_pages = 4;
	return post(r, &m);
}

static void
open_ids(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct ring_ctrl_wire *ctrl = rig_page(r, RING_PFN);
	struct vmbus_msg close = { .type = VMBUS_CLOSE_CHANNEL, .relid = 1 };

	assert_int_equal(rig_gpadl(r, 1, UINT32_MAX, RING_PFN, 8), 0);
	EXPECT(r, VMBUS_GPADL_CREATED, 1, UINT32_MAX, VMBUS_STATUS_OK);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		memset(ctrl, 0, 8 << 12);
		assert_int_equal(open_as(r, 1, ids[i], UINT32_MAX), 0);
		EXPECT(r, VMBUS_OPEN_RESULT, 1, ids[i], VMBUS_STATUS_OK);
		assert_int_equal(open_as(r, 1, ~ids[i], UINT32_MAX), E_PEER);
		EXPECT(r, VMBUS_OPEN_RESULT, 1, ~ids[i], VMBUS_STATUS_FAILED);
		rig_expect_fault(r, FAULT_VMBUS_STATE);
		/* of a channel that is not there */
		assert_int_equal(open_as(r, ~ids[i] | 0x100, ids[i], 1),
		    E_PEER);
		EXPECT(r, VMBUS_OPEN_RESULT, ~ids[i] | 0x100, ids[i],
		    VMBUS_STATUS_FAILED);
		rig_expect_fault(r, FAULT_VMBUS_RELID);
		assert_int_equal(post(r, &close), 0);
	}
	rig_expect_none(r);
	rig_delete(r);
}

/* MODIFY_CHANNEL and CLOSE_RESERVED name a channel, known or not. */
static void
relids(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct vmbus_msg m = { .type = VMBUS_MODIFY_CHANNEL };

	for (size_t i = 1; i < ARRAY_LEN(ids); i++) {
		m.type = VMBUS_MODIFY_CHANNEL;
		m.modify.relid = ids[i];
		m.modify.target_vp = 1;
		assert_int_equal(post(r, &m), E_PEER);
		EXPECT(r, VMBUS_MODIFY_CHANNEL_RESPONSE, ids[i],
		    VMBUS_STATUS_FAILED);
		m.type = VMBUS_CLOSE_RESERVED;
		m.reserved.relid = ids[i];
		m.reserved.target_vp = 0;
		m.reserved.sint = 2;
		assert_int_equal(post(r, &m), E_PEER);
		EXPECT(r, VMBUS_CLOSE_RESERVED_RESPONSE, ids[i]);
	}
	rig_expect_none(r);
	rig_delete(r);
}

/* A channel that the guest may name has another number than 1. */
static void
modify_answers_for_its_channel(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	struct vmbus_msg m = { .type = VMBUS_MODIFY_CHANNEL };
	static struct vms_dev other[200];

	for (uint32_t i = 0; i < ARRAY_LEN(other); i++) {
		rig_dev_init(&other[i], (uint8_t)i);
		other[i].instance.b[0] = 0;
		assert_int_equal(vms_dev_offer(r->vms, &other[i]), 0);
	}
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	assert_int_equal(r->dev.relid, 201);
	rig_connect_version(r, VMBUS_V5_3);
	open_on(r, 201, 0);
	m.modify.relid = 201;
	m.modify.target_vp = 3;
	assert_int_equal(post(r, &m), 0);
	EXPECT(r, VMBUS_MODIFY_CHANNEL_RESPONSE, 201, VMBUS_STATUS_OK);
	assert_int_equal(vms_chan_vp(r->open[0]), 3);
	rig_expect_no_fault(r);
	rig_delete(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gpadl_ids),
		cmocka_unit_test(gpadl_id_of_a_late_teardown),
		cmocka_unit_test(open_ids),
		cmocka_unit_test(relids),
		cmocka_unit_test(modify_answers_for_its_channel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
