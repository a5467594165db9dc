/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz the NetVSC as a whole: a host that answers attach as it should, not at
 * all, or with something else; packets, completions, NVSP and RNDIS messages
 * of any kind; a receive buffer whose bytes change; sub-channels offered twice
 * and taken back; while frames are sent and control is requested.
 *
 * The input is a list of operations, see step().  The rig checks that the guest
 * sends only on open channels, names no memory but its own, detaches whatever
 * has happened, and frees every byte.
 */
#define RIG_PACKETS	320u
#include "fuzz_blocks.h"
#include "../unit/vsc_rig.h"
#include "fuzz_frame.h"

static const uint8_t mac[6] = { 0x00, 0x15, 0x5d, 1, 2, 3 };
static struct fuzz_in *fuzz;
static uint8_t frame[66000];
static int packets;	/* packets a step; < 0: what the log takes */

/* Keep the rig's logs from running full. */
static void
settle(struct rig *r)
{
	bool live = false;
	uint32_t n = 0;

	for (; n < RIG_PACKETS && r->in[n].type != 0; n++)
		live |= r->in[n].type != 0xffff;
	if (!live) {
		for (uint32_t i = 0; i < n; i++)
			r->in[i].type = 0;
		r->in_at = 0;
	}
	if (r->handled == r->nsent || r->nsent > RIG_PACKETS - 80)
		r->handled = r->nsent = 0;
	r->room = (int)(RIG_PACKETS - 1 - r->nsent);
	if (packets >= 0)
		r->room = (int)min_u32((uint32_t)r->room, (uint32_t)packets);
	if (live && n > RIG_PACKETS - 80)
		for (uint32_t k = 0; k < RIG_CHANS; k++)
			if (r->open[k])
				rig_poll(r, k);
}

static int
hostile_gpadl_create(struct chan *c, const struct chan_mem *m, uint32_t *id)
{
	struct rig *r = the_rig;

	if (fuzz_u8(fuzz) < 240)
		return rig_gpadl_create(c, m, id);
	*id = ++r->next_gpadl;
	c->events->gpadl_created(c, *id, E_NOTSUP);
	return 0;
}

static int
hostile_open(struct chan *c, const struct chan_open *o)
{
	if (fuzz_u8(fuzz) < 240)
		return rig_open(c, o);
	c->events->opened(c, E_NOTSUP);
	return 0;
}

static void
raw(struct rig *r, struct fuzz_in *f)
{
	static const uint16_t types[] = { VMPKT_INBAND, VMPKT_XFER_PAGES,
	    VMPKT_COMPLETION, VMPKT_GPA_DIRECT, 1 };
	uint32_t b = fuzz_u8(f);
	struct rig_packet *p = rig_push(b & 3, types[(b >> 2) % 5],
	    fuzz_int(f, 8));

	p->flags = b & 128 ? VMPKT_F_COMPLETE : 0;
	p->ext_len = fuzz_u8(f) / 8 * 8;
	fuzz_fill(f, p->ext, p->ext_len);
	p->data_len = fuzz_u8(f) / 8 * 8;
	fuzz_fill(f, p->data, p->data_len);
}

/* Completion or message of NVSP with the id of something that was sent. */
static void
nvs(struct rig *r, struct fuzz_in *f)
{
	static const uint32_t types[] = { NVS_INIT_DONE, NVS_RECV_BUF_DONE,
	    NVS_SEND_BUF_DONE, NVS_RNDIS_DONE, NVS_SUBCHAN, NVS_SEND_TABLE,
	    NVS_VF_ASSOCIATION, NVS_DATAPATH, NVS_RNDIS };
	uint32_t b = fuzz_u8(f), w[10];
	const struct rig_packet *s = r->nsent == 0 ? NULL :
	    &r->sent[fuzz_u8(f) % r->nsent];
	struct rig_packet *p = rig_push(s != NULL ? s->chan : 0,
	    b & 128 ? VMPKT_INBAND : VMPKT_COMPLETION, s != NULL ? s->xact : 0);

	w[0] = types[b % ARRAY_LEN(types)];
	for (uint32_t i = 1; i < 10; i++)
		w[i] = fuzz_u32(f);
	for (uint32_t i = 0; i < 10; i++) {
		le32_t v = le32_put(w[i]);

		memcpy(p->data + 4 * i, &v, 4);
	}
	p->data_len = b & 64 ? 104 : 40;
	if (b & 32)
		r->handled = r->nsent;	/* and no right answer */
}

