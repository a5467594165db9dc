/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections of the receive buffer: geometry, stacks, sharing, and hand-over
 * lists under threads.
 */
#include "vsp_to_guest_rig.h"

#include <pthread.h>

static int
attach(struct rig *r, uint8_t *base, uint32_t bytes)
{
	return vsp_rxbuf_attach(r->vsp, RIG_RX_ID, base, bytes);
}

static void
geometry(void **state)
{
	struct rig *r = rig_new(2, 116);
	struct vsp_rxbuf *rb = &r->vsp->rxbuf;

	assert_int_equal(rb->section_bytes, 1792);
	assert_int_equal(rb->sections, 116);
	assert_int_equal(rb->home[VSP_HOME_CONTROL].total, 16);
	assert_int_equal(rb->home[0].total, 50);
	assert_int_equal(rb->home[1].total, 50);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 116);
	assert_int_equal(vsp_rxbuf_frame_max(rb), 1600);
	rig_end(r);
}

static void
refused(void **state)
{
	struct rig *r = rig_new(1, 64);
	struct vsp *vsp = r->vsp;
	static uint8_t one[8];

	assert_int_equal(attach(r, r->buf, r->buf_bytes), E_STATE);
	vsp_rxbuf_detach(vsp);
	assert_int_equal(attach(r, one, 3 * 1792), E_STATE);
	assert_int_equal(attach(r, one, (31u << 20) + 1), E_STATE);
	vsp->guest.nvsp_version = NVS_V2;
	assert_int_equal(attach(r, one, (15u << 20) + 1), E_STATE);
	vsp->guest.nvsp_version = NVS_V6_1;
	/* A section must hold an RNDIS header and a tagged frame. */
	vsp->cfg.section_bytes = VSP_SECTION_HEAD + 1517;
	vsp->cfg.section_bytes &= ~7u;
	assert_int_equal(attach(r, r->buf, r->buf_bytes), E_STATE);
	/* Windows' own size; and a size that is not a multiple of 8. */
	vsp->cfg.section_bytes = 1728;
	assert_int_equal(attach(r, r->buf, 1728 * 64), 0);
	assert_int_equal(vsp->rxbuf.sections, 64);
	vsp_rxbuf_detach(vsp);
	vsp->cfg.section_bytes = 1725;
	assert_int_equal(attach(r, r->buf, 1728 * 64), 0);
	assert_int_equal(vsp->rxbuf.section_bytes, 1728);
	vsp_rxbuf_detach(vsp);
	r->alloc_fails = true;
	assert_int_equal(attach(r, r->buf, r->buf_bytes), E_NOMEM);
	assert_null(vsp->rxbuf.base);
	r->alloc_fails = false;
	rig_end(r);
}

/* A small receive buffer is not spent on a few large sections. */
static void
large_where_many_fit(void **state)
{
	struct rig *r = rig_new(1, 64);
	struct vsp *vsp = r->vsp;
	const struct vsp_rxbuf *rb = &vsp->rxbuf;
	uint8_t *base = malloc(128 * 16384);

	vsp_rxbuf_detach(vsp);
	vsp->cfg.rsc_section_bytes = 16384;
	assert_int_equal(attach(r, base, 32 << 10), 0);
	assert_int_equal(rb->section_bytes, 1792);
	assert_int_equal(rb->sections, 18);
	vsp_rxbuf_detach(vsp);
	assert_int_equal(attach(r, base, 64 << 10), 0);
	assert_int_equal(rb->section_bytes, 1792);
	assert_int_equal(rb->sections, 36);
	vsp_rxbuf_detach(vsp);
	assert_int_equal(attach(r, base, 128 * 16384 - 4096), 0);
	assert_int_equal(rb->section_bytes, 1792);
	vsp_rxbuf_detach(vsp);
	assert_int_equal(attach(r, base, 128 * 16384), 0);
	assert_int_equal(rb->section_bytes, 16384);
	assert_int_equal(rb->sections, 128);
	vsp_rxbuf_detach(vsp);
	/* Who names a size gets it. */
	vsp->cfg.section_bytes = 8192;
	assert_int_equal(attach(r, base, 64 << 10), 0);
	assert_int_equal(rb->sections, 8);
	free(base);
	rig_end(r);
}

static void
last_in_first_out(void **state)
{
	struct rig *r = rig_new(1, 64);
	struct vsp_rxbuf *rb = &r->vsp->rxbuf;
	uint32_t a = vsp_rxbuf_peek(rb, 0, 0);
	uint32_t b = vsp_rxbuf_peek(rb, 0, 1);

	assert_int_equal(a, 16);
	assert_int_equal(b, 17);
	assert_int_equal(vsp_rxbuf_pop(rb, 0), a);
	assert_int_equal(vsp_rxbuf_pop(rb, 0), b);
	assert_int_equal(rb->section[a].state, VSP_SECTION_OURS);
	assert_int_equal(vsp_rxbuf_put(rb, 0, a), VSP_SECTION_NONE);
	assert_int_equal(vsp_rxbuf_put(rb, 0, b), VSP_SECTION_NONE);
	assert_int_equal(vsp_rxbuf_pop(rb, 0), b);
	assert_int_equal(vsp_rxbuf_pop(rb, 0), a);
	assert_int_equal(vsp_rxbuf_ready(rb, 0), 46);
	vsp_rxbuf_put(rb, 0, a);
	vsp_rxbuf_put(rb, 0, b);
	rig_end(r);
}

