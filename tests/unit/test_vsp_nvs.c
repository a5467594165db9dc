/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVSP at the host: golden answers, order, states, and what a bad guest gets.
 */
#include "vsp_host_rig.h"

static void
test_versions_descend(void **state)
{
	struct vsp_config cfg = rig_config();

	(void)state;
	cfg.max_nvsp = NVS_V5;
	struct rig *r = rig_new(&cfg);

	RIG_NVS(r, 0x11, NVS_INIT, 0x70000, 0x70000);
	RIG_WORDS(rig_last(r, 0)->data, 2, 0xffffffff, 34, 3);
	RIG_NVS(r, 0x12, NVS_INIT, NVS_V6_1, NVS_V6_1);
	RIG_WORDS(rig_last(r, 0)->data, 2, 0xffffffff, 34, 3);
	RIG_NVS(r, 0x13, NVS_INIT, 1, 1);
	RIG_WORDS(rig_last(r, 0)->data, 2, 0xffffffff, 34, 4);
	RIG_NVS(r, 0x14, NVS_INIT, NVS_V5, NVS_V5);
	RIG_WORDS(rig_last(r, 0)->data, 2, 0xffffffff, 34, 1, 0, 0, 0, 0, 0, 0);
	assert_int_equal(rig_last(r, 0)->type, VMPKT_COMPLETION);
	assert_int_equal(rig_last(r, 0)->xact, 0x14);
	assert_int_equal(rig_last(r, 0)->data_len, 40);
	assert_int_equal(r->chan[0].outs, 4);
	rig_del(r);
}

static void
test_every_version_attaches(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < NVS_VERSIONS; i++) {
		struct vsp_config cfg = rig_config();
		struct rig *r = rig_new(&cfg);
		struct vsp_guest_state g;

		rig_attach(r, nvs_versions[i]);
		vsp_guest_state(r->vsp, &g);
		assert_int_equal(g.nvsp_version, nvs_versions[i]);
		assert_int_equal(g.rx_sections, 64);
		assert_int_equal(g.send_sections, 10);
		assert_int_equal(g.guest_mtu, 1500);
		assert_int_equal(g.queues, 1);
		rig_del(r);
	}
}

/* What NDIS_CONFIG names, and what counts of it on a NIC of 1500. */
static void
test_guest_mtu(void **state)
{
	static const uint32_t mtu[][2] = { { 9014, 1500 }, { 1514, 1500 },
		{ 1414, 1400 }, { 82, 68 }, { 81, 1500 }, { 0, 1500 },
		{ UINT32_MAX, 1500 } };
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);
	struct vsp_guest_state g;

	(void)state;
	rig_attach(r, NVS_V6_1);
	for (uint32_t i = 0; i < ARRAY_LEN(mtu); i++) {
		RIG_NVS(r, i, NVS_NDIS_CONFIG, mtu[i][0], 0, 0, 0);
		vsp_guest_state(r->vsp, &g);
		assert_int_equal(g.guest_mtu, mtu[i][1]);
	}
	rig_del(r);
}

static void
test_strict_ignores_short(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	(void)state;
	rig_nvs(r, 24, 9, VMPKT_F_COMPLETE, (const uint32_t[]){ NVS_INIT,
	    NVS_V5, NVS_V5 }, 3);
	assert_int_equal(r->chan[0].outs, 0);
	assert_int_equal(vsp_faults(r->vsp)->count[FAULT_NVS_SHORT], 1);
	rig_nvs(r, 28, 9, VMPKT_F_COMPLETE, (const uint32_t[]){ NVS_INIT,
	    NVS_V5, NVS_V5 }, 3);
	assert_int_equal(r->chan[0].outs, 1);
	rig_del(r);

	cfg.strict = false;
	r = rig_new(&cfg);
	rig_nvs(r, 24, 9, VMPKT_F_COMPLETE, (const uint32_t[]){ NVS_INIT,
	    NVS_V5, NVS_V5 }, 3);
	assert_int_equal(r->chan[0].outs, 1);
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
	rig_del(r);
}

