/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receives: one pass over a channel, frames handed up.
 *
 * Theory of operation.  One pass over a channel: mask, read packets up to the
 * budget, flush what the user batched, send acknowledgements and whatever
 * transmit left waiting, one commit, unmask, look again.
 *
 * A type 7 packet names ranges of the receive buffer, each an RNDIS message.
 * The host can write that memory at any time, so header and per-packet info
 * are copied once and decoded from the copy; frame data stays in place and is
 * only ever handed on.  Where headers must be looked at or rewritten, they too
 * are copied first and the copy becomes the frame's first piece.
 *
 * Checksums: "value invalid" says that the host verified the data but the field
 * is not filled in.  Such a frame gets the pseudo-header sum and
 * PKT_CSUM_PARTIAL, so that the next sender completes it; or it is completed
 * here for who forwards frames as they are (cfg.rx_complete).  A frame of RSC
 * fragments whose segment size is known becomes a GSO frame in the same way.
 *
 * Polled (cfg.poll), the mask is set once, and again after vsc_queue_arm(), and
 * acknowledgements go only when the user says that it is done with the frames.
 *
 * What is for control goes into the mailbox (vsc_mail.c), and control is told
 * at the end of the pass.  A pass over a broken device throws away what it
 * finds: a bus may call until the ring is empty.
 *
 * Context: queue owner.
 */
#include "vsc/vsc_priv.h"

/* Policy: ranges that cost as much of a budget as a packet by itself. */
#define PACKET_RANGES	16u

/* ---- frames ------------------------------------------------------------- */

static void
rx_meta_set(struct vsc_queue *q, const struct rndis_ppi_set *ppi,
    struct pkt_meta *m)
{
	struct vsc_rx_counters *c = &q->rx.count;
	uint32_t cs = (ppi->present & RNDIS_HAS_CSUM) != 0 ? ppi->csum : 0;

	if ((cs & (RNDIS_RXCSUM_TCP_BAD | RNDIS_RXCSUM_UDP_BAD)) != 0)
		m->flags |= PKT_CSUM_BAD_L4;
	else if ((cs & (RNDIS_RXCSUM_TCP_OK | RNDIS_RXCSUM_UDP_OK |
	    RNDIS_RXCSUM_TCP_NOVAL)) != 0)
		m->flags |= PKT_CSUM_GOOD_L4;
	if ((cs & RNDIS_RXCSUM_IP_BAD) != 0)
		m->flags |= PKT_CSUM_BAD_IP;
	else if ((cs & (RNDIS_RXCSUM_IP_OK | RNDIS_RXCSUM_IP_NOVAL)) != 0)
		m->flags |= PKT_CSUM_GOOD_IP;
	if ((m->flags & (PKT_CSUM_BAD_L4 | PKT_CSUM_BAD_IP)) != 0)
		counter_add(&c->csum_bad, 1);
	else if ((m->flags & PKT_CSUM_GOOD_L4) != 0)
		counter_add(&c->csum_good, 1);
	else
		counter_add(&c->csum_none, 1);
	if ((ppi->present & RNDIS_HAS_VLAN) != 0) {
		m->flags |= PKT_VLAN;
		m->vlan_tci = rndis_vlan_to_tci(ppi->vlan);
	}
	if ((ppi->present & RNDIS_HAS_HASH_VALUE) != 0) {
		m->flags |= PKT_HASH;
		m->hash = ppi->hash_value;
		if ((ppi->present & RNDIS_HAS_HASH_INFO) != 0)
			m->hash_type = ppi->hash_info & NDIS_HASH_TYPE_MASK;
		counter_add(&c->hash, 1);
	}
}

/*
 * Replace the first `head` bytes of vec[1..n] by the copy in frame_head.
 * Returns where the list begins now; it goes on to vec[n].
 */
