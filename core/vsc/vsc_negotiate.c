/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Negotiation: versions, shared buffers, what the NIC is.
 *
 * Theory of operation.  The steps of attach that make the host's acquaintance:
 * NVSP version, NDIS configuration, the two shared buffers, RNDIS INIT and the
 * queries of what the NIC is.  Every answer is checked before it is kept.
 * vsc_attach.c has the order.
 *
 * Context: control.
 */
#include "vsc/vsc_priv.h"

#define HELLO_RNDIS_MAX_XFER	0x4000u	/* what Linux says in INIT */
#define HELLO_RXBUF_OLD		(15u << 20) /* limit of NVSP 1 and 2 */

/* ---- NVSP --------------------------------------------------------------- */

int
vsc_init_start(struct vsc *v)
{
	struct nvs_msg m = { .type = NVS_INIT };

	while (v->nvs_try < NVS_VERSIONS && v->cfg.max_nvsp != 0 &&
	    nvs_versions[v->nvs_try] > v->cfg.max_nvsp)
		v->nvs_try++;
	if (v->nvs_try == NVS_VERSIONS)
		return E_NOTSUP;
	m.init.version = nvs_versions[v->nvs_try];
	m.init.version_hi = m.init.version;
	return vsc_nvs_send(v, &m, true);
}

int
vsc_init_done(struct vsc *v)
{
	int rc = vsc_nvs_reply_check(v, NVS_INIT_DONE);

	if (rc < 0)
		return rc;
	if (v->ctl.nvs.init_done.status != NVS_STATUS_OK) {
		v->nvs_try++;
		return VSC_STEP_AGAIN;
	}
	v->caps.nvsp_version = nvs_versions[v->nvs_try];
	v->caps.ndis_version = v->caps.nvsp_version >= NVS_V5 ?
	    6u << 16 | 30 : 6u << 16 | 1;
	return VSC_STEP_NEXT;
}

int
vsc_config_start(struct vsc *v)
{
	struct nvs_msg m = { .type = NVS_NDIS_CONFIG };

	if (v->caps.nvsp_version < NVS_V2)
		return VSC_STEP_NEXT;
	m.ndis_config.mtu = pkt_frame_max(v->caps.mtu, 0);
	m.ndis_config.caps = NVS_CAP_8021Q;
	if (v->caps.nvsp_version >= NVS_V5)
		m.ndis_config.caps |= NVS_CAP_SRIOV;
	if (v->caps.nvsp_version >= NVS_V6_1 &&
	    (v->cfg.offloads & (VSC_OFF_RSC4 | VSC_OFF_RSC6)) != 0)
		m.ndis_config.caps |= NVS_CAP_RSC;
	return vsc_nvs_send(v, &m, false);
}

int
vsc_version_start(struct vsc *v)
{
	struct nvs_msg m = { .type = NVS_NDIS_VERSION };

	m.ndis_version.major = v->caps.ndis_version >> 16;
	m.ndis_version.minor = v->caps.ndis_version & 0xffff;
	return vsc_nvs_send(v, &m, false);
}

/* Shared memory and its GPADL. */
static int
buf_start(struct vsc *v, struct vsc_buf *b, enum chan_given what,
    uint32_t bytes)
{
	struct chan *c = v->q[0]->chan;
	int rc;

	rc = vsc_mem_take(v, c, what, align_up(bytes, HV_PAGE_SIZE), &b->mem,
	    &b->given);
	if (rc < 0)
		return rc;
	b->state = VSC_GPADL_CREATING;
	vsc_ctl_wait(v, VSC_WAIT_GPADL, NULL);
	rc = c->ops->gpadl_create(c, &b->mem, &b->gpadl);
	if (rc < 0) {
		b->state = VSC_GPADL_NONE;
		return rc;
	}
	return VSC_STEP_WAIT;
}

int
vsc_rxbuf_start(struct vsc *v)
{
	uint32_t bytes = v->cfg.tune.rxbuf_kb << 10;

	if (v->caps.nvsp_version <= NVS_V2)
		bytes = min_u32(bytes, HELLO_RXBUF_OLD);
	return buf_start(v, &v->rxbuf, CHAN_GIVEN_RECV, bytes);
}

