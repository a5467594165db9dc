/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coalescing: whatever goes in comes out, in order within its flow, once, and
 * cutting a merged frame gives back the very bytes that went in.
 */
#include "test_pkt_frame.h"

#include "pkt/pkt_coal.h"
#include "pkt/pkt_csum.h"
#include "pkt/pkt_seg.h"

#define FLOWS	11u	/* more than the table has */
#define FRAMES	4000u
#define MSS	200u

struct item {
	uint8_t *f;
	uint32_t len;
	uint32_t flow;
	uint32_t serial;	/* within the flow */
	bool out;
};

struct world {
	struct pkt_coal coal;
	struct item item[FRAMES];
	uint32_t next_out[FLOWS];
	uint32_t supers, biggest;
	uint32_t limit;
};

/* One frame came out at the far end: is it the flow's next, unchanged? */
static void
frame_out(struct world *w, uint64_t cookie, const uint8_t *f, uint32_t len)
{
	struct item *it = &w->item[cookie];

	assert_false(it->out);
	assert_int_equal(it->serial, w->next_out[it->flow]++);
	assert_int_equal(len, it->len);
	assert_memory_equal(f, it->f, len);
	it->out = true;
}

static void
super_out(void *arg, const struct pkt_super *s)
{
	struct world *w = arg;
	uint8_t buf[2048];
	struct pkt_seg_out o;
	struct pkt_seg seg;
	uint32_t k = 0;

	assert_int_equal(pkt_vec_bytes(s->v, s->n), s->frame_len);
	assert_in_range(s->n, 1, PKT_COAL_PIECES);
	for (uint32_t i = 0; i < s->n; i++)
		assert_int_not_equal(s->v[i].len, 0);
	if (s->frames == 1) {
		assert_int_equal(s->meta.flags & PKT_GSO_ANY, 0);
		pkt_vec_gather(s->v, s->n, 0, buf, sizeof(buf));
		frame_out(w, s->cookie[0], buf, s->frame_len);
		return;
	}
	assert_true(s->frame_len <= w->limit);
	assert_int_equal(s->meta.segs, s->frames);
	assert_int_equal(s->meta.flags & PKT_CSUM_PARTIAL, PKT_CSUM_PARTIAL);
	w->supers++;
	w->biggest = w->biggest > s->frames ? w->biggest : s->frames;
	assert_int_equal(pkt_seg_start(&seg, s->v, s->n, &s->meta,
	    PKT_SEG_COMPLETE), s->frames);
	while (pkt_seg_next(&seg, &o, buf) == 1) {
		pkt_vec_gather(s->v, s->n, o.payload_off, buf + o.hdr_len,
		    o.payload_len);
		frame_out(w, s->cookie[k++], buf, o.hdr_len + o.payload_len);
	}
	assert_int_equal(k, s->frames);
}

/* Headers in the first piece, the rest anywhere. */
static uint32_t
split(struct item *it, uint32_t hdr, struct vec *v, uint32_t *s)
{
	uint32_t first = hdr + rnd(s) % (it->len - hdr + 1);
	uint32_t n = 1;

	if (rnd(s) % 2 == 0)
		first = it->len;
	v[0] = (struct vec){ it->f, first };
	if (first < it->len) {
		const uint32_t left = it->len - first;
		const uint32_t half = 1 + rnd(s) % left;

		v[n++] = (struct vec){ it->f + first, half };
		if (half < left)
			v[n++] = (struct vec){ it->f + first + half,
			    left - half };
	}
	return n;
}

/* Advance a flow's spec to its next frame, mostly a plain continuation. */
static void
spec_next(struct frame_spec *sp, uint32_t *s)
{
	sp->seq += sp->payload;
	sp->id = (uint16_t)(sp->id + (sp->df && sp->host % 2 ? 0 : 1));
	sp->flags = PKT_TCP_ACK;
	sp->payload = MSS;
	sp->fill = rnd(s);
	switch (rnd(s) % 40) {
	case 0: sp->seq += 5; break;
	case 1: sp->ack += 9; break;
	case 2: sp->window ^= 3; break;
	case 3: sp->flags |= PKT_TCP_PSH; break;
	case 4: sp->flags |= PKT_TCP_FIN; break;
	case 5: sp->payload = 0; break;
	case 6: sp->payload = 1 + rnd(s) % MSS; break;
	case 7: sp->tos ^= 4; break;
	case 8: sp->id = (uint16_t)(sp->id + 2); break;
	case 9: sp->payload = MSS + 1; break;
	case 10: sp->tcp_opts ^= 4; break;
	case 11: sp->flags |= PKT_TCP_CWR; break;
	case 12: sp->df = !sp->df; break;
	case 13: sp->ip_opts = 8; break;
	default: sp->ip_opts = 0; break;
	}
}

