/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forward frames between two NICs: a bridge of two ports, with the frames API.
 *
 *	forward SOCKET NIC SOCKET NIC
 *
 * One thread drives both.  What one side has no room for is tried again until
 * it has: the sender is held back, nothing is dropped.  Offload metadata goes
 * along: a frame whose checksum the sender left to its host still has it open,
 * and the other host, or our driver, completes it.
 */
#include <hvnet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BURST		64
#define IDLE_POLLS	1000	/* then sleep a little, as a good neighbour */

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
		frame[i].meta.flags &= HVNET_CSUM_PARTIAL | HVNET_VLAN;
	while (sent < n && !stop) {
		int rc = hvnet_tx(b, 0, frame + sent, (uint32_t)(n - sent));

		if (rc < 0)
			return rc;
		sent += rc;
	}
	if (n > 0)
		*count += (uint64_t)n;
	return n;
}

static struct hvnet *
port_open(const char *path, const char *nic)
{
	struct hvnet_config c;
	struct hvnet_info info;
	struct hvnet *h;
	char err[200];

	hvnet_config_default(&c);
	c.connect = path;
	c.nic = nic;
	c.name = "forward";
	/* Everything, as a bridge does: NDIS_PACKET_TYPE_PROMISCUOUS. */
	c.filter = 0x20;
	/* Frames of both ports must be alike, so none is to be cut. */
	c.offloads &= ~HVNET_OFF_TSO;
	h = hvnet_open(&c, err, sizeof(err));
	if (h == NULL) {
		fprintf(stderr, "forward: %s: %s\n", nic, err);
		return NULL;
	}
	hvnet_info(h, &info);
	printf("forward: %s: MTU %u, %u queue(s), NVSP %x\n", nic, info.mtu,
	    info.queues, info.nvsp_version);
	return h;
}

int
main(int argc, char **argv)
{
	struct hvnet *a, *b = NULL;
	uint64_t ab = 0, ba = 0;
	unsigned int idle = 0;
	int m = 0, n = 0;

	if (argc != 5) {
		fprintf(stderr, "usage: forward SOCKET NIC SOCKET NIC\n");
		return 2;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGHUP, on_signal);
	setvbuf(stdout, NULL, _IOLBF, 0);
	a = port_open(argv[1], argv[2]);
	if (a != NULL)
		b = port_open(argv[3], argv[4]);
	if (b != NULL)
		printf("forward: ready\n");
	while (b != NULL && !stop && m >= 0 && n >= 0) {
		m = forward(a, b, &ab);
		n = forward(b, a, &ba);
		idle = m > 0 || n > 0 ? 0 : idle + 1;
		if (idle > IDLE_POLLS)
			usleep(50);
	}
	if (b != NULL && !stop)
		fprintf(stderr, "forward: %s: %s\n", m < 0 ? argv[2] : argv[4],
		    m < 0 ? hvnet_why(a) : hvnet_why(b));
	printf("forward: %" PRIu64 " one way, %" PRIu64 " the other\n", ab, ba);
	if (b != NULL)
		hvnet_close(b);
	if (a != NULL)
		hvnet_close(a);
	return stop ? 0 : 1;
}
