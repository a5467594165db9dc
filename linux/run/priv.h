/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What our threads may do beyond their user: capabilities, as little as the
 * work needs (docs/threats.md has the list and why).
 *
 * All of it is about the calling thread, and the threads that it makes later.
 * What the thread does not have it does not get: without root these do nothing
 * but forbid new privileges.
 */
#ifndef LINUX_RUN_PRIV_H
#define LINUX_RUN_PRIV_H

#include <stdbool.h>

/* A program that is executed gets nothing that we do not have. */
void priv_no_new(void);
/*
 * Keep what making and setting NICs needs, and CAP_SYS_ADMIN only while
 * priv_admin_raise() is in force; no new privileges.
 */
void priv_limit(void);
/* Nothing at all, for good: a thread that only carries frames. */
void priv_none(void);

/*
 * Have CAP_SYS_ADMIN for a moment, to enter a namespace.  True if it has to be
 * given back by priv_admin_lower(); a thread that has it anyway, or may not, is
 * left as it is.  Keeps errno.
 */
bool priv_admin_raise(void);
void priv_admin_lower(void);

#endif
