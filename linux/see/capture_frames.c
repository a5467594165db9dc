/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Ethernet frames in a captured ring packet.
 *
 * Theory of operation.  A data packet refers to RNDIS messages, one behind the
 * other in a section or in the pages, or one in each range of the receive
 * buffer.  Each has a frame, or a fragment of one (RSC), which is joined with
 * those before it.  What was captured may end anywhere: a frame then has fewer
 * bytes than it was long, and a message whose header is cut has none.  A tag
 * that stands in the per-packet information is put back into the frame.
 *
 * With `segments` a frame that is to be cut (LSO), or was joined (RSC), becomes
 * the segments of the wire, if the segment size stands in its information.  Of
 * payload that was not captured only the length is known; checksums of such a
 * frame's segments have the pseudo-header's sum.
 *
 * Context: the thread that writes.  It sees private copies only, but what a
 * peer made up: each length is checked against what is there.
 */
#include "linux/see/capture_frames.h"
#include "pkt/pkt_parse.h"
#include "pkt/pkt_seg.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_pkt.h"
#include "wire/vmpkt.h"

#define ADDRS_BYTES	12u
#define TAG_BYTES	4u

/* What the header of a message says of its frame. */
struct frame_info {
	uint32_t msg_len, data_off, data_len;
	bool vlan, frag;
	uint16_t tci;
	uint32_t mss;		/* 0: none */
	uint8_t frag_flags;
};

static void
info_ppi(struct frame_info *f, struct span ppi)
{
	struct rndis_ppi_wire w;
	uint32_t size, off, value;

	while (ppi.len >= sizeof(w)) {
		memcpy(&w, ppi.p, sizeof(w));
		size = le32_get(w.size);
		off = le32_get(w.data_off);
		if (size < sizeof(w) || size > ppi.len)
			return;
		if (range_ok(off, 4, size)) {
			memcpy(&value, ppi.p + off, 4);
			value = os_le32(value);
			if (le32_get(w.type) == RNDIS_PPI_VLAN) {
				f->vlan = true;
				f->tci = rndis_vlan_to_tci(value);
			} else if (le32_get(w.type) == RNDIS_PPI_LSO) {
				f->mss = rndis_lso_mss(value);
			} else if (le32_get(w.type) == RNDIS_PPI_PKTINFO_ID) {
				f->frag = true;
				f->frag_flags = (uint8_t)(value >> 8);
			}
		}
		ppi = span_sub(ppi, size, ppi.len - size);
	}
}

/* False: no data message, or its header is not all there. */
static bool
info_get(struct frame_info *f, struct span msg)
{
	struct rndis_packet_wire w;
	uint32_t ppi_off;

	*f = (struct frame_info){ 0 };
	if (msg.len < sizeof(w))
		return false;
	memcpy(&w, msg.p, sizeof(w));
	f->msg_len = le32_get(w.len);
	f->data_len = le32_get(w.data_len);
	if (le32_get(w.type) != RNDIS_PACKET || f->msg_len < sizeof(w) ||
	    !range_ok(le32_get(w.data_off), f->data_len,
	    f->msg_len - RNDIS_OFF_BASE))
		return false;
	f->data_off = RNDIS_OFF_BASE + le32_get(w.data_off);
	ppi_off = le32_get(w.ppi_off);
	if (ppi_off != 0 && range_ok(ppi_off, le32_get(w.ppi_len),
	    msg.len - RNDIS_OFF_BASE))
		info_ppi(f, span_sub(msg, RNDIS_OFF_BASE + ppi_off,
		    le32_get(w.ppi_len)));
	return true;
}

/* A frame: what head and rest have of its orig bytes, and its tag. */
static void
frame_emit(struct capture_frames *c, const struct see_record_wire *h,
    uint64_t time_ns, const struct frame_info *f, struct span head,
    struct span rest, uint32_t orig)
{
	uint8_t tag[TAG_BYTES] = { PKT_TYPE_VLAN >> 8, PKT_TYPE_VLAN & 0xff,
		(uint8_t)(f->tci >> 8), (uint8_t)f->tci };
	const bool tagged = f->vlan && head.len >= ADDRS_BYTES;
	const uint32_t first = tagged ? ADDRS_BYTES : head.len;
	const uint32_t more = tagged ? TAG_BYTES : 0;
	const struct span v[4] = { { head.p, first }, { tag, more },
		{ head.p + first, head.len - first }, rest };

	c->emit(c->ctx, h, time_ns, v, 4, orig + more);
}

