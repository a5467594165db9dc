/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RNDIS at the host: control messages, plain OIDs, replies and indications.
 *
 * A message is answered at once into vsp->reply[], a queue of VSP_REPLIES that
 * drains into receive-buffer sections kept for control; what finds no section
 * waits for the guest's acknowledgements.  vsp_nvs.c takes no message while
 * the queue is full, and an indication that finds it full is dropped: the
 * guest learns the same by its next query.
 *
 * HALT has no reply; before INIT only INIT is answered.  OIDs that carry NDIS
 * objects are in vsp_oid_objects.c.
 *
 * Context: control.
 */
#include "pkt/pkt_load.h"
#include "vsp/vsp_priv.h"
#include "wire/ndis_obj.h"
#include "wire/rndis_msg.h"

#define DRIVER_VERSION	0x061eu		/* NDIS 6.30: what our objects are of */
#define VENDOR_ID	0x00ffffffu	/* no IEEE vendor code (OID's text) */
#define VENDOR_VERSION	0x00010000u
static const char vendor_text[] = "hvnet switch port";

void
vsp_rndis_reset(struct vsp *vsp)
{
	struct vsp_guest *g = &vsp->guest;

	g->rndis_up = false;
	g->filter = 0;
	g->mcasts = 0;
	g->csum_tx = g->csum_rx = 0;
	g->lso4 = g->lso6 = g->rsc4 = g->rsc6 = false;
	vsp->reply_head = vsp->reply_count = 0;
	vsp_steer_reset(vsp);
}

static void
state_changed(struct vsp *vsp)
{
	if (vsp->ops.state != NULL)
		vsp->ops.state(vsp->ctx);
}

/* Queue a message of ours; dropped if the queue is full. */
static void
reply_add(struct vsp *vsp, const struct rndis_msg *m)
{
	struct vsp_reply *r;

	if (vsp->reply_count == VSP_REPLIES)
		return;
	r = &vsp->reply[(vsp->reply_head + vsp->reply_count) % VSP_REPLIES];
	r->bytes = rndis_msg_encode(m, r->msg, sizeof(r->msg));
	OS_ASSERT(r->bytes > 0);
	vsp->reply_count++;
}

void
vsp_rndis_replies_flush(struct vsp *vsp)
{
	while (vsp->reply_count > 0 && !vsp->queue[0]->dead) {
		struct vsp_reply *r = &vsp->reply[vsp->reply_head];
		struct span msg = { r->msg, r->bytes };
		int rc = vsp_to_guest_control(vsp, msg);

		if (rc == E_AGAIN) {
			vsp->block = vsp_queue_want_space(vsp->queue[0],
			    VSP_CONTROL_RING_BYTES) ? VSP_BLOCK_SECTION :
			    VSP_BLOCK_RING;
			return;
		}
		vsp->reply_head = (vsp->reply_head + 1) % VSP_REPLIES;
		vsp->reply_count--;
	}
}

void
vsp_rndis_indicate(struct vsp *vsp, uint32_t status, struct span buf)
{
	struct rndis_msg m = { .type = RNDIS_INDICATE_STATUS };

	if (!vsp->guest.rndis_up)
		return;
	m.status.status = status;
	m.status.info = buf;
	reply_add(vsp, &m);
}

/* ---- plain OIDs ------------------------------------------------------- */

static uint32_t
put_bytes(const void *p, uint32_t n, uint8_t *out, uint32_t cap,
    uint32_t *len)
{
	if (n > cap)
		return RNDIS_STATUS_FAILURE;
	memcpy(out, p, n);
	*len = n;
	return RNDIS_STATUS_OK;
}

static uint32_t
put_u32(uint64_t v, uint8_t *out, uint32_t cap, uint32_t *len)
{
	le32_t w = le32_put(v > UINT32_MAX ? UINT32_MAX : (uint32_t)v);

	return put_bytes(&w, sizeof(w), out, cap, len);
}

#define X(name, value) value,
static const uint32_t supported_oids[] = { NDIS_OID_LIST(X) };
#undef X

