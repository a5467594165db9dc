/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's half of vsc_rig.h: what it answers by itself, and the packets that
 * a test has it send.  Included there, at the end.
 */
#ifndef TESTS_UNIT_VSC_RIG_HOST_H
#define TESTS_UNIT_VSC_RIG_HOST_H

#include "vsc_rig.h"

/* Queue a packet for the guest; the caller fills what it wants. */
static struct rig_packet *
rig_push(uint32_t chan, uint16_t type, uint64_t xact)
{
	struct rig *r = the_rig;
	uint32_t i = r->in_at;

	while (r->in[i].type != 0 && i < RIG_PACKETS - 1)
		i++;
	memset(&r->in[i], 0, sizeof(r->in[i]));
	r->in[i].chan = chan;
	r->in[i].type = type;
	r->in[i].xact = xact;
	return &r->in[i];
}

static void
rig_push_nvs(uint32_t chan, uint16_t type, uint64_t xact,
    const struct nvs_msg *m)
{
	struct rig_packet *p = rig_push(chan, type, xact);

	p->data_len = nvs_msg_encode(m, NVS_MSG_BYTES_6_1, p->data);
}

static void
rig_complete(uint32_t chan, uint64_t xact)
{
	struct nvs_msg m = { .type = NVS_RNDIS_DONE };

	m.rndis_status = NVS_STATUS_OK;
	rig_push_nvs(chan, VMPKT_COMPLETION, xact, &m);
}

/* Type 7 packet over ranges of the receive buffer. */
static struct rig_packet *
rig_push_xfer(uint32_t chan, uint64_t xact, uint32_t what,
    const struct vmpkt_xfer_range *range, uint32_t n)
{
	struct nvs_msg m = { .type = NVS_RNDIS };
	struct rig_packet *p = rig_push(chan, VMPKT_XFER_PAGES, xact);

	m.rndis.channel = what;
	m.rndis.section = NVS_SECTION_NONE;
	p->flags = VMPKT_F_COMPLETE;
	p->ext_len = vmpkt_xfer_ext_put(p->ext, NVS_RECV_BUF_ID, range, n);
	p->data_len = nvs_msg_encode(&m, NVS_MSG_BYTES_6_1, p->data);
	return p;
}

static uint8_t *
rig_rxbuf(uint32_t off)
{
	return (uint8_t *)the_rig->v->rxbuf.mem.va + off;
}

static void
rig_push_rndis(const struct rndis_msg *m)
{
	struct vmpkt_xfer_range range = { .offset = 0 };

	/* Windows claims the whole section. */
	range.bytes = the_rig->slot_bytes;
	assert_true(rndis_msg_encode(m, rig_rxbuf(0), range.bytes) != 0);
	rig_push_xfer(0, 0x7700, NVS_CHANNEL_CONTROL, &range, 1);
}

static uint32_t
rig_info(const struct rig *r, uint32_t oid, uint8_t *buf)
{
	struct ndis_offload_caps hw = { .rev = 3 };
	struct ndis_rss_caps rss = { .rev = 2 };
	le32_t w = le32_put(0);

	switch (oid) {
	case OID_802_3_PERMANENT_ADDRESS:
		memcpy(buf, "\x00\x15\x5d\x01\x02\x03", 6);
		return 6;
	case (uint32_t)OID_TCP_OFFLOAD_HW_CAPABILITIES:
		if (!r->no_csum) {
			hw.v4_tx = hw.v4_rx = 0x155;
			hw.v6_tx = hw.v6_rx = 0x55;
		}
		hw.lso4.max_bytes = hw.lso6.max_bytes = r->lso_max;
		hw.lso4.min_segs = hw.lso6.min_segs = 2;
		hw.lso6_opts = 5;
		hw.rsc4 = hw.rsc6 = r->rsc;
		return ndis_offload_caps_encode(&hw, buf);
	case OID_GEN_RSS_CAPABILITIES:
		rss.caps = 0x00001b01;
		rss.interrupts = 1;
		rss.queues = r->rss_queues;
		rss.entries = 128;
		return ndis_rss_caps_encode(&rss, buf);
	case OID_GEN_LINK_SPEED:
		w = le32_put(100000000);
		break;
	case OID_GEN_MAXIMUM_FRAME_SIZE:
		w = le32_put(1500);
		break;
	default:
		break;
	}
	memcpy(buf, &w, sizeof(w));
	return sizeof(w);
}

