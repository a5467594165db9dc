/*
 * VMBus server: open, traffic and signals, move, close, sub-channels, polls.
 */
#include "bus/ring_chan.h"
#include "vms_rig.h"

static const struct vms_config cfg_default = { .dedicated_interrupt = true };

#define RING_PFN	0x400u	/* 8 pages: 4 to the host, 4 to the guest */
#define OK		"00000000"
#define FAILED		"ffff0080"

static struct rig *
connected(uint32_t version, const struct vms_config *cfg)
{
	struct rig *r = rig_new(cfg);

	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	rig_connect_version(r, version);
	return r;
}

/* Ring GPADL `10 + relid` of 8 pages, zeroed, the guest's feature bit set. */
static void
ring_gpadl(struct rig *r, uint32_t relid)
{
	uint64_t pfn = RING_PFN + 8 * relid;
	struct ring_ctrl_wire *ctrl = rig_page(r, pfn);
	uint8_t buf[VMBUS_MSG_MAX];

	memset(ctrl, 0, 8 << 12);
	ctrl->feature = le32_put(RING_FEATURE_PENDING_SEND);
	assert_int_equal(rig_gpadl(r, relid, 10 + relid, pfn, 8), 0);
	assert_int_equal(rig_take(r, 0, buf), 20);
	assert_int_equal(buf[16], 0);
}

/* OPEN_CHANNEL; 0 or what it returns. */
static int
post_open(struct rig *r, uint32_t relid, uint32_t gpadl, uint32_t vp,
    uint32_t down)
{
	struct vmbus_msg m = { .type = VMBUS_OPEN_CHANNEL };
	uint8_t buf[VMBUS_MSG_MAX];
	uint32_t n;

	memset(&m.open, 0, sizeof(m.open));
	m.open.relid = relid;
	m.open.open_id = 0x77;
	m.open.ring_gpadl = gpadl;
	m.open.target_vp = vp;
	m.open.downstream_pages = down;
	n = vmbus_msg_encode(&m, buf);
	assert_int_equal(n, 148);
	return vms_message(r->vms, 1, (struct span){ buf, n });
}

static void
open_on(struct rig *r, uint32_t relid, uint32_t vp)
{
	uint8_t buf[VMBUS_MSG_MAX];

	ring_gpadl(r, relid);
	assert_int_equal(post_open(r, relid, 10 + relid, vp, 4), 0);
	assert_int_equal(rig_take(r, 0, buf), 20);
	assert_int_equal(buf[0], VMBUS_OPEN_RESULT);
	assert_int_equal(buf[16], 0);
}

static void
guest_signal(struct ring_chan *rc)
{
	(*(uint32_t *)rc->chan.user)++;
}

/* The guest's end of the rings of a relid. */
static void
guest_end(struct rig *r, uint32_t relid, struct ring_chan *rc,
    uint32_t *signals)
{
	uint8_t *mem = rig_page(r, RING_PFN + 8 * relid);
	struct ring_chan_config cfg = { .out_mem = mem, .out_bytes = 4 << 12,
	    .in_mem = mem + (4 << 12), .in_bytes = 4 << 12,
	    .signal = guest_signal };
	enum fault why;

	memset(rc, 0, sizeof(*rc));
	*signals = 0;
	rc->chan.ops = &ring_chan_ops;
	rc->chan.user = signals;
	assert_int_equal(ring_chan_init(rc, &cfg, &why), 0);
}

static int
send_text(struct chan *c, const char *text)
{
	struct vmpkt_out p = { .type = VMPKT_INBAND, .xact = 5,
	    .data = { (const uint8_t *)text, 8 } };
	int err = chan_send(c, &p);

	chan_commit(c);
	return err;
}

static uint32_t
flag_of(struct rig *r, uint32_t vp, uint32_t flag)
{
	struct synic_siefp_wire *page = rig_page(r, RIG_SIEFP(vp));

	return le32_get(page->sint[2].word[flag / 32]) >> flag % 32 & 1;
}

