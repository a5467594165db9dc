/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters: one X-macro list a structure, from which come the structure, its
 * name table and so `hvnet stat`, its JSON and the manual page.
 *
 * In a header:
 *	#define FOO_COUNTERS(X)				\
 *		X(frames, "frames handed to the host")	\
 *		X(bytes,  "bytes of frames handed to the host")
 *	COUNTER_STRUCT(foo_counters, FOO_COUNTERS);
 *
 * and in one .c file:
 *	#define X(name, text) COUNTER_ROW(foo_counters, name, text)
 *	COUNTER_TABLE(foo_counters, FOO_COUNTERS(X));
 *	#undef X
 *
 * A counter has one writer (the owner of the queue); others may read it at any
 * time with counter_read(), which sees some recent value.
 */
#ifndef CORE_BASE_COUNTER_H
#define CORE_BASE_COUNTER_H

#include "base/os.h"

struct counter_desc {
	const char *name;
	const char *text;
	uint32_t offset;
};

struct counter_table {
	const struct counter_desc *row;
	uint32_t rows;
};

#define COUNTER_FIELD_(name, text)	uint64_t name;
#define COUNTER_STRUCT(type, LIST)					\
	struct type { LIST(COUNTER_FIELD_) };				\
	extern const struct counter_table type##_table

#define COUNTER_ROW(type, name_, text_)					\
	{ .name = #name_, .text = text_,				\
	  .offset = (uint32_t)offsetof(struct type, name_) },
#define COUNTER_TABLE(type, ...)					\
	static const struct counter_desc type##_rows[] =		\
		{ __VA_ARGS__ };					\
	const struct counter_table type##_table = {			\
		type##_rows, (uint32_t)ARRAY_LEN(type##_rows)		\
	}

static inline uint64_t
counter_read(const void *counters, const struct counter_desc *d)
{
	return os_ld64((const uint64_t *)(const void *)
	    ((const char *)counters + d->offset));
}

/* Add to a counter that only this thread writes. */
static inline void
counter_add(uint64_t *c, uint64_t n)
{
	os_st64(c, *c + n);
}

#endif
