/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMBus client against a scripted host: bytes on the wire, versions and
 * connections, back-off, time-outs, and a host that lies.
 */
#include "vmc_rig.h"

/* ---- connection ---------------------------------------------------------- */

static void
test_contact_bytes(void **state)
{
	static const uint8_t want[40] = { 14, 0, 0, 0, 0, 0, 0, 0,
		3, 0, 5, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0x10, 0, 0x10, 0, 0, 0, 0 };

	start(VMBUS_V5_3);
	assert_int_equal(rig.posts, 1);
	assert_int_equal(rig.conn[0], 4);
	assert_int_equal(rig.len[0], 40);
	assert_memory_equal(rig.msg[0], want, 40);
	/* The host names the connection for what follows. */
	deliver_version(true, 77);
	assert_int_equal(rig.conn[1], 77);
	assert_int_equal(u32(1, 0), VMBUS_REQUEST_OFFERS);
	deliver_simple(VMBUS_ALL_OFFERS_DELIVERED, 0);
	assert_int_equal(rig.connected, VMBUS_V5_3);
	end();
}

static void
test_versions_newest_first(void **state)
{
	start(0);
	for (uint32_t i = 0; i < VMBUS_VERSIONS; i++) {
		uint32_t v = vmbus_versions[i];

		assert_int_equal(rig.posts, i + 1);
		assert_int_equal(u32(i, 8), v);
		assert_int_equal(rig.conn[i], v >= VMBUS_V5_0 ? 4 : 1);
		/* The interrupt page is the third, and only before 2.4. */
		if (v < VMBUS_V5_0)
			assert_int_equal(u32(i, 16),
			    v < VMBUS_V2_4 ? 0x10002000 : 0);
		assert_int_equal(rig.connected, 0);
		deliver_version(false, 0);
	}
	assert_int_equal(rig.connected, E_NOTSUP);
	end();
}

static void
test_no_connection_4(void **state)
{
	ops.post_message = post_no_conn_4;
	start(0);
	ops.post_message = post;
	assert_int_equal(rig.posts, 1);
	assert_int_equal(rig.conn[0], 1);
	assert_int_equal(u32(0, 8), VMBUS_V4_1);
	end();
}

static void
test_post_backs_off(void **state)
{
	up(VMBUS_V4_0);
	rig.post_err = E_AGAIN;
	rig.tries = 0;
	open_begin(rig.chan, 0);
	/* 1 ms, then twice as long each time, to 2 s. */
	for (uint64_t wait = MS, n = 1; n < 14; n++) {
		assert_int_equal(rig.tries, n);
		assert_int_equal(rig.next, rig.now + wait);
		tick(wait - 1);
		assert_int_equal(rig.tries, n);
		tick(1);
		wait = 2 * wait > 2000 * MS ? 2000 * MS : 2 * wait;
	}
	assert_int_equal(rig.posts, 0);
	rig.post_err = 0;
	tick(2000 * MS);
	assert_int_equal(rig.posts, 1);
	assert_int_equal(u32(0, 0), VMBUS_GPADL_HEADER);
	end();
}

static void
test_gpadl_resumes_in_the_middle(void **state)
{
	struct chan_mem m = { rig.arena, 0x20000000, 60 * HV_PAGE_SIZE, NULL };
	uint32_t id;

	up(VMBUS_V4_0);
	rig.post_err = E_AGAIN;
	assert_int_equal(rig.chan->ops->gpadl_create(rig.chan, &m, &id), 0);
	rig.post_err = 0;
	tick(0);
	tick(MS);
	/* 26 + 28 + 6 pages. */
	assert_int_equal(rig.posts, 3);
	assert_int_equal(rig.len[0], 20 + 8 + 26 * 8);
	assert_int_equal(rig.len[1], 16 + 28 * 8);
	assert_int_equal(rig.len[2], 16 + 6 * 8);
	assert_int_equal(u32(2, 12), id);
	assert_int_equal(u32(2, 16), 0x20000 + 26 + 28);
	deliver_created(5, id, 0);
	assert_int_equal(rig.created, 1);
	assert_int_equal(rig.chan->ops->gpadl_teardown(rig.chan, id + 1),
	    E_STATE);
	assert_int_equal(rig.chan->ops->gpadl_teardown(rig.chan, id), 0);
	assert_int_equal(rig.chan->ops->gpadl_teardown(rig.chan, id), E_STATE);
	deliver_torndown(id);
	assert_int_equal(rig.torndown, 1);
	assert_int_equal(vmc_gpadl_count(rig.vmc), 0);
	end();
}