static uint32_t
rx_head_swap(struct vsc_rxq *r, uint32_t n, uint32_t head)
{
	uint32_t left = head;
	uint32_t i = 1;

	while (i <= n && r->vec[i].len <= left)
		left -= r->vec[i++].len;
	if (i <= n) {
		r->vec[i].p = (uint8_t *)r->vec[i].p + left;
		r->vec[i].len -= left;
	}
	r->vec[i - 1] = (struct vec){ r->frame_head, head };
	return i - 1;
}

/* A frame of several segments: GSO if their size is known. */
static bool
rx_gso_set(struct vsc_queue *q, uint32_t head, uint32_t len,
    struct pkt_meta *m)
{
	struct vsc_rxq *r = &q->rx;
	uint32_t bad = m->flags & (PKT_CSUM_BAD_L4 | PKT_CSUM_BAD_IP);
	struct pkt_info info;
	uint32_t size;
	enum fault why;

	pkt_parse_lso(&info, (struct span){ r->frame_head, head }, len);
	/* Our own host says it; of others the fragments may tell. */
	if (info.layer != PKT_LAYER_L4 || bad != 0)
		size = 0;
	else if ((r->rsc.ppi.present & RNDIS_HAS_LSO) != 0)
		size = rndis_lso_mss(r->rsc.ppi.lso);
	else
		size = pkt_rsc_segsize(r->rsc.frag_len, r->rsc.n,
		    info.payload_off);
	m->gso_size = (uint16_t)size;
	if (size == 0 || size > UINT16_MAX ||
	    pkt_lso_restore(r->frame_head, head, len, m, &why) < 0) {
		m->gso_size = 0;
		m->flags |= PKT_GSO_NORESEG;
		counter_add(&r->count.rsc_noreseg, 1);
		return false;
	}
	m->flags |= PKT_CSUM_GOOD_L4;
	if (m->ip_version == 4)
		m->flags |= PKT_CSUM_GOOD_IP;
	return true;
}

/*
 * Fill in the copy what the host verified but left out; only the copy decides
 * what to fill in.
 */
static void
rx_csum_restore(struct vsc_rxq *r, uint32_t head, uint32_t len, uint32_t csum,
    struct pkt_meta *m)
{
	struct pkt_info info;

	pkt_parse(&info, (struct span){ r->frame_head, head }, len);
	if (info.layer < PKT_LAYER_IP)
		return;
	if ((csum & RNDIS_RXCSUM_IP_NOVAL) != 0 && info.ip_version == 4) {
		uint8_t *ip = r->frame_head + info.l3_off;

		pkt_csum_ip4_store(ip, (ip[0] & 0xfu) * 4u);
	}
	if ((csum & RNDIS_RXCSUM_TCP_NOVAL) != 0 &&
	    (m->flags & PKT_CSUM_BAD_L4) == 0 &&
	    info.l4_proto == PKT_IPPROTO_TCP &&
	    pkt_csum_partial_set(r->frame_head, &info, m) == 0)
		m->flags |= PKT_CSUM_GOOD_L4;
	pkt_meta_info_set(m, &info);
}

