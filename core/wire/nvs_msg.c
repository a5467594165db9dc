/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * NVSP messages, bytes to native form and back.  All are a row of 32-bit
 * words after the type, so one union of the wire structures serves both
 * directions: a message is measured against its type (nvs_rows), copied into
 * the union, and taken apart.  Only the send table (134) has a variable part.
 * Pure functions, any context; nvs_rndis_get() in the header is the data
 * path's shortcut.
 */
#include "wire/nvs_msg.h"

const uint32_t nvs_versions[NVS_VERSIONS] = {
	NVS_V6_1, NVS_V6, NVS_V5, NVS_V4, NVS_V2, NVS_V1,
};

union nvs_wire {
	struct nvs_hdr_wire hdr;
	struct nvs_init_wire init;
	struct nvs_init_done_wire init_done;
	struct nvs_ndis_version_wire ndis_version;
	struct nvs_buf_wire buf;
	struct nvs_recv_buf_done_wire recv_buf_done;
	struct nvs_revoke_wire revoke;
	struct nvs_send_buf_done_wire send_buf_done;
	struct nvs_rndis_wire rndis;
	struct nvs_rndis_done_wire rndis_done;
	struct nvs_ndis_config_wire ndis_config;
	struct nvs_vf_wire vf;
	struct nvs_datapath_wire datapath;
	struct nvs_oid_query_wire oid_query;
	struct nvs_oid_query_done_wire oid_query_done;
	struct nvs_subchan_wire subchan;
	struct nvs_send_table_wire send_table;
};

/* A RECV_BUF_DONE that reports a failure carries no section. */
#define RECV_BUF_DONE_MIN	offsetof(struct nvs_recv_buf_done_wire, section)

static const struct nvs_row {
	const char *name;
	uint16_t type;
	uint16_t min;
} nvs_rows[] = {
	{ "INIT", NVS_INIT, sizeof(struct nvs_init_wire) },
	{ "INIT_DONE", NVS_INIT_DONE, sizeof(struct nvs_init_done_wire) },
	{ "NDIS_VERSION", NVS_NDIS_VERSION,
	    sizeof(struct nvs_ndis_version_wire) },
	{ "RECV_BUF", NVS_RECV_BUF, offsetof(struct nvs_buf_wire, pad) },
	{ "RECV_BUF_DONE", NVS_RECV_BUF_DONE, RECV_BUF_DONE_MIN },
	{ "RECV_BUF_REVOKE", NVS_RECV_BUF_REVOKE,
	    offsetof(struct nvs_revoke_wire, pad) },
	{ "SEND_BUF", NVS_SEND_BUF, offsetof(struct nvs_buf_wire, pad) },
	{ "SEND_BUF_DONE", NVS_SEND_BUF_DONE,
	    sizeof(struct nvs_send_buf_done_wire) },
	{ "SEND_BUF_REVOKE", NVS_SEND_BUF_REVOKE,
	    offsetof(struct nvs_revoke_wire, pad) },
	{ "RNDIS", NVS_RNDIS, sizeof(struct nvs_rndis_wire) },
	{ "RNDIS_DONE", NVS_RNDIS_DONE, sizeof(struct nvs_rndis_done_wire) },
	{ "NDIS_CONFIG", NVS_NDIS_CONFIG,
	    sizeof(struct nvs_ndis_config_wire) },
	{ "VF_ASSOCIATION", NVS_VF_ASSOCIATION, sizeof(struct nvs_vf_wire) },
	{ "DATAPATH", NVS_DATAPATH, sizeof(struct nvs_datapath_wire) },
	{ "OID_QUERY", NVS_OID_QUERY, sizeof(struct nvs_oid_query_wire) },
	{ "OID_QUERY_DONE", NVS_OID_QUERY_DONE,
	    sizeof(struct nvs_oid_query_done_wire) },
	{ "SUBCHAN", NVS_SUBCHAN, sizeof(struct nvs_subchan_wire) },
	{ "SEND_TABLE", NVS_SEND_TABLE, sizeof(struct nvs_send_table_wire) },
};

