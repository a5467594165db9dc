/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * RNDIS control messages, bytes to native form and back.  Decoding measures
 * the message against the shortest form of its type, then its own length field
 * against both, then the information buffer against that length, in this
 * order; nothing outside the length field is looked at.  Pure functions, any
 * context; control path only.
 */
#include "wire/rndis_msg.h"

union rndis_wire {
	struct rndis_hdr_wire hdr;
	struct rndis_init_wire init;
	struct rndis_init_done_wire init_done;
	struct rndis_req_wire req;
	struct rndis_query_wire query;
	struct rndis_query_done_wire query_done;
	struct rndis_done_wire done;
	struct rndis_reset_wire reset;
	struct rndis_reset_done_wire reset_done;
	struct rndis_status_wire status;
};

static const struct rndis_row {
	const char *name;
	uint32_t type;
	uint32_t fixed;		/* bytes before the information buffer */
} rndis_rows[] = {
	{ "INIT", RNDIS_INIT, sizeof(struct rndis_init_wire) },
	{ "INIT_DONE", RNDIS_INIT_DONE, sizeof(struct rndis_init_done_wire) },
	{ "HALT", RNDIS_HALT, sizeof(struct rndis_req_wire) },
	{ "QUERY", RNDIS_QUERY, sizeof(struct rndis_query_wire) },
	{ "QUERY_DONE", RNDIS_QUERY_DONE,
	    sizeof(struct rndis_query_done_wire) },
	{ "SET", RNDIS_SET, sizeof(struct rndis_query_wire) },
	{ "SET_DONE", RNDIS_SET_DONE, sizeof(struct rndis_done_wire) },
	{ "RESET", RNDIS_RESET, sizeof(struct rndis_reset_wire) },
	{ "RESET_DONE", RNDIS_RESET_DONE,
	    sizeof(struct rndis_reset_done_wire) },
	{ "INDICATE_STATUS", RNDIS_INDICATE_STATUS,
	    sizeof(struct rndis_status_wire) },
	{ "KEEPALIVE", RNDIS_KEEPALIVE, sizeof(struct rndis_req_wire) },
	{ "KEEPALIVE_DONE", RNDIS_KEEPALIVE_DONE,
	    sizeof(struct rndis_done_wire) },
};

static const struct rndis_row *
rndis_row_find(uint32_t type)
{
	for (uint32_t i = 0; i < ARRAY_LEN(rndis_rows); i++)
		if (rndis_rows[i].type == type)
			return &rndis_rows[i];
	return NULL;
}

const char *
rndis_msg_name(uint32_t type)
{
	const struct rndis_row *row = rndis_row_find(type);

	if (type == RNDIS_PACKET)
		return "PACKET";
	return row != NULL ? row->name : "?";
}

const char *
rndis_status_name(uint32_t status)
{
	switch (status) {
	case RNDIS_STATUS_OK:
		return "OK";
	case RNDIS_STATUS_PENDING:
		return "PENDING";
	case RNDIS_STATUS_MEDIA_CONNECT:
		return "MEDIA_CONNECT";
	case RNDIS_STATUS_MEDIA_DISCONNECT:
		return "MEDIA_DISCONNECT";
	case RNDIS_STATUS_LINK_SPEED:
		return "LINK_SPEED";
	case RNDIS_STATUS_NETWORK_CHANGE:
		return "NETWORK_CHANGE";
	case RNDIS_STATUS_OFFLOAD_CONFIG:
		return "OFFLOAD_CONFIG";
	case RNDIS_STATUS_FAILURE:
		return "FAILURE";
	case RNDIS_STATUS_NOT_SUPPORTED:
		return "NOT_SUPPORTED";
	case RNDIS_STATUS_BAD_VERSION:
		return "BAD_VERSION";
	case RNDIS_STATUS_INVALID_DATA:
		return "INVALID_DATA";
	default:
		return NULL;
	}
}

/*
 * The information buffer {len, off} of msg, which is cut to the length field
 * and has `fixed` bytes of its own before it.
 */