/* Where the receive buffer is, if there is one. */
static uint8_t *
rxbuf(struct rig *r, uint32_t off, uint32_t len)
{
	const struct chan_mem *m = &r->v->rxbuf.mem;

	return m->va != NULL && range_ok(off, len, m->bytes) ?
	    (uint8_t *)m->va + off : NULL;
}

/* Data: RNDIS packets in ranges of the receive buffer, some wrong. */
static void
data(struct rig *r, struct fuzz_in *f)
{
	struct vmpkt_xfer_range range[8];
	uint32_t b = fuzz_u8(f), n = 1 + (b & 7), k = b >> 3 & 3;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t off = fuzz_u8(f) % 64 * r->slot_bytes, len, hdr;
		struct rndis_ppi_set ppi = { .present = fuzz_u8(f) &
		    RNDIS_HAS_ALL };
		uint8_t *at = rxbuf(r, off, 1728);

		if (at == NULL)
			return;
		ppi.csum = fuzz_u16(f) & 0x1ff;
		ppi.frag_flags = (uint8_t)(fuzz_u8(f) & 7);
		ppi.frag_id = 1;
		ppi.hash_value = ppi.csum;
		ppi.hash_info = PKT_HASH_TCP4 | 1;
		hdr = rndis_packet_header_bytes(ppi.present);
		len = ppi.present & RNDIS_HAS_FRAG && !(ppi.frag_flags & 2) ?
		    fuzz_u16(f) % 1500 : fuzz_frame(f, at + hdr, 1728 - hdr,
		    (const uint8_t *)"\2\0\0\0\0\1");
		(void)rndis_packet_put_header(at, 1728, &ppi, len);
		if (b & 32)
			at[fuzz_u8(f) % 128] = (uint8_t)fuzz_u8(f);
		range[i] = (struct vmpkt_xfer_range){ hdr + len, off };
		if (b & 64)
			range[i].bytes = fuzz_u32(f);
	}
	if (b & 128)
		range[fuzz_u8(f) % n].offset = fuzz_u32(f);
	if (k < RIG_CHANS && r->open[k])
		rig_push_xfer(k, fuzz_u8(f), NVS_CHANNEL_DATA, range, n);
}

/* A control message of RNDIS in the receive buffer. */
static void
rndis(struct rig *r, struct fuzz_in *f)
{
	static const uint32_t types[] = { RNDIS_INIT_DONE, RNDIS_QUERY_DONE,
	    RNDIS_SET_DONE, RNDIS_KEEPALIVE, RNDIS_INDICATE_STATUS,
	    RNDIS_RESET_DONE, RNDIS_KEEPALIVE_DONE, RNDIS_PACKET };
	uint32_t b = fuzz_u8(f), len = fuzz_u8(f), w[3];
	struct vmpkt_xfer_range range = { r->slot_bytes, 0 };
	uint8_t *at = rxbuf(r, 0, 1728);

	if (at == NULL)
		return;
	w[0] = types[b & 7];
	w[1] = b & 8 ? fuzz_u32(f) : 12 + len;
	w[2] = b & 16 ? fuzz_u32(f) : r->v->ctl.req_id;
	if (w[0] == RNDIS_INDICATE_STATUS && (b & 16) == 0)
		w[2] = b & 64 ? RNDIS_STATUS_MEDIA_DISCONNECT :
		    RNDIS_STATUS_NETWORK_CHANGE;
	for (uint32_t i = 0; i < 3; i++) {
		le32_t v = le32_put(w[i]);

		memcpy(at + 4 * i, &v, 4);
	}
	fuzz_fill(f, at + 12, len);
	if (b & 32)
		range.bytes = fuzz_u32(f);
	rig_push_xfer(0, 0x7700 + b, b & 128 ? NVS_CHANNEL_DATA :
	    NVS_CHANNEL_CONTROL, &range, 1);
}