static uint32_t
rig_set(struct rig *r, uint32_t oid, struct span info)
{
	le32_t w;

	if (oid == r->refuse)
		return RNDIS_STATUS_NOT_SUPPORTED;
	if (oid == (uint32_t)OID_802_3_MULTICAST_LIST) {
		assert_true(info.len <= sizeof(r->mcast));
		r->mcast_bytes = info.len;
		memcpy(r->mcast, info.p, info.len);
	} else if (oid == (uint32_t)OID_GEN_CURRENT_PACKET_FILTER) {
		memcpy(&w, info.p, sizeof(w));
		r->filter = le32_get(w);
	}
	return RNDIS_STATUS_OK;
}

static void
rig_host_rndis(struct rig *r, const struct rig_packet *p)
{
	struct vmpkt_gpa g;
	struct vmpkt_gpa_walk walk;
	struct gpa_piece piece;
	struct rndis_msg m, a = { 0 };
	uint8_t info[256];
	enum fault why;

	assert_int_equal(vmpkt_gpa_decode(&g, (struct span){ p->ext,
	    p->ext_len }, &why), 0);
	assert_int_equal(g.count, 1);
	vmpkt_gpa_walk_init(&walk, &g);
	assert_true(vmpkt_gpa_walk_next(&walk, &piece));
	assert_true((piece.gpa & 4095) + piece.len <= 4096);
	assert_int_equal(rndis_msg_decode(&m, (struct span){
	    rig_va(piece.gpa, piece.len), piece.len }, &why), 0);
	if ((int)m.type == r->mute)
		return;
	rig_complete(0, p->xact);
	a.type = m.type | RNDIS_COMPLETION;
	switch (m.type) {
	case RNDIS_INIT:
		a.init_done.req_id = m.init.req_id;
		a.init_done.major = 1;
		a.init_done.dev_flags = 1;
		a.init_done.max_packets = r->max_packets;
		a.init_done.max_xfer = r->max_xfer;
		a.init_done.align_shift = r->align_shift;
		break;
	case RNDIS_QUERY:
		a.done.info = (struct span){ info,
		    rig_info(r, m.query.oid, info) };
		a.done.req_id = m.query.req_id;
		break;
	case RNDIS_SET:
		a.done.status = rig_set(r, m.query.oid, m.query.info);
		a.done.req_id = m.query.req_id;
		break;
	default:	/* HALT, KEEPALIVE_DONE */
		return;
	}
	rig_push_rndis(&a);
}

/* Sub-channels appear. */
static void
rig_subs(struct rig *r, uint32_t n)
{
	for (uint32_t i = 1; i <= n; i++)
		r->chan[0].events->subchannel(&r->chan[0], &r->chan[i]);
}

static void
rig_host_nvs(struct rig *r, const struct rig_packet *p)
{
	struct nvs_msg m, a = { 0 };
	enum fault why;

	assert_int_equal(nvs_msg_decode(&m, (struct span){ p->data,
	    p->data_len }, r->version, &why), 0);
	if ((int)m.type == r->mute)
		return;
	switch (m.type) {
	case NVS_INIT:
		a.type = NVS_INIT_DONE;
		a.init_done.version = NVS_NO_VERSION;
		a.init_done.max_mdl = NVS_MAX_MDL;
		a.init_done.status = m.init.version <= r->version ?
		    NVS_STATUS_OK : NVS_STATUS_TOO_NEW;
		break;
	case NVS_RECV_BUF:
		a.type = NVS_RECV_BUF_DONE;
		a.recv_buf_done.status = NVS_STATUS_OK;
		a.recv_buf_done.sections = 1;
		a.recv_buf_done.section.slot_bytes = r->slot_bytes;
		a.recv_buf_done.section.slots = 64;
		a.recv_buf_done.section.end = 64 * r->slot_bytes;
		break;
	case NVS_SEND_BUF:
		a.type = NVS_SEND_BUF_DONE;
		a.send_buf_done.status = r->section_bytes == 0 ?
		    NVS_STATUS_FAILED : NVS_STATUS_OK;
		a.send_buf_done.section_bytes = r->section_bytes;
		break;
	case NVS_SUBCHAN:
		a.type = NVS_SUBCHAN;
		a.subchan_done.status = NVS_STATUS_OK;
		a.subchan_done.count = min_u32(r->grant, m.subchan.count);
		rig_push_nvs(0, VMPKT_COMPLETION, p->xact, &a);
		r->granted = a.subchan_done.count;
		if (r->chan[0].ops->subs_expect == NULL)
			rig_subs(r, r->granted);
		return;
	default:
		return;
	}
	rig_push_nvs(0, VMPKT_COMPLETION, p->xact, &a);
}

