/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port contract once more, for test_barriers: 32-bit atomics and barriers
 * go through the store-buffer machine of tests/unit/tso.h.  Everything else is
 * the real port's.
 */
#ifndef TESTS_UNIT_TSO_OS_PORT_H
#define TESTS_UNIT_TSO_OS_PORT_H

#include "linux/port/os_port.h"

enum tso_op {
	TSO_LD, TSO_LD_ACQ, TSO_ST, TSO_ST_REL, TSO_XCHG, TSO_OR, TSO_CAS,
	TSO_MB
};

uint32_t tso_load(enum tso_op op, const uint32_t *p);
void tso_store(enum tso_op op, uint32_t *p, uint32_t v);
/* Exchange, or, compare and swap; returns what was there. */
uint32_t tso_rmw(enum tso_op op, uint32_t *p, uint32_t old, uint32_t v);
void tso_mb(void);

#undef os_ld32
#undef os_st32
#undef os_ld32_acq
#undef os_st32_rel
#undef os_xchg32
#undef os_or32
#undef os_mb
#define os_ld32(p)		tso_load(TSO_LD, (p))
#define os_ld32_acq(p)		tso_load(TSO_LD_ACQ, (p))
#define os_st32(p, v)		tso_store(TSO_ST, (p), (v))
#define os_st32_rel(p, v)	tso_store(TSO_ST_REL, (p), (v))
#define os_xchg32(p, v)		tso_rmw(TSO_XCHG, (p), 0, (v))
#define os_or32(p, v)		tso_rmw(TSO_OR, (p), 0, (v))
#define os_cas32(p, old, v)	(tso_rmw(TSO_CAS, (p), (old), (v)) == (old))
#define os_mb()			tso_mb()

#endif
