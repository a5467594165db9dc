/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who sleeps is woken: the races whose answer hangs on a full barrier, run in
 * every order that a machine with store buffers can make of them (tso.h), with
 * the real code at both sides.  Threads find a missing barrier by luck; this
 * finds it in every run.  Each race is also run with the barriers of one side
 * taken away, and must lose something then: so we know that it can.
 *
 * Acquire and release, which such a machine gives for nothing, are looked for
 * in the record of what the ring did.
 */
#include "vmc_rig.h"

#include "bus/partition.h"
#include "tso.h"
#include "vsp/vsp_priv.h"

/* vmc_rig.h has a `rig` of its own; this is the ring. */
#define rig	ring_rig
#include "test_ring_rig.h"
#undef rig

#define RELID	5u

static struct ring_rig g;
static uint32_t got;
static bool told[2];		/* what each side's call returned */

static void
get_all(void)
{
	while (rig_get(&g) == 1)
		got++;
}

/* ---- [A] publish and edge test, against unmask and re-check -------------- */

/* One packet is out already, the second not yet; the reader is awake. */
static void
publish_before(void)
{
	rig_init(&g);
	got = 0;
	assert_int_equal(rig_put(&g, 64), 0);
	assert_true(ring_out_commit(&g.out));
	assert_int_equal(rig_put(&g, 64), 0);
	ring_in_mask(&g.in);
}

static void
publish(void)
{
	told[0] = ring_out_commit(&g.out);
}

static void
read_and_sleep(void)
{
	do {
		get_all();
		told[1] = ring_in_commit(&g.in);
	} while (ring_in_unmask(&g.in));
}

static bool
publish_lost(void)
{
	return got < 2 && !told[0];
}

/* ---- [D] wait for room, against giving back ------------------------------ */

static void
room_before(void)
{
	rig_init(&g);
	while (rig_put(&g, 512) == 0)
		;
	assert_true(ring_out_commit(&g.out));
}

static void
wait_for_room(void)
{
	told[0] = ring_out_want_space(&g.out, 512);
}

static void
give_back(void)
{
	get_all();
	told[1] = ring_in_commit(&g.in);
}

static bool
room_lost(void)
{
	return !told[0] && !told[1];
}

/* ---- a message slot: the host finds it taken, the guest empties it ------- */

static struct partition part;
static struct part_msg queue[PART_MSG_QUEUE];
static uint32_t interrupts;

static void
interrupt(struct partition *p, uint32_t vp)
{
	interrupts++;
}

static const struct part_ops part_ops = { .interrupt = interrupt };

static void
post_late_answer(void)
{
	struct vmbus_msg m = { .type = VMBUS_MODIFY_CHANNEL_RESPONSE };
	uint8_t buf[VMBUS_MSG_MAX];

	assert_int_equal(part_post_message(&part, 0, buf,
	    vmbus_msg_encode(&m, buf)), 0);
}

static bool data_seen(struct chan *c, uint32_t budget);
static const struct chan_events seen_events = { .ready = data_seen };

/* A guest that is connected, under a host's half of its first processor. */
static void
guest_before(void)
{
	const struct part_vp_regs regs = { .scontrol = true, .simp = rig.simp,
		.siefp = rig.siefp[0] };

	up(VMBUS_V5_3);
	tso_drain(0, TSO_STORES);
	part_init(&part, &part_ops, NULL, 1, queue);
	part_vp_set_regs(&part, 0, &regs);
	interrupts = 0;
}

static void
slot_before(void)
{
	guest_before();
	post_late_answer();
	rig.eoms = 0;
}

static void
guest_runs(void)
{
	(void)vmc_vp_dispatch(rig.vmc, 0, 64);
}

static bool
slot_lost(void)
{
	return part.vp[0].count > 0 && rig.eoms == 0;
}

static void
guest_after(void)
{
	vmc_destroy(rig.vmc);
}

/* ---- an event flag: set by the host while the guest takes flags ---------- */

static uint32_t data;
static bool saw;

static bool
data_seen(struct chan *c, uint32_t budget)
{
	saw |= os_ld32(&data) != 0;
	return false;
}

