/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface: flags, MTU, capabilities, media, ioctl.
 *
 * Theory of operation.  What the host grants decides the capabilities; what is
 * enabled of them decides the offloads that control requests.  Requests that
 * need not be waited for leave a bit for control; a new MTU is waited for,
 * because the NIC goes down and up again for it.
 */
#include "hvn.h"

#include "wire/ndis_obj.h"

/* ---- what the host offers ----------------------------------------------- */

static const struct {
	uint32_t off;		/* VSC_OFF_* */
	int cap;		/* IFCAP_*, 0: an assist of a cap above */
	int assist;		/* CSUM_* */
} hvn_offers[] = {
	{ VSC_OFF_TXCSUM_IP4, IFCAP_TXCSUM, CSUM_IP },
	{ VSC_OFF_TXCSUM_TCP4, IFCAP_TXCSUM, CSUM_IP_TCP },
	{ VSC_OFF_TXCSUM_UDP4, IFCAP_TXCSUM, CSUM_IP_UDP },
	{ VSC_OFF_TXCSUM_TCP6, IFCAP_TXCSUM_IPV6, CSUM_IP6_TCP },
	{ VSC_OFF_TXCSUM_UDP6, IFCAP_TXCSUM_IPV6, CSUM_IP6_UDP },
	{ VSC_OFF_TSO4, IFCAP_TSO4, CSUM_IP_TSO },
	{ VSC_OFF_TSO6, IFCAP_TSO6, CSUM_IP6_TSO },
	{ VSC_OFF_RXCSUM, IFCAP_RXCSUM | IFCAP_RXCSUM_IPV6, 0 },
	{ VSC_OFF_VLAN, IFCAP_VLAN_HWTAGGING | IFCAP_VLAN_HWCSUM |
	    IFCAP_VLAN_HWTSO, 0 },
};

#define HVN_CAPS_ALWAYS	(IFCAP_VLAN_MTU | IFCAP_JUMBO_MTU | IFCAP_LINKSTATE | \
	IFCAP_HWSTATS | IFCAP_LRO)
#define HVN_CAPS_TSO	(IFCAP_TSO4 | IFCAP_TSO6)

static int
iface_caps_of(uint32_t offloads)
{
	int caps = 0;

	for (uint32_t i = 0; i < ARRAY_LEN(hvn_offers); i++) {
		if ((offloads & hvn_offers[i].off) != 0)
			caps |= hvn_offers[i].cap;
	}
	/* The stack cuts a frame of VLANs only with both. */
	if ((caps & HVN_CAPS_TSO) == 0)
		caps &= ~IFCAP_VLAN_HWTSO;
	return caps;
}

/* What the stack may leave to us: granted and enabled. */
static void
iface_assist_set(struct hvn_softc *sc)
{
	int on = if_getcapenable(sc->ifp), assist = 0;
	uint32_t granted;

	mtx_lock(&sc->mtx);
	granted = sc->caps.offloads;
	mtx_unlock(&sc->mtx);
	for (uint32_t i = 0; i < ARRAY_LEN(hvn_offers); i++) {
		if ((granted & hvn_offers[i].off) != 0 &&
		    (on & hvn_offers[i].cap) != 0)
			assist |= hvn_offers[i].assist;
	}
	if_sethwassist(sc->ifp, assist);
}

uint32_t
hvn_if_offloads(struct hvn_softc *sc)
{
	uint32_t off = VSC_OFF_ALL;
	int on;

	/* A coalesced frame has no place in a netmap buffer. */
	if (sc->tune.rsc_switch == 0 || hvn_netmap_receives(sc))
		off &= ~(VSC_OFF_RSC4 | VSC_OFF_RSC6);
	if (os_ld32(&sc->attached) == 0)
		return off;
	on = if_getcapenable(sc->ifp);
	for (uint32_t i = 0; i < ARRAY_LEN(hvn_offers); i++) {
		if ((on & hvn_offers[i].cap) == 0)
			off &= ~hvn_offers[i].off;
	}
	if ((on & IFCAP_LRO) == 0)
		off &= ~(VSC_OFF_RSC4 | VSC_OFF_RSC6);
	return off;
}

uint32_t
hvn_if_filter(struct hvn_softc *sc)
{
	uint32_t filter = NDIS_FILTER_DIRECTED;
	struct hvn_groups g;
	int flags;

	if (os_ld32(&sc->attached) == 0)
		return 0;
	flags = if_getflags(sc->ifp);
	if ((if_getdrvflags(sc->ifp) & IFF_DRV_RUNNING) == 0)
		return 0;
	if ((flags & IFF_PROMISC) != 0)
		return NDIS_FILTER_PROMISC;
	if ((flags & IFF_BROADCAST) != 0)
		filter |= NDIS_FILTER_BROADCAST;
	hvn_if_groups(sc, &g);
	if ((flags & IFF_ALLMULTI) != 0 || g.n > VSC_MCAST_MAX)
		filter |= NDIS_FILTER_ALLMULTI;
	else if (g.n > 0)
		filter |= NDIS_FILTER_MULTICAST;
	return filter;
}

