/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which bug the test build of our guest has now: HVNET_BUG names it.
 */
#include "bug.h"

#include <stdlib.h>
#include <string.h>

bool
hvnet_bug(const char *name)
{
	const char *now = getenv("HVNET_BUG");

	return now != NULL && strcmp(now, name) == 0;
}

uint8_t
hvnet_believe(const uint8_t *msg, uint32_t off_at, uint32_t len_at)
{
	uint32_t off, len;

	memcpy(&off, msg + off_at, sizeof(off));
	memcpy(&len, msg + len_at, sizeof(len));
	return *(const volatile uint8_t *)(msg + off + (size_t)len);
}