static void
offer(struct world *w, uint32_t i, const struct frame_spec *sp, uint32_t flow,
    uint32_t serial, uint32_t *s)
{
	struct item *it = &w->item[i];
	struct pkt_meta m = { .flags = PKT_CSUM_GOOD_L4 };
	struct pkt_info info;
	struct vec v[3];
	uint32_t n;

	*it = (struct item){ .f = malloc(frame_len(sp)), .flow = flow,
	    .serial = serial };
	it->len = frame_build(it->f, sp);
	if (rnd(s) % 50 == 0) {
		m.flags = rnd(s) % 2 ? 0 : PKT_CSUM_BAD_L4;
		it->f[it->len - 1] ^= 1;
	}
	pkt_parse(&info, (struct span){ it->f, it->len }, it->len);
	assert_int_equal(info.layer, PKT_LAYER_L4);
	n = split(it, info.payload_off, v, s);
	if (pkt_coal_add(&w->coal, v, n, &info, &m, i) == PKT_COAL_PASS)
		frame_out(w, i, it->f, it->len);
}

static void
mixes_come_back(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	uint32_t s = rnd_seed();

	for (uint32_t round = 0; round < 6; round++) {
		struct frame_spec sp[FLOWS] = { 0 };
		uint32_t serial[FLOWS] = { 0 };
		uint32_t flow = 0, inside;

		memset(w->next_out, 0, sizeof(w->next_out));
		w->limit = round % 2 ? 65535 : 1500;
		pkt_coal_init(&w->coal, w->limit, super_out, w);
		for (uint32_t i = 0; i < FLOWS; i++)
			sp[i] = (struct frame_spec){
			    .version = i % 3 == 2 ? 6 : 4, .proto = 6,
			    .host = (uint8_t)(i / 2), .sport = (uint16_t)i,
			    .tags = i % 4 == 3, .df = i % 2,
			    .id = 0xfff0, .seq = 0xfffff000u, .window = 500 };
		for (uint32_t i = 0; i < FRAMES; i++) {
			if (rnd(&s) % 6 == 0)
				flow = rnd(&s) % (round < 2 ? 3 : FLOWS);
			spec_next(&sp[flow], &s);
			offer(w, i, &sp[flow], flow, serial[flow]++, &s);
			if (rnd(&s) % 100 == 0)
				pkt_coal_flush(&w->coal);
		}
		inside = w->coal.used;
		assert_int_equal(pkt_coal_flush(&w->coal), inside);
		assert_int_equal(pkt_coal_flush(&w->coal), 0);
		for (uint32_t i = 0; i < FRAMES; i++) {
			assert_true(w->item[i].out);
			free(w->item[i].f);
		}
		assert_int_equal(w->coal.count.held + w->coal.count.merged +
		    w->coal.count.passed, FRAMES);
		assert_int_equal(w->coal.count.supers +
		    w->coal.count.singles, w->coal.count.held);
		assert_true(w->coal.count.merged > FRAMES / 10);
	}
	assert_true(w->supers > 100);
	assert_true(w->biggest > 10);
	free(w);
}

struct seen {
	uint32_t calls;
	struct pkt_super last;
	uint8_t head[128];
	uint64_t cookie[PKT_COAL_PIECES];
};

static void
see(void *arg, const struct pkt_super *s)
{
	struct seen *w = arg;

	w->calls++;
	w->last = *s;
	pkt_vec_gather(s->v, s->n, 0, w->head, sizeof(w->head));
	memcpy(w->cookie, s->cookie, s->frames * sizeof(uint64_t));
}

static enum pkt_coal_verdict
add_one(struct pkt_coal *c, uint8_t *f, const struct frame_spec *sp,
    const struct pkt_meta *m, uint64_t cookie)
{
	const uint32_t len = frame_build(f, sp);
	struct vec v = { f, len };
	struct pkt_info info;

	pkt_parse(&info, (struct span){ f, len }, len);
	return pkt_coal_add(c, &v, 1, &info, m, cookie);
}

