/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz the VMBus client as a whole: a host that answers what the guest posts
 * rightly, not at all or with something else, writes messages and event flags
 * of its own, and lies in the rings; with a user that opens, closes, moves and
 * makes GPADLs, and a clock that jumps.
 *
 * The input is a list of operations, see step().  In the end the connection is
 * lost and every block that was not leaked on purpose must be back.
 */
#include "fuzz_blocks.h"
#include "bus/vmc_priv.h"
#include "fuzz_input.h"
#include "os_block.h"

#define VPS		2u
#define POSTS		32u
#define CHANS		8u
#define VMC_PAGES	3u			/* interrupts, monitor */
#define RING_BYTES	(2u * HV_PAGE_SIZE)	/* a direction */

enum mem_state { MEM_NONE, MEM_WAIT, MEM_LIVE, MEM_ENDING };

struct user {
	struct chan *chan;
	struct chan_mem ring, buf;
	enum mem_state ring_state, buf_state;
	uint32_t gpadl;
	uint64_t got;
};

struct guest {
	struct vmc *vmc;
	uint8_t *simp[VPS], *siefp[VPS];
	uint64_t now;
	struct { uint32_t len; uint8_t bytes[VMBUS_MSG_MAX]; } post[POSTS];
	uint32_t posts;
	int refuse;		/* answer of post_message */
	bool alloc_fails;
	uint64_t gpa;
	uint32_t blocks, pages_live, leaked;
	struct user user[CHANS];
};

static struct guest *the_guest;
static uint8_t packet[16384];

/* ---- port --------------------------------------------------------------- */

static int
guest_post(void *ctx, uint32_t conn, const void *msg, uint32_t len)
{
	struct guest *g = ctx;

	fuzz_require(len <= VMBUS_MSG_MAX);
	if (g->refuse < 0)
		return g->refuse;
	if (g->posts == POSTS)
		return E_AGAIN;
	memset(&g->post[g->posts], 0, sizeof(g->post[0]));
	g->post[g->posts].len = len;
	memcpy(g->post[g->posts++].bytes, msg, len);
	return 0;
}

static void
guest_signal(void *ctx, uint32_t conn)
{
}

static void
guest_eom(void *ctx, uint32_t vp)
{
	fuzz_require(vp < VPS);
}

static void *
guest_alloc(void *ctx, size_t bytes)
{
	struct guest *g = ctx;

	if (g->alloc_fails)
		return NULL;
	g->blocks++;
	return os_block_zeroed(bytes);
}

static void
guest_free(void *ctx, void *p, size_t bytes)
{
	((struct guest *)ctx)->blocks--;
	free(p);
}

static int
guest_mem_alloc(void *ctx, uint32_t bytes, struct chan_mem *out)
{
	struct guest *g = ctx;

	if (g->alloc_fails)
		return E_NOMEM;
	*out = (struct chan_mem){ .va = aligned_alloc(HV_PAGE_SIZE, bytes),
		.gpa = g->gpa, .bytes = bytes };
	fuzz_require(out->va != NULL);
	memset(out->va, 0, bytes);
	g->gpa += bytes;
	g->pages_live += bytes / HV_PAGE_SIZE;
	return 0;
}

static void
guest_mem_free(void *ctx, struct chan_mem *m)
{
	((struct guest *)ctx)->pages_live -= m->bytes / HV_PAGE_SIZE;
	free(m->va);
}

/* ---- user of the channels ----------------------------------------------- */

static void
mem_end(struct chan_mem *m, enum mem_state *state, int err)
{
	*state = MEM_NONE;
	if (err == E_TIMEOUT) {
		/* The host may still write there; here nobody will. */
		the_guest->leaked += m->bytes / HV_PAGE_SIZE;
		free(m->va);
	} else {
		guest_mem_free(the_guest, m);
	}
}

