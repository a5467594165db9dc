/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several frames by reference in a packet of the NetVSC, against a scripted
 * host: its limits, where headers lie, and a host that does not take them.
 */
#include "vsc_ref_rig.h"

static uint32_t lens[VSC_TX_REF_FRAMES];

static void
up(uint32_t ref_frames, uint32_t max_packets, uint32_t max_xfer)
{
	rig_init(&rig, 0x50003);
	rig.cfg.by_ref = true;
	rig.cfg.ref_frames = ref_frames;
	rig.max_packets = max_packets;
	rig.max_xfer = max_xfer;
	rig.complete = false;
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

/* Messages of packet i, in section s: each header in one range; lens of all. */
static uint32_t
messages_check_in(uint32_t i, uint32_t s)
{
	static uint8_t whole[70000];
	uint32_t end[1 + VSC_TX_PAGES], ends = 1, n = 0, at, off = 0, k = 0;
	struct rndis_packet_iter it;
	struct rndis_packet pkt;
	struct span msg;
	enum fault why;

	memcpy(&at, rig.sent[i].data + 12, 4);
	memcpy(whole, section(s), at);
	end[0] = at;
	for (; 8 + 16 * (ends - 1) < rig.sent[i].ext_len; ends++) {
		struct gpa_piece p = range(i, ends - 1);

		if (p.gpa < PIECE_GPA)
			memcpy(whole + at, rig_va(p.gpa, p.len), p.len);
		end[ends] = at += p.len;
	}
	rndis_packet_iter_init(&it, (struct span){ whole, at }, 8);
	for (; rndis_packet_next(&it, &pkt, &msg, &why) == 1; n++) {
		while (end[k] <= off)
			k++;
		assert_true(off + (pkt.ppi.present != 0 ? VSC_HEAD_ALL : 44) <=
		    end[k]);
		assert_int_equal(pkt.msg_len % 8, 0);
		assert_memory_equal(msg.p + pkt.data_off, frame, 14);
		lens[n] = pkt.data_len;
		off += pkt.msg_len;
	}
	assert_int_equal(off, at);
	return n;
}

static uint32_t
messages_check(uint32_t i)
{
	return messages_check_in(i, 0);
}

/*
 * Several frames a packet: each message aligned, headers by range except the
 * first, a cookie each; closed by the limit, by pages, by a copied frame.
 */
static void
test_shared(void **state)
{
	struct pkt_meta m, plain = { 0 };
	struct vec v = { frame, 100 };

	up(4, 8, 0xefffffff);
	frame_make(1514, &m);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(rig.nsent, 0);
		assert_int_equal(gather(14 + i, 1500 + i, i * 8192 + 4000,
		    NULL, i, &plain), 0);
	}
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(messages_check(0), 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(lens[i], 1500 + i);
	rig_complete(0, rig.sent[0].xact);
	rig_poll(&rig, 0);
	assert_int_equal(rig.dones, 4);
	/* two frames of 15 and 13 pages, of 108 KiB, do not fit one packet */
	frame_make(60000, &m);
	m.flags |= PKT_GSO_TCP4;
	m.gso_size = 1448;
	rig.nsent = 0;
	assert_int_equal(gather(HEAD, HEAD + 60000, 0, NULL, 5, &m), 0);
	assert_int_equal(rig.nsent, 0);
	assert_int_equal(gather(HEAD, HEAD + 50000, 0, NULL, 6, &m), 0);
	assert_int_equal(rig.nsent, 1);
	/* a copied frame behind it */
	assert_int_equal(vsc_tx_copy(rig.v, 0, &v, 1, &plain), 0);
	assert_int_equal(rig.nsent, 2);
	/* one that is refused leaves the open packet as it was */
	assert_int_equal(gather(14, 1514, 0, NULL, 7, &plain), 0);
	assert_int_equal(rig.nsent, 3);
	assert_int_equal(gather(14, 1600, 0, NULL, 8, &plain), E_STATE);
	assert_int_equal(gather(14, 1514, 4000, NULL, 9, &plain), 0);
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(rig.nsent, 4);
	assert_int_equal(rig.sent[3].ext_len, 8 + 16 * 4);
	/* put together, but never sent */
	assert_int_equal(gather(14, 1514, 0, NULL, 10, &plain), 0);
	rig.chan[0].events->rescinded(&rig.chan[0]);
	assert_int_equal(rig.dones, 4);
	down();
	assert_int_equal(rig.dones, 4 + 5);
	assert_int_equal(rig.done, E_GONE);
}

/* By itself the driver goes up to the count and the bytes of the host. */
static void
test_host_limits(void **state)
{
	struct pkt_meta m, plain = { 0 };

	up(0, 5, 0xefffffff);
	frame_make(1514, &m);
	for (uint32_t i = 0; i < 12; i++)
		assert_int_equal(gather(14, 1514, 0, NULL, i, &plain), 0);
	assert_int_equal(rig.nsent, 2);
	assert_int_equal(messages_check(0), 5);
	down();
	up(0, 64, 0xefffffff);
	for (uint32_t i = 0; i < VSC_TX_REF_FRAMES; i++)
		assert_int_equal(gather(14, 1000, 0, NULL, i, &plain), 0);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(messages_check(0), 1 + (VSC_TX_PAGES - 2) / 2);
	down();
	up(0, 64, 4000);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(gather(14, 1514, 0, NULL, i, &plain), 0);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(messages_check(0), 2);
	down();
	up(0, 1, 0xefffffff);
	assert_int_equal(gather(14, 1514, 0, NULL, 1, &plain), 0);
	assert_int_equal(rig.nsent, 1);
	down();
}

/* A header that would cross a page of the section begins at the next one. */
static void
test_header_in_page(void **state)
{
	struct pkt_meta m, plain = { 0 };

	up(0, 64, 0xefffffff);
	frame_make(300, &m);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(gather(256, 300, 0, NULL, i, &m), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(gather(14, 300 - 4, 0, NULL, i, &plain), 0);
	assert_int_equal(rig.v->q[0]->tx.ref.used, 4096 - 64);
	assert_int_equal(gather(256, 300, 0, NULL, 13, &m), 0);
	vsc_tx_flush(rig.v, 0);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(messages_check(0), 14);
	down();
}

/* A host that fails the first packet of several gets no more of them. */
static void
test_refusal(void **state)
{
	struct nvs_msg fail = { .type = NVS_RNDIS_DONE };
	struct pkt_meta m, plain = { 0 };

	fail.rndis_status = NVS_STATUS_FAILED;
	for (uint32_t good = 0; good < 2; good++) {
		up(0, 8, 0xefffffff);
		frame_make(1514, &m);
		for (uint32_t k = 0; k < 1 + good; k++) {
			assert_int_equal(gather(14, 1514, 0, NULL, 1, &plain),
			    0);
			assert_int_equal(gather(14, 1514, 0, NULL, 2, &plain),
			    0);
			vsc_tx_flush(rig.v, 0);
			assert_int_equal(rig.nsent, k + 1);
			if (k < good)
				rig_complete(0, rig.sent[k].xact);
			else
				rig_push_nvs(0, VMPKT_COMPLETION,
				    rig.sent[k].xact, &fail);
			rig_poll(&rig, 0);
		}
		assert_int_equal(rig.dones, 2 * (1 + good));
		assert_int_equal(rig.done, E_PEER);
		assert_int_equal(gather(14, 1514, 0, NULL, 3, &plain), 0);
		/* By itself, or with the next. */
		assert_int_equal(rig.nsent, 2);
		assert_int_equal(gather(14, 1514, 0, NULL, 4, &plain), 0);
		vsc_tx_flush(rig.v, 0);
		assert_int_equal(rig.nsent, 3);
		down();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_host_limits),
		cmocka_unit_test(test_header_in_page),
		cmocka_unit_test(test_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
