/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive of the NetVSC against a scripted host: frames and their metadata,
 * RSC reassembly, partial checksums, acknowledgements that are never lost, and
 * what a hostile host can put in a packet.
 */
#include "vsc_rig.h"

static struct rig rig;

static const uint8_t ip_tcp[54] = {
	0, 0x15, 0x5d, 1, 2, 3, 0, 0x15, 0x5d, 9, 9, 9, 8, 0,
	0x45, 0, 0, 60, 0, 7, 0x40, 0, 64, 6, 0, 0,
	10, 0, 0, 2, 10, 0, 0, 1,
	0x13, 0x89, 0x30, 0x39, 0, 0, 0, 1, 0, 0, 0, 2,
	0x50, 0x10, 1, 0, 0, 0, 0, 0,
};

/* An RNDIS message at off of the receive buffer; returns its range. */
static struct vmpkt_xfer_range
message(uint32_t off, const struct rndis_ppi_set *ppi, const void *data,
    uint32_t len)
{
	uint8_t *at = rig_rxbuf(off);
	uint32_t hdr = rndis_packet_put_header(at, 200, ppi, len);

	assert_true(hdr != 0);
	memcpy(at + hdr, data, len);
	return (struct vmpkt_xfer_range){ hdr + len, off };
}

static void
test_frames(void **state)
{
	struct rndis_ppi_set ppi = { 0 };
	struct vmpkt_xfer_range range[3];
	uint8_t f[74] = { 0 };

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	memcpy(f, ip_tcp, 54);
	memset(f + 54, 0x5a, 20);
	range[0] = message(0, &ppi, f, 74);
	ppi.present = RNDIS_HAS_CSUM;
	ppi.csum = RNDIS_RXCSUM_TCP_BAD | RNDIS_RXCSUM_IP_OK;
	range[1] = message(1728, &ppi, f, 74);
	ppi.present = RNDIS_HAS_CSUM | RNDIS_HAS_VLAN | RNDIS_HAS_HASH_VALUE |
	    RNDIS_HAS_HASH_INFO;
	ppi.csum = RNDIS_RXCSUM_TCP_OK | RNDIS_RXCSUM_IP_OK;
	ppi.vlan = rndis_vlan_from_tci(0x6064);
	ppi.hash_value = 0xcafef00d;
	ppi.hash_info = NDIS_HASH_TCP4 | NDIS_HASH_FUNC_TOEPLITZ;
	range[2] = message(3456, &ppi, f, 74);
	/* Windows' range is the whole section, not the message */
	range[2].bytes = 1728;
	rig_push_xfer(0, 0x99, NVS_CHANNEL_DATA, range, 3);
	rig_poll(&rig, 0);
	assert_int_equal(rig.frames, 3);
	assert_int_equal(rig.flushes, 1);
	assert_int_equal(rig.len, 74);
	assert_memory_equal(rig.frame, f, 74);
	assert_int_equal(rig.meta.flags, PKT_CSUM_GOOD_L4 | PKT_CSUM_GOOD_IP |
	    PKT_VLAN | PKT_HASH);
	assert_int_equal(rig.meta.vlan_tci, 0x6064);
	assert_int_equal(rig.meta.hash, 0xcafef00d);
	assert_int_equal(rig.meta.hash_type, PKT_HASH_TCP4);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->csum_none, 1);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->csum_bad, 1);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->csum_good, 1);
	/* one acknowledgement for the packet, one commit for the pass */
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(rig.sent[0].type, 11);
	assert_int_equal(rig.sent[0].flags, 0);
	assert_int_equal(rig.sent[0].xact, 0x99);
	assert_int_equal(rig.commits, 1);
	assert_int_equal(rig.allocs, 0);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* A budget is of packets, but one of very many frames is not one. */
static void
test_pass_is_bounded(void **state)
{
	struct rndis_ppi_set ppi = { 0 };
	struct vmpkt_xfer_range range[32];
	uint8_t f[74] = { 0 };
	struct chan *c = &rig.chan[0];
	uint32_t before;
	bool more = true;

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	for (uint32_t i = 0; i < 32; i++)
		range[i] = message(i * 1728, &ppi, f, 74);
	for (uint32_t n = 0; n < 64; n++)
		rig_push_xfer(0, n, NVS_CHANNEL_DATA, range, 32);
	for (before = 0; more; before = rig.frames) {
		more = c->events->ready(c, 64);
		assert_in_range(rig.frames - before, 0, 64 * 16);
	}
	assert_int_equal(rig.frames, 64 * 32);
	rig_down(&rig);
}

