/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream in a world: one TCP flow of self-checking frames (sim/sim_frame.h),
 * as large as a stack makes them.
 */
#include "world.h"

#define STREAM_MSS	1460u
#define STREAM_FRAME	20000u
#define STREAM_BURST	8u
#define STREAM_NS	20000u

/* Its queue by the hash of nothing: one flow has one queue. */
static bool
frame_send(struct world *w, const struct vec *v, struct pkt_meta *m,
    uint32_t *queue)
{
	struct sim_nic_run *r = &w->run;

	if (w->to_guest_stream) {
		if (r->vsp == NULL)
			return false;
		*queue = vsp_steer(r->vsp, (struct span){ v->p, v->len },
		    v->len, m);
		return vsp_to_guest_copy(r->vsp, *queue, v, 1, m) == 0;
	}
	if (!r->attached || r->detach_due || !w->carrier)
		return false;
	*queue = vsc_tx_select(r->vsc, 1);
	return vsc_tx_copy(r->vsc, *queue, v, 1, m) == 0;
}

static void
stream_event(void *arg, uint64_t value)
{
	static uint8_t buf[SIM_FRAME_MAX];
	struct world *w = arg;
	uint32_t queue = 0, n, len, sent = 0;
	struct pkt_meta m;

	if (!w->streaming)
		return;
	while (sent < STREAM_BURST &&
	    (len = sim_frame_make(&w->flow, buf, &m, &n)) != 0) {
		const struct vec v = { buf, len };

		if (!frame_send(w, &v, &m, &queue))
			break;
		sim_frame_sent(&w->flow, n);
		sent++;
	}
	if (sent > 0 && w->to_guest_stream)
		vsp_to_guest_flush(w->run.vsp, queue);
	else if (sent > 0)
		vsc_tx_flush(w->run.vsc, queue);
	sim_after(&w->sim, STREAM_NS, stream_event, w, 0);
}

void
world_stream(struct world *w, bool to_guest, uint32_t bytes)
{
	static const uint8_t peer[6] = { 2, 0, 0, 0, 0, 9 };
	struct sim_flow *f = &w->flow;

	memset(f, 0, sizeof(*f));
	f->kind = FLOW_TCP4;
	f->id = 1;
	f->mss = STREAM_MSS;
	f->max_payload = STREAM_FRAME;
	f->partial = true;
	f->goal = bytes;
	memcpy(f->src, to_guest ? peer : w->cfg.vsp.mac, sizeof(f->src));
	memcpy(f->dst, to_guest ? w->cfg.vsp.mac : peer, sizeof(f->dst));
	w->to_guest_stream = to_guest;
	w->streaming = true;
	sim_after(&w->sim, 0, stream_event, w, 0);
}

bool
world_streamed(void *ctx)
{
	struct world *w = ctx;

	return w->flow.bad != NULL || sim_flows_done(&w->flow, 1);
}

bool
world_stream_end(struct world *w)
{
	w->streaming = false;
	return w->flow.bad == NULL && sim_flows_done(&w->flow, 1);
}

bool
world_stream_frame(struct world *w, bool to_guest, uint32_t queue,
    const struct vec *v, uint32_t nvec, const struct pkt_meta *m)
{
	return w->streaming && to_guest == w->to_guest_stream &&
	    sim_frame_check(&w->flow, 1, queue, v, nvec, m);
}
