/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that the NetVSC sends by reference, against a scripted host: what is
 * copied and what is named, offloads, limits, and each cookie once.
 */
#include "vsc_ref_rig.h"

static void
expect_nvs(uint32_t i, uint32_t sec, uint32_t bytes)
{
	uint8_t want[40] = { 0x6b };

	memcpy(want + 8, &sec, 4);
	memcpy(want + 12, &bytes, 4);
	assert_true(i < rig.nsent);
	assert_int_equal(rig.sent[i].type, VMPKT_GPA_DIRECT);
	assert_int_equal(rig.sent[i].flags, VMPKT_F_COMPLETE);
	assert_memory_equal(rig.sent[i].data, want, 40);
}

static void
expect_range(uint32_t i, uint32_t k, uint64_t gpa, uint32_t len)
{
	struct gpa_piece p = range(i, k);

	assert_int_equal(p.gpa, gpa);
	assert_int_equal(p.len, len);
}

static void
up(bool by_ref, bool complete)
{
	rig_init(&rig, 0x50003);
	rig.cfg.by_ref = by_ref;
	rig.cfg.ref_frames = 1;
	rig.complete = complete;
	rig_up(&rig);
}

static void
down(void)
{
	rig.complete = true;
	rig.handled = rig.nsent;
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* Header and head in a section, pages of the piece by ranges, then done. */
static void
test_plain(void **state)
{
	struct pkt_meta m, plain = { 0 };
	struct rndis_packet pkt;
	enum fault why;

	for (int by_ref = 0; by_ref < 2; by_ref++) {
		up(by_ref, false);
		frame_make(1514, &m);
		assert_int_equal(gather(14, 1514, 100, NULL, 77, &plain), 0);
		/* crosses a page */
		assert_int_equal(gather(20, 1514, 4000, NULL, 78, &plain), 0);
		assert_int_equal(rig.commits, 0);
		vsc_tx_flush(rig.v, 0);
		assert_int_equal(rig.commits, 1);
		assert_int_equal(rig.nsent, 2);
		expect_nvs(0, 0, 44 + 14);
		assert_int_equal(rig.sent[0].ext_len, 24);
		expect_range(0, 0, PIECE_GPA + 100, 1500);
		assert_memory_equal(section(0) + 44, frame, 14);
		assert_int_equal(rndis_packet_decode_head(&pkt, (struct span){
		    section(0), 58 }, 1558, &why), 0);
		assert_int_equal(pkt.msg_len, 1558);
		assert_int_equal(pkt.data_off, 44);
		assert_int_equal(pkt.data_len, 1514);
		assert_int_equal(pkt.ppi.present, 0);
		expect_nvs(1, 1, 44 + 20);
		expect_range(1, 0, PIECE_GPA + 4000, 96);
		expect_range(1, 1, PIECE_GPA + 4096, 1494 - 96);
		assert_int_equal(vsc_tx_stats(rig.v, 0)->by_ref, 2);
		assert_int_equal(vsc_tx_stats(rig.v, 0)->frames, 2);
		assert_int_equal(vsc_tx_stats(rig.v, 0)->bytes, 3028);
		/* the memory comes back by completion, not before */
		assert_int_equal(rig.dones, 0);
		rig_complete(0, rig.sent[1].xact);
		rig_poll(&rig, 0);
		assert_int_equal(rig.dones, 1);
		assert_int_equal(rig.cookie, 78);
		assert_int_equal(rig.done, 0);
		rig_complete(0, rig.sent[0].xact);
		rig_poll(&rig, 0);
		assert_int_equal(rig.dones, 2);
		assert_int_equal(rig.cookie, 77);
		assert_int_equal(rig.allocs, 0);
		down();
		assert_int_equal(rig.dones, 2);
	}
}

/* Without a send buffer the head is in a slot, the first range. */
static void
test_slot(void **state)
{
	struct pkt_meta m, plain = { 0 };
	struct gpa_piece p;

	for (int by_ref = 0; by_ref < 2; by_ref++) {
		rig_init(&rig, 0x50003);
		rig.cfg.by_ref = by_ref;
		rig.complete = false;
		rig.section_bytes = 0;
		rig_up(&rig);
		frame_make(1514, &m);
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(gather(HEAD, 1514, 0, NULL, i,
			    &plain), 0);
		assert_int_equal(gather(HEAD, 1514, 0, NULL, 4, &plain),
		    E_AGAIN);
		assert_int_equal(vsc_tx_stats(rig.v, 0)->no_slot, 1);
		for (uint32_t i = 0; i < 4; i++) {
			expect_nvs(i, 0xffffffff, 0);
			p = range(i, 0);
			assert_int_equal(p.len, 44 + HEAD);
			assert_memory_equal(rig_va(p.gpa, p.len) + 44, frame,
			    HEAD);
			expect_range(i, 1, PIECE_GPA, 1514 - HEAD);
			assert_int_equal(rig.sent[i].ext_len, 8 + 2 * 16);
		}
		rig_complete(0, rig.sent[2].xact);
		rig_poll(&rig, 0);
		assert_int_equal(rig.cookie, 2);
		assert_int_equal(rig.wakes, 1);
		assert_int_equal(gather(HEAD, 1514, 0, NULL, 5, &plain), 0);
		down();
		assert_int_equal(rig.dones, 5);
	}
}

/* As many pages as a packet may have, and no more; odd calls. */
static void
test_limits(void **state)
{
	struct vsc_piece p[VSC_TX_PAGES];
	struct pkt_meta m, plain = { 0 };
	struct span head = { frame, HEAD };

	up(true, false);
	frame_make(60000, &m);
	m.flags |= PKT_GSO_TCP4;
	m.gso_size = 1448;
	for (uint32_t i = 0; i < VSC_TX_PAGES; i++)
		p[i] = (struct vsc_piece){ PIECE_GPA + i * 8192, 1000, NULL };
	assert_int_equal(vsc_tx_gather(rig.v, 0, head, p, VSC_TX_PAGES - 1, 1,
	    &m), 0);
	assert_int_equal(rig.sent[0].ext_len, 8 + 31 * 16);
	expect_range(0, 30, PIECE_GPA + 30 * 8192, 1000);
	assert_int_equal(vsc_tx_gather(rig.v, 0, head, p, VSC_TX_PAGES, 2,
	    &m), E_NOTSUP);
	p[3].gpa += 4000;	/* of 31 pieces, one on two pages */
	assert_int_equal(vsc_tx_gather(rig.v, 0, head, p, VSC_TX_PAGES - 1, 3,
	    &m), E_NOTSUP);
	p[0].bytes = 0;
	assert_int_equal(vsc_tx_gather(rig.v, 0, head, p, 1, 4, &plain),
	    E_STATE);
	p[0].bytes = 0xffffffff;
	assert_int_equal(vsc_tx_gather(rig.v, 0, head, p, 1, 4, &plain),
	    E_STATE);
	p[0].bytes = 1519 - HEAD;
	assert_int_equal(vsc_tx_gather(rig.v, 0, head, p, 1, 5, &plain),
	    E_STATE);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->too_long, 1);
	head.len = 13;
	assert_int_equal(vsc_tx_gather(rig.v, 0, head, p, 1, 5, &plain),
	    E_STATE);
	head.len = VSC_TX_HEAD_MAX + 1;
	assert_int_equal(vsc_tx_gather(rig.v, 0, head, p, 1, 5, &plain),
	    E_STATE);
	/* a checksum field outside the head */
	head.len = 40;
	p[0].bytes = 100;
	m.flags = PKT_CSUM_PARTIAL;
	assert_int_equal(vsc_tx_gather(rig.v, 0, head, p, 1, 5, &m), E_STATE);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(vsc_tx_outstanding(rig.v->q[0]), 1);
	/* no piece at all */
	head.len = 60;
	assert_int_equal(vsc_tx_gather(rig.v, 0, head, p, 0, 5, &plain), 0);
	assert_int_equal(rig.sent[1].type, VMPKT_INBAND);
	assert_int_equal(rig.sent[1].ext_len, 0);
	down();
	assert_int_equal(rig.dones, 2);
}

