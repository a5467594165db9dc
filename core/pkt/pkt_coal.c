/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joins consecutive TCP segments of a flow into one frame.
 *
 * Theory of operation.  Each of a few flows holds at most one super-frame in
 * the making: a copy of the first frame's headers, and the list of payload
 * pieces where they lie.  pkt_coal_add() asks, in this order: is the frame of
 * a kind that is ever merged; which flow is it of (addresses and ports); does
 * it continue what that flow holds, exactly.  A frame that does not continue
 * its flow first sends the held one on its way, so the order within a flow is
 * that of arrival.  A shorter segment or one with PSH is the last of its
 * super-frame (pkt_seg_next() puts PSH on the last segment only).
 *
 * What may differ between merged frames is just what cutting the result at
 * gso_size writes back: IP length, IPv4 id and checksum, TCP
 * sequence number, PSH on the last, TCP checksum.  All else must be equal.  An
 * id that stands still under DF is merged too, marked PKT_GSO_FIXEDID.
 *
 * Invariants: a used flow has frames >= 1 and 2 <= pieces <= PKT_COAL_PIECES,
 * slot 0 being the header; v[1] is what `first` has after the header (it may
 * be empty); frame_len = hdr_len + payload and is within limit_bytes unless
 * frames == 1.
 *
 * Only the owner of the queue calls it; it emits by callback.
 */
#include "pkt/pkt_coal.h"

#include "pkt/pkt_csum.h"

#define IP4_DF	0x40u	/* in the byte of flags */

#define X(name, text) COUNTER_ROW(pkt_coal_counters, name, text)
COUNTER_TABLE(pkt_coal_counters, PKT_COAL_COUNTERS(X));
#undef X

void
pkt_coal_init(struct pkt_coal *c, uint32_t limit_bytes,
    pkt_coal_emit_fn *emit, void *arg)
{
	memset(c, 0, sizeof(*c));
	c->limit_bytes = min_u32(limit_bytes, UINT16_MAX);
	c->emit = emit;
	c->arg = arg;
}

/* Make the copied header that of the merged frame. */
static void
coal_header_finish(struct pkt_coal_flow *f)
{
	uint8_t *ip = f->hdr + f->l3_off;
	uint8_t *tcp = f->hdr + f->l4_off;
	const uint32_t l4_len = f->frame_len - f->l4_off;
	uint64_t pseudo;

	if (f->ip_version == 4) {
		pkt_be16_store(ip + 2, (uint16_t)(f->frame_len - f->l3_off));
		pkt_csum_ip4_store(ip, 20);
		pseudo = pkt_sum_pseudo4(ip + 12, ip + 16, PKT_IPPROTO_TCP,
		    l4_len);
	} else {
		pkt_be16_store(ip + 4, (uint16_t)l4_len);
		pseudo = pkt_sum_pseudo6(ip + 8, ip + 24, PKT_IPPROTO_TCP,
		    l4_len);
	}
	tcp[13] = f->last_flags;
	pkt_sum_store(tcp + PKT_TCP_CSUM_OFF, pkt_sum_fold(pseudo));
}

static void
coal_meta_finish(struct pkt_coal_flow *f)
{
	struct pkt_meta *m = &f->meta;

	m->flags &= PKT_VLAN | PKT_HASH | PKT_CSUM_GOOD_L4;
	m->flags |= PKT_CSUM_PARTIAL | PKT_LAYOUT;
	m->flags |= f->ip_version == 4 ? PKT_GSO_TCP4 | PKT_CSUM_GOOD_IP :
	    PKT_GSO_TCP6;
	if (f->ip_version == 4 && f->id_step == 0)
		m->flags |= PKT_GSO_FIXEDID;
	m->csum_start = m->l4_off = (uint16_t)f->l4_off;
	m->csum_offset = PKT_TCP_CSUM_OFF;
	m->gso_size = (uint16_t)f->mss;
	m->hdr_len = (uint16_t)f->hdr_len;
	m->segs = (uint16_t)f->frames;
	m->l3_off = (uint16_t)f->l3_off;
	m->ip_version = f->ip_version;
	m->l4_proto = PKT_IPPROTO_TCP;
}

