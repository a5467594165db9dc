/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet whose memory the guest adds late: it waits, whatever is behind it
 * waits with it, other channels go on; and what never comes is a fault.
 */
#include "tests/unit/vsp_host_rig.h"

static bool miss_answer;
static uint32_t miss_calls;
static uint64_t miss_gpa;

static bool
miss(struct partition *p, uint64_t gpa)
{
	miss_calls++;
	miss_gpa = gpa;
	return miss_answer;
}

static const struct part_ops part_ops = { .miss = miss };

/* An attached NIC; from now on memory at RIG_DATA_OFF is missing. */
static struct rig *
rig_without_memory(void)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	rig_attach(r, NVS_V6_1);
	r->vms.part.ops = &part_ops;
	r->vms.part.mem.region[0].bytes = RIG_DATA_OFF;
	miss_answer = true;
	miss_calls = 0;
	return r;
}

static void
memory_add(struct rig *r)
{
	r->vms.part.mem.region[0].bytes = RIG_MEM;
	vsp_memory_changed(r->vsp);
	rig_run(r);
}

/* One frame by address, at RIG_DATA_OFF. */
static void
push_frame(struct rig *r, uint64_t xact)
{
	const uint32_t nvs[4] = { NVS_RNDIS, 0, NVS_SECTION_NONE, 0 };
	struct rig_pkt *p = rig_push(r, 0, VMPKT_GPA_DIRECT, VMPKT_F_COMPLETE,
	    xact);
	uint8_t *at = r->mem + RIG_DATA_OFF;
	uint32_t head = rndis_packet_put_header(at, 512,
	    &(struct rndis_ppi_set){ 0 }, 64);
	const struct gpa_piece g = { RIG_GPA + RIG_DATA_OFF, head + 64 };

	memset(at + head, 0xee, 64);
	memcpy(at + head, (uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
	memcpy(at + head + 6, rig_mac, 6);
	memcpy(at + head + 12, (uint8_t[]){ 0x88, 0xb5 }, 2);
	rndis_packet_set_len(at, head + 64);
	p->ext_len = vmpkt_gpa_sg_put(p->ext, RIG_PKT, &g, 1);
	memcpy(p->data, nvs, sizeof(nvs));
	p->data_len = 40;
}

static void
test_data_waits(void **state)
{
	struct rig *r = rig_without_memory();
	const struct vsp_from_guest_counters *c =
	    vsp_from_guest_stats(r->vsp, 0);
	uint32_t outs = r->chan[0].outs;

	(void)state;
	push_frame(r, 1);
	push_frame(r, 2);
	rig_run(r);
	rig_run(r);
	assert_int_equal(miss_calls, 2);
	assert_int_equal(miss_gpa, RIG_GPA + RIG_DATA_OFF);
	assert_int_equal(r->chan[0].outs, outs);
	assert_int_equal(r->frames, 0);
	assert_int_equal(c->packets, 0);
	assert_int_equal(c->memory_waits, 2);
	memory_add(r);
	assert_int_equal(r->frames, 2);
	assert_int_equal(c->packets, 2);
	assert_int_equal(r->chan[0].outs, outs + 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(r->chan[0].out[outs + i].xact, i + 1);
		RIG_WORDS(r->chan[0].out[outs + i].data, NVS_RNDIS_DONE, 1);
	}
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
	rig_del(r);
}

static void
test_control_waits(void **state)
{
	const uint32_t query[] = { 4, 28, 77, 0x00010114, 0, 20, 0 };
	struct rig *r = rig_without_memory();
	uint32_t outs = r->chan[0].outs, len;
	const uint8_t *reply;

	(void)state;
	rig_rndis(r, 9, query, sizeof(query));
	rig_run(r);
	/* Asked once: worker and control do not call each other meanwhile. */
	assert_int_equal(miss_calls, 1);
	assert_int_equal(r->chan[0].outs, outs);
	memory_add(r);
	assert_int_equal(r->chan[0].outs, outs + 2);
	assert_int_equal(r->chan[0].out[outs].xact, 9);
	RIG_WORDS(r->chan[0].out[outs].data, NVS_RNDIS_DONE, 1);
	reply = rig_reply(r, &r->chan[0].out[outs + 1], &len);
	RIG_WORDS(reply, 0x80000004u, 28, 77, 0);
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
	rig_del(r);
}

/* The deadline passed: what it always was, a fault, and the queue is dead. */
static void
test_never_comes(void **state)
{
	struct rig *r = rig_without_memory();

	(void)state;
	push_frame(r, 1);
	rig_run(r);
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
	miss_answer = false;
	vsp_memory_changed(r->vsp);
	rig_run(r);
	assert_int_equal(vsp_faults(r->vsp)->count[FAULT_GPA_UNMAPPED], 1);
	memory_add(r);
	assert_int_equal(r->frames, 0);
	rig_del(r);
}

static void
test_control_never_comes(void **state)
{
	const uint32_t query[] = { 4, 28, 77, 0x00010114, 0, 20, 0 };
	struct rig *r = rig_without_memory();

	(void)state;
	rig_rndis(r, 9, query, sizeof(query));
	miss_answer = false;
	vsp_memory_changed(r->vsp);
	rig_run(r);
	assert_int_equal(vsp_faults(r->vsp)->count[FAULT_GPA_UNMAPPED], 1);
	rig_del(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data_waits),
		cmocka_unit_test(test_control_waits),
		cmocka_unit_test(test_never_comes),
		cmocka_unit_test(test_control_never_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
