/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a fuzz target takes from its input: small numbers first, so that a byte
 * changed by the fuzzer changes one decision.  Past the end all is zero.
 */
#ifndef TESTS_FUZZ_FUZZ_INPUT_H
#define TESTS_FUZZ_FUZZ_INPUT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"
#include "base/span.h"

struct fuzz_in {
	const uint8_t *p;
	size_t n;
};

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/*
 * An input lives for a millisecond: a short quarantine holds what it freed,
 * and short stack traces are enough to find who did.
 */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "quarantine_size_mb=4:malloc_context_size=4:"
	    "max_malloc_fill_size=0:allocator_release_to_os_interval_ms=-1";
}

static inline void
fuzz_require_at(bool ok, const char *what, int line)
{
	if (ok)
		return;
	fprintf(stderr, "line %d: required: %s\n", line, what);
	abort();
}
#define fuzz_require(ok)	fuzz_require_at(ok, #ok, __LINE__)

static inline uint64_t
fuzz_int(struct fuzz_in *f, uint32_t bytes)
{
	uint64_t v = 0;
	size_t take = min_u32(bytes, f->n > 8 ? 8 : (uint32_t)f->n);

	if (take > 0)
		memcpy(&v, f->p, take);
	f->p += take;
	f->n -= take;
	return v;
}

static inline uint32_t
fuzz_u8(struct fuzz_in *f)
{
	return (uint32_t)fuzz_int(f, 1);
}

static inline uint32_t
fuzz_u16(struct fuzz_in *f)
{
	return (uint32_t)fuzz_int(f, 2);
}

/* A number that matters: small, near a limit, or (four bytes more) any. */
static inline uint32_t
fuzz_u32(struct fuzz_in *f)
{
	static const uint32_t edge[] = { 0x7f, 0xff, 0x100, 0x7ff, 0x800,
	    0xfff, 0x1000, 0x1001, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
	    0xfffffff0, 0xfffffff8, 0xfffffffe, 0xffffffff };
	uint32_t b = fuzz_u8(f);

	if (b < 224)
		return b;
	if (b < 240)
		return edge[b - 224];
	return (uint32_t)fuzz_int(f, 4);
}

/* Up to max bytes in an allocation of just that size; the caller frees it. */
static inline uint8_t *
fuzz_bytes(struct fuzz_in *f, uint32_t max, uint32_t *len)
{
	uint32_t n = min_u32(max, f->n > UINT32_MAX ? UINT32_MAX :
	    (uint32_t)f->n);
	uint8_t *exact = malloc(n > 0 ? n : 1);

	fuzz_require(exact != NULL);
	if (n > 0)
		memcpy(exact, f->p, n);
	f->p += n;
	f->n -= n;
	*len = n;
	return exact;
}

/* Overwrite at most len bytes at p; the rest stays as it is. */
static inline void
fuzz_fill(struct fuzz_in *f, uint8_t *p, uint32_t len)
{
	uint32_t n = len < f->n ? len : (uint32_t)f->n;

	if (n > 0)
		memcpy(p, f->p, n);
	f->p += n;
	f->n -= n;
}

#endif
