/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVSP at the host: version, buffers, sub-channels, and the way of RNDIS
 * control messages in and of every control answer out.
 *
 *	state	may come			goes to
 *	CLOSED	nothing (no primary channel)
 *	INIT	INIT				UP once a version is agreed
 *	UP	everything else; INIT is a fault
 *
 * A request is answered by a completion of its transaction id.  The answer is
 * made in vsp->answer and sent from there; while it waits for ring room no
 * further message is taken, so one is enough.  A request without an answer gets
 * an empty completion if it requested one (UEFI does).
 *
 * Order that guests rely on: sub-channels are offered before the completion
 * that grants them (DPDK looks for them at once), and not before the request
 * (Linux would hang); the completion of an RNDIS control message goes out
 * before its reply (to DPDK the next packet is the next answer).
 *
 * Context: control, all workers of the NIC parked.
 */
#include "pkt/pkt_load.h"
#include "vsp/vsp_priv.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"

/*
 * NVS_QUIRK_SHORT: what is shorter than 32 bytes gets no reply from Windows
 * (FreeBSD if_hn sends 40 for that reason).
 */
#define STRICT_MIN_BYTES	32u
#define SECTION_BYTES_DEFAULT	6144u	/* of the send buffer, as Windows */

void
vsp_nvs_recv_buf_drop(struct vsp *vsp)
{
	if (vsp->rx_gpadl == NULL)
		return;
	vsp_to_guest_forget(vsp);
	vsp_rxbuf_detach(vsp);
	vms_gpadl_put(vsp->dev.vms, vsp->rx_gpadl);
	vsp->rx_gpadl = NULL;
}

void
vsp_nvs_send_buf_drop(struct vsp *vsp)
{
	if (vsp->send.gpadl == NULL)
		return;
	vms_gpadl_put(vsp->dev.vms, vsp->send.gpadl);
	vsp->send = (struct vsp_send_buf){ 0 };
}

void
vsp_nvs_reset(struct vsp *vsp)
{
	vsp_nvs_recv_buf_drop(vsp);
	vsp_nvs_send_buf_drop(vsp);
	memset(&vsp->guest, 0, sizeof(vsp->guest));
	vsp_mtu_set(vsp);
	memcpy(vsp->guest.mac, vsp->cfg.mac, sizeof(vsp->guest.mac));
	vsp->answer.waits = false;
	vsp->block = VSP_BLOCK_NONE;
	vsp->guest.state = vsp->queue[0] != NULL ? VSP_NVS_INIT :
	    VSP_NVS_CLOSED;
	vsp_rndis_reset(vsp);
}

bool
vsp_nvs_answer_flush(struct vsp *vsp)
{
	struct vsp_nvs_answer *a = &vsp->answer;
	struct vsp_queue *q = vsp->queue[0];

	while (a->waits) {
		struct vmpkt_out out = {
			.type = a->type,
			.xact = a->xact,
			.data = { a->msg, a->bytes },
		};
		int rc = chan_send(q->chan, &out);

		if (rc == E_AGAIN) {
			if (vsp_queue_want_space(q, VSP_CONTROL_RING_BYTES))
				continue;
			return false;
		}
		if (rc != 0)
			q->dead = true;
		a->waits = false;
	}
	return true;
}

/* Always 40 bytes: what DPDK needs of 133, and no guest objects. */
static void
answer(struct vsp *vsp, uint16_t type, uint64_t xact, const struct nvs_msg *m)
{
	struct vsp_nvs_answer *a = &vsp->answer;

	OS_ASSERT(!a->waits);
	a->waits = true;
	a->type = type;
	a->xact = xact;
	a->bytes = m != NULL ? nvs_msg_encode(m, NVS_MSG_BYTES_6_1, a->msg) : 0;
}

static int
nvs_fail(struct vsp *vsp, enum fault why, uint64_t value)
{
	return vsp_queue_fail(vsp->queue[0], why, value);
}

