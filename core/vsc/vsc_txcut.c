/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts a frame into segments in software.
 *
 * Theory of operation.  A frame that the host's LSO does not take is cut here.
 * Cutting needs room for every segment, and room may run out half way.  So the
 * frame waits in its slot with the cutter's state, and nothing else is reserved
 * in this queue until the last segment is placed: order holds, nothing is
 * dropped.
 *
 * Context: queue owner.
 */
#include "vsc/vsc_txroom.h"

/* Begin to cut the frame in the queue's cut_slot; E_STATE: cannot. */
static int
cut_start(struct vsc_queue *q, const struct pkt_meta *m)
{
	struct vsc_txq *t = &q->tx;
	uint32_t need = (m->flags & PKT_GSO_TCP4) != 0 ?
	    VSC_OFF_TXCSUM_TCP4 : VSC_OFF_TXCSUM_TCP6;
	int rc;

	rc = pkt_seg_start(&t->cut, &t->cut_vec, 1, m,
	    (os_ld32(&q->vsc->tx_offloads) & need) != 0 ?
	    PKT_SEG_PARTIAL : PKT_SEG_COMPLETE);
	if (rc < 0)
		return E_STATE;
	t->cut_max = t->cut.hdr_len + t->cut.mss;
	if (!pkt_frame_fits((struct span){ t->cut_vec.p, t->cut_vec.len },
	    t->cut_max, q->vsc->caps.mtu))
		return E_STATE;
	if (t->cut.csum == PKT_SEG_COMPLETE)
		counter_add(&t->count.sw_csum, (uint64_t)rc);
	t->cutting = true;
	return 0;
}

static void
cut_segment(struct vsc_queue *q, struct vsc_tx_room *room,
    const struct pkt_seg_out *s, const uint8_t *hdr)
{
	const uint8_t *payload = (const uint8_t *)q->tx.cut_vec.p +
	    s->payload_off;
	uint32_t len = s->hdr_len + s->payload_len;
	struct pkt_meta m = s->meta;
	struct rndis_ppi_set ppi;
	struct vec dst[2];
	uint32_t n = 0;

	for (uint32_t left = len; left != 0; n++) {
		dst[n] = room->vec[n];
		dst[n].len = min_u32(dst[n].len, left);
		left -= dst[n].len;
	}
	pkt_vec_scatter(dst, n, 0, hdr, s->hdr_len);
	pkt_vec_scatter(dst, n, s->hdr_len, payload, s->payload_len);
	if (vsc_tx_offload(q, dst, n, len, &m, &ppi) != 0)
		return;
	vsc_tx_place(q, room, len, &ppi);
	counter_add(&q->tx.count.sw_segments, 1);
}

bool
vsc_tx_cut_run(struct vsc_queue *q)
{
	struct vsc_txq *t = &q->tx;
	struct vsc_tx_room room;
	struct pkt_seg_out s;
	uint8_t hdr[PKT_HEAD_MAX];

	while (t->cut.off < t->cut.payload || t->cut.segs == 0) {
		/* A larger header than the head room wants the slot. */
		if (vsc_tx_room_get(q, t->cut_max, (t->cut.meta.flags &
		    (PKT_VLAN | PKT_HASH)) != 0, &room) < 0)
			return false;
		if (pkt_seg_next(&t->cut, &s, hdr) != 1)
			break;
		cut_segment(q, &room, &s, hdr);
	}
	vsc_stack_push(&t->slots, t->cut_slot);
	t->cutting = false;
	return true;
}

int
vsc_tx_cut(struct vsc_queue *q, const struct vsc_tx_room *room, uint32_t len,
    const struct pkt_meta *m)
{
	struct vsc_txq *t = &q->tx;
	uint32_t first = room->section == VSC_NONE ? 0 :
	    min_u32(len, room->vec[0].len);
	uint8_t *data = (uint8_t *)t->slot_mem[t->slot].va + t->slot_head -
	    first;
	int rc;

	memcpy(data, room->vec[0].p, first);
	t->cut_vec = (struct vec){ data, len };
	t->cut_slot = t->slot;
	t->slot = VSC_NONE;
	rc = cut_start(q, m);
	if (rc < 0) {
		t->slot = t->cut_slot;
		return rc;
	}
	(void)vsc_tx_cut_run(q);
	return 0;
}