static void
send(struct rig *r, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), k = b & 3, len;
	struct pkt_meta meta;
	struct vsc_tx_room room;

	if (k >= max_u32(vsc_caps(r->v)->queues, 1))
		k = 0;
	len = fuzz_frame(f, frame, b & 4 ? 62798 : 2000, mac);
	fuzz_meta(f, &meta);
	if (b & 8) {
		const struct vec v = { frame, len };

		(void)vsc_tx_copy(r->v, k, &v, 1, &meta);
	} else if (vsc_tx_reserve(r->v, k, &room) == 0) {
		uint32_t done = 0;

		for (uint32_t i = 0; i < room.nvec && done < len; i++) {
			uint32_t n = min_u32(room.vec[i].len, len - done);

			memcpy(room.vec[i].p, frame + done, n);
			done += n;
		}
		(void)vsc_tx_submit(r->v, k, &room, done, &meta);
	}
	if (b & 16)
		vsc_tx_flush(r->v, k);
}

static void
control(struct rig *r, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), table[128];

	switch (b & 7) {
	case 0: (void)vsc_set_filter(r->v, fuzz_u8(f)); break;
	case 1: (void)vsc_set_offloads(r->v, fuzz_u16(f) & VSC_OFF_ALL); break;
	case 2:
		for (uint32_t i = 0; i < 128; i++)
			table[i] = i & 3;
		(void)vsc_set_rss(r->v, frame, table, 1u << (b >> 5));
		break;
	case 3: r->now += (uint64_t)(b >> 3) << 29; break;
	case 4: packets = b & 128 ? -1 : b >> 3; break;
	case 5: r->complete = b & 8; break;
	case 6: r->mute = b & 8 ? (int)fuzz_u8(f) : -1; break;
	default: (void)vsc_control(r->v, r->now); break;
	}
}

static void
bus(struct rig *r, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), k = b & 3;
	const struct chan_events *ev = r->chan[0].events;

	if (ev == NULL)
		return;
	if (b & 8) {
		if (k > 0)
			ev->subchannel(&r->chan[0], &r->chan[k]);
	} else if (b & 16) {
		if (r->chan[k].events != NULL)
			ev->rescinded(&r->chan[k]);
	}
}

/* Drain: the guest looks at its channels, the host says nothing. */
static void
poll(struct rig *r)
{
	for (uint32_t k = 0; k < RIG_CHANS; k++)
		if (r->open[k])
			rig_poll(r, k);
	(void)vsc_control(r->v, r->now);
}

static void
step(struct rig *r, struct fuzz_in *f)
{
	settle(r);
	switch (fuzz_u8(f) % 10) {
	case 0: raw(r, f); break;
	case 1: nvs(r, f); break;
	case 2:
	case 3: data(r, f); break;
	case 4: rndis(r, f); break;
	case 5: send(r, f); break;
	case 6: control(r, f); break;
	case 7: bus(r, f); break;
	case 8: poll(r); break;
	default: rig_run(r); break;
	}
}

static struct rig *
up(struct fuzz_in *f, uint32_t how)
{
	static struct rig rig;
	static struct chan_ops ops;
	struct rig *r = &rig;

	rig_init(r, how & 1 ? 0x50003 : 0x20004);
	packets = -1;
	fuzz = f;
	ops = rig_chan_ops;
	ops.gpadl_create = hostile_gpadl_create;
	ops.open = hostile_open;
	r->cfg.tune.rxbuf_kb = 112;
	r->cfg.tune.sendbuf_kb = 64;
	r->cfg.tune.tx_slots = 4;
	r->cfg.vps = 4;
	r->mute = -1;
	r->grant = how & 2 ? 3 : 0;
	r->version = nvs_versions[how >> 4 & 3];
	r->rsc = how & 4;
	if (how & 128)
		for (uint32_t i = 0; i < RIG_CHANS; i++)
			r->chan[i].ops = &ops;
	r->v = vsc_attach(&r->cfg, &rig_ops, r, &r->chan[0]);
	fuzz_require(r->v != NULL);
	if (how & 8)
		rig_run(r);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct fuzz_in f = { p, n };
	struct rig *r = up(&f, fuzz_u8(&f));

	while (f.n > 0)
		step(r, &f);
	/* A frame that is still being cut has up to 64 Ki segments. */
	packets = -1;
	for (uint32_t i = 0; i < 4096; i++) {
		r->nsent = r->handled = 0;
		settle(r);
		rig_run(r);
		if (r->nsent == 0)
			break;
	}
	r->nsent = r->handled = 0;
	r->room = -1;
	r->allocs = 0;
	rig_down(r);
	return 0;
}
