/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that a guest chooses, at the NetVSP: each comes back as it was sent,
 * whatever it is.
 */
#include "vsp_frame_rig.h"

static const uint32_t req_ids[] = { 0, 1, 0x80000001, 0xdeadbeef, UINT32_MAX };
static const uint64_t xacts[] = { 0, 1, 1ull << 63, 0x8000000100000000ull,
	0xfedcba9876543210ull, UINT64_MAX };

/* The reply to an RNDIS request: its type, and its id at word 2. */
static const uint8_t *
reply_to(struct rig *r, const struct rndis_msg *m, uint32_t type)
{
	const uint8_t *p;
	uint32_t len;

	rig_rndis_msg(r, m);
	p = rig_reply(r, rig_last(r, 0), &len);
	RIG_WORDS(p, type);
	rig_run(r);
	return p;
}

static void
test_rndis_request_ids(void **state)
{
	static const uint32_t filter = 0xd;
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	(void)state;
	rig_attach(r, NVS_V6_1);
	for (uint32_t i = 0; i < ARRAY_LEN(req_ids); i++) {
		const uint32_t id = req_ids[i];
		struct rndis_msg m = { .type = RNDIS_INIT,
		    .init = { id, 1, 0, 0x4000 } };

		RIG_WORDS(reply_to(r, &m, RNDIS_INIT_DONE) + 8, id, 0);
		m.init.major = 2;
		RIG_WORDS(reply_to(r, &m, RNDIS_INIT_DONE) + 8, id,
		    RNDIS_STATUS_BAD_VERSION);
		m = (struct rndis_msg){ .type = RNDIS_KEEPALIVE, .req_id = id };
		RIG_WORDS(reply_to(r, &m, RNDIS_KEEPALIVE_DONE) + 8, id, 0);
		m = (struct rndis_msg){ .type = RNDIS_QUERY,
		    .query = { .req_id = id, .oid = OID_GEN_LINK_SPEED } };
		RIG_WORDS(reply_to(r, &m, RNDIS_QUERY_DONE) + 8, id, 0, 4);
		m.query.oid = 0x12345678;
		RIG_WORDS(reply_to(r, &m, RNDIS_QUERY_DONE) + 8, id,
		    RNDIS_STATUS_NOT_SUPPORTED);
		m = (struct rndis_msg){ .type = RNDIS_SET, .query = {
		    .req_id = id, .oid = OID_GEN_CURRENT_PACKET_FILTER,
		    .info = { (const uint8_t *)&filter, 4 } } };
		RIG_WORDS(reply_to(r, &m, RNDIS_SET_DONE) + 8, id, 0);
		/* RESET has no id: what stands there changes nothing. */
		m = (struct rndis_msg){ .type = RNDIS_RESET, .req_id = id };
		RIG_WORDS(reply_to(r, &m, RNDIS_RESET_DONE) + 8, 0, 1);
	}
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
	rig_del(r);
}

/* NVSP answers, empty completions, those of control and of frames. */
static void
test_transaction_ids(void **state)
{
	const uint32_t alive[3] = { RNDIS_KEEPALIVE, 12, 5 };
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);
	uint8_t frame[100];
	uint32_t len = frame4(frame, PKT_IPPROTO_UDP, 20), outs, n;
	struct gpa_piece g;

	(void)state;
	rig_attach(r, NVS_V6_1);
	for (uint32_t i = 0; i < ARRAY_LEN(xacts); i++) {
		const uint64_t xact = xacts[i];

		RIG_NVS(r, xact, NVS_OID_QUERY, 0, 0x10107);
		RIG_WORDS(rig_last(r, 0)->data, NVS_OID_QUERY_DONE);
		assert_int_equal(rig_last(r, 0)->xact, xact);
		RIG_NVS(r, xact, NVS_NDIS_VERSION, 6, 30);
		assert_int_equal(rig_last(r, 0)->data_len, 0);
		assert_int_equal(rig_last(r, 0)->xact, xact);
		outs = r->chan[0].outs;
		rig_rndis(r, xact, alive, sizeof(alive));
		assert_int_equal(r->chan[0].out[outs].type, VMPKT_COMPLETION);
		assert_int_equal(r->chan[0].out[outs].xact, xact);
		(void)rig_reply(r, rig_last(r, 0), &n);
		rig_run(r);
		/* In a section of the send buffer, then by address. */
		push_section(r, 0, xact, 0, message(section(r, 0), NULL,
		    frame, len));
		rig_run(r);
		expect_done(r, xact, NVS_STATUS_OK);
		g = (struct gpa_piece){ RIG_GPA + RIG_DATA_OFF,
		    message(r->mem + RIG_DATA_OFF, NULL, frame, len) };
		push_gpa(r, xact, &g, 1, NVS_SECTION_NONE, 0);
		rig_run(r);
		expect_done(r, xact, NVS_STATUS_OK);
	}
	assert_int_equal(r->frames, 2 * ARRAY_LEN(xacts));
	rig_del(r);
}

/* The page set of type 7 packets is the id of SEND_RECV_BUF. */
static uint32_t
pageset_of(const struct rig_pkt *o)
{
	struct vmpkt_xfer x;
	enum fault why;

	assert_int_equal(o->type, VMPKT_XFER_PAGES);
	assert_int_equal(vmpkt_xfer_decode(&x,
	    (struct span){ o->ext, o->ext_len }, &why), 0);
	return x.pageset;
}

/*
 * Buffers with any GPADL and any id, one after the other.  A revoke drops the
 * buffer that is there, whatever id it names (docs/protocol.md).
 */
static void
test_buffer_ids(void **state)
{
	static const uint32_t ids[][2] = { { 0, 0xffff }, { 0xffff, 0 },
		{ 0x8001, 0x8001 }, { 0xcafe, 0xface }, { 1, 0xcafe } };
	static const uint32_t init[6] = { RNDIS_INIT, 24, 1, 1, 0, 0x4000 };
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	(void)state;
	r->vms.gpadl[0].id = UINT32_MAX;
	r->vms.gpadl[1].id = 0x80000001;
	RIG_NVS(r, 1, NVS_INIT, NVS_V6_1, NVS_V6_1);
	for (uint32_t i = 0; i < ARRAY_LEN(ids); i++) {
		RIG_NVS(r, 2, NVS_RECV_BUF, UINT32_MAX, ids[i][0]);
		RIG_WORDS(rig_last(r, 0)->data, NVS_RECV_BUF_DONE, 1, 1);
		RIG_NVS(r, 3, NVS_SEND_BUF, 0x80000001, ids[i][1]);
		RIG_WORDS(rig_last(r, 0)->data, NVS_SEND_BUF_DONE, 1, 6144);
		rig_rndis(r, 4, init, sizeof(init));
		assert_int_equal(pageset_of(rig_last(r, 0)), ids[i][0]);
		rig_push(r, 0, VMPKT_COMPLETION, 0, rig_last(r, 0)->xact);
		rig_run(r);
		/* By its own id, then by the other buffer's. */
		RIG_NVS(r, 5, NVS_RECV_BUF_REVOKE, ids[i][i % 2]);
		assert_int_equal(r->vms.gpadl[0].users, 0);
		RIG_NVS(r, 6, NVS_SEND_BUF_REVOKE, ids[i][1 - i % 2]);
		assert_int_equal(r->vms.gpadl[1].users, 0);
	}
	rig_del(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rndis_request_ids),
		cmocka_unit_test(test_transaction_ids),
		cmocka_unit_test(test_buffer_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
