/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RNDIS control and OIDs: golden replies, revisions, refusals, indications.
 */
#include "vsp_host_rig.h"

static struct rig *
up(uint32_t version)
{
	struct vsp_config cfg = rig_config();

	cfg.rxcsum_complete = true;
	struct rig *r = rig_new(&cfg);

	rig_attach(r, version);
	return r;
}

static uint32_t
query(struct rig *r, uint32_t oid, const void *in, uint32_t in_len,
    uint8_t *out, uint32_t *len)
{
	return vsp_oid_query(r->vsp, oid, (struct span){ in, in_len }, out,
	    488, len);
}

static uint32_t
query_u32(struct rig *r, uint32_t oid)
{
	uint8_t out[488];
	uint32_t len, v;

	assert_int_equal(query(r, oid, NULL, 0, out, &len), 0);
	assert_int_equal(len, 4);
	memcpy(&v, out, 4);
	return v;
}

static uint32_t
set(struct rig *r, uint32_t oid, const void *in, uint32_t len)
{
	return vsp_oid_set(r->vsp, oid, (struct span){ in, len });
}

static void
test_messages_golden(void **state)
{
	struct rig *r = up(NVS_V6_1);
	const uint32_t init[6] = { 2, 24, 5, 1, 0, 0x4000 };
	const uint32_t init2[6] = { 2, 24, 6, 2, 0, 0x4000 };
	/* Hyper-V wants offset 20 even with no input. */
	const uint32_t mac[7] = { 4, 28, 7, 0x01010101, 0, 20, 0 };
	const uint32_t set_filter[8] = { 5, 32, 8, 0x0001010e, 4, 20, 0, 0xd };
	const uint32_t unknown[7] = { 4, 28, 9, 0x12345678, 0, 20, 0 };
	const uint32_t reset[3] = { 6, 12, 0 };
	const uint32_t halt[3] = { 3, 12, 10 };
	const uint8_t *p;
	uint32_t len, outs;

	(void)state;
	rig_rndis(r, 0, init, sizeof(init));
	p = rig_reply(r, rig_last(r, 0), &len);
	assert_int_equal(len, 56);	/* 52, padded */
	RIG_WORDS(p, 0x80000002, 52, 5, 0, 1, 0, 1, 0, 64, 0xefffffff, 3, 0, 0);
	rig_rndis(r, 0, init2, sizeof(init2));
	p = rig_reply(r, rig_last(r, 0), &len);
	RIG_WORDS(p, 0x80000002, 52, 6, 0xc0010004);

	rig_rndis(r, 0, mac, sizeof(mac));
	p = rig_reply(r, rig_last(r, 0), &len);
	RIG_WORDS(p, 0x80000004, 30, 7, 0, 6, 16);
	assert_memory_equal(p + 24, rig_mac, 6);
	rig_rndis(r, 0, set_filter, sizeof(set_filter));
	p = rig_reply(r, rig_last(r, 0), &len);
	RIG_WORDS(p, 0x80000005, 16, 8, 0);
	assert_int_equal(query_u32(r, 0x0001010e), 0xd);
	rig_rndis(r, 0, unknown, sizeof(unknown));
	p = rig_reply(r, rig_last(r, 0), &len);
	RIG_WORDS(p, 0x80000004, 24, 9, 0xc00000bb, 0);
	rig_rndis(r, 0, reset, sizeof(reset));
	p = rig_reply(r, rig_last(r, 0), &len);
	RIG_WORDS(p, 0x80000006, 16, 0, 1);
	assert_int_equal(query_u32(r, 0x0001010e), 0);

	/* HALT: only its completion. */
	outs = r->chan[0].outs;
	rig_rndis(r, 0, halt, sizeof(halt));
	assert_int_equal(r->chan[0].outs, outs + 1);
	assert_int_equal(rig_last(r, 0)->type, VMPKT_COMPLETION);
	assert_false(vsp_data_up(r->vsp));
	rig_del(r);
}

/* What a guest had requested does not outlive its RNDIS session. */
static void
test_init_forgets(void **state)
{
	struct rig *r = up(NVS_V6_1);
	const uint32_t init[6] = { 2, 24, 5, 1, 0, 0x4000 };
	const uint32_t halt[3] = { 3, 12, 10 };
	const uint32_t all = 0x2d;
	const uint8_t mcast[6] = { 1, 0, 0x5e, 0, 0, 1 };

	(void)state;
	rig_rndis(r, 0, init, sizeof(init));
	assert_int_equal(set(r, 0x01010103, mcast, 6), 0);
	assert_int_equal(set(r, 0x0001010e, &all, 4), 0);
	assert_int_equal(r->vsp->guest.filter, all);
	rig_rndis(r, 0, halt, sizeof(halt));
	assert_int_equal(r->vsp->guest.filter, 0);
	assert_int_equal(r->vsp->guest.mcasts, 0);
	rig_rndis(r, 0, init, sizeof(init));
	assert_int_equal(query_u32(r, 0x0001010e), 0);
	rig_del(r);
}

