/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wire integers, and wire structures with their size in the type.
 *
 * A field that a peer wrote is an le16_t, le32_t or le64_t: a one-member
 * structure, so that using it without le32_get() does not compile.
 * Endianness and taint are one type.
 *
 * Wire structures live in *_wire.h files only:
 *
 *	struct foo_wire { le32_t a; le16_t b, pad; };
 *	WIRE_STRUCT(foo_wire, 8);
 *
 * tests/test_wire_sizes.c prints every one and compares size and offsets with
 * the table in docs/protocol.md.
 */
#ifndef CORE_WIRE_WIRE_H
#define CORE_WIRE_WIRE_H

#include "base/os.h"
#include "base/span.h"

typedef struct { uint16_t raw; } le16_t;
typedef struct { uint32_t raw; } le32_t;
typedef struct { uint64_t raw; } le64_t;

static inline uint16_t le16_get(le16_t x) { return os_le16(x.raw); }
static inline uint32_t le32_get(le32_t x) { return os_le32(x.raw); }
static inline uint64_t le64_get(le64_t x) { return os_le64(x.raw); }
static inline le16_t le16_put(uint16_t x) { return (le16_t){ os_le16(x) }; }
static inline le32_t le32_put(uint32_t x) { return (le32_t){ os_le32(x) }; }
static inline le64_t le64_put(uint64_t x) { return (le64_t){ os_le64(x) }; }

/*
 * One integer to where it goes, at any alignment.  On the data path a message
 * is written so, field by field into its place: a structure put together by
 * 4-byte stores and copied by 16-byte loads cannot be forwarded from the store
 * buffer, so each copy waits until the stores before it are in the cache, even
 * those to lines that the peer's processor holds.
 */
static inline void
le32_store(uint8_t *p, uint32_t x)
{
	le32_t w = le32_put(x);

	memcpy(p, &w, sizeof(w));
}

static inline void
le64_store(uint8_t *p, uint64_t x)
{
	le64_t w = le64_put(x);

	memcpy(p, &w, sizeof(w));
}

/* Structures are naturally aligned by design: no packed attribute needed. */
#define WIRE_STRUCT(name, size) \
	_Static_assert(sizeof(struct name) == (size), "size of " #name)

#endif
