/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OIDs that carry NDIS objects: offloads, receive side scaling, configuration
 * parameters.
 *
 * A SET is decoded, then checked as a whole against what the port offers, then
 * applied; one that requests something not offered changes nothing and fails.
 * Answers come in the revision that the guest understands: the smallest of
 * what its NDIS version has, what its request names and what the request's
 * buffer holds (DPDK and FreeBSD fail a query that returns more).
 *
 * Context: control.
 */
#include "vsp/vsp_priv.h"
#include "wire/ndis_obj.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"
#include "wire/vmbus_msg.h"

/* Revision of NDIS_OFFLOAD that an NDIS version has: 6.0, 6.1, 6.30. */
static uint8_t
offload_rev(const struct vsp_guest *g)
{
	if (g->ndis_major < 6 || (g->ndis_major == 6 && g->ndis_minor == 0))
		return 1;
	return g->ndis_major > 6 || g->ndis_minor >= 30 ? 3 : 2;
}

/* The revision in the header of the guest's request, or 0 if it has none. */
static uint8_t
asked_rev(struct span in, uint8_t type)
{
	struct ndis_obj_wire h;

	if (in.len < sizeof(h))
		return 0;
	memcpy(&h, in.p, sizeof(h));
	return h.type == type ? h.rev : 0;
}

static bool
rsc_offered(const struct vsp *vsp)
{
	return (vsp->cfg.offloads & VSP_OFF_RSC) != 0 && vsp->guest.rsc_cap;
}

static uint32_t
put_offload(const struct ndis_offload_caps *caps, uint8_t *out, uint32_t cap,
    uint32_t *len)
{
	if (cap < NDIS_OFFLOAD_BYTES_3)
		return RNDIS_STATUS_FAILURE;
	*len = ndis_offload_caps_encode(caps, out);
	return RNDIS_STATUS_OK;
}

static struct ndis_lso_caps
lso_caps(const struct vsp *vsp)
{
	uint32_t max = vsp->cfg.lso_max;

	return (struct ndis_lso_caps){ max != 0 ? max : NDIS_LSO_MAX,
		NDIS_LSO_MIN_SEGS };
}

uint32_t
vsp_obj_offload_caps(const struct vsp *vsp, struct span in, uint8_t *out,
    uint32_t cap, uint32_t *len)
{
	uint32_t v4 = NDIS_CSUM_V4_IPOPT | NDIS_CSUM_V4_TCPOPT |
	    NDIS_CSUM_V4_TCP | NDIS_CSUM_V4_UDP | NDIS_CSUM_V4_IP;
	uint32_t v6 = NDIS_CSUM_V6_IPEXT | NDIS_CSUM_V6_TCPOPT |
	    NDIS_CSUM_V6_TCP | NDIS_CSUM_V6_UDP;
	struct ndis_offload_caps c = { .rev = offload_rev(&vsp->guest) };
	uint8_t asked = asked_rev(in, NDIS_OBJ_OFFLOAD);

	if (asked != 0 && asked < c.rev)
		c.rev = asked;
	while (c.rev > 1 && in.len >= NDIS_OFFLOAD_BYTES_1 &&
	    ndis_offload_caps_bytes(c.rev) > in.len)
		c.rev--;
	if (vsp->cfg.offloads & VSP_OFF_TXCSUM) {
		c.v4_tx = v4;
		c.v6_tx = v6;
	}
	if (vsp->cfg.offloads & VSP_OFF_RXCSUM) {
		c.v4_rx = v4;
		c.v6_rx = v6;
	}
	if (vsp->cfg.offloads & VSP_OFF_LSO) {
		c.lso4 = c.lso6 = lso_caps(vsp);
		c.lso6_opts = NDIS_LSO_V6_IPEXT | NDIS_LSO_V6_TCPOPT;
	}
	c.rsc4 = c.rsc6 = rsc_offered(vsp);
	return put_offload(&c, out, cap, len);
}

/* Checksum bits of what is switched on. */
static uint32_t
current_v4(uint32_t on)
{
	uint32_t v = 0;

	if (on & VSP_CS_IP4)
		v |= NDIS_CSUM_V4_IP | NDIS_CSUM_V4_IPOPT;
	if (on & VSP_CS_TCP4)
		v |= NDIS_CSUM_V4_TCP | NDIS_CSUM_V4_TCPOPT;
	if (on & VSP_CS_UDP4)
		v |= NDIS_CSUM_V4_UDP;
	return v;
}

static uint32_t
current_v6(uint32_t on)
{
	uint32_t v = 0;

	if (on & VSP_CS_TCP6)
		v |= NDIS_CSUM_V6_TCP | NDIS_CSUM_V6_TCPOPT;
	if (on & VSP_CS_UDP6)
		v |= NDIS_CSUM_V6_UDP;
	return v != 0 ? v | NDIS_CSUM_V6_IPEXT : 0;
}

