/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the lines that bugs.list puts into the test build of our guest.
 */
#ifndef TESTS_CONFORM_BUG_H
#define TESTS_CONFORM_BUG_H

#include <stdbool.h>
#include <stdint.h>

/* Is this the bug that HVNET_BUG names now? */
bool hvnet_bug(const char *name);
/* Read where an offset and a length in a message say, whatever they are. */
uint8_t hvnet_believe(const uint8_t *msg, uint32_t off_at, uint32_t len_at);

#endif
