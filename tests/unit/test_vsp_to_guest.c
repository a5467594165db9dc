/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames to the guest, as the guest finds them: layout by golden bytes, RSC,
 * software segments, tags, checksums, filters.
 */
#include "vsp_to_guest_rig.h"

static void
golden_bytes(void **state)
{
	/* Header at the section's start, PPIs, frame at 192, padding. */
	static const uint8_t head[44 + 4 * 16] = {
		0x01, 0, 0, 0, 0x00, 1, 0, 0,		/* PACKET, 256 */
		0xb8, 0, 0, 0, 0x3c, 0, 0, 0,		/* data at 184, 60 */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x24, 0, 0, 0, 0x40, 0, 0, 0,		/* PPIs at 36, 64 */
		0, 0, 0, 0, 0, 0, 0, 0,
		16, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0x28, 0, 0, 0,
		16, 0, 0, 0, 6, 0, 0, 0, 12, 0, 0, 0, 0x55, 0x06, 0, 0,
		16, 0, 0, 0, 8, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0,
		16, 0, 0, 0, 9, 0, 0, 0, 12, 0, 0, 0, 0x01, 0x02, 0, 0,
	};
	struct rig *r = rig_new(1, 64);
	struct frame_spec s = tcp4;
	struct pkt_meta m = { .flags = PKT_CSUM_GOOD_L4 | PKT_VLAN,
	    .vlan_tci = 0xa065 };		/* 5, 0, 101 */
	struct pkt_meta hash = { 0 };
	uint8_t f[200];
	uint8_t want[sizeof(head)];

	s.tcp_opts = 0;
	s.payload = 6;
	assert_int_equal(frame_build(f, &s), 60);
	rig_steer(r, 0);
	vsp_steer(r->vsp, (struct span){ f, 60 }, 60, &hash);
	assert_int_equal(rig_put(r, 0, f, 60, RIG_MAX_PLAIN, &m), 0);
	assert_int_equal(r->packets, 0);
	vsp_to_guest_flush(r->vsp, 0);
	assert_int_equal(r->commits[0], 1);
	assert_int_equal(r->packets, 1);
	assert_int_equal(r->packet[0].xact, 16);
	assert_int_equal(r->packet[0].nvs.channel, 0);
	assert_int_equal(r->packet[0].nvs.section, 0xffffffff);
	assert_int_equal(r->packet[0].nvs.section_bytes, 0);
	assert_int_equal(r->packet[0].nvs_bytes, 40);
	assert_int_equal(r->packet[0].ranges, 1);
	assert_int_equal(r->packet[0].range[0].offset, 16 * 1792);
	assert_int_equal(r->packet[0].range[0].bytes, 256);

	const uint8_t *p = r->buf + 16 * 1792;

	memcpy(want, head, sizeof(want));
	for (uint32_t i = 0; i < 4; i++)
		want[44 + 2 * 16 + 12 + i] = (uint8_t)(hash.hash >> 8 * i);
	assert_memory_equal(p, want, sizeof(want));
	assert_memory_equal(p + 192, f, 60);
	assert_int_equal(p[252] | p[253] | p[254] | p[255], 0);
	assert_int_equal(p[256], 0xee);
	/* Nothing to flush: no signal. */
	vsp_to_guest_flush(r->vsp, 0);
	assert_int_equal(r->commits[0], 1);
	rig_end(r);
}

static void
many_frames_in_a_packet(void **state)
{
	struct rig *r = rig_new(1, 400);
	uint8_t f[1600];
	uint32_t len = frame_build(f, &tcp4);

	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none),
		    0);
	vsp_to_guest_flush(r->vsp, 0);
	assert_int_equal(r->packets, 3);
	assert_int_equal(r->packet[0].ranges, 128);
	assert_int_equal(r->packet[1].ranges, 128);
	assert_int_equal(r->packet[2].ranges, 44);
	assert_int_equal(r->commits[0], 1);
	rig_receive(r);
	assert_int_equal(r->frames, 300);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 100);
	rig_ack_all(r, 0);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 400);
	assert_int_equal(rig_counts(r, 0)->frames, 300);
	assert_int_equal(rig_counts(r, 0)->bytes, 300 * len);
	assert_int_equal(rig_counts(r, 0)->packets, 3);
	assert_int_equal(rig_counts(r, 0)->acks, 3);
	rig_end(r);
}

