/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a frame to the guest may be, and that none is ever cut short: the
 * smaller MTU of both ends counts, and a frame longer than its usual room is
 * taken whole and then cut by its headers, or dropped and counted.
 */
#include "vsp_to_guest_rig.h"

/* A frame of exactly len bytes with that many tags; true: it passed. */
static bool
passes(struct rig *r, uint32_t len, uint8_t tags, bool copied)
{
	struct vsp_to_guest_counters *c = rig_counts(r, 0);
	struct frame_spec s = tcp4;
	uint64_t was = c->drop_long;
	uint8_t f[9300];

	s.tags = tags;
	s.payload = len - frame_hdr(&s);
	assert_int_equal(frame_build(f, &s), len);

	struct vec v = { f, len };
	int rc = copied ? vsp_to_guest_copy(r->vsp, 0, &v, 1, &none) :
	    rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none);

	vsp_to_guest_flush(r->vsp, 0);
	rig_receive(r);
	if (rc == 0) {
		/* Whole; one tag goes beside it, of two both stay inside. */
		assert_int_equal(r->frames, 1);
		assert_int_equal(r->frame[0].len, tags == 1 ? len - 4 : len);
	}
	rig_frames_forget(r);
	rig_ack_all(r, 0);
	assert_int_equal(rc == 0 ? 0 : 1, c->drop_long - was);
	return rc == 0;
}

static void
the_smaller_mtu_counts(void **state)
{
	/* What NDIS_CONFIG names, the NIC's, the one that counts. */
	static const uint32_t mtu[][3] = {
		{ 0, 1500, 1500 }, { 9000, 1500, 1500 }, { 1400, 1500, 1400 },
		{ 1500, 1500, 1500 }, { 600, 9000, 600 }, { 9000, 9000, 9000 },
	};

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(mtu); i++) {
		struct rig *r = rig_new(1, 64);
		uint32_t max = 14 + mtu[i / 2][2];

		vsp_rxbuf_detach(r->vsp);
		r->vsp->cfg.mtu = mtu[i / 2][1];
		r->vsp->cfg.section_bytes = 10000;
		assert_int_equal(vsp_rxbuf_attach(r->vsp, RIG_RX_ID, r->buf,
		    r->buf_bytes), 0);
		r->vsp->guest.mtu = mtu[i / 2][0];
		vsp_mtu_set(r->vsp);
		for (uint8_t tags = 0; tags <= 2; tags++) {
			assert_true(passes(r, max + 4u * tags, tags, i & 1));
			assert_false(passes(r, max + 4u * tags + 1, tags,
			    i & 1));
			assert_false(passes(r, max + 100, tags, i & 1));
		}
		rig_end(r);
	}
}

/* It waited since before the guest or the NIC gave up its offloads. */
static void
gso_frames_in_a_room_for_plain_ones(void **state)
{
	static const uint32_t payload[] = { 1449, 2896, 30000, 65000 };
	static uint8_t f[70000];

	for (uint32_t i = 0; i < 2 * ARRAY_LEN(payload); i++) {
		struct rig *r = rig_new(1, 400);
		struct frame_spec s = i & 1 ? tcp6 : tcp4;
		uint16_t seg = i & 1 ? 1428 : 1448;

		r->vsp->cfg.offloads = 0;
		s.payload = payload[i / 2];
		frame_build(f, &s);

		struct pkt_meta m = rig_gso(f, &s, seg);

		assert_int_equal(rig_put(r, 0, f, frame_len(&s), RIG_MAX_PLAIN,
		    &m), 0);
		expect_segments(r, f, &s, seg);
		rig_ack_all(r, 0);
		assert_int_equal(vsp_rxbuf_free(r->vsp), 400);
		rig_end(r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smaller_mtu_counts),
		cmocka_unit_test(gso_frames_in_a_room_for_plain_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
