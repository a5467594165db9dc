/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The usual frame's path from the guest against the general one: the same
 * packets, some with one thing wrong or unusual, under many settings of the
 * port; to one NIC in a section, where the fast path may take the frames, to
 * one cut in two ranges, where that of pieces may, and to one in so many ranges
 * that no header is in one of them.  What the backends get, the completions,
 * the faults and the counters must be the same.
 */
#include "dice.h"
#include "vsp_frame_rig.h"

#define SETTINGS	ROLLS(350u)
#define PACKETS		40u
#define MESSAGES	3u

/* The same for both NICs; each has a generator of losses of its own. */
static void
settings(struct rig *r, struct dice d)
{
	struct vsp *vsp = r->vsp;

	vsp->cfg.link_up = !one_in(&d, 20);
	vsp->cfg.mac_spoof = one_in(&d, 3);
	vsp->cfg.loss_ppm = one_in(&d, 10) ? 300000 : 0;
	vsp->cfg.vlan = (enum vsp_vlan)roll(&d, 3);
	vsp->cfg.vlan_id = 5;
	vsp->cfg.mtu = one_in(&d, 2) ? 1500 : 600;
	vsp_mtu_set(vsp);
	vsp->cfg.backend_csum = one_in(&d, 2);
	vsp->cfg.backend_gso4 = one_in(&d, 2);
	vsp->cfg.strict = one_in(&d, 2);
	vsp->guest.mac[0] = rig_mac[0] | one_in(&d, 9);
	vsp->queue[0]->random = 1;
}

/* One word of the header, or of the PPI behind it, is another. */
static void
header_spoil(uint8_t *at, struct dice *d)
{
	static const int8_t step[] = { -24, -16, -8, -4, 4, 8, 16, 24 };
	uint32_t off = 4 * roll(d, 15), word;

	if (one_in(d, 2)) {
		at[off + roll(d, 4)] ^= (uint8_t)(1u << roll(d, 8));
		return;
	}
	memcpy(&word, at + off, sizeof(word));
	word = one_in(d, 3) ? roll(d, 64) : word + (uint32_t)step[roll(d, 8)];
	memcpy(at + off, &word, sizeof(word));
}

static void
ppi_roll(struct rndis_ppi_set *ppi, struct dice *d)
{
	*ppi = (struct rndis_ppi_set){ .hash_value = roll(d, 99) };
	if (one_in(d, 2))
		ppi->present |= RNDIS_HAS_HASH_VALUE;
	if (one_in(d, 9)) {
		ppi->present |= RNDIS_HAS_VLAN;
		ppi->vlan = roll(d, 9);
	}
	if (one_in(d, 9)) {
		ppi->present |= RNDIS_HAS_CSUM;
		ppi->csum = RNDIS_TXCSUM_IPV4 | RNDIS_TXCSUM_IPHDR |
		    (one_in(d, 2) ? RNDIS_TXCSUM_TCP : RNDIS_TXCSUM_UDP);
	}
}

/* A message from the address src0:..., usual mostly; padded to 8. */
static uint32_t
message_roll(uint8_t *at, uint32_t mtu, uint8_t src0, struct dice *d)
{
	uint8_t f[2000] = { 0 };
	struct rndis_ppi_set ppi;
	uint32_t len = frame4(f, one_in(d, 2) ? PKT_IPPROTO_TCP :
	    PKT_IPPROTO_UDP, one_in(d, 3) ? roll(d, 1600) : roll(d, 90));
	uint32_t n;

	if (one_in(d, 9))
		len = 14 + mtu - 2 + roll(d, 4);
	f[6] = src0;
	if (one_in(d, 12))
		f[6 + roll(d, 6)] ^= (uint8_t)(1 + roll(d, 255));
	if (one_in(d, 12))
		pkt_be16_store(f + 12, one_in(d, 2) ? PKT_TYPE_VLAN :
		    PKT_TYPE_SVLAN);
	if (one_in(d, 20))
		len = roll(d, 20);
	ppi_roll(&ppi, d);
	n = message(at, &ppi, f, len);
	if (one_in(d, 3))
		header_spoil(at, d);
	return n;
}

/* One packet, in a section of a and in two ranges of b, a page at most. */
static void
send_both(struct rig *a, struct rig *b, const uint8_t *bytes, uint32_t n,
    uint32_t cut, uint64_t xact)
{
	const uint32_t far = 0x5000;
	const struct gpa_piece g[2] = {
		{ RIG_GPA + RIG_DATA_OFF, cut },
		{ RIG_GPA + RIG_DATA_OFF + far, n - cut },
	};

	memcpy(section(a, 1), bytes, n);
	push_section(a, 0, xact, 1, n);
	rig_run(a);
	memcpy(b->mem + RIG_DATA_OFF, bytes, cut);
	memcpy(b->mem + RIG_DATA_OFF + far, bytes + cut, n - cut);
	push_gpa(b, xact, g, 2, NVS_SECTION_NONE, 0);
	rig_run(b);
}