/* ---- GSO ----------------------------------------------------------------- */

static void
rsc(struct rig *r, const struct frame_spec *base, uint16_t seg)
{
	static const uint32_t payload[] = { 60000, 1449, 2896, 2897, 65000 };
	static uint8_t f[70000];
	uint32_t recut = (uint32_t)rig_counts(r, 0)->recut;

	for (uint32_t i = 0; i < ARRAY_LEN(payload); i++) {
		struct frame_spec s = *base;

		s.payload = payload[i];
		s.fill = i;
		frame_build(f, &s);

		struct pkt_meta m = rig_gso(f, &s, seg);

		assert_int_equal(rig_put(r, 0, f, frame_len(&s), RIG_MAX_GSO,
		    &m), 0);
		/* Only the first may have been guessed wrong. */
		if (i > 0)
			assert_int_equal(rig_counts(r, 0)->recut, recut);
		recut = (uint32_t)rig_counts(r, 0)->recut;
		vsp_to_guest_flush(r->vsp, 0);
		rig_receive(r);
		assert_int_equal(r->frames, 1);
		expect_rsc(r, &r->frame[0], f, &s, seg);
		rig_frames_forget(r);
		rig_ack_all(r, 0);
		assert_int_equal(vsp_rxbuf_free(r->vsp), 400);
	}
}

static void
rsc_guessed_right_and_wrong(void **state)
{
	for (uint32_t complete = 0; complete < 2; complete++) {
		struct rig *r = rig_new(1, 400);

		r->vsp->cfg.rxcsum_complete = complete;
		rsc(r, &tcp4, 1448);
		assert_int_equal(rig_counts(r, 0)->recut, 0);
		rsc(r, &tcp6, 1428);
		assert_int_equal(rig_counts(r, 0)->recut, 1);
		rsc(r, &tcp4, 1000);
		assert_int_equal(rig_counts(r, 0)->recut, 2);
		assert_int_equal(rig_counts(r, 0)->rsc_frames, 15);
		assert_int_equal(rig_counts(r, 0)->sw_segments, 0);
		assert_int_equal(rig_counts(r, 0)->sw_csum, 15 * complete);
		rig_end(r);
	}
}

static void
segments(struct rig *r, const struct frame_spec *base, uint16_t seg)
{
	static const uint32_t payload[] = { 60000, 1449, 2896, 2897, 65000 };
	static uint8_t f[70000];

	for (uint32_t i = 0; i < ARRAY_LEN(payload); i++) {
		struct frame_spec s = *base;

		s.payload = payload[i];
		s.fill = i;
		frame_build(f, &s);

		struct pkt_meta m = rig_gso(f, &s, seg);

		assert_int_equal(rig_put(r, 0, f, frame_len(&s), RIG_MAX_GSO,
		    &m), 0);
		expect_segments(r, f, &s, seg);
		rig_ack_all(r, 0);
		assert_int_equal(vsp_rxbuf_free(r->vsp), 400);
	}
}

static void
software_segments(void **state)
{
	for (uint32_t complete = 0; complete < 2; complete++) {
		struct rig *r = rig_new(1, 400);

		r->vsp->guest.rsc4 = r->vsp->guest.rsc6 = false;
		r->vsp->cfg.rxcsum_complete = complete;
		segments(r, &tcp4, 1448);
		assert_int_equal(rig_counts(r, 0)->recut, 0);
		segments(r, &tcp6, 1428);
		assert_int_equal(rig_counts(r, 0)->recut, 1);
		segments(r, &tcp6, 536);
		assert_int_equal(rig_counts(r, 0)->rsc_frames, 0);
		rig_end(r);
	}
}