/* ---- silence ------------------------------------------------------------- */

static void
test_contact_times_out(void **state)
{
	start(0);
	assert_int_equal(rig.next, rig.now + VMC_ANSWER_NS);
	tick(VMC_ANSWER_NS - 1);
	assert_int_equal(rig.connected, 0);
	tick(1);
	assert_int_equal(rig.connected, E_TIMEOUT);
	assert_int_equal(vmc_start(rig.vmc), 0);
	end();
}

static void
test_gpadl_times_out_and_leaks(void **state)
{
	struct chan_mem m = { rig.arena, 0x20000000, HV_PAGE_SIZE, NULL };
	uint32_t id;

	up(VMBUS_V4_0);
	assert_int_equal(rig.chan->ops->gpadl_create(rig.chan, &m, &id), 0);
	tick(0);
	tick(VMC_ANSWER_NS);
	assert_int_equal(rig.created, 1);
	assert_int_equal(rig.err, E_TIMEOUT);
	assert_int_equal(vmc_stats(rig.vmc)->leaked_gpadls, 1);
	assert_int_equal(vmc_stats(rig.vmc)->leaked_bytes, HV_PAGE_SIZE);
	deliver_created(5, id, 0);
	assert_int_equal(rig.created, 1);
	assert_int_equal(vmc_stats(rig.vmc)->late, 1);
	assert_int_equal(vmc_faults(rig.vmc)->total, 0);
	end();
}

static void
test_open_times_out(void **state)
{
	uint32_t gpadl;

	up(VMBUS_V4_0);
	open_begin(rig.chan, 0);
	gpadl = u32(0, 12);
	deliver_created(5, gpadl, 0);
	tick(0);
	tick(VMC_ANSWER_NS);
	/* Closed and torn down, for the host may have opened it. */
	assert_int_equal(u32(2, 0), VMBUS_CLOSE_CHANNEL);
	assert_int_equal(u32(3, 0), VMBUS_GPADL_TEARDOWN);
	assert_int_equal(rig.opened, 0);
	deliver_opened(5, 1, 0);
	assert_int_equal(vmc_stats(rig.vmc)->late, 1);
	deliver_torndown(gpadl);
	assert_int_equal(rig.opened, 1);
	assert_int_equal(rig.err, E_NOTSUP);
	/* And it can be opened again. */
	(void)open_whole(rig.chan, 0);
	end();
}

static void
test_close_times_out(void **state)
{
	up(VMBUS_V4_0);
	(void)open_whole(rig.chan, 0);
	assert_int_equal(rig.chan->ops->close(rig.chan), 0);
	assert_int_equal(rig.chan->ops->close(rig.chan), E_STATE);
	tick(0);
	tick(VMC_ANSWER_NS);
	assert_int_equal(rig.closed, 1);
	assert_int_equal(rig.err, E_TIMEOUT);
	assert_int_equal(vmc_stats(rig.vmc)->leaked_gpadls, 1);
	vmc_unload(rig.vmc);
	tick(0);
	tick(VMC_ANSWER_NS);
	assert_int_equal(rig.unloads, 1);
	assert_int_equal(rig.gones, 1);
	end();
}

/* ---- lies ---------------------------------------------------------------- */

static void
test_offers_that_lie(void **state)
{
	struct vmbus_msg m = { .type = VMBUS_OFFER_CHANNEL };

	up(VMBUS_V4_0);
	deliver_offer(0, 0, 2);
	expect_fault(FAULT_VMBUS_RELID, 1);
	deliver_offer(SYNIC_FLAGS, 0, 2);
	expect_fault(FAULT_VMBUS_RELID, 2);
	deliver_offer(5, 0, 2);
	expect_fault(FAULT_VMBUS_RELID, 3);
	deliver_offer(6, 0, 1);
	expect_fault(FAULT_VMBUS_STATE, 4);
	m.offer.relid = 7;
	m.offer.instance.b[0] = 9;
	m.offer.monitor_allocated = true;
	m.offer.monitor_id = 128;
	deliver(&m);
	expect_fault(FAULT_VMBUS_MONITOR, 5);
	assert_int_equal(rig.offers, 1);
	assert_int_equal(vmc_stats(rig.vmc)->offers_refused, 5);
	end();
}

