/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * Bytes to native form for VMBus control messages; vmbus_encode.c is the way
 * back.  A message is first measured against the shortest form of its type
 * (msg_row), then copied into a union of the wire structures, and each field
 * taken from there; longer forms are recognised only by length, because peers
 * of any version send them.  The client and the server of the bus check whether
 * a value fits the present state.  Pure functions, any context.
 */
#include "wire/vmbus_msg.h"

const uint32_t vmbus_versions[VMBUS_VERSIONS] = {
	VMBUS_V6_0, VMBUS_V5_3, VMBUS_V5_2, VMBUS_V5_1, VMBUS_V5_0, VMBUS_V4_1,
	VMBUS_V4_0, VMBUS_V3_0, VMBUS_V2_4, VMBUS_V1_1, VMBUS_V0_13,
};

struct msg_row {
	const char *name;
	uint32_t min;		/* bytes, the shortest form */
};

#define ROW(type, wire)	[VMBUS_##type] = { #type, sizeof(struct wire) }
static const struct msg_row msg_rows[VMBUS_MSG_TYPES] = {
	ROW(OFFER_CHANNEL, vmbus_offer_wire),
	ROW(RESCIND_OFFER, vmbus_relid_wire),
	ROW(REQUEST_OFFERS, vmbus_hdr_wire),
	ROW(ALL_OFFERS_DELIVERED, vmbus_hdr_wire),
	ROW(OPEN_CHANNEL, vmbus_open_wire),
	ROW(OPEN_RESULT, vmbus_open_result_wire),
	ROW(CLOSE_CHANNEL, vmbus_relid_wire),
	ROW(GPADL_HEADER, vmbus_gpadl_header_wire),
	ROW(GPADL_BODY, vmbus_gpadl_body_wire),
	ROW(GPADL_CREATED, vmbus_gpadl_created_wire),
	ROW(GPADL_TEARDOWN, vmbus_gpadl_teardown_wire),
	ROW(GPADL_TORNDOWN, vmbus_gpadl_torndown_wire),
	ROW(RELID_RELEASED, vmbus_relid_wire),
	ROW(INITIATE_CONTACT, vmbus_contact_wire),
	ROW(VERSION_RESPONSE, vmbus_version_wire),
	ROW(UNLOAD, vmbus_hdr_wire),
	ROW(UNLOAD_COMPLETE, vmbus_hdr_wire),
	ROW(OPEN_RESERVED, vmbus_open_reserved_wire),
	ROW(CLOSE_RESERVED, vmbus_close_reserved_wire),
	ROW(CLOSE_RESERVED_RESPONSE, vmbus_relid_wire),
	ROW(TL_CONNECT, vmbus_tl_connect_wire),
	ROW(MODIFY_CHANNEL, vmbus_modify_channel_wire),
	ROW(TL_CONNECT_RESULT, vmbus_tl_result_wire),
	ROW(MODIFY_CHANNEL_RESPONSE, vmbus_modify_channel_result_wire),
	ROW(MODIFY_CONNECTION, vmbus_modify_connection_wire),
	[VMBUS_MODIFY_CONNECTION_RESPONSE] = { "MODIFY_CONNECTION_RESPONSE",
	    offsetof(struct vmbus_modify_connection_result_wire, state) + 1 },
	ROW(PAUSE, vmbus_hdr_wire),
	ROW(PAUSE_RESPONSE, vmbus_hdr_wire),
	ROW(RESUME, vmbus_hdr_wire),
};
#undef ROW

union msg_wire {
	struct vmbus_hdr_wire hdr;
	struct vmbus_offer_wire offer;
	struct vmbus_relid_wire relid;
	struct vmbus_open_wire open;
	struct vmbus_open_result_wire open_result;
	struct vmbus_gpadl_header_wire gpadl_header;
	struct vmbus_gpadl_body_wire gpadl_body;
	struct vmbus_gpadl_created_wire gpadl_created;
	struct vmbus_gpadl_teardown_wire gpadl_teardown;
	struct vmbus_gpadl_torndown_wire gpadl_torndown;
	struct vmbus_open_reserved_wire open_reserved;
	struct vmbus_close_reserved_wire close_reserved;
	struct vmbus_modify_channel_wire modify;
	struct vmbus_tl_result_wire tl_result;
	struct vmbus_modify_channel_result_wire modify_result;
	struct vmbus_modify_connection_wire monitor;
	struct vmbus_modify_connection_result_wire conn;
};

const char *
vmbus_msg_name(uint32_t type)
{
	if (type >= VMBUS_MSG_TYPES || msg_rows[type].name == NULL)
		return "?";
	return msg_rows[type].name;
}

bool
vmbus_version_known(uint32_t v)
{
	for (uint32_t i = 0; i < VMBUS_VERSIONS; i++)
		if (vmbus_versions[i] == v)
			return true;
	return false;
}

static void
guid_get(struct hv_guid *out, const uint8_t b[16])
{
	memcpy(out->b, b, sizeof(out->b));
}

