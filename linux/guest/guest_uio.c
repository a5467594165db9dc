/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest process whose NIC the kernel's uio_hv_generic gave to it.
 *
 * The device's files take the place of link and VMBus client: to open them is
 * to connect, and the NIC is there at once.  To close them is to say good-bye,
 * and so a NIC that broke is attached again by reopening the device.
 *
 * Context: VP 0, except guest_uio_dispatch().
 */
#include <stdio.h>

#include "linux/guest/guest_priv.h"

/* Policy: packets a channel in one turn of dispatch. */
#define GUEST_UIO_BUDGET	64u

static void
uio_kick(void *ctx, uint32_t vp)
{
	struct guest *g = ctx;

	vp_kick(&g->vp[vp]);
}

static void
uio_park(void *ctx, uint32_t vp)
{
	struct guest *g = ctx;

	vp_park(&g->vp[vp]);
}

static void
uio_unpark(void *ctx, uint32_t vp)
{
	struct guest *g = ctx;

	vp_unpark(&g->vp[vp]);
}

/* Reported at once, and each time it went: a device does not come by itself. */
static int
uio_failed(struct guest *g)
{
	if (!g->uio_said)
		fprintf(stderr, "hvnet guest: %s: waiting for the NIC: %s\n",
		    g->tap.name, g->reason);
	g->uio_said = true;
	return -1;
}

int
guest_uio_connect(struct guest *g)
{
	uint32_t queues = g->cfg.vsc.tune.chan_cnt;
	struct uio_bus_config bc = { .number = (uint32_t)g->cfg.uio,
		.vps = g->cfg.vps, .queues = queues,
		.huge = !g->cfg.no_huge, .interrupt = g->cfg.uio_interrupt,
		.kick = uio_kick, .park = uio_park, .unpark = uio_unpark,
		.ctx = g };

	bc.chunks = uio_bus_chunks(queues,
	    g->cfg.vsc.tune.tx_slots);
	g->wire.bus = uio_bus_open(&bc, g->reason, sizeof(g->reason));
	if (g->wire.bus == NULL)
		return uio_failed(g);
	if (bc.interrupt && vp_source_add(&g->vp[0], uio_bus_fd(g->wire.bus),
	    VP_SOURCE_INTERRUPT, 0) < 0) {
		snprintf(g->reason, sizeof(g->reason), "/dev/uio%u has no "
		    "interrupt to sleep on", bc.number);
		uio_bus_close(g->wire.bus);
		g->wire.bus = NULL;
		return uio_failed(g);
	}
	g->uio_said = false;
	snprintf(g->reason, sizeof(g->reason), "opening the channel");
	guest_state_set(g, GUEST_CONNECTING);
	guest_attach(g, uio_bus_primary(g->wire.bus));
	return 0;
}

void
guest_uio_disconnect(struct guest *g)
{
	if (g->wire.bus == NULL)
		return;
	if (g->cfg.uio_interrupt)
		vp_source_del(&g->vp[0], uio_bus_fd(g->wire.bus));
	uio_bus_close(g->wire.bus);
	g->wire.bus = NULL;
}

bool
guest_uio_dispatch(struct guest *g, uint32_t vp)
{
	bool work;

	if (vp == 0 && g->cfg.uio_interrupt)
		uio_bus_interrupt(g->wire.bus);
	work = uio_bus_dispatch(g->wire.bus, vp, GUEST_UIO_BUDGET);
	/* What a packet began the timers go on with. */
	if (vp == 0 && work)
		os_st32(&g->control_due, 1);
	return work;
}