static void
open_carries_traffic_and_signals(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct ring_chan guest;
	struct vmpkt_in in;
	uint64_t buf[8];
	uint32_t signals;

	ring_gpadl(r, 1);
	/* relid 1, open id 0x77, GPADL 11, VP 2, downstream at page 4 */
	assert_int_equal(rig_post_on(r, 1, "05000000 00000000 01000000"
	    "77000000 0b000000 02000000 04000000", 148), 0);
	rig_expect(r, "06000000 00000000 01000000 77000000 00000000");
	assert_non_null(r->open[0]);
	assert_int_equal(r->open[0]->vmbus_version, VMBUS_V5_3);
	assert_int_equal(r->open[0]->relid, 1);
	assert_int_equal(r->open[0]->ops->caps, RING_CHAN_CAPS);
	assert_int_equal(vms_chan_vp(r->open[0]), 2);
	assert_ptr_equal(vms_connection_chan(r->vms, 0x2001), r->open[0]);
	assert_null(vms_connection_chan(r->vms, 0x2002));
	assert_null(vms_connection_chan(r->vms, 1));
	assert_null(vms_connection_chan(r->vms, 0xffffffff));

	guest_end(r, 1, &guest, &signals);
	assert_int_equal(send_text(&guest.chan, "to  host"), 0);
	assert_int_equal(signals, 1);
	assert_int_equal(chan_recv(r->open[0], &in, buf, sizeof(buf)), 1);
	assert_memory_equal(in.data.p, "to  host", 8);
	assert_int_equal(in.xact, 5);
	chan_recv_commit(r->open[0]);

	assert_int_equal(send_text(r->open[0], "to guest"), 0);
	assert_int_equal(flag_of(r, 2, 1), 1);
	assert_int_equal(r->interrupts[2], 1);
	assert_int_equal(r->interrupts[0], 4 + 1);
	assert_int_equal(chan_recv(&guest.chan, &in, buf, sizeof(buf)), 1);
	assert_memory_equal(in.data.p, "to guest", 8);
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
wrong_opens_fail_and_are_noted(void **state)
{
	static const struct {
		uint32_t relid, gpadl, vp, down;
		enum fault why;
	} bad[] = {
		{ 9, 11, 0, 4, FAULT_VMBUS_RELID },
		{ 0xffffffff, 11, 0, 4, FAULT_VMBUS_RELID },
		{ 1, 12, 0, 4, FAULT_GPADL_ID },
		{ 1, 0, 0, 4, FAULT_GPADL_ID },
		{ 1, 11, RIG_VPS, 4, FAULT_VMBUS_VP },
		{ 1, 11, 0xfffffffe, 4, FAULT_VMBUS_VP },
		{ 1, 11, 0, 0, FAULT_OPEN_GEOMETRY },
		{ 1, 11, 0, 1, FAULT_OPEN_GEOMETRY },
		{ 1, 11, 0, 7, FAULT_OPEN_GEOMETRY },
		{ 1, 11, 0, 8, FAULT_OPEN_GEOMETRY },
		{ 1, 11, 0, 0x100002, FAULT_OPEN_GEOMETRY },
		{ 1, 11, 0, 0xffffffff, FAULT_OPEN_GEOMETRY },
	};
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct ring_ctrl_wire *ctrl = rig_page(r, RING_PFN + 8);
	uint8_t buf[VMBUS_MSG_MAX];

	ring_gpadl(r, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(post_open(r, bad[i].relid, bad[i].gpadl,
		    bad[i].vp, bad[i].down), E_PEER);
		assert_int_equal(rig_take(r, 0, buf), 20);
		assert_int_equal(buf[0], VMBUS_OPEN_RESULT);
		assert_int_equal(buf[12], 0x77);
		assert_memory_equal(buf + 16, "\xff\xff\x00\x80", 4);
		rig_expect_fault(r, bad[i].why);
	}
	/* an index that cannot be */
	ctrl->write_index = le32_put(4);
	assert_int_equal(post_open(r, 1, 11, 0, 4), E_PEER);
	rig_expect(r, "06000000 00000000 01000000 77000000" FAILED);
	rig_expect_fault(r, FAULT_RING_INDEX);
	ctrl->write_index = le32_put(0);
	/* the device refuses: no fault of the guest */
	r->open_result = E_NOMEM;
	assert_int_equal(post_open(r, 1, 11, 0, 4), 0);
	rig_expect(r, "06000000 00000000 01000000 77000000" FAILED);
	rig_expect_no_fault(r);
	r->open_result = 0;
	/* nothing was left behind: 2 and 6 pages are fine, then taken */
	assert_int_equal(post_open(r, 1, 11, 0, 2), 0);
	rig_expect(r, "06000000 00000000 01000000 77000000" OK);
	assert_int_equal(post_open(r, 1, 11, 0, 2), E_PEER);
	rig_expect(r, "06000000 00000000 01000000 77000000" FAILED);
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	assert_int_equal(r->opens, 1);
	rig_delete(r);
}

static void
guest_without_pending_send_gets_no_wait(void **state)
{
	struct rig *r = connected(VMBUS_V2_4, &cfg_default);
	struct ring_ctrl_wire *up = rig_page(r, RING_PFN + 8);
	struct ring_ctrl_wire *down = rig_page(r, RING_PFN + 8 + 4);

	ring_gpadl(r, 1);
	up->feature = le32_put(0);
	assert_int_equal(post_open(r, 1, 11, 0, 4), 0);
	assert_int_equal(r->open[0]->ops->caps,
	    CHAN_CAP_BATCH | CHAN_CAP_MASK);
	assert_int_equal(le32_get(down->feature), 0);
	rig_delete(r);
}

static void
interrupts_off_until_moved(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);

	open_on(r, 1, VMBUS_VP_INTERRUPTS_OFF);
	memset(r->interrupts, 0, sizeof(r->interrupts));
	assert_int_equal(send_text(r->open[0], "to guest"), 0);
	for (uint32_t vp = 0; vp < RIG_VPS; vp++) {
		assert_int_equal(r->interrupts[vp], 0);
		assert_int_equal(flag_of(r, vp, 1), 0);
	}
	/* on again: what was not signalled is made up for */
	assert_int_equal(rig_post(r, "16000000 00000000 01000000 03000000"),
	    0);
	rig_expect(r, "18000000 00000000 01000000 00000000");
	assert_int_equal(flag_of(r, 3, 1), 1);
	assert_int_equal(r->interrupts[3], 1);
	rig_delete(r);
}

