/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control messages in a NIC's ring: a worker meets them, control handles them.
 *
 * A worker that met one reads on only when control was there, so a guest that
 * sends nothing else could keep control as busy as it is itself.  So each NIC
 * has a share of control's time for this; beyond it the messages wait in the
 * ring, and nothing but that ring waits with them.
 *
 * Context: control.
 */
#include "linux/host/nic.h"

#include <event2/event.h>

#include "linux/host/nic_queue.h"
#include "linux/host/nic_wake.h"
#include "linux/run/clock.h"

/*
 * Policy: what a guest may have of control's time by messages in a ring, a
 * twentieth; bursts are far more than it takes to attach.
 */
#define NIC_CONTROL_PART	20u
#define NIC_CONTROL_BURST_NS	500000000u

/* True if its ring had its share of control's time: it waits for more. */
static bool
nic_control_waits(struct nic *nic)
{
	uint64_t wait = share_wait_ns(&nic->control_share, clock_now_ns());
	const struct timeval tv = { (time_t)(wait / 1000000000u),
	    (suseconds_t)(wait % 1000000000u / 1000u) };

	if (wait > 0 && !evtimer_pending(nic->control_again, NULL))
		evtimer_add(nic->control_again, &tv);
	return wait > 0;
}

static void
nic_on_control_again(evutil_socket_t fd, short what, void *arg)
{
	nic_control(arg);
}

void
nic_control(struct nic *nic)
{
	uint64_t began = clock_thread_ns();
	bool more = false;

	if (nic_control_waits(nic))
		return;
	if (os_xchg32(&nic->control_due, 0) == 0 || nic->vsp == NULL)
		return;
	nic_close(nic);
	more = vsp_control_run(nic->vsp);
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		nic_queue_say_stopped(&nic->queue[k]);
	nic_open(nic);
	share_spend(&nic->control_share, clock_thread_ns() - began,
	    clock_now_ns());
	if (more)
		nic_control_ask(nic);
	/* A data packet may have been left behind the control packets, and
	 * packets set aside may be of a guest that is not up any more. */
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		nic_queue_poke(&nic->queue[k]);
}

int
nic_control_init(struct nic *nic)
{
	nic->control_share = share_of(NIC_CONTROL_PART, NIC_CONTROL_BURST_NS);
	nic->control_again = evtimer_new(nic->base, nic_on_control_again,
	    nic);
	return nic->control_again != NULL ? 0 : -1;
}

void
nic_control_free(struct nic *nic)
{
	if (nic->control_again != NULL)
		event_free(nic->control_again);
}