int
vsc_rxbuf_tell(struct vsc *v)
{
	struct nvs_msg m = { .type = NVS_RECV_BUF };

	m.buf.gpadl = v->rxbuf.gpadl;
	m.buf.id = NVS_RECV_BUF_ID;
	v->rxbuf.told = true;
	return vsc_nvs_send(v, &m, true);
}

int
vsc_rxbuf_told(struct vsc *v)
{
	const struct nvs_recv_buf_done *d = &v->ctl.nvs.recv_buf_done;
	const struct nvs_section *s = &d->section;
	int rc = vsc_nvs_reply_check(v, NVS_RECV_BUF_DONE);

	if (rc < 0)
		return rc;
	if (d->status != NVS_STATUS_OK) {
		v->rxbuf.told = false;
		(void)vsc_fault(v->q[0], FAULT_NVS_STATUS, d->status,
		    "receive buffer");
		return E_PEER;
	}
	if (d->sections != 1 || s->slot_bytes == 0 || s->slots == 0 ||
	    !range_ok(s->offset, (uint64_t)s->slot_bytes * s->slots,
	    v->rxbuf.mem.bytes))
		return vsc_fault(v->q[0], FAULT_NVS_BUFFER, s->slot_bytes,
		    "receive buffer");
	v->rx_section = *s;
	os_st32_rel(&v->rx_ready, 1);
	v->caps.rx_sections = s->slots;
	return VSC_STEP_NEXT;
}

int
vsc_sendbuf_start(struct vsc *v)
{
	if (v->cfg.tune.sendbuf_kb == 0)
		return VSC_STEP_NEXT;
	return buf_start(v, &v->sendbuf, CHAN_GIVEN_SEND,
	    v->cfg.tune.sendbuf_kb << 10);
}

int
vsc_sendbuf_tell(struct vsc *v)
{
	struct nvs_msg m = { .type = NVS_SEND_BUF };

	if (v->sendbuf.state != VSC_GPADL_UP)
		return VSC_STEP_NEXT;
	m.buf.gpadl = v->sendbuf.gpadl;
	m.buf.id = NVS_SEND_BUF_ID_BSD;
	v->sendbuf.told = true;
	return vsc_nvs_send(v, &m, true);
}

int
vsc_sendbuf_told(struct vsc *v)
{
	const struct nvs_send_buf_done *d = &v->ctl.nvs.send_buf_done;
	int rc = vsc_nvs_reply_check(v, NVS_SEND_BUF_DONE);

	if (rc < 0)
		return rc;
	if (d->status != NVS_STATUS_OK) {
		v->sendbuf.told = false;
		return VSC_STEP_NEXT;
	}
	if (d->section_bytes < PKT_HEAD_MAX ||
	    d->section_bytes > v->sendbuf.mem.bytes ||
	    d->section_bytes % 4 != 0)
		return vsc_fault(v->q[0], FAULT_NVS_BUFFER, d->section_bytes,
		    "send buffer");
	v->caps.section_bytes = d->section_bytes;
	v->caps.sections = min_u32(v->sendbuf.mem.bytes / d->section_bytes,
	    UINT16_MAX - 1024);
	return VSC_STEP_NEXT;
}

/* ---- RNDIS -------------------------------------------------------------- */

int
vsc_rinit_start(struct vsc *v)
{
	struct rndis_msg m = { .type = RNDIS_INIT };

	m.init.major = RNDIS_VERSION_MAJOR;
	m.init.minor = RNDIS_VERSION_MINOR;
	m.init.max_xfer = HELLO_RNDIS_MAX_XFER;
	return vsc_rndis_send(v, &m);
}

void
vsc_agg_set(struct vsc *v)
{
	const struct vsc_tunables *t = &v->cfg.tune;
	struct vsc_caps *c = &v->caps;

	c->agg_pkts = min_u32(t->tx_agg_pkts, v->agg_pkts);
	c->agg_bytes = min_u32(min_u32(t->tx_agg_size, v->agg_bytes),
	    c->section_bytes);
	/* Beyond a page there is nothing to gain: send them one by one. */
	if (v->agg_shift > HV_PAGE_SHIFT)
		c->agg_pkts = 0;
	else
		c->agg_align = max_u32(1u << v->agg_shift, 4);
	if (c->agg_pkts <= 1 || c->agg_bytes == 0) {
		c->agg_pkts = 1;
		c->agg_bytes = 0;
		c->agg_align = 4;
	}
}