static void
coal_emit(struct pkt_coal *c, struct pkt_coal_flow *f, pkt_coal_emit_fn *emit,
    void *arg)
{
	uint32_t from = 1;
	struct pkt_super s;

	if (f->frames > 1) {
		coal_header_finish(f);
		coal_meta_finish(f);
		from = f->v[1].len == 0 ? 1 : 0;
		f->v[from] = (struct vec){ f->hdr, f->hdr_len };
		counter_add(&c->count.supers, 1);
	} else {
		f->v[1] = f->first;
		counter_add(&c->count.singles, 1);
	}
	s = (struct pkt_super){ .meta = f->meta, .v = f->v + from,
	    .n = f->pieces - from, .frame_len = f->frame_len,
	    .cookie = f->cookie, .frames = f->frames };
	f->used = false;
	c->used--;
	emit(arg, &s);
}

static struct pkt_coal_flow *
coal_oldest(struct pkt_coal *c)
{
	struct pkt_coal_flow *best = NULL;

	for (uint32_t i = 0; i < PKT_COAL_FLOWS; i++) {
		struct pkt_coal_flow *f = &c->flow[i];

		if (f->used && (best == NULL ||
		    c->serial - f->age > c->serial - best->age))
			best = f;
	}
	return best;
}

static uint32_t
coal_drain(struct pkt_coal *c, pkt_coal_emit_fn *emit, void *arg)
{
	uint32_t done = 0;

	for (; c->used > 0; done++)
		coal_emit(c, coal_oldest(c), emit, arg);
	return done;
}

uint32_t
pkt_coal_flush(struct pkt_coal *c)
{
	return coal_drain(c, c->emit, c->arg);
}

void
pkt_coal_drop(struct pkt_coal *c, pkt_coal_emit_fn *drop, void *arg)
{
	(void)coal_drain(c, drop, arg);
}

static uint32_t
addr_off(const struct pkt_info *info)
{
	return info->l3_off + (info->ip_version == 4 ? 12 : 8);
}

static uint32_t
addr_len(uint8_t ip_version)
{
	return ip_version == 4 ? 8 : 32;
}

static uint32_t
coal_key(const uint8_t *p, const struct pkt_info *info)
{
	const uint8_t *a = p + addr_off(info);
	uint32_t key = pkt_be32_load(p + info->l4_off);

	for (uint32_t i = 0; i < addr_len(info->ip_version); i += 4)
		key = (key << 5 | key >> 27) ^ pkt_be32_load(a + i);
	return key;
}

/* The flow of this TCP header, held or NULL. */
static struct pkt_coal_flow *
coal_find(struct pkt_coal *c, const uint8_t *p, const struct pkt_info *info,
    uint32_t key)
{
	for (uint32_t i = 0; i < PKT_COAL_FLOWS; i++) {
		struct pkt_coal_flow *f = &c->flow[i];
		const uint32_t addr = f->ip_version == 4 ? 12 : 8;

		if (!f->used || f->key != key ||
		    f->ip_version != info->ip_version)
			continue;
		if (memcmp(f->hdr + f->l3_off + addr, p + addr_off(info),
		    addr_len(f->ip_version)) == 0 &&
		    memcmp(f->hdr + f->l4_off, p + info->l4_off, 4) == 0)
			return f;
	}
	return NULL;
}

