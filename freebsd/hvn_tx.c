/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames to send, from any CPU.
 *
 * Theory of operation.  Whoever gets the queue's lock sends, for the others
 * too: a sender that finds it taken puts its frame into the software queue and
 * leaves, and the holder looks there once more after it let go.  So nobody
 * waits for the lock, and frames of many senders share packets.
 *
 *	sender		enqueue; trylock: drain
 *	holder		drain; unlock; barrier; anything queued: trylock: drain
 *
 * The lock is also the one that the core takes to send (tx_lock), which does
 * nothing while we hold it already.  The stack's input never runs under it.
 *
 * Short frames are copied and share a section of the send buffer.  With
 * packets under way it stays open (`held`) for frames to come; the pass that
 * takes the last completion closes it.  So the host's own pace decides how
 * many share one, and a frame that finds the queue idle goes at once.
 *
 *	sender		held = 1; barrier; nothing under way: flush
 *	pass		completions taken; barrier; held: flush
 *
 * A completion may be late, or a host may lose it: a timer closes what is held
 * then.
 *
 * Long frames go by reference: a descriptor has the mbuf until tx_done().
 * Descriptors are free in a ring with one producer, the owner's pass (at detach
 * control), and one consumer, who holds the lock.
 *
 * Without room the queue is `stalled` until tx_wake() or a descriptor; `wakes`
 * tells the sender of a wake that came before the mark.
 */
#include "hvn.h"

#include "pkt/pkt_parse.h"

/* ---- descriptors -------------------------------------------------------- */

/* lock: tx */
static struct hvn_desc *
tx_desc_take(struct hvn_queue *q)
{
	if (os_ld32_acq(&q->free_head) == q->free_tail)
		return NULL;
	return &q->desc[q->free_id[q->free_tail++ % HVN_DESCS]];
}

/* The one just taken was not used. */
static void
tx_desc_untake(struct hvn_queue *q, struct hvn_desc *d)
{
	d->m = NULL;
	q->free_tail--;
}

void
hvn_tx_done(void *ctx, uint32_t queue, uint64_t cookie, int err)
{
	struct hvn_softc *sc = ctx;
	struct hvn_queue *q = &sc->queue[queue];
	struct hvn_desc *d = &q->desc[cookie % HVN_DESCS];
	struct mbuf *m = d->m;

	d->m = NULL;
	/* A host that may still read it has it for ever. */
	if (err != E_TIMEOUT) {
		bus_dmamap_unload(sc->tx_tag, d->map);
		m_freem(m);
	}
	if (err != 0)
		if_inc_counter(sc->ifp, IFCOUNTER_OERRORS, 1);
	q->free_id[q->free_head % HVN_DESCS] = (uint16_t)cookie;
	os_st32_rel(&q->free_head, q->free_head + 1);
}

/* ---- one frame ---------------------------------------------------------- */

/* What the stack wants done with the frame, from its headers in head. */
static int
tx_meta(const struct mbuf *m, struct span head, struct pkt_meta *meta,
    uint32_t *headers)
{
	uint32_t csum = (uint32_t)m->m_pkthdr.csum_flags;
	uint32_t len = (uint32_t)m->m_pkthdr.len;
	struct pkt_info info;

	if ((m->m_flags & M_VLANTAG) != 0) {
		meta->flags |= PKT_VLAN;
		meta->vlan_tci = m->m_pkthdr.ether_vtag;
	}
	if ((csum & (CSUM_IP | CSUM_IP_TCP | CSUM_IP_UDP | CSUM_IP6_TCP |
	    CSUM_IP6_UDP | CSUM_TSO)) == 0)
		return 0;
	if ((csum & CSUM_TSO) != 0)
		pkt_parse_lso(&info, head, len);
	else
		pkt_parse(&info, head, len);
	if (info.layer < PKT_LAYER_IP)
		return EINVAL;
	pkt_meta_info_set(meta, &info);
	if ((csum & CSUM_IP) != 0 && info.ip_version == 4)
		meta->flags |= PKT_IPCS;
	if ((csum & (CSUM_IP_TCP | CSUM_IP_UDP | CSUM_IP6_TCP | CSUM_IP6_UDP |
	    CSUM_TSO)) == 0)
		return 0;
	if (info.layer != PKT_LAYER_L4)
		return EINVAL;
	*headers = info.payload_off;
	meta->flags |= PKT_CSUM_PARTIAL;
	meta->csum_start = (uint16_t)info.l4_off;
	meta->csum_offset = info.l4_proto == PKT_IPPROTO_TCP ?
	    PKT_TCP_CSUM_OFF : PKT_UDP_CSUM_OFF;
	if ((csum & CSUM_TSO) != 0) {
		meta->flags |= info.ip_version == 4 ? PKT_GSO_TCP4 :
		    PKT_GSO_TCP6;
		meta->gso_size = m->m_pkthdr.tso_segsz;
	}
	return 0;
}

