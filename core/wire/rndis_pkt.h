/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RNDIS data message (REMOTE_NDIS_PACKET_MSG, MS-RNDIS 2.2.14) and its
 * per-packet information.  Runs once for each packet: no allocation, no
 * table, one pass.
 */
#ifndef CORE_WIRE_RNDIS_PKT_H
#define CORE_WIRE_RNDIS_PKT_H

#include "base/fault.h"
#include "base/span.h"
#include "wire/rndis_msg.h"
#include "wire/rndis_wire.h"

/* PPI types (FreeBSD rndis.h NDIS_PKTINFO_TYPE_*, OpenVMM rndisprot.rs). */
#define RNDIS_PPI_CSUM		0u
#define RNDIS_PPI_LSO		2u
#define RNDIS_PPI_VLAN		6u
#define RNDIS_PPI_HASH_VALUE	8u
#define RNDIS_PPI_HASH_INFO	9u
#define RNDIS_PPI_SHORT_PAD	11u
#define RNDIS_PPI_INTERNAL	0x80000000u
#define RNDIS_PPI_PKTINFO_ID	(RNDIS_PPI_INTERNAL | 1u)

/* Bits of rndis_ppi_set.present. */
#define RNDIS_HAS_CSUM		0x01u
#define RNDIS_HAS_LSO		0x02u
#define RNDIS_HAS_VLAN		0x04u
#define RNDIS_HAS_HASH_VALUE	0x08u
#define RNDIS_HAS_HASH_INFO	0x10u
#define RNDIS_HAS_FRAG		0x20u	/* PKTINFO_ID */
#define RNDIS_HAS_ALL		0x3fu

/* PKTINFO_ID flags: place of an RSC fragment in its frame (rndisprot.rs). */
#define RNDIS_FRAG_VERSION	1u
#define RNDIS_FRAG_SUBALLOC	0x1u
#define RNDIS_FRAG_FIRST	0x2u
#define RNDIS_FRAG_LAST		0x4u

/* Every PPI that we know: 12 bytes and a u32. */
#define RNDIS_PPI_BYTES		16u
/* Longest header that rndis_packet_put_header() writes. */
#define RNDIS_PACKET_HDR_MAX	(44u + 6u * RNDIS_PPI_BYTES)

/* The values of the PPIs that are present; of the others undefined. */
struct rndis_ppi_set {
	uint32_t present;	/* RNDIS_HAS_* */
	uint32_t csum;		/* RNDIS_TXCSUM_* or RNDIS_RXCSUM_* */
	uint32_t lso;		/* see rndis_lso_put() */
	uint32_t vlan;		/* see rndis_vlan_to_tci() */
	uint32_t hash_value;
	uint32_t hash_info;	/* NDIS hash type | function */
	uint16_t frag_id;
	uint8_t frag_flags;	/* RNDIS_FRAG_* */
};

/* ---- checksum PPI, guest to host (FreeBSD rndis.h NDIS_TXCSUM_INFO_*) ---- */

#define RNDIS_TXCSUM_IPV4	0x01u
#define RNDIS_TXCSUM_IPV6	0x02u
#define RNDIS_TXCSUM_TCP	0x04u
#define RNDIS_TXCSUM_UDP	0x08u
#define RNDIS_TXCSUM_IPHDR	0x10u
#define RNDIS_TXCSUM_L4_SHIFT	16u
#define RNDIS_TXCSUM_L4_MASK	0x3ffu

/* what is RNDIS_TXCSUM_* bits; l4_off < 1024, from the Ethernet header. */
static inline uint32_t
rndis_txcsum_put(uint32_t what, uint32_t l4_off)
{
	return what | (l4_off & RNDIS_TXCSUM_L4_MASK) << RNDIS_TXCSUM_L4_SHIFT;
}

static inline uint32_t
rndis_txcsum_l4_off(uint32_t v)
{
	return v >> RNDIS_TXCSUM_L4_SHIFT & RNDIS_TXCSUM_L4_MASK;
}

/* ---- checksum PPI, host to guest (FreeBSD NDIS_RXCSUM_INFO_*) ------------ */

#define RNDIS_RXCSUM_TCP_BAD	0x001u
#define RNDIS_RXCSUM_UDP_BAD	0x002u
#define RNDIS_RXCSUM_IP_BAD	0x004u
#define RNDIS_RXCSUM_TCP_OK	0x008u
#define RNDIS_RXCSUM_UDP_OK	0x010u
#define RNDIS_RXCSUM_IP_OK	0x020u
#define RNDIS_RXCSUM_LOOPBACK	0x040u
#define RNDIS_RXCSUM_TCP_NOVAL	0x080u	/* good, but the field not filled */
#define RNDIS_RXCSUM_IP_NOVAL	0x100u

