/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames by reference, on top of vsc_rig.h: made, sent, and what packets name.
 */
#ifndef TESTS_UNIT_VSC_REF_RIG_H
#define TESTS_UNIT_VSC_REF_RIG_H

#include "vsc_rig.h"

#define PIECE_GPA	0x777000000000ull
#define HEAD		54u

static struct rig rig;
static uint8_t frame[70000];

/* An Ethernet, IPv4, TCP frame of len bytes, its L4 checksum requested. */
static void
frame_make(uint32_t len, struct pkt_meta *m)
{
	static const uint8_t hdr[HEAD] = {
		0, 0x15, 0x5d, 9, 9, 9, 0, 0x15, 0x5d, 1, 2, 3, 8, 0,
		0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, 6, 0, 0,
		10, 0, 0, 1, 10, 0, 0, 2,
		0x30, 0x39, 0x13, 0x89, 0, 0, 0, 1, 0, 0, 0, 2,
		0x50, 0x10, 1, 0, 0, 0, 0, 0,
	};
	struct pkt_info info;

	for (uint32_t i = HEAD; i < len; i++)
		frame[i] = (uint8_t)(i * 7 + i / 251);
	memcpy(frame, hdr, sizeof(hdr));
	pkt_be16_store(frame + 16, (uint16_t)(len - 14));
	pkt_csum_ip4_store(frame + 14, 20);
	memset(m, 0, sizeof(*m));
	pkt_parse(&info, (struct span){ frame, HEAD }, len);
	assert_int_equal(pkt_csum_partial_set(frame, &info, m), 0);
}

/* The frame's first bytes as head, the rest as one piece at offset `at`. */
static int
gather(uint32_t head, uint32_t len, uint64_t at, const void *va,
    uint64_t cookie, const struct pkt_meta *m)
{
	struct vsc_piece p = { PIECE_GPA + at, len - head, va };

	return vsc_tx_gather(rig.v, 0, (struct span){ frame, head }, &p, 1,
	    cookie, m);
}

static const uint8_t *
section(uint32_t i)
{
	return (const uint8_t *)rig.v->sendbuf.mem.va + i * 6144;
}

/* Range k of a packet: one page. */
static struct gpa_piece
range(uint32_t i, uint32_t k)
{
	const uint8_t *e = rig.sent[i].ext + 8 + 16 * k;
	uint32_t w[2];
	uint64_t pfn;

	assert_true(8 + 16 * (k + 1) <= rig.sent[i].ext_len);
	memcpy(w, e, 8);
	memcpy(&pfn, e + 8, 8);
	assert_true(w[1] + w[0] <= 4096);
	return (struct gpa_piece){ (pfn << 12) + w[1], w[0] };
}

#endif
