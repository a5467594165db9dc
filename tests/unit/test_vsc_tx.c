/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transmit of the NetVSC against a scripted host: descriptors and RNDIS
 * headers byte by byte for each way a frame can go, completions and their ids,
 * back-pressure, software cutting.
 */
#include "vsc_rig.h"

static struct rig rig;
static uint8_t frame[70000];

/* An Ethernet, IPv4, TCP frame of len bytes with a counting payload. */
static void
frame_make(uint32_t len, struct pkt_meta *m)
{
	static const uint8_t hdr[54] = {
		0, 0x15, 0x5d, 9, 9, 9, 0, 0x15, 0x5d, 1, 2, 3, 8, 0,
		0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, 6, 0, 0,
		10, 0, 0, 1, 10, 0, 0, 2,
		0x30, 0x39, 0x13, 0x89, 0, 0, 0, 1, 0, 0, 0, 2,
		0x50, 0x10, 1, 0, 0, 0, 0, 0,
	};
	struct pkt_info info;

	for (uint32_t i = 54; i < len; i++)
		frame[i] = (uint8_t)(i * 7 + i / 251);
	memcpy(frame, hdr, sizeof(hdr));
	pkt_be16_store(frame + 16, (uint16_t)(len - 14));
	pkt_csum_ip4_store(frame + 14, 20);
	memset(m, 0, sizeof(*m));
	pkt_parse(&info, (struct span){ frame, 54 }, len);
	assert_int_equal(pkt_csum_partial_set(frame, &info, m), 0);
}

static int
copy(uint32_t len, const struct pkt_meta *m)
{
	struct vec v = { frame, len };

	return vsc_tx_copy(rig.v, 0, &v, 1, m);
}

static const uint8_t *
section(uint32_t i)
{
	return (const uint8_t *)rig.v->sendbuf.mem.va + i * 6144;
}

static void
expect_nvs(uint32_t i, uint16_t type, uint32_t sec, uint32_t bytes)
{
	uint8_t want[40] = { 0x6b };

	memcpy(want + 8, &sec, 4);
	memcpy(want + 12, &bytes, 4);
	assert_true(i < rig.nsent);
	assert_int_equal(rig.sent[i].type, type);
	assert_int_equal(rig.sent[i].flags, 1);
	assert_int_equal(rig.sent[i].data_len, 40);
	assert_memory_equal(rig.sent[i].data, want, 40);
}

/* One range over consecutive pages; returns its bytes. */
static const uint8_t *
expect_range(uint32_t i, uint32_t bytes)
{
	const uint8_t *e = rig.sent[i].ext;
	uint32_t w[4];
	uint64_t pfn, next;

	memcpy(w, e, 16);
	assert_int_equal(w[1], 1);
	assert_int_equal(w[2], bytes);
	assert_true(w[3] < 4096);
	assert_int_equal(rig.sent[i].ext_len,
	    16 + 8 * ((w[3] + bytes + 4095) / 4096));
	memcpy(&pfn, e + 16, 8);
	for (uint32_t k = 1; 16 + 8 * k < rig.sent[i].ext_len; k++) {
		memcpy(&next, e + 16 + 8 * k, 8);
		assert_int_equal(next, pfn + k);
	}
	return rig_va((pfn << 12) + w[3], bytes);
}

/* A frame in a section of its own: header with checksum info, no gap. */
static void
test_section(void **state)
{
	static const uint8_t hdr[60] = {
		1, 0, 0, 0, 160, 0, 0, 0, 52, 0, 0, 0, 100, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 36, 0, 0, 0,
		16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		16, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 5, 0, 34, 0,
	};
	struct pkt_meta m;

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	frame_make(100, &m);
	assert_int_equal(copy(100, &m), 0);
	assert_int_equal(rig.nsent, 0);
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(rig.commits, 1);
	expect_nvs(0, 6, 0, 160);
	assert_int_equal(rig.sent[0].ext_len, 0);
	assert_memory_equal(section(0), hdr, 60);
	assert_memory_equal(section(0) + 60, frame, 100);
	rig_run(&rig);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->completions, 1);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->by_section, 1);
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(rig.commits, 1);
	assert_int_equal(rig.allocs, 0);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* Several frames a section, each message aligned, lengths rounded up. */
