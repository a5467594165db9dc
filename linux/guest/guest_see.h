/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is seen of a guest: captures, transcripts, traces, histograms.
 *
 * Context: VP 0, the control context, except guest_see_open() and _close():
 * the main thread, while no VP runs.
 */
#ifndef LINUX_GUEST_GUEST_SEE_H
#define LINUX_GUEST_GUEST_SEE_H

#include <jansson.h>

#include "linux/see/see.h"

struct guest;
struct guest_see;

/* As the configuration wants it: g->see.  0, or -1 with a sentence in err. */
int guest_see_open(struct guest *, char *err, size_t cap);
void guest_see_close(struct guest *);
/* vmc_ops.trace */
void guest_see_message(void *guest, bool to_host, struct span msg);
/* A queue's channel is about to be opened. */
void guest_see_queue(struct guest *, uint32_t queue, uint32_t vp);
/*
 * The control socket's commands "trace" and "hist": {"on": true} begins, {"on":
 * false} ends and answers with what there is.  Main thread, with VP 0 parked.
 */
json_t *guest_see_trace(struct guest *, const json_t *request);
json_t *guest_see_hist(struct guest *, const json_t *request);
/* Frames of a queue must wait for room; they need not any more.  Its VP. */
void guest_see_short(struct guest *, uint32_t queue);
void guest_see_short_end(struct guest *, uint32_t queue);

#endif
