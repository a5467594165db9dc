/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing to an eventfd that the peer shares.
 *
 * Its file flags are shared as well: a hostile peer can make the descriptor
 * block and fill the counter, and a plain write would then never return.  A
 * write here returns within some milliseconds whatever the peer does.
 */
#ifndef LINUX_LINK_LINK_GUARD_H
#define LINUX_LINK_LINK_GUARD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * True if fd is an eventfd; it then is made non-blocking.  Anything else could
 * take bytes for ever, or block in its file system.
 */
bool link_eventfd_ok(int fd);

/*
 * Add 1 to an eventfd.  A full counter is as good.  If the write had to be
 * interrupted, *held becomes 1, and this and later calls do nothing; true for
 * the one call that made it so.  Any thread.  The first call takes SIGURG over
 * for the process.
 */
bool link_guard_write(int fd, uint32_t *held);

/*
 * What a signal costs both sides, nanoseconds: twice the running mean of these
 * writes.  Any thread.
 */
uint64_t link_signal_cost_ns(void);

#endif
