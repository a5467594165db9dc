/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames from the guest: each way they come, offloads, policy, completions,
 * and packets that lie.
 */
#include "vsp_frame_rig.h"

static struct rig *
up_with(const struct vsp_config *cfg)
{
	struct rig *r = rig_new(cfg);

	rig_attach(r, NVS_V6_1);
	r->flushes = 0;
	return r;
}

static struct rig *
up(void)
{
	struct vsp_config cfg = rig_config();

	return up_with(&cfg);
}

static const struct rig_frame *
last_frame(struct rig *r)
{
	assert_true(r->frames > 0);
	return &r->frame[(r->frames - 1) % RIG_FRAMES];
}

static void
test_section_several(void **state)
{
	struct rig *r = up();
	uint8_t f[1514];
	uint32_t at = 0, len = 0;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		len = frame4(f, PKT_IPPROTO_UDP, 101 + i);
		uint8_t *m = section(r, 3) + at;

		at += message(m, NULL, f, len);
		/* Padding may be between messages as well as in them. */
		if (i == 1)
			rndis_packet_set_len(m, 44 + len);
	}
	push_section(r, 0, 0x1234567812345678, 3, at);
	rig_run(r);
	assert_int_equal(r->frames, 3);
	assert_int_equal(r->frame[2].len, len);
	assert_memory_equal(r->frame[2].bytes, f, len);
	assert_int_equal(r->frame[0].len, len - 2);
	expect_done(r, 0x1234567812345678, 1);
	assert_int_equal(r->flushes, 1);
	assert_int_equal(r->outs_at_flush, r->chan[0].outs - 1);
	assert_int_equal(counts(r)->by_section, 3);
	assert_int_equal(counts(r)->packets, 1);
	rig_del(r);
}

/* An LSO frame as FreeBSD leaves it (lengths 0) or DPDK (untouched). */
static void
test_lso(void **state)
{
	struct vsp_config cfg = rig_config();

	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		uint8_t f[14 + 20 + 20 + 4000];
		uint32_t len = frame4(f, PKT_IPPROTO_TCP, 4000);
		struct rndis_ppi_set ppi = { .present = RNDIS_HAS_LSO,
		    .lso = rndis_lso_put(1448, 34, false) };
		uint8_t sent[sizeof(f)];

		cfg.backend_gso4 = whole;
		cfg.backend_csum = whole;
		struct rig *r = up_with(&cfg);

		memcpy(sent, f, len);
		memset(sent + 16, 0, 2);
		memset(sent + 24, 0, 2);
		uint32_t n = message(section(r, 1), &ppi, sent, len);

		push_section(r, 0, 5, 1, n);
		rig_run(r);
		expect_done(r, 5, 1);
		assert_int_equal(counts(r)->lso_frames, 1);
		if (whole) {
			assert_int_equal(r->frames, 1);
			assert_int_equal(r->frame[0].len, len);
			assert_true(r->frame[0].meta.flags & PKT_GSO_TCP4);
			assert_true(r->frame[0].meta.flags & PKT_CSUM_PARTIAL);
			assert_int_equal(r->frame[0].meta.gso_size, 1448);
			assert_int_equal(r->frame[0].meta.segs, 3);
			/* IP header as it would be on a wire */
			assert_memory_equal(r->frame[0].bytes + 14, f + 14, 20);
			assert_memory_equal(r->frame[0].bytes + 54, f + 54,
			    4000);
		} else {
			assert_int_equal(r->frames, 3);
			assert_int_equal(counts(r)->sw_segments, 3);
			for (uint32_t i = 0, off = 0; i < 3; i++) {
				struct rig_frame *o = &r->frame[i];
				struct vec v = { o->bytes, o->len };
				struct pkt_info info;

				pkt_parse(&info, (struct span){ o->bytes,
				    o->len }, o->len);
				assert_int_equal(pkt_csum_verify(&v, 1, &info),
				    PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4);
				assert_memory_equal(o->bytes + 54, f + 54 + off,
				    o->len - 54);
				off += o->len - 54;
				assert_int_equal(off, i < 2 ? (i + 1) * 1448 :
				    4000);
			}
		}
		rig_del(r);
	}
}