static void
test_malformed_message(void **state)
{
	struct rig *r = up(NVS_V6_1);
	const uint32_t outside[7] = { 4, 28, 7, 0x01010101, 4, 20, 0 };
	const uint32_t a_packet[11] = { 1, 44 };

	(void)state;
	rig_rndis(r, 3, outside, sizeof(outside));
	assert_int_equal(rig_last(r, 0)->xact, 3);
	RIG_WORDS(rig_last(r, 0)->data, NVS_RNDIS_DONE, 2);
	assert_int_equal(vsp_faults(r->vsp)->count[FAULT_RNDIS_INFO], 1);
	rig_rndis(r, 4, a_packet, sizeof(a_packet));
	RIG_WORDS(rig_last(r, 0)->data, NVS_RNDIS_DONE, 2);
	assert_int_equal(vsp_faults(r->vsp)->count[FAULT_RNDIS_TYPE], 1);
	assert_int_equal(vsp_faults(r->vsp)->total, 2);
	rig_del(r);
}

static void
test_numbers(void **state)
{
	struct rig *r = up(NVS_V6_1);
	uint8_t out[488];
	uint32_t len;

	(void)state;
	assert_int_equal(query_u32(r, 0x00010106), 1500);
	assert_int_equal(query_u32(r, 0x00010107), 100000000);
	assert_int_equal(query_u32(r, 0x00010111), 1514);
	assert_int_equal(query_u32(r, 0x00010114), 0);
	assert_int_equal(query_u32(r, 0x01010104), 32);
	assert_int_equal(query_u32(r, 0x00020101), 0);
	assert_int_equal(query(r, 0x00010101, NULL, 0, out, &len), 0);
	assert_int_equal(len % 4, 0);
	/* Each OID of the list has an answer, by query or by set. */
	for (uint32_t i = 0; i < len; i += 4) {
		uint8_t answer[488];
		uint32_t oid, n;

		memcpy(&oid, out + i, 4);
		uint32_t st = query(r, oid, NULL, 0, answer, &n);

		if (st == 0xc00000bb && set(r, oid, "", 0) == 0xc00000bb)
			fail_msg("OID %#x is listed, not known", oid);
	}
	rig_del(r);
}

/* A host may take longer LSO frames than Windows says it does. */
static void
test_lso_max(void **state)
{
	struct vsp_config cfg = rig_config();
	struct ndis_offload_caps c;
	uint8_t in[156] = { 0 }, out[488];
	enum fault why;
	uint32_t len;

	cfg.lso_max = 65535;
	struct rig *r = rig_new(&cfg);

	rig_attach(r, NVS_V6_1);
	ndis_offload_caps_ask(3, in);
	assert_int_equal(query(r, 0xfc01020d, in, 156, out, &len), 0);
	assert_int_equal(ndis_offload_caps_decode(&c,
	    (struct span){ out, len }, &why), 0);
	assert_int_equal(c.lso4.max_bytes, 65535);
	assert_int_equal(c.lso6.max_bytes, 65535);
	rig_del(r);
}

/* Sizes by NDIS version, by the revision asked and by the buffer. */
static void
test_offload_caps(void **state)
{
	static const struct {
		uint32_t nvsp, ask, buffer, rev, bytes;
	} row[] = {
		{ NVS_V6_1, 3, 156, 3, 156 }, { NVS_V5, 3, 156, 3, 156 },
		{ NVS_V6_1, 2, 144, 2, 144 }, { NVS_V6_1, 3, 144, 2, 144 },
		{ NVS_V6_1, 1, 112, 1, 112 }, { NVS_V4, 3, 156, 2, 144 },
		{ NVS_V6_1, 0, 0, 3, 156 }, { NVS_V1, 2, 144, 2, 144 },
	};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(row); i++) {
		struct rig *r = up(row[i].nvsp);
		uint8_t in[156] = { 0 }, out[488];
		struct ndis_offload_caps c;
		enum fault why;
		uint32_t len;

		if (row[i].ask != 0)
			ndis_offload_caps_ask((uint8_t)row[i].ask, in);
		assert_int_equal(query(r, 0xfc01020d, in, row[i].buffer, out,
		    &len), 0);
		assert_int_equal(len, row[i].bytes);
		assert_int_equal(out[0], 0xa7);
		assert_int_equal(out[1], row[i].rev);
		assert_int_equal(ndis_offload_caps_decode(&c,
		    (struct span){ out, len }, &why), 0);
		assert_int_equal(c.v4_tx, 0x155);
		assert_int_equal(c.v6_tx, 0x55);
		assert_int_equal(c.v4_rx, 0x155);
		assert_int_equal(c.lso4.max_bytes, 0xf53c);
		assert_int_equal(c.lso6.min_segs, 2);
		assert_int_equal(c.lso6_opts, 5);
		assert_int_equal(c.rsc4, row[i].nvsp == NVS_V6_1 &&
		    row[i].rev == 3);
		rig_del(r);
	}
}

