/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RNDIS control messages.
 *
 * Theory of operation.  RNDIS control messages.  Ours go by guest physical
 * address from one page, so that they never cross one: requests in its first
 * half, the answer to a keepalive in its second.  A request is over when its
 * packet was completed and its reply came, in either order; the page is the
 * host's until then.  HALT has no reply.
 *
 * The host's come in the receive buffer, which it can write at any time: each
 * is copied once to private memory and decoded there.
 *
 * Context: control, which owns the primary channel.
 */
#include "vsc/vsc_priv.h"

#define RNDIS_ANSWER_OFF	2048u	/* of the control page */

/* Send len bytes at off of the control page.  0 with *xact, or E_*. */
static int
rndis_page_send(struct vsc *v, uint32_t off, uint32_t len, uint64_t *xact)
{
	struct vsc_queue *q = v->q[0];
	struct gpa_piece piece = { v->ctl.page.gpa + off, len };
	struct nvs_msg m = { .type = NVS_RNDIS };
	struct vmpkt_out p = { .type = VMPKT_GPA_DIRECT,
	    .flags = VMPKT_F_COMPLETE };
	uint8_t ext[VMPKT_SG_EXT_BYTES(1)];
	uint8_t buf[NVS_MSG_BYTES_MAX];
	int rc;

	p.xact = vsc_xact_new(v);
	if (p.xact == 0)
		return E_NOMEM;
	m.rndis.channel = NVS_CHANNEL_CONTROL;
	m.rndis.section = NVS_SECTION_NONE;
	p.ext.p = ext;
	p.ext.len = vmpkt_gpa_sg_put(ext, sizeof(ext), &piece, 1);
	p.data.p = buf;
	p.data.len = nvs_msg_encode(&m, NVS_MSG_BYTES_6_1, buf);
	*xact = p.xact;
	rc = chan_send(q->chan, &p);
	if (rc < 0) {
		(void)vsc_xact_end(v, p.xact);
		return rc;
	}
	if (v->ops->trace != NULL)
		v->ops->trace(v->ctx, true, true, (struct span){
		    (const uint8_t *)v->ctl.page.va + off, len });
	chan_commit(q->chan);
	q->dirty = false;
	return 0;
}

int
vsc_rndis_send(struct vsc *v, struct rndis_msg *m)
{
	struct vsc_ctl *ctl = &v->ctl;
	uint32_t len;
	int rc;

	/* FreeBSD keeps control ids in the high half; so do we. */
	ctl->req_id += 0x10000;
	if (ctl->req_id == 0)
		ctl->req_id = 0x10000;
	if (m->type == RNDIS_INIT)
		m->init.req_id = ctl->req_id;
	else if (m->type == RNDIS_HALT)
		m->req_id = ctl->req_id;
	else
		m->query.req_id = ctl->req_id;
	len = rndis_msg_encode(m, ctl->page.va, RNDIS_ANSWER_OFF);
	if (len == 0)
		return E_STATE;
	ctl->want_reply = m->type != RNDIS_HALT;
	ctl->got_reply = false;
	ctl->got_completion = false;
	vsc_ctl_wait(v, VSC_WAIT_RNDIS, NULL);
	ctl->page_busy = true;
	rc = rndis_page_send(v, 0, len, &ctl->rndis_xact);
	if (rc < 0) {
		ctl->page_busy = false;
		ctl->wait = VSC_WAIT_NONE;
		if (rc != E_AGAIN)
			return rc;
		if (chan_want_space(v->q[0]->chan, 96))
			return VSC_STEP_AGAIN;
		return vsc_ctl_wait(v, VSC_WAIT_SPACE, NULL);
	}
	return VSC_STEP_WAIT;
}

int
vsc_rndis_query(struct vsc *v, uint32_t oid, struct span info)
{
	struct rndis_msg m = { .type = RNDIS_QUERY };

	m.query.oid = oid;
	m.query.info = info;
	return vsc_rndis_send(v, &m);
}

int
vsc_rndis_set(struct vsc *v, uint32_t oid, struct span info)
{
	struct rndis_msg m = { .type = RNDIS_SET };

	m.query.oid = oid;
	m.query.info = info;
	return vsc_rndis_send(v, &m);
}

static void
rndis_exchange_check(struct vsc *v)
{
	struct vsc_ctl *ctl = &v->ctl;

	if (ctl->got_completion && (ctl->got_reply || !ctl->want_reply)) {
		ctl->page_busy = false;
		vsc_ctl_event(v, VSC_WAIT_RNDIS, NULL, 0);
		vsc_ctl_event(v, VSC_WAIT_SETTLE, NULL, 0);
	}
}

