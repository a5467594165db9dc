/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rig for tests of the VMBus server's open channels: ring GPADLs, openings,
 * and the guest's end of the rings.
 */
#ifndef TESTS_UNIT_VMS_CHAN_RIG_H
#define TESTS_UNIT_VMS_CHAN_RIG_H

#include "bus/ring_chan.h"
#include "vms_rig.h"

static const struct vms_config cfg_default = { .dedicated_interrupt = true };

#define RING_PFN	0x400u	/* 8 pages: 4 to the host, 4 to the guest */
#define OK		"00000000"
#define FAILED		"ffff0080"

static inline struct rig *
connected(uint32_t version, const struct vms_config *cfg)
{
	struct rig *r = rig_new(cfg);

	assert_int_equal(vms_dev_offer(r->vms, &r->dev), 0);
	rig_connect_version(r, version);
	return r;
}

/* Ring GPADL `10 + relid` of 8 pages, zeroed, the guest's feature bit set. */
static inline void
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
static inline int
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

static inline void
open_on(struct rig *r, uint32_t relid, uint32_t vp)
{
	uint8_t buf[VMBUS_MSG_MAX];

	ring_gpadl(r, relid);
	assert_int_equal(post_open(r, relid, 10 + relid, vp, 4), 0);
	assert_int_equal(rig_take(r, 0, buf), 20);
	assert_int_equal(buf[0], VMBUS_OPEN_RESULT);
	assert_int_equal(buf[16], 0);
}

static inline void
guest_signal(struct ring_chan *rc)
{
	(*(uint32_t *)rc->chan.user)++;
}

/* The guest's end of the rings of a relid. */
static inline void
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

static inline int
send_text(struct chan *c, const char *text)
{
	struct vmpkt_out p = { .type = VMPKT_INBAND, .xact = 5,
	    .data = { (const uint8_t *)text, 8 } };
	int err = chan_send(c, &p);

	chan_commit(c);
	return err;
}

static inline uint32_t
flag_of(struct rig *r, uint32_t vp, uint32_t flag)
{
	struct synic_siefp_wire *page = rig_page(r, RIG_SIEFP(vp));

	return le32_get(page->sint[2].word[flag / 32]) >> flag % 32 & 1;
}

#endif