static int
info_get(struct span *out, struct span msg, uint32_t fixed, uint32_t len,
    uint32_t off, enum fault *why)
{
	if (len == 0) {
		*out = (struct span){ msg.p, 0 };
		return 0;
	}
	if (off < fixed - RNDIS_OFF_BASE ||
	    !range_ok(off, len, msg.len - RNDIS_OFF_BASE))
		return peer_bad(why, FAULT_RNDIS_INFO);
	*out = span_sub(msg, RNDIS_OFF_BASE + off, len);
	return 0;
}

static void
init_done_get(struct rndis_init_done *d, const struct rndis_init_done_wire *w)
{
	d->req_id = le32_get(w->req_id);
	d->status = le32_get(w->status);
	d->major = le32_get(w->major);
	d->minor = le32_get(w->minor);
	d->dev_flags = le32_get(w->dev_flags);
	d->medium = le32_get(w->medium);
	d->max_packets = le32_get(w->max_packets);
	d->max_xfer = le32_get(w->max_xfer);
	d->align_shift = le32_get(w->align_shift);
}

static int
body_get(struct rndis_msg *m, const union rndis_wire *w, struct span msg,
    uint32_t fixed, enum fault *why)
{
	switch (m->type) {
	case RNDIS_INIT:
		m->init.req_id = le32_get(w->init.req_id);
		m->init.major = le32_get(w->init.major);
		m->init.minor = le32_get(w->init.minor);
		m->init.max_xfer = le32_get(w->init.max_xfer);
		return 0;
	case RNDIS_INIT_DONE:
		init_done_get(&m->init_done, &w->init_done);
		return 0;
	case RNDIS_HALT:
	case RNDIS_KEEPALIVE:
	case RNDIS_RESET:
		m->req_id = le32_get(w->req.req_id);
		return 0;
	case RNDIS_QUERY:
	case RNDIS_SET:
		m->query.req_id = le32_get(w->query.req_id);
		m->query.oid = le32_get(w->query.oid);
		m->query.vc = le32_get(w->query.vc);
		return info_get(&m->query.info, msg, fixed,
		    le32_get(w->query.info_len), le32_get(w->query.info_off),
		    why);
	case RNDIS_QUERY_DONE:
		m->done.req_id = le32_get(w->query_done.req_id);
		m->done.status = le32_get(w->query_done.status);
		return info_get(&m->done.info, msg, fixed,
		    le32_get(w->query_done.info_len),
		    le32_get(w->query_done.info_off), why);
	case RNDIS_SET_DONE:
	case RNDIS_KEEPALIVE_DONE:
		m->done.req_id = le32_get(w->done.req_id);
		m->done.status = le32_get(w->done.status);
		m->done.info = (struct span){ msg.p, 0 };
		return 0;
	case RNDIS_RESET_DONE:
		m->reset_done.status = le32_get(w->reset_done.status);
		m->reset_done.addressing = le32_get(w->reset_done.addressing);
		return 0;
	default:
		m->status.status = le32_get(w->status.status);
		return info_get(&m->status.info, msg, fixed,
		    le32_get(w->status.info_len), le32_get(w->status.info_off),
		    why);
	}
}

int
rndis_msg_decode(struct rndis_msg *out, struct span raw, enum fault *why)
{
	const struct rndis_row *row;
	union rndis_wire w;
	uint32_t len;

	if (raw.len < sizeof(w.hdr))
		return peer_bad(why, FAULT_RNDIS_SHORT);
	memcpy(&w.hdr, raw.p, sizeof(w.hdr));
	row = rndis_row_find(le32_get(w.hdr.type));
	if (row == NULL)
		return peer_bad(why, FAULT_RNDIS_TYPE);
	if (raw.len < row->fixed)
		return peer_bad(why, FAULT_RNDIS_SHORT);
	memcpy(&w, raw.p, row->fixed);
	len = le32_get(w.hdr.len);
	if (len < row->fixed || len > raw.len)
		return peer_bad(why, FAULT_RNDIS_LEN);
	out->type = row->type;
	return body_get(out, &w, span_sub(raw, 0, len), row->fixed, why);
}

