/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wakes who serves a NIC: the worker of a queue, of a source, or control.
 *
 * Context: any thread, except nic_chan_poke() (control).
 */
#include "linux/host/nic_wake.h"

#include <unistd.h>

#include "linux/host/host_priv.h"
#include "linux/host/nic.h"

void
nic_queue_poke(struct nic_queue *q)
{
	(void)os_xchg32(&q->poke, 1);
	work_post(&q->work);
}

void
nic_source_post(struct nic *nic, uint32_t k)
{
	(void)os_xchg32(&nic->source[k].posted, 1);
	work_post(&nic->queue[nic->port.queue[k].server].work);
}

bool
nic_chan_poke(struct nic *nic, const struct chan *c)
{
	for (uint32_t k = 0; k < nic->spec.queues; k++) {
		if (nic->queue[k].chan != c)
			continue;
		nic_queue_poke(&nic->queue[k]);
		return true;
	}
	return false;
}

/* One descriptor for all NICs; which one it was is in control_due. */
static void
control_wake(struct host *h)
{
	uint64_t one = 1;

	if (write(h->control_fd, &one, sizeof(one)) < 0)
		return;	/* full: it will look anyway */
}

void
nic_control_ask(struct nic *nic)
{
	if (os_xchg32(&nic->control_due, 1) == 0)
		control_wake(nic->host);
}

void
nic_bend_ask(struct nic *nic)
{
	if (os_xchg32(&nic->bent.due, 1) == 0)
		control_wake(nic->host);
}