void
vsc_rx_deliver(struct vsc_queue *q, uint32_t n, uint32_t len,
    const struct rndis_ppi_set *ppi, bool rsc)
{
	struct vsc_rxq *r = &q->rx;
	uint32_t csum = (ppi->present & RNDIS_HAS_CSUM) != 0 ? ppi->csum : 0;
	bool noval = (csum & (RNDIS_RXCSUM_TCP_NOVAL |
	    RNDIS_RXCSUM_IP_NOVAL)) != 0;
	bool several = rsc && (n > 1 || (ppi->present & RNDIS_HAS_LSO) != 0);
	struct vsc_frame f = { .len = len, .packet = r->packet };
	uint32_t first = 1;

	if (os_ld32(&q->vsc->rx_on) == 0)
		return;
	if (len < PKT_ETH_BYTES) {
		counter_add(&r->count.dropped, 1);
		return;
	}
	rx_meta_set(q, ppi, &f.meta);
	if (noval || several) {
		uint32_t head = pkt_vec_gather_once(&r->vec[1], n, 0,
		    r->frame_head, min_u32(len, PKT_HEAD_MAX));

		if (!(several && rx_gso_set(q, head, len, &f.meta)) &&
		    noval)
			rx_csum_restore(r, head, len, csum, &f.meta);
		/*
		 * A whole frame takes the header back, so that it stays one
		 * piece that lives until rx_flush(); a host that changes it
		 * again only spoils the bytes of a frame.
		 */
		if (n == 1)
			memcpy(r->vec[1].p, r->frame_head, head);
		else
			first = rx_head_swap(r, n, head);
	}
	f.vec = &r->vec[first];
	f.nvec = n + 1 - first;
	if ((f.meta.flags & PKT_CSUM_PARTIAL) != 0 &&
	    q->vsc->cfg.rx_complete &&
	    pkt_csum_complete(f.vec, f.nvec, &f.meta) == 0)
		counter_add(&r->count.sw_csum, 1);
	if (rsc) {
		counter_add(&r->count.rsc_frames, 1);
		counter_add(&r->count.rsc_fragments, n);
	}
	counter_add(&r->count.frames, 1);
	counter_add(&r->count.bytes, len);
	r->delivered = true;
	q->vsc->ops->rx(q->vsc->ctx, q->index, &f);
}

/* ---- packets ------------------------------------------------------------ */

/* One range with one data message. */
static int
rx_range(struct vsc_queue *q, uint8_t *shared, uint32_t bytes)
{
	struct vsc_rxq *r = &q->rx;
	struct span head = { r->head, min_u32(bytes, VSC_RX_HEAD) };
	struct rndis_packet pkt;
	enum fault why;
	int rc;

	copy_once(r->head, shared, head.len);
	if (rndis_packet_decode_head(&pkt, head, bytes, &why) < 0)
		return vsc_fault(q, why, bytes, "receive");
	if ((pkt.ppi.present & RNDIS_HAS_FRAG) != 0) {
		/*
		 * Offered once is enough: frames from before it was switched
		 * off or taken back may still be in this ring.
		 */
		if (os_ld32(&q->vsc->rsc_offered) == 0)
			return vsc_fault(q, FAULT_RNDIS_RSC, 0, "receive");
		rc = vsc_rsc_add(q, &pkt, shared + pkt.data_off, &why);
		if (rc < 0)
			return vsc_fault(q, why, pkt.ppi.frag_id, "receive");
		if (rc == 1)
			vsc_rx_deliver(q, r->rsc.n, r->rsc.len, &r->rsc.ppi,
			    true);
		return 0;
	}
	if (r->rsc.open)
		return vsc_fault(q, FAULT_RNDIS_RSC, r->rsc.id, "receive");
	r->vec[1] = (struct vec){ shared + pkt.data_off, pkt.data_len };
	vsc_rx_deliver(q, 1, pkt.data_len, &pkt.ppi, false);
	return 0;
}

