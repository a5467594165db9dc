/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GPADL range buffers: messages of the writer put together again, the reader
 * over them, each way in which a range list can be wrong.
 */
#include "wire_test.h"
#include "wire/vmbus_gpadl.h"
#include "wire/vmbus_msg.h"

/* Collect the messages of a GPADL; returns the bytes of the range buffer. */
static uint32_t
collect(const struct vmbus_gpadl_src *src, uint32_t n, uint8_t *out)
{
	uint32_t bytes = vmbus_gpadl_bytes(src, n), got = 0, i;
	uint8_t raw[VMBUS_MSG_MAX];
	struct vmbus_msg m;
	enum fault why;

	assert_int_not_equal(bytes, 0);
	for (i = 0;; i++) {
		uint32_t len = vmbus_gpadl_message(src, n, 7, 0xe1e10, i, raw);
		struct span part;

		if (len == 0)
			break;
		assert_int_equal(vmbus_msg_decode(&m,
		    (struct span){ raw, len }, &why), 0);
		if (i == 0) {
			assert_int_equal(m.type, VMBUS_GPADL_HEADER);
			assert_int_equal(m.gpadl_header.relid, 7);
			assert_int_equal(m.gpadl_header.gpadl, 0xe1e10);
			assert_int_equal(m.gpadl_header.range_bytes, bytes);
			assert_int_equal(m.gpadl_header.range_count, n);
			part = m.gpadl_header.part;
		} else {
			assert_int_equal(m.type, VMBUS_GPADL_BODY);
			assert_int_equal(m.gpadl_body.gpadl, 0xe1e10);
			assert_int_equal(m.gpadl_body.msg_number, i - 1);
			part = m.gpadl_body.part;
		}
		assert_true(range_ok(got, part.len, bytes));
		memcpy(out + got, part.p, part.len);
		got += part.len;
	}
	assert_int_equal(i, vmbus_gpadl_messages(bytes));
	assert_int_equal(got, bytes);
	return bytes;
}

static void
compare(const struct vmbus_gpadl_src *src, uint32_t n, const uint8_t *buf,
    uint32_t bytes)
{
	struct vmbus_gpadl_iter it;
	struct vmbus_gpadl_range r;
	uint32_t pages = 0, sum_pages;
	uint64_t sum = 0, sum_bytes;
	enum fault why;

	vmbus_gpadl_iter_init(&it, (struct span){ buf, bytes }, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(vmbus_gpadl_next(&it, &r, &why), 1);
		assert_int_equal(r.bytes, src[i].bytes);
		assert_int_equal(r.offset, src[i].offset);
		assert_int_equal(r.pages,
		    (src[i].offset + src[i].bytes + 4095) / 4096);
		for (uint32_t k = 0; k < r.pages; k++)
			assert_int_equal(vmbus_gpadl_pfn(&r, k),
			    src[i].pfn != NULL ? src[i].pfn[k] :
			    src[i].first_pfn + k);
		pages += r.pages;
		sum += r.bytes;
	}
	assert_int_equal(vmbus_gpadl_next(&it, &r, &why), 0);
	assert_int_equal(vmbus_gpadl_check((struct span){ buf, bytes }, n,
	    &sum_pages, &sum_bytes, &why), 0);
	assert_int_equal(sum_pages, pages);
	assert_int_equal(sum_bytes, sum);
}

/* One range of every size around the limits of a message. */
static void
test_one_range(void **state)
{
	static uint8_t buf[65536];
	static const uint32_t pages[] = { 1, 2, 25, 26, 27, 53, 54, 55, 82, 83,
	    8189, 8190 };

	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		struct vmbus_gpadl_src src = { .bytes = pages[i] * 4096,
		    .first_pfn = 0x100000 };
		uint32_t bytes = vmbus_gpadl_bytes(&src, 1);

		assert_int_equal(bytes, 8 + 8 * pages[i]);
		/* 26 PFNs in the header, 28 in each body (protocol.md 7) */
		assert_int_equal(vmbus_gpadl_messages(bytes), pages[i] <= 26 ?
		    1 : 1 + (pages[i] - 26 + 27) / 28);
		compare(&src, 1, buf, collect(&src, 1, buf));
	}
}

