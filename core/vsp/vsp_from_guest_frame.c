/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames inside one packet from the guest.
 *
 * A 107 packet names memory: a send-buffer section, guest physical ranges, or
 * the section and then the ranges.  vsp_packet_pieces() turns that into a vec
 * list over guest memory, neighbours merged.  In it lie RNDIS messages back to
 * back.  The first bytes of each are copied once: header and per-packet info,
 * which are decoded, and the first VSP_HEAD_BYTES of the frame, which become
 * vec[0] of what the backend gets.  (Where these do not lie in the first copy,
 * a second copy gets them.)  The guest may change its memory at any time, so
 * whatever we decide on is read from the private copy only; the payload, which
 * the rest of the list points to, is only moved.
 *
 * Frames without offload requests that lie in one piece take
 * vsp_from_guest_fast(); the rest of this file is for all others.
 *
 * A switch port decides by the Ethernet header, so the headers after it are
 * parsed only for frames with offload requests.
 *
 * Checksum and LSO: header fields that a guest leaves out are computed from the
 * frame itself (DPDK's driver does not prepare headers, Windows zeroes
 * lengths), see pkt_lso_restore() and pkt_csum_partial_set().
 *
 * Context: worker of the queue; vsp_packet_pieces() also control.
 */
#include "pkt/pkt_csum.h"
#include "pkt/pkt_load.h"
#include "pkt/pkt_parse.h"
#include "pkt/pkt_seg.h"
#include "vsp/vsp_priv.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_pkt.h"

/* With one PPI and the frame right behind it, one copy includes the head. */
#define RNDIS_COPY_BYTES	256u
/* Policy: bytes of a packet prefetched before its first message is read. */
#define PREFETCH_BYTES		1024u
/* Policy: bytes of memory that one packet names, at most. */
#define PACKET_MEMORY_MAX	(1u << 20)
/*
 * Policy: segments cut in one pass over a ring, at most.  When a packet's turn
 * comes most of them are left: enough for one LSO frame, which is what guests
 * send in a packet, in segments of 8 bytes of payload, Linux's smallest.
 */
#define PASS_SEGMENTS_MAX	16384u
/* Policy: 4 KiB of a packet count as much of a pass as one frame. */
#define SPENT_SHIFT		12

/* Append memory to the list, merged with the last piece if it follows it. */
static uint32_t
piece_add(struct vec *v, uint32_t n, uint8_t *p, uint32_t len)
{
	if (n > 0 && (uint8_t *)v[n - 1].p + v[n - 1].len == p) {
		v[n - 1].len += len;
		return n;
	}
	OS_ASSERT(n < VSP_PIECES);
	v[n] = (struct vec){ p, len };
	return n + 1;
}

/*
 * A run of guest memory; it may go on from one region into the next.  E_AGAIN:
 * some of it is not there yet, but was requested.
 */
static int
run_add(struct vsp_queue *q, struct vec *v, uint32_t n, struct gpa_piece g)
{
	struct partition *part = vms_partition(q->vsp->dev.vms);
	uint8_t *p = guestmem_ptr(&part->mem, g.gpa, g.len);

	if (p != NULL)
		return (int)piece_add(v, n, p, g.len);
	while (g.len > 0) {
		uint32_t in_page = HV_PAGE_SIZE -
		    (uint32_t)(g.gpa & (HV_PAGE_SIZE - 1));
		uint32_t len = min_u32(g.len, in_page);

		p = guestmem_ptr(&part->mem, g.gpa, len);
		if (p == NULL)
			return part_miss(part, g.gpa) ? E_AGAIN : E_PEER;
		n = piece_add(v, n, p, len);
		g.gpa += len;
		g.len -= len;
	}
	return (int)n;
}

static int
ranges_add(struct vsp_queue *q, struct span ext, uint32_t n, uint32_t *total,
    enum fault *why)
{
	struct vmpkt_gpa_walk walk;
	struct vmpkt_gpa gpa;
	struct gpa_piece piece;
	int rc = (int)n;

