/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Negotiates and switches offloads.
 *
 * Theory of operation.  Offloads: what the host's hardware capabilities offer,
 * ANDed with what the configuration wants, set by NDIS offload parameters.
 * While a change is under way the queues use only what both the old and the
 * new setting have, so that no frame meets a host that just switched it off.
 * VLAN and hash travel as per-packet info and need no setting.
 *
 * Context: control; the queues read vsc.tx_offloads.
 */
#include "vsc/vsc_priv.h"

#define OFF_UNSET	(VSC_OFF_VLAN | VSC_OFF_HASH)	/* not negotiated */

static uint8_t
off_rev(const struct vsc *v)
{
	return v->caps.nvsp_version >= NVS_V5 ? 3 : 2;
}

int
vsc_hwcaps_start(struct vsc *v)
{
	uint8_t buf[NDIS_OFFLOAD_BYTES_3];
	uint32_t len = ndis_offload_caps_ask(off_rev(v), buf);

	return vsc_rndis_query(v, OID_TCP_OFFLOAD_HW_CAPABILITIES,
	    (struct span){ buf, len });
}

static uint32_t
off_if(bool offered, uint32_t bits)
{
	return offered ? bits : 0;
}

/* TCP frames have options: a host that takes none is of no use. */
static bool
off_tcp4(uint32_t caps)
{
	return (caps & NDIS_CSUM_V4_TCP) != 0 &&
	    (caps & NDIS_CSUM_V4_TCPOPT) != 0;
}

static bool
off_tcp6(uint32_t caps)
{
	return (caps & NDIS_CSUM_V6_TCP) != 0 &&
	    (caps & NDIS_CSUM_V6_TCPOPT) != 0;
}

static uint32_t
off_offered(const struct vsc *v, const struct ndis_offload_caps *c)
{
	bool rsc = v->caps.nvsp_version >= NVS_V6_1 && c->rsc4 != 0 &&
	    c->rsc6 != 0;

	return off_if((c->v4_tx & NDIS_CSUM_V4_IP) != 0, VSC_OFF_TXCSUM_IP4) |
	    off_if(off_tcp4(c->v4_tx), VSC_OFF_TXCSUM_TCP4) |
	    off_if((c->v4_tx & NDIS_CSUM_V4_UDP) != 0, VSC_OFF_TXCSUM_UDP4) |
	    off_if(off_tcp6(c->v6_tx), VSC_OFF_TXCSUM_TCP6) |
	    off_if((c->v6_tx & NDIS_CSUM_V6_UDP) != 0, VSC_OFF_TXCSUM_UDP6) |
	    off_if((c->v4_rx | c->v6_rx) != 0, VSC_OFF_RXCSUM) |
	    off_if(c->lso4.max_bytes != 0, VSC_OFF_TSO4) |
	    off_if(c->lso6.max_bytes != 0, VSC_OFF_TSO6) |
	    off_if(rsc, VSC_OFF_RSC4 | VSC_OFF_RSC6) | OFF_UNSET;
}

int
vsc_hwcaps_done(struct vsc *v)
{
	const struct rndis_done *d = &v->ctl.rndis.done;
	enum fault why;

	v->hw_offloads = OFF_UNSET;
	if (v->ctl.err < 0)
		return v->ctl.err;
	if (v->ctl.rndis.type != RNDIS_QUERY_DONE ||
	    d->status != RNDIS_STATUS_OK)
		return VSC_STEP_NEXT;
	if (ndis_offload_caps_decode(&v->hw, d->info, &why) < 0)
		return vsc_fault(v->q[0], why, d->info.len,
		    "hardware capabilities");
	v->hw_offloads = off_offered(v, &v->hw);
	if ((v->hw_offloads & VSC_OFF_RSC4) != 0)
		os_st32(&v->rsc_offered, 1);
	return VSC_STEP_NEXT;
}

/* Asked again while up: only a difference is worth another request. */
int
vsc_hwcaps_again_done(struct vsc *v)
{
	uint32_t before = v->hw_offloads;
	int rc = vsc_hwcaps_done(v);

	if (rc >= 0 && v->hw_offloads != before)
		v->want |= VSC_WANT_OFFLOADS;
	return rc;
}

