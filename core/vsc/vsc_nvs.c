/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends NVSP control messages on the primary channel.
 *
 * Theory of operation.  Requests go in-band, 40 bytes long whatever the
 * version (a host does not answer less than 32).  Those that have an answer
 * carry an id of vsc_xact.c; those without carry 0 and request no completion.
 *
 * Context: control.
 */
#include "vsc/vsc_priv.h"

int
vsc_nvs_send(struct vsc *v, const struct nvs_msg *m, bool reply)
{
	struct vsc_queue *q = v->q[0];
	uint8_t buf[NVS_MSG_BYTES_MAX];
	struct vmpkt_out p = { .type = VMPKT_INBAND };
	bool locked;
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
	locked = vsc_send_lock(q);
	rc = chan_send(q->chan, &p);
	if (rc == 0)
		chan_commit(q->chan);
	vsc_send_unlock(q, locked);
	if (rc < 0) {
		if (reply)
			(void)vsc_xact_end(v, p.xact);
		v->ctl.wait = VSC_WAIT_NONE;
		if (rc != E_AGAIN)
			return rc;
		if (vsc_want_space(q, p.data.len + 32))
			return VSC_STEP_AGAIN;
		return vsc_ctl_wait(v, VSC_WAIT_SPACE, NULL);
	}
	return reply ? VSC_STEP_WAIT : VSC_STEP_NEXT;
}

int
vsc_nvs_reply_check(struct vsc *v, enum nvs_msg_type type)
{
	if (v->ctl.err < 0)
		return v->ctl.err;
	if (v->ctl.nvs.type != type)
		return vsc_fault(v->q[0], FAULT_NVS_TYPE, v->ctl.nvs.type,
		    "NVSP reply");
	return 0;
}