static void
golden_pair(void **state)
{
	static struct pkt_coal c;
	struct seen seen = { 0 };
	struct frame_spec sp = { .version = 4, .proto = 6, .payload = 100,
	    .flags = PKT_TCP_ACK, .id = 1, .seq = 1000 };
	struct pkt_meta m = { .flags = PKT_CSUM_GOOD_L4 | PKT_CSUM_GOOD_IP |
	    PKT_VLAN | PKT_HASH, .vlan_tci = 5, .hash = 99,
	    .hash_type = PKT_HASH_TCP4 };
	uint8_t a[200], b[200];

	pkt_coal_init(&c, 62780, see, &seen);
	assert_int_equal(add_one(&c, a, &sp, &m, 70), PKT_COAL_HELD);
	sp.id = 2;
	sp.seq = 1100;
	sp.payload = 40;
	sp.flags = PKT_TCP_ACK | PKT_TCP_PSH;
	assert_int_equal(add_one(&c, b, &sp, &m, 71), PKT_COAL_HELD);
	assert_int_equal(seen.calls, 0);
	assert_int_equal(pkt_coal_flush(&c), 1);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.last.n, 3);
	assert_int_equal(seen.last.frame_len, 194);
	assert_int_equal(seen.last.frames, 2);
	assert_int_equal(seen.cookie[0], 70);
	assert_int_equal(seen.cookie[1], 71);
	assert_ptr_equal(seen.last.v[1].p, a + 54);
	assert_ptr_equal(seen.last.v[2].p, b + 54);
	assert_int_equal(seen.last.meta.flags, PKT_VLAN | PKT_HASH |
	    PKT_CSUM_GOOD_L4 | PKT_CSUM_GOOD_IP | PKT_CSUM_PARTIAL |
	    PKT_GSO_TCP4 | PKT_LAYOUT);
	assert_int_equal(seen.last.meta.gso_size, 100);
	assert_int_equal(seen.last.meta.segs, 2);
	assert_int_equal(seen.last.meta.hdr_len, 54);
	assert_int_equal(seen.last.meta.csum_start, 34);
	assert_int_equal(seen.last.meta.vlan_tci, 5);
	assert_int_equal(seen.last.meta.hash, 99);
	assert_int_equal(get16(seen.head + 16), 180);
	assert_int_equal(naive_sum(0, seen.head + 14, 20), 0xffff);
	assert_int_equal(get32(seen.head + 38), 1000);
	assert_int_equal(seen.head[47], PKT_TCP_ACK | PKT_TCP_PSH);
	assert_int_equal(get16(seen.head + 50),
	    naive_pseudo(seen.head + 14, 6, 160));
}

/* Each of these frames must not be merged with the one before. */
static void
never_merged(void **state)
{
	static struct pkt_coal c;
	const struct frame_spec base = { .version = 4, .proto = 6,
	    .payload = 100, .flags = PKT_TCP_ACK, .id = 1, .seq = 1000 };
	const struct pkt_meta good = { .flags = PKT_CSUM_GOOD_L4 };
	uint8_t a[400], b[400];

	for (uint32_t k = 0; k < 14; k++) {
		struct frame_spec sp = base;
		struct pkt_meta m = good;
		struct seen seen = { 0 };
		bool held = true;
		int verdict;

		pkt_coal_init(&c, 254, see, &seen);
		assert_int_equal(add_one(&c, a, &sp, &m, 1), PKT_COAL_HELD);
		sp.id = 2;
		sp.seq = 1100;
		switch (k) {
		case 0: sp.seq++; break;
		case 1: sp.ack++; break;
		case 2: sp.window++; break;
		case 3: sp.tos = 1; break;
		case 4: sp.id = 3; break;
		case 5: sp.id = 1; break;	/* unchanged, but no DF */
		case 6: sp.tcp_opts = 4; break;
		case 7: sp.payload = 101; break;
		case 8: m.flags |= PKT_VLAN; break;
		case 9: sp.flags |= PKT_TCP_FIN; held = false; break;
		case 10: sp.payload = 0; held = false; break;
		case 11: m.flags |= PKT_CSUM_BAD_IP; held = false; break;
		case 12: m.flags = 0; held = false; break;
		case 13: m.flags |= PKT_GSO_NORESEG; held = false; break;
		}
		verdict = add_one(&c, b, &sp, &m, 2);
		assert_int_equal(verdict, held ? PKT_COAL_HELD :
		    PKT_COAL_PASS);
		assert_int_equal(seen.calls, 1);
		assert_int_equal(seen.last.frames, 1);
		assert_int_equal(seen.cookie[0], 1);
		assert_int_equal(c.used, held);
	}
}

