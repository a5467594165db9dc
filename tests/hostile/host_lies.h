/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lies of host_lies.list, for tests in C.
 */
#ifndef TESTS_HOSTILE_HOST_LIES_H
#define TESTS_HOSTILE_HOST_LIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fault.h"
#include "linux/bend/bend.h"

#define HOST_LIES_MAX	64u

struct host_lie {
	char name[80];
	enum fault why;
	char line[1000];	/* of a bend script */
};

static enum fault
host_lie_fault(const char *name)
{
	for (uint32_t i = 0; i < FAULT_COUNT; i++)
		if (strcmp(fault_name((enum fault)i), name) == 0)
			return (enum fault)i;
	fail_msg("no fault %s", name);
	return FAULT_NONE;
}

/* Those whose line begins with this word; how many they are. */
static uint32_t
host_lies_read(const char *path, const char *layer, struct host_lie *lies)
{
	FILE *f = fopen(path, "r");
	char text[1200], why[40];
	uint32_t n = 0;

	if (f == NULL)
		fail_msg("%s cannot be read", path);
	while (fgets(text, sizeof(text), f) != NULL) {
		struct host_lie *l = &lies[n];

		if (text[0] == '#' || text[0] == '\n')
			continue;
		assert_true(n < HOST_LIES_MAX);
		if (sscanf(text, "%79[^|] | %39[^ |] | %999[^\n]", l->name,
		    why, l->line) != 3)
			fail_msg("%s: want name | fault | line: %s", path,
			    text);
		l->name[strlen(l->name) - 1] = '\0';
		l->why = host_lie_fault(why);
		n += strncmp(l->line, layer, strlen(layer)) == 0;
	}
	fclose(f);
	assert_true(n > 0);
	return n;
}

static struct bend *
host_lie_bend(const struct host_lie *l, const struct bend_ops *ops, void *ctx)
{
	char path[] = "/tmp/hvnet-lie-XXXXXX", err[600] = "";
	int fd = mkstemp(path);
	struct bend *b;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, l->line, strlen(l->line)),
	    strlen(l->line));
	close(fd);
	b = bend_load(path, ops, ctx, err, sizeof(err));
	unlink(path);
	if (b == NULL)
		fail_msg("%s: %s", l->name, err);
	return b;
}

#endif
