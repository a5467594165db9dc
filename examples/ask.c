/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Send UDP datagrams without copying them, and check what comes back: from
 * examples/echo, say.
 *
 *	ask SOCKET NIC OWN-ADDRESS ADDRESS COUNT
 *
 * Frames are written into memory that the host reads where they lie.  A buffer
 * is ours again when its cookie comes, and not before: the host may read it
 * much later than hvnet_tx_ref() returns.  What is received is copied before it
 * is believed, as the host can write into it at any time.
 */
#include <arpa/inet.h>
#include <hvnet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BURST		32
#define BUFFERS		256
#define BUFFER_BYTES	2048
#define HEAD		42u	/* Ethernet, IPv4 and UDP headers */
#define FRAME		1514u
#define PORT		7u	/* echo, RFC 862 */

struct asker {
	struct hvnet *h;
	uint8_t mac[6], own[4], peer[4];
	uint8_t *memory;
	uint64_t free[BUFFERS];	/* cookies: numbers of buffers */
	uint32_t nfree;
	uint64_t count, sent, done, got, bad;
};

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	stop = 1;
}

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Datagram n; to everybody's MAC address, so that none must be known. */
static void
frame_fill(const struct asker *a, uint8_t *p, uint64_t n)
{
	uint32_t sum = 0;

	memset(p, 0xff, 6);
	memcpy(p + 6, a->mac, 6);
	put16(p + 12, 0x0800);
	memset(p + 14, 0, HEAD - 14);
	p[14] = 0x45;
	put16(p + 16, FRAME - 14);
	p[22] = 64;
	p[23] = IPPROTO_UDP;
	memcpy(p + 26, a->own, 4);
	memcpy(p + 30, a->peer, 4);
	for (uint32_t i = 14; i < 34; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(p + 24, ~(sum + (sum >> 16)));
	put16(p + 34, PORT);
	put16(p + 36, PORT);
	put16(p + 38, FRAME - 34);
	memcpy(p + HEAD, &n, sizeof(n));
	memset(p + HEAD + sizeof(n), (int)(n % 251),
	    FRAME - HEAD - sizeof(n));
}

/* Buffers that the host is done with; below zero: broken. */
static int
collect(struct asker *a)
{
	int n = hvnet_tx_done(a->h, 0, a->free + a->nfree,
	    BUFFERS - a->nfree);

	if (n > 0) {
		a->nfree += (uint32_t)n;
		a->done += (uint64_t)n;
	}
	return n;
}

/* As many datagrams as there are buffers; how many, or below zero. */
static int
ask(struct asker *a)
{
	struct hvnet_frame f[BURST] = { { 0 } };
	uint64_t cookie[BURST];
	int n = 0, rc;

	while (n < BURST && a->nfree > 0 &&
	    a->sent + (uint64_t)n < a->count) {
		cookie[n] = a->free[--a->nfree];
		f[n].data = a->memory + cookie[n] * BUFFER_BYTES;
		f[n].len = FRAME;
		frame_fill(a, f[n].data, a->sent + (uint64_t)n);
		n++;
	}
	rc = hvnet_tx_ref(a->h, 0, f, cookie, (uint32_t)n);
	/* What was not taken is ours, and goes next time. */
	for (int i = n; i > (rc < 0 ? 0 : rc); i--)
		a->free[a->nfree++] = cookie[i - 1];
	if (rc > 0)
		a->sent += (uint64_t)rc;
	return rc;
}

/* Answers that are there; how many frames, or below zero. */
static int
answers(struct asker *a)
{
	struct hvnet_frame f[BURST];
	uint8_t copy[FRAME], want[FRAME];
	int n = hvnet_rx(a->h, 0, f, BURST);

	for (int i = 0; i < n; i++) {
		if (f[i].len != FRAME)
			continue;
		memcpy(copy, f[i].data, FRAME);
		if (copy[12] != 8 || copy[13] != 0 ||
		    memcmp(copy + 26, a->peer, 4) != 0)
			continue;
		frame_fill(a, want, a->got++);
		a->bad += memcmp(copy + HEAD, want + HEAD, FRAME - HEAD) != 0;
	}
	return n;
}

static bool
start(struct asker *a, char **argv)
{
	struct hvnet_config c;
	struct hvnet_info info;
	char err[200];
	uint64_t bytes;

	hvnet_config_default(&c);
	c.connect = argv[1];
	c.nic = argv[2];
	c.name = "ask";
	c.send_bytes = BUFFERS * BUFFER_BYTES;
	a->h = hvnet_open(&c, err, sizeof(err));
	if (a->h == NULL) {
		fprintf(stderr, "ask: %s: %s\n", argv[2], err);
		return false;
	}
	hvnet_info(a->h, &info);
	memcpy(a->mac, info.mac, sizeof(a->mac));
	a->memory = hvnet_memory(a->h, &bytes);
	while (a->nfree < BUFFERS) {
		a->free[a->nfree] = a->nfree;
		a->nfree++;
	}
	return true;
}

int
main(int argc, char **argv)
{
	/* No SA_RESTART: a signal ends hvnet_wait(). */
	const struct sigaction sa = { .sa_handler = on_signal };
	static struct asker a;
	int m = 0, n = 0;

	if (argc != 6 || inet_pton(AF_INET, argv[3], a.own) != 1 ||
	    inet_pton(AF_INET, argv[4], a.peer) != 1) {
		fprintf(stderr, "usage: ask SOCKET NIC OWN-ADDRESS ADDRESS "
		    "COUNT\n");
		return 2;
	}
	a.count = strtoull(argv[5], NULL, 0);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (!start(&a, argv))
		return 1;
	while (!stop && m >= 0 && n >= 0 &&
	    (a.got < a.count || a.done < a.count)) {
		if (collect(&a) < 0)
			break;
		m = ask(&a);
		n = answers(&a);
		if (m == 0 && n == 0)
			n = hvnet_wait(a.h, 0, 1000);
	}
	printf("ask: %" PRIu64 " sent, %" PRIu64 " buffers back, %" PRIu64
	    " answers, %" PRIu64 " wrong %s\n", a.sent, a.done, a.got, a.bad,
	    hvnet_why(a.h));
	hvnet_close(a.h);
	return a.got == a.count && a.bad == 0 ? 0 : 1;
}
