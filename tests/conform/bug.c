/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which bug the test build of our guest has now: HVNET_BUG names it.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

bool hvnet_bug(const char *name);

bool
hvnet_bug(const char *name)
{
	const char *now = getenv("HVNET_BUG");

	return now != NULL && strcmp(now, name) == 0;
}