static void
test_checksum(void **state)
{
	struct vsp_config cfg = rig_config();

	(void)state;
	for (int hw = 0; hw < 2; hw++) {
		uint8_t f[200];
		uint32_t len = frame4(f, PKT_IPPROTO_UDP, 100);
		struct rndis_ppi_set ppi = { .present = RNDIS_HAS_CSUM,
		    .csum = rndis_txcsum_put(RNDIS_TXCSUM_IPV4 |
		    RNDIS_TXCSUM_UDP | RNDIS_TXCSUM_IPHDR, 34) };

		cfg.backend_csum = hw;
		struct rig *r = up_with(&cfg);

		f[24] = f[25] = 0x99;	/* nonsense in both fields */
		f[40] = f[41] = 0x99;
		push_section(r, 0, 5, 1, message(section(r, 1), &ppi, f, len));
		rig_run(r);
		struct rig_frame *o = &r->frame[0];
		struct vec v = { o->bytes, o->len };
		struct pkt_info info;

		assert_int_equal(r->frames, 1);
		assert_true(pkt_csum_ip4_ok(o->bytes + 14, 20));
		if (hw) {
			assert_true(o->meta.flags & PKT_CSUM_PARTIAL);
			assert_int_equal(o->meta.csum_start, 34);
			assert_int_equal(o->meta.csum_offset, 6);
			assert_int_equal(pkt_csum_complete(&v, 1, &o->meta), 0);
		} else {
			assert_false(o->meta.flags & PKT_CSUM_PARTIAL);
			assert_int_equal(counts(r)->sw_csum, 1);
		}
		pkt_parse(&info, (struct span){ o->bytes, o->len }, o->len);
		assert_int_equal(pkt_csum_verify(&v, 1, &info),
		    PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4);
		rig_del(r);
	}
}

/* What the port does with one plain frame; the drop counter, or NULL. */
static void
one_frame(struct rig *r, const struct rndis_ppi_set *ppi, const uint8_t *f,
    uint32_t len, const uint64_t *drop)
{
	uint32_t had = r->frames;
	uint64_t dropped = drop != NULL ? *drop : 0;

	push_section(r, 0, 5, 1, message(section(r, 1), ppi, f, len));
	rig_run(r);
	expect_done(r, 5, 1);
	assert_int_equal(r->frames, had + (drop == NULL));
	if (drop != NULL)
		assert_int_equal(*drop, dropped + 1);
}

