/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * The RNDIS data message, once for each packet in each direction.  Encoding
 * writes the 44-byte header and a 16-byte PPI for each bit that is present,
 * in a fixed order, straight into its place (see le32_store()); the data come
 * right behind or after a gap.  Decoding is an ordered
 * checklist on a private copy of the header: length, data, out-of-band data,
 * per-packet information; then one pass over the PPIs, in which each step is
 * at least 12 bytes long, so that it ends.  The message may have only its
 * header in hand (send-buffer section) and its data elsewhere (page list):
 * then head is shorter than the message, and the PPIs must still be in it.
 * No allocation, no state; the queue's owner calls.
 */
#include "wire/rndis_pkt.h"

#define HDR	((uint32_t)sizeof(struct rndis_packet_wire))

uint32_t
rndis_packet_put(uint8_t *buf, const struct rndis_ppi_set *ppi,
    uint32_t data_off, uint32_t data_len, uint32_t msg_len)
{
	return rndis_packet_put_set(buf, ppi->present, ppi, data_off, data_len,
	    msg_len);
}

uint32_t
rndis_packet_put_header(uint8_t *buf, uint32_t cap,
    const struct rndis_ppi_set *ppi, uint32_t data_len)
{
	uint32_t len = rndis_packet_header_bytes(ppi->present);

	if (len > cap)
		return 0;
	return rndis_packet_put(buf, ppi, len, data_len, len + data_len);
}

void
rndis_packet_set_len(uint8_t *msg, uint32_t len)
{
	le32_store(msg + offsetof(struct rndis_packet_wire, len), len);
}

/* Take one PPI's value; data has at least its first four bytes if len >= 4. */
static bool
ppi_take(struct rndis_ppi_set *s, uint32_t type, const uint8_t *data,
    uint32_t len)
{
	struct rndis_pktinfo_id_wire id;
	uint32_t *slot, bit;
	le32_t v;

	switch (type) {
	case RNDIS_PPI_CSUM:
		slot = &s->csum, bit = RNDIS_HAS_CSUM;
		break;
	case RNDIS_PPI_LSO:
		slot = &s->lso, bit = RNDIS_HAS_LSO;
		break;
	case RNDIS_PPI_VLAN:
		slot = &s->vlan, bit = RNDIS_HAS_VLAN;
		break;
	case RNDIS_PPI_HASH_VALUE:
		slot = &s->hash_value, bit = RNDIS_HAS_HASH_VALUE;
		break;
	case RNDIS_PPI_HASH_INFO:
		slot = &s->hash_info, bit = RNDIS_HAS_HASH_INFO;
		break;
	case RNDIS_PPI_PKTINFO_ID:
		if (len < sizeof(id))
			return false;
		memcpy(&id, data, sizeof(id));
		s->frag_flags = id.flags;
		s->frag_id = le16_get(id.id);
		s->present |= RNDIS_HAS_FRAG;
		return true;
	default:
		return true;
	}
	if (len < sizeof(v))
		return false;
	memcpy(&v, data, sizeof(v));
	*slot = le32_get(v);
	s->present |= bit;
	return true;
}

static int
ppi_walk(struct rndis_ppi_set *s, const uint8_t *p, uint32_t left,
    enum fault *why)
{
	while (left != 0) {
		struct rndis_ppi_wire w;
		uint32_t size, off;

		if (left < sizeof(w))
			return peer_bad(why, FAULT_RNDIS_PPI);
		memcpy(&w, p, sizeof(w));
		size = le32_get(w.size);
		off = le32_get(w.data_off);
		if (size < sizeof(w) || size > left || (size & 3) != 0)
			return peer_bad(why, FAULT_RNDIS_PPI);
		if (off < sizeof(w) || off > size)
			return peer_bad(why, FAULT_RNDIS_PPI);
		if (!ppi_take(s, le32_get(w.type), p + off, size - off))
			return peer_bad(why, FAULT_RNDIS_PPI);
		p += size;
		left -= size;
	}
	return 0;
}

/* Out-of-band data, which nobody uses, must at least be where it says. */
static int
oob_check(const struct rndis_packet_wire *w, uint32_t room, enum fault *why)
{
	uint32_t off = le32_get(w->oob_off), len = le32_get(w->oob_len);

	if (len != 0 && (off < HDR - RNDIS_OFF_BASE ||
	    !range_ok(off, len, room)))
		return peer_bad(why, FAULT_RNDIS_OOB);
	return 0;
}

int
rndis_packet_decode_head(struct rndis_packet *out, struct span head,
    uint32_t total_len, enum fault *why)
{
	const uint32_t off_min = HDR - RNDIS_OFF_BASE;
	struct rndis_packet_wire w;
	uint32_t len, room, data_off, data_len, ppi_off, ppi_len;

	OS_ASSERT(total_len >= head.len);
	if (total_len < sizeof(w))
		return peer_bad(why, FAULT_RNDIS_SHORT);
	if (head.len < sizeof(w))
		return peer_bad(why, FAULT_RNDIS_SPLIT);
	memcpy(&w, head.p, sizeof(w));
	if (le32_get(w.type) != RNDIS_PACKET)
		return peer_bad(why, FAULT_RNDIS_TYPE);
	len = le32_get(w.len);
	if (len < sizeof(w) || len > total_len)
		return peer_bad(why, FAULT_RNDIS_LEN);
	room = len - RNDIS_OFF_BASE;

	data_off = le32_get(w.data_off);
	data_len = le32_get(w.data_len);
	if (data_off < off_min || !range_ok(data_off, data_len, room))
		return peer_bad(why, FAULT_RNDIS_DATA);
	out->oob = (le32_get(w.oob_len) | le32_get(w.oob_count) |
	    le32_get(w.vc)) != 0;
	if (out->oob && oob_check(&w, room, why) != 0)
		return E_PEER;
	out->msg_len = len;
	out->data_off = RNDIS_OFF_BASE + data_off;
	out->data_len = data_len;
	out->ppi.present = 0;

	ppi_len = le32_get(w.ppi_len);
	if (ppi_len == 0)
		return 0;
	ppi_off = le32_get(w.ppi_off);
	if (ppi_off < off_min || !range_ok(ppi_off, ppi_len, room))
		return peer_bad(why, FAULT_RNDIS_PPI);
	if (data_len != 0 && ppi_off < data_off + data_len &&
	    data_off < ppi_off + ppi_len)
		return peer_bad(why, FAULT_RNDIS_PPI);
	if (!range_ok(RNDIS_OFF_BASE + ppi_off, ppi_len, head.len))
		return peer_bad(why, FAULT_RNDIS_SPLIT);
	return ppi_walk(&out->ppi, head.p + RNDIS_OFF_BASE + ppi_off, ppi_len,
	    why);
}

void
rndis_packet_iter_init(struct rndis_packet_iter *it, struct span buf,
    uint32_t align)
{
	it->buf = buf;
	it->at = 0;
	it->align = align;
}

int
rndis_packet_next(struct rndis_packet_iter *it, struct rndis_packet *out,
    struct span *msg, enum fault *why)
{
	uint32_t left = it->buf.len - it->at;
	uint32_t pad;
	int rc;

	if (left == 0 || (it->at != 0 && left < sizeof(struct rndis_hdr_wire)))
		return 0;
	rc = rndis_packet_decode(out, span_sub(it->buf, it->at, left), why);
	if (rc != 0)
		return rc;
	*msg = span_sub(it->buf, it->at, out->msg_len);
	left -= out->msg_len;
	it->at += out->msg_len;
	pad = -it->at & (it->align - 1);
	it->at += min_u32(pad, left);
	return 1;
}