static void
test_aggregate(void **state)
{
	struct rndis_packet_iter it;
	struct rndis_packet pkt;
	struct pkt_meta m, plain = { 0 };
	struct span msg;
	enum fault why;
	uint32_t lens[] = { 101, 66, 90 };

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	for (uint32_t i = 0; i < 3; i++) {
		frame_make(lens[i], &m);
		assert_int_equal(copy(lens[i], i == 1 ? &plain : &m), 0);
	}
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(rig.nsent, 1);
	/* behind another, a plain frame leaves no room for info */
	expect_nvs(0, 6, 0, 168 + 112 + 152);
	rndis_packet_iter_init(&it, (struct span){ section(0), 432 }, 8);
	for (uint32_t i = 0; i < 3; i++) {
		frame_make(lens[i], &m);
		assert_int_equal(rndis_packet_next(&it, &pkt, &msg, &why), 1);
		assert_int_equal(pkt.data_len, lens[i]);
		assert_int_equal(pkt.data_off, i == 1 ? 44 : 60);
		assert_int_equal(pkt.ppi.present, i == 1 ? 0 : 1);
		assert_memory_equal(msg.p + pkt.data_off, frame, lens[i]);
	}
	assert_int_equal(rndis_packet_next(&it, &pkt, &msg, &why), 0);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->aggregated, 2);
	/* the host's limit of 8 closes a section by itself */
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(copy(100, &m), 0);
	assert_int_equal(rig.nsent, 2);
	expect_nvs(1, 6, 1, 8 * 160);
	/* full frames: three to a section of 6144 */
	frame_make(1514, &m);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(copy(1514, &m), 0);
	assert_int_equal(rig.nsent, 3);
	expect_nvs(2, 6, 2, 3 * 1576);
	rig_run(&rig);
	rig_down(&rig);
}

/* LSO: section with header and first bytes, the rest by address. */
static void
test_both(void **state)
{
	struct vsc_tx_room room;
	struct rndis_packet pkt;
	struct pkt_meta m;
	const uint32_t first = 6144 - 60;
	enum fault why;

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	frame_make(60054, &m);
	m.flags |= PKT_GSO_TCP4;
	m.gso_size = 1448;
	assert_int_equal(vsc_tx_reserve(rig.v, 0, &room), 0);
	assert_int_equal(room.nvec, 2);
	assert_ptr_equal(room.vec[0].p, section(0) + 60);
	assert_int_equal(room.vec[0].len, first);
	assert_true(room.vec[1].len >= 65553);
	memcpy(room.vec[0].p, frame, first);
	memcpy(room.vec[1].p, frame + first, 60054 - first);
	assert_int_equal(vsc_tx_submit(rig.v, 0, &room, 60054, &m), 0);
	assert_int_equal(rig.nsent, 1);
	expect_nvs(0, 9, 0, 6144);
	assert_memory_equal(expect_range(0, 60054 - first), frame + first,
	    60054 - first);
	assert_int_equal(rig.sent[0].ext[12] | rig.sent[0].ext[13], 0);
	assert_int_equal(rndis_packet_decode_head(&pkt, (struct span){
	    section(0), 6144 }, 60114, &why), 0);
	assert_int_equal(pkt.msg_len, 60114);
	assert_int_equal(pkt.data_len, 60054);
	assert_int_equal(pkt.ppi.present, RNDIS_HAS_LSO);
	assert_int_equal(pkt.ppi.lso, 0x40000000 | 34 << 20 | 1448);
	/* IP length and checksum zero */
	assert_int_equal(section(0)[60 + 16] | section(0)[60 + 17] |
	    section(0)[60 + 24] | section(0)[60 + 25], 0);
	assert_memory_equal(section(0) + 60 + 54, frame + 54, first - 54);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->by_both, 1);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->tso_frames, 1);
	rig_run(&rig);
	rig_down(&rig);
}

