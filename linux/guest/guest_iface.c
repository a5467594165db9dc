/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network interface from the kernel's side: making it, and what the kernel
 * wants of it.
 *
 * Bridges, macvlans and packet sockets request frames beyond the interface's
 * own address, multicast groups are joined and left, the user sets another
 * address: all that becomes the NIC's packet filter and address, as with
 * Linux's hv_netvsc (rndis_filter.c, rndis_set_multicast and
 * rndis_filter_set_device_mac).  An address that the host refuses is taken back
 * from the interface: its frames would be dropped.
 *
 * Context: main thread, with VP 0 parked where it touches what VP 0 owns; VP 0
 * where a function says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "linux/guest/guest_priv.h"
#include "linux/net/rtnl.h"
#include "pkt/pkt_coal.h"
#include "pkt/pkt_parse.h"
#include "wire/ndis_obj.h"

static int
guest_queues_make(struct guest *g)
{
	g->queue = aligned_alloc(OS_CACHELINE,
	    g->tap.queues * sizeof(*g->queue));
	if (g->queue == NULL)
		return -ENOMEM;
	memset(g->queue, 0, g->tap.queues * sizeof(*g->queue));
	for (uint32_t k = 0; k < g->tap.queues; k++) {
		struct netif_queue *q = &g->queue[k];

		q->index = k;
		q->fd = g->tap.fd[k];
		if (!g->cfg.coalesce)
			continue;
		q->coal = malloc(sizeof(*q->coal));
		if (q->coal == NULL)
			return -ENOMEM;
		netif_coal_init(q);
	}
	return 0;
}

int
guest_iface_make(struct guest *g, char *err, size_t cap)
{
	uint32_t want = g->cfg.vsc.tune.chan_cnt != 0 ?
	    g->cfg.vsc.tune.chan_cnt : g->cfg.vps;
	struct tap_config tc = { .name = g->cfg.ifname,
		.netns = g->cfg.netns, .queues = want };
	const struct rtnl_link up = { .up = true };
	int rc;

	if (want > 1) {
		g->steer = steer_create(err, cap);
		if (g->steer == NULL) {
			fprintf(stderr, "hvnet guest: %s: one queue only: "
			    "%s\n", g->cfg.ifname, err);
			tc.queues = 1;
		}
	}
	g->cfg.vsc.tune.chan_cnt = tc.queues;
	if (tap_open(&g->tap, &tc, err, cap) < 0)
		return -1;
	g->tap_mtu = tap_mtu(&g->tap);
	/*
	 * Up without a carrier, so that no frame leaves and no IPv6 address is
	 * made before it has the NIC's address.
	 */
	tap_carrier(&g->tap, false);
	rc = rtnl_link_set(g->tap.netns, g->tap.index, &up);
	if (rc < 0) {
		snprintf(err, cap, "%s: bringing it up: %s", g->tap.name,
		    strerror(-rc));
		return -1;
	}
	if (g->steer != NULL)
		tap_steering(&g->tap, steer_prog_fd(g->steer));
	if (guest_queues_make(g) < 0) {
		snprintf(err, cap, "out of memory");
		return -1;
	}
	return 0;
}

/* --- attach; VP 0 --- */

/* What gso_max_size shall be: 0 leaves it. */
static uint32_t
guest_gso_max(const struct vsc_caps *caps)
{
	/* It does not count what layer 2 adds. */
	const uint32_t l2 = pkt_frame_max(0, 1);

	return caps->tso_maxlen > l2 ? caps->tso_maxlen - l2 : 0;
}

void
guest_steer(struct guest *g)
{
	struct steer_config sc = { .hash_types = 0x200 | 0x1000 | 0x4000 |
		0x8000 | 0x100 | 0x400, .queues = g->queues,
		.entries = (uint32_t)ARRAY_LEN(sc.table), .reverse = true };

	if (g->steer == NULL)
		return;
	vsc_get_rss(g->vsc, sc.key, sc.table, sc.entries);
	for (uint32_t hash = 0; hash < sc.entries; hash++)
		sc.table[hash] = vsc_tx_select(g->vsc, hash);
	steer_set(g->steer, &sc);
}

void
guest_offloads_apply(struct guest *g, uint32_t off)
{
	uint32_t tap = 0;

	if ((off & (VSC_OFF_TXCSUM_TCP4 | VSC_OFF_TXCSUM_UDP4 |
	    VSC_OFF_TXCSUM_TCP6 | VSC_OFF_TXCSUM_UDP6)) != 0)
		tap |= TAP_OFF_CSUM;
	if ((off & VSC_OFF_TSO4) != 0)
		tap |= TAP_OFF_TSO4;
	if ((off & VSC_OFF_TSO6) != 0)
		tap |= TAP_OFF_TSO6;
	tap_offloads(&g->tap, tap);
}

static void
iface_set(struct guest *g, const struct rtnl_link *link)
{
	int rc;

	/* What was deleted gets it when it is made again. */
	if (g->iface != TAPWATCH_THERE)
		return;
	rc = rtnl_link_set(g->tap.netns, g->tap.index, link);
	if (rc < 0)
		fprintf(stderr, "hvnet guest: %s: setting address and MTU: "
		    "%s\n", g->tap.name, strerror(-rc));
}

void
guest_iface_gso(struct guest *g, const struct vsc_caps *caps)
{
	const struct rtnl_link link = { .gso_max = guest_gso_max(caps) };

	iface_set(g, &link);
}

