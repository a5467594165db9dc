/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The script of lies: what a hostile guest does to a ring and says by VMBus
 * message.  Each leads to one fault of one reason.  Who tells them is a struct
 * liar: a simulated machine and one open channel of it, whatever device that
 * is.  The lies of a host are bends, in host_lies.list.
 */
#ifndef TESTS_HOSTILE_LIES_H
#define TESTS_HOSTILE_LIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bus/ring_chan.h"
#include "bus/vmc_priv.h"
#include "sim/sim_link.h"

struct liar {
	struct sim_link *link;
	uint32_t relid;
};

struct lie {
	const char *name;
	void (*tell)(struct liar *);
	enum fault why;
};

/* The host's end of the channel, while there is one. */
static struct chan *
liar_chan(struct liar *l)
{
	return vms_connection_chan(l->link->vms, VMS_EVENT_CONN(l->relid));
}

/* ---- lies of a guest, in a ring ----------------------------------------- */

/* The ring that the host reads. */
static struct ring_in *
liar_ring(struct liar *l)
{
	return &ring_chan_of(liar_chan(l))->in;
}

/* The host looks at the ring, again and again if it likes. */
static void
liar_poke(struct liar *l)
{
	for (uint32_t i = 0; i < 16; i++)
		sim_link_host_ready(l->link, liar_chan(l));
}

static void
ring_write_index(struct liar *l, uint32_t value)
{
	liar_ring(l)->ctrl->write_index = le32_put(value);
	liar_poke(l);
}

/* Publish `bytes` that begin with this descriptor. */
static void
ring_publish(struct liar *l, const struct ring_desc_wire *d, uint32_t bytes)
{
	struct ring_in *ring = liar_ring(l);
	uint8_t *data = (uint8_t *)ring->ctrl + HV_PAGE_SIZE;
	uint32_t at = le32_get(ring->ctrl->write_index);

	for (uint32_t i = 0; i < bytes; i++)
		data[(at + i) % ring->size] = i < sizeof(*d) ?
		    ((const uint8_t *)d)[i] : 0;
	ring_write_index(l, (at + bytes) % ring->size);
}

static void
ring_packet(struct liar *l, uint16_t type, uint16_t off8, uint16_t len8,
    uint16_t flags)
{
	const struct ring_desc_wire d = { le16_put(type), le16_put(off8),
		le16_put(len8), le16_put(flags), le64_put(1) };

	ring_publish(l, &d, 64);
}

static void lie_index_range(struct liar *l) { ring_write_index(l,
    liar_ring(l)->size); }
static void lie_index_huge(struct liar *l) { ring_write_index(l, ~7u); }
static void lie_index_unaligned(struct liar *l) { ring_write_index(l, 13); }
static void lie_desc_empty(struct liar *l) { ring_packet(l, 6, 2, 0, 0); }
static void lie_desc_short(struct liar *l) { ring_packet(l, 6, 2, 1, 0); }
static void lie_desc_off(struct liar *l) { ring_packet(l, 6, 1, 4, 0); }
static void lie_desc_off_far(struct liar *l) { ring_packet(l, 6, 5, 4, 0); }
static void lie_desc_long(struct liar *l) { ring_packet(l, 6, 2, 0xffff, 0); }
static void lie_desc_over(struct liar *l) { ring_packet(l, 6, 2, 9, 0); }
static void lie_desc_type(struct liar *l) { ring_packet(l, 77, 2, 4, 0); }

/* Of the ring that the host fills: seen once it wants to know where we are. */
static void
liar_read_index(struct liar *l)
{
	struct ring_out *ring = &ring_chan_of(liar_chan(l))->out;

	ring->ctrl->read_index = le32_put(ring->size + 8);
}

/* ---- lies of a guest, by message ---------------------------------------- */

static int
post(struct liar *l, const void *msg, uint32_t len)
{
	uint8_t *exact = malloc(len);

	assert_non_null(exact);
	memcpy(exact, msg, len);
	int err = vms_message(l->link->vms, VMBUS_CONN_MESSAGE,
	    (struct span){ exact, len });
	free(exact);
	return err;
}

static void
post_words(struct liar *l, uint32_t len, uint32_t type, uint32_t a, uint32_t b,
    uint32_t c, uint32_t d, uint32_t e)
{
	const uint32_t w[60] = { type, 0, a, b, c, d, e };

	(void)post(l, w, len);
}

/* One range of `bytes` at a page, announced with this id. */
static void
post_gpadl(struct liar *l, uint32_t id, uint32_t bytes, uint32_t offset,
    uint64_t pfn)
{
	const struct vmbus_gpadl_src src = { .bytes = 4096, .first_pfn = pfn };
	uint8_t buf[VMBUS_MSG_MAX];
	uint32_t n = vmbus_gpadl_message(&src, 1, 1, id, 0, buf);
	le32_t v = le32_put(bytes);

	memcpy(buf + 20, &v, 4);
	v = le32_put(offset);
	memcpy(buf + 24, &v, 4);
	(void)post(l, buf, n);
}