/* Without a section, and behind other frames: all in one range. */
static void
test_gpa(void **state)
{
	struct rndis_packet pkt;
	struct pkt_meta m;
	const uint8_t *p;
	enum fault why;

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	frame_make(100, &m);
	assert_int_equal(copy(100, &m), 0);
	frame_make(30054, &m);
	m.flags |= PKT_GSO_TCP4;
	m.gso_size = 1448;
	/* vsc_tx_copy() closes the section; a reserved room overflows it */
	struct vsc_tx_room room;

	assert_int_equal(vsc_tx_reserve(rig.v, 0, &room), 0);
	assert_int_equal(room.head_off, 160);
	memcpy(room.vec[0].p, frame, room.vec[0].len);
	memcpy(room.vec[1].p, frame + room.vec[0].len,
	    30054 - room.vec[0].len);
	assert_int_equal(vsc_tx_submit(rig.v, 0, &room, 30054, &m), 0);
	assert_int_equal(rig.nsent, 2);
	expect_nvs(0, 6, 0, 160);
	expect_nvs(1, 9, 0xffffffff, 0);
	p = expect_range(1, 30114);
	assert_int_equal(rndis_packet_decode(&pkt, (struct span){ p, 30114 },
	    &why), 0);
	assert_int_equal(pkt.data_off, 60);
	assert_memory_equal(p + 60 + 54, frame + 54, 30000);
	rig_run(&rig);
	/* VLAN and hash: a larger header, first by address, then in place */
	frame_make(100, &m);
	m.flags |= PKT_VLAN | PKT_HASH;
	m.vlan_tci = 0xa123;
	m.hash = 0x11223344;
	rig.nsent = rig.handled = 0;
	assert_int_equal(copy(100, &m), 0);
	assert_int_equal(copy(100, &m), 0);
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(rig.nsent, 2);
	expect_nvs(0, 9, 0xffffffff, 0);
	p = expect_range(0, 192);
	assert_int_equal(rndis_packet_decode(&pkt, (struct span){ p, 192 },
	    &why), 0);
	assert_int_equal(pkt.ppi.vlan, 5 | 0x123 << 4);
	assert_int_equal(pkt.ppi.hash_value, 0x11223344);
	assert_memory_equal(p + 92, frame, 100);
	assert_int_equal(rig.sent[1].type, 6);
	rig_run(&rig);
	rig_down(&rig);
}

