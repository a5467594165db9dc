/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the headers of a frame: Ethernet, VLAN, IP, TCP, UDP.
 *
 * Theory of operation.  The parse goes layer by layer.  Each step knows `cap`,
 * the number of bytes it may look at (what head holds, and no more than the
 * frame has), tests a header against it with range_ok() before reading, and
 * commits its fields to *out only when the whole header fits.  A header that
 * does not fit or contradicts itself ends the parse with the layers so far.
 *
 * Invariants on return: l3_off <= frame_len; if layer >= IP then
 * l3_off < end_off <= frame_len; if layer == L4 then
 * l3_off < l4_off < payload_off <= end_off and payload_off <= head.len.
 *
 * The owner of a frame calls it, from any context; no state.
 */
#include "pkt/pkt_parse.h"

#include "pkt/pkt_load.h"

/* Policy: extension headers walked before we call it "no L4". */
#define IP6_EXT_MAX	8u

/* IANA protocol numbers of IPv6 extension headers (RFC 8200, RFC 6275). */
enum ip6_next {
	IP6_HOP = 0,
	IP6_ROUTING = 43,
	IP6_FRAGMENT = 44,
	IP6_DSTOPTS = 60,
};

#define IP6_ROUTING_TYPE2	2u	/* RFC 6275, 6.4 */
#define IP6_OPT_PAD1		0u
#define IP6_OPT_HOME		0xc9u	/* RFC 6275, 6.3 */

static void
parse_l4(struct pkt_info *out, const uint8_t *p, uint32_t off, uint32_t cap)
{
	uint32_t hlen;

	cap = min_u32(cap, out->end_off);
	if (out->l4_proto == PKT_IPPROTO_TCP) {
		if (!range_ok(off, 20, cap))
			return;
		hlen = (uint32_t)(p[off + 12] >> 4) * 4;
		if (hlen < 20 || !range_ok(off, hlen, cap))
			return;
		out->tcp_flags = p[off + 13];
	} else if (out->l4_proto == PKT_IPPROTO_UDP) {
		hlen = 8;
		if (!range_ok(off, hlen, cap))
			return;
	} else {
		return;
	}
	out->l4_off = off;
	out->payload_off = off + hlen;
	out->layer = PKT_LAYER_L4;
}

static void
parse_ip4(struct pkt_info *out, const uint8_t *p, uint32_t cap, bool lso)
{
	const uint32_t l3 = out->l3_off;
	uint32_t hlen, total;

	if (!range_ok(l3, 20, cap) || p[l3] >> 4 != 4)
		return;
	hlen = (p[l3] & 0xfu) * 4;
	if (hlen < 20 || !range_ok(l3, hlen, cap))
		return;
	total = pkt_be16_load(p + l3 + 2);
	if (lso || total == 0)
		total = out->frame_len - l3;
	if (total < hlen || !range_ok(l3, total, out->frame_len))
		return;
	out->end_off = l3 + total;
	out->ip_version = 4;
	out->l4_proto = p[l3 + 9];
	out->has_ip_opts = hlen > 20;
	out->layer = PKT_LAYER_IP;
	if ((pkt_be16_load(p + l3 + 6) & PKT_IP4_FRAGMENT) != 0) {
		out->is_fragment = true;
		return;
	}
	parse_l4(out, p, l3 + hlen, cap);
}

/* Find a home address option among the destination options [off, end). */
static void
parse_home_address(struct pkt_info *out, const uint8_t *p, uint32_t off,
    uint32_t end)
{
	while (off < end) {
		uint32_t len;

		if (p[off] == IP6_OPT_PAD1) {
			off++;
			continue;
		}
		if (!range_ok(off, 2, end))
			return;
		len = p[off + 1];
		if (!range_ok(off + 2, len, end))
			return;
		if (p[off] == IP6_OPT_HOME && len == 16)
			out->ex_src_off = off + 2;
		off += 2 + len;
	}
}

/*
 * A routing header with segments left means that the destination (and with it
 * the pseudo-header) is not the one in the IPv6 header.  Type 2 says which;
 * of other types we keep away.  Returns false to end the walk.
 */
static bool
parse_routing(struct pkt_info *out, const uint8_t *p, uint32_t off,
    uint32_t hlen)
{
	if (p[off + 3] == 0)
		return true;
	if (p[off + 2] != IP6_ROUTING_TYPE2 || p[off + 3] != 1 || hlen != 24)
		return false;
	out->ex_dst_off = off + 8;
	return true;
}