#define PFN		(SIM_MEM_GPA >> HV_PAGE_SHIFT)
#define LIE_WORDS(name, ...)						\
static void								\
name(struct liar *l)							\
{									\
	post_words(l, __VA_ARGS__);					\
}
LIE_WORDS(lie_short, 7, 5, 0, 0, 0, 0, 0)
LIE_WORDS(lie_type, 40, 99, 1, 0, 0, 0, 0)
LIE_WORDS(lie_host_type, 40, 6, 1, 0, 0, 0, 0)
LIE_WORDS(lie_open_cut, 40, 5, 1, 1, 1, 0, 1)
LIE_WORDS(lie_relid, 148, 5, 200, 1, 1, 0, 1)
LIE_WORDS(lie_reopen, 148, 5, 1, 1, 1, 0, 1)
LIE_WORDS(lie_close, 12, 7, 77, 0, 0, 0, 0)
LIE_WORDS(lie_body, 40, 9, 1, 4711, 1, 2, 3)
LIE_WORDS(lie_torn, 16, 11, 1, 4711, 0, 0, 0)
LIE_WORDS(lie_move, 16, 22, 1, 99, 0, 0, 0)
static void lie_gpadl_zero(struct liar *l) { post_gpadl(l, 0, 4096, 0, PFN); }
static void lie_gpadl_far(struct liar *l) { post_gpadl(l, 9, 4096, 0, 1); }
static void lie_gpadl_huge(struct liar *l) { post_gpadl(l, 9, 4096, 0, ~0ull); }
static void lie_gpadl_off(struct liar *l) { post_gpadl(l, 9, 4096, 4096, PFN); }
static void lie_gpadl_none(struct liar *l) { post_gpadl(l, 9, 0, 0, PFN); }
static void lie_gpadl_long(struct liar *l) { post_gpadl(l, 9, ~0u, 0, PFN); }

static void
lie_gpadl_twice(struct liar *l)
{
	post_gpadl(l, 9, 4096, 0, PFN);
	post_gpadl(l, 9, 4096, 0, PFN);
}

/* The GPADL of an open ring. */
static void
lie_gpadl_busy(struct liar *l)
{
	struct vmc_chan *vc = vmc_chan_find(l->link->vmc, l->relid);

	post_words(l, 16, 11, 1, vc->ring_gpadl->id, 0, 0, 0);
}

static const struct lie ring_lies[] = {
	{ "write index out of range", lie_index_range, FAULT_RING_INDEX },
	{ "write index huge", lie_index_huge, FAULT_RING_INDEX },
	{ "write index unaligned", lie_index_unaligned, FAULT_RING_INDEX },
	{ "descriptor without length", lie_desc_empty, FAULT_RING_DESC },
	{ "descriptor too short", lie_desc_short, FAULT_RING_DESC },
	{ "data offset inside descriptor", lie_desc_off, FAULT_RING_DESC },
	{ "data offset past the end", lie_desc_off_far, FAULT_RING_DESC },
	{ "packet longer than the ring", lie_desc_long, FAULT_RING_OVERRUN },
	{ "packet longer than published", lie_desc_over, FAULT_RING_OVERRUN },
	{ "packet type unknown", lie_desc_type, FAULT_RING_TYPE },
};

static const struct lie message_lies[] = {
	{ "message without header", lie_short, FAULT_VMBUS_SHORT },
	{ "message of no type", lie_type, FAULT_VMBUS_TYPE },
	{ "message of the host", lie_host_type, FAULT_VMBUS_TYPE },
	{ "open cut short", lie_open_cut, FAULT_VMBUS_SHORT },
	{ "open of no channel", lie_relid, FAULT_VMBUS_RELID },
	{ "open twice", lie_reopen, FAULT_VMBUS_STATE },
	{ "close of no channel", lie_close, FAULT_VMBUS_RELID },
	{ "move to no processor", lie_move, FAULT_VMBUS_VP },
	{ "GPADL 0", lie_gpadl_zero, FAULT_GPADL_ID },
	{ "GPADL twice", lie_gpadl_twice, FAULT_GPADL_ID },
	{ "GPADL outside memory", lie_gpadl_far, FAULT_GPA_UNMAPPED },
	{ "GPADL at the last page", lie_gpadl_huge, FAULT_GPA_UNMAPPED },
	{ "GPADL offset of a page", lie_gpadl_off, FAULT_GPADL_RANGE },
	{ "GPADL empty", lie_gpadl_none, FAULT_GPADL_RANGE },
	{ "GPADL past its pages", lie_gpadl_long, FAULT_GPADL_RANGE },
	{ "GPADL body without a header", lie_body, FAULT_GPADL_ID },
	{ "GPADL teardown of none", lie_torn, FAULT_GPADL_ID },
	{ "GPADL teardown in use", lie_gpadl_busy, FAULT_GPADL_BUSY },
};

#endif