static uint32_t
put_supported(uint8_t *out, uint32_t cap, uint32_t *len)
{
	if (cap < sizeof(supported_oids))
		return RNDIS_STATUS_FAILURE;
	for (uint32_t i = 0; i < ARRAY_LEN(supported_oids); i++) {
		le32_t w = le32_put(supported_oids[i]);

		memcpy(out + i * sizeof(w), &w, sizeof(w));
	}
	*len = sizeof(supported_oids);
	return RNDIS_STATUS_OK;
}

/* Statistics, from the guest's point of view: it transmits, we drop. */
static uint64_t
statistic(const struct vsp *vsp, uint32_t oid)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < VSP_MAX_QUEUES; i++) {
		const struct vsp_from_guest_counters *f =
		    &vsp->counts[i].from;
		const struct vsp_to_guest_counters *t = &vsp->counts[i].to;

		switch (oid) {
		case (uint32_t)OID_GEN_XMIT_OK:
			n += os_ld64(&f->frames);
			break;
		case (uint32_t)OID_GEN_RCV_OK:
			n += os_ld64(&t->frames);
			break;
		case (uint32_t)OID_GEN_XMIT_ERROR:
			n += os_ld64(&f->drop_malformed) +
			    os_ld64(&f->drop_source) +
			    os_ld64(&f->drop_vlan) + os_ld64(&f->drop_long);
			break;
		default:
			/* RCV_NO_BUFFER: 0, the backend waits for a buffer. */
			break;
		}
	}
	return n;
}

static uint32_t
query_mcast(const struct vsp *vsp, uint8_t *out, uint32_t cap, uint32_t *len)
{
	return put_bytes(vsp->guest.mcast, vsp->guest.mcasts * 6, out, cap,
	    len);
}

uint32_t
vsp_oid_link_speed(const struct vsp *vsp)
{
	uint64_t units = vsp->cfg.speed_bps / 100;

	return units > UINT32_MAX ? UINT32_MAX : (uint32_t)units;
}

/* OIDs whose answer is one number; false: another OID. */
static bool
query_number(const struct vsp *vsp, uint32_t oid, uint64_t *v)
{
	const struct vsp_config *cfg = &vsp->cfg;

	switch (oid) {
	case (uint32_t)OID_GEN_HARDWARE_STATUS:
	case (uint32_t)OID_GEN_MEDIA_SUPPORTED:
	case (uint32_t)OID_GEN_MEDIA_IN_USE:
	case (uint32_t)OID_GEN_MAC_OPTIONS:
	case (uint32_t)OID_GEN_PROTOCOL_OPTIONS:
	case (uint32_t)OID_802_3_MAC_OPTIONS:
		*v = 0;
		return true;
	case (uint32_t)OID_GEN_MAXIMUM_FRAME_SIZE:
		*v = cfg->mtu;
		return true;
	case (uint32_t)OID_GEN_MAXIMUM_LOOKAHEAD:
	case (uint32_t)OID_GEN_CURRENT_LOOKAHEAD:
	case (uint32_t)OID_GEN_MAXIMUM_TOTAL_SIZE:
	case (uint32_t)OID_GEN_TRANSMIT_BLOCK_SIZE:
	case (uint32_t)OID_GEN_RECEIVE_BLOCK_SIZE:
		*v = pkt_frame_max(cfg->mtu, 0);
		return true;
	case (uint32_t)OID_GEN_TRANSMIT_BUFFER_SPACE:
		*v = (uint64_t)vsp->send.sections * vsp->send.section_bytes;
		return true;
	case (uint32_t)OID_GEN_RECEIVE_BUFFER_SPACE:
		*v = vsp->rxbuf.bytes;
		return true;
	case (uint32_t)OID_GEN_LINK_SPEED:
		*v = vsp_oid_link_speed(vsp);
		return true;
	case (uint32_t)OID_GEN_MEDIA_CONNECT_STATUS:
		*v = cfg->link_up ? NDIS_MEDIA_CONNECTED :
		    NDIS_MEDIA_DISCONNECTED;
		return true;
	case (uint32_t)OID_GEN_CURRENT_PACKET_FILTER:
		*v = vsp->guest.filter;
		return true;
	case (uint32_t)OID_GEN_VENDOR_ID:
		*v = VENDOR_ID;
		return true;
	case (uint32_t)OID_GEN_VENDOR_DRIVER_VERSION:
		*v = VENDOR_VERSION;
		return true;
	case (uint32_t)OID_GEN_MAXIMUM_SEND_PACKETS:
		*v = RNDIS_MAX_PACKETS;
		return true;
	case (uint32_t)OID_802_3_MAXIMUM_LIST_SIZE:
		*v = VSP_MCAST_MAX;
		return true;
	case (uint32_t)OID_GEN_XMIT_OK:
	case (uint32_t)OID_GEN_RCV_OK:
	case (uint32_t)OID_GEN_XMIT_ERROR:
	case (uint32_t)OID_GEN_RCV_ERROR:
	case (uint32_t)OID_GEN_RCV_NO_BUFFER:
		*v = statistic(vsp, oid);
		return true;
	default:
		return false;
	}
}

