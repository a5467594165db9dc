/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device: probe, attach, detach, and the module.
 *
 * Theory of operation.  hn(4) is in the kernel and takes every NIC by default.
 * hw.hvn.attach names those that are ours: "all", or instance GUIDs with blanks
 * or commas between.  Of the others we are a candidate behind hn, so that
 * `devctl set driver -f hn0 hvn` switches one, and a kernel without hn has us.
 */
#include "hvn.h"

#include "wire/guid.h"

MALLOC_DEFINE(M_HVN, "hvn", "hvnet network driver");

HVN_SYSCTL_NODE(_hw, hvn, "hvn(4): hvnet NICs of Hyper-V");

#define X(name_, def, min, max, text) .name_ = def,
struct vsc_tunables hvn_core_tunables = { VSC_TUNABLES(X) };
#undef X
#define X(name_, def, text) .name_ = def,
struct hvn_tunables hvn_port_tunables = { HVN_TUNABLES(X) };
#undef X

#define X(name_, def, min, max, text)					\
	SYSCTL_UINT(_hw_hvn, OID_AUTO, name_, CTLFLAG_RDTUN,		\
	    &hvn_core_tunables.name_, 0, text);
VSC_TUNABLES(X)
#undef X
#define X(name_, def, text)						\
	SYSCTL_INT(_hw_hvn, OID_AUTO, name_, CTLFLAG_RDTUN,		\
	    &hvn_port_tunables.name_, 0, text);
HVN_TUNABLES(X)
#undef X

static char hvn_attach_list[1024];
SYSCTL_STRING(_hw_hvn, OID_AUTO, attach, CTLFLAG_RWTUN, hvn_attach_list,
    sizeof(hvn_attach_list),
    "NICs that are ours: all, or instance GUIDs; hn(4) keeps the rest");

/* Policy: channels, where nothing else is set; as hn(4). */
#define HVN_CHANNELS	8u

/* Is the NIC named in hw.hvn.attach? */
static bool
hvn_listed(const struct hyperv_guid *guid)
{
	char text[HV_GUID_TEXT_LEN + 1];
	struct hv_guid g;

	if (strcmp(hvn_attach_list, "all") == 0)
		return true;
	memcpy(&g, guid, sizeof(g));
	hv_guid_format(&g, text);
	return strstr(hvn_attach_list, text) != NULL;
}

static int
hvn_probe(device_t dev)
{
	struct hyperv_guid nic;

	memcpy(&nic, &hv_guid_nic, sizeof(nic));
	if (VMBUS_PROBE_GUID(device_get_parent(dev), dev, &nic) != 0)
		return ENXIO;
	device_set_desc(dev, "hvnet network interface");
	if (hvn_listed(vmbus_chan_guid_inst(vmbus_get_channel(dev))))
		return BUS_PROBE_VENDOR;
	return BUS_PROBE_LOW_PRIORITY;
}