	if (vmpkt_gpa_decode(&gpa, ext, why) != 0)
		return E_PEER;
	if (gpa.total_bytes > PACKET_MEMORY_MAX)
		return peer_bad(why, FAULT_FRAME_LONG);
	q->from.ends.p = gpa.ranges.p;
	q->from.ends.ranges_left = gpa.count;
	*total += (uint32_t)gpa.total_bytes;
	vmpkt_gpa_walk_init(&walk, &gpa);
	while (vmpkt_gpa_walk_next(&walk, &piece)) {
		rc = run_add(q, q->from.msg, (uint32_t)rc, piece);
		if (rc == E_AGAIN)
			return rc;
		if (rc < 0)
			return peer_bad(why, FAULT_GPA_UNMAPPED);
	}
	return rc;
}

int
vsp_packet_pieces(struct vsp_queue *q, const struct vmpkt_in *pkt,
    uint32_t *total, enum fault *why)
{
	const struct vsp_send_buf *send = &q->vsp->send;
	struct nvs_rndis nvs;
	uint32_t n = 0;

	*total = 0;
	q->from.ends.ranges_left = 0;
	q->from.ends.end = 0;
	if (!nvs_rndis_get(&nvs, pkt->data))
		return peer_bad(why, FAULT_NVS_TYPE);
	if (nvs.section != NVS_SECTION_NONE) {
		if (nvs.section >= send->sections ||
		    nvs.section_bytes > send->section_bytes)
			return peer_bad(why, FAULT_NVS_SECTION);
		if (nvs.section_bytes > 0)
			n = piece_add(q->from.msg, 0, send->base +
			    (size_t)nvs.section * send->section_bytes,
			    nvs.section_bytes);
		*total = q->from.ends.end = nvs.section_bytes;
	}
	if (pkt->type == VMPKT_GPA_DIRECT)
		return ranges_add(q, pkt->ext, n, total, why);
	if (pkt->type != VMPKT_INBAND)
		return peer_bad(why, FAULT_RING_TYPE);
	return (int)n;
}

/* Copy out of the pieces; most packets have one, a section. */
static inline void
piece_copy(const struct vec *v, uint32_t n, uint32_t off, void *dst,
    uint32_t len)
{
	if (n == 1)
		copy_once(dst, (const uint8_t *)v[0].p + off, len);
	else
		pkt_vec_gather_once(v, n, off, dst, len);
}

/* Hand one wire frame (or a GSO frame that the backend takes) over. */
static void
frame_emit(struct vsp_queue *q, struct vsp_frame *f, uint32_t *sw_csum)
{
	struct vsp *vsp = q->vsp;

	if ((f->meta.flags & PKT_CSUM_PARTIAL) && !vsp->cfg.backend_csum &&
	    (f->meta.flags & PKT_GSO_ANY) == 0 &&
	    pkt_csum_complete(f->vec, f->nvec, &f->meta) == 0)
		(*sw_csum)++;
	q->from.unflushed = true;
	vsp->ops.from_guest(vsp->ctx, q->index, f);
}

/* Cut a GSO frame for a backend that takes none.  False: it cannot be cut. */
static bool
frame_cut(struct vsp_queue *q, const struct vsp_frame *f)
{
	struct vsp *vsp = q->vsp;
	struct vsp_from_guest_counters *c = &vsp->counts[q->index].from;
	struct vsp_from_guest *from = &q->from;
	struct pkt_seg_out out;
	struct pkt_seg seg;
	int segments = pkt_seg_start(&seg, f->vec, f->nvec, &f->meta,
	    vsp->cfg.backend_csum ? PKT_SEG_PARTIAL : PKT_SEG_COMPLETE);

	if (segments < 0 ||
	    (uint32_t)segments > PASS_SEGMENTS_MAX - from->spent)
		return false;
	from->spent += (uint32_t)segments;
	from->unflushed = true;
	while (pkt_seg_next(&seg, &out, from->seg_head) > 0) {
		int n = pkt_vec_slice(f->vec, f->nvec, out.payload_off,
		    out.payload_len, from->seg + 1, VSP_PIECES);

		OS_ASSERT(n >= 0);
		from->seg[0] = (struct vec){ from->seg_head, out.hdr_len };
		struct vsp_frame s = {
			.vec = from->seg,
			.nvec = (uint32_t)n + 1,
			.len = out.hdr_len + out.payload_len,
			.meta = out.meta,
		};
		counter_add(&c->sw_segments, 1);
		vsp->ops.from_guest(vsp->ctx, q->index, &s);
	}
	return true;
}

