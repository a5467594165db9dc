/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of papp: UDP, or TCP where they are to be cut, whose payload follows
 * from a sequence number.
 */
#include "papp_frame.h"

#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

static uint8_t
pattern(uint32_t seq, uint32_t at)
{
	return (uint8_t)(seq * 7 + at);
}

/* Headers of a frame; returns their length. */
static uint32_t
headers_put(uint8_t *p, const struct papp_ends *e, const struct papp_kind *k,
    uint32_t seq, uint32_t payload)
{
	struct rte_ether_hdr *eth = (void *)p;
	struct rte_ipv4_hdr *ip = (void *)(eth + 1);
	uint32_t l4 = k->tso ? sizeof(struct rte_tcp_hdr) :
	    sizeof(struct rte_udp_hdr);

	memset(p, 0, sizeof(*eth) + sizeof(*ip) + l4);
	eth->dst_addr = e->dst;
	eth->src_addr = e->src;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + l4 +
	    payload));
	ip->time_to_live = 64;
	ip->next_proto_id = k->tso ? 6 : 17;
	ip->src_addr = rte_cpu_to_be_32(0x0a090001);
	ip->dst_addr = rte_cpu_to_be_32(0x0a090002);
	if (k->tso) {
		struct rte_tcp_hdr *tcp = (void *)(ip + 1);

		tcp->src_port = rte_cpu_to_be_16(1000);
		tcp->dst_port = rte_cpu_to_be_16(9);
		tcp->sent_seq = rte_cpu_to_be_32(seq);
		tcp->data_off = 0x50;
		tcp->tcp_flags = 0x18;
		tcp->rx_win = 0xffff;
	} else {
		struct rte_udp_hdr *udp = (void *)(ip + 1);

		udp->src_port = rte_cpu_to_be_16((uint16_t)(1000 + seq % 64));
		udp->dst_port = rte_cpu_to_be_16(9);
		udp->dgram_len = rte_cpu_to_be_16((uint16_t)(l4 + payload));
	}
	return (uint32_t)(sizeof(*eth) + sizeof(*ip)) + l4;
}

/* Payload bytes [at, at + n) of frame seq. */
static void
payload_put(uint8_t *p, uint32_t seq, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = at + i < 4 ? (uint8_t)(seq >> (8 * (at + i))) :
		    pattern(seq, at + i);
}

struct rte_mbuf *
papp_frame_make(struct rte_mempool *pool, const struct papp_ends *e,
    const struct papp_kind *k, uint32_t seq)
{
	uint32_t hdr = 14 + 20 + (k->tso ? 20 : 8);
	uint32_t left = k->size - hdr, at = 0;
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *last = m;

	if (m == NULL)
		return NULL;
	headers_put(rte_pktmbuf_mtod(m, uint8_t *), e, k, seq, left);
	m->data_len = (uint16_t)hdr;
	m->pkt_len = k->size;
	while (left > 0) {
		uint32_t n = RTE_MIN(left, (uint32_t)last->buf_len -
		    last->data_off - last->data_len);

		payload_put(rte_pktmbuf_mtod_offset(last, uint8_t *,
		    last->data_len), seq, at, n);
		last->data_len = (uint16_t)(last->data_len + n);
		left -= n;
		at += n;
		if (left == 0)
			break;
		last->next = rte_pktmbuf_alloc(pool);
		if (last->next == NULL) {
			rte_pktmbuf_free(m);
			return NULL;
		}
		last = last->next;
		m->nb_segs++;
	}
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = k->tso ? 20 : 8;
	if (k->csum || k->tso)
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM |
		    (k->tso ? RTE_MBUF_F_TX_TCP_CKSUM :
		    RTE_MBUF_F_TX_UDP_CKSUM);
	if (k->tso) {
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		m->tso_segsz = (uint16_t)k->tso;
	} else if (!k->csum) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, void *,
		    14);

		ip->hdr_checksum = rte_ipv4_cksum(ip);
	}
	if (k->csum || k->tso) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, void *,
		    14);
		uint16_t sum = rte_ipv4_phdr_cksum(ip, m->ol_flags);

		if (k->tso)
			((struct rte_tcp_hdr *)(ip + 1))->cksum = sum;
		else
			((struct rte_udp_hdr *)(ip + 1))->dgram_cksum = sum;
	}
	if (k->vlan >= 0) {
		m->ol_flags |= RTE_MBUF_F_TX_VLAN;
		m->vlan_tci = (uint16_t)k->vlan;
	}
	return m;
}

bool
papp_frame_check(const struct rte_mbuf *m, uint32_t *seq_out)
{
	uint8_t copy[2048];
	const uint8_t *p = rte_pktmbuf_read(m, 0, RTE_MIN(m->pkt_len,
	    (uint32_t)sizeof(copy)), copy);
	const struct rte_ipv4_hdr *ip = (const void *)(p + 14);
	uint32_t len, seq;

	if (m->pkt_len < 14 + 20 + 8 + 4 || p[12] != 8 || p[13] != 0)
		return false;
	len = rte_be_to_cpu_16(ip->total_length);
	if (ip->next_proto_id != 17 || len < 32 || len + 14 > m->pkt_len)
		return false;
	p += 42;
	len -= 28;
	seq = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
	*seq_out = seq;
	for (uint32_t i = 4; i < len; i++)
		if (p[i] != pattern(seq, i))
			return false;
	return true;
}
