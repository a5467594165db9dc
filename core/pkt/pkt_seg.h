/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Software TCP segmentation, and what LSO does to headers at either end.
 */
#ifndef CORE_PKT_PKT_SEG_H
#define CORE_PKT_PKT_SEG_H

#include "base/fault.h"
#include "pkt/pkt_load.h"
#include "pkt/pkt_meta.h"
#include "pkt/pkt_parse.h"

/*
 * Policy: smallest MSS a guest may request, so that one frame does not become
 * too many.  Linux goes down to 48 bytes less 40 of options (TCP_MIN_SND_MSS).
 */
#define PKT_MSS_MIN	8u

/* How the segments' TCP checksums are left. */
enum pkt_seg_csum {
	PKT_SEG_PARTIAL,	/* pseudo-header sum; PKT_CSUM_PARTIAL set */
	PKT_SEG_COMPLETE,	/* summed over the payload */
};

/* Iterator; fields are private to pkt_seg.c. */
struct pkt_seg {
	const struct vec *v;	/* borrowed from start to the last next */
	uint32_t n;
	uint32_t piece, piece_off;	/* cursor of the payload in v */
	uint32_t off;			/* payload bytes given so far */
	uint32_t payload;		/* payload bytes of the frame */
	uint32_t mss;
	uint32_t hdr_len, l3_off, l4_off;
	uint32_t seq;
	uint32_t segs;			/* segments given so far */
	uint64_t ip_sum;		/* IPv4 header less len, id, checksum */
	uint64_t tcp_sum;		/* TCP header less seq, flags, checksum;
					   pseudo-header less length */
	uint64_t pseudo;		/* pseudo-header less length */
	uint16_t ip_id, id_step;
	uint8_t ip_version, tcp_flags;
	enum pkt_seg_csum csum;
	struct pkt_meta meta;		/* of every segment */
	uint8_t hdr[PKT_HEAD_MAX];
};

/* One segment. */
struct pkt_seg_out {
	uint32_t hdr_len;	/* bytes written to the caller's buffer */
	uint32_t payload_off;	/* where its payload lies in the GSO frame */
	uint32_t payload_len;
	/*
	 * VLAN and hash as the GSO frame's, no GSO flags; PKT_CSUM_PARTIAL
	 * with its fields, or PKT_CSUM_GOOD_L4 after PKT_SEG_COMPLETE.
	 */
	struct pkt_meta meta;
};

/*
 * Begin to cut the frame in v at m->gso_size.  The frame's own headers decide
 * (not m's offsets); IP lengths in it are ignored.  Context: owner of the
 * frame; borrows v and its memory until the last pkt_seg_next(); m is copied.
 * Returns the number of segments (>= 1); E_NOTSUP when this is not TCP over
 * IPv4 or IPv6 with a whole header in the first PKT_HEAD_MAX bytes, is a
 * fragment, has SYN or RST set with more than one segment, has gso_size 0 or
 * PKT_GSO_NORESEG, a segment that does not fit the IP length, or is longer
 * than 1 MiB.  UDP is never cut.
 */
int pkt_seg_start(struct pkt_seg *s, const struct vec *v, uint32_t n,
    const struct pkt_meta *m, enum pkt_seg_csum csum);

/*
 * Next segment: its headers go to hdr (at least PKT_HEAD_MAX bytes, the
 * caller's), its payload stays where it is; pkt_vec_slice() describes it.
 * IPv4 id counts up (unless PKT_GSO_FIXEDID); FIN and PSH only on the last
 * segment, CWR only on the first.  Context: as pkt_seg_start().  Returns 1 with
 * *out filled, 0 at the end.
 */
int pkt_seg_next(struct pkt_seg *s, struct pkt_seg_out *out, uint8_t *hdr);

/*
 * Guest side: turn the headers of a GSO frame into what LSOv2 wants (protocol
 * notes, LSOv2): IPv4 total length and header checksum zero, IPv6 payload
 * length zero, TCP checksum = pseudo-header sum without the length.  head
 * holds the first head_len bytes of the frame and is written.  Sets m's layout
 * (l4_off goes into the PPI) and hdr_len.  Context: owner of the frame.
 * Returns 0; E_NOTSUP when it is not a TCP frame with whole headers in head or
 * m has no gso_size: then nothing is changed.
 */
int pkt_lso_prepare(uint8_t *head, uint32_t head_len, uint32_t frame_len,
    struct pkt_meta *m);

/*
 * Host side: the reverse, from the frame's real length and whatever the guest
 * left in the fields: IPv4 total length and header checksum, IPv6 payload
 * length, TCP checksum = pseudo-header sum with the length of all the payload
 * (what a virtio-net GSO frame carries).  Sets in m: layout, hdr_len, PARTIAL,
 * csum_start, csum_offset, segs, GSO_ECN, and GSO_TCP4 or _TCP6.  m->gso_size
 * is the PPI's MSS; if m names an IP version by GSO_TCP4 or _TCP6 the frame
 * must be of it.  A frame whose payload fits one segment loses its GSO flags
 * and size and stays PARTIAL.  Context: owner of the frame.  Returns 0; E_PEER
 * with *why = FRAME_SHORT (headers not in head), FRAME_HEADERS (not TCP,
 * fragment, other IP version, MSS below PKT_MSS_MIN) or FRAME_LONG (does not
 * fit the IP length field): then neither head nor m is changed.
 */
int pkt_lso_restore(uint8_t *head, uint32_t head_len, uint32_t frame_len,
    struct pkt_meta *m, enum fault *why);

/*
 * Segment size of a frame that came as RSC fragments, from their lengths:
 * frag_len[0] includes hdr_len bytes of headers.  Context: any, pure.  Returns
 * the size where all fragments but the last carry the same payload and the last
 * no more (and not none); else 0, and the frame is PKT_GSO_NORESEG.  Against a
 * foreign host this is a heuristic: nothing in the protocol promises that
 * fragments are segments.
 */
uint32_t pkt_rsc_segsize(const uint32_t *frag_len, uint32_t n,
    uint32_t hdr_len);

#endif
