/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters and faults as JSON, for `hvnet stat`.
 */
#ifndef LINUX_RUN_STAT_H
#define LINUX_RUN_STAT_H

#include <jansson.h>

#include "base/counter.h"
#include "base/fault.h"
#include "bus/chan.h"

/* {"name": value, ...}, every row of the table; a new reference. */
json_t *stat_counters(const void *counters, const struct counter_table *);
/* {"total": n, "by_reason": {"RING_INDEX": n, ...}, "last": ...}. */
json_t *stat_faults(const struct fault_log *);
/* A channel of ours on our own rings, which virtual processor `vp` serves. */
json_t *stat_chan(const struct chan *, uint32_t vp);
/* Add the counters of b to those of a sum, row by row. */
void stat_counters_add(void *sum, const void *b, const struct counter_table *);

#endif
