/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev.hvn.N: counters and settings, from the tables of their owners.
 *
 * Theory of operation.  Counters of a queue are dev.hvn.N.tx.Q and .rx.Q, by
 * the core's names.  A handler takes ctl, so that the NIC stays while it reads.
 *
 * Context: any that may sleep.
 */
#include "hvn.h"

#define X(name, text) COUNTER_ROW(hvn_queue_counters, name, text)
COUNTER_TABLE(hvn_queue_counters, HVN_QUEUE_COUNTERS(X));
#undef X

/* Which table a counter's number is in. */
enum { SIDE_TX = 0x100, SIDE_RX = 0x200, SIDE_QUEUE = 0x300, SIDE = 0xf00 };

static uint64_t
sysctl_counter_read(struct hvn_queue *q, intmax_t which)
{
	struct hvn_softc *sc = q->sc;
	uint32_t row = (uint32_t)which & 0xff;

	if ((which & SIDE) == SIDE_QUEUE)
		return counter_read(&q->count, &hvn_queue_counters_table.
		    row[row]);
	if (sc->vsc == NULL || sc->state != HVN_UP ||
	    q->index >= vsc_caps(sc->vsc)->queues)
		return 0;
	if ((which & SIDE) == SIDE_TX)
		return counter_read(vsc_tx_stats(sc->vsc, q->index),
		    &vsc_tx_counters_table.row[row]);
	return counter_read(vsc_rx_stats(sc->vsc, q->index),
	    &vsc_rx_counters_table.row[row]);
}

static int
sysctl_counter(SYSCTL_HANDLER_ARGS)
{
	struct hvn_queue *q = arg1;
	uint64_t v;

	sx_slock(&q->sc->ctl);
	v = sysctl_counter_read(q, arg2);
	sx_sunlock(&q->sc->ctl);
	return sysctl_handle_64(oidp, &v, 0, req);
}

static void
sysctl_table(struct sysctl_ctx_list *ctx, struct sysctl_oid *node,
    struct hvn_queue *q, const struct counter_table *t, int side)
{
	for (uint32_t i = 0; i < t->rows; i++)
		SYSCTL_ADD_PROC(ctx, SYSCTL_CHILDREN(node), OID_AUTO,
		    t->row[i].name, CTLTYPE_U64 | CTLFLAG_RD | CTLFLAG_MPSAFE,
		    q, side | (int)i, sysctl_counter, "QU", t->row[i].text);
}

static void
sysctl_queue(struct sysctl_ctx_list *ctx, struct sysctl_oid *tx,
    struct sysctl_oid *rx, struct hvn_queue *q)
{
	char name[16];
	struct sysctl_oid *node;

	snprintf(name, sizeof(name), "%u", q->index);
	node = SYSCTL_ADD_NODE(ctx, SYSCTL_CHILDREN(tx), OID_AUTO, name,
	    CTLFLAG_RD | CTLFLAG_MPSAFE, NULL, "transmit queue");
	sysctl_table(ctx, node, q, &vsc_tx_counters_table, SIDE_TX);
	sysctl_table(ctx, node, q, &hvn_queue_counters_table, SIDE_QUEUE);
	node = SYSCTL_ADD_NODE(ctx, SYSCTL_CHILDREN(rx), OID_AUTO, name,
	    CTLFLAG_RD | CTLFLAG_MPSAFE, NULL, "receive queue");
	sysctl_table(ctx, node, q, &vsc_rx_counters_table, SIDE_RX);
}

/* ---- hn(4)'s names: sums of all queues ---------------------------------- */

static const struct {
	const char *name, *text;
	int side;
	const char *of[2];		/* counters that it adds up */
} sysctl_sums[] = {
	{ "no_txdescs", "times no descriptor was free", SIDE_QUEUE,
	    { "no_desc" } },
	{ "tx_collapsed", "frames in too many pieces", SIDE_QUEUE,
	    { "collapsed" } },
	{ "txdma_failed", "frames dropped by the driver", SIDE_QUEUE,
	    { "failed" } },
	{ "send_failed", "times the ring had no room", SIDE_TX,
	    { "ring_full" } },
	{ "tx_chimney", "frames copied to the send buffer", SIDE_TX,
	    { "by_section" } },
	{ "tx_chimney_tried", "times that was tried", SIDE_TX,
	    { "by_section", "no_section" } },
	{ "rx_ack_failed", "times acknowledgements waited", SIDE_RX,
	    { "ack_waits" } },
};

