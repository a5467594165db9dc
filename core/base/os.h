/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that the core needs from the system it is compiled for.
 *
 * Each port has an `os_port.h` on its include path (linux/port/,
 * freebsd/, tests/freestanding/) that provides the names below as macros or
 * inline functions.  Everything that calls *out* of the core (memory,
 * messages, signals, frames, time) is an ops structure of the module that
 * needs it instead, so that one binary can hold several of them.
 *
 *   types        uintN_t, size_t, bool, NULL, offsetof
 *   memory       memcpy, memmove, memset, memcmp
 *   os_ldN       relaxed atomic load,    N in 16, 32, 64
 *   os_stN       relaxed atomic store
 *   os_ld32_acq  load, acquire           os_st32_rel  store, release
 *   os_xchg32/64 exchange, full barrier  os_or32/64   fetch-or, full barrier
 *   os_add64     fetch-add, relaxed: counters that several threads write
 *   os_cas32     compare and swap, full barrier, true if swapped
 *   os_mb        full memory barrier
 *   os_barrier   for the compiler: no access to memory moves over it
 *   os_relax     hint inside a spin loop
 *   os_leN       native <-> little endian, N in 16, 32, 64
 *   os_peer_takes(p), os_peer_gave(p)   optional, for race detectors: the peer,
 *                whom they do not see, orders what happens to the memory at p
 *   os_prefetch_read(p), os_prefetch_write(p)   optional: the cache line at p
 *                is to be read, or written, soon
 *   OS_ASSERT    a bug of ours; never a condition that a peer can cause
 *   OS_CACHELINE bytes
 */
#ifndef CORE_BASE_OS_H
#define CORE_BASE_OS_H

#include "os_port.h"

_Static_assert(sizeof(uint64_t) == 8 && sizeof(uint32_t) == 4,
    "os_port.h: exact-width types");
_Static_assert(OS_CACHELINE >= 32 && (OS_CACHELINE & (OS_CACHELINE - 1)) == 0,
    "os_port.h: OS_CACHELINE is a power of two");

#ifndef os_peer_takes
#define os_peer_takes(p)	((void)(p))
#define os_peer_gave(p)		((void)(p))
#endif

#ifndef os_prefetch_read
#define os_prefetch_read(p)	((void)(p))
#endif
#ifndef os_prefetch_write
#define os_prefetch_write(p)	((void)(p))
#endif

#define ARRAY_LEN(a)		(sizeof(a) / sizeof((a)[0]))
#define CACHE_ALIGNED		__attribute__((aligned(OS_CACHELINE)))
#define must_check		__attribute__((warn_unused_result))
#define CONTAINER_OF(p, type, field) \
	((type *)(void *)((char *)(p) - offsetof(type, field)))

/*
 * Copy what a peer may change at any time.  Each byte is read once, and the
 * compiler does not go back to src for what dst holds: so what is checked in
 * dst is what is used.
 */
static inline void
copy_once(void *dst, const void *src, size_t n)
{
	memcpy(dst, src, n);
	os_barrier();
}

/* VMBus pages are 4096 bytes whatever the page size of the system is. */
#define HV_PAGE_SHIFT		12
#define HV_PAGE_SIZE		4096u

static inline uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t
max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Round up to a power of two.  The caller knows that the sum cannot wrap. */
static inline uint32_t
align_up(uint32_t n, uint32_t to)
{
	return (n + to - 1) & ~(to - 1);
}

#endif
