/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A script that runs: its life, and what it did.
 */
#include "linux/bend/bend_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int
script_read(struct bend *b, FILE *f, const char *path, char *err, size_t cap)
{
	char *line = NULL, why[600];
	size_t room = 0;
	uint32_t number = 0;
	int rc = 0;

	while (rc >= 0 && getline(&line, &room, f) >= 0) {
		struct bend_rule *r = &b->rule[b->rules];

		number++;
		if (b->rules == BEND_RULES) {
			snprintf(err, cap, "%s:%u: a script has at most %u "
			    "rules", path, number, BEND_RULES);
			rc = -1;
			break;
		}
		rc = bend_line_parse(r, line, why, sizeof(why));
		r->line = number;
		if (rc > 0)
			b->rules++;
		if (rc < 0)
			snprintf(err, cap, "%s:%u: %s", path, number, why);
	}
	free(line);
	return rc;
}

struct bend *
bend_load(const char *path, const struct bend_ops *ops, void *ctx, char *err,
    size_t cap)
{
	FILE *f = fopen(path, "re");
	struct bend *b;
	int rc;

	if (f == NULL) {
		snprintf(err, cap, "%s: %s", path, strerror(errno));
		return NULL;
	}
	b = calloc(1, sizeof(*b));
	if (b == NULL) {
		snprintf(err, cap, "out of memory");
		fclose(f);
		return NULL;
	}
	b->ops = ops;
	b->ctx = ctx;
	pthread_mutex_init(&b->lock, NULL);
	rc = script_read(b, f, path, err, cap);
	fclose(f);
	if (rc < 0) {
		bend_free(b);
		return NULL;
	}
	return b;
}

void
bend_free(struct bend *b)
{
	if (b == NULL)
		return;
	while (b->held != NULL) {
		struct bend_held *h = b->held;

		b->held = h->next;
		free(h);
	}
	pthread_mutex_destroy(&b->lock);
	free(b);
}

json_t *
bend_stat(struct bend *b)
{
	json_t *a = json_array();

	pthread_mutex_lock(&b->lock);
	for (uint32_t i = 0; i < b->rules; i++)
		json_array_append_new(a, json_pack("{s:i, s:s, s:I, s:I}",
		    "line", (int)b->rule[i].line, "text", b->rule[i].text,
		    "seen", (json_int_t)b->rule[i].seen, "done",
		    (json_int_t)b->rule[i].done));
	pthread_mutex_unlock(&b->lock);
	return a;
}
