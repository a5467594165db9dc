/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Merging the guest's segments in front of a backend.
 */
#ifndef LINUX_HOST_BACKEND_COAL_H
#define LINUX_HOST_BACKEND_COAL_H

#include "linux/host/backend.h"
#include "pkt/pkt_coal.h"

struct backend_coal;

typedef void backend_write_fn(void *arg, const struct vec *, uint32_t n,
    uint32_t len, const struct pkt_meta *);

/* NULL: out of memory.  Control. */
struct backend_coal *backend_coal_make(uint32_t limit_bytes,
    backend_write_fn *, void *arg, struct backend_counters *);
void backend_coal_free(struct backend_coal *);

/*
 * Offer a frame: true if it is held until flush, except vec[0] and the list,
 * which are copied.  May write earlier frames; where it says no, those of the
 * same flow are written.  Worker.
 */
bool backend_coal_add(struct backend_coal *, const struct vsp_frame *);
void backend_coal_flush(struct backend_coal *);

#endif
