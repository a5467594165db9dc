/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics for people.
 */
#ifndef CLI_STAT_PRINT_H
#define CLI_STAT_PRINT_H

#include <jansson.h>
#include <stdbool.h>

/* Print a process's answer; zero: also counters that are zero. */
void stat_print(const json_t *answer, bool zero);
/*
 * Make the counters of an answer what they grew by a second since an earlier
 * answer of the same process.  Other members stay.
 */
void stat_rate(json_t *now, const json_t *before, double seconds);

#endif
