/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NIC that the kernel's uio_hv_generic gave to this program: the device's
 * files (linux/guest/uio_bus.h) instead of link and VMBus client.
 *
 * Opening the files connects, and the NIC is there at once; closing them
 * disconnects.
 *
 * Context: control.
 */
#include <stdio.h>

#include "linux/frames/frames_priv.h"
#include "linux/run/clock.h"

#define UIO_PREFIX	"uio:"

bool
frames_uio_wanted(const char *connect)
{
	return strncmp(connect, UIO_PREFIX, strlen(UIO_PREFIX)) == 0;
}

/* Queues are looked at by their threads anyway. */
static void
uio_kick(void *ctx, uint32_t vp)
{
}

int
frames_uio_connect(struct hvnet *h, char *err, size_t cap)
{
	const char *text = h->cfg.connect + strlen(UIO_PREFIX);
	struct uio_bus_config bc = { .vps = h->cfg.queues,
		.queues = h->cfg.queues, .huge = true, .kick = uio_kick,
		.ctx = h };
	char tail[16] = "";
	int end = 0;

	if (sscanf(text, "%6u%n%15s", &bc.number, &end, tail) < 1 ||
	    (tail[0] != '\0' && strcmp(tail, ",no-huge") != 0) ||
	    strlen(text) != (size_t)end + strlen(tail)) {
		snprintf(err, cap, "%s: not uio:N or uio:N,no-huge",
		    h->cfg.connect);
		return -1;
	}
	bc.huge = tail[0] == '\0';
	bc.chunks = uio_bus_chunks(h->cfg.queues,
	    h->vsc_cfg.tune.tx_slots) +
	    (uint32_t)(h->cfg.send_bytes / FRAMES_CHUNK);
	h->wire.bus = uio_bus_open(&bc, err, cap);
	if (h->wire.bus == NULL)
		return -1;
	frames_attach(h, uio_bus_primary(h->wire.bus));
	return 0;
}

void
frames_uio_close(struct hvnet *h)
{
	h->closing = true;
	h->attached = false;
	if (h->vsc != NULL) {
		frames_flush(h);
		vsc_rx_unhold_all(h->vsc);
		vsc_detach(h->vsc);
		/* One that does not end keeps its memory, never the bus's. */
		if (frames_until(h, &h->vsc_down, FRAMES_CLOSE_NS))
			vsc_free(h->vsc);
	}
	h->vsc = NULL;
	uio_bus_close(h->wire.bus);
	h->wire.bus = NULL;
}
