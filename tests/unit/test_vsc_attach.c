/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attach and detach of the NetVSC against a scripted host: the messages byte
 * by byte and in order, versions, refusals, silence at each exchange, the
 * order of tear-down, and that all memory comes back.
 */
#include "vsc_rig.h"

static struct rig rig;

static void
expect(uint32_t i, uint16_t type, const char *bytes, uint32_t len)
{
	uint8_t want[64] = { 0 };

	memcpy(want, bytes, len);
	assert_true(i < rig.nsent);
	assert_int_equal(rig.sent[i].type, type);
	assert_int_equal(rig.sent[i].data_len, 40);
	assert_memory_equal(rig.sent[i].data, want, 40);
}

/* The RNDIS message that packet i carries, in the control page. */
static const uint8_t *
rndis_of(uint32_t i, uint32_t *len)
{
	const uint8_t *e = rig.sent[i].ext;
	uint32_t off, count;
	uint64_t pfn;

	memcpy(&count, e + 4, 4);
	memcpy(len, e + 8, 4);
	memcpy(&off, e + 12, 4);
	memcpy(&pfn, e + 16, 8);
	assert_int_equal(rig.sent[i].ext_len, 24);
	assert_int_equal(count, 1);
	return rig_va(pfn << 12 | off, *len);
}

static void
test_messages(void **state)
{
	static const char rndis[] = "\x6b\0\0\0\x01\0\0\0\xff\xff\xff\xff";
	struct rig *r = &rig;
	uint32_t len;

	rig_init(r, 0x50003);
	rig_attach(r);
	assert_int_equal(r->attached, 1);
	/* INIT 6.1 */
	expect(0, 6, "\x01\0\0\0\x01\0\x06\0\x01\0\x06\0", 12);
	assert_int_equal(r->sent[0].flags, 1);
	/* NDIS_CONFIG: 1514, caps RSC | 802.1q | SR-IOV */
	expect(1, 6, "\x7d\0\0\0\xea\x05\0\0\0\0\0\0\x8c\0\0\0\0\0\0\0", 20);
	assert_int_equal(r->sent[1].flags, 0);
	assert_int_equal(r->sent[1].xact, 0);
	/* NDIS 6.30 */
	expect(2, 6, "\x64\0\0\0\x06\0\0\0\x1e\0\0\0", 12);
	assert_int_equal(r->sent[2].flags, 0);
	/* receive buffer: GPADL 1, 0xcafe */
	expect(3, 6, "\x65\0\0\0\x01\0\0\0\xfe\xca", 10);
	assert_int_equal(r->sent[3].flags, 1);
	/* send buffer: GPADL 2, 0xface */
	expect(4, 6, "\x68\0\0\0\x02\0\0\0\xce\xfa", 10);
	/* RNDIS INIT and all others by address, from one page */
	expect(5, 9, rndis, 12);
	assert_int_equal(r->sent[5].flags, 1);
	(void)rndis_of(5, &len);
	assert_int_equal(len, 24);
	/* INIT's reply is acknowledged: 8 bytes, the host's id */
	assert_int_equal(r->sent[6].type, 11);
	assert_int_equal(r->sent[6].xact, 0x7700);
	assert_int_equal(r->sent[6].data_len, 8);
	assert_memory_equal(r->sent[6].data, "\x6c\0\0\0\x01\0\0\0", 8);
	/* 7 more requests with an acknowledgement each */
	for (uint32_t i = 7; i < r->nsent; i += 2)
		expect(i, 9, rndis, 12);
	assert_int_equal(r->nsent, 21);
	/* the page still holds the last: SET packet filter 0x0d */
	assert_memory_equal(rndis_of(19, &len),
	    "\x05\0\0\0\x20\0\0\0", 8);
	assert_int_equal(len, 32);
	assert_memory_equal(rndis_of(19, &len) + 12,
	    "\x0e\x01\x01\0\x04\0\0\0\x14\0\0\0\0\0\0\0\x0d\0\0\0", 20);
	assert_memory_equal(vsc_caps(r->v)->mac, "\0\x15\x5d\1\2\3", 6);
	assert_int_equal(vsc_caps(r->v)->speed_bps, 10000000000);
	assert_int_equal(vsc_caps(r->v)->mtu, 1500);
	assert_int_equal(vsc_caps(r->v)->tso_maxlen, 62780);
	assert_int_equal(vsc_caps(r->v)->offloads, VSC_OFF_ALL);
	assert_int_equal(vsc_caps(r->v)->sections, 10);
	assert_int_equal(vsc_caps(r->v)->rx_sections, 64);
	assert_true(vsc_caps(r->v)->link_up);
	rig_down(r);
	assert_int_equal(r->live_mem, 0);
}

