/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames to the guest when something is short: sections, ring room, the other
 * worker's time.  Acknowledgements, hand-over, control messages.
 */
#include "vsp_to_guest_rig.h"

#include <pthread.h>

/* ---- flow control -------------------------------------------------------- */

static void
acknowledgements(void **state)
{
	struct rig *r = rig_new(2, 64);
	uint8_t f[1600];
	uint32_t len = frame_build(f, &tcp4);

	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none),
		    0);
	assert_int_equal(rig_ack(r, 0, 16), E_PEER);	/* not sent yet */
	vsp_to_guest_flush(r->vsp, 0);
	assert_int_equal(r->packet[0].xact, 16);
	assert_int_equal(rig_ack(r, 0, 17), E_PEER);	/* not the first */
	assert_int_equal(rig_ack(r, 1, 16), E_PEER);	/* another ring's */
	assert_int_equal(rig_ack(r, 0, 30), E_PEER);	/* free */
	assert_int_equal(rig_ack(r, 0, 64), E_PEER);
	assert_int_equal(rig_ack(r, 0, UINT64_MAX), E_PEER);
	assert_int_equal(rig_ack(r, 0, (1ull << 32) + 16), E_PEER);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 59);
	assert_int_equal(rig_ack(r, 0, 16), 0);
	assert_int_equal(rig_ack(r, 0, 16), E_PEER);	/* twice */
	assert_int_equal(vsp_rxbuf_free(r->vsp), 64);
	rig_end(r);
}

static void
sections_run_out_and_return(void **state)
{
	struct rig *r = rig_new(1, 64);		/* 48 for data */
	uint8_t f[1600];
	uint32_t len = frame_build(f, &tcp4);
	struct vec v = { f, len };

	for (uint32_t i = 0; i < 48; i++)
		assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none),
		    0);
	/* To be told E_AGAIN publishes what is finished. */
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), E_AGAIN);
	assert_int_equal(r->packets, 1);
	assert_int_equal(r->commits[0], 1);
	assert_int_equal(vsp_to_guest_copy(r->vsp, 0, &v, 1, &none), E_AGAIN);
	assert_int_equal(rig_counts(r, 0)->no_section, 2);
	vsp_to_guest_resume(r->vsp->queue[0]);
	assert_int_equal(r->wakes[0], 0);
	rig_ack_all(r, 0);
	assert_int_equal(r->wakes[0], 1);
	vsp_to_guest_resume(r->vsp->queue[0]);
	assert_int_equal(r->wakes[0], 1);
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), 0);
	rig_end(r);
}

/* Fewer sections than a 64 KiB frame wants: it waits in pieces. */
static void
large_frame_in_a_small_buffer(void **state)
{
	for (uint32_t copy = 0; copy < 2; copy++) {
		struct rig *r = rig_new(1, 26);		/* 20 for data */
		struct frame_spec s = tcp4;
		static uint8_t f[70000];
		struct vsp_room room;

		s.payload = 60000;			/* 42 segments */
		frame_build(f, &s);

		struct pkt_meta m = rig_gso(f, &s, 1448);
		struct vec v = { f, frame_len(&s) };

		assert_int_equal(r->vsp->rxbuf.home[0].total, 20);
		if (copy)
			assert_int_equal(vsp_to_guest_copy(r->vsp, 0, &v, 1,
			    &m), 0);
		else
			assert_int_equal(rig_put(r, 0, f, frame_len(&s),
			    RIG_MAX_GSO, &m), 0);
		memset(f, 0, sizeof(f));	/* it was ours for the call */
		assert_true(r->vsp->queue[0]->to.cut.held);
		assert_int_equal(vsp_to_guest_reserve(r->vsp, 0, 1518, &room),
		    E_AGAIN);
		for (uint32_t i = 0; i < 2; i++) {
			vsp_to_guest_flush(r->vsp, 0);
			rig_receive(r);
			assert_int_equal(r->wakes[0], 0);
			rig_ack_all(r, 0);
		}
		assert_false(r->vsp->queue[0]->to.cut.held);
		assert_int_equal(r->wakes[0], 1);
		frame_build(f, &s);
		expect_segments(r, f, &s, 1448);
		rig_ack_all(r, 0);
		assert_int_equal(vsp_rxbuf_free(r->vsp), 26);
		rig_end(r);
	}
}

