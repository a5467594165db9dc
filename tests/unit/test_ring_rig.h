/* SPDX-License-Identifier: BSD-2-Clause */
/* Rig for the ring tests: one ring in private memory, and both its ends. */
#ifndef TESTS_UNIT_TEST_RING_RIG_H
#define TESTS_UNIT_TEST_RING_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ring/ring_in.h"
#include "ring/ring_out.h"

#define RIG_MAX_BYTES	(64 * HV_PAGE_SIZE)

struct rig {
	union {
		struct ring_ctrl_wire ctrl;
		uint8_t mem[RIG_MAX_BYTES];
		uint64_t align;
	};
	struct ring_out out;
	struct ring_in in;
	enum fault why;
	struct vmpkt_in pkt;
	uint8_t buf[RIG_MAX_BYTES];
};

static inline uint8_t *
rig_data(struct rig *g)
{
	return g->mem + HV_PAGE_SIZE;
}

/* A ring of `bytes` in all, empty, both indexes at `at`. */
static inline void
rig_init_at(struct rig *g, uint32_t bytes, uint32_t at, uint32_t out_flags,
    uint32_t in_flags)
{
	memset(g, 0, sizeof(*g));
	memset(rig_data(g), 0xa5, bytes - HV_PAGE_SIZE);
	g->ctrl.write_index = g->ctrl.read_index = le32_put(at);
	assert_int_equal(ring_out_init(&g->out, g->mem, bytes, out_flags,
	    &g->why), 0);
	assert_int_equal(ring_in_init(&g->in, g->mem, bytes, in_flags,
	    &g->why), 0);
}

static inline void
rig_init(struct rig *g)
{
	rig_init_at(g, RING_MIN_BYTES, 0, 0, 0);
}

/* Put an in-band packet that takes `bytes` of the ring (>= 24, 8 | bytes). */
static inline int
rig_put(struct rig *g, uint32_t bytes)
{
	static const uint8_t zeros[RIG_MAX_BYTES];
	struct vmpkt_out p = { .type = VMPKT_INBAND,
	    .data = { zeros, bytes - 24 } };

	return ring_out_put(&g->out, &p, &g->why);
}

static inline int
rig_get(struct rig *g)
{
	return ring_in_get(&g->in, &g->pkt, g->buf, sizeof(g->buf), &g->why);
}

/* Get n packets, which must be there. */
static inline void
rig_drain(struct rig *g, unsigned n)
{
	while (n-- > 0)
		assert_int_equal(rig_get(g), 1);
}

#endif