static void
test_policy(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = up_with(&cfg);
	const struct vsp_from_guest_counters *c = counts(r);
	struct rndis_ppi_set tag = { .present = RNDIS_HAS_VLAN,
	    .vlan = rndis_vlan_from_tci(0x6064) };
	struct rndis_ppi_set prio = { .present = RNDIS_HAS_VLAN,
	    .vlan = rndis_vlan_from_tci(0x6000) };
	uint8_t f[2000];
	uint32_t len = frame4(f, PKT_IPPROTO_UDP, 60);

	(void)state;
	one_frame(r, &tag, f, len, NULL);
	assert_int_equal(r->frame[0].meta.vlan_tci, 0x6064);
	f[11] ^= 1;
	one_frame(r, NULL, f, len, &c->drop_source);
	cfg.mac_spoof = true;
	vsp_reconfigure(r->vsp, &cfg);
	one_frame(r, NULL, f, len, NULL);
	f[6] |= 1;	/* nobody's address is a group's */
	one_frame(r, NULL, f, len, &c->drop_source);
	len = frame4(f, PKT_IPPROTO_UDP, 1472);
	one_frame(r, NULL, f, len, NULL);
	len = frame4(f, PKT_IPPROTO_UDP, 1473);
	one_frame(r, NULL, f, len, &c->drop_long);
	/* More than the guest's own MTU, less than the NIC's. */
	r->vsp->guest.mtu = 1400;
	vsp_mtu_set(r->vsp);
	len = frame4(f, PKT_IPPROTO_UDP, 1373);
	one_frame(r, NULL, f, len, &c->drop_long);
	r->vsp->guest.mtu = 9000;
	vsp_mtu_set(r->vsp);
	len = frame4(f, PKT_IPPROTO_UDP, 60);
	cfg.vlan = VSP_VLAN_ACCESS;
	cfg.vlan_id = 5;
	vsp_reconfigure(r->vsp, &cfg);
	rig_run(r);
	one_frame(r, &tag, f, len, &c->drop_vlan);
	one_frame(r, &prio, f, len, NULL);
	assert_int_equal(last_frame(r)->meta.vlan_tci, 0x6005);
	one_frame(r, NULL, f, len, NULL);
	assert_int_equal(last_frame(r)->meta.vlan_tci, 5);
	cfg.vlan = VSP_VLAN_NONE;
	vsp_reconfigure(r->vsp, &cfg);
	rig_run(r);
	one_frame(r, &tag, f, len, &c->drop_vlan);
	one_frame(r, NULL, f, len, NULL);
	assert_false(last_frame(r)->meta.flags & PKT_VLAN);
	cfg.link_up = false;
	vsp_reconfigure(r->vsp, &cfg);
	rig_run(r);
	one_frame(r, NULL, f, len, &c->drop_link);
	cfg.link_up = true;
	cfg.loss_ppm = 1000000;
	vsp_reconfigure(r->vsp, &cfg);
	rig_run(r);
	one_frame(r, NULL, f, len, &c->drop_loss);
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
	rig_del(r);
}

/* No room for completions: all come in the end, in order, once. */
static void
test_completions_wait(void **state)
{
	struct rig *r = up();
	uint8_t f[100];
	uint32_t n = message(section(r, 1), NULL, f, frame4(f,
	    PKT_IPPROTO_UDP, 20));
	uint32_t first = r->chan[0].outs, commits;

	(void)state;
	r->chan[0].room = 0;
	for (uint32_t i = 0; i < 600; i++)
		push_section(r, 0, 1000 + i, 1, n);
	rig_run(r);
	assert_int_equal(counts(r)->packets, VSP_COMPLETIONS);
	assert_int_equal(r->chan[0].outs, first);
	assert_true(r->chan[0].wanted);
	for (uint32_t i = 0; i < 600; i++) {
		struct chan *c = &r->chan[0].chan;

		r->chan[0].room = 7;
		(void)c->events->ready(c, 16);
	}
	assert_int_equal(counts(r)->packets, 600);
	assert_int_equal(r->chan[0].outs, first + 600);
	for (uint32_t i = 0; i < 600; i++)
		assert_int_equal(r->chan[0].out[first + i].xact, 1000 + i);
	assert_false(r->chan[0].masked);

	/* With room, a pass of 40 packets publishes once. */
	r->chan[0].room = 1000;
	for (uint32_t i = 0; i < 40; i++)
		push_section(r, 0, i, 1, n);
	commits = r->chan[0].commits;
	rig_run(r);
	assert_int_equal(r->chan[0].commits, commits + 1);
	assert_int_equal(r->chan[0].outs, first + 640);
	rig_del(r);
}