/* Enough for RSC in all, but not now: all of the frame waits. */
static void
fragments_wait_together(void **state)
{
	struct rig *r = rig_new(1, 64);			/* 48 for data */
	struct frame_spec s = tcp4;
	static uint8_t f[70000], small[1600];
	uint32_t len = frame_build(small, &tcp4);

	s.payload = 60000;
	frame_build(f, &s);

	struct pkt_meta m = rig_gso(f, &s, 1448);

	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(rig_put(r, 0, small, len, RIG_MAX_PLAIN,
		    &none), 0);
	assert_int_equal(rig_put(r, 0, f, frame_len(&s), RIG_MAX_GSO, &m), 0);
	assert_true(r->vsp->queue[0]->to.cut.held);
	vsp_to_guest_flush(r->vsp, 0);
	rig_receive(r);
	assert_int_equal(r->frames, 10);
	rig_frames_forget(r);
	rig_ack_all(r, 0);
	expect_rsc(r, the_frame(r, f, frame_len(&s)), f, &s, 1448);
	rig_end(r);
}

static void
ring_full_and_room_again(void **state)
{
	struct rig *r = rig_new(1, 400);
	uint8_t f[1600];
	uint32_t len = frame_build(f, &tcp4);

	r->room[0] = 1;
	for (uint32_t i = 0; i < 300; i++)
		if (rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none) != 0)
			break;
	/* One packet went, the next did not: 256 taken, none lost. */
	assert_int_equal(r->packets, 1);
	assert_int_equal(rig_counts(r, 0)->frames, 256);
	assert_true(r->wanted[0]);
	vsp_to_guest_flush(r->vsp, 0);
	assert_int_equal(r->packets, 1);
	vsp_to_guest_resume(r->vsp->queue[0]);
	assert_int_equal(r->wakes[0], 0);
	assert_true(rig_counts(r, 0)->ring_full > 0);
	r->room[0] = 10;
	vsp_to_guest_resume(r->vsp->queue[0]);
	assert_int_equal(r->packets, 2);
	assert_int_equal(r->wakes[0], 1);
	rig_receive(r);
	assert_int_equal(r->frames, 256);
	rig_ack_all(r, 0);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 400);
	rig_end(r);
}

/* ---- hand-over ----------------------------------------------------------- */

static void
handed_over(void **state)
{
	struct rig *r = rig_new(2, 64);		/* 24 each */
	struct frame_spec s = tcp4;
	static uint8_t f[70000];
	uint32_t len = frame_build(f, &s);

	rig_steer(r, 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none),
		    0);
	assert_int_equal(r->kicks[1], 0);
	vsp_to_guest_flush(r->vsp, 0);
	assert_int_equal(r->kicks[1], 1);
	assert_int_equal(r->packets, 0);
	vsp_to_guest_drain_handover(r->vsp, 1);
	assert_int_equal(r->packets, 1);
	assert_int_equal(r->packet[0].queue, 1);
	assert_int_equal(r->packet[0].ranges, 3);
	assert_int_equal(r->commits[1], 1);
	rig_receive(r);
	assert_int_equal(r->frames, 3);
	assert_memory_equal(r->frame[2].bytes, f, len);
	assert_int_equal(r->frame[2].ppi.present & RNDIS_HAS_HASH_VALUE,
	    RNDIS_HAS_HASH_VALUE);
	assert_int_equal(rig_counts(r, 0)->handed_over, 3);
	assert_int_equal(rig_counts(r, 1)->packets, 1);
	assert_int_equal(rig_ack(r, 0, r->packet[0].xact), E_PEER);
	rig_ack_all(r, 1);
	assert_int_equal(vsp_rxbuf_ready(&r->vsp->rxbuf, 0), 24);
	assert_int_equal(r->vsp->rxbuf.home[0].lent, 0);
	/* The same worker owns both: sent at once. */
	r->one_owner = true;
	s.payload = 5000;
	frame_build(f, &s);

	struct pkt_meta m = rig_gso(f, &s, 1448);

	assert_int_equal(rig_put(r, 0, f, frame_len(&s), 6000, &m), 0);
	vsp_to_guest_flush(r->vsp, 0);
	assert_int_equal(r->kicks[1], 1);
	assert_int_equal(r->packets, 2);
	assert_int_equal(r->packet[1].queue, 1);
	assert_int_equal(r->packet[1].ranges, 4);
	rig_ack_all(r, 1);
	assert_int_equal(vsp_rxbuf_ready(&r->vsp->rxbuf, 0), 24);
	rig_end(r);
}

