/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received packets that the user keeps: which acknowledgements are held back
 * and when they come, the bound, and what detach does with those still held.
 */
#include "vsc_rig.h"

#define SLOT	1728u
#define MOST	16u		/* 25 per cent of the rig's 64 sections */
#define SEEN	64u

static struct rig rig;
static struct {
	bool hold;		/* every frame, as it comes */
	uint32_t n;
	uint32_t packet[SEEN];
	const uint8_t *data[SEEN];
	int got[SEEN];		/* what vsc_rx_hold() returned */
} seen;

static void
hold_rx(void *ctx, uint32_t queue, const struct vsc_frame *f)
{
	uint32_t i = seen.n++ % SEEN;

	seen.packet[i] = f->packet;
	seen.data[i] = f->vec[0].p;
	if (seen.hold)
		seen.got[i] = vsc_rx_hold(rig.v, queue, f->packet);
}

static struct vsc_ops hold_ops;

static void
up_more(void)
{
	hold_ops = rig_ops;
	hold_ops.rx = hold_rx;
	memset(&seen, 0, sizeof(seen));
	rig.v = vsc_attach(&rig.cfg, &hold_ops, &rig, &rig.chan[0]);
	assert_non_null(rig.v);
	rig_run(&rig);
	assert_int_equal(rig.attached, 1);
	vsc_rx_release(rig.v, 0);	/* of attach; nothing unless polled */
	rig.nsent = rig.handled = rig.allocs = 0;
	seen.hold = true;
}

static void
up(void)
{
	rig_init(&rig, 0x50003);
	rig.cfg.rx_hold = true;
	up_more();
}

/* A packet of n frames, each in the next section from `section` on. */
static void
push(uint64_t xact, uint32_t section, uint32_t n)
{
	struct vmpkt_xfer_range range[SEEN];
	const struct rndis_ppi_set none = { 0 };

	for (uint32_t i = 0; i < n; i++) {
		uint8_t *at = rig_rxbuf((section + i) * SLOT);

		rndis_packet_put(at, &none, 44, 60, 104);
		memset(at + 44, (int)(section + i), 60);
		range[i] = (struct vmpkt_xfer_range){ 104,
		    (section + i) * SLOT };
	}
	rig_push_xfer(0, xact, NVS_CHANNEL_DATA, range, n);
}

/* Acknowledged so far: these ids, in any number of passes, in this order. */
static void
acked(uint32_t n, const uint64_t *xact)
{
	assert_int_equal(rig.nsent, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(rig.sent[i].type, VMPKT_COMPLETION);
		assert_int_equal(rig.sent[i].xact, xact[i]);
	}
}

/* The others go back at their time; a packet with its last frame. */
static void
test_keep(void **state)
{
	up();
	push(1, 0, 1);
	push(2, 1, 2);
	rig_poll(&rig, 0);
	seen.hold = false;
	push(3, 3, 1);
	rig_poll(&rig, 0);
	acked(1, (uint64_t[]){ 3 });
	assert_int_equal(seen.n, 4);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(seen.data[i][59], i);
	/* Both frames of the packet have the same entry, counted twice. */
	assert_int_equal(seen.got[1], seen.got[2]);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->held, 3);
	assert_int_equal(vsc_rx_unhold(rig.v, 0, (uint32_t)seen.got[1]), 0);
	rig_poll(&rig, 0);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(rig.kicked, 0);
	assert_int_equal(vsc_rx_unhold(rig.v, 0, (uint32_t)seen.got[2]), 0);
	/* The host may be waiting for it, and nothing else comes. */
	assert_int_equal(rig.kicked, 1);
	rig.kicked = 0;
	assert_int_equal(vsc_rx_unhold(rig.v, 0, (uint32_t)seen.got[0]), 0);
	assert_int_equal(rig.kicked, 0);
	while (vsc_queue_poll(rig.v, 0, 64))
		;
	assert_int_equal(rig.nsent, 3);
	assert_int_equal(rig.sent[1].xact + rig.sent[2].xact, 3);
	/* Given back once, and never held. */
	assert_int_equal(vsc_rx_unhold(rig.v, 0, (uint32_t)seen.got[0]),
	    E_STATE);
	assert_int_equal(vsc_rx_unhold(rig.v, 0, MOST - 1), E_STATE);
	assert_int_equal(vsc_rx_unhold(rig.v, 0, MOST), E_STATE);
	assert_int_equal(vsc_rx_unhold(rig.v, 1, 0), E_STATE);
	/* And a packet that has gone back cannot be held. */
	assert_int_equal(vsc_rx_hold(rig.v, 0, seen.packet[3]), E_STATE);
	assert_int_equal(rig.allocs, 0);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* Let go before its turn: acknowledged in its turn, once, as any other. */
