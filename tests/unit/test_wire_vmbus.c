/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus control messages: each type's golden bytes from the offsets of
 * protocol.md section 2, encode and decode against them, every truncation and
 * every flipped bit.
 */
#include "wire_test.h"
#include "wire/vmbus_msg.h"

static struct hv_guid
guid_run(uint8_t v)
{
	struct hv_guid g;

	run_put(g.b, 16, v);
	return g;
}

struct sample {
	const char *name;
	uint32_t min;		/* least length that decodes */
	struct golden wire;
	struct vmbus_msg msg;
};

#define MSG(t, ...)	{ .type = VMBUS_##t, __VA_ARGS__ }

static const struct sample samples[] = {
	{ "rescind", 12, { 12, { { 0, 4, 2 }, { 8, 4, 0x11223344 } } },
	    MSG(RESCIND_OFFER, .relid = 0x11223344) },
	{ "request", 8, { 8, { { 0, 4, 3 } } }, MSG(REQUEST_OFFERS) },
	{ "delivered", 8, { 8, { { 0, 4, 4 } } }, MSG(ALL_OFFERS_DELIVERED) },
	{ "result", 20, { 20, { { 0, 4, 6 }, { 8, 4, 7 }, { 12, 4, 8 },
	    { 16, 4, 0xc0000236 } } },
	    MSG(OPEN_RESULT, .open_result = { 7, 8, VMBUS_STATUS_REFUSED }) },
	{ "close", 12, { 12, { { 0, 4, 7 }, { 8, 4, 9 } } },
	    MSG(CLOSE_CHANNEL, .relid = 9) },
	{ "created", 20, { 20, { { 0, 4, 10 }, { 8, 4, 3 },
	    { 12, 4, 0xe1e10 }, { 16, 4, 0x8000ffff } } },
	    MSG(GPADL_CREATED, .gpadl = { 3, 0xe1e10, VMBUS_STATUS_FAILED }) },
	{ "teardown", 16, { 16, { { 0, 4, 11 }, { 8, 4, 3 },
	    { 12, 4, 0xe1e11 } } },
	    MSG(GPADL_TEARDOWN, .gpadl = { 3, 0xe1e11, 0 }) },
	{ "torndown", 12, { 12, { { 0, 4, 12 }, { 8, 4, 0xe1e12 } } },
	    MSG(GPADL_TORNDOWN, .gpadl = { 0, 0xe1e12, 0 }) },
	{ "released", 12, { 12, { { 0, 4, 13 }, { 8, 4, 5 } } },
	    MSG(RELID_RELEASED, .relid = 5) },
	{ "contact_2_4", 40, { 40, { { 0, 4, 14 }, { 8, 4, 0x20004 },
	    { 12, 4, 1 }, { 16, 8, 0x123456789000 },
	    { 24, 8, 0x1111111111000 }, { 32, 8, 0x2222222222000 } } },
	    MSG(INITIATE_CONTACT, .contact = { .version = VMBUS_V2_4,
	    .target_vp = 1, .interrupt_gpa = 0x123456789000,
	    .monitor_to_guest = 0x1111111111000,
	    .monitor_to_host = 0x2222222222000 }) },
	{ "contact_5_3", 40, { 40, { { 0, 4, 14 }, { 8, 4, 0x50003 },
	    { 12, 4, 6 }, { 16, 1, 2 }, { 17, 1, 1 } } },
	    MSG(INITIATE_CONTACT, .contact = { .version = VMBUS_V5_3,
	    .target_vp = 6, .sint = 2, .vtl = 1 }) },
	{ "version", 16, { 16, { { 0, 4, 15 }, { 8, 1, 1 }, { 9, 1, 2 },
	    { 12, 4, 0x50002 } } },
	    MSG(VERSION_RESPONSE, .version = { .supported = true,
	    .state = VMBUS_CONN_FAILED, .selected = 0x50002 }) },
	{ "version_6", 16, { 20, { { 0, 4, 15 }, { 8, 1, 1 },
	    { 12, 4, 0x777 }, { 16, 4, 0x21 } } },
	    MSG(VERSION_RESPONSE, .version = { .supported = true,
	    .selected = 0x777, .has_features = true, .features = 0x21 }) },
	{ "version_6_monitor", 16, { 40, { { 0, 4, 15 }, { 8, 1, 1 },
	    { 12, 4, 0x778 }, { 16, 4, 0x40 }, { 24, 8, 0xaaaa000 },
	    { 32, 8, 0xbbbb000 } } },
	    MSG(VERSION_RESPONSE, .version = { .supported = true,
	    .selected = 0x778, .has_features = true, .features = 0x40,
	    .has_monitor = true, .monitor_to_guest = 0xaaaa000,
	    .monitor_to_host = 0xbbbb000 }) },
	{ "unload", 8, { 8, { { 0, 4, 16 } } }, MSG(UNLOAD) },
	{ "unloaded", 8, { 8, { { 0, 4, 17 } } }, MSG(UNLOAD_COMPLETE) },
	{ "open_reserved", 28, { 28, { { 0, 4, 18 }, { 8, 4, 1 },
	    { 12, 4, 2 }, { 16, 4, 3 }, { 20, 4, 4 }, { 24, 4, 5 } } },
	    MSG(OPEN_RESERVED, .reserved = { 1, 2, 3, 4, 5 }) },
	{ "close_reserved", 20, { 20, { { 0, 4, 19 }, { 8, 4, 1 },
	    { 12, 4, 2 }, { 16, 4, 3 } } },
	    MSG(CLOSE_RESERVED, .reserved = { 1, 2, 3, 0, 0 }) },
	{ "close_reserved_response", 12, { 12, { { 0, 4, 20 },
	    { 8, 4, 77 } } }, MSG(CLOSE_RESERVED_RESPONSE, .relid = 77) },
	{ "modify", 16, { 16, { { 0, 4, 22 }, { 8, 4, 4 }, { 12, 4, 63 } } },
	    MSG(MODIFY_CHANNEL, .modify = { 4, 63 }) },
	{ "modified", 16, { 16, { { 0, 4, 24 }, { 8, 4, 4 },
	    { 12, 4, 0x8000ffff } } },
	    MSG(MODIFY_CHANNEL_RESPONSE, .modify_result = { 4, 0x8000ffff }) },
	{ "modify_connection", 24, { 24, { { 0, 4, 25 }, { 8, 8, 0x5000 },
	    { 16, 8, 0x6000 } } },
	    MSG(MODIFY_CONNECTION, .monitor = { 0x5000, 0x6000 }) },
	{ "modified_connection", 9, { 9, { { 0, 4, 26 }, { 8, 1, 1 } } },
	    MSG(MODIFY_CONNECTION_RESPONSE, .conn_state = 1) },
	{ "pause", 8, { 8, { { 0, 4, 27 } } }, MSG(PAUSE) },
	{ "paused", 8, { 8, { { 0, 4, 28 } } }, MSG(PAUSE_RESPONSE) },
	{ "resume", 8, { 8, { { 0, 4, 29 } } }, MSG(RESUME) },
};