static bool
user_ready(struct chan *c, uint32_t budget)
{
	struct user *u = c->user;
	struct vmpkt_in in;

	fuzz_require(u->chan == c && u->ring_state != MEM_NONE);
	chan_irq_mask(c);
	for (uint32_t i = 0; i < budget; i++) {
		if (chan_recv(c, &in, packet, sizeof(packet)) != 1) {
			chan_recv_commit(c);
			return chan_irq_unmask(c);
		}
		u->got += in.data.len + in.ext.len;
		struct vmpkt_out out = { VMPKT_COMPLETION, 0, in.xact,
		    { NULL, 0 }, { in.data.p, in.data.len } };
		if (chan_send(c, &out) == E_AGAIN)
			(void)chan_want_space(c, in.data.len);
	}
	chan_commit(c);
	chan_recv_commit(c);
	return true;
}

static void
user_opened(struct chan *c, int err)
{
	struct user *u = c->user;

	fuzz_require(u->ring_state == MEM_WAIT);
	u->ring_state = MEM_LIVE;
	if (err < 0)
		mem_end(&u->ring, &u->ring_state, err);
}

static void
user_closed(struct chan *c, int err)
{
	struct user *u = c->user;

	/* A primary that closes takes its sub-channels with it. */
	fuzz_require(u->ring_state == MEM_ENDING ||
	    (c->subindex != 0 && u->ring_state != MEM_NONE));
	mem_end(&u->ring, &u->ring_state, err);
}

static void
user_created(struct chan *c, uint32_t gpadl, int err)
{
	struct user *u = c->user;

	fuzz_require(u->buf_state == MEM_WAIT);
	u->buf_state = MEM_LIVE;
	if (err < 0)
		mem_end(&u->buf, &u->buf_state, err);
}

static void
user_torndown(struct chan *c, uint32_t gpadl, int err)
{
	struct user *u = c->user;

	fuzz_require(u->buf_state == MEM_ENDING);
	mem_end(&u->buf, &u->buf_state, err);
}

static void
user_down(struct user *u)
{
	if (u->ring_state == MEM_WAIT || u->ring_state == MEM_LIVE) {
		int err;

		u->ring_state = MEM_ENDING;
		err = u->chan->ops->close(u->chan);
		fuzz_require(err == 0 || (err == E_STATE &&
		    u->chan->subindex != 0));
	}
	if (u->chan != NULL && u->ring_state == MEM_NONE &&
	    u->buf_state == MEM_LIVE) {
		u->buf_state = MEM_ENDING;
		fuzz_require(u->chan->ops->gpadl_teardown(u->chan,
		    u->gpadl) == 0);
	}
}

static void
user_rescinded(struct chan *c)
{
	user_down(c->user);
}

static void user_sub(struct chan *primary, struct chan *sub);

static const struct chan_events user_events = {
	.ready = user_ready, .opened = user_opened, .closed = user_closed,
	.gpadl_created = user_created, .gpadl_torndown = user_torndown,
	.subchannel = user_sub, .rescinded = user_rescinded,
};

static void
user_offer(void *ctx, struct chan *c)
{
	for (uint32_t i = 0; i < CHANS; i++) {
		struct user *u = &the_guest->user[i];

		if (u->chan != NULL)
			continue;
		*u = (struct user){ .chan = c };
		c->events = &user_events;
		c->user = u;
		return;
	}
}

static void
user_sub(struct chan *primary, struct chan *sub)
{
	user_offer(NULL, sub);
}

static void
user_gone(void *ctx, struct chan *c)
{
	struct user *u = c->user;

	if (u == NULL)
		return;
	fuzz_require(u->chan == c && u->ring_state == MEM_NONE &&
	    u->buf_state == MEM_NONE);
	u->chan = NULL;
}

static void
user_connected(void *ctx, int version_or_err)
{
}

static void
user_unloaded(void *ctx)
{
}

static const struct vmc_ops guest_ops = {
	.post_message = guest_post, .signal_event = guest_signal,
	.eom = guest_eom, .alloc = guest_alloc, .free = guest_free,
	.mem_alloc = guest_mem_alloc, .mem_free = guest_mem_free,
	.connected = user_connected, .offer = user_offer, .gone = user_gone,
	.unloaded = user_unloaded,
};

