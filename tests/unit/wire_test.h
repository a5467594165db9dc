/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the test_wire_* programs share: messages written down field by field
 * as protocol.md gives them ("offset:size value"), apart from the wire
 * structures under test; and decoding from buffers of the exact size, so that
 * AddressSanitizer sees a read past the end.
 */
#ifndef TESTS_UNIT_WIRE_TEST_H
#define TESTS_UNIT_WIRE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/fault.h"
#include "base/span.h"

/*
 * One field: sizes 1, 2, 4 and 8 are little-endian integers; any other is a
 * run of bytes v, v + 1, v + 2 and so on.
 */
struct field_at {
	uint32_t off;
	uint32_t size;
	uint64_t v;
};

#define FIELDS_MAX	24

struct golden {
	uint32_t len;
	struct field_at f[FIELDS_MAX];
};

static inline void
field_put(uint8_t *buf, uint32_t off, uint32_t size, uint64_t v)
{
	bool integer = size == 1 || size == 2 || size == 4 || size == 8;

	for (uint32_t i = 0; i < size; i++)
		buf[off + i] = (uint8_t)(integer ? v >> (8 * i) : v + i);
}

/* Write the message out; buf has g->len bytes. */
static inline void
golden_put(const struct golden *g, uint8_t *buf)
{
	memset(buf, 0, g->len);
	for (uint32_t i = 0; i < FIELDS_MAX && g->f[i].size != 0; i++)
		field_put(buf, g->f[i].off, g->f[i].size, g->f[i].v);
}

/* n bytes v, v + 1, ... as the byte runs above. */
static inline void
run_put(uint8_t *p, uint32_t n, uint8_t v)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v + i);
}

/* A heap copy of exactly n bytes; the caller frees it. */
static inline uint8_t *
exact_copy(const void *p, uint32_t n)
{
	uint8_t *q = malloc(n);

	if (n != 0) {
		assert_non_null(q);
		memcpy(q, p, n);
	}
	return q;
}

/* xorshift64: the same numbers for the same seed everywhere. */
static inline uint64_t
next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

typedef int (*decode_fn)(struct span raw, enum fault *why);

/* Decode an exact copy of the first len bytes. */
static inline int
decode_exact(decode_fn fn, const uint8_t *p, uint32_t len, enum fault *why)
{
	uint8_t *q = exact_copy(p, len);
	int rc;

	*why = FAULT_NONE;
	rc = fn((struct span){ q, len }, why);
	if (rc != 0) {
		assert_int_equal(rc, E_PEER);
		assert_int_not_equal(*why, FAULT_NONE);
	}
	free(q);
	return rc;
}

/*
 * Every truncation of a message must be refused below min and accepted from
 * there on; every single flipped bit must be survived.
 */
static inline void
decode_hurt(decode_fn fn, const char *name, const uint8_t *p, uint32_t len,
    uint32_t min, enum fault short_fault)
{
	uint8_t *q = exact_copy(p, len);
	enum fault why;

	for (uint32_t n = 0; n <= len; n++) {
		int rc = decode_exact(fn, p, n, &why);

		if ((rc == 0) != (n >= min)) {
			print_error("%s: length %u gives %d, least is %u\n",
			    name, n, rc, min);
			fail();
		}
		if (rc != 0 && why != short_fault) {
			print_error("%s: length %u: fault %s\n", name, n,
			    fault_name(why));
			fail();
		}
	}
	for (uint32_t bit = 0; bit < len * 8; bit++) {
		q[bit / 8] ^= (uint8_t)(1 << (bit & 7));
		(void)decode_exact(fn, q, len, &why);
		q[bit / 8] ^= (uint8_t)(1 << (bit & 7));
	}
	free(q);
}

#endif
