/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NDIS objects and OIDs in native form.
 *
 * Decoders take the information buffer of a QUERY_DONE or SET as the peer
 * sent it, in a private copy.  They return 0, or E_PEER with *why OID_OBJECT.
 */
#ifndef CORE_WIRE_NDIS_OBJ_H
#define CORE_WIRE_NDIS_OBJ_H

#include "base/fault.h"
#include "base/span.h"
#include "wire/ndis_wire.h"

/* X(name, value): FreeBSD rndis.h OID_*, Windows ntddndis.h. */
#define NDIS_OID_LIST(X)						\
	X(GEN_SUPPORTED_LIST,		0x00010101u)			\
	X(GEN_HARDWARE_STATUS,		0x00010102u)			\
	X(GEN_MEDIA_SUPPORTED,		0x00010103u)			\
	X(GEN_MEDIA_IN_USE,		0x00010104u)			\
	X(GEN_MAXIMUM_LOOKAHEAD,	0x00010105u)			\
	X(GEN_MAXIMUM_FRAME_SIZE,	0x00010106u)			\
	X(GEN_LINK_SPEED,		0x00010107u)			\
	X(GEN_TRANSMIT_BUFFER_SPACE,	0x00010108u)			\
	X(GEN_RECEIVE_BUFFER_SPACE,	0x00010109u)			\
	X(GEN_TRANSMIT_BLOCK_SIZE,	0x0001010au)			\
	X(GEN_RECEIVE_BLOCK_SIZE,	0x0001010bu)			\
	X(GEN_VENDOR_ID,		0x0001010cu)			\
	X(GEN_VENDOR_DESCRIPTION,	0x0001010du)			\
	X(GEN_CURRENT_PACKET_FILTER,	0x0001010eu)			\
	X(GEN_CURRENT_LOOKAHEAD,	0x0001010fu)			\
	X(GEN_DRIVER_VERSION,		0x00010110u)			\
	X(GEN_MAXIMUM_TOTAL_SIZE,	0x00010111u)			\
	X(GEN_PROTOCOL_OPTIONS,		0x00010112u)			\
	X(GEN_MAC_OPTIONS,		0x00010113u)			\
	X(GEN_MEDIA_CONNECT_STATUS,	0x00010114u)			\
	X(GEN_MAXIMUM_SEND_PACKETS,	0x00010115u)			\
	X(GEN_VENDOR_DRIVER_VERSION,	0x00010116u)			\
	X(GEN_NETWORK_LAYER_ADDRESSES,	0x00010118u)			\
	X(GEN_TRANSPORT_HEADER_OFFSET,	0x00010119u)			\
	X(GEN_RSS_CAPABILITIES,		0x00010203u)			\
	X(GEN_RSS_PARAMETERS,		0x00010204u)			\
	X(GEN_RNDIS_CONFIG_PARAMETER,	0x0001021bu)			\
	X(GEN_XMIT_OK,			0x00020101u)			\
	X(GEN_RCV_OK,			0x00020102u)			\
	X(GEN_XMIT_ERROR,		0x00020103u)			\
	X(GEN_RCV_ERROR,		0x00020104u)			\
	X(GEN_RCV_NO_BUFFER,		0x00020105u)			\
	X(802_3_PERMANENT_ADDRESS,	0x01010101u)			\
	X(802_3_CURRENT_ADDRESS,	0x01010102u)			\
	X(802_3_MULTICAST_LIST,		0x01010103u)			\
	X(802_3_MAXIMUM_LIST_SIZE,	0x01010104u)			\
	X(802_3_MAC_OPTIONS,		0x01010105u)			\
	X(OFFLOAD_ENCAPSULATION,	0x0101010au)			\
	X(TCP_OFFLOAD_CURRENT_CONFIG,	0xfc01020bu)			\
	X(TCP_OFFLOAD_PARAMETERS,	0xfc01020cu)			\
	X(TCP_OFFLOAD_HW_CAPABILITIES,	0xfc01020du)