/*
 * A queue that does not drain gets half of another's sections, no more: the
 * backend waits until some are home again, and nothing is dropped.
 */
static void
handover_is_bounded(void **state)
{
	struct rig *r = rig_new(2, 64);
	uint8_t f[1600];
	uint32_t len = frame_build(f, &tcp4);

	rig_steer(r, 1);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none),
		    i < 12 ? 0 : E_AGAIN);
	assert_true(rig_counts(r, 0)->lent_out >= 8);
	assert_int_equal(rig_counts(r, 0)->frames, 12);
	vsp_to_guest_flush(r->vsp, 0);
	vsp_to_guest_drain_handover(r->vsp, 1);
	assert_int_equal(r->packets, 1);
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), E_AGAIN);
	/* The guest takes them: home they go, and the backend goes on. */
	r->kicks[0] = 0;
	rig_ack_all(r, 1);
	vsp_to_guest_resume(r->vsp->queue[1]);
	assert_true(r->kicks[0] > 0);
	assert_int_equal(r->wakes[0], 0);
	vsp_to_guest_drain_handover(r->vsp, 0);
	assert_int_equal(r->wakes[0], 1);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none),
		    i < 12 ? 0 : E_AGAIN);
	vsp_to_guest_flush(r->vsp, 0);
	/* Its queue closes: everything is back. */
	rig_queue_close(r, 1);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 64);
	assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none), 0);
	vsp_to_guest_flush(r->vsp, 0);
	assert_int_equal(r->packet[1].queue, 0);
	rig_end(r);
}

/* A queue that waits for sections which another one has is kicked. */
static void
starving_home_is_kicked(void **state)
{
	struct rig *r = rig_new(2, 64);
	uint8_t f[1600], arp[60];
	uint32_t len = frame_build(f, &tcp4);

	rig_steer(r, 1);
	memcpy(arp, f, 60);
	put16(arp + 12, 0x0806);
	for (uint32_t i = 0; i < 12; i++) {
		assert_int_equal(rig_put(r, 0, arp, 60, RIG_MAX_PLAIN, &none),
		    0);
		assert_int_equal(rig_put(r, 0, f, len, RIG_MAX_PLAIN, &none),
		    0);
	}
	assert_int_equal(rig_put(r, 0, arp, 60, RIG_MAX_PLAIN, &none),
	    E_AGAIN);
	vsp_to_guest_flush(r->vsp, 0);
	vsp_to_guest_drain_handover(r->vsp, 1);
	rig_ack_all(r, 1);
	assert_int_equal(r->kicks[0], 1);
	assert_int_equal(r->wakes[0], 0);
	vsp_to_guest_drain_handover(r->vsp, 0);
	assert_int_equal(r->wakes[0], 1);
	rig_end(r);
}

/* ---- two workers, for TSan ----------------------------------------------- */

#define WORKERS		2u
#define WORKER_FRAMES	4000u

