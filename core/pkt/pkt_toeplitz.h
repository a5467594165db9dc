/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Toeplitz hash of receive side scaling, by tables of a byte each.
 */
#ifndef CORE_PKT_PKT_TOEPLITZ_H
#define CORE_PKT_PKT_TOEPLITZ_H

#include "base/span.h"
#include "pkt/pkt_meta.h"
#include "pkt/pkt_parse.h"

#define TOEPLITZ_KEY_BYTES	40u
#define TOEPLITZ_INPUT_MAX	36u	/* two IPv6 addresses, two ports */

/*
 * A key, expanded: 36 KiB.  An IPv4 frame touches the first 12 tables.  Changed
 * only while no queue hashes with it (double-buffer and switch a pointer).
 */
struct toeplitz_key {
	uint32_t table[TOEPLITZ_INPUT_MAX][256];
	uint8_t key[TOEPLITZ_KEY_BYTES];
};

/*
 * Policy: the key of Microsoft's verification suite, FreeBSD's default and that
 * of both ends.
 */
extern const uint8_t toeplitz_key_default[TOEPLITZ_KEY_BYTES];

/* Expand a key of 40 bytes, which is copied.  Context: control path. */
void toeplitz_key_set(struct toeplitz_key *k, const uint8_t *key40);

/*
 * The part of a hash that len bytes at position pos of the input make; to be
 * XORed with the others'.  A constant len unrolls.
 */
static inline uint32_t
toeplitz_part(const struct toeplitz_key *k, uint32_t pos, const uint8_t *p,
    uint32_t len)
{
	uint32_t h = 0;

	for (uint32_t i = 0; i < len; i++)
		h ^= k->table[pos + i][p[i]];
	return h;
}

/*
 * Hash len bytes; what is past TOEPLITZ_INPUT_MAX is not looked at.  Input is
 * in network order: source address, destination address, source port,
 * destination port.  Context: any, pure.
 */
uint32_t toeplitz_hash(const struct toeplitz_key *k, const uint8_t *bytes,
    uint32_t len);

/* pkt_rss_hash() below, of an IPv6 frame whose head is at p. */
uint32_t pkt_rss_hash6(const struct toeplitz_key *k, uint32_t enabled,
    const struct pkt_info *info, const uint8_t *p, uint32_t *type);

static inline uint32_t
pkt_rss_hash4(const struct toeplitz_key *k, uint32_t enabled,
    const struct pkt_info *info, const uint8_t *p, uint32_t *type)
{
	uint32_t want = 0;
	uint32_t h;

	if (info->layer == PKT_LAYER_L4)
		want = info->l4_proto == PKT_IPPROTO_TCP ? PKT_HASH_TCP4 :
		    PKT_HASH_UDP4;
	want &= enabled;
	*type = want != 0 ? want : enabled & PKT_HASH_IPV4;
	if (*type == 0)
		return 0;
	h = toeplitz_part(k, 0, p + info->l3_off + 12, 8);
	if (want != 0)
		h ^= toeplitz_part(k, 8, p + info->l4_off, 4);
	return h;
}

/*
 * RSS hash of a parsed frame over the widest enabled type that fits it (ports
 * before addresses only, *_EX before plain). head must hold what pkt_parse()
 * saw.  Context: any, pure.  Returns the hash and sets *type to the one enum
 * pkt_hash_type used, or returns 0 and sets *type to 0 (no hash: channel 0) for
 * non-IP, for fragments, and where no enabled type fits.
 */
static inline uint32_t
pkt_rss_hash(const struct toeplitz_key *k, uint32_t enabled_types,
    const struct pkt_info *info, struct span head, uint32_t *type)
{
	*type = 0;
	if (info->layer < PKT_LAYER_IP || info->is_fragment)
		return 0;
	if (info->ip_version == 4)
		return pkt_rss_hash4(k, enabled_types, info, head.p, type);
	return pkt_rss_hash6(k, enabled_types, info, head.p, type);
}

#endif