static int
decode(struct span raw, enum fault *why)
{
	struct vmbus_msg m;

	return vmbus_msg_decode(&m, raw, why);
}

/* encode(msg) is the golden bytes, and encode(decode(golden)) too. */
static void
check(const char *name, const struct golden *g, uint32_t min,
    const struct vmbus_msg *m)
{
	uint8_t want[VMBUS_MSG_MAX], got[VMBUS_MSG_MAX];
	struct vmbus_msg back;
	enum fault why;
	uint8_t *heap;

	print_message("# %s\n", name);
	golden_put(g, want);
	memset(got, 0xa5, sizeof(got));
	assert_int_equal(vmbus_msg_encode(m, got), g->len);
	assert_memory_equal(got, want, g->len);
	for (uint32_t i = g->len; i < VMBUS_MSG_MAX; i++)
		assert_int_equal(got[i], 0);

	heap = exact_copy(want, g->len);
	memset(&back, 0xa5, sizeof(back));
	assert_int_equal(vmbus_msg_decode(&back, (struct span){ heap, g->len },
	    &why), 0);
	assert_int_equal(back.type, m->type);
	memset(got, 0xa5, sizeof(got));
	assert_int_equal(vmbus_msg_encode(&back, got), g->len);
	assert_memory_equal(got, want, g->len);
	free(heap);
	decode_hurt(decode, name, want, g->len, min, FAULT_VMBUS_SHORT);
}