static void
test_let_go_at_once(void **state)
{
	up();
	rig.room = 0;
	push(1, 0, 1);
	push(2, 1, 1);
	rig_poll(&rig, 0);
	seen.hold = false;
	push(3, 2, 1);
	rig_poll(&rig, 0);
	/* Packet 3 waits for the ring: it can still be held, and let go. */
	assert_int_equal(rig.nsent, 0);
	assert_int_equal(vsc_rx_stats(rig.v, 0)->ack_waits, 1);
	seen.got[2] = vsc_rx_hold(rig.v, 0, seen.packet[2]);
	assert_true(seen.got[2] >= 0);
	assert_int_equal(vsc_rx_unhold(rig.v, 0, (uint32_t)seen.got[2]), 0);
	/* What was held waits for the ring as well. */
	assert_int_equal(vsc_rx_unhold(rig.v, 0, (uint32_t)seen.got[0]), 0);
	rig_poll(&rig, 0);
	rig.room = 1;
	rig_poll(&rig, 0);
	rig.room = -1;
	rig_poll(&rig, 0);
	acked(2, (uint64_t[]){ 3, 1 });
	assert_int_equal(vsc_rx_unhold(rig.v, 0, (uint32_t)seen.got[1]), 0);
	rig_poll(&rig, 0);
	acked(3, (uint64_t[]){ 3, 1, 2 });
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* The host never lacks more than was agreed, whatever number of ranges. */
static void
test_bound(void **state)
{
	up();
	for (uint32_t i = 0; i < MOST + 1; i++)
		push(100 + i, i, 1);
	rig_poll(&rig, 0);
	assert_true(seen.got[MOST - 1] >= 0);
	assert_int_equal(seen.got[MOST], E_AGAIN);
	acked(1, (uint64_t[]){ 100 + MOST });
	assert_int_equal(vsc_rx_stats(rig.v, 0)->hold_full, 1);
	/* Let go is not enough: the host must have it. */
	rig.room = 0;
	vsc_rx_unhold_all(rig.v);
	push(200, 20, 1);
	rig_poll(&rig, 0);
	assert_int_equal(seen.got[MOST + 1], E_AGAIN);
	rig.room = -1;
	rig_poll(&rig, 0);
	assert_int_equal(rig.nsent, MOST + 2);
	seen.n = 0;
	push(201, 20, MOST - 6);
	push(202, 30, 7);
	push(203, 37, 6);
	rig_poll(&rig, 0);
	assert_true(seen.got[0] >= 0 && seen.got[MOST - 7] >= 0);
	assert_int_equal(seen.got[MOST - 6], E_AGAIN);
	assert_true(seen.got[MOST + 1] >= 0);
	assert_int_equal(rig.nsent, MOST + 3);
	assert_int_equal(rig.sent[MOST + 2].xact, 202);
	vsc_rx_unhold_all(rig.v);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

static void
test_not_allowed(void **state)
{
	rig_init(&rig, 0x50003);
	up_more();
	push(1, 0, 1);
	rig_poll(&rig, 0);
	assert_int_equal(seen.got[0], E_NOTSUP);
	acked(1, (uint64_t[]){ 1 });
	rig_down(&rig);
	rig_init(&rig, 0x50003);
	rig.cfg.rx_hold = true;
	rig.cfg.tune.rx_hold = 0;
	up_more();
	push(1, 0, 1);
	rig_poll(&rig, 0);
	assert_int_equal(seen.got[0], E_NOTSUP);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* Polled: also after the pass, until the user's release. */
static void
test_polled(void **state)
{
	rig_init(&rig, 0x50003);
	rig.cfg.rx_hold = rig.cfg.poll = true;
	up_more();
	seen.hold = false;
	push(1, 0, 1);
	push(2, 1, 1);
	vsc_queue_poll(rig.v, 0, 64);
	assert_int_equal(seen.n, 2);
	seen.got[0] = vsc_rx_hold(rig.v, 0, seen.packet[0]);
	assert_true(seen.got[0] >= 0);
	vsc_rx_release(rig.v, 0);
	acked(1, (uint64_t[]){ 2 });
	assert_int_equal(vsc_rx_hold(rig.v, 0, seen.packet[1]), E_STATE);
	assert_int_equal(vsc_rx_unhold(rig.v, 0, (uint32_t)seen.got[0]), 0);
	/* A pass takes back what was held, and nothing that the user reads. */
	push(3, 2, 1);
	vsc_queue_poll(rig.v, 0, 64);
	acked(2, (uint64_t[]){ 2, 1 });
	vsc_rx_release(rig.v, 0);
	acked(3, (uint64_t[]){ 2, 1, 3 });
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* Run detach as far as it goes without more time. */
static void
detach_begin(void)
{
	vsc_detach(rig.v);
	for (uint32_t i = 0; i < 4; i++)
		rig_run(&rig);
}

static void
detach_end(void)
{
	for (uint32_t i = 0; i < 100 && rig.detached == 0; i++) {
		rig_run(&rig);
		rig.now += 100000000ull;
	}
	assert_int_equal(rig.detached, 1);
}

/* Detach waits, and frees all, whatever the end of the channel. */
static void
test_detach_waits(void **state)
{
	for (uint32_t how = 0; how < 3; how++) {
		uint32_t held;

		up();
		push(1, 0, 2);
		rig_poll(&rig, 0);
		held = (uint32_t)seen.got[0];
		if (how == 1) {
			rig.chan[0].events->rescinded(&rig.chan[0]);
			assert_int_equal(rig.failed, 1);
		} else if (how == 2) {
			/* The host breaks the protocol. */
			push(2, 0, 1);
			rig_push(0, 99, 5);
			rig_poll(&rig, 0);
			assert_int_equal(rig.failed, 1);
		}
		detach_begin();
		assert_int_equal(rig.detached, 0);
		assert_int_equal(seen.data[1][59], 1);
		assert_int_equal(vsc_rx_unhold(rig.v, 0, held), 0);
		rig_run(&rig);
		assert_int_equal(rig.detached, 0);
		vsc_rx_unhold_all(rig.v);
		rig_run(&rig);
		assert_int_equal(rig.detached, 1);
		assert_int_equal(vsc_leaked_bytes(rig.v), 0);
		vsc_free(rig.v);
		assert_int_equal(rig.live_mem, 0);
		assert_int_equal(rig.live_bytes, 0);
	}
}

/* A user that never lets go: the memory stays, so nothing is read freed. */
static void
test_detach_leaks(void **state)
{
	up();
	push(1, 7, 1);
	rig_poll(&rig, 0);
	detach_begin();
	assert_int_equal(rig.detached, 0);
	detach_end();
	assert_int_equal(vsc_leaked_bytes(rig.v), 128 * 1024);
	assert_int_equal(rig.live_mem, 128 * 1024);
	assert_int_equal(seen.data[0][59], 7);
	/* The late one is still welcome. */
	assert_int_equal(vsc_rx_unhold(rig.v, 0, (uint32_t)seen.got[0]), 0);
	vsc_free(rig.v);
	assert_int_equal(rig.live_bytes, 0);
	rig_leaked_free(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_let_go_at_once),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_not_allowed),
		cmocka_unit_test(test_polled),
		cmocka_unit_test(test_detach_waits),
		cmocka_unit_test(test_detach_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