static void
test_too_many_offers(void **state)
{
	up(VMBUS_V4_0);
	for (uint32_t i = 0; i < 300; i++)
		deliver_offer(10 + i, (uint16_t)(i + 1), 1);
	assert_int_equal(vmc_channel_count(rig.vmc), VMC_MAX_CHANNELS);
	assert_int_equal(vmc_stats(rig.vmc)->offers_refused,
	    300 + 1 - VMC_MAX_CHANNELS);
	/* One that was not taken is released when it is taken back. */
	deliver_simple(VMBUS_RESCIND_OFFER, 309);
	assert_int_equal(rig.posts, 1);
	assert_int_equal(u32(0, 0), VMBUS_RELID_RELEASED);
	assert_int_equal(u32(0, 8), 309);
	assert_int_equal(vmc_faults(rig.vmc)->total, 0);
	end();
}

static void
test_answers_that_lie(void **state)
{
	static const uint8_t unknown[8] = { 99 };
	uint32_t gpadl;

	up(VMBUS_V4_0);
	deliver_raw(unknown, 8, 0);
	expect_fault(FAULT_VMBUS_TYPE, 1);
	deliver_raw(unknown, 3, 0);
	expect_fault(FAULT_VMBUS_SHORT, 2);
	deliver_simple(VMBUS_CLOSE_CHANNEL, 5);
	expect_fault(FAULT_VMBUS_TYPE, 3);
	deliver_version(true, VMBUS_V4_0);
	expect_fault(FAULT_VMBUS_STATE, 4);
	deliver_simple(VMBUS_ALL_OFFERS_DELIVERED, 0);
	expect_fault(FAULT_VMBUS_STATE, 5);
	deliver_simple(VMBUS_RESCIND_OFFER, 1234);
	expect_fault(FAULT_VMBUS_RELID, 6);
	deliver_opened(5, 1, 0);
	expect_fault(FAULT_VMBUS_STATE, 7);
	deliver_opened(99, 1, 0);
	expect_fault(FAULT_VMBUS_RELID, 8);
	deliver_created(5, 0, 0);
	expect_fault(FAULT_GPADL_ID, 9);
	deliver_created(5, 0xffffffff, 0);
	expect_fault(FAULT_GPADL_ID, 10);
	deliver_torndown(0x12345);
	expect_fault(FAULT_GPADL_ID, 11);
	open_begin(rig.chan, 0);
	gpadl = u32(0, 12);
	deliver_created(6, gpadl, 0);
	expect_fault(FAULT_VMBUS_STATE, 12);
	deliver_torndown(gpadl);
	expect_fault(FAULT_GPADL_ID, 13);
	deliver_created(5, gpadl, 0);
	deliver_opened(5, 1000, 0);
	expect_fault(FAULT_VMBUS_STATE, 14);
	assert_int_equal(rig.opened, 0);
	deliver_opened(5, u32(1, 12), 0);
	assert_int_equal(rig.opened, 1);
	end();
}

/* ---- numbers that the host chooses -------------------------------------- */

/* Whatever message connection the host names, all that follows goes there. */
static void
test_any_message_connection(void **state)
{
	static const uint32_t named[] = { 1, 4, 0x8001, 0x80000001,
		0xfffffffe, UINT32_MAX };

	for (uint32_t i = 0; i < ARRAY_LEN(named); i++) {
		start(VMBUS_V5_3);
		deliver_version(true, named[i]);
		deliver_offer(5, 0, 1);
		deliver_simple(VMBUS_ALL_OFFERS_DELIVERED, 0);
		rig.chan->events = &events;
		(void)open_whole(rig.chan, 0);
		assert_int_equal(rig.posts, 4);
		assert_int_equal(rig.conn[0], 4);
		for (uint32_t k = 1; k < rig.posts; k++)
			assert_int_equal(rig.conn[k], named[i]);
		end();
		/* Before 5.0 the field repeats the version. */
		start(VMBUS_V4_1);
		deliver_version(true, named[i]);
		assert_int_equal(rig.posts, 2);
		assert_int_equal(rig.conn[1], 1);
		end();
	}
}

/*
 * Relid, connection and index of an offer have nothing to do with each other:
 * requests name the relid, signals go to the connection.
 */