static const struct nvs_row *
nvs_row_find(uint32_t type)
{
	for (uint32_t i = 0; i < ARRAY_LEN(nvs_rows); i++)
		if (nvs_rows[i].type == type)
			return &nvs_rows[i];
	return NULL;
}

const char *
nvs_msg_name(uint32_t type)
{
	const struct nvs_row *row = nvs_row_find(type);

	return row != NULL ? row->name : "?";
}

bool
nvs_version_known(uint32_t v)
{
	for (uint32_t i = 0; i < NVS_VERSIONS; i++)
		if (nvs_versions[i] == v)
			return true;
	return false;
}

const char *
nvs_version_name(uint32_t v)
{
	switch (v) {
	case NVS_V1:
		return "1";
	case NVS_V2:
		return "2";
	case NVS_V4:
		return "4";
	case NVS_V5:
		return "5";
	case NVS_V6:
		return "6";
	case NVS_V6_1:
		return "6.1";
	default:
		return NULL;
	}
}

static int
send_table_get(struct nvs_send_table *t, struct span raw, uint32_t version,
    enum fault *why)
{
	struct nvs_send_table_wire w;
	uint32_t off, bytes;

	memcpy(&w, raw.p, sizeof(w));
	t->count = le32_get(w.count);
	if (t->count != NVS_SEND_TABLE_ENTRIES)
		return peer_bad(why, FAULT_NVS_BUFFER);
	bytes = t->count * 4;
	off = le32_get(w.table_off);
	if (version < NVS_V6_1 && range_ok(NVS_QUIRK_TABLE_OFFSET, bytes,
	    raw.len))
		off = NVS_QUIRK_TABLE_OFFSET;
	if (off < sizeof(w) || !range_ok(off, bytes, raw.len))
		return peer_bad(why, FAULT_NVS_BUFFER);
	for (uint32_t i = 0; i < t->count; i++) {
		le32_t e;

		memcpy(&e, raw.p + off + (size_t)i * 4, sizeof(e));
		t->entry[i] = le32_get(e);
	}
	return 0;
}

static int
recv_buf_done_get(struct nvs_recv_buf_done *d, struct span raw,
    enum fault *why)
{
	struct nvs_recv_buf_done_wire w;

	memset(&w, 0, sizeof(w));
	memcpy(&w, raw.p, min_u32(raw.len, sizeof(w)));
	d->status = le32_get(w.status);
	d->sections = le32_get(w.sections);
	if (d->status == NVS_STATUS_OK && d->sections != 0 &&
	    raw.len < sizeof(w))
		return peer_bad(why, FAULT_NVS_SHORT);
	d->section.offset = le32_get(w.section[0].offset);
	d->section.slot_bytes = le32_get(w.section[0].slot_bytes);
	d->section.slots = le32_get(w.section[0].slots);
	d->section.end = le32_get(w.section[0].end);
	return 0;
}

/* The types below 125. */
static void
early_get(struct nvs_msg *m, const union nvs_wire *w)
{
	switch (m->type) {
	case NVS_INIT:
		m->init.version = le32_get(w->init.version_lo);
		m->init.version_hi = le32_get(w->init.version_hi);
		break;
	case NVS_INIT_DONE:
		m->init_done.version = le32_get(w->init_done.version);
		m->init_done.max_mdl = le32_get(w->init_done.max_mdl);
		m->init_done.status = le32_get(w->init_done.status);
		break;
	case NVS_NDIS_VERSION:
		m->ndis_version.major = le32_get(w->ndis_version.major);
		m->ndis_version.minor = le32_get(w->ndis_version.minor);
		break;
	case NVS_RECV_BUF:
	case NVS_SEND_BUF:
		m->buf.gpadl = le32_get(w->buf.gpadl);
		m->buf.id = le16_get(w->buf.id);
		break;
	case NVS_RECV_BUF_REVOKE:
	case NVS_SEND_BUF_REVOKE:
		m->revoke_id = le16_get(w->revoke.id);
		break;
	case NVS_SEND_BUF_DONE:
		m->send_buf_done.status = le32_get(w->send_buf_done.status);
		m->send_buf_done.section_bytes =
		    le32_get(w->send_buf_done.section_bytes);
		break;
	case NVS_RNDIS:
		m->rndis.channel = le32_get(w->rndis.channel);
		m->rndis.section = le32_get(w->rndis.section);
		m->rndis.section_bytes = le32_get(w->rndis.section_bytes);
		break;
	default:
		m->rndis_status = le32_get(w->rndis_done.status);
		break;
	}
}