static void
test_versions(void **state)
{
	struct rig *r = &rig;

	for (uint32_t i = 0; i < NVS_VERSIONS; i++) {
		rig_init(r, 0x40000);
		r->version = nvs_versions[i];
		rig_attach(r);
		assert_int_equal(r->attached, 1);
		assert_int_equal(vsc_caps(r->v)->nvsp_version,
		    nvs_versions[i]);
		assert_int_equal(vsc_caps(r->v)->ndis_version,
		    nvs_versions[i] >= NVS_V5 ? 0x6001e : 0x60001);
		assert_int_equal(vsc_caps(r->v)->offloads,
		    i == 0 ? VSC_OFF_ALL : VSC_OFF_ALL & ~0x300);
		rig_down(r);
		assert_int_equal(r->live_mem, 0);
	}
	rig_init(r, 0x40000);
	r->version = 1;
	rig_attach(r);
	assert_int_equal(r->failed, 1);
	assert_int_equal(r->err, E_NOTSUP);
	assert_string_equal(r->stage, "NVSP INIT");
	rig_down(r);
}

static void
test_subchannels(void **state)
{
	struct rig *r = &rig;
	uint32_t table[128];
	uint8_t key[40];

	rig_init(r, 0x50003);
	r->cfg.vps = 4;
	r->grant = 2;
	rig_up(r);
	assert_int_equal(vsc_caps(r->v)->queues, 3);
	assert_string_equal(r->order, "open0 open1 open2 ");
	assert_int_equal(vsc_get_rss(r->v, key, table, 128), 128);
	assert_int_equal(key[0], 0x6d);
	assert_int_equal(table[127], 127 % 3);
	table[0] = 3;
	assert_int_equal(vsc_set_rss(r->v, key, table, 16), E_STATE);
	table[0] = 2;
	assert_int_equal(vsc_set_rss(r->v, key, table, 16), 0);
	rig_run(r);
	/* disable, set: two requests, two acknowledgements */
	assert_int_equal(r->nsent, 4);
	assert_int_equal(r->failed, 0);
	assert_int_equal(r->allocs, 0);
	rig_down(r);
	assert_string_equal(r->order, "open0 open1 open2 "
	    "close2 close1 close0 teardown teardown ");
	assert_int_equal(r->live_mem, 0);
}

/* Memory that comes with the channels is used, halved, and never freed. */
static uint8_t given_mem[3][64 * HV_PAGE_SIZE];
static const void *given_gpadl[2];
static uint32_t given_opens, given_gpadls;

static int
given_memory(struct chan *c, enum chan_given what, struct chan_mem *out)
{
	*out = (struct chan_mem){ .va = given_mem[what],
		.bytes = (uint32_t)sizeof(given_mem[what]) };
	return 0;
}

static int
given_gpadl_create(struct chan *c, const struct chan_mem *m, uint32_t *id)
{
	assert_in_range(given_gpadls, 0, 1);
	assert_int_equal(m->bytes, sizeof(given_mem[0]));
	given_gpadl[given_gpadls++] = m->va;
	return rig_gpadl_create(c, m, id);
}

static int
given_open(struct chan *c, const struct chan_open *o)
{
	assert_ptr_equal(o->ring.va, given_mem[CHAN_GIVEN_RING]);
	assert_int_equal(o->to_host_bytes, sizeof(given_mem[0]) / 2);
	given_opens++;
	return rig_open(c, o);
}