static void
test_samples(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		check(samples[i].name, &samples[i].wire, samples[i].min,
		    &samples[i].msg);
}

static void
test_offer(void **state)
{
	const struct golden g = { 196, { { 0, 4, 1 }, { 8, 16, 0x10 },
	    { 24, 16, 0x30 }, { 56, 2, 0x2001 }, { 58, 2, 0x80 },
	    { 60, 120, 0x40 }, { 180, 2, 3 }, { 182, 2, 0x81 },
	    { 184, 4, 0x55 }, { 188, 1, 7 }, { 189, 1, 1 }, { 190, 2, 1 },
	    { 192, 4, 0x2055 } } };
	struct vmbus_msg m = MSG(OFFER_CHANNEL, .offer = {
	    .flags = VMBUS_OFFER_ENUMERATE | VMBUS_OFFER_TLNPI,
	    .mmio_mb = 0x80, .mmio_optional_mb = 0x81, .subchan = 3,
	    .relid = 0x55, .monitor_id = 7, .monitor_allocated = true,
	    .dedicated_interrupt = true, .conn_id = 0x2055 });

	m.offer.if_type = guid_run(0x10);
	m.offer.instance = guid_run(0x30);
	run_put(m.offer.user, 120, 0x40);
	check("offer", &g, 196, &m);
}

static void
test_open(void **state)
{
	struct golden g = { 148, { { 0, 4, 5 }, { 8, 4, 2 }, { 12, 4, 3 },
	    { 16, 4, 0xe1e10 }, { 20, 4, 0xffffffff }, { 24, 4, 128 },
	    { 28, 120, 0x20 } } };
	struct vmbus_msg m = MSG(OPEN_CHANNEL, .open = { .relid = 2,
	    .open_id = 3, .ring_gpadl = 0xe1e10,
	    .target_vp = VMBUS_VP_INTERRUPTS_OFF, .downstream_pages = 128 });

	run_put(m.open.user, 120, 0x20);
	check("open", &g, 148, &m);
	g.len = 156;
	g.f[7] = (struct field_at){ 148, 4, 0x1234 };
	g.f[8] = (struct field_at){ 152, 2, 99 };
	g.f[9] = (struct field_at){ 154, 2, 1 };
	m.open.extended = true;
	m.open.conn_id = 0x1234;
	m.open.event_flag = 99;
	m.open.flags = VMBUS_OPEN_REDIRECT;
	check("open_extended", &g, 148, &m);
}

static void
test_contact_6_0(void **state)
{
	const struct golden g = { 56, { { 0, 4, 14 }, { 8, 4, 0x60000 },
	    { 12, 4, 3 }, { 16, 1, 2 }, { 20, 4, 0x2f }, { 24, 8, 0x3000 },
	    { 32, 8, 0x4000 }, { 40, 16, 0x70 } } };
	struct vmbus_msg m = MSG(INITIATE_CONTACT, .contact = {
	    .version = VMBUS_V6_0, .target_vp = 3, .sint = 2,
	    .features = 0x2f, .monitor_to_guest = 0x3000,
	    .monitor_to_host = 0x4000, .has_client_id = true });

	m.contact.client_id = guid_run(0x70);
	check("contact_6_0", &g, 40, &m);
}

/* What the field at 16 means is a matter of the version (protocol.md 14). */
static void
test_contact_union(void **state)
{
	uint8_t raw[40] = { 14 };
	struct vmbus_msg m;
	enum fault why;

	field_put(raw, 16, 8, 0x0000002f00000102);
	for (size_t i = 0; i < VMBUS_VERSIONS; i++) {
		uint32_t v = vmbus_versions[i];

		field_put(raw, 8, 4, v);
		assert_int_equal(vmbus_msg_decode(&m, (struct span){ raw, 40 },
		    &why), 0);
		assert_int_equal(m.contact.version, v);
		if (v < VMBUS_V5_0) {
			assert_int_equal(m.contact.interrupt_gpa,
			    0x0000002f00000102);
			assert_int_equal(m.contact.sint, 2);
			assert_int_equal(m.contact.vtl, 0);
		} else {
			assert_int_equal(m.contact.interrupt_gpa, 0);
			assert_int_equal(m.contact.sint, 2);
			assert_int_equal(m.contact.vtl, 1);
		}
		assert_int_equal(m.contact.features,
		    v >= VMBUS_V6_0 ? 0x2f : 0);
	}
}

