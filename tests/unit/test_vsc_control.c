/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control apart from the owners of queues: the mailbox between them, detach
 * while owners run, and what a bus may do to a NetVSC: end late, or never.
 */
#include "vsc_rig.h"

static struct rig rig;

static void
push_status(uint32_t status)
{
	struct rndis_msg m = { .type = RNDIS_INDICATE_STATUS };

	m.status.status = status;
	rig_push_rndis(&m);
}

static bool
pass(uint32_t chan)
{
	struct chan *c = &rig.chan[chan];

	return c->events->ready(c, 64);
}

static void
push_frame(uint64_t xact)
{
	struct rndis_ppi_set ppi = { 0 };
	struct vmpkt_xfer_range range = { 0, 60 * 1728 };
	uint8_t *at = rig_rxbuf(range.offset);
	uint32_t hdr = rndis_packet_put_header(at, 200, &ppi, 60);

	range.bytes = hdr + 60;
	memset(at + hdr, 0x11, 60);
	rig_push_xfer(0, xact, NVS_CHANNEL_DATA, &range, 1);
}

/* Messages wait while control sleeps; frames and acknowledgements do not. */
static void
owners_do_not_wait(void **state)
{
	struct nvs_msg path = { .type = NVS_DATAPATH };

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	push_status(RNDIS_STATUS_MEDIA_DISCONNECT);
	rig_push_nvs(0, VMPKT_INBAND, 7, &path);
	push_frame(8);
	assert_false(pass(0));
	assert_int_equal(rig.frames, 1);
	/* both sections are the host's again, and nothing was asked of it */
	assert_int_equal(rig.nsent, 2);
	assert_int_equal(rig.sent[0].xact, 0x7700);
	assert_int_equal(rig.sent[1].xact, 8);
	assert_true(rig.wanted);
	assert_int_equal(rig.links, 0);
	assert_int_equal(rig.v->vf_messages, 0);
	/* what the host writes there now is not what it sent */
	memset(rig_rxbuf(0), 0xff, 1728);
	rig.wanted = false;
	push_frame(9);
	assert_false(pass(0));
	assert_int_equal(rig.frames, 2);
	assert_false(rig.wanted);
	rig_run(&rig);
	assert_int_equal(rig.links, 1);
	assert_int_equal(rig.v->vf_messages, 1);
	assert_int_equal(rig.failed, 0);
	rig_down(&rig);
}

/* Many times its own size goes through the mailbox, in order. */
static void
mail_goes_round(void **state)
{
	struct nvs_msg n = { .type = NVS_SEND_TABLE };

	rig_init(&rig, 0x50003);
	rig.cfg.vps = 2;
	rig.grant = 1;
	rig_up(&rig);
	n.send_table.count = NVS_SEND_TABLE_ENTRIES;
	for (uint32_t i = 0; i < 2000; i++) {
		for (uint32_t k = 0; k <= i % 9; k++) {
			n.send_table.entry[3] = (i + k) % 2;
			rig_push_nvs(0, VMPKT_INBAND, 0, &n);
		}
		assert_false(pass(0));
		(void)vsc_control(rig.v, rig.now);
		assert_int_equal(vsc_tx_select(rig.v, 3),
		    n.send_table.entry[3]);
		memset(rig.in, 0, sizeof(rig_in[0]) * 16);
		rig.in_at = 0;
	}
	assert_int_equal(rig.v->mail.head, rig.v->mail.tail);
	assert_true(rig.v->mail.head > 10 * VSC_MAIL_BYTES);
	assert_int_equal(rig.failed, 0);
	rig_down(&rig);
}

/* A host that goes on and on is faulted once, and no owner waits. */
static void
a_flood_is_a_fault(void **state)
{
	uint32_t n = 0;

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	while (!vsc_is_broken(rig.v)) {
		push_status(RNDIS_STATUS_MEDIA_CONNECT);
		assert_false(pass(0));
		assert_in_range(++n, 1, VSC_MAIL_BYTES / 64);
	}
	/* dozens of them are no flood */
	assert_true(n > 64);
	assert_int_equal(rig.failed, 0);
	(void)vsc_control(rig.v, rig.now);
	assert_int_equal(rig.failed, 1);
	assert_int_equal(rig.why, FAULT_NVS_FLOOD);
	assert_int_equal(rig.chan[0].faults.total, 1);
	assert_int_equal(rig.chan[0].faults.count[FAULT_NVS_FLOOD], 1);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);
}

