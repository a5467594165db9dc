/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * The extensions of transfer-page (type 7) and GPA-direct (type 9) packets.
 * Decoding checks the whole list once; the walk over it then cannot fail, and
 * joins neighbouring pages so that its user maps and copies as few pieces as
 * possible.  Both read a private copy of the packet.  Called once a packet on
 * the data path by the queue's owner; no state but the walk's own.
 */
#include "wire/vmpkt.h"

uint32_t
vmpkt_xfer_head_put(uint8_t *buf, uint16_t pageset, uint32_t n)
{
	struct ring_xfer_wire h = {
		.pageset = le16_put(pageset), .range_count = le32_put(n),
	};

	memcpy(buf, &h, sizeof(h));
	return VMPKT_XFER_EXT_BYTES(n);
}

uint32_t
vmpkt_xfer_ext_put(uint8_t *buf, uint16_t pageset,
    const struct vmpkt_xfer_range *range, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		vmpkt_xfer_range_put(buf, i, range[i].bytes, range[i].offset);
	return vmpkt_xfer_head_put(buf, pageset, n);
}

int
vmpkt_xfer_decode(struct vmpkt_xfer *out, struct span ext, enum fault *why)
{
	struct ring_xfer_wire h;
	uint32_t n;

	if (ext.len < sizeof(h))
		return peer_bad(why, FAULT_PKT_RANGES);
	memcpy(&h, ext.p, sizeof(h));
	n = le32_get(h.range_count);
	if (n == 0 || n > (ext.len - sizeof(h)) /
	    sizeof(struct ring_xfer_range_wire))
		return peer_bad(why, FAULT_PKT_RANGES);
	out->pageset = le16_get(h.pageset);
	out->count = n;
	out->ranges = span_sub(ext, sizeof(h),
	    n * (uint32_t)sizeof(struct ring_xfer_range_wire));
	return 0;
}

static uint8_t *
gpa_header_put(uint8_t *buf, uint32_t n)
{
	struct ring_gpa_wire h = { .range_count = le32_put(n) };

	memcpy(buf, &h, sizeof(h));
	return buf + sizeof(h);
}

static uint8_t *
gpa_range_put(uint8_t *buf, uint32_t bytes, uint32_t offset)
{
	struct ring_gpa_range_wire r = { le32_put(bytes), le32_put(offset) };

	memcpy(buf, &r, sizeof(r));
	return buf + sizeof(r);
}

static uint8_t *
pfn_put(uint8_t *buf, uint64_t pfn)
{
	le64_t w = le64_put(pfn);

	memcpy(buf, &w, sizeof(w));
	return buf + sizeof(w);
}

uint32_t
vmpkt_gpa_ext_put(uint8_t *buf, uint32_t cap, const struct gpa_range *range,
    uint32_t n)
{
	uint64_t need = sizeof(struct ring_gpa_wire);

	for (uint32_t i = 0; i < n; i++)
		need += sizeof(struct ring_gpa_range_wire) + 8 *
		    (uint64_t)gpa_range_pages(range[i].bytes, range[i].offset);
	if (n == 0 || need > cap)
		return 0;
	buf = gpa_header_put(buf, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t pages = gpa_range_pages(range[i].bytes,
		    range[i].offset);

		buf = gpa_range_put(buf, range[i].bytes, range[i].offset);
		for (uint32_t k = 0; k < pages; k++)
			buf = pfn_put(buf, range[i].pfn[k]);
	}
	return (uint32_t)need;
}

uint32_t
vmpkt_gpa_sg_put(uint8_t *buf, uint32_t cap, const struct gpa_piece *piece,
    uint32_t n)
{
	if (n == 0 || n > (cap < 8 ? 0 : (cap - 8) / 16))
		return 0;
	buf = gpa_header_put(buf, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t offset = (uint32_t)(piece[i].gpa & (HV_PAGE_SIZE - 1));

		OS_ASSERT(range_ok(offset, piece[i].len, HV_PAGE_SIZE));
		buf = gpa_range_put(buf, piece[i].len, offset);
		buf = pfn_put(buf, piece[i].gpa >> HV_PAGE_SHIFT);
	}
	return VMPKT_SG_EXT_BYTES(n);
}

