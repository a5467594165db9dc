/*
 * One packet on a channel, in native form: what a producer puts and what a
 * consumer gets.  The same two structures serve our own rings and a channel
 * that an operating system owns (FreeBSD's vmbus(4)); see bus/chan.h.
 */
#ifndef CORE_WIRE_VMPKT_H
#define CORE_WIRE_VMPKT_H

#include "base/fault.h"
#include "base/span.h"

/* Packet types.  OpenVMM vmbus_ring, FreeBSD vmbus_reg.h. */
enum vmpkt_type {
	VMPKT_INBAND = 6,	/* payload only */
	VMPKT_XFER_PAGES = 7,	/* ranges of the receive buffer; host to guest */
	VMPKT_GPA_DIRECT = 9,	/* ranges of guest memory; guest to host */
	VMPKT_COMPLETION = 11,	/* answers the packet of the same xact */
};

#define VMPKT_F_COMPLETE	0x1u	/* the sender wants a completion */

/*
 * A packet to put.  ext is the type's own extension (for type 7 the transfer
 * page header and ranges, for type 9 the GPA header and ranges), a multiple of
 * 8 bytes, already in wire form; data is the payload, of any length.  Both are
 * borrowed for the call.
 */
struct vmpkt_out {
	uint16_t type;
	uint16_t flags;
	uint64_t xact;
	struct span ext;
	struct span data;
};

/*
 * A packet as received.  ext and data point into the caller's private copy,
 * never into the ring.  data.len is a multiple of 8: it includes the padding.
 */
struct vmpkt_in {
	uint16_t type;
	uint16_t flags;
	uint64_t xact;
	struct span ext;
	struct span data;
};

#endif
