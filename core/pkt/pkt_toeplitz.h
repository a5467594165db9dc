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

/* Expand a key of 40 bytes, which is copied.  Context: control path. */
void toeplitz_key_set(struct toeplitz_key *k, const uint8_t *key40);

/*
 * Hash len bytes; what is past TOEPLITZ_INPUT_MAX is not looked at.  Input is
 * in network order: source address, destination address, source port,
 * destination port.  Context: any, pure.
 */
uint32_t toeplitz_hash(const struct toeplitz_key *k, const uint8_t *bytes,
    uint32_t len);

/*
 * RSS hash of a parsed frame over the widest enabled type that fits it (ports
 * before addresses alone, *_EX before plain).  head must hold what pkt_parse()
 * saw.  Context: any, pure.  Returns the hash and sets *type to the one
 * enum pkt_hash_type used, or returns 0 and sets *type to 0 (no hash: channel
 * 0) for non-IP, for fragments, and where no enabled type fits.
 */
uint32_t pkt_rss_hash(const struct toeplitz_key *k, uint32_t enabled_types,
    const struct pkt_info *info, struct span head, uint32_t *type);

#endif
