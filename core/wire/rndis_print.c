/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * RNDIS messages as one line of text: control messages with the object that
 * they carry, and the header of a data message with its per-packet
 * information.  A QUERY_DONE does not say what it answers, so the caller
 * passes the OID of the query with the same request id.  Pure functions.
 */
#include "wire/ndis_obj.h"
#include "wire/rndis_pkt.h"
#include "wire/wire_print.h"
#include "wire/wire_text.h"

static void
status_print(struct wire_text *t, uint32_t status)
{
	const char *name = rndis_status_name(status);

	if (name != NULL)
		wire_text_fstr(t, "status", name);
	else
		wire_text_fhex(t, "status", status);
}

static void
packet_print(struct wire_text *t, struct span raw)
{
	struct rndis_packet p;
	enum fault why;

	if (rndis_packet_decode(&p, raw, &why) != 0) {
		wire_text_malformed(t, why, raw);
		return;
	}
	wire_text_str(t, "PACKET");
	wire_text_fdec(t, "len", p.msg_len);
	wire_text_fdec(t, "data_off", p.data_off);
	wire_text_fdec(t, "data_len", p.data_len);
	if (p.ppi.present & RNDIS_HAS_CSUM)
		wire_text_fhex(t, "csum", p.ppi.csum);
	if (p.ppi.present & RNDIS_HAS_LSO) {
		wire_text_fdec(t, "lso_mss", rndis_lso_mss(p.ppi.lso));
		wire_text_fdec(t, "lso_l4", rndis_lso_l4_off(p.ppi.lso));
	}
	if (p.ppi.present & RNDIS_HAS_VLAN)
		wire_text_fdec(t, "vlan",
		    rndis_vlan_to_tci(p.ppi.vlan) & 0xfffu);
	if (p.ppi.present & RNDIS_HAS_HASH_VALUE)
		wire_text_fhex(t, "hash", p.ppi.hash_value);
	if (p.ppi.present & RNDIS_HAS_HASH_INFO)
		wire_text_fhex(t, "hash_info", p.ppi.hash_info);
	if (p.ppi.present & RNDIS_HAS_FRAG) {
		wire_text_fdec(t, "frag", p.ppi.frag_id);
		wire_text_fhex(t, "frag_flags", p.ppi.frag_flags);
	}
	if (p.oob)
		wire_text_str(t, " oob");
}

static void
init_done_print(struct wire_text *t, const struct rndis_init_done *d)
{
	wire_text_fhex(t, "id", d->req_id);
	status_print(t, d->status);
	wire_text_fdec(t, "version", d->major);
	wire_text_str(t, ".");
	wire_text_dec(t, d->minor);
	wire_text_fdec(t, "max_packets", d->max_packets);
	wire_text_fdec(t, "max_xfer", d->max_xfer);
	wire_text_fdec(t, "align", (uint64_t)1 << (d->align_shift & 31));
}

static void
control_print(struct wire_text *t, const struct rndis_msg *m, uint32_t oid)
{
	switch (m->type) {
	case RNDIS_INIT:
		wire_text_fhex(t, "id", m->init.req_id);
		wire_text_fdec(t, "version", m->init.major);
		wire_text_str(t, ".");
		wire_text_dec(t, m->init.minor);
		wire_text_fdec(t, "max_xfer", m->init.max_xfer);
		break;
	case RNDIS_INIT_DONE:
		init_done_print(t, &m->init_done);
		break;
	case RNDIS_QUERY:
	case RNDIS_SET:
		wire_text_fhex(t, "id", m->query.req_id);
		ndis_oid_print(t, m->query.oid);
		ndis_obj_print(t, m->query.oid, m->query.info);
		break;
	case RNDIS_QUERY_DONE:
		wire_text_fhex(t, "id", m->done.req_id);
		status_print(t, m->done.status);
		if (oid != 0)
			ndis_oid_print(t, oid);
		ndis_obj_print(t, oid, m->done.info);
		break;
	case RNDIS_SET_DONE:
	case RNDIS_KEEPALIVE_DONE:
		wire_text_fhex(t, "id", m->done.req_id);
		status_print(t, m->done.status);
		break;
	case RNDIS_RESET:
		break;
	case RNDIS_RESET_DONE:
		status_print(t, m->reset_done.status);
		wire_text_fdec(t, "addressing", m->reset_done.addressing);
		break;
	case RNDIS_INDICATE_STATUS:
		status_print(t, m->status.status);
		if (m->status.status == RNDIS_STATUS_OFFLOAD_CONFIG)
			oid = (uint32_t)OID_TCP_OFFLOAD_CURRENT_CONFIG;
		else
			oid = 0;
		ndis_obj_print(t, oid, m->status.info);
		break;
	default:	/* HALT, KEEPALIVE */
		wire_text_fhex(t, "id", m->req_id);
		break;
	}
}

int
rndis_msg_print(char *buf, size_t cap, struct span raw, uint32_t oid)
{
	struct rndis_msg m;
	struct wire_text t;
	enum fault why;
	le32_t type;

	wire_text_init(&t, buf, cap);
	if (raw.len >= sizeof(type)) {
		memcpy(&type, raw.p, sizeof(type));
		if (le32_get(type) == RNDIS_PACKET) {
			packet_print(&t, raw);
			return (int)t.len;
		}
	}
	if (rndis_msg_decode(&m, raw, &why) != 0) {
		wire_text_malformed(&t, why, raw);
		return (int)t.len;
	}
	wire_text_str(&t, rndis_msg_name(m.type));
	control_print(&t, &m, oid);
	return (int)t.len;
}