static void
modify_moves_the_flag(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);

	open_on(r, 1, 0);
	assert_int_equal(rig_post(r, "16000000 00000000 01000000 02000000"),
	    0);
	rig_expect(r, "18000000 00000000 01000000 00000000");
	assert_int_equal(vms_chan_vp(r->open[0]), 2);
	assert_int_equal(send_text(r->open[0], "to guest"), 0);
	assert_int_equal(flag_of(r, 0, 1), 0);
	assert_int_equal(flag_of(r, 2, 1), 1);
	/* no such VP, no such channel, not open */
	assert_int_equal(rig_post(r, "16000000 00000000 01000000 04000000"),
	    E_PEER);
	rig_expect(r, "18000000 00000000 01000000 ffff0080");
	rig_expect_fault(r, FAULT_VMBUS_VP);
	assert_int_equal(rig_post(r, "16000000 00000000 08000000 00000000"),
	    E_PEER);
	rig_expect(r, "18000000 00000000 08000000 ffff0080");
	rig_expect_fault(r, FAULT_VMBUS_RELID);
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), 0);
	assert_int_equal(rig_post(r, "16000000 00000000 01000000 00000000"),
	    E_PEER);
	rig_expect(r, "18000000 00000000 01000000 ffff0080");
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	rig_delete(r);
}