/* A TCP frame that the host verified and left without checksums. */
static void
partial_make(struct vmpkt_xfer_range *range)
{
	struct rndis_ppi_set ppi = { .present = RNDIS_HAS_CSUM };
	uint8_t f[74] = { 0 };

	memcpy(f, ip_tcp, 54);
	memset(f + 54, 0x5a, 20);
	f[50] = f[51] = 0xee;		/* stale */
	ppi.csum = RNDIS_RXCSUM_TCP_OK | RNDIS_RXCSUM_IP_OK |
	    RNDIS_RXCSUM_TCP_NOVAL | RNDIS_RXCSUM_IP_NOVAL;
	*range = message(0, &ppi, f, 74);
}

/* For who forwards: complete when it is handed up, and nothing requested. */
static void
test_complete(void **state)
{
	struct vmpkt_xfer_range range;
	struct pkt_info info;
	struct vec v = { rig.frame, 74 };

	rig_init(&rig, 0x50003);
	rig.cfg.rx_complete = true;
	rig_up(&rig);
	partial_make(&range);
	rig_push_xfer(0, 1, NVS_CHANNEL_DATA, &range, 1);
	rig_poll(&rig, 0);
	assert_int_equal(rig.meta.flags, PKT_CSUM_GOOD_L4 | PKT_CSUM_GOOD_IP |
	    PKT_LAYOUT);
	pkt_parse(&info, (struct span){ rig.frame, 74 }, 74);
	assert_int_equal(pkt_csum_verify(&v, 1, &info),
	    PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->sw_csum, 1);
	rig_down(&rig);
}

/* "Value invalid": the pseudo-header sum, and whoever sends on completes. */
static void
test_partial(void **state)
{
	struct vmpkt_xfer_range range;
	struct pkt_info info;
	struct vec v = { rig.frame, 74 };

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	partial_make(&range);
	rig_push_xfer(0, 1, NVS_CHANNEL_DATA, &range, 1);
	rig_poll(&rig, 0);
	assert_int_equal(rig.frames, 1);
	assert_int_equal(rig.meta.flags, PKT_CSUM_GOOD_L4 | PKT_CSUM_GOOD_IP |
	    PKT_CSUM_PARTIAL | PKT_LAYOUT);
	assert_int_equal(rig.meta.csum_start, 34);
	assert_int_equal(rig.meta.csum_offset, 16);
	assert_int_equal(rig.len, 74);
	assert_int_equal(pkt_csum_complete(&v, 1, &rig.meta), 0);
	pkt_parse(&info, (struct span){ rig.frame, 74 }, 74);
	assert_int_equal(pkt_csum_verify(&v, 1, &info),
	    PKT_CSUM_GOOD_IP | PKT_CSUM_GOOD_L4);
	/* still one piece, which lives until rx_flush(): written back */
	assert_int_equal(rig.nvec, 1);
	assert_memory_not_equal(rig_rxbuf(60) + 50, "\xee\xee", 2);
	assert_int_equal(rig.nsent, 1);
	rig_down(&rig);
}

/* Fragments of one frame: sizes of the payload, in one packet. */
static void
fragments(const uint32_t *size, uint32_t n, uint64_t xact)
{
	struct vmpkt_xfer_range range[16];
	uint8_t buf[1700];

	for (uint32_t i = 0; i < n; i++) {
		struct rndis_ppi_set ppi = { .present = RNDIS_HAS_FRAG };
		uint32_t hdr = i == 0 ? 54 : 0;

		ppi.frag_id = 7;
		ppi.frag_flags = RNDIS_FRAG_SUBALLOC |
		    (i == 0 ? RNDIS_FRAG_FIRST : 0) |
		    (i == n - 1 ? RNDIS_FRAG_LAST : 0);
		if (i == 0) {
			ppi.present |= RNDIS_HAS_CSUM;
			ppi.csum = RNDIS_RXCSUM_TCP_OK | RNDIS_RXCSUM_IP_OK |
			    RNDIS_RXCSUM_TCP_NOVAL;
		}
		memcpy(buf, ip_tcp, 54);
		memset(buf + hdr, (int)(0x10 + i), size[i]);
		range[i] = message(i * 1728, &ppi, buf, hdr + size[i]);
	}
	rig_push_xfer(0, xact, NVS_CHANNEL_DATA, range, n);
}

