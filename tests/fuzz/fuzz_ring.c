/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz both ends of a ring against a peer that lies: what is in the ring when
 * it is taken up, then what the peer does to it between calls.
 *
 * input: write and read index, pending size, geometry (4 bytes each); half of
 * the rest is the ring's data, the other half steps, see step().  Sanitizers
 * catch a copy out of bounds; the checks below catch a packet that the ring
 * had no right to hand out.
 */
#include <stdlib.h>

#include "ring/ring_in.h"
#include "ring/ring_out.h"

#define DATA_PAGES	2u

struct shared {
	struct ring_ctrl_wire ctrl;
	uint8_t data[DATA_PAGES * HV_PAGE_SIZE];
};

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static uint32_t
get32(const uint8_t **p, size_t *n)
{
	uint32_t v = 0;
	size_t take = *n < 4 ? *n : 4;

	memcpy(&v, *p, take);
	*p += take;
	*n -= take;
	return v;
}

/* Half of the indexes are plausible, else little beyond init is reached. */
static uint32_t
get_index(const uint8_t **p, size_t *n)
{
	uint32_t v = get32(p, n);

	if (v & 0x80000000u)
		return v;
	return v % sizeof(((struct shared *)0)->data) & ~7u;
}

static void
get_all(struct ring_in *ri, uint32_t cap)
{
	uint32_t size = ri->size, budget = size / 24 + 1;
	uint8_t *buf = malloc(cap ? cap : 1);
	enum fault why = FAULT_NONE;
	struct vmpkt_in pkt;
	int r;

	require(buf != NULL);
	while ((r = ring_in_get(ri, &pkt, buf, cap, &why)) == 1) {
		uint64_t sum = 0;

		/* At most a ring full, since the index does not move. */
		require(budget-- > 0);
		require(pkt.ext.len % 8 == 0 && pkt.data.len % 8 == 0);
		require(pkt.ext.len + pkt.data.len <= cap);
		require(pkt.ext.p == buf && pkt.data.p == buf + pkt.ext.len);
		require((pkt.flags & ~VMPKT_F_COMPLETE) == 0);
		for (uint32_t i = 0; i < pkt.ext.len + pkt.data.len; i++)
			sum += buf[i];
		__asm__ volatile("" : : "r"(sum));
	}
	require(r == 0 || r == E_PEER || r == E_NOMEM);
	require((r == E_PEER) == (why != FAULT_NONE));
	if (r == E_NOMEM)
		require(pkt.ext.len + pkt.data.len > cap);
	free(buf);
	require(ring_index_ok(ri->next, size));
}

static void
step(struct shared *s, struct ring_in *ri, struct ring_out *ro,
    const uint8_t **p, size_t *n)
{
	static const uint8_t zeros[sizeof(s->data)];
	uint32_t op = get32(p, n), arg = op >> 8;
	struct vmpkt_out pkt = { VMPKT_INBAND, 0, arg, { zeros, 0 },
	    { zeros, arg % sizeof(zeros) } };
	enum fault why = FAULT_NONE;
	int r;

	switch (op % 10) {
	case 0: s->ctrl.write_index = le32_put(get_index(p, n)); break;
	case 1: s->ctrl.read_index = le32_put(get_index(p, n)); break;
	case 2: s->ctrl.pending_send = le32_put(get32(p, n)); break;
	case 3: s->ctrl.feature = le32_put(arg); break;
	case 4: s->data[arg % sizeof(s->data)] = (uint8_t)get32(p, n); break;
	case 5: get_all(ri, arg % (2 * sizeof(s->data))); break;
	case 6: (void)!ring_in_commit(ri); break;
	case 7:
		(void)!ring_in_commit(ri);
		(void)!ring_in_unmask(ri);
		break;
	case 8:
		r = ring_out_put(ro, &pkt, &why);
		require(r == 0 || r == E_AGAIN || r == E_STATE ||
		    (r == E_PEER && why == FAULT_RING_INDEX));
		break;
	default:
		(void)!ring_out_commit(ro);
		(void)!ring_out_want_space(ro, arg);
		require(ring_out_space(ro) <= ro->size - 8);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct shared *s = calloc(1, sizeof(*s));
	struct ring_in ri;
	struct ring_out ro;
	enum fault why;
	uint32_t bytes;
	size_t take;

	require(s != NULL);
	s->ctrl.write_index = le32_put(get_index(&p, &n));
	s->ctrl.read_index = le32_put(get_index(&p, &n));
	s->ctrl.pending_send = le32_put(get32(&p, &n));
	bytes = get32(&p, &n);
	s->ctrl.feature = le32_put(bytes >> 31);
	bytes = (1 + bytes % (DATA_PAGES + 1)) * HV_PAGE_SIZE;
	take = n < sizeof(s->data) ? n : sizeof(s->data);
	take = take / 2;
	memcpy(s->data, p, take);
	p += take;
	n -= take;
	/* One memory, two rings that lie to each other. */
	if (ring_in_init(&ri, s, bytes, 0, &why) == 0 &&
	    ring_out_init(&ro, s, bytes, 0, &why) == 0) {
		get_all(&ri, (uint32_t)sizeof(s->data));
		while (n > 0)
			step(s, &ri, &ro, &p, &n);
	}
	free(s);
	return 0;
}
