/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVSP control messages on the primary channel.
 *
 * Theory of operation.  NVSP control messages on the primary channel.  Requests
 * go in-band, 40 bytes long whatever the version (a host does not answer less
 * than 32).  Those that have an answer carry a transaction id of generation
 * and index with VSC_XACT_CTL, so that it can not be mistaken for one of a
 * frame; those without carry 0 and ask for no completion.
 *
 * From the host come, in-band: its send table, VF association and a switch of
 * the data path.  We have no VF, so the latter two are counted; a completion,
 * if asked for, goes with the receive acknowledgements.
 *
 * Context: control, which owns the primary channel.
 */
#include "vsc/vsc_priv.h"

uint64_t
vsc_xact_new(struct vsc *v)
{
	for (uint32_t i = 0; i < VSC_CTL_XACTS; i++) {
		if (v->ctl.xact_gen[i] != 0)
			continue;
		if (++v->ctl.next_gen == 0)
			v->ctl.next_gen = 1;
		v->ctl.xact_gen[i] = v->ctl.next_gen;
		return VSC_XACT_CTL | (uint64_t)v->ctl.next_gen << 8 | i;
	}
	return 0;
}

bool
vsc_xact_end(struct vsc *v, uint64_t xact)
{
	uint32_t i = (uint32_t)(xact & 0xff);

	if (i >= VSC_CTL_XACTS || v->ctl.xact_gen[i] == 0 ||
	    xact != (VSC_XACT_CTL | (uint64_t)v->ctl.xact_gen[i] << 8 | i))
		return false;
	v->ctl.xact_gen[i] = 0;
	return true;
}

int
vsc_nvs_send(struct vsc *v, const struct nvs_msg *m, bool reply)
{
	struct vsc_queue *q = v->q[0];
	uint8_t buf[NVS_MSG_BYTES_MAX];
	struct vmpkt_out p = { .type = VMPKT_INBAND };
	int rc;

	p.data.p = buf;
	p.data.len = nvs_msg_encode(m, NVS_MSG_BYTES_6_1, buf);
	if (reply) {
		p.xact = vsc_xact_new(v);
		if (p.xact == 0)
			return E_NOMEM;
		p.flags = VMPKT_F_COMPLETE;
		/* The answer may come before send() returns. */
		v->ctl.xact = p.xact;
		vsc_ctl_wait(v, VSC_WAIT_NVS, NULL);
	}
	rc = chan_send(q->chan, &p);
	if (rc < 0) {
		if (reply)
			(void)vsc_xact_end(v, p.xact);
		v->ctl.wait = VSC_WAIT_NONE;
		if (rc != E_AGAIN)
			return rc;
		if (chan_want_space(q->chan, p.data.len + 32))
			return VSC_STEP_AGAIN;
		return vsc_ctl_wait(v, VSC_WAIT_SPACE, NULL);
	}
	if (v->ops->trace != NULL)
		v->ops->trace(v->ctx, true, false, p.data);
	chan_commit(q->chan);
	q->dirty = false;
	return reply ? VSC_STEP_WAIT : VSC_STEP_NEXT;
}

int
vsc_nvs_completion(struct vsc_queue *q, const struct vmpkt_in *p)
{
	struct vsc *v = q->vsc;
	struct nvs_msg m;
	enum fault why;

	if (q->index != 0 || !vsc_xact_end(v, p->xact))
		return vsc_fault(q, FAULT_XACT_ID, p->xact, "completion");
	if (nvs_msg_decode(&m, p->data, v->caps.nvsp_version, &why) < 0)
		return vsc_fault(q, why, 0, "completion");
	if (v->ops->trace != NULL)
		v->ops->trace(v->ctx, false, false, p->data);
	if (v->ctl.wait == VSC_WAIT_NVS && p->xact == v->ctl.xact) {
		v->ctl.nvs = m;
		vsc_ctl_event(v, VSC_WAIT_NVS, NULL, 0);
		return 0;
	}
	if (m.type == NVS_RNDIS_DONE)
		vsc_rndis_completion(v, p->xact, m.rndis_status);
	else if (v->state != VSC_DETACHING)
		return vsc_fault(q, FAULT_NVS_TYPE, m.type, "completion");
	/* An exchange that detach cut off. */
	vsc_ctl_event(v, VSC_WAIT_SETTLE, NULL, 0);
	return 0;
}

int
vsc_nvs_inband(struct vsc_queue *q, const struct vmpkt_in *p)
{
	struct vsc *v = q->vsc;
	struct nvs_msg m;
	enum fault why;

	if (nvs_msg_decode(&m, p->data, v->caps.nvsp_version, &why) < 0)
		return vsc_fault(q, why, 0, "message");
	if (q->index != 0)
		return vsc_fault(q, FAULT_NVS_STATE, m.type, "message");
	if (v->ops->trace != NULL)
		v->ops->trace(v->ctx, false, false, p->data);
	switch ((uint32_t)m.type) {
	case NVS_SEND_TABLE:
		vsc_send_table_set(v, &m.send_table);
		break;
	case NVS_VF_ASSOCIATION:
	case NVS_DATAPATH:
		v->vf_messages++;
		break;
	default:
		return vsc_fault(q, FAULT_NVS_TYPE, m.type, "message");
	}
	if ((p->flags & VMPKT_F_COMPLETE) != 0)
		vsc_ack_put(q, p->xact);
	return 0;
}
