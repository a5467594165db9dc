/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus control messages in native form, both directions.
 *
 * One structure and one pair of functions serve both ends; which types an end
 * accepts is its own state machine's matter.
 */
#ifndef CORE_WIRE_VMBUS_MSG_H
#define CORE_WIRE_VMBUS_MSG_H

#include "base/fault.h"
#include "base/span.h"
#include "wire/guid.h"
#include "wire/vmbus_wire.h"

/* Message types (OpenVMM protocol.rs MessageType; FreeBSD vmbus_reg.h). */
enum vmbus_msg_type {
	VMBUS_OFFER_CHANNEL = 1,		/* host to guest: H */
	VMBUS_RESCIND_OFFER = 2,		/* H */
	VMBUS_REQUEST_OFFERS = 3,		/* guest to host: G */
	VMBUS_ALL_OFFERS_DELIVERED = 4,		/* H */
	VMBUS_OPEN_CHANNEL = 5,			/* G */
	VMBUS_OPEN_RESULT = 6,			/* H */
	VMBUS_CLOSE_CHANNEL = 7,		/* G */
	VMBUS_GPADL_HEADER = 8,			/* G */
	VMBUS_GPADL_BODY = 9,			/* G */
	VMBUS_GPADL_CREATED = 10,		/* H */
	VMBUS_GPADL_TEARDOWN = 11,		/* G */
	VMBUS_GPADL_TORNDOWN = 12,		/* H */
	VMBUS_RELID_RELEASED = 13,		/* G */
	VMBUS_INITIATE_CONTACT = 14,		/* G */
	VMBUS_VERSION_RESPONSE = 15,		/* H */
	VMBUS_UNLOAD = 16,			/* G */
	VMBUS_UNLOAD_COMPLETE = 17,		/* H */
	VMBUS_OPEN_RESERVED = 18,		/* G */
	VMBUS_CLOSE_RESERVED = 19,		/* G */
	VMBUS_CLOSE_RESERVED_RESPONSE = 20,	/* H */
	VMBUS_TL_CONNECT = 21,			/* G */
	VMBUS_MODIFY_CHANNEL = 22,		/* G, 4.1 */
	VMBUS_TL_CONNECT_RESULT = 23,		/* H, 4.1 */
	VMBUS_MODIFY_CHANNEL_RESPONSE = 24,	/* H, 5.3 */
	VMBUS_MODIFY_CONNECTION = 25,		/* G, 6.0 */
	VMBUS_MODIFY_CONNECTION_RESPONSE = 26,	/* H, 6.0 */
	VMBUS_PAUSE = 27,			/* G, 6.0 */
	VMBUS_PAUSE_RESPONSE = 28,		/* H, 6.0 */
	VMBUS_RESUME = 29,			/* G, 6.0 */
	VMBUS_MSG_TYPES
};

/* Versions, major << 16 | minor (OpenVMM protocol.rs Version). */
#define VMBUS_V0_13		0x0000000du	/* Windows Server 2008 */
#define VMBUS_V1_1		0x00010001u	/* Windows 7 */
#define VMBUS_V2_4		0x00020004u	/* Windows 8 */
#define VMBUS_V3_0		0x00030000u	/* Windows 8.1 */
#define VMBUS_V4_0		0x00040000u	/* Windows 10 */
#define VMBUS_V4_1		0x00040001u
#define VMBUS_V5_0		0x00050000u	/* RS3 */
#define VMBUS_V5_1		0x00050001u	/* RS4 */
#define VMBUS_V5_2		0x00050002u	/* RS5 */
#define VMBUS_V5_3		0x00050003u	/* Iron, Server 2022 */
#define VMBUS_V6_0		0x00060000u	/* Copper */

/* All of the above, newest first. */
#define VMBUS_VERSIONS		11u
extern const uint32_t vmbus_versions[VMBUS_VERSIONS];

