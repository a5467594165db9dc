/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * NDIS offload objects and configuration parameters, bytes to native form and
 * back (ndis_rss.c has the RSS objects).  An object states its revision and
 * its size; peers disagree about which size goes with which revision (Linux
 * sends OFFLOAD_PARAMETERS as revision 3 with the 22 bytes of revision 2), so
 * the revision is lowered to what the stated size holds, and no field beyond
 * that size is read.  Pure functions, any context; control path only.
 */
#include "wire/ndis_obj.h"

const char *
ndis_oid_name(uint32_t oid)
{
	switch (oid) {
#define X(name, value) case value: return #name;
	NDIS_OID_LIST(X)
#undef X
	default:
		return NULL;
	}
}

/*
 * Check an object header and copy as much of the object as its own size says,
 * at most cap, to a zeroed buffer.  Returns the size, or E_PEER.
 */
static int
obj_get(void *buf, uint32_t cap, struct span raw, uint8_t type, uint32_t min,
    enum fault *why)
{
	struct ndis_obj_wire h;
	uint32_t size;

	if (raw.len < sizeof(h))
		return peer_bad(why, FAULT_OID_OBJECT);
	memcpy(&h, raw.p, sizeof(h));
	size = le16_get(h.size);
	if (h.type != type || h.rev == 0 || size < min || size > raw.len)
		return peer_bad(why, FAULT_OID_OBJECT);
	memset(buf, 0, cap);
	memcpy(buf, raw.p, min_u32(size, cap));
	return (int)size;
}

uint32_t
ndis_offload_caps_bytes(uint8_t rev)
{
	if (rev <= 1)
		return NDIS_OFFLOAD_BYTES_1;
	return rev == 2 ? NDIS_OFFLOAD_BYTES_2 : NDIS_OFFLOAD_BYTES_3;
}

int
ndis_offload_caps_decode(struct ndis_offload_caps *out, struct span raw,
    enum fault *why)
{
	struct ndis_offload_wire w;
	uint8_t rev;
	int size;

	size = obj_get(&w, sizeof(w), raw, NDIS_OBJ_OFFLOAD,
	    NDIS_OFFLOAD_BYTES_1, why);
	if (size < 0)
		return size;
	rev = (uint8_t)min_u32(w.hdr.rev, 3);
	while (ndis_offload_caps_bytes(rev) > (uint32_t)size)
		rev--;
	out->rev = rev;
	out->v4_tx = le32_get(w.csum.v4_tx);
	out->v4_rx = le32_get(w.csum.v4_rx);
	out->v6_tx = le32_get(w.csum.v6_tx);
	out->v6_rx = le32_get(w.csum.v6_rx);
	out->lso4.max_bytes = le32_get(w.lsov2.v4_max);
	out->lso4.min_segs = le32_get(w.lsov2.v4_min_segs);
	out->lso6.max_bytes = le32_get(w.lsov2.v6_max);
	out->lso6.min_segs = le32_get(w.lsov2.v6_min_segs);
	out->lso6_opts = le32_get(w.lsov2.v6_opts);
	out->rsc4 = rev == 3 ? w.rsc_v4 : 0;
	out->rsc6 = rev == 3 ? w.rsc_v6 : 0;
	return 0;
}

static le32_t
enc_put(uint32_t offered)
{
	return le32_put(offered != 0 ? NDIS_ENC_8023 : 0);
}

static struct ndis_obj_wire
obj_put(uint8_t type, uint8_t rev, uint32_t size)
{
	return (struct ndis_obj_wire){ type, rev, le16_put((uint16_t)size) };
}