static void
offer_get(struct vmbus_offer *o, const struct vmbus_offer_wire *w)
{
	guid_get(&o->if_type, w->if_type);
	guid_get(&o->instance, w->instance);
	o->flags = le16_get(w->flags);
	o->mmio_mb = le16_get(w->mmio_mb);
	memcpy(o->user, w->user, sizeof(o->user));
	o->subchan = le16_get(w->subchan);
	o->mmio_optional_mb = le16_get(w->mmio_optional_mb);
	o->relid = le32_get(w->relid);
	o->monitor_id = w->monitor_id;
	o->monitor_allocated = (w->monitor_allocated & 1) != 0;
	o->dedicated_interrupt = (le16_get(w->dedicated_interrupt) & 1) != 0;
	o->conn_id = le32_get(w->conn_id);
}

static void
open_get(struct vmbus_open *o, struct span raw)
{
	struct vmbus_open2_wire w;

	memset(&w, 0, sizeof(w));
	o->extended = raw.len >= sizeof(w);
	memcpy(&w, raw.p, o->extended ? sizeof(w) : sizeof(w.open));
	o->relid = le32_get(w.open.relid);
	o->open_id = le32_get(w.open.open_id);
	o->ring_gpadl = le32_get(w.open.ring_gpadl);
	o->target_vp = le32_get(w.open.target_vp);
	o->downstream_pages = le32_get(w.open.downstream_pages);
	memcpy(o->user, w.open.user, sizeof(o->user));
	o->conn_id = le32_get(w.conn_id);
	o->event_flag = le16_get(w.event_flag);
	o->flags = le16_get(w.flags);
}

static void
contact_get(struct vmbus_contact *c, struct span raw)
{
	struct vmbus_contact2_wire w;
	struct vmbus_contact_target_wire t;

	memset(&w, 0, sizeof(w));
	c->has_client_id = raw.len >= sizeof(w);
	memcpy(&w, raw.p, c->has_client_id ? sizeof(w) : sizeof(w.contact));
	c->version = le32_get(w.contact.version);
	c->target_vp = le32_get(w.contact.target_vp);
	c->monitor_to_guest = le64_get(w.contact.monitor_to_guest);
	c->monitor_to_host = le64_get(w.contact.monitor_to_host);
	guid_get(&c->client_id, w.client_id);
	c->interrupt_gpa = 0;
	c->sint = VMBUS_SINT;
	c->vtl = 0;
	c->features = 0;
	if (c->version < VMBUS_V5_0) {
		c->interrupt_gpa = le64_get(w.contact.interrupt_or_target);
		return;
	}
	memcpy(&t, &w.contact.interrupt_or_target, sizeof(t));
	c->sint = t.sint;
	c->vtl = t.vtl;
	if (c->version >= VMBUS_V6_0)
		c->features = le32_get(t.features);
}

static void
version_get(struct vmbus_version *v, struct span raw)
{
	struct vmbus_version3_wire w;
	uint32_t len = sizeof(w.version.version);

	memset(&w, 0, sizeof(w));
	v->has_monitor = raw.len >= sizeof(w);
	v->has_features = raw.len >= sizeof(w.version);
	if (v->has_monitor)
		len = sizeof(w);
	else if (v->has_features)
		len = sizeof(w.version);
	memcpy(&w, raw.p, len);
	v->supported = w.version.version.supported != 0;
	v->state = w.version.version.state;
	v->selected = le32_get(w.version.version.selected);
	v->features = le32_get(w.version.features);
	v->monitor_to_guest = le64_get(w.monitor_to_guest);
	v->monitor_to_host = le64_get(w.monitor_to_host);
}

static void
tl_connect_get(struct vmbus_tl_connect *c, struct span raw)
{
	struct vmbus_tl_connect2_wire w;

	memset(&w, 0, sizeof(w));
	c->has_silo = raw.len >= sizeof(w);
	memcpy(&w, raw.p, c->has_silo ? sizeof(w) : sizeof(w.connect));
	guid_get(&c->endpoint, w.connect.endpoint);
	guid_get(&c->service, w.connect.service);
	guid_get(&c->silo, w.silo);
}

/* What both directions of the GPADL exchange carry. */
static void
gpadl_get(struct vmbus_msg *m, const union msg_wire *w, struct span raw)
{
	uint32_t head;

	switch (m->type) {
	case VMBUS_GPADL_HEADER:
		head = sizeof(w->gpadl_header);
		m->gpadl_header.relid = le32_get(w->gpadl_header.relid);
		m->gpadl_header.gpadl = le32_get(w->gpadl_header.gpadl);
		m->gpadl_header.range_bytes =
		    le16_get(w->gpadl_header.range_bytes);
		m->gpadl_header.range_count =
		    le16_get(w->gpadl_header.range_count);
		m->gpadl_header.part = span_sub(raw, head,
		    min_u32(raw.len - head, m->gpadl_header.range_bytes));
		break;
	case VMBUS_GPADL_BODY:
		head = sizeof(w->gpadl_body);
		m->gpadl_body.msg_number = le32_get(w->gpadl_body.msg_number);
		m->gpadl_body.gpadl = le32_get(w->gpadl_body.gpadl);
		m->gpadl_body.part = span_sub(raw, head, raw.len - head);
		break;
	case VMBUS_GPADL_CREATED:
		m->gpadl.relid = le32_get(w->gpadl_created.relid);
		m->gpadl.gpadl = le32_get(w->gpadl_created.gpadl);
		m->gpadl.status = le32_get(w->gpadl_created.status);
		break;
	case VMBUS_GPADL_TEARDOWN:
		m->gpadl.relid = le32_get(w->gpadl_teardown.relid);
		m->gpadl.gpadl = le32_get(w->gpadl_teardown.gpadl);
		m->gpadl.status = 0;
		break;
	default:
		m->gpadl.relid = 0;
		m->gpadl.gpadl = le32_get(w->gpadl_torndown.gpadl);
		m->gpadl.status = 0;
		break;
	}
}

