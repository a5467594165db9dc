/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics for people.
 *
 * An answer is printed as it is nested.  An array of objects (queues, virtual
 * processors, NICs) is merged: it is printed once, each element a column, with
 * their sum where they are counters; so `cols` below is one object, or the same
 * member of each element.  NICs and guests differ in more than numbers and are
 * printed one by one.  More than COLUMNS_MAX elements give only the sum.
 */
#include "cli/stat_print.h"

#include <stdio.h>
#include <string.h>

#include "cli/stat_text.h"
#include "linux/run/text.h"

/* Policy: what fits beside the text on a line. */
#define COLUMNS_MAX	4u
#define COLUMN_WIDTH	12

struct cols {
	const json_t **o;
	size_t n;
};

static void print_object(const struct cols *, int depth, bool zero);

static void
indent(int depth)
{
	printf("%*s", depth * 2, "");
}

static json_int_t
sum(const struct cols *c, const char *key)
{
	json_int_t s = 0;

	for (size_t i = 0; i < c->n; i++)
		s += json_integer_value(json_object_get(c->o[i], key));
	return s;
}

static void
print_row(const struct cols *c, int depth, const char *key, const char *text)
{
	indent(depth);
	printf("%-*s", 20 - depth * 2 + 8, key);
	if (c->n > 1 && c->n <= COLUMNS_MAX)
		for (size_t i = 0; i < c->n; i++)
			printf(" %*lld", COLUMN_WIDTH,
			    (long long)json_integer_value(
			    json_object_get(c->o[i], key)));
	printf(" %*lld  %s\n", COLUMN_WIDTH, (long long)sum(c, key), text);
}

/* Non-zero ones first, then the others if wanted. */
static void
print_counters(const struct cols *c, int depth, bool zero,
    const struct counter_table *t)
{
	bool any = false;

	for (uint32_t i = 0; i < t->rows; i++) {
		if (sum(c, t->row[i].name) == 0)
			continue;
		print_row(c, depth, t->row[i].name, t->row[i].text);
		any = true;
	}
	for (uint32_t i = 0; zero && i < t->rows; i++)
		if (sum(c, t->row[i].name) == 0)
			print_row(c, depth, t->row[i].name, t->row[i].text);
	if (!any && !zero) {
		indent(depth);
		printf("nothing yet\n");
	}
}

static void
print_faults(const struct cols *c, int depth)
{
	if (sum(c, "total") == 0) {
		indent(depth);
		printf("none\n");
		return;
	}
	for (size_t i = 0; i < c->n; i++) {
		const json_t *by = json_object_get(c->o[i], "by_reason");
		const char *name;
		json_t *v;

		json_object_foreach((json_t *)(uintptr_t)by, name, v) {
			indent(depth);
			printf("%-16s %*lld  %s\n", name, COLUMN_WIDTH,
			    (long long)json_integer_value(v),
			    stat_fault_text(name));
		}
	}
}

