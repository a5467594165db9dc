/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz the NetVSP as a whole: packets of any type on its channels, NVSP and
 * RNDIS control, OIDs, frames by section and by address, acknowledgements of
 * what was sent and of what was not, memory that changes; and frames towards
 * the guest from the backend, while the ring is full or not.
 *
 * The input is a list of operations, see step().  The rig checks that nothing
 * is left behind.
 */
#define RIG_SMALL
#include "fuzz_blocks.h"
#include "../unit/vsp_host_rig.h"
#include "fuzz_frame.h"

#define DATA_BYTES	(RIG_MEM - RIG_DATA_OFF)
#define QUEUES		4u

static const uint32_t oids[] = {
#define X(name, value) value,
	NDIS_OID_LIST(X)
#undef X
};

static uint8_t big[VSP_FRAME_MAX + 64];

/* Make room in the logs, so that the rig itself never runs full. */
static void
settle(struct rig *r)
{
	for (uint32_t k = 0; k < QUEUES; k++) {
		struct rig_chan *rc = &r->chan[k];

		if (rc->in_count > RIG_LOG / 2)
			rig_run(r);
		if (rc->outs > RIG_LOG - 64) {
			rc->outs = 0;
			rc->room = min_u32(rc->room, 64);
		}
	}
}

static void
run(struct rig *r)
{
	for (uint32_t k = 0; k < QUEUES; k++) {
		r->chan[k].outs = 0;
		r->chan[k].room = min_u32(r->chan[k].room, RIG_LOG - 1);
	}
	rig_run(r);
}

/* The ring of a host that has stopped reading it is full at some point. */
static bool
full(const struct rig *r, uint32_t k)
{
	return r->chan[k].in_count == RIG_LOG;
}

static struct rig_pkt *
push(struct rig *r, struct fuzz_in *f, uint16_t type)
{
	uint32_t b = fuzz_u8(f), k = b >> 3 & 3;

	settle(r);
	if (r->chan[k].chan.user == NULL)
		k = 0;
	if (r->chan[k].chan.user == NULL || full(r, k))
		return NULL;
	return rig_push(r, k, type, b & 1 ? VMPKT_F_COMPLETE : 0, fuzz_u8(f));
}

static void
words(struct rig_pkt *p, const uint32_t *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		le32_t v = le32_put(w[i]);

		memcpy(p->data + i * 4, &v, 4);
	}
	p->data_len = 40;
}

static void
packet_any(struct rig *r, struct fuzz_in *f)
{
	struct rig_pkt *p = push(r, f, (uint16_t)(fuzz_u8(f) % 16));

	if (p == NULL)
		return;
	p->ext_len = fuzz_u8(f) / 8 * 8;
	fuzz_fill(f, p->ext, p->ext_len);
	p->data_len = fuzz_u8(f);
	fuzz_fill(f, p->data, p->data_len);
}

static void
nvs_any(struct rig *r, struct fuzz_in *f)
{
	static const uint32_t types[] = { NVS_INIT, NVS_NDIS_VERSION,
	    NVS_RECV_BUF, NVS_RECV_BUF_REVOKE, NVS_SEND_BUF,
	    NVS_SEND_BUF_REVOKE, NVS_RNDIS, NVS_NDIS_CONFIG, NVS_DATAPATH,
	    NVS_OID_QUERY, NVS_SUBCHAN, NVS_RNDIS_DONE };
	uint32_t b = fuzz_u8(f), w[5];
	struct rig_pkt *p = push(r, f, VMPKT_INBAND);

	if (p == NULL)
		return;
	w[0] = types[b % ARRAY_LEN(types)];
	for (uint32_t i = 1; i < 5; i++)
		w[i] = fuzz_u32(f);
	if (w[0] == NVS_INIT && b & 128)
		w[1] = w[2] = nvs_versions[w[1] % NVS_VERSIONS];
	if ((w[0] == NVS_RECV_BUF || w[0] == NVS_SEND_BUF) && b & 128)
		w[1] = RIG_RX_GPADL + (w[1] & 1);
	words(p, w, 5);
	if (b & 64)
		p->data_len = fuzz_u8(f);
}