static const struct counter_table *
sysctl_table_of(int side)
{
	return side == SIDE_TX ? &vsc_tx_counters_table :
	    side == SIDE_RX ? &vsc_rx_counters_table :
	    &hvn_queue_counters_table;
}

static uint64_t
sysctl_sum_one(struct hvn_softc *sc, int side, const char *name)
{
	const struct counter_table *t = sysctl_table_of(side);
	uint64_t sum = 0;

	for (uint32_t row = 0; row < t->rows; row++) {
		if (strcmp(t->row[row].name, name) != 0)
			continue;
		for (uint32_t i = 0; i < sc->max_queues; i++)
			sum += sysctl_counter_read(&sc->queue[i],
			    side | (int)row);
	}
	return sum;
}

static int
sysctl_sum(SYSCTL_HANDLER_ARGS)
{
	struct hvn_softc *sc = arg1;
	uint64_t v = 0;

	sx_slock(&sc->ctl);
	for (uint32_t i = 0; i < ARRAY_LEN(sysctl_sums[0].of); i++) {
		if (sysctl_sums[arg2].of[i] != NULL)
			v += sysctl_sum_one(sc, sysctl_sums[arg2].side,
			    sysctl_sums[arg2].of[i]);
	}
	sx_sunlock(&sc->ctl);
	return sysctl_handle_64(oidp, &v, 0, req);
}

/* ---- settings ----------------------------------------------------------- */

enum sysctl_value { V_NVS, V_ASSIST, V_QUEUES, V_RINGS, V_DESCS, V_OFFLOADS,
	V_MTU, V_TSO_MAX, V_AGG_SIZE, V_AGG_PKTS, V_SECTION, V_FILTER,
	V_ATTACHES, V_FAILURES, V_WATCHDOGS };

static const struct {
	const char *name, *text;
	enum sysctl_value value;
} sysctl_values[] = {
	{ "nvs_version", "NVSP version, in 1/65536", V_NVS },
	{ "hwassist", "what the stack leaves to the NIC, CSUM_*", V_ASSIST },
	{ "rx_ring_inuse", "channels in use", V_QUEUES },
	{ "tx_ring_inuse", "channels in use", V_QUEUES },
	{ "rx_ring_cnt", "channels at most", V_RINGS },
	{ "tx_ring_cnt", "channels at most", V_RINGS },
	{ "txdesc_cnt", "frames of a queue by reference", V_DESCS },
	{ "offloads", "offloads in effect, VSC_OFF_*", V_OFFLOADS },
	{ "mtu", "MTU that the host has", V_MTU },
	{ "tso_max", "bytes of the longest TSO frame", V_TSO_MAX },
	{ "agg_szmax", "bytes that share a section", V_AGG_SIZE },
	{ "agg_pktmax", "frames that share a section", V_AGG_PKTS },
	{ "tx_chimney_max", "bytes of a section", V_SECTION },
	{ "rxfilter", "NDIS packet filter", V_FILTER },
	{ "attaches", "times the NIC came up", V_ATTACHES },
	{ "failures", "times it broke, or did not come up", V_FAILURES },
	{ "watchdogs", "failures because nothing was completed", V_WATCHDOGS },
};

static int
sysctl_value(SYSCTL_HANDLER_ARGS)
{
	struct hvn_softc *sc = arg1;
	const struct vsc_caps *c = &sc->caps;
	uint32_t v = 0;

	mtx_lock(&sc->mtx);
	switch ((enum sysctl_value)arg2) {
	case V_NVS:	 v = c->nvsp_version; break;
	case V_ASSIST:	 v = (uint32_t)if_gethwassist(sc->ifp); break;
	case V_QUEUES:	 v = c->queues; break;
	case V_RINGS:	 v = sc->max_queues; break;
	case V_DESCS:	 v = HVN_DESCS; break;
	case V_OFFLOADS: v = c->offloads; break;
	case V_MTU:	 v = c->mtu; break;
	case V_TSO_MAX:	 v = c->tso_maxlen; break;
	case V_AGG_SIZE: v = c->agg_bytes; break;
	case V_AGG_PKTS: v = c->agg_pkts; break;
	case V_SECTION:	 v = c->section_bytes; break;
	case V_FILTER:	 v = os_ld32(&sc->vsc_cfg.filter); break;
	case V_ATTACHES: v = sc->attaches; break;
	case V_FAILURES: v = sc->failures; break;
	case V_WATCHDOGS: v = sc->watchdogs; break;
	}
	mtx_unlock(&sc->mtx);
	return sysctl_handle_32(oidp, &v, 0, req);
}

