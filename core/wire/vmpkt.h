/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One packet on a channel, in native form: what a producer puts and what a
 * consumer gets.  The same two structures serve our own rings and a channel
 * that an operating system owns (FreeBSD's vmbus(4)); see bus/chan.h.
 */
#ifndef CORE_WIRE_VMPKT_H
#define CORE_WIRE_VMPKT_H

#include "base/fault.h"
#include "base/span.h"
#include "wire/ring_wire.h"

/* Packet types.  OpenVMM vmbus_ring, FreeBSD vmbus_reg.h. */
enum vmpkt_type {
	VMPKT_INBAND = 6,	/* payload only */
	VMPKT_XFER_PAGES = 7,	/* ranges of the receive buffer; to guest */
	VMPKT_GPA_DIRECT = 9,	/* ranges of guest memory; to host */
	VMPKT_COMPLETION = 11,	/* answers the packet of the same xact */
};

#define VMPKT_F_COMPLETE	0x1u	/* the sender wants a completion */

/*
 * A packet to put.  ext is the type's own extension (for type 7 the transfer
 * page header and ranges, for type 9 the GPA header and ranges), a multiple of
 * 8 bytes, already in wire form; data is the payload, of any length.  Both are
 * borrowed for the call.
 */
struct vmpkt_out {
	uint16_t type;
	uint16_t flags;
	uint64_t xact;
	struct span ext;
	struct span data;
};

/*
 * A packet as received.  ext and data point into the caller's private copy,
 * never into the ring.  data.len is a multiple of 8: it includes the padding.
 */
struct vmpkt_in {
	uint16_t type;
	uint16_t flags;
	uint64_t xact;
	struct span ext;
	struct span data;
};

/* ---- type 7: ranges of the receive buffer ----------------------------- */

struct vmpkt_xfer_range {
	uint32_t bytes;
	uint32_t offset;	/* into the receive buffer */
};

#define VMPKT_XFER_EXT_BYTES(n)	(8u + 8u * (n))

/*
 * Write the extension of a type 7 packet.  Returns its length,
 * VMPKT_XFER_EXT_BYTES(n); buf holds at least that.
 */
uint32_t vmpkt_xfer_ext_put(uint8_t *buf, uint16_t pageset,
    const struct vmpkt_xfer_range *range, uint32_t n);

/* The same in two steps: what comes before n ranges, and range i. */
uint32_t vmpkt_xfer_head_put(uint8_t *buf, uint16_t pageset, uint32_t n);

static inline void
vmpkt_xfer_range_put(uint8_t *buf, uint32_t i, uint32_t bytes, uint32_t offset)
{
	le32_store(buf + VMPKT_XFER_EXT_BYTES(i), bytes);
	le32_store(buf + VMPKT_XFER_EXT_BYTES(i) + 4, offset);
}

struct vmpkt_xfer {
	uint16_t pageset;
	uint32_t count;		/* >= 1 */
	struct span ranges;	/* count x 8 bytes */
};

/*
 * Decode the extension of a type 7 packet.  Context: any.  Returns 0 or E_PEER
 * with PKT_RANGES: no range, or ranges beyond ext.  What lies inside a range
 * is for the owner of the buffer to check; the reserved fields are ignored.
 */
int vmpkt_xfer_decode(struct vmpkt_xfer *out, struct span ext,
    enum fault *why) must_check;

/* Range i < count. */
static inline struct vmpkt_xfer_range
vmpkt_xfer_range(const struct vmpkt_xfer *x, uint32_t i)
{
	struct ring_xfer_range_wire w;

	memcpy(&w, x->ranges.p + (size_t)i * sizeof(w), sizeof(w));
	return (struct vmpkt_xfer_range){ le32_get(w.bytes),
	    le32_get(w.offset) };
}

/* ---- type 9: ranges of guest memory ----------------------------------- */

/* A range with its own page list ("prplist" is one of these). */
struct gpa_range {
	uint32_t bytes;
	uint32_t offset;	/* into the first page, < 4096 */
	const uint64_t *pfn;	/* ceil((offset + bytes) / 4096) of them */
};

/* A piece inside one page ("sglist" is a list of these). */
struct gpa_piece {
	uint64_t gpa;
	uint32_t len;		/* does not cross a page when written */
};

#define VMPKT_SG_EXT_BYTES(n)		(8u + 16u * (n))
#define VMPKT_PRP_EXT_BYTES(pages)	(16u + 8u * (pages))

/* Pages that a range touches. */
static inline uint32_t
gpa_range_pages(uint32_t bytes, uint32_t offset)
{
	return (uint32_t)(((uint64_t)offset + bytes + HV_PAGE_SIZE - 1) >>
	    HV_PAGE_SHIFT);
}

/*
 * Write the extension of a type 9 packet: any ranges, or one range of one page
 * for each piece.  Return the length, a multiple of 8, or 0 if it is over cap.
 */
uint32_t vmpkt_gpa_ext_put(uint8_t *buf, uint32_t cap,
    const struct gpa_range *range, uint32_t n);
uint32_t vmpkt_gpa_sg_put(uint8_t *buf, uint32_t cap,
    const struct gpa_piece *piece, uint32_t n);

/* The second in two steps: piece i, and what comes before n of them. */
static inline void
vmpkt_gpa_sg_piece_put(uint8_t *buf, uint32_t i, struct gpa_piece piece)
{
	uint8_t *p = buf + VMPKT_SG_EXT_BYTES(i);

	le32_store(p, piece.len);
	le32_store(p + 4, (uint32_t)(piece.gpa & (HV_PAGE_SIZE - 1)));
	le64_store(p + 8, piece.gpa >> HV_PAGE_SHIFT);
}

static inline void
vmpkt_gpa_sg_head_put(uint8_t *buf, uint32_t n)
{
	le32_store(buf, 0);
	le32_store(buf + 4, n);
}

struct vmpkt_gpa {
	uint32_t count;		/* ranges, >= 1 */
	uint64_t total_bytes;
	struct span ranges;
};

/*
 * Decode and check the whole extension of a type 9 packet.  Returns 0 or
 * E_PEER with PKT_RANGES: shorter than 8 bytes, no range, an offset of 4096
 * or more, or PFNs beyond ext.  Bytes after the last range are ignored, as is
 * the reserved field; an empty range is accepted and gives no piece.
 */
int vmpkt_gpa_decode(struct vmpkt_gpa *out, struct span ext,
    enum fault *why) must_check;

/*
 * Walk the pieces of a decoded list, in order.  Neighbouring pages of a range
 * that follow each other in guest memory come as one piece, so a piece may be
 * longer than a page; it never spans two ranges.
 */
struct vmpkt_gpa_walk {
	const uint8_t *p;	/* next range header or PFN */
	uint32_t ranges_left;	/* after the present one */
	uint32_t bytes_left;	/* of the present range */
	uint32_t offset;	/* into the next page */
	uint32_t range;		/* index of the range of the last piece */
};

void vmpkt_gpa_walk_init(struct vmpkt_gpa_walk *w, const struct vmpkt_gpa *g);
bool vmpkt_gpa_walk_next(struct vmpkt_gpa_walk *w, struct gpa_piece *out);

/* Where the ranges of a list end, counted in bytes from before the first. */
struct vmpkt_gpa_ends {
	const uint8_t *p;	/* next range header */
	uint32_t ranges_left;
	uint32_t end;		/* of the present range */
};

void vmpkt_gpa_ends_next(struct vmpkt_gpa_ends *e);

/*
 * The end of the range that holds byte `off`, which is not before that of the
 * last call; the end of the last range if none does.
 */
static inline uint32_t
vmpkt_gpa_end(struct vmpkt_gpa_ends *e, uint32_t off)
{
	while (e->end <= off && e->ranges_left != 0)
		vmpkt_gpa_ends_next(e);
	return e->end;
}

#endif
