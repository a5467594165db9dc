/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames from and to a TAP, for both ends.
 */
#ifndef LINUX_NET_TAP_FRAME_H
#define LINUX_NET_TAP_FRAME_H

#include <stdbool.h>

#include "base/span.h"
#include "pkt/pkt_meta.h"

/* Pieces that a frame may have: a merged one and its reassembled head. */
#define TAP_FRAME_PIECES	96u

/*
 * Read one frame with its offload metadata into the pieces of vec, at most
 * TAP_FRAME_PIECES, in one call: its bytes; 0: none is there; E_STATE: it was
 * cut short, and is lost.  A frame that fills the room to its last byte counts
 * as cut, so the room is to be larger than any frame.  Context: data path,
 * owner of the queue; does not block.
 */
int tap_frame_read(int fd, const struct vec *vec, uint32_t nvec,
    struct pkt_meta *meta);
/*
 * Write one frame with its offload metadata, and its VLAN tag put back, in one
 * call from where it lies.  Context: data path, owner of the queue; does not
 * block.  False: the kernel did not take it (errno), or it has too many pieces.
 */
bool tap_frame_write(int fd, const struct vec *vec, uint32_t nvec,
    const struct pkt_meta *meta);

#endif