static void
test_given(void **state)
{
	struct chan_ops ops;
	struct rig *r = &rig;
	uint32_t own;

	rig_init(r, 0x50003);
	rig_up(r);
	own = r->live_mem;
	rig_down(r);

	rig_init(r, 0x50003);
	ops = *r->chan[0].ops;
	ops.given = given_memory;
	ops.gpadl_create = given_gpadl_create;
	ops.open = given_open;
	r->chan[0].ops = &ops;
	r->slot_bytes = 1024;
	given_opens = given_gpadls = 0;
	rig_up(r);
	assert_int_equal(r->attached, 1);
	assert_int_equal(given_opens, 1);
	assert_int_equal(given_gpadls, 2);
	assert_ptr_equal(given_gpadl[0], given_mem[CHAN_GIVEN_RECV]);
	assert_ptr_equal(given_gpadl[1], given_mem[CHAN_GIVEN_SEND]);
	/* What it would have taken: rings, receive and send buffer. */
	assert_int_equal(own - r->live_mem, 2 *
	    r->cfg.tune.ring_pages * HV_PAGE_SIZE +
	    (r->cfg.tune.rxbuf_kb << 10) + (r->cfg.tune.sendbuf_kb << 10));
	rig_down(r);
	assert_int_equal(r->live_mem, 0);
}

/* Below VMBus 4.0 the buffers' GPADLs go before the primary is closed. */
static void
test_order_3_0(void **state)
{
	struct rig *r = &rig;

	rig_init(r, 0x30000);
	rig_up(r);
	rig_down(r);
	assert_string_equal(r->order, "open0 teardown teardown close0 ");
	/* SET filter 0, its ack, HALT, revoke of both buffers */
	assert_int_equal(r->nsent, 5);
	expect(3, 6, "\x67\0\0\0\xfe\xca", 6);
	expect(4, 6, "\x6a\0\0\0\xce\xfa", 6);
	assert_int_equal(r->live_mem, 0);
}

/* A host that falls silent: a time-out, named, and everything comes back. */
static void
test_silence(void **state)
{
	static const struct { int mute; const char *stage; } at[] = {
		{ NVS_INIT, "NVSP INIT" },
		{ NVS_RECV_BUF, "receive buffer" },
		{ NVS_SEND_BUF, "send buffer" },
		{ RNDIS_INIT, "RNDIS INIT" },
		{ RNDIS_QUERY, "MAC address" },
		{ RNDIS_SET, "offload parameters" },
		{ NVS_SUBCHAN, "sub-channels" },
	};
	struct rig *r = &rig;

	for (uint32_t i = 0; i < ARRAY_LEN(at); i++) {
		rig_init(r, 0x50003);
		r->mute = at[i].mute;
		r->cfg.vps = 2;
		/* NVS_INIT and PACKET are 1, RNDIS_INIT and INIT_DONE 2 */
		rig_attach(r);
		assert_int_equal(r->attached + r->failed, 0);
		r->now += VSC_EXCHANGE_NS - 1;
		rig_run(r);
		assert_int_equal(r->failed, 0);
		r->now += 1;
		rig_run(r);
		assert_int_equal(r->failed, 1);
		assert_int_equal(r->err, E_TIMEOUT);
		assert_string_equal(r->stage, at[i].stage);
		rig_down(r);
		assert_int_equal(r->live_mem, 0);
	}
}

static void
test_refusals(void **state)
{
	struct rig *r = &rig;

	rig_init(r, 0x50003);
	r->section_bytes = 0;
	r->no_csum = true;
	r->lso_max = 0;
	r->rsc = false;
	rig_up(r);
	assert_int_equal(vsc_caps(r->v)->sections, 0);
	assert_int_equal(vsc_caps(r->v)->tso_maxlen, 0);
	assert_int_equal(vsc_caps(r->v)->offloads,
	    VSC_OFF_VLAN | VSC_OFF_HASH);
	rig_down(r);
	assert_int_equal(r->live_mem, 0);
}

/* The offer goes away in the middle of traffic. */
static void
test_rescind(void **state)
{
	struct rig *r = &rig;

	rig_init(r, 0x50003);
	rig_up(r);
	r->chan[0].events->rescinded(&r->chan[0]);
	assert_int_equal(r->failed, 1);
	assert_int_equal(r->err, E_GONE);
	rig_down(r);
	/* GPADLs first, for the channel ends with its close; no word to it */
	assert_string_equal(r->order, "open0 teardown teardown close0 ");
	assert_int_equal(r->nsent, 0);
	assert_int_equal(r->live_mem, 0);
}

/*
 * Detach while the host owes an answer: nothing is sent before it came, for
 * the control page and the GPADL's name are still the host's.
 */
