/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames for the tests of core/pkt, built and checked bytewise, with nothing
 * of core/pkt in it: the sums here are the independent second opinion.
 */
#ifndef TESTS_UNIT_TEST_PKT_FRAME_H
#define TESTS_UNIT_TEST_PKT_FRAME_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the above first. */
#include <cmocka.h>

#include "base/span.h"

struct frame_spec {
	uint8_t version;	/* 4 or 6 */
	uint8_t proto;		/* 6 or 17 */
	uint8_t tags;		/* VLAN tags */
	uint8_t ip_opts;	/* v4: option bytes; v6: hop-by-hop bytes */
	uint8_t tcp_opts;	/* bytes */
	uint8_t flags;		/* TCP */
	uint8_t tos;
	uint8_t host;		/* low byte of the source address */
	bool df;
	uint16_t id, sport, window;
	uint32_t seq, ack, payload;
	uint32_t fill;		/* seed of the payload */
};

/* Bytewise sum of big-endian words; independent of core/pkt. */
static inline uint32_t
naive_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += (i & 1) != 0 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static inline void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static inline uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t
get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* Pseudo-header of the IP header at ip, length included if len is not 0. */
static inline uint32_t
naive_pseudo(const uint8_t *ip, uint8_t proto, uint32_t len)
{
	uint8_t tail[4] = { 0, proto, (uint8_t)(len >> 8), (uint8_t)len };
	uint32_t sum = naive_sum(len >> 16, tail, 4);

	if (ip[0] >> 4 == 4)
		return naive_sum(sum, ip + 12, 8);
	return naive_sum(sum, ip + 8, 32);
}

static inline uint32_t
frame_l3(const struct frame_spec *s)
{
	return 14u + 4u * s->tags;
}

static inline uint32_t
frame_l4(const struct frame_spec *s)
{
	return frame_l3(s) + (s->version == 4 ? 20u : 40u) + s->ip_opts;
}

static inline uint32_t
frame_hdr(const struct frame_spec *s)
{
	return frame_l4(s) + (s->proto == 6 ? 20u + s->tcp_opts : 8u);
}

static inline uint32_t
frame_len(const struct frame_spec *s)
{
	return frame_hdr(s) + s->payload;
}

/* L3 header and what stands before it. */
static inline void
frame_build_l3(uint8_t *f, const struct frame_spec *s)
{
	const uint32_t l3 = frame_l3(s), len = frame_len(s) - l3;
	uint8_t *ip = f + l3;

	for (uint32_t i = 0; i < 12; i++)
		f[i] = (uint8_t)(0x02 + i);
	for (uint32_t i = 0; i < s->tags; i++) {
		put16(f + 12 + 4 * i, i + 1 == s->tags ? 0x8100 : 0x88a8);
		put16(f + 14 + 4 * i, 0x2000 + 5 + i);
	}
	put16(f + l3 - 2, s->version == 4 ? 0x0800 : 0x86dd);
	if (s->version == 4) {
		ip[0] = (uint8_t)(0x45 + s->ip_opts / 4);
		ip[1] = s->tos;
		put16(ip + 2, len);
		put16(ip + 4, s->id);
		put16(ip + 6, s->df ? 0x4000 : 0);
		ip[8] = 64;
		ip[9] = s->proto;
		put32(ip + 12, 0x0a000000u + s->host);
		put32(ip + 16, 0x0a0000feu);
		memset(ip + 20, 1, s->ip_opts);
		put16(ip + 10, ~naive_sum(0, ip, 20u + s->ip_opts));
		return;
	}
	put32(ip, 0x60000000u + ((uint32_t)s->tos << 20));
	put16(ip + 4, len - 40);
	ip[6] = s->ip_opts > 0 ? 0 : s->proto;
	ip[7] = 64;
	put16(ip + 8, 0xfd00);
	ip[23] = s->host;
	put16(ip + 24, 0xfd00);
	ip[39] = 0xfe;
	if (s->ip_opts > 0) {
		/* One hop-by-hop header with a PadN option. */
		ip[40] = s->proto;
		ip[41] = (uint8_t)(s->ip_opts / 8 - 1);
		ip[42] = 1;
		ip[43] = (uint8_t)(s->ip_opts - 4);
	}
}

/* Build the frame, all checksums complete, into f.  Returns its length. */
static inline uint32_t
frame_build(uint8_t *f, const struct frame_spec *s)
{
	const uint32_t l3 = frame_l3(s), l4 = frame_l4(s);
	const uint32_t hdr = frame_hdr(s), len = frame_len(s);
	uint32_t x = s->fill * 2654435761u + 1, sum;
	uint8_t *l4p = f + l4;

	memset(f, 0, hdr);
	frame_build_l3(f, s);
	put16(l4p, s->sport);
	put16(l4p + 2, 5201);
	if (s->proto == 6) {
		put32(l4p + 4, s->seq);
		put32(l4p + 8, s->ack);
		l4p[12] = (uint8_t)((5 + s->tcp_opts / 4) << 4);
		l4p[13] = s->flags;
		put16(l4p + 14, s->window);
		memset(l4p + 20, 1, s->tcp_opts);
	} else {
		put16(l4p + 4, len - l4);
	}
	for (uint32_t i = hdr; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		f[i] = (uint8_t)(x >> 24);
	}
	sum = naive_sum(naive_pseudo(f + l3, s->proto, len - l4), l4p,
	    len - l4);
	if (s->proto == 6)
		put16(l4p + 16, ~sum);
	else	/* zero would mean that there is none */
		put16(l4p + 6, sum == 0xffff ? 0xffff : ~sum);
	return len;
}

/* True if IPv4 header and L4 checksums and IP lengths are right. */
static inline bool
frame_ok(const uint8_t *f, uint32_t len, const struct frame_spec *s)
{
	const uint32_t l3 = frame_l3(s), l4 = frame_l4(s);
	const uint8_t *ip = f + l3;

	if (s->version == 4 && (get16(ip + 2) != len - l3 ||
	    naive_sum(0, ip, l4 - l3) != 0xffff))
		return false;
	if (s->version == 6 && get16(ip + 4) != len - l3 - 40)
		return false;
	return naive_sum(naive_pseudo(ip, s->proto, len - l4), f + l4,
	    len - l4) == 0xffff;
}

/* Deterministic random numbers; the seed is printed by whoever fails. */
static inline uint32_t
rnd(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* HVNET_SEED=n for others than always the same; make check-full draws it. */
static inline uint32_t
rnd_seed(void)
{
	const char *s = getenv("HVNET_SEED");
	uint32_t seed = (s != NULL ? (uint32_t)strtoul(s, NULL, 0) : 1) *
	    2654435761u;

	seed = seed == 0 ? 1 : seed;
	fprintf(stderr, "# repeat with HVNET_SEED=%s\n", s != NULL ? s : "1");
	return seed;
}

/*
 * Cut buf at random into up to max pieces, some of them of a few bytes or
 * none.
 */
static inline uint32_t
vec_cut(uint8_t *buf, uint32_t len, struct vec *v, uint32_t max, uint32_t *s)
{
	static const uint32_t small[] = { 3, 20 };
	uint32_t n = 0, off = 0;

	while (off < len && n + 1 < max) {
		uint32_t take = rnd(s) % 3 == 0 ? rnd(s) % small[rnd(s) % 2] :
		    rnd(s) % (len - off + 1);

		take = take > len - off ? len - off : take;
		v[n++] = (struct vec){ buf + off, take };
		off += take;
	}
	v[n++] = (struct vec){ buf + off, len - off };
	return n;
}

#endif