/* The information buffer that a message of ours carries. */
static struct span
info_of(const struct rndis_msg *m)
{
	switch (m->type) {
	case RNDIS_QUERY:
	case RNDIS_SET:
		return m->query.info;
	case RNDIS_QUERY_DONE:
		return m->done.info;
	case RNDIS_INDICATE_STATUS:
		return m->status.info;
	default:
		return (struct span){ NULL, 0 };
	}
}

uint32_t
rndis_msg_bytes(const struct rndis_msg *m)
{
	const struct rndis_row *row = rndis_row_find(m->type);

	OS_ASSERT(row != NULL);
	return row->fixed + info_of(m).len;
}

static void
init_done_put(struct rndis_init_done_wire *w, const struct rndis_init_done *d)
{
	w->req_id = le32_put(d->req_id);
	w->status = le32_put(d->status);
	w->major = le32_put(d->major);
	w->minor = le32_put(d->minor);
	w->dev_flags = le32_put(d->dev_flags);
	w->medium = le32_put(d->medium);
	w->max_packets = le32_put(d->max_packets);
	w->max_xfer = le32_put(d->max_xfer);
	w->align_shift = le32_put(d->align_shift);
}

static void
body_put(const struct rndis_msg *m, union rndis_wire *w, uint32_t fixed)
{
	le32_t off = le32_put(fixed - RNDIS_OFF_BASE);

	switch (m->type) {
	case RNDIS_INIT:
		w->init.req_id = le32_put(m->init.req_id);
		w->init.major = le32_put(m->init.major);
		w->init.minor = le32_put(m->init.minor);
		w->init.max_xfer = le32_put(m->init.max_xfer);
		break;
	case RNDIS_INIT_DONE:
		init_done_put(&w->init_done, &m->init_done);
		break;
	case RNDIS_QUERY:
	case RNDIS_SET:
		w->query.req_id = le32_put(m->query.req_id);
		w->query.oid = le32_put(m->query.oid);
		w->query.info_len = le32_put(m->query.info.len);
		w->query.info_off = off;
		w->query.vc = le32_put(m->query.vc);
		break;
	case RNDIS_QUERY_DONE:
		w->query_done.req_id = le32_put(m->done.req_id);
		w->query_done.status = le32_put(m->done.status);
		w->query_done.info_len = le32_put(m->done.info.len);
		w->query_done.info_off = off;
		break;
	case RNDIS_SET_DONE:
	case RNDIS_KEEPALIVE_DONE:
		w->done.req_id = le32_put(m->done.req_id);
		w->done.status = le32_put(m->done.status);
		break;
	case RNDIS_RESET_DONE:
		w->reset_done.status = le32_put(m->reset_done.status);
		w->reset_done.addressing = le32_put(m->reset_done.addressing);
		break;
	case RNDIS_INDICATE_STATUS:
		w->status.status = le32_put(m->status.status);
		w->status.info_len = le32_put(m->status.info.len);
		w->status.info_off = off;
		break;
	default:	/* HALT, KEEPALIVE, RESET */
		w->req.req_id = le32_put(m->req_id);
		break;
	}
}

uint32_t
rndis_msg_encode(const struct rndis_msg *m, uint8_t *buf, uint32_t cap)
{
	const struct rndis_row *row = rndis_row_find(m->type);
	struct span info = info_of(m);
	union rndis_wire w;

	OS_ASSERT(row != NULL);
	if (!range_ok(row->fixed, info.len, cap))
		return 0;
	memset(&w, 0, sizeof(w));
	w.hdr.type = le32_put(m->type);
	w.hdr.len = le32_put(row->fixed + info.len);
	body_put(m, &w, row->fixed);
	memcpy(buf, &w, row->fixed);
	if (info.len != 0)
		memcpy(buf + row->fixed, info.p, info.len);
	return row->fixed + info.len;
}