static void
test_cut_off(void **state)
{
	struct rig *r = &rig;

	/* 3 exchanges of NVSP, 8 of RNDIS */
	for (uint32_t n = 1; n <= 11; n++) {
		uint32_t before;

		rig_init(r, 0x30000);
		r->v = vsc_attach(&r->cfg, &rig_ops, r, &r->chan[0]);
		(void)vsc_control(r->v, r->now);
		for (uint32_t i = 1; i < n; i++) {
			while (r->handled < r->nsent)
				rig_answer(r);
			rig_poll(r, 0);
		}
		assert_int_equal(r->attached, 0);
		assert_true(r->handled < r->nsent);
		before = r->nsent;
		vsc_detach(r->v);
		assert_int_equal(r->nsent, before);
		assert_string_equal(r->order, "open0 ");
		rig_run(r);
		assert_int_equal(r->detached, 1);
		assert_int_equal(r->failed, 0);
		vsc_free(r->v);
		assert_int_equal(r->live_bytes, 0);
		assert_int_equal(r->live_mem, 0);
	}
}

/* Indications, keepalive, VF and data path, send table. */
static void
test_running(void **state)
{
	struct rig *r = &rig;
	struct rndis_msg m = { .type = RNDIS_INDICATE_STATUS };
	struct nvs_msg n = { .type = NVS_SEND_TABLE };
	struct rig_packet *p;
	uint32_t len;

	rig_init(r, 0x50003);
	r->cfg.vps = 2;
	r->grant = 1;
	rig_up(r);
	m.status.status = RNDIS_STATUS_MEDIA_DISCONNECT;
	rig_push_rndis(&m);
	rig_run(r);
	assert_int_equal(r->links, 1);
	m.status.status = RNDIS_STATUS_NETWORK_CHANGE;
	rig_push_rndis(&m);
	rig_run(r);
	assert_int_equal(r->links, 3);
	r->nsent = r->handled = 0;
	m.type = RNDIS_KEEPALIVE;
	m.req_id = 0x1234;
	rig_push_rndis(&m);
	rig_run(r);
	/* Its section is acknowledged first: control is not waited for. */
	assert_int_equal(r->nsent, 2);
	assert_int_equal(r->sent[0].type, VMPKT_COMPLETION);
	assert_memory_equal(rndis_of(1, &len),
	    "\x08\0\0\x80\x10\0\0\0\x34\x12\0\0\0\0\0\0", 16);
	n.send_table.count = 16;
	for (uint32_t i = 0; i < 16; i++)
		n.send_table.entry[i] = i == 5 ? 77 : 1;
	rig_push_nvs(0, VMPKT_INBAND, 0, &n);
	rig_run(r);
	assert_int_equal(r->tables, 1);
	assert_int_equal(vsc_tx_select(r->v, 0x10), 1);
	assert_int_equal(vsc_tx_select(r->v, 0x15), 1);
	n.send_table.entry[5] = 4;
	rig_push_nvs(0, VMPKT_INBAND, 0, &n);
	n.type = NVS_DATAPATH;
	n.datapath = NVS_DATAPATH_VF;
	rig_push_nvs(0, VMPKT_INBAND, 0x8000000000000001, &n);
	p = &r->in[r->in_at];
	while (p->type == 0xffff)
		p++;
	p[1].flags = VMPKT_F_COMPLETE;
	r->nsent = r->handled = 0;
	rig_run(r);
	assert_int_equal(vsc_tx_select(r->v, 0x15), 0);
	assert_int_equal(r->nsent, 1);
	assert_int_equal(r->sent[0].xact, 0x8000000000000001);
	assert_int_equal(r->failed, 0);
	assert_int_equal(r->allocs, 0);
	rig_down(r);
}

