/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decides who does a requested offload, host or driver.
 *
 * Theory of operation.  Each offload that a frame requests is done by the host
 * or by the driver.  The host does what was negotiated, by per-packet info; the
 * driver does the rest in software: it completes a checksum in place, refuses a
 * VLAN tag, and cuts a frame that the host cannot cut, or that is too long for
 * its LSO, into segments (vsc_txcut.c).  LSO and checksum info exclude each
 * other.
 *
 * Context: queue owner.
 */
#include "vsc/vsc_priv.h"

#define TXOFF_L4_OFF_MAX	1023u	/* ten bits in both PPIs */

static uint32_t
txoff_on(const struct vsc_queue *q)
{
	return os_ld32(&q->vsc->tx_offloads);
}

/* The checksum PPI for this frame; 0: the host does not do it. */
static uint32_t
txoff_csum_ppi(uint32_t on, const struct pkt_info *info,
    const struct pkt_meta *m)
{
	bool v4 = info->ip_version == 4;
	bool tcp = info->l4_proto == PKT_IPPROTO_TCP;
	uint32_t bit;

	if (info->layer != PKT_LAYER_L4 || info->l4_off != m->csum_start ||
	    info->l4_off > TXOFF_L4_OFF_MAX ||
	    m->csum_offset != (tcp ? PKT_TCP_CSUM_OFF : PKT_UDP_CSUM_OFF))
		return 0;
	if (v4)
		bit = tcp ? VSC_OFF_TXCSUM_TCP4 : VSC_OFF_TXCSUM_UDP4;
	else
		bit = tcp ? VSC_OFF_TXCSUM_TCP6 : VSC_OFF_TXCSUM_UDP6;
	if ((on & bit) == 0)
		return 0;
	return rndis_txcsum_put((v4 ? RNDIS_TXCSUM_IPV4 : RNDIS_TXCSUM_IPV6) |
	    (tcp ? RNDIS_TXCSUM_TCP : RNDIS_TXCSUM_UDP), info->l4_off);
}

static int
txoff_csum(struct vsc_queue *q, const struct vec *v, uint32_t n, uint32_t len,
    struct pkt_meta *m, struct rndis_ppi_set *ppi)
{
	uint32_t on = txoff_on(q);
	struct pkt_info info;
	uint32_t csum = 0;

	pkt_parse(&info, (struct span){ v[0].p, v[0].len }, len);
	if ((m->flags & PKT_CSUM_PARTIAL) != 0) {
		csum = txoff_csum_ppi(on, &info, m);
		if (csum != 0)
			m->flags &= ~(uint32_t)PKT_CSUM_PARTIAL;
	}
	if ((m->flags & PKT_IPCS) != 0 && info.ip_version == 4 &&
	    (on & VSC_OFF_TXCSUM_IP4) != 0) {
		csum |= RNDIS_TXCSUM_IPV4 | RNDIS_TXCSUM_IPHDR;
		m->flags &= ~(uint32_t)PKT_IPCS;
	}
	if (csum != 0) {
		ppi->present |= RNDIS_HAS_CSUM;
		ppi->csum = csum;
	}
	if ((m->flags & (PKT_CSUM_PARTIAL | PKT_IPCS)) != 0) {
		/* A frame by reference, of which we have only the head. */
		if (pkt_vec_bytes(v, n) < len)
			return E_NOTSUP;
		(void)pkt_csum_complete(v, n, m);
		counter_add(&q->tx.count.sw_csum, 1);
	}
	return 0;
}

/* True if the host cuts this frame; the headers are then as LSO wants them. */
static bool
txoff_lso(struct vsc_queue *q, const struct vec *v, uint32_t len,
    struct pkt_meta *m, struct rndis_ppi_set *ppi)
{
	uint32_t need = (m->flags & PKT_GSO_TCP4) != 0 ? VSC_OFF_TSO4 :
	    VSC_OFF_TSO6;

	if ((txoff_on(q) & need) == 0 ||
	    len > os_ld32(&q->vsc->caps.tso_maxlen) ||
	    pkt_lso_prepare(v[0].p, v[0].len, len, m) < 0)
		return false;
	ppi->present |= RNDIS_HAS_LSO;
	ppi->lso = rndis_lso_put(m->gso_size, m->l4_off,
	    (m->flags & PKT_GSO_TCP6) != 0);
	counter_add(&q->tx.count.tso_frames, 1);
	return true;
}

int
vsc_tx_offload(struct vsc_queue *q, const struct vec *v, uint32_t n,
    uint32_t len, struct pkt_meta *m, struct rndis_ppi_set *ppi)
{
	const struct span head = { v[0].p, v[0].len };

	ppi->present = 0;
	if ((m->flags & PKT_VLAN) != 0) {
		if ((txoff_on(q) & VSC_OFF_VLAN) == 0) {
			counter_add(&q->tx.count.no_vlan, 1);
			return E_STATE;
		}
		ppi->present |= RNDIS_HAS_VLAN;
		ppi->vlan = rndis_vlan_from_tci(m->vlan_tci);
	}
	if ((m->flags & PKT_HASH) != 0 && (txoff_on(q) & VSC_OFF_HASH) != 0) {
		ppi->present |= RNDIS_HAS_HASH_VALUE;
		ppi->hash_value = m->hash;
	}
	if ((m->flags & PKT_GSO_ANY) != 0) {
		struct pkt_info info;

		/* A frame of one segment is not for LSO (two at least). */
		pkt_parse_lso(&info, head, len);
		if (info.layer != PKT_LAYER_L4 ||
		    len - info.payload_off > m->gso_size)
			return txoff_lso(q, v, len, m, ppi) ? 0 : VSC_TX_CUT;
		m->flags &= ~(uint32_t)PKT_GSO_ANY;
		m->gso_size = 0;
	}
	if (!pkt_frame_fits(head, len, q->vsc->caps.mtu)) {
		counter_add(&q->tx.count.too_long, 1);
		return E_STATE;
	}
	if ((m->flags & (PKT_CSUM_PARTIAL | PKT_IPCS)) != 0)
		return txoff_csum(q, v, n, len, m, ppi);
	return 0;
}