/* The types from 125, less the send table. */
static void
late_get(struct nvs_msg *m, const union nvs_wire *w)
{
	switch (m->type) {
	case NVS_NDIS_CONFIG:
		m->ndis_config.mtu = le32_get(w->ndis_config.mtu);
		m->ndis_config.caps = le32_get(w->ndis_config.caps_lo) |
		    (uint64_t)le32_get(w->ndis_config.caps_hi) << 32;
		break;
	case NVS_VF_ASSOCIATION:
		m->vf.allocated = le32_get(w->vf.allocated);
		m->vf.serial = le32_get(w->vf.serial);
		break;
	case NVS_DATAPATH:
		m->datapath = le32_get(w->datapath.active);
		break;
	case NVS_OID_QUERY:
		m->oid_query.ndis_hdr = le32_get(w->oid_query.ndis_hdr);
		m->oid_query.oid = le32_get(w->oid_query.oid);
		break;
	case NVS_OID_QUERY_DONE:
		m->oid_query_done.status = le32_get(w->oid_query_done.status);
		m->oid_query_done.bytes = le32_get(w->oid_query_done.bytes);
		break;
	default:
		m->subchan.op = le32_get(w->subchan.op_or_status);
		m->subchan.count = le32_get(w->subchan.count);
		break;
	}
}

int
nvs_msg_decode(struct nvs_msg *out, struct span raw, uint32_t version,
    enum fault *why)
{
	const struct nvs_row *row;
	union nvs_wire w;

	if (raw.len < sizeof(w.hdr))
		return peer_bad(why, FAULT_NVS_SHORT);
	memcpy(&w.hdr, raw.p, sizeof(w.hdr));
	row = nvs_row_find(le32_get(w.hdr.type));
	if (row == NULL)
		return peer_bad(why, FAULT_NVS_TYPE);
	if (raw.len < row->min)
		return peer_bad(why, FAULT_NVS_SHORT);
	memcpy(&w, raw.p, row->min);

	out->type = (enum nvs_msg_type)row->type;
	if (out->type == NVS_SEND_TABLE)
		return send_table_get(&out->send_table, raw, version, why);
	if (out->type == NVS_RECV_BUF_DONE)
		return recv_buf_done_get(&out->recv_buf_done, raw, why);
	if (out->type < NVS_NDIS_CONFIG)
		early_get(out, &w);
	else
		late_get(out, &w);
	return 0;
}

