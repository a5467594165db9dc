/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steering in the kernel: the queue of a frame by the RSS setting in force.
 *
 * Theory of operation.  This is pkt_parse(), pkt_rss_hash() and the table
 * look-up of core, written for the BPF verifier; test_steer.c holds the two
 * against each other.  The head of the frame is copied to per-CPU memory (the
 * frame may be in pieces), as much of it as the host end looks at.  Offsets
 * are tested against `cap` as in pkt_parse(), and masked besides, since the
 * verifier does not follow them through memory.  The walk over IPv6 extension
 * headers is one loop whose step is a header or an option of one, with its
 * state in memory, so that the verifier sees each step but once.
 *
 * A VLAN tag that the kernel carries outside the frame counts as the first of
 * two; the TAP writes it into the frame before anybody reads it.
 *
 * The setting is one of two maps, which `setting` names: the look-up of it
 * decides for the whole frame, and steer.c does not write to a map that a
 * frame may still see.
 *
 * Context: TUN's queue selection, bottom halves disabled.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

#include "linux/net/steer_map.h"

/* As in core/pkt: pkt_parse.h, pkt_parse.c, pkt_meta.h. */
#define HEAD_MAX	256
#define ETH_BYTES	14
#define VLAN_BYTES	4
#define TYPE_IPV4	0x0800
#define TYPE_IPV6	0x86dd
#define TYPE_VLAN	0x8100
#define TYPE_SVLAN	0x88a8
#define IP4_FRAG_BITS	0x3fff
#define IP6_EXT_MAX	8
#define IP6_HOP		0
#define IP6_ROUTING	43
#define IP6_FRAGMENT	44
#define IP6_DSTOPTS	60
#define IP6_OPT_PAD1	0
#define IP6_OPT_HOME	0xc9
#define PROTO_TCP	6
#define PROTO_UDP	17
#define HASH_IPV4	0x100
#define HASH_TCP4	0x200
#define HASH_IPV6	0x400
#define HASH_IPV6_EX	0x800
#define HASH_TCP6	0x1000
#define HASH_TCP6_EX	0x2000
#define HASH_UDP4	0x4000
#define HASH_UDP6	0x8000
#define HASH_UDP6_EX	0x10000

/* Options of one byte each in what HEAD_MAX leaves them, and the headers. */
#define WALK_STEPS	224

struct scratch {
	__u8 head[HEAD_MAX + 64];	/* a masked offset, and a header */
	volatile __u32 cap;		/* bytes that may be looked at */
	volatile __u32 frame_len;
	volatile __u32 off;		/* next header */
	volatile __u32 opt, opt_end;	/* options not looked at yet */
	volatile __u32 headers;
	volatile __u32 next;		/* protocol of the header at off */
	volatile __u32 src, dst;	/* addresses of the *_EX types */
};

struct half_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct steer_half);
} half_a SEC(".maps"), half_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct half_map);
} setting SEC(".maps") = { .values = { &half_a } };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* The head at off; the asm keeps clang from reasoning the mask away. */
static __always_inline const __u8 *
head_at(const struct scratch *s, __u32 off)
{
	asm volatile("" : "+r"(off));
	return s->head + (off & (HEAD_MAX - 1));
}

static __always_inline __u32
be16_at(const __u8 *p)
{
	return (__u32)p[0] << 8 | p[1];
}

static __always_inline bool
range_ok(__u32 off, __u32 len, __u32 size)
{
	return off <= size && len <= size - off;
}

/* pos and len are constants. */
static __always_inline __u32
hash_part(const struct steer_half *c, __u32 pos, const __u8 *p, __u32 len)
{
	__u32 h = 0;

#pragma unroll
	for (__u32 i = 0; i < len; i++)
		h ^= c->table[pos + i][p[i]];
	return h;
}

/* Does a TCP or UDP header, whole, begin at off? */
static __always_inline bool
l4_ok(const struct scratch *s, __u32 proto, __u32 off, __u32 cap)
{
	__u32 hlen;

	if (proto == PROTO_UDP)
		return range_ok(off, 8, cap);
	if (proto != PROTO_TCP || !range_ok(off, 20, cap))
		return false;
	hlen = (__u32)(head_at(s, off)[12] >> 4) * 4;
	return hlen >= 20 && range_ok(off, hlen, cap);
}

