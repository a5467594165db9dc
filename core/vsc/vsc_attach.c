/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order in which a NetVSC attaches.
 *
 * Theory of operation.  Bring-up, as one list of steps in the order that hosts
 * enforce: open the primary, NVSP version (newest first), NDIS configuration
 * and version, receive buffer, send buffer, RNDIS INIT, queries, offloads, RSS
 * capabilities, sub-channels, RSS parameters, packet filter.  The filter comes
 * last: no frame is delivered before it.
 *
 * A host that refuses an optional part (send buffer, offloads, RSS,
 * sub-channels) is served without; one that refuses the rest fails the attach
 * with E_NOTSUP, and one that answers nonsense with E_PEER.
 *
 * Context: control.
 */
#include "pkt/pkt_toeplitz.h"
#include "vsc/vsc_priv.h"

/* ---- channels ----------------------------------------------------------- */

static int
queue_open(struct vsc_queue *q)
{
	struct vsc *v = q->vsc;
	uint32_t bytes = v->cfg.tune.ring_pages * HV_PAGE_SIZE;
	struct chan_open o = { .to_host_bytes = bytes };
	int rc;

	if (q->gone)
		return E_GONE;
	rc = vsc_mem_take(v, q->chan, CHAN_GIVEN_RING, 2 * bytes, &q->ring,
	    &q->ring_given);
	if (rc < 0)
		return rc;
	o.ring = q->ring;
	if (q->ring_given)
		o.to_host_bytes = o.ring.bytes / 2;
	o.vp = v->ops->queue_vp(v->ctx, q->index);
	q->state = VSC_CHAN_OPENING;
	vsc_ctl_wait(v, VSC_WAIT_OPEN, q->chan);
	rc = q->chan->ops->open(q->chan, &o);
	if (rc < 0) {
		q->state = VSC_CHAN_CLOSED;
		return rc;
	}
	return VSC_STEP_WAIT;
}

static int
open_start(struct vsc *v)
{
	int rc = vsc_mem_alloc(v, HV_PAGE_SIZE, &v->ctl.page);

	return rc < 0 ? rc : queue_open(v->q[0]);
}

/* ---- sub-channels ------------------------------------------------------- */

static int
subs_start(struct vsc *v)
{
	struct nvs_msg m = { .type = NVS_SUBCHAN };

	if (v->nsub_asked == 0)
		return VSC_STEP_NEXT;
	m.subchan.op = NVS_SUBCHAN_ALLOC;
	m.subchan.count = v->nsub_asked;
	return vsc_nvs_send(v, &m, true);
}

static int
subs_done(struct vsc *v)
{
	const struct nvs_subchan_done *d = &v->ctl.nvs.subchan_done;
	int rc = vsc_nvs_reply_check(v, NVS_SUBCHAN);

	if (rc < 0)
		return rc;
	v->nsub_asked = d->status == NVS_STATUS_OK ?
	    min_u32(d->count, v->nsub_asked) : 0;
	return VSC_STEP_NEXT;
}

static bool
subs_here(const struct vsc *v)
{
	for (uint32_t i = 1; i <= v->nsub_asked; i++) {
		if (v->q[i] == NULL)
			return false;
	}
	return true;
}

void
vsc_sub_offered(struct vsc *v, struct chan *sub)
{
	uint32_t k = sub->subindex;

	if (v->state != VSC_ATTACHING || v->attached || k == 0 ||
	    k >= VSC_MAX_QUEUES || v->q[k] != NULL)
		return;
	if (vsc_queue_new(v, sub, k) == NULL) {
		vsc_break(v, E_NOMEM, FAULT_NONE, "sub-channel");
		return;
	}
	if (subs_here(v))
		vsc_ctl_event(v, VSC_WAIT_SUBS, NULL, 0);
}

static int
offers_start(struct vsc *v)
{
	return subs_here(v) ? VSC_STEP_NEXT :
	    vsc_ctl_wait(v, VSC_WAIT_SUBS, NULL);
}

/* A host that offers fewer than it granted is served with those. */
static int
offers_done(struct vsc *v)
{
	return v->ctl.err == E_GONE ? E_GONE : VSC_STEP_NEXT;
}

static int
queues_start(struct vsc *v)
{
	uint32_t n = 1;

	while (n <= v->nsub_asked && v->q[n] != NULL)
		n++;
	v->caps.queues = n;
	v->at_queue = 0;
	for (uint32_t i = 0; i < n; i++) {
		int rc = vsc_queue_tx_alloc(v->q[i]);

		if (rc < 0)
			return rc;
	}
	return VSC_STEP_NEXT;
}

static int
sub_open_start(struct vsc *v)
{
	if (++v->at_queue >= v->caps.queues)
		return VSC_STEP_NEXT;
	return queue_open(v->q[v->at_queue]);
}

static int
sub_open_done(struct vsc *v)
{
	return v->ctl.err < 0 ? v->ctl.err : VSC_STEP_AGAIN;
}

/* ---- the rest ----------------------------------------------------------- */

static int
filter_start(struct vsc *v)
{
	le32_t w = le32_put(v->cfg.filter);

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
	{ "sub-channels", subs_start, subs_done },
	{ "sub-channel offers", offers_start, offers_done },
	{ "queue memory", queues_start, NULL },
	{ "sub-channel open", sub_open_start, sub_open_done },
	{ "RSS parameters", vsc_rss_start, vsc_rss_done },
	{ "packet filter", filter_start, filter_done },
};
static const struct vsc_list attach_list = {
	attach_steps, ARRAY_LEN(attach_steps), attach_end
};

static const struct vsc_step filter_steps[] = {
	{ "packet filter", filter_start, filter_done },
};
const struct vsc_list vsc_filter_list = { filter_steps, 1, NULL };

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
const struct vsc_list vsc_mac_list = { mac_steps, 1, NULL };

static const struct vsc_step off_steps[] = {
	{ "offload parameters", vsc_off_start, vsc_off_done },
};
const struct vsc_list vsc_off_list = { off_steps, 1, NULL };

static const struct vsc_step hwcaps_steps[] = {
	{ "hardware capabilities", vsc_hwcaps_start, vsc_hwcaps_again_done },
};
const struct vsc_list vsc_hwcaps_list = { hwcaps_steps, 1, NULL };

static const struct vsc_step link_steps[] = {
	{ "link state", vsc_link_start, vsc_link_done },
	{ "link speed", vsc_speed_start, vsc_speed_done },
};
const struct vsc_list vsc_link_list = { link_steps, 2, link_end };

struct vsc *
vsc_attach(const struct vsc_config *cfg, const struct vsc_ops *ops, void *ctx,
    struct chan *primary, uint64_t now_ns)
{
	static const uint8_t no_key[NDIS_RSS_KEY_BYTES];
	struct vsc *v = ops->alloc(ctx, sizeof(*v));

	(void)now_ns;	/* the first vsc_timer() begins */
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
	if (vsc_queue_new(v, primary, 0) == NULL) {
		ops->free(ctx, v, sizeof(*v));
		return NULL;
	}
	vsc_ctl_start(v, &attach_list);
	return v;
}

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
vsc_set_mac(struct vsc *v, const uint8_t mac[6])
{
	if (v->state != VSC_UP)
		return E_STATE;
	memcpy(v->new_mac, mac, sizeof(v->new_mac));
	return vsc_ctl_want(v, VSC_WANT_MAC);
}

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