/* Checksums as the guest requested them; *info is of the frame. */
static int
frame_csum(const struct rndis_ppi_set *ppi, uint8_t *head,
    const struct pkt_info *info, struct pkt_meta *m)
{
	if ((ppi->csum & RNDIS_TXCSUM_IPHDR) && info->ip_version == 4)
		pkt_csum_ip4_store(head + info->l3_off,
		    (uint32_t)(head[info->l3_off] & 0xf) * 4);
	if ((ppi->csum & (RNDIS_TXCSUM_TCP | RNDIS_TXCSUM_UDP)) == 0)
		return 0;
	return pkt_csum_partial_set(head, info, m);
}

/*
 * Turn per-packet info into metadata and complete the headers.  0 with *info of
 * the frame, or E_PEER with *why.
 */
static int
frame_offloads(const struct rndis_ppi_set *ppi, struct vec head, uint32_t len,
    struct pkt_info *info, struct pkt_meta *m, enum fault *why)
{
	bool lso = (ppi->present & RNDIS_HAS_LSO) != 0 &&
	    rndis_lso_mss(ppi->lso) != 0;
	bool csum = !lso && (ppi->present & RNDIS_HAS_CSUM) != 0;

	if (ppi->present & RNDIS_HAS_VLAN) {
		m->flags |= PKT_VLAN;
		m->vlan_tci = rndis_vlan_to_tci(ppi->vlan);
	}
	if (lso) {
		if (!rndis_lso_is_v2(ppi->lso) ||
		    rndis_lso_mss(ppi->lso) > UINT16_MAX)
			return peer_bad(why, FAULT_FRAME_HEADERS);
		m->gso_size = (uint16_t)rndis_lso_mss(ppi->lso);
		m->flags |= rndis_lso_is_ipv6(ppi->lso) ? PKT_GSO_TCP6 :
		    PKT_GSO_TCP4;
		if (pkt_lso_restore(head.p, head.len, len, m, why) != 0)
			return E_PEER;
	}

	const struct span bytes = { head.p, head.len };

	if ((lso || csum ? pkt_parse(info, bytes, len) :
	    pkt_parse_eth(info, bytes, len)) < PKT_LAYER_ETH)
		return peer_bad(why, FAULT_FRAME_SHORT);
	if (csum && frame_csum(ppi, head.p, info, m) != 0)
		return peer_bad(why, FAULT_FRAME_HEADERS);
	if (lso || csum)
		pkt_meta_info_set(m, info);
	return 0;
}

/* Private bytes of the frame's start; vec[0] of what the backend gets. */
static struct vec
frame_head(struct vsp_from_guest *from, uint32_t n, uint32_t off,
    const struct rndis_packet *msg)
{
	struct vec head = { from->rndis + msg->data_off,
	    min_u32(msg->data_len, VSP_HEAD_BYTES) };

	if (range_ok(msg->data_off, head.len, from->rndis_bytes))
		return head;
	head.p = from->head;
	piece_copy(from->msg, n, off + msg->data_off, head.p, head.len);
	return head;
}

