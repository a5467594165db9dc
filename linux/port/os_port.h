/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's port contract (core/base/os.h) for user space on Linux.
 */
#ifndef LINUX_PORT_OS_PORT_H
#define LINUX_PORT_OS_PORT_H

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define OS_CACHELINE	64
#define OS_ASSERT(x)	assert(x)

#define os_ld16(p)	__atomic_load_n((p), __ATOMIC_RELAXED)
#define os_ld32(p)	__atomic_load_n((p), __ATOMIC_RELAXED)
#define os_ld64(p)	__atomic_load_n((p), __ATOMIC_RELAXED)
#define os_st16(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define os_st32(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define os_st64(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define os_ld32_acq(p)	__atomic_load_n((p), __ATOMIC_ACQUIRE)
#define os_st32_rel(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define os_xchg32(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define os_xchg64(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define os_or32(p, v)	__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define os_or64(p, v)	__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define os_add64(p, v)	__atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define os_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define os_barrier()	__atomic_signal_fence(__ATOMIC_SEQ_CST)

static inline bool
os_cas32(uint32_t *p, uint32_t old, uint32_t new_value)
{
	return __atomic_compare_exchange_n(p, &old, new_value, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline void
os_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

#define os_prefetch_read(p)	__builtin_prefetch(p)
#if defined(__x86_64__)
/* GCC says prefetcht0, for reading, unless told of a processor. */
#define os_prefetch_write(p)	__asm__ volatile("prefetchw %0" : :	\
	    "m" (*(const char *)(p)))
#else
#define os_prefetch_write(p)	__builtin_prefetch((p), 1)
#endif

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OS_PORT_TSAN	1
#endif
#elif defined(__SANITIZE_THREAD__)
#define OS_PORT_TSAN	1
#endif
#ifdef OS_PORT_TSAN
void __tsan_acquire(void *);
void __tsan_release(void *);
#define os_peer_takes(p)	__tsan_release(p)
#define os_peer_gave(p)		__tsan_acquire(p)
#endif

#define os_le16(x)	htole16(x)
#define os_le32(x)	htole32(x)
#define os_le64(x)	htole64(x)

#endif