static void
test_offload_set(void **state)
{
	struct rig *r = up(NVS_V6_1);
	struct vsp_config cfg = *vsp_config(r->vsp);
	/* As DPDK sends it: these bytes. */
	uint8_t dpdk[28] = { 0x80, 3, 28, 0, 4, 4, 4, 4, 4, 0, 0, 2, 2 };
	struct ndis_offload_params p = { .rev = 3, .rsc4 = 2, .rsc6 = 2 };
	struct vsp_guest_state g;
	uint8_t buf[28];

	(void)state;
	assert_int_equal(set(r, 0xfc01020c, dpdk, 28), 0);
	vsp_guest_state(r->vsp, &g);
	assert_int_equal(g.offloads_tx, 0x1f);
	assert_int_equal(g.offloads_rx, 0x1f);
	assert_true(g.lso4 && g.lso6 && !g.rsc4);
	assert_int_equal(set(r, 0xfc01020c, buf,
	    ndis_offload_params_encode(&p, buf)), 0);
	vsp_guest_state(r->vsp, &g);
	assert_true(g.rsc4 && g.rsc6 && g.lso4);	/* 0: no change */
	p.lsov1 = 2;
	p.lso4 = 1;
	assert_int_equal(set(r, 0xfc01020c, buf,
	    ndis_offload_params_encode(&p, buf)), 0xc0010015);
	vsp_guest_state(r->vsp, &g);
	assert_true(g.lso4);	/* refused as a whole */

	/* The port takes LSO and RSC away: told, and refused from then on. */
	cfg.offloads &= ~(VSP_OFF_LSO | VSP_OFF_RSC);
	assert_int_equal(vsp_reconfigure(r->vsp, &cfg), 0);
	uint32_t len;
	const uint8_t *msg = rig_reply(r, rig_last(r, 0), &len);

	RIG_WORDS(msg, 7, 20 + 156, 0x40020006, 156, 12);
	assert_int_equal(msg[20], 0xa7);
	vsp_guest_state(r->vsp, &g);
	assert_false(g.lso4 || g.lso6 || g.rsc4 || g.rsc6);
	assert_int_equal(set(r, 0xfc01020c, dpdk, 28), 0xc0010015);
	assert_int_equal(set(r, 0xfc01020c, dpdk, 19), 0xc0010015);
	rig_del(r);
}

static void
test_rss_caps_golden(void **state)
{
	struct rig *r = up(NVS_V6_1);
	static const uint8_t golden[18] = {
		0x88, 2, 18, 0, 0x01, 0x1f, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 128, 0
	};
	uint8_t out[488];
	uint32_t len;

	(void)state;
	assert_int_equal(query(r, 0x00010203, NULL, 0, out, &len), 0);
	assert_int_equal(len, 18);
	assert_memory_equal(out, golden, 18);
	rig_del(r);
}

static void
test_rss_caps_need_subchannels(void **state)
{
	static const struct {
		uint32_t vmbus, nvsp;
		uint8_t queues;
	} row[] = {
		{ 0xd, NVS_V6_1, 1 }, { 0x10001, NVS_V6_1, 1 },
		{ 0x20004, NVS_V6_1, 4 }, { 0x40000, NVS_V5, 4 },
		{ 0x40000, NVS_V4, 1 },
	};
	uint8_t out[488];
	uint32_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct rig *r = up(row[i].nvsp);

		r->chan[0].chan.vmbus_version = row[i].vmbus;
		assert_int_equal(query(r, 0x00010203, NULL, 0, out, &len), 0);
		assert_int_equal(out[8], row[i].queues);
		assert_int_equal(out[12], row[i].queues);
		rig_del(r);
	}
}