/* No room in the ring, no slot: E_AGAIN, then a wake; nothing is lost. */
static void
test_pressure(void **state)
{
	struct vsc_tx_room room;
	struct pkt_meta m;
	uint32_t sent = 0;

	rig_init(&rig, 0x50003);
	rig.cfg.tune.tx_chimney_size = 0;
	rig.complete = false;
	rig_up(&rig);
	frame_make(1514, &m);
	while (copy(1514, &m) == 0)
		sent++;
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(sent, 4);
	assert_int_equal(rig.nsent, 4);
	assert_int_equal(copy(1514, &m), E_AGAIN);
	assert_true(vsc_tx_stats(rig.v, 0)->no_slot >= 2);
	for (uint32_t i = 0; i < 4; i++)
		rig_complete(0, rig.sent[i].xact);
	rig_poll(&rig, 0);
	assert_int_equal(rig.wakes, 1);
	/* the ring is full: one packet waits, then nothing is reserved */
	rig.room = 0;
	rig.nsent = 0;
	assert_int_equal(copy(1514, &m), 0);
	assert_int_equal(vsc_tx_reserve(rig.v, 0, &room), E_AGAIN);
	assert_int_equal(rig.nsent, 0);
	rig.room = -1;
	rig_poll(&rig, 0);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(rig.wakes, 2);
	assert_true(rig.commits >= 2);
	assert_int_equal(vsc_tx_reserve(rig.v, 0, &room), 0);
	rig_complete(0, rig.sent[0].xact);
	rig_poll(&rig, 0);
	rig.complete = true;
	rig.handled = rig.nsent;
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* A packet that still waits for the ring is not the host's to complete. */
static void
test_unsent(void **state)
{
	const struct vsc_txq *t;
	struct pkt_meta m;
	uint32_t i;

	rig_init(&rig, 0x50003);
	rig.complete = false;
	rig_up(&rig);
	frame_make(100, &m);
	rig.room = 0;
	assert_int_equal(copy(100, &m), 0);
	vsc_tx_flush(rig.v, 0);
	t = &rig.v->q[0]->tx;
	assert_int_equal(t->npending, 1);
	i = t->pending[0];
	rig_complete(0, (uint64_t)t->packet[i].gen << 16 | i);
	rig_poll(&rig, 0);
	rig_poll(&rig, 0);
	assert_int_equal(rig.failed, 1);
	assert_int_equal(rig.why, FAULT_XACT_ID);
	rig.room = -1;
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* Sections come back with their completions, also the last ones. */
static void
test_sections_return(void **state)
{
	struct pkt_meta m;

	rig_init(&rig, 0x50003);
	rig.cfg.tune.sendbuf_kb = 16;	/* two sections */
	rig_up(&rig);
	frame_make(100, &m);
	for (uint32_t i = 1; i <= 10; i++) {
		assert_int_equal(copy(100, &m), 0);
		vsc_tx_flush(rig.v, 0);
		rig_run(&rig);
		assert_int_equal(vsc_tx_stats(rig.v, 0)->by_section, i);
		assert_int_equal(vsc_tx_stats(rig.v, 0)->no_section, 0);
	}
	rig_down(&rig);
}

/* So many bytes by address, then E_AGAIN; one completion makes room again. */
static void
test_inflight(void **state)
{
	struct pkt_meta m;
	uint32_t sent = 0;

	rig_init(&rig, 0x50003);
	rig.cfg.tune.tx_chimney_size = 0;
	rig.cfg.tune.tx_inflight_kb = 4;
	rig.cfg.tune.tx_slots = 64;
	rig.complete = false;
	rig_up(&rig);
	frame_make(1514, &m);
	while (copy(1514, &m) == 0)
		sent++;
	assert_int_equal(sent, 3);
	assert_int_equal(rig.nsent, 3);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->limited, 1);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->no_slot, 0);
	assert_int_equal(rig.wakes, 0);
	rig_complete(0, rig.sent[0].xact);
	rig_poll(&rig, 0);
	assert_int_equal(rig.wakes, 1);
	assert_int_equal(copy(1514, &m), 0);
	assert_int_equal(copy(1514, &m), E_AGAIN);
	for (uint32_t i = 1; i < 4; i++)
		rig_complete(0, rig.sent[i].xact);
	rig_poll(&rig, 0);
	assert_int_equal(rig.wakes, 2);
	rig.complete = true;
	rig.handled = rig.nsent;
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* Completions of what is not outstanding: one fault, ->failed(). */
static void
test_xact(void **state)
{
	struct pkt_meta m;
	uint64_t id;

	for (uint32_t i = 0; i < 4; i++) {
		rig_init(&rig, 0x50003);
		rig.complete = false;
		rig_up(&rig);
		frame_make(100, &m);
		assert_int_equal(copy(100, &m), 0);
		vsc_tx_flush(rig.v, 0);
		id = rig.sent[0].xact;
		if (i == 0)
			rig_complete(0, id + 0x10000);	/* generation */
		else if (i == 1)
			rig_complete(0, id ^ 1);	/* free entry */
		else if (i == 2)
			rig_complete(0, 0xffff);	/* no such entry */
		if (i == 3)
			rig_complete(0, id);
		rig_complete(0, id);			/* twice */
		rig_poll(&rig, 0);
		rig_poll(&rig, 0);
		assert_int_equal(rig.failed, 1);
		assert_int_equal(rig.err, E_PEER);
		assert_int_equal(rig.why, FAULT_XACT_ID);
		assert_int_equal(rig.chan[0].faults.total, 1);
		assert_int_equal(vsc_tx_stats(rig.v, 0)->completions,
		    i == 3 ? 1 : 0);
		assert_int_equal(copy(100, &m), E_GONE);
		rig_down(&rig);
		assert_int_equal(rig.live_mem, 0);
	}
}

/* Frames of a cut as the host sees them, checked for order and sums. */
static uint32_t
cut_check(uint32_t from, uint32_t payload, uint32_t *off)
{
	uint32_t n = 0;

	for (uint32_t i = from; i < rig.nsent; i++) {
		struct rndis_packet_iter it;
		struct rndis_packet pkt;
		struct span msg, buf;
		enum fault why;
		uint32_t sec, bytes;

		memcpy(&sec, rig.sent[i].data + 8, 4);
		memcpy(&bytes, rig.sent[i].data + 12, 4);
		if (sec == 0xffffffff) {
			memcpy(&bytes, rig.sent[i].ext + 8, 4);
			buf = (struct span){ expect_range(i, bytes), bytes };
		} else {
			buf = (struct span){ section(sec), bytes };
		}
		rndis_packet_iter_init(&it, buf, 8);
		while (rndis_packet_next(&it, &pkt, &msg, &why) == 1) {
			const uint8_t *f = msg.p + pkt.data_off;
			struct vec v = { (uint8_t *)(uintptr_t)f,
			    pkt.data_len };
			struct pkt_info info;
			uint32_t len = pkt.data_len - 54;

			assert_int_equal(pkt.ppi.present, 0);
			pkt_parse(&info, (struct span){ f, 54 },
			    pkt.data_len);
			assert_int_equal(pkt_csum_verify(&v, 1, &info),
			    PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4);
			assert_int_equal(pkt_be32_load(f + 38), 1 + *off);
			assert_memory_equal(f + 54, frame + 54 + *off, len);
			*off += len;
			assert_true(len == 1000 || *off == payload);
			n++;
		}
	}
	return n;
}

/* A host without LSO or checksum: cut here, over a ring that fills up. */
static void
test_cut(void **state)
{
	struct pkt_meta m, plain = { 0 };
	uint32_t off = 0, n, seen;

	rig_init(&rig, 0x50003);
	rig.no_csum = true;
	rig.lso_max = 0;
	rig.complete = false;
	rig.cfg.tune.sendbuf_kb = 16;	/* two sections */
	rig_up(&rig);
	frame_make(54 + 40500, &m);
	m.flags |= PKT_GSO_TCP4;
	m.gso_size = 1000;
	assert_int_equal(copy(54 + 40500, &m), 0);
	assert_int_equal(copy(100, &plain), E_AGAIN);
	n = cut_check(0, 40500, &off);
	assert_true(n < 41);
	seen = 0;
	while (seen < rig.nsent) {
		uint32_t had = rig.nsent;

		/* complete one at a time: room for a few segments */
		rig_complete(0, rig.sent[seen++].xact);
		rig_poll(&rig, 0);
		n += cut_check(had, 40500, &off);
	}
	assert_int_equal(off, 40500);
	assert_int_equal(n, 41);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->sw_segments, 41);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->frames, 1);
	assert_int_equal(rig.wakes, 1);
	assert_int_equal(rig.failed, 0);
	/* a single frame's checksum in software */
	frame_make(1000, &m);
	assert_int_equal(copy(1000, &m), 0);
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->sw_csum, 42);
	/* longer than the host takes */
	assert_int_equal(copy(1519, &plain), E_STATE);
	assert_int_equal(vsc_tx_stats(rig.v, 0)->too_long, 1);
	rig_complete(0, rig.sent[rig.nsent - 1].xact);
	rig_poll(&rig, 0);
	rig.handled = rig.nsent;
	assert_int_equal(rig.allocs, 0);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* Cutting into a full ring: one packet waits, the rest is not cut yet. */