/* len is a constant; both runs lie in the scratch copy. */
static __always_inline void
swap(struct scratch *s, __u32 off, __u32 len)
{
	__u8 *p = (__u8 *)head_at(s, off);

#pragma unroll
	for (__u32 i = 0; i < len; i++) {
		__u8 b = p[i];

		p[i] = p[len + i];
		p[len + i] = b;
	}
}

/* Returns the queue. */
static __always_inline __u32
queue_of(const struct steer_half *c, __u32 hash)
{
	return c->queue[hash & c->mask & (STEER_ENTRIES - 1)];
}

static __always_inline __u32
steer_ip4(struct scratch *s, const struct steer_half *c, __u32 l3)
{
	const __u8 *ip = head_at(s, l3);
	__u32 cap = s->cap, hlen, total, want = 0, h;

	if (!range_ok(l3, 20, cap) || ip[0] >> 4 != 4)
		return 0;
	hlen = (ip[0] & 0xfu) * 4;
	if (hlen < 20 || !range_ok(l3, hlen, cap))
		return 0;
	total = be16_at(ip + 2);
	if (total == 0)
		total = s->frame_len - l3;
	if (total < hlen || !range_ok(l3, total, s->frame_len))
		return 0;
	if ((be16_at(ip + 6) & IP4_FRAG_BITS) != 0)
		return 0;
	if (cap > l3 + total)
		cap = l3 + total;
	if (l4_ok(s, ip[9], l3 + hlen, cap))
		want = c->hash_types & (ip[9] == PROTO_TCP ? HASH_TCP4 :
		    HASH_UDP4);
	if (want == 0 && (c->hash_types & HASH_IPV4) == 0)
		return 0;
	if (c->reverse != 0) {
		swap(s, l3 + 12, 4);
		swap(s, l3 + hlen, 2);
	}
	h = hash_part(c, 0, ip + 12, 8);
	if (want != 0)
		h ^= hash_part(c, 8, head_at(s, l3 + hlen), 4);
	return queue_of(c, h);
}

/* One destination option: a home address stands for the source. */
static __always_inline void
walk_option(struct scratch *s)
{
	__u32 off = s->opt, end = s->opt_end, len;
	const __u8 *p = head_at(s, off);

	if (p[0] == IP6_OPT_PAD1) {
		s->opt = off + 1;
		return;
	}
	len = p[1];
	if (!range_ok(off, 2, end) || !range_ok(off + 2, len, end)) {
		s->opt = end;
		return;
	}
	if (p[0] == IP6_OPT_HOME && len == 16)
		s->src = off + 2;
	s->opt = off + 2 + len;
}

enum walk { WALK_ON, WALK_L4, WALK_NO_L4, WALK_FRAGMENT };

/* One extension header. */
static __always_inline enum walk
walk_header(struct scratch *s)
{
	__u32 off = s->off, cap = s->cap, next = s->next, hlen;
	const __u8 *p = head_at(s, off);

	if (s->headers == IP6_EXT_MAX)
		return WALK_NO_L4;
	s->headers++;
	if (next != IP6_HOP && next != IP6_ROUTING && next != IP6_FRAGMENT &&
	    next != IP6_DSTOPTS)
		return l4_ok(s, next, off, cap) ? WALK_L4 : WALK_NO_L4;
	if (!range_ok(off, 8, cap))
		return WALK_NO_L4;
	if (next == IP6_FRAGMENT)
		return WALK_FRAGMENT;
	hlen = ((__u32)p[1] + 1) * 8;
	if (!range_ok(off, hlen, cap))
		return WALK_NO_L4;
	if (next == IP6_ROUTING && p[3] != 0) {
		if (p[2] != 2 || p[3] != 1 || hlen != 24)
			return WALK_NO_L4;
		s->dst = off + 8;
	}
	if (next == IP6_DSTOPTS) {
		s->opt = off + 2;
		s->opt_end = off + hlen;
	}
	s->next = p[0];
	s->off = off + hlen;
	return WALK_ON;
}