static int
nvs_init(struct vsp *vsp, const struct nvs_init *in, struct nvs_msg *out)
{
	uint32_t newest = vsp->cfg.max_nvsp != 0 ? vsp->cfg.max_nvsp : NVS_V6_1;
	bool ok = in->version == in->version_hi &&
	    nvs_version_known(in->version) && in->version <= newest;

	if (vsp->guest.state != VSP_NVS_INIT)
		return nvs_fail(vsp, FAULT_NVS_STATE, NVS_INIT);
	out->type = NVS_INIT_DONE;
	out->init_done.version = in->version == NVS_V1 ? NVS_V1 :
	    NVS_NO_VERSION;
	out->init_done.max_mdl = NVS_MAX_MDL;
	out->init_done.status = ok ? NVS_STATUS_OK : in->version < NVS_V1 ?
	    NVS_STATUS_TOO_OLD : NVS_STATUS_TOO_NEW;
	if (ok) {
		vsp->guest.nvsp_version = in->version;
		vsp->guest.state = VSP_NVS_UP;
	}
	return 0;
}

static int
nvs_ndis_config(struct vsp *vsp, const struct nvs_ndis_config *in)
{
	struct vsp_guest *g = &vsp->guest;

	if (g->nvsp_version < NVS_V2)
		return nvs_fail(vsp, FAULT_NVS_STATE, NVS_NDIS_CONFIG);
	/* Policy: less than IPv4 needs (RFC 791) names no MTU. */
	g->mtu = in->mtu >= pkt_frame_max(68, 0) ? in->mtu - PKT_ETH_BYTES : 0;
	vsp_mtu_set(vsp);
	g->vlan_cap = (in->caps & NVS_CAP_8021Q) != 0;
	g->rsc_cap = g->nvsp_version >= NVS_V6_1 &&
	    (in->caps & NVS_CAP_RSC) != 0;
	if (vsp->ops.state != NULL)
		vsp->ops.state(vsp->ctx);
	return 0;
}

/* The guest's GPADL, if it is one of this NIC's primary channel. */
static struct vms_gpadl *
buffer_get(struct vsp *vsp, uint32_t id)
{
	struct vsp_queue *q = vsp->queue[0];
	struct vms_gpadl *g = vms_gpadl_get(vsp->dev.vms, id);

	if (g != NULL && g->relid == q->chan->relid)
		return g;
	/* One that heard of the rescind may tear down what it just named. */
	if (!vsp->dev.rescinded)
		(void)fault_note(&q->chan->faults, FAULT_NVS_BUFFER, id);
	if (g != NULL)
		vms_gpadl_put(vsp->dev.vms, g);
	return NULL;
}

static int
nvs_recv_buf(struct vsp *vsp, const struct nvs_buf *in, struct nvs_msg *out)
{
	struct nvs_recv_buf_done *d = &out->recv_buf_done;
	int rc;

	if (vsp->rx_gpadl != NULL)
		return nvs_fail(vsp, FAULT_NVS_STATE, NVS_RECV_BUF);
	out->type = NVS_RECV_BUF_DONE;
	d->status = NVS_STATUS_FAILED;
	vsp->rx_gpadl = buffer_get(vsp, in->gpadl);
	if (vsp->rx_gpadl == NULL)
		return 0;
	rc = vsp_rxbuf_attach(vsp, in->id, vsp->rx_gpadl->map.va,
	    vsp->rx_gpadl->map.bytes);
	if (rc != 0) {
		/* That we have no memory is no fault of the guest's. */
		if (rc != E_NOMEM)
			(void)fault_note(&vsp->queue[0]->chan->faults,
			    FAULT_NVS_BUFFER, vsp->rx_gpadl->map.bytes);
		vsp_nvs_recv_buf_drop(vsp);
		return 0;
	}
	d->status = NVS_STATUS_OK;
	d->sections = 1;
	d->section.slot_bytes = vsp->rxbuf.section_bytes;
	d->section.slots = vsp->rxbuf.sections;
	d->section.end = vsp->rxbuf.section_bytes * vsp->rxbuf.sections;
	return 0;
}