/* Copied into a section.  E_NOTSUP: it must go by reference. */
static int
tx_copy(struct hvn_queue *q, struct mbuf *m, const struct pkt_meta *meta)
{
	struct vec v[HVN_COPY_VEC];
	uint32_t n = 0;
	int rc;

	for (struct mbuf *p = m; p != NULL; p = p->m_next) {
		if (p->m_len == 0)
			continue;
		if (n == HVN_COPY_VEC)
			return E_NOTSUP;
		v[n++] = (struct vec){ mtod(p, void *), (uint32_t)p->m_len };
	}
	rc = vsc_tx_copy(q->sc->vsc, q->index, v, n, meta);
	if (rc == 0)
		m_freem(m);
	return rc;
}

/* Map the frame; it may be replaced by one in fewer pieces. */
static int
tx_map(struct hvn_queue *q, struct hvn_desc *d, struct mbuf **mp,
    bus_dma_segment_t *seg, int *n)
{
	bus_dma_tag_t tag = q->sc->tx_tag;
	struct mbuf *m;
	int error;

	error = bus_dmamap_load_mbuf_sg(tag, d->map, *mp, seg, n,
	    BUS_DMA_NOWAIT);
	if (error != EFBIG)
		return error;
	m = m_collapse(*mp, M_NOWAIT, HVN_SEGS / 2);
	if (m == NULL)
		m = m_defrag(*mp, M_NOWAIT);
	if (m == NULL)
		return ENOBUFS;
	*mp = m;
	counter_add(&q->count.collapsed, 1);
	return bus_dmamap_load_mbuf_sg(tag, d->map, m, seg, n,
	    BUS_DMA_NOWAIT);
}

/* The segments without the first `skip` bytes; returns how many. */
static uint32_t
tx_pieces(const bus_dma_segment_t *seg, int n, uint32_t skip,
    struct vsc_piece *piece)
{
	uint32_t k = 0;

	for (int i = 0; i < n; i++) {
		uint32_t bytes = (uint32_t)seg[i].ds_len;

		if (bytes <= skip) {
			skip -= bytes;
			continue;
		}
		piece[k++] = (struct vsc_piece){ seg[i].ds_addr + skip,
		    bytes - skip, NULL };
		skip = 0;
	}
	return k;
}

/* By reference.  E_AGAIN: later; *mp may be another mbuf then. */
static int
tx_gather(struct hvn_queue *q, struct mbuf **mp, struct span head,
    const struct pkt_meta *meta)
{
	bus_dma_segment_t seg[HVN_SEGS];
	struct vsc_piece piece[HVN_SEGS];
	struct hvn_desc *d = tx_desc_take(q);
	int n = 0, rc;

	if (d == NULL) {
		counter_add(&q->count.no_desc, 1);
		os_st32(&q->want_desc, 1);
		return E_AGAIN;
	}
	if (tx_map(q, d, mp, seg, &n) != 0) {
		tx_desc_untake(q, d);
		return E_NOMEM;
	}
	bus_dmamap_sync(q->sc->tx_tag, d->map, BUS_DMASYNC_PREWRITE);
	d->m = *mp;
	rc = vsc_tx_gather(q->sc->vsc, q->index, head, piece,
	    tx_pieces(seg, n, head.len, piece), (uint64_t)(d - q->desc), meta);
	if (rc != 0) {
		bus_dmamap_unload(q->sc->tx_tag, d->map);
		tx_desc_untake(q, d);
	}
	return rc;
}

