/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RNDIS control messages: golden bytes from the offsets of protocol.md
 * section 5, every truncation and flipped bit, each bad length and
 * information buffer.
 */
#include "wire_test.h"
#include "wire/rndis_msg.h"

static const uint8_t info[5] = { 0x61, 0x62, 0x63, 0x64, 0x65 };

struct sample {
	struct golden wire;
	struct rndis_msg msg;
};

#define MSG(t, ...)	{ .type = RNDIS_##t, __VA_ARGS__ }

static const struct sample samples[] = {
	{ { 24, { { 0, 4, 2 }, { 4, 4, 24 }, { 8, 4, 0x10000 }, { 12, 4, 1 },
	    { 16, 4, 0 }, { 20, 4, 0x4000 } } },
	    MSG(INIT, .init = { 0x10000, 1, 0, 0x4000 }) },
	{ { 52, { { 0, 4, 0x80000002 }, { 4, 4, 52 }, { 8, 4, 0x10000 },
	    { 12, 4, 0xc0010004 }, { 16, 4, 1 }, { 20, 4, 2 }, { 24, 4, 1 },
	    { 28, 4, 3 }, { 32, 4, 64 }, { 36, 4, 0xefffffff },
	    { 40, 4, 3 } } },
	    MSG(INIT_DONE, .init_done = { 0x10000, RNDIS_STATUS_BAD_VERSION,
	    1, 2, 1, 3, RNDIS_MAX_PACKETS, RNDIS_MAX_XFER,
	    RNDIS_ALIGN_SHIFT }) },
	{ { 12, { { 0, 4, 3 }, { 4, 4, 12 }, { 8, 4, 0x20000 } } },
	    MSG(HALT, .req_id = 0x20000) },
	{ { 28, { { 0, 4, 4 }, { 4, 4, 28 }, { 8, 4, 5 },
	    { 12, 4, 0x10107 }, { 16, 4, 0 }, { 20, 4, 20 } } },
	    MSG(QUERY, .query = { .req_id = 5, .oid = 0x10107 }) },
	{ { 33, { { 0, 4, 4 }, { 4, 4, 33 }, { 8, 4, 5 },
	    { 12, 4, 0xfc01020d }, { 16, 4, 5 }, { 20, 4, 20 },
	    { 28, 5, 0x61 } } },
	    MSG(QUERY, .query = { 5, 0xfc01020d, 0, { info, 5 } }) },
	{ { 28, { { 0, 4, 0x80000004 }, { 4, 4, 28 }, { 8, 4, 5 },
	    { 12, 4, 0 }, { 16, 4, 4 }, { 20, 4, 16 },
	    { 24, 4, 0x64636261 } } },
	    MSG(QUERY_DONE, .done = { 5, 0, { info, 4 } }) },
	{ { 32, { { 0, 4, 5 }, { 4, 4, 32 }, { 8, 4, 6 }, { 12, 4, 0x1010e },
	    { 16, 4, 4 }, { 20, 4, 20 }, { 24, 4, 9 },
	    { 28, 4, 0x64636261 } } },
	    MSG(SET, .query = { 6, 0x1010e, 9, { info, 4 } }) },
	{ { 16, { { 0, 4, 0x80000005 }, { 4, 4, 16 }, { 8, 4, 6 },
	    { 12, 4, 0xc00000bb } } },
	    MSG(SET_DONE, .done = { 6, RNDIS_STATUS_NOT_SUPPORTED, { 0 } }) },
	{ { 12, { { 0, 4, 6 }, { 4, 4, 12 } } }, MSG(RESET) },
	{ { 16, { { 0, 4, 0x80000006 }, { 4, 4, 16 }, { 8, 4, 0xc0000001 },
	    { 12, 4, 1 } } },
	    MSG(RESET_DONE, .reset_done = { RNDIS_STATUS_FAILURE, 1 }) },
	{ { 20, { { 0, 4, 7 }, { 4, 4, 20 }, { 8, 4, 0x4001000b },
	    { 12, 4, 0 }, { 16, 4, 12 } } },
	    MSG(INDICATE_STATUS, .status = { RNDIS_STATUS_MEDIA_CONNECT,
	    { 0 } }) },
	{ { 24, { { 0, 4, 7 }, { 4, 4, 24 }, { 8, 4, 0x40010018 },
	    { 12, 4, 4 }, { 16, 4, 12 }, { 20, 4, 0x64636261 } } },
	    MSG(INDICATE_STATUS, .status = { RNDIS_STATUS_NETWORK_CHANGE,
	    { info, 4 } }) },
	{ { 12, { { 0, 4, 8 }, { 4, 4, 12 }, { 8, 4, 0x30000 } } },
	    MSG(KEEPALIVE, .req_id = 0x30000) },
	{ { 16, { { 0, 4, 0x80000008 }, { 4, 4, 16 }, { 8, 4, 0x30000 },
	    { 12, 4, 0 } } }, MSG(KEEPALIVE_DONE, .done = { 0x30000, 0,
	    { 0 } }) },
};