static uint8_t
off_csum(uint32_t on, uint32_t tx, bool rx)
{
	bool t = (on & tx) != 0;

	rx = rx && (on & VSC_OFF_RXCSUM) != 0;
	if (t && rx)
		return NDIS_OFFLOAD_CSUM_BOTH;
	if (t)
		return NDIS_OFFLOAD_CSUM_TX;
	return rx ? NDIS_OFFLOAD_CSUM_RX : NDIS_OFFLOAD_CSUM_OFF;
}

static uint8_t
off_switch(uint32_t on, uint32_t bit)
{
	return (on & bit) != 0 ? NDIS_OFFLOAD_ON : NDIS_OFFLOAD_OFF;
}

/* A running port hears what is in effect now; at attach it asks. */
static void
off_tell(struct vsc *v)
{
	if (v->attached && v->ops->offloads != NULL)
		v->ops->offloads(v->ctx, &v->caps);
}

int
vsc_off_start(struct vsc *v)
{
	uint32_t on = v->cfg.offloads & v->hw_offloads;
	struct ndis_offload_params p = { .rev = off_rev(v) };
	uint8_t buf[NDIS_OFFLOAD_PARAMS_BYTES_3];
	uint32_t len;

	v->new_offloads = on;
	os_st32(&v->tx_offloads, v->caps.offloads & on);
	if ((v->hw_offloads & ~OFF_UNSET) == 0) {
		v->caps.offloads = on;
		os_st32(&v->caps.tso_maxlen, 0);
		os_st32(&v->tx_offloads, on);
		off_tell(v);
		return VSC_STEP_NEXT;
	}
	p.ip4_csum = off_csum(on, VSC_OFF_TXCSUM_IP4,
	    (v->hw.v4_rx & NDIS_CSUM_V4_IP) != 0);
	p.tcp4_csum = off_csum(on, VSC_OFF_TXCSUM_TCP4,
	    (v->hw.v4_rx & NDIS_CSUM_V4_TCP) != 0);
	p.udp4_csum = off_csum(on, VSC_OFF_TXCSUM_UDP4,
	    (v->hw.v4_rx & NDIS_CSUM_V4_UDP) != 0);
	p.tcp6_csum = off_csum(on, VSC_OFF_TXCSUM_TCP6,
	    (v->hw.v6_rx & NDIS_CSUM_V6_TCP) != 0);
	p.udp6_csum = off_csum(on, VSC_OFF_TXCSUM_UDP6,
	    (v->hw.v6_rx & NDIS_CSUM_V6_UDP) != 0);
	p.lso4 = off_switch(on, VSC_OFF_TSO4);
	p.lso6 = off_switch(on, VSC_OFF_TSO6);
	if ((v->hw_offloads & VSC_OFF_RSC4) != 0) {
		p.rsc4 = off_switch(on, VSC_OFF_RSC4);
		p.rsc6 = off_switch(on, VSC_OFF_RSC6);
	}
	len = ndis_offload_params_encode(&p, buf);
	return vsc_rndis_set(v, OID_TCP_OFFLOAD_PARAMETERS,
	    (struct span){ buf, len });
}

/* The longest frame that the host cuts, by what is on; 0: none. */
static uint32_t
off_tso_max(const struct vsc *v, uint32_t on)
{
	uint32_t max = v->cfg.tune.tso_maxlen;

	if ((on & (VSC_OFF_TSO4 | VSC_OFF_TSO6)) == 0)
		return 0;
	if ((on & VSC_OFF_TSO4) != 0)
		max = min_u32(max, v->hw.lso4.max_bytes);
	if ((on & VSC_OFF_TSO6) != 0)
		max = min_u32(max, v->hw.lso6.max_bytes);
	return max;
}

int
vsc_off_done(struct vsc *v)
{
	uint32_t on = v->new_offloads;

	if (v->ctl.err < 0)
		return v->ctl.err;
	if (v->ctl.rndis.done.status != RNDIS_STATUS_OK)
		on = v->attached ? v->caps.offloads : on & OFF_UNSET;
	v->caps.offloads = on;
	os_st32(&v->caps.tso_maxlen, off_tso_max(v, on));
	os_st32(&v->tx_offloads, on);
	off_tell(v);
	return VSC_STEP_NEXT;
}