struct worker {
	struct rig *r;
	uint32_t k;
	uint64_t xact[64];
	uint32_t xacts;
	uint32_t taken, dropped;
};

static struct worker *the_worker[WORKERS];
static uint32_t total_taken, total_got, total_done;

static int
worker_send(struct chan *c, const struct vmpkt_out *p)
{
	struct worker *w = the_worker[c->subindex];
	struct rig *r = w->r;
	struct vmpkt_xfer x;
	enum fault why;

	if (w->xacts == ARRAY_LEN(w->xact))
		return E_AGAIN;
	if (vmpkt_xfer_decode(&x, p->ext, &why) != 0)
		return E_PEER;
	for (uint32_t i = 0; i < x.count; i++) {
		struct vmpkt_xfer_range range = vmpkt_xfer_range(&x, i);
		uint8_t *f = r->buf + range.offset + VSP_SECTION_HEAD;
		struct pkt_meta m = { 0 };

		/* It is this queue's by the table, and whole. */
		if (vsp_steer(r->vsp, (struct span){ f, 100 }, 100, &m) !=
		    c->subindex || f[99] != f[35])
			return E_PEER;
	}
	w->xact[w->xacts++] = p->xact;
	__atomic_fetch_add(&total_got, x.count, __ATOMIC_RELAXED);
	return 0;
}

static void
worker_commit(struct chan *c)
{
	(void)c;
}

static bool
worker_want_space(struct chan *c, uint32_t bytes)
{
	(void)bytes;
	return the_worker[c->subindex]->xacts <
	    ARRAY_LEN(the_worker[0]->xact);
}

static const struct chan_ops worker_ops = {
	.send = worker_send,
	.commit = worker_commit,
	.want_space = worker_want_space,
};

/* Read frames of any queue, then be the guest of our own. */
static void *
worker_run(void *arg)
{
	struct worker *w = arg;
	struct vsp *vsp = w->r->vsp;
	struct vsp_queue *q = vsp->queue[w->k];
	struct frame_spec s = { .version = 4, .proto = 6, .payload = 46 };
	uint32_t left = WORKER_FRAMES;
	uint8_t f[100];
	struct vec v = { f, sizeof(f) };
	enum fault why;

	while (os_ld32(&total_done) < WORKERS ||
	    os_ld32(&total_got) != os_ld32(&total_taken)) {
		for (uint32_t i = 0; i < 16 && left > 0; i++) {
			s.sport = (uint16_t)(left * 7);
			frame_build(f, &s);
			f[99] = f[35];

			int rc = vsp_to_guest_copy(vsp, w->k, &v, 1, &none);

			if (rc == E_AGAIN)
				break;
			if (rc == 0)
				__atomic_fetch_add(&total_taken, 1,
				    __ATOMIC_SEQ_CST);
			else
				w->dropped++;
			if (--left == 0)
				__atomic_fetch_add(&total_done, 1,
				    __ATOMIC_SEQ_CST);
		}
		vsp_to_guest_flush(vsp, w->k);
		vsp_to_guest_drain_handover(vsp, w->k);
		while (w->xacts > 0)
			if (vsp_to_guest_ack(q, w->xact[--w->xacts],
			    (struct span){ NULL, 0 }, &why) != 0)
				return "a good ack refused";
		/* Lies about the other one's sections do no harm. */
		for (uint32_t x = 16; x < 64; x++)
			if (vsp_to_guest_ack(q, x, (struct span){ NULL, 0 },
			    &why) == 0)
				return "a bad ack taken";
		vsp_to_guest_resume(q);
	}
	return NULL;
}

