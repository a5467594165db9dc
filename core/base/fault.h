/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults: what a peer did wrong, by reason, counted and remembered.
 *
 * A decoder takes `enum fault *why` and returns peer_bad(why, FAULT_X); the
 * owner of the channel or connection then calls fault_note() with it.  That
 * is the only way E_PEER comes into being.  What follows is policy of the end:
 * a host closes that channel and keeps the process, a guest resets the device.
 *
 * Add a reason here (name, what it means to a person) rather than reuse one:
 * `hvnet stat` prints these texts.
 */
#ifndef CORE_BASE_FAULT_H
#define CORE_BASE_FAULT_H

#include "base/err.h"
#include "base/os.h"

#define FAULT_LIST(X)							\
	X(NONE,			"no fault")				\
	/* ring */							\
	X(RING_INDEX,		"ring index out of range or unaligned")	\
	X(RING_DESC,		"packet descriptor with bad offset or length") \
	X(RING_TYPE,		"packet of unknown or unexpected type")	\
	X(RING_FLAGS,		"packet flags with reserved bits set")	\
	X(RING_OVERRUN,		"packet runs past the bytes in the ring") \
	X(RING_TOO_BIG,		"packet larger than the reader accepts") \
	X(PKT_RANGES,		"range list of a packet malformed")	\
	/* VMBus */							\
	X(VMBUS_SHORT,		"VMBus message shorter than its type")	\
	X(VMBUS_TYPE,		"VMBus message of unknown or unexpected type") \
	X(VMBUS_STATE,		"VMBus message not allowed in this state") \
	X(VMBUS_RELID,		"VMBus message names an unknown channel") \
	X(VMBUS_VP,							\
	  "VMBus message names an unknown virtual processor")		\
	X(VMBUS_MONITOR,	"monitor page addresses invalid")	\
	X(GPADL_ID,		"GPADL id zero, unknown or already in use") \
	X(GPADL_RANGE,		"GPADL range malformed")		\
	X(GPADL_LIMIT,		"GPADL count or size over the limit")	\
	X(GPADL_BUSY,		"GPADL still in use")			\
	X(OPEN_GEOMETRY,	"ring GPADL or downstream offset unusable") \
	X(GPA_UNMAPPED,		"guest physical address outside guest memory") \
	X(MSG_RATE,		"messages faster than the limit")	\
	/* NVSP */							\
	X(NVS_SHORT,		"NVSP message shorter than its type")	\
	X(NVS_TYPE,		"NVSP message of unknown or unexpected type") \
	X(NVS_STATE,		"NVSP message not allowed in this state") \
	X(NVS_BUFFER,		"NVSP buffer id, size or layout invalid") \
	X(NVS_SECTION,		"send-buffer section index or size invalid") \
	X(NVS_STATUS,		"NVSP request refused by the peer")	\
	X(NVS_FLOOD,							\
	  "NVSP and RNDIS control messages faster than they can be read") \
	X(XACT_ID,		"transaction id unknown or not outstanding") \
	/* RNDIS */							\
	X(RNDIS_SHORT,		"RNDIS message shorter than its type")	\
	X(RNDIS_LEN,		"RNDIS length disagrees with its container") \
	X(RNDIS_TYPE,		"RNDIS message of unknown or unexpected type") \
	X(RNDIS_DATA,		"RNDIS data outside its message")	\
	X(RNDIS_OOB,		"RNDIS out-of-band data present")	\
	X(RNDIS_PPI,		"RNDIS per-packet info malformed")	\
	X(RNDIS_INFO,							\
	  "RNDIS information buffer outside its message")		\
	X(RNDIS_SPLIT,		"RNDIS header split over ranges")	\
	X(RNDIS_COUNT,							\
	  "more RNDIS messages in a packet than INIT_DONE allows")	\
	X(RNDIS_RSC,		"RSC fragments out of order or incomplete") \
	X(OID_OBJECT,		"NDIS object of wrong type, revision or size") \
	/* frames */							\
	X(FRAME_SHORT,		"frame shorter than its headers")	\
	X(FRAME_LONG,		"frame longer than MTU or LSO allow")	\
	X(FRAME_HEADERS,						\
	  "frame headers disagree with offload metadata")		\
	/* link */							\
	X(LINK_PROTO,		"partition protocol violated")		\
	X(LINK_LIMIT,		"partition protocol limit exceeded")	\
	X(MEM_GONE,		"guest memory truncated under the host")

enum fault {
#define X(name, text) FAULT_##name,
	FAULT_LIST(X)
#undef X
	FAULT_COUNT
};

/* What one channel, connection or link has seen of its peer. */
struct fault_log {
	uint64_t total;
	uint64_t count[FAULT_COUNT];
	uint32_t last;		/* enum fault */
	uint64_t last_value;	/* the offending value, 0 where there is none */
};

/* Name without prefix ("RING_INDEX"), and a sentence for a person. */
const char *fault_name(enum fault f);
const char *fault_text(enum fault f);

/*
 * Count a fault and remember it.  Context: any; several threads may.  Returns
 * E_PEER so that callers can write `return fault_note(...)`.
 */
int fault_note(struct fault_log *log, enum fault why, uint64_t value);

/* For decoders: set *why (never NULL) and return E_PEER. */
static inline int
peer_bad(enum fault *why, enum fault reason)
{
	*why = reason;
	return E_PEER;
}

#endif