static void
limits_hold(void **state)
{
	static struct pkt_coal c;
	static uint8_t f[100][400];
	struct frame_spec sp = { .version = 6, .proto = 6, .payload = 100,
	    .flags = PKT_TCP_ACK };
	const struct pkt_meta m = { .flags = PKT_CSUM_GOOD_L4 };
	struct seen seen = { 0 };

	pkt_coal_init(&c, 74 + 300, see, &seen);
	for (uint32_t i = 0; i < 4; i++, sp.seq += 100)
		assert_int_equal(add_one(&c, f[i], &sp, &m, i),
		    PKT_COAL_HELD);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.last.frames, 3);
	assert_int_equal(seen.last.frame_len, 374);
	pkt_coal_drop(&c, see, &seen);
	assert_int_equal(seen.calls, 2);

	pkt_coal_init(&c, 65535, see, &seen);
	seen.calls = 0;
	for (uint32_t i = 0; i < 100; i++, sp.seq += 100)
		assert_int_equal(add_one(&c, f[i], &sp, &m, i),
		    PKT_COAL_HELD);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.last.n, 64);
	assert_int_equal(seen.last.frames, 63);
	assert_int_equal(pkt_coal_flush(&c), 1);
	assert_int_equal(seen.last.frames, 37);
}

/* Same flow by addresses and ports, but another MAC or hop limit. */
static void
other_l2_or_hop_limit_is_not_merged(void **state)
{
	static struct pkt_coal c;
	const struct pkt_meta m = { .flags = PKT_CSUM_GOOD_L4 };
	static const uint32_t at[] = { 0, 11, 14 + 2, 14 + 7 };
	uint8_t a[200], b[200];

	for (uint32_t k = 0; k < 4; k++) {
		struct frame_spec sp = { .version = 6, .proto = 6,
		    .payload = 100, .flags = PKT_TCP_ACK };
		struct seen seen = { 0 };
		struct pkt_info info;
		struct vec v = { b, 174 };

		pkt_coal_init(&c, 65535, see, &seen);
		assert_int_equal(add_one(&c, a, &sp, &m, 1), PKT_COAL_HELD);
		sp.seq += 100;
		assert_int_equal(frame_build(b, &sp), 174);
		b[at[k]] ^= 1;
		pkt_parse(&info, (struct span){ b, 174 }, 174);
		assert_int_equal(pkt_coal_add(&c, &v, 1, &info, &m, 2),
		    PKT_COAL_HELD);
		assert_int_equal(c.count.merged, 0);
		assert_int_equal(seen.calls, 1);
	}
}

/* A GSO frame, which is not offered, comes after what is held of its flow. */
static void
passed_frames_overtake_nothing(void **state)
{
	static struct pkt_coal c;
	struct pkt_meta m = { .flags = PKT_CSUM_GOOD_L4 | PKT_CSUM_GOOD_IP };
	struct frame_spec one = { .version = 4, .proto = 6, .payload = 100,
	    .flags = PKT_TCP_ACK, .id = 1, .seq = 1000, .sport = 1 };
	struct frame_spec two = one, udp = one;
	struct seen seen = { 0 };
	uint8_t a[200], b[200], big[2000];
	uint32_t len;

	two.sport = 2;
	pkt_coal_init(&c, 65535, see, &seen);
	assert_int_equal(add_one(&c, a, &one, &m, 1), PKT_COAL_HELD);
	assert_int_equal(add_one(&c, b, &two, &m, 2), PKT_COAL_HELD);
	udp.proto = 17;
	len = frame_build(big, &udp);
	pkt_coal_pass(&c, (struct span){ big, len }, len);
	assert_int_equal(seen.calls, 0);
	one.seq += 100;
	one.payload = 1500;
	len = frame_build(big, &one);
	pkt_coal_pass(&c, (struct span){ big, 80 }, len);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.cookie[0], 1);
	assert_memory_equal(seen.head, a, 128);
	pkt_coal_pass(&c, (struct span){ big, 80 }, len);
	assert_int_equal(seen.calls, 1);
	/* Whose flow cannot be told: everything that is held goes first. */
	pkt_coal_pass(&c, (struct span){ big, 20 }, len);
	assert_int_equal(seen.calls, 2);
	assert_int_equal(seen.cookie[0], 2);
	assert_int_equal(pkt_coal_flush(&c), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_pair),
		cmocka_unit_test(never_merged),
		cmocka_unit_test(other_l2_or_hop_limit_is_not_merged),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(passed_frames_overtake_nothing),
		cmocka_unit_test(mixes_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