/* The host takes the next packet, and answers it if it can. */
static void
rig_answer(struct rig *r)
{
	const struct rig_packet *p = &r->sent[r->handled++];
	struct nvs_rndis n;
	bool rndis = nvs_rndis_get(&n, (struct span){ p->data, p->data_len });

	if (rndis && n.channel == NVS_CHANNEL_CONTROL)
		rig_host_rndis(r, p);
	else if (rndis && r->complete)
		rig_complete(p->chan, p->xact);
	else if (!rndis && p->type == VMPKT_INBAND)
		rig_host_nvs(r, p);
}

/* Let both sides go on until neither has anything to do. */
static void
rig_run(struct rig *r)
{
	bool more = true;

	while (more) {
		more = r->handled < r->nsent;
		r->wanted = false;
		(void)vsc_control(r->v, r->now);
		if (r->expected != 0 && r->expected <= r->granted) {
			rig_subs(r, r->expected);
			r->expected = 0;
			more = true;
		}
		while (r->detached == 0 && r->handled < r->nsent) {
			rig_answer(r);
			more = true;
		}
		for (uint32_t k = 0; k < RIG_CHANS; k++) {
			while (r->open[k] && r->chan[k].events->ready(
			    &r->chan[k], 64))
				more = true;
		}
		if (r->detached != 0)
			return;
		more = more || r->wanted || r->handled < r->nsent;
	}
}

static void
rig_init(struct rig *r, uint32_t vmbus_version)
{
	memset(r, 0, offsetof(struct rig, mem));
	the_rig = r;
	for (uint32_t i = 0; i < RIG_PACKETS; i++)
		rig_in[i].type = 0;	/* rig_push() clears the rest */
	r->sent = rig_sent;
	r->in = rig_in;
	r->version = NVS_V6_1;
	r->section_bytes = 6144;
	r->slot_bytes = 1728;
	r->lso_max = NDIS_LSO_MAX;
	r->max_packets = 8;
	r->max_xfer = 0x4000;
	r->align_shift = 3;
	r->rss_queues = 8;
	r->rsc = true;
	r->complete = true;
	r->room = -1;
	r->gpa = RIG_GPA;
	r->now = 1000;
	for (uint32_t i = 0; i < RIG_CHANS; i++) {
		r->chan[i].ops = getenv("HVNET_KERNEL") != NULL ?
		    &rig_kernel_ops : &rig_chan_ops;
		r->chan[i].subindex = (uint16_t)i;
		r->chan[i].vmbus_version = vmbus_version;
	}
	vsc_tunables_default(&r->cfg.tune);
	r->cfg.mtu = 1500;
	r->cfg.tune.tx_slots = 4;
	r->cfg.tune.ring_pages = 2;
	r->cfg.tune.rxbuf_kb = 128;
	r->cfg.tune.sendbuf_kb = 64;
	r->cfg.vps = 1;
	r->cfg.offloads = VSC_OFF_ALL;
	r->cfg.filter = 0x0d;
}

static void
rig_attach(struct rig *r)
{
	r->v = vsc_attach(&r->cfg, &rig_ops, r, &r->chan[0]);
	assert_non_null(r->v);
	rig_run(r);
}

/* Attach, and forget the messages of it. */
static inline void
rig_up(struct rig *r)
{
	rig_attach(r);
	assert_int_equal(r->attached, 1);
	assert_int_equal(r->failed, 0);
	r->nsent = r->handled = 0;
	r->commits = 0;
	r->allocs = 0;
}

static void
rig_down(struct rig *r)
{
	uint32_t allocs = r->allocs;

	vsc_detach(r->v);
	for (uint32_t i = 0; i < 100 && r->detached == 0; i++) {
		rig_run(r);
		r->now += 500000000ull;
	}
	assert_int_equal(r->detached, 1);
	assert_int_equal(r->allocs, allocs);
	vsc_free(r->v);
	assert_int_equal(r->live_bytes, 0);
}

static inline void
rig_poll(struct rig *r, uint32_t chan)
{
	while (r->chan[chan].events->ready(&r->chan[chan], 64))
		;
	while (r->wanted) {
		r->wanted = false;
		(void)vsc_control(r->v, r->now);
	}
}

#endif