/* Sub-channels carry frames only. */
static void
control_on_a_subchannel(void **state)
{
	static const enum fault why[] = { FAULT_NVS_STATE, FAULT_XACT_ID,
		FAULT_NVS_STATE };
	struct vmpkt_xfer_range range = { 64, 0 };
	struct nvs_msg path = { .type = NVS_DATAPATH };

	for (uint32_t i = 0; i < 3; i++) {
		rig_init(&rig, 0x50003);
		rig.cfg.vps = 2;
		rig.grant = 1;
		rig_up(&rig);
		if (i == 0)
			rig_push_nvs(1, VMPKT_INBAND, 0, &path);
		else if (i == 1)
			rig_complete(1, VSC_XACT_CTL | 0x100);
		else
			rig_push_xfer(1, 0, NVS_CHANNEL_CONTROL, &range, 1);
		rig_poll(&rig, 1);
		assert_int_equal(rig.failed, 1);
		assert_int_equal(rig.why, why[i]);
		assert_int_equal(rig.chan[1].faults.total, 1);
		rig_down(&rig);
	}
}

/* A bus may call until the ring is empty: a broken device empties it. */
static void
broken_leaves_nothing(void **state)
{
	struct vmpkt_in p;
	uint8_t buf[VSC_RECV_BYTES];
	struct chan *c = &rig.chan[0];

	rig_init(&rig, 0x50003);
	rig_up(&rig);
	rig_push(0, VMPKT_GPA_DIRECT, 0);
	for (uint32_t i = 0; i < 100; i++)
		push_frame(i);
	for (uint32_t i = 0; i < 3; i++)
		(void)pass(0);
	assert_int_equal(rig.frames, 0);
	assert_int_equal(rig.nsent, 0);
	assert_int_equal(c->ops->recv(c, &p, buf, sizeof(buf)), 0);
	rig_down(&rig);
}

static uint32_t
frame_out(uint32_t queue)
{
	static const uint8_t frame[60] = { 2 };
	const struct vec v = { (void *)(uintptr_t)frame, sizeof(frame) };
	const struct pkt_meta m = { 0 };

	assert_int_equal(vsc_tx_copy(rig.v, queue, &v, 1, &m), 0);
	vsc_tx_flush(rig.v, queue);
	return rig.nsent - 1;
}

/* Detach waits until owners have taken all completions, and not longer. */
static void
owners_drain(void **state)
{
	uint32_t sent[2], revoked;

	rig_init(&rig, 0x50003);
	rig.cfg.vps = 2;
	rig.grant = 1;
	rig.complete = false;
	rig_up(&rig);
	sent[0] = frame_out(0);
	sent[1] = frame_out(1);
	vsc_detach(rig.v);
	rig_run(&rig);
	assert_int_equal(rig.detached, 0);
	assert_int_equal(rig.v->ctl.wait, VSC_WAIT_DRAIN);
	revoked = rig.nsent;
	rig.wanted = false;
	rig_complete(1, rig.sent[sent[1]].xact);
	assert_false(pass(1));
	assert_true(rig.wanted);	/* this queue is idle */
	rig_run(&rig);
	assert_int_equal(rig.detached, 0);
	assert_int_equal(rig.nsent, revoked);
	rig.wanted = false;
	rig_complete(0, rig.sent[sent[0]].xact);
	assert_false(pass(0));
	assert_true(rig.wanted);
	rig_run(&rig);
	assert_int_equal(rig.detached, 1);
	assert_int_equal(rig.failed, 0);
	vsc_free(rig.v);
	assert_int_equal(rig.live_bytes, 0);
	assert_int_equal(rig.live_mem, 0);
}

/* ---- the bus ------------------------------------------------------------ */

static struct chan_ops ops;
static int open_err, create_err, teardown_err, close_err;
static uint32_t expected;

static int
err_open(struct chan *c, const struct chan_open *o)
{
	rig.open[0] = open_err == 0;
	c->events->opened(c, open_err);
	return 0;
}

static int
err_create(struct chan *c, const struct chan_mem *m, uint32_t *id)
{
	*id = ++rig.next_gpadl;
	c->events->gpadl_created(c, *id, create_err);
	return 0;
}

static int
err_teardown(struct chan *c, uint32_t id)
{
	c->events->gpadl_torndown(c, id, teardown_err);
	return 0;
}

static int
err_close(struct chan *c)
{
	rig.open[0] = false;
	c->events->closed(c, close_err);
	return 0;
}

static void
bus(int open, int create, int teardown, int close)
{
	rig_init(&rig, 0x50003);
	ops = *rig.chan[0].ops;
	ops.open = err_open;
	ops.gpadl_create = err_create;
	ops.gpadl_teardown = err_teardown;
	ops.close = err_close;
	rig.chan[0].ops = &ops;
	open_err = open;
	create_err = create;
	teardown_err = teardown;
	close_err = close;
	rig_attach(&rig);
}

