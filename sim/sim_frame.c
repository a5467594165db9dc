/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that check themselves.  See sim_frame.h.
 *
 * Theory of operation.  A TCP flow is a stream whose sequence numbers are the
 * offsets, so segments of any size can be checked; a UDP datagram and a raw
 * frame carry their offset in the first four bytes.  Nothing may be lost or
 * reordered within a flow.  The length of a frame follows only from the flow
 * and the offset.  Checksums must be good unless the metadata says that they
 * are still to be filled in, and then filling in must make them good.
 */
#include "sim/sim_frame.h"

#include "pkt/pkt_csum.h"
#include "pkt/pkt_load.h"
#include "pkt/pkt_parse.h"

#define RAW_ETHERTYPE	0x88b5u		/* IEEE 802 local experimental */
#define PORT_BASE	1000u

static uint32_t
mix(uint32_t a, uint32_t b)
{
	uint64_t x = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15ull;

	x ^= x >> 31;
	x *= 0xd6e8feb86659fd93ull;
	return (uint32_t)(x >> 32);
}

static uint8_t
stream_byte(const struct sim_flow *f, uint32_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + f->id * 101u);
}

static bool
is_tcp(const struct sim_flow *f)
{
	return f->kind == FLOW_TCP4 || f->kind == FLOW_TCP6;
}

static bool
is_v6(const struct sim_flow *f)
{
	return f->kind == FLOW_TCP6 || f->kind == FLOW_UDP6;
}

static uint32_t
ip4_put(const struct sim_flow *f, uint8_t *p, uint32_t len, uint8_t proto)
{
	memset(p, 0, 20);
	p[0] = 0x45;
	pkt_be16_store(p + 2, (uint16_t)len);
	pkt_be16_store(p + 4, (uint16_t)f->sent);
	p[6] = 0x40;
	p[8] = 64;
	p[9] = proto;
	pkt_be32_store(p + 12, 0x0a000001);
	pkt_be32_store(p + 16, 0x0a000100u + f->id);
	pkt_csum_ip4_store(p, 20);
	return 20;
}

static uint32_t
ip6_put(const struct sim_flow *f, uint8_t *p, uint32_t payload, uint8_t proto)
{
	memset(p, 0, 40);
	p[0] = 0x60;
	pkt_be16_store(p + 4, (uint16_t)payload);
	p[6] = proto;
	p[7] = 64;
	p[8] = p[24] = 0xfd;
	p[23] = 1;
	p[39] = (uint8_t)(2 + f->id);
	return 40;
}

/* Headers for n bytes of stream; returns their length. */
static uint32_t
headers_put(const struct sim_flow *f, uint8_t *buf, uint32_t n)
{
	uint8_t proto = is_tcp(f) ? PKT_IPPROTO_TCP : PKT_IPPROTO_UDP;
	uint32_t l4 = is_tcp(f) ? 20 : 8;
	uint8_t *p = buf + 14;

	memcpy(buf, f->dst, 6);
	memcpy(buf + 6, f->src, 6);
	if (f->kind == FLOW_RAW) {
		pkt_be16_store(buf + 12, RAW_ETHERTYPE);
		pkt_be16_store(p, f->id);
		return 16;
	}
	pkt_be16_store(buf + 12, is_v6(f) ? 0x86dd : 0x0800);
	p += is_v6(f) ? ip6_put(f, p, l4 + n, proto) :
	    ip4_put(f, p, 20 + l4 + n, proto);
	memset(p, 0, l4);
	pkt_be16_store(p, (uint16_t)(PORT_BASE + f->id));
	pkt_be16_store(p + 2, 5201);
	if (is_tcp(f)) {
		pkt_be32_store(p + 4, f->sent);
		p[12] = 5 << 4;
		p[13] = PKT_TCP_ACK;
	} else {
		pkt_be16_store(p + 4, (uint16_t)(8 + n));
	}
	return (uint32_t)(p + l4 - buf);
}

static void
checksum_put(const struct sim_flow *f, uint8_t *buf, uint32_t len, uint32_t n,
    struct pkt_meta *m)
{
	struct vec v = { buf, len };
	struct pkt_info info;

	(void)pkt_parse(&info, (struct span){ buf, len }, len);
	pkt_meta_info_set(m, &info);
	if (f->kind == FLOW_RAW)
		return;
	OS_ASSERT(info.layer == PKT_LAYER_L4);
	(void)pkt_csum_partial_set(buf, &info, m);
	if (is_tcp(f) && f->mss != 0 && n > f->mss) {
		m->flags |= is_v6(f) ? PKT_GSO_TCP6 : PKT_GSO_TCP4;
		m->gso_size = (uint16_t)f->mss;
		m->hdr_len = (uint16_t)info.payload_off;
	} else if (!f->partial) {
		(void)pkt_csum_complete(&v, 1, m);
		m->flags &= ~(uint32_t)(PKT_CSUM_GOOD_L4 | PKT_CSUM_GOOD_IP);
	}
}

uint32_t
sim_frame_make(const struct sim_flow *f, uint8_t *buf, struct pkt_meta *m,
    uint32_t *payload)
{
	const uint32_t least = f->kind == FLOW_RAW ? 60 : 4;
	uint32_t n = least + mix(f->id, f->sent) % (f->max_payload - least + 1);
	uint32_t head;

	memset(m, 0, sizeof(*m));
	if (f->sent >= f->goal)
		return 0;
	/* Many frames are full, as bulk traffic is. */
	if ((mix(f->sent, f->id) & 3) != 0)
		n = f->max_payload;
	head = headers_put(f, buf, n);
	for (uint32_t i = 0; i < n; i++)
		buf[head + i] = stream_byte(f, f->sent + i);
	if (!is_tcp(f))
		pkt_be32_store(buf + head, f->sent);
	checksum_put(f, buf, head + n, n, m);
	if (f->vlan_tci != 0) {
		m->flags |= PKT_VLAN;
		m->vlan_tci = f->vlan_tci;
	}
	*payload = n;
	return head + n;
}