/*
 * Send a frame.  0: it is gone, sent or dropped; E_AGAIN: no room, it is still
 * ours (and *mp may be another mbuf).
 */
static int
tx_one(struct hvn_queue *q, struct mbuf **mp)
{
	struct mbuf *m = *mp;
	uint32_t len = (uint32_t)m->m_pkthdr.len;
	struct pkt_meta meta = { 0 };
	uint8_t buf[VSC_TX_HEAD_MAX];
	struct span head = { buf, min_u32(len, VSC_TX_HEAD_MAX) };
	bool offload = m->m_pkthdr.csum_flags != 0 ||
	    (m->m_flags & M_VLANTAG) != 0;
	/* Where no headers are known: what a switch looks at. */
	uint32_t headers = min_u32(len, 64);
	bool mcast = (mtod(m, const uint8_t *)[0] & 1) != 0;
	int rc = E_NOTSUP;

	if (offload) {
		m_copydata(m, 0, (int)head.len, (caddr_t)buf);
		if (tx_meta(m, head, &meta, &headers) != 0)
			goto drop;
	}
	if ((meta.flags & PKT_GSO_ANY) == 0 &&
	    len <= q->sc->vsc_cfg.tune.tx_chimney_size)
		rc = tx_copy(q, m, &meta);
	if (rc == E_NOTSUP) {
		if (!offload)
			m_copydata(m, 0, (int)head.len, (caddr_t)buf);
		head.len = headers;
		rc = tx_gather(q, mp, head, &meta);
	}
	if (rc == E_AGAIN)
		return rc;
	if (rc != 0)
		goto drop;
	if_inc_counter(q->sc->ifp, IFCOUNTER_OPACKETS, 1);
	if_inc_counter(q->sc->ifp, IFCOUNTER_OBYTES, len);
	if (mcast)
		if_inc_counter(q->sc->ifp, IFCOUNTER_OMCASTS, 1);
	return 0;
drop:
	counter_add(&q->count.failed, 1);
	if_inc_counter(q->sc->ifp, IFCOUNTER_OERRORS, 1);
	m_freem(*mp);
	return 0;
}

/* Policy: longest that a section waits for a completion. */
#define TX_HOLD_SBT	(SBT_1S / 1000)

/* ---- the queue ---------------------------------------------------------- */

/* lock: tx.  E_AGAIN: the queue is stalled. */
static int
tx_send(struct hvn_queue *q, struct mbuf **mp)
{
	uint32_t wakes;
	int rc;

	do {
		wakes = os_ld32(&q->wakes);
		rc = tx_one(q, mp);
		if (rc != E_AGAIN)
			return rc;
		os_st32(&q->stalled, 1);
		os_mb();
	} while (os_ld32(&q->wakes) != wakes);
	counter_add(&q->count.stalls, 1);
	return rc;
}

static bool
tx_idle(const struct hvn_queue *q)
{
	const struct vsc_tx_counters *c = vsc_tx_stats(q->sc->vsc, q->index);

	return os_ld64(&c->packets) == os_ld64(&c->completions);
}

/* One timer for all queues; it is set again by who holds after it ran. */
static void
tx_hold_timer(struct hvn_softc *sc)
{
	if (os_ld32(&sc->hold_armed) == 0 &&
	    os_xchg32(&sc->hold_armed, 1) == 0)
		taskqueue_enqueue_timeout_sbt(sc->ctl_tq, &sc->hold_timer,
		    TX_HOLD_SBT, 0, 0);
}

/* lock: tx.  What was sent last goes, now or with the next completion. */
static void
tx_close(struct hvn_queue *q)
{
	if (q->sc->tune.tx_hold != 0 && !tx_idle(q)) {
		os_st32(&q->held, 1);
		os_mb();
		if (!tx_idle(q)) {
			counter_add(&q->count.held, 1);
			tx_hold_timer(q->sc);
			return;
		}
	}
	os_st32(&q->held, 0);
	counter_add(&q->count.flushes, 1);
	vsc_tx_flush(q->sc->vsc, q->index);
}

