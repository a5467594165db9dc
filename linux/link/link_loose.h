/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory that is not there when we touch it, which raises SIGBUS: the
 * guest took it away (hugetlbfs files cannot be sealed), or the system has no
 * page for it.
 *
 * A mapping that is touched after that becomes zero pages, and its owner is
 * told by a flag and an alarm.
 */
#ifndef LINUX_LINK_LINK_LOOSE_H
#define LINUX_LINK_LINK_LOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link_loose;

/* Whose memory it is. */
struct link_loose_owner {
	uint32_t condemned;	/* any thread: becomes 1 */
	int alarm_fd;		/* an eventfd of ours, written after that */
};

/*
 * Guard [va, va + bytes), a shared mapping of a whole file part; the owner is
 * condemned once it was replaced, by whichever thread touched it.  NULL: out of
 * memory.  Borrows the owner until link_loose_remove().  The first call takes
 * SIGBUS over for the process.  Context: control.
 */
struct link_loose *link_loose_add(void *va, size_t bytes,
    struct link_loose_owner *);
/* Before it is unmapped, with nobody touching it.  Context: control. */
void link_loose_remove(struct link_loose *);

#endif
