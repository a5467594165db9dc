/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's port contract (core/base/os.h) in a FreeBSD kernel.
 */
#ifndef FREEBSD_OS_PORT_H
#define FREEBSD_OS_PORT_H

#include <sys/param.h>
#include <sys/systm.h>
#include <sys/stddef.h>
#include <sys/stdint.h>

#define OS_CACHELINE	64
#define OS_ASSERT(x)	KASSERT(x, ("%s:%d: %s", __func__, __LINE__, #x))

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
#define os_relax()	cpu_spinwait()

#define os_prefetch_read(p)	__builtin_prefetch(p)
#define os_prefetch_write(p)	__builtin_prefetch((p), 1)

static inline bool
os_cas32(uint32_t *p, uint32_t old, uint32_t new_value)
{
	return __atomic_compare_exchange_n(p, &old, new_value, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define os_le16(x)	((uint16_t)(x))
#define os_le32(x)	((uint32_t)(x))
#define os_le64(x)	((uint64_t)(x))
#else
#define os_le16(x)	__builtin_bswap16(x)
#define os_le32(x)	__builtin_bswap32(x)
#define os_le64(x)	__builtin_bswap64(x)
#endif

#endif