static void
test_buffers(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);
	struct vsp_guest_state g;

	(void)state;
	RIG_NVS(r, 1, NVS_INIT, NVS_V6_1, NVS_V6_1);
	RIG_NVS(r, 2, NVS_RECV_BUF, 0x999, RIG_RX_ID);
	RIG_WORDS(rig_last(r, 0)->data, NVS_RECV_BUF_DONE, 2, 0);
	assert_int_equal(vsp_faults(r->vsp)->count[FAULT_NVS_BUFFER], 1);
	/* Without memory: refused, but nobody is blamed. */
	r->no_memory = true;
	RIG_NVS(r, 3, NVS_RECV_BUF, RIG_RX_GPADL, RIG_RX_ID);
	r->no_memory = false;
	RIG_WORDS(rig_last(r, 0)->data, NVS_RECV_BUF_DONE, 2, 0);
	assert_int_equal(vsp_faults(r->vsp)->total, 1);
	assert_int_equal(r->vms.gpadl[0].users, 0);
	RIG_NVS(r, 3, NVS_RECV_BUF, RIG_RX_GPADL, RIG_RX_ID);
	RIG_WORDS(rig_last(r, 0)->data, NVS_RECV_BUF_DONE, 1, 1, 0, 1792, 64,
	    64 * 1792);
	assert_int_equal(r->vms.gpadl[0].users, 1);
	RIG_NVS(r, 4, NVS_SEND_BUF, RIG_SEND_GPADL, 0);
	RIG_WORDS(rig_last(r, 0)->data, NVS_SEND_BUF_DONE, 1, 6144);
	assert_int_equal(r->vms.gpadl[1].users, 1);

	/* Revokes have no reply; one that requests a completion gets it. */
	uint32_t outs = r->chan[0].outs;

	rig_nvs(r, 40, 0, 0, (const uint32_t[]){ NVS_RECV_BUF_REVOKE,
	    RIG_RX_ID }, 2);
	rig_nvs(r, 40, 0, 0, (const uint32_t[]){ NVS_SEND_BUF_REVOKE, 0 }, 2);
	assert_int_equal(r->chan[0].outs, outs);
	assert_int_equal(r->vms.gpadl[0].users, 0);
	assert_int_equal(r->vms.gpadl[1].users, 0);
	vsp_guest_state(r->vsp, &g);
	assert_int_equal(g.rx_sections, 0);
	assert_int_equal(g.send_sections, 0);
	RIG_NVS(r, 77, NVS_NDIS_VERSION, 6, 30);
	assert_int_equal(r->chan[0].outs, outs + 1);
	assert_int_equal(rig_last(r, 0)->type, VMPKT_COMPLETION);
	assert_int_equal(rig_last(r, 0)->xact, 77);
	assert_int_equal(rig_last(r, 0)->data_len, 0);

	/* Torn down without a revoke: let go as well. */
	RIG_NVS(r, 5, NVS_RECV_BUF, RIG_RX_GPADL, RIG_RX_ID);
	assert_int_equal(r->vms.gpadl[0].users, 1);
	assert_true(vsp_dev(r->vsp)->ops->gpadl_gone(vsp_dev(r->vsp),
	    RIG_RX_GPADL));
	assert_int_equal(r->vms.gpadl[0].users, 0);
	rig_del(r);
}

static void
test_rndis_completion_before_reply(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);
	const struct rndis_msg m = { .type = RNDIS_KEEPALIVE, .req_id = 0x77 };
	const uint8_t *reply;
	uint32_t len;

	(void)state;
	rig_attach(r, NVS_V6_1);
	uint32_t outs = r->chan[0].outs;

	rig_rndis_msg(r, &m);
	assert_int_equal(r->chan[0].outs, outs + 2);
	assert_int_equal(r->chan[0].out[outs].type, VMPKT_COMPLETION);
	RIG_WORDS(r->chan[0].out[outs].data, NVS_RNDIS_DONE, 1);
	reply = rig_reply(r, &r->chan[0].out[outs + 1], &len);
	RIG_WORDS(reply, 0x80000008, 16, 0x77, 0);
	rig_del(r);
}

static void
test_subchannels(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	(void)state;
	rig_attach(r, NVS_V5);
	RIG_NVS(r, 5, NVS_SUBCHAN, 1, 4);	/* 4 + 1 > 4 queues */
	RIG_WORDS(rig_last(r, 0)->data, NVS_SUBCHAN, 2, 0);
	RIG_NVS(r, 6, NVS_SUBCHAN, 1, 2);
	RIG_WORDS(rig_last(r, 0)->data, NVS_SUBCHAN, 1, 2);
	assert_int_equal(rig_last(r, 0)->data_len, 40);
	assert_int_equal(r->vms.offered, 2);

	uint32_t outs = r->chan[0].outs;

	assert_int_equal(rig_open(r, 1), 0);
	rig_run(r);
	assert_int_equal(r->chan[0].outs, outs);
	assert_int_equal(rig_open(r, 2), 0);
	rig_run(r);
	assert_int_equal(r->chan[0].outs, outs + 1);
	assert_int_equal(rig_last(r, 0)->type, VMPKT_INBAND);
	assert_int_equal(rig_last(r, 0)->data_len, 104);
	RIG_WORDS(rig_last(r, 0)->data, NVS_SEND_TABLE, 16, 40);
	RIG_WORDS(rig_last(r, 0)->data + 40, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1,
	    2, 0, 1, 2, 0);

	/* Asked again, none is new. */
	RIG_NVS(r, 7, NVS_SUBCHAN, 1, 2);
	RIG_WORDS(rig_last(r, 0)->data, NVS_SUBCHAN, 1, 0);
	assert_int_equal(r->vms.offered, 2);
	assert_int_equal(rig_open(r, 4), E_STATE);	/* over max_queues */
	rig_del(r);
}

