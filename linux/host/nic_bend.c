/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NIC that bends: bend=FILE of a NIC, and its channels.
 *
 * Theory of operation.  Channels are bent above what captures and transcripts
 * watch, so these show what the guest gets.  What the script does beyond a
 * channel is host_bend.c's.
 */
#include "linux/host/nic_bend.h"

#include <errno.h>

#include "bus/ring_chan.h"
#include "linux/bend/bend.h"
#include "linux/host/host_priv.h"
#include "linux/host/nic.h"
#include "linux/host/nic_see.h"
#include "linux/host/nic_wake.h"

/* --- which script --- */

int
nic_bend_open(struct nic *nic, const struct nic_spec *to, struct bend **out,
    char *err, size_t cap)
{
	*out = nic->bent.bend;
	if (strcmp(to->bend, nic->bent.path) == 0)
		return 0;
	*out = NULL;
	if (to->bend[0] == '\0')
		return 0;
	*out = bend_load(to->bend, nic->host->bend_ops, nic, err, cap);
	return *out == NULL ? -EINVAL : 0;
}

struct bend *
nic_bend_use(struct nic *nic, const struct nic_spec *to, struct bend *b)
{
	struct bend *old = nic->bent.bend;

	if (b == old)
		return NULL;
	nic->bent.bend = b;
	strcpy(nic->bent.path, to->bend);
	return old;
}

static void
bend_on_again(evutil_socket_t fd, short what, void *arg)
{
	nic_bend_ask(arg);
}

int
nic_bend_create(struct nic *nic, char *err, size_t cap)
{
	struct bend *b;
	int rc;

	if (nic->spec.bend[0] == '\0' && nic->host->cfg.bend != NULL)
		snprintf(nic->spec.bend, sizeof(nic->spec.bend), "%s",
		    nic->host->cfg.bend);
	nic->bent.again = evtimer_new(nic->base, bend_on_again, nic);
	if (nic->bent.again == NULL) {
		snprintf(err, cap, "out of memory");
		return -ENOMEM;
	}
	rc = nic_bend_open(nic, &nic->spec, &b, err, cap);
	if (rc == 0)
		(void)!nic_bend_use(nic, &nic->spec, b);
	return rc;
}

void
nic_bend_destroy(struct nic *nic)
{
	bend_free(nic->bent.bend);
	if (nic->bent.again != NULL)
		event_free(nic->bent.again);
}

/* --- channels --- */

void
nic_bend_start(struct nic_queue *q)
{
	struct nic *nic = q->nic;

	if (nic->bent.bend != NULL)
		bend_chan_start(&q->bend, q->chan, ring_chan_of(q->chan),
		    nic->bent.bend, &nic_see_need, nic->vsp);
}

void
nic_bend_stop(struct nic_queue *q)
{
	bend_chan_stop(&q->bend);
}

void
nic_bend_start_all(struct nic *nic)
{
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		if (nic->queue[k].chan != NULL)
			nic_bend_start(&nic->queue[k]);
}

void
nic_bend_stop_all(struct nic *nic)
{
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		nic_bend_stop(&nic->queue[k]);
}

json_t *
nic_bend_stat(const struct nic *nic)
{
	return nic->bent.bend == NULL ? NULL : bend_stat(nic->bent.bend);
}
