/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz the VMBus server as a whole: a guest that posts what it likes, writes
 * what it likes into memory that the host has mapped, and moves its registers,
 * while a device echoes what comes, offers and takes back channels, and runs
 * out of memory.
 *
 * The input is a list of operations, see step().  In the end everything must
 * be back: the rig looks after that.
 */
#define RIG_PAGES	128u		/* cleared for each input */
#define RING_PAGES	64u		/* the last of them, from 0x40 */
#define RIG_KEEPS_MEMORY
#include "fuzz_blocks.h"
#include "../unit/vms_rig.h"
#include "fuzz_input.h"

#define PACKET_MAX	8192u

static uint8_t packet[PACKET_MAX];

static uint32_t
relid_of(struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f);

	return b < 250 ? b % 6 : fuzz_u32(f);
}

static void
post(struct rig *r, struct fuzz_in *f, const uint8_t *buf, uint32_t n)
{
	uint32_t conn = fuzz_u8(f);
	uint8_t *exact = malloc(n > 0 ? n : 1);

	fuzz_require(exact != NULL);
	memcpy(exact, buf, n);
	(void)vms_message(r->vms, conn < 200 ? VMBUS_CONN_MESSAGE :
	    conn < 240 ? VMBUS_CONN_MESSAGE_5_0 : conn,
	    (struct span){ exact, n });
	free(exact);
}

static void
post_raw(struct rig *r, struct fuzz_in *f)
{
	uint8_t buf[VMBUS_MSG_MAX] = { 0 };
	uint32_t n = min_u32(fuzz_u8(f), VMBUS_MSG_MAX);

	buf[0] = (uint8_t)(fuzz_u8(f) % (VMBUS_MSG_TYPES + 2));
	fuzz_fill(f, buf + min_u32(n, 8), n - min_u32(n, 8));
	post(r, f, buf, n);
}

static void
post_contact(struct rig *r, struct fuzz_in *f)
{
	struct vmbus_msg m = { .type = VMBUS_INITIATE_CONTACT };
	uint8_t buf[VMBUS_MSG_MAX];
	uint32_t v = fuzz_u8(f);

	memset(&m.contact, 0, sizeof(m.contact));
	m.contact.version = v < 220 ? vmbus_versions[v % VMBUS_VERSIONS] :
	    fuzz_u32(f);
	m.contact.target_vp = fuzz_u8(f) % 5;
	m.contact.sint = (uint8_t)(fuzz_u8(f) < 240 ? 2 : 3);
	if (m.contact.version < VMBUS_V5_0)
		m.contact.interrupt_gpa = fuzz_u8(f) < 240 ? 0x30000 :
		    (uint64_t)fuzz_u32(f) << 12;
	m.contact.monitor_to_guest = fuzz_u8(f) < 240 ? 0x31000 :
	    (uint64_t)fuzz_u32(f) << 12;
	m.contact.monitor_to_host = fuzz_u8(f) < 240 ? 0x32000 : fuzz_u32(f);
	post(r, f, buf, vmbus_msg_encode(&m, buf));
	if (fuzz_u8(f) < 200)
		(void)rig_post(r, "03000000 00000000");
}

static void
post_gpadl(struct rig *r, struct fuzz_in *f)
{
	uint32_t relid = relid_of(f), id = fuzz_u8(f) % 8;
	uint32_t how = fuzz_u8(f), pages = fuzz_u8(f) % 40, n;
	uint64_t pfn[40];
	struct vmbus_gpadl_src src[2] = {
		{ .bytes = pages << 12, .first_pfn = 0x40 + fuzz_u8(f) %
		    RING_PAGES },
		{ .bytes = 0x1000, .first_pfn = fuzz_u32(f) } };
	uint32_t ranges = how & 1 ? 2 : 1, skip = how >> 5;
	uint8_t buf[VMBUS_MSG_MAX];

	if (how & 2) {
		for (uint32_t i = 0; i < pages; i++)
			pfn[i] = 0x40 + i * 2 + (fuzz_u8(f) & 0x41);
		src[0].pfn = pfn;
	}
	if (how & 4)
		src[0].offset = fuzz_u16(f) % 4096;
	if (how & 8)
		src[0].bytes -= fuzz_u16(f);
	if (src[0].bytes > sizeof(pfn) / 8 * 4096 - src[0].offset)
		return;
	for (uint32_t i = 0; i < 4; i++) {
		n = vmbus_gpadl_message(src, ranges, relid, id, i, buf);
		if (n == 0)
			break;
		if (i + 1 != skip)
			post(r, f, buf, n);
	}
}