static void
test_tl_connect(void **state)
{
	struct golden g = { 40, { { 0, 4, 21 }, { 8, 16, 1 },
	    { 24, 16, 0x21 } } };
	struct golden r = { 44, { { 0, 4, 23 }, { 8, 16, 1 },
	    { 24, 16, 0x21 }, { 40, 4, 0xc0000236 } } };
	struct vmbus_msg m = MSG(TL_CONNECT);
	struct vmbus_msg done = MSG(TL_CONNECT_RESULT);

	m.tl_connect.endpoint = guid_run(1);
	m.tl_connect.service = guid_run(0x21);
	check("tl_connect", &g, 40, &m);
	g.len = 56;
	g.f[3] = (struct field_at){ 40, 16, 0x41 };
	m.tl_connect.has_silo = true;
	m.tl_connect.silo = guid_run(0x41);
	check("tl_connect_silo", &g, 40, &m);
	done.tl_result.endpoint = guid_run(1);
	done.tl_result.service = guid_run(0x21);
	done.tl_result.status = VMBUS_STATUS_REFUSED;
	check("tl_result", &r, 44, &done);
}

static void
test_gpadl_messages(void **state)
{
	uint8_t part[224];
	struct golden h = { 20 + 24, { { 0, 4, 8 }, { 8, 4, 2 },
	    { 12, 4, 0xe1e10 }, { 16, 2, 24 }, { 18, 2, 1 },
	    { 20, 24, 0x50 } } };
	struct golden b = { 240, { { 0, 4, 9 }, { 8, 4, 1 },
	    { 12, 4, 0xe1e10 }, { 16, 224, 0x50 } } };
	struct vmbus_msg head = MSG(GPADL_HEADER, .gpadl_header = { 2,
	    0xe1e10, 24, 1, { part, 24 } });
	struct vmbus_msg body = MSG(GPADL_BODY, .gpadl_body = { 0xe1e10, 1,
	    { part, 224 } });
	uint8_t raw[44];
	struct vmbus_msg m;
	enum fault why;

	run_put(part, sizeof(part), 0x50);
	check("gpadl_header", &h, 20, &head);
	check("gpadl_body", &b, 16, &body);

	/* A padded header gives no more than range_bytes. */
	golden_put(&h, raw);
	field_put(raw, 16, 2, 16);
	assert_int_equal(vmbus_msg_decode(&m, (struct span){ raw, 44 }, &why),
	    0);
	assert_int_equal(m.gpadl_header.part.len, 16);
	assert_ptr_equal(m.gpadl_header.part.p, raw + 20);
}

static void
test_unknown_types(void **state)
{
	static const uint32_t types[] = { 0, 30, 31, 0x80000001, 0xffffffff };
	uint8_t raw[VMBUS_MSG_MAX] = { 0 };
	struct vmbus_msg m;
	enum fault why;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		field_put(raw, 0, 4, types[i]);
		assert_int_equal(vmbus_msg_decode(&m,
		    (struct span){ raw, sizeof(raw) }, &why), E_PEER);
		assert_int_equal(why, FAULT_VMBUS_TYPE);
		assert_string_equal(vmbus_msg_name(types[i]), "?");
	}
	for (uint32_t t = 1; t < VMBUS_MSG_TYPES; t++)
		assert_string_not_equal(vmbus_msg_name(t), "?");
}

static void
test_versions(void **state)
{
	static const uint32_t want[] = { 0x60000, 0x50003, 0x50002, 0x50001,
	    0x50000, 0x40001, 0x40000, 0x30000, 0x20004, 0x10001, 0xd };

	assert_int_equal(ARRAY_LEN(want), VMBUS_VERSIONS);
	for (size_t i = 0; i < VMBUS_VERSIONS; i++) {
		assert_int_equal(vmbus_versions[i], want[i]);
		assert_true(vmbus_version_known(want[i]));
		assert_false(vmbus_version_known(want[i] + 0x100));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_offer),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_contact_6_0),
		cmocka_unit_test(test_contact_union),
		cmocka_unit_test(test_tl_connect),
		cmocka_unit_test(test_gpadl_messages),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
