/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RNDIS messages on the wire (MS-RNDIS 2.2, FreeBSD sys/net/rndis.h, OpenVMM
 * netvsp/src/rndisprot.rs).  Offsets inside messages count from byte 8.
 */
#ifndef CORE_WIRE_RNDIS_WIRE_H
#define CORE_WIRE_RNDIS_WIRE_H

#include "wire/wire.h"

#define RNDIS_OFF_BASE	8u	/* where offsets of a message count from */

struct rndis_hdr_wire { le32_t type, len; };
WIRE_STRUCT(rndis_hdr_wire, 8);

struct rndis_init_wire { le32_t type, len, req_id, major, minor, max_xfer; };
WIRE_STRUCT(rndis_init_wire, 24);

struct rndis_init_done_wire {
	le32_t type, len, req_id, status, major, minor;
	le32_t dev_flags, medium, max_packets, max_xfer, align_shift;
	le32_t af_offset, af_len;
};
WIRE_STRUCT(rndis_init_done_wire, 52);

/* HALT and KEEPALIVE. */
struct rndis_req_wire { le32_t type, len, req_id; };
WIRE_STRUCT(rndis_req_wire, 12);

/* QUERY and SET. */
struct rndis_query_wire {
	le32_t type, len, req_id, oid, info_len, info_off, vc;
};
WIRE_STRUCT(rndis_query_wire, 28);

struct rndis_query_done_wire {
	le32_t type, len, req_id, status, info_len, info_off;
};
WIRE_STRUCT(rndis_query_done_wire, 24);

/* Completions of SET and KEEPALIVE. */
struct rndis_done_wire { le32_t type, len, req_id, status; };
WIRE_STRUCT(rndis_done_wire, 16);

struct rndis_reset_wire { le32_t type, len, rsvd; };
WIRE_STRUCT(rndis_reset_wire, 12);

struct rndis_reset_done_wire { le32_t type, len, status, addressing; };
WIRE_STRUCT(rndis_reset_done_wire, 16);

struct rndis_status_wire { le32_t type, len, status, info_len, info_off; };
WIRE_STRUCT(rndis_status_wire, 20);

struct rndis_packet_wire {
	le32_t type, len;
	le32_t data_off, data_len;
	le32_t oob_off, oob_len, oob_count;
	le32_t ppi_off, ppi_len;
	le32_t vc, rsvd;
};
WIRE_STRUCT(rndis_packet_wire, 44);

/* Per-packet information: the data is at data_off from here. */
struct rndis_ppi_wire { le32_t size, type, data_off; };
WIRE_STRUCT(rndis_ppi_wire, 12);

/* Data of the internal PPI 1. */
struct rndis_pktinfo_id_wire { uint8_t version, flags; le16_t id; };
WIRE_STRUCT(rndis_pktinfo_id_wire, 4);

#endif
