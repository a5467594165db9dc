/*
 * The other end of `hvnet bench pps`: the same as pps_hvnet.c by DPDK's netvsc
 * PMD, under `hvnet uio`, with bursts of 64 and offloads off, one lcore a
 * queue.
 *
 *	pps_dpdk EAL... -- QUEUES tx|rx|echo SIZE SECONDS
 *
 * Sent frames are mbufs that are used again and again (by their reference
 * count), so that making them costs nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#define BURST	64u

struct worker {
	uint16_t queue;
	uint32_t size;
	char mode;
	double seconds;
	uint64_t calls, idle, frames, lost;
};

static uint16_t port;
static struct rte_mempool *pool;
static struct rte_ether_addr mac;
static struct worker worker[64];

static void
frame_make(uint8_t *p, const struct worker *w)
{
	uint32_t ip = w->size - 14;

	memset(p, 0, w->size);
	memset(p, 0xff, 6);
	memcpy(p + 6, &mac, 6);
	p[12] = 8;
	p[14] = 0x45;
	p[16] = (uint8_t)(ip >> 8);
	p[17] = (uint8_t)ip;
	p[22] = 64;
	p[23] = 17;
	memcpy(p + 26, "\012\011\0\1\012\011\0\2", 8);
	p[35] = (uint8_t)w->queue;
	p[37] = 9;
	p[38] = (uint8_t)((ip - 20) >> 8);
	p[39] = (uint8_t)(ip - 20);
}

static void
tx_turn(struct worker *w, struct rte_mbuf **m)
{
	uint16_t n;

	for (uint32_t i = 0; i < BURST; i++)
		rte_mbuf_refcnt_set(m[i], 2);
	n = rte_eth_tx_burst(port, w->queue, m, BURST);
	w->frames += n;
	w->idle += n == 0;
}

static void
rx_turn(struct worker *w)
{
	struct rte_mbuf *m[BURST];
	uint16_t n = rte_eth_rx_burst(port, w->queue, m, BURST), sent = 0;

	w->idle += n == 0;
	if (w->mode == 'r') {
		for (uint16_t i = 0; i < n; i++)
			w->lost += m[i]->pkt_len != w->size;
		rte_pktmbuf_free_bulk(m, n);
		w->frames += n;
		return;
	}
	for (uint16_t i = 0; i < n; i++) {
		uint8_t *p = rte_pktmbuf_mtod(m[i], uint8_t *);

		memcpy(p, p + 6, 6);
		memcpy(p + 6, &mac, 6);
		m[i]->ol_flags &= RTE_MBUF_F_EXTERNAL;
	}
	for (uint32_t tries = 0; sent < n && tries < 100000; tries++)
		sent = (uint16_t)(sent + rte_eth_tx_burst(port, w->queue,
		    m + sent, (uint16_t)(n - sent)));
	w->frames += sent;
	w->lost += (uint64_t)(n - sent);
	rte_pktmbuf_free_bulk(m + sent, n - sent);
}

static int
work(void *arg)
{
	struct worker *w = arg;
	struct rte_mbuf *m[BURST];
	uint64_t end = rte_get_timer_cycles() + (uint64_t)(w->seconds *
	    (double)rte_get_timer_hz());

	if (rte_pktmbuf_alloc_bulk(pool, m, BURST) != 0)
		return -1;
	for (uint32_t i = 0; i < BURST; i++) {
		frame_make(rte_pktmbuf_mtod(m[i], uint8_t *), w);
		m[i]->data_len = (uint16_t)w->size;
		m[i]->pkt_len = w->size;
	}
	while ((w->calls & 63) != 0 || rte_get_timer_cycles() < end) {
		w->calls++;
		if (w->mode == 't')
			tx_turn(w, m);
		else
			rx_turn(w);
	}
	return 0;
}

static int
port_up(uint16_t queues)
{
	struct rte_eth_conf c = { .rxmode = { .mq_mode =
	    queues > 1 ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE } };
	int rc = 0;

	c.rx_adv_conf.rss_conf.rss_hf = queues > 1 ? RTE_ETH_RSS_IPV4 |
	    RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP : 0;
	rc = rte_eth_dev_configure(port, queues, queues, &c);
	for (uint16_t q = 0; rc == 0 && q < queues; q++) {
		rc = rte_eth_rx_queue_setup(port, q, 4096, 0, NULL, pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(port, q, 512, 0, NULL);
	}
	return rc == 0 ? rte_eth_dev_start(port) : rc;
}

int
main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv);
	struct worker all = { 0 };
	struct rte_eth_stats st;
	uint16_t queues, k = 0;
	unsigned int lcore;
	double seconds;

	if (used < 0 || argc - used != 5)
		return 2;
	argv += used;
	if (rte_eth_dev_count_avail() == 0)
		return 3;
	queues = (uint16_t)atoi(argv[1]);
	seconds = atof(argv[4]);
	port = (uint16_t)rte_eth_find_next(0);
	rte_eth_macaddr_get(port, &mac);
	pool = rte_pktmbuf_pool_create("pps", 32767, 256, 0,
	    RTE_PKTMBUF_HEADROOM + 2048, SOCKET_ID_ANY);
	if (pool == NULL || port_up(queues) != 0)
		return 4;
	for (k = 0; k < queues; k++)
		worker[k] = (struct worker){ .queue = k, .mode = argv[2][0],
			.size = (uint32_t)atoi(argv[3]), .seconds = seconds };
	k = 1;
	RTE_LCORE_FOREACH_WORKER(lcore)
		if (k < queues)
			rte_eal_remote_launch(work, &worker[k++], lcore);
	work(&worker[0]);
	rte_eal_mp_wait_lcore();
	for (k = 0; k < queues; k++) {
		all.calls += worker[k].calls;
		all.idle += worker[k].idle;
		all.frames += worker[k].frames;
		all.lost += worker[k].lost;
	}
	rte_eth_stats_get(port, &st);
	printf("\npps: {\"ok\": true, \"queues\": %u, \"frames\": %" PRIu64
	    ", \"seconds\": %.4f, \"mpps\": %.4f, \"calls\": %" PRIu64
	    ", \"idle\": %" PRIu64 ", \"lost\": %" PRIu64 "}\n", queues,
	    all.frames, seconds, (double)all.frames / seconds / 1e6, all.calls,
	    all.idle, all.lost + st.imissed + st.rx_nombuf);
	fflush(stdout);
	rte_eth_dev_stop(port);
	rte_eal_cleanup();
	return 0;
}