static void
hvn_config(struct hvn_softc *sc)
{
	struct vsc_config *c = &sc->vsc_cfg;

	vsc_tunables_default(&c->tune);
	/* What is out of range stays at its default. */
#define X(name_, def, min, max, text)					\
	if (vsc_tunable_set(&c->tune, #name_,				\
	    hvn_core_tunables.name_) < 0)				\
		device_printf(sc->dev, "hw.hvn." #name_			\
		    " is out of range: " #min " to " #max "\n");
	VSC_TUNABLES(X)
#undef X
	sc->tune = hvn_port_tunables;
	c->vps = min_u32((uint32_t)mp_ncpus, VSC_MAX_QUEUES);
	if (c->tune.chan_cnt == 0 && c->vps > HVN_CHANNELS)
		c->tune.chan_cnt = HVN_CHANNELS;
	sc->max_queues = c->tune.chan_cnt != 0 ? c->tune.chan_cnt : c->vps;
	/* That bound is for hosts that copy late to a TAP. */
	c->tune.tx_inflight_kb = 0;
	c->by_ref = true;
	c->ref_frames = 1;	/* as hn(4): Windows was not tried with more */
	hvn_ctl_rss_kernel(sc);
	c->mtu = ETHERMTU;
}

static void
hvn_queues_free(struct hvn_softc *sc)
{
	for (uint32_t i = 0; sc->queue != NULL && i < sc->max_queues; i++) {
		hvn_rx_fini(&sc->queue[i]);
		hvn_tx_fini(&sc->queue[i]);
	}
	if (sc->tx_tag != NULL)
		bus_dma_tag_destroy(sc->tx_tag);
	hvn_mem_del(sc, sc->queue, 0);
	hvn_mem_del(sc, sc->chan, 0);
}

static int
hvn_queues_new(struct hvn_softc *sc)
{
	int error;

	sc->chan = hvn_mem_new(sc, sc->max_queues * sizeof(sc->chan[0]));
	sc->queue = hvn_mem_new(sc, sc->max_queues * sizeof(sc->queue[0]));
	/* A segment is in one page: the host is told page by page. */
	error = bus_dma_tag_create(bus_get_dma_tag(sc->dev), 1, HV_PAGE_SIZE,
	    BUS_SPACE_MAXADDR, BUS_SPACE_MAXADDR, NULL, NULL,
	    HVN_SEGS * HV_PAGE_SIZE, HVN_SEGS, HV_PAGE_SIZE, 0, NULL, NULL,
	    &sc->tx_tag);
	for (uint32_t i = 0; i < sc->max_queues; i++) {
		struct hvn_queue *q = &sc->queue[i];

		q->sc = sc;
		q->index = i;
		TASK_INIT(&q->kick, 0, hvn_chan_kicked, q);
		hvn_rx_init(q);
		if (error == 0)
			error = hvn_tx_init(q);
	}
	return error;
}

static void
hvn_free(struct hvn_softc *sc)
{
	hvn_ctl_fini(sc);
	hvn_queues_free(sc);
	if_free(sc->ifp);
}

static int
hvn_attach(device_t dev)
{
	struct hvn_softc *sc = device_get_softc(dev);
	int error;

	sc->dev = dev;
	hvn_config(sc);
	error = hvn_if_alloc(sc);
	if (error != 0)
		return error;
	error = hvn_ctl_init(sc);
	if (error == 0)
		error = hvn_queues_new(sc);
	if (error == 0) {
		sc->primary = vmbus_get_channel(dev);
		error = hvn_ctl_up(sc);
		if (error != 0)
			(void)hvn_ctl_down(sc);
	}
	if (error != 0) {
		hvn_free(sc);
		return error;
	}
	hvn_if_attach(sc);
	hvn_sysctl_attach(sc);
	return 0;
}

static int
hvn_detach(device_t dev)
{
	struct hvn_softc *sc = device_get_softc(dev);
	bool busy;

	mtx_lock(&sc->mtx);
	busy = sc->subs_busy;
	mtx_unlock(&sc->mtx);
	if (busy) {
		/* vmbus(4) cannot be told to stop waiting for them. */
		device_printf(dev, "the host granted sub-channels and does "
		    "not offer them: cannot detach\n");
		return EBUSY;
	}
	hvn_if_detach(sc);
	(void)hvn_ctl_down(sc);
	hvn_free(sc);
	return 0;
}

static device_method_t hvn_methods[] = {
	DEVMETHOD(device_probe, hvn_probe),
	DEVMETHOD(device_attach, hvn_attach),
	DEVMETHOD(device_detach, hvn_detach),
	DEVMETHOD_END
};

static driver_t hvn_driver = { "hvn", hvn_methods, sizeof(struct hvn_softc) };

HVN_DRIVER_MODULE(hvn, vmbus, hvn_driver, hvn_devclass);
MODULE_VERSION(hvn, 1);
MODULE_DEPEND(hvn, vmbus, 1, 1, 1);