/* What the host does goes as per-packet info; the user's bytes stay. */
static void
test_offload(void **state)
{
	struct rndis_packet pkt;
	struct pkt_meta m;
	enum fault why;

	up(true, true);
	frame_make(1514, &m);
	m.flags |= PKT_VLAN | PKT_HASH;
	m.vlan_tci = 0xa123;
	m.hash = 0x11223344;
	assert_int_equal(gather(HEAD, 1514, 0, NULL, 1, &m), 0);
	expect_nvs(0, 0, VSC_HEAD_ALL + HEAD);
	assert_int_equal(rndis_packet_decode_head(&pkt, (struct span){
	    section(0), VSC_HEAD_ALL + HEAD }, 1514 + VSC_HEAD_ALL, &why), 0);
	assert_int_equal(pkt.data_off, VSC_HEAD_ALL);
	assert_int_equal(pkt.ppi.vlan, 5 | 0x123 << 4);
	assert_int_equal(pkt.ppi.hash_value, 0x11223344);
	assert_true((pkt.ppi.present & RNDIS_HAS_CSUM) != 0);
	assert_memory_equal(section(0) + VSC_HEAD_ALL, frame, HEAD);
	frame_make(30054, &m);
	m.flags |= PKT_GSO_TCP4;
	m.gso_size = 1448;
	assert_int_equal(gather(HEAD, 30054, 0, NULL, 2, &m), 0);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->tso_frames, 1);
	/* LSO wants the length 0: in our copy, not in the user's */
	assert_int_equal(section(1)[VSC_HEAD_ALL + 16] |
	    section(1)[VSC_HEAD_ALL + 17], 0);
	assert_int_not_equal(frame[16] | frame[17], 0);
	rig_run(&rig);
	assert_int_equal(rig.dones, 2);
	down();
}

