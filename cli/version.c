/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which hvnet this is.  The only file that each commit compiles again.
 */
#include "cli/version.h"

#include "cli_commit.h"

const char *
version_text(void)
{
	return HVNET_VERSION;
}

const char *
version_commit(void)
{
	return HVNET_COMMIT;
}