static void
early_put(const struct nvs_msg *m, union nvs_wire *w)
{
	switch (m->type) {
	case NVS_INIT:
		w->init.version_lo = le32_put(m->init.version);
		w->init.version_hi = le32_put(m->init.version_hi);
		break;
	case NVS_INIT_DONE:
		w->init_done.version = le32_put(m->init_done.version);
		w->init_done.max_mdl = le32_put(m->init_done.max_mdl);
		w->init_done.status = le32_put(m->init_done.status);
		break;
	case NVS_NDIS_VERSION:
		w->ndis_version.major = le32_put(m->ndis_version.major);
		w->ndis_version.minor = le32_put(m->ndis_version.minor);
		break;
	case NVS_RECV_BUF:
	case NVS_SEND_BUF:
		w->buf.gpadl = le32_put(m->buf.gpadl);
		w->buf.id = le16_put(m->buf.id);
		break;
	case NVS_RECV_BUF_DONE: {
		const struct nvs_section *s = &m->recv_buf_done.section;

		w->recv_buf_done.status = le32_put(m->recv_buf_done.status);
		w->recv_buf_done.sections =
		    le32_put(m->recv_buf_done.sections);
		w->recv_buf_done.section[0] = (struct nvs_section_wire){
			le32_put(s->offset), le32_put(s->slot_bytes),
			le32_put(s->slots), le32_put(s->end),
		};
		break;
	}
	case NVS_RECV_BUF_REVOKE:
	case NVS_SEND_BUF_REVOKE:
		w->revoke.id = le16_put(m->revoke_id);
		break;
	case NVS_SEND_BUF_DONE:
		w->send_buf_done.status = le32_put(m->send_buf_done.status);
		w->send_buf_done.section_bytes =
		    le32_put(m->send_buf_done.section_bytes);
		break;
	case NVS_RNDIS:
		w->rndis.channel = le32_put(m->rndis.channel);
		w->rndis.section = le32_put(m->rndis.section);
		w->rndis.section_bytes = le32_put(m->rndis.section_bytes);
		break;
	default:
		w->rndis_done.status = le32_put(m->rndis_status);
		break;
	}
}

static void
late_put(const struct nvs_msg *m, union nvs_wire *w)
{
	switch (m->type) {
	case NVS_NDIS_CONFIG:
		w->ndis_config.mtu = le32_put(m->ndis_config.mtu);
		w->ndis_config.caps_lo =
		    le32_put((uint32_t)m->ndis_config.caps);
		w->ndis_config.caps_hi =
		    le32_put((uint32_t)(m->ndis_config.caps >> 32));
		break;
	case NVS_VF_ASSOCIATION:
		w->vf.allocated = le32_put(m->vf.allocated);
		w->vf.serial = le32_put(m->vf.serial);
		break;
	case NVS_DATAPATH:
		w->datapath.active = le32_put(m->datapath);
		break;
	case NVS_OID_QUERY:
		w->oid_query.ndis_hdr = le32_put(m->oid_query.ndis_hdr);
		w->oid_query.oid = le32_put(m->oid_query.oid);
		break;
	case NVS_OID_QUERY_DONE:
		w->oid_query_done.status = le32_put(m->oid_query_done.status);
		w->oid_query_done.bytes = le32_put(m->oid_query_done.bytes);
		break;
	default:
		w->subchan.op_or_status = le32_put(m->subchan.op);
		w->subchan.count = le32_put(m->subchan.count);
		break;
	}
}

uint32_t
nvs_msg_encode(const struct nvs_msg *m, uint32_t size,
    uint8_t buf[NVS_MSG_BYTES_MAX])
{
	union nvs_wire w;

	OS_ASSERT(size >= sizeof(w) && size <= NVS_MSG_BYTES_6_1);
	memset(&w, 0, sizeof(w));
	memset(buf, 0, size);
	w.hdr.type = le32_put(m->type);
	if (m->type == NVS_SEND_TABLE) {
		w.send_table.count = le32_put(NVS_SEND_TABLE_ENTRIES);
		w.send_table.table_off = le32_put(size);
		for (uint32_t i = 0; i < NVS_SEND_TABLE_ENTRIES; i++) {
			le32_t e = le32_put(m->send_table.entry[i]);

			memcpy(buf + size + (size_t)i * 4, &e, sizeof(e));
		}
	} else if (m->type < NVS_NDIS_CONFIG) {
		early_put(m, &w);
	} else {
		late_put(m, &w);
	}
	memcpy(buf, &w, sizeof(w));
	if (m->type == NVS_SEND_TABLE)
		return size + 4 * NVS_SEND_TABLE_ENTRIES;
	return size;
}