static void
reserved_get(struct vmbus_msg *m, const union msg_wire *w)
{
	struct vmbus_reserved *r = &m->reserved;

	memset(r, 0, sizeof(*r));
	if (m->type == VMBUS_CLOSE_RESERVED) {
		r->relid = le32_get(w->close_reserved.relid);
		r->target_vp = le32_get(w->close_reserved.target_vp);
		r->sint = le32_get(w->close_reserved.sint);
		return;
	}
	r->relid = le32_get(w->open_reserved.relid);
	r->target_vp = le32_get(w->open_reserved.target_vp);
	r->sint = le32_get(w->open_reserved.sint);
	r->ring_gpadl = le32_get(w->open_reserved.ring_gpadl);
	r->downstream_pages = le32_get(w->open_reserved.downstream_pages);
}

/* The small messages: all fields in one row of integers. */
static void
plain_get(struct vmbus_msg *m, const union msg_wire *w)
{
	switch (m->type) {
	case VMBUS_RESCIND_OFFER:
	case VMBUS_CLOSE_CHANNEL:
	case VMBUS_RELID_RELEASED:
	case VMBUS_CLOSE_RESERVED_RESPONSE:
		m->relid = le32_get(w->relid.relid);
		break;
	case VMBUS_OPEN_RESULT:
		m->open_result.relid = le32_get(w->open_result.relid);
		m->open_result.open_id = le32_get(w->open_result.open_id);
		m->open_result.status = le32_get(w->open_result.status);
		break;
	case VMBUS_MODIFY_CHANNEL:
		m->modify.relid = le32_get(w->modify.relid);
		m->modify.target_vp = le32_get(w->modify.target_vp);
		break;
	case VMBUS_TL_CONNECT_RESULT:
		guid_get(&m->tl_result.endpoint, w->tl_result.endpoint);
		guid_get(&m->tl_result.service, w->tl_result.service);
		m->tl_result.status = le32_get(w->tl_result.status);
		break;
	case VMBUS_MODIFY_CHANNEL_RESPONSE:
		m->modify_result.relid = le32_get(w->modify_result.relid);
		m->modify_result.status = le32_get(w->modify_result.status);
		break;
	case VMBUS_MODIFY_CONNECTION:
		m->monitor.to_guest = le64_get(w->monitor.monitor_to_guest);
		m->monitor.to_host = le64_get(w->monitor.monitor_to_host);
		break;
	case VMBUS_MODIFY_CONNECTION_RESPONSE:
		m->conn_state = w->conn.state;
		break;
	default:	/* only a header */
		break;
	}
}

int
vmbus_msg_decode(struct vmbus_msg *out, struct span raw, enum fault *why)
{
	union msg_wire w;
	uint32_t type, min;

	if (raw.len < sizeof(w.hdr))
		return peer_bad(why, FAULT_VMBUS_SHORT);
	memcpy(&w.hdr, raw.p, sizeof(w.hdr));
	type = le32_get(w.hdr.type);
	if (type >= VMBUS_MSG_TYPES || msg_rows[type].name == NULL)
		return peer_bad(why, FAULT_VMBUS_TYPE);
	min = msg_rows[type].min;
	if (raw.len < min)
		return peer_bad(why, FAULT_VMBUS_SHORT);
	memcpy(&w, raw.p, min);

	out->type = (enum vmbus_msg_type)type;
	switch (out->type) {
	case VMBUS_OFFER_CHANNEL:
		offer_get(&out->offer, &w.offer);
		break;
	case VMBUS_OPEN_CHANNEL:
		open_get(&out->open, raw);
		break;
	case VMBUS_INITIATE_CONTACT:
		contact_get(&out->contact, raw);
		break;
	case VMBUS_VERSION_RESPONSE:
		version_get(&out->version, raw);
		break;
	case VMBUS_TL_CONNECT:
		tl_connect_get(&out->tl_connect, raw);
		break;
	case VMBUS_GPADL_HEADER:
	case VMBUS_GPADL_BODY:
	case VMBUS_GPADL_CREATED:
	case VMBUS_GPADL_TEARDOWN:
	case VMBUS_GPADL_TORNDOWN:
		gpadl_get(out, &w, raw);
		break;
	case VMBUS_OPEN_RESERVED:
	case VMBUS_CLOSE_RESERVED:
		reserved_get(out, &w);
		break;
	default:
		plain_get(out, &w);
		break;
	}
	return 0;
}
