/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The consuming end of a ring.
 *
 * Three cursors are ours and live in private memory: `next`, the packet to
 * take next; `committed`, what the control page says; `write`, the last valid
 * value that we saw of the peer's index.  In the order of the ring
 *
 *	committed <= next <= write,	write - committed <= size - 8.
 *
 * The peer's index is loaded when all packets before its last value are taken.
 * It is accepted only if it is aligned, in range, and not behind `next`.  The
 * peer may change any byte of the ring at any time: the
 * descriptor is loaded once, word by word, and checked in private memory,
 * the rest is copied once into the caller's buffer, and nothing is read from
 * the ring after its check.
 *
 * Barriers carry the letter of their pair in docs/ring.md.  Context: one owner
 * at a time.
 */
#include "ring/ring_in.h"

#define X(name, text) COUNTER_ROW(ring_in_counters, name, text)
COUNTER_TABLE(ring_in_counters, RING_IN_COUNTERS(X));
#undef X

int
ring_in_init(struct ring_in *ri, void *mem, uint32_t bytes, uint32_t flags,
    enum fault *why)
{
	struct ring_found at;
	int err = ring_find(&at, mem, bytes, why);

	if (err < 0)
		return err;
	memset(ri, 0, sizeof(*ri));
	ri->ctrl = mem;
	ri->data = (const uint8_t *)mem + HV_PAGE_SIZE;
	ri->size = at.size;
	ri->flags = flags;
	ri->next = ri->committed = at.read;
	ri->write = at.write;
	return 0;
}

/* Can w be the peer's write index?  Not if it lies behind `next`. */
static bool
ring_in_write_ok(const struct ring_in *ri, uint32_t from, uint32_t w)
{
	return ring_index_ok(w, ri->size) &&
	    ring_used(w, from, ri->size) >= ring_used(ri->next, from, ri->size);
}

/*
 * Load the peer's index.  [B] Acquire: what it covers is read after it.
 */
static bool
ring_in_write_reload(struct ring_in *ri)
{
	uint32_t w = ring_ld_acq(&ri->ctrl->write_index);

	if (!ring_in_write_ok(ri, ri->committed, w))
		return false;
	ri->write = w;
	return true;
}

/* Load the descriptor at `next`, each word once; it may wrap in the middle. */
static void
ring_in_load_desc(const struct ring_in *ri, struct ring_desc_wire *desc)
{
	const uint32_t *lo = (const void *)(ri->data + ri->next);
	const uint32_t *hi = (const void *)(ri->data +
	    ring_advance(ri->next, 8, ri->size));
	uint32_t raw[4];

	raw[0] = os_ld32(&lo[0]);
	raw[1] = os_ld32(&lo[1]);
	raw[2] = os_ld32(&hi[0]);
	raw[3] = os_ld32(&hi[1]);
	memcpy(desc, raw, sizeof(*desc));
}

/* Copy n bytes from index `at` into buf, each read once. */
static void
ring_in_copy(const struct ring_in *ri, uint32_t at, void *buf, uint32_t n)
{
	uint32_t first = min_u32(n, ri->size - at);

	if (n == 0)
		return;
	copy_once(buf, ri->data + at, first);
	if (first < n)
		copy_once((uint8_t *)buf + first, ri->data, n - first);
}

static bool
ring_in_type_known(uint16_t type)
{
	return type == VMPKT_INBAND || type == VMPKT_XFER_PAGES ||
	    type == VMPKT_GPA_DIRECT || type == VMPKT_COMPLETION;
}

/*
 * Check a descriptor against the bytes before the write index, and fill in
 * all of *out but the pointers.
 */
static int
ring_in_decode(struct vmpkt_in *out, const struct ring_desc_wire *desc,
    uint32_t avail, enum fault *why)
{
	uint32_t offset = le16_get(desc->data_off8) * 8u;
	uint32_t length = le16_get(desc->len8) * 8u;
	uint16_t type = le16_get(desc->type);
	uint16_t flags = le16_get(desc->flags);

	if (!ring_in_type_known(type))
		return peer_bad(why, FAULT_RING_TYPE);
	if ((flags & ~VMPKT_F_COMPLETE) != 0)
		return peer_bad(why, FAULT_RING_FLAGS);
	if (offset < sizeof(*desc) || length < offset)
		return peer_bad(why, FAULT_RING_DESC);
	if (!range_ok(length, RING_TRAILER_BYTES, avail))
		return peer_bad(why, FAULT_RING_OVERRUN);
	*out = (struct vmpkt_in){
		.type = type,
		.flags = flags,
		.xact = le64_get(desc->xact),
		.ext = { NULL, offset - (uint32_t)sizeof(*desc) },
		.data = { NULL, length - offset },
	};
	return 0;
}

