/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joins the fragments of receive segment coalescing.
 *
 * Theory of operation.  Receive segment coalescing over VMBus (NVSP 6.1): a
 * frame comes as several RNDIS messages of one packet, each with a PKTINFO_ID.
 * The first carries the per-packet info and the headers; the payload is the
 * concatenation, and lies where it is: reassembly is a list of pieces.
 *
 * Anything out of order is the host's fault: a fragment without a first, a
 * first inside a frame, another id, an empty one, more than the protocol's
 * limits, and (vsc_rx.c) a packet that ends inside a frame.
 *
 * Context: queue owner.
 */
#include "vsc/vsc_priv.h"

int
vsc_rsc_add(struct vsc_queue *q, const struct rndis_packet *pkt,
    uint8_t *data, enum fault *why)
{
	struct vsc_rsc *s = &q->rx.rsc;
	bool first = (pkt->ppi.frag_flags & RNDIS_FRAG_FIRST) != 0;

	if (first == s->open || pkt->data_len == 0)
		return peer_bad(why, FAULT_RNDIS_RSC);
	if (first) {
		s->open = true;
		s->id = pkt->ppi.frag_id;
		s->n = 0;
		s->len = 0;
		s->ppi = pkt->ppi;
	} else if (pkt->ppi.frag_id != s->id) {
		return peer_bad(why, FAULT_RNDIS_RSC);
	}
	if (s->n == VSC_RSC_MAX || pkt->data_len > VSC_FRAME_MAX - s->len)
		return peer_bad(why, FAULT_RNDIS_RSC);
	q->rx.vec[1 + s->n] = (struct vec){ data, pkt->data_len };
	s->frag_len[s->n++] = pkt->data_len;
	s->len += pkt->data_len;
	if ((pkt->ppi.frag_flags & RNDIS_FRAG_LAST) == 0)
		return 0;
	s->open = false;
	return 1;
}