#define X(name, value) OID_##name = (int)(value),
enum ndis_oid { NDIS_OID_LIST(X) };
#undef X

/* "GEN_LINK_SPEED"; NULL if unknown.  Cast an OID to uint32_t to compare. */
const char *ndis_oid_name(uint32_t oid);

/* OID_GEN_CURRENT_PACKET_FILTER (MS-RNDIS, FreeBSD NDIS_PACKET_TYPE_*). */
#define NDIS_FILTER_DIRECTED	0x01u
#define NDIS_FILTER_MULTICAST	0x02u
#define NDIS_FILTER_ALLMULTI	0x04u
#define NDIS_FILTER_BROADCAST	0x08u
#define NDIS_FILTER_PROMISC	0x20u

/* OID_GEN_MEDIA_CONNECT_STATUS. */
/* NDIS_NETWORK_CHANGE_TYPE: NdisDefinitelyNetworkChange. */
#define NDIS_NETWORK_CHANGE_SURE 2u
#define NDIS_MEDIA_CONNECTED	0u
#define NDIS_MEDIA_DISCONNECTED	1u

/* Object types (Windows ntddndis.h NDIS_OBJECT_TYPE_*). */
#define NDIS_OBJ_OFFLOAD_PARAMS	0x80u
#define NDIS_OBJ_RSS_CAPS	0x88u
#define NDIS_OBJ_RSS_PARAMS	0x89u
#define NDIS_OBJ_OFFLOAD	0xa7u

/* ---- NDIS_OFFLOAD: hardware capabilities --------------------------------- */

#define NDIS_ENC_8023		0x2u

/* Checksum capability bits, each the low bit of a two-bit field. */
#define NDIS_CSUM_V4_IPOPT	0x001u
#define NDIS_CSUM_V4_TCPOPT	0x004u
#define NDIS_CSUM_V4_TCP	0x010u
#define NDIS_CSUM_V4_UDP	0x040u
#define NDIS_CSUM_V4_IP		0x100u
#define NDIS_CSUM_V6_IPEXT	0x001u
#define NDIS_CSUM_V6_TCPOPT	0x004u
#define NDIS_CSUM_V6_TCP	0x010u
#define NDIS_CSUM_V6_UDP	0x040u

#define NDIS_LSO_V6_IPEXT	0x1u
#define NDIS_LSO_V6_TCPOPT	0x4u
#define NDIS_LSO_MAX		0xf53cu	/* what vmswitch reports: 62780 */
#define NDIS_LSO_MIN_SEGS	2u

/* Sizes by revision (Windows NDIS_SIZEOF_NDIS_OFFLOAD_REVISION_n). */
#define NDIS_OFFLOAD_BYTES_1	112u
#define NDIS_OFFLOAD_BYTES_2	144u
#define NDIS_OFFLOAD_BYTES_3	156u

struct ndis_lso_caps {
	uint32_t max_bytes;	/* 0: not offered */
	uint32_t min_segs;
};

/* Encapsulations are 802.3 where anything is offered. */
struct ndis_offload_caps {
	uint8_t rev;		/* 1, 2 or 3 */
	uint32_t v4_tx;		/* NDIS_CSUM_V4_* */
	uint32_t v4_rx;
	uint32_t v6_tx;		/* NDIS_CSUM_V6_* */
	uint32_t v6_rx;
	struct ndis_lso_caps lso4;
	struct ndis_lso_caps lso6;
	uint32_t lso6_opts;	/* NDIS_LSO_V6_* */
	uint8_t rsc4;		/* rev 3, else 0 */
	uint8_t rsc6;
};

/* A higher revision with a longer object is read as revision 3. */
int ndis_offload_caps_decode(struct ndis_offload_caps *out, struct span raw,
    enum fault *why) must_check;

/* Returns the length by caps->rev. */
uint32_t ndis_offload_caps_encode(const struct ndis_offload_caps *caps,
    uint8_t buf[NDIS_OFFLOAD_BYTES_3]);

