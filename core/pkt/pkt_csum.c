/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internet checksums: partial sums, completing and verifying them.
 *
 * Theory of operation.  The one's-complement sum does not care for byte order
 * nor for how wide the words are that are added, as long as carries come back
 * at the bottom (RFC 1071, 2).  So bytes are taken eight at a time as they
 * lie, split into 32-bit halves that are added to 64-bit accumulators: no
 * carry can be lost below 2^32 additions, and the compiler may vectorize.
 *
 * In a list, a piece that starts at an odd offset of the whole is summed on
 * its own and its folded sum byte-swapped, which is what adding its bytes one
 * place further would have given.
 *
 * Invariant: a running sum is congruent, modulo 0xffff, to the sum of the
 * 16-bit words seen.  Any context; no state; hot path.
 */
#include "pkt/pkt_csum.h"

#include "base/err.h"

static inline uint64_t
load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint32_t
load32(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

uint64_t
pkt_sum_bytes(uint64_t sum, const void *buf, uint32_t len)
{
	const uint8_t *p = buf;
	uint64_t lo = 0, hi = 0, lo2 = 0, hi2 = 0, last = 0;

	for (; len >= 32; p += 32, len -= 32) {
		const uint64_t a = load64(p), b = load64(p + 8);
		const uint64_t c = load64(p + 16), d = load64(p + 24);

		lo += (a & 0xffffffff) + (b & 0xffffffff);
		hi += (a >> 32) + (b >> 32);
		lo2 += (c & 0xffffffff) + (d & 0xffffffff);
		hi2 += (c >> 32) + (d >> 32);
	}
	for (; len >= 8; p += 8, len -= 8) {
		const uint64_t a = load64(p);

		lo += a & 0xffffffff;
		hi += a >> 32;
	}
	if (len >= 4) {
		lo += load32(p);
		p += 4;
		len -= 4;
	}
	if (len > 0)
		memcpy(&last, p, len);
	lo += lo2 + (last & 0xffffffff);
	hi += hi2 + (last >> 32);
	return pkt_sum_merge(sum, lo + hi);
}

uint64_t
pkt_sum_vecs(uint64_t sum, const struct vec *v, uint32_t n, uint32_t off,
    uint32_t len)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < n && done < len; i++) {
		uint32_t take;
		uint64_t s;

		if (off >= v[i].len) {
			off -= v[i].len;
			continue;
		}
		take = min_u32(len - done, v[i].len - off);
		s = pkt_sum_bytes(0, (const uint8_t *)v[i].p + off, take);
		if ((done & 1) != 0)
			s = __builtin_bswap16(pkt_sum_fold(s));
		sum = pkt_sum_merge(sum, s);
		done += take;
		off = 0;
	}
	return sum;
}

static uint64_t
pseudo(const uint8_t *src, const uint8_t *dst, uint32_t addr_len,
    uint8_t proto, uint32_t l4_len)
{
	uint64_t sum;

	sum = pkt_sum_bytes(pkt_sum_be16(proto), src, addr_len);
	sum = pkt_sum_bytes(sum, dst, addr_len);
	sum = pkt_sum_merge(sum, pkt_sum_be16(l4_len >> 16));
	return pkt_sum_merge(sum, pkt_sum_be16(l4_len));
}

uint64_t
pkt_sum_pseudo4(const uint8_t *src, const uint8_t *dst, uint8_t proto,
    uint32_t l4_len)
{
	return pseudo(src, dst, 4, proto, l4_len);
}

uint64_t
pkt_sum_pseudo6(const uint8_t *src, const uint8_t *dst, uint8_t proto,
    uint32_t l4_len)
{
	return pseudo(src, dst, 16, proto, l4_len);
}

uint64_t
pkt_sum_pseudo(const uint8_t *head, const struct pkt_info *info,
    uint32_t l4_len)
{
	if (info->ip_version == 4)
		return pkt_sum_pseudo4(head + info->l3_off + 12,
		    head + info->l3_off + 16, info->l4_proto, l4_len);
	return pkt_sum_pseudo6(head + info->ex_src_off,
	    head + info->ex_dst_off, info->l4_proto, l4_len);
}

void
pkt_csum_ip4_store(uint8_t *ip, uint32_t hlen)
{
	pkt_sum_store(ip + 10, 0);
	pkt_sum_store(ip + 10,
	    (uint16_t)~pkt_sum_fold(pkt_sum_bytes(0, ip, hlen)));
}

bool
pkt_csum_ip4_ok(const uint8_t *ip, uint32_t hlen)
{
	/* As most are; the sum of five words needs no carry brought back. */
	if (hlen == 20)
		return pkt_sum_fold((uint64_t)load32(ip) + load32(ip + 4) +
		    load32(ip + 8) + load32(ip + 12) + load32(ip + 16)) ==
		    0xffff;
	return pkt_sum_fold(pkt_sum_bytes(0, ip, hlen)) == 0xffff;
}

static uint16_t
csum_field_off(uint8_t l4_proto)
{
	return l4_proto == PKT_IPPROTO_TCP ? PKT_TCP_CSUM_OFF :
	    PKT_UDP_CSUM_OFF;
}

