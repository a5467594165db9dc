/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces and histograms of a NIC: switched on and off, and answered.
 *
 * Theory of operation.  The channels of the NIC are watched again, with the
 * gate closed, and while a trace is on the guest's partition has another table
 * of operations: ours, which notes each interrupt.  A process has one trace at
 * a time, since threads serve many NICs.
 */
#include "linux/host/nic_trace.h"

#include <errno.h>
#include <stdlib.h>

#include "bus/vms.h"
#include "linux/host/host_guest_priv.h"
#include "linux/host/nic_bend.h"
#include "linux/host/nic_see.h"
#include "linux/see/hist_json.h"
#include "linux/see/see_decide.h"
#include "linux/see/trace.h"

/* --- interrupts --- */

static void
trace_interrupt(struct partition *p, uint32_t vp)
{
	const struct host_part_watch *w = (const void *)p->ops;

	if (trace_on())
		trace_put(TRACE_INTERRUPT, TRACE_WHY_RAISED, 0, vp);
	w->inner->interrupt(p, vp);
}

static void
part_start(struct host_guest *g)
{
	struct partition *p = link_host_partition(g->link);
	struct host_part_watch *w = &g->part_watch;

	if (p->ops == &w->ops)
		return;
	w->inner = p->ops;
	w->ops = *p->ops;
	w->ops.interrupt = trace_interrupt;
	__atomic_store_n(&p->ops, &w->ops, __ATOMIC_RELEASE);
}

static void
part_stop(struct host_guest *g)
{
	struct host_part_watch *w = &g->part_watch;

	struct partition *p = link_host_partition(g->link);

	/* A thread that is in trace_interrupt() needs w->inner still. */
	if (p->ops == &w->ops)
		__atomic_store_n(&p->ops, w->inner, __ATOMIC_RELEASE);
}

/* --- on and off --- */

/* Watch all channels again, as nic->tracing and nic->hist are now. */
static void
channels_again(struct nic *nic)
{
	nic_close(nic);
	/* What bends them lies on top, so it goes first and comes last. */
	nic_bend_stop_all(nic);
	for (uint32_t k = 0; k < nic->spec.queues; k++) {
		nic_see_stop(&nic->queue[k]);
		if (nic->queue[k].chan != NULL)
			nic_see_start(&nic->queue[k]);
	}
	nic_bend_start_all(nic);
	if (nic->user.guest != NULL && nic->tracing)
		part_start(nic->user.guest);
	else if (nic->user.guest != NULL)
		part_stop(nic->user.guest);
	nic_open(nic);
}

void
nic_trace_end(struct nic *nic)
{
	if (nic->tracing)
		trace_stop();
	nic->tracing = false;
	free(nic->hist);
	nic->hist = NULL;
}

json_t *
nic_trace_ctl(struct nic *nic, const json_t *request)
{
	bool on = json_is_true(json_object_get(request, "on"));

	if (on && os_ld32(&trace_is_on) != 0 && !nic->tracing)
		return ctl_error("another NIC of this process is being "
		    "traced");
	if (on) {
		if (trace_start() < 0)
			return ctl_error("out of memory");
		nic->tracing = true;
		channels_again(nic);
		return json_pack("{s:b}", "ok", 1);
	}
	if (!nic->tracing)
		return ctl_error("%s is not being traced", nic->spec.name);
	trace_stop();
	nic->tracing = false;
	channels_again(nic);
	return json_pack("{s:b, s:o}", "ok", 1, "trace", trace_json());
}

json_t *
nic_hist_ctl(struct nic *nic, const json_t *request)
{
	bool on = json_is_true(json_object_get(request, "on"));
	struct see_hist *hist = nic->hist;
	json_t *queues;

	if (on) {
		hist = calloc(nic->spec.queues, sizeof(*hist));
		if (hist == NULL)
			return ctl_error("out of memory");
		free(nic->hist);
		nic->hist = hist;
		channels_again(nic);
		return json_pack("{s:b}", "ok", 1);
	}
	if (hist == NULL)
		return ctl_error("%s gathers no histograms", nic->spec.name);
	nic->hist = NULL;
	channels_again(nic);
	queues = json_array();
	for (uint32_t k = 0; k < nic->spec.queues; k++)
		json_array_append_new(queues, hist_json(&hist[k]));
	free(hist);
	return json_pack("{s:b, s:o}", "ok", 1, "hist", queues);
}

/* --- workers --- */

void
nic_trace_signalled(struct nic_queue *q)
{
	see_watch_signalled(&q->watch);
}

void
nic_trace_short(struct nic_queue *q)
{
	const struct vsp_to_guest_counters *c = vsp_to_guest_stats(
	    q->nic->vsp, q->index);
	const uint64_t now[SEE_SHORTS] = { c->no_section, c->lent_out, 0,
		c->ring_full };

	if (q->watch.inner != NULL)
		see_decide_short(&q->watch, now);
}

void
nic_trace_short_end(struct nic_queue *q)
{
	if (q->watch.inner != NULL)
		see_decide_short_end(&q->watch);
}

void
nic_trace_handover(struct nic_queue *q)
{
	trace_put(TRACE_HANDOVER, TRACE_WHY_NONE, q->watch.trace, q->index);
}