/* Same header and segment size, but RSC for only one IP version. */
static void
rsc_for_ipv4_alone(void **state)
{
	struct rig *r = rig_new(1, 400);
	struct frame_spec v4 = tcp4, v6 = tcp6;

	r->vsp->guest.rsc6 = false;
	v4.tcp_opts = 20;
	v6.tcp_opts = 0;
	assert_int_equal(frame_hdr(&v4), frame_hdr(&v6));
	for (uint32_t i = 0; i < 2; i++) {
		rsc(r, &v4, 1400);
		segments(r, &v6, 1400);
	}
	assert_int_equal(rig_counts(r, 0)->recut, 4);
	rig_end(r);
}

static void
segments_to_a_guest_without_checksums(void **state)
{
	struct rig *r = rig_new(1, 400);

	r->vsp->guest.rsc4 = false;
	r->vsp->guest.csum_rx = 0;
	segments(r, &tcp4, 1448);
	rig_end(r);
}

/* 900 fragments are more than a packet takes; 80 pieces a room. */
static void
tiny_segments(void **state)
{
	struct rig *r = rig_new(1, 1000);
	struct frame_spec s = tcp4;
	static uint8_t f[70000];

	s.payload = 65000;
	frame_build(f, &s);
	for (uint32_t i = 0; i < 3; i++) {
		struct pkt_meta m = rig_gso(f, &s, i == 1 ? 600 : 100);

		assert_int_equal(rig_put(r, 0, f, frame_len(&s), RIG_MAX_GSO,
		    &m), 0);
		if (i == 1) {
			struct rig_frame *g = the_frame(r, f, frame_len(&s));

			expect_rsc(r, g, f, &s, 600);
			rig_frames_forget(r);
		} else {
			expect_segments(r, f, &s, 100);
		}
		rig_ack_all(r, 0);
		assert_int_equal(vsp_rxbuf_free(r->vsp), 1000);
	}
	rig_end(r);
}

/* Small frames in a room laid out for large ones, of any guess. */
static void
small_frames_in_a_gso_room(void **state)
{
	struct rig *r = rig_new(1, 400);
	uint8_t f[70000];

	for (uint32_t guess = 100; guess <= 1448; guess += 337) {
		r->vsp->queue[0]->to.guess_seg = guess;
		for (uint32_t n = 0; n <= 1448; n += 91) {
			struct frame_spec s = tcp4;

			s.payload = n;
			frame_build(f, &s);
			assert_int_equal(rig_put(r, 0, f, frame_len(&s),
			    RIG_MAX_GSO, &none), 0);
			the_frame(r, f, frame_len(&s));
			rig_frames_forget(r);
			rig_ack_all(r, 0);
		}
	}
	/* GSO that fits one segment is a plain frame. */
	struct frame_spec s = tcp4;

	s.payload = 1000;
	frame_build(f, &s);

	struct pkt_meta m = rig_gso(f, &s, 1448);

	assert_int_equal(rig_put(r, 0, f, frame_len(&s), RIG_MAX_GSO, &m), 0);
	assert_int_equal(the_frame(r, f, frame_len(&s))->ppi.csum,
	    RNDIS_RXCSUM_IP_OK | RNDIS_RXCSUM_TCP_OK | RNDIS_RXCSUM_TCP_NOVAL);
	rig_end(r);
}

/* A coalesced frame of unknown segment size: RSC or nothing. */
static void
not_to_be_cut_again(void **state)
{
	struct rig *r = rig_new(1, 400);
	struct frame_spec s = tcp4;
	struct pkt_meta m = { .flags = PKT_GSO_NORESEG | PKT_CSUM_GOOD_L4 };
	static uint8_t f[70000];

	s.payload = 10000;
	frame_build(f, &s);
	assert_int_equal(rig_put(r, 0, f, frame_len(&s), RIG_MAX_GSO, &m), 0);
	assert_int_equal(the_frame(r, f, frame_len(&s))->frags, 7);
	rig_frames_forget(r);
	r->vsp->guest.rsc4 = false;
	assert_int_equal(rig_put(r, 0, f, frame_len(&s), RIG_MAX_GSO, &m),
	    E_STATE);
	assert_int_equal(rig_counts(r, 0)->drop_long, 1);
	rig_end(r);
}