uint32_t
ndis_offload_caps_encode(const struct ndis_offload_caps *c,
    uint8_t buf[NDIS_OFFLOAD_BYTES_3])
{
	uint32_t size = ndis_offload_caps_bytes(c->rev);
	struct ndis_offload_wire w = {
		.hdr = obj_put(NDIS_OBJ_OFFLOAD, c->rev, size),
		.csum = {
			enc_put(c->v4_tx), le32_put(c->v4_tx),
			enc_put(c->v4_rx), le32_put(c->v4_rx),
			enc_put(c->v6_tx), le32_put(c->v6_tx),
			enc_put(c->v6_rx), le32_put(c->v6_rx),
		},
		.lsov2 = {
			enc_put(c->lso4.max_bytes),
			le32_put(c->lso4.max_bytes),
			le32_put(c->lso4.min_segs),
			enc_put(c->lso6.max_bytes),
			le32_put(c->lso6.max_bytes),
			le32_put(c->lso6.min_segs),
			le32_put(c->lso6_opts),
		},
		.rsc_v4 = c->rsc4,
		.rsc_v6 = c->rsc6,
	};

	OS_ASSERT(c->rev >= 1 && c->rev <= 3);
	memcpy(buf, &w, size);
	return size;
}

uint32_t
ndis_offload_caps_ask(uint8_t rev, uint8_t buf[NDIS_OFFLOAD_BYTES_3])
{
	uint32_t size = ndis_offload_caps_bytes(rev);
	struct ndis_obj_wire h = obj_put(NDIS_OBJ_OFFLOAD, rev, size);

	memset(buf, 0, size);
	memcpy(buf, &h, sizeof(h));
	return size;
}

/*
 * Bytes that revision 3 must have to be read as such: Linux stops at 26, and
 * the fields that we use end before 24.
 */
#define PARAMS_REV3_MIN	offsetof(struct ndis_offload_params_wire, encap)

int
ndis_offload_params_decode(struct ndis_offload_params *out, struct span raw,
    enum fault *why)
{
	struct ndis_offload_params_wire w;
	int size;

	size = obj_get(&w, sizeof(w), raw, NDIS_OBJ_OFFLOAD_PARAMS,
	    NDIS_OFFLOAD_PARAMS_BYTES_1, why);
	if (size < 0)
		return size;
	out->rev = (uint8_t)min_u32(w.hdr.rev, 3);
	if (out->rev == 3 && (uint32_t)size < PARAMS_REV3_MIN)
		out->rev = 2;
	if (out->rev == 2 && size < (int)NDIS_OFFLOAD_PARAMS_BYTES_2)
		out->rev = 1;
	out->ip4_csum = w.ip4_csum;
	out->tcp4_csum = w.tcp4_csum;
	out->udp4_csum = w.udp4_csum;
	out->tcp6_csum = w.tcp6_csum;
	out->udp6_csum = w.udp6_csum;
	out->lsov1 = w.lsov1;
	out->lso4 = w.lsov2_v4;
	out->lso6 = w.lsov2_v6;
	out->flags = le32_get(w.flags);
	out->rsc4 = out->rev == 3 ? w.rsc_v4 : NDIS_OFFLOAD_NOCHANGE;
	out->rsc6 = out->rev == 3 ? w.rsc_v6 : NDIS_OFFLOAD_NOCHANGE;
	return 0;
}

uint32_t
ndis_offload_params_encode(const struct ndis_offload_params *p,
    uint8_t buf[NDIS_OFFLOAD_PARAMS_BYTES_3])
{
	uint32_t size = p->rev == 3 ? NDIS_OFFLOAD_PARAMS_BYTES_3 :
	    p->rev == 2 ? NDIS_OFFLOAD_PARAMS_BYTES_2 :
	    NDIS_OFFLOAD_PARAMS_BYTES_1;
	struct ndis_offload_params_wire w = {
		.hdr = obj_put(NDIS_OBJ_OFFLOAD_PARAMS, p->rev, size),
		.ip4_csum = p->ip4_csum,
		.tcp4_csum = p->tcp4_csum,
		.udp4_csum = p->udp4_csum,
		.tcp6_csum = p->tcp6_csum,
		.udp6_csum = p->udp6_csum,
		.lsov1 = p->lsov1,
		.lsov2_v4 = p->lso4,
		.lsov2_v6 = p->lso6,
		.flags = le32_put(p->flags),
		.rsc_v4 = p->rsc4,
		.rsc_v6 = p->rsc6,
	};

	OS_ASSERT(p->rev >= 1 && p->rev <= 3);
	memcpy(buf, &w, size);
	return size;
}