int
vsc_rx_xfer(struct vsc_queue *q, const struct vmpkt_in *p)
{
	struct vsc *v = q->vsc;
	struct vmpkt_xfer x;
	struct nvs_rndis n;
	enum fault why;
	int rc = 0;

	if (vmpkt_xfer_decode(&x, p->ext, &why) < 0)
		return vsc_fault(q, why, 0, "receive");
	if (x.pageset != NVS_RECV_BUF_ID || os_ld32_acq(&v->rx_ready) == 0)
		return vsc_fault(q, FAULT_NVS_BUFFER, x.pageset, "receive");
	if (!nvs_rndis_get(&n, p->data) || n.channel > NVS_CHANNEL_CONTROL)
		return vsc_fault(q, FAULT_NVS_TYPE, p->data.len, "receive");
	counter_add(&q->rx.count.packets, 1);
	q->rx.ranges += x.count;
	q->rx.packet = vsc_ack_next(&q->rx) & VSC_PACKET_MASK;
	q->rx.ack_ranges[q->rx.packet % VSC_ACKS] = (uint16_t)x.count;
	for (uint32_t i = 0; i < x.count && rc == 0; i++) {
		struct vmpkt_xfer_range r = vmpkt_xfer_range(&x, i);
		uint8_t *at, *section;

		if (!range_ok(r.offset, r.bytes, v->rxbuf.mem.bytes))
			return vsc_fault(q, FAULT_NVS_SECTION, r.offset,
			    "receive");
		at = (uint8_t *)v->rxbuf.mem.va + r.offset;
		section = at - r.offset % v->rx_section.slot_bytes;
		/* Another queue may have had it, by way of the host. */
		os_peer_gave(section);
		if (n.channel == NVS_CHANNEL_CONTROL)
			rc = vsc_mail_rndis(q, at, r.bytes);
		else
			rc = rx_range(q, at, r.bytes);
		os_peer_takes(section);
	}
	if (rc == 0 && q->rx.rsc.open)
		rc = vsc_fault(q, FAULT_RNDIS_RSC, q->rx.rsc.id, "receive");
	if (rc == 0)
		vsc_ack_put(q, p->xact);
	return rc;
}

static int
rx_packet(struct vsc_queue *q, const struct vmpkt_in *p)
{
	int rc;

	switch (p->type) {
	case VMPKT_XFER_PAGES:
		return vsc_rx_xfer(q, p);
	case VMPKT_COMPLETION:
		if ((p->xact & VSC_XACT_CTL) != 0)
			return vsc_mail_nvs(q, VSC_MAIL_COMPLETION, p);
		return vsc_tx_completion(q, p);
	case VMPKT_INBAND:
		rc = vsc_mail_nvs(q, VSC_MAIL_NVS, p);
		if (rc == 0 && (p->flags & VMPKT_F_COMPLETE) != 0)
			vsc_ack_put(q, p->xact);
		return rc;
	default:
		return vsc_fault(q, FAULT_RING_TYPE, p->type, "ring");
	}
}

/* The user lets go of what it holds: only then may sections go back. */
static void
rx_flush(struct vsc_queue *q)
{
	if (!q->rx.delivered)
		return;
	q->rx.delivered = false;
	q->vsc->ops->rx_flush(q->vsc->ctx, q->index);
}

/* Commit what the pass sent.  What another thread sends now is its own care. */
static void
turn_commit(struct vsc_queue *q)
{
	bool locked;

	if (os_ld32(&q->dirty) == 0)
		return;
	locked = vsc_send_lock(q);
	vsc_commit(q);
	vsc_send_unlock(q, locked);
}

/*
 * Read up to budget packets, fewer where they have many ranges: a packet may
 * have a thousand.  True if the ring may hold more.
 */
static bool
rx_read(struct vsc_queue *q, uint32_t budget)
{
	struct vmpkt_in p;
	uint32_t n = 0;
	int rc = 1;

	q->rx.ranges = 0;
	q->rx.found = false;
	for (; n + q->rx.ranges / PACKET_RANGES < budget &&
	    !q->rx.stop; n++) {
		if (!vsc_ack_room(q)) {
			if (q->vsc->cfg.poll)
				return false;
			rx_flush(q);
			vsc_ack_send(q);
			if (!vsc_ack_room(q))
				return false;
		}
		rc = chan_recv(q->chan, &p, q->rx.buf, VSC_RECV_BYTES);
		if (rc <= 0)
			break;
		rc = 1;
		if (rx_packet(q, &p) < 0 || vsc_is_broken(q->vsc))
			return false;
		if (!q->vsc->cfg.poll &&
		    q->rx.ack_n >= q->vsc->cfg.tune.ack_batch) {
			rx_flush(q);
			vsc_ack_send(q);
			turn_commit(q);
		}
	}
	q->rx.found = n > 0;
	if (rc == E_NOMEM)
		(void)vsc_fault(q, FAULT_RING_TOO_BIG, VSC_RECV_BYTES,
		    "ring");
	else if (rc < 0)
		(void)vsc_chan_broken(q, rc);
	return rc == 1;
}