uint32_t
vsp_obj_offload_current(const struct vsp *vsp, uint8_t *out, uint32_t cap,
    uint32_t *len)
{
	const struct vsp_guest *g = &vsp->guest;
	struct ndis_lso_caps lso = lso_caps(vsp);
	struct ndis_offload_caps c = {
		.rev = offload_rev(g),
		.v4_tx = current_v4(g->csum_tx),
		.v4_rx = current_v4(g->csum_rx),
		.v6_tx = current_v6(g->csum_tx),
		.v6_rx = current_v6(g->csum_rx),
		.rsc4 = g->rsc4,
		.rsc6 = g->rsc6,
	};

	if (g->lso4)
		c.lso4 = lso;
	if (g->lso6) {
		c.lso6 = lso;
		c.lso6_opts = NDIS_LSO_V6_IPEXT | NDIS_LSO_V6_TCPOPT;
	}
	return put_offload(&c, out, cap, len);
}

/* One checksum field; false: not offered or not a value of the field. */
static bool
csum_apply(uint32_t offloads, uint8_t value, uint32_t bit, uint32_t *tx,
    uint32_t *rx)
{
	bool want_tx = value == NDIS_OFFLOAD_CSUM_TX ||
	    value == NDIS_OFFLOAD_CSUM_BOTH;
	bool want_rx = value == NDIS_OFFLOAD_CSUM_RX ||
	    value == NDIS_OFFLOAD_CSUM_BOTH;

	if (value == NDIS_OFFLOAD_NOCHANGE)
		return true;
	if (value > NDIS_OFFLOAD_CSUM_BOTH ||
	    (want_tx && (offloads & VSP_OFF_TXCSUM) == 0) ||
	    (want_rx && (offloads & VSP_OFF_RXCSUM) == 0))
		return false;
	*tx = want_tx ? *tx | bit : *tx & ~bit;
	*rx = want_rx ? *rx | bit : *rx & ~bit;
	return true;
}

static bool
switch_apply(bool offered, uint8_t value, bool *on)
{
	if (value == NDIS_OFFLOAD_NOCHANGE)
		return true;
	if (value > NDIS_OFFLOAD_ON || (value == NDIS_OFFLOAD_ON && !offered))
		return false;
	*on = value == NDIS_OFFLOAD_ON;
	return true;
}

uint32_t
vsp_obj_offload_set(struct vsp *vsp, struct span in)
{
	struct ndis_offload_params p;
	struct vsp_guest g = vsp->guest;
	uint32_t offer = vsp->cfg.offloads;
	bool lso = (offer & VSP_OFF_LSO) != 0;
	enum fault why;

	if (ndis_offload_params_decode(&p, in, &why) != 0)
		return RNDIS_STATUS_INVALID_DATA;
	if (!csum_apply(offer, p.ip4_csum, VSP_CS_IP4, &g.csum_tx,
	    &g.csum_rx) ||
	    !csum_apply(offer, p.tcp4_csum, VSP_CS_TCP4, &g.csum_tx,
	    &g.csum_rx) ||
	    !csum_apply(offer, p.udp4_csum, VSP_CS_UDP4, &g.csum_tx,
	    &g.csum_rx) ||
	    !csum_apply(offer, p.tcp6_csum, VSP_CS_TCP6, &g.csum_tx,
	    &g.csum_rx) ||
	    !csum_apply(offer, p.udp6_csum, VSP_CS_UDP6, &g.csum_tx,
	    &g.csum_rx))
		return RNDIS_STATUS_INVALID_DATA;
	if (p.lsov1 == NDIS_OFFLOAD_ON ||
	    !switch_apply(lso, p.lso4, &g.lso4) ||
	    !switch_apply(lso, p.lso6, &g.lso6) ||
	    !switch_apply(rsc_offered(vsp), p.rsc4, &g.rsc4) ||
	    !switch_apply(rsc_offered(vsp), p.rsc6, &g.rsc6))
		return RNDIS_STATUS_INVALID_DATA;
	vsp->guest = g;
	if (vsp->ops.state != NULL)
		vsp->ops.state(vsp->ctx);
	return RNDIS_STATUS_OK;
}

void
vsp_obj_offload_limit(struct vsp *vsp)
{
	struct vsp_guest *g = &vsp->guest;
	uint32_t offer = vsp->cfg.offloads;

	if ((offer & VSP_OFF_TXCSUM) == 0)
		g->csum_tx = 0;
	if ((offer & VSP_OFF_RXCSUM) == 0)
		g->csum_rx = 0;
	if ((offer & VSP_OFF_LSO) == 0)
		g->lso4 = g->lso6 = false;
	if (!rsc_offered(vsp))
		g->rsc4 = g->rsc6 = false;
}