int
vmpkt_gpa_decode(struct vmpkt_gpa *out, struct span ext, enum fault *why)
{
	struct ring_gpa_wire h;
	uint32_t at = sizeof(h);

	if (ext.len < sizeof(h))
		return peer_bad(why, FAULT_PKT_RANGES);
	memcpy(&h, ext.p, sizeof(h));
	out->count = le32_get(h.range_count);
	if (out->count == 0)
		return peer_bad(why, FAULT_PKT_RANGES);
	out->total_bytes = 0;
	for (uint32_t i = 0; i < out->count; i++) {
		struct ring_gpa_range_wire r;
		uint32_t bytes, offset, pages;

		if (!range_ok(at, sizeof(r), ext.len))
			return peer_bad(why, FAULT_PKT_RANGES);
		memcpy(&r, ext.p + at, sizeof(r));
		at += (uint32_t)sizeof(r);
		bytes = le32_get(r.bytes);
		offset = le32_get(r.offset);
		if (offset >= HV_PAGE_SIZE)
			return peer_bad(why, FAULT_PKT_RANGES);
		pages = gpa_range_pages(bytes, offset);
		if (!range_ok(at, 8 * (uint64_t)pages, ext.len))
			return peer_bad(why, FAULT_PKT_RANGES);
		at += 8 * pages;
		out->total_bytes += bytes;
	}
	out->ranges = span_sub(ext, sizeof(h), at - (uint32_t)sizeof(h));
	return 0;
}

/* Step to the next range that is not empty; false at the end of the list. */
static bool
range_enter(struct vmpkt_gpa_walk *w)
{
	do {
		struct ring_gpa_range_wire r;

		if (w->ranges_left == 0)
			return false;
		memcpy(&r, w->p, sizeof(r));
		w->p += sizeof(r);
		w->ranges_left--;
		w->range++;
		w->bytes_left = le32_get(r.bytes);
		w->offset = le32_get(r.offset);
		if (w->bytes_left == 0 && w->offset != 0)
			w->p += 8;
	} while (w->bytes_left == 0);
	return true;
}

static uint64_t
pfn_at(const uint8_t *p)
{
	le64_t pfn;

	memcpy(&pfn, p, sizeof(pfn));
	return le64_get(pfn);
}

void
vmpkt_gpa_walk_init(struct vmpkt_gpa_walk *w, const struct vmpkt_gpa *g)
{
	w->p = g->ranges.p;
	w->ranges_left = g->count;
	w->bytes_left = 0;
	w->offset = 0;
	w->range = (uint32_t)-1;	/* before the first */
}

bool
vmpkt_gpa_walk_next(struct vmpkt_gpa_walk *w, struct gpa_piece *out)
{
	uint64_t pfn;
	uint32_t len;

	if (w->bytes_left == 0 && !range_enter(w))
		return false;
	pfn = pfn_at(w->p);
	w->p += 8;
	out->gpa = (pfn << HV_PAGE_SHIFT) + w->offset;
	len = min_u32(w->bytes_left, HV_PAGE_SIZE - w->offset);
	w->bytes_left -= len;
	w->offset = 0;
	while (w->bytes_left != 0 && pfn_at(w->p) == pfn + 1) {
		uint32_t more = min_u32(w->bytes_left, HV_PAGE_SIZE);

		pfn++;
		w->p += 8;
		len += more;
		w->bytes_left -= more;
	}
	out->len = len;
	return true;
}

void
vmpkt_gpa_ends_next(struct vmpkt_gpa_ends *e)
{
	struct ring_gpa_range_wire r;
	uint32_t bytes;

	memcpy(&r, e->p, sizeof(r));
	bytes = le32_get(r.bytes);
	e->p += sizeof(r) + 8 * (size_t)gpa_range_pages(bytes,
	    le32_get(r.offset));
	e->ranges_left--;
	e->end += bytes;
}
