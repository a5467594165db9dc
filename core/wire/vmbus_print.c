/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * VMBus control messages as one line of text: the name of the type, then the
 * fields that a person debugs with.  Decodes with vmbus_msg_decode(), so a
 * line shows what the ends of this program understood.  Pure functions.
 */
#include "wire/vmbus_msg.h"
#include "wire/wire_print.h"
#include "wire/wire_text.h"

static const struct wire_text_bit offer_bits[] = {
	{ VMBUS_OFFER_ENUMERATE, "enumerate" },
	{ VMBUS_OFFER_CONFIDENTIAL_RING, "confidential_ring" },
	{ VMBUS_OFFER_CONFIDENTIAL_MEM, "confidential_mem" },
	{ VMBUS_OFFER_PINNED_MEM, "pinned_mem" },
	{ VMBUS_OFFER_NAMED_PIPE, "pipe" },
	{ VMBUS_OFFER_LOOPBACK, "loopback" },
	{ VMBUS_OFFER_PARENT, "parent" },
	{ VMBUS_OFFER_MONITORED, "monitored" },
	{ VMBUS_OFFER_TLNPI, "tlnpi" },
};

static const struct wire_text_bit feature_bits[] = {
	{ VMBUS_FEATURE_GUEST_SIGNAL, "guest_signal" },
	{ VMBUS_FEATURE_REDIRECT, "redirect" },
	{ VMBUS_FEATURE_MODIFY_CONNECTION, "modify_connection" },
	{ VMBUS_FEATURE_CLIENT_ID, "client_id" },
	{ VMBUS_FEATURE_CONFIDENTIAL, "confidential" },
	{ VMBUS_FEATURE_PAUSE_RESUME, "pause_resume" },
	{ VMBUS_FEATURE_SERVER_MONITOR, "server_monitor" },
	{ VMBUS_FEATURE_GPA_PINNING, "gpa_pinning" },
};

static void
version_number(struct wire_text *t, const char *name, uint32_t v)
{
	wire_text_fdec(t, name, v >> 16);
	wire_text_str(t, ".");
	wire_text_dec(t, v & 0xffff);
}

static void
status_print(struct wire_text *t, uint32_t status)
{
	if (status == VMBUS_STATUS_OK)
		wire_text_fstr(t, "status", "ok");
	else if (status == VMBUS_STATUS_FAILED)
		wire_text_fstr(t, "status", "failed");
	else if (status == VMBUS_STATUS_REFUSED)
		wire_text_fstr(t, "status", "refused");
	else
		wire_text_fhex(t, "status", status);
}

static void
offer_print(struct wire_text *t, const struct vmbus_offer *o)
{
	wire_text_fdec(t, "relid", o->relid);
	if (hv_guid_equal(&o->if_type, &hv_guid_nic))
		wire_text_fstr(t, "type", "nic");
	else
		wire_text_fguid(t, "type", &o->if_type);
	wire_text_fguid(t, "instance", &o->instance);
	wire_text_fdec(t, "subchan", o->subchan);
	wire_text_fhex(t, "conn", o->conn_id);
	if (o->monitor_allocated)
		wire_text_fdec(t, "monitor", o->monitor_id);
	wire_text_fdec(t, "dedicated", o->dedicated_interrupt);
	wire_text_fbits(t, "flags", o->flags, offer_bits,
	    ARRAY_LEN(offer_bits));
	if (o->mmio_mb != 0)
		wire_text_fdec(t, "mmio_mb", o->mmio_mb);
}

static void
vp_print(struct wire_text *t, uint32_t vp)
{
	if (vp == VMBUS_VP_INTERRUPTS_OFF)
		wire_text_fstr(t, "vp", "none");
	else
		wire_text_fdec(t, "vp", vp);
}

static void
open_print(struct wire_text *t, const struct vmbus_open *o)
{
	wire_text_fdec(t, "relid", o->relid);
	wire_text_fdec(t, "open_id", o->open_id);
	wire_text_fhex(t, "gpadl", o->ring_gpadl);
	vp_print(t, o->target_vp);
	wire_text_fdec(t, "downstream_pages", o->downstream_pages);
	if (!o->extended)
		return;
	wire_text_fhex(t, "conn", o->conn_id);
	wire_text_fdec(t, "event_flag", o->event_flag);
	wire_text_fhex(t, "flags", o->flags);
}

static void
gpadl_print(struct wire_text *t, const struct vmbus_msg *m)
{
	switch (m->type) {
	case VMBUS_GPADL_HEADER:
		wire_text_fdec(t, "relid", m->gpadl_header.relid);
		wire_text_fhex(t, "gpadl", m->gpadl_header.gpadl);
		wire_text_fdec(t, "ranges", m->gpadl_header.range_count);
		wire_text_fdec(t, "bytes", m->gpadl_header.range_bytes);
		wire_text_fdec(t, "here", m->gpadl_header.part.len);
		break;
	case VMBUS_GPADL_BODY:
		wire_text_fhex(t, "gpadl", m->gpadl_body.gpadl);
		wire_text_fdec(t, "number", m->gpadl_body.msg_number);
		wire_text_fdec(t, "here", m->gpadl_body.part.len);
		break;
	default:
		if (m->type != VMBUS_GPADL_TORNDOWN)
			wire_text_fdec(t, "relid", m->gpadl.relid);
		wire_text_fhex(t, "gpadl", m->gpadl.gpadl);
		if (m->type == VMBUS_GPADL_CREATED)
			status_print(t, m->gpadl.status);
		break;
	}
}

