/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmap(4) on the synthetic path: a ring of each channel.
 *
 * Theory of operation.  Transmit copies a slot's frame into a section, where
 * it shares a packet with its neighbours, so a slot is free again at once; one
 * flush ends a sync.  Receive writes a frame where it belongs, in the slot: the
 * owner fills slots from nm_tail on, rxsync gives back those that the user
 * returned (nm_cur).  Each of the two has one writer.
 *
 * A frame longer than a buffer has no place: RSC is off meanwhile, and what was
 * under way is cut (hvn_rxcut.c).  Tags are part of the frame.
 *
 * netmap's register runs under its own lock and may sleep; it ends when no
 * owner can be in a ring any more.
 */
#include "hvn.h"

#ifdef DEV_NETMAP

#include <sys/selinfo.h>

#include <vm/vm.h>
#include <vm/pmap.h>

#include <net/netmap.h>
#include <dev/netmap/netmap_kern.h>

#include "pkt/pkt_load.h"
#include "pkt/pkt_parse.h"

/* Policy: slots of a ring. */
#define NETMAP_SLOTS	1024

MODULE_DEPEND(hvn, netmap, 1, 1, 1);

static struct hvn_queue *
netmap_queue(struct netmap_kring *kring)
{
	struct hvn_softc *sc = if_getsoftc(kring->na->ifp);

	return &sc->queue[kring->ring_id];
}

/* lock: tx.  From hwcur to head, as far as there is room. */
static u_int
netmap_send(struct hvn_queue *q, struct netmap_kring *kring)
{
	static const struct pkt_meta plain;
	u_int const lim = kring->nkr_num_slots - 1;
	u_int i = kring->nr_hwcur;

	for (; i != kring->rhead; i = nm_next(i, lim)) {
		struct netmap_slot *slot = &kring->ring->slot[i];
		struct vec v = { NMB(kring->na, slot), slot->len };

		if (vsc_tx_copy(q->sc->vsc, q->index, &v, 1, &plain) ==
		    E_AGAIN)
			break;
		slot->flags &= ~(NS_REPORT | NS_BUF_CHANGED);
	}
	vsc_tx_flush(q->sc->vsc, q->index);
	return i;
}

static int
netmap_txsync(struct netmap_kring *kring, int flags)
{
	struct hvn_queue *q = netmap_queue(kring);
	u_int const lim = kring->nkr_num_slots - 1;

	for (u_int i = kring->nr_hwcur; i != kring->rhead;
	    i = nm_next(i, lim)) {
		struct netmap_slot *slot = &kring->ring->slot[i];

		if (slot->len > NETMAP_BUF_SIZE(kring->na) ||
		    NMB(kring->na, slot) == NETMAP_BUF_BASE(kring->na))
			return netmap_ring_reinit(kring);
	}
	if (kring->nr_hwcur != kring->rhead) {
		mtx_lock(&q->tx);
		q->draining = true;
		if (q->up)
			kring->nr_hwcur = netmap_send(q, kring);
		q->draining = false;
		mtx_unlock(&q->tx);
	}
	kring->nr_hwtail = nm_prev(kring->nr_hwcur, lim);
	return 0;
}

static int
netmap_rxsync(struct netmap_kring *kring, int flags)
{
	struct hvn_queue *q = netmap_queue(kring);
	u_int const lim = kring->nkr_num_slots - 1;

	if (kring->rhead > lim)
		return netmap_ring_reinit(kring);
	kring->nr_kflags &= ~NKR_PENDINTR;
	for (u_int i = kring->nr_hwcur; i != kring->rhead;
	    i = nm_next(i, lim)) {
		struct netmap_slot *slot = &kring->ring->slot[i];

		if (NMB(kring->na, slot) == NETMAP_BUF_BASE(kring->na))
			return netmap_ring_reinit(kring);
		slot->flags &= ~NS_BUF_CHANGED;
	}
	kring->nr_hwcur = kring->rhead;
	os_st32_rel(&q->nm_cur, kring->nr_hwcur);
	kring->nr_hwtail = os_ld32_acq(&q->nm_tail);
	return 0;
}

