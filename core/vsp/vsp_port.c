/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch port's policy: which frames pass, in either direction.
 *
 * A port of a Hyper-V switch decides by link state, source address, VLAN mode,
 * length and the guest's packet filter; an impairment loses some on purpose.
 * Everything is a function of the configuration, the guest's state and one
 * parsed frame.  Each refusal has its reason and its counter.
 *
 * VLAN.  Trunk: any tag passes.  Access: outside, every frame of the port
 * carries the port's id; the guest sees and sends untagged frames.  None: tags
 * do not pass.  A priority tag (id 0) counts as untagged.  Towards the guest a
 * tag travels as per-packet info if the guest reported that it knows 802.1q.
 *
 * Called by workers; control changes what is read here while they are parked.
 */
#include "pkt/pkt_load.h"
#include "vsp/vsp_priv.h"
#include "wire/ndis_obj.h"

#define VLAN_ID(tci)	((tci) & 0xfffu)
#define PPM		1000000u

/* xorshift32: enough for an impairment, and repeatable. */
static bool
port_loses(struct vsp_queue *q)
{
	uint32_t x = q->random;

	if (q->vsp->cfg.loss_ppm == 0)
		return false;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	q->random = x;
	return x % PPM < q->vsp->cfg.loss_ppm;
}

/*
 * Of a GSO frame each segment must fit; one of unknown segment size passes.
 */
static bool
port_too_long(const struct vsp *vsp, const struct pkt_info *info,
    const struct pkt_meta *m)
{
	uint32_t len = info->frame_len;

	if (m->flags & PKT_GSO_NORESEG)
		return false;
	if (m->flags & PKT_GSO_ANY)
		len = info->payload_off + m->gso_size;
	return len > pkt_frame_max(vsp->mtu, info->vlan_tags);
}

static bool
port_source_ok(const struct vsp *vsp, struct span head)
{
	const uint8_t *src = head.p + 6;

	if (src[0] & 1)
		return false;
	return vsp->cfg.mac_spoof || memcmp(src, vsp->guest.mac, 6) == 0;
}

/* False: the tag is not allowed. */
static bool
port_vlan_out(const struct vsp_config *cfg, const struct pkt_info *info,
    struct pkt_meta *m)
{
	if (cfg->vlan == VSP_VLAN_TRUNK)
		return true;
	if ((m->flags & PKT_VLAN) && VLAN_ID(m->vlan_tci) != 0)
		return false;
	if (info->vlan_tags > 0 && (VLAN_ID(info->vlan_tci) != 0 ||
	    cfg->vlan == VSP_VLAN_ACCESS))
		return false;
	if (cfg->vlan == VSP_VLAN_NONE) {
		m->flags &= ~(uint32_t)PKT_VLAN;
		return true;
	}
	uint16_t priority = m->flags & PKT_VLAN ? m->vlan_tci & 0xf000u : 0;

	m->flags |= PKT_VLAN;
	m->vlan_tci = (uint16_t)(priority | cfg->vlan_id);
	return true;
}

static enum vsp_drop
port_out(struct vsp_queue *q, struct span head, const struct pkt_info *info,
    struct pkt_meta *m)
{
	const struct vsp *vsp = q->vsp;

	if (!vsp->cfg.link_up)
		return VSP_DROP_LINK;
	if (!port_source_ok(vsp, head))
		return VSP_DROP_SOURCE;
	if (port_too_long(vsp, info, m))
		return VSP_DROP_LONG;
	if (!port_vlan_out(&vsp->cfg, info, m))
		return VSP_DROP_VLAN;
	return port_loses(q) ? VSP_DROP_LOSS : VSP_PASS;
}

enum vsp_drop
vsp_port_from_guest(struct vsp_queue *q, struct span head,
    const struct pkt_info *info, struct pkt_meta *m)
{
	struct vsp_from_guest_counters *c = &q->vsp->counts[q->index].from;
	enum vsp_drop why = port_out(q, head, info, m);

	switch (why) {
	case VSP_DROP_LINK:
		counter_add(&c->drop_link, 1);
		break;
	case VSP_DROP_SOURCE:
		counter_add(&c->drop_source, 1);
		break;
	case VSP_DROP_LONG:
		counter_add(&c->drop_long, 1);
		break;
	case VSP_DROP_VLAN:
		counter_add(&c->drop_vlan, 1);
		break;
	case VSP_DROP_LOSS:
		counter_add(&c->drop_loss, 1);
		break;
	case VSP_PASS:
	case VSP_DROP_FILTER:
	case VSP_DROP_STATE:
		break;
	}
	return why;
}

