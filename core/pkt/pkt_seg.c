/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts a large TCP or UDP frame into segments, in software.
 *
 * Theory of operation.  pkt_seg_start() copies the headers once, decides from
 * them (not from the metadata) whether the frame can be cut, and takes the sum
 * of all header fields that every segment shares.  pkt_seg_next() then copies
 * the headers to the caller, writes what differs (IP length and id, TCP
 * sequence number and flags) and adds just that to the shared sums; only the
 * payload is summed again, through a cursor that moves over the list once.
 *
 * Invariants: off <= payload; the cursor (piece, piece_off) stands at payload
 * offset `off` while checksums are completed; a segment carries mss bytes
 * unless it is the last.
 *
 * Called by the owner of the frame (a backend or port that takes no GSO); the
 * iterator is the caller's, nothing is allocated.
 */
#include "pkt/pkt_seg.h"

#include "base/err.h"
#include "pkt/pkt_csum.h"

/* Policy: no frame of ours comes near; keeps 32-bit sums of lengths safe. */
#define SEG_FRAME_MAX	(1u << 20)

#define TCP_SEQ_OFF	4
#define TCP_FLAGS_OFF	13

static bool
seg_fits(const struct pkt_info *info, const struct pkt_meta *m)
{
	const uint32_t payload = info->frame_len - info->payload_off;

	if (info->layer != PKT_LAYER_L4 || info->l4_proto != PKT_IPPROTO_TCP)
		return false;
	if (m->gso_size == 0 || (m->flags & PKT_GSO_NORESEG) != 0)
		return false;
	if (payload > m->gso_size &&
	    (info->tcp_flags & (PKT_TCP_SYN | PKT_TCP_RST)) != 0)
		return false;
	/* The IP length of a full segment must fit its 16 bits. */
	return info->payload_off - info->l3_off +
	    min_u32(payload, m->gso_size) <= UINT16_MAX;
}

/* Sums over the fields that all segments share; the rest counts as zero. */
static void
seg_sums(struct pkt_seg *s, const struct pkt_info *info)
{
	uint8_t *ip = s->hdr + s->l3_off;
	uint8_t *tcp = s->hdr + s->l4_off;

	if (s->ip_version == 4) {
		s->ip_id = pkt_be16_load(ip + 4);
		memset(ip + 2, 0, 4);
		memset(ip + 10, 0, 2);
		s->ip_sum = pkt_sum_bytes(0, ip, s->l4_off - s->l3_off);
	}
	s->seq = pkt_be32_load(tcp + TCP_SEQ_OFF);
	memset(tcp + TCP_SEQ_OFF, 0, 4);
	tcp[TCP_FLAGS_OFF] = 0;
	memset(tcp + PKT_TCP_CSUM_OFF, 0, 2);
	s->pseudo = pkt_sum_pseudo(s->hdr, info, 0);
	s->tcp_sum = pkt_sum_bytes(s->pseudo, tcp, s->hdr_len - s->l4_off);
}

static void
seg_meta_set(struct pkt_seg *s, const struct pkt_info *info,
    const struct pkt_meta *m)
{
	s->meta = *m;
	s->meta.flags &= PKT_VLAN | PKT_HASH;
	s->meta.gso_size = 0;
	s->meta.segs = 1;
	pkt_meta_info_set(&s->meta, info);
	if (s->ip_version == 4)
		s->meta.flags |= PKT_CSUM_GOOD_IP;
	if (s->csum == PKT_SEG_PARTIAL) {
		s->meta.flags |= PKT_CSUM_PARTIAL;
		s->meta.csum_start = (uint16_t)s->l4_off;
		s->meta.csum_offset = PKT_TCP_CSUM_OFF;
	} else {
		s->meta.flags |= PKT_CSUM_GOOD_L4;
		s->meta.csum_start = s->meta.csum_offset = 0;
	}
}

int
pkt_seg_start(struct pkt_seg *s, const struct vec *v, uint32_t n,
    const struct pkt_meta *m, enum pkt_seg_csum csum)
{
	uint32_t frame_len = 0;
	struct pkt_info info;
	uint32_t got;

	for (uint32_t i = 0; i < n; i++) {
		if (!range_ok(frame_len, v[i].len, SEG_FRAME_MAX))
			return E_NOTSUP;
		frame_len += v[i].len;
	}
	got = pkt_vec_gather(v, n, 0, s->hdr, PKT_HEAD_MAX);
	pkt_parse_lso(&info, (struct span){ s->hdr, got }, frame_len);
	if (!seg_fits(&info, m))
		return E_NOTSUP;

	s->v = v;
	s->n = n;
	s->off = s->segs = 0;
	s->payload = frame_len - info.payload_off;
	s->mss = m->gso_size;
	s->hdr_len = info.payload_off;
	s->l3_off = info.l3_off;
	s->l4_off = info.l4_off;
	s->ip_version = info.ip_version;
	s->tcp_flags = info.tcp_flags;
	s->id_step = (m->flags & PKT_GSO_FIXEDID) != 0 ? 0 : 1;
	s->csum = csum;
	s->piece = 0;
	s->piece_off = s->hdr_len;
	seg_sums(s, &info);
	seg_meta_set(s, &info, m);
	return s->payload == 0 ? 1 :
	    (int)((s->payload + s->mss - 1) / s->mss);
}

