/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames received.
 *
 * Theory of operation.  A frame is copied from the receive buffer to mbufs and
 * waits in a list; after the pass, with acknowledgements on their way, the
 * stack gets the list, through LRO where that is on.
 *
 * Context: owner, in the network epoch.
 */
#include "hvn.h"

#include "pkt/pkt_parse.h"

/* ---- frame to mbuf ------------------------------------------------------ */

/* Empty mbufs for so many bytes; the IP header will be aligned. */
static struct mbuf *
rx_mbufs(uint32_t len)
{
	uint32_t need = len + ETHER_ALIGN;
	struct mbuf *m;

	if (need <= MHLEN)
		m = m_gethdr(M_NOWAIT, MT_DATA);
	else if (need <= MCLBYTES)
		m = m_getcl(M_NOWAIT, MT_DATA, M_PKTHDR);
	else
		m = m_getm2(NULL, (int)need, M_NOWAIT, MT_DATA, M_PKTHDR);
	if (m != NULL)
		m->m_data += ETHER_ALIGN;
	return m;
}

static void
rx_fill(struct mbuf *m, const struct vec *vec, uint32_t len)
{
	uint32_t piece = 0, off = 0;

	for (uint32_t left = len; left != 0;) {
		const struct vec *v = &vec[piece];
		uint32_t n = min_u32(v->len - off,
		    (uint32_t)M_TRAILINGSPACE(m));

		if (n == 0 && v->len == off) {
			piece++;
			off = 0;
			continue;
		}
		if (n == 0) {
			m = m->m_next;
			continue;
		}
		memcpy(mtod(m, char *) + m->m_len, (const char *)v->p + off,
		    n);
		m->m_len += (int)n;
		off += n;
		left -= n;
	}
}

/* ---- what the host reports ---------------------------------------------- */

static void
rx_hash(struct mbuf *m, const struct pkt_meta *p, uint32_t queue)
{
	static const struct {
		uint32_t ndis;
		uint8_t type;
	} types[] = {
		{ PKT_HASH_TCP4, M_HASHTYPE_RSS_TCP_IPV4 },
		{ PKT_HASH_TCP6, M_HASHTYPE_RSS_TCP_IPV6 },
		{ PKT_HASH_UDP4, M_HASHTYPE_RSS_UDP_IPV4 },
		{ PKT_HASH_UDP6, M_HASHTYPE_RSS_UDP_IPV6 },
		{ PKT_HASH_IPV4, M_HASHTYPE_RSS_IPV4 },
		{ PKT_HASH_IPV6, M_HASHTYPE_RSS_IPV6 },
		{ PKT_HASH_TCP6_EX, M_HASHTYPE_RSS_TCP_IPV6_EX },
		{ PKT_HASH_IPV6_EX, M_HASHTYPE_RSS_IPV6_EX },
		{ PKT_HASH_UDP6_EX, M_HASHTYPE_RSS_UDP_IPV6_EX },
	};

	m->m_pkthdr.flowid = queue;
	M_HASHTYPE_SET(m, M_HASHTYPE_OPAQUE);
	if ((p->flags & PKT_HASH) == 0)
		return;
	m->m_pkthdr.flowid = p->hash;
	M_HASHTYPE_SET(m, M_HASHTYPE_OPAQUE_HASH);
	for (uint32_t i = 0; i < ARRAY_LEN(types); i++) {
		if (types[i].ndis == p->hash_type)
			M_HASHTYPE_SET(m, types[i].type);
	}
}

/* No word about checksums: do as hn(4), which trusts the host. */
static uint32_t
rx_trust(const struct hvn_softc *sc, const struct vec *v, uint32_t len)
{
	const struct hvn_tunables *t = &sc->tune;
	struct span head = { v->p, min_u32(v->len, PKT_HEAD_MAX) };
	struct pkt_info info;
	uint32_t flags = 0;

	if (t->trust_hostip == 0 && t->trust_hosttcp == 0 &&
	    t->trust_hostudp == 0)
		return 0;
	pkt_parse(&info, head, len);
	if (info.ip_version == 4 && t->trust_hostip != 0)
		flags |= PKT_CSUM_GOOD_IP;
	if (info.layer == PKT_LAYER_L4 &&
	    (info.l4_proto == PKT_IPPROTO_TCP ? t->trust_hosttcp :
	    t->trust_hostudp) != 0)
		flags |= PKT_CSUM_GOOD_L4;
	return flags;
}

/* The capabilities that have to be enabled for it; both, if it cannot tell. */
static int
rx_csum_caps(const struct vec *v)
{
	const uint8_t *p = v->p;

	if (v->len >= ETHER_HDR_LEN && p[12] == 0x08 && p[13] == 0x00)
		return IFCAP_RXCSUM;
	if (v->len >= ETHER_HDR_LEN && p[12] == 0x86 && p[13] == 0xdd)
		return IFCAP_RXCSUM_IPV6;
	return IFCAP_RXCSUM | IFCAP_RXCSUM_IPV6;
}

