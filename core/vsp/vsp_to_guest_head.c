/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One frame towards the guest: its headers and the PPIs that describe it.
 *
 * Theory of operation.  The head of the frame is parsed in private memory:
 * where the frame already lies in the receive buffer, where the guest could
 * change it under us, or the head is to be edited, in a copy of ours, else
 * where the caller has it.  From the parse follow the hash and queue, the
 * port's verdict, the VLAN tag's place, and whether the frame is cut.  Offsets
 * in f->meta are those of the frame as it is delivered, which differs from the
 * raw one by a tag taken out or put in.
 *
 * Checksums.  A partial one is handed on only for TCP, only where the
 * configuration says that this guest can complete it, as "good, but the field
 * is not filled"; everything else is completed here.  The IPv4 header is
 * verified here unless the backend verified it.  Without the guest's consent
 * (its offload parameters) we claim nothing.
 *
 * Context: the worker of the queue that read the frame.
 */
#include "pkt/pkt_csum.h"
#include "vsp/vsp_priv.h"

static int
head_drop(uint64_t *counter)
{
	counter_add(counter, 1);
	return E_STATE;
}

/* From here on the head is in f->buf, with room for a tag in front. */
static void
head_own(struct vsp_to_guest_frame *f)
{
	uint8_t *own = f->buf + PKT_VLAN_BYTES;

	/* A tag taken out or put in has moved it, inside f->buf. */
	if (f->head == own || f->edited)
		return;
	f->head_len = min_u32(f->head_len, PKT_HEAD_MAX);
	f->head = memcpy(own, f->head, f->head_len);
}

static bool
head_vlan_ppi(const struct vsp *vsp)
{
	return vsp->guest.vlan_cap && (vsp->cfg.offloads & VSP_OFF_VLAN) != 0;
}

/* Move what lies behind the MACs by d bytes, in f and everywhere. */
static void
head_shift(struct vsp_to_guest_frame *f, struct pkt_info *info, int d)
{
	struct pkt_meta *m = &f->meta;

	f->edited = true;
	f->head -= d;
	f->head_len = (uint32_t)((int)f->head_len + d);
	f->len = (uint32_t)((int)f->len + d);
	info->l3_off = (uint32_t)((int)info->l3_off + d);
	info->vlan_tags = (uint8_t)(info->vlan_tags + d / PKT_VLAN_BYTES);
	if (info->l4_off != 0) {
		info->l4_off = (uint32_t)((int)info->l4_off + d);
		info->payload_off = (uint32_t)((int)info->payload_off + d);
	}
	if (m->flags & PKT_CSUM_PARTIAL)
		m->csum_start = (uint16_t)(m->csum_start + d);
}

/* Take the outer tag out, and put the one in the metadata in, as asked. */
static void
head_vlan(const struct vsp *vsp, struct vsp_to_guest_frame *f,
    struct pkt_info *info, bool untag)
{
	struct pkt_meta *m = &f->meta;

	f->edited = false;
	if (!untag && (m->flags & PKT_VLAN) == 0)
		return;
	head_own(f);
	if (untag) {
		memmove(f->head + PKT_VLAN_BYTES, f->head, 12);
		head_shift(f, info, -PKT_VLAN_BYTES);
	}
	if ((m->flags & PKT_VLAN) == 0 || head_vlan_ppi(vsp))
		return;
	memmove(f->head - PKT_VLAN_BYTES, f->head, 12);
	head_shift(f, info, PKT_VLAN_BYTES);
	pkt_be16_store(f->head + 12, PKT_TYPE_VLAN);
	pkt_be16_store(f->head + 14, m->vlan_tci);
	m->flags &= ~(uint32_t)PKT_VLAN;
}

/* Is the frame cut, and may it pass at that size? */
static int
head_gso(struct vsp_queue *q, struct vsp_to_guest_frame *f,
    const struct pkt_info *info)
{
	struct vsp *vsp = q->vsp;
	struct pkt_meta *m = &f->meta;
	uint64_t *drop_long = &vsp->counts[q->index].to.drop_long;
	uint32_t max = min_u32(vsp_rxbuf_frame_max(&vsp->rxbuf),
	    pkt_frame_max(vsp->mtu, info->vlan_tags));
	bool tcp = info->layer == PKT_LAYER_L4 &&
	    info->l4_proto == PKT_IPPROTO_TCP;
	bool v6 = info->ip_version == 6;

	f->hdr_len = f->piece = 0;
	if ((m->flags & (PKT_GSO_ANY | PKT_GSO_NORESEG)) == 0)
		return f->len > max ? head_drop(drop_long) : 0;
	if ((m->flags & PKT_GSO_NORESEG) && tcp && f->len > max) {
		/* No size to cut at: as RSC fragments of any size, or not. */
		if (!vsp_to_guest_rsc(vsp, v6) || max <= info->payload_off)
			return head_drop(drop_long);
		m->gso_size = (uint16_t)(max - info->payload_off);
		f->hdr_len = info->payload_off;
		f->piece = m->gso_size;
		return 0;
	}
	if ((m->flags & PKT_GSO_ANY) && tcp && m->gso_size > 0 &&
	    f->len - info->payload_off > m->gso_size) {
		if (info->payload_off + m->gso_size > max)
			return head_drop(drop_long);
		f->hdr_len = info->payload_off;
		f->piece = vsp_to_guest_piece(vsp, f->raw_hdr, m->gso_size,
		    vsp_to_guest_rsc(vsp, v6));
		return 0;
	}
	m->flags &= ~(uint32_t)(PKT_GSO_ANY | PKT_GSO_NORESEG | PKT_GSO_ECN);
	m->gso_size = 0;
	return f->len > max ? head_drop(drop_long) : 0;
}