int
vsc_rinit_done(struct vsc *v)
{
	const struct rndis_init_done *d = &v->ctl.rndis.init_done;

	if (v->ctl.err < 0)
		return v->ctl.err;
	if (v->ctl.rndis.type != RNDIS_INIT_DONE)
		return vsc_fault(v->q[0], FAULT_RNDIS_TYPE, v->ctl.rndis.type,
		    "RNDIS INIT");
	if (d->status != RNDIS_STATUS_OK)
		return E_NOTSUP;
	v->rndis_up = true;
	v->agg_pkts = d->max_packets;
	v->agg_bytes = d->max_xfer;
	v->agg_shift = d->align_shift;
	vsc_agg_set(v);
	return VSC_STEP_NEXT;
}

/* The information buffer of a query: E_NOTSUP if refused. */
static int
query_info(struct vsc *v, struct span *info, uint32_t min)
{
	*info = (struct span){ NULL, 0 };
	if (v->ctl.err < 0)
		return v->ctl.err;
	if (v->ctl.rndis.type != RNDIS_QUERY_DONE)
		return vsc_fault(v->q[0], FAULT_RNDIS_TYPE, v->ctl.rndis.type,
		    "query");
	if (v->ctl.rndis.done.status != RNDIS_STATUS_OK)
		return E_NOTSUP;
	*info = v->ctl.rndis.done.info;
	if (info->len < min)
		return vsc_fault(v->q[0], FAULT_RNDIS_INFO, info->len,
		    "query");
	return 0;
}

int
vsc_mac_start(struct vsc *v)
{
	return vsc_rndis_query(v, OID_802_3_PERMANENT_ADDRESS,
	    (struct span){ NULL, 0 });
}

int
vsc_mac_done(struct vsc *v)
{
	struct span info;
	int rc = query_info(v, &info, sizeof(v->caps.mac));

	if (rc == 0)
		memcpy(v->caps.mac, info.p, sizeof(v->caps.mac));
	return rc;
}

/* A u32 answer, *out unchanged if the host refuses. */
static int
query_u32(struct vsc *v, uint32_t *out)
{
	struct span info;
	le32_t w;
	int rc = query_info(v, &info, sizeof(w));

	if (rc == 0) {
		memcpy(&w, info.p, sizeof(w));
		*out = le32_get(w);
	}
	return rc == E_NOTSUP ? 0 : rc;
}

int
vsc_link_start(struct vsc *v)
{
	return vsc_rndis_query(v, OID_GEN_MEDIA_CONNECT_STATUS,
	    (struct span){ NULL, 0 });
}

int
vsc_link_done(struct vsc *v)
{
	uint32_t status = NDIS_MEDIA_CONNECTED;
	int rc = query_u32(v, &status);

	v->caps.link_up = status == NDIS_MEDIA_CONNECTED;
	return rc;
}

int
vsc_speed_start(struct vsc *v)
{
	return vsc_rndis_query(v, OID_GEN_LINK_SPEED,
	    (struct span){ NULL, 0 });
}

int
vsc_speed_done(struct vsc *v)
{
	uint32_t units = 0;		/* of 100 bit/s */
	int rc = query_u32(v, &units);

	v->caps.speed_bps = (uint64_t)units * 100;
	return rc;
}

int
vsc_frame_start(struct vsc *v)
{
	return vsc_rndis_query(v, OID_GEN_MAXIMUM_FRAME_SIZE,
	    (struct span){ NULL, 0 });
}

int
vsc_frame_done(struct vsc *v)
{
	uint32_t mtu = v->caps.mtu;
	int rc = query_u32(v, &mtu);

	if (rc == 0 && mtu < 68)	/* RFC 791 */
		return vsc_fault(v->q[0], FAULT_RNDIS_INFO, mtu, "MTU");
	v->caps.mtu = min_u32(v->caps.mtu, mtu);
	return rc;
}