/*
 * The request of a HW_CAPABILITIES query: an empty object that names the
 * revision wanted and its size.
 */
uint32_t ndis_offload_caps_ask(uint8_t rev, uint8_t buf[NDIS_OFFLOAD_BYTES_3]);

/* Bytes of revision 1, 2, 3 (a higher one counts as 3). */
uint32_t ndis_offload_caps_bytes(uint8_t rev);

/* ---- NDIS_OFFLOAD_PARAMETERS --------------------------------------------- */

/* Values of the checksum fields. */
#define NDIS_OFFLOAD_NOCHANGE	0u
#define NDIS_OFFLOAD_CSUM_OFF	1u
#define NDIS_OFFLOAD_CSUM_TX	2u
#define NDIS_OFFLOAD_CSUM_RX	3u
#define NDIS_OFFLOAD_CSUM_BOTH	4u
/* Values of the LSO and RSC fields. */
#define NDIS_OFFLOAD_OFF	1u
#define NDIS_OFFLOAD_ON		2u

#define NDIS_OFFLOAD_PARAMS_BYTES_1	20u
#define NDIS_OFFLOAD_PARAMS_BYTES_2	22u
#define NDIS_OFFLOAD_PARAMS_BYTES_3	28u	/* 26 used */

struct ndis_offload_params {
	uint8_t rev;		/* 1, 2 or 3 */
	uint8_t ip4_csum;
	uint8_t tcp4_csum;
	uint8_t udp4_csum;
	uint8_t tcp6_csum;
	uint8_t udp6_csum;
	uint8_t lsov1;
	uint8_t lso4;
	uint8_t lso6;
	uint8_t rsc4;		/* rev 3, else NDIS_OFFLOAD_NOCHANGE */
	uint8_t rsc6;
	uint32_t flags;
};

/* Values are as sent, not checked: the owner ignores what it does not know. */
int ndis_offload_params_decode(struct ndis_offload_params *out,
    struct span raw, enum fault *why) must_check;
uint32_t ndis_offload_params_encode(const struct ndis_offload_params *p,
    uint8_t buf[NDIS_OFFLOAD_PARAMS_BYTES_3]);

/* ---- RSS ----------------------------------------------------------------- */

#define NDIS_RSS_KEY_BYTES	40u
#define NDIS_RSS_ENTRIES_MAX	128u

#define NDIS_HASH_FUNC_TOEPLITZ	0x00000001u
#define NDIS_HASH_FUNC_MASK	0x000000ffu
#define NDIS_HASH_IPV4		0x00000100u
#define NDIS_HASH_TCP4		0x00000200u
#define NDIS_HASH_IPV6		0x00000400u
#define NDIS_HASH_IPV6_EX	0x00000800u
#define NDIS_HASH_TCP6		0x00001000u
#define NDIS_HASH_TCP6_EX	0x00002000u
#define NDIS_HASH_UDP4		0x00004000u
#define NDIS_HASH_UDP6		0x00008000u
#define NDIS_HASH_UDP6_EX	0x00010000u
#define NDIS_HASH_TYPE_MASK	0x0001ff00u

/* NDIS_RECEIVE_SCALE_CAPABILITIES.caps: not the bits of the hash types. */
#define NDIS_RSS_CAP_TOEPLITZ	0x00000001u
#define NDIS_RSS_CAP_IPV4	0x00000100u
#define NDIS_RSS_CAP_IPV6	0x00000200u
#define NDIS_RSS_CAP_IPV6_EX	0x00000400u
#define NDIS_RSS_CAP_UDP4	0x00000800u
#define NDIS_RSS_CAP_UDP6	0x00001000u
#define NDIS_RSS_CAP_MSI	0x01000000u

#define NDIS_RSS_CAPS_BYTES_1	16u
#define NDIS_RSS_CAPS_BYTES_2	18u	/* 20 with the padding */