/* ---- receive side scaling --------------------------------------------- */

uint32_t
vsp_obj_rss_caps(const struct vsp *vsp, struct span in, uint8_t *out,
    uint32_t cap, uint32_t *len)
{
	/* A guest that could have no sub-channel is not told of more queues. */
	bool many = vsp->guest.nvsp_version >= NVS_V5 &&
	    vsp->queue[0] != NULL &&
	    vsp->queue[0]->chan->vmbus_version >= VMBUS_V2_4;
	struct ndis_rss_caps c = {
		.rev = offload_rev(&vsp->guest) >= 2 ? 2 : 1,
		.caps = NDIS_RSS_CAP_TOEPLITZ | NDIS_RSS_CAP_IPV4 |
		    NDIS_RSS_CAP_IPV6 | NDIS_RSS_CAP_IPV6_EX |
		    NDIS_RSS_CAP_UDP4 | NDIS_RSS_CAP_UDP6,
		.interrupts = many ? vsp->cfg.max_queues : 1,
		.queues = many ? vsp->cfg.max_queues : 1,
		.entries = NDIS_RSS_ENTRIES_MAX,
	};

	if (asked_rev(in, NDIS_OBJ_RSS_CAPS) == 1 ||
	    (in.len >= NDIS_RSS_CAPS_BYTES_1 && in.len < NDIS_RSS_CAPS_BYTES_2))
		c.rev = 1;
	if (cap < sizeof(struct ndis_rss_caps_wire))
		return RNDIS_STATUS_FAILURE;
	*len = ndis_rss_caps_encode(&c, out);
	return RNDIS_STATUS_OK;
}

/* Tile a table to a power of two: n as it is, else the largest. */
static uint32_t
table_tile(uint32_t *table, uint32_t n)
{
	if ((n & (n - 1)) == 0)
		return n;
	for (uint32_t i = n; i < NDIS_RSS_ENTRIES_MAX; i++)
		table[i] = table[i % n];
	return NDIS_RSS_ENTRIES_MAX;
}

uint32_t
vsp_obj_rss_set(struct vsp *vsp, struct span in)
{
	struct ndis_rss_params p;
	uint32_t types = vsp->steer.hash_types;
	uint32_t n = 0;
	enum fault why;

	if (ndis_rss_params_decode(&p, in, &why) != 0)
		return RNDIS_STATUS_INVALID_DATA;
	if (p.flags & NDIS_RSS_F_DISABLE) {
		vsp_steer_set(vsp, 0, NULL, NULL, 0);
		return RNDIS_STATUS_OK;
	}
	if ((p.flags & NDIS_RSS_F_HASH_SAME) == 0)
		types = p.hash_info & NDIS_HASH_TYPE_MASK;
	if ((p.flags & NDIS_RSS_F_HASH_SAME) == 0 && types != 0 &&
	    (p.hash_info & NDIS_HASH_FUNC_MASK) != NDIS_HASH_FUNC_TOEPLITZ)
		return RNDIS_STATUS_INVALID_DATA;
	for (uint32_t i = 0; i < p.entries; i++)
		if (p.entry[i] >= vsp->cfg.max_queues)
			return RNDIS_STATUS_INVALID_DATA;
	if (p.entries > 0)
		n = table_tile(p.entry, p.entries);
	vsp_steer_set(vsp, types, p.has_key ? p.key : NULL,
	    n > 0 ? p.entry : NULL, n);
	return RNDIS_STATUS_OK;
}

/* ---- configuration parameters ----------------------------------------- */

/*
 * NetworkAddress changes the guest's address, where the port lets it (as
 * Hyper-V does by its MAC spoofing switch).  Other names are accepted without
 * effect: offloads have OIDs of their own.
 */
uint32_t
vsp_obj_config_set(struct vsp *vsp, struct span in)
{
	struct ndis_config c;
	enum fault why;
	uint8_t mac[6];

	if (ndis_config_decode(&c, in, &why) != 0)
		return RNDIS_STATUS_INVALID_DATA;
	if (!ndis_utf16_equal(c.name, "NetworkAddress"))
		return RNDIS_STATUS_OK;
	if (!ndis_config_mac_get(&c, mac) || (mac[0] & 1))
		return RNDIS_STATUS_INVALID_DATA;
	if (!vsp->cfg.mac_spoof && memcmp(mac, vsp->cfg.mac, 6) != 0)
		return RNDIS_STATUS_FAILURE;
	memcpy(vsp->guest.mac, mac, sizeof(mac));
	if (vsp->ops.state != NULL)
		vsp->ops.state(vsp->ctx);
	return RNDIS_STATUS_OK;
}
