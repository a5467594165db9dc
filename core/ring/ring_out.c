/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The producing end of a ring.
 *
 * Three cursors are ours and live in private memory: `write`, where the next
 * packet goes; `committed`, what the control page says; `read`, the last valid
 * value that we saw of the peer's index.  In the order of the ring
 *
 *	read <= committed <= write,	write - read <= size - 8.
 *
 * The control page is written from these and never read back, so a peer that
 * scribbles on it harms itself.  The peer's index is loaded when its last value
 * leaves too little room, and at each commit to decide whether to signal.  It
 * is accepted only if it is aligned, in range, and neither goes back nor passes
 * what was published.
 *
 * Barriers carry the letter of their pair in docs/ring.md.  Context: one
 * owner at a time, from ring_out_put() to ring_out_commit().
 */
#include "ring/ring_out.h"

#define X(name, text) COUNTER_ROW(ring_out_counters, name, text)
COUNTER_TABLE(ring_out_counters, RING_OUT_COUNTERS(X));
#undef X

int
ring_out_init(struct ring_out *ro, void *mem, uint32_t bytes, uint32_t flags,
    enum fault *why)
{
	struct ring_found at;
	int err = ring_find(&at, mem, bytes, why);

	if (err < 0)
		return err;
	memset(ro, 0, sizeof(*ro));
	ro->ctrl = mem;
	ro->data = (uint8_t *)mem + HV_PAGE_SIZE;
	ro->size = at.size;
	ro->flags = flags;
	ro->write = ro->committed = at.write;
	ro->read = at.read;
	ring_st(&ro->ctrl->pending_send, 0);
	ring_st(&ro->ctrl->feature,
	    flags & RING_OUT_NO_PENDING ? 0 : RING_FEATURE_PENDING_SEND);
	return 0;
}

/* Accept index r of the peer; false: it cannot be right. */
static bool
ring_out_read_update(struct ring_out *ro, uint32_t r)
{
	if (!ring_index_ok(r, ro->size) ||
	    ring_used(ro->committed, r, ro->size) >
	    ring_used(ro->committed, ro->read, ro->size))
		return false;
	ro->read = r;
	return true;
}

/*
 * [C] Acquire: we write to the space that this index frees only after the
 * reader has copied out of it.
 */
static bool
ring_out_read_reload(struct ring_out *ro)
{
	return ring_out_read_update(ro, ring_ld_acq(&ro->ctrl->read_index));
}

static uint32_t
ring_out_free(const struct ring_out *ro)
{
	return ring_free(ro->write, ro->read, ro->size);
}

/* Copy n bytes to index `at`; returns the index behind them. */
static uint32_t
ring_out_copy(struct ring_out *ro, uint32_t at, const void *p, uint32_t n)
{
	uint32_t first = min_u32(n, ro->size - at);

	if (n == 0)
		return at;
	memcpy(ro->data + at, p, first);
	if (first < n)
		memcpy(ro->data, (const uint8_t *)p + first, n - first);
	return ring_advance(at, n, ro->size);
}

/* One aligned word to index `at`, which no wrap can split. */
static uint32_t
ring_out_word(struct ring_out *ro, uint32_t at, uint64_t x)
{
	le64_store(ro->data + at, x);
	return ring_advance(at, sizeof(x), ro->size);
}

int
ring_out_put(struct ring_out *ro, const struct vmpkt_out *pkt, enum fault *why)
{
	static const uint8_t zeros[8];
	uint64_t need = ring_packet_bytes(pkt->ext.len, pkt->data.len);
	uint64_t data_off8 = (sizeof(struct ring_desc_wire) + pkt->ext.len) / 8;
	uint64_t len8 = (need - RING_TRAILER_BYTES) / 8;
	uint32_t at;

	if (need > ring_out_max_bytes(ro) || pkt->ext.len % 8 != 0)
		return E_STATE;
	if (need > ring_out_free(ro)) {
		if (!ring_out_read_reload(ro))
			return peer_bad(why, FAULT_RING_INDEX);
		if (need > ring_out_free(ro)) {
			counter_add(&ro->counters.full, 1);
			return E_AGAIN;
		}
	}

	/* struct ring_desc_wire: four fields of 16 bits, and the id. */
	at = ring_out_word(ro, ro->write, pkt->type | data_off8 << 16 |
	    len8 << 32 | (uint64_t)pkt->flags << 48);
	at = ring_out_word(ro, at, pkt->xact);
	at = ring_out_copy(ro, at, pkt->ext.p, pkt->ext.len);
	at = ring_out_copy(ro, at, pkt->data.p, pkt->data.len);
	at = ring_out_copy(ro, at, zeros, -pkt->data.len & 7);
	ro->write = ring_out_word(ro, at, (uint64_t)ro->write << 32);
	counter_add(&ro->counters.packets, 1);
	counter_add(&ro->counters.bytes, need);
	return 0;
}

/* Must we signal the batch that began at index `old`? */
static bool
ring_out_signal_due(struct ring_out *ro, uint32_t old)
{
	if (ring_ld(&ro->ctrl->interrupt_mask) != 0) {
		counter_add(&ro->counters.skip_masked, 1);
		return false;
	}
	if (!ring_out_read_reload(ro)) {
		counter_add(&ro->counters.skip_bad, 1);
		return false;
	}
	if (ro->read != old && !(ro->flags & RING_OUT_SIGNAL_ALWAYS)) {
		counter_add(&ro->counters.skip_busy, 1);
		return false;
	}
	counter_add(&ro->counters.signals, 1);
	return true;
}

bool
ring_out_commit(struct ring_out *ro)
{
	uint32_t old = ro->committed;

	if (ro->write == old)
		return false;
	ro->committed = ro->write;
	counter_add(&ro->counters.commits, 1);
	/* [B] Release: the packets are there before the index says so. */
	ring_st_rel(&ro->ctrl->write_index, ro->write);
	/*
	 * [A] The write index before the mask and the read index: either the
	 * reader's re-check sees the batch, or we see that it unmasked.  Also
	 * [E], the write index before the pending size that may be set next.
	 */
	os_mb();
	return ring_out_signal_due(ro, old);
}

bool
ring_out_fits(struct ring_out *ro, uint32_t bytes)
{
	if (bytes <= ring_out_free(ro))
		return true;
	return ring_out_read_reload(ro) && bytes <= ring_out_free(ro);
}

uint32_t
ring_out_space(struct ring_out *ro)
{
	return ring_out_read_reload(ro) ? ring_out_free(ro) : 0;
}

bool
ring_out_want_space(struct ring_out *ro, uint32_t bytes)
{
	uint32_t want = align_up(min_u32(bytes, ro->size - 8), 8);
	bool waiting = ro->pending != 0;

	OS_ASSERT(ro->write == ro->committed);
	if (!(ro->flags & RING_OUT_NO_PENDING)) {
		ro->pending = want;
		ring_st(&ro->ctrl->pending_send, want);
		/*
		 * [D] The pending size before the read index: either we see
		 * the room, or the reader sees that we wait for it.
		 */
		os_mb();
	}
	if (ring_out_read_reload(ro) && want > ring_out_free(ro)) {
		if (!waiting)
			counter_add(&ro->counters.waits, 1);
		return false;
	}
	if (!waiting)
		counter_add(&ro->counters.wait_avoided, 1);
	ring_out_clear_pending(ro);
	return true;
}

void
ring_out_clear_pending(struct ring_out *ro)
{
	if (ro->pending == 0)
		return;
	ro->pending = 0;
	ring_st(&ro->ctrl->pending_send, 0);
}