/* One completion a packet, or a few; changed while it runs. */
static void
test_completions_batched(void **state)
{
	struct vsp_config cfg = rig_config();
	uint8_t f[100];
	static const uint32_t batch[] = { 1, 3, 0 };

	(void)state;
	cfg.completion_batch = batch[0];
	struct rig *r = up_with(&cfg);
	uint32_t n = message(section(r, 1), NULL, f, frame4(f,
	    PKT_IPPROTO_UDP, 20));

	for (uint32_t k = 0; k < ARRAY_LEN(batch); k++) {
		uint32_t outs = r->chan[0].outs, flushes = r->flushes;
		uint32_t commits = r->chan[0].commits;

		cfg.completion_batch = batch[k];
		assert_int_equal(vsp_reconfigure(r->vsp, &cfg), 0);
		for (uint32_t i = 0; i < 12; i++)
			push_section(r, 0, 10 + i, 1, n);
		rig_run(r);
		for (uint32_t i = 0; i < 12; i++)
			assert_int_equal(r->chan[0].out[outs + i].xact,
			    10 + i);
		assert_int_equal(r->chan[0].outs, outs + 12);
		n = batch[k] == 0 ? 1 : 12 / batch[k];
		/* Frames are written before their completion goes. */
		assert_int_equal(r->flushes, flushes + n);
		/* One more ends a pass. */
		assert_in_range(r->chan[0].commits - commits, n, n + 2);
		n = message(section(r, 1), NULL, f, frame4(f,
		    PKT_IPPROTO_UDP, 20));
	}
	cfg.completion_batch = VSP_COMPLETIONS + 1;
	assert_int_equal(vsp_reconfigure(r->vsp, &cfg), E_STATE);
	rig_del(r);
}

