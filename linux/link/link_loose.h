/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory that the guest may take away at any time (hugetlbfs files, which
 * cannot be sealed): touching a page that is gone raises SIGBUS.
 *
 * A loose mapping that is touched after that becomes zero pages, and its owner
 * is told by a flag.
 */
#ifndef LINUX_LINK_LINK_LOOSE_H
#define LINUX_LINK_LINK_LOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link_loose;

/*
 * Guard [va, va + bytes), a shared mapping of a whole file part; *condemned is
 * set to 1 once it was replaced, by whichever thread touched it.  NULL: out of
 * memory.  Borrows condemned until link_loose_remove().  The first call takes
 * SIGBUS over for the process.  Context: control.
 */
struct link_loose *link_loose_add(void *va, size_t bytes, uint32_t *condemned);
/* Before it is unmapped, with nobody touching it.  Context: control. */
void link_loose_remove(struct link_loose *);

#endif