/* Feature flags of version 6.0 (OpenVMM protocol.rs FeatureFlags). */
#define VMBUS_FEATURE_GUEST_SIGNAL	0x01u
#define VMBUS_FEATURE_REDIRECT		0x02u
#define VMBUS_FEATURE_MODIFY_CONNECTION	0x04u
#define VMBUS_FEATURE_CLIENT_ID		0x08u
#define VMBUS_FEATURE_CONFIDENTIAL	0x10u
#define VMBUS_FEATURE_PAUSE_RESUME	0x20u
#define VMBUS_FEATURE_SERVER_MONITOR	0x40u
#define VMBUS_FEATURE_GPA_PINNING	0x80u

/* Offer flags (OpenVMM protocol.rs OfferFlags). */
#define VMBUS_OFFER_ENUMERATE		0x0001u
#define VMBUS_OFFER_CONFIDENTIAL_RING	0x0002u
#define VMBUS_OFFER_CONFIDENTIAL_MEM	0x0004u
#define VMBUS_OFFER_PINNED_MEM		0x0008u
#define VMBUS_OFFER_NAMED_PIPE		0x0010u
#define VMBUS_OFFER_LOOPBACK		0x0100u
#define VMBUS_OFFER_PARENT		0x0200u
#define VMBUS_OFFER_MONITORED		0x0400u
#define VMBUS_OFFER_TLNPI		0x2000u

/* Status of open, GPADL and modify results (OpenVMM protocol.rs STATUS_*). */
#define VMBUS_STATUS_OK			0x00000000u
#define VMBUS_STATUS_FAILED		0x8000ffffu
#define VMBUS_STATUS_REFUSED		0xc0000236u

/* Connection state in VERSION_RESPONSE (OpenVMM ConnectionState). */
enum vmbus_conn_state {
	VMBUS_CONN_OK = 0,
	VMBUS_CONN_LOW_RESOURCES = 1,
	VMBUS_CONN_FAILED = 2,
};

#define VMBUS_VP_INTERRUPTS_OFF	0xffffffffu	/* target VP of an open */
#define VMBUS_SINT		2u		/* the SINT that VMBus uses */
#define VMBUS_OPEN_REDIRECT	0x1u		/* flag of the 156-byte open */
#define VMBUS_MONITOR_IDS	128u		/* FreeBSD panics beyond */

struct vmbus_offer {
	struct hv_guid if_type;
	struct hv_guid instance;
	uint32_t relid;
	uint32_t conn_id;
	uint16_t flags;			/* VMBUS_OFFER_* */
	uint16_t mmio_mb;
	uint16_t mmio_optional_mb;
	uint16_t subchan;		/* 0 is the primary channel */
	uint8_t monitor_id;		/* valid if monitor_allocated */
	bool monitor_allocated;
	bool dedicated_interrupt;
	uint8_t user[VMBUS_OFFER_USER_BYTES];
};

struct vmbus_open {
	uint32_t relid;
	uint32_t open_id;
	uint32_t ring_gpadl;
	uint32_t target_vp;
	uint32_t downstream_pages;	/* where the ring to the guest begins */
	bool extended;			/* the next three are there (156 B) */
	uint32_t conn_id;
	uint16_t event_flag;
	uint16_t flags;
	uint8_t user[VMBUS_USER_BYTES];
};

struct vmbus_open_result {
	uint32_t relid;
	uint32_t open_id;
	uint32_t status;
};

/*
 * part borrows the bytes of the range buffer that this message carries: at
 * most range_bytes in a header, at most 224 in a body.  A body's end beyond
 * range_bytes is padding, which the owner of the GPADL knows and cuts.
 */
struct vmbus_gpadl_header {
	uint32_t relid;
	uint32_t gpadl;
	uint16_t range_bytes;		/* of header and bodies together */
	uint16_t range_count;
	struct span part;
};

struct vmbus_gpadl_body {
	uint32_t gpadl;
	uint32_t msg_number;		/* hosts ignore it */
	struct span part;
};

struct vmbus_gpadl_result {
	uint32_t relid;
	uint32_t gpadl;
	uint32_t status;
};

