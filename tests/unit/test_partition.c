/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition: regions, message slots with their pending bit, event flags under
 * every state of the registers, and page mappings.
 */
#include <pthread.h>
#include <sched.h>

#include "vms_rig.h"

static const struct vms_config cfg_default;

static struct synic_slot_wire *
slot_of(struct rig *r, uint32_t vp)
{
	struct synic_simp_wire *page = rig_page(r, RIG_SIMP(vp));

	return &page->slot[2];
}

static void
regions_are_sorted_and_apart(void **state)
{
	static uint8_t mem[4096];
	struct guestmem m = { 0 };
	struct gpa_region old;
	static const struct { uint64_t gpa, bytes; int result; } row[] = {
		{ 0x10000, 0x2000, 0 },
		{ 0x0, 0x1000, 0 },
		{ 0x12000, 0x1000, 0 },			/* touches */
		{ 0x11000, 0x1000, E_STATE },		/* inside */
		{ 0xf000, 0x2000, E_STATE },		/* overlaps below */
		{ 0x12000, 0x1000, E_STATE },		/* the same */
		{ 0x0, 0x100000, E_STATE },		/* around */
		{ 0x20001, 0x1000, E_STATE },		/* unaligned */
		{ 0x20000, 0x1001, E_STATE },
		{ 0x20000, 0, E_STATE },		/* empty */
		{ 1ull << 52, 0x1000, E_STATE },	/* too high */
		{ (1ull << 52) - 0x1000, 0x2000, E_STATE },
		{ 0xfffffffffffff000, 0x2000, E_STATE }, /* wraps */
		{ (1ull << 52) - 0x1000, 0x1000, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct gpa_region g = { row[i].gpa, row[i].bytes, mem, NULL };

		assert_int_equal(guestmem_add(&m, &g), row[i].result);
	}
	assert_int_equal(m.count, 4);
	assert_int_equal(m.region[1].gpa, 0x10000);
	assert_int_equal(m.region[3].gpa, (1ull << 52) - 0x1000);
	assert_ptr_equal(guestmem_find(&m, 0x11fff), &m.region[1]);
	assert_null(guestmem_find(&m, 0x13000));
	assert_null(guestmem_find(&m, 0x1000));
	assert_ptr_equal(guestmem_ptr(&m, 0x10ff0, 16), mem + 0xff0);
	assert_null(guestmem_ptr(&m, 0x11ff8, 16));	/* two regions */
	assert_null(guestmem_ptr(&m, 0xfffffffffffffff8, 16));
	assert_int_equal(guestmem_remove(&m, 0x10000, &old), 0);
	assert_int_equal(old.bytes, 0x2000);
	assert_int_equal(guestmem_remove(&m, 0x10000, &old), E_STATE);
	assert_int_equal(m.count, 3);
	for (uint64_t i = 0; m.count < GUESTMEM_MAX_REGIONS; i++) {
		struct gpa_region g = { 0x100000 + (i << 12), 4096, mem, NULL };

		assert_int_equal(guestmem_add(&m, &g), 0);
	}
	assert_int_equal(guestmem_add(&m, &(struct gpa_region){ 0x10000, 4096,
	    mem, NULL }), E_NOMEM);
}

static void
slot_is_golden(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	uint8_t *slot = (uint8_t *)slot_of(r, 1);

	memset(slot + 16, 0xcc, 240);
	assert_int_equal(part_post_message(&r->part, 1, "abc", 3), 0);
	assert_memory_equal(slot, "\x01\0\0\0" "\x03\0\0\0" "\0\0\0\0\0\0\0\0"
	    "abc\xcc", 20);
	assert_ptr_equal(slot, (uint8_t *)rig_page(r, RIG_SIMP(1)) + 512);
	assert_int_equal(r->interrupts[1], 1);
	assert_int_equal(r->part.counters.messages_out, 1);
	assert_int_equal(part_post_message(&r->part, RIG_VPS, "abc", 3),
	    E_STATE);
	rig_delete(r);
}

static void
taken_slot_gets_the_pending_bit(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	struct synic_slot_wire *slot = slot_of(r, 0);
	uint8_t buf[VMBUS_MSG_MAX];

	assert_int_equal(part_post_message(&r->part, 0, "1", 1), 0);
	assert_int_equal(slot->flags, 0);
	assert_int_equal(part_post_message(&r->part, 0, "2", 1), 0);
	assert_int_equal(slot->flags, SYNIC_MSG_F_PENDING);
	assert_int_equal(slot->payload_len, 1);
	assert_int_equal(slot->payload[0], '1');
	assert_int_equal(r->part.counters.messages_busy, 1);
	/* an EOM while the slot is taken changes nothing */
	part_eom(&r->part, 0);
	assert_int_equal(slot->payload[0], '1');
	assert_int_equal(part_post_message(&r->part, 0, "3", 1), 0);
	for (char c = '1'; c <= '3'; c++) {
		assert_int_equal(slot->flags, c < '3');
		assert_int_equal(rig_take(r, 0, buf), 1);
		assert_int_equal(buf[0], c);
	}
	assert_int_equal(rig_take(r, 0, buf), 0);
	assert_int_equal(r->interrupts[0], 3);
	rig_delete(r);
}

static void
queue_is_bounded(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	uint8_t buf[VMBUS_MSG_MAX];
	uint32_t i;

	for (i = 0; i < 1 + PART_MSG_QUEUE; i++)
		assert_int_equal(part_post_message(&r->part, 0, &i, 4), 0);
	assert_int_equal(part_post_message(&r->part, 0, &i, 4), E_NOMEM);
	assert_int_equal(r->part.counters.messages_lost, 1);
	/* another VP has a queue of its own */
	assert_int_equal(part_post_message(&r->part, 1, &i, 4), 0);
	for (i = 0; i < 1 + PART_MSG_QUEUE; i++) {
		assert_int_equal(rig_take(r, 0, buf), 4);
		assert_memory_equal(buf, &i, 4);
	}
	assert_int_equal(rig_take(r, 0, buf), 0);
	rig_delete(r);
}

static void
messages_wait_for_the_page(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	struct part_vp_regs regs = r->part.vp[0].regs, off = regs;
	uint8_t buf[VMBUS_MSG_MAX];

	off.simp = NULL;
	part_vp_set_regs(&r->part, 0, &off);
	assert_int_equal(part_post_message(&r->part, 0, "1", 1), 0);
	off = regs;
	off.scontrol = false;
	part_vp_set_regs(&r->part, 0, &off);
	assert_int_equal(rig_take(r, 0, buf), 0);
	/* masked: delivered without an interrupt, made up for on unmask */
	off = regs;
	off.sint_masked = true;
	part_vp_set_regs(&r->part, 0, &off);
	assert_int_equal(slot_of(r, 0)->payload[0], '1');
	assert_int_equal(r->interrupts[0], 0);
	part_vp_set_regs(&r->part, 0, &regs);
	assert_int_equal(r->interrupts[0], 1);
	assert_int_equal(rig_take(r, 0, buf), 1);
	/* reset forgets what waits */
	part_vp_set_regs(&r->part, 0, &off);
	assert_int_equal(part_post_message(&r->part, 0, "1", 1), 0);
	assert_int_equal(part_post_message(&r->part, 0, "2", 1), 0);
	part_reset(&r->part);
	assert_null(r->part.vp[0].regs.simp);
	assert_int_equal(rig_take(r, 0, buf), 1);
	rig_regs(r, 0);
	assert_int_equal(rig_take(r, 0, buf), 0);
	rig_delete(r);
}

#define RACE_MESSAGES	20000u

struct race {
	struct rig *r;
	uint32_t eoms;		/* requested by the guest */
	uint32_t taken;
	uint32_t wrong;
	uint32_t stop;
};

/* A guest that follows the EOM rule of protocol.md 1.2. */
static void *
race_guest(void *arg)
{
	struct race *x = arg;
	struct synic_slot_wire *slot = slot_of(x->r, 0);

	while (os_ld32(&x->stop) == 0) {
		uint32_t n, word;

		if (os_ld32_acq(&slot->type.raw) == 0) {
			sched_yield();
			continue;
		}
		memcpy(&n, slot->payload, 4);
		if (n != x->taken)
			x->wrong++;
		x->taken++;
		os_st32_rel(&slot->type.raw, 0);
		os_mb();
		word = os_ld32((uint32_t *)(void *)&slot->payload_len);
		if (os_le32(word) >> 8 & SYNIC_MSG_F_PENDING)
			os_st32_rel(&x->eoms, x->eoms + 1);
	}
	return NULL;
}

static void
no_message_is_stranded_in_the_race(void **state)
{
	struct race x = { .r = rig_new(&cfg_default) };
	uint32_t sent = 0, eoms = 0;
	pthread_t guest;

	assert_int_equal(pthread_create(&guest, NULL, race_guest, &x), 0);
	/* ends only if the guest requests every message that waits */
	while (sent < RACE_MESSAGES || x.r->part.vp[0].count > 0) {
		if (sent < RACE_MESSAGES && x.r->part.vp[0].count < 2) {
			assert_int_equal(part_post_message(&x.r->part, 0,
			    &sent, 4), 0);
			sent++;
		} else {
			sched_yield();
		}
		if (os_ld32_acq(&x.eoms) != eoms) {
			eoms = os_ld32_acq(&x.eoms);
			part_eom(&x.r->part, 0);
		}
	}
	while (os_ld32_acq(&slot_of(x.r, 0)->type.raw) != 0)
		sched_yield();
	os_st32(&x.stop, 1);
	pthread_join(guest, NULL);
	assert_int_equal(x.taken, RACE_MESSAGES);
	assert_int_equal(x.wrong, 0);
	rig_delete(x.r);
}

static void
flag_interrupts_on_its_own_edge(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	struct synic_siefp_wire *page = rig_page(r, RIG_SIEFP(2));

	assert_true(part_flag_set(&r->part, 2, 33));
	assert_int_equal(le32_get(page->sint[2].word[1]), 2);
	assert_false(part_flag_set(&r->part, 2, 33));
	assert_int_equal(r->part.counters.interrupts_saved, 1);
	/* another flag of the same word, lower than one that is set */
	assert_true(part_flag_set(&r->part, 2, 32));
	assert_true(part_flag_set(&r->part, 2, SYNIC_FLAGS - 1));
	assert_int_equal(le32_get(page->sint[2].word[63]), 0x80000000);
	assert_int_equal(r->interrupts[2], 3);
	assert_int_equal(r->part.counters.interrupts, 3);
	page->sint[2].word[1] = le32_put(0);
	assert_true(part_flag_set(&r->part, 2, 33));
	rig_delete(r);
}

static void
silent_flags_are_made_up_for(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	struct part_vp_regs regs = r->part.vp[1].regs, off = regs;
	struct synic_siefp_wire *page = rig_page(r, RIG_SIEFP(1));
	struct synic_siefp_wire *moved = rig_page(r, 0x40);

	/* masked: in the page, in silence */
	off.sint_masked = true;
	part_vp_set_regs(&r->part, 1, &off);
	assert_false(part_flag_set(&r->part, 1, 7));
	assert_int_equal(le32_get(page->sint[2].word[0]), 1u << 7);
	assert_int_equal(r->interrupts[1], 0);
	part_vp_set_regs(&r->part, 1, &regs);
	assert_int_equal(r->interrupts[1], 1);
	page->sint[2].word[0] = le32_put(0);
	part_vp_set_regs(&r->part, 1, &regs);
	assert_int_equal(r->interrupts[1], 1);
	/* no page: kept, and put where the page is next */
	off = regs;
	off.siefp = NULL;
	part_vp_set_regs(&r->part, 1, &off);
	assert_false(part_flag_set(&r->part, 1, 100));
	off.siefp = moved;
	part_vp_set_regs(&r->part, 1, &off);
	assert_int_equal(le32_get(moved->sint[2].word[3]), 1u << 4);
	assert_int_equal(le32_get(page->sint[2].word[3]), 0);
	assert_int_equal(r->interrupts[1], 2);
	/* SCONTROL */
	off.scontrol = false;
	part_vp_set_regs(&r->part, 1, &off);
	assert_false(part_flag_set(&r->part, 1, 5));
	off.scontrol = true;
	part_vp_set_regs(&r->part, 1, &off);
	assert_int_equal(r->interrupts[1], 3);
	rig_delete(r);
}

static void
pages_are_mapped_directly_where_they_can_be(void **state)
{
	struct rig *r = rig_new(&cfg_default);
	const uint64_t run[] = { 0x50, 0x51, 0x52 };
	const uint64_t back[] = { 0x52, 0x51 };
	const uint64_t out[] = { 0x50, RIG_PAGES };
	const uint64_t high[] = { 1ull << 40 };
	struct part_map map;

	assert_int_equal(part_map_pages(&r->part, run, 3, &map), 0);
	assert_true(map.direct);
	assert_ptr_equal(map.va, rig_page(r, 0x50));
	assert_int_equal(map.bytes, 3 << 12);
	part_unmap_pages(&r->part, &map);
	assert_null(map.va);
	part_unmap_pages(&r->part, &map);	/* twice is once */

	assert_int_equal(part_map_pages(&r->part, back, 2, &map), 0);
	assert_false(map.direct);
	map.va[4096] = 0x5a;
	assert_int_equal(*(uint8_t *)rig_page(r, 0x51), 0x5a);
	part_unmap_pages(&r->part, &map);
	assert_int_equal(r->mapped, 0);

	assert_int_equal(part_map_pages(&r->part, out, 2, &map), E_PEER);
	rig_expect_fault(r, FAULT_GPA_UNMAPPED);
	assert_int_equal(part_map_pages(&r->part, high, 1, &map), E_PEER);
	rig_expect_fault(r, FAULT_GPA_UNMAPPED);
	assert_int_equal(part_map_pages(&r->part, run, 0, &map), E_NOMEM);
	rig_delete(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_are_sorted_and_apart),
		cmocka_unit_test(slot_is_golden),
		cmocka_unit_test(taken_slot_gets_the_pending_bit),
		cmocka_unit_test(queue_is_bounded),
		cmocka_unit_test(messages_wait_for_the_page),
		cmocka_unit_test(no_message_is_stranded_in_the_race),
		cmocka_unit_test(flag_interrupts_on_its_own_edge),
		cmocka_unit_test(silent_flags_are_made_up_for),
		cmocka_unit_test(pages_are_mapped_directly_where_they_can_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