static void
test_rss_set(void **state)
{
	struct rig *r = up(NVS_V6_1);
	struct ndis_rss_params p = { .rev = 2, .hash_info = 0x1601,
	    .entries = 16, .has_key = true };
	uint8_t buf[NDIS_RSS_PARAMS_MAX], key[40];
	uint32_t table[128], entries, types;

	(void)state;
	assert_int_equal(rig_open(r, 1), 0);
	for (uint32_t i = 0; i < 16; i++)
		p.entry[i] = i % 2;
	memset(p.key, 0x5a, 40);
	assert_int_equal(set(r, 0x00010204, buf,
	    ndis_rss_params_encode(&p, buf)), 0);
	vsp_steering(r->vsp, key, table, &entries, &types);
	assert_int_equal(types, 0x1600);
	assert_int_equal(entries, 16);
	assert_int_equal(table[3], 1);
	assert_memory_equal(key, p.key, 40);

	p.entry[5] = 4;		/* of 4 queues */
	assert_int_equal(set(r, 0x00010204, buf,
	    ndis_rss_params_encode(&p, buf)), 0xc0010015);
	p.entry[5] = 1;
	p.hash_info = 0x1602;	/* another function */
	assert_int_equal(set(r, 0x00010204, buf,
	    ndis_rss_params_encode(&p, buf)), 0xc0010015);
	p.hash_info = 0x0301;
	p.entries = 3;		/* tiled */
	p.entry[0] = 1;
	p.entry[1] = p.entry[2] = 0;
	assert_int_equal(set(r, 0x00010204, buf,
	    ndis_rss_params_encode(&p, buf)), 0);
	vsp_steering(r->vsp, key, table, &entries, &types);
	assert_int_equal(entries, 128);
	for (uint32_t i = 0; i < 128; i++)
		assert_int_equal(table[i], i % 3 == 0);
	p.flags = NDIS_RSS_F_DISABLE;
	assert_int_equal(set(r, 0x00010204, buf,
	    ndis_rss_params_encode(&p, buf)), 0);
	vsp_steering(r->vsp, key, table, &entries, &types);
	assert_int_equal(types, 0);
	assert_int_equal(set(r, 0x00010204, buf, 20), 0xc0010015);
	rig_del(r);
}

static void
test_filter_and_lists(void **state)
{
	static const uint8_t bcast[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t m1[6] = { 1, 0, 0x5e, 0, 0, 1 };
	static const uint8_t m2[6] = { 1, 0, 0x5e, 0, 0, 2 };
	static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };
	static const struct { uint32_t filter; bool pass[5]; } row[] = {
		{ 0x00, { false, false, false, false, false } },
		{ 0x01, { true, false, false, false, false } },
		{ 0x02, { false, false, true, false, false } },
		{ 0x04, { false, false, true, true, false } },
		{ 0x08, { false, true, false, false, false } },
		{ 0x0d, { true, true, true, true, false } },
		{ 0x20, { true, true, true, true, true } },
	};
	struct rig *r = up(NVS_V6_1);
	uint8_t too_many[33 * 6] = { 0 };

	(void)state;
	assert_int_equal(set(r, 0x01010103, m1, 6), 0);
	for (uint32_t i = 0; i < ARRAY_LEN(row); i++) {
		const uint8_t *dst[5] = { rig_mac, bcast, m1, m2, other };

		assert_int_equal(set(r, 0x0001010e, &row[i].filter, 4), 0);
		for (uint32_t k = 0; k < 5; k++)
			if (vsp_port_filter(r->vsp, dst[k]) != row[i].pass[k])
				fail_msg("filter %#x, address %u",
				    row[i].filter, k);
	}
	assert_int_equal(set(r, 0x01010103, too_many, sizeof(too_many)),
	    0xc0010015);
	assert_int_equal(set(r, 0x01010103, m1, 5), 0xc0010015);
	assert_int_equal(set(r, 0x0001010e, m1, 3), 0xc0010015);
	rig_del(r);
}

static void
test_network_address(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0xaa, 0xbb, 0xcc };
	struct rig *r = up(NVS_V6_1);
	struct vsp_config cfg = *vsp_config(r->vsp);
	uint8_t buf[NDIS_CONFIG_MAC_BYTES], out[488];
	uint32_t len = ndis_config_mac_encode(mac, buf);

	(void)state;
	assert_int_equal(set(r, 0x0001021b, buf, len), 0xc0000001);
	cfg.mac_spoof = true;
	assert_int_equal(vsp_reconfigure(r->vsp, &cfg), 0);
	assert_int_equal(set(r, 0x0001021b, buf, len), 0);
	assert_int_equal(query(r, 0x01010102, NULL, 0, out, &len), 0);
	assert_memory_equal(out, mac, 6);
	assert_int_equal(query(r, 0x01010101, NULL, 0, out, &len), 0);
	assert_memory_equal(out, rig_mac, 6);
	rig_del(r);
}