static void
head_ppi(const struct vsp *vsp, struct vsp_to_guest_frame *f)
{
	const struct pkt_meta *m = &f->meta;
	struct rndis_ppi_set *ppi = &f->ppi;

	ppi->present = 0;
	if (m->flags & PKT_VLAN) {
		ppi->present |= RNDIS_HAS_VLAN;
		ppi->vlan = rndis_vlan_from_tci(m->vlan_tci);
	}
	if (m->flags & PKT_HASH)
		vsp_to_guest_ppi_hash(vsp, m->hash, m->hash_type, ppi);
}

int
vsp_to_guest_prepare(struct vsp_queue *q, const struct vec *v, uint32_t n,
    uint32_t len, const struct pkt_meta *meta, bool stable,
    struct vsp_to_guest_frame *f)
{
	struct vsp *vsp = q->vsp;
	struct vsp_to_guest_counters *c = &vsp->counts[q->index].to;
	struct pkt_info info;
	bool untag = false;

	f->meta = *meta;
	f->len = f->raw_len = len;
	if (stable && v[0].len >= min_u32(len, VSP_HEAD_BYTES)) {
		f->head = v[0].p;
		f->head_len = min_u32(len, v[0].len);
	} else {
		f->head = f->buf + PKT_VLAN_BYTES;
		f->head_len = pkt_vec_gather_once(v, n, 0, f->head,
		    min_u32(len, PKT_HEAD_MAX));
	}

	struct span head = { f->head, f->head_len };

	pkt_parse(&info, head, len);
	if (info.layer < PKT_LAYER_ETH)
		return head_drop(&c->drop_short);
	if (vsp_port_to_guest(q, head, &info, &f->meta, &untag) != VSP_PASS)
		return E_STATE;
	f->target = vsp_steer_info(&vsp->steer, &info, head, &f->meta);
	f->raw_hdr = info.payload_off;
	head_vlan(vsp, f, &info, untag);
	pkt_meta_info_set(&f->meta, &info);
	if (head_gso(q, f, &info) != 0)
		return E_STATE;
	if (f->hdr_len != 0)
		head_own(f);
	head_ppi(vsp, f);
	return 0;
}

/* ---- checksums ----------------------------------------------------------- */

/* The guest's receive checksum kind (VSP_CS_*) of this frame's L4, or 0. */
static uint32_t
head_l4_kind(const struct pkt_meta *m)
{
	bool v4 = m->ip_version == 4;

	if (m->l4_off == 0 || (m->flags & PKT_FRAGMENT))
		return 0;
	switch (m->l4_proto) {
	case PKT_IPPROTO_TCP:
		return v4 ? VSP_CS_TCP4 : VSP_CS_TCP6;
	case PKT_IPPROTO_UDP:
		return v4 ? VSP_CS_UDP4 : VSP_CS_UDP6;
	default:
		return 0;
	}
}

static uint32_t
head_csum_rx(const struct vsp *vsp)
{
	return vsp->cfg.offloads & VSP_OFF_RXCSUM ? vsp->guest.csum_rx : 0;
}

/* What the PPI reports about the IPv4 header; we hold a private copy. */
static uint32_t
head_ppi_ip4(const struct vsp_to_guest_frame *f)
{
	const struct pkt_meta *m = &f->meta;
	uint32_t off = m->l3_off;

	if (m->ip_version != 4)
		return 0;
	if (m->flags & PKT_CSUM_GOOD_IP)
		return RNDIS_RXCSUM_IP_OK;
	if (m->flags & PKT_CSUM_BAD_IP)
		return RNDIS_RXCSUM_IP_BAD;

	uint32_t hlen = off < f->head_len ?
	    (f->head[off] & 0xfu) * 4u : 0;

	if (hlen < 20 || !range_ok(off, hlen, f->head_len))
		return 0;
	return pkt_csum_ip4_ok(f->head + off, hlen) ? RNDIS_RXCSUM_IP_OK : 0;
}

