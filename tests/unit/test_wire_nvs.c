/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVSP messages: golden bytes from the offsets of protocol.md section 4 in
 * both message sizes, every truncation and flipped bit, and the send table
 * with the offset quirk of hosts before 6.1.
 */
#include "wire_test.h"
#include "wire/nvs_msg.h"

struct sample {
	uint32_t min;
	struct golden wire;
	struct nvs_msg msg;
};

#define MSG(t, ...)	{ .type = NVS_##t, __VA_ARGS__ }

static const struct sample samples[] = {
	{ 12, { 40, { { 0, 4, 1 }, { 4, 4, 0x60001 }, { 8, 4, 0x60001 } } },
	    MSG(INIT, .init = { NVS_V6_1, NVS_V6_1 }) },
	{ 16, { 40, { { 0, 4, 2 }, { 4, 4, 0xffffffff }, { 8, 4, 34 },
	    { 12, 4, 1 } } },
	    MSG(INIT_DONE, .init_done = { NVS_NO_VERSION, NVS_MAX_MDL,
	    NVS_STATUS_OK }) },
	{ 12, { 40, { { 0, 4, 100 }, { 4, 4, 6 }, { 8, 4, 30 } } },
	    MSG(NDIS_VERSION, .ndis_version = { 6, 30 }) },
	{ 10, { 40, { { 0, 4, 101 }, { 4, 4, 0xe1e10 }, { 8, 2, 0xcafe } } },
	    MSG(RECV_BUF, .buf = { 0xe1e10, NVS_RECV_BUF_ID }) },
	{ 28, { 40, { { 0, 4, 102 }, { 4, 4, 1 }, { 8, 4, 1 }, { 12, 4, 2 },
	    { 16, 4, 1728 }, { 20, 4, 18811 }, { 24, 4, 32505408 } } },
	    MSG(RECV_BUF_DONE, .recv_buf_done = { NVS_STATUS_OK, 1,
	    { 2, 1728, 18811, 32505408 } }) },
	{ 12, { 40, { { 0, 4, 102 }, { 4, 4, 2 } } },
	    MSG(RECV_BUF_DONE, .recv_buf_done = { .status =
	    NVS_STATUS_FAILED }) },
	{ 6, { 40, { { 0, 4, 103 }, { 4, 2, 0xcafe } } },
	    MSG(RECV_BUF_REVOKE, .revoke_id = 0xcafe) },
	{ 10, { 40, { { 0, 4, 104 }, { 4, 4, 0xe1e11 }, { 8, 2, 0xface } } },
	    MSG(SEND_BUF, .buf = { 0xe1e11, NVS_SEND_BUF_ID_BSD }) },
	{ 12, { 40, { { 0, 4, 105 }, { 4, 4, 1 }, { 8, 4, 6144 } } },
	    MSG(SEND_BUF_DONE, .send_buf_done = { NVS_STATUS_OK, 6144 }) },
	{ 6, { 40, { { 0, 4, 106 }, { 4, 2, 0xface } } },
	    MSG(SEND_BUF_REVOKE, .revoke_id = 0xface) },
	{ 16, { 40, { { 0, 4, 107 }, { 4, 4, 1 }, { 8, 4, 0xffffffff },
	    { 12, 4, 0x99 } } },
	    MSG(RNDIS, .rndis = { NVS_CHANNEL_CONTROL, NVS_SECTION_NONE,
	    0x99 }) },
	{ 8, { 40, { { 0, 4, 108 }, { 4, 4, 5 } } },
	    MSG(RNDIS_DONE, .rndis_status = NVS_STATUS_BAD_RNDIS) },
	{ 20, { 40, { { 0, 4, 125 }, { 4, 4, 1514 },
	    { 12, 4, 0x8c }, { 16, 4, 0x1 } } },
	    MSG(NDIS_CONFIG, .ndis_config = { 1514, 0x100000000 |
	    NVS_CAP_RSC | NVS_CAP_8021Q | NVS_CAP_SRIOV }) },
	{ 12, { 40, { { 0, 4, 128 }, { 4, 4, 1 }, { 8, 4, 7 } } },
	    MSG(VF_ASSOCIATION, .vf = { 1, 7 }) },
	{ 8, { 40, { { 0, 4, 129 }, { 4, 4, 1 } } },
	    MSG(DATAPATH, .datapath = NVS_DATAPATH_VF) },
	{ 12, { 40, { { 0, 4, 131 }, { 4, 4, 0x11 }, { 8, 4, 0x10203 } } },
	    MSG(OID_QUERY, .oid_query = { 0x11, 0x10203 }) },
	{ 12, { 40, { { 0, 4, 132 }, { 4, 4, 1 }, { 8, 4, 18 } } },
	    MSG(OID_QUERY_DONE, .oid_query_done = { 1, 18 }) },
	{ 12, { 40, { { 0, 4, 133 }, { 4, 4, 1 }, { 8, 4, 7 } } },
	    MSG(SUBCHAN, .subchan = { NVS_SUBCHAN_ALLOC, 7 }) },
	{ 12, { 40, { { 0, 4, 133 }, { 4, 4, 2 }, { 8, 4, 3 } } },
	    MSG(SUBCHAN, .subchan_done = { NVS_STATUS_FAILED, 3 }) },
};

