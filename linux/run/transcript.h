/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transcripts: every control message, decoded, a line each, as it passes.
 *
 *	12.345678 guest > host VMBus  INITIATE_CONTACT version=5.3 ...
 *
 * Context: any thread; lines are whole.
 */
#ifndef LINUX_RUN_TRANSCRIPT_H
#define LINUX_RUN_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct transcript;

enum transcript_layer { TRANSCRIPT_VMBUS, TRANSCRIPT_NVSP, TRANSCRIPT_RNDIS };

/* "-" is standard error.  NULL with a sentence in err. */
struct transcript *transcript_open(const char *path, char *err,
    size_t err_cap);
void transcript_close(struct transcript *);
/* `who` names the guest or NIC, may be "".  t may be NULL: nothing is done. */
void transcript_line(struct transcript *t, const char *who, bool to_guest,
    enum transcript_layer, struct span msg);

#endif