/* Bytes that detach leaves with the host, all counted. */
static uint32_t
detach_leaks(void)
{
	uint32_t leaked;

	vsc_detach(rig.v);
	rig_run(&rig);
	leaked = vsc_leaked_bytes(rig.v);
	assert_int_equal(rig.live_mem, leaked);
	vsc_free(rig.v);
	rig_leaked_free(&rig);
	return leaked;
}

/* What an operation without an answer left with the host is never freed. */
static void
time_outs_leak(void **state)
{
	uint32_t ring, rxbuf, both;

	bus(E_NOTSUP, 0, 0, 0);
	assert_int_equal(rig.err, E_NOTSUP);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);

	bus(E_TIMEOUT, 0, 0, 0);
	assert_int_equal(rig.failed, 1);
	assert_int_equal(rig.err, E_TIMEOUT);
	ring = 2 * rig.cfg.tune.ring_pages * HV_PAGE_SIZE;
	assert_int_equal(detach_leaks(), ring);

	bus(0, E_NOMEM, 0, 0);
	assert_int_equal(rig.failed, 1);
	rig_down(&rig);
	assert_int_equal(rig.live_mem, 0);

	bus(0, E_TIMEOUT, 0, 0);
	assert_int_equal(rig.failed, 1);
	rxbuf = rig.cfg.tune.rxbuf_kb << 10;
	assert_int_equal(detach_leaks(), rxbuf);

	bus(0, 0, E_TIMEOUT, 0);
	assert_int_equal(rig.attached, 1);
	both = rxbuf + (rig.cfg.tune.sendbuf_kb << 10);
	assert_int_equal(detach_leaks(), both);

	/* ring and slots: the host may read packets that name them */
	bus(0, 0, 0, E_TIMEOUT);
	assert_int_equal(rig.attached, 1);
	assert_true(detach_leaks() > ring);
	assert_int_equal(rig.live_bytes, 0);
}

/* rescinded() comes during detach, after it, or never. */
static void
late_rescind(void **state)
{
	struct chan *c = &rig.chan[0];

	for (uint32_t when = 0; when < 3; when++) {
		rig_init(&rig, 0x50003);
		rig_up(&rig);
		rig.mute = RNDIS_SET;	/* there is no host any more */
		vsc_detach(rig.v);
		rig_run(&rig);
		assert_int_equal(rig.detached, 0);
		if (when == 0)
			c->events->rescinded(c);
		else
			rig.now += VSC_DETACH_NS;
		rig_run(&rig);
		assert_int_equal(rig.detached, 1);
		vsc_free(rig.v);
	rig_leaked_free(&rig);
		if (when == 1)
			c->events->rescinded(c);
		assert_int_equal(rig.live_bytes, 0);
		assert_int_equal(rig.live_mem, 0);
	}
}

static void
count_expected(struct chan *primary, uint32_t n)
{
	expected = n;
	rig.expected = n;
}

/* A bus that counts: it is told how many, and every one it gives is closed. */
static void
subs_are_counted(void **state)
{
	rig_init(&rig, 0x50003);
	ops = *rig.chan[0].ops;
	ops.subs_expect = count_expected;
	rig.chan[0].ops = &ops;
	rig.cfg.vps = 4;
	rig.grant = 2;
	expected = 0;
	rig_up(&rig);
	assert_int_equal(expected, 2);
	assert_int_equal(vsc_caps(rig.v)->queues, 3);
	rig_down(&rig);

	/* an attach that fails before they are opened */
	rig_init(&rig, 0x50003);
	rig.cfg.vps = 4;
	rig.grant = 2;
	rig.cfg.tune.tx_slots = 4;
	rig.mem_left = 12;
	rig_attach(&rig);
	assert_int_equal(rig.failed, 1);
	assert_string_equal(rig.stage, "queue memory");
	assert_string_equal(rig.order, "open0 ");
	rig_down(&rig);
	assert_string_equal(rig.order, "open0 close2 close1 close0 "
	    "teardown teardown ");
	assert_int_equal(rig.live_mem, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_do_not_wait),
		cmocka_unit_test(mail_goes_round),
		cmocka_unit_test(a_flood_is_a_fault),
		cmocka_unit_test(control_on_a_subchannel),
		cmocka_unit_test(broken_leaves_nothing),
		cmocka_unit_test(owners_drain),
		cmocka_unit_test(time_outs_leak),
		cmocka_unit_test(late_rescind),
		cmocka_unit_test(subs_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