int
ring_in_get(struct ring_in *ri, struct vmpkt_in *out, void *buf, uint32_t cap,
    enum fault *why)
{
	struct ring_desc_wire desc;
	uint32_t avail, bytes;
	int r;

	if (ri->write == ri->next && !ring_in_write_reload(ri))
		return peer_bad(why, FAULT_RING_INDEX);
	avail = ring_used(ri->write, ri->next, ri->size);
	if (avail == 0)
		return 0;
	if (avail < sizeof(desc) + RING_TRAILER_BYTES)
		return peer_bad(why, FAULT_RING_OVERRUN);
	ring_in_load_desc(ri, &desc);
	r = ring_in_decode(out, &desc, avail, why);
	if (r < 0)
		return r;

	bytes = out->ext.len + out->data.len;
	if (bytes > cap)
		return E_NOMEM;
	ring_in_copy(ri, ring_advance(ri->next, sizeof(desc), ri->size), buf,
	    bytes);
	out->ext.p = buf;
	out->data.p = out->ext.p + out->ext.len;
	bytes += (uint32_t)sizeof(desc) + RING_TRAILER_BYTES;
	ri->next = ring_advance(ri->next, bytes, ri->size);
	counter_add(&ri->counters.packets, 1);
	counter_add(&ri->counters.bytes, bytes);
	return 1;
}

/*
 * The read index moved on from `old`: must we signal a writer that waits for
 * room?  Only the commit that raises the free bytes to the pending size does,
 * so each wait gets one signal.
 */
static bool
ring_in_signal_due(struct ring_in *ri, uint32_t old)
{
	uint32_t pending, write;

	/*
	 * Some writers request size - 1.  [E] Acquire: the write index below
	 * is at least as new as this request, which spares needless signals.
	 */
	pending = ring_ld_acq(&ri->ctrl->pending_send) & ~7u;
	if (pending == 0) {
		counter_add(&ri->counters.skip_idle, 1);
		return false;
	}
	write = ring_ld(&ri->ctrl->write_index);
	if (!ring_in_write_ok(ri, old, write)) {
		counter_add(&ri->counters.skip_bad, 1);
		return false;
	}
	if (ring_free(write, ri->committed, ri->size) < pending) {
		counter_add(&ri->counters.skip_short, 1);
		return false;
	}
	if (ring_free(write, old, ri->size) >= pending) {
		counter_add(&ri->counters.skip_roomy, 1);
		return false;
	}
	counter_add(&ri->counters.signals, 1);
	return true;
}

bool
ring_in_commit(struct ring_in *ri)
{
	uint32_t old = ri->committed;

	if (ri->next == old)
		return false;
	ri->committed = ri->next;
	counter_add(&ri->counters.commits, 1);
	/* [C] Release: we are done with the bytes before they are given up. */
	ring_st_rel(&ri->ctrl->read_index, ri->next);
	if (!(ring_ld(&ri->ctrl->feature) & RING_FEATURE_PENDING_SEND)) {
		if (ri->flags & RING_IN_LEGACY_SIGNAL) {
			counter_add(&ri->counters.signals, 1);
			return true;
		}
		counter_add(&ri->counters.skip_legacy, 1);
		return false;
	}
	/*
	 * [D] The read index before the pending size: either we see that the
	 * writer waits, or its re-check sees the room.
	 */
	os_mb();
	return ring_in_signal_due(ri, old);
}

void
ring_in_mask(struct ring_in *ri)
{
	ring_st(&ri->ctrl->interrupt_mask, 1);
}

bool
ring_in_unmask(struct ring_in *ri)
{
	OS_ASSERT(ri->next == ri->committed);
	ring_st(&ri->ctrl->interrupt_mask, 0);
	counter_add(&ri->counters.unmasks, 1);
	/*
	 * [A] The mask and the read index before the write index: either we
	 * see the batch, or its writer sees that it must signal.
	 */
	os_mb();
	if (ring_in_empty(ri))
		return false;
	counter_add(&ri->counters.rechecks, 1);
	ring_in_mask(ri);
	return true;
}

bool
ring_in_empty(struct ring_in *ri)
{
	return ri->write == ri->next && ring_in_write_reload(ri) &&
	    ri->write == ri->next;
}