static __always_inline enum walk
walk_ip6(struct scratch *s)
{
	enum walk w = WALK_NO_L4;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < WALK_STEPS; i++) {
		if (s->opt < s->opt_end) {
			walk_option(s);
			continue;
		}
		w = walk_header(s);
		if (w != WALK_ON)
			return w;
	}
	return WALK_NO_L4;
}

static __always_inline __u32
steer_ip6(struct scratch *s, const struct steer_half *c, __u32 l3)
{
	const __u8 *ip = head_at(s, l3);
	const __u32 types = c->hash_types;
	__u32 payload, plain = 0, ex = 0, h = 0;
	enum walk w;

	if (!range_ok(l3, 40, s->cap) || ip[0] >> 4 != 6)
		return 0;
	payload = be16_at(ip + 4);
	if (payload == 0)
		payload = s->frame_len - l3 - 40;
	if (!range_ok(l3 + 40, payload, s->frame_len))
		return 0;
	if (s->cap > l3 + 40 + payload)
		s->cap = l3 + 40 + payload;
	s->src = l3 + 8;
	s->dst = l3 + 24;
	s->next = ip[6];
	s->off = l3 + 40;
	s->opt = s->opt_end = s->headers = 0;
	w = walk_ip6(s);
	if (w == WALK_FRAGMENT)
		return 0;
	if (w == WALK_L4) {
		bool tcp = s->next == PROTO_TCP;

		plain = types & (tcp ? HASH_TCP6 : HASH_UDP6);
		ex = types & (tcp ? HASH_TCP6_EX : HASH_UDP6_EX);
	}
	if ((plain | ex) != 0) {
		if (c->reverse != 0)
			swap(s, s->off, 2);
		h = hash_part(c, 32, head_at(s, s->off), 4);
	} else {
		plain = types & HASH_IPV6;
		ex = types & HASH_IPV6_EX;
		if ((plain | ex) == 0)
			return 0;
	}
	if (ex == 0) {
		s->src = l3 + 8;
		s->dst = l3 + 24;
	}
	if (c->reverse != 0) {
		__u32 src = s->src;

		s->src = s->dst;
		s->dst = src;
	}
	h ^= hash_part(c, 0, head_at(s, s->src), 16);
	h ^= hash_part(c, 16, head_at(s, s->dst), 16);
	return queue_of(c, h);
}

SEC("socket")
int
steer(struct __sk_buff *skb)
{
	const __u32 zero = 0, tags = skb->vlan_present ? 1 : 0;
	struct scratch *s = bpf_map_lookup_elem(&scratch, &zero);
	void *half = bpf_map_lookup_elem(&setting, &zero);
	const struct steer_half *c;
	__u32 cap = skb->len, off = ETH_BYTES, type;

	if (s == NULL || half == NULL)
		return 0;
	c = bpf_map_lookup_elem(half, &zero);
	if (c == NULL || c->hash_types == 0 || cap < ETH_BYTES)
		return 0;
	s->frame_len = cap;
	if (cap > HEAD_MAX - tags * VLAN_BYTES)
		cap = HEAD_MAX - tags * VLAN_BYTES;
	if (bpf_skb_load_bytes(skb, 0, s->head, cap) < 0)
		return 0;
	s->cap = cap;
	type = be16_at(s->head + 12);
	if ((type == TYPE_VLAN || type == TYPE_SVLAN) &&
	    range_ok(off, VLAN_BYTES, cap)) {
		type = be16_at(s->head + off + 2);
		off += VLAN_BYTES;
		if (tags == 0 && (type == TYPE_VLAN || type == TYPE_SVLAN) &&
		    range_ok(off, VLAN_BYTES, cap)) {
			type = be16_at(s->head + off + 2);
			off += VLAN_BYTES;
		}
	}
	if (type == TYPE_IPV4)
		return (int)steer_ip4(s, c, off);
	if (type == TYPE_IPV6)
		return (int)steer_ip6(s, c, off);
	return 0;
}

/* No helper that we call requires the GPL. */
char steer_license[] SEC("license") = "BSD-2-Clause";