static void
post_open(struct rig *r, struct fuzz_in *f)
{
	struct vmbus_msg m = { .type = VMBUS_OPEN_CHANNEL };
	uint8_t buf[VMBUS_MSG_MAX];

	memset(&m.open, 0, sizeof(m.open));
	m.open.relid = relid_of(f);
	m.open.open_id = 1;
	m.open.ring_gpadl = fuzz_u8(f) % 8;
	m.open.target_vp = fuzz_u8(f) % 5;
	m.open.downstream_pages = fuzz_u32(f);
	post(r, f, buf, vmbus_msg_encode(&m, buf));
}

static void
post_relid(struct rig *r, struct fuzz_in *f)
{
	static const uint8_t type[] = { VMBUS_CLOSE_CHANNEL,
	    VMBUS_GPADL_TEARDOWN, VMBUS_RELID_RELEASED, VMBUS_MODIFY_CHANNEL,
	    VMBUS_UNLOAD };
	uint8_t buf[24] = { 0 };

	buf[0] = type[fuzz_u8(f) % ARRAY_LEN(type)];
	buf[8] = (uint8_t)relid_of(f);
	buf[12] = (uint8_t)(fuzz_u8(f) % 8);
	post(r, f, buf, 24);
}

/* The guest changes a byte or an index of memory that both ends see. */
static void
scribble(struct rig *r, struct fuzz_in *f)
{
	uint32_t page = fuzz_u8(f) % RING_PAGES, off = fuzz_u8(f);
	uint32_t n = fuzz_u8(f) % 32;
	uint8_t *p = rig_page(r, 0x40 + page);

	if (off < 64) {
		le32_t v = le32_put(fuzz_u32(f) & ~(off & 32 ? 0u : 7u));

		memcpy(p + off % 16 / 4 * 4, &v, 4);
	} else {
		fuzz_fill(f, p + (off - 64) * 16, n);
	}
}

/* Pages that are not of a ring: SynIC's, interrupts, monitor. */
static void
scribble_low(struct rig *r, struct fuzz_in *f)
{
	uint8_t *p = rig_page(r, 0x10 + fuzz_u8(f) % 0x24);
	uint32_t off = fuzz_u16(f) % 4096, n = fuzz_u8(f) % 16;

	fuzz_fill(f, p + off, min_u32(n, 4096 - off));
}

static void
echo(struct rig *r, struct fuzz_in *f)
{
	struct vmpkt_in in;
	uint32_t how = fuzz_u8(f), cap = fuzz_u32(f) % (PACKET_MAX + 1);

	for (uint32_t i = 0; i < ARRAY_LEN(r->open); i++) {
		struct chan *c = r->open[i];
		int err;

		if (c == NULL)
			continue;
		if (how & 1)
			chan_irq_mask(c);
		for (uint32_t n = 0; n < 64; n++) {
			err = chan_recv(c, &in, packet, cap);
			if (err <= 0)
				break;
			struct vmpkt_out out = { .type = VMPKT_COMPLETION,
			    .xact = in.xact, .ext = in.ext, .data = in.data };
			err = chan_send(c, &out);
			fuzz_require(err == 0 || err == E_AGAIN ||
			    err == E_PEER || err == E_STATE || err == E_GONE);
			if (err == E_AGAIN)
				(void)chan_want_space(c, cap);
		}
		chan_commit(c);
		chan_recv_commit(c);
		if (how & 2)
			(void)chan_irq_unmask(c);
	}
}