/* The segments of the frame that is in c->frame.  False: it stays whole. */
static bool
segments_write(struct capture_frames *c, const struct see_record_wire *h,
    uint64_t time_ns, const struct frame_info *f)
{
	const struct pkt_meta m = { .gso_size = (uint16_t)c->mss };
	const struct vec v = { c->frame, c->orig };
	uint8_t head[PKT_HEAD_MAX];
	struct pkt_seg_out out;
	struct pkt_seg s;

	if (c->mss < PKT_MSS_MIN || c->mss > UINT16_MAX ||
	    c->orig > CAPTURE_FRAME_MAX)
		return false;
	memset(c->frame + c->len, 0, c->orig - c->len);
	if (pkt_seg_start(&s, &v, 1, &m, c->cut ? PKT_SEG_PARTIAL :
	    PKT_SEG_COMPLETE) < 0)
		return false;
	while (pkt_seg_next(&s, &out, head) > 0) {
		uint32_t there = c->len > out.payload_off ?
		    min_u32(c->len - out.payload_off, out.payload_len) : 0;

		if (out.hdr_len > c->len)
			return false;
		frame_emit(c, h, time_ns, f, (struct span){ head,
		    out.hdr_len }, (struct span){ c->frame + out.payload_off,
		    there }, out.hdr_len + out.payload_len);
	}
	return true;
}

/* Write the frame that is in c->frame. */
static void
frame_write(struct capture_frames *c, const struct see_record_wire *h,
    uint64_t time_ns, const struct frame_info *f)
{
	const struct span all = { c->frame, c->len };

	if (c->len > 0 && !(c->segments && segments_write(c, h, time_ns, f)))
		frame_emit(c, h, time_ns, f, all, (struct span){ c->frame, 0 },
		    c->orig);
	c->len = c->orig = 0;
}

/* One message, of which `msg` is there. */
static void
frame_of_message(struct capture_frames *c, const struct see_record_wire *h,
    uint64_t time_ns, struct span msg, const struct frame_info *f)
{
	uint32_t there = msg.len > f->data_off ?
	    min_u32(msg.len - f->data_off, f->data_len) : 0;

	if (!f->frag || (f->frag_flags & RNDIS_FRAG_FIRST) != 0) {
		c->len = c->orig = 0;
		c->mss = f->mss;
		c->cut = false;
	}
	if (!c->cut) {
		there = min_u32(there, CAPTURE_FRAME_MAX - c->len);
		if (there > 0)
			memcpy(c->frame + c->len, msg.p + f->data_off,
			    there);
		c->len += there;
		c->cut = there < f->data_len;
	}
	/* A peer's fragments may say more than 32 bits together. */
	c->orig += min_u32(f->data_len, UINT32_MAX - TAG_BYTES - c->orig);
	if (!f->frag || (f->frag_flags & RNDIS_FRAG_LAST) != 0)
		frame_write(c, h, time_ns, f);
}

/* Messages one behind the other, of which `part` is there. */
static void
frames_of_piece(struct capture_frames *c, const struct see_record_wire *h,
    uint64_t time_ns, struct span part)
{
	struct frame_info f;

	while (info_get(&f, part)) {
		frame_of_message(c, h, time_ns, part, &f);
		if (f.msg_len >= part.len)
			return;
		part = span_sub(part, f.msg_len, part.len - f.msg_len);
	}
}

void
capture_frames_of(struct capture_frames *c, const struct see_record_wire *h,
    uint64_t time_ns, struct span body)
{
	uint32_t ext_len = le32_get(h->ext_bytes);
	uint32_t data_len = le32_get(h->data_bytes);
	uint32_t most = le32_get(h->piece_max);
	struct nvs_rndis nvs;
	struct vmpkt_xfer x;
	struct span rest;
	enum fault why;

	if (!range_ok(ext_len, data_len, body.len) ||
	    le16_get(h->type) == VMPKT_COMPLETION ||
	    !nvs_rndis_get(&nvs, span_sub(body, ext_len, data_len)) ||
	    nvs.channel != NVS_CHANNEL_DATA)
		return;
	rest = span_sub(body, ext_len + data_len,
	    body.len - ext_len - data_len);
	if (le16_get(h->type) != VMPKT_XFER_PAGES) {
		frames_of_piece(c, h, time_ns, rest);
		return;
	}
	if (vmpkt_xfer_decode(&x, span_sub(body, 0, ext_len), &why) != 0)
		return;
	for (uint32_t i = 0; i < x.count && rest.len > 0; i++) {
		uint32_t n = vmpkt_xfer_range(&x, i).bytes;

		n = min_u32(most != 0 ? min_u32(n, most) : n, rest.len);
		frames_of_piece(c, h, time_ns, span_sub(rest, 0, n));
		rest = span_sub(rest, n, rest.len - n);
	}
}