/* Data before a control message is served first, data after it next. */
static void
test_control_between_data(void **state)
{
	struct rig *r = up();
	uint8_t f[100];
	uint32_t n = message(section(r, 1), NULL, f, frame4(f,
	    PKT_IPPROTO_UDP, 20));
	uint32_t first = r->chan[0].outs;
	struct rig_pkt *p;
	const uint32_t w[3] = { NVS_NDIS_VERSION, 6, 30 };

	(void)state;
	push_section(r, 0, 101, 1, n);
	p = rig_push(r, 0, VMPKT_INBAND, VMPKT_F_COMPLETE, 102);
	memcpy(p->data, w, sizeof(w));
	p->data_len = 40;
	push_section(r, 0, 103, 1, n);
	rig_run(r);
	assert_int_equal(r->chan[0].outs, first + 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(r->chan[0].out[first + i].xact, 101 + i);
	assert_int_equal(r->frames, 2);
	rig_del(r);
}

static void
test_before_init(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = rig_new(&cfg);

	(void)state;
	push_section(r, 0, 4, 0, 60);
	rig_run(r);
	assert_int_equal(r->frames, 0);
	assert_int_equal(counts(r)->drop_state, 1);
	RIG_WORDS(rig_last(r, 0)->data, NVS_RNDIS_DONE, 2);
	rig_del(r);
}

enum lie {
	LIE_SECTION, LIE_SECTION_BYTES, LIE_TYPE, LIE_UNMAPPED, LIE_NO_RANGE,
	LIE_HUGE, LIE_SHORT, LIE_LEN, LIE_DATA, LIE_OOB, LIE_RUNT, LIE_LSO_UDP,
	LIE_LSO_MSS, LIE_CSUM_ARP, LIE_SECOND_SHORT, LIE_COUNT
};

static const struct { enum fault why; bool dead; } lies[LIE_COUNT] = {
	[LIE_SECTION] = { FAULT_NVS_SECTION, true },
	[LIE_SECTION_BYTES] = { FAULT_NVS_SECTION, true },
	[LIE_TYPE] = { FAULT_RING_TYPE, true },
	[LIE_UNMAPPED] = { FAULT_GPA_UNMAPPED, true },
	[LIE_NO_RANGE] = { FAULT_PKT_RANGES, true },
	[LIE_HUGE] = { FAULT_FRAME_LONG, true },
	[LIE_SHORT] = { FAULT_RNDIS_SHORT, false },
	[LIE_LEN] = { FAULT_RNDIS_LEN, false },
	[LIE_DATA] = { FAULT_RNDIS_DATA, false },
	[LIE_OOB] = { FAULT_RNDIS_OOB, false },
	[LIE_RUNT] = { FAULT_FRAME_SHORT, false },
	[LIE_LSO_UDP] = { FAULT_FRAME_HEADERS, false },
	[LIE_LSO_MSS] = { FAULT_FRAME_HEADERS, false },
	[LIE_CSUM_ARP] = { FAULT_FRAME_HEADERS, false },
	[LIE_SECOND_SHORT] = { FAULT_RNDIS_TYPE, false },
};

static void
put32(uint8_t *p, uint32_t v)
{
	le32_t w = le32_put(v);

	memcpy(p, &w, 4);
}

/* A lie about addresses. */
static void
tell_gpa(struct rig_pkt *p, enum lie lie)
{
	const struct gpa_piece g = { lie == LIE_UNMAPPED ? RIG_GPA + RIG_MEM :
	    RIG_GPA + RIG_DATA_OFF, 200 };

	p->type = VMPKT_GPA_DIRECT;
	if (lie != LIE_HUGE) {
		p->ext_len = vmpkt_gpa_sg_put(p->ext, RIG_PKT, &g, 1);
		if (lie == LIE_NO_RANGE)
			put32(p->ext + 4, 0);
		return;
	}
	/* One page, 257 times: over 1 MiB. */
	p->ext_len = VMPKT_PRP_EXT_BYTES(257);
	put32(p->ext + 4, 1);
	put32(p->ext + 8, 257 * 4096);
	for (uint32_t k = 0; k < 257; k++)
		put32(p->ext + 16 + k * 8, (uint32_t)(RIG_GPA >> 12));
}

static void
tell(struct rig *r, enum lie lie)
{
	struct rndis_ppi_set lso = { .present = RNDIS_HAS_LSO,
	    .lso = rndis_lso_put(lie == LIE_LSO_MSS ? 0x20000 : 1448, 34,
	    false) };
	struct rndis_ppi_set csum = { .present = RNDIS_HAS_CSUM,
	    .csum = RNDIS_TXCSUM_IPV4 | RNDIS_TXCSUM_TCP };
	bool has_lso = lie == LIE_LSO_UDP || lie == LIE_LSO_MSS;
	uint8_t f[200], *m = section(r, 2);
	uint32_t len = frame4(f, lie == LIE_LSO_MSS ? PKT_IPPROTO_TCP :
	    PKT_IPPROTO_UDP, 60);
	struct rig_pkt *p;

	if (lie == LIE_CSUM_ARP)
		f[13] = 6;
	if (lie == LIE_RUNT)
		len = 13;
	uint32_t n = message(m, has_lso ? &lso : lie == LIE_CSUM_ARP ? &csum :
	    NULL, f, len);

	p = push_section(r, 0, 5, 2, n);
	switch (lie) {
	case LIE_SECTION:
		put32(p->data + 8, 10);		/* of 10 */
		break;
	case LIE_SECTION_BYTES:
		put32(p->data + 12, SECTION + 1);
		break;
	case LIE_TYPE:
		p->type = VMPKT_XFER_PAGES;
		break;
	case LIE_UNMAPPED:
	case LIE_NO_RANGE:
	case LIE_HUGE:
		tell_gpa(p, lie);
		break;
	case LIE_SHORT:
		put32(p->data + 12, 7);
		break;
	case LIE_LEN:
		put32(m + 4, n + 8);
		break;
	case LIE_DATA:
		put32(m + 8, n);
		break;
	case LIE_OOB:
		put32(m + 24, 1);
		break;
	case LIE_SECOND_SHORT:
		put32(m + n, 9);
		put32(m + n + 4, 44);
		put32(p->data + 12, n + 44);
		break;
	case LIE_RUNT:
	case LIE_LSO_UDP:
	case LIE_LSO_MSS:
	case LIE_CSUM_ARP:
	case LIE_COUNT:
		break;
	}
}

static void
test_lies(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < LIE_COUNT; i++) {
		struct rig *r = up();
		uint32_t outs = r->chan[0].outs;

		tell(r, i);
		rig_run(r);
		const struct fault_log *f = vsp_faults(r->vsp);

		if (f->total != 1 || f->last != lies[i].why)
			fail_msg("lie %u: %u faults, last %s", i,
			    (unsigned)f->total, fault_name(f->last));
		assert_int_equal(counts(r)->drop_malformed, 1);
		assert_int_equal(r->frames, i == LIE_SECOND_SHORT);
		assert_int_equal(r->chan[0].outs, outs + !lies[i].dead);
		if (!lies[i].dead)
			expect_done(r, 5, 2);
		/* The next packet: served, unless the channel is dead. */
		uint8_t g[100];
		uint32_t n = message(section(r, 1), NULL, g, frame4(g,
		    PKT_IPPROTO_UDP, 20));

		r->frames = 0;
		push_section(r, 0, 6, 1, n);
		rig_run(r);
		assert_int_equal(r->frames, !lies[i].dead);
		rig_del(r);
	}
}

