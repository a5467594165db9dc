/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending from memory that the caller owns: hvnet_memory().
 *
 * The memory is guest memory, so the host reads a frame where it lies: only the
 * first bytes are copied behind the header, as vsc_tx_gather() wants them.  A
 * cookie comes back when the host is done, and waits here until the caller
 * collects it.
 *
 * Memory of the link is contiguous for the host as a whole; of a NIC of
 * uio_hv_generic, each huge page by itself.
 *
 * Context: the queue's thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "linux/frames/frames_priv.h"
#include "linux/guest/uio_arena.h"

/* Of a frame without requests: the Ethernet header. */
#define REF_HEAD	14u

_Static_assert(FRAMES_CHUNK == UIO_ARENA_CHUNK, "pieces of memory");

/* Chunks [at, at + n) of the memory, contiguous for the host. */
static bool
ref_chunks_alloc(struct hvnet *h, uint64_t at, uint64_t n)
{
	struct chan_mem m;

	if (guest_wire_mem_alloc(h, (uint32_t)(n * FRAMES_CHUNK), &m) < 0)
		return false;
	if (at == 0)
		h->send_va = m.va;
	if (m.va != h->send_va + at * FRAMES_CHUNK)
		return false;
	for (uint64_t i = 0; i < n; i++)
		h->send_gpa[at + i] = m.gpa + i * FRAMES_CHUNK;
	return true;
}

bool
frames_ref_alloc(struct hvnet *h, char *err, size_t cap)
{
	uint64_t chunks = h->cfg.send_bytes / FRAMES_CHUNK;
	uint64_t each = h->wire.bus != NULL ? 1 : chunks;
	bool ok;

	if (chunks == 0)
		return true;
	h->send_gpa = calloc(chunks, sizeof(h->send_gpa[0]));
	ok = h->send_gpa != NULL;
	for (uint64_t i = 0; ok && i < chunks; i += each)
		ok = ref_chunks_alloc(h, i, each);
	for (uint32_t k = 0; ok && k < h->cfg.queues; k++) {
		h->queue[k].cookie = calloc(FRAMES_COOKIES, sizeof(uint64_t));
		ok = h->queue[k].cookie != NULL;
	}
	if (ok)
		h->send_bytes = h->cfg.send_bytes;
	else
		snprintf(err, cap, "send_bytes: out of memory");
	return ok;
}

void
frames_ref_free(struct hvnet *h)
{
	/* The memory itself is the link's, or the bus's. */
	for (uint32_t k = 0; h->queue != NULL && k < h->cfg.queues; k++)
		free(h->queue[k].cookie);
	free(h->send_gpa);
}

void *
hvnet_memory(const struct hvnet *h, uint64_t *bytes)
{
	*bytes = h->send_bytes;
	return h->send_bytes == 0 ? NULL : h->send_va;
}

void
frames_tx_done(void *ctx, uint32_t queue, uint64_t cookie, int err)
{
	struct hvnet *h = ctx;
	struct frames_queue *q = &h->queue[queue];

	q->cookie[(q->cookie_first + q->cookie_n++) % FRAMES_COOKIES] = cookie;
}

static int
ref_send(struct hvnet *h, uint32_t queue, const struct hvnet_frame *f,
    uint64_t cookie)
{
	uint64_t at = (uint64_t)((uintptr_t)f->data - (uintptr_t)h->send_va);
	static const struct pkt_meta plain;
	const struct pkt_meta *meta = &plain;
	struct pkt_meta m;
	uint32_t head = REF_HEAD, n = 0;
	struct vsc_piece piece[2];
	int rc;

	if (at > h->send_bytes || f->len > h->send_bytes - at)
		return E_STATE;
	if (f->meta.flags != 0) {
		memcpy(&m, &f->meta, sizeof(m));
		meta = &m;
		head = min_u32(f->len, VSC_TX_HEAD_MAX);
	}
	if (f->len <= FRAMES_COPY) {
		const struct vec v = { f->data, f->len };

		rc = vsc_tx_copy(h->vsc, queue, &v, 1, meta);
		if (rc == 0)
			frames_tx_done(h, queue, cookie, 0);
		return rc;
	}
	at += head;
	for (uint32_t left = f->len - head; left != 0 && n < 2; n++) {
		uint32_t off = (uint32_t)(at % FRAMES_CHUNK);
		uint32_t len = min_u32(left, FRAMES_CHUNK - off);

		piece[n] = (struct vsc_piece){ .bytes = len,
			.gpa = h->send_gpa[at / FRAMES_CHUNK] + off,
			.va = h->send_va + at };
		at += len;
		left -= len;
	}
	return vsc_tx_gather(h->vsc, queue, (struct span){ f->data, head },
	    piece, n, cookie, meta);
}

int
hvnet_tx_ref(struct hvnet *h, uint32_t queue, const struct hvnet_frame *in,
    const uint64_t *cookie, uint32_t n)
{
	struct frames_queue *q = &h->queue[queue];
	uint32_t i = 0;

	if (queue >= h->queues || h->send_bytes == 0)
		return HVNET_INVALID;
	if (frames_gone(h))
		return HVNET_GONE;
	frames_call(h, queue);
	while (i < n) {
		int rc = q->cookies_out == FRAMES_COOKIES ? E_AGAIN :
		    ref_send(h, queue, &in[i], cookie[i]);

		if (rc == E_AGAIN) {
			if (frames_make_room(h, queue) &&
			    q->cookies_out != FRAMES_COOKIES)
				continue;
			break;
		}
		if (rc == E_GONE)
			break;
		if (rc < 0) {
			counter_add(&q->invalid, 1);
			frames_tx_done(h, queue, cookie[i], rc);
		}
		q->cookies_out++;
		i++;
	}
	vsc_tx_flush(h->vsc, queue);
	return (int)i;
}

int
hvnet_tx_done(struct hvnet *h, uint32_t queue, uint64_t *cookie, uint32_t n)
{
	struct frames_queue *q = &h->queue[queue];
	uint32_t i;

	if (queue >= h->queues || h->send_bytes == 0)
		return HVNET_INVALID;
	if (q->cookie_n == 0 && frames_gone(h))
		return HVNET_GONE;
	for (i = 0; i < n && q->cookie_n > 0; i++) {
		cookie[i] = q->cookie[q->cookie_first];
		q->cookie_first = (q->cookie_first + 1) % FRAMES_COOKIES;
		q->cookie_n--;
	}
	q->cookies_out -= i;
	return (int)i;
}
