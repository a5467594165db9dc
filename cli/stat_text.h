/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What counters mean: every counter table of both ends, with a title.
 */
#ifndef CLI_STAT_TEXT_H
#define CLI_STAT_TEXT_H

#include <jansson.h>

#include "base/counter.h"

struct stat_group {
	const char *title;
	const char *name;	/* for metrics: a-z and '_' */
	const char *side;	/* "guest", "host", "uio" or "both" */
	const struct counter_table *table;
};

extern const struct stat_group stat_groups[];
extern const uint32_t stat_group_count;

/* The group whose counters are the members of this object, or NULL. */
const struct stat_group *stat_group_of(const json_t *object);
/* Text of a fault by its name, or "". */
const char *stat_fault_text(const char *name);

/* Every counter and fault with its meaning: to read, as JSON, as mdoc. */
void stat_describe(void);
json_t *stat_describe_json(void);
void stat_describe_mdoc(void);

#endif