/* Does the guest want frames to many? */
static bool
port_filter_group(const struct vsp_guest *g, const uint8_t dst[6])
{
	static const uint8_t broadcast[6] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};

	if (memcmp(dst, broadcast, 6) == 0)
		return (g->filter & NDIS_FILTER_BROADCAST) != 0;
	if (g->filter & NDIS_FILTER_ALLMULTI)
		return true;
	if ((g->filter & NDIS_FILTER_MULTICAST) == 0)
		return false;
	for (uint32_t i = 0; i < g->mcasts; i++)
		if (memcmp(dst, g->mcast[i], 6) == 0)
			return true;
	return false;
}

static inline bool
port_filter(const struct vsp_guest *g, const uint8_t dst[6])
{
	if (g->filter & NDIS_FILTER_PROMISC)
		return true;
	if ((dst[0] & 1) != 0)
		return port_filter_group(g, dst);
	return (g->filter & NDIS_FILTER_DIRECTED) != 0 &&
	    memcmp(dst, g->mac, 6) == 0;
}

bool
vsp_port_filter(const struct vsp *vsp, const uint8_t dst[6])
{
	return port_filter(&vsp->guest, dst);
}

/* The outer tag of the frame goes to the metadata, the caller takes it out. */
static void
port_untag(const struct pkt_info *info, struct pkt_meta *m, bool *untag)
{
	m->flags |= PKT_VLAN;
	m->vlan_tci = info->vlan_tci;
	*untag = true;
}

/* False: not a frame of this port.  A service tag (802.1ad) stays inside. */
static bool
port_vlan_in(const struct vsp *vsp, struct span head,
    const struct pkt_info *info, struct pkt_meta *m, bool *untag)
{
	const struct vsp_config *cfg = &vsp->cfg;
	bool tagged = (m->flags & PKT_VLAN) == 0 && info->vlan_tags > 0;
	bool inside = tagged &&
	    pkt_be16_load(head.p + 12) == PKT_TYPE_VLAN;

	if (tagged && !inside)
		return cfg->vlan == VSP_VLAN_TRUNK;
	switch (cfg->vlan) {
	case VSP_VLAN_TRUNK:
		if (inside && vsp->guest.vlan_cap &&
		    (cfg->offloads & VSP_OFF_VLAN))
			port_untag(info, m, untag);
		return true;
	case VSP_VLAN_ACCESS:
		if (inside)
			port_untag(info, m, untag);
		if ((m->flags & PKT_VLAN) == 0 ||
		    VLAN_ID(m->vlan_tci) != cfg->vlan_id)
			return false;
		m->flags &= ~(uint32_t)PKT_VLAN;
		return true;
	case VSP_VLAN_NONE:
		if (inside)
			port_untag(info, m, untag);
		if ((m->flags & PKT_VLAN) && VLAN_ID(m->vlan_tci) != 0)
			return false;
		m->flags &= ~(uint32_t)PKT_VLAN;
		return true;
	}
	return false;
}

static enum vsp_drop
port_in(struct vsp_queue *q, struct span head, const struct pkt_info *info,
    struct pkt_meta *m, bool *untag)
{
	const struct vsp *vsp = q->vsp;

	if (!vsp_data_up(vsp))
		return VSP_DROP_STATE;
	if (!vsp->cfg.link_up)
		return VSP_DROP_LINK;
	if (info->layer < PKT_LAYER_ETH || !port_filter(&vsp->guest, head.p))
		return VSP_DROP_FILTER;
	if (!port_vlan_in(vsp, head, info, m, untag))
		return VSP_DROP_VLAN;
	if (port_too_long(vsp, info, m))
		return VSP_DROP_LONG;
	return port_loses(q) ? VSP_DROP_LOSS : VSP_PASS;
}

enum vsp_drop
vsp_port_to_guest(struct vsp_queue *q, struct span head,
    const struct pkt_info *info, struct pkt_meta *m, bool *untag)
{
	struct vsp_to_guest_counters *c = &q->vsp->counts[q->index].to;

	*untag = false;
	enum vsp_drop why = port_in(q, head, info, m, untag);

	switch (why) {
	case VSP_DROP_STATE:
		counter_add(&c->drop_state, 1);
		break;
	case VSP_DROP_LINK:
		counter_add(&c->drop_link, 1);
		break;
	case VSP_DROP_FILTER:
		counter_add(&c->drop_filter, 1);
		break;
	case VSP_DROP_VLAN:
		counter_add(&c->drop_vlan, 1);
		break;
	case VSP_DROP_LONG:
		counter_add(&c->drop_long, 1);
		break;
	case VSP_DROP_LOSS:
		counter_add(&c->drop_loss, 1);
		break;
	case VSP_PASS:
	case VSP_DROP_SOURCE:
		break;
	}
	return why;
}