/* Backends that hold the frame: no guess, any list. */
static void
copied_frames(void **state)
{
	struct rig *r = rig_new(1, 400);
	struct frame_spec s = tcp4;
	static uint8_t f[70000];
	struct vec v[700];
	uint32_t seed = rnd_seed();

	for (uint32_t round = 0; round < 40; round++) {
		uint32_t n = 0, off = 0, step = 100 + rnd(&seed) % 3000;

		s.payload = 1449 + rnd(&seed) % 60000;
		frame_build(f, &s);

		struct pkt_meta m = rig_gso(f, &s, 1448);
		uint32_t len = frame_len(&s);

		if (round < 2)	/* a list that is too long to cut from */
			step = len / 250;
		for (; off < len; off += step)
			v[n++] = (struct vec){ f + off,
			    min_u32(step, len - off) };
		r->vsp->guest.rsc4 = round & 1;
		assert_int_equal(vsp_to_guest_copy(r->vsp, 0, v, n, &m), 0);
		if (round & 1) {
			expect_rsc(r, the_frame(r, NULL, len), f, &s, 1448);
			rig_frames_forget(r);
		} else {
			expect_segments(r, f, &s, 1448);
		}
		rig_ack_all(r, 0);
		assert_int_equal(vsp_rxbuf_free(r->vsp), 400);
	}
	assert_int_equal(rig_counts(r, 0)->recut, 0);
	v[0] = (struct vec){ f, VSP_FRAME_MAX + 1 };
	assert_int_equal(vsp_to_guest_copy(r->vsp, 0, v, 1, &none), E_STATE);
	rig_end(r);
}

/* ---- policy -------------------------------------------------------------- */

static void
filters_and_drops(void **state)
{
	struct rig *r = rig_new(1, 64);
	struct vsp *vsp = r->vsp;
	struct vsp_to_guest_counters *c = rig_counts(r, 0);
	struct vsp_room room;
	struct frame_spec s = tcp4;
	uint8_t f[9100];
	uint32_t len = frame_build(f, &s);

	f[5] ^= 1;			/* not our address */
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), E_STATE);
	assert_int_equal(c->drop_filter, 1);
	vsp->guest.filter |= NDIS_FILTER_PROMISC;
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), 0);
	vsp->guest.filter = NDIS_FILTER_DIRECTED;
	memset(f, 0xff, 6);
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), E_STATE);
	vsp->guest.filter |= NDIS_FILTER_BROADCAST;
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), 0);
	f[1] = 0x5e;			/* a group */
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), E_STATE);
	vsp->guest.filter |= NDIS_FILTER_ALLMULTI;
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), 0);
	assert_int_equal(c->drop_filter, 3);
	vsp->cfg.link_up = false;
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), E_STATE);
	assert_int_equal(c->drop_link, 1);
	vsp->cfg.link_up = true;
	assert_int_equal(rig_put(r, 0, f, 13, RIG_MAX_PLAIN, &none), E_STATE);
	assert_int_equal(c->drop_short, 1);
	assert_int_equal(rig_put(r, 0, f, 1515, RIG_MAX_PLAIN, &none),
	    E_STATE);
	assert_int_equal(c->drop_long, 1);
	vsp->guest.mtu = 1400;
	vsp_mtu_set(vsp);
	assert_int_equal(rig_put(r, 0, f, 1415, RIG_MAX_PLAIN, &none),
	    E_STATE);
	/* A segment would be longer than the guest's MTU. */
	s.payload = 4000;
	frame_build(f, &s);

	struct pkt_meta m = rig_gso(f, &s, 1448);

	assert_int_equal(rig_put(r, 0, f, frame_len(&s), RIG_MAX_GSO, &m),
	    E_STATE);
	assert_int_equal(c->drop_long, 3);
	assert_int_equal(c->frames, 3);
	vsp->guest.filter = 0;
	assert_int_equal(vsp_to_guest_reserve(vsp, 0, 1518, &room), E_GONE);
	vsp->guest.filter = 1;
	assert_int_equal(vsp_to_guest_reserve(vsp, 1, 1518, &room), E_GONE);
	vsp->guest.rndis_up = false;
	assert_int_equal(vsp_to_guest_reserve(vsp, 0, 1518, &room), E_GONE);
	rig_end(r);
}