static void
rx_discard(struct vsc_queue *q, uint32_t budget)
{
	struct vmpkt_in p;

	while (budget-- > 0 && chan_recv(q->chan, &p, q->rx.buf,
	    VSC_RECV_BYTES) == 1)
		;
}

/* Control has something to do: mail, or the end of a wait for idle queues. */
static bool
queue_control_due(struct vsc_queue *q)
{
	struct vsc_mailbox *m = &q->vsc->mail;
	bool due = false;

	if (os_ld32(&q->vsc->draining) != 0 && !q->idle_told)
		due = q->idle_told = vsc_queue_idle(q);
	if (q->index == 0 && m->told != m->head) {
		m->told = m->head;
		due = true;
	}
	return due && q->vsc->ops->control_wanted != NULL;
}

/* The ring is empty: look again, or request signals; true: there is more. */
static bool
queue_rest(struct vsc_queue *q)
{
	struct vsc *v = q->vsc;

	if (v->ops->queue_spin != NULL && vsc_ack_room(q) &&
	    v->ops->queue_spin(v->ctx, q->index, q->rx.found)) {
		q->rx.masked = true;
		return true;
	}
	return chan_irq_unmask(q->chan) && vsc_ack_room(q);
}

/* A queue whose channel is closed does nothing, nor looks at it. */
static bool
queue_turn(struct vsc_queue *q, uint32_t budget)
{
	struct vsc *v = q->vsc;
	struct chan *c = q->chan;
	bool more = false;

	/* A reply may overtake the word that the channel is open. */
	if (os_ld32(&q->state) == VSC_CHAN_CLOSED)
		return false;
	q->rx.stop = false;
	if (!q->rx.masked)
		chan_irq_mask(c);
	q->rx.masked = v->cfg.poll;
	if (!vsc_is_broken(v))
		more = rx_read(q, budget);
	else
		rx_discard(q, budget);
	chan_recv_commit(c);
	rx_flush(q);
	if (!vsc_is_broken(v)) {
		if (!v->cfg.poll)
			vsc_ack_send(q);
		else
			vsc_ack_send_held(q);
		vsc_tx_resume(q);
		turn_commit(q);
		if (!more && !v->cfg.poll)
			more = queue_rest(q);
	}
	if (queue_control_due(q))
		v->ops->control_wanted(v->ctx);
	return more;
}

bool
vsc_queue_ready(struct chan *c, uint32_t budget)
{
	return queue_turn(c->user, budget);
}

bool
vsc_queue_poll(struct vsc *v, uint32_t queue, uint32_t budget)
{
	struct vsc_queue *q = v->q[queue];

	/* In the middle of detach a sub-channel may be gone already. */
	return q != NULL && queue_turn(q, budget) && !v->cfg.poll;
}

void
vsc_rx_stop(struct vsc *v, uint32_t queue)
{
	v->q[queue]->rx.stop = true;
}

void
vsc_rx_release(struct vsc *v, uint32_t queue)
{
	struct vsc_queue *q = v->q[queue];

	if (q != NULL && q->state != VSC_CHAN_CLOSED && !vsc_is_broken(v))
		vsc_ack_send(q);
}

bool
vsc_queue_arm(struct vsc *v, uint32_t queue)
{
	struct vsc_queue *q = v->q[queue];

	if (q == NULL || os_ld32(&q->state) == VSC_CHAN_CLOSED ||
	    vsc_is_broken(v))
		return false;
	q->rx.masked = false;
	return chan_irq_unmask(q->chan) && vsc_ack_room(q);
}