/* Memory of the guest's data area; an address and a length within it. */
static struct gpa_piece
piece(struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), len = fuzz_u16(f) % 4097, off = fuzz_u16(f);

	if (b < 224) {
		off = off & 4095;
		return (struct gpa_piece){ RIG_GPA + RIG_DATA_OFF +
		    (b % 16) * 4096 + off, min_u32(len, 4096 - off) };
	}
	return (struct gpa_piece){ (uint64_t)fuzz_int(f, 8) & ~4095ull,
	    min_u32(len, 4096) };
}

static void
rndis_packet(struct rig *r, struct rig_pkt *p, struct fuzz_in *f, uint32_t ch)
{
	uint32_t b = fuzz_u8(f);
	const uint32_t w[4] = { NVS_RNDIS, ch, b & 1 ? fuzz_u8(f) % 12 :
	    NVS_SECTION_NONE, fuzz_u16(f) };
	struct gpa_piece g[8];
	uint32_t n = b >> 1 & 7;

	words(p, w, 4);
	if (n == 0)
		return;
	p->type = VMPKT_GPA_DIRECT;
	for (uint32_t i = 0; i < n; i++)
		g[i] = piece(f);
	p->ext_len = vmpkt_gpa_sg_put(p->ext, RIG_PKT, g, n);
	if (b & 128)
		p->ext[fuzz_u8(f) % 24] = (uint8_t)fuzz_u8(f);
}

/* An RNDIS control message at the start of the data area, and its packet. */
static void
rndis_control(struct rig *r, struct fuzz_in *f)
{
	static const uint32_t types[] = { RNDIS_QUERY, RNDIS_SET, RNDIS_INIT,
	    RNDIS_KEEPALIVE, RNDIS_RESET, RNDIS_HALT };
	uint32_t b = fuzz_u8(f), len, info_len = fuzz_u16(f) % 300;
	struct rndis_msg m = { .type = types[b % ARRAY_LEN(types)] };
	uint8_t info[300] = { 0 }, *at = r->mem + RIG_DATA_OFF;
	struct rig_pkt *p;

	if (m.type == RNDIS_QUERY || m.type == RNDIS_SET) {
		m.query.oid = oids[fuzz_u8(f) % ARRAY_LEN(oids)];
		m.query.info = (struct span){ info, info_len };
		fuzz_fill(f, info, min_u32(info_len, fuzz_u8(f)));
	} else if (m.type == RNDIS_INIT) {
		m.init = (struct rndis_init){ 1, 1, 0, 0x4000 };
	}
	len = rndis_msg_encode(&m, at, 1024);
	if (b & 64)
		at[fuzz_u8(f) % 48] = (uint8_t)fuzz_u8(f);
	p = push(r, f, VMPKT_INBAND);
	if (p == NULL)
		return;
	if (b & 32) {
		rndis_packet(r, p, f, NVS_CHANNEL_CONTROL);
		return;
	}
	const uint32_t w[4] = { NVS_RNDIS, NVS_CHANNEL_CONTROL,
	    NVS_SECTION_NONE, 0 };
	const struct gpa_piece g = { RIG_GPA + RIG_DATA_OFF, len };

	words(p, w, 4);
	p->type = VMPKT_GPA_DIRECT;
	p->ext_len = vmpkt_gpa_sg_put(p->ext, RIG_PKT, &g, 1);
}

/* Frames in RNDIS messages, one after the other. */
static uint32_t
frames_put(struct fuzz_in *f, uint8_t *at, uint32_t cap)
{
	uint32_t b = fuzz_u8(f), used = 0;

	for (uint32_t i = 0; i <= (b & 3) && cap - used > 512; i++) {
		struct rndis_ppi_set ppi = { .present = fuzz_u8(f) &
		    RNDIS_HAS_ALL };
		uint32_t hdr, len;

		ppi.csum = rndis_txcsum_put(fuzz_u8(f) & 31, 34);
		ppi.lso = rndis_lso_put(fuzz_u16(f), 34, ppi.csum & 2);
		ppi.vlan = fuzz_u8(f) << 4;
		if (b & 4)
			ppi.lso = ppi.csum = (uint32_t)fuzz_int(f, 4);
		hdr = rndis_packet_header_bytes(ppi.present);
		len = fuzz_frame(f, at + used + hdr, cap - used - hdr,
		    b & 8 ? (const uint8_t *)"\2\0\0\0\0\1" : rig_mac);
		(void)rndis_packet_put_header(at + used, 512, &ppi, len);
		rndis_packet_set_len(at + used, align_up(hdr + len, 8));
		if (b & 16)
			at[used + fuzz_u8(f) % 160] = (uint8_t)fuzz_u8(f);
		used = min_u32(used + align_up(hdr + len, 8), cap);
	}
	return used;
}