static void
two_workers(void **state)
{
	struct rig *r = rig_new(WORKERS, 64);
	const uint32_t table[2] = { 0, 1 };
	struct worker w[WORKERS] = { { r, 0 }, { r, 1 } };
	pthread_t thread[WORKERS];

	vsp_steer_set(r->vsp, PKT_HASH_TCP4, NULL, table, 2);
	r->vsp->ops.handover_kick = NULL;
	r->vsp->ops.to_guest_wake = NULL;
	total_taken = total_got = total_done = 0;
	for (uint32_t k = 0; k < WORKERS; k++) {
		the_worker[k] = &w[k];
		r->chan[k].ops = &worker_ops;
	}
	for (uint32_t k = 0; k < WORKERS; k++)
		assert_int_equal(pthread_create(&thread[k], NULL, worker_run,
		    &w[k]), 0);
	for (uint32_t k = 0; k < WORKERS; k++) {
		void *says;

		pthread_join(thread[k], &says);
		assert_null(says);
		assert_false(r->vsp->queue[k]->dead);
	}
	assert_int_equal(total_got, total_taken);
	/* The first half of its sections at least, whoever runs when. */
	assert_true(rig_counts(r, 0)->handed_over >= 12);
	/* Everything is home again, and where it belongs. */
	for (uint32_t k = 0; k < WORKERS; k++) {
		while (w[k].xacts > 0)
			assert_int_equal(rig_ack(r, k,
			    w[k].xact[--w[k].xacts]), 0);
		vsp_to_guest_resume(r->vsp->queue[k]);
	}
	for (uint32_t k = 0; k < WORKERS; k++) {
		vsp_rxbuf_ready(&r->vsp->rxbuf, k);
		assert_int_equal(r->vsp->rxbuf.home[k].top, 24);
		assert_int_equal(r->vsp->rxbuf.home[k].lent, 0);
	}
	rig_end(r);
}

/* ---- anything at all ----------------------------------------------------- */

static uint32_t
any_frame(uint32_t *seed, uint8_t *f, struct pkt_meta *m)
{
	uint32_t x = rnd(seed);
	struct frame_spec s = { .version = x & 1 ? 4 : 6,
	    .proto = x & 2 ? 6 : 17, .tags = (uint8_t)((x >> 2 & 3) % 3),
	    .tcp_opts = (uint8_t)((x >> 4 & 7) * 4), .flags = (uint8_t)(x >> 8),
	    .host = (uint8_t)(x >> 16), .sport = (uint16_t)x };
	uint32_t len;

	s.payload = rnd(seed) % (x & 0x1000 ? 1400 : 64900);
	len = frame_build(f, &s);
	memset(m, 0, sizeof(*m));
	if (s.proto == 6 && rnd(seed) % 4 != 0)
		*m = rig_gso(f, &s, (uint16_t)(40 + rnd(seed) % 1600));
	if (rnd(seed) % 4 == 0) {	/* metadata that does not fit */
		m->flags ^= rnd(seed) & 0x3fff;
		m->csum_start = (uint16_t)rnd(seed);
		m->csum_offset = (uint16_t)rnd(seed);
		m->vlan_tci = (uint16_t)rnd(seed);
		if (rnd(seed) % 2)
			m->gso_size = (uint16_t)(rnd(seed) | 64);
	}
	if (rnd(seed) % 4 == 0)		/* headers that do not, either */
		for (uint32_t i = 0; i < 4; i++)
			f[6 + rnd(seed) % 80] = (uint8_t)rnd(seed);
	if (rnd(seed) % 8 == 0)
		len = rnd(seed) % (len + 1);
	return len;
}

/*
 * Whatever frame with whatever metadata, buffer and guest: what arrives is
 * well-formed, nothing is written outside, and every section comes home.
 */
