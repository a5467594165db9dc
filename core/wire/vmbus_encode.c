/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * Native form to bytes for VMBus control messages, the way back from
 * vmbus_msg.c.  The caller's buffer is zeroed first, so reserved bytes are 0
 * and nothing of ours leaks; then the wire structure of the type is filled
 * and copied.  What is encoded is ours, so impossible values are asserted on.
 * Pure functions, any context.
 */
#include "wire/vmbus_msg.h"

static struct vmbus_hdr_wire
hdr_put(enum vmbus_msg_type type)
{
	return (struct vmbus_hdr_wire){ .type = le32_put(type) };
}

/* Copy a filled wire structure and return its size. */
#define EMIT(buf, w)	(memcpy(buf, &(w), sizeof(w)), (uint32_t)sizeof(w))

static uint32_t
relid_put(enum vmbus_msg_type type, uint32_t relid, uint8_t *buf)
{
	struct vmbus_relid_wire w = {
		.hdr = hdr_put(type), .relid = le32_put(relid),
	};

	return EMIT(buf, w);
}

static uint32_t
offer_put(const struct vmbus_offer *o, uint8_t *buf)
{
	struct vmbus_offer_wire w = {
		.hdr = hdr_put(VMBUS_OFFER_CHANNEL),
		.flags = le16_put(o->flags),
		.mmio_mb = le16_put(o->mmio_mb),
		.subchan = le16_put(o->subchan),
		.mmio_optional_mb = le16_put(o->mmio_optional_mb),
		.relid = le32_put(o->relid),
		.monitor_id = o->monitor_id,
		.monitor_allocated = o->monitor_allocated,
		.dedicated_interrupt = le16_put(o->dedicated_interrupt),
		.conn_id = le32_put(o->conn_id),
	};

	memcpy(w.if_type, o->if_type.b, sizeof(w.if_type));
	memcpy(w.instance, o->instance.b, sizeof(w.instance));
	memcpy(w.user, o->user, sizeof(w.user));
	return EMIT(buf, w);
}

static uint32_t
open_put(const struct vmbus_open *o, uint8_t *buf)
{
	struct vmbus_open2_wire w = {
		.open.hdr = hdr_put(VMBUS_OPEN_CHANNEL),
		.open.relid = le32_put(o->relid),
		.open.open_id = le32_put(o->open_id),
		.open.ring_gpadl = le32_put(o->ring_gpadl),
		.open.target_vp = le32_put(o->target_vp),
		.open.downstream_pages = le32_put(o->downstream_pages),
		.conn_id = le32_put(o->conn_id),
		.event_flag = le16_put(o->event_flag),
		.flags = le16_put(o->flags),
	};

	memcpy(w.open.user, o->user, sizeof(w.open.user));
	if (!o->extended)
		return EMIT(buf, w.open);
	return EMIT(buf, w);
}

static uint32_t
contact_put(const struct vmbus_contact *c, uint8_t *buf)
{
	struct vmbus_contact2_wire w = {
		.contact.hdr = hdr_put(VMBUS_INITIATE_CONTACT),
		.contact.version = le32_put(c->version),
		.contact.target_vp = le32_put(c->target_vp),
		.contact.interrupt_or_target = le64_put(c->interrupt_gpa),
		.contact.monitor_to_guest = le64_put(c->monitor_to_guest),
		.contact.monitor_to_host = le64_put(c->monitor_to_host),
	};

	if (c->version >= VMBUS_V5_0) {
		struct vmbus_contact_target_wire t = {
			.sint = c->sint, .vtl = c->vtl,
		};

		if (c->version >= VMBUS_V6_0)
			t.features = le32_put(c->features);
		memcpy(&w.contact.interrupt_or_target, &t, sizeof(t));
	}
	if (!c->has_client_id)
		return EMIT(buf, w.contact);
	memcpy(w.client_id, c->client_id.b, sizeof(w.client_id));
	return EMIT(buf, w);
}