struct ndis_rss_caps {
	uint8_t rev;		/* 1 or 2 */
	uint32_t caps;		/* NDIS_RSS_CAP_* */
	uint32_t interrupts;
	uint32_t queues;
	uint32_t entries;	/* of the table; rev 1: the maximum, 128 */
};

int ndis_rss_caps_decode(struct ndis_rss_caps *out, struct span raw,
    enum fault *why) must_check;
uint32_t ndis_rss_caps_encode(const struct ndis_rss_caps *c, uint8_t buf[20]);
uint32_t ndis_rss_caps_ask(uint8_t rev, uint8_t buf[20]);

/* NDIS_RSS_PARAM_FLAG_*. */
#define NDIS_RSS_F_BASE_CPU_SAME	0x01u
#define NDIS_RSS_F_HASH_SAME		0x02u
#define NDIS_RSS_F_TABLE_SAME		0x04u
#define NDIS_RSS_F_KEY_SAME		0x08u
#define NDIS_RSS_F_DISABLE		0x10u

#define NDIS_RSS_PARAMS_BYTES_1	28u
#define NDIS_RSS_PARAMS_BYTES_2	40u
#define NDIS_RSS_PARAMS_BYTES_3	44u
#define NDIS_RSS_PARAMS_MAX						\
	(NDIS_RSS_PARAMS_BYTES_3 + NDIS_RSS_KEY_BYTES +			\
	    4u * NDIS_RSS_ENTRIES_MAX)

struct ndis_rss_params {
	uint8_t rev;		/* 1, 2 or 3 */
	uint16_t flags;		/* NDIS_RSS_F_* */
	uint16_t base_cpu;
	uint32_t hash_info;	/* NDIS_HASH_* type | function */
	uint32_t entries;	/* 0 if absent or NDIS_RSS_F_TABLE_SAME */
	bool has_key;		/* false if absent or NDIS_RSS_F_KEY_SAME */
	uint8_t key[NDIS_RSS_KEY_BYTES];
	uint32_t entry[NDIS_RSS_ENTRIES_MAX];	/* unchecked channel index */
};

/*
 * With F_DISABLE neither table nor key is looked at.  A key of other than 40
 * bytes, a table of over 128 entries or not a multiple of 4 is E_PEER.
 * Tiling a short table and the check of entries are the owner's.
 */
int ndis_rss_params_decode(struct ndis_rss_params *out, struct span raw,
    enum fault *why) must_check;

/* Fixed part by rev, then the key, then the table, as FreeBSD lays it out. */
uint32_t ndis_rss_params_encode(const struct ndis_rss_params *p,
    uint8_t buf[NDIS_RSS_PARAMS_MAX]);

/* ---- RNDIS configuration parameter --------------------------------------- */

#define NDIS_CONFIG_INT		0u
#define NDIS_CONFIG_STRING	2u
#define NDIS_CONFIG_MAC_BYTES	(20u + 28u + 24u)

/* name and value borrow UTF-16 text (an integer: 4 bytes). */
struct ndis_config {
	uint32_t type;
	struct span name;
	struct span value;
	uint32_t integer;	/* of NDIS_CONFIG_INT */
};

int ndis_config_decode(struct ndis_config *out, struct span raw,
    enum fault *why) must_check;

/*
 * Encode {ascii name, ascii string value}.  Returns the length, or 0 if it is
 * over cap.
 */
uint32_t ndis_config_string_encode(const char *name, const char *value,
    uint8_t *buf, uint32_t cap);

/* True if UTF-16 text says ascii (a trailing NUL is ignored). */
bool ndis_utf16_equal(struct span utf16, const char *ascii);

/* The parameter that sets a MAC address: "NetworkAddress" = "001122334455". */
uint32_t ndis_config_mac_encode(const uint8_t mac[6],
    uint8_t buf[NDIS_CONFIG_MAC_BYTES]);
bool ndis_config_mac_get(const struct ndis_config *c, uint8_t mac[6]);

#endif
