/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * NDIS receive side scaling objects, bytes to native form and back.  Table and
 * key of RSS_PARAMETERS lie anywhere behind the fixed part, at offsets that
 * the peer chose; both are copied to arrays of the native form, whose entries
 * the owner still has to compare with its number of channels.  Pure functions,
 * any context; control path only.
 */
#include "wire/ndis_obj.h"

int
ndis_rss_caps_decode(struct ndis_rss_caps *out, struct span raw,
    enum fault *why)
{
	struct ndis_rss_caps_wire w;
	uint32_t size;

	if (raw.len < NDIS_RSS_CAPS_BYTES_1)
		return peer_bad(why, FAULT_OID_OBJECT);
	memset(&w, 0, sizeof(w));
	memcpy(&w, raw.p, min_u32(raw.len, NDIS_RSS_CAPS_BYTES_2));
	size = le16_get(w.hdr.size);
	if (w.hdr.type != NDIS_OBJ_RSS_CAPS || w.hdr.rev == 0 ||
	    size < NDIS_RSS_CAPS_BYTES_1 || size > raw.len)
		return peer_bad(why, FAULT_OID_OBJECT);
	out->rev = w.hdr.rev >= 2 && size >= NDIS_RSS_CAPS_BYTES_2 ? 2 : 1;
	out->caps = le32_get(w.caps);
	out->interrupts = le32_get(w.interrupts);
	out->queues = le32_get(w.queues);
	out->entries = out->rev == 2 ? le16_get(w.entries) :
	    NDIS_RSS_ENTRIES_MAX;
	return 0;
}

uint32_t
ndis_rss_caps_encode(const struct ndis_rss_caps *c, uint8_t buf[20])
{
	uint32_t size = c->rev == 1 ? NDIS_RSS_CAPS_BYTES_1 :
	    NDIS_RSS_CAPS_BYTES_2;
	struct ndis_rss_caps_wire w = {
		.hdr = { NDIS_OBJ_RSS_CAPS, c->rev, le16_put((uint16_t)size) },
		.caps = le32_put(c->caps),
		.interrupts = le32_put(c->interrupts),
		.queues = le32_put(c->queues),
		.entries = le16_put((uint16_t)c->entries),
	};

	OS_ASSERT(c->rev >= 1 && c->rev <= 2);
	memcpy(buf, &w, size);
	return size;
}

uint32_t
ndis_rss_caps_ask(uint8_t rev, uint8_t buf[20])
{
	struct ndis_rss_caps c = { .rev = rev };

	return ndis_rss_caps_encode(&c, buf);
}

static uint32_t
params_bytes(uint8_t rev)
{
	if (rev <= 1)
		return NDIS_RSS_PARAMS_BYTES_1;
	return rev == 2 ? NDIS_RSS_PARAMS_BYTES_2 : NDIS_RSS_PARAMS_BYTES_3;
}

static int
table_get(struct ndis_rss_params *out, struct span raw, uint32_t off,
    uint32_t bytes, enum fault *why)
{
	if (bytes == 0)
		return 0;
	if ((bytes & 3) != 0 || bytes > 4 * NDIS_RSS_ENTRIES_MAX ||
	    off < NDIS_RSS_PARAMS_BYTES_1 || !range_ok(off, bytes, raw.len))
		return peer_bad(why, FAULT_OID_OBJECT);
	out->entries = bytes / 4;
	for (uint32_t i = 0; i < out->entries; i++) {
		le32_t e;

		memcpy(&e, raw.p + off + (size_t)i * 4, sizeof(e));
		out->entry[i] = le32_get(e);
	}
	return 0;
}

static int
key_get(struct ndis_rss_params *out, struct span raw, uint32_t off,
    uint32_t bytes, enum fault *why)
{
	if (bytes == 0)
		return 0;
	if (bytes != NDIS_RSS_KEY_BYTES || off < NDIS_RSS_PARAMS_BYTES_1 ||
	    !range_ok(off, bytes, raw.len))
		return peer_bad(why, FAULT_OID_OBJECT);
	out->has_key = true;
	memcpy(out->key, raw.p + off, NDIS_RSS_KEY_BYTES);
	return 0;
}

int
ndis_rss_params_decode(struct ndis_rss_params *out, struct span raw,
    enum fault *why)
{
	struct ndis_rss_params_wire w;
	uint32_t size;
	int rc = 0;

	if (raw.len < NDIS_RSS_PARAMS_BYTES_1)
		return peer_bad(why, FAULT_OID_OBJECT);
	memset(&w, 0, sizeof(w));
	memcpy(&w, raw.p, NDIS_RSS_PARAMS_BYTES_1);
	size = le16_get(w.hdr.size);
	if (w.hdr.type != NDIS_OBJ_RSS_PARAMS || w.hdr.rev == 0 ||
	    size < NDIS_RSS_PARAMS_BYTES_1 || size > raw.len)
		return peer_bad(why, FAULT_OID_OBJECT);
	memset(out, 0, sizeof(*out));
	out->rev = (uint8_t)min_u32(w.hdr.rev, 3);
	while (params_bytes(out->rev) > size)
		out->rev--;
	out->flags = le16_get(w.flags);
	out->base_cpu = le16_get(w.base_cpu);
	out->hash_info = le32_get(w.hash_info);
	if (out->flags & NDIS_RSS_F_DISABLE)
		return 0;
	if (!(out->flags & NDIS_RSS_F_TABLE_SAME))
		rc = table_get(out, raw, le32_get(w.table_off),
		    le16_get(w.table_bytes), why);
	if (rc == 0 && !(out->flags & NDIS_RSS_F_KEY_SAME))
		rc = key_get(out, raw, le32_get(w.key_off),
		    le16_get(w.key_bytes), why);
	return rc;
}

uint32_t
ndis_rss_params_encode(const struct ndis_rss_params *p,
    uint8_t buf[NDIS_RSS_PARAMS_MAX])
{
	uint32_t size = params_bytes(p->rev);
	uint32_t key_bytes = p->has_key ? NDIS_RSS_KEY_BYTES : 0;
	uint32_t table_off = size + key_bytes;
	struct ndis_rss_params_wire w = {
		.hdr = { NDIS_OBJ_RSS_PARAMS, p->rev,
		    le16_put((uint16_t)size) },
		.flags = le16_put(p->flags),
		.base_cpu = le16_put(p->base_cpu),
		.hash_info = le32_put(p->hash_info),
		.table_bytes = le16_put((uint16_t)(4 * p->entries)),
		.table_off = le32_put(table_off),
		.key_bytes = le16_put((uint16_t)key_bytes),
		.key_off = le32_put(size),
	};

	OS_ASSERT(p->rev >= 1 && p->rev <= 3);
	OS_ASSERT(p->entries <= NDIS_RSS_ENTRIES_MAX);
	memcpy(buf, &w, size);
	memcpy(buf + size, p->key, key_bytes);
	for (uint32_t i = 0; i < p->entries; i++) {
		le32_t e = le32_put(p->entry[i]);

		memcpy(buf + table_off + (size_t)i * 4, &e, sizeof(e));
	}
	return table_off + 4 * p->entries;
}