static uint32_t
version_put(const struct vmbus_version *v, uint8_t *buf)
{
	struct vmbus_version3_wire w = {
		.version.version.hdr = hdr_put(VMBUS_VERSION_RESPONSE),
		.version.version.supported = v->supported,
		.version.version.state = v->state,
		.version.version.selected = le32_put(v->selected),
	};

	if (v->has_features || v->has_monitor)
		w.version.features = le32_put(v->features);
	if (v->has_monitor) {
		w.monitor_to_guest = le64_put(v->monitor_to_guest);
		w.monitor_to_host = le64_put(v->monitor_to_host);
		return EMIT(buf, w);
	}
	if (v->has_features)
		return EMIT(buf, w.version);
	return EMIT(buf, w.version.version);
}

static uint32_t
tl_connect_put(const struct vmbus_tl_connect *c, uint8_t *buf)
{
	struct vmbus_tl_connect2_wire w = {
		.connect.hdr = hdr_put(VMBUS_TL_CONNECT),
	};

	memcpy(w.connect.endpoint, c->endpoint.b, sizeof(w.connect.endpoint));
	memcpy(w.connect.service, c->service.b, sizeof(w.connect.service));
	memcpy(w.silo, c->silo.b, sizeof(w.silo));
	if (!c->has_silo)
		return EMIT(buf, w.connect);
	return EMIT(buf, w);
}

static uint32_t
gpadl_header_put(const struct vmbus_gpadl_header *h, uint8_t *buf)
{
	struct vmbus_gpadl_header_wire w = {
		.hdr = hdr_put(VMBUS_GPADL_HEADER),
		.relid = le32_put(h->relid),
		.gpadl = le32_put(h->gpadl),
		.range_bytes = le16_put(h->range_bytes),
		.range_count = le16_put(h->range_count),
	};

	OS_ASSERT(h->part.len <= VMBUS_MSG_MAX - sizeof(w));
	if (h->part.len != 0)
		memcpy(buf + sizeof(w), h->part.p, h->part.len);
	return EMIT(buf, w) + h->part.len;
}

static uint32_t
gpadl_body_put(const struct vmbus_gpadl_body *b, uint8_t *buf)
{
	struct vmbus_gpadl_body_wire w = {
		.hdr = hdr_put(VMBUS_GPADL_BODY),
		.msg_number = le32_put(b->msg_number),
		.gpadl = le32_put(b->gpadl),
	};

	OS_ASSERT(b->part.len <= VMBUS_MSG_MAX - sizeof(w));
	if (b->part.len != 0)
		memcpy(buf + sizeof(w), b->part.p, b->part.len);
	return EMIT(buf, w) + b->part.len;
}

static uint32_t
gpadl_result_put(const struct vmbus_msg *m, uint8_t *buf)
{
	struct vmbus_gpadl_created_wire created = {
		.hdr = hdr_put(m->type),
		.relid = le32_put(m->gpadl.relid),
		.gpadl = le32_put(m->gpadl.gpadl),
		.status = le32_put(m->gpadl.status),
	};
	struct vmbus_gpadl_teardown_wire teardown = {
		.hdr = created.hdr,
		.relid = created.relid,
		.gpadl = created.gpadl,
	};
	struct vmbus_gpadl_torndown_wire torndown = {
		.hdr = created.hdr,
		.gpadl = created.gpadl,
	};

	if (m->type == VMBUS_GPADL_CREATED)
		return EMIT(buf, created);
	if (m->type == VMBUS_GPADL_TEARDOWN)
		return EMIT(buf, teardown);
	return EMIT(buf, torndown);
}

static uint32_t
open_result_put(const struct vmbus_open_result *r, uint8_t *buf)
{
	struct vmbus_open_result_wire w = {
		.hdr = hdr_put(VMBUS_OPEN_RESULT),
		.relid = le32_put(r->relid),
		.open_id = le32_put(r->open_id),
		.status = le32_put(r->status),
	};

	return EMIT(buf, w);
}

static uint32_t
reserved_put(const struct vmbus_msg *m, uint8_t *buf)
{
	const struct vmbus_reserved *r = &m->reserved;
	struct vmbus_open_reserved_wire open = {
		.hdr = hdr_put(m->type),
		.relid = le32_put(r->relid),
		.target_vp = le32_put(r->target_vp),
		.sint = le32_put(r->sint),
		.ring_gpadl = le32_put(r->ring_gpadl),
		.downstream_pages = le32_put(r->downstream_pages),
	};
	struct vmbus_close_reserved_wire close = {
		.hdr = open.hdr,
		.relid = open.relid,
		.target_vp = open.target_vp,
		.sint = open.sint,
	};

	if (m->type == VMBUS_OPEN_RESERVED)
		return EMIT(buf, open);
	return EMIT(buf, close);
}