/* What it does not is done here where the bytes are, or refused. */
static void
test_no_offload(void **state)
{
	static uint8_t whole[1514];
	struct pkt_meta m;
	struct pkt_info info;
	struct vec v = { whole, 1514 };

	rig_init(&rig, 0x50003);
	rig.cfg.by_ref = true;
	rig.cfg.ref_frames = 1;
	rig.no_csum = true;
	rig.lso_max = 0;
	rig_up(&rig);
	frame_make(1514, &m);
	assert_int_equal(gather(HEAD, 1514, 0, NULL, 1, &m), E_NOTSUP);
	assert_int_equal(gather(HEAD, 1514, 0, frame + HEAD, 2, &m), 0);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->sw_csum, 1);
	memcpy(whole, section(0) + VSC_HEAD_ALL, HEAD);
	memcpy(whole + HEAD, frame + HEAD, 1514 - HEAD);
	pkt_parse(&info, (struct span){ whole, HEAD }, 1514);
	assert_int_equal(pkt_csum_verify(&v, 1, &info), PKT_CSUM_GOOD_IP |
	    PKT_CSUM_GOOD_L4);
	m.flags |= PKT_GSO_TCP4;
	m.gso_size = 500;
	assert_int_equal(gather(HEAD, 1514, 0, frame + HEAD, 3, &m),
	    E_NOTSUP);
	rig_run(&rig);
	assert_int_equal(rig.dones, 1);
	assert_int_equal(rig.cookie, 2);
	assert_int_equal(vsc_tx_outstanding(rig.v->q[0]), 0);
	down();
}

/* Copied frames that came before go before; a full ring takes nothing. */
static void
test_order_and_ring(void **state)
{
	struct vsc_tx_room room;
	struct pkt_meta m, plain = { 0 };
	struct vec v = { frame, 100 };

	up(true, false);
	frame_make(1514, &m);
	assert_int_equal(vsc_tx_copy(rig.v, 0, &v, 1, &plain), 0);
	assert_int_equal(gather(14, 1514, 0, NULL, 1, &plain), 0);
	assert_int_equal(rig.nsent, 2);
	assert_int_equal(rig.sent[0].type, VMPKT_INBAND);
	rig.room = 0;
	assert_int_equal(gather(14, 1514, 0, NULL, 2, &plain), 0);
	assert_int_equal(vsc_tx_outstanding(rig.v->q[0]), 3);
	assert_true(rig.wants > 0);
	/* one waits, nothing is taken behind it */
	assert_int_equal(vsc_tx_copy(rig.v, 0, &v, 1, &plain), E_AGAIN);
	assert_int_equal(gather(14, 1514, 0, NULL, 3, &plain), E_AGAIN);
	assert_int_equal(rig.nsent, 2);
	assert_int_equal(rig.wakes, 0);
	rig.room = -1;
	rig_poll(&rig, 0);
	assert_int_equal(rig.wakes, 1);
	assert_int_equal(rig.nsent, 3);
	/* a reserved room is placed behind it, whenever it was reserved */
	assert_int_equal(vsc_tx_reserve(rig.v, 0, &room), 0);
	memcpy(room.vec[0].p, frame, 100);
	assert_int_equal(vsc_tx_submit(rig.v, 0, &room, 100, &plain), 0);
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(rig.nsent, 4);
	for (uint32_t i = 0; i < 4; i++)
		rig_complete(0, rig.sent[i].xact);
	rig_poll(&rig, 0);
	assert_int_equal(rig.dones, 2);
	assert_int_equal(rig.cookie, 2);
	down();
}

/* tx_inflight_kb counts the user's bytes too. */
static void
test_inflight(void **state)
{
	struct pkt_meta m, plain = { 0 };

	rig_init(&rig, 0x50003);
	rig.cfg.by_ref = true;
	rig.cfg.ref_frames = 1;
	rig.cfg.tune.tx_inflight_kb = 4;
	rig.complete = false;
	rig_up(&rig);
	frame_make(1514, &m);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(gather(14, 1514, 0, NULL, i, &plain), 0);
	assert_int_equal(gather(14, 1514, 0, NULL, 9, &plain), E_AGAIN);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->limited, 1);
	rig_complete(0, rig.sent[0].xact);
	rig_poll(&rig, 0);
	assert_int_equal(rig.wakes, 1);
	assert_int_equal(gather(14, 1514, 0, NULL, 9, &plain), 0);
	down();
	assert_int_equal(rig.dones, 4);
}

