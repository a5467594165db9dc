/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet checksum (RFC 1071) over bytes and vec lists.
 *
 * A running sum is a uint64_t in *memory order*: 16-bit words are added as
 * they lie, in the machine's own order, and the folded result is copied to the
 * packet as it lies (pkt_sum_store()), never byte-swapped.  Start from 0.  Any
 * two sums over pieces at even offsets may be added with pkt_sum_merge().
 */
#ifndef CORE_PKT_PKT_CSUM_H
#define CORE_PKT_PKT_CSUM_H

#include "pkt/pkt_load.h"
#include "pkt/pkt_meta.h"
#include "pkt/pkt_parse.h"

/* Add two running sums, end-around carry. */
static inline uint64_t
pkt_sum_merge(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

/* Fold a running sum to 16 bits, not complemented. */
static inline uint16_t
pkt_sum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* A number as it stands in a packet (big endian), for pkt_sum_merge(). */
static inline uint64_t
pkt_sum_be16(uint32_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };
	uint16_t w;

	memcpy(&w, b, sizeof(w));
	return w;
}

/* Store a folded sum (or its complement, if the caller complemented it). */
static inline void
pkt_sum_store(uint8_t *field, uint16_t folded)
{
	memcpy(field, &folded, sizeof(folded));
}

/*
 * Add len bytes at p to sum; p counts as an even offset, a last odd byte as
 * if a zero byte followed.  Context: any, pure.  Any alignment.
 */
uint64_t pkt_sum_bytes(uint64_t sum, const void *p, uint32_t len);

/*
 * Add [off, off + len) of the list to sum, pieces of odd length included; off
 * counts as an even offset.  Context: any, pure.  Sums less where the list is
 * shorter.
 */
uint64_t pkt_sum_vecs(uint64_t sum, const struct vec *v, uint32_t n,
    uint32_t off, uint32_t len);

/*
 * Pseudo-header sums: addresses and protocol, and the L4 length where l4_len
 * is not 0 (LSO wants it without, RFC 9293 and virtio-net with).  src and dst
 * point to 4 or 16 bytes.  Context: any, pure.
 */
uint64_t pkt_sum_pseudo4(const uint8_t *src, const uint8_t *dst, uint8_t proto,
    uint32_t l4_len);
uint64_t pkt_sum_pseudo6(const uint8_t *src, const uint8_t *dst, uint8_t proto,
    uint32_t l4_len);

/*
 * The same for a parsed frame that has an IP header (ip_version not 0), whose
 * headers lie in head: a home address option or a routing header of type 2
 * takes the place of an IPv6 address (RFC 8200, 8.1; RFC 6275).
 */
uint64_t pkt_sum_pseudo(const uint8_t *head, const struct pkt_info *info,
    uint32_t l4_len);

/*
 * Compute the IPv4 header checksum and store it.  ip points to hlen bytes, the
 * whole header (20 to 60, a multiple of 4).  Context: owner of the frame.
 */
void pkt_csum_ip4_store(uint8_t *ip, uint32_t hlen);

/* True if the header checksum is right.  Context: any, pure. */
bool pkt_csum_ip4_ok(const uint8_t *ip, uint32_t hlen);

/*
 * Make the L4 checksum of a parsed frame partial: write the pseudo-header sum
 * with the length into the field, whatever was there, and set
 * PKT_CSUM_PARTIAL, csum_start, csum_offset; clears the PKT_CSUM_*_L4 flags.
 * head holds the headers (as pkt_parse() saw them).  For a frame with a
 * checksum PPI from a guest whose idea of the pseudo-header sum we do not
 * rely on.  Context: owner of the frame.  Returns 0, or E_NOTSUP when info has
 * no TCP or UDP header; then nothing is changed.
 */
int pkt_csum_partial_set(uint8_t *head, const struct pkt_info *info,
    struct pkt_meta *m);

/*
 * Complete what m requests: the L4 checksum (PKT_CSUM_PARTIAL) and the IPv4
 * header checksum (PKT_IPCS), in place, over a list whose first byte is the
 * frame's; fields may be split over pieces.  A result of 0 is stored as
 * 0xffff (RFC 768).  Clears the flags it did, sets the GOOD ones.  Must not be
 * used on a GSO frame (cut it, pkt_seg.h).  Context: owner of the frame.
 * Returns 0; E_NOTSUP when the offsets do not lie in the frame or the frame is
 * GSO: then nothing is changed.
 */
int pkt_csum_complete(const struct vec *v, uint32_t n, struct pkt_meta *m);

/*
 * Verify the checksums of a parsed frame.  Context: any, pure.  Returns
 * PKT_CSUM_GOOD_IP or _BAD_IP (IPv4) and PKT_CSUM_GOOD_L4 or _BAD_L4 (TCP,
 * UDP; not fragments); neither of the latter for UDP over IPv4 without a
 * checksum.  UDP over IPv6 without one is bad (RFC 8200, 8.1), as is a UDP
 * length that does not lie in the IP packet.
 */
uint32_t pkt_csum_verify(const struct vec *v, uint32_t n,
    const struct pkt_info *info);

#endif
