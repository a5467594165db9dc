/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus control messages on the wire (OpenVMM vmbus_core/src/protocol.rs,
 * FreeBSD vmbus_reg.h).  Every structure includes the 8-byte header.
 */
#ifndef CORE_WIRE_VMBUS_WIRE_H
#define CORE_WIRE_VMBUS_WIRE_H

#include "wire/wire.h"

#define VMBUS_MSG_MAX		240u	/* payload of a SynIC message slot */
#define VMBUS_USER_BYTES	120u
#define VMBUS_OFFER_USER_BYTES	120u

struct vmbus_hdr_wire { le32_t type, pad; };
WIRE_STRUCT(vmbus_hdr_wire, 8);

struct vmbus_offer_wire {
	struct vmbus_hdr_wire hdr;
	uint8_t if_type[16];
	uint8_t instance[16];
	le32_t rsvd[4];
	le16_t flags;
	le16_t mmio_mb;
	uint8_t user[VMBUS_OFFER_USER_BYTES];
	le16_t subchan;
	le16_t mmio_optional_mb;
	le32_t relid;
	uint8_t monitor_id;
	uint8_t monitor_allocated;	/* bit 0 */
	le16_t dedicated_interrupt;	/* bit 0 */
	le32_t conn_id;
};
WIRE_STRUCT(vmbus_offer_wire, 196);

/* Types 2, 13 and 7, 20: just a relid. */
struct vmbus_relid_wire { struct vmbus_hdr_wire hdr; le32_t relid; };
WIRE_STRUCT(vmbus_relid_wire, 12);

struct vmbus_open_wire {
	struct vmbus_hdr_wire hdr;
	le32_t relid;
	le32_t open_id;
	le32_t ring_gpadl;
	le32_t target_vp;
	le32_t downstream_pages;
	uint8_t user[VMBUS_USER_BYTES];
};
WIRE_STRUCT(vmbus_open_wire, 148);

/* With feature GUEST_SIGNAL_PARAMS or INTERRUPT_REDIRECT (version 6.0). */
struct vmbus_open2_wire {
	struct vmbus_open_wire open;
	le32_t conn_id;
	le16_t event_flag;
	le16_t flags;
};
WIRE_STRUCT(vmbus_open2_wire, 156);

struct vmbus_open_result_wire {
	struct vmbus_hdr_wire hdr;
	le32_t relid;
	le32_t open_id;
	le32_t status;
};
WIRE_STRUCT(vmbus_open_result_wire, 20);

/* Followed by the first part of the range buffer. */
struct vmbus_gpadl_header_wire {
	struct vmbus_hdr_wire hdr;
	le32_t relid;
	le32_t gpadl;
	le16_t range_bytes;
	le16_t range_count;
};
WIRE_STRUCT(vmbus_gpadl_header_wire, 20);

/* Followed by the next part of the range buffer. */
struct vmbus_gpadl_body_wire {
	struct vmbus_hdr_wire hdr;
	le32_t msg_number;
	le32_t gpadl;
};
WIRE_STRUCT(vmbus_gpadl_body_wire, 16);

/* In the range buffer; followed by ceil((offset + bytes) / 4096) PFNs, u64. */
struct vmbus_gpa_range_wire { le32_t bytes, offset; };
WIRE_STRUCT(vmbus_gpa_range_wire, 8);

struct vmbus_gpadl_created_wire {
	struct vmbus_hdr_wire hdr;
	le32_t relid;
	le32_t gpadl;
	le32_t status;
};
WIRE_STRUCT(vmbus_gpadl_created_wire, 20);

struct vmbus_gpadl_teardown_wire {
	struct vmbus_hdr_wire hdr;
	le32_t relid;
	le32_t gpadl;
};
WIRE_STRUCT(vmbus_gpadl_teardown_wire, 16);

struct vmbus_gpadl_torndown_wire { struct vmbus_hdr_wire hdr; le32_t gpadl; };
WIRE_STRUCT(vmbus_gpadl_torndown_wire, 12);

struct vmbus_contact_wire {
	struct vmbus_hdr_wire hdr;
	le32_t version;
	le32_t target_vp;
	le64_t interrupt_or_target;	/* see vmbus_msg.h */
	le64_t monitor_to_guest;
	le64_t monitor_to_host;
};
WIRE_STRUCT(vmbus_contact_wire, 40);

/* What interrupt_or_target holds from version 5.0 on. */
struct vmbus_contact_target_wire {
	uint8_t sint;
	uint8_t vtl;
	le16_t rsvd;
	le32_t features;
};
WIRE_STRUCT(vmbus_contact_target_wire, 8);

struct vmbus_contact2_wire {
	struct vmbus_contact_wire contact;
	uint8_t client_id[16];
};
WIRE_STRUCT(vmbus_contact2_wire, 56);

struct vmbus_version_wire {
	struct vmbus_hdr_wire hdr;
	uint8_t supported;
	uint8_t state;
	le16_t pad;
	le32_t selected;
};
WIRE_STRUCT(vmbus_version_wire, 16);

struct vmbus_version2_wire {
	struct vmbus_version_wire version;
	le32_t features;
};
WIRE_STRUCT(vmbus_version2_wire, 20);

struct vmbus_version3_wire {
	struct vmbus_version2_wire version;
	le32_t pad;
	le64_t monitor_to_guest;
	le64_t monitor_to_host;
};
WIRE_STRUCT(vmbus_version3_wire, 40);

struct vmbus_open_reserved_wire {
	struct vmbus_hdr_wire hdr;
	le32_t relid;
	le32_t target_vp;
	le32_t sint;
	le32_t ring_gpadl;
	le32_t downstream_pages;
};
WIRE_STRUCT(vmbus_open_reserved_wire, 28);

struct vmbus_close_reserved_wire {
	struct vmbus_hdr_wire hdr;
	le32_t relid;
	le32_t target_vp;
	le32_t sint;
};
WIRE_STRUCT(vmbus_close_reserved_wire, 20);

struct vmbus_tl_connect_wire {
	struct vmbus_hdr_wire hdr;
	uint8_t endpoint[16];
	uint8_t service[16];
};
WIRE_STRUCT(vmbus_tl_connect_wire, 40);

struct vmbus_tl_connect2_wire {
	struct vmbus_tl_connect_wire connect;
	uint8_t silo[16];
};
WIRE_STRUCT(vmbus_tl_connect2_wire, 56);

struct vmbus_tl_result_wire {
	struct vmbus_hdr_wire hdr;
	uint8_t endpoint[16];
	uint8_t service[16];
	le32_t status;
};
WIRE_STRUCT(vmbus_tl_result_wire, 44);

struct vmbus_modify_channel_wire {
	struct vmbus_hdr_wire hdr;
	le32_t relid;
	le32_t target_vp;
};
WIRE_STRUCT(vmbus_modify_channel_wire, 16);

struct vmbus_modify_channel_result_wire {
	struct vmbus_hdr_wire hdr;
	le32_t relid;
	le32_t status;
};
WIRE_STRUCT(vmbus_modify_channel_result_wire, 16);

struct vmbus_modify_connection_wire {
	struct vmbus_hdr_wire hdr;
	le64_t monitor_to_guest;
	le64_t monitor_to_host;
};
WIRE_STRUCT(vmbus_modify_connection_wire, 24);

/* Only the state byte is promised; the rest is padding on some hosts. */
struct vmbus_modify_connection_result_wire {
	struct vmbus_hdr_wire hdr;
	uint8_t state;
};
_Static_assert(
    offsetof(struct vmbus_modify_connection_result_wire, state) == 8,
    "state of vmbus_modify_connection_result_wire");

#endif