void
vsc_rndis_completion(struct vsc *v, uint64_t xact, uint32_t status)
{
	struct vsc_ctl *ctl = &v->ctl;

	if (xact == ctl->answer_xact) {
		ctl->answer_busy = false;
		return;
	}
	if (xact != ctl->rndis_xact || !ctl->page_busy)
		return;
	ctl->got_completion = true;
	if (status != NVS_STATUS_OK) {
		/* The host did not take it: no reply will come. */
		ctl->page_busy = false;
		(void)vsc_fault(v->q[0], FAULT_NVS_STATUS, status, "RNDIS");
		vsc_ctl_event(v, VSC_WAIT_RNDIS, NULL, E_PEER);
		return;
	}
	rndis_exchange_check(v);
}

/* The reply to the present request: keep it with its own copy of the info. */
static int
rndis_reply(struct vsc *v, uint32_t req_id, const struct rndis_msg *m)
{
	struct vsc_ctl *ctl = &v->ctl;

	if (!ctl->page_busy || ctl->got_reply || !ctl->want_reply ||
	    req_id != ctl->req_id)
		return vsc_fault(v->q[0], FAULT_XACT_ID, req_id, "RNDIS");
	ctl->rndis = *m;
	if (m->type == RNDIS_QUERY_DONE && m->done.info.len != 0) {
		memcpy(ctl->reply, m->done.info.p, m->done.info.len);
		ctl->rndis.done.info.p = ctl->reply;
	}
	ctl->got_reply = true;
	rndis_exchange_check(v);
	return 0;
}

static void
rndis_keepalive(struct vsc *v, uint32_t req_id)
{
	struct rndis_msg m = { .type = RNDIS_KEEPALIVE_DONE };
	struct vsc_ctl *ctl = &v->ctl;
	uint8_t *page = (uint8_t *)ctl->page.va + RNDIS_ANSWER_OFF;
	uint32_t len;

	/* One answer at a time; the host asks again. */
	if (ctl->answer_busy)
		return;
	m.done.req_id = req_id;
	len = rndis_msg_encode(&m, page, HV_PAGE_SIZE - RNDIS_ANSWER_OFF);
	if (rndis_page_send(v, RNDIS_ANSWER_OFF, len, &ctl->answer_xact) == 0)
		ctl->answer_busy = true;
}

static void
rndis_indication(struct vsc *v, uint32_t status)
{
	switch (status) {
	case RNDIS_STATUS_MEDIA_CONNECT:
	case RNDIS_STATUS_MEDIA_DISCONNECT:
	case RNDIS_STATUS_LINK_SPEED:
		v->want |= VSC_WANT_LINK;
		break;
	case RNDIS_STATUS_NETWORK_CHANGE:
		v->want |= VSC_WANT_FLAP;
		break;
	case RNDIS_STATUS_OFFLOAD_CONFIG:
		/* An echo of what we set, or a host that offers anew. */
		v->want |= VSC_WANT_HWCAPS;
		break;
	default:
		break;
	}
}

int
vsc_rndis_input(struct vsc_queue *q, const uint8_t *shared, uint32_t len)
{
	struct vsc *v = q->vsc;
	struct span raw = { v->ctl.in, min_u32(len, VSC_CTL_BYTES) };
	struct rndis_msg m;
	enum fault why;

	if (q->index != 0)
		return vsc_fault(q, FAULT_NVS_STATE, 0, "RNDIS");
	memcpy(v->ctl.in, shared, raw.len);
	if (rndis_msg_decode(&m, raw, &why) < 0)
		return vsc_fault(q, why, 0, "RNDIS");
	if (v->ops->trace != NULL) {
		struct rndis_hdr_wire h;

		memcpy(&h, raw.p, sizeof(h));
		v->ops->trace(v->ctx, false, true, (struct span){ raw.p,
		    min_u32(raw.len, le32_get(h.len)) });
	}
	switch (m.type) {
	case RNDIS_INIT_DONE:
		return rndis_reply(v, m.init_done.req_id, &m);
	case RNDIS_QUERY_DONE:
	case RNDIS_SET_DONE:
		return rndis_reply(v, m.done.req_id, &m);
	case RNDIS_KEEPALIVE:
		rndis_keepalive(v, m.req_id);
		return 0;
	case RNDIS_INDICATE_STATUS:
		rndis_indication(v, m.status.status);
		return 0;
	default:
		return vsc_fault(q, FAULT_RNDIS_TYPE, m.type, "RNDIS");
	}
}
