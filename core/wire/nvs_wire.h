/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVSP messages on the wire (OpenVMM netvsp/src/protocol.rs, FreeBSD
 * if_hnreg.h, Linux hyperv_net.h).  Each starts with its type; a message is
 * padded to 28 bytes before 6.1 and to 40 from then on.
 */
#ifndef CORE_WIRE_NVS_WIRE_H
#define CORE_WIRE_NVS_WIRE_H

#include "wire/wire.h"

#define NVS_MSG_BYTES_5		28u	/* NVSP 1 to 6 */
#define NVS_MSG_BYTES_6_1	40u	/* 6.1; BSD and we send it always */
#define NVS_SEND_TABLE_ENTRIES	16u	/* Linux VRSS_SEND_TAB_SIZE */
/* The longest: a send table after 40 bytes. */
#define NVS_MSG_BYTES_MAX						\
	(NVS_MSG_BYTES_6_1 + 4u * NVS_SEND_TABLE_ENTRIES)

/* What every message starts with. */
struct nvs_hdr_wire { le32_t type; };
WIRE_STRUCT(nvs_hdr_wire, 4);

struct nvs_init_wire { le32_t type, version_lo, version_hi; };
WIRE_STRUCT(nvs_init_wire, 12);

struct nvs_init_done_wire { le32_t type, version, max_mdl, status; };
WIRE_STRUCT(nvs_init_done_wire, 16);

struct nvs_ndis_version_wire { le32_t type, major, minor; };
WIRE_STRUCT(nvs_ndis_version_wire, 12);

/* 101 and 104. */
struct nvs_buf_wire { le32_t type, gpadl; le16_t id, pad; };
WIRE_STRUCT(nvs_buf_wire, 12);

struct nvs_section_wire { le32_t offset, slot_bytes, slots, end; };
WIRE_STRUCT(nvs_section_wire, 16);

struct nvs_recv_buf_done_wire {
	le32_t type, status, sections;
	struct nvs_section_wire section[1];
};
WIRE_STRUCT(nvs_recv_buf_done_wire, 28);

/* 103 and 106. */
struct nvs_revoke_wire { le32_t type; le16_t id, pad; };
WIRE_STRUCT(nvs_revoke_wire, 8);

struct nvs_send_buf_done_wire { le32_t type, status, section_bytes; };
WIRE_STRUCT(nvs_send_buf_done_wire, 12);

struct nvs_rndis_wire { le32_t type, channel, section, section_bytes; };
WIRE_STRUCT(nvs_rndis_wire, 16);

struct nvs_rndis_done_wire { le32_t type, status; };
WIRE_STRUCT(nvs_rndis_done_wire, 8);

/* caps is a u64 at 12, in halves for its alignment. */
struct nvs_ndis_config_wire { le32_t type, mtu, rsvd, caps_lo, caps_hi; };
WIRE_STRUCT(nvs_ndis_config_wire, 20);

struct nvs_vf_wire { le32_t type, allocated, serial; };
WIRE_STRUCT(nvs_vf_wire, 12);

struct nvs_datapath_wire { le32_t type, active; };
WIRE_STRUCT(nvs_datapath_wire, 8);

struct nvs_oid_query_wire { le32_t type, ndis_hdr, oid; };
WIRE_STRUCT(nvs_oid_query_wire, 12);

struct nvs_oid_query_done_wire { le32_t type, status, bytes; };
WIRE_STRUCT(nvs_oid_query_done_wire, 12);

/* 133: request {op, count}; completion {status, count}. */
struct nvs_subchan_wire { le32_t type, op_or_status, count; };
WIRE_STRUCT(nvs_subchan_wire, 12);

/* The entries are at table_off, u32 each. */
struct nvs_send_table_wire { le32_t type, count, table_off; };
WIRE_STRUCT(nvs_send_table_wire, 12);

#endif