static void
registers(struct rig *r, struct fuzz_in *f)
{
	uint32_t what = fuzz_u8(f), vp = fuzz_u8(f) % RIG_VPS;
	struct part_vp_regs regs = { .scontrol = what & 1,
	    .sint_masked = what & 2 };

	if (what & 4)
		regs.simp = rig_page(r, RIG_SIMP(vp));
	if (what & 8)
		regs.siefp = rig_page(r, RIG_SIEFP(vp));
	part_vp_set_regs(&r->part, vp, &regs);
}

static void
signalled(void *ctx, struct chan *c)
{
	(void)ctx;
	fuzz_require(c != NULL);
}

static void
host(struct rig *r, struct fuzz_in *f)
{
	uint32_t arg = fuzz_u8(f);

	switch (arg & 15) {
	case 0:
		if (r->dev.vms != NULL)
			vms_dev_rescind(r->vms, &r->dev);
		break;
	case 1: (void)vms_dev_offer(r->vms, &r->dev); break;
	case 2:
		(void)vms_subchannels_offer(r->vms, &r->dev, arg >> 4);
		break;
	case 3: r->fail_alloc = arg >> 4; break;
	case 4: r->fail_add = arg >> 4; break;
	case 5: r->open_result = arg & 16 ? E_STATE : 0; break;
	case 6: r->let_go = arg & 16; break;
	case 7:
		if (r->open[0] != NULL && r->held == NULL)
			r->held = vms_gpadl_get(r->vms, arg >> 4);
		break;
	case 8: vms_monitor_poll(r->vms, signalled, NULL); break;
	case 9: vms_intpage_poll(r->vms, signalled, NULL); break;
	case 10: vms_reset(r->vms); break;
	case 11: (void)part_flag_set(&r->part, arg >> 4 & 3, arg >> 4); break;
	case 12: (void)vms_connection_chan(r->vms, VMS_EVENT_CONN(arg >> 4));
		break;
	case 13: part_eom(&r->part, arg >> 4 & 3); break;
	default: break;
	}
}

/* The guest takes its messages, unless it has broken its own slot. */
static void
take(struct rig *r)
{
	for (uint32_t vp = 0; vp < RIG_VPS; vp++) {
		struct synic_simp_wire *page = rig_page(r, RIG_SIMP(vp));

		for (uint32_t i = 0; i < 8; i++) {
			os_st32_rel(&page->slot[2].type.raw, 0);
			part_eom(&r->part, vp);
		}
	}
}

static void
step(struct rig *r, struct fuzz_in *f)
{
	switch (fuzz_u8(f) % 12) {
	case 0: post_raw(r, f); break;
	case 1: post_contact(r, f); break;
	case 2:
	case 3: post_gpadl(r, f); break;
	case 4: post_open(r, f); break;
	case 5: post_relid(r, f); break;
	case 6: scribble(r, f); break;
	case 7: scribble_low(r, f); break;
	case 8: echo(r, f); break;
	case 9: registers(r, f); break;
	case 10: host(r, f); break;
	default: take(r); break;
	}
	fuzz_require(vms_gpadl_count(r->vms) <= VMS_MAX_GPADLS);
	fuzz_require(vms_gpadl_pages(r->vms) <= VMS_MAX_GPADL_PAGES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct fuzz_in f = { p, n };
	uint32_t how = fuzz_u8(&f);
	const struct vms_config cfg = { .monitor = how & 1,
	    .dedicated_interrupt = how & 2,
	    .policy = (enum ring_chan_policy)((how >> 2) % 3) };
	struct rig *r = rig_new(&cfg);

	(void)vms_dev_offer(r->vms, &r->dev);
	if ((how & 16) == 0) {
		rig_connect_version(r, vmbus_versions[how % VMBUS_VERSIONS]);
		(void)rig_gpadl(r, 1, 1, 0x40, 4);
		(void)rig_post_on(r, 1, "05000000 00000000 01000000 77000000 "
		    "01000000 01000000 02000000", 148);
		take(r);
	}
	while (f.n > 0)
		step(r, &f);
	r->fail_alloc = r->fail_add = 0;
	rig_delete(r);
	return 0;
}
