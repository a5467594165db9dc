/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path of a frame to the guest: in one pass.
 *
 * Theory of operation.  Most small frames are untagged, to the guest's own
 * address, not GSO, and with no checksum left to fill in; the port has nothing
 * to do to them.  Such a frame is copied into the next free section and its
 * header written here, without the metadata and the parse of the general path
 * (vsp_to_guest_prepare() and what follows), which does the same to it at three
 * times the instructions.  Whatever is not certain at the first look is left to
 * that path: this one takes a frame or leaves everything as it was, and neither
 * drops nor counts a refusal.
 *
 * Everything that control decides is looked at for each frame, a load and a
 * compare each: no copy of it could become stale.
 *
 * tests/unit/test_vsp_to_guest_fast.c holds both paths against each other.
 *
 * Context: the worker that owns the queue.
 */
#include "pkt/pkt_csum.h"
#include "pkt/pkt_load.h"
#include "vsp/vsp_priv.h"
#include "wire/ndis_obj.h"

#define USUAL_IP4_BYTES		20u	/* a header without options */

/* May a frame of len bytes in v[0] go to q's guest unchanged? */
static inline bool
fast_port(const struct vsp_queue *q, const uint8_t *p, uint32_t len)
{
	const struct vsp *vsp = q->vsp;
	const struct vsp_guest *g = &vsp->guest;
	uint16_t type = pkt_be16_load(p + 12);

	return vsp->cfg.link_up && vsp->cfg.loss_ppm == 0 &&
	    vsp->cfg.vlan != VSP_VLAN_ACCESS && type != PKT_TYPE_VLAN &&
	    type != PKT_TYPE_SVLAN && (g->filter & NDIS_FILTER_DIRECTED) != 0 &&
	    memcmp(p, g->mac, 6) == 0 &&
	    len <= pkt_frame_max(vsp->mtu, 0) &&
	    len <= vsp_rxbuf_frame_max(&vsp->rxbuf);
}

/* Sections there, and nothing that must go first. */
static inline bool
fast_queue(struct vsp_queue *q)
{
	struct vsp_rxbuf *rb = &q->vsp->rxbuf;

	return !q->dead && !q->to.ring_full && !q->to.cut.held &&
	    vsp_data_up(q->vsp) && rb->base != NULL &&
	    vsp_rxbuf_ready(rb, q->index) > 0 &&
	    !vsp_rxbuf_lent_out(rb, q->index);
}

/*
 * What the guest is told of the checksums.  False: more is to be found out than
 * a first look at the IPv4 header gives.
 */
static inline bool
fast_csum(const struct vsp *vsp, const uint8_t *p, uint32_t len,
    const struct pkt_meta *m, struct rndis_ppi_set *ppi)
{
	uint32_t rx = vsp->cfg.offloads & VSP_OFF_RXCSUM ?
	    vsp->guest.csum_rx : 0;
	const uint8_t *ip = p + PKT_ETH_BYTES;
	uint32_t total;

	ppi->present = 0;
	if ((m->flags & PKT_CSUM_GOOD_L4) && (rx & ~VSP_CS_IP4))
		return false;
	if ((rx & VSP_CS_IP4) == 0 || pkt_be16_load(p + 12) != PKT_TYPE_IPV4)
		return true;
	if (len < PKT_ETH_BYTES + USUAL_IP4_BYTES || ip[0] != 0x45)
		return false;
	total = pkt_be16_load(ip + 2);
	if (total < USUAL_IP4_BYTES || total > len - PKT_ETH_BYTES)
		return false;
	if ((m->flags & PKT_CSUM_GOOD_IP) == 0 &&
	    !pkt_csum_ip4_ok(ip, USUAL_IP4_BYTES))
		return true;
	ppi->present = RNDIS_HAS_CSUM;
	ppi->csum = RNDIS_RXCSUM_IP_OK;
	return true;
}