static int
decode(struct span raw, enum fault *why)
{
	struct nvs_msg m;

	return nvs_msg_decode(&m, raw, NVS_V6_1, why);
}

static void
check(const struct golden *g, uint32_t min, const struct nvs_msg *m,
    uint32_t size)
{
	uint8_t want[NVS_MSG_BYTES_MAX], got[NVS_MSG_BYTES_MAX];
	const char *name = nvs_msg_name(m->type);
	struct nvs_msg back;
	enum fault why;

	print_message("# %s, %u bytes\n", name, size);
	golden_put(g, want);
	memset(got, 0xa5, sizeof(got));
	assert_int_equal(nvs_msg_encode(m, size, got), size);
	assert_memory_equal(got, want, size);
	memset(&back, 0xa5, sizeof(back));
	assert_int_equal(nvs_msg_decode(&back, (struct span){ want, size },
	    NVS_V6_1, &why), 0);
	assert_int_equal(back.type, m->type);
	memset(got, 0xa5, sizeof(got));
	assert_int_equal(nvs_msg_encode(&back, size, got), size);
	assert_memory_equal(got, want, size);
	decode_hurt(decode, name, want, size, min, FAULT_NVS_SHORT);
}

static void
test_samples(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		check(&samples[i].wire, samples[i].min, &samples[i].msg,
		    NVS_MSG_BYTES_6_1);
		check(&samples[i].wire, samples[i].min, &samples[i].msg,
		    NVS_MSG_BYTES_5);
	}
}

static void
test_unknown_types(void **state)
{
	static const uint32_t types[] = { 0, 3, 99, 109, 124, 126, 127, 130,
	    135, 136, 137, 0x10001, 0x80000001 };
	uint8_t raw[40] = { 0 };
	struct nvs_msg m;
	enum fault why;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		field_put(raw, 0, 4, types[i]);
		assert_int_equal(nvs_msg_decode(&m, (struct span){ raw, 40 },
		    NVS_V6_1, &why), E_PEER);
		assert_int_equal(why, FAULT_NVS_TYPE);
		assert_string_equal(nvs_msg_name(types[i]), "?");
	}
}

static struct nvs_msg
table_msg(void)
{
	struct nvs_msg m = MSG(SEND_TABLE);

	for (uint32_t i = 0; i < NVS_SEND_TABLE_ENTRIES; i++)
		m.send_table.entry[i] = 100 + i;
	m.send_table.count = NVS_SEND_TABLE_ENTRIES;
	return m;
}

/* Write message 134 by its offsets: entries 100, 101... at table_at. */
static void
table_raw(uint8_t *raw, uint32_t len, uint32_t says, uint32_t table_at)
{
	memset(raw, 0, len);
	field_put(raw, 0, 4, 134);
	field_put(raw, 4, 4, 16);
	field_put(raw, 8, 4, says);
	for (uint32_t i = 0; i < 16; i++)
		field_put(raw, table_at + 4 * i, 4, 100 + i);
}

static uint32_t
table_first(const uint8_t *raw, uint32_t len, uint32_t version)
{
	struct nvs_msg m;
	enum fault why;
	uint8_t *heap = exact_copy(raw, len);

	assert_int_equal(nvs_msg_decode(&m, (struct span){ heap, len },
	    version, &why), 0);
	free(heap);
	assert_int_equal(m.send_table.count, 16);
	for (uint32_t i = 1; i < 16 && m.send_table.entry[0] == 100; i++)
		assert_int_equal(m.send_table.entry[i], 100 + i);
	return m.send_table.entry[0];
}