static u_int
iface_group_add(void *arg, struct sockaddr_dl *sdl, u_int count)
{
	struct hvn_groups *g = arg;

	if (g->n < VSC_MCAST_MAX)
		memcpy(g->mac[g->n], LLADDR(sdl), 6);
	g->n++;
	return 1;
}

void
hvn_if_groups(struct hvn_softc *sc, struct hvn_groups *g)
{
	memset(g, 0, sizeof(*g));
	if (os_ld32(&sc->attached) == 0)
		return;
	HVN_MADDRS_EACH(sc->ifp, iface_group_add, g);
	if (g->n == 0 && HVN_MADDRS(sc->ifp) > 0)
		g->n = VSC_MCAST_MAX + 1;
}

static void
iface_tso_limits(struct hvn_softc *sc, const struct vsc_caps *caps)
{
	/* The host's limit counts the Ethernet header, and a tag may come. */
	uint32_t max = caps->tso_maxlen >
	    ETHER_HDR_LEN + ETHER_VLAN_ENCAP_LEN ? caps->tso_maxlen -
	    (ETHER_HDR_LEN + ETHER_VLAN_ENCAP_LEN) : 0;

	if_sethwtsomax(sc->ifp, min_u32(max, IP_MAXPACKET));
	if_sethwtsomaxsegcount(sc->ifp, HVN_SEGS);
	if_sethwtsomaxsegsize(sc->ifp, HV_PAGE_SIZE);
}

void
hvn_if_caps(struct hvn_softc *sc, const struct vsc_caps *caps)
{
	if (os_ld32(&sc->attached) == 0)
		return;
	/* What the host takes back, the stack does itself from now on. */
	iface_assist_set(sc);
	iface_tso_limits(sc, caps);
}

void
hvn_if_link(struct hvn_softc *sc, bool up, uint64_t speed_bps)
{
	mtx_lock(&sc->mtx);
	sc->link_up = up;
	sc->caps.speed_bps = speed_bps;
	mtx_unlock(&sc->mtx);
	if (os_ld32(&sc->attached) == 0)
		return;
	if_setbaudrate(sc->ifp, speed_bps);
	if_link_state_change(sc->ifp, up ? LINK_STATE_UP : LINK_STATE_DOWN);
}

/* ---- ioctl -------------------------------------------------------------- */

static void
iface_init(void *arg)
{
	struct hvn_softc *sc = arg;

	if_setdrvflagbits(sc->ifp, IFF_DRV_RUNNING, IFF_DRV_OACTIVE);
	hvn_ctl_due(sc, HVN_DUE_FILTER);
}

static void
iface_stop(struct hvn_softc *sc)
{
	if_setdrvflagbits(sc->ifp, 0, IFF_DRV_RUNNING | IFF_DRV_OACTIVE);
	hvn_ctl_due(sc, HVN_DUE_FILTER);
}

static int
iface_mtu_change(struct hvn_softc *sc, int mtu)
{
	uint32_t old = (uint32_t)if_getmtu(sc->ifp);
	uint32_t granted;
	int error;

	if (mtu < ETHERMIN || mtu > (int)VSC_MTU_MAX)
		return EINVAL;
	if ((uint32_t)mtu == old)
		return 0;
	error = hvn_ctl_mtu(sc, (uint32_t)mtu);
	if (error != 0) {
		(void)hvn_ctl_mtu(sc, old);
		return error;
	}
	mtx_lock(&sc->mtx);
	granted = sc->caps.mtu;
	mtx_unlock(&sc->mtx);
	if (granted < (uint32_t)mtu) {
		(void)hvn_ctl_mtu(sc, old);
		return EINVAL;
	}
	if_setmtu(sc->ifp, mtu);
	return 0;
}

static void
iface_caps_change(struct hvn_softc *sc, int want)
{
	int mask = (want ^ if_getcapenable(sc->ifp)) &
	    if_getcapabilities(sc->ifp);

	/* Segments have checksums: without these there is no TSO. */
	if ((mask & IFCAP_TXCSUM) != 0 && (want & IFCAP_TXCSUM) == 0)
		mask |= if_getcapenable(sc->ifp) & IFCAP_TSO4;
	if ((mask & IFCAP_TXCSUM_IPV6) != 0 &&
	    (want & IFCAP_TXCSUM_IPV6) == 0)
		mask |= if_getcapenable(sc->ifp) & IFCAP_TSO6;
	if_togglecapenable(sc->ifp, mask);
	iface_assist_set(sc);
	hvn_ctl_due(sc, HVN_DUE_OFFLOADS);
}

