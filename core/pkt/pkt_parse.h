/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * L2 to L4 header parse.
 */
#ifndef CORE_PKT_PKT_PARSE_H
#define CORE_PKT_PKT_PARSE_H

#include "base/span.h"
#include "pkt/pkt_meta.h"

#define PKT_ETH_BYTES		14
#define PKT_VLAN_BYTES		4
#define PKT_TAGS_MAX		2u	/* Policy: tags that are looked at */
#define PKT_TYPE_IPV4		0x0800
#define PKT_TYPE_IPV6		0x86dd
#define PKT_TYPE_VLAN		0x8100	/* 802.1Q */
#define PKT_TYPE_SVLAN		0x88a8	/* 802.1ad */
#define PKT_IP4_FRAGMENT	0x3fffu	/* MF and the offset, RFC 791 */

/*
 * Head bytes that hold the headers of every frame we offload.  A caller whose
 * frame is in pieces gathers this much; a longer chain of extension headers
 * then parses to "no L4".
 */
#define PKT_HEAD_MAX		256u

/*
 * Longest frame with that many VLAN tags where the MTU is mtu: the one place
 * that says what layer 2 adds.  The MTU counts neither the Ethernet header nor
 * tags (IEEE 802.3 3.2.7 lets a tagged frame be longer).  Pure.
 */
static inline uint32_t
pkt_frame_max(uint32_t mtu, uint32_t tags)
{
	return PKT_ETH_BYTES + tags * PKT_VLAN_BYTES + mtu;
}

/* What pkt_parse() got to; each includes those before it. */
enum pkt_layer {
	PKT_LAYER_NONE = 0,	/* shorter than an Ethernet header */
	PKT_LAYER_ETH = 2,	/* l3_off, ethertype, vlan_tags */
	PKT_LAYER_IP = 3,	/* ip_version, l4_proto, src_off, end_off */
	PKT_LAYER_L4 = 4,	/* l4_off, payload_off; TCP or UDP */
};

struct pkt_info {
	uint32_t frame_len;
	uint32_t l3_off;	/* first byte after Ethernet header and tags */
	uint32_t l4_off;	/* 0 unless PKT_LAYER_L4 */
	uint32_t payload_off;	/* 0 unless PKT_LAYER_L4 */
	/*
	 * End of the IP packet, <= frame_len: what follows is padding.
	 * frame_len where not IP.
	 */
	uint32_t end_off;
	/* Addresses that NDIS's *_EX hash types use (0 where not IPv6). */
	uint32_t ex_src_off;	/* home address option, else the source */
	uint32_t ex_dst_off;	/* routing header 2, else the destination */
	uint16_t ethertype;	/* after the tags; < 0x600 is an 802.3 length */
	uint16_t vlan_tci;	/* of the outer tag, if vlan_tags > 0 */
	uint8_t vlan_tags;	/* 0 to PKT_TAGS_MAX */
	uint8_t layer;		/* enum pkt_layer */
	uint8_t ip_version;	/* 4, 6, 0 */
	uint8_t l4_proto;	/* IP protocol behind all extensions, else 0 */
	uint8_t tcp_flags;	/* PKT_TCP_*, 0 where not TCP */
	bool is_fragment;	/* any fragment; then layer <= PKT_LAYER_IP */
	bool has_ip_opts;	/* IPv4 options or IPv6 extension headers */
};

#define PKT_TCP_FIN	0x01
#define PKT_TCP_SYN	0x02
#define PKT_TCP_RST	0x04
#define PKT_TCP_PSH	0x08
#define PKT_TCP_ACK	0x10
#define PKT_TCP_URG	0x20
#define PKT_TCP_ECE	0x40
#define PKT_TCP_CWR	0x80

/*
 * Parse the headers of a frame of frame_len bytes, of which head holds the
 * first (head.len <= frame_len, else the surplus is ignored).  Context: any,
 * pure.  Borrows head.  Always fills *out.  Returns out->layer, an enum
 * pkt_layer and never negative: what is cut short, inconsistent or unknown is
 * reported as the layer below, since a switch forwards such frames all the
 * same.  An IP length of 0 (a frame larger than the field holds, or an LSO
 * frame that nobody restored) stands for "to the end of the frame".
 *
 * Every offset in *out is <= frame_len; l3 and l4 headers that *out reports
 * lie in head entirely.  Formats: RFC 791, RFC 8200, RFC 9293, RFC 768.
 */
int pkt_parse(struct pkt_info *out, struct span head, uint32_t frame_len);

/*
 * Only Ethernet header and tags, all that a switch port needs: what lies above
 * is reported as absent.  Returns PKT_LAYER_ETH or PKT_LAYER_NONE.
 */
int pkt_parse_eth(struct pkt_info *out, struct span head, uint32_t frame_len);

/*
 * True if a frame of len bytes that starts with head is no longer than the MTU
 * allows; its tags are looked at only where that depends on them.  Pure.
 */
static inline bool
pkt_frame_fits(struct span head, uint32_t len, uint32_t mtu)
{
	struct pkt_info info;

	if (len <= pkt_frame_max(mtu, 0))
		return true;
	if (len > pkt_frame_max(mtu, PKT_TAGS_MAX))
		return false;
	(void)pkt_parse_eth(&info, head, len);
	return len <= pkt_frame_max(mtu, info.vlan_tags);
}

/*
 * As pkt_parse() for a frame that requests LSO: the IP length fields are not
 * looked at (Windows and FreeBSD guests zero them, DPDK leaves what the
 * application wrote) and the IP packet ends where the frame ends.
 */
int pkt_parse_lso(struct pkt_info *out, struct span head, uint32_t frame_len);

/*
 * Copy the layout (l3_off, l4_off, hdr_len, ip_version, l4_proto,
 * PKT_FRAGMENT) of a parsed frame to its metadata and set PKT_LAYOUT.  The
 * other fields and flags stay.  Context: any.
 */
void pkt_meta_info_set(struct pkt_meta *m, const struct pkt_info *info);

#endif