/* ---- LSOv2 PPI (FreeBSD rndis.h NDIS_LSO2_INFO_*) ------------------------ */

#define RNDIS_LSO_MSS_MASK	0xfffffu
#define RNDIS_LSO_L4_SHIFT	20u
#define RNDIS_LSO_L4_MASK	0x3ffu
#define RNDIS_LSO_V2		0x40000000u
#define RNDIS_LSO_IPV6		0x80000000u

/* mss < 2^20; l4_off < 1024, from the Ethernet header. */
static inline uint32_t
rndis_lso_put(uint32_t mss, uint32_t l4_off, bool ipv6)
{
	return (mss & RNDIS_LSO_MSS_MASK) |
	    (l4_off & RNDIS_LSO_L4_MASK) << RNDIS_LSO_L4_SHIFT |
	    RNDIS_LSO_V2 | (ipv6 ? RNDIS_LSO_IPV6 : 0);
}

static inline uint32_t
rndis_lso_mss(uint32_t v)
{
	return v & RNDIS_LSO_MSS_MASK;
}

static inline uint32_t
rndis_lso_l4_off(uint32_t v)
{
	return v >> RNDIS_LSO_L4_SHIFT & RNDIS_LSO_L4_MASK;
}

static inline bool
rndis_lso_is_v2(uint32_t v)
{
	return (v & RNDIS_LSO_V2) != 0;
}

static inline bool
rndis_lso_is_ipv6(uint32_t v)
{
	return (v & RNDIS_LSO_IPV6) != 0;
}

/* ---- VLAN PPI: bits 0-2 priority, 3 CFI, 4-15 id ------------------------- */

static inline uint32_t
rndis_vlan_from_tci(uint16_t tci)
{
	return (uint32_t)(tci >> 13) | (uint32_t)(tci >> 12 & 1u) << 3 |
	    (uint32_t)(tci & 0xfffu) << 4;
}

static inline uint16_t
rndis_vlan_to_tci(uint32_t v)
{
	return (uint16_t)((v & 7u) << 13 | (v >> 3 & 1u) << 12 |
	    (v >> 4 & 0xfffu));
}

/* ---- encode -------------------------------------------------------------- */

/* Header bytes for a set, a multiple of 4; the data follows at once. */
static inline uint32_t
rndis_packet_header_bytes(uint32_t present)
{
	uint32_t n = present & RNDIS_HAS_ALL;

	/* Count the bits: often none, and a call where no instruction does. */
	n -= n >> 1 & 0x15u;
	n = (n & 0x33u) + (n >> 2 & 0x33u);
	n = (n + (n >> 4)) & 0xfu;
	return (uint32_t)sizeof(struct rndis_packet_wire) +
	    RNDIS_PPI_BYTES * n;
}

/*
 * Write only a header: msg_len bytes in all, data_len of them data at data_off
 * from the message's first byte, and ppi_bytes of per-packet information, which
 * the caller writes, right behind the header.  Context: data path.
 */
static inline void
rndis_packet_put_bare(uint8_t *p, uint32_t msg_len, uint32_t data_off,
    uint32_t data_len, uint32_t ppi_bytes)
{
	le32_store(p, RNDIS_PACKET);
	le32_store(p + 4, msg_len);
	le32_store(p + 8, data_off - RNDIS_OFF_BASE);
	le32_store(p + 12, data_len);
	le32_store(p + 16, 0);		/* out-of-band data: none */
	le32_store(p + 20, 0);
	le32_store(p + 24, 0);
	le32_store(p + 28, ppi_bytes == 0 ? 0 :
	    (uint32_t)sizeof(struct rndis_packet_wire) - RNDIS_OFF_BASE);
	le32_store(p + 32, ppi_bytes);
	le32_store(p + 36, 0);		/* VC and reserved */
	le32_store(p + 40, 0);
}

static inline uint8_t *
rndis_ppi_put(uint8_t *p, uint32_t type, uint32_t value)
{
	le32_store(p, RNDIS_PPI_BYTES);
	le32_store(p + 4, type);
	le32_store(p + 8, sizeof(struct rndis_ppi_wire));
	le32_store(p + 12, value);
	return p + RNDIS_PPI_BYTES;
}

/* struct rndis_pktinfo_id_wire as a word. */
static inline uint32_t
rndis_pktinfo_id(const struct rndis_ppi_set *ppi)
{
	return RNDIS_FRAG_VERSION | (uint32_t)ppi->frag_flags << 8 |
	    (uint32_t)ppi->frag_id << 16;
}

/*
 * rndis_packet_put() below, with what is present named by the caller: where
 * `has` is a constant, nothing is left to decide.
 */