static void
test_subchannels_lenient(void **state)
{
	struct vsp_config cfg = rig_config();

	(void)state;
	cfg.strict = false;
	struct rig *r = rig_new(&cfg);

	rig_attach(r, NVS_V6);
	RIG_NVS(r, 6, NVS_SUBCHAN, 1, 100);
	RIG_WORDS(rig_last(r, 0)->data, NVS_SUBCHAN, 1, 3);
	rig_del(r);
}

static void
test_misc_messages(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	(void)state;
	rig_attach(r, NVS_V6);
	RIG_NVS(r, 21, NVS_DATAPATH, 0);
	assert_int_equal(rig_last(r, 0)->xact, 21);
	assert_int_equal(rig_last(r, 0)->data_len, 0);
	RIG_NVS(r, 22, NVS_OID_QUERY, 0, 0x10107);
	RIG_WORDS(rig_last(r, 0)->data, NVS_OID_QUERY_DONE, 7, 0);
	rig_del(r);
}

/* A full ring: the answer waits, nothing is lost or answered twice. */
static void
test_ring_full(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	(void)state;
	r->chan[0].room = 0;
	RIG_NVS(r, 1, NVS_INIT, NVS_V6_1, NVS_V6_1);
	RIG_NVS(r, 2, NVS_RECV_BUF, RIG_RX_GPADL, RIG_RX_ID);
	RIG_NVS(r, 3, NVS_SEND_BUF, RIG_SEND_GPADL, RIG_SEND_ID);
	assert_int_equal(r->chan[0].outs, 0);
	assert_true(r->chan[0].wanted);
	r->chan[0].room = 100;
	rig_run(r);
	assert_int_equal(r->chan[0].outs, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(r->chan[0].out[i].xact, i + 1);
	RIG_WORDS(r->chan[0].out[2].data, NVS_SEND_BUF_DONE, 1, 6144);
	rig_del(r);
}

struct bad {
	const char *what;
	bool attached;
	uint32_t version;
	enum fault why;
	uint32_t words[4];
};

static const struct bad bad_messages[] = {
	{ "before INIT", false, 0, FAULT_NVS_STATE,
	    { NVS_RECV_BUF, RIG_RX_GPADL, RIG_RX_ID } },
	{ "unknown type", true, NVS_V6_1, FAULT_NVS_TYPE, { 99 } },
	{ "a host's message", true, NVS_V6_1, FAULT_NVS_TYPE,
	    { NVS_VF_ASSOCIATION } },
	{ "INIT twice", true, NVS_V6_1, FAULT_NVS_STATE,
	    { NVS_INIT, NVS_V5, NVS_V5 } },
	{ "second receive buffer", true, NVS_V6_1, FAULT_NVS_STATE,
	    { NVS_RECV_BUF, RIG_RX_GPADL, RIG_RX_ID } },
	{ "second send buffer", true, NVS_V6_1, FAULT_NVS_STATE,
	    { NVS_SEND_BUF, RIG_SEND_GPADL, 0 } },
	{ "sub-channels below 5", true, NVS_V4, FAULT_NVS_STATE,
	    { NVS_SUBCHAN, 1, 1 } },
	{ "RNDIS channel 2", true, NVS_V6_1, FAULT_NVS_TYPE,
	    { NVS_RNDIS, 2, 0, 8 } },
	{ "control section out of range", true, NVS_V6_1, FAULT_NVS_SECTION,
	    { NVS_RNDIS, 1, 10, 8 } },
	{ "config under NVSP 1", true, NVS_V1, FAULT_NVS_STATE,
	    { NVS_NDIS_CONFIG, 1514 } },
};

static void
test_bad_messages(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(bad_messages); i++) {
		const struct bad *b = &bad_messages[i];
		struct vsp_config cfg = rig_config();
		struct rig *r = rig_new(&cfg);

		if (b->attached)
			rig_attach(r, b->version);
		uint32_t outs = r->chan[0].outs;

		rig_nvs(r, 40, 1, VMPKT_F_COMPLETE, b->words, 4);
		const struct fault_log *f = vsp_faults(r->vsp);

		if (f->total != 1 || f->last != b->why)
			fail_msg("%s: %u faults, last %s", b->what,
			    (unsigned)f->total, fault_name(f->last));
		assert_int_equal(r->chan[0].outs, outs);
		/* Not served any more, until it is opened again. */
		RIG_NVS(r, 2, NVS_NDIS_VERSION, 6, 30);
		assert_int_equal(r->chan[0].outs, outs);
		rig_close(r, 0);
		assert_int_equal(rig_open(r, 0), 0);
		RIG_NVS(r, 1, NVS_INIT, NVS_V5, NVS_V5);
		assert_int_equal(r->chan[0].outs, 1);
		assert_int_equal(vsp_faults(r->vsp)->total, 1);
		rig_del(r);
	}
}

