/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sections of a guest's receive buffer and who has each of them.
 *
 * Each queue has a stack of free sections that are at home with it, last in,
 * first out, which only its worker touches; a few more are kept for control
 * messages on the primary channel.  Control shares the sections out again when
 * a queue opens or closes.  The contracts of vsp_rxbuf_attach(), _detach() and
 * _free() are in vsp_priv.h.
 */
#ifndef CORE_VSP_VSP_RXBUF_H
#define CORE_VSP_VSP_RXBUF_H

#include "vsp/vsp.h"
#include "vsp/vsp_handover.h"

/* Policy: sections for control messages; OpenVMM also keeps 16. */
#define VSP_CONTROL_SECTIONS	16u
/* Home of the sections for control. */
#define VSP_HOME_CONTROL	VSP_MAX_QUEUES

/*
 * State of a section.  "First of a packet sent on queue k" is one value, which
 * only k's owner sets and clears: so a hostile acknowledgement can be checked
 * by one load while another worker uses the section.
 */
#define VSP_SECTION_FREE	0u	/* on its home stack, or going there */
#define VSP_SECTION_OURS	1u	/* being filled, or waits for a ring */
#define VSP_SECTION_SENT_MORE	2u	/* the guest has it: not the first */
#define VSP_SECTION_SENT(k)	(0x100u + (k))

struct vsp_section {
	uint32_t next;		/* of the same frame; after sending: packet */
	uint32_t link;		/* next frame of a list */
	uint32_t bytes;		/* of the range, from the section's start */
	uint16_t count;		/* first of a frame: sections in it */
	uint16_t home;		/* queue, or VSP_HOME_CONTROL */
	uint32_t state;		/* VSP_SECTION_*; by os_ld32(), os_st32() */
	uint16_t queue;		/* ring that it went to */
	bool lent;		/* its home queue handed it over */
};

struct vsp_rxbuf_home {
	/* owner: queue (control, for VSP_HOME_CONTROL) */
	uint32_t *slot;		/* free sections, slot[top - 1] goes next */
	uint32_t top;
	uint32_t total;		/* sections at home here, free or not */
	uint32_t lent;		/* sections handed to other queues */
	/* shared: sections that come home from other owners */
	struct vsp_handover back CACHE_ALIGNED;
	uint32_t starves;	/* 1: it lacks sections, kick its owner */
} CACHE_ALIGNED;

struct vsp_rxbuf {
	/* control; workers read */
	uint8_t *base;		/* NULL: no buffer */
	uint16_t id;		/* the guest's number for it, in each packet */
	uint32_t bytes;
	uint32_t section_bytes;	/* multiple of 8 */
	uint32_t sections;
	uint64_t open;		/* queues that have a share, a bit each */
	/* a section's owner */
	struct vsp_section *section;
	uint32_t *slots;
	struct vsp_rxbuf_home home[VSP_MAX_QUEUES + 1];
};

/* Take in the sections that came back from other owners. */
void vsp_rxbuf_collect(struct vsp_rxbuf *rb, uint32_t home);

/*
 * How many sections are free at home, after taking in those that came back.
 * Context: worker of that queue.
 */
static inline uint32_t
vsp_rxbuf_ready(struct vsp_rxbuf *rb, uint32_t home)
{
	if (!vsp_handover_empty(&rb->home[home].back))
		vsp_rxbuf_collect(rb, home);
	return rb->home[home].top;
}

/*
 * Fewer than `want` are free, or too many are lent out: request a kick when one
 * comes home.  Returns true if there are enough by now; then no kick was
 * requested.  Context: worker of that queue.
 */
bool vsp_rxbuf_starve(struct vsp_rxbuf *rb, uint32_t home, uint32_t want);

/*
 * True if half of this queue's sections are lent to other queues: a queue whose
 * guest reads nothing must not get them all.  Context: worker.
 */
static inline bool
vsp_rxbuf_lent_out(const struct vsp_rxbuf *rb, uint32_t home)
{
	const struct vsp_rxbuf_home *h = &rb->home[home];

	return h->lent >= (h->total + 1) / 2;
}

/* The i-th section that vsp_rxbuf_pop() would give; i < free. */
static inline uint32_t
vsp_rxbuf_peek(const struct vsp_rxbuf *rb, uint32_t home, uint32_t i)
{
	const struct vsp_rxbuf_home *h = &rb->home[home];

	OS_ASSERT(i < h->top);
	return h->slot[h->top - 1 - i];
}

/* Take the next free section; there is one.  Context: worker. */
static inline uint32_t
vsp_rxbuf_pop(struct vsp_rxbuf *rb, uint32_t home)
{
	uint32_t s = vsp_rxbuf_peek(rb, home, 0);
	struct vsp_section *x = &rb->section[s];

	os_st32(&rb->home[home].top, rb->home[home].top - 1);
	os_st32(&x->state, VSP_SECTION_OURS);
	x->next = VSP_SECTION_NONE;
	x->link = VSP_SECTION_NONE;
	return s;
}

/* A section onto the stack of its home.  Context: worker of that queue. */
static inline void
vsp_rxbuf_push(struct vsp_rxbuf *rb, struct vsp_rxbuf_home *h, uint32_t s)
{
	struct vsp_section *x = &rb->section[s];

	OS_ASSERT(h->top < h->total);
	if (x->lent) {
		x->lent = false;
		h->lent--;
	}
	h->slot[h->top] = s;
	os_st32(&h->top, h->top + 1);
}

/* vsp_rxbuf_put() of a section that is at home elsewhere, or control's. */
uint32_t vsp_rxbuf_send_home(struct vsp_rxbuf *rb, uint32_t queue,
    uint32_t s);

/*
 * A section is free: push it on the stack of its home if that is `queue`
 * (control sections count as queue 0's), else send it there.  Returns the queue
 * that it was sent to if that one starves and needs a kick, else
 * VSP_SECTION_NONE.  Context: worker of `queue`, owner of the section.
 */
static inline uint32_t
vsp_rxbuf_put(struct vsp_rxbuf *rb, uint32_t queue, uint32_t s)
{
	struct vsp_section *x = &rb->section[s];

	if (x->home != queue)
		return vsp_rxbuf_send_home(rb, queue, s);
	os_st32(&x->state, VSP_SECTION_FREE);
	vsp_rxbuf_push(rb, &rb->home[queue], s);
	return VSP_SECTION_NONE;
}

/*
 * Share the free sections out over rb->open.  Sections sent on, or waiting
 * for, a queue that is not open any more are free.  Context: control.
 */
void vsp_rxbuf_share(struct vsp_rxbuf *rb);

static inline uint8_t *
vsp_rxbuf_ptr(const struct vsp_rxbuf *rb, uint32_t s)
{
	return rb->base + (size_t)s * rb->section_bytes;
}

/* Longest frame that a section holds. */
static inline uint32_t
vsp_rxbuf_frame_max(const struct vsp_rxbuf *rb)
{
	return rb->section_bytes - VSP_SECTION_HEAD;
}

#endif
