/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors are the host's scarcest thing: every guest brings some, and the
 * control sockets, NICs and statistics need a few whatever guests do.
 */
#ifndef LINUX_LINK_LINK_FDS_H
#define LINUX_LINK_LINK_FDS_H

#include <stdbool.h>
#include <stdint.h>

/* Policy: the last so many descriptors are never a guest's. */
#define LINK_FDS_KEPT	64u
/*
 * Policy: and so many of each of the LINK_FDS_PLACES guests are its own; a
 * quarter of all where that is less.
 */
#define LINK_FDS_OWN	48u
#define LINK_FDS_PLACES	64u

/*
 * Raise this process's limit (RLIMIT_NOFILE) as far as it may.  Context: at
 * start.  Returns the limit that holds now.
 */
uint64_t link_fds_raise(void);

/*
 * True if fd, just opened for a guest that has `mine` descriptors, is not for
 * it: one of the last LINK_FDS_KEPT that the limit allows, or, where the guest
 * has its own already, one that others may still need for theirs.  The guest
 * must be refused, and the caller closes fd.  The kernel hands out the lowest
 * free number, so that this says how many are left at least.  Context: any.
 */
bool link_fd_kept(int fd, uint32_t mine);

/* "out of file descriptors ..." with the limit; points to static text. */
const char *link_fds_text(void);

#endif