static void
contact_print(struct wire_text *t, const struct vmbus_contact *c)
{
	version_number(t, "version", c->version);
	wire_text_fdec(t, "vp", c->target_vp);
	if (c->version < VMBUS_V5_0) {
		wire_text_fhex(t, "interrupt_page", c->interrupt_gpa);
	} else {
		wire_text_fdec(t, "sint", c->sint);
		wire_text_fdec(t, "vtl", c->vtl);
	}
	if (c->version >= VMBUS_V6_0)
		wire_text_fbits(t, "features", c->features, feature_bits,
		    ARRAY_LEN(feature_bits));
	wire_text_fhex(t, "monitor_to_guest", c->monitor_to_guest);
	wire_text_fhex(t, "monitor_to_host", c->monitor_to_host);
	if (c->has_client_id)
		wire_text_fguid(t, "client", &c->client_id);
}

static void
version_print(struct wire_text *t, const struct vmbus_version *v)
{
	wire_text_fdec(t, "supported", v->supported);
	wire_text_fdec(t, "state", v->state);
	wire_text_fhex(t, "selected", v->selected);
	if (v->has_features)
		wire_text_fbits(t, "features", v->features, feature_bits,
		    ARRAY_LEN(feature_bits));
	if (!v->has_monitor)
		return;
	wire_text_fhex(t, "monitor_to_guest", v->monitor_to_guest);
	wire_text_fhex(t, "monitor_to_host", v->monitor_to_host);
}

static void
reserved_print(struct wire_text *t, const struct vmbus_msg *m)
{
	wire_text_fdec(t, "relid", m->reserved.relid);
	wire_text_fdec(t, "vp", m->reserved.target_vp);
	wire_text_fdec(t, "sint", m->reserved.sint);
	if (m->type != VMBUS_OPEN_RESERVED)
		return;
	wire_text_fhex(t, "gpadl", m->reserved.ring_gpadl);
	wire_text_fdec(t, "downstream_pages", m->reserved.downstream_pages);
}

/* The types that hvsock and version 6.0 added. */
static void
late_print(struct wire_text *t, const struct vmbus_msg *m)
{
	switch (m->type) {
	case VMBUS_TL_CONNECT:
		wire_text_fguid(t, "endpoint", &m->tl_connect.endpoint);
		wire_text_fguid(t, "service", &m->tl_connect.service);
		if (m->tl_connect.has_silo)
			wire_text_fguid(t, "silo", &m->tl_connect.silo);
		break;
	case VMBUS_TL_CONNECT_RESULT:
		wire_text_fguid(t, "endpoint", &m->tl_result.endpoint);
		wire_text_fguid(t, "service", &m->tl_result.service);
		status_print(t, m->tl_result.status);
		break;
	case VMBUS_MODIFY_CHANNEL:
		wire_text_fdec(t, "relid", m->modify.relid);
		vp_print(t, m->modify.target_vp);
		break;
	case VMBUS_MODIFY_CHANNEL_RESPONSE:
		wire_text_fdec(t, "relid", m->modify_result.relid);
		status_print(t, m->modify_result.status);
		break;
	case VMBUS_MODIFY_CONNECTION:
		wire_text_fhex(t, "monitor_to_guest", m->monitor.to_guest);
		wire_text_fhex(t, "monitor_to_host", m->monitor.to_host);
		break;
	case VMBUS_MODIFY_CONNECTION_RESPONSE:
		wire_text_fdec(t, "state", m->conn_state);
		break;
	default:
		break;
	}
}

int
vmbus_msg_print(char *buf, size_t cap, struct span raw)
{
	struct vmbus_msg m;
	struct wire_text t;
	enum fault why;

	wire_text_init(&t, buf, cap);
	if (vmbus_msg_decode(&m, raw, &why) != 0) {
		wire_text_malformed(&t, why, raw);
		return (int)t.len;
	}
	wire_text_str(&t, vmbus_msg_name(m.type));
	switch (m.type) {
	case VMBUS_OFFER_CHANNEL:
		offer_print(&t, &m.offer);
		break;
	case VMBUS_RESCIND_OFFER:
	case VMBUS_CLOSE_CHANNEL:
	case VMBUS_RELID_RELEASED:
	case VMBUS_CLOSE_RESERVED_RESPONSE:
		wire_text_fdec(&t, "relid", m.relid);
		break;
	case VMBUS_OPEN_CHANNEL:
		open_print(&t, &m.open);
		break;
	case VMBUS_OPEN_RESULT:
		wire_text_fdec(&t, "relid", m.open_result.relid);
		wire_text_fdec(&t, "open_id", m.open_result.open_id);
		status_print(&t, m.open_result.status);
		break;
	case VMBUS_GPADL_HEADER:
	case VMBUS_GPADL_BODY:
	case VMBUS_GPADL_CREATED:
	case VMBUS_GPADL_TEARDOWN:
	case VMBUS_GPADL_TORNDOWN:
		gpadl_print(&t, &m);
		break;
	case VMBUS_INITIATE_CONTACT:
		contact_print(&t, &m.contact);
		break;
	case VMBUS_VERSION_RESPONSE:
		version_print(&t, &m.version);
		break;
	case VMBUS_OPEN_RESERVED:
	case VMBUS_CLOSE_RESERVED:
		reserved_print(&t, &m);
		break;
	default:
		late_print(&t, &m);
		break;
	}
	return (int)t.len;
}