static void
modify_by_version(void **state)
{
	static const struct { uint32_t version; bool known, answered; } row[] = {
		{ VMBUS_V4_0, false, false }, { VMBUS_V4_1, true, false },
		{ VMBUS_V5_2, true, false }, { VMBUS_V5_3, true, true },
		{ VMBUS_V6_0, true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct rig *r = connected(row[i].version, &cfg_default);
		uint8_t buf[VMBUS_MSG_MAX];

		open_on(r, 1, 0);
		assert_int_equal(rig_post(r,
		    "16000000 00000000 01000000 03000000"),
		    row[i].known ? 0 : E_PEER);
		assert_int_equal(rig_take(r, 0, buf),
		    row[i].answered ? 16 : 0);
		assert_int_equal(vms_chan_vp(r->open[0]),
		    row[i].known ? 3 : 0);
		rig_delete(r);
	}
}

static void
close_gives_the_ring_back(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct chan *c;

	open_on(r, 1, 0);
	c = r->open[0];
	/* the ring's GPADL cannot go while it is open; answered after */
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 0b000000"),
	    E_PEER);
	rig_expect_fault(r, FAULT_GPADL_BUSY);
	rig_expect_none(r);
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), 0);
	assert_string_equal(r->order, "o0c0");
	rig_expect(r, "0c000000 00000000 0b000000");
	rig_expect_none(r);
	assert_int_equal(send_text(c, "to guest"), E_GONE);
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_STATE);
	assert_int_equal(rig_post(r, "07000000 00000000 05000000"), E_PEER);
	rig_expect_fault(r, FAULT_VMBUS_RELID);
	/* and again, in the order that Linux has: close, then teardown */
	open_on(r, 1, 1);
	assert_ptr_equal(r->open[0], c);
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), 0);
	rig_expect_none(r);
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 0b000000"),
	    0);
	rig_expect(r, "0c000000 00000000 0b000000");
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
primary_close_takes_its_subchannels(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	uint8_t buf[VMBUS_MSG_MAX];

	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 3), E_STATE);
	open_on(r, 1, 0);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 3), 3);
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(rig_take(r, 0, buf), 196);
		assert_int_equal(buf[180], i);		/* index */
		assert_int_equal(buf[184], 1 + i);	/* relid */
		assert_memory_equal(buf + 8, r->dev.type.b, 16);
		assert_memory_equal(buf + 24, r->dev.instance.b, 16);
	}
	open_on(r, 2, 1);
	open_on(r, 4, 3);
	assert_int_equal(r->open[3]->subindex, 3);
	assert_int_equal(send_text(r->open[3], "to guest"), 0);
	assert_int_equal(flag_of(r, 3, 4), 1);
	/* a sub-channel closes and opens alone */
	assert_int_equal(rig_post(r, "07000000 00000000 02000000"), 0);
	rig_expect_none(r);
	assert_int_equal(post_open(r, 2, 12, 1, 4), 0);
	rig_expect(r, "06000000 00000000 02000000 77000000" OK);

	memset(r->order, 0, sizeof(r->order));
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), 0);
	assert_string_equal(r->order, "c1c3c0");
	rig_expect(r, "02000000 00000000 02000000");
	rig_expect(r, "02000000 00000000 03000000");
	rig_expect(r, "02000000 00000000 04000000");
	rig_expect_none(r);
	assert_int_equal(r->conn_count, 1);
	/* the guest may still close what it had open */
	assert_int_equal(rig_post(r, "07000000 00000000 02000000"), 0);

	/* not released: new relids; released: used again */
	assert_int_equal(rig_post(r, "0d000000 00000000 03000000"), 0);
	assert_int_equal(post_open(r, 1, 11, 0, 4), 0);
	rig_expect(r, "06000000 00000000 01000000 77000000" OK);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 2), 2);
	assert_int_equal(rig_take(r, 0, buf), 196);
	assert_int_equal(buf[180], 1);
	assert_int_equal(buf[184], 3);
	assert_int_equal(rig_take(r, 0, buf), 196);
	assert_int_equal(buf[180], 2);
	assert_int_equal(buf[184], 5);
	rig_expect_no_fault(r);
	/* a new contact takes them all */
	rig_connect(r);
	assert_int_equal(r->conn_count, 1);
	rig_delete(r);
}

static void
subchannels_offered_until_something_ends(void **state)
{
	struct rig *r = connected(VMBUS_V2_4, &cfg_default);

	open_on(r, 1, 0);
	r->fail_add = 3;
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 5), 2);
	r->fail_alloc = 1;
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 5), E_NOMEM);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 0), 0);
	assert_int_equal(rig_take(r, 0, (uint8_t[240]){ 0 }), 196);
	assert_int_equal(rig_take(r, 0, (uint8_t[240]){ 0 }), 196);
	rig_expect_none(r);
	rig_delete(r);
}

