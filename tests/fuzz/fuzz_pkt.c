/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target for core/pkt: arbitrary bytes as a frame, with arbitrary
 * metadata, through parse, hash, verify, complete, prepare, restore,
 * segmentation and coalescing.  Nothing may leave its buffer; a segmented
 * frame must give back its payload bytes; what coalescing takes must come out.
 *
 * Input: 12 bytes of choices, then the frame.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkt/pkt_coal.h"
#include "pkt/pkt_csum.h"
#include "pkt/pkt_seg.h"
#include "pkt/pkt_toeplitz.h"
#include "fuzz_input.h"

#define CHOICES	12u

/* Two pieces in blocks of their own, cut at `at`. */
static void
pieces_make(struct vec *v, const uint8_t *f, uint32_t len, uint32_t at)
{
	at = min_u32(at, len);
	v[0] = (struct vec){ malloc(at + 1u), at };
	v[1] = (struct vec){ malloc(len - at + 1u), len - at };
	memcpy(v[0].p, f, at);
	memcpy(v[1].p, f + at, len - at);
}

static void
pieces_free(struct vec *v)
{
	free(v[0].p);
	free(v[1].p);
}

static void
segments(const struct vec *v, const struct pkt_meta *m, bool complete)
{
	uint8_t *hdr = malloc(PKT_HEAD_MAX);
	uint32_t total = pkt_vec_bytes(v, 2), payload = 0, first = 0;
	struct pkt_seg_out o;
	struct pkt_seg s;
	int count, n;

	n = pkt_seg_start(&s, v, 2, m, complete ? PKT_SEG_COMPLETE :
	    PKT_SEG_PARTIAL);
	for (count = 0; n > 0 && pkt_seg_next(&s, &o, hdr) == 1; count++) {
		first = count == 0 ? o.hdr_len : first;
		fuzz_require(o.hdr_len == first &&
		    o.payload_off == first + payload);
		payload += o.payload_len;
	}
	fuzz_require(n <= 0 || (count == n && first + payload == total));
	free(hdr);
}

static void
count_frames(void *arg, const struct pkt_super *s)
{
	uint32_t *frames = arg;

	fuzz_require(pkt_vec_bytes(s->v, s->n) == s->frame_len);
	*frames += s->frames;
}

static void
coalesce(const struct vec *v, const struct pkt_info *info,
    const struct pkt_meta *m)
{
	static struct pkt_coal c;
	uint32_t in = 0, out = 0;
	uint32_t n = v[1].len > 0 ? 2 : 1;

	pkt_coal_init(&c, 62780, count_frames, &out);
	for (uint32_t i = 0; i < 3; i++) {
		struct pkt_meta good = *m;

		good.flags |= PKT_CSUM_GOOD_L4 | PKT_CSUM_GOOD_IP;
		in += pkt_coal_add(&c, v, n, info, &good, i) == PKT_COAL_HELD;
	}
	pkt_coal_flush(&c);
	fuzz_require(in == out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct toeplitz_key key;
	struct pkt_meta m = { 0 };
	enum fault why = FAULT_NONE;
	struct pkt_info info;
	struct span head;
	struct vec v[2];
	uint32_t len, type;

	if (size < CHOICES || size > 70000)
		return 0;
	len = (uint32_t)(size - CHOICES);
	m.flags = (uint32_t)pkt_be16_load(data) & ~(uint32_t)PKT_LAYOUT;
	m.gso_size = pkt_be16_load(data + 2);
	m.csum_start = pkt_be16_load(data + 4);
	m.csum_offset = pkt_be16_load(data + 6);
	m.l3_off = data[8];
	pieces_make(v, data + CHOICES, len, pkt_be16_load(data + 10));
	head = (struct span){ v[0].p, v[0].len };
	toeplitz_key_set(&key, (const uint8_t[40]){ 0x6d, 0x5a, data[9] });

	pkt_parse(&info, head, len);
	(void)pkt_rss_hash(&key, 0x1ff00, &info, head, &type);
	(void)pkt_csum_verify(v, 2, &info);
	segments(v, &m, (data[9] & 1) != 0);
	coalesce(v, &info, &m);
	if ((data[9] & 2) != 0) {
		struct pkt_meta mm = m;

		(void)pkt_csum_complete(v, 2, &mm);
	}
	if ((data[9] & 4) != 0)
		(void)pkt_csum_partial_set(v[0].p, &info, &m);
	if ((data[9] & 8) != 0)
		(void)pkt_lso_prepare(v[0].p, v[0].len, len, &m);
	if (pkt_lso_restore(v[0].p, v[0].len, len, &m, &why) == 0) {
		fuzz_require(pkt_parse(&info, head, len) == PKT_LAYER_L4);
		fuzz_require(info.end_off == len);
		segments(v, &m, true);
	} else {
		fuzz_require(why != FAULT_NONE);
	}
	pieces_free(v);
	return 0;
}
