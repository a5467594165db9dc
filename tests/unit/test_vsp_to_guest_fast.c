/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The usual frame's path to the guest against the general one: the same frames,
 * some with one thing wrong or unusual, under many settings of port and guest;
 * once in one piece, so that the fast path may take them, and once with so
 * short a first piece that it never does.  What the guest finds, the packets
 * and the counters must be the same.
 */
#include "dice.h"
#include "vsp_to_guest_rig.h"

#define SETTINGS	ROLLS(600u)
#define FRAMES		60u
#define SECTIONS	80u

static void
settings(struct rig *r, struct dice *d)
{
	static const uint32_t filter[] = { NDIS_FILTER_DIRECTED,
		NDIS_FILTER_DIRECTED | NDIS_FILTER_BROADCAST,
		NDIS_FILTER_DIRECTED, NDIS_FILTER_BROADCAST,
		NDIS_FILTER_DIRECTED | NDIS_FILTER_PROMISC };
	struct vsp *vsp = r->vsp;
	uint32_t table[2] = { roll(d, 3), roll(d, 3) };

	vsp->guest.filter = one_in(d, 40) ? 0 : filter[roll(d, 5)];
	vsp->guest.mtu = one_in(d, 3) ? 0 : 1400 + 100 * roll(d, 2);
	vsp_mtu_set(vsp);
	vsp->guest.csum_rx = one_in(d, 2) ? vsp->guest.csum_rx : roll(d, 32);
	vsp->guest.vlan_cap = one_in(d, 2);
	vsp->guest.rndis_up = !one_in(d, 40);
	vsp->cfg.link_up = !one_in(d, 20);
	vsp->cfg.loss_ppm = one_in(d, 10) ? 300000 : 0;
	vsp->cfg.vlan = (enum vsp_vlan)roll(d, 3);
	vsp->cfg.vlan_id = 5;
	vsp->cfg.offloads = one_in(d, 2) ? VSP_OFF_ALL :
	    VSP_OFF_ALL & ~(uint32_t)(one_in(d, 2) ? VSP_OFF_RXCSUM :
	    VSP_OFF_HASH);
	for (uint32_t k = 0; k < 2; k++) {
		r->vsp->queue[k]->random = 1;
		r->room[k] = one_in(d, 3) ? roll(d, 3) : RIG_PACKETS;
	}
	if (one_in(d, 2))
		vsp_steer_set(vsp, PKT_HASH_IPV4 | PKT_HASH_TCP4 |
		    (one_in(d, 2) ? PKT_HASH_TCP6 | PKT_HASH_UDP4 : 0), NULL,
		    table, 2);
}

/* A frame, plain most of the time. */
static uint32_t
frame_roll(uint8_t *f, struct pkt_meta *m, struct dice *d)
{
	struct frame_spec s = { .version = one_in(d, 4) ? 6 : 4,
	    .proto = one_in(d, 2) ? 17 : 6, .tags = one_in(d, 8) ?
	    (uint8_t)(1 + roll(d, 2)) : 0, .ip_opts = one_in(d, 8) ? 8 : 0,
	    .tcp_opts = one_in(d, 2) ? 12 : 0, .flags = 0x10,
	    .host = (uint8_t)roll(d, 9), .sport = (uint16_t)roll(d, 99),
	    .payload = one_in(d, 3) ? roll(d, 1600) : roll(d, 90),
	    .fill = roll(d, 1000) };
	uint32_t len = frame_build(f, &s), l3 = frame_l3(&s);

	*m = (struct pkt_meta){ 0 };
	if (one_in(d, 2))
		m->flags |= PKT_CSUM_GOOD_IP;
	if (one_in(d, 5))
		m->flags |= PKT_CSUM_GOOD_L4;
	if (one_in(d, 12))
		m->flags |= 1u << roll(d, 14);
	if ((m->flags & PKT_CSUM_PARTIAL) != 0) {
		m->csum_start = (uint16_t)frame_l4(&s);
		m->csum_offset = s.proto == 6 ? 16 : 6;
	}
	m->gso_size = (m->flags & PKT_GSO_ANY) != 0 ? 700 : 0;
	m->vlan_tci = (uint16_t)(one_in(d, 2) ? 5 : 0);
	if (one_in(d, 8))
		f[roll(d, 6)] ^= (uint8_t)(1 + roll(d, 255));
	if (one_in(d, 16))
		memset(f, 0xff, 6);
	if (one_in(d, 16))
		f[12 + roll(d, 2)] = (uint8_t)roll(d, 256);
	if (one_in(d, 6))
		f[l3 + roll(d, 20)] ^= (uint8_t)(1 << roll(d, 8));
	if (s.version == 4 && one_in(d, 10))
		put16(f + l3 + 2, roll(d, 40));	/* too short a packet */
	if (one_in(d, 10))
		len = roll(d, len + 1);
	else if (one_in(d, 10))
		len += roll(d, 20);	/* padding */
	return len;
}

