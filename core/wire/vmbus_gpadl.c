/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of Operation
 *
 * Reading: the owner of a GPADL has collected the range buffer from header
 * and bodies; the iterator steps over it range by range, each step checked
 * against what is left, each at least eight bytes long.
 *
 * Writing: the range buffer is never built.  It is a sequence of 64-bit words,
 * and message i carries a fixed window of it, so each message needs only the
 * list of ranges; a caller can send one, wait, and go on.
 *
 * Pure functions, any context.
 */
#include "wire/vmbus_gpadl.h"
#include "wire/vmbus_msg.h"
#include "wire/vmpkt.h"

void
vmbus_gpadl_iter_init(struct vmbus_gpadl_iter *it, struct span buf,
    uint32_t ranges)
{
	it->left = buf;
	it->ranges_left = ranges;
}

int
vmbus_gpadl_next(struct vmbus_gpadl_iter *it, struct vmbus_gpadl_range *out,
    enum fault *why)
{
	struct vmbus_gpa_range_wire w;
	uint32_t room, pages;

	if (it->ranges_left == 0)
		return 0;
	if (it->left.len < sizeof(w))
		return peer_bad(why, FAULT_GPADL_RANGE);
	memcpy(&w, it->left.p, sizeof(w));
	if (le32_get(w.bytes) == 0 || le32_get(w.offset) >= HV_PAGE_SIZE)
		return peer_bad(why, FAULT_GPADL_RANGE);
	room = (it->left.len - (uint32_t)sizeof(w)) / 8;
	pages = gpa_range_pages(le32_get(w.bytes), le32_get(w.offset));
	if (pages > room)
		return peer_bad(why, FAULT_GPADL_RANGE);

	out->bytes = le32_get(w.bytes);
	out->offset = le32_get(w.offset);
	out->pages = pages;
	out->pfns = span_sub(it->left, sizeof(w), pages * 8);
	it->left.p += sizeof(w) + pages * 8;
	it->left.len -= (uint32_t)sizeof(w) + pages * 8;
	it->ranges_left--;
	return 1;
}

int
vmbus_gpadl_check(struct span buf, uint32_t ranges, uint32_t *pages,
    uint64_t *bytes, enum fault *why)
{
	struct vmbus_gpadl_iter it;
	struct vmbus_gpadl_range r;
	uint32_t sum_pages = 0;
	uint64_t sum_bytes = 0;
	int rc;

	if (ranges == 0)
		return peer_bad(why, FAULT_GPADL_RANGE);
	vmbus_gpadl_iter_init(&it, buf, ranges);
	while ((rc = vmbus_gpadl_next(&it, &r, why)) > 0) {
		sum_pages += r.pages;
		sum_bytes += r.bytes;
	}
	if (rc < 0)
		return rc;
	if (pages != NULL)
		*pages = sum_pages;
	if (bytes != NULL)
		*bytes = sum_bytes;
	return 0;
}

uint32_t
vmbus_gpadl_bytes(const struct vmbus_gpadl_src *src, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		sum += 8 + 8 * (uint64_t)gpa_range_pages(src[i].bytes,
		    src[i].offset);
		if (sum > VMBUS_GPADL_BYTES_MAX)
			return 0;
	}
	return (uint32_t)sum;
}

uint32_t
vmbus_gpadl_messages(uint32_t bytes)
{
	if (bytes <= VMBUS_GPADL_HEADER_PART)
		return 1;
	return 1 + (bytes - VMBUS_GPADL_HEADER_PART +
	    VMBUS_GPADL_BODY_PART - 1) / VMBUS_GPADL_BODY_PART;
}

/* Word i of the range buffer that starts with *src. */
static uint64_t
src_word(const struct vmbus_gpadl_src *src, uint32_t i)
{
	if (i == 0)
		return src->bytes | (uint64_t)src->offset << 32;
	return src->pfn != NULL ? src->pfn[i - 1] : src->first_pfn + i - 1;
}

/* Write words [first, first + words) of the range buffer. */
static void
window_put(const struct vmbus_gpadl_src *src, uint32_t first, uint32_t words,
    uint8_t *buf)
{
	uint32_t size = 1 + gpa_range_pages(src->bytes, src->offset);

	while (first >= size) {
		first -= size;
		src++;
		size = 1 + gpa_range_pages(src->bytes, src->offset);
	}
	while (words-- != 0) {
		le64_t w;

		if (first == size) {
			first = 0;
			src++;
			size = 1 + gpa_range_pages(src->bytes, src->offset);
		}
		w = le64_put(src_word(src, first++));
		memcpy(buf, &w, sizeof(w));
		buf += sizeof(w);
	}
}

uint32_t
vmbus_gpadl_message(const struct vmbus_gpadl_src *src, uint32_t n,
    uint32_t relid, uint32_t gpadl, uint32_t i, uint8_t buf[VMBUS_MSG_MAX])
{
	uint32_t bytes = vmbus_gpadl_bytes(src, n);
	uint8_t part[VMBUS_GPADL_BODY_PART];
	struct vmbus_msg m;
	uint32_t first, len;

	if (bytes == 0 || i >= vmbus_gpadl_messages(bytes))
		return 0;
	if (i == 0) {
		first = 0;
		len = min_u32(bytes, VMBUS_GPADL_HEADER_PART);
		m.type = VMBUS_GPADL_HEADER;
		m.gpadl_header = (struct vmbus_gpadl_header){
			.relid = relid, .gpadl = gpadl,
			.range_bytes = (uint16_t)bytes,
			.range_count = (uint16_t)n,
			.part = { part, len },
		};
	} else {
		first = VMBUS_GPADL_HEADER_PART +
		    (i - 1) * VMBUS_GPADL_BODY_PART;
		len = min_u32(bytes - first, VMBUS_GPADL_BODY_PART);
		m.type = VMBUS_GPADL_BODY;
		m.gpadl_body = (struct vmbus_gpadl_body){
			.gpadl = gpadl, .msg_number = i - 1,
			.part = { part, len },
		};
	}
	window_put(src, first / 8, len / 8, part);
	return vmbus_msg_encode(&m, buf);
}
