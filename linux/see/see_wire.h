/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands before each VMBus message and ring packet in a capture file
 * (LINKTYPE_USER0): who captured it, of which channel, and how much of it
 * follows.  docs/debugging.md has the layout; share/wireshark/hvnet.lua reads
 * it.
 *
 * Behind it come, of a message, data_bytes of it.  Of a ring packet come the
 * extension (ext_bytes), the payload in the ring (data_bytes), and what the
 * packet refers to in guest memory: its send-buffer section and its pages, or
 * each of its ranges of the receive buffer, payload_bytes in all.  A section is
 * there whole; of the pages together, or of each range, at most piece_max
 * bytes; 0 stands for all.  Of a note comes its text, which is the record's
 * comment as well.
 */
#ifndef LINUX_SEE_SEE_WIRE_H
#define LINUX_SEE_SEE_WIRE_H

#include "wire/wire.h"

#define SEE_VERSION	1u
#define SEE_NIC_BYTES	32u	/* of a name, with the NUL */

/* kind */
#define SEE_MESSAGE	1u	/* VMBus message, payload of a SynIC message */
#define SEE_PACKET	2u	/* ring packet */
#define SEE_NOTE	3u	/* fault, drop: see the comment */

/* end: who captured it */
#define SEE_END_HOST	0u
#define SEE_END_GUEST	1u
#define SEE_END_UIO	2u

struct see_record_wire {
	uint8_t version;	/* SEE_VERSION */
	uint8_t kind;
	uint8_t end;
	uint8_t to_guest;	/* 1: from host to guest */
	le32_t guest;		/* the host's number for it; 0: not known */
	le32_t relid;		/* 0: none */
	le32_t queue;
	le32_t vp;		/* virtual processor of the channel */
	le16_t type, flags;	/* of the packet */
	le64_t xact;		/* its transaction id */
	le64_t time_ns;		/* CLOCK_MONOTONIC */
	le32_t ext_bytes;
	le32_t data_bytes;
	le32_t payload_bytes;
	le32_t piece_max;
	uint8_t nic[SEE_NIC_BYTES];
};
WIRE_STRUCT(see_record_wire, 88);

#endif