static void
rescind_closes_all(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	uint8_t buf[VMBUS_MSG_MAX];

	open_on(r, 1, 0);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 1), 1);
	assert_int_equal(rig_take(r, 0, buf), 196);
	open_on(r, 2, 1);
	vms_dev_rescind(r->vms, &r->dev);
	assert_string_equal(r->order, "o0o1c1c0");
	rig_expect(r, "02000000 00000000 02000000");
	rig_expect(r, "02000000 00000000 01000000");
	/* racing requests: no open result, GPADL torn down */
	assert_int_equal(post_open(r, 1, 11, 0, 4), 0);
	assert_int_equal(rig_post(r, "07000000 00000000 01000000"), 0);
	rig_expect_none(r);
	assert_int_equal(rig_post(r, "0b000000 00000000 01000000 0b000000"),
	    0);
	rig_expect(r, "0c000000 00000000 0b000000");
	rig_expect_no_fault(r);
	rig_delete(r);
}

static void
contact_and_unload_close_what_is_open(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);

	open_on(r, 1, 0);
	r->held = vms_gpadl_get(r->vms, 11);
	rig_connect(r);
	assert_int_equal(r->closes, 1);
	assert_int_equal(vms_gpadl_count(r->vms), 0);
	open_on(r, 1, 0);
	assert_int_equal(rig_post(r, "10000000 00000000"), 0);
	rig_expect(r, "11000000 00000000");
	rig_expect_none(r);
	assert_int_equal(r->closes, 2);
	rig_delete(r);
}

static void
old_guests_get_the_interrupt_page(void **state)
{
	static const uint32_t old[] = { VMBUS_V0_13, VMBUS_V1_1 };

	for (size_t i = 0; i < ARRAY_LEN(old); i++) {
		struct rig *r = connected(old[i], &cfg_default);
		struct synic_intpage_wire *page = rig_page(r, 0x30);

		open_on(r, 1, 0);
		memset(r->interrupts, 0, sizeof(r->interrupts));
		assert_int_equal(send_text(r->open[0], "to guest"), 0);
		assert_int_equal(le32_get(page->to_guest[0]), 1u << 1);
		assert_int_equal(flag_of(r, 0, 0), 1);
		assert_int_equal(flag_of(r, 0, 1), 0);
		assert_int_equal(r->interrupts[0], 1);
		assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 1),
		    E_NOTSUP);
		rig_delete(r);
	}
}

static void
count_signal(void *ctx, struct chan *c)
{
	((uint32_t *)ctx)[c->relid]++;
}

static void
interrupt_page_is_polled(void **state)
{
	struct rig *r = connected(VMBUS_V0_13, &cfg_default);
	struct synic_intpage_wire *page = rig_page(r, 0x30);
	uint32_t hits[VMS_MAX_CHANNELS] = { 0 };

	vms_intpage_poll(r->vms, count_signal, hits);
	open_on(r, 1, 0);
	/* every bit, also those of no channel */
	memset(page->to_host, 0xff, sizeof(page->to_host));
	vms_intpage_poll(r->vms, count_signal, hits);
	vms_intpage_poll(r->vms, count_signal, hits);
	assert_int_equal(hits[1], 1);
	assert_int_equal(hits[2], 0);
	assert_int_equal(le32_get(page->to_host[0]), 0);
	rig_delete(r);
}