static void
test_golden(void **state)
{
	static const uint64_t pfn[2] = { 0x1122334455, 0x66 };
	struct vmbus_gpadl_src src = { .bytes = 5000, .offset = 8,
	    .pfn = pfn };
	const struct golden g = { 44, { { 0, 4, 8 }, { 8, 4, 1 },
	    { 12, 4, 0x10000 }, { 16, 2, 24 }, { 18, 2, 1 }, { 20, 4, 5000 },
	    { 24, 4, 8 }, { 28, 8, 0x1122334455 }, { 36, 8, 0x66 } } };
	uint8_t want[44], got[VMBUS_MSG_MAX];

	golden_put(&g, want);
	assert_int_equal(vmbus_gpadl_message(&src, 1, 1, 0x10000, 0, got), 44);
	assert_memory_equal(got, want, 44);
	assert_int_equal(vmbus_gpadl_message(&src, 1, 1, 0x10000, 1, got), 0);
}

static void
test_random_ranges(void **state)
{
	static uint8_t buf[65536];
	static uint64_t pfns[8192];
	uint64_t seed = 0x9e3779b97f4a7c15;

	for (uint32_t i = 0; i < 8192; i++)
		pfns[i] = next_random(&seed);
	for (int round = 0; round < 200; round++) {
		struct vmbus_gpadl_src src[40];
		uint32_t n = 1 + (uint32_t)(next_random(&seed) % 40);

		for (uint32_t i = 0; i < n; i++) {
			src[i].bytes = 1 +
			    (uint32_t)(next_random(&seed) % 100000);
			src[i].offset = (uint32_t)(next_random(&seed) % 4096);
			src[i].first_pfn = next_random(&seed);
			src[i].pfn = i & 1 ? pfns + i : NULL;
		}
		compare(src, n, buf, collect(src, n, buf));
	}
}

static void
test_too_big(void **state)
{
	struct vmbus_gpadl_src src[2] = {
		{ .bytes = 8191 * 4096 },
		{ .bytes = 0xffffffff, .offset = 4095 },
	};
	uint8_t buf[VMBUS_MSG_MAX];

	assert_int_equal(vmbus_gpadl_bytes(src, 1), 0);
	assert_int_equal(vmbus_gpadl_bytes(src, 2), 0);
	assert_int_equal(vmbus_gpadl_bytes(src + 1, 1), 0);
	assert_int_equal(vmbus_gpadl_message(src, 1, 1, 1, 0, buf), 0);
}

static int
check_list(const uint8_t *p, uint32_t len, uint32_t ranges)
{
	uint8_t *heap = exact_copy(p, len);
	enum fault why = FAULT_NONE;
	int rc = vmbus_gpadl_check((struct span){ heap, len }, ranges, NULL,
	    NULL, &why);

	free(heap);
	if (rc != 0) {
		assert_int_equal(rc, E_PEER);
		assert_int_equal(why, FAULT_GPADL_RANGE);
	}
	return rc;
}

static void
test_malformed(void **state)
{
	/* two ranges: 4097 bytes at 0 (2 pages), 1 byte at 4095 (1 page) */
	struct golden g = { 40, { { 0, 4, 4097 }, { 4, 4, 0 }, { 8, 8, 1 },
	    { 16, 8, 2 }, { 24, 4, 1 }, { 28, 4, 4095 }, { 32, 8, 3 } } };
	uint8_t raw[48] = { 0 };

	golden_put(&g, raw);
	for (uint32_t len = 0; len < 40; len++)
		assert_int_equal(check_list(raw, len, 2), E_PEER);
	assert_int_equal(check_list(raw, 40, 2), 0);
	assert_int_equal(check_list(raw, 48, 2), 0);
	assert_int_equal(check_list(raw, 40, 1), 0);
	assert_int_equal(check_list(raw, 40, 0), E_PEER);
	assert_int_equal(check_list(raw, 40, 3), E_PEER);
	assert_int_equal(check_list(raw, 40, 0xffffffff), E_PEER);
	field_put(raw, 28, 4, 4096);
	assert_int_equal(check_list(raw, 40, 2), E_PEER);
	field_put(raw, 28, 4, 0xffffffff);
	assert_int_equal(check_list(raw, 40, 2), E_PEER);
	field_put(raw, 28, 4, 0);
	assert_int_equal(check_list(raw, 40, 2), 0);
	field_put(raw, 24, 4, 0);	/* an empty range */
	assert_int_equal(check_list(raw, 40, 2), E_PEER);
	field_put(raw, 24, 4, 0xffffffff);
	assert_int_equal(check_list(raw, 40, 2), E_PEER);
	field_put(raw, 24, 4, 4097);	/* two pages, one there */
	assert_int_equal(check_list(raw, 40, 2), E_PEER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_one_range),
		cmocka_unit_test(test_random_ranges),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