static void
flag_before(void)
{
	guest_before();
	open_whole(rig.chan, 0);
	guest_runs();
	rig.chan->events = &seen_events;
	data = 0;
	saw = false;
	(void)part_flag_set(&part, 0, RELID);
	interrupts = 0;
}

static void
flag_set(void)
{
	os_st32(&data, 1);
	(void)part_flag_set(&part, 0, RELID);
}

static bool
flag_lost(void)
{
	return !saw && interrupts == 0;
}

/* ---- a receive section comes home while its queue starves ---------------- */

static struct vsp_rxbuf rb;
static struct vsp_section section[4];
static uint32_t slots[4];

static void
starve_before(void)
{
	memset(&rb, 0, sizeof(rb));
	tso.own = &rb.home[0].top;
	rb.section = section;
	rb.home[0].slot = slots;
	rb.home[0].total = 4;
	section[1] = (struct vsp_section){ .state = VSP_SECTION_OURS };
}

static void
starve(void)
{
	told[0] = vsp_rxbuf_starve(&rb, 0, 1);
}

static void
send_home(void)
{
	told[1] = vsp_rxbuf_send_home(&rb, 1, 1) == 0;
}

static const struct tso_race races[] = {
	{ "[A] publish / unmask", publish_before, { publish, read_and_sleep },
	    publish_lost },
	{ "[D] want space / give back", room_before,
	    { wait_for_room, give_back }, room_lost },
	{ "message slot / EOM", slot_before, { post_late_answer, guest_runs },
	    slot_lost, guest_after },
	{ "event flag / take", flag_before, { flag_set, guest_runs },
	    flag_lost, guest_after },
	{ "starve / send home", starve_before, { starve, send_home },
	    room_lost },
};

static void
nobody_sleeps_for_ever(void **state)
{
	for (uint32_t i = 0; i < ARRAY_LEN(races); i++) {
		uint32_t runs, lost = tso_run(&races[i], 0, &runs);

		printf("# %s: %u orders\n", races[i].name, runs);
		if (lost > 0)
			fail_msg("%s: a wake-up was lost in %u of %u orders",
			    races[i].name, lost, runs);
	}
}

static void
each_half_is_needed(void **state)
{
	for (uint32_t i = 0; i < ARRAY_LEN(races); i++)
		for (uint32_t side = 0; side < 2; side++) {
			uint32_t runs;

			if (tso_run(&races[i], 1u << side, &runs) == 0)
				fail_msg("%s: nothing was lost in %u orders "
				    "without the barriers of side %u",
				    races[i].name, runs, side);
		}
}

/* ---- acquire and release ------------------------------------------------- */

/* Whether `op` is what the code did at p, and all that it did there. */
static bool
only(enum tso_op op, const void *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < tso.logged; i++)
		if (tso.log[i].p == p) {
			if (tso.log[i].op != op)
				return false;
			n++;
		}
	return n > 0;
}

static void
record(void)
{
	tso_drain(0, TSO_STORES);
	tso.logged = 0;
}

static void
indexes_are_released_and_acquired(void **state)
{
	memset(&tso, 0, sizeof(tso));
	rig_init(&g);
	record();
	assert_int_equal(rig_put(&g, 4000), 0);
	assert_true(ring_out_commit(&g.out));
	assert_true(only(TSO_ST_REL, &g.ctrl.write_index));	/* [B] */
	assert_true(only(TSO_LD_ACQ, &g.ctrl.read_index));	/* [C] */
	assert_int_equal(rig_put(&g, 512), E_AGAIN);
	assert_false(ring_out_want_space(&g.out, 512));
	record();
	get_all();
	assert_true(ring_in_commit(&g.in));
	assert_true(only(TSO_ST_REL, &g.ctrl.read_index));	/* [C] */
	assert_true(only(TSO_LD_ACQ, &g.ctrl.pending_send));	/* [E] */
	record();
	assert_false(ring_in_unmask(&g.in));
	assert_true(only(TSO_LD_ACQ, &g.ctrl.write_index));	/* [B] */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_sleeps_for_ever),
		cmocka_unit_test(each_half_is_needed),
		cmocka_unit_test(indexes_are_released_and_acquired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