static void
frame_section(struct rig *r, struct fuzz_in *f)
{
	uint32_t s = fuzz_u8(f) % 10, bytes;
	struct rig_pkt *p;

	bytes = frames_put(f, r->mem + RIG_SEND_OFF + s * 6144, 6144);
	p = push(r, f, VMPKT_INBAND);
	if (p == NULL)
		return;
	const uint32_t w[4] = { NVS_RNDIS, NVS_CHANNEL_DATA, s,
	    fuzz_u8(f) < 240 ? bytes : fuzz_u32(f) };

	words(p, w, 4);
}

static void
frame_gpa(struct rig *r, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), bytes, done = 0, n = 0;
	struct gpa_piece g[40];
	struct rig_pkt *p;

	bytes = frames_put(f, r->mem + RIG_DATA_OFF, DATA_BYTES - 4096);
	p = push(r, f, VMPKT_INBAND);
	if (p == NULL)
		return;
	if (b & 128) {
		rndis_packet(r, p, f, NVS_CHANNEL_DATA);
		return;
	}
	for (; n < ARRAY_LEN(g) && done < bytes; n++) {
		uint32_t len = min_u32(bytes - done, 4096 - done % 4096);

		if (n == 0 && b & 1)
			len = min_u32(len, fuzz_u8(f) + 1);
		g[n] = (struct gpa_piece){ RIG_GPA + RIG_DATA_OFF + done, len };
		done += len;
	}
	if (n > 0)
		p->ext_len = vmpkt_gpa_sg_put(p->ext, RIG_PKT, g, n);
	p->type = VMPKT_GPA_DIRECT;
	const uint32_t w[4] = { NVS_RNDIS, NVS_CHANNEL_DATA, NVS_SECTION_NONE,
	    0 };

	words(p, w, 4);
}

/* Acknowledge what was sent, or something else. */
static void
ack(struct rig *r, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), k = b & 3, to = b & 16 ? 0 : k, i;
	const uint32_t w[2] = { NVS_RNDIS_DONE, 1 + (b >> 7) };

	settle(r);
	if (r->chan[k].chan.user == NULL)
		return;
	for (i = 0; i < min_u32(r->chan[k].outs, 32); i++) {
		struct rig_pkt *o = &r->chan[k].out[i];

		if (o->type != VMPKT_XFER_PAGES || full(r, to))
			continue;
		words(rig_push(r, to, VMPKT_COMPLETION, 0, b & 8 ?
		    fuzz_int(f, 8) : o->xact), w, 2);
	}
	if ((b & 32) == 0)
		r->chan[k].outs = 0;
	run(r);
}

static void
to_guest(struct rig *r, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), k = b & 3, len;
	struct pkt_meta meta;
	struct vsp_room room;

	settle(r);
	len = fuzz_frame(f, big, b & 4 ? VSP_FRAME_MAX : 2048,
	    (const uint8_t *)"\2\0\0\0\0\2");
	fuzz_meta(f, &meta);
	if (b & 8) {
		uint32_t cut = fuzz_u8(f) % (len + 1);
		struct vec v[2] = { { big, cut }, { big + cut, len - cut } };

		(void)vsp_to_guest_copy(r->vsp, k, v, 2, &meta);
	} else if (vsp_to_guest_reserve(r->vsp, k, b & 16 ? VSP_FRAME_MAX :
	    2048, &room) == 0) {
		uint32_t done = 0;

		for (uint32_t i = 0; i < room.nvec && done < len; i++) {
			uint32_t n = min_u32(room.vec[i].len, len - done);

			memcpy(room.vec[i].p, big + done, n);
			done += n;
		}
		if (b & 32)
			(void)vsp_to_guest_reserve(r->vsp, k, 2048, &room);
		else
			(void)vsp_to_guest_submit(r->vsp, k, &room, done,
			    &meta);
	}
	if (b & 64)
		vsp_to_guest_flush(r->vsp, k);
	if (b & 128)
		vsp_to_guest_drain_handover(r->vsp, k ^ 1);
}