static void
test_indications(void **state)
{
	struct rig *r = up(NVS_V6_1);
	struct vsp_config cfg = *vsp_config(r->vsp);
	uint32_t len;

	(void)state;
	cfg.link_up = false;
	assert_int_equal(vsp_reconfigure(r->vsp, &cfg), 0);
	RIG_WORDS(rig_reply(r, rig_last(r, 0), &len), 7, 20, 0x4001000c, 0);
	assert_int_equal(query_u32(r, 0x00010114), 1);
	cfg.link_up = true;
	cfg.speed_bps = 1000000000;
	assert_int_equal(vsp_reconfigure(r->vsp, &cfg), 0);
	RIG_WORDS(rig_reply(r, &r->chan[0].out[r->chan[0].outs - 2], &len), 7,
	    20, 0x4001000b, 0);
	/* In 100 bit/s; Linux refuses the indication without it. */
	RIG_WORDS(rig_reply(r, rig_last(r, 0), &len), 7, 24, 0x40010013, 4,
	    12, 10000000);
	assert_int_equal(len, 24);
	assert_int_equal(query_u32(r, 0x00010107), 10000000);
	cfg.speed_bps = 1000000000000;	/* more than 32 bits can say */
	assert_int_equal(vsp_reconfigure(r->vsp, &cfg), 0);
	RIG_WORDS(rig_reply(r, rig_last(r, 0), &len), 7, 24, 0x40010013, 4,
	    12, 0xffffffff);
	cfg.vlan = VSP_VLAN_ACCESS;
	cfg.vlan_id = 7;
	assert_int_equal(vsp_reconfigure(r->vsp, &cfg), 0);
	RIG_WORDS(rig_reply(r, rig_last(r, 0), &len), 7, 24, 0x40010018, 4,
	    12, 2);
	cfg.offloads &= ~VSP_OFF_RSC;
	assert_int_equal(vsp_reconfigure(r->vsp, &cfg), 0);
	RIG_WORDS(rig_reply(r, rig_last(r, 0), &len), 7, 20 + 156, 0x40020006,
	    156, 12);
	cfg.max_queues = 8;
	assert_int_equal(vsp_reconfigure(r->vsp, &cfg), E_STATE);
	cfg.max_queues = 4;
	cfg.mtu = 67;
	assert_int_equal(vsp_reconfigure(r->vsp, &cfg), E_STATE);
	rig_del(r);
}

/* A guest that acknowledges nothing: replies wait, then it is cut off. */
static void
test_replies_wait_for_sections(void **state)
{
	struct rig *r = up(NVS_V6_1);
	const struct rndis_msg m = { .type = RNDIS_KEEPALIVE, .req_id = 1 };
	uint32_t first = r->chan[0].outs, replies = 0, len;

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		rig_rndis_msg(r, &m);
	for (uint32_t i = first; i < r->chan[0].outs; i++)
		replies += r->chan[0].out[i].type == VMPKT_XFER_PAGES;
	assert_int_equal(replies, VSP_CONTROL_SECTIONS);
	assert_int_equal(r->chan[0].outs - first, 20 + replies);
	assert_int_equal(r->vsp->reply_count, 4);
	/* Acknowledged: the rest comes. */
	for (uint32_t i = first, k = 0; k < 4; i++) {
		if (r->chan[0].out[i].type == VMPKT_XFER_PAGES) {
			(void)rig_reply(r, &r->chan[0].out[i], &len);
			k++;
		}
	}
	rig_run(r);
	assert_int_equal(r->vsp->reply_count, 0);
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
	for (uint32_t i = 0; i < 17; i++)
		rig_rndis_msg(r, &m);
	assert_int_equal(vsp_faults(r->vsp)->count[FAULT_MSG_RATE], 1);
	rig_del(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_golden),
		cmocka_unit_test(test_init_forgets),
		cmocka_unit_test(test_malformed_message),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_offload_caps),
		cmocka_unit_test(test_lso_max),
		cmocka_unit_test(test_offload_set),
		cmocka_unit_test(test_rss_caps_golden),
		cmocka_unit_test(test_rss_caps_need_subchannels),
		cmocka_unit_test(test_rss_set),
		cmocka_unit_test(test_filter_and_lists),
		cmocka_unit_test(test_network_address),
		cmocka_unit_test(test_indications),
		cmocka_unit_test(test_replies_wait_for_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