/* `count` small frames in a section, and a packet that names them. */
static void
push_small(struct rig *r, uint64_t xact, uint32_t sec, uint32_t count)
{
	uint8_t f[64];
	uint32_t at = 0, len = frame4(f, PKT_IPPROTO_UDP, 0);

	for (uint32_t i = 0; i < count; i++)
		at += message(section(r, sec) + at, NULL, f, len);
	assert_true(at <= SECTION);
	push_section(r, 0, xact, sec, at);
}

/* INIT_DONE says how many messages a packet may hold. */
static void
test_messages_of_a_packet(void **state)
{
	struct rig *r = up();

	(void)state;
	push_small(r, 1, 0, RNDIS_MAX_PACKETS);
	rig_run(r);
	expect_done(r, 1, 1);
	assert_int_equal(r->frames, RNDIS_MAX_PACKETS);
	assert_int_equal(vsp_faults(r->vsp)->total, 0);
	push_small(r, 2, 0, RNDIS_MAX_PACKETS + 1);
	rig_run(r);
	expect_done(r, 2, 2);
	assert_int_equal(r->frames, 2 * RNDIS_MAX_PACKETS);
	assert_int_equal(counts(r)->by_section, 2 * RNDIS_MAX_PACKETS);
	assert_int_equal(counts(r)->drop_malformed, 1);
	assert_int_equal(vsp_faults(r->vsp)->count[FAULT_RNDIS_COUNT], 1);
	assert_int_equal(vsp_faults(r->vsp)->total, 1);
	/* Only the packet was refused. */
	push_small(r, 3, 0, 1);
	rig_run(r);
	expect_done(r, 3, 1);
	rig_del(r);
}

/* What a pass does is bounded by frames, segments and bytes. */
static void
test_pass_is_bounded(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rig *r = up();
	struct chan *c = &r->chan[0].chan;
	uint32_t passes = 0, before = 0;

	(void)state;
	for (uint32_t i = 0; i < 64; i++)
		push_small(r, i, 0, 64);
	for (bool more = true; more; passes++) {
		more = c->events->ready(c, 64);
		assert_in_range(r->frames - before, 0, 1024);
		before = r->frames;
	}
	assert_int_equal(r->frames, 64 * 64);
	assert_in_range(passes, 4, 8);
	/* One at a time they have the whole budget, or nearly. */
	for (uint32_t i = 0; i < 64; i++)
		push_small(r, i, 0, 1);
	(void)c->events->ready(c, 64);
	assert_in_range(r->frames - before, 56, 64);
	rig_run(r);
	rig_del(r);

	cfg.backend_gso4 = false;
	r = up_with(&cfg);
	c = &r->chan[0].chan;
	struct rndis_ppi_set ppi = { .present = RNDIS_HAS_LSO,
	    .lso = rndis_lso_put(8, 34, false) };
	static uint8_t f[54 + 6000];
	uint32_t n = message(section(r, 0), &ppi, f,
	    frame4(f, PKT_IPPROTO_TCP, 6000));

	for (uint32_t i = 0; i < 8; i++)
		push_section(r, 0, i, 0, n);
	assert_true(c->events->ready(c, 64));
	/* 750 segments each: what began below 1024 is finished. */
	assert_int_equal(r->frames, 1500);
	rig_run(r);
	assert_int_equal(r->frames, 6000);
	rig_del(r);
}