static int
nvs_send_buf(struct vsp *vsp, const struct nvs_buf *in, struct nvs_msg *out)
{
	struct vsp_send_buf *s = &vsp->send;
	uint32_t bytes = vsp->cfg.send_section_bytes != 0 ?
	    vsp->cfg.send_section_bytes : SECTION_BYTES_DEFAULT;

	if (s->gpadl != NULL)
		return nvs_fail(vsp, FAULT_NVS_STATE, NVS_SEND_BUF);
	out->type = NVS_SEND_BUF_DONE;
	out->send_buf_done.status = NVS_STATUS_FAILED;
	s->gpadl = buffer_get(vsp, in->gpadl);
	if (s->gpadl == NULL)
		return 0;
	if (s->gpadl->map.bytes < bytes) {
		(void)fault_note(&vsp->queue[0]->chan->faults,
		    FAULT_NVS_BUFFER, s->gpadl->map.bytes);
		vsp_nvs_send_buf_drop(vsp);
		return 0;
	}
	s->base = s->gpadl->map.va;
	s->section_bytes = bytes;
	s->sections = s->gpadl->map.bytes / bytes;
	out->send_buf_done.status = NVS_STATUS_OK;
	out->send_buf_done.section_bytes = bytes;
	return 0;
}

/*
 * Grant only new sub-channels: a second request finds the old ones and gets 0
 * (DPDK would otherwise wait for as many new ones).
 */
static int
nvs_subchan(struct vsp *vsp, const struct nvs_subchan *in, struct nvs_msg *out)
{
	struct nvs_subchan_done *d = &out->subchan_done;
	uint32_t most = vsp->cfg.max_queues - 1;
	uint32_t count = in->count;
	int rc;

	if (vsp->guest.nvsp_version < NVS_V5)
		return nvs_fail(vsp, FAULT_NVS_STATE, NVS_SUBCHAN);
	out->type = NVS_SUBCHAN;
	d->count = 0;
	d->status = NVS_STATUS_FAILED;
	if (in->op != NVS_SUBCHAN_ALLOC)
		return 0;
	if (count > most) {
		if (vsp->cfg.strict)
			return 0;
		count = most;
	}
	d->status = NVS_STATUS_OK;
	if (count == 0 || vsp->guest.subchannels > 0)
		return 0;
	rc = vms_subchannels_offer(vsp->dev.vms, &vsp->dev, count);
	if (rc < 0) {
		d->status = NVS_STATUS_FAILED;
		return 0;
	}
	vsp->guest.subchannels = (uint32_t)rc;
	vsp->guest.send_table_due = true;
	d->count = (uint32_t)rc;
	return 0;
}

/*
 * A control message without a receive buffer for the answer.  HALT has none,
 * and is what DPDK sends after it has revoked the buffer, at each change of the
 * MTU and when it ends (24.11, hn_ethdev.c hn_detach); it frees the message's
 * memory at once, so what is read there may be anything.  So nothing here stops
 * a queue; what is no HALT is completed as failed.
 */
static uint32_t
rndis_without_buffer(struct vsp *vsp, struct span msg)
{
	struct rndis_msg in;
	enum fault why;

	counter_add(&vsp->counts[0].from.control_no_buffer, 1);
	if (rndis_msg_decode(&in, msg, &why) != 0 || in.type != RNDIS_HALT)
		return NVS_STATUS_FAILED;
	return vsp_rndis_message(vsp, msg, &why) == 0 ? NVS_STATUS_OK :
	    NVS_STATUS_FAILED;
}

/* Copy an RNDIS control message out of guest memory and handle it. */
static int
nvs_rndis_control(struct vsp *vsp, const struct vmpkt_in *pkt)
{
	struct vsp_queue *q = vsp->queue[0];
	enum fault why = FAULT_NONE;
	uint32_t status = NVS_STATUS_OK;
	uint32_t total;
	int n;

	n = vsp_packet_pieces(q, pkt, &total, &why);
	if (n == E_AGAIN)
		return n;
	if (n < 0)
		return nvs_fail(vsp, why, pkt->xact);
	if (total > sizeof(vsp->control_msg))
		return nvs_fail(vsp, FAULT_RNDIS_LEN, total);
	struct span msg = { vsp->control_msg, pkt_vec_gather_once(q->from.msg,
	    (uint32_t)n, 0, vsp->control_msg, total) };

	if (vsp->reply_count == VSP_REPLIES)
		return nvs_fail(vsp, FAULT_MSG_RATE, VSP_REPLIES);
	if (vsp->rx_gpadl == NULL) {
		status = rndis_without_buffer(vsp, msg);
	} else if (vsp_rndis_message(vsp, msg, &why) != 0) {
		(void)fault_note(&q->chan->faults, why, pkt->xact);
		status = NVS_STATUS_FAILED;
	}
	if (pkt->flags & VMPKT_F_COMPLETE)
		(void)vsp_completion_add(q, pkt->xact, status);
	return 0;
}

