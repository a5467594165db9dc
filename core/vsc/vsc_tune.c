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

static const struct tune_row *
tune_row_find(const char *name)
{
	for (uint32_t i = 0; i < ARRAY_LEN(tune_rows); i++)
		if (tune_name_equal(tune_rows[i].name, name))
			return &tune_rows[i];
	return NULL;
}

int
vsc_tunable_set(struct vsc_tunables *t, const char *name, uint32_t value)
{
	const struct tune_row *r = tune_row_find(name);

	if (r == NULL)
		return E_NOTSUP;
	if (value > r->max || value < r->min)
		return E_STATE;
	memcpy((char *)t + r->offset, &value, sizeof(value));
	return 0;
}

bool
vsc_tunable_range(const char *name, uint32_t *min, uint32_t *max)
{
	const struct tune_row *r = tune_row_find(name);

	if (r == NULL)
		return false;
	*min = r->min;
	*max = r->max;
	return true;
}

bool
vsc_tune(struct vsc *v, const struct vsc_tunables *t)
{
	struct vsc_tunables *now = &v->cfg.tune;

	now->ack_batch = t->ack_batch;
	now->tx_inflight_kb = t->tx_inflight_kb;
	now->tx_agg_size = t->tx_agg_size;
	now->tx_agg_pkts = t->tx_agg_pkts;
	vsc_agg_set(v);
	for (uint32_t k = 0; k < VSC_MAX_QUEUES; k++)
		if (v->q[k] != NULL)
			v->q[k]->tx.inflight_max = t->tx_inflight_kb << 10;
	return memcmp(now, t, sizeof(*now)) == 0;
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
