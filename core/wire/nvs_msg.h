/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVSP messages in native form, both directions.
 */
#ifndef CORE_WIRE_NVS_MSG_H
#define CORE_WIRE_NVS_MSG_H

#include "base/fault.h"
#include "base/span.h"
#include "wire/nvs_wire.h"

/* OpenVMM netvsp protocol.rs; FreeBSD if_hnreg.h HN_NVS_TYPE_*. */
enum nvs_msg_type {
	NVS_INIT = 1,			/* guest to host: G */
	NVS_INIT_DONE = 2,		/* host to guest: H */
	NVS_NDIS_VERSION = 100,		/* G */
	NVS_RECV_BUF = 101,		/* G */
	NVS_RECV_BUF_DONE = 102,	/* H */
	NVS_RECV_BUF_REVOKE = 103,	/* G */
	NVS_SEND_BUF = 104,		/* G */
	NVS_SEND_BUF_DONE = 105,	/* H */
	NVS_SEND_BUF_REVOKE = 106,	/* G */
	NVS_RNDIS = 107,		/* both */
	NVS_RNDIS_DONE = 108,		/* both */
	NVS_NDIS_CONFIG = 125,		/* G, 2 */
	NVS_VF_ASSOCIATION = 128,	/* H, 4 */
	NVS_DATAPATH = 129,		/* both, 4 */
	NVS_OID_QUERY = 131,		/* G, 5 */
	NVS_OID_QUERY_DONE = 132,	/* H, 5 */
	NVS_SUBCHAN = 133,		/* G and its completion, 5 */
	NVS_SEND_TABLE = 134,		/* H, 5 */
};

/* Versions (OpenVMM netvsp protocol.rs Version). */
#define NVS_V1		0x00000002u
#define NVS_V2		0x00030002u
#define NVS_V4		0x00040000u
#define NVS_V5		0x00050000u
#define NVS_V6		0x00060000u
#define NVS_V6_1	0x00060001u

/* All of the above, newest first. */
#define NVS_VERSIONS	6u
extern const uint32_t nvs_versions[NVS_VERSIONS];

/* Status (OpenVMM netvsp protocol.rs Status). */
enum nvs_status {
	NVS_STATUS_NONE = 0,
	NVS_STATUS_OK = 1,
	NVS_STATUS_FAILED = 2,
	NVS_STATUS_TOO_NEW = 3,
	NVS_STATUS_TOO_OLD = 4,
	NVS_STATUS_BAD_RNDIS = 5,
	NVS_STATUS_BUSY = 6,
	NVS_STATUS_UNSUPPORTED = 7,
};

/* Capabilities of NDIS_CONFIG (FreeBSD if_hnreg.h, Linux hyperv_net.h). */
#define NVS_CAP_VMQ		0x01u
#define NVS_CAP_CHIMNEY		0x02u
#define NVS_CAP_SRIOV		0x04u	/* NVSP 5 */
#define NVS_CAP_8021Q		0x08u
#define NVS_CAP_CORRELATION	0x10u
#define NVS_CAP_TEAMING		0x20u
#define NVS_CAP_SUBNET_ID	0x40u
#define NVS_CAP_RSC		0x80u	/* NVSP 6.1 */

/* What our guest calls its buffers; a host takes any number. */
#define NVS_RECV_BUF_ID		0xcafeu
#define NVS_SEND_BUF_ID_BSD	0xfaceu
#define NVS_SEND_BUF_ID_LINUX	0u
#define NVS_SECTION_NONE	0xffffffffu	/* not in the send buffer */
#define NVS_CHANNEL_DATA	0u
#define NVS_CHANNEL_CONTROL	1u
#define NVS_MAX_MDL		34u		/* in INIT_DONE */
#define NVS_NO_VERSION		0xffffffffu	/* INIT_DONE of NVSP >= 2 */
#define NVS_SUBCHAN_ALLOC	1u		/* op */
#define NVS_DATAPATH_SYNTHETIC	0u
#define NVS_DATAPATH_VF		1u

struct nvs_init {
	uint32_t version;		/* the lower of the two fields */
	uint32_t version_hi;		/* guests send both alike */
};

struct nvs_init_done {
	uint32_t version;		/* NVS_V1 for 1, else NVS_NO_VERSION */
	uint32_t max_mdl;
	uint32_t status;
};

struct nvs_ndis_version {
	uint32_t major;
	uint32_t minor;
};

struct nvs_buf {
	uint32_t gpadl;
	uint16_t id;
};

struct nvs_section {
	uint32_t offset;
	uint32_t slot_bytes;
	uint32_t slots;
	uint32_t end;
};

/* Only the first section is kept; every known host sends exactly one. */
struct nvs_recv_buf_done {
	uint32_t status;
	uint32_t sections;
	struct nvs_section section;
};

