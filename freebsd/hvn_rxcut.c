/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received frames that go on to somebody else.
 *
 * Theory of operation.  A frame that the host coalesced (RSC) is longer than
 * the MTU, and its checksum may be open: right for a stack that ends the
 * connection, wrong where the frame is forwarded or bridged.  There it is cut
 * to what was on the wire, checksums complete.  Nobody has to switch RSC off
 * for a router or a bridge.
 *
 * Context: owner, in the network epoch.
 */
#include "hvn.h"

#include "pkt/pkt_csum.h"
#include "pkt/pkt_seg.h"

/* Policy: pieces of a segment's payload; RSC fragments are whole segments. */
#define CUT_VEC		8

/* A router, netmap, or a bridge or a sniffer that has us promiscuous. */
static bool
rx_goes_on(struct hvn_queue *q)
{
	if_t ifp = q->sc->ifp;
	bool routes = false;

	if ((if_getflags(ifp) & IFF_PROMISC) != 0 ||
	    (os_ld32(&q->nm_on) & HVN_NM_RX) != 0)
		return true;
	HVN_VNET_SET(ifp);
#ifdef INET
	routes = V_ipforwarding != 0;
#endif
#ifdef INET6
	routes = routes || V_ip6_forwarding != 0;
#endif
	HVN_VNET_RESTORE();
	return routes;
}

static bool
rx_cut(struct hvn_queue *q, const struct vsc_frame *f,
    const struct pkt_meta *meta)
{
	struct pkt_seg_out out;
	struct pkt_seg seg;
	uint8_t head[PKT_HEAD_MAX];
	struct vec v[1 + CUT_VEC];

	if (pkt_seg_start(&seg, f->vec, f->nvec, meta, PKT_SEG_COMPLETE) < 0)
		return false;
	while (pkt_seg_next(&seg, &out, head) == 1) {
		int n = pkt_vec_slice(f->vec, f->nvec, out.payload_off,
		    out.payload_len, &v[1], CUT_VEC);

		if (n < 0) {
			if_inc_counter(q->sc->ifp, IFCOUNTER_IERRORS, 1);
			break;
		}
		v[0] = (struct vec){ head, out.hdr_len };
		hvn_rx_put(q, v, 1 + (uint32_t)n,
		    out.hdr_len + out.payload_len, &out.meta);
	}
	os_add64(&q->count.rx_cut, 1);
	return true;
}

bool
hvn_rx_onward(struct hvn_queue *q, const struct vsc_frame *f,
    struct pkt_meta *meta)
{
	if (!rx_goes_on(q))
		return false;
	if ((meta->flags & PKT_GSO_ANY) != 0)
		return rx_cut(q, f, meta);
	(void)pkt_csum_complete(f->vec, f->nvec, meta);
	return false;
}