uint32_t
vsp_oid_query(struct vsp *vsp, uint32_t oid, struct span in, uint8_t *out,
    uint32_t cap, uint32_t *len)
{
	le16_t driver = le16_put(DRIVER_VERSION);
	uint64_t v;

	*len = 0;
	if (query_number(vsp, oid, &v))
		return put_u32(v, out, cap, len);
	switch (oid) {
	case (uint32_t)OID_GEN_SUPPORTED_LIST:
		return put_supported(out, cap, len);
	case (uint32_t)OID_GEN_VENDOR_DESCRIPTION:
		return put_bytes(vendor_text, sizeof(vendor_text), out, cap,
		    len);
	case (uint32_t)OID_GEN_DRIVER_VERSION:
		return put_bytes(&driver, sizeof(driver), out, cap, len);
	case (uint32_t)OID_802_3_PERMANENT_ADDRESS:
		return put_bytes(vsp->cfg.mac, 6, out, cap, len);
	case (uint32_t)OID_802_3_CURRENT_ADDRESS:
		return put_bytes(vsp->guest.mac, 6, out, cap, len);
	case (uint32_t)OID_802_3_MULTICAST_LIST:
		return query_mcast(vsp, out, cap, len);
	case (uint32_t)OID_GEN_RSS_CAPABILITIES:
		return vsp_obj_rss_caps(vsp, in, out, cap, len);
	case (uint32_t)OID_TCP_OFFLOAD_HW_CAPABILITIES:
		return vsp_obj_offload_caps(vsp, in, out, cap, len);
	case (uint32_t)OID_TCP_OFFLOAD_CURRENT_CONFIG:
		return vsp_obj_offload_current(vsp, out, cap, len);
	default:
		return RNDIS_STATUS_NOT_SUPPORTED;
	}
}

static uint32_t
set_filter(struct vsp *vsp, struct span in)
{
	le32_t w;

	if (in.len < sizeof(w))
		return RNDIS_STATUS_INVALID_DATA;
	memcpy(&w, in.p, sizeof(w));
	vsp->guest.filter = le32_get(w);
	state_changed(vsp);
	return RNDIS_STATUS_OK;
}

static uint32_t
set_mcast(struct vsp *vsp, struct span in)
{
	if (in.len % 6 != 0 || in.len > sizeof(vsp->guest.mcast))
		return RNDIS_STATUS_INVALID_DATA;
	vsp->guest.mcasts = in.len / 6;
	if (in.len > 0)
		memcpy(vsp->guest.mcast, in.p, in.len);
	state_changed(vsp);
	return RNDIS_STATUS_OK;
}

uint32_t
vsp_oid_set(struct vsp *vsp, uint32_t oid, struct span in)
{
	switch (oid) {
	case (uint32_t)OID_GEN_CURRENT_PACKET_FILTER:
		return set_filter(vsp, in);
	case (uint32_t)OID_802_3_MULTICAST_LIST:
		return set_mcast(vsp, in);
	case (uint32_t)OID_GEN_RSS_PARAMETERS:
		return vsp_obj_rss_set(vsp, in);
	case (uint32_t)OID_TCP_OFFLOAD_PARAMETERS:
		return vsp_obj_offload_set(vsp, in);
	case (uint32_t)OID_GEN_RNDIS_CONFIG_PARAMETER:
		return vsp_obj_config_set(vsp, in);
	/* Accepted without effect, as a protocol driver's wishes. */
	case (uint32_t)OID_GEN_CURRENT_LOOKAHEAD:
	case (uint32_t)OID_GEN_PROTOCOL_OPTIONS:
	case (uint32_t)OID_GEN_NETWORK_LAYER_ADDRESSES:
	case (uint32_t)OID_GEN_TRANSPORT_HEADER_OFFSET:
	case (uint32_t)OID_OFFLOAD_ENCAPSULATION:
		return RNDIS_STATUS_OK;
	default:
		return RNDIS_STATUS_NOT_SUPPORTED;
	}
}

