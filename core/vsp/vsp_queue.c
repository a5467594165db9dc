/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every file of the NIC may do to a queue: fail it, wait for room, count.
 *
 * The lowest file of core/vsp: every other one may call it, and it calls no
 * other.  A queue that fails stays dead until the guest opens its channel
 * again; the channel itself, its rings and what the guest set up stay.
 *
 * Context: the worker that owns the queue, or control.  Counters: any thread.
 */
#include "vsp/vsp_priv.h"

int
vsp_queue_fail(struct vsp_queue *q, enum fault why, uint64_t value)
{
	q->dead = true;
	return fault_note(&q->chan->faults, why, value);
}

bool
vsp_queue_want_space(struct vsp_queue *q, uint32_t bytes)
{
	return chan_want_space(q->chan, bytes);
}

bool
vsp_queue_stopped(const struct vsp *vsp, uint32_t queue)
{
	return vsp->queue[queue] != NULL && vsp->queue[queue]->dead;
}

const struct vsp_from_guest_counters *
vsp_from_guest_stats(const struct vsp *vsp, uint32_t queue)
{
	OS_ASSERT(queue < VSP_MAX_QUEUES);
	return &vsp->counts[queue].from;
}

const struct vsp_to_guest_counters *
vsp_to_guest_stats(const struct vsp *vsp, uint32_t queue)
{
	OS_ASSERT(queue < VSP_MAX_QUEUES);
	return &vsp->counts[queue].to;
}

#define X(name, text) COUNTER_ROW(vsp_from_guest_counters, name, text)
COUNTER_TABLE(vsp_from_guest_counters, VSP_FROM_GUEST_COUNTERS(X));
#undef X

#define X(name, text) COUNTER_ROW(vsp_to_guest_counters, name, text)
COUNTER_TABLE(vsp_to_guest_counters, VSP_TO_GUEST_COUNTERS(X));
#undef X
