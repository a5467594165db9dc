/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends RNDIS control messages.
 *
 * Theory of operation.  Ours go by guest physical address from one page, so
 * that they never cross one: requests in its first half, the answer to a
 * keepalive in its second.  A request is over when its packet was completed
 * and its reply came (vsc_ctlin.c), in either order; the page is the host's
 * until then.  HALT has no reply.
 *
 * Context: control.
 */
#include "vsc/vsc_priv.h"

int
vsc_rndis_page_send(struct vsc *v, uint32_t off, uint32_t len, uint64_t *xact)
{
	struct vsc_queue *q = v->q[0];
	struct gpa_piece piece = { v->ctl.page.gpa + off, len };
	struct nvs_msg m = { .type = NVS_RNDIS };
	struct vmpkt_out p = { .type = VMPKT_GPA_DIRECT,
	    .flags = VMPKT_F_COMPLETE };
	uint8_t ext[VMPKT_SG_EXT_BYTES(1)];
	uint8_t buf[NVS_MSG_BYTES_MAX];
	bool locked;
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
	locked = vsc_send_lock(q);
	rc = chan_send(q->chan, &p);
	if (rc == 0)
		chan_commit(q->chan);
	vsc_send_unlock(q, locked);
	if (rc < 0)
		(void)vsc_xact_end(v, p.xact);
	return rc;
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
	len = rndis_msg_encode(m, ctl->page.va, VSC_ANSWER_OFF);
	if (len == 0)
		return E_STATE;
	ctl->want_reply = m->type != RNDIS_HALT;
	ctl->got_reply = false;
	ctl->got_completion = false;
	vsc_ctl_wait(v, VSC_WAIT_RNDIS, NULL);
	ctl->page_busy = true;
	rc = vsc_rndis_page_send(v, 0, len, &ctl->rndis_xact);
	if (rc < 0) {
		ctl->page_busy = false;
		ctl->wait = VSC_WAIT_NONE;
		if (rc != E_AGAIN)
			return rc;
		if (vsc_want_space(v->q[0], 96))
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
