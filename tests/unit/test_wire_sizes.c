/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each wire structure's size and each field's offset against the table of
 * wire_sizes.h; and no structure of the *_wire.h files is missing there.
 */
#include <unistd.h>

#include "wire_test.h"
#include "wire_sizes.h"

static void
test_offsets(void **state)
{
	int bad = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		if (r->is == r->want)
			continue;
		print_error("%s %s is %zu, protocol says %zu\n", r->type,
		    r->field != NULL ? r->field : "(size)", r->is, r->want);
		bad++;
	}
	assert_int_equal(bad, 0);
}

static bool
has_size(const char *type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].field == NULL && strcmp(rows[i].type, type) == 0)
			return true;
	return false;
}

static bool
has_field(const char *type, const char *field)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].field != NULL &&
		    strcmp(rows[i].type, type) == 0 &&
		    strcmp(rows[i].field, field) == 0)
			return true;
	return false;
}

/*
 * Check one declaration ("le32_t a, b[4];") of a structure: each declared
 * name has a row.
 */
static int
check_declaration(const char *type, char *line)
{
	char *p = strpbrk(line, " \t"), *save = NULL;
	int bad = 0;

	if (p == NULL)
		return 0;
	if (strncmp(line, "struct", 6) == 0)
		p = strpbrk(p + 1, " \t");
	for (p = strtok_r(p, ",; \t", &save); p != NULL;
	    p = strtok_r(NULL, ",; \t", &save)) {
		p[strcspn(p, "[")] = '\0';
		if (has_field(type, p))
			continue;
		print_error("%s.%s is not in the table\n", type, p);
		bad++;
	}
	return bad;
}

static int
check_header(const char *path)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	char *at = text;
	int bad = 0;

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	for (char *c = text; (c = strstr(c, "/*")) != NULL;) {
		char *end = strstr(c, "*/");

		assert_non_null(end);
		memset(c, ' ', (size_t)(end + 2 - c));
	}
	while ((at = strstr(at, "\nstruct ")) != NULL) {
		char type[64], body[8192], *open, *close, *save = NULL;

		at += strlen("\nstruct ");
		assert_int_equal(sscanf(at, "%63[a-z0-9_]", type), 1);
		open = strchr(at, '{');
		close = strchr(at, '}');
		assert_true(open != NULL && close != NULL && open < close);
		assert_true((size_t)(close - open) < sizeof(body));
		memcpy(body, open + 1, (size_t)(close - open - 1));
		body[close - open - 1] = '\0';
		/* its size is open: only the first byte is promised */
		if (!has_size(type) && strcmp(type,
		    "vmbus_modify_connection_result_wire") != 0) {
			print_error("%s is not in the table\n", type);
			bad++;
		}
		for (char *d = strtok_r(body, ";", &save); d != NULL;
		    d = strtok_r(NULL, ";", &save)) {
			d += strspn(d, " \t\n");
			bad += check_declaration(type, d);
		}
		at = close;
	}
	return bad;
}

static void
test_table_is_complete(void **state)
{
	static const char *const names[] = {
		"ndis_wire.h", "nvs_wire.h", "ring_wire.h", "rndis_wire.h",
		"synic_wire.h", "vmbus_wire.h",
	};
	const char *slash = strrchr(__FILE__, '/');
	int dir = slash != NULL ? (int)(slash + 1 - __FILE__) : 0;
	char path[512];
	int bad = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* __FILE__ counts from the build folder, where tests run */
		snprintf(path, sizeof(path), "%.*s../../core/wire/%s", dir,
		    __FILE__, names[i]);
		if (access(path, R_OK) != 0) {
			print_message("# skipped: no %s\n", path);
			skip();
		}
		bad += check_header(path);
	}
	assert_int_equal(bad, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_table_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
