/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SynIC pages and hypercall inputs (OpenVMM hv1/hvdef, FreeBSD hyperv_reg.h,
 * vmbus_reg.h).  These pages are shared with the peer: fields are read and
 * written through the os_* atomics by the code that owns them.
 */
#ifndef CORE_WIRE_SYNIC_WIRE_H
#define CORE_WIRE_SYNIC_WIRE_H

#include "wire/vmbus_wire.h"

#define SYNIC_SINTS		16u

/* Message types in a slot (hvdef HvMessageType). */
#define SYNIC_MSG_NONE		0u
#define SYNIC_MSG_CHANNEL	1u
#define SYNIC_MSG_TIMER		0x80000010u

#define SYNIC_MSG_F_PENDING	0x01u

struct synic_slot_wire {
	le32_t type;
	uint8_t payload_len;
	uint8_t flags;			/* SYNIC_MSG_F_PENDING */
	le16_t rsvd;
	le64_t origin;
	uint8_t payload[VMBUS_MSG_MAX];
};
WIRE_STRUCT(synic_slot_wire, 256);

/* SIMP page: slot = SINT. */
struct synic_simp_wire { struct synic_slot_wire slot[SYNIC_SINTS]; };
WIRE_STRUCT(synic_simp_wire, HV_PAGE_SIZE);

/* SIEFP page: 2048 event flags for each SINT; flag 0 is reserved. */
#define SYNIC_FLAGS		2048u
#define SYNIC_FLAG_WORDS	64u
struct synic_flags_wire { le32_t word[SYNIC_FLAG_WORDS]; };
WIRE_STRUCT(synic_flags_wire, 256);

struct synic_siefp_wire { struct synic_flags_wire sint[SYNIC_SINTS]; };
WIRE_STRUCT(synic_siefp_wire, HV_PAGE_SIZE);

/* Interrupt page of versions before 2.4: one bit a channel, 256 channels. */
#define SYNIC_INTPAGE_WORDS	512u
struct synic_intpage_wire {
	le32_t to_guest[SYNIC_INTPAGE_WORDS];
	le32_t to_host[SYNIC_INTPAGE_WORDS];
};
WIRE_STRUCT(synic_intpage_wire, HV_PAGE_SIZE);

/* Monitor page: 128 ids, group id/32, bit id%32; latency in 100 ns. */
#define SYNIC_MONITOR_GROUPS	4u
#define SYNIC_MONITOR_IDS	128u
struct synic_monitor_trigger_wire { le32_t pending, armed; };
WIRE_STRUCT(synic_monitor_trigger_wire, 8);

struct synic_monitor_param_wire { le32_t conn_id; le16_t flag, rsvd; };
WIRE_STRUCT(synic_monitor_param_wire, 8);

struct synic_monitor_wire {
	le32_t trigger_state;		/* bits 0..3: group enabled */
	le32_t rsvd0;
	struct synic_monitor_trigger_wire group[SYNIC_MONITOR_GROUPS];
	uint8_t rsvd1[24];
	le32_t next_check[SYNIC_MONITOR_GROUPS][32];
	le16_t latency[SYNIC_MONITOR_GROUPS][32];
	uint8_t rsvd2[256];
	struct synic_monitor_param_wire param[SYNIC_MONITOR_GROUPS][32];
	uint8_t rsvd3[1984];
};
WIRE_STRUCT(synic_monitor_wire, HV_PAGE_SIZE);

/* Hypercall codes and status (hvdef HypercallCode, HvError). */
#define HVCALL_POST_MESSAGE		0x005cu
#define HVCALL_SIGNAL_EVENT		0x005du
#define HVSTATUS_OK			0x0000u
#define HVSTATUS_INSUFFICIENT_MEMORY	0x000bu
#define HVSTATUS_INVALID_CONNECTION	0x0012u
#define HVSTATUS_INSUFFICIENT_BUFFERS	0x0013u

/* Connection ids of the bus itself (OpenVMM vmbus_core, Linux hyperv.h). */
#define VMBUS_CONN_MESSAGE	1u
#define VMBUS_CONN_MESSAGE_5_0	4u	/* INITIATE_CONTACT for >= 5.0 */
#define VMBUS_CONN_EVENT	2u	/* shared event, 0.13 only */

struct hvcall_post_wire {
	le32_t conn_id;
	le32_t rsvd;
	le32_t msg_type;
	le32_t payload_len;
	uint8_t payload[VMBUS_MSG_MAX];
};
WIRE_STRUCT(hvcall_post_wire, 256);

struct hvcall_signal_wire { le32_t conn_id; le16_t flag, rsvd; };
WIRE_STRUCT(hvcall_signal_wire, 8);

#endif