/*
 * What steering needs of an IPv4 header without options and TCP or UDP behind
 * it, as pkt_parse() finds it.  False: that one is to look.
 */
static inline bool
fast_layers(struct pkt_info *info, struct span head, uint32_t len)
{
	const uint8_t *ip = head.p + PKT_ETH_BYTES, *l4 = ip + USUAL_IP4_BYTES;
	uint32_t total, hlen = 8;

	if (head.len < PKT_ETH_BYTES + USUAL_IP4_BYTES + hlen ||
	    pkt_be16_load(head.p + 12) != PKT_TYPE_IPV4 || ip[0] != 0x45 ||
	    (pkt_be16_load(ip + 6) & PKT_IP4_FRAGMENT) != 0)
		return false;
	total = pkt_be16_load(ip + 2);
	if (total > min_u32(head.len, len) - PKT_ETH_BYTES ||
	    total < USUAL_IP4_BYTES + hlen)
		return false;
	if (ip[9] == PKT_IPPROTO_TCP) {
		if (total < USUAL_IP4_BYTES + 20u)
			return false;
		hlen = (uint32_t)(l4[12] >> 4) * 4;
		if (hlen < 20 || total < USUAL_IP4_BYTES + hlen)
			return false;
	} else if (ip[9] != PKT_IPPROTO_UDP) {
		return false;
	}
	info->layer = PKT_LAYER_L4;
	info->is_fragment = false;
	info->ip_version = 4;
	info->l4_proto = ip[9];
	info->l3_off = PKT_ETH_BYTES;
	info->l4_off = PKT_ETH_BYTES + USUAL_IP4_BYTES;
	return true;
}

/* The queue that the guest's table names, and the hash as it is told. */
static uint32_t
fast_steer(const struct vsp *vsp, struct span head, uint32_t len,
    struct rndis_ppi_set *ppi)
{
	uint32_t target, hash, type;
	struct pkt_info info;

	/* A call each: in the first, the compiler knows what info holds. */
	if (fast_layers(&info, head, len)) {
		target = vsp_steer_hash(&vsp->steer, &info, head, &hash, &type);
	} else {
		pkt_parse(&info, head, len);
		target = vsp_steer_hash(&vsp->steer, &info, head, &hash, &type);
	}
	if (type != 0)
		vsp_to_guest_ppi_hash(vsp, hash, type, ppi);
	return target;
}

bool
vsp_to_guest_fast(struct vsp_queue *q, const struct vec *v, uint32_t n,
    uint32_t len, const struct pkt_meta *m)
{
	struct vsp *vsp = q->vsp;
	struct vsp_to_guest_counters *c = &vsp->counts[q->index].to;
	struct rndis_ppi_set ppi;
	uint32_t target = 0, s;
	uint8_t *p;

	if ((m->flags & ~(PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4 | PKT_LAYOUT |
	    PKT_HASH)) != 0 || len < PKT_ETH_BYTES ||
	    v[0].len < min_u32(len, VSP_HEAD_BYTES))
		return false;
	if (!fast_queue(q) || !fast_port(q, v[0].p, len) ||
	    !fast_csum(vsp, v[0].p, len, m, &ppi))
		return false;
	if (vsp->steer.hash_types != 0)
		target = fast_steer(vsp, (struct span){ v[0].p, v[0].len },
		    len, &ppi);
	s = vsp_rxbuf_pop(&vsp->rxbuf, q->index);
	p = vsp_rxbuf_ptr(&vsp->rxbuf, s) + VSP_SECTION_HEAD;
	if (n == 1)
		memcpy(p, v[0].p, len);
	else
		pkt_vec_gather(v, n, 0, p, len);
	vsp_to_guest_section_finish(vsp, s, VSP_SECTION_HEAD, len, &ppi);
	vsp_to_guest_emit(q, target, s, 1);
	counter_add(&c->frames, 1);
	counter_add(&c->bytes, len);
	if (target != q->index)
		counter_add(&c->handed_over, 1);
	return true;
}