/* lock: tx.  All that is queued; m, if not NULL, before it. */
static void
tx_drain(struct hvn_queue *q, struct mbuf *m)
{
	bool any = false;
	int rc = 0;

	q->draining = true;
	if (m != NULL) {
		rc = tx_send(q, &m);
		any = rc == 0;
		if (rc == E_AGAIN && buf_ring_enqueue(q->br, m) != 0) {
			os_add64(&q->count.dropped, 1);
			if_inc_counter(q->sc->ifp, IFCOUNTER_OQDROPS, 1);
			m_freem(m);
		}
	}
	while (rc != E_AGAIN && (m = buf_ring_peek(q->br)) != NULL) {
		rc = tx_send(q, &m);
		if (rc == E_AGAIN)
			buf_ring_putback_sc(q->br, m);
		else
			buf_ring_advance_sc(q->br);
		any = any || rc == 0;
	}
	if (any && rc != E_AGAIN)
		tx_close(q);
	q->draining = false;
}

static bool
tx_waiting(struct hvn_queue *q)
{
	return !buf_ring_empty(q->br) && os_ld32(&q->stalled) == 0;
}

/* Drain, unless another does, or will. */
static void
tx_run(struct hvn_queue *q)
{
	while (tx_waiting(q) && mtx_trylock(&q->tx) != 0) {
		bool up = q->up;

		if (up)
			tx_drain(q, NULL);
		mtx_unlock(&q->tx);
		if (!up)
			return;
		os_mb();
	}
}

/*
 * The queue of a frame: its flow's, as the host wishes, or the CPU's.  Not by
 * vsc_tx_select(): the NIC may be going meanwhile.
 */
static struct hvn_queue *
tx_queue(struct hvn_softc *sc, const struct mbuf *m)
{
	uint32_t n = os_ld32(&sc->queues), wishes = os_ld32(&sc->send_count);
	uint32_t k = (uint32_t)curcpu;

	if (n <= 1)
		return &sc->queue[0];
	if (M_HASHTYPE_GET(m) != M_HASHTYPE_NONE) {
		k = m->m_pkthdr.flowid;
		if (wishes != 0)
			k = os_ld32(&sc->send_table[k % wishes]);
	}
	return &sc->queue[k % n];
}

int
hvn_transmit(if_t ifp, struct mbuf *m)
{
	struct hvn_softc *sc = if_getsoftc(ifp);
	struct hvn_queue *q = tx_queue(sc, m);

	if ((if_getdrvflags(ifp) & IFF_DRV_RUNNING) == 0) {
		m_freem(m);
		return ENETDOWN;
	}
	ETHER_BPF_MTAP(ifp, m);
	if (buf_ring_empty(q->br) && os_ld32(&q->stalled) == 0 &&
	    mtx_trylock(&q->tx) != 0) {
		bool up = q->up;

		if (up)
			tx_drain(q, m);
		mtx_unlock(&q->tx);
		if (!up) {
			m_freem(m);
			return ENETDOWN;
		}
		os_mb();
		tx_run(q);
		return 0;
	}
	if (buf_ring_enqueue(q->br, m) != 0) {
		os_add64(&q->count.dropped, 1);
		if_inc_counter(ifp, IFCOUNTER_OQDROPS, 1);
		m_freem(m);
		return ENOBUFS;
	}
	os_add64(&q->count.queued, 1);
	os_mb();
	tx_run(q);
	return 0;
}

void
hvn_tx_lock(void *ctx, uint32_t queue)
{
	struct hvn_queue *q = &((struct hvn_softc *)ctx)->queue[queue];

	if (!mtx_owned(&q->tx))
		mtx_lock(&q->tx);
}

void
hvn_tx_unlock(void *ctx, uint32_t queue)
{
	struct hvn_queue *q = &((struct hvn_softc *)ctx)->queue[queue];

	mtx_assert(&q->tx, MA_OWNED);
	if (!q->draining)
		mtx_unlock(&q->tx);
}

static void
tx_unstall(struct hvn_queue *q)
{
	os_st32(&q->wakes, q->wakes + 1);
	os_mb();
	os_st32(&q->stalled, 0);
	os_mb();
	hvn_netmap_wake(q);
	tx_run(q);
}