static uint32_t
tl_result_put(const struct vmbus_tl_result *r, uint8_t *buf)
{
	struct vmbus_tl_result_wire w = {
		.hdr = hdr_put(VMBUS_TL_CONNECT_RESULT),
		.status = le32_put(r->status),
	};

	memcpy(w.endpoint, r->endpoint.b, sizeof(w.endpoint));
	memcpy(w.service, r->service.b, sizeof(w.service));
	return EMIT(buf, w);
}

/* MODIFY_CHANNEL and MODIFY_CHANNEL_RESPONSE: relid and one integer. */
static uint32_t
pair_put(enum vmbus_msg_type type, uint32_t relid, uint32_t value,
    uint8_t *buf)
{
	struct vmbus_modify_channel_wire w = {
		.hdr = hdr_put(type),
		.relid = le32_put(relid),
		.target_vp = le32_put(value),
	};

	return EMIT(buf, w);
}

static uint32_t
monitor_put(const struct vmbus_monitor_pages *p, uint8_t *buf)
{
	struct vmbus_modify_connection_wire w = {
		.hdr = hdr_put(VMBUS_MODIFY_CONNECTION),
		.monitor_to_guest = le64_put(p->to_guest),
		.monitor_to_host = le64_put(p->to_host),
	};

	return EMIT(buf, w);
}

uint32_t
vmbus_msg_encode(const struct vmbus_msg *m, uint8_t buf[VMBUS_MSG_MAX])
{
	struct vmbus_hdr_wire hdr = hdr_put(m->type);

	memset(buf, 0, VMBUS_MSG_MAX);
	switch (m->type) {
	case VMBUS_OFFER_CHANNEL:
		return offer_put(&m->offer, buf);
	case VMBUS_RESCIND_OFFER:
	case VMBUS_CLOSE_CHANNEL:
	case VMBUS_RELID_RELEASED:
	case VMBUS_CLOSE_RESERVED_RESPONSE:
		return relid_put(m->type, m->relid, buf);
	case VMBUS_OPEN_CHANNEL:
		return open_put(&m->open, buf);
	case VMBUS_OPEN_RESULT:
		return open_result_put(&m->open_result, buf);
	case VMBUS_GPADL_HEADER:
		return gpadl_header_put(&m->gpadl_header, buf);
	case VMBUS_GPADL_BODY:
		return gpadl_body_put(&m->gpadl_body, buf);
	case VMBUS_GPADL_CREATED:
	case VMBUS_GPADL_TEARDOWN:
	case VMBUS_GPADL_TORNDOWN:
		return gpadl_result_put(m, buf);
	case VMBUS_INITIATE_CONTACT:
		return contact_put(&m->contact, buf);
	case VMBUS_VERSION_RESPONSE:
		return version_put(&m->version, buf);
	case VMBUS_OPEN_RESERVED:
	case VMBUS_CLOSE_RESERVED:
		return reserved_put(m, buf);
	case VMBUS_TL_CONNECT:
		return tl_connect_put(&m->tl_connect, buf);
	case VMBUS_TL_CONNECT_RESULT:
		return tl_result_put(&m->tl_result, buf);
	case VMBUS_MODIFY_CHANNEL:
		return pair_put(m->type, m->modify.relid, m->modify.target_vp,
		    buf);
	case VMBUS_MODIFY_CHANNEL_RESPONSE:
		return pair_put(m->type, m->modify_result.relid,
		    m->modify_result.status, buf);
	case VMBUS_MODIFY_CONNECTION:
		return monitor_put(&m->monitor, buf);
	case VMBUS_MODIFY_CONNECTION_RESPONSE:
		buf[sizeof(hdr)] = m->conn_state;
		return EMIT(buf, hdr) + 1;
	default:
		return EMIT(buf, hdr);
	}
}
