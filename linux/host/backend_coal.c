/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coalescing for backends: core/pkt/pkt_coal.h; it copies only a frame's first
 * piece.
 *
 * The copies lie in an arena that starts afresh at each flush; when it is full
 * what is held goes out.
 */
#include "linux/host/backend_coal.h"

#include <stdlib.h>
#include <string.h>

/* Policy: first pieces held; VSP_COMPLETIONS frames of 192 bytes. */
#define COAL_ARENA_BYTES	49152u
#define COAL_FIRST_MAX		PKT_HEAD_MAX
#define COAL_FRAME_PIECES	16u

struct backend_coal {
	backend_write_fn *write;
	void *arg;
	struct backend_counters *counters;
	uint32_t used;
	struct pkt_coal coal;
	uint8_t arena[COAL_ARENA_BYTES];
};

static void
coal_on_emit(void *arg, const struct pkt_super *s)
{
	struct backend_coal *b = arg;

	if (s->frames > 1)
		counter_add(&b->counters->coalesced, s->frames);
	b->write(b->arg, s->v, s->n, s->frame_len, &s->meta);
}

struct backend_coal *
backend_coal_make(uint32_t limit_bytes, backend_write_fn *write, void *arg,
    struct backend_counters *counters)
{
	struct backend_coal *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->write = write;
	b->arg = arg;
	b->counters = counters;
	pkt_coal_init(&b->coal, limit_bytes, coal_on_emit, b);
	return b;
}

void
backend_coal_free(struct backend_coal *b)
{
	free(b);
}

bool
backend_coal_add(struct backend_coal *b, const struct vsp_frame *f)
{
	struct vec v[COAL_FRAME_PIECES];
	struct pkt_info info;
	uint32_t first = f->vec[0].len;
	struct span head = { f->vec[0].p, first };

	if ((f->meta.flags & (PKT_GSO_ANY | PKT_GSO_NORESEG)) != 0 ||
	    f->nvec > COAL_FRAME_PIECES || first > COAL_FIRST_MAX ||
	    pkt_parse(&info, head, f->len) < PKT_LAYER_L4) {
		pkt_coal_pass(&b->coal, head, f->len);
		return false;
	}
	if (first > COAL_ARENA_BYTES - b->used)
		backend_coal_flush(b);
	memcpy(v, f->vec, f->nvec * sizeof(v[0]));
	v[0].p = memcpy(b->arena + b->used, f->vec[0].p, first);
	if (pkt_coal_add(&b->coal, v, f->nvec, &info, &f->meta, 0) !=
	    PKT_COAL_HELD)
		return false;
	b->used += first;
	return true;
}

void
backend_coal_flush(struct backend_coal *b)
{
	pkt_coal_flush(&b->coal);
	b->used = 0;
}