void
hvn_tx_wake(void *ctx, uint32_t queue)
{
	tx_unstall(&((struct hvn_softc *)ctx)->queue[queue]);
}

/* Whoever has the lock closes the section, or holds it once more. */
static void
tx_release(struct hvn_queue *q)
{
	if (os_ld32(&q->held) == 0 || mtx_trylock(&q->tx) == 0)
		return;
	if (q->up) {
		q->draining = true;
		os_st32(&q->held, 0);
		vsc_tx_flush(q->sc->vsc, q->index);
		q->draining = false;
	}
	mtx_unlock(&q->tx);
	os_mb();
	tx_run(q);
}

/* What the pass left to whoever would send next. */
void
hvn_tx_passed(struct hvn_queue *q)
{
	os_mb();
	if (os_ld32(&q->want_desc) != 0 &&
	    q->free_head != os_ld32(&q->free_tail)) {
		os_st32(&q->want_desc, 0);
		tx_unstall(q);
	}
	tx_release(q);
}

void
hvn_tx_held(void *ctx, int pending)
{
	struct hvn_softc *sc = ctx;

	os_xchg32(&sc->hold_armed, 0);
	for (uint32_t i = 0; i < sc->max_queues; i++)
		tx_release(&sc->queue[i]);
}

void
hvn_qflush(if_t ifp)
{
	struct hvn_softc *sc = if_getsoftc(ifp);
	struct mbuf *m;

	for (uint32_t i = 0; i < sc->max_queues; i++) {
		struct hvn_queue *q = &sc->queue[i];

		mtx_lock(&q->tx);
		while ((m = buf_ring_dequeue_sc(q->br)) != NULL)
			m_freem(m);
		mtx_unlock(&q->tx);
	}
	if_qflush(ifp);
}

/* ---- life --------------------------------------------------------------- */

void
hvn_tx_start(struct hvn_softc *sc)
{
	uint32_t n = min_u32(vsc_caps(sc->vsc)->queues, sc->max_queues);

	for (uint32_t i = 0; i < n; i++) {
		struct hvn_queue *q = &sc->queue[i];

		mtx_lock(&q->tx);
		q->up = true;
		os_st32(&q->stalled, 0);
		os_st32(&q->held, 0);
		os_st32(&q->want_desc, 0);
		mtx_unlock(&q->tx);
	}
	os_st32(&sc->queues, n);
	for (uint32_t i = 0; i < n; i++) {
		hvn_netmap_wake(&sc->queue[i]);
		tx_run(&sc->queue[i]);
	}
}

void
hvn_tx_stop(struct hvn_softc *sc)
{
	for (uint32_t i = 0; i < sc->max_queues; i++) {
		struct hvn_queue *q = &sc->queue[i];

		mtx_lock(&q->tx);
		q->up = false;
		mtx_unlock(&q->tx);
	}
}

int
hvn_tx_init(struct hvn_queue *q)
{
	int error;

	snprintf(q->tx_name, sizeof(q->tx_name), "hvn%d:tx%u",
	    device_get_unit(q->sc->dev), q->index);
	mtx_init(&q->tx, q->tx_name, "hvn tx", MTX_DEF);
	q->br = buf_ring_alloc(HVN_SWQ_DEPTH, M_HVN, M_WAITOK, &q->tx);
	for (uint32_t i = 0; i < HVN_DESCS; i++) {
		error = bus_dmamap_create(q->sc->tx_tag, 0, &q->desc[i].map);
		if (error != 0)
			return error;
		q->free_id[q->free_head++] = (uint16_t)i;
	}
	return 0;
}

void
hvn_tx_fini(struct hvn_queue *q)
{
	struct mbuf *m;

	if (q->br == NULL)
		return;
	while ((m = buf_ring_dequeue_sc(q->br)) != NULL)
		m_freem(m);
	buf_ring_free(q->br, M_HVN);
	for (uint32_t i = 0; i < q->free_head && i < HVN_DESCS; i++)
		bus_dmamap_destroy(q->sc->tx_tag, q->desc[i].map);
	mtx_destroy(&q->tx);
}
