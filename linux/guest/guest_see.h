/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is seen of a guest: captures and transcripts.
 *
 * Context: VP 0, the control context, except guest_see_open() and _close():
 * the main thread, while no VP runs.
 */
#ifndef LINUX_GUEST_GUEST_SEE_H
#define LINUX_GUEST_GUEST_SEE_H

#include "linux/see/see.h"

struct guest;
struct guest_see;

/*
 * As the configuration wants it: g->see, NULL where it wants none.  0, or -1
 * with a sentence in err.
 */
int guest_see_open(struct guest *, char *err, size_t cap);
void guest_see_close(struct guest *);
/* vmc_ops.trace */
void guest_see_message(void *guest, bool to_host, struct span msg);
/* A queue's channel is about to be opened. */
void guest_see_queue(struct guest *, uint32_t queue, uint32_t vp);

#endif