int
pkt_csum_partial_set(uint8_t *head, const struct pkt_info *info,
    struct pkt_meta *m)
{
	uint16_t field;

	if (info->layer != PKT_LAYER_L4)
		return E_NOTSUP;
	field = csum_field_off(info->l4_proto);
	pkt_sum_store(head + info->l4_off + field,
	    pkt_sum_fold(pkt_sum_pseudo(head, info,
	    info->end_off - info->l4_off)));
	m->flags |= PKT_CSUM_PARTIAL;
	m->flags &= ~(uint32_t)(PKT_CSUM_GOOD_L4 | PKT_CSUM_BAD_L4);
	m->csum_start = (uint16_t)info->l4_off;
	m->csum_offset = field;
	return 0;
}

/* Length of the IPv4 header at off, gathered to ip[60]; 0 if there is none. */
static uint32_t
ip4_gather(const struct vec *v, uint32_t n, uint32_t off, uint8_t *ip)
{
	const uint32_t got = pkt_vec_gather(v, n, off, ip, 60);
	uint32_t hlen;

	if (got < 20 || ip[0] >> 4 != 4)
		return 0;
	hlen = (ip[0] & 0xfu) * 4;
	return hlen >= 20 && hlen <= got ? hlen : 0;
}

int
pkt_csum_complete(const struct vec *v, uint32_t n, struct pkt_meta *m)
{
	const uint32_t total = pkt_vec_bytes(v, n);
	const uint32_t start = m->csum_start;
	uint32_t hlen = 0;
	uint8_t ip[60];

	if ((m->flags & (PKT_GSO_ANY | PKT_GSO_NORESEG)) != 0)
		return E_NOTSUP;
	if ((m->flags & PKT_CSUM_PARTIAL) != 0 &&
	    !range_ok(start + m->csum_offset, 2, total))
		return E_NOTSUP;
	if ((m->flags & PKT_IPCS) != 0) {
		hlen = m->l3_off == 0 ? 0 : ip4_gather(v, n, m->l3_off, ip);
		if (hlen == 0)
			return E_NOTSUP;
		pkt_csum_ip4_store(ip, hlen);
		pkt_vec_scatter(v, n, m->l3_off + 10u, ip + 10, 2);
		m->flags &= ~(uint32_t)(PKT_IPCS | PKT_CSUM_BAD_IP);
		m->flags |= PKT_CSUM_GOOD_IP;
	}
	if ((m->flags & PKT_CSUM_PARTIAL) != 0) {
		uint16_t sum = (uint16_t)~pkt_sum_fold(
		    pkt_sum_vecs(0, v, n, start, total - start));

		if (sum == 0)
			sum = 0xffff;
		pkt_vec_scatter(v, n, start + m->csum_offset, &sum, 2);
		m->flags &= ~(uint32_t)(PKT_CSUM_PARTIAL | PKT_CSUM_BAD_L4);
		m->flags |= PKT_CSUM_GOOD_L4;
	}
	return 0;
}

static uint32_t
verify_l4(const struct vec *v, uint32_t n, const struct pkt_info *info)
{
	const bool udp = info->l4_proto == PKT_IPPROTO_UDP;
	uint32_t len = info->end_off - info->l4_off;
	uint8_t addr[32], field[8];
	uint64_t sum;

	if (udp) {
		pkt_vec_gather(v, n, info->l4_off, field, 8);
		if ((field[6] | field[7]) == 0)
			return info->ip_version == 4 ? 0 : PKT_CSUM_BAD_L4;
		if (pkt_be16_load(field + 4) < 8 ||
		    pkt_be16_load(field + 4) > len)
			return PKT_CSUM_BAD_L4;
		len = pkt_be16_load(field + 4);
	}
	if (info->ip_version == 4) {
		pkt_vec_gather(v, n, info->l3_off + 12, addr, 8);
		sum = pkt_sum_pseudo4(addr, addr + 4, info->l4_proto, len);
	} else {
		pkt_vec_gather(v, n, info->ex_src_off, addr, 16);
		pkt_vec_gather(v, n, info->ex_dst_off, addr + 16, 16);
		sum = pkt_sum_pseudo6(addr, addr + 16, info->l4_proto, len);
	}
	sum = pkt_sum_vecs(sum, v, n, info->l4_off, len);
	return pkt_sum_fold(sum) == 0xffff ? PKT_CSUM_GOOD_L4 :
	    PKT_CSUM_BAD_L4;
}

uint32_t
pkt_csum_verify(const struct vec *v, uint32_t n, const struct pkt_info *info)
{
	uint32_t flags = 0;
	uint8_t ip[60];

	if (pkt_vec_bytes(v, n) < info->frame_len)
		return 0;
	if (info->ip_version == 4) {
		const uint32_t hlen = ip4_gather(v, n, info->l3_off, ip);

		flags |= hlen != 0 && pkt_csum_ip4_ok(ip, hlen) ?
		    PKT_CSUM_GOOD_IP : PKT_CSUM_BAD_IP;
	}
	if (info->layer == PKT_LAYER_L4)
		flags |= verify_l4(v, n, info);
	return flags;
}
