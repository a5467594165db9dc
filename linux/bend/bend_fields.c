/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields that a script can set: some by name, all by width and offset
 * ("u32@12"), those of the packet around the message as well.
 */
#include "linux/bend/bend_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "wire/nvs_msg.h"
#include "wire/nvs_wire.h"
#include "wire/rndis_msg.h"
#include "wire/vmbus_msg.h"

struct field_row {
	enum bend_layer layer;
	uint32_t type;
	const char *name;
	uint32_t off, width;
};

#define FIELD_AT(layer, type, wire, field, name)			\
	{ BEND_##layer, type, name, offsetof(struct wire, field),	\
	    sizeof(((struct wire *)0)->field) }
#define FIELD(layer, type, wire, field)					\
	FIELD_AT(layer, type, wire, field, #field)

static const struct field_row field_rows[] = {
	FIELD(VMBUS, VMBUS_OFFER_CHANNEL, vmbus_offer_wire, relid),
	FIELD(VMBUS, VMBUS_OFFER_CHANNEL, vmbus_offer_wire, subchan),
	FIELD(VMBUS, VMBUS_OFFER_CHANNEL, vmbus_offer_wire, flags),
	FIELD(VMBUS, VMBUS_OFFER_CHANNEL, vmbus_offer_wire, mmio_mb),
	FIELD(VMBUS, VMBUS_OFFER_CHANNEL, vmbus_offer_wire, monitor_id),
	FIELD(VMBUS, VMBUS_OFFER_CHANNEL, vmbus_offer_wire,
	    monitor_allocated),
	FIELD(VMBUS, VMBUS_OFFER_CHANNEL, vmbus_offer_wire, conn_id),
	FIELD_AT(VMBUS, VMBUS_OFFER_CHANNEL, vmbus_offer_wire,
	    dedicated_interrupt, "dedicated"),
	FIELD(VMBUS, VMBUS_RESCIND_OFFER, vmbus_relid_wire, relid),
	FIELD(VMBUS, VMBUS_OPEN_RESULT, vmbus_open_result_wire, relid),
	FIELD(VMBUS, VMBUS_OPEN_RESULT, vmbus_open_result_wire, open_id),
	FIELD(VMBUS, VMBUS_OPEN_RESULT, vmbus_open_result_wire, status),
	FIELD(VMBUS, VMBUS_GPADL_CREATED, vmbus_gpadl_created_wire, relid),
	FIELD(VMBUS, VMBUS_GPADL_CREATED, vmbus_gpadl_created_wire, gpadl),
	FIELD(VMBUS, VMBUS_GPADL_CREATED, vmbus_gpadl_created_wire, status),
	FIELD(VMBUS, VMBUS_GPADL_TORNDOWN, vmbus_gpadl_torndown_wire, gpadl),
	FIELD(VMBUS, VMBUS_INITIATE_CONTACT, vmbus_contact_wire, version),
	FIELD(VMBUS, VMBUS_VERSION_RESPONSE, vmbus_version_wire, supported),
	FIELD(VMBUS, VMBUS_VERSION_RESPONSE, vmbus_version_wire, state),
	FIELD(VMBUS, VMBUS_VERSION_RESPONSE, vmbus_version_wire, selected),
	FIELD(VMBUS, VMBUS_MODIFY_CHANNEL_RESPONSE,
	    vmbus_modify_channel_result_wire, status),
	FIELD(NVSP, NVS_INIT, nvs_init_wire, version_lo),
	FIELD(NVSP, NVS_INIT, nvs_init_wire, version_hi),
	FIELD(NVSP, NVS_INIT_DONE, nvs_init_done_wire, version),
	FIELD(NVSP, NVS_INIT_DONE, nvs_init_done_wire, max_mdl),
	FIELD(NVSP, NVS_INIT_DONE, nvs_init_done_wire, status),
	FIELD_AT(NVSP, NVS_NDIS_CONFIG, nvs_ndis_config_wire, caps_lo,
	    "caps"),
	FIELD(NVSP, NVS_NDIS_CONFIG, nvs_ndis_config_wire, mtu),
	FIELD(NVSP, NVS_RECV_BUF_DONE, nvs_recv_buf_done_wire, status),
	FIELD(NVSP, NVS_RECV_BUF_DONE, nvs_recv_buf_done_wire, sections),
	FIELD_AT(NVSP, NVS_RECV_BUF_DONE, nvs_recv_buf_done_wire,
	    section[0].offset, "offset"),
	FIELD_AT(NVSP, NVS_RECV_BUF_DONE, nvs_recv_buf_done_wire,
	    section[0].slot_bytes, "slot_bytes"),
	FIELD_AT(NVSP, NVS_RECV_BUF_DONE, nvs_recv_buf_done_wire,
	    section[0].slots, "slots"),
	FIELD_AT(NVSP, NVS_RECV_BUF_DONE, nvs_recv_buf_done_wire,
	    section[0].end, "end"),
	FIELD(NVSP, NVS_SEND_BUF_DONE, nvs_send_buf_done_wire, status),
	FIELD(NVSP, NVS_SEND_BUF_DONE, nvs_send_buf_done_wire,
	    section_bytes),
	FIELD(NVSP, NVS_RNDIS_DONE, nvs_rndis_done_wire, status),
	FIELD_AT(NVSP, NVS_SUBCHAN, nvs_subchan_wire, op_or_status,
	    "status"),
	FIELD(NVSP, NVS_SUBCHAN, nvs_subchan_wire, count),
	FIELD(NVSP, NVS_SEND_TABLE, nvs_send_table_wire, count),
	FIELD(NVSP, NVS_SEND_TABLE, nvs_send_table_wire, table_off),
	FIELD(RNDIS, RNDIS_INIT_DONE, rndis_init_done_wire, req_id),
	FIELD(RNDIS, RNDIS_INIT_DONE, rndis_init_done_wire, status),
	FIELD(RNDIS, RNDIS_INIT_DONE, rndis_init_done_wire, max_packets),
	FIELD(RNDIS, RNDIS_INIT_DONE, rndis_init_done_wire, max_xfer),
	FIELD(RNDIS, RNDIS_INIT_DONE, rndis_init_done_wire, align_shift),
	FIELD(RNDIS, RNDIS_QUERY_DONE, rndis_query_done_wire, req_id),
	FIELD(RNDIS, RNDIS_QUERY_DONE, rndis_query_done_wire, status),
	FIELD(RNDIS, RNDIS_QUERY_DONE, rndis_query_done_wire, info_len),
	FIELD(RNDIS, RNDIS_QUERY_DONE, rndis_query_done_wire, info_off),
	FIELD(RNDIS, RNDIS_SET_DONE, rndis_done_wire, req_id),
	FIELD(RNDIS, RNDIS_SET_DONE, rndis_done_wire, status),
	FIELD(RNDIS, RNDIS_INDICATE_STATUS, rndis_status_wire, status),
	FIELD(RNDIS, RNDIS_INDICATE_STATUS, rndis_status_wire, info_len),
	FIELD(RNDIS, RNDIS_INDICATE_STATUS, rndis_status_wire, info_off),
	FIELD(RNDIS, RNDIS_PACKET, rndis_packet_wire, data_off),
	FIELD(RNDIS, RNDIS_PACKET, rndis_packet_wire, data_len),
	FIELD(RNDIS, RNDIS_PACKET, rndis_packet_wire, ppi_off),
	FIELD(RNDIS, RNDIS_PACKET, rndis_packet_wire, ppi_len),
};

/* Of the packet around a message of NVSP or RNDIS. */
static const struct {
	const char *name;
	struct bend_field field;
} packet_rows[] = {
	{ "packet.type", { BEND_HEAD, BEND_HEAD_TYPE, 2 } },
	{ "packet.flags", { BEND_HEAD, BEND_HEAD_FLAGS, 2 } },
	{ "packet.xact", { BEND_HEAD, BEND_HEAD_XACT, 8 } },
	{ "packet.off8", { BEND_DESC,
	    offsetof(struct ring_desc_wire, data_off8), 2 } },
	{ "packet.len8", { BEND_DESC,
	    offsetof(struct ring_desc_wire, len8), 2 } },
	{ "range.count", { BEND_EXT,
	    offsetof(struct ring_xfer_wire, range_count), 4 } },
	{ "range.bytes", { BEND_EXT, sizeof(struct ring_xfer_wire) +
	    offsetof(struct ring_xfer_range_wire, bytes), 4 } },
	{ "range.offset", { BEND_EXT, sizeof(struct ring_xfer_wire) +
	    offsetof(struct ring_xfer_range_wire, offset), 4 } },
};

/* "u32@12" and the like, of the message. */
static bool
field_by_offset(const char *name, struct bend_field *f)
{
	unsigned int bits;
	int used = 0;

	if (sscanf(name, "u%2u@%5u%n", &bits, &f->off, &used) != 2 ||
	    name[used] != '\0' ||
	    (bits != 8 && bits != 16 && bits != 32 && bits != 64))
		return false;
	f->place = BEND_BODY;
	f->width = bits / 8;
	return true;
}

bool
bend_field_find(const struct bend_kind *k, const char *name,
    struct bend_field *f)
{
	for (uint32_t i = 0; i < ARRAY_LEN(field_rows); i++) {
		const struct field_row *r = &field_rows[i];

		if (r->layer != k->layer || r->type != k->type ||
		    strcmp(r->name, name) != 0)
			continue;
		*f = (struct bend_field){ BEND_BODY, r->off, r->width };
		return true;
	}
	for (uint32_t i = 0; i < ARRAY_LEN(packet_rows) &&
	    k->layer != BEND_VMBUS && k->to_guest; i++) {
		if (strcmp(packet_rows[i].name, name) != 0)
			continue;
		*f = packet_rows[i].field;
		return true;
	}
	return field_by_offset(name, f);
}

void
bend_fields_of(const struct bend_kind *k, char *out, size_t cap)
{
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < ARRAY_LEN(field_rows) && n < cap; i++)
		if (field_rows[i].layer == k->layer &&
		    field_rows[i].type == k->type)
			n += (size_t)snprintf(out + n, cap - n, "%s%s",
			    n > 0 ? " " : "", field_rows[i].name);
}

uint64_t
bend_set_number(const struct bend_set *s, uint64_t old)
{
	return s->relative ? old + s->value : s->value;
}

void
bend_set_bytes(const struct bend_rule *r, enum bend_place place, uint8_t *p,
    uint32_t len)
{
	for (uint32_t i = 0; i < r->sets; i++) {
		const struct bend_set *s = &r->set[i];
		uint64_t v = 0;

		if (s->field.place != place ||
		    !range_ok(s->field.off, s->field.width, len))
			continue;
		for (uint32_t b = s->field.width; b-- > 0;)
			v = v << 8 | p[s->field.off + b];
		v = bend_set_number(s, v);
		for (uint32_t b = 0; b < s->field.width; b++)
			p[s->field.off + b] = (uint8_t)(v >> 8 * b);
	}
}