/*
 * What the interface's MTU shall be, 0: as it is.  An administrator's stays if
 * the NIC takes it.
 */
static uint32_t
iface_mtu(struct guest *g, uint32_t mtu)
{
	int now = tap_mtu(&g->tap);
	bool chosen = now > 0 && now != g->tap_mtu;

	if (chosen && (uint32_t)now <= mtu)
		return 0;
	if (chosen)
		fprintf(stderr, "hvnet guest: %s: its MTU %d is more than the "
		    "NIC takes: set to %u\n", g->tap.name, now, mtu);
	g->tap_mtu = (int)mtu;
	return mtu;
}

void
guest_iface_attached(struct guest *g, const struct vsc_caps *caps)
{
	struct rtnl_link link = { .mtu = iface_mtu(g, caps->mtu),
		.gso_max = guest_gso_max(caps) };

	memcpy(g->nic_mac, caps->mac, sizeof(g->nic_mac));
	if (g->mac_changed) {
		/* Set while the host was away, or of an earlier host. */
		(void)!vsc_set_mac(g->vsc, g->mac);
	} else {
		memcpy(g->mac, caps->mac, sizeof(g->mac));
		link.mac = caps->mac;
	}
	iface_set(g, &link);
}

static const char *
mac_text(const uint8_t m[6], char out[18])
{
	snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
	    m[3], m[4], m[5]);
	return out;
}

void
guest_iface_mac(void *ctx, bool taken, const struct vsc_caps *caps)
{
	struct guest *g = ctx;
	const struct rtnl_link link = { .mac = caps->mac };
	char was[18], is[18];

	if (!taken)
		fprintf(stderr, "hvnet guest: %s: the host does not let the "
		    "NIC have the address %s (spoof=on at its NIC would); it "
		    "stays %s\n", g->tap.name, mac_text(g->mac, was),
		    mac_text(caps->mac, is));
	g->mac_changed = memcmp(caps->mac, g->nic_mac, sizeof(g->mac)) != 0;
	if (memcmp(g->mac, caps->mac, sizeof(g->mac)) == 0)
		return;
	memcpy(g->mac, caps->mac, sizeof(g->mac));
	iface_set(g, &link);
}

/* --- what the kernel wants; main thread --- */

static uint32_t
iface_filter(const struct ifwatch_state *s)
{
	if (s->promisc)
		return NDIS_FILTER_PROMISC;
	return NDIS_FILTER_DIRECTED | NDIS_FILTER_BROADCAST |
	    (s->multicast ? NDIS_FILTER_ALLMULTI : 0);
}

static void
iface_changed(void *ctx)
{
	struct guest *g = ctx;
	struct ifwatch_state s;
	uint32_t filter;

	vp_park(&g->vp[0]);
	/* VP 0 may just have set an address of its own. */
	tapwatch_now(g->watch, &s);
	filter = iface_filter(&s);
	if (filter != g->cfg.vsc.filter) {
		g->cfg.vsc.filter = filter;
		/* One that is attaching sends it last. */
		if (g->vsc != NULL)
			(void)!vsc_set_filter(g->vsc, filter);
	}
	/* Before the first attach its address is the kernel's choice. */
	if (g->attaches > 0 && memcmp(s.mac, g->mac, sizeof(s.mac)) != 0) {
		memcpy(g->mac, s.mac, sizeof(g->mac));
		g->mac_changed = true;
		if (g->vsc != NULL)
			(void)!vsc_set_mac(g->vsc, s.mac);
	}
	vp_unpark(&g->vp[0]);
	/* What was set may have started an exchange with a time-out. */
	os_xchg32(&g->control_due, 1);
	vp_wake(&g->vp[0]);
}

/* A new interface replaces one that was deleted.  VP 0 is parked. */
static void
iface_restore(struct guest *g)
{
	const struct vsc_caps *caps = g->state == GUEST_UP ?
	    vsc_caps(g->vsc) : NULL;
	struct rtnl_link link = { .up = true };

	tap_carrier(&g->tap, false);
	if (g->steer != NULL)
		tap_steering(&g->tap, steer_prog_fd(g->steer));
	if (g->attaches > 0) {
		link.mac = g->mac;
		link.mtu = (uint32_t)g->tap_mtu;
	}
	if (caps != NULL) {
		link.gso_max = guest_gso_max(caps);
		guest_offloads_apply(g, caps->offloads);
	}
	iface_set(g, &link);
	tap_carrier(&g->tap, caps != NULL && caps->link_up);
}

static void
iface_state(void *ctx, enum tapwatch_state before)
{
	struct guest *g = ctx;

	vp_park(&g->vp[0]);
	g->iface = tapwatch_state(g->watch);
	if (before == TAPWATCH_DELETED)
		iface_restore(g);
	vp_unpark(&g->vp[0]);
}

static void
iface_say(void *ctx, const char *text)
{
	const struct guest *g = ctx;

	fprintf(stderr, "hvnet guest: %s: %s\n", g->cfg.ifname, text);
}

static const struct tapwatch_ops iface_watch_ops = {
	.wanted = iface_changed,
	.state = iface_state,
	.say = iface_say,
};

int
guest_iface_watch(struct guest *g, char *err, size_t cap)
{
	g->watch = tapwatch_create(g->base, &g->tap, &iface_watch_ops, g, err,
	    cap);
	return g->watch == NULL ? -1 : 0;
}
