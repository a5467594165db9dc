/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control messages and completions that come from the host.
 *
 * Theory of operation.  Completions with VSC_XACT_CTL end exchanges of ours;
 * they carry an NVSP reply, or only report that an RNDIS message was taken.
 * In-band come the host's send table, VF association and a switch of the data
 * path.  We have no VF, so the latter two are counted.
 *
 * Context: control; the owner of the primary has copied each message into the
 * mailbox (vsc_mail.c) and acknowledged it.
 */
#include "vsc/vsc_priv.h"

/* ---- completions -------------------------------------------------------- */

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

/* The completion of the packet with our control message. */
static void
rndis_completion(struct vsc *v, uint64_t xact, uint32_t status)
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

static void
nvs_completion(struct vsc *v, uint64_t xact, struct span raw)
{
	struct vsc_queue *q = v->q[0];
	struct nvs_msg m;
	enum fault why;

	if (!vsc_xact_end(v, xact)) {
		(void)vsc_fault(q, FAULT_XACT_ID, xact, "completion");
		return;
	}
	if (nvs_msg_decode(&m, raw, v->caps.nvsp_version, &why) < 0) {
		(void)vsc_fault(q, why, 0, "completion");
		return;
	}
	if (v->ctl.wait == VSC_WAIT_NVS && xact == v->ctl.xact) {
		v->ctl.nvs = m;
		vsc_ctl_event(v, VSC_WAIT_NVS, NULL, 0);
		return;
	}
	if (m.type == NVS_RNDIS_DONE) {
		rndis_completion(v, xact, m.rndis_status);
	} else if (v->state != VSC_DETACHING) {
		(void)vsc_fault(q, FAULT_NVS_TYPE, m.type, "completion");
		return;
	}
	/* An exchange that detach cut off. */
	vsc_ctl_event(v, VSC_WAIT_SETTLE, NULL, 0);
}

/* ---- messages ----------------------------------------------------------- */

static void
nvs_message(struct vsc *v, struct span raw)
{
	struct vsc_queue *q = v->q[0];
	struct nvs_msg m;
	enum fault why;

	if (nvs_msg_decode(&m, raw, v->caps.nvsp_version, &why) < 0) {
		/*
		 * Newer hosts have newer messages: Linux (netvsc.c,
		 * netvsc_receive_inband) and FreeBSD ignore them.
		 */
		if (why == FAULT_NVS_TYPE)
			(void)fault_note(&q->chan->faults, why, raw.len);
		else
			(void)vsc_fault(q, why, 0, "message");
		return;
	}
	switch ((uint32_t)m.type) {
	case NVS_SEND_TABLE:
		vsc_send_table_set(v, &m.send_table);
		break;
	case NVS_VF_ASSOCIATION:
	case NVS_DATAPATH:
		v->vf_messages++;
		break;
	default:
		(void)vsc_fault(q, FAULT_NVS_TYPE, m.type, "message");
		break;
	}
}

/* The reply to the present request: keep it with its own copy of the info. */
static void
rndis_reply(struct vsc *v, uint32_t req_id, const struct rndis_msg *m)
{
	struct vsc_ctl *ctl = &v->ctl;

	if (!ctl->page_busy || ctl->got_reply || !ctl->want_reply ||
	    req_id != ctl->req_id) {
		(void)vsc_fault(v->q[0], FAULT_XACT_ID, req_id, "RNDIS");
		return;
	}
	ctl->rndis = *m;
	if (m->type == RNDIS_QUERY_DONE && m->done.info.len != 0) {
		memcpy(ctl->reply, m->done.info.p, m->done.info.len);
		ctl->rndis.done.info.p = ctl->reply;
	}
	ctl->got_reply = true;
	rndis_exchange_check(v);
}

static void
rndis_keepalive(struct vsc *v, uint32_t req_id)
{
	struct rndis_msg m = { .type = RNDIS_KEEPALIVE_DONE };
	struct vsc_ctl *ctl = &v->ctl;
	uint8_t *page = (uint8_t *)ctl->page.va + VSC_ANSWER_OFF;
	uint32_t len;

	/* One answer at a time; the host asks again. */
	if (ctl->answer_busy)
		return;
	m.done.req_id = req_id;
	len = rndis_msg_encode(&m, page, HV_PAGE_SIZE - VSC_ANSWER_OFF);
	if (vsc_rndis_page_send(v, VSC_ANSWER_OFF, len,
	    &ctl->answer_xact) == 0)
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
		/* An echo of what we set, or a host that offers again. */
		v->want |= VSC_WANT_HWCAPS;
		break;
	default:
		break;
	}
}

static void
rndis_message(struct vsc *v, struct span raw)
{
	struct vsc_queue *q = v->q[0];
	struct rndis_msg m;
	enum fault why;

	if (rndis_msg_decode(&m, raw, &why) < 0) {
		(void)vsc_fault(q, why, 0, "RNDIS");
		return;
	}
	switch (m.type) {
	case RNDIS_INIT_DONE:
		rndis_reply(v, m.init_done.req_id, &m);
		break;
	case RNDIS_QUERY_DONE:
	case RNDIS_SET_DONE:
		rndis_reply(v, m.done.req_id, &m);
		break;
	case RNDIS_KEEPALIVE:
		rndis_keepalive(v, m.req_id);
		break;
	case RNDIS_INDICATE_STATUS:
		rndis_indication(v, m.status.status);
		break;
	default:
		(void)vsc_fault(q, FAULT_RNDIS_TYPE, m.type, "RNDIS");
		break;
	}
}

void
vsc_ctl_mail(struct vsc *v)
{
	const struct vsc_mail *m;

	while ((m = vsc_mail_first(v)) != NULL) {
		const struct span raw = { m->bytes, m->len };

		if (vsc_is_broken(v))
			;	/* what a liar says is not read on */
		else if (m->kind == VSC_MAIL_COMPLETION)
			nvs_completion(v, m->xact, raw);
		else if (m->kind == VSC_MAIL_NVS)
			nvs_message(v, raw);
		else
			rndis_message(v, raw);
		vsc_mail_drop(v);
	}
}