/*
 * Below 5.0 the field at 16 is the interrupt page (guests of 2.4 to 4.1 still
 * fill it in; hosts use it below 2.4 only), and sint reads as VMBUS_SINT.
 * From 5.0 it names the SINT and VTL for messages, and interrupt_gpa reads 0.
 * features has a meaning from 6.0; below, it reads 0.
 */
struct vmbus_contact {
	uint32_t version;
	uint32_t target_vp;
	uint64_t interrupt_gpa;
	uint8_t sint;
	uint8_t vtl;
	uint32_t features;
	uint64_t monitor_to_guest;	/* first page in the message */
	uint64_t monitor_to_host;	/* second page; guests set bits in it */
	bool has_client_id;		/* features & CLIENT_ID, 56 bytes */
	struct hv_guid client_id;
};

struct vmbus_version {
	bool supported;
	uint8_t state;			/* enum vmbus_conn_state */
	uint32_t selected;		/* version, or message connection id */
	bool has_features;		/* 20 bytes or more */
	uint32_t features;
	bool has_monitor;		/* 40 bytes */
	uint64_t monitor_to_guest;
	uint64_t monitor_to_host;
};

/* OPEN_RESERVED; CLOSE_RESERVED leaves the last two 0. */
struct vmbus_reserved {
	uint32_t relid;
	uint32_t target_vp;
	uint32_t sint;
	uint32_t ring_gpadl;
	uint32_t downstream_pages;
};

struct vmbus_tl_connect {
	struct hv_guid endpoint;
	struct hv_guid service;
	bool has_silo;
	struct hv_guid silo;
};

struct vmbus_tl_result {
	struct hv_guid endpoint;
	struct hv_guid service;
	uint32_t status;
};

struct vmbus_modify {
	uint32_t relid;
	uint32_t target_vp;
};

struct vmbus_modify_result {
	uint32_t relid;
	uint32_t status;
};

struct vmbus_monitor_pages {
	uint64_t to_guest;
	uint64_t to_host;
};

struct vmbus_msg {
	enum vmbus_msg_type type;
	union {
		struct vmbus_offer offer;		/* 1 */
		uint32_t relid;				/* 2, 7, 13, 20 */
		struct vmbus_open open;			/* 5 */
		struct vmbus_open_result open_result;	/* 6 */
		struct vmbus_gpadl_header gpadl_header;	/* 8 */
		struct vmbus_gpadl_body gpadl_body;	/* 9 */
		struct vmbus_gpadl_result gpadl;	/* 10; 11 and 12 with
							   status 0, 12 also
							   with relid 0 */
		struct vmbus_contact contact;		/* 14 */
		struct vmbus_version version;		/* 15 */
		struct vmbus_reserved reserved;		/* 18, 19 */
		struct vmbus_tl_connect tl_connect;	/* 21 */
		struct vmbus_modify modify;		/* 22 */
		struct vmbus_tl_result tl_result;	/* 23 */
		struct vmbus_modify_result modify_result; /* 24 */
		struct vmbus_monitor_pages monitor;	/* 25 */
		uint8_t conn_state;			/* 26 */
	};
};

/*
 * Decode one control message.  Context: any.  Borrows raw, which must be a
 * private copy; spans in *out point into it.  A message longer than its type
 * needs is accepted (peers pad).  Returns 0, or E_PEER with *why VMBUS_SHORT or
 * VMBUS_TYPE; *out is then undefined.  The ranges of a GPADL are not looked at
 * (vmbus_gpadl_check), so that a host can answer a bad list with a status.
 */
int vmbus_msg_decode(struct vmbus_msg *out, struct span raw,
    enum fault *why) must_check;

/*
 * Encode one control message.  Reserved bytes become 0.  A GPADL part longer
 * than fits is a bug of the caller.  Returns the length in bytes, <= 240.
 */
uint32_t vmbus_msg_encode(const struct vmbus_msg *m,
    uint8_t buf[VMBUS_MSG_MAX]);

/* "OFFER_CHANNEL"; "?" for an unknown type. */
const char *vmbus_msg_name(uint32_t type);

/* True if v is one of vmbus_versions[]. */
bool vmbus_version_known(uint32_t v);

#endif