/* Is this TCP frame of a kind that can ever be merged? */
static bool
coal_fit(const struct vec *v, uint32_t n, const struct pkt_info *info,
    const struct pkt_meta *m)
{
	const uint8_t *p = v[0].p;
	const uint8_t *ip = p + info->l3_off;
	const uint32_t ip_len = info->frame_len - info->l3_off;

	if ((m->flags & (PKT_GSO_ANY | PKT_GSO_NORESEG | PKT_CSUM_BAD_IP |
	    PKT_CSUM_BAD_L4)) != 0)
		return false;
	if ((m->flags & (PKT_CSUM_GOOD_L4 | PKT_CSUM_PARTIAL)) == 0)
		return false;
	if ((m->flags & PKT_CSUM_PARTIAL) != 0 &&
	    (m->csum_start != info->l4_off ||
	    m->csum_offset != PKT_TCP_CSUM_OFF))
		return false;
	if ((info->tcp_flags & ~PKT_TCP_PSH) != PKT_TCP_ACK)
		return false;
	if (info->has_ip_opts || info->end_off != info->frame_len ||
	    info->payload_off == info->frame_len ||
	    info->payload_off > PKT_COAL_HDR_MAX || n >= PKT_COAL_PIECES)
		return false;
	if (info->ip_version == 6)
		return pkt_be16_load(ip + 4) == ip_len - 40;
	return pkt_be16_load(ip + 2) == ip_len &&
	    ((m->flags & (PKT_CSUM_GOOD_IP | PKT_IPCS)) != 0 ||
	    pkt_csum_ip4_ok(ip, 20));
}

static bool
same_ip(const struct pkt_coal_flow *f, const uint8_t *a, const uint8_t *b)
{
	uint16_t id;

	if (f->ip_version == 6)
		return memcmp(a, b, 4) == 0 && a[7] == b[7];
	if (a[1] != b[1] || memcmp(a + 6, b + 6, 3) != 0)
		return false;
	id = pkt_be16_load(b + 4);
	/* A sender of atomic datagrams need not count (RFC 6864, 4.1). */
	if (f->frames == 1 && id == f->last_id)
		return (b[6] & IP4_DF) != 0;
	return id == (uint16_t)(f->last_id +
	    (f->frames == 1 ? 1 : f->id_step));
}

static bool
same_tcp(const struct pkt_coal_flow *f, const uint8_t *a, const uint8_t *b)
{
	if (pkt_be32_load(b + 4) != f->next_seq)
		return false;
	/* Ack, data offset; flags are ACK with or without PSH at both. */
	if (memcmp(a + 8, b + 8, 5) != 0)
		return false;
	/* Window, then past the checksum: urgent pointer and options. */
	return memcmp(a + 14, b + 14, 2) == 0 &&
	    memcmp(a + 18, b + 18, f->hdr_len - f->l4_off - 18) == 0;
}

static bool
same_meta(const struct pkt_meta *a, const struct pkt_meta *b)
{
	const uint32_t both = PKT_VLAN | PKT_HASH;

	if ((a->flags & both) != (b->flags & both))
		return false;
	if ((a->flags & PKT_VLAN) != 0 && a->vlan_tci != b->vlan_tci)
		return false;
	return (a->flags & PKT_HASH) == 0 ||
	    (a->hash == b->hash && a->hash_type == b->hash_type);
}

static bool
coal_continues(const struct pkt_coal *c, const struct pkt_coal_flow *f,
    const uint8_t *p, uint32_t n, const struct pkt_info *info,
    const struct pkt_meta *m)
{
	const uint32_t payload = info->frame_len - info->payload_off;

	if (f->closed || payload > f->mss ||
	    info->payload_off != f->hdr_len || info->l3_off != f->l3_off)
		return false;
	if (!range_ok(f->frame_len, payload, c->limit_bytes) ||
	    !range_ok(f->pieces, n, PKT_COAL_PIECES))
		return false;
	return memcmp(f->hdr, p, f->l3_off) == 0 &&
	    same_ip(f, f->hdr + f->l3_off, p + info->l3_off) &&
	    same_tcp(f, f->hdr + f->l4_off, p + info->l4_off) &&
	    same_meta(&f->meta, m);
}

static void
coal_append(struct pkt_coal_flow *f, const struct vec *v, uint32_t n,
    const struct pkt_info *info, uint64_t cookie)
{
	const uint32_t payload = info->frame_len - info->payload_off;
	const uint32_t rest = v[0].len - info->payload_off;
	const uint16_t id = pkt_be16_load((const uint8_t *)v[0].p +
	    info->l3_off + 4);

	/* The first frame's slot 1 stays even if empty: see coal_emit(). */
	if (rest > 0 || f->frames == 0)
		f->v[f->pieces++] = (struct vec){
		    (uint8_t *)v[0].p + info->payload_off, rest };
	for (uint32_t i = 1; i < n; i++)
		f->v[f->pieces++] = v[i];
	f->cookie[f->frames++] = cookie;
	f->frame_len += payload;
	f->next_seq += payload;
	f->id_step = (uint16_t)(id - f->last_id);
	f->last_id = id;
	f->last_flags = info->tcp_flags;
	f->closed = payload < f->mss || (info->tcp_flags & PKT_TCP_PSH) != 0;
}

