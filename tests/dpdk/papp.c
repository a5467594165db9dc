/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small DPDK program for the tests: drives one netvsc port through libdpdk's
 * public API, step by step, as standard input says, and answers each line with
 * one line of JSON behind "papp: ".
 *
 *	info				MAC, capabilities, limits
 *	peer MAC			destination of what is sent
 *	config N [lsc]			N queues each way, all offloads
 *	start, stop, close
 *	tx COUNT SIZE [csum] [vlan=TCI] [tso=MSS]
 *	rx SECONDS COUNT		receive and check until either
 *	echo SECONDS COUNT		send back what comes
 *	reta Q				every entry to queue Q
 *	key HEX				the hash key
 *	link SECONDS			poll until the link changes, or an
 *					event says so
 *	pool				send from a new pool, free the last one
 *	stats
 *
 * The frames are in papp_frame.c.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "papp_frame.h"

#define PAPP_MBUFS	16383u
#define PAPP_MBUF_BYTES	(RTE_PKTMBUF_HEADROOM + 2048u)
#define PAPP_DESCS	1024u
#define PAPP_QUEUES	64u
#define PAPP_BURST	32u

#define PAPP_TX_OFFLOADS						\
	(RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | \
	RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |	\
	RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
#define PAPP_RX_OFFLOADS						\
	(RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | \
	RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |	\
	RTE_ETH_RX_OFFLOAD_RSS_HASH)

struct papp {
	uint16_t port;
	uint16_t queues;
	struct rte_mempool *pool, *tx_pool;
	uint32_t pools;
	struct papp_ends ends;	/* ours, and where to */
	uint32_t seq;
	volatile uint32_t lsc_events;
};

struct rx_seen {
	uint64_t frames, bytes, bad, vlan, hash, ip_good, ip_bad, l4_good,
	    l4_bad, tx_fail;
	uint64_t queue[PAPP_QUEUES];
	uint32_t vlan_tci, hash_value;
	uint32_t first_seq, last_seq;	/* of queue 0 */
};

static void
fail(const char *what, int rc)
{
	printf("papp: {\"ok\": false, \"error\": \"%s: %d\"}\n", what, rc);
}

static bool
ok(const char *what, int rc)
{
	if (rc == 0)
		printf("papp: {\"ok\": true}\n");
	else
		fail(what, rc);
	return rc == 0;
}

/* --- commands --- */

static void
cmd_info(struct papp *a)
{
	struct rte_eth_dev_info i;
	struct rte_eth_link l;
	char mac[RTE_ETHER_ADDR_FMT_SIZE];

	rte_eth_dev_info_get(a->port, &i);
	rte_eth_link_get_nowait(a->port, &l);
	rte_ether_format_addr(mac, sizeof(mac), &a->ends.src);
	printf("papp: {\"ok\": true, \"mac\": \"%s\", \"driver\": \"%s\", "
	    "\"max_queues\": %u, \"tx_caps\": %" PRIu64 ", \"rx_caps\": %"
	    PRIu64 ", \"reta_size\": %u, \"iova\": \"%s\", \"link\": %u, "
	    "\"speed\": %u}\n", mac, i.driver_name, i.max_rx_queues,
	    i.tx_offload_capa, i.rx_offload_capa, i.reta_size,
	    rte_eal_iova_mode() == RTE_IOVA_PA ? "pa" : "va",
	    l.link_status, l.link_speed);
}

static int
on_lsc(uint16_t port, enum rte_eth_event_type type, void *arg, void *ret)
{
	struct papp *a = arg;

	a->lsc_events++;
	return 0;
}

static void
cmd_config(struct papp *a, uint32_t queues, bool lsc)
{
	struct rte_eth_dev_info i;
	struct rte_eth_conf c = { .rxmode = { .mq_mode =
	    queues > 1 ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE } };
	int rc;

	rte_eth_dev_info_get(a->port, &i);
	c.rxmode.offloads = i.rx_offload_capa & PAPP_RX_OFFLOADS;
	if (queues == 1)
		c.rxmode.offloads &= ~(uint64_t)RTE_ETH_RX_OFFLOAD_RSS_HASH;
	c.txmode.offloads = i.tx_offload_capa & PAPP_TX_OFFLOADS;
	c.rx_adv_conf.rss_conf.rss_hf = i.flow_type_rss_offloads &
	    (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
	    RTE_ETH_RSS_NONFRAG_IPV4_UDP);
	c.intr_conf.lsc = lsc;
	rc = rte_eth_dev_configure(a->port, (uint16_t)queues,
	    (uint16_t)queues, &c);
	for (uint16_t q = 0; rc == 0 && q < queues; q++) {
		rc = rte_eth_rx_queue_setup(a->port, q, PAPP_DESCS, 0, NULL,
		    a->pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(a->port, q, PAPP_DESCS / 2,
			    0, NULL);
	}
	a->queues = (uint16_t)queues;
	ok("config", rc);
}

static void
cmd_tx(struct papp *a, uint32_t count, const struct papp_kind *k)
{
	uint64_t end = rte_get_timer_cycles() + 10 * rte_get_timer_hz();
	struct rte_mbuf *m = NULL, *in[PAPP_BURST];
	struct rte_eth_stats before, now;
	uint32_t sent = 0, began = a->seq;

	if (k->size < 46 + (k->tso ? 12 : 0)) {
		fail("size", (int)k->size);
		return;
	}
	rte_eth_stats_get(a->port, &before);
	while (sent < count && rte_get_timer_cycles() < end) {
		uint16_t q = (uint16_t)(sent % a->queues);

		if (m == NULL) {
			m = papp_frame_make(a->tx_pool, &a->ends, k, a->seq);
			if (m == NULL)
				continue;
			a->seq++;
		}
		if (rte_eth_tx_burst(a->port, q, &m, 1) == 1) {
			m = NULL;
			sent++;
		}
	}
	rte_pktmbuf_free(m);
	/* Completions are taken by receiving or sending. */
	do {
		for (uint16_t q = 0; q < a->queues; q++) {
			uint16_t n = rte_eth_rx_burst(a->port, q, in,
			    PAPP_BURST);

			rte_pktmbuf_free_bulk(in, n);
			rte_eth_tx_burst(a->port, q, NULL, 0);
		}
		rte_eth_stats_get(a->port, &now);
	} while (now.opackets - before.opackets < sent &&
	    rte_get_timer_cycles() < end);
	printf("papp: {\"ok\": true, \"sent\": %u, \"first_seq\": %u, "
	    "\"completed\": %" PRIu64 ", \"errors\": %" PRIu64 "}\n", sent,
	    began, now.opackets - before.opackets,
	    now.oerrors - before.oerrors);
}

static void
frame_note(struct rx_seen *s, uint16_t q, const struct rte_mbuf *m)
{
	uint64_t f = m->ol_flags;
	uint32_t seq = 0;

	s->frames++;
	s->bytes += m->pkt_len;
	s->bad += !papp_frame_check(m, &seq);
	if (q == 0 && s->queue[0]++ == 0)
		s->first_seq = seq;
	if (q == 0)
		s->last_seq = seq;
	else
		s->queue[q]++;
	if (f & RTE_MBUF_F_RX_VLAN) {
		s->vlan++;
		s->vlan_tci = m->vlan_tci;
	}
	if (f & RTE_MBUF_F_RX_RSS_HASH) {
		s->hash++;
		s->hash_value = m->hash.rss;
	}
	s->ip_good += (f & RTE_MBUF_F_RX_IP_CKSUM_MASK) ==
	    RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	s->ip_bad += (f & RTE_MBUF_F_RX_IP_CKSUM_MASK) ==
	    RTE_MBUF_F_RX_IP_CKSUM_BAD;
	s->l4_good += (f & RTE_MBUF_F_RX_L4_CKSUM_MASK) ==
	    RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	s->l4_bad += (f & RTE_MBUF_F_RX_L4_CKSUM_MASK) ==
	    RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

static void
frame_echo(const struct papp *a, uint16_t q, struct rte_mbuf *m,
    struct rx_seen *s)
{
	struct rte_ether_hdr *e = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);

	e->dst_addr = e->src_addr;
	e->src_addr = a->ends.src;
	m->ol_flags &= RTE_MBUF_F_EXTERNAL;
	for (uint32_t tries = 0; tries < 100000; tries++)
		if (rte_eth_tx_burst(a->port, q, &m, 1) == 1)
			return;
	s->tx_fail++;
	rte_pktmbuf_free(m);
}

static void
seen_print(const struct papp *a, const struct rx_seen *s)
{
	struct rte_eth_stats st;

	rte_eth_stats_get(a->port, &st);
	printf("papp: {\"ok\": true, \"frames\": %" PRIu64 ", \"bytes\": %"
	    PRIu64 ", \"bad\": %" PRIu64 ", \"vlan\": %" PRIu64
	    ", \"vlan_tci\": %u, \"hash\": %" PRIu64 ", \"hash_value\": %u, "
	    "\"ip_good\": %" PRIu64 ", \"ip_bad\": %" PRIu64
	    ", \"l4_good\": %" PRIu64 ", \"l4_bad\": %" PRIu64
	    ", \"tx_fail\": %" PRIu64 ", \"imissed\": %" PRIu64
	    ", \"first_seq\": %u, \"last_seq\": %u"
	    ", \"queues\": [", s->frames, s->bytes, s->bad, s->vlan,
	    s->vlan_tci, s->hash, s->hash_value, s->ip_good, s->ip_bad,
	    s->l4_good, s->l4_bad, s->tx_fail, st.imissed,
	    s->first_seq, s->last_seq);
	for (uint16_t q = 0; q < a->queues; q++)
		printf("%s%" PRIu64, q > 0 ? ", " : "", s->queue[q]);
	printf("]}\n");
}

static void
cmd_rx(struct papp *a, double seconds, uint64_t count, bool echo)
{
	uint64_t end = rte_get_timer_cycles() + (uint64_t)(seconds *
	    (double)rte_get_timer_hz());
	struct rte_mbuf *m[PAPP_BURST];
	struct rx_seen s = { 0 };

	while (s.frames < count && rte_get_timer_cycles() < end) {
		for (uint16_t q = 0; q < a->queues; q++) {
			uint16_t n = rte_eth_rx_burst(a->port, q, m,
			    PAPP_BURST);

			for (uint16_t i = 0; i < n; i++) {
				frame_note(&s, q, m[i]);
				if (echo)
					frame_echo(a, q, m[i], &s);
				else
					rte_pktmbuf_free(m[i]);
			}
		}
	}
	seen_print(a, &s);
}

static void
cmd_reta(const struct papp *a, uint32_t queue)
{
	struct rte_eth_rss_reta_entry64 r[2];
	struct rte_eth_dev_info i;
	int rc;

	rte_eth_dev_info_get(a->port, &i);
	for (uint32_t g = 0; g < 2; g++) {
		r[g].mask = UINT64_MAX;
		for (uint32_t k = 0; k < 64; k++)
			r[g].reta[k] = (uint16_t)queue;
	}
	rc = rte_eth_dev_rss_reta_update(a->port, r, i.reta_size);
	ok("reta", rc);
}

static void
cmd_key(const struct papp *a, const char *hex)
{
	uint8_t key[40];
	struct rte_eth_rss_conf c = { .rss_key = key, .rss_key_len = 40,
		.rss_hf = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP |
		    RTE_ETH_RSS_NONFRAG_IPV4_UDP };

	for (uint32_t i = 0; i < 40; i++) {
		unsigned int v;

		if (sscanf(hex + 2 * i, "%2x", &v) != 1) {
			fail("key", (int)i);
			return;
		}
		key[i] = (uint8_t)v;
	}
	ok("key", rte_eth_dev_rss_hash_update(a->port, &c));
}

static void
cmd_pool(struct papp *a)
{
	char name[24];

	if (a->tx_pool != a->pool)
		rte_mempool_free(a->tx_pool);
	snprintf(name, sizeof(name), "papp_tx%u", a->pools++);
	a->tx_pool = rte_pktmbuf_pool_create(name, 4095, 0, 0,
	    PAPP_MBUF_BYTES, SOCKET_ID_ANY);
	ok("pool", a->tx_pool != NULL ? 0 : -rte_errno);
}

static void
cmd_link(struct papp *a, double seconds)
{
	uint64_t end = rte_get_timer_cycles() + (uint64_t)(seconds *
	    (double)rte_get_timer_hz());
	uint32_t events = a->lsc_events;
	struct rte_eth_link before, now;
	struct rte_mbuf *m[PAPP_BURST];

	rte_eth_link_get_nowait(a->port, &before);
	do {
		uint16_t n = rte_eth_rx_burst(a->port, 0, m, PAPP_BURST);

		rte_pktmbuf_free_bulk(m, n);
		rte_delay_us_sleep(1000);
		rte_eth_link_get_nowait(a->port, &now);
	} while (now.link_status == before.link_status &&
	    a->lsc_events == events && rte_get_timer_cycles() < end);
	printf("papp: {\"ok\": true, \"before\": %u, \"now\": %u, "
	    "\"lsc_events\": %u}\n", before.link_status, now.link_status,
	    a->lsc_events - events);
}

static void
cmd_stats(const struct papp *a)
{
	struct rte_eth_stats s;
	int rc = rte_eth_stats_get(a->port, &s);

	if (rc != 0)
		fail("stats", rc);
	else
		printf("papp: {\"ok\": true, \"ipackets\": %" PRIu64
		    ", \"opackets\": %" PRIu64 ", \"imissed\": %" PRIu64
		    ", \"ierrors\": %" PRIu64 ", \"oerrors\": %" PRIu64
		    ", \"rx_nombuf\": %" PRIu64 "}\n", s.ipackets, s.opackets,
		    s.imissed, s.ierrors, s.oerrors, s.rx_nombuf);
}

static void
line_tx(struct papp *a, char **w, int n)
{
	struct papp_kind k = { .size = (uint32_t)atoi(w[2]), .vlan = -1 };

	for (int i = 3; i < n; i++) {
		k.csum |= strcmp(w[i], "csum") == 0;
		if (strncmp(w[i], "vlan=", 5) == 0)
			k.vlan = atoi(w[i] + 5);
		if (strncmp(w[i], "tso=", 4) == 0)
			k.tso = (uint32_t)atoi(w[i] + 4);
	}
	cmd_tx(a, (uint32_t)atoi(w[1]), &k);
}

static void
line_do(struct papp *a, char **w, int n)
{
	if (strcmp(w[0], "info") == 0)
		cmd_info(a);
	else if (strcmp(w[0], "peer") == 0 && n == 2)
		ok("peer", rte_ether_unformat_addr(w[1], &a->ends.dst));
	else if (strcmp(w[0], "config") == 0 && n >= 2)
		cmd_config(a, (uint32_t)atoi(w[1]), n > 2);
	else if (strcmp(w[0], "start") == 0)
		ok("start", rte_eth_dev_start(a->port));
	else if (strcmp(w[0], "stop") == 0)
		ok("stop", rte_eth_dev_stop(a->port));
	else if (strcmp(w[0], "close") == 0)
		ok("close", rte_eth_dev_close(a->port));
	else if (strcmp(w[0], "tx") == 0 && n >= 3)
		line_tx(a, w, n);
	else if (strcmp(w[0], "rx") == 0 && n == 3)
		cmd_rx(a, atof(w[1]), strtoull(w[2], NULL, 0), false);
	else if (strcmp(w[0], "echo") == 0 && n == 3)
		cmd_rx(a, atof(w[1]), strtoull(w[2], NULL, 0), true);
	else if (strcmp(w[0], "reta") == 0 && n == 2)
		cmd_reta(a, (uint32_t)atoi(w[1]));
	else if (strcmp(w[0], "key") == 0 && n == 2 && strlen(w[1]) == 80)
		cmd_key(a, w[1]);
	else if (strcmp(w[0], "link") == 0 && n == 2)
		cmd_link(a, atof(w[1]));
	else if (strcmp(w[0], "pool") == 0)
		cmd_pool(a);
	else if (strcmp(w[0], "stats") == 0)
		cmd_stats(a);
	else
		fail("what", n);
}

int
main(int argc, char **argv)
{
	struct papp a = { 0 };
	char line[256], *w[8];
	int n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (rte_eal_init(argc, argv) < 0)
		return 2;
	if (rte_eth_dev_count_avail() == 0) {
		fail("no port", 0);
		return 3;
	}
	a.port = (uint16_t)rte_eth_find_next(0);
	rte_eth_macaddr_get(a.port, &a.ends.src);
	memset(&a.ends.dst, 0xff, sizeof(a.ends.dst));
	a.pool = rte_pktmbuf_pool_create("papp", PAPP_MBUFS, 256, 0,
	    PAPP_MBUF_BYTES, SOCKET_ID_ANY);
	if (a.pool == NULL) {
		fail("mbufs", rte_errno);
		return 4;
	}
	a.tx_pool = a.pool;
	rte_eth_dev_callback_register(a.port, RTE_ETH_EVENT_INTR_LSC, on_lsc,
	    &a);
	printf("papp: {\"ok\": true, \"ready\": true}\n");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		n = 0;
		for (char *t = strtok(line, " \n"); t != NULL && n < 8;
		    t = strtok(NULL, " \n"))
			w[n++] = t;
		if (n > 0)
			line_do(&a, w, n);
	}
	rte_eal_cleanup();
	return 0;
}