static int
iface_ioctl(if_t ifp, u_long cmd, caddr_t data)
{
	struct hvn_softc *sc = if_getsoftc(ifp);
	struct ifreq *ifr = (struct ifreq *)(void *)data;
	int error = 0;

	switch (cmd) {
	case SIOCSIFMTU:
		sx_xlock(&sc->cfg);
		error = iface_mtu_change(sc, ifr->ifr_mtu);
		sx_xunlock(&sc->cfg);
		break;
	case SIOCSIFFLAGS:
		if ((if_getflags(ifp) & IFF_UP) == 0)
			iface_stop(sc);
		else
			iface_init(sc);
		break;
	case SIOCADDMULTI:
	case SIOCDELMULTI:
		hvn_ctl_due(sc, HVN_DUE_FILTER);
		break;
	case SIOCSIFCAP:
		iface_caps_change(sc, ifr->ifr_reqcap);
		break;
	case SIOCSIFMEDIA:
	case SIOCGIFMEDIA:
		error = ifmedia_ioctl(ifp, ifr, &sc->media, cmd);
		break;
	default:
		error = ether_ioctl(ifp, cmd, data);
		break;
	}
	return error;
}

static int
iface_media_change(if_t ifp)
{
	return EOPNOTSUPP;
}

static void
iface_media_status(if_t ifp, struct ifmediareq *r)
{
	struct hvn_softc *sc = if_getsoftc(ifp);

	r->ifm_status = IFM_AVALID;
	r->ifm_active = IFM_ETHER;
	mtx_lock(&sc->mtx);
	if (sc->link_up) {
		r->ifm_status |= IFM_ACTIVE;
		r->ifm_active |= IFM_10G_T | IFM_FDX;
	} else {
		r->ifm_active |= IFM_NONE;
	}
	mtx_unlock(&sc->mtx);
}

/* ---- life --------------------------------------------------------------- */

static void
iface_lro_init(struct hvn_softc *sc)
{
#if defined(INET) || defined(INET6)
	for (uint32_t i = 0; i < sc->max_queues; i++) {
		struct hvn_queue *q = &sc->queue[i];

		q->lro_ready = tcp_lro_init_args(&q->lro, sc->ifp,
		    (unsigned)sc->tune.lro_entry_count, 0) == 0;
	}
#endif
}

int
hvn_if_alloc(struct hvn_softc *sc)
{
	if_t ifp = if_alloc(IFT_ETHER);

	if (ifp == NULL)
		return ENOMEM;
	sc->ifp = ifp;
	if_initname(ifp, device_get_name(sc->dev),
	    device_get_unit(sc->dev));
	if_setsoftc(ifp, sc);
	if_setflags(ifp, IFF_BROADCAST | IFF_SIMPLEX | IFF_MULTICAST);
	if_setinitfn(ifp, iface_init);
	if_setioctlfn(ifp, iface_ioctl);
	if_settransmitfn(ifp, hvn_transmit);
	if_setqflushfn(ifp, hvn_qflush);
	return 0;
}

void
hvn_if_attach(struct hvn_softc *sc)
{
	if_t ifp = sc->ifp;
	struct vsc_caps caps;

	mtx_lock(&sc->mtx);
	caps = sc->caps;
	mtx_unlock(&sc->mtx);
	if_setcapabilities(ifp, HVN_CAPS_ALWAYS | iface_caps_of(caps.offloads));
	if_setcapenable(ifp, if_getcapabilities(ifp));
	iface_tso_limits(sc, &caps);
	iface_lro_init(sc);
	ifmedia_init(&sc->media, 0, iface_media_change, iface_media_status);
	ifmedia_add(&sc->media, IFM_ETHER | IFM_AUTO, 0, NULL);
	ifmedia_set(&sc->media, IFM_ETHER | IFM_AUTO);
	ether_ifattach(ifp, caps.mac);
	/* The stack's own default is 1500; the host's may be less. */
	if (caps.mtu < ETHERMTU)
		if_setmtu(ifp, (int)caps.mtu);
	sx_xlock(&sc->ctl);
	os_st32(&sc->attached, 1);
	iface_assist_set(sc);
	sx_xunlock(&sc->ctl);
	hvn_if_link(sc, caps.link_up, caps.speed_bps);
	hvn_netmap_attach(sc, min_u32(caps.queues, sc->max_queues));
}

void
hvn_if_detach(struct hvn_softc *sc)
{
	iface_stop(sc);
	hvn_netmap_detach(sc);
	ether_ifdetach(sc->ifp);
	ifmedia_removeall(&sc->media);
}
