/*
 * A ring as it lies in shared memory: one control page, then the data pages;
 * and the descriptor that each packet in it begins with.
 *
 * OpenVMM vmbus_ring/src/lib.rs; FreeBSD vmbus_reg.h (struct vmbus_bufring,
 * struct vmbus_chanpkt_hdr).  docs/ring.md has the rules.
 */
#ifndef CORE_WIRE_RING_WIRE_H
#define CORE_WIRE_RING_WIRE_H

#include "wire/wire.h"

/* Each field has one writer: the ring's producer (P) or its consumer (C). */
struct ring_ctrl_wire {
	le32_t write;		/* P: offset of the next byte to be written */
	le32_t read;		/* C: offset of the next byte to be read */
	le32_t mask;		/* C: nonzero asks the producer for silence */
	le32_t pending;		/* P: bytes it waits for, 0 when not waiting */
	uint8_t rsvd0[48];
	le32_t features;	/* P */
	uint8_t rsvd1[4020];
	le64_t signals;		/* a statistic of FreeBSD's, guest to host */
};
WIRE_STRUCT(ring_ctrl_wire, 4096);

#define RING_FEATURE_PENDING	0x1u	/* the producer uses `pending` */

/* Lengths are in units of 8 bytes; length8 leaves out the 8-byte trailer. */
struct ring_desc_wire {
	le16_t type;
	le16_t offset8;		/* of the payload, from the descriptor */
	le16_t length8;
	le16_t flags;
	le64_t xact;
};
WIRE_STRUCT(ring_desc_wire, 16);

#define RING_TRAILER_BYTES	8u

#endif