/* The host's failure, and lies: a cookie comes once, whatever it says. */
static void
test_failures(void **state)
{
	struct nvs_msg fail = { .type = NVS_RNDIS_DONE };
	struct pkt_meta m, plain = { 0 };

	for (uint32_t i = 0; i < 2; i++) {
		up(true, false);
		frame_make(1514, &m);
		assert_int_equal(gather(14, 1514, 0, NULL, 7, &plain), 0);
		assert_int_equal(gather(14, 1514, 0, NULL, 8, &plain), 0);
		fail.rndis_status = NVS_STATUS_FAILED;
		rig_push_nvs(0, VMPKT_COMPLETION, rig.sent[0].xact, &fail);
		rig_poll(&rig, 0);
		assert_int_equal(rig.dones, 1);
		assert_int_equal(rig.cookie, 7);
		assert_int_equal(rig.done, E_PEER);
		assert_int_equal(vsc_tx_stats(rig.v, 0)->errors, 1);
		if (i == 0) {
			rig_complete(0, rig.sent[0].xact);	/* again */
			rig_poll(&rig, 0);
			rig_poll(&rig, 0);
			assert_int_equal(rig.failed, 1);
			assert_int_equal(rig.dones, 1);
			assert_int_equal(gather(14, 1514, 0, NULL, 9, &plain),
			    E_GONE);
		} else {
			rig.chan[0].events->rescinded(&rig.chan[0]);
			assert_int_equal(rig.failed, 1);
			assert_int_equal(rig.dones, 1);
		}
		down();
		/* what was outstanding ends with the channel */
		assert_int_equal(rig.dones, 2);
		assert_int_equal(rig.cookie, 8);
		assert_int_equal(rig.done, E_GONE);
	}
}

/* Detach: outstanding memory is free, or the host's for ever. */
static void
test_detach(void **state)
{
	struct pkt_meta m, plain = { 0 };

	for (int stuck = 0; stuck < 2; stuck++) {
		up(true, false);
		rig.stuck = stuck;
		frame_make(1514, &m);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(gather(14, 1514, 0, NULL, i, &plain),
			    0);
		rig_complete(0, rig.sent[1].xact);
		rig_poll(&rig, 0);
		rig.handled = rig.nsent;
		rig_down(&rig);
		assert_int_equal(rig.dones, 3);
		assert_int_equal(rig.done, stuck ? E_TIMEOUT : E_GONE);
		rig_leaked_free(&rig);
	}
}

/* By reference the slots are small; frames that are copied fit a section. */
static void
test_memory(void **state)
{
	struct vsc_tunables t;
	struct vsc_tx_room room;
	struct pkt_meta m, plain = { 0 };
	struct vec v = { frame, 6144 };
	uint32_t large;

	up(false, true);
	large = rig.live_mem;
	down();
	up(true, true);
	assert_int_equal(large - rig.live_mem, 4 * (2 + 17) * 4096 - 4096);
	vsc_tunables_default(&t);
	assert_true(vsc_memory_bytes(&t, 1, false) -
	    vsc_memory_bytes(&t, 1, true) > 4u << 20);
	frame_make(6144, &m);
	assert_int_equal(vsc_tx_copy(rig.v, 0, &v, 1, &plain), E_NOTSUP);
	/* a larger header is in the section too */
	frame_make(1000, &m);
	m.flags |= PKT_VLAN | PKT_HASH;
	v.len = 1000;
	assert_int_equal(vsc_tx_copy(rig.v, 0, &v, 1, &m), 0);
	assert_int_equal(vsc_tx_reserve(rig.v, 0, &room), 0);
	assert_int_equal(room.nvec, 1);
	memcpy(room.vec[0].p, frame, 1000);
	assert_int_equal(vsc_tx_submit(rig.v, 0, &room, 1000, &m), 0);
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(rig.sent[0].type, VMPKT_INBAND);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->by_section, 2);
	rig_run(&rig);
	down();
	/* no send buffer: no room at all, and nothing waits for one */
	rig_init(&rig, 0x50003);
	rig.cfg.by_ref = true;
	rig.cfg.ref_frames = 1;
	rig.section_bytes = 0;
	rig_up(&rig);
	assert_int_equal(vsc_tx_copy(rig.v, 0, &v, 1, &plain), E_NOTSUP);
	assert_int_equal(vsc_tx_reserve(rig.v, 0, &room), E_NOTSUP);
	down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_slot),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_offload),
		cmocka_unit_test(test_no_offload),
		cmocka_unit_test(test_order_and_ring),
		cmocka_unit_test(test_inflight),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_detach),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