static void
test_rsc(void **state)
{
	static const uint32_t even[] = { 1448, 1448, 1448, 100 };
	static const uint32_t odd[] = { 1448, 1000, 1448, 100 };
	static const uint32_t one[] = { 500 };
	uint16_t sum;

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	fragments(even, 4, 1);
	rig_poll(&rig, 0);
	assert_int_equal(rig.frames, 1);
	assert_int_equal(rig.len, 54 + 3 * 1448 + 100);
	assert_int_equal(rig.nvec, 5);
	assert_int_equal(rig.meta.gso_size, 1448);
	assert_int_equal(rig.meta.segs, 4);
	assert_int_equal(rig.meta.hdr_len, 54);
	assert_int_equal(rig.meta.flags, PKT_GSO_TCP4 | PKT_CSUM_PARTIAL |
	    PKT_CSUM_GOOD_L4 | PKT_CSUM_GOOD_IP | PKT_LAYOUT);
	assert_int_equal(pkt_be16_load(rig.frame + 16), rig.len - 14);
	sum = pkt_sum_fold(pkt_sum_pseudo4(rig.frame + 26, rig.frame + 30, 6,
	    rig.len - 34));
	assert_memory_equal(rig.frame + 50, &sum, 2);
	assert_int_equal(rig.frame[54], 0x10);
	assert_int_equal(rig.frame[54 + 1448], 0x11);
	assert_int_equal(rig.frame[rig.len - 1], 0x13);
	/* unequal fragments: deliver, but never cut again */
	fragments(odd, 4, 2);
	rig_poll(&rig, 0);
	assert_int_equal(rig.frames, 2);
	assert_int_equal(rig.meta.gso_size, 0);
	assert_int_equal(rig.meta.flags & (PKT_GSO_ANY | PKT_GSO_NORESEG),
	    PKT_GSO_NORESEG);
	assert_int_equal(rig.meta.flags & PKT_CSUM_PARTIAL, PKT_CSUM_PARTIAL);
	/* a frame of one fragment is a plain frame */
	fragments(one, 1, 3);
	rig_poll(&rig, 0);
	assert_int_equal(rig.len, 554);
	assert_int_equal(rig.meta.flags & (PKT_GSO_ANY | PKT_GSO_NORESEG), 0);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->rsc_frames, 3);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->rsc_fragments, 9);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->rsc_noreseg, 1);
	assert_int_equal(rig.nsent, 3);
	/* the host took RSC back while this was in the ring */
	rig.v->hw_offloads &= ~(VSC_OFF_RSC4 | VSC_OFF_RSC6);
	fragments(even, 4, 4);
	rig_poll(&rig, 0);
	assert_int_equal(rig.frames, 4);
	assert_int_equal(rig.failed, 0);
	rig_down(&rig);
}

