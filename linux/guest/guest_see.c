/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures and transcripts of a guest.
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
#include "linux/see/transcript.h"

struct guest_see {
	struct see_watchers who;
	struct see_name name;
	struct see_watch queue[LINK_MAX_VPS];
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

	if (g->cfg.capture == NULL && g->cfg.transcript == NULL)
		return 0;
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
	free(g->see);
	g->see = NULL;
}

void
guest_see_message(void *ctx, bool to_host, struct span msg)
{
	struct guest *g = ctx;

	if (g->see == NULL)
		return;
	capture_message(g->see->who.capture, &g->see->name, !to_host, msg);
	transcript_message(g->see->who.transcript, &g->see->name, !to_host,
	    msg);
}

void
guest_see_queue(struct guest *g, uint32_t queue, uint32_t vp)
{
	struct chan *c;
	struct see_watch *w;

	if (g->see == NULL || queue >= LINK_MAX_VPS)
		return;
	c = vsc_queue_chan(g->vsc, queue);
	w = &g->see->queue[queue];
	if (c->ops == &w->ops)
		return;
	g->see->name.relid = c->relid;
	g->see->name.queue = queue;
	g->see->name.vp = vp;
	see_watch_start(w, c, &g->see->name, &guest_see_ops, g, &g->see->who);
	g->see->name.relid = g->see->name.queue = g->see->name.vp = 0;
}