static int
sysctl_ndis(SYSCTL_HANDLER_ARGS)
{
	struct hvn_softc *sc = arg1;
	uint32_t v;
	char text[24];

	mtx_lock(&sc->mtx);
	v = sc->caps.ndis_version;
	mtx_unlock(&sc->mtx);
	snprintf(text, sizeof(text), "%u.%u", v >> 16, v & 0xffff);
	return sysctl_handle_string(oidp, text, sizeof(text), req);
}

/* Of all queues, since attach; what is read may be a moment old. */
static int
sysctl_lro(SYSCTL_HANDLER_ARGS)
{
	struct hvn_softc *sc = arg1;
	uint64_t v = 0;

	for (uint32_t i = 0; i < sc->max_queues; i++)
		v += arg2 != 0 ? sc->queue[i].lro.lro_flushed :
		    sc->queue[i].lro.lro_queued;
	return sysctl_handle_64(oidp, &v, 0, req);
}

/* A setting of the port that control must learn of. */
static int
sysctl_rsc(SYSCTL_HANDLER_ARGS)
{
	struct hvn_softc *sc = arg1;
	int v = sc->tune.rsc_switch;
	int error = sysctl_handle_int(oidp, &v, 0, req);

	if (error != 0 || req->newptr == NULL)
		return error;
	sc->tune.rsc_switch = v;
	hvn_ctl_due(sc, HVN_DUE_OFFLOADS);
	return 0;
}

/* Key and table: what is set stays over a reset. */
static int
sysctl_rss(SYSCTL_HANDLER_ARGS)
{
	struct hvn_softc *sc = arg1;
	bool key = arg2 != 0;
	uint32_t table[HVN_RSS_ENTRIES], queues = 0;
	uint8_t bytes[40];
	int error;

	sx_xlock(&sc->ctl);
	if (!sc->rss_set && sc->vsc != NULL && sc->state == HVN_UP)
		(void)vsc_get_rss(sc->vsc, sc->rss_key, sc->rss_table,
		    HVN_RSS_ENTRIES);
	queues = sc->caps.queues;
	memcpy(table, sc->rss_table, sizeof(table));
	memcpy(bytes, sc->rss_key, sizeof(bytes));
	sx_xunlock(&sc->ctl);
	error = key ? SYSCTL_OUT(req, bytes, sizeof(bytes)) :
	    SYSCTL_OUT(req, table, sizeof(table));
	if (error != 0 || req->newptr == NULL)
		return error;
	error = key ? SYSCTL_IN(req, bytes, sizeof(bytes)) :
	    SYSCTL_IN(req, table, sizeof(table));
	for (uint32_t i = 0; error == 0 && i < HVN_RSS_ENTRIES; i++) {
		if (table[i] >= queues)
			error = EINVAL;
	}
	if (error != 0)
		return error;
	sx_xlock(&sc->ctl);
	memcpy(sc->rss_table, table, sizeof(table));
	memcpy(sc->rss_key, bytes, sizeof(bytes));
	sc->rss_set = true;
	sx_xunlock(&sc->ctl);
	hvn_ctl_due(sc, HVN_DUE_RSS);
	return 0;
}

static int
sysctl_polling(SYSCTL_HANDLER_ARGS)
{
	struct hvn_softc *sc = arg1;
	int passes = (int)sc->poll_hz;
	int error = sysctl_handle_int(oidp, &passes, 0, req);

	if (error != 0 || req->newptr == NULL)
		return error;
	if (passes != 0 && (passes < VMBUS_CHAN_POLLHZ_MIN ||
	    passes > VMBUS_CHAN_POLLHZ_MAX))
		return EINVAL;
	sx_xlock(&sc->ctl);
	sc->poll_hz = (uint32_t)passes;
	hvn_chan_poll(sc, sc->poll_hz);
	sx_xunlock(&sc->ctl);
	return 0;
}