/* Of a frame that would be cut into very many nothing is sent. */
static void
test_segments_without_end(void **state)
{
	struct vsp_config cfg = rig_config();
	struct rndis_ppi_set ppi = { .present = RNDIS_HAS_LSO,
	    .lso = rndis_lso_put(1, 34, false) };
	static uint8_t f[54 + 30000], msg[sizeof(f) + 100];
	uint32_t n = message(msg, &ppi, f, frame4(f, PKT_IPPROTO_TCP, 30000));
	struct gpa_piece g[8];

	(void)state;
	cfg.backend_gso4 = false;
	struct rig *r = up_with(&cfg);

	memcpy(r->mem + RIG_DATA_OFF, msg, n);
	for (uint32_t i = 0; i < 8; i++)
		g[i] = (struct gpa_piece){ RIG_GPA + RIG_DATA_OFF + i * 4096,
		    min_u32(n - i * 4096, 4096) };
	push_gpa(r, 1, g, 8, NVS_SECTION_NONE, 0);
	rig_run(r);
	expect_done(r, 1, 2);
	assert_int_equal(r->frames, 0);
	assert_int_equal(vsp_faults(r->vsp)->count[FAULT_FRAME_HEADERS], 1);
	rig_del(r);
}

/* Who waits for the worker waits for a few packets, not for a pass. */
static void
test_pass_stops(void **state)
{
	struct rig *r = up();
	struct chan *c = &r->chan[0].chan;
	uint32_t stop = 1, outs = r->chan[0].outs;

	(void)state;
	r->vsp->stop = &stop;
	for (uint32_t i = 0; i < 16; i++)
		push_small(r, i, 0, 64);
	assert_true(c->events->ready(c, 64));
	assert_int_equal(r->frames, 0);
	stop = 0;
	r->stop_after = 1;
	r->stop = &stop;
	assert_true(c->events->ready(c, 64));
	assert_in_range(r->frames, 1, 128);
	/* What was taken is completed, and the rest comes later. */
	assert_int_equal(r->chan[0].outs - outs, r->frames / 64);
	stop = 0;
	r->stop_after = 0;
	rig_run(r);
	assert_int_equal(r->frames, 16 * 64);
	rig_del(r);
}

/* Random bytes as RNDIS and random descriptors: no crash, no hang. */
static void
test_random(void **state)
{
	uint32_t x = 0x12345;

	(void)state;
	for (uint32_t round = 0; round < 300; round++) {
		struct rig *r = up();
		uint32_t seed = x;

		for (uint32_t k = 0; k < 8; k++) {
			uint8_t f[200];
			uint32_t n = message(section(r, 0), NULL, f,
			    frame4(f, PKT_IPPROTO_TCP, 100));
			struct rig_pkt *p = push_section(r, 0, k, 0, n);

			for (uint32_t j = 0; j < 3; j++) {
				x = x * 1664525 + 1013904223;
				section(r, 0)[(x >> 8) % n] =
				    (uint8_t)(x >> 24);
			}
			x = x * 1664525 + 1013904223;
			if ((x >> 16) % 4 == 0)
				p->data[(x >> 8) % 16] = (uint8_t)(x >> 24);
			r->frames = 0;
			rig_run(r);
		}
		if (vsp_faults(r->vsp)->total > 8)
			fail_msg("seed %#x: more faults than packets", seed);
		rig_del(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_section_several),
		cmocka_unit_test(test_lso),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_completions_wait),
		cmocka_unit_test(test_completions_batched),
		cmocka_unit_test(test_control_between_data),
		cmocka_unit_test(test_before_init),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_messages_of_a_packet),
		cmocka_unit_test(test_pass_is_bounded),
		cmocka_unit_test(test_segments_without_end),
		cmocka_unit_test(test_pass_stops),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
