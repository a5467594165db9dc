/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header fields that LSO leaves out, and how they are restored.
 *
 * Theory of operation.  LSOv2 moves a TCP frame larger than the MTU from guest
 * to host with the length-dependent header fields neutral: IP length 0, IPv4
 * header checksum 0, TCP checksum = pseudo-header sum without length.
 * pkt_lso_prepare() makes such a frame at the guest, pkt_lso_restore() undoes
 * it at the host.  The host trusts none of these fields (DPDK's driver leaves
 * them as they were): it computes them all from the frame that arrived.
 *
 * Both decide everything first and write afterwards, so that a refused frame
 * is as it was.  Contracts in pkt_seg.h.  Called by the queue owner.
 */
#include "base/err.h"
#include "pkt/pkt_csum.h"
#include "pkt/pkt_seg.h"

/* LSOv2 PPI: bits 20 to 29 hold the offset of the TCP header. */
#define LSO_L4_OFF_MAX	1023u

static bool
lso_is_tcp(const struct pkt_info *info)
{
	return info->layer == PKT_LAYER_L4 &&
	    info->l4_proto == PKT_IPPROTO_TCP;
}

int
pkt_lso_prepare(uint8_t *head, uint32_t head_len, uint32_t frame_len,
    struct pkt_meta *m)
{
	struct pkt_info info;
	uint8_t *ip;

	pkt_parse_lso(&info, (struct span){ head, head_len }, frame_len);
	if (!lso_is_tcp(&info) || m->gso_size == 0 ||
	    info.l4_off > LSO_L4_OFF_MAX)
		return E_NOTSUP;
	ip = head + info.l3_off;
	if (info.ip_version == 4) {
		pkt_be16_store(ip + 2, 0);
		pkt_be16_store(ip + 10, 0);
	} else {
		pkt_be16_store(ip + 4, 0);
	}
	pkt_sum_store(head + info.l4_off + PKT_TCP_CSUM_OFF,
	    pkt_sum_fold(pkt_sum_pseudo(head, &info, 0)));
	m->flags &= ~(uint32_t)PKT_GSO_ANY;
	m->flags |= info.ip_version == 4 ? PKT_GSO_TCP4 : PKT_GSO_TCP6;
	pkt_meta_info_set(m, &info);
	return 0;
}

/* Why a frame that wants LSO cannot have it; FAULT_NONE if it can. */
static enum fault
lso_check(const struct pkt_info *info, const struct pkt_meta *m)
{
	uint32_t ip_len;

	if (info->layer < PKT_LAYER_IP)
		return info->ethertype == PKT_TYPE_IPV4 ||
		    info->ethertype == PKT_TYPE_IPV6 ||
		    info->layer == PKT_LAYER_NONE ?
		    FAULT_FRAME_SHORT : FAULT_FRAME_HEADERS;
	if ((info->ip_version == 4 && (m->flags & PKT_GSO_TCP6) != 0) ||
	    (info->ip_version == 6 && (m->flags & PKT_GSO_TCP4) != 0))
		return FAULT_FRAME_HEADERS;
	if (info->is_fragment || info->l4_proto != PKT_IPPROTO_TCP)
		return FAULT_FRAME_HEADERS;
	if (info->layer != PKT_LAYER_L4)
		return FAULT_FRAME_SHORT;
	if (m->gso_size < PKT_MSS_MIN)
		return FAULT_FRAME_HEADERS;
	ip_len = info->frame_len - info->l3_off;
	if (info->ip_version == 6)
		ip_len -= 40;
	return ip_len > UINT16_MAX ? FAULT_FRAME_LONG : FAULT_NONE;
}

int
pkt_lso_restore(uint8_t *head, uint32_t head_len, uint32_t frame_len,
    struct pkt_meta *m, enum fault *why)
{
	struct pkt_info info;
	uint32_t payload;
	enum fault f;
	uint8_t *ip;

	pkt_parse_lso(&info, (struct span){ head, head_len }, frame_len);
	f = lso_check(&info, m);
	if (f != FAULT_NONE)
		return peer_bad(why, f);
	ip = head + info.l3_off;
	if (info.ip_version == 4) {
		pkt_be16_store(ip + 2, (uint16_t)(frame_len - info.l3_off));
		pkt_csum_ip4_store(ip, info.l4_off - info.l3_off);
	} else {
		pkt_be16_store(ip + 4,
		    (uint16_t)(frame_len - info.l3_off - 40));
	}
	m->flags &= ~(uint32_t)(PKT_GSO_ANY | PKT_GSO_NORESEG | PKT_GSO_ECN |
	    PKT_IPCS);
	(void)pkt_csum_partial_set(head, &info, m);
	pkt_meta_info_set(m, &info);
	payload = frame_len - info.payload_off;
	m->segs = (uint16_t)((payload + m->gso_size - 1) / m->gso_size);
	if (payload <= m->gso_size) {
		m->gso_size = 0;
		m->segs = 1;
		return 0;
	}
	m->flags |= info.ip_version == 4 ? PKT_GSO_TCP4 : PKT_GSO_TCP6;
	if ((info.tcp_flags & PKT_TCP_CWR) != 0)
		m->flags |= PKT_GSO_ECN;
	return 0;
}

uint32_t
pkt_rsc_segsize(const uint32_t *frag_len, uint32_t n, uint32_t hdr_len)
{
	uint32_t size;

	if (n < 2 || frag_len[0] <= hdr_len)
		return 0;
	size = frag_len[0] - hdr_len;
	for (uint32_t i = 1; i < n - 1; i++) {
		if (frag_len[i] != size)
			return 0;
	}
	if (frag_len[n - 1] == 0 || frag_len[n - 1] > size ||
	    size > UINT16_MAX)
		return 0;
	return size;
}