/* One frame of an RNDIS message that starts at `off` of the pieces. */
static int
frame_take(struct vsp_queue *q, uint32_t n, uint32_t off,
    const struct rndis_packet *msg, enum fault *why)
{
	struct vsp *vsp = q->vsp;
	struct vsp_from_guest *from = &q->from;
	struct vsp_from_guest_counters *c = &vsp->counts[q->index].from;
	const struct vec head = frame_head(from, n, off, msg);
	struct vsp_frame f = { .vec = from->out, .len = msg->data_len };
	struct pkt_info info;
	uint32_t sw_csum = 0;

	if (frame_offloads(&msg->ppi, head, f.len, &info, &f.meta, why) != 0)
		return E_PEER;
	counter_add(&c->frames, 1);
	counter_add(&c->bytes, f.len);
	if (msg->ppi.present & RNDIS_HAS_LSO)
		counter_add(&c->lso_frames, 1);
	if (vsp_port_from_guest(q, (struct span){ head.p, head.len }, &info,
	    &f.meta) != VSP_PASS)
		return 0;

	int rest = f.len == head.len ? 0 : pkt_vec_slice(from->msg, n,
	    off + msg->data_off + head.len, f.len - head.len, from->out + 1,
	    VSP_PIECES);

	OS_ASSERT(rest >= 0);
	from->out[0] = head;
	f.nvec = (uint32_t)rest + 1;
	if (((f.meta.flags & PKT_GSO_TCP4) && !vsp->cfg.backend_gso4) ||
	    ((f.meta.flags & PKT_GSO_TCP6) && !vsp->cfg.backend_gso6)) {
		if (!frame_cut(q, &f))
			return peer_bad(why, FAULT_FRAME_HEADERS);
		return 0;
	}
	frame_emit(q, &f, &sw_csum);
	counter_add(&c->sw_csum, sw_csum);
	return 0;
}

/*
 * Copy and decode the RNDIS header at `off`, of which `here` bytes lie in one
 * range, or may be gathered: header_end().
 */
static int
message_decode(struct vsp_queue *q, uint32_t n, uint32_t off, uint32_t here,
    uint32_t left, struct rndis_packet *out, enum fault *why)
{
	struct vsp_from_guest *from = &q->from;
	const uint32_t whole = min_u32(here, VSP_RNDIS_HEAD_BYTES);
	uint32_t part = min_u32(whole, RNDIS_COPY_BYTES);

	piece_copy(from->msg, n, off, from->rndis, part);
	from->rndis_bytes = part;
	int rc = rndis_packet_decode_head(out,
	    (struct span){ from->rndis, part }, left, why);

	if (rc != 0 && *why == FAULT_RNDIS_SPLIT && part < whole) {
		piece_copy(from->msg, n, off + part, from->rndis + part,
		    whole - part);
		from->rndis_bytes = whole;
		rc = rndis_packet_decode_head(out,
		    (struct span){ from->rndis, whole }, left, why);
	}
	if (rc == 0 && out->oob && q->vsp->cfg.strict)
		return peer_bad(why, FAULT_RNDIS_OOB);
	return rc;
}

/*
 * Prefetch the messages from the cache of the guest's processor, so that the
 * later ones are here when the first are handled.
 */
static inline void
pieces_prefetch(const struct vec *v)
{
	const uint8_t *p = v[0].p;
	uint32_t len = min_u32(v[0].len, PREFETCH_BYTES);
	uint32_t off = 0;

	for (; len - off >= 4 * OS_CACHELINE; off += 4 * OS_CACHELINE) {
		os_prefetch_read(p + off);
		os_prefetch_read(p + off + OS_CACHELINE);
		os_prefetch_read(p + off + 2 * OS_CACHELINE);
		os_prefetch_read(p + off + 3 * OS_CACHELINE);
	}
	for (; off < len; off += OS_CACHELINE)
		os_prefetch_read(p + off);
}

/* One message that vsp_from_guest_fast() left.  *len: its bytes. */
static int
message_take(struct vsp_queue *q, uint32_t n, uint32_t off, uint32_t here,
    uint32_t left, uint32_t *len, enum fault *why)
{
	struct rndis_packet msg;

	if (message_decode(q, n, off, here, left, &msg, why) != 0 ||
	    frame_take(q, n, off, &msg, why) != 0)
		return E_PEER;
	*len = msg.msg_len;
	return 0;
}