static void
print_scalar(const json_t *v)
{
	char shown[1024];

	if (json_is_string(v))
		printf("%s", json_string_value(v)[0] != '\0' ?
		    text_show(shown, sizeof(shown), json_string_value(v)) :
		    "-");
	else if (json_is_integer(v))
		printf("%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		printf("%s", json_is_true(v) ? "on" : "off");
	else if (json_is_real(v))
		printf("%g", json_real_value(v));
	else
		printf("-");
}

/* A member that is no object: once, or in each column where they differ. */
static void
print_member(const struct cols *c, int depth, const char *key)
{
	bool same = true;
	const json_t *first = json_object_get(c->o[0], key);

	for (size_t i = 1; i < c->n; i++)
		same = same && json_equal(first, json_object_get(c->o[i],
		    key));
	indent(depth);
	printf("%-*s", 20 - depth * 2 + 8, key);
	for (size_t i = 0; i < (same ? 1 : c->n); i++) {
		printf(" ");
		print_scalar(json_object_get(c->o[i], key));
	}
	printf("\n");
}

static void
print_array(const json_t *a, int depth, const char *key, bool zero)
{
	const json_t *col[256];
	struct cols c = { col, 0 };
	bool apart = strcmp(key, "nics") == 0 || strcmp(key, "guests") == 0;
	size_t i;
	json_t *v;

	json_array_foreach(a, i, v) {
		if (!json_is_object(v))
			return;
		if (apart) {
			const char *name = json_string_value(
			    json_object_get(v, "name"));
			struct cols one = { (const json_t **)&v, 1 };

			indent(depth);
			printf("%.*s%s%s:\n", (int)strlen(key) - 1, key,
			    name != NULL && name[0] != '\0' ? " " : "",
			    name != NULL ? name : "");
			print_object(&one, depth + 1, zero);
		} else if (c.n < sizeof(col) / sizeof(col[0])) {
			col[c.n++] = v;
		}
	}
	if (c.n == 0)
		return;
	indent(depth);
	if (c.n == 1)
		printf("%s: one\n", key);
	else
		printf("%s: %zu, %s\n", key, c.n, c.n <= COLUMNS_MAX ?
		    "a column each, then the sum" :
		    "their sum (--json has each)");
	print_object(&c, depth + 1, zero);
}

/* Member `key`, an object, of each column. */
static void
print_nested(const struct cols *c, int depth, const char *key, bool zero)
{
	const json_t *col[256];
	struct cols in = { col, 0 };

	for (size_t i = 0; i < c->n && in.n < 256; i++) {
		const json_t *o = json_object_get(c->o[i], key);

		if (json_is_object(o))
			col[in.n++] = o;
	}
	if (in.n == 0 || json_object_size(col[0]) == 0)
		return;
	indent(depth);
	printf("%s:\n", key);
	print_object(&in, depth + 1, zero);
}

/* Members of an answer that its first line says. */
static bool
in_headline(const char *key)
{
	return strcmp(key, "ok") == 0 || strcmp(key, "kind") == 0 ||
	    strcmp(key, "nic") == 0 || strcmp(key, "pid") == 0;
}

static void
print_object(const struct cols *c, int depth, bool zero)
{
	const struct stat_group *g = stat_group_of(c->o[0]);
	const char *key;
	json_t *v;

	if (g != NULL) {
		print_counters(c, depth, zero, g->table);
		return;
	}
	if (json_object_get(c->o[0], "by_reason") != NULL) {
		print_faults(c, depth);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)c->o[0], key, v)
		if (!json_is_object(v) && !json_is_array(v) &&
		    !(depth == 1 && in_headline(key)))
			print_member(c, depth, key);
	json_object_foreach((json_t *)(uintptr_t)c->o[0], key, v) {
		if (json_is_object(v))
			print_nested(c, depth, key, zero);
		else if (json_is_array(v) && c->n == 1)
			print_array(v, depth, key, zero);
	}
}

void
stat_print(const json_t *answer, bool zero)
{
	struct cols c = { &answer, 1 };
	const char *kind = json_string_value(json_object_get(answer, "kind"));
	const char *nic = json_string_value(json_object_get(answer, "nic"));

	printf("%s%s%s (pid %lld)\n", kind != NULL ? kind : "process",
	    nic != NULL ? " " : "", nic != NULL ? nic : "",
	    (long long)json_integer_value(json_object_get(answer, "pid")));
	print_object(&c, 1, zero);
}

void
stat_rate(json_t *now, const json_t *before, double seconds)
{
	bool counters = stat_group_of(now) != NULL;
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach(now, key, v) {
		const json_t *old = json_object_get(before, key);

		if (json_is_object(v) || json_is_array(v))
			stat_rate(v, old, seconds);
		else if (counters && json_is_integer(old))
			json_integer_set(v, (json_int_t)((double)
			    (json_integer_value(v) - json_integer_value(old)) /
			    seconds + 0.5));
	}
	json_array_foreach(now, i, v)
		stat_rate(v, json_array_get(before, i), seconds);
}
