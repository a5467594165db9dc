/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transcript lines, word for word; malformed messages; and the promise that a
 * line is cut, terminated and never written past its buffer.
 */
#include "wire_test.h"
#include "wire/ndis_obj.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_pkt.h"
#include "wire/vmbus_msg.h"
#include "wire/wire_print.h"

static char line[WIRE_PRINT_MAX];

static const char *
vmbus_line(const struct vmbus_msg *m)
{
	uint8_t raw[VMBUS_MSG_MAX];
	uint32_t n = vmbus_msg_encode(m, raw);
	int len = vmbus_msg_print(line, sizeof(line), (struct span){ raw, n });

	assert_int_equal(len, strlen(line));
	return line;
}

static const char *
nvs_line(const struct nvs_msg *m, bool done)
{
	uint8_t raw[NVS_MSG_BYTES_MAX];
	uint32_t n = nvs_msg_encode(m, NVS_MSG_BYTES_6_1, raw);
	int len = nvs_msg_print(line, sizeof(line), (struct span){ raw, n },
	    NVS_V6_1, done);

	assert_int_equal(len, strlen(line));
	return line;
}

static const char *
rndis_line(const struct rndis_msg *m, uint32_t oid)
{
	uint8_t raw[1024];
	uint32_t n = rndis_msg_encode(m, raw, sizeof(raw));
	int len = rndis_msg_print(line, sizeof(line), (struct span){ raw, n },
	    oid);

	assert_int_equal(len, strlen(line));
	return line;
}

static void
test_vmbus(void **state)
{
	struct vmbus_msg m = { .type = VMBUS_OFFER_CHANNEL, .offer = {
	    .if_type = hv_guid_nic, .relid = 3, .conn_id = 0x2003,
	    .flags = 0x41, .subchan = 1, .monitor_id = 5,
	    .monitor_allocated = true, .dedicated_interrupt = true } };

	assert_string_equal(vmbus_line(&m), "OFFER_CHANNEL relid=3 type=nic "
	    "instance=00000000-0000-0000-0000-000000000000 subchan=1 "
	    "conn=0x2003 monitor=5 dedicated=1 flags=enumerate|0x40");
	m = (struct vmbus_msg){ .type = VMBUS_INITIATE_CONTACT, .contact = {
	    .version = VMBUS_V6_0, .sint = 2, .features = 9,
	    .monitor_to_guest = 0x3000, .monitor_to_host = 0x4000,
	    .has_client_id = true, .client_id = hv_guid_nic } };
	assert_string_equal(vmbus_line(&m), "INITIATE_CONTACT version=6.0 "
	    "vp=0 sint=2 vtl=0 features=guest_signal|client_id "
	    "monitor_to_guest=0x3000 monitor_to_host=0x4000 "
	    "client=f8615163-df3e-46c5-913f-f2d2f965ed0e");
	m.contact.version = VMBUS_V0_13;
	m.contact.interrupt_gpa = 0x7000;
	m.contact.has_client_id = false;
	assert_string_equal(vmbus_line(&m), "INITIATE_CONTACT version=0.13 "
	    "vp=0 interrupt_page=0x7000 "
	    "monitor_to_guest=0x3000 monitor_to_host=0x4000");
	m = (struct vmbus_msg){ .type = VMBUS_OPEN_CHANNEL, .open = {
	    .relid = 3, .open_id = 3, .ring_gpadl = 0xe1e10,
	    .target_vp = VMBUS_VP_INTERRUPTS_OFF, .downstream_pages = 128 } };
	assert_string_equal(vmbus_line(&m), "OPEN_CHANNEL relid=3 open_id=3 "
	    "gpadl=0xe1e10 vp=none downstream_pages=128");
	m = (struct vmbus_msg){ .type = VMBUS_OPEN_RESULT,
	    .open_result = { 3, 3, VMBUS_STATUS_REFUSED } };
	assert_string_equal(vmbus_line(&m),
	    "OPEN_RESULT relid=3 open_id=3 status=refused");
	m = (struct vmbus_msg){ .type = VMBUS_GPADL_TORNDOWN,
	    .gpadl = { 0, 0xe1e10, 0 } };
	assert_string_equal(vmbus_line(&m), "GPADL_TORNDOWN gpadl=0xe1e10");
	m = (struct vmbus_msg){ .type = VMBUS_UNLOAD };
	assert_string_equal(vmbus_line(&m), "UNLOAD");
}

/* Every type prints its name first. */
static void
test_vmbus_names(void **state)
{
	uint8_t raw[VMBUS_MSG_MAX] = { 0 };

	for (uint32_t t = 1; t < VMBUS_MSG_TYPES; t++) {
		const char *name = vmbus_msg_name(t);

		field_put(raw, 0, 4, t);
		vmbus_msg_print(line, sizeof(line),
		    (struct span){ raw, sizeof(raw) });
		assert_memory_equal(line, name, strlen(name));
	}
}