/* Owner. */
void
hvn_netmap_put(struct hvn_queue *q, const struct vec *vec, uint32_t n,
    uint32_t len, const struct pkt_meta *meta)
{
	struct netmap_adapter *na = NA(q->sc->ifp);
	struct netmap_kring *kring = na->rx_rings[q->index];
	uint32_t tail = q->nm_tail;
	uint32_t next = nm_next(tail, kring->nkr_num_slots - 1);
	struct netmap_slot *slot = &kring->ring->slot[tail];
	uint32_t tag = (meta->flags & PKT_VLAN) != 0 ? PKT_VLAN_BYTES : 0;
	uint8_t *to;

	if (next == os_ld32_acq(&q->nm_cur) ||
	    len + tag > NETMAP_BUF_SIZE(na)) {
		if_inc_counter(q->sc->ifp, IFCOUNTER_IQDROPS, 1);
		return;
	}
	to = NMB(na, slot);
	(void)pkt_vec_gather(vec, n, 0, to, len);
	if (tag != 0) {
		memmove(to + 12 + tag, to + 12, len - 12);
		to[12] = 0x81;
		to[13] = 0x00;
		to[14] = (uint8_t)(meta->vlan_tci >> 8);
		to[15] = (uint8_t)meta->vlan_tci;
	}
	slot->len = (uint16_t)(len + tag);
	slot->flags = 0;
	q->nm_got = true;
	os_st32_rel(&q->nm_tail, next);
}

void
hvn_netmap_passed(struct hvn_queue *q)
{
	u_int work;

	if (!q->nm_got)
		return;
	q->nm_got = false;
	(void)netmap_rx_irq(q->sc->ifp, q->index, &work);
}

void
hvn_netmap_wake(struct hvn_queue *q)
{
	if ((os_ld32(&q->nm_on) & HVN_NM_TX) != 0)
		(void)netmap_tx_irq(q->sc->ifp, q->index);
}

/* No owner is in a ring but those to keep after this.  Lock: ctl. */
static void
netmap_leave(struct hvn_queue *q, uint32_t keep)
{
	struct hvn_chan *hc = &q->sc->chan[q->index];

	if ((os_ld32(&q->nm_on) & ~keep) == 0)
		return;
	os_st32_rel(&q->nm_on, q->nm_on & keep);
	if (!hc->open)
		return;
	hvn_chan_kick(q->sc, q->index);
	taskqueue_drain(hc->event_tq, &q->kick);
}

/*
 * A program may open some of the rings, and another one the rest: a ring that
 * nobody opened has no slots, and one that stays open goes on meanwhile.
 */
static void
netmap_switch(struct netmap_adapter *na, struct hvn_queue *q)
{
	struct netmap_kring *tx = na->tx_rings[q->index];
	struct netmap_kring *rx = na->rx_rings[q->index];
	uint32_t on = 0;

	if (tx->nr_pending_mode == NKR_NETMAP_ON)
		on |= HVN_NM_TX;
	if (rx->nr_pending_mode == NKR_NETMAP_ON)
		on |= HVN_NM_RX;
	netmap_leave(q, on);
	if (tx->nr_mode != tx->nr_pending_mode)
		(void)netmap_reset(na, NR_TX, q->index, 0);
	if (rx->nr_mode != rx->nr_pending_mode) {
		(void)netmap_reset(na, NR_RX, q->index, 0);
		q->nm_tail = rx->nr_hwtail;
		q->nm_cur = rx->nr_hwcur;
	}
	os_st32_rel(&q->nm_on, on);
}

static int
netmap_register(struct netmap_adapter *na, int on)
{
	struct hvn_softc *sc = if_getsoftc(na->ifp);

	if (on != 0)
		nm_set_native_flags(na);
	sx_xlock(&sc->ctl);
	for (uint32_t i = 0; i < na->num_rx_rings; i++)
		netmap_switch(na, &sc->queue[i]);
	sx_xunlock(&sc->ctl);
	if (on == 0)
		nm_clear_native_flags(na);
	hvn_ctl_due(sc, HVN_DUE_OFFLOADS);
	return 0;
}

bool
hvn_netmap_receives(struct hvn_softc *sc)
{
	for (uint32_t i = 0; i < sc->max_queues; i++) {
		if ((os_ld32(&sc->queue[i].nm_on) & HVN_NM_RX) != 0)
			return true;
	}
	return false;
}

void
hvn_netmap_attach(struct hvn_softc *sc, uint32_t queues)
{
	struct netmap_adapter na = { 0 };

	na.ifp = sc->ifp;
	na.num_tx_desc = na.num_rx_desc = NETMAP_SLOTS;
	na.num_tx_rings = na.num_rx_rings = queues;
	na.nm_txsync = netmap_txsync;
	na.nm_rxsync = netmap_rxsync;
	na.nm_register = netmap_register;
	(void)netmap_attach(&na);
}

void
hvn_netmap_detach(struct hvn_softc *sc)
{
	sx_xlock(&sc->ctl);
	for (uint32_t i = 0; i < sc->max_queues; i++)
		netmap_leave(&sc->queue[i], 0);
	sx_xunlock(&sc->ctl);
	netmap_detach(sc->ifp);
}

#endif
