/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order in which a NetVSC attaches, and its requests later on.
 *
 * Theory of operation.  Bring-up, as one list of steps in the order that hosts
 * enforce: open the primary, NVSP version (newest first), NDIS configuration
 * and version, receive buffer, send buffer, RNDIS INIT, queries, offloads, RSS
 * capabilities, sub-channels, RSS parameters, packet filter.  The filter comes
 * last: no frame is delivered before it.
 *
 * If the host refuses an optional part (send buffer, offloads, RSS,
 * sub-channels) we do without it.  If it refuses any other part the attach
 * fails with E_NOTSUP; after a malformed answer, with E_PEER.
 *
 * Context: control.
 */
#include "vsc/vsc_priv.h"

static int
open_start(struct vsc *v)
{
	int rc = vsc_mem_alloc(v, HV_PAGE_SIZE, &v->ctl.page);

	return rc < 0 ? rc : vsc_queue_open(v->q[0]);
}

static int
filter_start(struct vsc *v)
{
	uint32_t filter = v->cfg.filter;
	le32_t w;

	/* All groups for those of a list that the host does not have. */
	if ((filter & NDIS_FILTER_MULTICAST) != 0 && v->mcast_all)
		filter = (filter & ~NDIS_FILTER_MULTICAST) |
		    NDIS_FILTER_ALLMULTI;
	w = le32_put(filter);
	/* Frames come as soon as the host has it. */
	os_st32(&v->rx_on, 1);
	return vsc_rndis_set(v, OID_GEN_CURRENT_PACKET_FILTER,
	    (struct span){ (const uint8_t *)&w, sizeof(w) });
}

static int
filter_done(struct vsc *v)
{
	if (v->ctl.err < 0)
		return v->ctl.err;
	return v->ctl.rndis.done.status == RNDIS_STATUS_OK || v->attached ?
	    VSC_STEP_NEXT : E_NOTSUP;
}

static void
attach_end(struct vsc *v)
{
	v->attached = true;
	v->state = VSC_UP;
	v->ops->attached(v->ctx, &v->caps);
}

static void
link_end(struct vsc *v)
{
	v->ops->link(v->ctx, v->caps.link_up, v->caps.speed_bps);
}

static const struct vsc_step attach_steps[] = {
	{ "open", open_start, NULL },
	{ "NVSP INIT", vsc_init_start, vsc_init_done },
	{ "NDIS configuration", vsc_config_start, NULL },
	{ "NDIS version", vsc_version_start, NULL },
	{ "receive buffer GPADL", vsc_rxbuf_start, NULL },
	{ "receive buffer", vsc_rxbuf_tell, vsc_rxbuf_told },
	{ "send buffer GPADL", vsc_sendbuf_start, NULL },
	{ "send buffer", vsc_sendbuf_tell, vsc_sendbuf_told },
	{ "RNDIS INIT", vsc_rinit_start, vsc_rinit_done },
	{ "MAC address", vsc_mac_start, vsc_mac_done },
	{ "hardware capabilities", vsc_hwcaps_start, vsc_hwcaps_done },
	{ "link state", vsc_link_start, vsc_link_done },
	{ "link speed", vsc_speed_start, vsc_speed_done },
	{ "maximum frame", vsc_frame_start, vsc_frame_done },
	{ "offload parameters", vsc_off_start, vsc_off_done },
	{ "RSS capabilities", vsc_rss_caps_start, vsc_rss_caps_done },
	{ "sub-channels", vsc_subs_start, vsc_subs_done },
	{ "sub-channel offers", vsc_offers_start, vsc_offers_done },
	{ "queue memory", vsc_queues_start, NULL },
	{ "sub-channel open", vsc_sub_open_start, vsc_sub_open_done },
	{ "RSS parameters", vsc_rss_start, vsc_rss_done },
	{ "packet filter", filter_start, filter_done },
};
const struct vsc_list vsc_attach_list = {
	attach_steps, ARRAY_LEN(attach_steps), attach_end
};

static const struct vsc_step filter_steps[] = {
	{ "packet filter", filter_start, filter_done },
};
static const struct vsc_list filter_list = { filter_steps, 1, NULL };

static int
mcast_start(struct vsc *v)
{
	/* The filter follows. */
	v->want &= ~VSC_WANT_FILTER;
	if (v->mcasts > VSC_MCAST_MAX)
		return VSC_STEP_NEXT;
	return vsc_rndis_set(v, OID_802_3_MULTICAST_LIST,
	    (struct span){ v->mcast[0], v->mcasts * sizeof(v->mcast[0]) });
}

static int
mcast_done(struct vsc *v)
{
	if (v->ctl.err < 0)
		return v->ctl.err;
	/* Another list may wait already: that one the host does not have. */
	if ((v->want & VSC_WANT_MCAST) == 0)
		v->mcast_all = v->ctl.rndis.done.status != RNDIS_STATUS_OK;
	return VSC_STEP_NEXT;
}

static const struct vsc_step mcast_steps[] = {
	{ "multicast list", mcast_start, mcast_done },
	{ "packet filter", filter_start, filter_done },
};
static const struct vsc_list mcast_list = { mcast_steps, 2, NULL };

static int
set_mac_start(struct vsc *v)
{
	uint8_t buf[NDIS_CONFIG_MAC_BYTES];
	uint32_t len;

	memcpy(v->asked_mac, v->new_mac, sizeof(v->asked_mac));
	len = ndis_config_mac_encode(v->asked_mac, buf);
	return vsc_rndis_set(v, OID_GEN_RNDIS_CONFIG_PARAMETER,
	    (struct span){ buf, len });
}

static int
set_mac_done(struct vsc *v)
{
	bool taken;

	if (v->ctl.err < 0)
		return v->ctl.err;
	taken = v->ctl.rndis.done.status == RNDIS_STATUS_OK;
	if (taken)
		memcpy(v->caps.mac, v->asked_mac, sizeof(v->caps.mac));
	if (v->ops->mac != NULL)
		v->ops->mac(v->ctx, taken, &v->caps);
	return VSC_STEP_NEXT;
}

static const struct vsc_step mac_steps[] = {
	{ "MAC address", set_mac_start, set_mac_done },
};
static const struct vsc_list mac_list = { mac_steps, 1, NULL };

static const struct vsc_step off_steps[] = {
	{ "offload parameters", vsc_off_start, vsc_off_done },
};
static const struct vsc_list off_list = { off_steps, 1, NULL };

static const struct vsc_step hwcaps_steps[] = {
	{ "hardware capabilities", vsc_hwcaps_start, vsc_hwcaps_again_done },
};
static const struct vsc_list hwcaps_list = { hwcaps_steps, 1, NULL };

static const struct vsc_step link_steps[] = {
	{ "link state", vsc_link_start, vsc_link_done },
	{ "link speed", vsc_speed_start, vsc_speed_done },
};
static const struct vsc_list link_list = { link_steps, 2, link_end };

/* In the order in which they are served. */
const struct vsc_request vsc_requests[VSC_REQUESTS] = {
	{ VSC_WANT_HWCAPS, &hwcaps_list },
	{ VSC_WANT_OFFLOADS, &off_list },
	{ VSC_WANT_RSS, &vsc_rss_list },
	{ VSC_WANT_MCAST, &mcast_list },
	{ VSC_WANT_FILTER, &filter_list },
	{ VSC_WANT_MAC, &mac_list },
	{ VSC_WANT_LINK, &link_list },
};
