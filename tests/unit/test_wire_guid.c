/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GUIDs: text to bytes, bytes to text, and texts that are none.
 */
#include "wire_test.h"
#include "wire/guid.h"

static void
test_guid(void **state)
{
	static const char text[] = "f8615163-df3e-46c5-913f-f2d2f965ed0e";
	static const char *const wrong[] = {
		"", "f8615163", "f8615163-df3e-46c5-913f-f2d2f965ed0",
		"f8615163-df3e-46c5-913f-f2d2f965ed0ee",
		"f8615163+df3e-46c5-913f-f2d2f965ed0e",
		"g8615163-df3e-46c5-913f-f2d2f965ed0e",
		"{f8615163-df3e-46c5-913f-f2d2f965ed0e",
		"f8615163-df3e-46c5-913f-f2d2f965ed0e}",
	};
	static const uint8_t bytes[16] = {
		0x63, 0x51, 0x61, 0xf8, 0x3e, 0xdf, 0xc5, 0x46,
		0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e,
	};
	char back[HV_GUID_TEXT_LEN + 1];
	struct hv_guid g;

	assert_true(hv_guid_parse(&g, text));
	assert_memory_equal(g.b, bytes, 16);
	assert_true(hv_guid_equal(&g, &hv_guid_nic));
	assert_true(hv_guid_parse(&g,
	    "{F8615163-DF3E-46C5-913F-F2D2F965ED0E}"));
	assert_true(hv_guid_equal(&g, &hv_guid_nic));
	hv_guid_format(&g, back);
	assert_string_equal(back, text);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *heap = (char *)exact_copy(wrong[i],
		    (uint32_t)strlen(wrong[i]) + 1);

		assert_false(hv_guid_parse(&g, heap));
		free(heap);
	}
	assert_true(hv_guid_equal(&g, &hv_guid_nic));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