static int
table_fault(const uint8_t *raw, uint32_t len, uint32_t version)
{
	struct nvs_msg m;
	enum fault why = FAULT_NONE;
	uint8_t *heap = exact_copy(raw, len);
	int rc = nvs_msg_decode(&m, (struct span){ heap, len }, version, &why);

	free(heap);
	assert_int_equal(rc, E_PEER);
	return (int)why;
}

static void
test_send_table(void **state)
{
	struct nvs_msg m = table_msg();
	uint8_t want[NVS_MSG_BYTES_MAX], got[NVS_MSG_BYTES_MAX];

	table_raw(want, 104, 40, 40);
	assert_int_equal(nvs_msg_encode(&m, 40, got), 104);
	assert_memory_equal(got, want, 104);
	assert_int_equal(table_first(want, 104, NVS_V6_1), 100);
	assert_int_equal(table_first(want, 104, NVS_V5), 100);
	table_raw(want, 92, 28, 28);
	assert_int_equal(nvs_msg_encode(&m, 28, got), 92);
	assert_memory_equal(got, want, 92);
	assert_int_equal(table_first(want, 92, NVS_V6_1), 100);
	assert_int_equal(table_first(want, 92, NVS_V5), 100);
	/* the ring pads to 96: still too short for the quirk */
	want[92] = want[93] = want[94] = want[95] = 0;
	assert_int_equal(table_first(want, 96, NVS_V5), 100);

	/* NVS_QUIRK_TABLE_OFFSET: says 12, is at 40 */
	table_raw(want, 104, 12, 40);
	assert_int_equal(table_first(want, 104, NVS_V5), 100);
	assert_int_equal(table_first(want, 104, NVS_V6), 100);
	assert_int_equal(table_first(want, 104, NVS_V6_1), 0);

	for (uint32_t len = 12; len < 104; len++) {
		table_raw(want, 104, 40, 40);
		assert_int_equal(table_fault(want, len, NVS_V6_1),
		    FAULT_NVS_BUFFER);
	}
	for (uint32_t len = 0; len < 12; len++)
		assert_int_equal(table_fault(want, len, NVS_V6_1),
		    FAULT_NVS_SHORT);
	field_put(want, 8, 4, 8);		/* inside the header */
	assert_int_equal(table_fault(want, 104, NVS_V6_1), FAULT_NVS_BUFFER);
	field_put(want, 8, 4, 41);
	assert_int_equal(table_fault(want, 104, NVS_V6_1), FAULT_NVS_BUFFER);
	field_put(want, 8, 4, 0xffffffff);
	assert_int_equal(table_fault(want, 104, NVS_V6_1), FAULT_NVS_BUFFER);
	field_put(want, 8, 4, 40);
	field_put(want, 4, 4, 15);
	assert_int_equal(table_fault(want, 104, NVS_V6_1), FAULT_NVS_BUFFER);
	field_put(want, 4, 4, 0x40000010);	/* 4 * count wraps to 64 */
	assert_int_equal(table_fault(want, 104, NVS_V6_1), FAULT_NVS_BUFFER);
}

static void
test_rndis_get(void **state)
{
	uint8_t raw[40] = { 107 };
	struct nvs_rndis r;

	field_put(raw, 4, 4, 1);
	field_put(raw, 8, 4, 2);
	field_put(raw, 12, 4, 3);
	assert_true(nvs_rndis_get(&r, (struct span){ raw, 16 }));
	assert_int_equal(r.channel, 1);
	assert_int_equal(r.section, 2);
	assert_int_equal(r.section_bytes, 3);
	assert_false(nvs_rndis_get(&r, (struct span){ raw, 15 }));
	raw[0] = 108;
	assert_false(nvs_rndis_get(&r, (struct span){ raw, 40 }));
}

static void
test_versions(void **state)
{
	static const uint32_t want[] = { 0x60001, 0x60000, 0x50000, 0x40000,
	    0x30002, 0x00002 };

	assert_int_equal(ARRAY_LEN(want), NVS_VERSIONS);
	for (size_t i = 0; i < NVS_VERSIONS; i++) {
		assert_int_equal(nvs_versions[i], want[i]);
		assert_true(nvs_version_known(want[i]));
	}
	assert_false(nvs_version_known(0));
	assert_false(nvs_version_known(0x60002));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_send_table),
		cmocka_unit_test(test_rndis_get),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
