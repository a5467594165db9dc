/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other end of `hvnet bench pps`: the same as pps_hvnet.c by DPDK's netvsc
 * PMD, under `hvnet uio`, offloads off, one lcore a thread.
 *
 *	pps_dpdk EAL... -- QUEUES tx|rx|echo ...	the rest: pps_loop.h
 *
 * and txd=N, rxd=N: descriptors (rxd: of the PMD's software ring).  Sent frames
 * are mbufs that are used again and again (by their reference count), so that
 * making them costs nothing.
 */
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "bench/pps_loop.h"

struct sender {
	struct pps_worker w;
	struct rte_mbuf *m[PPS_BURST_MAX];
};

static uint16_t port;
static struct rte_mempool *pool;
static struct rte_ether_addr mac;
static struct pps_opt opt;
static struct sender sender[PPS_QUEUES];

static bool
tx_turn(void *arg, uint32_t queue)
{
	struct sender *s = arg;
	uint16_t n;

	for (uint32_t i = 0; i < opt.burst; i++)
		rte_mbuf_refcnt_set(s->m[i], 2);
	n = rte_eth_tx_burst(port, (uint16_t)queue, s->m,
	    (uint16_t)opt.burst);
	s->w.all.frames += n;
	s->w.all.idle += n == 0;
	return true;
}

static bool
rx_turn(void *arg, uint32_t queue)
{
	struct rte_mbuf *m[PPS_BURST_MAX];
	struct sender *s = arg;
	uint16_t n = rte_eth_rx_burst(port, (uint16_t)queue, m,
	    (uint16_t)opt.burst);

	s->w.all.idle += n == 0;
	s->w.all.frames += n;
	for (uint16_t i = 0; i < n; i++) {
		s->w.all.lost += m[i]->pkt_len != opt.size;
		pps_seen(&s->w, queue, rte_pktmbuf_mtod(m[i], void *));
	}
	rte_pktmbuf_free_bulk(m, n);
	return true;
}

static bool
echo_turn(void *arg, uint32_t queue)
{
	struct rte_mbuf *m[PPS_BURST_MAX];
	struct sender *s = arg;
	uint16_t n = rte_eth_rx_burst(port, (uint16_t)queue, m,
	    (uint16_t)opt.burst), sent = 0, k;
	double stuck = 0;

	s->w.all.idle += n == 0;
	for (uint16_t i = 0; i < n; i++) {
		pps_seen(&s->w, queue, rte_pktmbuf_mtod(m[i], void *));
		pps_turn_round(rte_pktmbuf_mtod(m[i], void *),
		    mac.addr_bytes);
		m[i]->ol_flags &= RTE_MBUF_F_EXTERNAL;
	}
	while (sent < n) {
		k = rte_eth_tx_burst(port, (uint16_t)queue, m + sent,
		    (uint16_t)(n - sent));
		sent = (uint16_t)(sent + k);
		if (k == 0 && stuck == 0)
			stuck = pps_now() + PPS_STUCK;
		else if (k == 0 && pps_now() > stuck)
			break;
	}
	s->w.all.frames += sent;
	s->w.all.lost += (uint64_t)(n - sent);
	rte_pktmbuf_free_bulk(m + sent, n - sent);
	return true;
}

static const struct pps_turns turns = { tx_turn, rx_turn, echo_turn };

static int
work(void *arg)
{
	struct sender *s = arg;

	if (rte_pktmbuf_alloc_bulk(pool, s->m, opt.burst) != 0)
		return -1;
	for (uint32_t i = 0; i < opt.burst; i++) {
		pps_frame(rte_pktmbuf_mtod(s->m[i], uint8_t *), &opt,
		    mac.addr_bytes, s->w.first);
		s->m[i]->data_len = (uint16_t)opt.size;
		s->m[i]->pkt_len = opt.size;
	}
	pps_loop(&s->w, &turns, s);
	return 0;
}

static int
port_up(void)
{
	uint16_t queues = (uint16_t)opt.queues;
	struct rte_eth_conf c = { .rxmode = { .mq_mode =
	    queues > 1 ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE } };
	int rc;

	c.rx_adv_conf.rss_conf.rss_hf = queues > 1 ? RTE_ETH_RSS_IPV4 |
	    RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP : 0;
	rc = rte_eth_dev_configure(port, queues, queues, &c);
	for (uint16_t q = 0; rc == 0 && q < queues; q++) {
		rc = rte_eth_rx_queue_setup(port, q, (uint16_t)opt.rxd, 0,
		    NULL, pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(port, q,
			    (uint16_t)opt.txd, 0, NULL);
	}
	return rc == 0 ? rte_eth_dev_start(port) : rc;
}

/* Until the host is done with what was sent, or a second. */
static void
settle(const struct pps_worker *w)
{
	double end = pps_now() + PPS_STUCK;
	struct rte_eth_stats st = { 0 };
	uint64_t total = 0;

	for (uint32_t k = 0; k < opt.threads; k++)
		total += w[k].all.frames;
	while (opt.mode != 'r' && st.opackets < total && pps_now() < end) {
		for (uint32_t q = 0; q < opt.queues; q++) {
			struct rte_mbuf *m[64];
			uint16_t n = rte_eth_rx_burst(port, (uint16_t)q, m,
			    64);

			rte_pktmbuf_free_bulk(m, n);
		}
		rte_eth_stats_get(port, &st);
	}
}

int
main(int argc, char **argv)
{
	static struct pps_worker w[PPS_QUEUES];
	int used = rte_eal_init(argc, argv);
	struct rte_eth_stats st;
	unsigned int lcore;
	uint32_t k = 1;
	char text[100];

	if (used < 0 || !pps_args(&opt, argc - used - 1, argv + used + 1))
		return 2;
	if (rte_eth_dev_count_avail() == 0) {
		fprintf(stderr, "pps_dpdk: no port\n");
		return 3;
	}
	port = (uint16_t)rte_eth_find_next(0);
	rte_eth_macaddr_get(port, &mac);
	pool = rte_pktmbuf_pool_create("pps", 32767, 256, 0,
	    RTE_PKTMBUF_HEADROOM + 2048, SOCKET_ID_ANY);
	if (pool == NULL) {
		fprintf(stderr, "pps_dpdk: no memory for 32767 buffers: %s\n",
		    rte_strerror(rte_errno));
		return 4;
	}
	if (port_up() != 0) {
		fprintf(stderr, "pps_dpdk: the port did not start\n");
		return 4;
	}
	for (uint32_t i = 0; i < opt.threads; i++) {
		sender[i].w.o = &opt;
		sender[i].w.first = i;
	}
	RTE_LCORE_FOREACH_WORKER(lcore)
		if (k < opt.threads)
			rte_eal_remote_launch(work, &sender[k++], lcore);
	work(&sender[0]);
	rte_eal_mp_wait_lcore();
	rte_eth_stats_get(port, &st);
	for (k = 0; k < opt.threads; k++)
		w[k] = sender[k].w;
	settle(w);
	snprintf(text, sizeof(text), ", \"imissed\": %" PRIu64
	    ", \"rx_nombuf\": %" PRIu64, st.imissed, st.rx_nombuf);
	pps_report(w, &opt, true, text);
	rte_eth_dev_stop(port);
	rte_eal_cleanup();
	return 0;
}