static uint32_t
head_ppi_l4(const struct pkt_meta *m)
{
	bool tcp = m->l4_proto == PKT_IPPROTO_TCP;

	if (m->flags & PKT_CSUM_BAD_L4)
		return tcp ? RNDIS_RXCSUM_TCP_BAD : RNDIS_RXCSUM_UDP_BAD;
	if (m->flags & PKT_CSUM_PARTIAL)
		return RNDIS_RXCSUM_TCP_OK | RNDIS_RXCSUM_TCP_NOVAL;
	if (m->flags & PKT_CSUM_GOOD_L4)
		return tcp ? RNDIS_RXCSUM_TCP_OK : RNDIS_RXCSUM_UDP_OK;
	return 0;
}

static void
head_ppi_csum(const struct vsp *vsp, struct vsp_to_guest_frame *f)
{
	uint32_t rx = head_csum_rx(vsp);
	uint32_t bits = 0;

	if (rx & VSP_CS_IP4)
		bits |= head_ppi_ip4(f);
	if (rx & head_l4_kind(&f->meta))
		bits |= head_ppi_l4(&f->meta);
	if (bits == 0)
		return;
	f->ppi.present |= RNDIS_HAS_CSUM;
	f->ppi.csum = bits;
}

/* True if this guest may get the TCP checksum of f as it is, partial. */
static bool
head_partial_ok(const struct vsp *vsp, const struct vsp_to_guest_frame *f)
{
	return !vsp->cfg.rxcsum_complete &&
	    f->meta.l4_proto == PKT_IPPROTO_TCP &&
	    (head_csum_rx(vsp) & head_l4_kind(&f->meta)) != 0;
}

static void
head_csum_complete(struct vsp_queue *q, struct vsp_to_guest_frame *f,
    const struct vec *v, uint32_t n)
{
	struct vsp *vsp = q->vsp;
	struct pkt_meta m = f->meta;

	/* An RSC frame is completed as the one frame that it will be. */
	m.flags &= ~(uint32_t)(PKT_GSO_ANY | PKT_GSO_NORESEG);
	m.gso_size = 0;
	if (head_partial_ok(vsp, f))
		m.flags &= ~(uint32_t)PKT_CSUM_PARTIAL;
	if ((m.flags & (PKT_CSUM_PARTIAL | PKT_IPCS)) != 0 &&
	    pkt_csum_complete(v, n, &m) == 0) {
		uint32_t did = f->meta.flags & ~m.flags &
		    (PKT_CSUM_PARTIAL | PKT_IPCS);

		if (head_partial_ok(vsp, f))
			did &= ~(uint32_t)PKT_CSUM_PARTIAL;
		f->meta.flags &= ~did;
		f->meta.flags |= m.flags & (PKT_CSUM_GOOD_IP |
		    PKT_CSUM_GOOD_L4);
		counter_add(&vsp->counts[q->index].to.sw_csum, 1);
	}
}

void
vsp_to_guest_csum(struct vsp_queue *q, struct vsp_to_guest_frame *f,
    const struct vec *v, uint32_t n)
{
	if ((f->meta.flags & (PKT_CSUM_PARTIAL | PKT_IPCS)) != 0)
		head_csum_complete(q, f, v, n);
	head_ppi_csum(q->vsp, f);
}

enum pkt_seg_csum
vsp_to_guest_csum_seg(struct vsp_queue *q, struct vsp_to_guest_frame *f)
{
	struct vsp *vsp = q->vsp;
	bool partial = head_partial_ok(vsp, f);

	/* Segments get IPv4 headers of their own, whose sums are right. */
	f->meta.flags |= PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4;
	if (!partial)
		f->meta.flags &= ~(uint32_t)PKT_CSUM_PARTIAL;
	head_ppi_csum(vsp, f);
	f->meta.flags |= PKT_CSUM_PARTIAL;
	return partial ? PKT_SEG_PARTIAL : PKT_SEG_COMPLETE;
}

/* ---- how a GSO frame is cut ---------------------------------------------- */

bool
vsp_to_guest_rsc(const struct vsp *vsp, bool v6)
{
	const struct vsp_guest *g = &vsp->guest;

	return g->nvsp_version >= NVS_V6_1 && g->rsc_cap &&
	    (vsp->cfg.offloads & VSP_OFF_RSC) != 0 && (v6 ? g->rsc6 : g->rsc4);
}

uint32_t
vsp_to_guest_piece(const struct vsp *vsp, uint32_t hdr, uint32_t seg, bool rsc)
{
	uint32_t room = vsp_rxbuf_frame_max(&vsp->rxbuf);

	hdr += PKT_VLAN_BYTES;		/* one may be put back */
	if (!rsc || !vsp->cfg.rsc_large || room < hdr + seg)
		return seg;
	return (room - hdr) / seg * seg;
}