static void
test_nvs(void **state)
{
	struct nvs_msg m = { .type = NVS_INIT,
	    .init = { NVS_V6_1, NVS_V6_1 } };

	assert_string_equal(nvs_line(&m, false), "INIT version=6.1");
	m = (struct nvs_msg){ .type = NVS_INIT_DONE,
	    .init_done = { NVS_NO_VERSION, 34, 1 } };
	assert_string_equal(nvs_line(&m, true),
	    "INIT_DONE (completion) status=ok version=none max_mdl=34");
	m = (struct nvs_msg){ .type = NVS_NDIS_CONFIG,
	    .ndis_config = { 1514, NVS_CAP_RSC | NVS_CAP_8021Q } };
	assert_string_equal(nvs_line(&m, false),
	    "NDIS_CONFIG mtu=1514 caps=8021q|rsc");
	m = (struct nvs_msg){ .type = NVS_RNDIS,
	    .rndis = { 1, NVS_SECTION_NONE, 0 } };
	assert_string_equal(nvs_line(&m, false),
	    "RNDIS channel=control section=none");
	m.rndis = (struct nvs_rndis){ 0, 12, 345 };
	assert_string_equal(nvs_line(&m, false),
	    "RNDIS channel=data section=12 bytes=345");
	m = (struct nvs_msg){ .type = NVS_SUBCHAN, .subchan = { 1, 7 } };
	assert_string_equal(nvs_line(&m, false), "SUBCHAN op=1 count=7");
	assert_string_equal(nvs_line(&m, true),
	    "SUBCHAN (completion) status=ok count=7");
	m = (struct nvs_msg){ .type = NVS_SEND_TABLE };
	for (uint32_t i = 0; i < 16; i++)
		m.send_table.entry[i] = i % 3;
	assert_string_equal(nvs_line(&m, false), "SEND_TABLE count=16 "
	    "channels=0,1,2,0,1,2,0,1,2,0,1,2,0,1,2,0");
}

static void
test_rndis(void **state)
{
	uint8_t obj[NDIS_RSS_PARAMS_MAX];
	struct ndis_offload_params p = { .rev = 3, .ip4_csum = 4,
	    .tcp4_csum = 3, .lso4 = 2, .rsc4 = 1 };
	struct ndis_rss_params rss = { .rev = 2, .flags = NDIS_RSS_F_KEY_SAME,
	    .hash_info = NDIS_HASH_FUNC_TOEPLITZ | NDIS_HASH_TCP4,
	    .entries = 4, .entry = { 0, 1, 2, 3 } };
	static const uint8_t mac[6] = { 0, 0x15, 0x5d, 1, 2, 3 };
	static const uint8_t filter[4] = { 0x0d, 0, 0, 0 };
	struct rndis_msg m = { .type = RNDIS_QUERY, .query = { .req_id = 5,
	    .oid = 0x10107 } };

	assert_string_equal(rndis_line(&m, 0),
	    "QUERY id=0x5 oid=GEN_LINK_SPEED");
	m.query.oid = 0x99;
	assert_string_equal(rndis_line(&m, 0), "QUERY id=0x5 oid=0x99");
	m = (struct rndis_msg){ .type = RNDIS_SET, .query = { 6, 0x1010e, 0,
	    { filter, 4 } } };
	assert_string_equal(rndis_line(&m, 0), "SET id=0x6 "
	    "oid=GEN_CURRENT_PACKET_FILTER filter=directed|allmulti|broadcast");
	m.query.oid = 0xfc01020c;
	m.query.info = (struct span){ obj,
	    ndis_offload_params_encode(&p, obj) };
	assert_string_equal(rndis_line(&m, 0), "SET id=0x6 "
	    "oid=TCP_OFFLOAD_PARAMETERS rev=3 ip4=both tcp4=rx "
	    "udp4=nochange tcp6=nochange udp6=nochange lso4=on lso6=nochange "
	    "rsc4=off rsc6=nochange");
	m.query.info.len = 10;
	assert_string_equal(rndis_line(&m, 0), "SET id=0x6 "
	    "oid=TCP_OFFLOAD_PARAMETERS malformed: OID_OBJECT bytes=10 "
	    "data=80031c00040300000000");
	m.query.oid = 0x10204;
	m.query.info = (struct span){ obj, ndis_rss_params_encode(&rss, obj) };
	assert_string_equal(rndis_line(&m, 0), "SET id=0x6 "
	    "oid=GEN_RSS_PARAMETERS rev=2 flags=key_same "
	    "hash=toeplitz|tcp4 entries=4 table=0,1,2,3");
	m.query.oid = 0x1021b;
	m.query.info = (struct span){ obj, ndis_config_mac_encode(mac, obj) };
	assert_string_equal(rndis_line(&m, 0), "SET id=0x6 "
	    "oid=GEN_RNDIS_CONFIG_PARAMETER name=\"NetworkAddress\" "
	    "value=\"00155d010203\"");
	m = (struct rndis_msg){ .type = RNDIS_QUERY_DONE,
	    .done = { 7, 0, { mac, 6 } } };
	assert_string_equal(rndis_line(&m, 0x01010101), "QUERY_DONE id=0x7 "
	    "status=OK oid=802_3_PERMANENT_ADDRESS mac=00:15:5d:01:02:03");
	assert_string_equal(rndis_line(&m, 0), "QUERY_DONE id=0x7 status=OK "
	    "bytes=6 data=00155d010203");
	m = (struct rndis_msg){ .type = RNDIS_SET_DONE,
	    .done = { 6, 0xc0000099, { 0 } } };
	assert_string_equal(rndis_line(&m, 0),
	    "SET_DONE id=0x6 status=0xc0000099");
	m = (struct rndis_msg){ .type = RNDIS_INDICATE_STATUS,
	    .status = { RNDIS_STATUS_MEDIA_DISCONNECT, { 0 } } };
	assert_string_equal(rndis_line(&m, 0),
	    "INDICATE_STATUS status=MEDIA_DISCONNECT");
}