/* A full ring: every id comes once, in order, when there is room again. */
static void
test_acks(void **state)
{
	struct rndis_ppi_set ppi = { 0 };
	struct vmpkt_xfer_range range;
	uint32_t sent = 0, n = 1500, commits;
	uint64_t before;

	rig_init(&rig, 0x50003);
	rig.cfg.tune.ack_batch = 512;
	rig_up(&rig);
	before = vsc_rx_stats(rig.v, 0)->acks;
	range = message(0, &ppi, ip_tcp, 54);
	rig.room = 0;
	rig.in_at = 100;
	for (uint32_t i = 0; i < RIG_PACKETS - 101 && i < n; i++) {
		struct rig_packet *p = &rig.in[100 + i];

		memset(p, 0, sizeof(*p));
		rig_push_xfer(0, 5000 + i, NVS_CHANNEL_DATA, &range, 1);
		n = i == RIG_PACKETS - 102 ? i + 1 : n;
	}
	/* what cannot be acknowledged is not even read */
	rig_poll(&rig, 0);
	assert_int_equal(rig.frames, VSC_ACKS);
	assert_int_equal(rig.nsent, 0);
	assert_true(rig.wants >= 1);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->ack_waits, 1);
	while (sent < n) {
		rig.room = 7;
		rig_poll(&rig, 0);
		assert_true(rig.nsent > sent);
		for (; sent < rig.nsent; sent++) {
			assert_int_equal(rig.sent[sent].type, 11);
			assert_int_equal(rig.sent[sent].xact, 5000 + sent);
		}
	}
	assert_int_equal(rig.frames, n);
	assert_int_equal(sent, n);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->acks, before + n);
	/* batches of 4: 16 packets, 4 commits and the pass's own if due */
	rig.room = -1;
	rig.v->cfg.tune.ack_batch = 4;
	memset(rig.in, 0, sizeof(rig_in));
	rig.in_at = 0;
	commits = rig.commits;
	rig.nsent = rig.handled = 0;
	for (uint32_t i = 0; i < 18; i++)
		rig_push_xfer(0, i, NVS_CHANNEL_DATA, &range, 1);
	rig_poll(&rig, 0);
	assert_int_equal(rig.nsent, 18);
	assert_int_equal(rig.commits - commits, 5);
	rig.handled = rig.nsent;
	assert_int_equal(rig.allocs, 0);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* Ids of the host's packets and requests come back as they were sent. */
static void
test_numbers_of_the_host(void **state)
{
	static const uint64_t xacts[] = { 0, 1, 1ull << 32, 1ull << 63,
		0xfedcba9876543210ull, UINT64_MAX };
	static const uint32_t ids[] = { 0, 1, 0x80000001, UINT32_MAX };
	struct nvs_msg path = { .type = NVS_DATAPATH };
	struct rndis_msg alive = { .type = RNDIS_KEEPALIVE };
	struct rndis_ppi_set ppi = { 0 };
	struct vmpkt_xfer_range range;
	struct rig_packet *p;

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	for (uint32_t i = 0; i < ARRAY_LEN(xacts); i++) {
		rig.nsent = rig.handled = 0;
		range = message(0, &ppi, ip_tcp, 54);
		rig_push_xfer(0, xacts[i], NVS_CHANNEL_DATA, &range, 1);
		rig_push_nvs(0, VMPKT_INBAND, xacts[i], &path);
		p = &rig.in[rig.in_at];
		while (p->type != VMPKT_INBAND)
			p++;
		p->flags = VMPKT_F_COMPLETE;
		rig_poll(&rig, 0);
		assert_int_equal(rig.nsent, 2);
		for (uint32_t k = 0; k < 2; k++) {
			assert_int_equal(rig.sent[k].type, VMPKT_COMPLETION);
			assert_int_equal(rig.sent[k].xact, xacts[i]);
		}
	}
	for (uint32_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct vmpkt_gpa g;
		struct vmpkt_gpa_walk walk;
		struct gpa_piece piece;
		struct rndis_msg m;
		enum fault why;

		rig.nsent = rig.handled = 0;
		alive.req_id = ids[i];
		rig_push_rndis(&alive);
		rig_poll(&rig, 0);
		/* behind the acknowledgement */
		p = &rig.sent[1];
		assert_int_equal(p->type, VMPKT_GPA_DIRECT);
		assert_int_equal(vmpkt_gpa_decode(&g, (struct span){ p->ext,
		    p->ext_len }, &why), 0);
		vmpkt_gpa_walk_init(&walk, &g);
		assert_true(vmpkt_gpa_walk_next(&walk, &piece));
		assert_int_equal(rndis_msg_decode(&m, (struct span){
		    rig_va(piece.gpa, piece.len), piece.len }, &why), 0);
		assert_int_equal(m.type, RNDIS_KEEPALIVE_DONE);
		assert_int_equal(m.done.req_id, ids[i]);
		rig_run(&rig);
	}
	assert_int_equal(rig.failed, 0);
	rig_down(&rig);
}

/* ---- hostile ------------------------------------------------------------ */

static void
lie_range_end(void)
{
	struct vmpkt_xfer_range r = { 100, 128 * 1024 - 99 };

	rig_push_xfer(0, 1, NVS_CHANNEL_DATA, &r, 1);
}