/* Fills *out where the message has an answer, else leaves out->type 0. */
static int
nvs_request(struct vsp *vsp, const struct nvs_msg *in, struct nvs_msg *out)
{
	struct vsp_guest *g = &vsp->guest;

	if (in->type != NVS_INIT && g->state != VSP_NVS_UP)
		return nvs_fail(vsp, FAULT_NVS_STATE, in->type);
	switch ((uint32_t)in->type) {
	case NVS_INIT:
		return nvs_init(vsp, &in->init, out);
	case NVS_NDIS_VERSION:
		g->ndis_major = in->ndis_version.major;
		g->ndis_minor = in->ndis_version.minor;
		return 0;
	case NVS_NDIS_CONFIG:
		return nvs_ndis_config(vsp, &in->ndis_config);
	case NVS_RECV_BUF:
		return nvs_recv_buf(vsp, &in->buf, out);
	case NVS_RECV_BUF_REVOKE:
		vsp_nvs_recv_buf_drop(vsp);
		return 0;
	case NVS_SEND_BUF:
		return nvs_send_buf(vsp, &in->buf, out);
	case NVS_SEND_BUF_REVOKE:
		vsp_nvs_send_buf_drop(vsp);
		return 0;
	case NVS_DATAPATH:
		return 0;	/* no VF: the synthetic path it is */
	case NVS_OID_QUERY:
		out->type = NVS_OID_QUERY_DONE;
		out->oid_query_done.status = NVS_STATUS_UNSUPPORTED;
		out->oid_query_done.bytes = 0;
		return 0;
	case NVS_SUBCHAN:
		return nvs_subchan(vsp, &in->subchan, out);
	default:
		return nvs_fail(vsp, FAULT_NVS_TYPE, in->type);
	}
}

int
vsp_nvs_message(struct vsp *vsp, const struct vmpkt_in *pkt)
{
	struct nvs_msg in, out = { 0 };
	enum fault why = FAULT_NONE;
	struct nvs_rndis rndis;

	if (nvs_rndis_get(&rndis, pkt->data)) {
		if (rndis.channel != NVS_CHANNEL_CONTROL)
			return nvs_fail(vsp, FAULT_NVS_TYPE, rndis.channel);
		return nvs_rndis_control(vsp, pkt);
	}
	if (pkt->type != VMPKT_INBAND)
		return nvs_fail(vsp, FAULT_RING_TYPE, pkt->type);
	if (vsp->cfg.strict && pkt->data.len < STRICT_MIN_BYTES) {
		(void)fault_note(&vsp->queue[0]->chan->faults,
		    FAULT_NVS_SHORT, pkt->data.len);
		return 0;
	}
	if (nvs_msg_decode(&in, pkt->data, vsp->guest.nvsp_version, &why) != 0)
		return nvs_fail(vsp, why, pkt->data.len);
	if (nvs_request(vsp, &in, &out) != 0)
		return E_PEER;
	if (out.type != 0)
		answer(vsp, VMPKT_COMPLETION, pkt->xact, &out);
	else if (pkt->flags & VMPKT_F_COMPLETE)
		answer(vsp, VMPKT_COMPLETION, pkt->xact, NULL);
	return 0;
}

void
vsp_nvs_send_table(struct vsp *vsp)
{
	struct nvs_msg m = { .type = NVS_SEND_TABLE };

	if (!vsp->guest.send_table_due || vsp->answer.waits ||
	    vsp->queues != vsp->guest.subchannels + 1)
		return;
	vsp->guest.send_table_due = false;
	m.send_table.count = NVS_SEND_TABLE_ENTRIES;
	for (uint32_t i = 0; i < NVS_SEND_TABLE_ENTRIES; i++)
		m.send_table.entry[i] = i % vsp->queues;
	answer(vsp, VMPKT_INBAND, 0, &m);
}
