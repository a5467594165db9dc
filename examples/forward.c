/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forward frames between two NICs: a bridge of two ports, with the frames API.
 *
 *	forward [-l] SOCKET NIC SOCKET NIC
 *
 * One thread drives both, polls while there is traffic, and sleeps in its own
 * poll() when there is none.  What one side has no room for is tried again
 * until it has: the sender is held back, nothing is dropped.  Offload metadata
 * goes along: a frame whose checksum the sender left to its host still has it
 * open, and the other host, or our driver, completes it.  With -l TCP goes in
 * large frames: received by RSC, sent by TSO.
 */
#include <hvnet.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define BURST		64
#define IDLE_POLLS	1000	/* looks that find nothing, then sleep */

static volatile sig_atomic_t stop;

static void
on_signal(int number)
{
	stop = 1;
}

/* One burst from a to b: how many, or below zero. */
static int
forward(struct hvnet *a, struct hvnet *b, uint64_t *count)
{
	struct hvnet_frame frame[BURST];
	int n = hvnet_rx(a, 0, frame, BURST), sent = 0;

	for (int i = 0; i < n; i++)
		/* What the host reported, not what we request. */
		frame[i].meta.flags &= HVNET_CSUM_PARTIAL | HVNET_VLAN |
		    HVNET_TSO4 | HVNET_TSO6;
	while (sent < n && !stop) {
		int rc = hvnet_tx(b, 0, frame + sent, (uint32_t)(n - sent));

		if (rc < 0)
			return rc;
		sent += rc;
		if (sent < n)
			(void)hvnet_wait(b, 0, 1000);
	}
	if (n > 0)
		*count += (uint64_t)n;
	return n;
}

/* Until one of both has something; below zero: broken. */
static int
sleep_both(struct hvnet *a, struct hvnet *b)
{
	struct pollfd p[2] = {
		{ .fd = hvnet_fd(a, 0), .events = POLLIN },
		{ .fd = hvnet_fd(b, 0), .events = POLLIN },
	};
	int rc = hvnet_wait(a, 0, 0);

	if (rc == 0)
		rc = hvnet_wait(b, 0, 0);
	/* Both are armed.  A signal just before it is seen after a second. */
	if (rc == 0)
		(void)poll(p, 2, 1000);
	return rc;
}

static struct hvnet *
port_open(const char *path, const char *nic, bool large)
{
	struct hvnet_config c;
	struct hvnet_info info;
	struct hvnet *h;
	char err[200];

	hvnet_config_default(&c);
	c.connect = path;
	c.nic = nic;
	c.name = "forward";
	/* Everything, as a bridge does. */
	c.filter = HVNET_FILTER_ANY;
	/* Frames of both ports must be alike: both large, or none. */
	if (large)
		c.offloads |= HVNET_OFF_RSC;
	else
		c.offloads &= ~HVNET_OFF_TSO;
	h = hvnet_open(&c, err, sizeof(err));
	if (h == NULL) {
		fprintf(stderr, "forward: %s: %s\n", nic, err);
		return NULL;
	}
	hvnet_info(h, &info);
	if (large && (info.offloads & HVNET_OFF_TSO) != HVNET_OFF_TSO) {
		fprintf(stderr, "forward: %s: -l needs TSO\n", nic);
		hvnet_close(h);
		return NULL;
	}
	printf("forward: %s: MTU %u, %u queue(s), NVSP %x\n", nic, info.mtu,
	    info.queues, info.nvsp_version);
	return h;
}

int
main(int argc, char **argv)
{
	const bool large = argc > 1 && strcmp(argv[1], "-l") == 0;
	struct hvnet *a, *b = NULL;
	uint64_t ab = 0, ba = 0;
	unsigned int idle = 0;
	int m = 0, n = 0;

	argc -= large;
	argv += large;
	if (argc != 5) {
		fprintf(stderr, "usage: forward [-l] SOCKET NIC SOCKET NIC\n");
		return 2;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	setvbuf(stdout, NULL, _IOLBF, 0);
	a = port_open(argv[1], argv[2], large);
	if (a != NULL)
		b = port_open(argv[3], argv[4], large);
	if (b != NULL)
		printf("forward: ready\n");
	while (b != NULL && !stop && m >= 0 && n >= 0) {
		m = forward(a, b, &ab);
		n = forward(b, a, &ba);
		idle = m > 0 || n > 0 ? 0 : idle + 1;
		/* What broke, the next look finds. */
		if (idle > IDLE_POLLS && sleep_both(a, b) == 0)
			idle = 0;
	}
	if (b != NULL && !stop)
		fprintf(stderr, "forward: %s: %s\n", m < 0 ? argv[2] : argv[4],
		    hvnet_why(m < 0 ? a : b));
	printf("forward: %" PRIu64 " one way, %" PRIu64 " the other\n", ab, ba);
	hvnet_close(b);
	hvnet_close(a);
	return stop ? 0 : 1;
}