static inline uint32_t
rndis_packet_put_set(uint8_t *buf, uint32_t has,
    const struct rndis_ppi_set *ppi, uint32_t data_off, uint32_t data_len,
    uint32_t msg_len)
{
	const uint32_t hdr = (uint32_t)sizeof(struct rndis_packet_wire);
	uint8_t *p = buf + hdr;

	OS_ASSERT(rndis_packet_header_bytes(has) <= data_off);
	rndis_packet_put_bare(buf, msg_len, data_off, data_len,
	    rndis_packet_header_bytes(has) - hdr);
	if (has & RNDIS_HAS_CSUM)
		p = rndis_ppi_put(p, RNDIS_PPI_CSUM, ppi->csum);
	if (has & RNDIS_HAS_LSO)
		p = rndis_ppi_put(p, RNDIS_PPI_LSO, ppi->lso);
	if (has & RNDIS_HAS_VLAN)
		p = rndis_ppi_put(p, RNDIS_PPI_VLAN, ppi->vlan);
	if (has & RNDIS_HAS_HASH_VALUE)
		p = rndis_ppi_put(p, RNDIS_PPI_HASH_VALUE, ppi->hash_value);
	if (has & RNDIS_HAS_HASH_INFO)
		p = rndis_ppi_put(p, RNDIS_PPI_HASH_INFO, ppi->hash_info);
	if (has & RNDIS_HAS_FRAG)
		p = rndis_ppi_put(p, RNDIS_PPI_PKTINFO_ID,
		    rndis_pktinfo_id(ppi));
	return (uint32_t)(p - buf);
}

/*
 * Write header and PPIs of a message whose data_len bytes of data start at
 * data_off, at or behind the PPIs' end (a gap is allowed: OpenVMM leaves one),
 * and whose length is msg_len (data_off + data_len, or more: padding).
 * Context: data path.  Returns where the PPIs end.
 */
uint32_t rndis_packet_put(uint8_t *buf, const struct rndis_ppi_set *ppi,
    uint32_t data_off, uint32_t data_len, uint32_t msg_len);

/*
 * Write the header of a data message and its PPIs, in the order of the
 * RNDIS_HAS_* bits.  Context: data path.  data_len bytes are to follow the
 * header immediately, here or in another range.  Returns the header's length,
 * or 0 if it is over cap.
 */
uint32_t rndis_packet_put_header(uint8_t *buf, uint32_t cap,
    const struct rndis_ppi_set *ppi, uint32_t data_len);

/*
 * Change the length of a message written before, to make the next one in the
 * same section start aligned: the length itself is rounded up (FreeBSD
 * hn_try_txagg), and the bytes between are padding.
 */
void rndis_packet_set_len(uint8_t *msg, uint32_t len);

/* ---- decode -------------------------------------------------------------- */

struct rndis_packet {
	uint32_t msg_len;	/* of this message; the next one follows it */
	uint32_t data_off;	/* from the message's first byte */
	uint32_t data_len;
	bool oob;		/* out-of-band data or a VC is named: OpenVMM
				   refuses (RNDIS_OOB), guests skip it */
	struct rndis_ppi_set ppi;
};

/*
 * Decode a data message of which head is the contiguous first part, in a
 * private copy, and total_len >= head.len the length of its container (the
 * whole message, or more: others may follow).  Header and PPIs must be inside
 * head; the data need not be.  Unknown PPIs are skipped, the last of a repeated
 * one wins.  It looks only at the header: the caller checks for frames of
 * length 0 and the sanity of each value.
 *
 * Returns 0, or E_PEER with *why
 *	RNDIS_SHORT	container below 44 bytes
 *	RNDIS_SPLIT	header or PPIs go on beyond head
 *	RNDIS_TYPE	not a PACKET
 *	RNDIS_LEN	length below 44 or above the container
 *	RNDIS_OOB	out-of-band data outside the message
 *	RNDIS_DATA	data outside the message or inside the header
 *	RNDIS_PPI	PPI area or an entry malformed
 */
int rndis_packet_decode_head(struct rndis_packet *out, struct span head,
    uint32_t total_len, enum fault *why) must_check;

/* The same for a message that is contiguous as a whole. */
static inline int must_check
rndis_packet_decode(struct rndis_packet *out, struct span msg,
    enum fault *why)
{
	return rndis_packet_decode_head(out, msg, msg.len, why);
}

/*
 * Messages back to back in one buffer, each starting at a multiple of align
 * (a power of two, from 1) from the buffer's first byte.  next returns 1 with
 * the message and where it starts, 0 at the end, or E_PEER.  Fewer than 8
 * bytes left over are padding.
 */
struct rndis_packet_iter {
	struct span buf;
	uint32_t at;		/* of the next message */
	uint32_t align;
};

void rndis_packet_iter_init(struct rndis_packet_iter *it, struct span buf,
    uint32_t align);
int rndis_packet_next(struct rndis_packet_iter *it, struct rndis_packet *out,
    struct span *msg, enum fault *why) must_check;

#endif
