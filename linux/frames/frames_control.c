/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames API: control work, and the mark of a broken connection.
 *
 * Queues are polled, so no event flag is waited for: vmc_vp_dispatch() of VP 0
 * brings messages, and the flags of other VPs are ignored.  With a NIC of
 * uio_hv_generic the kernel did VMBus: control only looks for sub-channels, and
 * for the end of the device, when it is due.
 *
 * A broken connection is only marked (`gone`); memory, rings and NetVSC stay
 * until hvnet_close(), so no thread ever finds them freed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "linux/frames/frames_priv.h"
#include "linux/run/clock.h"

void
frames_break(struct hvnet *h, const char *fmt, ...)
{
	va_list ap;

	if (h->gone != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(h->why, sizeof(h->why), fmt, ap);
	va_end(ap);
	os_st32_rel(&h->gone, 1);
	frames_wake_all(h);
}

uint64_t
frames_control(struct hvnet *h)
{
	uint64_t now = clock_now_ns(), next = UINT64_MAX, at;

	if (h->wire.bus != NULL) {
		if (now >= h->socket_at)
			h->socket_at = uio_bus_timer(h->wire.bus, now);
		next = h->socket_at;
	} else {
		if (now >= h->socket_at) {
			h->socket_at = now + FRAMES_SOCKET_NS;
			if (link_guest_poll(h->wire.link) < 0)
				frames_break(h, "the host is gone");
		}
		if (vmc_vp_dispatch(h->vmc, 0, 1))
			next = now;
		at = vmc_timer(h->vmc, now);
		next = at < next ? at : next;
	}
	if (h->vsc != NULL) {
		at = vsc_control(h->vsc, now);
		next = at < next ? at : next;
	}
	return next;
}

/* All queues and control, from one thread: for open and close. */
static void
frames_turn(struct hvnet *h)
{
	if (h->wire.bus == NULL)
		h->socket_at = 0;
	for (uint32_t k = 1; h->wire.bus == NULL && k < h->cfg.queues; k++)
		(void)vmc_vp_dispatch(h->vmc, k, FRAMES_BUDGET);
	for (uint32_t k = 0; h->vsc != NULL && k < h->cfg.queues; k++) {
		if (h->queue[k].kept_n == 0 || h->closing)
			vsc_rx_release(h->vsc, k);
		(void)vsc_queue_poll(h->vsc, k, FRAMES_BUDGET);
	}
	(void)frames_control(h);
}

void
frames_flush(struct hvnet *h)
{
	for (uint32_t k = 0; k < h->queues; k++)
		vsc_tx_flush(h->vsc, k);
}

bool
frames_until(struct hvnet *h, const bool *done, uint64_t ns)
{
	uint64_t end = clock_now_ns() + ns;
	uint32_t broken = h->gone;

	while (!*done && h->gone == broken && clock_now_ns() < end) {
		frames_turn(h);
		if (!*done)
			usleep(50);
	}
	return *done;
}