static void
coal_open(struct pkt_coal *c, const struct vec *v, uint32_t n,
    const struct pkt_info *info, const struct pkt_meta *m, uint32_t key,
    uint64_t cookie)
{
	struct pkt_coal_flow *f = c->flow;
	const uint8_t *p = v[0].p;

	if (c->used == PKT_COAL_FLOWS)
		coal_emit(c, coal_oldest(c), c->emit, c->arg);
	while (f->used)
		f++;
	c->used++;
	f->used = true;
	f->key = key;
	f->age = c->serial++;
	f->l3_off = info->l3_off;
	f->l4_off = info->l4_off;
	f->hdr_len = f->frame_len = info->payload_off;
	f->mss = info->frame_len - info->payload_off;
	f->ip_version = info->ip_version;
	f->meta = *m;
	f->first = v[0];
	memcpy(f->hdr, p, f->hdr_len);
	f->next_seq = pkt_be32_load(p + f->l4_off + 4);
	f->last_id = pkt_be16_load(p + f->l3_off + 4);
	f->frames = 0;
	f->pieces = 1;
	coal_append(f, v, n, info, cookie);
}

void
pkt_coal_pass(struct pkt_coal *c, struct span head, uint32_t frame_len)
{
	struct pkt_coal_flow *f;
	struct pkt_info info;

	if (c->used == 0)
		return;
	if (pkt_parse(&info, head, frame_len) < PKT_LAYER_L4) {
		(void)pkt_coal_flush(c);
		return;
	}
	if (info.l4_proto != PKT_IPPROTO_TCP)
		return;
	f = coal_find(c, head.p, &info, coal_key(head.p, &info));
	if (f != NULL)
		coal_emit(c, f, c->emit, c->arg);
}

enum pkt_coal_verdict
pkt_coal_add(struct pkt_coal *c, const struct vec *v, uint32_t n,
    const struct pkt_info *info, const struct pkt_meta *m, uint64_t cookie)
{
	struct pkt_coal_flow *f;
	uint32_t key;
	bool fit;

	if (info->layer != PKT_LAYER_L4 || n == 0 ||
	    v[0].len < info->payload_off) {
		/* A TCP frame whose flow we cannot tell overtakes nothing. */
		if (info->l4_proto == PKT_IPPROTO_TCP ||
		    (info->layer == PKT_LAYER_IP && info->l4_proto == 0))
			(void)pkt_coal_flush(c);
		goto pass;
	}
	if (info->l4_proto != PKT_IPPROTO_TCP)
		goto pass;
	key = coal_key(v[0].p, info);
	f = coal_find(c, v[0].p, info, key);
	fit = coal_fit(v, n, info, m);
	if (f != NULL && fit && coal_continues(c, f, v[0].p, n, info, m)) {
		coal_append(f, v, n, info, cookie);
		if ((m->flags & PKT_CSUM_GOOD_L4) == 0)
			f->meta.flags &= ~(uint32_t)PKT_CSUM_GOOD_L4;
		counter_add(&c->count.merged, 1);
		return PKT_COAL_HELD;
	}
	if (f != NULL)
		coal_emit(c, f, c->emit, c->arg);
	/* PSH ends a super-frame: as a first frame it would be the only one. */
	if (!fit || (info->tcp_flags & PKT_TCP_PSH) != 0)
		goto pass;
	coal_open(c, v, n, info, m, key, cookie);
	counter_add(&c->count.held, 1);
	return PKT_COAL_HELD;
pass:
	counter_add(&c->count.passed, 1);
	return PKT_COAL_PASS;
}