/* Sum the next len payload bytes and move the cursor past them. */
static uint64_t
seg_sum_payload(struct pkt_seg *s, uint32_t len)
{
	uint64_t sum = 0;
	uint32_t done = 0;

	while (done < len) {
		const struct vec *v = &s->v[s->piece];
		uint32_t take;
		uint64_t part;

		if (s->piece_off >= v->len) {
			s->piece_off -= v->len;
			s->piece++;
			continue;
		}
		take = min_u32(len - done, v->len - s->piece_off);
		part = pkt_sum_bytes(0, (const uint8_t *)v->p + s->piece_off,
		    take);
		if ((done & 1) != 0)
			part = __builtin_bswap16(pkt_sum_fold(part));
		sum = pkt_sum_merge(sum, part);
		done += take;
		s->piece_off += take;
	}
	return sum;
}

static void
seg_ip_write(struct pkt_seg *s, uint8_t *ip, uint32_t len)
{
	const uint32_t l3_len = s->hdr_len - s->l3_off + len;
	uint64_t sum;
	uint16_t id;

	if (s->ip_version == 6) {
		pkt_be16_store(ip + 4, (uint16_t)(l3_len - 40));
		return;
	}
	id = (uint16_t)(s->ip_id + s->segs * s->id_step);
	pkt_be16_store(ip + 2, (uint16_t)l3_len);
	pkt_be16_store(ip + 4, id);
	sum = pkt_sum_merge(s->ip_sum, pkt_sum_be16(l3_len));
	sum = pkt_sum_merge(sum, pkt_sum_be16(id));
	pkt_sum_store(ip + 10, (uint16_t)~pkt_sum_fold(sum));
}

static void
seg_tcp_write(struct pkt_seg *s, uint8_t *tcp, uint32_t len)
{
	const uint32_t l4_len = s->hdr_len - s->l4_off + len;
	const uint32_t seq = s->seq + s->off;
	uint8_t flags = s->tcp_flags;
	uint64_t sum;

	if (s->segs > 0)
		flags &= (uint8_t)~PKT_TCP_CWR;
	if (s->off + len < s->payload)
		flags &= (uint8_t)~(PKT_TCP_FIN | PKT_TCP_PSH);
	pkt_be32_store(tcp + TCP_SEQ_OFF, seq);
	tcp[TCP_FLAGS_OFF] = flags;
	if (s->csum == PKT_SEG_PARTIAL) {
		sum = pkt_sum_merge(s->pseudo, pkt_sum_be16(l4_len));
		pkt_sum_store(tcp + PKT_TCP_CSUM_OFF, pkt_sum_fold(sum));
		return;
	}
	sum = pkt_sum_merge(s->tcp_sum, pkt_sum_be16(l4_len));
	sum = pkt_sum_merge(sum, pkt_sum_be16(seq >> 16));
	sum = pkt_sum_merge(sum, pkt_sum_be16(seq));
	sum = pkt_sum_merge(sum, pkt_sum_be16(flags));
	sum = pkt_sum_merge(sum, seg_sum_payload(s, len));
	pkt_sum_store(tcp + PKT_TCP_CSUM_OFF, (uint16_t)~pkt_sum_fold(sum));
}

int
pkt_seg_next(struct pkt_seg *s, struct pkt_seg_out *out, uint8_t *hdr)
{
	uint32_t len;

	if (s->off == s->payload && s->segs > 0)
		return 0;
	len = min_u32(s->mss, s->payload - s->off);
	memcpy(hdr, s->hdr, s->hdr_len);
	seg_ip_write(s, hdr + s->l3_off, len);
	seg_tcp_write(s, hdr + s->l4_off, len);
	out->hdr_len = s->hdr_len;
	out->payload_off = s->hdr_len + s->off;
	out->payload_len = len;
	out->meta = s->meta;
	s->off += len;
	s->segs++;
	return 1;
}
