/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sections of the receive buffer.
 *
 * Theory of operation.  The buffer is cut into sections of equal size.  The
 * first few belong to control, the rest to the open queues in blocks, one each
 * ("home").  Free sections of a home are a stack: the section that came back
 * last goes out first, so that it is still in the cache.
 *
 * Invariants: a section is in exactly one place: its home's stack (FREE), a
 * `back` list on its way there (FREE), with a worker or in one of its lists
 * (OURS), or with the guest (SENT(k), SENT_MORE).  Nothing of this is in memory
 * that the guest can write.  A stack never overflows: its slots are as many as
 * the sections at home there.
 *
 * Context: vsp_rxbuf_attach(), _detach() and _share() are control's, with all
 * workers parked; the rest is called by the worker that owns the queue.
 */
#include "vsp/vsp_priv.h"

/* Policy: as the guests' own limits, protocol.md 7. */
#define RXBUF_MAX_BYTES		(31u << 20)
#define RXBUF_MAX_BYTES_V2	(15u << 20)
#define RXBUF_MIN_SECTIONS	4u
/*
 * Policy: large sections only where there are so many.  A small frame takes a
 * whole one, so in a small buffer a few frames would be all that it holds.
 */
#define RXBUF_MIN_RSC_SECTIONS	128u

/* For a buffer of so many bytes. */
static uint32_t
rxbuf_section_bytes(const struct vsp_config *cfg, uint32_t bytes)
{
	uint32_t n = cfg->section_bytes;

	if (n == 0 && cfg->rsc_section_bytes != 0 &&
	    bytes / cfg->rsc_section_bytes >= RXBUF_MIN_RSC_SECTIONS)
		n = cfg->rsc_section_bytes;
	/* OpenVMM's: 36 unused bytes at the end for Windows' sake. */
	if (n == 0)
		n = 256 + cfg->mtu + 36;
	return align_up(n, 8);
}

int
vsp_rxbuf_attach(struct vsp *vsp, uint16_t id, uint8_t *base, uint32_t bytes)
{
	struct vsp_rxbuf *rb = &vsp->rxbuf;
	uint32_t size = rxbuf_section_bytes(&vsp->cfg, bytes);
	uint32_t count = bytes / size;

	if (rb->base != NULL || count < RXBUF_MIN_SECTIONS ||
	    size < vsp_section_min(vsp->cfg.mtu))
		return E_STATE;
	if (bytes > (vsp->guest.nvsp_version <= NVS_V2 ?
	    RXBUF_MAX_BYTES_V2 : RXBUF_MAX_BYTES))
		return E_STATE;

	rb->section = vsp->ops.alloc(vsp->ctx, count * sizeof(*rb->section));
	if (rb->section == NULL)
		return E_NOMEM;
	rb->slots = vsp->ops.alloc(vsp->ctx, count * sizeof(*rb->slots));
	if (rb->slots == NULL) {
		vsp->ops.free(vsp->ctx, rb->section,
		    count * sizeof(*rb->section));
		rb->section = NULL;
		return E_NOMEM;
	}
	rb->base = base;
	rb->id = id;
	rb->bytes = bytes;
	rb->section_bytes = size;
	rb->sections = count;
	vsp_rxbuf_share(rb);
	return 0;
}

void
vsp_rxbuf_detach(struct vsp *vsp)
{
	struct vsp_rxbuf *rb = &vsp->rxbuf;

	if (rb->base == NULL)
		return;
	vsp->ops.free(vsp->ctx, rb->slots, rb->sections * sizeof(*rb->slots));
	vsp->ops.free(vsp->ctx, rb->section,
	    rb->sections * sizeof(*rb->section));

	uint64_t open = rb->open;

	memset(rb, 0, sizeof(*rb));
	rb->open = open;
}

uint32_t
vsp_rxbuf_free(const struct vsp *vsp)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i <= VSP_HOME_CONTROL; i++)
		n += os_ld32(&vsp->rxbuf.home[i].top);
	return n;
}

