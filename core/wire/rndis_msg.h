/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RNDIS control messages in native form, both directions.  The data message
 * is in rndis_pkt.h.
 */
#ifndef CORE_WIRE_RNDIS_MSG_H
#define CORE_WIRE_RNDIS_MSG_H

#include "base/fault.h"
#include "base/span.h"
#include "wire/rndis_wire.h"

#define RNDIS_COMPLETION	0x80000000u

/* MS-RNDIS 2.2.1; FreeBSD sys/net/rndis.h. */
#define RNDIS_PACKET		0x00000001u
#define RNDIS_INIT		0x00000002u	/* G */
#define RNDIS_HALT		0x00000003u	/* G, no completion */
#define RNDIS_QUERY		0x00000004u	/* G */
#define RNDIS_SET		0x00000005u	/* G */
#define RNDIS_RESET		0x00000006u	/* G */
#define RNDIS_INDICATE_STATUS	0x00000007u	/* H */
#define RNDIS_KEEPALIVE		0x00000008u	/* both */
#define RNDIS_SET_EX		0x00000009u	/* unused, not decoded */
#define RNDIS_INIT_DONE		(RNDIS_INIT | RNDIS_COMPLETION)
#define RNDIS_QUERY_DONE	(RNDIS_QUERY | RNDIS_COMPLETION)
#define RNDIS_SET_DONE		(RNDIS_SET | RNDIS_COMPLETION)
#define RNDIS_RESET_DONE	(RNDIS_RESET | RNDIS_COMPLETION)
#define RNDIS_KEEPALIVE_DONE	(RNDIS_KEEPALIVE | RNDIS_COMPLETION)

/* MS-RNDIS 2.2.5 to 2.2.9, FreeBSD rndis.h, OpenVMM rndisprot.rs. */
#define RNDIS_STATUS_OK			0x00000000u
#define RNDIS_STATUS_PENDING		0x00000103u
#define RNDIS_STATUS_MEDIA_CONNECT	0x4001000bu
#define RNDIS_STATUS_MEDIA_DISCONNECT	0x4001000cu
#define RNDIS_STATUS_LINK_SPEED		0x40010013u
#define RNDIS_STATUS_NETWORK_CHANGE	0x40010018u
#define RNDIS_STATUS_OFFLOAD_CONFIG	0x40020006u
#define RNDIS_STATUS_FAILURE		0xc0000001u
#define RNDIS_STATUS_NOT_SUPPORTED	0xc00000bbu
#define RNDIS_STATUS_BAD_VERSION	0xc0010004u
#define RNDIS_STATUS_INVALID_DATA	0xc0010015u

#define RNDIS_VERSION_MAJOR	1u
#define RNDIS_VERSION_MINOR	0u
#define RNDIS_MAX_PACKETS	64u		/* per message, INIT_DONE */
#define RNDIS_MAX_XFER		0xefffffffu	/* INIT_DONE, as OpenVMM */
#define RNDIS_ALIGN_SHIFT	3u		/* INIT_DONE */

struct rndis_init {
	uint32_t req_id;
	uint32_t major;
	uint32_t minor;
	uint32_t max_xfer;
};

struct rndis_init_done {
	uint32_t req_id;
	uint32_t status;
	uint32_t major;
	uint32_t minor;
	uint32_t dev_flags;		/* 1: connectionless */
	uint32_t medium;		/* 0: 802.3 */
	uint32_t max_packets;
	uint32_t max_xfer;
	uint32_t align_shift;
};

/* QUERY and SET; info is borrowed, and may be empty. */
struct rndis_query {
	uint32_t req_id;
	uint32_t oid;
	uint32_t vc;
	struct span info;
};

/* Completions of QUERY, SET and KEEPALIVE; the latter two have no info. */
struct rndis_done {
	uint32_t req_id;
	uint32_t status;
	struct span info;
};

struct rndis_reset_done {
	uint32_t status;
	uint32_t addressing;
};

struct rndis_status {
	uint32_t status;
	struct span info;
};

struct rndis_msg {
	uint32_t type;
	union {
		struct rndis_init init;
		struct rndis_init_done init_done;
		uint32_t req_id;	/* HALT, KEEPALIVE; RESET: reserved */
		struct rndis_query query;	/* QUERY, SET */
		struct rndis_done done;
		struct rndis_reset_done reset_done;
		struct rndis_status status;	/* INDICATE_STATUS */
	};
};

/*
 * Decode one control message.  Context: any.  Borrows raw, which must be a
 * private copy and may go on after the message; spans in *out point into it.
 * With an empty info buffer the offset is ignored.  Returns 0, or E_PEER with
 * *why RNDIS_SHORT, RNDIS_LEN (length field), RNDIS_INFO or RNDIS_TYPE (also
 * for RNDIS_PACKET).
 */
int rndis_msg_decode(struct rndis_msg *out, struct span raw,
    enum fault *why) must_check;

/*
 * Encode one control message.  Returns its length, or 0 if it is over cap.
 * The info offset of QUERY and SET is 20 even with no info, as Hyper-V wants.
 */
uint32_t rndis_msg_encode(const struct rndis_msg *m, uint8_t *buf,
    uint32_t cap);

/* Bytes that rndis_msg_encode() takes. */
uint32_t rndis_msg_bytes(const struct rndis_msg *m);

/* "QUERY", "QUERY_DONE"; "?" for an unknown type. */
const char *rndis_msg_name(uint32_t type);

/* "MEDIA_CONNECT"; NULL for an unknown status. */
const char *rndis_status_name(uint32_t status);

#endif