static void
anything(void **state)
{
	static uint8_t f[70000];
	uint32_t seed = rnd_seed();

	for (uint32_t round = 0; round < 12; round++) {
		uint32_t sections = 24 + rnd(&seed) % 300;
		struct rig *r = rig_new(2, sections);
		struct vsp *vsp = r->vsp;
		const uint32_t table[2] = { 0, 1 };

		vsp_steer_set(vsp, PKT_HASH_TCP4 | PKT_HASH_IPV6, NULL, table,
		    rnd(&seed) % 2 + 1);
		r->one_owner = true;
		vsp->guest.filter |= NDIS_FILTER_PROMISC;
		for (uint32_t i = 0; i < 150; i++) {
			uint32_t x = rnd(&seed), k = x & 1;
			struct pkt_meta m;
			uint32_t len = any_frame(&seed, f, &m);
			struct vec v[2] = { { f, len / 3 },
			    { f + len / 3, len - len / 3 } };

			vsp->guest.rsc4 = x & 2;
			vsp->guest.rsc6 = x & 4;
			vsp->guest.vlan_cap = x & 8;
			vsp->cfg.rxcsum_complete = x & 16;
			r->room[0] = x & 0x60 ? 64 : 0;
			if (x & 0x80)
				vsp_to_guest_copy(vsp, k, v, 2, &m);
			else
				rig_put(r, k, f, len, len > 1664 || (x & 256) ?
				    RIG_MAX_GSO : 1664, &m);
			if ((x & 0x600) == 0) {
				vsp_to_guest_flush(vsp, k);
				rig_receive(r);
				rig_frames_forget(r);
				rig_ack_all(r, 0);
				rig_ack_all(r, 1);
			}
		}
		for (uint32_t i = 0; i < 500 &&
		    vsp_rxbuf_free(vsp) < sections; i++) {
			r->room[0] = 64;
			vsp_to_guest_flush(vsp, i & 1);
			rig_receive(r);
			rig_frames_forget(r);
			rig_ack_all(r, 0);
			rig_ack_all(r, 1);
			vsp_rxbuf_ready(&vsp->rxbuf, 0);
			vsp_rxbuf_ready(&vsp->rxbuf, 1);
		}
		assert_int_equal(vsp_rxbuf_free(vsp), sections);
		rig_end(r);
	}
}

/* ---- control ------------------------------------------------------------- */

static void
control_messages(void **state)
{
	struct rig *r = rig_new(1, 64);
	uint8_t msg[2000];
	const struct rig_packet *p = &r->packet[0];

	for (uint32_t i = 0; i < sizeof(msg); i++)
		msg[i] = (uint8_t)i;
	assert_int_equal(vsp_to_guest_control(r->vsp,
	    (struct span){ msg, 52 }), 0);
	assert_int_equal(r->commits[0], 1);
	assert_int_equal(p->xact, 0);
	assert_int_equal(p->nvs.channel, NVS_CHANNEL_CONTROL);
	assert_int_equal(p->range[0].offset, 0);
	assert_int_equal(p->range[0].bytes, 56);
	assert_memory_equal(r->buf, msg, 52);
	for (uint32_t i = 1; i < 16; i++)
		assert_int_equal(vsp_to_guest_control(r->vsp,
		    (struct span){ msg, 52 }), 0);
	assert_int_equal(vsp_to_guest_control(r->vsp,
	    (struct span){ msg, 52 }), E_AGAIN);
	rig_ack_all(r, 0);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 64);
	r->room[0] = 0;
	assert_int_equal(vsp_to_guest_control(r->vsp,
	    (struct span){ msg, 52 }), E_AGAIN);
	assert_true(r->wanted[0]);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 64);
	assert_int_equal(vsp_to_guest_control(r->vsp,
	    (struct span){ msg, 1793 }), E_NOTSUP);
	vsp_rxbuf_detach(r->vsp);
	assert_int_equal(vsp_to_guest_control(r->vsp,
	    (struct span){ msg, 52 }), E_GONE);
	rig_end(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acknowledgements),
		cmocka_unit_test(sections_run_out_and_return),
		cmocka_unit_test(large_frame_in_a_small_buffer),
		cmocka_unit_test(fragments_wait_together),
		cmocka_unit_test(ring_full_and_room_again),
		cmocka_unit_test(handed_over),
		cmocka_unit_test(handover_is_bounded),
		cmocka_unit_test(starving_home_is_kicked),
		cmocka_unit_test(two_workers),
		cmocka_unit_test(anything),
		cmocka_unit_test(control_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