void
sim_frame_sent(struct sim_flow *f, uint32_t payload)
{
	f->sent += payload;
}

/* --- receiving --- */

static struct sim_flow *
flow_find(struct sim_flow *flows, uint32_t n, const uint8_t *buf,
    const struct pkt_info *info)
{
	uint32_t id;

	if (info->layer == PKT_LAYER_L4)
		id = pkt_be16_load(buf + info->l4_off) - PORT_BASE;
	else if (info->ethertype == RAW_ETHERTYPE)
		id = pkt_be16_load(buf + 14);
	else
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		if (flows[i].id == id)
			return &flows[i];
	return NULL;
}

static const char *
checksums_bad(uint8_t *buf, uint32_t len, const struct pkt_info *info,
    const struct pkt_meta *meta)
{
	struct pkt_meta m = *meta;
	struct vec v = { buf, len };
	uint32_t want = PKT_CSUM_GOOD_L4 |
	    (info->ip_version == 4 ? PKT_CSUM_GOOD_IP : 0);

	if (info->layer != PKT_LAYER_L4)
		return NULL;
	if (m.flags & (PKT_CSUM_BAD_IP | PKT_CSUM_BAD_L4))
		return "marked as having a bad checksum";
	if (m.flags & (PKT_GSO_ANY | PKT_GSO_NORESEG)) {
		/* Who cuts it fills its checksum, but not the header's. */
		if (info->ip_version == 4 && !(m.flags & PKT_IPCS) &&
		    !pkt_csum_ip4_ok(buf + info->l3_off, 20))
			return "bad IPv4 checksum in a GSO frame";
		return NULL;
	}
	if ((m.flags & (PKT_CSUM_PARTIAL | PKT_IPCS)) &&
	    pkt_csum_complete(&v, 1, &m) < 0)
		return "partial checksum out of range";
	if ((pkt_csum_verify(&v, 1, info) & want) != want)
		return "bad checksum";
	return NULL;
}

/* Of what the frame carries of the stream: *n bytes from *from on. */
static const char *
payload_bad(const struct sim_flow *f, const uint8_t *buf,
    const struct pkt_info *info, uint32_t *from, uint32_t *n)
{
	uint32_t at = info->payload_off, first = 0, seq;

	if (f->kind == FLOW_RAW)
		at = 16;
	*n = info->end_off - at;
	if (is_tcp(f)) {
		seq = pkt_be32_load(buf + info->l4_off + 4);
	} else {
		seq = pkt_be32_load(buf + at);
		first = 4;
	}
	*from = seq;
	if (f->moves) {
		if (seq >= f->sent || *n > f->sent - seq)
			return "never sent";
		if ((f->seen[seq / 8] & 1u << seq % 8) != 0)
			return "duplicate";
	} else if (seq != f->got) {
		return seq < f->got ? "duplicate or late" : "gap";
	}
	for (uint32_t i = first; i < *n; i++)
		if (buf[at + i] != stream_byte(f, seq + i))
			return "wrong bytes";
	return NULL;
}

bool
sim_frame_check(struct sim_flow *flows, uint32_t nflows, uint32_t queue,
    const struct vec *v, uint32_t nvec, const struct pkt_meta *m)
{
	static uint8_t buf[2 * SIM_FRAME_MAX];
	uint32_t len = pkt_vec_gather(v, nvec, 0, buf, sizeof(buf));
	uint32_t from = 0, n = 0;
	struct pkt_info info;
	struct sim_flow *f;
	const char *bad;

	(void)pkt_parse(&info, (struct span){ buf, len }, len);
	f = flow_find(flows, nflows, buf, &info);
	if (f == NULL)
		return false;
	bad = payload_bad(f, buf, &info, &from, &n);
	if (bad == NULL)
		bad = checksums_bad(buf, len, &info, m);
	if (bad == NULL && f->vlan_tci != (m->flags & PKT_VLAN ?
	    m->vlan_tci : info.vlan_tags != 0 ? info.vlan_tci : 0))
		bad = "wrong VLAN tag";
	if (bad == NULL && (memcmp(buf, f->dst, 6) != 0 ||
	    memcmp(buf + 6, f->src, 6) != 0))
		bad = "wrong addresses";
	if (f->frames != 0 && f->queue != queue) {
		if (bad == NULL && !f->moves)
			bad = "flow changed its queue";
		f->moved++;
	}
	if (bad == NULL && f->moves)
		f->seen[from / 8] |= (uint8_t)(1u << from % 8);
	if (f->bad == NULL)
		f->bad = bad;
	f->queue = queue;
	f->frames++;
	f->gso_frames += (m->flags & (PKT_GSO_ANY | PKT_GSO_NORESEG)) != 0;
	f->got += n;
	return true;
}

bool
sim_flows_done(const struct sim_flow *f, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (f[i].sent < f[i].goal || f[i].got != f[i].sent)
			return false;
	return true;
}

const char *
sim_flows_bad(const struct sim_flow *f, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (f[i].bad != NULL)
			return f[i].bad;
	return NULL;
}