static void
channels(struct rig *r, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), k = b & 3;
	struct rig_chan *rc = &r->chan[k];

	if (b & 4) {
		rc->room = min_u32(b >> 3, 31);
		return;
	}
	if (b & 8) {
		rc->room = RIG_LOG / 2;
		rc->outs = 0;
		return;
	}
	if (k == 0 && (b & 0xf0) != 0xf0)
		return;
	if (rc->chan.user == NULL && (k == 0 || r->chan[0].chan.user)) {
		if (rig_open(r, k) != 0)
			rc->chan.user = NULL;
		return;
	}
	for (uint32_t i = QUEUES; i-- > 0;)
		if ((i == k || k == 0) && r->chan[i].chan.user != NULL)
			rig_close(r, i);
}

static void
configure(struct rig *r, struct fuzz_in *f)
{
	struct vsp_config c = *vsp_config(r->vsp);
	uint32_t b = fuzz_u8(f);

	c.link_up = b & 1;
	c.mtu = b & 2 ? 68 + fuzz_u16(f) % 8933 : 1500;
	c.offloads = b & 4 ? fuzz_u8(f) & VSP_OFF_ALL : VSP_OFF_ALL;
	c.vlan = (enum vsp_vlan)((b >> 3 & 3) % 3);
	c.vlan_id = 5;
	c.mac_spoof = b & 32;
	c.loss_ppm = b & 64 ? 100000 : 0;
	c.rxcsum_complete = b & 128;
	(void)vsp_reconfigure(r->vsp, &c);
}

static void
memory(struct rig *r, struct fuzz_in *f)
{
	uint32_t at = (uint32_t)fuzz_int(f, 3) % (RIG_MEM - 64);

	fuzz_fill(f, r->mem + at, fuzz_u8(f) % 64);
}

static void
step(struct rig *r, struct fuzz_in *f)
{
	switch (fuzz_u8(f) % 14) {
	case 0: packet_any(r, f); break;
	case 1: nvs_any(r, f); break;
	case 2:
	case 3: rndis_control(r, f); break;
	case 4:
	case 5: frame_section(r, f); break;
	case 6: frame_gpa(r, f); break;
	case 7: ack(r, f); break;
	case 8:
	case 9: to_guest(r, f); break;
	case 10: channels(r, f); break;
	case 11: configure(r, f); break;
	case 12: memory(r, f); break;
	default: run(r); break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct fuzz_in f = { p, n };
	uint32_t how = fuzz_u8(&f);
	struct vsp_config cfg = rig_config();
	struct rig *r;

	cfg.max_queues = QUEUES;
	cfg.strict = how & 1;
	cfg.backend_gso4 = cfg.backend_gso6 = how & 2;
	cfg.backend_csum = how & 4;
	r = rig_new(&cfg);
	if (how & 8) {
		rig_attach(r, nvs_versions[how >> 4 & 3]);
		if (how & 64) {
			RIG_NVS(r, 4, NVS_SUBCHAN, 1, 3);
			for (uint32_t k = 1; k < QUEUES; k++)
				(void)rig_open(r, k);
		}
		if (how & 128) {
			const struct rndis_msg on = { .type = RNDIS_SET,
			    .query = { 9, OID_GEN_CURRENT_PACKET_FILTER, 0,
			    { (const uint8_t *)"\x2d\0\0\0", 4 } } };

			rig_rndis_msg(r, &on);
		}
	}
	while (f.n > 0)
		step(r, &f);
	for (uint32_t k = 0; k < RIG_CHANS; k++)
		r->chan[k].outs = 0;
	rig_del(r);
	return 0;
}
