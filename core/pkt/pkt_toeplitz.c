/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Toeplitz hash of receive side scaling.
 *
 * Theory of operation.  The Toeplitz hash is linear: for every bit that is set
 * in the input, the 32 key bits that start at that bit's position are XORed
 * in (Microsoft, "RSS hashing functions").  So the contribution of input byte
 * i with value b depends on nothing else and table[i][b] holds it; hashing is
 * one look-up a byte, and parts of the input (addresses, ports) may be hashed
 * where they lie and XORed together.
 *
 * toeplitz_key_set() runs on a control path; the rest in any context, pure.
 */
#include "pkt/pkt_toeplitz.h"

const uint8_t toeplitz_key_default[TOEPLITZ_KEY_BYTES] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
	0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
	0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
	0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
	0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

void
toeplitz_key_set(struct toeplitz_key *k, const uint8_t *key40)
{
	memcpy(k->key, key40, TOEPLITZ_KEY_BYTES);
	for (uint32_t i = 0; i < TOEPLITZ_INPUT_MAX; i++) {
		uint32_t *t = k->table[i];
		uint64_t window = 0;

		/* Key bytes i to i + 4: all that bits of byte i can meet. */
		for (uint32_t j = 0; j < 5; j++)
			window = window << 8 | key40[i + j];
		t[0] = 0;
		for (uint32_t bit = 0; bit < 8; bit++) {
			const uint32_t first = 1u << bit;
			const uint32_t word = (uint32_t)(window >> (bit + 1));

			for (uint32_t b = 0; b < first; b++)
				t[first + b] = t[b] ^ word;
		}
	}
}

uint32_t
toeplitz_hash(const struct toeplitz_key *k, const uint8_t *bytes, uint32_t len)
{
	return toeplitz_part(k, 0, bytes, min_u32(len, TOEPLITZ_INPUT_MAX));
}

uint32_t
pkt_rss_hash6(const struct toeplitz_key *k, uint32_t enabled,
    const struct pkt_info *info, const uint8_t *p, uint32_t *type)
{
	const uint8_t *src = p + info->l3_off + 8;
	const uint8_t *dst = p + info->l3_off + 24;
	uint32_t plain = 0, ex = 0;
	uint32_t h;

	if (info->layer == PKT_LAYER_L4) {
		const bool tcp = info->l4_proto == PKT_IPPROTO_TCP;

		plain = enabled & (tcp ? PKT_HASH_TCP6 : PKT_HASH_UDP6);
		ex = enabled & (tcp ? PKT_HASH_TCP6_EX : PKT_HASH_UDP6_EX);
	}
	*type = ex != 0 ? ex : plain;
	h = 0;
	if (*type != 0) {
		h = toeplitz_part(k, 32, p + info->l4_off, 4);
	} else {
		plain = enabled & PKT_HASH_IPV6;
		ex = enabled & PKT_HASH_IPV6_EX;
		*type = ex != 0 ? ex : plain;
		if (*type == 0)
			return 0;
	}
	if (ex != 0) {
		src = p + info->ex_src_off;
		dst = p + info->ex_dst_off;
	}
	return h ^ toeplitz_part(k, 0, src, 16) ^ toeplitz_part(k, 16, dst, 16);
}
