/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a ring packet refers to: a section of the send buffer, pages of the
 * guest, ranges of the receive buffer.
 *
 * Theory of operation.  The packet is the peer's, or its mistake is what is
 * looked for: each number is checked as the data path checks it, and what is
 * wrong contributes nothing.  A page that the guest has not added yet is left
 * out too.  Pieces that continue each other are joined, except the ranges of
 * the receive buffer, each of which is a message of its own.
 */
#include "linux/see/see.h"
#include "wire/nvs_msg.h"

static uint32_t
gather_add(struct vec *v, uint32_t n, uint8_t *p, uint32_t len)
{
	if (n > 0 && (uint8_t *)v[n - 1].p + v[n - 1].len == p) {
		v[n - 1].len += len;
		return n;
	}
	if (n == SEE_PIECES || len == 0)
		return n;
	v[n] = (struct vec){ p, len };
	return n + 1;
}

/* A run of guest memory, page by page where it is not in one place. */
static uint32_t
gather_gpa(const struct see_watch *w, struct vec *v, uint32_t n, uint64_t gpa,
    uint32_t len)
{
	while (len > 0) {
		uint32_t most = HV_PAGE_SIZE -
		    (uint32_t)(gpa & (HV_PAGE_SIZE - 1));
		uint32_t take = min_u32(len, most);
		uint8_t *p = w->need->gpa(w->ctx, gpa, take);

		if (p != NULL)
			n = gather_add(v, n, p, take);
		gpa += take;
		len -= take;
	}
	return n;
}

static uint32_t
gather_to_host(const struct see_watch *w, const struct vmpkt_in *pkt,
    const struct see_memory *m, struct vec *v)
{
	struct vmpkt_gpa_walk walk;
	struct gpa_piece piece;
	struct nvs_rndis nvs;
	struct vmpkt_gpa gpa;
	enum fault why;
	uint32_t n = 0;

	if (nvs_rndis_get(&nvs, pkt->data) && m->send != NULL &&
	    nvs.section < m->send_sections &&
	    nvs.section_bytes <= m->section_bytes)
		n = gather_add(v, 0, m->send + (size_t)nvs.section *
		    m->section_bytes, nvs.section_bytes);
	if (pkt->type != VMPKT_GPA_DIRECT ||
	    vmpkt_gpa_decode(&gpa, pkt->ext, &why) != 0)
		return n;
	vmpkt_gpa_walk_init(&walk, &gpa);
	while (vmpkt_gpa_walk_next(&walk, &piece))
		n = gather_gpa(w, v, n, piece.gpa, piece.len);
	return n;
}

uint32_t
see_gather(const struct see_watch *w, const struct vmpkt_in *pkt,
    struct vec v[SEE_PIECES])
{
	struct see_memory m = { 0 };
	struct vmpkt_xfer x;
	enum fault why;
	uint32_t n = 0;

	w->need->memory(w->ctx, &m);
	if (pkt->type != VMPKT_XFER_PAGES)
		return gather_to_host(w, pkt, &m, v);
	if (m.recv == NULL || vmpkt_xfer_decode(&x, pkt->ext, &why) != 0)
		return 0;
	for (uint32_t i = 0; i < x.count && n < SEE_PIECES; i++) {
		struct vmpkt_xfer_range r = vmpkt_xfer_range(&x, i);

		/* One piece a range, so that they are told apart. */
		if (!range_ok(r.offset, r.bytes, m.recv_bytes))
			r.offset = r.bytes = 0;
		v[n++] = (struct vec){ m.recv + r.offset, r.bytes };
	}
	return n;
}