/* ---- guest control ------------------------------------------------------ */

static void
guest_run(struct guest *g)
{
	for (uint32_t i = 0; i < 16; i++) {
		bool more = false;

		for (uint32_t vp = 0; vp < VPS; vp++)
			more |= vmc_vp_dispatch(g->vmc, vp, 32);
		(void)vmc_timer(g->vmc, g->now);
		if (!more)
			break;
	}
}

static void
user_act(struct guest *g, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f);
	struct user *u = &g->user[b >> 4 & 7];
	struct chan_open o = { .to_host_bytes = RING_BYTES };

	if (u->chan == NULL)
		return;
	switch (b & 15) {
	case 0: case 1: case 2: case 3:
		if (u->ring_state != MEM_NONE ||
		    guest_mem_alloc(g, 2 * RING_BYTES, &u->ring) < 0)
			break;
		o.ring = u->ring;
		o.vp = b >> 7;
		u->ring_state = MEM_WAIT;
		if (u->chan->ops->open(u->chan, &o) < 0)
			mem_end(&u->ring, &u->ring_state, 0);
		break;
	case 4: case 5: case 6:
		if (u->buf_state != MEM_NONE || guest_mem_alloc(g,
		    (1 + fuzz_u8(f)) * HV_PAGE_SIZE, &u->buf) < 0)
			break;
		u->buf_state = MEM_WAIT;
		if (u->chan->ops->gpadl_create(u->chan, &u->buf, &u->gpadl) < 0)
			mem_end(&u->buf, &u->buf_state, 0);
		break;
	case 7: user_down(u); break;
	case 8: (void)vmc_chan_move(g->vmc, u->chan, b >> 7); break;
	default:
		if (u->ring_state == MEM_LIVE)
			(void)user_ready(u->chan, 4);
		break;
	}
}

static void
control(struct guest *g, struct fuzz_in *f)
{
	static const int answers[] = { 0, 0, 0, E_AGAIN, E_NOTSUP, E_GONE };
	uint32_t b = fuzz_u8(f);

	switch (b & 7) {
	case 0: (void)vmc_start(g->vmc); break;
	case 1:
		if ((b >> 3) % 4 == 0)
			vmc_unload(g->vmc);
		break;
	case 2:
		if ((b >> 3) % 4 == 0)
			vmc_lost(g->vmc);
		break;
	case 3: g->refuse = answers[(b >> 3) % ARRAY_LEN(answers)]; break;
	case 4: g->alloc_fails = b & 8; break;
	case 5: g->now += 1ull << (b >> 3) << 6; break;
	default: break;
	}
	(void)vmc_timer(g->vmc, g->now);
}

/* ---- host --------------------------------------------------------------- */

static void
deliver(struct guest *g, uint32_t vp, const uint8_t *msg, uint32_t len)
{
	struct synic_simp_wire *page = (void *)g->simp[vp];
	struct synic_slot_wire *slot = &page->slot[VMBUS_SINT];

	if (os_ld32(&slot->type.raw) != 0)
		guest_run(g);
	slot->payload_len = (uint8_t)len;
	slot->flags = len & 1;
	memcpy(slot->payload, msg, min_u32(len, VMBUS_MSG_MAX));
	os_st32_rel(&slot->type.raw, os_le32(SYNIC_MSG_CHANNEL));
}

static void
deliver_msg(struct guest *g, struct fuzz_in *f, const struct vmbus_msg *m,
    bool lie)
{
	uint8_t buf[VMBUS_MSG_MAX] = { 0 };
	uint32_t n = vmbus_msg_encode(m, buf);

	if (lie) {
		buf[fuzz_u8(f) % n] = (uint8_t)fuzz_u8(f);
		n = min_u32(n, max_u32(8, fuzz_u8(f)));
	}
	deliver(g, 0, buf, n);
	guest_run(g);
}

