/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts with any byte, as a line and as JSON; and what is a name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "base/span.h"
#include "linux/run/name.h"
#include "linux/run/text.h"

static const char *const texts[][2] = {
	{ "", "" },
	{ "/run/hv.sock, a b", "/run/hv.sock, a b" },
	{ "a\nb\r\t\033[2J\x7f", "a\\x0ab\\x0d\\x09\\x1b[2J\\x7f" },
	/* UTF-8 of two, three and four bytes; cut short, too long, none. */
	{ "\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80",
	    "\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80" },
	{ "\xc3", "\\xc3" },
	{ "\xe2\x82", "\\xe2\\x82" },
	{ "\xc0\xaf", "\\xc0\\xaf" },
	{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
	{ "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf" },
	{ "\xff\x80", "\\xff\\x80" },
	/* A surrogate, beyond Unicode, C1. */
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
	{ "\xc2\x9b", "\\xc2\\x9b" },
	/* Right to left, no width, end of line. */
	{ "\xe2\x80\xae" "b", "\\xe2\\x80\\xaeb" },
	{ "\xe2\x80\x8b", "\\xe2\\x80\\x8b" },
	{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },
};

static void
shown(void **state)
{
	char out[100];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_t *s = text_json(texts[i][0]);

		assert_string_equal(text_show(out, sizeof(out), texts[i][0]),
		    texts[i][1]);
		assert_non_null(s);
		assert_string_equal(json_string_value(s), texts[i][1]);
		json_decref(s);
	}
}

/* Whatever room there is, the end is there and no character is cut. */
static void
shown_in_little_room(void **state)
{
	char out[32];

	for (size_t cap = 1; cap < sizeof(out); cap++) {
		memset(out, '#', sizeof(out));
		text_show(out, cap, "a\n\xe2\x82\xac" "b");
		assert_true(strlen(out) < cap);
		assert_int_equal(out[cap], '#');
		assert_true(strcmp(out, "") == 0 || strcmp(out, "a") == 0 ||
		    strcmp(out, "a\\x0a") == 0 ||
		    strcmp(out, "a\\x0a\xe2\x82\xac") == 0 ||
		    strcmp(out, "a\\x0a\xe2\x82\xac" "b") == 0);
	}
}

static void
names(void **state)
{
	static const char *const bad[] = { "", " ", "a b", "a,b", "a\n",
		"\x1b", "\x7f", "\xff", "\xc3\xbc", "12345678" };

	assert_true(name_ok("1234567", 8));
	assert_true(name_ok("!/:=~", 8));
	assert_true(name_ok_or_empty("", 8));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(name_ok(bad[i], 8));
		assert_true(i == 0 || !name_ok_or_empty(bad[i], 8));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown),
		cmocka_unit_test(shown_in_little_room),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