/* As DPDK leaves: the receive buffer is revoked first, HALT comes then. */
static void
test_halt_after_revoke(void **state)
{
	const struct rndis_msg halt = { .type = RNDIS_HALT, .req_id = 5 };
	const struct rndis_msg alive = { .type = RNDIS_KEEPALIVE, .req_id = 6 };
	const uint32_t freed[4] = { 0 };
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	(void)state;
	rig_attach(r, NVS_V6_1);
	assert_true(r->vsp->guest.rndis_up);
	rig_nvs(r, 40, 0, 0, (const uint32_t[]){ NVS_RECV_BUF_REVOKE,
	    RIG_RX_ID }, 2);
	uint32_t outs = r->chan[0].outs;

	rig_rndis_msg(r, &halt);
	assert_false(r->vsp->guest.rndis_up);
	RIG_WORDS(r->chan[0].out[outs].data, NVS_RNDIS_DONE, NVS_STATUS_OK);
	/* What wants an answer has none, but the queue goes on. */
	rig_rndis_msg(r, &alive);
	RIG_WORDS(r->chan[0].out[outs + 1].data, NVS_RNDIS_DONE,
	    NVS_STATUS_FAILED);
	/* Its memory may be somebody else's by the time it is read. */
	rig_rndis(r, 7, freed, sizeof(freed));
	RIG_WORDS(r->chan[0].out[outs + 2].data, NVS_RNDIS_DONE,
	    NVS_STATUS_FAILED);
	assert_int_equal(r->chan[0].outs, outs + 3);
	assert_int_equal(vsp_from_guest_stats(r->vsp, 0)->control_no_buffer, 3);
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
	assert_false(vsp_queue_stopped(r->vsp, 0));
	RIG_NVS(r, 2, NVS_RECV_BUF, RIG_RX_GPADL, RIG_RX_ID);
	RIG_WORDS(rig_last(r, 0)->data, NVS_RECV_BUF_DONE, 1, 1);
	rig_del(r);
}

static void
test_control_on_subchannel(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	(void)state;
	rig_attach(r, NVS_V6_1);
	RIG_NVS(r, 6, NVS_SUBCHAN, 1, 1);
	assert_int_equal(rig_open(r, 1), 0);
	struct rig_pkt *p = rig_push(r, 1, VMPKT_INBAND, VMPKT_F_COMPLETE, 1);
	const uint32_t w[3] = { NVS_INIT, NVS_V5, NVS_V5 };

	memcpy(p->data, w, sizeof(w));
	p->data_len = 40;
	rig_run(r);
	assert_int_equal(vsp_faults(r->vsp)->count[FAULT_NVS_STATE], 1);
	/* The primary lives on. */
	RIG_NVS(r, 9, NVS_NDIS_VERSION, 6, 30);
	assert_int_equal(rig_last(r, 0)->xact, 9);
	rig_del(r);
}

static void
test_no_memory(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	(void)state;
	rig_attach(r, NVS_V6_1);
	r->vms.offer_result = E_NOMEM;
	RIG_NVS(r, 6, NVS_SUBCHAN, 1, 2);
	RIG_WORDS(rig_last(r, 0)->data, NVS_SUBCHAN, 2, 0);
	rig_del(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions_descend),
		cmocka_unit_test(test_every_version_attaches),
		cmocka_unit_test(test_guest_mtu),
		cmocka_unit_test(test_strict_ignores_short),
		cmocka_unit_test(test_buffers),
		cmocka_unit_test(test_rndis_completion_before_reply),
		cmocka_unit_test(test_subchannels),
		cmocka_unit_test(test_subchannels_lenient),
		cmocka_unit_test(test_misc_messages),
		cmocka_unit_test(test_ring_full),
		cmocka_unit_test(test_bad_messages),
		cmocka_unit_test(test_halt_after_revoke),
		cmocka_unit_test(test_control_on_subchannel),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