static void
test_cut_full(void **state)
{
	struct pkt_meta m;
	uint32_t off = 0;

	rig_init(&rig, 0x50003);
	rig.no_csum = true;
	rig.lso_max = 0;
	rig.complete = false;
	rig_up(&rig);
	frame_make(54 + 40500, &m);
	m.flags |= PKT_GSO_TCP4;
	m.gso_size = 1000;
	rig.room = 0;
	assert_int_equal(copy(54 + 40500, &m), 0);
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(rig.nsent, 0);
	assert_int_equal(vsc_tx_outstanding(rig.v->q[0]), 1);
	assert_int_equal(copy(54, &m), E_AGAIN);
	while (off < 40500) {
		uint32_t had = rig.nsent;

		rig.room = 2;
		rig_poll(&rig, 0);
		assert_true(rig.nsent > had);
		(void)cut_check(had, 40500, &off);
		for (uint32_t i = had; i < rig.nsent; i++)
			rig_complete(0, rig.sent[i].xact);
	}
	rig_poll(&rig, 0);
	assert_int_equal(vsc_tx_outstanding(rig.v->q[0]), 0);
	assert_int_equal(rig.wakes, 1);
	rig.room = -1;
	rig.handled = rig.nsent;
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* What is dropped is counted: by vsc.h, each for its reason. */
static void
test_dropped(void **state)
{
	const struct vsc_tx_counters *c;
	struct pkt_meta m, tagged = { .flags = PKT_VLAN, .vlan_tci = 5 };
	uint32_t had;

	rig_init(&rig, 0x50003);
	rig.no_csum = true;
	rig.lso_max = 0;
	rig.complete = false;
	rig_up(&rig);
	c = vsc_tx_stats(rig.v, 0);
	assert_int_equal(copy(13, &tagged), E_STATE);
	assert_int_equal(c->too_short, 1);
	/* VLAN goes off while a tagged frame is being cut. */
	frame_make(54 + 40500, &m);
	m.flags |= PKT_GSO_TCP4 | PKT_VLAN;
	m.gso_size = 1000;
	m.vlan_tci = 5;
	rig.room = 2;
	assert_int_equal(copy(54 + 40500, &m), 0);
	had = (uint32_t)c->sw_segments;
	assert_true(had < 41);
	os_st32(&rig.v->tx_offloads, VSC_OFF_ALL & ~VSC_OFF_VLAN);
	rig.room = -1;
	for (uint32_t i = 0; i < rig.nsent; i++)
		rig_complete(0, rig.sent[i].xact);
	rig_poll(&rig, 0);
	assert_int_equal(c->sw_segments, had);
	assert_int_equal(c->no_vlan, 41 - had);
	assert_int_equal(copy(100, &tagged), E_STATE);
	assert_int_equal(c->no_vlan, 41 - had + 1);
	rig.handled = rig.nsent;
	rig_down(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_section),
		cmocka_unit_test(test_aggregate),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_gpa),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_unsent),
		cmocka_unit_test(test_sections_return),
		cmocka_unit_test(test_inflight),
		cmocka_unit_test(test_xact),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cut_full),
		cmocka_unit_test(test_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
