/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive side scaling: key, tables, the send table.
 *
 * Theory of operation.  Receive side scaling at the guest end: ask the host
 * for its queues and table size, set key and indirection table, and keep the
 * table by which the host wants our frames spread over channels (NVSP 134).
 * A running table is changed by "disable", then "set": hosts do not all take a
 * change in place (FreeBSD hn_rss_reconfig).
 *
 * Context: control, except vsc_tx_select(), which any owner may call.
 */
#include "vsc/vsc_priv.h"

int
vsc_rss_caps_start(struct vsc *v)
{
	uint32_t wanted = v->cfg.tune.chan_cnt != 0 ? v->cfg.tune.chan_cnt :
	    v->cfg.vps;
	uint8_t buf[20];
	uint32_t len;

	wanted = min_u32(wanted, VSC_MAX_QUEUES);
	v->nsub_asked = wanted > 1 ? wanted - 1 : 0;
	if (v->caps.nvsp_version < NVS_V5)
		v->nsub_asked = 0;
	if (v->nsub_asked == 0)
		return VSC_STEP_NEXT;
	len = ndis_rss_caps_ask(2, buf);
	return vsc_rndis_query(v, OID_GEN_RSS_CAPABILITIES,
	    (struct span){ buf, len });
}

static uint32_t
rss_hash_types(uint32_t caps)
{
	uint32_t types = 0;

	if ((caps & NDIS_RSS_CAP_IPV4) != 0)
		types |= NDIS_HASH_IPV4 | NDIS_HASH_TCP4;
	if ((caps & NDIS_RSS_CAP_IPV6) != 0)
		types |= NDIS_HASH_IPV6 | NDIS_HASH_TCP6;
	if ((caps & NDIS_RSS_CAP_UDP4) != 0)
		types |= NDIS_HASH_UDP4;
	if ((caps & NDIS_RSS_CAP_UDP6) != 0)
		types |= NDIS_HASH_UDP6;
	return types;
}

int
vsc_rss_caps_done(struct vsc *v)
{
	const struct rndis_done *d = &v->ctl.rndis.done;
	struct ndis_rss_caps *c = &v->rss_caps;
	uint32_t queues;
	enum fault why;

	if (v->ctl.err < 0)
		return v->ctl.err;
	if (v->ctl.rndis.type != RNDIS_QUERY_DONE ||
	    d->status != RNDIS_STATUS_OK) {
		v->nsub_asked = 0;
		return VSC_STEP_NEXT;
	}
	if (ndis_rss_caps_decode(c, d->info, &why) < 0)
		return vsc_fault(v->q[0], why, d->info.len,
		    "RSS capabilities");
	v->rss_hash_types = rss_hash_types(c->caps);
	v->rss_entries = NDIS_RSS_ENTRIES_MAX;
	while (v->rss_entries > c->entries && v->rss_entries > 1)
		v->rss_entries >>= 1;
	queues = min_u32(min_u32(c->queues, v->rss_entries),
	    v->nsub_asked + 1);
	if ((c->caps & NDIS_RSS_CAP_TOEPLITZ) == 0 || v->rss_hash_types == 0)
		queues = 1;
	v->nsub_asked = queues > 1 ? queues - 1 : 0;
	return VSC_STEP_NEXT;
}

static int
rss_send(struct vsc *v, bool disable)
{
	struct ndis_rss_params p = { .rev = 2 };
	uint8_t buf[NDIS_RSS_PARAMS_MAX];
	uint32_t len;

	p.hash_info = v->rss_hash_types | NDIS_HASH_FUNC_TOEPLITZ;
	p.entries = v->rss_entries;
	p.has_key = true;
	if (disable)
		p.flags = NDIS_RSS_F_DISABLE;
	memcpy(p.key, v->rss_key, sizeof(p.key));
	memcpy(p.entry, v->rss_table, v->rss_entries * sizeof(p.entry[0]));
	len = ndis_rss_params_encode(&p, buf);
	return vsc_rndis_set(v, OID_GEN_RSS_PARAMETERS,
	    (struct span){ buf, len });
}

int
vsc_rss_start(struct vsc *v)
{
	if (v->caps.queues < 2)
		return VSC_STEP_NEXT;
	if (!v->attached) {
		for (uint32_t i = 0; i < v->rss_entries; i++)
			v->rss_table[i] = i % v->caps.queues;
	}
	return rss_send(v, false);
}

/* A host that refuses keeps all on channel 0: that works. */
int
vsc_rss_done(struct vsc *v)
{
	return v->ctl.err < 0 ? v->ctl.err : VSC_STEP_NEXT;
}

static int
rss_disable_start(struct vsc *v)
{
	return rss_send(v, true);
}

static const struct vsc_step rss_steps[] = {
	{ "RSS off", rss_disable_start, vsc_rss_done },
	{ "RSS parameters", vsc_rss_start, vsc_rss_done },
};
const struct vsc_list vsc_rss_list = { rss_steps, 2, NULL };

void
vsc_send_table_set(struct vsc *v, const struct nvs_send_table *t)
{
	uint32_t count = min_u32(t->count, NVS_SEND_TABLE_ENTRIES);

	if (count == 0)
		return;
	for (uint32_t i = 0; i < count; i++)
		os_st32(&v->send_table[i], t->entry[i]);
	os_st32_rel(&v->send_count, count);
	if (v->ops->send_table != NULL)
		v->ops->send_table(v->ctx, v->send_table, count);
}

uint32_t
vsc_tx_select(const struct vsc *v, uint32_t hash)
{
	uint32_t count = os_ld32_acq(&v->send_count);

	/* The host may name channels that we have not opened. */
	if (count != 0)
		return os_ld32(&v->send_table[hash % count]) % v->caps.queues;
	return hash % v->caps.queues;
}