static void
rx_csum(const struct hvn_softc *sc, struct mbuf *m, const struct vec *v,
    uint32_t len, uint32_t flags)
{
	const uint32_t told = PKT_CSUM_GOOD_IP | PKT_CSUM_BAD_IP |
	    PKT_CSUM_GOOD_L4 | PKT_CSUM_BAD_L4;
	int caps = rx_csum_caps(v);

	if ((if_getcapenable(sc->ifp) & caps) != caps)
		return;
	if ((flags & told) == 0)
		flags |= rx_trust(sc, v, len);
	if ((flags & PKT_CSUM_GOOD_IP) != 0)
		m->m_pkthdr.csum_flags |= CSUM_IP_CHECKED | CSUM_IP_VALID;
	if ((flags & PKT_CSUM_GOOD_L4) != 0) {
		m->m_pkthdr.csum_flags |= CSUM_DATA_VALID | CSUM_PSEUDO_HDR;
		m->m_pkthdr.csum_data = 0xffff;
	}
}

void
hvn_rx_put(struct hvn_queue *q, const struct vec *vec, uint32_t n,
    uint32_t len, const struct pkt_meta *meta)
{
	struct hvn_softc *sc = q->sc;
	struct mbuf *m;

	if ((os_ld32_acq(&q->nm_on) & HVN_NM_RX) != 0) {
		hvn_netmap_put(q, vec, n, len, meta);
		return;
	}
	m = rx_mbufs(len);
	if (m == NULL) {
		if_inc_counter(sc->ifp, IFCOUNTER_IQDROPS, 1);
		return;
	}
	rx_fill(m, vec, len);
	m->m_pkthdr.len = (int)len;
	m->m_pkthdr.rcvif = sc->ifp;
	rx_hash(m, meta, q->index);
	rx_csum(sc, m, vec, len, meta->flags);
	if ((meta->flags & PKT_VLAN) != 0) {
		m->m_pkthdr.ether_vtag = meta->vlan_tci;
		m->m_flags |= M_VLANTAG;
	}
	/* Segments that it stands for: TCP counts them for its window. */
	if ((meta->flags & PKT_GSO_ANY) != 0)
		m->m_pkthdr.lro_nsegs = meta->segs;
	*q->rx_last = m;
	q->rx_last = &m->m_nextpkt;
	q->rx_frames++;
	q->rx_bytes += len;
}

void
hvn_rx(void *ctx, uint32_t queue, const struct vsc_frame *f)
{
	struct hvn_softc *sc = ctx;
	struct hvn_queue *q = &sc->queue[queue];
	struct pkt_meta meta = f->meta;

	if (os_ld32(&sc->attached) == 0)
		return;
	if ((meta.flags & (PKT_GSO_ANY | PKT_CSUM_PARTIAL)) != 0 &&
	    hvn_rx_onward(q, f, &meta))
		return;
	hvn_rx_put(q, f->vec, f->nvec, f->len, &meta);
}

/* Frames are copies: there is nothing to let go of. */
void
hvn_rx_flush(void *ctx, uint32_t queue)
{
}

/* ---- to the stack ------------------------------------------------------- */

#if defined(INET) || defined(INET6)
static bool
rx_lro(struct hvn_queue *q, struct mbuf *m)
{
	if (!q->lro_ready || m->m_pkthdr.lro_nsegs > 1 ||
	    (m->m_pkthdr.csum_flags & CSUM_DATA_VALID) == 0)
		return false;
	return tcp_lro_rx(&q->lro, m, 0) == 0;
}

static void
rx_lro_flush(struct hvn_queue *q)
{
	if (q->lro_ready)
		tcp_lro_flush_all(&q->lro);
}
#else
static bool
rx_lro(struct hvn_queue *q, struct mbuf *m)
{
	return false;
}

static void
rx_lro_flush(struct hvn_queue *q)
{
}
#endif

void
hvn_rx_passed(struct hvn_queue *q)
{
	if_t ifp = q->sc->ifp;
	struct mbuf *m = q->rx_first;
	bool lro;

	hvn_netmap_passed(q);
	if (m == NULL)
		return;
	q->rx_first = NULL;
	q->rx_last = &q->rx_first;
	if_inc_counter(ifp, IFCOUNTER_IPACKETS, q->rx_frames);
	if_inc_counter(ifp, IFCOUNTER_IBYTES, (int64_t)q->rx_bytes);
	q->rx_frames = 0;
	q->rx_bytes = 0;
	lro = (if_getcapenable(ifp) & IFCAP_LRO) != 0;
	while (m != NULL) {
		struct mbuf *next = m->m_nextpkt;

		m->m_nextpkt = NULL;
		if (!lro || !rx_lro(q, m)) {
			/* In the order of their flow. */
			if (lro && m->m_pkthdr.lro_nsegs > 1)
				rx_lro_flush(q);
			if_input(ifp, m);
		}
		m = next;
	}
	if (lro)
		rx_lro_flush(q);
}

void
hvn_rx_init(struct hvn_queue *q)
{
	q->rx_last = &q->rx_first;
}

void
hvn_rx_fini(struct hvn_queue *q)
{
	struct mbuf *m, *next;

	for (m = q->rx_first; m != NULL; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m_freem(m);
	}
	q->rx_first = NULL;
#if defined(INET) || defined(INET6)
	if (q->lro_ready)
		tcp_lro_free(&q->lro);
#endif
	q->lro_ready = false;
}