static void
offer(struct guest *g, struct fuzz_in *f, bool lie)
{
	struct vmbus_msg m = { .type = VMBUS_OFFER_CHANNEL };
	uint32_t b = fuzz_u8(f);

	memset(&m.offer, 0, sizeof(m.offer));
	m.offer.relid = 1 + (b & 15);
	m.offer.conn_id = 0x2001 + (b & 15);
	m.offer.subchan = b >> 4 & 3;
	m.offer.monitor_allocated = b & 64;
	m.offer.monitor_id = (uint8_t)(b & 15);
	m.offer.dedicated_interrupt = b & 128;
	m.offer.if_type.b[0] = 7;
	m.offer.instance.b[0] = b >> 4 & 3 ? 1 : b & 15;
	deliver_msg(g, f, &m, lie);
}

/* Answer the oldest message of the guest, rightly or nearly so. */
static void
answer(struct guest *g, struct fuzz_in *f, bool lie)
{
	struct vmbus_msg q, m = { 0 };
	uint8_t copy[VMBUS_MSG_MAX];
	enum fault why;
	uint32_t len;

	if (g->posts == 0)
		return;
	len = g->post[0].len;
	memcpy(copy, g->post[0].bytes, sizeof(copy));
	memmove(g->post, g->post + 1, --g->posts * sizeof(g->post[0]));
	/* What the guest posts is well formed, always. */
	fuzz_require(vmbus_msg_decode(&q, (struct span){ copy, len }, &why) ==
	    0);
	switch (q.type) {
	case VMBUS_INITIATE_CONTACT:
		m.type = VMBUS_VERSION_RESPONSE;
		m.version.supported = true;
		m.version.selected = q.contact.version >= VMBUS_V5_0 ?
		    VMBUS_CONN_MESSAGE_5_0 : q.contact.version;
		break;
	case VMBUS_REQUEST_OFFERS:
		for (uint32_t i = 0; i < 3; i++)
			offer(g, f, lie);
		m.type = VMBUS_ALL_OFFERS_DELIVERED;
		break;
	case VMBUS_OPEN_CHANNEL:
		m.type = VMBUS_OPEN_RESULT;
		m.open_result.relid = q.open.relid;
		m.open_result.open_id = q.open.open_id;
		break;
	case VMBUS_GPADL_HEADER:
		m.type = VMBUS_GPADL_CREATED;
		m.gpadl.relid = q.gpadl_header.relid;
		m.gpadl.gpadl = q.gpadl_header.gpadl;
		break;
	case VMBUS_GPADL_TEARDOWN:
		m.type = VMBUS_GPADL_TORNDOWN;
		m.gpadl.gpadl = q.gpadl.gpadl;
		break;
	case VMBUS_MODIFY_CHANNEL:
		m.type = VMBUS_MODIFY_CHANNEL_RESPONSE;
		m.modify_result.relid = q.modify.relid;
		break;
	case VMBUS_UNLOAD:
		m.type = VMBUS_UNLOAD_COMPLETE;
		break;
	default:
		return;
	}
	deliver_msg(g, f, &m, lie);
}

static void
message_raw(struct guest *g, struct fuzz_in *f)
{
	uint8_t buf[VMBUS_MSG_MAX] = { 0 };
	uint32_t vp = fuzz_u8(f) & 1, n = fuzz_u8(f);

	buf[0] = (uint8_t)(fuzz_u8(f) % (VMBUS_MSG_TYPES + 2));
	fuzz_fill(f, buf + 8, min_u32(n, 64));
	deliver(g, vp, buf, n);
}

static void
rescind(struct guest *g, struct fuzz_in *f)
{
	struct vmbus_msg m = { .type = VMBUS_RESCIND_OFFER };

	m.relid = fuzz_u8(f) % 20;
	deliver_msg(g, f, &m, false);
}

static void
flags(struct guest *g, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), vp = b & 1;

	if (b & 2) {
		fuzz_fill(f, g->siefp[vp] + fuzz_u16(f) % 4000, b >> 4);
		fuzz_fill(f, g->simp[vp] + fuzz_u16(f) % 4000, b >> 4);
	} else {
		os_or32((uint32_t *)(void *)(g->siefp[vp] + 2 * 256),
		    1u << (b >> 2 & 15));
	}
	if (vp == 0 && g->vmc->pages.va != NULL && b & 128)
		fuzz_fill(f, (uint8_t *)g->vmc->pages.va + fuzz_u16(f) %
		    (3 * HV_PAGE_SIZE - 16), 16);
}

