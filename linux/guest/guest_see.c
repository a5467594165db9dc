/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures, transcripts, traces and histograms of a guest.
 *
 * Theory of operation.  A channel is watched from before it is opened until the
 * VMBus client forgets it, through any number of detaches and attaches.  The
 * client frees a channel without a word, so the place of a queue is used again
 * when another channel comes.
 */
#include "linux/guest/guest_see.h"

#include <stdio.h>
#include <stdlib.h>

#include "linux/guest/guest_priv.h"
#include "linux/see/capture.h"
#include "linux/see/hist_json.h"
#include "linux/see/see_decide.h"
#include "linux/see/trace.h"
#include "linux/see/transcript.h"

struct guest_see {
	struct see_watchers who;	/* but hist, which is a queue's */
	struct see_hist *hist;		/* LINK_MAX_VPS of them, or NULL */
	struct see_name name;
	struct see_watch queue[LINK_MAX_VPS];
	uint32_t vp[LINK_MAX_VPS];	/* of each queue */
};

static void
see_memory(void *ctx, struct see_memory *out)
{
	const struct guest *g = ctx;
	struct vsc_buffers b;

	*out = (struct see_memory){ 0 };
	if (g->vsc == NULL)
		return;
	vsc_buffers(g->vsc, &b);
	*out = (struct see_memory){ .recv = b.recv,
		.recv_bytes = b.recv_bytes, .send = b.send,
		.send_sections = b.send_sections,
		.section_bytes = b.send_section_bytes };
}

static uint8_t *
see_gpa(void *ctx, uint64_t gpa, uint32_t len)
{
	struct guest *g = ctx;

	return guest_wire_gpa(&g->wire, gpa, len);
}

static const struct see_watch_ops guest_see_ops = {
	.memory = see_memory,
	.gpa = see_gpa,
};

int
guest_see_open(struct guest *g, char *err, size_t cap)
{
	struct guest_see *s;

	s = g->see = calloc(1, sizeof(*s));
	if (s == NULL) {
		snprintf(err, cap, "out of memory");
		return -1;
	}
	see_name_set(&s->name, SEE_END_GUEST, g->cfg.ifname, 0);
	if (g->cfg.transcript != NULL && (s->who.transcript =
	    transcript_open(g->cfg.transcript, err, cap)) == NULL)
		return -1;
	if (g->cfg.capture != NULL && (s->who.capture =
	    capture_create(g->cfg.capture, err, cap)) == NULL)
		return -1;
	return 0;
}

void
guest_see_close(struct guest *g)
{
	if (g->see == NULL)
		return;
	transcript_close(g->see->who.transcript);
	capture_destroy(g->see->who.capture);
	if (g->see->who.trace)
		trace_stop();
	free(g->see->hist);
	free(g->see);
	g->see = NULL;
}

void
guest_see_message(void *ctx, bool to_host, struct span msg)
{
	struct guest *g = ctx;

	capture_message(g->see->who.capture, &g->see->name, !to_host, msg);
	transcript_message(g->see->who.transcript, &g->see->name, !to_host,
	    msg);
}

/* Watch a channel for those who are there now, or stop. */
static void
queue_watch(struct guest *g, uint32_t queue, struct chan *c)
{
	struct guest_see *s = g->see;
	struct see_watch *w = &s->queue[queue];
	struct see_watchers who = s->who;
	struct see_name name = s->name;

	if (s->hist != NULL)
		who.hist = &s->hist[queue];
	if (w->inner != NULL && c->ops == &w->ops)
		see_watch_stop(w);
	if (who.capture == NULL && who.transcript == NULL &&
	    who.hist == NULL && !who.trace)
		return;
	name.relid = c->relid;
	name.queue = queue;
	name.vp = s->vp[queue];
	see_watch_start(w, c, &name, &guest_see_ops, g, &who);
}

void
guest_see_queue(struct guest *g, uint32_t queue, uint32_t vp)
{
	if (queue >= LINK_MAX_VPS)
		return;
	g->see->vp[queue] = vp;
	queue_watch(g, queue, vsc_queue_chan(g->vsc, queue));
}

/* --- traces and histograms --- */

static void
channels_again(struct guest *g)
{
	if (g->state != GUEST_UP)
		return;		/* each queue, when it is opened */
	guest_vps_park(g);
	for (uint32_t k = 0; k < vsc_caps(g->vsc)->queues &&
	    k < LINK_MAX_VPS; k++)
		guest_see_queue(g, k, g->see->vp[k]);
	guest_vps_unpark(g);
}

json_t *
guest_see_trace(struct guest *g, const json_t *request)
{
	struct guest_see *s = g->see;

	if (json_is_true(json_object_get(request, "on"))) {
		if (trace_start() < 0)
			return ctl_error("out of memory");
		s->who.trace = true;
		channels_again(g);
		return json_pack("{s:b}", "ok", 1);
	}
	if (!s->who.trace)
		return ctl_error("%s is not being traced", g->cfg.ifname);
	trace_stop();
	s->who.trace = false;
	channels_again(g);
	return json_pack("{s:b, s:o}", "ok", 1, "trace", trace_json());
}

json_t *
guest_see_hist(struct guest *g, const json_t *request)
{
	struct see_hist *hist = g->see->hist;
	json_t *queues;

	if (json_is_true(json_object_get(request, "on"))) {
		hist = calloc(LINK_MAX_VPS, sizeof(*hist));
		if (hist == NULL)
			return ctl_error("out of memory");
		free(g->see->hist);
		g->see->hist = hist;
		see_decide_interrupts(true);
		channels_again(g);
		return json_pack("{s:b}", "ok", 1);
	}
	if (hist == NULL)
		return ctl_error("%s gathers no histograms", g->cfg.ifname);
	g->see->hist = NULL;
	see_decide_interrupts(false);
	channels_again(g);
	queues = json_array();
	for (uint32_t k = 0; k < g->tap.queues; k++)
		json_array_append_new(queues, hist_json(&hist[k]));
	free(hist);
	return json_pack("{s:b, s:o}", "ok", 1, "hist", queues);
}

void
guest_see_short(struct guest *g, uint32_t queue)
{
	const struct vsc_tx_counters *c = vsc_tx_stats(g->vsc, queue);
	const uint64_t now[SEE_SHORTS] = { c->no_section, c->limited,
		c->no_slot, c->ring_full };

	if (queue < LINK_MAX_VPS && g->see->queue[queue].inner != NULL)
		see_decide_short(&g->see->queue[queue], now);
}

void
guest_see_short_end(struct guest *g, uint32_t queue)
{
	if (queue < LINK_MAX_VPS && g->see->queue[queue].inner != NULL)
		see_decide_short_end(&g->see->queue[queue]);
}