static void
lie_range_wrap(void)
{
	struct vmpkt_xfer_range r = { 0xffffffff, 1 };

	rig_push_xfer(0, 1, NVS_CHANNEL_DATA, &r, 1);
}

static void
lie_range_count(void)
{
	struct vmpkt_xfer_range r = { 60, 0 };
	uint32_t n = 0x20000000;

	memcpy(rig_push_xfer(0, 1, NVS_CHANNEL_DATA, &r, 1)->ext + 4, &n, 4);
}

static void
lie_pageset(void)
{
	struct vmpkt_xfer_range r = { 60, 0 };

	rig_push_xfer(0, 1, NVS_CHANNEL_DATA, &r, 1)->ext[0] = 1;
}

static void
lie_short(void)
{
	struct vmpkt_xfer_range r = { 43, 0 };

	rig_push_xfer(0, 1, NVS_CHANNEL_DATA, &r, 1);
}

static void
lie_data(void)
{
	struct rndis_ppi_set ppi = { 0 };
	struct vmpkt_xfer_range r = message(0, &ppi, ip_tcp, 54);
	uint32_t len = 55;

	memcpy(rig_rxbuf(12), &len, 4);
	rig_push_xfer(0, 1, NVS_CHANNEL_DATA, &r, 1);
}

static void
lie_ppi(void)
{
	struct rndis_ppi_set ppi = { .present = RNDIS_HAS_CSUM };
	struct vmpkt_xfer_range r = message(0, &ppi, ip_tcp, 54);

	memset(rig_rxbuf(44), 0, 4);
	rig_push_xfer(0, 1, NVS_CHANNEL_DATA, &r, 1);
}

static void
lie_rsc_open(void)
{
	static const uint32_t size[] = { 100, 100 };

	fragments(size, 2, 1);
	/* the packet ends inside the frame */
	rig_rxbuf(1728)[44 + 13] = RNDIS_FRAG_SUBALLOC;
}

static void
lie_rsc_first(void)
{
	static const uint32_t size[] = { 100, 100 };

	fragments(size, 2, 1);
	rig_rxbuf(1728)[44 + 13] |= RNDIS_FRAG_FIRST;
}

static void
lie_rsc_id(void)
{
	static const uint32_t size[] = { 100, 100 };

	fragments(size, 2, 1);
	rig_rxbuf(1728)[44 + 14] = 8;
}

static void
lie_type(void)
{
	rig_push(0, VMPKT_GPA_DIRECT, 0);
}

static void
lie_nvs(void)
{
	struct nvs_msg m = { .type = NVS_INIT };

	rig_push_nvs(0, VMPKT_INBAND, 0, &m);
}

static void
lie_nvs_short(void)
{
	rig_push(0, VMPKT_INBAND, 0);
}

static void
lie_ctl_xact(void)
{
	rig_complete(0, VSC_XACT_CTL | 0x100);
}

static void
lie_reply(void)
{
	struct rndis_msg m = { .type = RNDIS_SET_DONE };

	m.done.req_id = 0x50000;
	rig_push_rndis(&m);
}

static void
lie_big(void)
{
	rig_push(0, VMPKT_XFER_PAGES, 0)->ext_len = 4600;
	rig.in[rig.in_at].data_len = 4096;
}