/* A copied frame is the caller's, whatever the guest's has to look like. */
static void
copy_in_two(struct rig *r, uint8_t *f, uint32_t len, const struct pkt_meta *m)
{
	struct vec v[2] = { { f, VSP_HEAD_BYTES },
		{ f + VSP_HEAD_BYTES, len - VSP_HEAD_BYTES } };
	static uint8_t was[70000];

	memcpy(was, f, len);
	assert_int_equal(vsp_to_guest_copy(r->vsp, 0, v, 2, m), 0);
	assert_memory_equal(f, was, len);
}

/* The tag, in the frame or beside it, to a guest that knows PPIs or not. */
static void
vlan(void **state)
{
	struct rig *r = rig_new(1, 400);
	struct frame_spec s = tcp4, tagged = tcp4;
	static uint8_t f[70000], t[70000];
	static const uint16_t tci = 0x2005;	/* as frame_build() writes */

	tagged.tags = 1;
	for (uint32_t i = 0; i < 16; i++) {
		bool in_frame = i & 1, ppi = i & 2, big = i & 4, rsc4 = i & 8;

		r->vsp->guest.vlan_cap = ppi;
		r->vsp->guest.rsc4 = rsc4;
		s.payload = tagged.payload = big ? 5000 : 1448;
		frame_build(f, &s);
		frame_build(t, &tagged);

		struct pkt_meta m = { 0 };

		if (big) {
			rig_gso(f, &s, 1448);
			m = rig_gso(t, &tagged, 1448);
		}
		if (!in_frame) {
			if (big)
				m.csum_start = (uint16_t)(m.csum_start - 4);
			m.flags |= PKT_VLAN;
			m.vlan_tci = tci;
		}
		/* Twice, so that the guess is right once; then by copying. */
		for (uint32_t k = 0; k < 3; k++) {
			uint8_t *src = in_frame ? t : f;
			uint32_t len = frame_len(in_frame ? &tagged : &s);

			if (k < 2)
				assert_int_equal(rig_put(r, 0, src, len,
				    RIG_MAX_GSO, &m), 0);
			else
				copy_in_two(r, src, len, &m);
			vsp_to_guest_flush(r->vsp, 0);
			rig_receive(r);
			for (uint32_t j = 0; j < r->frames; j++) {
				struct rig_frame *g = &r->frame[j];

				assert_int_equal(g->ppi.present &
				    RNDIS_HAS_VLAN, ppi ? RNDIS_HAS_VLAN : 0);
				if (ppi)
					assert_int_equal(g->ppi.vlan,
					    rndis_vlan_from_tci(tci));
				else
					assert_int_equal(get32(g->bytes + 12),
					    0x81000000u + tci);
			}
			if (big && !rsc4)
				expect_segments(r, ppi ? f : t,
				    ppi ? &s : &tagged, 1448);
			else if (ppi)
				the_frame(r, f, frame_len(&s));
			else
				the_frame(r, t, frame_len(&tagged));
			rig_frames_forget(r);
			rig_ack_all(r, 0);
		}
	}
	rig_end(r);
}

/* Its own tag comes off, others do not pass. */
static void
vlan_of_an_access_port(void **state)
{
	struct rig *r = rig_new(1, 400);
	struct frame_spec s = tcp4, tagged = tcp4;
	uint8_t f[2000], t[2000];

	r->vsp->cfg.vlan = VSP_VLAN_ACCESS;
	r->vsp->cfg.vlan_id = 5;
	r->vsp->guest.vlan_cap = true;
	tagged.tags = 1;
	s.payload = tagged.payload = 1448;
	frame_build(f, &s);
	frame_build(t, &tagged);
	assert_int_equal(rig_put(r, 0, t, frame_len(&tagged), RIG_MAX_PLAIN,
	    &none), 0);
	assert_int_equal(the_frame(r, f, frame_len(&s))->ppi.present,
	    RNDIS_HAS_CSUM);
	assert_int_equal(rig_put(r, 0, f, frame_len(&s), RIG_MAX_PLAIN,
	    &none), E_STATE);
	assert_int_equal(rig_counts(r, 0)->drop_vlan, 1);
	rig_end(r);
}

