/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMBus ring in memory: control page, packet descriptor and extensions
 * (FreeBSD vmbus_reg.h, OpenVMM vmbus_ring).
 */
#ifndef CORE_WIRE_RING_WIRE_H
#define CORE_WIRE_RING_WIRE_H

#include "wire/wire.h"

/* Bit in feature: the writer of this ring uses and honours pending_send. */
#define RING_FEATURE_PENDING_SEND	0x1u

/* First page of each ring; the data follows.  Shared with the peer. */
struct ring_ctrl_wire {
	le32_t write_index;	/* writer */
	le32_t read_index;	/* reader */
	le32_t interrupt_mask;	/* reader */
	le32_t pending_send;	/* writer; bytes it waits for */
	uint8_t rsvd0[48];
	le32_t feature;		/* writer */
	uint8_t rsvd1[4020];
	le64_t guest_interrupts; /* a statistic of FreeBSD's */
};
WIRE_STRUCT(ring_ctrl_wire, HV_PAGE_SIZE);

#define RING_TRAILER_BYTES	8u

/* Lengths in units of 8 bytes, descriptor included, trailer not. */
struct ring_desc_wire {
	le16_t type;
	le16_t data_off8;
	le16_t len8;
	le16_t flags;
	le64_t xact;
};
WIRE_STRUCT(ring_desc_wire, 16);

/* Type 7, after the descriptor; ranges follow.  Reserved: may be garbage. */
struct ring_xfer_wire {
	le16_t pageset;
	uint8_t sender_owns;
	uint8_t rsvd;
	le32_t range_count;
};
WIRE_STRUCT(ring_xfer_wire, 8);

struct ring_xfer_range_wire { le32_t bytes, offset; };
WIRE_STRUCT(ring_xfer_range_wire, 8);

/* Type 9, after the descriptor; ranges follow, each with its PFNs. */
struct ring_gpa_wire {
	le32_t rsvd;		/* may be garbage */
	le32_t range_count;
};
WIRE_STRUCT(ring_gpa_wire, 8);

struct ring_gpa_range_wire { le32_t bytes, offset; };
WIRE_STRUCT(ring_gpa_range_wire, 8);

#endif
