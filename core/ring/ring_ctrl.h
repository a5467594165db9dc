/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What both ends of a ring share: index arithmetic and access to the control
 * page.  docs/ring.md has the layout, the rules and the barrier pair table.
 */
#ifndef CORE_RING_RING_CTRL_H
#define CORE_RING_RING_CTRL_H

#include "wire/ring_wire.h"
#include "wire/vmpkt.h"

/* The shortest ring: a control page and one data page. */
#define RING_MIN_BYTES	(2 * HV_PAGE_SIZE)

/* Control-page loads and stores; an le32_t there is only touched by these. */
static inline uint32_t
ring_ld(const le32_t *p)
{
	return os_le32(os_ld32(&p->raw));
}

static inline uint32_t
ring_ld_acq(const le32_t *p)
{
	return os_le32(os_ld32_acq(&p->raw));
}

static inline void
ring_st(le32_t *p, uint32_t v)
{
	os_st32(&p->raw, os_le32(v));
}

static inline void
ring_st_rel(le32_t *p, uint32_t v)
{
	os_st32_rel(&p->raw, os_le32(v));
}

/* True for an index that may stand in a control page. */
static inline bool
ring_index_ok(uint32_t index, uint32_t size)
{
	return index < size && (index & 7) == 0;
}

/* Bytes from read to write, both valid indexes of a ring of size bytes. */
static inline uint32_t
ring_used(uint32_t write, uint32_t read, uint32_t size)
{
	return write >= read ? write - read : size - (read - write);
}

/*
 * Bytes that may be put: equal indexes mean empty, so 8 bytes stay unused
 * and a drained ring has size - 8.
 */
static inline uint32_t
ring_free(uint32_t write, uint32_t read, uint32_t size)
{
	return size - 8 - ring_used(write, read, size);
}

/* index + n, where n <= size. */
static inline uint32_t
ring_advance(uint32_t index, uint32_t n, uint32_t size)
{
	uint32_t left = size - index;

	return n < left ? index + n : n - left;
}

/*
 * Bytes that a packet takes in the ring, trailer included.  64 bits, since
 * the lengths may be anything.
 */
static inline uint64_t
ring_packet_bytes(uint32_t ext_bytes, uint32_t data_bytes)
{
	return sizeof(struct ring_desc_wire) + (uint64_t)ext_bytes +
	    (((uint64_t)data_bytes + 7) & ~(uint64_t)7) + RING_TRAILER_BYTES;
}

/* A ring as a new owner of one of its ends finds it. */
struct ring_found {
	uint32_t size, write, read;
};

/*
 * Look at the ring in bytes at mem.  0, or E_PEER with *why OPEN_GEOMETRY or
 * RING_INDEX.
 */
static inline int
ring_find(struct ring_found *out, const void *mem, uint32_t bytes,
    enum fault *why)
{
	const struct ring_ctrl_wire *ctrl = mem;

	if (bytes < RING_MIN_BYTES || bytes % HV_PAGE_SIZE != 0)
		return peer_bad(why, FAULT_OPEN_GEOMETRY);
	out->size = bytes - HV_PAGE_SIZE;
	out->write = ring_ld_acq(&ctrl->write_index);
	out->read = ring_ld_acq(&ctrl->read_index);
	if (!ring_index_ok(out->write, out->size) ||
	    !ring_index_ok(out->read, out->size))
		return peer_bad(why, FAULT_RING_INDEX);
	return 0;
}

/*
 * Zero the control page of a ring.  The guest does so to both rings before it
 * opens a channel; a host never does.  Context: before either end has the
 * ring in use.
 */
static inline void
ring_ctrl_reset(void *mem)
{
	memset(mem, 0, sizeof(struct ring_ctrl_wire));
}

#endif
