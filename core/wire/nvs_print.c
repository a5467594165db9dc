/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * NVSP messages as one line of text, decoded with nvs_msg_decode().  Pure
 * functions.
 */
#include "wire/ndis_obj.h"
#include "wire/nvs_msg.h"
#include "wire/wire_print.h"
#include "wire/wire_text.h"

static const struct wire_text_bit cap_bits[] = {
	{ NVS_CAP_VMQ, "vmq" },
	{ NVS_CAP_CHIMNEY, "chimney" },
	{ NVS_CAP_SRIOV, "sriov" },
	{ NVS_CAP_8021Q, "8021q" },
	{ NVS_CAP_CORRELATION, "correlation" },
	{ NVS_CAP_TEAMING, "teaming" },
	{ NVS_CAP_SUBNET_ID, "subnet_id" },
	{ NVS_CAP_RSC, "rsc" },
};

static const char *const status_names[] = {
	"none", "ok", "failed", "too_new", "too_old", "bad_rndis", "busy",
	"unsupported",
};

static void
status_print(struct wire_text *t, uint32_t status)
{
	if (status < ARRAY_LEN(status_names))
		wire_text_fstr(t, "status", status_names[status]);
	else
		wire_text_fhex(t, "status", status);
}

static void
version_print(struct wire_text *t, uint32_t v)
{
	const char *name = v == NVS_NO_VERSION ? "none" : nvs_version_name(v);

	if (name != NULL)
		wire_text_fstr(t, "version", name);
	else
		wire_text_fhex(t, "version", v);
}

static void
recv_buf_done_print(struct wire_text *t, const struct nvs_recv_buf_done *d)
{
	status_print(t, d->status);
	wire_text_fdec(t, "sections", d->sections);
	wire_text_fdec(t, "offset", d->section.offset);
	wire_text_fdec(t, "slot_bytes", d->section.slot_bytes);
	wire_text_fdec(t, "slots", d->section.slots);
	wire_text_fdec(t, "end", d->section.end);
}

static void
rndis_print(struct wire_text *t, const struct nvs_rndis *r)
{
	if (r->channel == NVS_CHANNEL_DATA)
		wire_text_fstr(t, "channel", "data");
	else if (r->channel == NVS_CHANNEL_CONTROL)
		wire_text_fstr(t, "channel", "control");
	else
		wire_text_fhex(t, "channel", r->channel);
	if (r->section == NVS_SECTION_NONE) {
		wire_text_fstr(t, "section", "none");
		return;
	}
	wire_text_fdec(t, "section", r->section);
	wire_text_fdec(t, "bytes", r->section_bytes);
}

static void
table_print(struct wire_text *t, const struct nvs_send_table *s)
{
	wire_text_fdec(t, "count", s->count);
	wire_text_str(t, " channels=");
	for (uint32_t i = 0; i < s->count; i++) {
		if (i != 0)
			wire_text_str(t, ",");
		wire_text_dec(t, s->entry[i]);
	}
}

static void
early_print(struct wire_text *t, const struct nvs_msg *m)
{
	switch (m->type) {
	case NVS_INIT:
		version_print(t, m->init.version);
		if (m->init.version_hi != m->init.version)
			wire_text_fhex(t, "version_hi", m->init.version_hi);
		break;
	case NVS_INIT_DONE:
		status_print(t, m->init_done.status);
		version_print(t, m->init_done.version);
		wire_text_fdec(t, "max_mdl", m->init_done.max_mdl);
		break;
	case NVS_NDIS_VERSION:
		wire_text_fdec(t, "version", m->ndis_version.major);
		wire_text_str(t, ".");
		wire_text_dec(t, m->ndis_version.minor);
		break;
	case NVS_RECV_BUF:
	case NVS_SEND_BUF:
		wire_text_fhex(t, "gpadl", m->buf.gpadl);
		wire_text_fhex(t, "id", m->buf.id);
		break;
	case NVS_RECV_BUF_DONE:
		recv_buf_done_print(t, &m->recv_buf_done);
		break;
	case NVS_RECV_BUF_REVOKE:
	case NVS_SEND_BUF_REVOKE:
		wire_text_fhex(t, "id", m->revoke_id);
		break;
	case NVS_SEND_BUF_DONE:
		status_print(t, m->send_buf_done.status);
		wire_text_fdec(t, "section_bytes",
		    m->send_buf_done.section_bytes);
		break;
	case NVS_RNDIS:
		rndis_print(t, &m->rndis);
		break;
	default:
		status_print(t, m->rndis_status);
		break;
	}
}

static void
late_print(struct wire_text *t, const struct nvs_msg *m, bool done)
{
	switch (m->type) {
	case NVS_NDIS_CONFIG:
		wire_text_fdec(t, "mtu", m->ndis_config.mtu);
		wire_text_fbits(t, "caps", (uint32_t)m->ndis_config.caps,
		    cap_bits, ARRAY_LEN(cap_bits));
		break;
	case NVS_VF_ASSOCIATION:
		wire_text_fdec(t, "allocated", m->vf.allocated);
		wire_text_fdec(t, "serial", m->vf.serial);
		break;
	case NVS_DATAPATH:
		wire_text_fstr(t, "active",
		    m->datapath == NVS_DATAPATH_SYNTHETIC ? "synthetic" : "vf");
		break;
	case NVS_OID_QUERY:
		wire_text_fhex(t, "ndis_hdr", m->oid_query.ndis_hdr);
		ndis_oid_print(t, m->oid_query.oid);
		break;
	case NVS_OID_QUERY_DONE:
		wire_text_fhex(t, "status", m->oid_query_done.status);
		wire_text_fdec(t, "bytes", m->oid_query_done.bytes);
		break;
	case NVS_SUBCHAN:
		if (done)
			status_print(t, m->subchan_done.status);
		else
			wire_text_fdec(t, "op", m->subchan.op);
		wire_text_fdec(t, "count", m->subchan.count);
		break;
	default:
		table_print(t, &m->send_table);
		break;
	}
}

int
nvs_msg_print(char *buf, size_t cap, struct span raw, uint32_t version,
    bool done)
{
	struct nvs_msg m;
	struct wire_text t;
	enum fault why;

	wire_text_init(&t, buf, cap);
	if (nvs_msg_decode(&m, raw, version, &why) != 0) {
		wire_text_malformed(&t, why, raw);
		return (int)t.len;
	}
	wire_text_str(&t, nvs_msg_name(m.type));
	if (done)
		wire_text_str(&t, " (completion)");
	if (m.type < NVS_NDIS_CONFIG)
		early_print(&t, &m);
	else
		late_print(&t, &m, done);
	return (int)t.len;
}