static void
home_by_another_queue(void **state)
{
	struct rig *r = rig_new(2, 64);
	struct vsp_rxbuf *rb = &r->vsp->rxbuf;
	uint32_t a = vsp_rxbuf_pop(rb, 0);
	uint32_t b = vsp_rxbuf_pop(rb, 0);

	assert_int_equal(vsp_rxbuf_put(rb, 1, a), VSP_SECTION_NONE);
	assert_int_equal(rb->home[0].top, 22);
	assert_int_equal(vsp_rxbuf_ready(rb, 0), 23);
	/* A starving home is kicked, once. */
	assert_false(vsp_rxbuf_starve(rb, 0, 24));
	assert_int_equal(vsp_rxbuf_put(rb, 1, b), 0);
	assert_int_equal(rb->home[0].starves, 0);
	/* What came meanwhile counts, and then there is no kick to come. */
	assert_true(vsp_rxbuf_starve(rb, 0, 24));
	assert_int_equal(rb->home[0].starves, 0);
	rig_end(r);
}

static void
sharing_again(void **state)
{
	struct rig *r = rig_new(1, 64);
	struct vsp_rxbuf *rb = &r->vsp->rxbuf;
	struct frame_spec s = { .version = 4, .proto = 6, .payload = 100 };
	uint8_t f[1600];
	uint32_t len = frame_build(f, &s);

	assert_int_equal(rb->home[0].total, 48);
	for (uint32_t i = 0; i < 48; i++) {
		assert_int_equal(rig_put(r, 0, f, len, 1518, &none), 0);
		vsp_to_guest_flush(r->vsp, 0);
	}
	assert_int_equal(vsp_rxbuf_free(r->vsp), 16);
	/* Sections that the guest has change their home as well. */
	rig_queue_open(r, 1);
	assert_int_equal(rb->home[0].total, 24);
	assert_int_equal(rb->home[1].total, 24);
	assert_int_equal(rb->home[0].top + rb->home[1].top, 0);
	rig_ack_all(r, 0);
	assert_int_equal(rb->home[0].top, 24);
	assert_int_equal(vsp_rxbuf_ready(rb, 1), 24);
	rig_steer(r, 1);
	/* What a closed queue's guest never acknowledges comes back. */
	assert_int_equal(rig_put(r, 1, f, len, 1518, &none), 0);
	vsp_to_guest_flush(r->vsp, 1);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 63);
	assert_int_equal(rig_put(r, 1, f, len, 1518, &none), 0);
	rig_queue_close(r, 1);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 64);
	assert_int_equal(rb->home[0].top, 48);
	assert_int_equal(rb->home[1].total, 0);
	rig_end(r);
}

/*
 * Sections lent to a queue that closes are not lent any more: neither those
 * that its guest had nor those that were on their way home.
 */
static void
lent_to_a_queue_that_closes(void **state)
{
	struct rig *r = rig_new(2, 64);
	struct vsp_rxbuf *rb = &r->vsp->rxbuf;
	struct frame_spec s = { .version = 4, .proto = 6, .payload = 100 };
	struct vsp_room room;
	uint8_t f[1600];
	uint32_t len = frame_build(f, &s);

	rig_steer(r, 1);
	for (uint32_t i = 0; i < 12; i++)
		assert_int_equal(rig_put(r, 0, f, len, 1518, &none), 0);
	vsp_to_guest_flush(r->vsp, 0);
	vsp_to_guest_drain_handover(r->vsp, 1);
	vsp_to_guest_flush(r->vsp, 1);
	assert_int_equal(rb->home[0].lent, 12);
	assert_true(vsp_rxbuf_lent_out(rb, 0));
	assert_int_equal(vsp_to_guest_reserve(r->vsp, 0, 1518, &room), E_AGAIN);
	rig_queue_close(r, 1);
	assert_int_equal(rb->home[0].lent, 0);
	for (uint32_t i = 0; i < rb->sections; i++)
		assert_false(rb->section[i].lent);
	rig_steer(r, 0);
	for (uint32_t i = 0; i < 48; i++)
		assert_int_equal(rig_put(r, 0, f, len, 1518, &none), 0);
	vsp_to_guest_flush(r->vsp, 0);
	rig_end(r);
}