/* Home of section s when n queues share what control leaves. */
static uint32_t
rxbuf_home(const struct vsp_rxbuf *rb, uint32_t s, uint32_t control,
    const uint8_t *queue, uint32_t n)
{
	if (s < control || n == 0)
		return VSP_HOME_CONTROL;

	uint64_t at = (uint64_t)(s - control) * n / (rb->sections - control);

	return queue[at];
}

/* What is sent on, or comes from, a queue that is gone. */
static void
rxbuf_section_reclaim(const struct vsp_rxbuf *rb, struct vsp_section *x)
{
	if (x->state >= VSP_SECTION_SENT_MORE &&
	    (rb->open >> x->queue & 1) == 0)
		x->state = VSP_SECTION_FREE;
	if (x->state == VSP_SECTION_FREE)
		x->lent = false;
}

void
vsp_rxbuf_share(struct vsp_rxbuf *rb)
{
	uint32_t control = min_u32(VSP_CONTROL_SECTIONS, rb->sections / 4);
	uint8_t queue[VSP_MAX_QUEUES];
	uint32_t n = 0;

	if (rb->base == NULL)
		return;
	for (uint32_t i = 0; i < VSP_MAX_QUEUES; i++) {
		if ((rb->open >> i & 1) != 0)
			queue[n++] = (uint8_t)i;
	}
	for (uint32_t i = 0; i <= VSP_HOME_CONTROL; i++) {
		struct vsp_rxbuf_home *h = &rb->home[i];

		h->top = h->total = h->lent = 0;
		h->back.head = 0;
	}
	for (uint32_t s = 0; s < rb->sections; s++) {
		struct vsp_section *x = &rb->section[s];

		rxbuf_section_reclaim(rb, x);
		x->home = (uint16_t)rxbuf_home(rb, s, control, queue, n);
		rb->home[x->home].total++;
		rb->home[x->home].lent += x->lent;
	}

	uint32_t *slot = rb->slots;

	for (uint32_t i = 0; i <= VSP_HOME_CONTROL; i++) {
		rb->home[i].slot = slot;
		slot += rb->home[i].total;
	}
	for (uint32_t s = rb->sections; s-- > 0;) {
		struct vsp_section *x = &rb->section[s];
		struct vsp_rxbuf_home *h = &rb->home[x->home];

		if (x->state == VSP_SECTION_FREE)
			h->slot[h->top++] = s;
	}
}

void
vsp_rxbuf_collect(struct vsp_rxbuf *rb, uint32_t home)
{
	struct vsp_rxbuf_home *h = &rb->home[home];
	uint32_t s = vsp_handover_take(&h->back, rb->section);

	while (s != VSP_SECTION_NONE) {
		uint32_t link = rb->section[s].link;

		vsp_rxbuf_push(rb, h, s);
		s = link;
	}
}

bool
vsp_rxbuf_starve(struct vsp_rxbuf *rb, uint32_t home, uint32_t want)
{
	struct vsp_rxbuf_home *h = &rb->home[home];

	/* Full barrier; pairs with vsp_rxbuf_put(): push, then look here. */
	os_xchg32(&h->starves, 1);
	if (vsp_rxbuf_ready(rb, home) < want || vsp_rxbuf_lent_out(rb, home))
		return false;
	os_st32(&h->starves, 0);
	return true;
}

uint32_t
vsp_rxbuf_send_home(struct vsp_rxbuf *rb, uint32_t queue, uint32_t s)
{
	struct vsp_section *x = &rb->section[s];
	uint32_t home = x->home;
	struct vsp_rxbuf_home *h = &rb->home[home];

	os_st32(&x->state, VSP_SECTION_FREE);
	if (home == VSP_HOME_CONTROL && queue == 0) {
		vsp_rxbuf_push(rb, h, s);
		return VSP_SECTION_NONE;
	}
	vsp_handover_push(&h->back, rb->section, s);
	if (os_ld32(&h->starves) != 0 && os_xchg32(&h->starves, 0) != 0)
		return home;
	return VSP_SECTION_NONE;
}