/*
 * Up to where the header of a message at `off` may go.  A strict host, as
 * Windows, wants it in the section or in one range, whichever it begins in; a
 * lenient one gathers.
 */
static inline uint32_t
header_end(struct vsp_queue *q, uint32_t off, uint32_t total)
{
	return q->vsp->cfg.strict ? vmpkt_gpa_end(&q->from.ends, off) : total;
}

/* All messages of a packet; *by counts them: see way_counter(). */
static int
messages_take(struct vsp_queue *q, uint32_t n, uint32_t total, uint64_t *by,
    enum fault *why)
{
	const struct vec *v = q->from.msg;
	const bool one = n == 1 && header_end(q, 0, total) == total;
	struct vsp_place at = { 0, 0 };
	uint32_t off = 0, done = 0;
	int rc = 0;

	if (total < sizeof(struct rndis_hdr_wire))
		return peer_bad(why, FAULT_RNDIS_SHORT);
	while (total - off >= sizeof(struct rndis_hdr_wire)) {
		uint32_t left = total - off, here = left, len;

		if (one) {
			len = vsp_from_guest_fast(q, (uint8_t *)v[0].p + off,
			    left);
		} else {
			here = header_end(q, off, total) - off;
			len = vsp_from_guest_fast_pieces(q, at, here, left);
		}
		if (len == 0) {
			rc = message_take(q, n, off, here, left, &len, why);
			if (rc != 0)
				break;
		}
		done++;
		/* Aligned as our INIT_DONE requested, MS-RNDIS 2.2.14. */
		uint32_t step = align_up(len, 1u << RNDIS_ALIGN_SHIFT);

		if (step >= left)
			break;
		off += step;
		if (!one)
			vsp_place_move(v, &at, step);
		if (done == RNDIS_MAX_PACKETS) {
			rc = peer_bad(why, FAULT_RNDIS_COUNT);
			break;
		}
	}
	counter_add(by, done);
	q->from.spent += done + (total >> SPENT_SHIFT);
	return rc;
}

/* Messages are counted by where the packet names them. */
static uint64_t *
way_counter(struct vsp_queue *q, const struct vmpkt_in *pkt)
{
	struct vsp_from_guest_counters *c = &q->vsp->counts[q->index].from;
	struct nvs_rndis nvs;

	if (pkt->type == VMPKT_INBAND)
		return &c->by_section;
	if (nvs_rndis_get(&nvs, pkt->data) && nvs.section == NVS_SECTION_NONE)
		return &c->by_gpa;
	return &c->by_both;
}

int
vsp_from_guest_packet(struct vsp_queue *q, const struct vmpkt_in *pkt,
    uint32_t *status)
{
	struct vsp_from_guest_counters *c = &q->vsp->counts[q->index].from;
	enum fault why = FAULT_NONE;
	uint32_t total;

	if (!vsp_data_up(q->vsp)) {
		counter_add(&c->packets, 1);
		counter_add(&c->drop_state, 1);
		*status = NVS_STATUS_FAILED;
		return 0;
	}

	int n = vsp_packet_pieces(q, pkt, &total, &why);

	if (n == E_AGAIN) {
		counter_add(&c->memory_waits, 1);
		return n;
	}
	counter_add(&c->packets, 1);
	if (n < 0) {
		counter_add(&c->drop_malformed, 1);
		return vsp_queue_fail(q, why, pkt->xact);
	}
	if (n > 0)
		pieces_prefetch(q->from.msg);
	if (messages_take(q, (uint32_t)n, total, way_counter(q, pkt), &why) ==
	    0)
		return 0;
	counter_add(&c->drop_malformed, 1);
	(void)fault_note(&q->chan->faults, why, pkt->xact);
	*status = NVS_STATUS_FAILED;
	return 0;
}
