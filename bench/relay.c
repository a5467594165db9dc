/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that a user-space NIC can do between two TAP devices: read a frame
 * with its virtio-net header from one, write it to the other.  It is the
 * yardstick of the TCP benchmarks: what it reaches, this machine gives.
 *
 * usage: relay TAP_A NETNS_A TAP_B NETNS_B QUEUES tso|notso
 *
 * One thread a direction and queue, blocking reads.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/net/tap.h"

#define RELAY_FRAME	(1u << 17)

struct relay_way {
	int from, to;
};

static void *
relay_main(void *arg)
{
	const struct relay_way *w = arg;
	char *frame = malloc(RELAY_FRAME);

	if (frame == NULL)
		errx(1, "out of memory");
	for (;;) {
		ssize_t n = read(w->from, frame, RELAY_FRAME);

		if (n < 0)
			err(1, "read");
		/* An interface that is down takes nothing: that is a drop. */
		if (write(w->to, frame, (size_t)n) < 0)
			continue;
	}
	return NULL;
}

static void
relay_open(struct tap *t, const char *name, const char *netns,
    uint32_t queues, bool tso)
{
	const struct tap_config cfg = { .name = name, .netns = netns,
		.queues = queues, .up = true };
	char why[256];

	if (tap_open(t, &cfg, why, sizeof(why)) < 0)
		errx(1, "%s", why);
	if (tap_offloads(t, TAP_OFF_CSUM |
	    (tso ? TAP_OFF_TSO4 | TAP_OFF_TSO6 : 0)) < 0)
		err(1, "%s: offloads", name);
	for (uint32_t i = 0; i < queues; i++)
		if (fcntl(t->fd[i], F_SETFL, O_RDWR) < 0)
			err(1, "fcntl");
}

int
main(int argc, char **argv)
{
	static struct relay_way way[2 * TAP_MAX_QUEUES];
	struct tap a, b;

	if (argc != 7 || (strcmp(argv[6], "tso") != 0 &&
	    strcmp(argv[6], "notso") != 0))
		errx(2, "usage: relay TAP_A NETNS_A TAP_B NETNS_B QUEUES "
		    "tso|notso");
	uint32_t queues = (uint32_t)strtoul(argv[5], NULL, 10);
	bool tso = strcmp(argv[6], "tso") == 0;
	relay_open(&a, argv[1], argv[2], queues, tso);
	relay_open(&b, argv[3], argv[4], queues, tso);
	for (uint32_t i = 0; i < queues; i++) {
		pthread_t t;

		way[2 * i] = (struct relay_way){ a.fd[i], b.fd[i] };
		way[2 * i + 1] = (struct relay_way){ b.fd[i], a.fd[i] };
		for (uint32_t d = 0; d < 2; d++)
			if (pthread_create(&t, NULL, relay_main,
			    &way[2 * i + d]) != 0)
				errx(1, "pthread_create");
	}
	printf("relaying\n");
	fflush(stdout);
	pause();
	return 0;
}