void
hvn_sysctl_attach(struct hvn_softc *sc)
{
	struct sysctl_ctx_list *ctx = device_get_sysctl_ctx(sc->dev);
	struct sysctl_oid_list *top =
	    SYSCTL_CHILDREN(device_get_sysctl_tree(sc->dev));
	struct sysctl_oid *tx, *rx;

	tx = SYSCTL_ADD_NODE(ctx, top, OID_AUTO, "tx",
	    CTLFLAG_RD | CTLFLAG_MPSAFE, NULL, "transmit queues");
	rx = SYSCTL_ADD_NODE(ctx, top, OID_AUTO, "rx",
	    CTLFLAG_RD | CTLFLAG_MPSAFE, NULL, "receive queues");
	for (uint32_t i = 0; i < sc->max_queues; i++)
		sysctl_queue(ctx, tx, rx, &sc->queue[i]);
	for (uint32_t i = 0; i < ARRAY_LEN(sysctl_values); i++)
		SYSCTL_ADD_PROC(ctx, top, OID_AUTO, sysctl_values[i].name,
		    CTLTYPE_U32 | CTLFLAG_RD | CTLFLAG_MPSAFE, sc,
		    (int)sysctl_values[i].value, sysctl_value, "IU",
		    sysctl_values[i].text);
	for (uint32_t i = 0; i < ARRAY_LEN(sysctl_sums); i++)
		SYSCTL_ADD_PROC(ctx, top, OID_AUTO, sysctl_sums[i].name,
		    CTLTYPE_U64 | CTLFLAG_RD | CTLFLAG_MPSAFE, sc, (int)i,
		    sysctl_sum, "QU", sysctl_sums[i].text);
	SYSCTL_ADD_PROC(ctx, top, OID_AUTO, "ndis_version",
	    CTLTYPE_STRING | CTLFLAG_RD | CTLFLAG_MPSAFE, sc, 0, sysctl_ndis,
	    "A", "NDIS version");
	SYSCTL_ADD_PROC(ctx, top, OID_AUTO, "lro_queued",
	    CTLTYPE_U64 | CTLFLAG_RD | CTLFLAG_MPSAFE, sc, 0, sysctl_lro,
	    "QU", "frames that LRO took");
	SYSCTL_ADD_PROC(ctx, top, OID_AUTO, "lro_flushed",
	    CTLTYPE_U64 | CTLFLAG_RD | CTLFLAG_MPSAFE, sc, 1, sysctl_lro,
	    "QU", "frames that LRO made of them");
	SYSCTL_ADD_PROC(ctx, top, OID_AUTO, "rsc_switch",
	    CTLTYPE_INT | CTLFLAG_RW | CTLFLAG_MPSAFE, sc, 0, sysctl_rsc, "I",
	    "receive segment coalescing by the host");
	SYSCTL_ADD_PROC(ctx, top, OID_AUTO, "polling",
	    CTLTYPE_INT | CTLFLAG_RW | CTLFLAG_MPSAFE, sc, 0, sysctl_polling,
	    "I", "passes a second, 100 to 1000000; 0: interrupts");
	SYSCTL_ADD_PROC(ctx, top, OID_AUTO, "rss_key",
	    CTLTYPE_OPAQUE | CTLFLAG_RW | CTLFLAG_MPSAFE, sc, 1, sysctl_rss,
	    "IU", "RSS key, 40 bytes");
	SYSCTL_ADD_PROC(ctx, top, OID_AUTO, "rss_ind",
	    CTLTYPE_OPAQUE | CTLFLAG_RW | CTLFLAG_MPSAFE, sc, 0, sysctl_rss,
	    "IU", "RSS table, 128 queues of 32 bits");
#define X(name_, def, text)						\
	SYSCTL_ADD_INT(ctx, top, OID_AUTO, #name_, CTLFLAG_RW,		\
	    &sc->tune.name_, 0, text);
	X(trust_hosttcp, 1, "trust the host for TCP without checksum info")
	X(trust_hostudp, 1, "trust the host for UDP without checksum info")
	X(trust_hostip, 1, "trust the host for IPv4 without checksum info")
	X(tx_hold, 1, "small frames wait for others while packets are "
	    "under way")
	X(tx_timeout_ms, 10000, "restart after this long with packets under "
	    "way and none completed, ms; 0: never")
#undef X
}