struct nvs_send_buf_done {
	uint32_t status;
	uint32_t section_bytes;
};

struct nvs_rndis {
	uint32_t channel;		/* NVS_CHANNEL_* */
	uint32_t section;		/* index, or NVS_SECTION_NONE */
	uint32_t section_bytes;		/* bytes used of that section */
};

struct nvs_ndis_config {
	uint32_t mtu;			/* with the 14 bytes of Ethernet */
	uint64_t caps;			/* NVS_CAP_* */
};

struct nvs_vf {
	uint32_t allocated;
	uint32_t serial;
};

struct nvs_oid_query {
	uint32_t ndis_hdr;
	uint32_t oid;
};

struct nvs_oid_query_done {
	uint32_t status;
	uint32_t bytes;
};

struct nvs_subchan {
	uint32_t op;			/* NVS_SUBCHAN_ALLOC */
	uint32_t count;			/* wanted */
};

struct nvs_subchan_done {
	uint32_t status;
	uint32_t count;			/* granted */
};

struct nvs_send_table {
	uint32_t count;			/* NVS_SEND_TABLE_ENTRIES */
	uint32_t entry[NVS_SEND_TABLE_ENTRIES];	/* unchecked channel index */
};

/*
 * Request and completion of 133 have one type and one layout: the caller
 * knows by the packet type which of subchan and subchan_done it has.
 */
struct nvs_msg {
	enum nvs_msg_type type;
	union {
		struct nvs_init init;			/* 1 */
		struct nvs_init_done init_done;		/* 2 */
		struct nvs_ndis_version ndis_version;	/* 100 */
		struct nvs_buf buf;			/* 101, 104 */
		struct nvs_recv_buf_done recv_buf_done;	/* 102 */
		uint16_t revoke_id;			/* 103, 106 */
		struct nvs_send_buf_done send_buf_done;	/* 105 */
		struct nvs_rndis rndis;			/* 107 */
		uint32_t rndis_status;			/* 108 */
		struct nvs_ndis_config ndis_config;	/* 125 */
		struct nvs_vf vf;			/* 128 */
		uint32_t datapath;			/* 129 */
		struct nvs_oid_query oid_query;		/* 131 */
		struct nvs_oid_query_done oid_query_done; /* 132 */
		struct nvs_subchan subchan;		/* 133 */
		struct nvs_subchan_done subchan_done;	/* 133 */
		struct nvs_send_table send_table;	/* 134 */
	};
};

/*
 * Decode one message.  Context: any.  Borrows raw, which must be a private
 * copy and may be padded. version is the negotiated one (0 before): only
 * NVS_QUIRK_TABLE_OFFSET depends on it.  Returns 0, or E_PEER with *why
 * NVS_SHORT, NVS_TYPE, or NVS_BUFFER for a send table or section list that is
 * not inside the message.  A strict host does not answer anything below 32
 * bytes: that is its policy, not decided here.
 */
int nvs_msg_decode(struct nvs_msg *out, struct span raw, uint32_t version,
    enum fault *why) must_check;

/*
 * NVS_QUIRK_TABLE_OFFSET: hosts up to NVSP 6 send in message 134 an offset
 * that is too small, although the table follows 40 bytes.  So below 6.1 a
 * message that is long enough is read at 40 whatever it says (Linux netvsc.c
 * netvsc_send_table).
 */
#define NVS_QUIRK_TABLE_OFFSET	NVS_MSG_BYTES_6_1

/* The data path's shortcut for 107: false if it is anything else. */
static inline bool
nvs_rndis_get(struct nvs_rndis *out, struct span raw)
{
	struct nvs_rndis_wire w;

	if (raw.len < sizeof(w))
		return false;
	memcpy(&w, raw.p, sizeof(w));
	out->channel = le32_get(w.channel);
	out->section = le32_get(w.section);
	out->section_bytes = le32_get(w.section_bytes);
	return le32_get(w.type) == NVS_RNDIS;
}

/*
 * Encode one message, zero-padded to size: NVS_MSG_BYTES_6_1 unless a test
 * wants NVS_MSG_BYTES_5.  Returns the length: size, or for a send table size
 * plus 64, the table starting at size.
 */
uint32_t nvs_msg_encode(const struct nvs_msg *m, uint32_t size,
    uint8_t buf[NVS_MSG_BYTES_MAX]);

/* "RECV_BUF"; "?" for an unknown type. */
const char *nvs_msg_name(uint32_t type);

/* True if v is one of nvs_versions[]. */
bool nvs_version_known(uint32_t v);
/* As people say it, "6.1"; NULL if unknown. */
const char *nvs_version_name(uint32_t v);

#endif