static void
test_any_offer_numbers(void **state)
{
	static const struct {
		uint32_t relid, conn;
		uint16_t sub;
	} row[] = { { 1, 0, 1 }, { SYNIC_FLAGS - 1, UINT32_MAX, UINT16_MAX },
		{ 0x101, 0x80000001, 0x8000 }, { 77, 1, 300 } };

	for (uint32_t i = 0; i < ARRAY_LEN(row); i++) {
		struct vmbus_msg m = { .type = VMBUS_OFFER_CHANNEL };
		struct vmpkt_out p = { .type = VMPKT_INBAND };
		uint32_t at;

		up(VMBUS_V5_3);
		(void)open_whole(rig.chan, 0);
		m.offer.relid = row[i].relid;
		m.offer.conn_id = row[i].conn;
		m.offer.subchan = row[i].sub;
		m.offer.instance.b[0] = 1;
		m.offer.dedicated_interrupt = true;
		deliver(&m);
		assert_non_null(rig.sub);
		assert_int_equal(rig.sub->relid, row[i].relid);
		assert_int_equal(rig.sub->subindex, row[i].sub);
		rig.sub->events = &events;
		at = rig.posts;
		(void)open_whole(rig.sub, 1);
		assert_int_equal(u32(at, 8), row[i].relid);
		assert_int_equal(u32(at + 1, 8), row[i].relid);
		rig.last_conn = 0x5a5a5a5a;
		assert_int_equal(chan_send(rig.sub, &p), 0);
		chan_commit(rig.sub);
		assert_int_equal(rig.last_conn, row[i].conn);
		assert_int_equal(vmc_chan_move(rig.vmc, rig.sub, 0), 0);
		assert_int_equal(u32(at + 2, 0), VMBUS_MODIFY_CHANNEL);
		assert_int_equal(u32(at + 2, 8), row[i].relid);
		m = (struct vmbus_msg){ .type = VMBUS_MODIFY_CHANNEL_RESPONSE };
		m.modify_result.relid = row[i].relid;
		deliver(&m);
		assert_int_equal(vmc_chan_move(rig.vmc, rig.sub, 1), 0);
		deliver_simple(VMBUS_RESCIND_OFFER, row[i].relid);
		assert_int_equal(rig.rescinded, 1);
		assert_int_equal(vmc_faults(rig.vmc)->total, 0);
		end();
	}
}

/* ---- dispatch ------------------------------------------------------------ */

static void
test_eom_after_the_slot_is_free(void **state)
{
	struct vmbus_msg m = { .type = VMBUS_RESCIND_OFFER, .relid = 5 };
	uint8_t buf[240];

	up(VMBUS_V4_0);
	deliver_raw(buf, vmbus_msg_encode(&m, buf), SYNIC_MSG_F_PENDING);
	assert_int_equal(rig.eoms, 1);
	assert_true(rig.type_clear_at_eom);
	assert_int_equal(rig.rescinded, 1);
	/* Never opened: released at once, and gone. */
	assert_int_equal(rig.gones, 1);
	assert_int_equal(u32(0, 0), VMBUS_RELID_RELEASED);
	assert_int_equal(vmc_channel_count(rig.vmc), 0);
	end();
}

static void
flag_set(uint32_t vp, uint32_t flag)
{
	rig.siefp[vp][2 * 256 + flag / 8] |= (uint8_t)(1u << flag % 8);
}