static void
checksum_rules(void **state)
{
	static const struct frame_spec udp4 = { .version = 4, .proto = 17,
	    .payload = 333 }, udp6 = { .version = 6, .proto = 17,
	    .payload = 333 };
	static const struct {
		const struct frame_spec *s;
		uint32_t flags;		/* 1: partial */
		bool complete;
		uint32_t rx;		/* what the guest takes */
		uint32_t want;		/* the PPI, 0: none */
		bool filled;
	} row[] = {
#define ALL 0x1fu
		{ &tcp4, 0, false, ALL, 0x20, true },
		{ &tcp4, PKT_CSUM_GOOD_L4, false, ALL, 0x28, true },
		{ &tcp4, PKT_CSUM_GOOD_L4, false, VSP_CS_IP4, 0x20, true },
		{ &tcp4, PKT_CSUM_BAD_L4, false, ALL, 0x21, true },
		{ &tcp4, 1, false, ALL, 0xa8, false },
		{ &tcp4, 1, true, ALL, 0x28, true },
		{ &tcp4, 1, false, VSP_CS_TCP6, 0, true },
		{ &tcp6, 1, false, ALL, 0x88, false },
		{ &tcp6, 1, true, ALL, 0x08, true },
		{ &udp4, 1, false, ALL, 0x30, true },
		{ &udp6, 1, false, ALL, 0x10, true },
		{ &udp6, PKT_CSUM_BAD_L4, false, ALL, 0x02, true },
		{ &udp6, PKT_CSUM_GOOD_L4, false, 0, 0, true },
	};

	for (uint32_t i = 0; i < ARRAY_LEN(row); i++) {
		struct rig *r = rig_new(1, 64);
		const struct frame_spec *s = row[i].s;
		struct pkt_meta m = { .flags = row[i].flags };
		uint8_t f[1600];
		uint32_t len = frame_build(f, s);

		if (row[i].flags == 1)
			m = rig_partial(f, s);
		r->vsp->cfg.rxcsum_complete = row[i].complete;
		r->vsp->guest.csum_rx = row[i].rx;
		assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &m), 0);

		struct rig_frame *g = the_frame(r, NULL, len);

		assert_int_equal(g->ppi.present, row[i].want != 0 ?
		    RNDIS_HAS_CSUM : 0);
		if (row[i].want != 0)
			assert_int_equal(g->ppi.csum, row[i].want);
		assert_int_equal(frame_ok(g->bytes, len, s), row[i].filled);
		assert_int_equal(rig_counts(r, 0)->sw_csum,
		    row[i].flags == 1 && row[i].filled);
		rig_end(r);
	}
	/* A bad IPv4 header is not called good. */
	struct rig *r = rig_new(1, 64);
	uint8_t f[1600];
	uint32_t len = frame_build(f, &tcp4);

	f[14 + 10] ^= 1;
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), 0);
	assert_int_equal(the_frame(r, f, len)->ppi.present, 0);
	rig_end(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_bytes),
		cmocka_unit_test(many_frames_in_a_packet),
		cmocka_unit_test(rsc_guessed_right_and_wrong),
		cmocka_unit_test(software_segments),
		cmocka_unit_test(rsc_for_ipv4_alone),
		cmocka_unit_test(segments_to_a_guest_without_checksums),
		cmocka_unit_test(tiny_segments),
		cmocka_unit_test(small_frames_in_a_gso_room),
		cmocka_unit_test(not_to_be_cut_again),
		cmocka_unit_test(copied_frames),
		cmocka_unit_test(filters_and_drops),
		cmocka_unit_test(vlan),
		cmocka_unit_test(vlan_of_an_access_port),
		cmocka_unit_test(checksum_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
