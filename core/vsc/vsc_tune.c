/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tunables and counters by name.
 *
 * Theory of operation.  Tunables and counters by name: everything here comes
 * from the X-macro lists of vsc.h.  Context: any.
 */
#include "vsc/vsc_priv.h"

struct tune_row {
	const char *name;
	uint32_t offset, min, max;
};

static const struct tune_row tune_rows[] = {
#define X(name_, def, min_, max_, text)					\
	{ #name_, (uint32_t)offsetof(struct vsc_tunables, name_),	\
	    min_, max_ },
	VSC_TUNABLES(X)
#undef X
};

#define X(name, text) COUNTER_ROW(vsc_tx_counters, name, text)
COUNTER_TABLE(vsc_tx_counters, VSC_TX_COUNTERS(X));
#undef X
#define X(name, text) COUNTER_ROW(vsc_rx_counters, name, text)
COUNTER_TABLE(vsc_rx_counters, VSC_RX_COUNTERS(X));
#undef X

void
vsc_tunables_default(struct vsc_tunables *t)
{
#define X(name, def, min, max, text) t->name = def;
	VSC_TUNABLES(X)
#undef X
}

static bool
tune_name_equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

int
vsc_tunable_set(struct vsc_tunables *t, const char *name, uint32_t value)
{
	for (uint32_t i = 0; i < ARRAY_LEN(tune_rows); i++) {
		const struct tune_row *r = &tune_rows[i];

		if (!tune_name_equal(r->name, name))
			continue;
		if (value > r->max || value < r->min)
			return E_STATE;
		memcpy((char *)t + r->offset, &value, sizeof(value));
		return 0;
	}
	return E_NOTSUP;
}

uint64_t
vsc_memory_bytes(const struct vsc_tunables *t, uint32_t queues, bool by_ref)
{
	/* A slot's head room is the rest of a send-buffer section. */
	uint64_t slot = align_up(t->tx_chimney_size + VSC_HEAD_ALL,
	    HV_PAGE_SIZE) + VSC_SLOT_DATA;
	uint64_t slots = by_ref ? align_up(t->tx_slots * VSC_SLOT_HEAD,
	    HV_PAGE_SIZE) : t->tx_slots * slot;
	uint64_t queue = 2ull * t->ring_pages * HV_PAGE_SIZE + slots;

	return ((uint64_t)t->rxbuf_kb + t->sendbuf_kb) * 1024u +
	    queues * queue + HV_PAGE_SIZE;
}

const struct vsc_tx_counters *
vsc_tx_stats(const struct vsc *v, uint32_t queue)
{
	return &v->q[queue]->tx.count;
}

const struct vsc_rx_counters *
vsc_rx_stats(const struct vsc *v, uint32_t queue)
{
	return &v->q[queue]->rx.count;
}

void
vsc_buffers(const struct vsc *v, struct vsc_buffers *b)
{
	*b = (struct vsc_buffers){
		.recv = v->rxbuf.mem.va,
		.recv_bytes = v->rxbuf.mem.bytes,
		.send = v->sendbuf.mem.va,
		.send_sections = v->caps.sections,
		.send_section_bytes = v->caps.section_bytes,
	};
}

struct chan *
vsc_queue_chan(const struct vsc *v, uint32_t queue)
{
	return v->q[queue]->chan;
}