/* ---- messages --------------------------------------------------------- */

static void
take_init(struct vsp *vsp, const struct rndis_init *in)
{
	struct rndis_msg m = { .type = RNDIS_INIT_DONE };
	bool ok = in->major == RNDIS_VERSION_MAJOR;

	m.init_done.req_id = in->req_id;
	m.init_done.status = ok ? RNDIS_STATUS_OK : RNDIS_STATUS_BAD_VERSION;
	m.init_done.major = RNDIS_VERSION_MAJOR;
	m.init_done.minor = RNDIS_VERSION_MINOR;
	m.init_done.dev_flags = 1;
	m.init_done.max_packets = RNDIS_MAX_PACKETS;
	m.init_done.max_xfer = RNDIS_MAX_XFER;
	m.init_done.align_shift = RNDIS_ALIGN_SHIFT;
	reply_add(vsp, &m);
	if (ok) {
		vsp->guest.rndis_up = true;
		state_changed(vsp);
	}
}

static void
take_query(struct vsp *vsp, const struct rndis_query *q)
{
	/* The encoder adds 24 bytes of header. */
	uint8_t info[VSP_REPLY_BYTES - sizeof(struct rndis_query_done_wire)];
	struct rndis_msg m = { .type = RNDIS_QUERY_DONE };
	uint32_t len = 0;

	m.done.req_id = q->req_id;
	m.done.status = vsp_oid_query(vsp, q->oid, q->info, info, sizeof(info),
	    &len);
	m.done.info = (struct span){ info, len };
	reply_add(vsp, &m);
}

static void
take_set(struct vsp *vsp, const struct rndis_query *q)
{
	struct rndis_msg m = { .type = RNDIS_SET_DONE };

	m.done.req_id = q->req_id;
	m.done.status = vsp_oid_set(vsp, q->oid, q->info);
	reply_add(vsp, &m);
}

static void
take_reset(struct vsp *vsp)
{
	struct rndis_msg m = { .type = RNDIS_RESET_DONE };
	struct vsp_guest *g = &vsp->guest;

	/* Filter and multicast list are gone: the guest sends them again. */
	g->filter = 0;
	g->mcasts = 0;
	m.reset_done.status = RNDIS_STATUS_OK;
	m.reset_done.addressing = 1;
	reply_add(vsp, &m);
	state_changed(vsp);
}

static void
take_halt(struct vsp *vsp)
{
	vsp_rndis_reset(vsp);
	state_changed(vsp);
}

int
vsp_rndis_message(struct vsp *vsp, struct span msg, enum fault *why)
{
	struct rndis_msg in;

	if (rndis_msg_decode(&in, msg, why) != 0)
		return E_PEER;
	switch (in.type) {
	case RNDIS_INIT:
		take_init(vsp, &in.init);
		return 0;
	case RNDIS_HALT:
		take_halt(vsp);
		return 0;
	case RNDIS_KEEPALIVE:
		break;
	case RNDIS_QUERY:
		take_query(vsp, &in.query);
		return 0;
	case RNDIS_SET:
		take_set(vsp, &in.query);
		return 0;
	case RNDIS_RESET:
		take_reset(vsp);
		return 0;
	case RNDIS_KEEPALIVE_DONE:
		return 0;	/* we request none */
	default:
		return peer_bad(why, FAULT_RNDIS_TYPE);
	}
	struct rndis_msg m = { .type = RNDIS_KEEPALIVE_DONE };

	m.done.req_id = in.req_id;
	m.done.status = RNDIS_STATUS_OK;
	reply_add(vsp, &m);
	return 0;
}