/* Where a later message begins, as its host finds it; or the end, or nearly. */
static uint32_t
header_roll(const uint8_t *bytes, uint32_t n, struct dice *d)
{
	uint32_t at = 0, len;

	while (n - at >= 8) {
		memcpy(&len, bytes + at + 4, sizeof(len));
		if (len < 44 || len > n - at || align_up(len, 8) >= n - at)
			break;
		at += align_up(len, 8);
		if (one_in(d, 2))
			return at;
	}
	return n - 1;
}

/* The same in ranges of 28 bytes, not behind each other. */
static void
send_crumbs(struct rig *r, const uint8_t *bytes, uint32_t n, uint64_t xact)
{
	static struct gpa_piece g[4096 / 28 + 1];
	uint32_t k = 0;

	for (uint32_t at = 0; at < n; at += 28, k++) {
		uint32_t off = RIG_DATA_OFF + 32 * k;

		g[k] = (struct gpa_piece){ RIG_GPA + off,
			min_u32(28, n - at) };
		memcpy(r->mem + off, bytes + at, g[k].len);
	}
	push_gpa(r, xact, g, k, NVS_SECTION_NONE, 0);
	rig_run(r);
}

static void
expect_same(struct rig *a, struct rig *b)
{
	struct vsp_from_guest_counters x = *counts(a), y = *counts(b);

	assert_int_equal(a->frames, b->frames);
	for (uint32_t i = 0; i < min_u32(a->frames, RIG_FRAMES); i++) {
		const struct rig_frame *f = &a->frame[i], *g = &b->frame[i];

		assert_int_equal(f->len, g->len);
		assert_memory_equal(f->bytes, g->bytes, f->len);
		assert_memory_equal(&f->meta, &g->meta, sizeof(f->meta));
	}
	assert_int_equal(a->flushes, b->flushes);
	assert_int_equal(rig_last(a, 0)->xact, rig_last(b, 0)->xact);
	assert_memory_equal(rig_last(a, 0)->data, rig_last(b, 0)->data, 40);
	assert_int_equal(x.by_section, y.by_gpa);
	x.by_section = y.by_gpa = 0;
	assert_memory_equal(&x, &y, sizeof(x));
	assert_memory_equal(vsp_faults(a->vsp)->count,
	    vsp_faults(b->vsp)->count, sizeof(vsp_faults(a->vsp)->count));
}

/*
 * True if the last frame went the fast path, and was short: the general path
 * has the head of a long one there as well.
 */
static bool
was_fast(const struct rig *r, uint32_t frames)
{
	const struct vsp_from_guest *from = &r->vsp->queue[0]->from;

	return r->frames != frames && from->out[0].p == from->head &&
	    from->out[0].len < 128;
}

static uint32_t
play(uint64_t seed, uint32_t *frames)
{
	struct dice d = { seed * 977 + 1 };
	const struct vsp_config cfg = rig_config();
	struct rig *a = rig_new(&cfg), *b = rig_new(&cfg);
	struct rig *c = rig_new(&cfg);
	uint8_t bytes[4096];
	uint32_t fast = 0;

	rig_attach(a, NVS_V6_1);
	rig_attach(b, NVS_V6_1);
	rig_attach(c, NVS_V6_1);
	settings(a, d);
	settings(b, d);
	settings(c, d);
	for (uint32_t i = 0; i < PACKETS; i++) {
		uint32_t n = 0, before = a->frames;
		uint32_t messages = 1 + roll(&d, MESSAGES);

		for (uint32_t k = 0; k < messages && n < 2000; k++)
			n += message_roll(bytes + n, a->vsp->cfg.mtu,
			    a->vsp->guest.mac[0], &d);
		/* A strict host wants each header in one range. */
		send_both(a, b, bytes, n, a->vsp->cfg.strict ?
		    header_roll(bytes, n, &d) : 1 + roll(&d, n - 1), i);
		expect_same(a, b);
		if (!c->vsp->cfg.strict) {
			send_crumbs(c, bytes, n, i);
			expect_same(a, c);
		}
		fast += was_fast(a, before);
	}
	*frames += a->frames;
	rig_del(a);
	rig_del(b);
	rig_del(c);
	return fast;
}

static void
as_the_general_path(void **state)
{
	uint32_t fast = 0, frames = 0;

	(void)state;
	for (uint64_t seed = 0; seed < SETTINGS; seed++)
		fast += play(seed, &frames);
	printf("# %u frames of %u packets, at the end of %u of them by the "
	    "fast path\n", frames, SETTINGS * PACKETS, fast);
	assert_true(fast > SETTINGS * PACKETS / 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_general_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