static void
detach_and_attach_under_way(void **state)
{
	struct rig *r = rig_new(2, 64);
	struct frame_spec s = { .version = 4, .proto = 6, .payload = 100 };
	struct vsp_room room;
	uint8_t f[1600];
	uint32_t len = frame_build(f, &s);

	assert_int_equal(rig_put(r, 0, f, len, 1518, &none), 0);
	rig_steer(r, 1);
	assert_int_equal(rig_put(r, 1, f, len, 1518, &none), 0);
	vsp_to_guest_flush(r->vsp, 1);
	vsp_to_guest_forget(r->vsp);
	vsp_rxbuf_detach(r->vsp);
	assert_int_equal(vsp_to_guest_reserve(r->vsp, 0, 1518, &room), E_GONE);
	vsp_to_guest_flush(r->vsp, 0);
	vsp_to_guest_resume(r->vsp->queue[0]);
	assert_int_equal(r->packets, 1);
	/* A late acknowledgement is one of nothing. */
	assert_int_equal(rig_ack(r, 1, r->packet[0].xact), E_PEER);
	assert_int_equal(attach(r, r->buf, r->buf_bytes), 0);
	assert_int_equal(vsp_rxbuf_free(r->vsp), 64);
	rig_steer(r, 0);
	assert_int_equal(rig_put(r, 0, f, len, 1518, &none), 0);
	vsp_to_guest_flush(r->vsp, 0);
	assert_int_equal(r->packets, 2);
	rig_end(r);
}

/* ---- threads ------------------------------------------------------------- */

#define SENDERS		3u
#define EACH		64u
#define ROUNDS		300u

struct stress {
	struct vsp_handover out[SENDERS];	/* receiver to sender: empty */
	struct vsp_handover in;
	struct vsp_section section[SENDERS * EACH];
	uint32_t payload[SENDERS * EACH];
};

struct sender {
	struct stress *x;
	uint32_t i;
};

/* Each sender pushes its sections, numbered, as often as they come back. */
static void *
sender_run(void *arg)
{
	struct sender *me = arg;
	struct stress *x = me->x;
	uint32_t stock[EACH], n = EACH, number = 0;

	for (uint32_t i = 0; i < EACH; i++)
		stock[i] = me->i * EACH + i;
	while (number < ROUNDS * EACH) {
		while (n > 0 && number < ROUNDS * EACH) {
			uint32_t s = stock[--n];

			x->payload[s] = ++number;
			vsp_handover_push(&x->in, x->section, s);
		}

		uint32_t s = vsp_handover_take(&x->out[me->i], x->section);

		while (s != VSP_SECTION_NONE) {
			uint32_t link = x->section[s].link;

			stock[n++] = s;
			s = link;
		}
	}
	return NULL;
}

static void
handover_threads(void **state)
{
	struct stress *x = calloc(1, sizeof(*x));
	struct sender sender[SENDERS];
	pthread_t thread[SENDERS];
	uint32_t last[SENDERS] = { 0 };
	uint32_t got = 0;

	for (uint32_t i = 0; i < SENDERS; i++) {
		sender[i] = (struct sender){ x, i };
		assert_int_equal(pthread_create(&thread[i], NULL, sender_run,
		    &sender[i]), 0);
	}
	while (got < SENDERS * ROUNDS * EACH) {
		uint32_t s = vsp_handover_take(&x->in, x->section);

		while (s != VSP_SECTION_NONE) {
			uint32_t link = x->section[s].link;
			uint32_t from = s / EACH;

			/* In order, none lost, none twice. */
			assert_int_equal(x->payload[s], last[from] + 1);
			last[from]++;
			got++;
			vsp_handover_push(&x->out[from], x->section, s);
			s = link;
		}
	}
	for (uint32_t i = 0; i < SENDERS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(last[i], ROUNDS * EACH);
	}
	assert_true(vsp_handover_empty(&x->in));
	free(x);
}

static void
handover_order(void **state)
{
	struct vsp_section x[4];
	struct vsp_handover h = { 0 };

	assert_int_equal(vsp_handover_take(&h, x), VSP_SECTION_NONE);
	assert_true(vsp_handover_push(&h, x, 2));
	assert_false(vsp_handover_push(&h, x, 0));
	assert_false(vsp_handover_push(&h, x, 3));
	assert_int_equal(vsp_handover_take(&h, x), 2);
	assert_int_equal(x[2].link, 0);
	assert_int_equal(x[0].link, 3);
	assert_int_equal(x[3].link, VSP_SECTION_NONE);
	assert_true(vsp_handover_empty(&h));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(geometry),
		cmocka_unit_test(refused),
		cmocka_unit_test(large_where_many_fit),
		cmocka_unit_test(last_in_first_out),
		cmocka_unit_test(home_by_another_queue),
		cmocka_unit_test(sharing_again),
		cmocka_unit_test(lent_to_a_queue_that_closes),
		cmocka_unit_test(detach_and_attach_under_way),
		cmocka_unit_test(handover_order),
		cmocka_unit_test(handover_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
