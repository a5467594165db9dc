/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that a guest sends, on top of vsp_host_rig.h: made, put into a section
 * or named by address, and their completions.
 */
#ifndef TESTS_UNIT_VSP_FRAME_RIG_H
#define TESTS_UNIT_VSP_FRAME_RIG_H

#include "pkt/pkt_csum.h"
#include "vsp_host_rig.h"

#define SECTION	6144u

static inline const struct vsp_from_guest_counters *
counts(struct rig *r)
{
	return vsp_from_guest_stats(r->vsp, 0);
}

/* An Ethernet frame: TCP or UDP over IPv4 with `payload` bytes. */
static inline uint32_t
frame4(uint8_t *f, uint8_t proto, uint32_t payload)
{
	uint32_t l4 = proto == PKT_IPPROTO_TCP ? 20 : 8;
	uint32_t len = 14 + 20 + l4 + payload;

	memset(f, 0, 14 + 20 + l4);
	memset(f, 0xee, 6);
	f[0] = 2;
	memcpy(f + 6, rig_mac, 6);
	f[12] = 8;
	f[14] = 0x45;
	pkt_be16_store(f + 16, (uint16_t)(len - 14));
	f[22] = 64;
	f[23] = proto;
	memcpy(f + 26, (uint8_t[]){ 10, 0, 0, 1, 10, 0, 0, 2 }, 8);
	pkt_csum_ip4_store(f + 14, 20);
	pkt_be16_store(f + 34, 1000);
	pkt_be16_store(f + 36, 2000);
	if (proto == PKT_IPPROTO_TCP) {
		pkt_be32_store(f + 38, 7000);
		f[46] = 0x50;
		f[47] = PKT_TCP_ACK;
	} else {
		pkt_be16_store(f + 38, (uint16_t)(8 + payload));
	}
	for (uint32_t i = 0; i < payload; i++)
		f[14 + 20 + l4 + i] = (uint8_t)(i * 7);
	return len;
}

/* Header and frame, as one message; padded to 8. */
static inline uint32_t
message(uint8_t *at, const struct rndis_ppi_set *ppi, const uint8_t *frame,
    uint32_t len)
{
	static const struct rndis_ppi_set none;
	uint32_t n = rndis_packet_put_header(at, 512, ppi != NULL ? ppi : &none,
	    len);

	memcpy(at + n, frame, len);
	rndis_packet_set_len(at, align_up(n + len, 8));
	return align_up(n + len, 8);
}

static inline struct rig_pkt *
push_section(struct rig *r, uint32_t k, uint64_t xact, uint32_t section,
    uint32_t bytes)
{
	struct rig_pkt *p = rig_push(r, k, VMPKT_INBAND, VMPKT_F_COMPLETE,
	    xact);
	const uint32_t w[4] = { NVS_RNDIS, 0, section, bytes };

	memcpy(p->data, w, sizeof(w));
	p->data_len = 40;
	return p;
}

static inline uint8_t *
section(struct rig *r, uint32_t i)
{
	return r->mem + RIG_SEND_OFF + i * SECTION;
}

static inline void
push_gpa(struct rig *r, uint64_t xact, const struct gpa_piece *g, uint32_t n,
    uint32_t sec, uint32_t sec_bytes)
{
	struct rig_pkt *p = push_section(r, 0, xact, sec, sec_bytes);

	p->type = VMPKT_GPA_DIRECT;
	p->ext_len = vmpkt_gpa_sg_put(p->ext, RIG_PKT, g, n);
	assert_true(p->ext_len > 0);
}

static inline void
expect_done(struct rig *r, uint64_t xact, uint32_t status)
{
	struct rig_pkt *o = rig_last(r, 0);

	assert_int_equal(o->type, VMPKT_COMPLETION);
	assert_int_equal(o->xact, xact);
	assert_int_equal(o->data_len, 40);
	RIG_WORDS(o->data, NVS_RNDIS_DONE, status);
}

#endif