static void
parse_ip6_ext(struct pkt_info *out, const uint8_t *p, uint32_t cap)
{
	uint32_t off = out->l3_off + 40;
	uint8_t next = p[out->l3_off + 6];

	cap = min_u32(cap, out->end_off);
	for (uint32_t i = 0; i < IP6_EXT_MAX; i++) {
		uint32_t hlen;

		if (next != IP6_HOP && next != IP6_ROUTING &&
		    next != IP6_FRAGMENT && next != IP6_DSTOPTS) {
			out->l4_proto = next;
			parse_l4(out, p, off, cap);
			return;
		}
		out->has_ip_opts = true;
		if (!range_ok(off, 8, cap))
			return;
		if (next == IP6_FRAGMENT) {
			out->is_fragment = true;
			out->l4_proto = p[off];
			return;
		}
		hlen = ((uint32_t)p[off + 1] + 1) * 8;
		if (!range_ok(off, hlen, cap))
			return;
		if (next == IP6_ROUTING && !parse_routing(out, p, off, hlen))
			return;
		if (next == IP6_DSTOPTS)
			parse_home_address(out, p, off + 2, off + hlen);
		next = p[off];
		off += hlen;
	}
}

static void
parse_ip6(struct pkt_info *out, const uint8_t *p, uint32_t cap, bool lso)
{
	const uint32_t l3 = out->l3_off;
	uint32_t payload;

	if (!range_ok(l3, 40, cap) || p[l3] >> 4 != 6)
		return;
	payload = pkt_be16_load(p + l3 + 4);
	if (lso || payload == 0)
		payload = out->frame_len - l3 - 40;
	if (!range_ok(l3 + 40, payload, out->frame_len))
		return;
	out->end_off = l3 + 40 + payload;
	out->ip_version = 6;
	out->ex_src_off = l3 + 8;
	out->ex_dst_off = l3 + 24;
	out->layer = PKT_LAYER_IP;
	parse_ip6_ext(out, p, cap);
}

int
pkt_parse_eth(struct pkt_info *out, struct span head, uint32_t frame_len)
{
	const uint8_t *p = head.p;
	const uint32_t cap = min_u32(head.len, frame_len);
	uint32_t off = PKT_ETH_BYTES;
	uint16_t type;

	*out = (struct pkt_info){ .frame_len = frame_len,
	    .l3_off = frame_len, .end_off = frame_len };
	if (cap < PKT_ETH_BYTES)
		return PKT_LAYER_NONE;
	type = pkt_be16_load(p + 12);
	while ((type == PKT_TYPE_VLAN || type == PKT_TYPE_SVLAN) &&
	    out->vlan_tags < PKT_TAGS_MAX &&
	    range_ok(off, PKT_VLAN_BYTES, cap)) {
		if (out->vlan_tags++ == 0)
			out->vlan_tci = pkt_be16_load(p + off);
		type = pkt_be16_load(p + off + 2);
		off += PKT_VLAN_BYTES;
	}
	out->l3_off = off;
	out->ethertype = type;
	out->layer = PKT_LAYER_ETH;
	return PKT_LAYER_ETH;
}

static int
parse_frame(struct pkt_info *out, struct span head, uint32_t frame_len,
    bool lso)
{
	const uint32_t cap = min_u32(head.len, frame_len);

	if (pkt_parse_eth(out, head, frame_len) == PKT_LAYER_NONE)
		return PKT_LAYER_NONE;
	if (out->ethertype == PKT_TYPE_IPV4)
		parse_ip4(out, head.p, cap, lso);
	else if (out->ethertype == PKT_TYPE_IPV6)
		parse_ip6(out, head.p, cap, lso);
	return out->layer;
}

int
pkt_parse(struct pkt_info *out, struct span head, uint32_t frame_len)
{
	return parse_frame(out, head, frame_len, false);
}

int
pkt_parse_lso(struct pkt_info *out, struct span head, uint32_t frame_len)
{
	return parse_frame(out, head, frame_len, true);
}

void
pkt_meta_info_set(struct pkt_meta *m, const struct pkt_info *info)
{
	m->flags |= PKT_LAYOUT;
	m->flags &= ~(uint32_t)PKT_FRAGMENT;
	if (info->is_fragment)
		m->flags |= PKT_FRAGMENT;
	m->l3_off = (uint16_t)min_u32(info->l3_off, UINT16_MAX);
	m->l4_off = (uint16_t)info->l4_off;
	m->hdr_len = (uint16_t)info->payload_off;
	m->ip_version = info->ip_version;
	m->l4_proto = info->l4_proto;
}
