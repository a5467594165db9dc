/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames for fuzz targets: well-formed to begin with, so that the fuzzer need
 * not invent a header, then changed in a few bytes.
 */
#ifndef TESTS_FUZZ_FUZZ_FRAME_H
#define TESTS_FUZZ_FUZZ_FRAME_H

#include "fuzz_input.h"
#include "pkt/pkt_meta.h"

/*
 * Write an Ethernet frame of TCP or UDP over IPv4 or IPv6 to src and dst, or
 * of something else, and break it as the input says.  Returns its length,
 * <= cap, cap >= 80.
 */
static inline uint32_t
fuzz_frame(struct fuzz_in *f, uint8_t *p, uint32_t cap, const uint8_t src[6])
{
	uint32_t how = fuzz_u8(f), len, l3 = 14, l4, payload;
	bool v6 = how & 1, udp = how & 2;

	payload = how & 4 ? fuzz_u16(f) : fuzz_u8(f);
	memset(p, 0xff, 6);
	memcpy(p + 6, src, 6);
	if (how & 8) {
		memcpy(p + 12, "\x81\x00\x00\x05", 4);
		l3 += 4;
	}
	memcpy(p + l3 - 2, v6 ? "\x86\xdd" : "\x08\x00", 2);
	l4 = l3 + (v6 ? 40 : 20);
	len = min_u32(cap, l4 + (udp ? 8 : 20) + payload);
	memset(p + l3, 0, min_u32(cap - l3, 64));
	if (v6) {
		p[l3] = 0x60;
		p[l3 + 4] = (uint8_t)((len - l4) >> 8);
		p[l3 + 5] = (uint8_t)(len - l4);
		p[l3 + 6] = udp ? 17 : 6;
	} else {
		p[l3] = 0x45;
		p[l3 + 2] = (uint8_t)((len - l3) >> 8);
		p[l3 + 3] = (uint8_t)(len - l3);
		p[l3 + 9] = udp ? 17 : 6;
	}
	p[l4 + 1] = (uint8_t)how;
	if (!udp) {
		p[l4 + 12] = 0x50;
		p[l4 + 13] = 0x10;
	}
	for (uint32_t i = how >> 4; i > 8; i--)
		p[fuzz_u8(f) % min_u32(len, 128)] = (uint8_t)fuzz_u8(f);
	if (how & 16)
		len = min_u32(len, fuzz_u8(f));
	return len;
}

/* Offload metadata of any kind. */
static inline void
fuzz_meta(struct fuzz_in *f, struct pkt_meta *m)
{
	memset(m, 0, sizeof(*m));
	m->flags = fuzz_u16(f);
	if (m->flags == 0)
		return;
	m->csum_start = (uint16_t)fuzz_u32(f);
	m->csum_offset = (uint16_t)fuzz_u32(f);
	m->gso_size = (uint16_t)fuzz_u16(f);
	m->hdr_len = (uint16_t)fuzz_u32(f);
	m->segs = (uint16_t)fuzz_u8(f);
	m->vlan_tci = (uint16_t)fuzz_u8(f);
	m->hash = fuzz_u32(f);
	m->hash_type = 1u << fuzz_u8(f) % 18;
}

#endif