static void
test_hostile(void **state)
{
	static const struct { void (*lie)(void); enum fault why; } lies[] = {
		{ lie_range_end, FAULT_NVS_SECTION },
		{ lie_range_wrap, FAULT_NVS_SECTION },
		{ lie_range_count, FAULT_PKT_RANGES },
		{ lie_pageset, FAULT_NVS_BUFFER },
		{ lie_short, FAULT_RNDIS_SHORT },
		{ lie_data, FAULT_RNDIS_DATA },
		{ lie_ppi, FAULT_RNDIS_PPI },
		{ lie_rsc_open, FAULT_RNDIS_RSC },
		{ lie_rsc_first, FAULT_RNDIS_RSC },
		{ lie_rsc_id, FAULT_RNDIS_RSC },
		{ lie_type, FAULT_RING_TYPE },
		{ lie_nvs, FAULT_NVS_TYPE },
		{ lie_nvs_short, FAULT_NVS_SHORT },
		{ lie_ctl_xact, FAULT_XACT_ID },
		{ lie_reply, FAULT_XACT_ID },
		{ lie_big, FAULT_RING_TOO_BIG },
	};

	for (uint32_t i = 0; i < ARRAY_LEN(lies); i++) {
		rig_init(&rig, 0x50003);
		rig_up(&rig);
		memset(rig.in, 0, sizeof(rig_in));
		lies[i].lie();
		rig_poll(&rig, 0);
		if (rig.failed != 1 || rig.why != lies[i].why)
			print_message("# lie %u: %s\n", i,
			    fault_name(rig.why));
		assert_int_equal(rig.failed, 1);
		assert_int_equal(rig.err, E_PEER);
		assert_int_equal(rig.why, lies[i].why);
		assert_int_equal(rig.chan[0].faults.total, 1);
		assert_int_equal(rig.chan[0].faults.count[lies[i].why], 1);
		assert_int_equal(rig.frames, 0);
		rig_down(&rig);
		assert_int_equal(rig.live_mem, 0);
	}
}

/* A message that newer hosts may have is noted and ignored. */
static void
test_unknown_inband(void **state)
{
	struct rig_packet *p;

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	p = rig_push(0, VMPKT_INBAND, 0);
	p->data[0] = 0xef;
	p->data_len = 16;
	rig_poll(&rig, 0);
	assert_int_equal(rig.failed, 0);
	assert_int_equal(rig.chan[0].faults.count[FAULT_NVS_TYPE], 1);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* A frame too short for Ethernet is dropped and acknowledged, no more. */
static void
test_runt(void **state)
{
	struct rndis_ppi_set ppi = { 0 };
	struct vmpkt_xfer_range range;

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	range = message(0, &ppi, ip_tcp, 13);
	rig_push_xfer(0, 4, NVS_CHANNEL_DATA, &range, 1);
	rig_poll(&rig, 0);
	assert_int_equal(rig.frames, 0);
	assert_int_equal(rig.failed, 0);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->dropped, 1);
	rig_down(&rig);
}

/*
 * A channel that tells nothing of room: control has the owner look again after
 * a while, and itself tries a message of its own again.
 */
static void
test_room_without_events(void **state)
{
	struct rndis_ppi_set ppi = { 0 };
	struct vmpkt_xfer_range range;
	struct chan *c = &rig.chan[0];
	struct chan_ops deaf;
	uint64_t next;

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	deaf = *c->ops;
	deaf.caps &= ~CHAN_CAP_SPACE;
	c->ops = &deaf;
	range = message(0, &ppi, ip_tcp, 54);
	rig.room = 0;
	rig_push_xfer(0, 4, NVS_CHANNEL_DATA, &range, 1);
	assert_false(c->events->ready(c, 64));
	assert_int_equal(rig.frames, 1);
	assert_int_equal(rig.nsent, 0);
	assert_true(rig.wanted);
	next = vsc_control(rig.v, rig.now);
	assert_int_equal(next, rig.now + VSC_POLL_NS);
	assert_int_equal(rig.kicked, 0);
	/* no room yet: so it goes on */
	for (uint32_t i = 0; i < 3; i++) {
		rig.now = next;
		(void)vsc_control(rig.v, rig.now);
		assert_int_equal(rig.kicked, 1);
		rig.kicked = 0;
		rig.room = i == 2 ? -1 : 0;
		assert_false(c->events->ready(c, 64));
		next = vsc_control(rig.v, rig.now);
	}
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(next, UINT64_MAX);
	rig.handled = rig.nsent;
	rig.room = 0;
	assert_int_equal(vsc_set_filter(rig.v, 0x0d), 0);
	next = vsc_control(rig.v, rig.now);
	assert_int_equal(rig.nsent, 1);
	assert_true(next <= rig.now + VSC_POLL_NS);
	rig.room = -1;
	(void)vsc_control(rig.v, next);
	assert_int_equal(rig.nsent, 2);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_pass_is_bounded),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_rsc),
		cmocka_unit_test(test_acks),
		cmocka_unit_test(test_numbers_of_the_host),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_unknown_inband),
		cmocka_unit_test(test_runt),
		cmocka_unit_test(test_room_without_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