static void
test_packet(void **state)
{
	struct rndis_ppi_set s = { .present = RNDIS_HAS_LSO | RNDIS_HAS_VLAN,
	    .lso = rndis_lso_put(1460, 34, false),
	    .vlan = rndis_vlan_from_tci(100) };
	uint8_t raw[RNDIS_PACKET_HDR_MAX];
	uint32_t n = rndis_packet_put_header(raw, sizeof(raw), &s, 0);

	rndis_msg_print(line, sizeof(line), (struct span){ raw, n }, 0);
	assert_string_equal(line, "PACKET len=76 data_off=76 data_len=0 "
	    "lso_mss=1460 lso_l4=34 vlan=100");
}

static void
test_malformed(void **state)
{
	static const uint8_t raw[8] = { 5 };

	vmbus_msg_print(line, sizeof(line), (struct span){ raw, 8 });
	assert_string_equal(line, "malformed: VMBUS_SHORT type=0x5 len=8");
	vmbus_msg_print(line, sizeof(line), (struct span){ raw, 3 });
	assert_string_equal(line, "malformed: VMBUS_SHORT len=3");
	nvs_msg_print(line, sizeof(line), (struct span){ raw, 8 }, 0, false);
	assert_string_equal(line, "malformed: NVS_TYPE type=0x5 len=8");
	rndis_msg_print(line, sizeof(line), (struct span){ raw, 8 }, 0);
	assert_string_equal(line, "malformed: RNDIS_SHORT type=0x5 len=8");
}

/* Cut at every size, in a buffer of exactly that size. */
static void
test_cut(void **state)
{
	struct vmbus_msg m = { .type = VMBUS_CLOSE_CHANNEL, .relid = 123456 };
	static const char want[] = "CLOSE_CHANNEL relid=123456";
	uint8_t raw[VMBUS_MSG_MAX];
	struct span s = { raw, vmbus_msg_encode(&m, raw) };

	assert_int_equal(vmbus_msg_print(NULL, 0, s), 0);
	for (size_t cap = 1; cap < sizeof(want) + 4; cap++) {
		char *buf = malloc(cap);
		size_t n = cap - 1 < sizeof(want) - 1 ? cap - 1 :
		    sizeof(want) - 1;

		memset(buf, 'x', cap);
		assert_int_equal(vmbus_msg_print(buf, cap, s), n);
		assert_memory_equal(buf, want, n);
		assert_int_equal(buf[n], '\0');
		free(buf);
	}
}

/* Whatever the bytes are, a line comes out of printable characters. */
static void
test_random(void **state)
{
	static const uint32_t oids[] = { 0, 0x10107, 0x1010e, 0x10114,
	    0x10203, 0x10204, 0x1021b, 0x01010103, 0xfc01020c, 0xfc01020d };
	uint64_t seed = 0x853c49e6748fea9b;

	for (int round = 0; round < 30000; round++) {
		uint32_t n = (uint32_t)(next_random(&seed) % 240);
		uint8_t *raw = malloc(n);
		struct span s = { raw, n };
		uint32_t oid = oids[next_random(&seed) % ARRAY_LEN(oids)];

		for (uint32_t i = 0; i < n; i++)
			raw[i] = (uint8_t)(next_random(&seed) % 3 != 0 ? 0 :
			    next_random(&seed));
		if (n >= 4)
			raw[0] = (uint8_t)(next_random(&seed) % 140);
		if (n >= 8 && round % 3 == 2) {
			field_put(raw, 0, 4, next_random(&seed) % 2 != 0 ?
			    5 : 0x80000004);
			field_put(raw, 4, 4, n);
			if (n >= 28) {
				field_put(raw, 12, 4, oid);
				field_put(raw, 16, 4, n - 28);
				field_put(raw, 20, 4, 20);
			}
		}
		switch (round % 3) {
		case 0:
			vmbus_msg_print(line, sizeof(line), s);
			break;
		case 1:
			nvs_msg_print(line, sizeof(line), s, 0, round & 1);
			break;
		default:
			rndis_msg_print(line, sizeof(line), s, oid);
			break;
		}
		assert_int_not_equal(line[0], '\0');
		for (const char *c = line; *c != '\0'; c++)
			assert_in_range(*c, 0x20, 0x7e);
		free(raw);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vmbus),
		cmocka_unit_test(test_vmbus_names),
		cmocka_unit_test(test_nvs),
		cmocka_unit_test(test_rndis),
		cmocka_unit_test(test_packet),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
