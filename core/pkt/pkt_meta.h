/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offload metadata of one frame, native: what travels beside the bytes between
 * a TAP's virtio-net header, RNDIS per-packet info and the frames API.
 *
 * A zeroed pkt_meta is a plain frame: nothing is known about it, and nothing is
 * requested.  Offsets count from the first byte of the frame.
 */
#ifndef CORE_PKT_PKT_META_H
#define CORE_PKT_PKT_META_H

#include "base/os.h"

enum pkt_flag {
	/*
	 * The L4 checksum field holds the pseudo-header sum (with the length)
	 * and csum_start, csum_offset are valid: who transmits the frame sums
	 * [csum_start, end) into csum_start + csum_offset.  If PKT_CSUM_GOOD_L4
	 * is set as well, the data was verified earlier but the field is still
	 * not filled.
	 */
	PKT_CSUM_PARTIAL = 1u << 0,
	/* Compute the IPv4 header checksum at l3_off. */
	PKT_IPCS = 1u << 1,
	PKT_CSUM_GOOD_IP = 1u << 2,	/* IPv4 header checksum verified */
	PKT_CSUM_BAD_IP = 1u << 3,
	PKT_CSUM_GOOD_L4 = 1u << 4,	/* TCP or UDP checksum verified */
	PKT_CSUM_BAD_L4 = 1u << 5,
	PKT_VLAN = 1u << 6,		/* vlan_tci is valid, no tag in frame */
	PKT_HASH = 1u << 7,		/* hash, hash_type are valid */
	/*
	 * The frame stands for several: cut it at gso_size bytes of payload.
	 * PKT_CSUM_PARTIAL is set as well.  At most one of the two.
	 */
	PKT_GSO_TCP4 = 1u << 8,
	PKT_GSO_TCP6 = 1u << 9,
	/*
	 * Coalesced by somebody, segment size unknown: may be delivered, must
	 * not be cut again.  gso_size is 0.
	 */
	PKT_GSO_NORESEG = 1u << 10,
	PKT_GSO_ECN = 1u << 11,		/* CWR set: on the first segment only */
	/* Segments keep the IPv4 id as it is instead of counting it up. */
	PKT_GSO_FIXEDID = 1u << 14,
	/* From pkt_meta_info_set(): the layout fields below are valid. */
	PKT_LAYOUT = 1u << 12,
	PKT_FRAGMENT = 1u << 13,	/* an IP fragment, the first included */
};

#define PKT_GSO_ANY	(PKT_GSO_TCP4 | PKT_GSO_TCP6)

/* IP protocol numbers (IANA). */
#define PKT_IPPROTO_TCP		6
#define PKT_IPPROTO_UDP		17

/* Offset of the checksum field in the TCP and UDP headers. */
#define PKT_TCP_CSUM_OFF	16
#define PKT_UDP_CSUM_OFF	6

/* NDIS hash types (NDIS_HASH_*), as in OID 0001021B/00010204 and PPI 9. */
enum pkt_hash_type {
	PKT_HASH_IPV4 = 0x100,
	PKT_HASH_TCP4 = 0x200,
	PKT_HASH_IPV6 = 0x400,
	PKT_HASH_IPV6_EX = 0x800,
	PKT_HASH_TCP6 = 0x1000,
	PKT_HASH_TCP6_EX = 0x2000,
	PKT_HASH_UDP4 = 0x4000,
	PKT_HASH_UDP6 = 0x8000,
	PKT_HASH_UDP6_EX = 0x10000,
};

struct pkt_meta {
	uint32_t flags;		/* PKT_* */
	uint32_t hash;
	uint32_t hash_type;	/* one of enum pkt_hash_type, 0 none */
	uint16_t csum_start;
	uint16_t csum_offset;	/* from csum_start */
	uint16_t gso_size;	/* payload bytes of a full segment */
	uint16_t hdr_len;	/* L2 to L4 header bytes, 0 unknown */
	uint16_t segs;		/* wire frames this one stands for, 0 unknown */
	uint16_t vlan_tci;
	uint16_t l3_off;
	uint16_t l4_off;	/* 0 where there is no L4 header */
	uint8_t ip_version;	/* 4, 6, or 0 for not IP */
	uint8_t l4_proto;	/* IP protocol number, 0 where not IP */
};

#endif
