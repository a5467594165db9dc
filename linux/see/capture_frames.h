/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes the Ethernet frames out of captured ring packets.
 *
 * Context: the thread that writes a capture.
 */
#ifndef LINUX_SEE_CAPTURE_FRAMES_H
#define LINUX_SEE_CAPTURE_FRAMES_H

#include "base/span.h"
#include "linux/see/see_wire.h"

#define CAPTURE_FRAME_MAX	65600u

struct capture_frames {
	/* Set by the owner: one frame, n pieces of it, orig bytes long. */
	void (*emit)(void *ctx, const struct see_record_wire *,
	    uint64_t time_ns, const struct span *v, uint32_t n,
	    uint32_t orig);
	void *ctx;
	bool segments;		/* GSO frames are cut */
	/* fragments of one frame (RSC) are joined */
	uint8_t frame[CAPTURE_FRAME_MAX];
	uint32_t len, orig, mss;
	bool cut;		/* the rest of it is not contiguous */
};

/* Emit the frames of a packet; body is what stands behind its head. */
void capture_frames_of(struct capture_frames *, const struct see_record_wire *,
    uint64_t time_ns, struct span body);

#endif