static void
monitor_page_is_polled_by_our_own_table(void **state)
{
	struct vms_config cfg = cfg_default;
	struct synic_monitor_wire *page;
	struct rig *r;
	uint32_t hits[VMS_MAX_CHANNELS] = { 0 };
	uint8_t buf[VMBUS_MSG_MAX];
	struct vms_dev two;

	cfg.monitor = true;
	r = connected(VMBUS_V5_3, &cfg);
	page = rig_page(r, 0x32);
	rig_dev_init(&two, 0xb2);
	assert_int_equal(vms_dev_offer(r->vms, &two), 0);
	assert_int_equal(rig_take(r, 0, buf), 196);
	assert_int_equal(buf[188], 1);		/* monitor id */
	assert_int_equal(buf[189], 1);		/* allocated */
	open_on(r, 1, 0);
	/* the guest's parameters lie; ids 0 and 1, and some of nobody */
	memset(page->param, 0xff, sizeof(page->param));
	page->group[0].pending = le32_put(0x80000003);
	page->group[3].pending = le32_put(0xffffffff);
	vms_monitor_poll(r->vms, count_signal, hits);
	vms_monitor_poll(r->vms, count_signal, hits);
	assert_int_equal(hits[1], 1);
	assert_int_equal(hits[2], 0);
	assert_int_equal(le32_get(page->group[0].pending), 0);
	vms_dev_rescind(r->vms, &two);
	rig_delete(r);
	/* a guest without monitor pages gets no id */
	r = rig_new(&cfg);
	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	assert_int_equal(rig_post_on(r, 4,
	    "0e000000 00000000 03000500 00000000 0200", 40), 0);
	assert_int_equal(rig_take(r, 0, buf), 16);
	assert_int_equal(rig_post(r, "03000000 00000000"), 0);
	assert_int_equal(rig_take(r, 0, buf), 196);
	assert_int_equal(buf[189], 0);
	vms_monitor_poll(r->vms, count_signal, hits);
	rig_delete(r);
}

static void
monitor_ids_end_at_127(void **state)
{
	struct vms_config cfg = cfg_default;
	struct rig *r;
	uint8_t buf[VMBUS_MSG_MAX];

	cfg.monitor = true;
	r = connected(VMBUS_V5_3, &cfg);
	open_on(r, 1, 0);
	assert_int_equal(vms_subchannels_offer(r->vms, &r->dev, 130), 130);
	for (uint32_t i = 1; i <= 130; i++) {
		assert_int_equal(rig_take(r, 0, buf), 196);
		assert_int_equal(buf[188], i < 128 ? i : 0);
		assert_int_equal(buf[189], i < 128);
	}
	rig_delete(r);
}

static void
guest_that_breaks_a_ring_is_noted_once(void **state)
{
	struct rig *r = connected(VMBUS_V5_3, &cfg_default);
	struct ring_ctrl_wire *up = rig_page(r, RING_PFN + 8);
	struct vmpkt_in in;
	uint64_t buf[8];

	open_on(r, 1, 0);
	up->write_index = le32_put(0x7fffffff);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(chan_recv(r->open[0], &in, buf, sizeof(buf)),
		    E_PEER);
		assert_int_equal(send_text(r->open[0], "to guest"), E_PEER);
		assert_false(chan_irq_unmask(r->open[0]));
	}
	assert_int_equal(r->open[0]->faults.total, 1);
	assert_int_equal(r->open[0]->faults.count[FAULT_RING_INDEX], 1);
	assert_int_equal(r->open[0]->faults.last_value, 0x7fffffff);
	rig_delete(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_carries_traffic_and_signals),
		cmocka_unit_test(wrong_opens_fail_and_are_noted),
		cmocka_unit_test(guest_without_pending_send_gets_no_wait),
		cmocka_unit_test(interrupts_off_until_moved),
		cmocka_unit_test(modify_moves_the_flag),
		cmocka_unit_test(modify_by_version),
		cmocka_unit_test(close_gives_the_ring_back),
		cmocka_unit_test(primary_close_takes_its_subchannels),
		cmocka_unit_test(subchannels_offered_until_something_ends),
		cmocka_unit_test(rescind_closes_all),
		cmocka_unit_test(contact_and_unload_close_what_is_open),
		cmocka_unit_test(old_guests_get_the_interrupt_page),
		cmocka_unit_test(interrupt_page_is_polled),
		cmocka_unit_test(monitor_page_is_polled_by_our_own_table),
		cmocka_unit_test(monitor_ids_end_at_127),
		cmocka_unit_test(guest_that_breaks_a_ring_is_noted_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