/* Ring bytes: an index, or some data. */
static void
ring(struct guest *g, struct fuzz_in *f)
{
	uint32_t b = fuzz_u8(f), off = fuzz_u8(f);
	struct user *u = &g->user[b & 7];
	uint8_t *p;

	if (u->ring_state == MEM_NONE)
		return;
	p = (uint8_t *)u->ring.va + (b & 8 ? RING_BYTES : 0);
	if (off < 64) {
		le32_t v = le32_put(fuzz_u32(f) & ~(off & 32 ? 0u : 7u));

		memcpy(p + off % 16 / 4 * 4, &v, 4);
	} else {
		fuzz_fill(f, p + HV_PAGE_SIZE + (off - 64) * 16, b >> 4);
	}
	os_or32((uint32_t *)(void *)(g->siefp[b >> 7] + 2 * 256), 0xffff);
}

static void
step(struct guest *g, struct fuzz_in *f)
{
	switch (fuzz_u8(f) % 12) {
	case 0: message_raw(g, f); break;
	case 1: answer(g, f, true); break;
	case 2: offer(g, f, true); break;
	case 3: rescind(g, f); break;
	case 4: flags(g, f); break;
	case 5:
	case 6: ring(g, f); break;
	case 7: control(g, f); break;
	case 8: user_act(g, f); break;
	case 9: guest_run(g); break;
	default: answer(g, f, false); break;
	}
}

static void
guest_up(struct guest *g, uint32_t how, struct fuzz_in *f)
{
	struct vmc_config cfg = { .vps = VPS, .signal = (enum vmc_signal)
	    (how & 3) };

	memset(g, 0, sizeof(*g));
	the_guest = g;
	g->gpa = 0x100000000ull;
	g->now = 1000;
	cfg.max_version = vmbus_versions[(how >> 3) % VMBUS_VERSIONS];
	for (uint32_t i = 0; i < VPS; i++) {
		cfg.simp[i] = g->simp[i] = aligned_alloc(HV_PAGE_SIZE,
		    HV_PAGE_SIZE);
		cfg.siefp[i] = g->siefp[i] = aligned_alloc(HV_PAGE_SIZE,
		    HV_PAGE_SIZE);
		memset(g->simp[i], 0, HV_PAGE_SIZE);
		memset(g->siefp[i], 0, HV_PAGE_SIZE);
	}
	g->vmc = vmc_create(&cfg, &guest_ops, g);
	fuzz_require(g->vmc != NULL);
	(void)vmc_start(g->vmc);
	guest_run(g);
	if (how & 4)
		for (uint32_t i = 0; i < 3; i++)
			answer(g, f, false);
}

static void
guest_down(struct guest *g)
{
	g->refuse = 0;
	g->alloc_fails = false;
	vmc_lost(g->vmc);
	for (uint32_t i = 0; i < 64 && (vmc_channel_count(g->vmc) > 0 ||
	    g->pages_live > g->leaked + VMC_PAGES); i++) {
		guest_run(g);
		for (uint32_t k = 0; k < CHANS; k++)
			if (g->user[k].chan != NULL)
				user_down(&g->user[k]);
		g->posts = 0;
		g->now += 1000000000ull;
	}
	fuzz_require(vmc_channel_count(g->vmc) == 0);
	vmc_destroy(g->vmc);
	fuzz_require(g->blocks == 0);
	fuzz_require(g->pages_live == g->leaked);
	for (uint32_t i = 0; i < VPS; i++) {
		free(g->simp[i]);
		free(g->siefp[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct guest guest;
	struct fuzz_in f = { p, n };

	guest_up(&guest, fuzz_u8(&f), &f);
	while (f.n > 0)
		step(&guest, &f);
	guest_down(&guest);
	return 0;
}