struct outcome {
	struct rig_frame *frame;
	uint32_t frames;
	struct rig_packet *packet;
	uint32_t packets;
	int rc[FRAMES];
	struct vsp_to_guest_counters counts[2];
};

/* The frames of seed; apart: with a first piece that holds no header. */
static uint32_t
play(uint64_t seed, bool apart, struct outcome *o)
{
	struct dice d = { seed * 977 + 1 };
	struct rig *r = rig_new(2, SECTIONS);
	static uint8_t f[4000];
	uint32_t fast = 0;

	memset(f, 0, sizeof(f));
	settings(r, &d);
	for (uint32_t i = 0; i < FRAMES; i++) {
		struct pkt_meta m;
		uint32_t len = frame_roll(f, &m, &d);
		uint32_t cut = apart ? min_u32(len, 13) :
		    one_in(&d, 2) ? len : min_u32(len, 192);
		struct vec v[2] = { { f, cut }, { f + cut, len - cut } };
		uint32_t n = cut < len ? 2 : 1;

		if (apart)
			(void)one_in(&d, 2);
		if (r->vsp->queue[0] != NULL &&
		    vsp_to_guest_fast(r->vsp->queue[0], v, n, len, &m)) {
			fast++;
			o->rc[i] = 0;
		} else {
			o->rc[i] = vsp_to_guest_copy(r->vsp, 0, v, n, &m);
		}
		if (one_in(&d, 9)) {
			vsp_to_guest_flush(r->vsp, 0);
			vsp_to_guest_resume(r->vsp->queue[1]);
		}
		if (one_in(&d, 9))
			rig_ack_all(r, roll(&d, 2));
		if (one_in(&d, 30))
			r->room[roll(&d, 2)]++;
	}
	vsp_to_guest_flush(r->vsp, 0);
	vsp_to_guest_resume(r->vsp->queue[1]);
	for (uint32_t k = 0; k < 2; k++)
		o->counts[k] = *rig_counts(r, k);
	rig_receive(r);
	o->frames = r->frames;
	o->frame = r->frame;
	o->packets = r->packets;
	o->packet = r->packet;
	r->frames = 0;
	r->frame = NULL;
	r->packet = NULL;
	rig_end(r);
	return fast;
}

static void
expect_same_info(const struct rndis_ppi_set *a, const struct rndis_ppi_set *b)
{
	assert_int_equal(a->present, b->present);
	if (a->present & RNDIS_HAS_CSUM)
		assert_int_equal(a->csum, b->csum);
	if (a->present & RNDIS_HAS_VLAN)
		assert_int_equal(a->vlan, b->vlan);
	if (a->present & RNDIS_HAS_HASH_VALUE)
		assert_int_equal(a->hash_value, b->hash_value);
	if (a->present & RNDIS_HAS_HASH_INFO)
		assert_int_equal(a->hash_info, b->hash_info);
}

static void
expect_same(const struct outcome *a, const struct outcome *b)
{
	assert_memory_equal(a->rc, b->rc, sizeof(a->rc));
	assert_memory_equal(a->counts, b->counts, sizeof(a->counts));
	assert_int_equal(a->packets, b->packets);
	assert_memory_equal(a->packet, b->packet,
	    a->packets * sizeof(*a->packet));
	assert_int_equal(a->frames, b->frames);
	for (uint32_t i = 0; i < a->frames; i++) {
		const struct rig_frame *x = &a->frame[i], *y = &b->frame[i];

		assert_int_equal(x->queue, y->queue);
		assert_int_equal(x->len, y->len);
		assert_memory_equal(x->bytes, y->bytes, x->len);
		expect_same_info(&x->ppi, &y->ppi);
	}
}

static void
outcome_free(struct outcome *o)
{
	for (uint32_t i = 0; i < o->frames; i++)
		free(o->frame[i].bytes);
	free(o->frame);
	free(o->packet);
}

static void
as_the_general_path(void **state)
{
	uint32_t fast = 0, sent = 0;

	for (uint64_t seed = 0; seed < SETTINGS; seed++) {
		struct outcome a, b;

		fast += play(seed, false, &a);
		assert_int_equal(play(seed, true, &b), 0);
		expect_same(&a, &b);
		sent += (uint32_t)a.counts[0].frames;
		outcome_free(&a);
		outcome_free(&b);
	}
	print_message("%u of %u frames, %u of them by the fast path\n", sent,
	    SETTINGS * FRAMES, fast);
	/* Else this compares the general path with itself. */
	assert_in_range(fast, SETTINGS, sent - SETTINGS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_general_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