static void
test_flags_reach_their_channel(void **state)
{
	up(VMBUS_V5_3);
	(void)open_whole(rig.chan, 1);
	/* Opening looks once, for flags that came too early. */
	assert_false(vmc_vp_dispatch(rig.vmc, 1, 8));
	assert_int_equal(rig.ready, 1);
	flag_set(1, 5);
	flag_set(1, 7);
	assert_false(vmc_vp_dispatch(rig.vmc, 1, 8));
	assert_int_equal(rig.ready, 2);
	assert_int_equal(vmc_vp_stats(rig.vmc, 1)->stray, 1);
	/* Work left: again without a flag. */
	rig.more = true;
	flag_set(1, 5);
	assert_true(vmc_vp_dispatch(rig.vmc, 1, 8));
	rig.more = false;
	assert_false(vmc_vp_dispatch(rig.vmc, 1, 8));
	assert_int_equal(rig.ready, 4);
	/* After a move the old VP passes its flags on. */
	assert_int_equal(vmc_chan_move(rig.vmc, rig.chan, 0), 0);
	assert_int_equal(vmc_chan_move(rig.vmc, rig.chan, 0), E_AGAIN);
	assert_int_equal(vmc_chan_vp(rig.chan), 0);
	(void)vmc_vp_dispatch(rig.vmc, 0, 8);
	assert_int_equal(rig.ready, 5);
	flag_set(1, 5);
	rig.kicks = 0;
	(void)vmc_vp_dispatch(rig.vmc, 1, 8);
	assert_int_equal(rig.ready, 5);
	assert_int_equal(rig.kicks, 1);
	(void)vmc_vp_dispatch(rig.vmc, 0, 8);
	assert_int_equal(rig.ready, 6);
	assert_int_equal(vmc_vp_stats(rig.vmc, 1)->forwarded, 1);
	end();
}

static void
test_interrupt_page_before_2_4(void **state)
{
	uint8_t *intpage = rig.arena + 2 * HV_PAGE_SIZE;
	struct vmpkt_out p = { .type = VMPKT_INBAND };

	up(VMBUS_V1_1);
	assert_int_equal(vmc_chan_move(rig.vmc, rig.chan, 1), E_NOTSUP);
	(void)open_whole(rig.chan, 1);
	assert_int_equal(vmc_chan_vp(rig.chan), 0);
	(void)vmc_vp_dispatch(rig.vmc, 0, 8);
	assert_int_equal(rig.ready, 1);
	intpage[0] = 1 << 5;
	flag_set(0, 0);
	(void)vmc_vp_dispatch(rig.vmc, 0, 8);
	assert_int_equal(rig.ready, 2);
	assert_int_equal(intpage[0], 0);
	/* A dedicated interrupt: hypercall, no bit. */
	assert_int_equal(chan_send(rig.chan, &p), 0);
	chan_commit(rig.chan);
	assert_int_equal(rig.signals, 1);
	assert_int_equal(rig.last_conn, 0x2005);
	assert_int_equal(intpage[2048], 0);
	end();
}

static void
test_subchannel_waits_for_events(void **state)
{
	up(VMBUS_V4_0);
	rig.chan->events = NULL;
	deliver_offer(6, 1, 1);
	assert_null(rig.sub);
	rig.chan->events = &events;
	(void)open_whole(rig.chan, 0);
	assert_non_null(rig.sub);
	assert_int_equal(rig.sub->subindex, 1);
	assert_int_equal(rig.sub->relid, 6);
	end();
}

static void
test_lost_ends_everything(void **state)
{
	up(VMBUS_V5_3);
	(void)open_whole(rig.chan, 1);
	vmc_lost(rig.vmc);
	assert_int_equal(rig.rescinded, 1);
	assert_int_equal(rig.chan->ops->close(rig.chan), 0);
	assert_int_equal(rig.closed, 1);
	assert_int_equal(rig.err, 0);
	tick(0);
	assert_int_equal(rig.gones, 1);
	assert_int_equal(vmc_channel_count(rig.vmc), 0);
	assert_int_equal(vmc_gpadl_count(rig.vmc), 0);
	assert_int_equal(vmc_start(rig.vmc), 0);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contact_bytes),
		cmocka_unit_test(test_versions_newest_first),
		cmocka_unit_test(test_no_connection_4),
		cmocka_unit_test(test_post_backs_off),
		cmocka_unit_test(test_gpadl_resumes_in_the_middle),
		cmocka_unit_test(test_contact_times_out),
		cmocka_unit_test(test_gpadl_times_out_and_leaks),
		cmocka_unit_test(test_open_times_out),
		cmocka_unit_test(test_close_times_out),
		cmocka_unit_test(test_offers_that_lie),
		cmocka_unit_test(test_too_many_offers),
		cmocka_unit_test(test_answers_that_lie),
		cmocka_unit_test(test_any_message_connection),
		cmocka_unit_test(test_any_offer_numbers),
		cmocka_unit_test(test_eom_after_the_slot_is_free),
		cmocka_unit_test(test_flags_reach_their_channel),
		cmocka_unit_test(test_interrupt_page_before_2_4),
		cmocka_unit_test(test_subchannel_waits_for_events),
		cmocka_unit_test(test_lost_ends_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