/* What is decoded is also read, so that ASan sees where it lies. */
static volatile uint32_t touched;

static int
decode(struct span raw, enum fault *why)
{
	struct rndis_msg m;
	int rc = rndis_msg_decode(&m, raw, why);

	if (rc == 0 && m.type == RNDIS_QUERY_DONE)
		for (uint32_t i = 0; i < m.done.info.len; i++)
			touched += m.done.info.p[i];
	return rc;
}

static void
test_samples(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct golden *g = &samples[i].wire;
		const struct rndis_msg *m = &samples[i].msg;
		uint8_t want[64], got[64], *heap;
		struct rndis_msg back;
		enum fault why;

		print_message("# %s\n", rndis_msg_name(m->type));
		golden_put(g, want);
		memset(got, 0xa5, sizeof(got));
		assert_int_equal(rndis_msg_bytes(m), g->len);
		assert_int_equal(rndis_msg_encode(m, got, g->len - 1), 0);
		assert_int_equal(got[0], 0xa5);
		assert_int_equal(rndis_msg_encode(m, got, g->len), g->len);
		assert_memory_equal(got, want, g->len);

		heap = exact_copy(want, g->len);
		assert_int_equal(rndis_msg_decode(&back,
		    (struct span){ heap, g->len }, &why), 0);
		memset(got, 0xa5, sizeof(got));
		assert_int_equal(rndis_msg_encode(&back, got, 64), g->len);
		assert_memory_equal(got, want, g->len);
		free(heap);
		for (uint32_t n = 0; n < g->len; n++)
			assert_int_equal(decode_exact(decode, want, n, &why),
			    E_PEER);
		for (uint32_t bit = 0; bit < g->len * 8; bit++) {
			want[bit / 8] ^= (uint8_t)(1 << (bit & 7));
			(void)decode_exact(decode, want, g->len, &why);
			want[bit / 8] ^= (uint8_t)(1 << (bit & 7));
		}
	}
}

static enum fault
fault_of(const uint8_t *raw, uint32_t len)
{
	enum fault why;

	assert_int_equal(decode_exact(decode, raw, len, &why), E_PEER);
	return why;
}

static void
test_faults(void **state)
{
	const struct golden g = { 28, { { 0, 4, 0x80000004 }, { 4, 4, 28 },
	    { 8, 4, 5 }, { 16, 4, 4 }, { 20, 4, 16 }, { 24, 4, 1 } } };
	uint8_t raw[40] = { 0 };
	struct rndis_msg m;
	enum fault why;

	golden_put(&g, raw);
	assert_int_equal(fault_of(raw, 7), FAULT_RNDIS_SHORT);
	assert_int_equal(fault_of(raw, 23), FAULT_RNDIS_SHORT);
	assert_int_equal(fault_of(raw, 27), FAULT_RNDIS_LEN);
	field_put(raw, 4, 4, 23);
	assert_int_equal(fault_of(raw, 40), FAULT_RNDIS_LEN);
	field_put(raw, 4, 4, 41);
	assert_int_equal(fault_of(raw, 40), FAULT_RNDIS_LEN);
	field_put(raw, 4, 4, 0xffffffff);
	assert_int_equal(fault_of(raw, 40), FAULT_RNDIS_LEN);
	field_put(raw, 4, 4, 28);
	field_put(raw, 20, 4, 15);		/* inside the fixed part */
	assert_int_equal(fault_of(raw, 40), FAULT_RNDIS_INFO);
	field_put(raw, 20, 4, 17);		/* beyond the message */
	assert_int_equal(fault_of(raw, 40), FAULT_RNDIS_INFO);
	field_put(raw, 20, 4, 0xfffffffc);
	assert_int_equal(fault_of(raw, 40), FAULT_RNDIS_INFO);
	field_put(raw, 20, 4, 16);
	field_put(raw, 16, 4, 0xfffffff0);
	assert_int_equal(fault_of(raw, 40), FAULT_RNDIS_INFO);
	field_put(raw, 16, 4, 0);		/* empty: offset ignored */
	field_put(raw, 20, 4, 0x12345678);
	assert_int_equal(rndis_msg_decode(&m, (struct span){ raw, 40 }, &why),
	    0);
	assert_int_equal(m.done.info.len, 0);
	for (uint32_t t = 0; t < 12; t++) {
		field_put(raw, 0, 4, t);
		if (t == RNDIS_PACKET || t == 0 || t > RNDIS_KEEPALIVE)
			assert_int_equal(fault_of(raw, 40), FAULT_RNDIS_TYPE);
	}
	field_put(raw, 0, 4, 0x80000003);
	assert_int_equal(fault_of(raw, 40), FAULT_RNDIS_TYPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