/* Groups: the list, then the filter; all of them where that is not possible. */
static void
test_multicast(void **state)
{
	const uint32_t some = NDIS_FILTER_DIRECTED | NDIS_FILTER_MULTICAST;
	const uint32_t all = NDIS_FILTER_DIRECTED | NDIS_FILTER_ALLMULTI;
	uint8_t g[VSC_MCAST_MAX + 1][6];

	for (uint32_t i = 0; i < VSC_MCAST_MAX + 1; i++)
		memcpy(g[i], (uint8_t[]){ 1, 0, 0x5e, 0, 0, (uint8_t)i }, 6);
	rig_init(&rig, 0x60001);
	rig.cfg.filter = some;
	rig.v = vsc_attach(&rig.cfg, &rig_ops, &rig, &rig.chan[0]);
	assert_int_equal(vsc_set_multicast(rig.v, g, 2), 0);
	rig_run(&rig);
	assert_int_equal(rig.attached, 1);
	assert_int_equal(rig.mcast_bytes, 12);
	assert_memory_equal(rig.mcast, g, 12);
	assert_int_equal(rig.filter, some);
	/* the host refuses another one, then takes it */
	rig.refuse = (uint32_t)OID_802_3_MULTICAST_LIST;
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(vsc_set_multicast(rig.v, &g[5], 1), 0);
		rig_run(&rig);
		assert_int_equal(rig.filter, i == 0 ? all : some);
		rig.refuse = 0;
	}
	assert_int_equal(rig.mcast_bytes, 6);
	assert_memory_equal(rig.mcast, g[5], 6);
	/* too many, as many as may be, none */
	assert_int_equal(vsc_set_multicast(rig.v, g, VSC_MCAST_MAX + 1), 0);
	rig_run(&rig);
	assert_int_equal(rig.mcast_bytes, 6);
	assert_int_equal(rig.filter, all);
	assert_int_equal(vsc_set_multicast(rig.v, g, VSC_MCAST_MAX), 0);
	rig_run(&rig);
	assert_int_equal(rig.mcast_bytes, VSC_MCAST_MAX * 6);
	assert_memory_equal(rig.mcast, g, VSC_MCAST_MAX * 6);
	assert_int_equal(rig.filter, some);
	assert_int_equal(vsc_set_multicast(rig.v, NULL, 0), 0);
	rig_run(&rig);
	assert_int_equal(rig.mcast_bytes, 0);
	assert_int_equal(rig.filter, some);
	assert_int_equal(rig.failed, 0);
	vsc_detach(rig.v);
	assert_int_equal(vsc_set_multicast(rig.v, g, 1), E_STATE);
	rig_down(&rig);
}

/* Until the host has answered, all groups come. */
static void
test_multicast_late(void **state)
{
	const uint8_t g[1][6] = { { 1, 0, 0x5e, 0, 0, 9 } };

	rig_init(&rig, 0x60001);
	rig.cfg.filter = NDIS_FILTER_MULTICAST;
	rig.refuse = (uint32_t)OID_802_3_MULTICAST_LIST;
	rig_attach(&rig);
	/* its user has set none: the filter is as it is */
	assert_int_equal(rig.filter, NDIS_FILTER_MULTICAST);
	rig_down(&rig);
	rig_init(&rig, 0x60001);
	rig.cfg.filter = NDIS_FILTER_MULTICAST;
	rig.refuse = (uint32_t)OID_802_3_MULTICAST_LIST;
	rig.v = vsc_attach(&rig.cfg, &rig_ops, &rig, &rig.chan[0]);
	assert_int_equal(vsc_set_multicast(rig.v, g, 1), 0);
	rig_run(&rig);
	assert_int_equal(rig.filter, NDIS_FILTER_ALLMULTI);
	assert_int_equal(rig.failed, 0);
	rig_down(&rig);
}

static void
test_tunables(void **state)
{
	struct vsc_tunables t;

	vsc_tunables_default(&t);
	assert_int_equal(t.tso_maxlen, 65535);
	assert_int_equal(vsc_tunable_set(&t, "tx_agg_pkts", 4), 0);
	assert_int_equal(t.tx_agg_pkts, 4);
	assert_int_equal(vsc_tunable_set(&t, "tx_agg_pkts", 65), E_STATE);
	assert_int_equal(vsc_tunable_set(&t, "ring_pages", 1), E_STATE);
	assert_int_equal(vsc_tunable_set(&t, "tx_agg", 4), E_NOTSUP);
	assert_int_equal(t.tx_agg_pkts, 4);
	assert_int_equal(vsc_tx_counters_table.rows, 20);
	assert_int_equal(vsc_rx_counters_table.rows, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_subchannels),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_order_3_0),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_rescind),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_multicast),
		cmocka_unit_test(test_multicast_late),
		cmocka_unit_test(test_tunables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
