/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's calls for control: attach, detach, settings, capabilities.
 *
 * Theory of operation.  Attach and detach start a list of steps (vsc_attach.c,
 * vsc_detach.c), which the engine (vsc_ctl.c) runs.  A setting is stored and
 * marked as wanted; the engine sends it to the host after the exchanges under
 * way.  Of two settings of one kind the later one counts.
 *
 * Context: control.
 */
#include "pkt/pkt_toeplitz.h"
#include "vsc/vsc_priv.h"

struct vsc *
vsc_attach(const struct vsc_config *cfg, const struct vsc_ops *ops, void *ctx,
    struct chan *primary)
{
	static const uint8_t no_key[NDIS_RSS_KEY_BYTES];
	struct vsc *v = ops->alloc(ctx, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->cfg = *cfg;
	v->ops = ops;
	v->ctx = ctx;
	v->talk = true;
	v->caps.mtu = cfg->mtu == 0 ? VSC_MTU_MAX : cfg->mtu;
	v->caps.queues = 1;
	v->caps.vmbus_version = primary->vmbus_version;
	if (memcmp(cfg->rss_key, no_key, sizeof(no_key)) == 0)
		memcpy(v->rss_key, toeplitz_key_default,
		    sizeof(v->rss_key));
	else
		memcpy(v->rss_key, cfg->rss_key, sizeof(v->rss_key));
	if (vsc_queue_new(v, primary, 0, &vsc_chan_events) == NULL) {
		ops->free(ctx, v, sizeof(*v));
		return NULL;
	}
	v->ctl.request = vsc_requests;
	v->ctl.requests = VSC_REQUESTS;
	vsc_ctl_start(v, &vsc_attach_list);
	return v;
}

void
vsc_detach(struct vsc *v)
{
	if (v->state == VSC_DETACHING || v->state == VSC_DOWN)
		return;
	if (vsc_is_broken(v))
		v->talk = false;
	v->state = VSC_DETACHING;
	v->want = 0;
	os_st32(&v->rx_on, 0);
	vsc_ctl_start(v, &vsc_detach_list);
	vsc_ctl_run(v);
}

void
vsc_free(struct vsc *v)
{
	OS_ASSERT(v->state == VSC_DOWN);
	vsc_holds_free(v);
	v->ops->free(v->ctx, v, sizeof(*v));
}

/* ---- requests ----------------------------------------------------------- */

int
vsc_set_filter(struct vsc *v, uint32_t ndis_filter)
{
	if (v->state == VSC_ATTACHING) {
		/* Its own filter may be on its way already: once more then. */
		v->cfg.filter = ndis_filter;
		v->want |= VSC_WANT_FILTER;
		return 0;
	}
	if (v->state != VSC_UP)
		return E_STATE;
	v->cfg.filter = ndis_filter;
	return vsc_ctl_want(v, VSC_WANT_FILTER);
}

int
vsc_set_multicast(struct vsc *v, const uint8_t (*groups)[6], uint32_t n)
{
	if (v->state != VSC_ATTACHING && v->state != VSC_UP)
		return E_STATE;
	if (n > 0 && n <= VSC_MCAST_MAX)
		memcpy(v->mcast, groups, n * sizeof(v->mcast[0]));
	v->mcasts = n;
	v->mcast_all = true;
	if (v->state == VSC_ATTACHING) {
		v->want |= VSC_WANT_MCAST;
		return 0;
	}
	return vsc_ctl_want(v, VSC_WANT_MCAST);
}

int
vsc_set_mac(struct vsc *v, const uint8_t mac[6])
{
	if (v->state != VSC_UP)
		return E_STATE;
	memcpy(v->new_mac, mac, sizeof(v->new_mac));
	return vsc_ctl_want(v, VSC_WANT_MAC);
}

int
vsc_set_offloads(struct vsc *v, uint32_t offloads)
{
	if (v->state != VSC_UP)
		return E_STATE;
	v->cfg.offloads = offloads;
	return vsc_ctl_want(v, VSC_WANT_OFFLOADS);
}

int
vsc_set_rss(struct vsc *v, const uint8_t key[40], const uint32_t *table,
    uint32_t entries)
{
	if (v->state != VSC_UP || entries == 0 || entries > v->rss_entries ||
	    (entries & (entries - 1)) != 0)
		return E_STATE;
	if (v->caps.queues < 2)
		return E_NOTSUP;
	for (uint32_t i = 0; i < entries; i++) {
		if (table[i] >= v->caps.queues)
			return E_STATE;
	}
	memcpy(v->rss_key, key, sizeof(v->rss_key));
	/* A short table is tiled here, so that the host gets a whole one. */
	for (uint32_t i = 0; i < v->rss_entries; i++)
		v->rss_table[i] = table[i % entries];
	return vsc_ctl_want(v, VSC_WANT_RSS);
}

int
vsc_get_rss(const struct vsc *v, uint8_t key[40], uint32_t *table,
    uint32_t cap)
{
	uint32_t n = min_u32(cap, v->rss_entries);

	if (v->caps.queues < 2)
		return 0;
	memcpy(key, v->rss_key, sizeof(v->rss_key));
	memcpy(table, v->rss_table, n * sizeof(table[0]));
	return (int)n;
}

/* ---- state -------------------------------------------------------------- */

const struct vsc_caps *
vsc_caps(const struct vsc *v)
{
	return &v->caps;
}

uint32_t
vsc_leaked_bytes(const struct vsc *v)
{
	return os_ld32(&v->leaked);
}
