/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which hvnet this is.
 */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

/* "0.1.0" */
const char *version_text(void);
/* What it was built from, a commit of git; a + behind it: and changes. */
const char *version_commit(void);

#endif
