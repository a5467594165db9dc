/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that sleep while a queue has nothing, by the frames API.
 *
 *	fsleep SOCKET NIC QUEUES ROLE ROUNDS HOW
 *
 * ROLE ask: a thread a queue sends a numbered frame, sleeps until its answer is
 * there, and so on, ROUNDS times; before it sleeps it spins for a while, each
 * time another, so that the answer comes at any point of arming.  Role echo:
 * a thread a queue answers, until the last round.  Role flood: ROUNDS frames as
 * fast as there is room, asleep where there is none.  Role idle: sleeps on each
 * queue until the connection breaks.  Which flow comes in on which queue is the
 * host's to say: ask finds out with probes, by their source address.
 * HOW: "wait" in hvnet_wait(), "poll" in poll() on hvnet_fd(), "1fd": that, by
 * one thread for all queues, or "slow": as wait, and where the library takes
 * events from its descriptor, time goes by before and after.
 *
 * A sleep that ends only with its time, or a frame that was there and woke
 * nobody, is lost: then the program fails.  It prints one line of JSON.
 */
#include <hvnet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECONDS		20	/* an answer that takes longer is lost */
#define BYTES		60u
#define IP		14u	/* where the IPv4 header begins */
#define NUMBER		34u	/* where the number is */
#define PROBE		UINT32_MAX

struct queue {
	struct hvnet *h;
	uint32_t k, rounds;
	const char *role, *how;
	pthread_t thread;
	uint32_t sent, got, next;
	uint8_t flow;
	uint64_t lost, sleeps, full;
	bool done;
};

static uint32_t dice = 1;
static bool slow;

/* The library's, since the program comes before libc. */
int
epoll_wait(int fd, struct epoll_event *ev, int n, int timeout_ms)
{
	const struct timespec pause = { 0, 100000 };
	int rc;

	if (slow && timeout_ms == 0)
		nanosleep(&pause, NULL);
	rc = (int)syscall(SYS_epoll_pwait, fd, ev, n, timeout_ms, NULL, 0);
	if (slow && timeout_ms == 0)
		nanosleep(&pause, NULL);
	return rc;
}

/* Up to about 30 us, most of them short. */
static void
spin(void)
{
	uint32_t n;

	dice = dice * 1664525u + 1013904223u;
	n = (dice >> 20) >> (dice >> 8 & 7u);
	for (volatile uint32_t i = 0; i < n; i++)
		;
}

static void
frame_send(struct queue *q, uint8_t flow, uint32_t number)
{
	uint8_t bytes[BYTES] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0,
		1, 0x08, 0x00, 0x45, 0, 0, BYTES - IP, 0, 0, 0, 0, 64, 253, 0,
		0, 10, 0, 0, flow, 10, 1, 0, 1 };
	struct hvnet_frame f = { .data = bytes, .len = BYTES };

	memcpy(bytes + NUMBER, &number, 4);
	while (hvnet_tx(q->h, q->k, &f, 1) == 0) {
		q->full++;
		if (hvnet_wait(q->h, q->k, SECONDS * 1000) == 0)
			q->lost++;
	}
	q->sent++;
}

/* The number of each frame that is there; how many. */
static int
frames_take(struct queue *q)
{
	struct hvnet_frame f[32];
	int n = hvnet_rx(q->h, q->k, f, 32);

	for (int i = 0; i < n; i++) {
		const uint8_t *p = f[i].data;
		uint32_t number;

		memcpy(&number, p + NUMBER, 4);
		if (strcmp(q->role, "echo") == 0)
			frame_send(q, p[IP + 15], number);
		if (number == PROBE)
			continue;
		if (number != q->next++)
			q->lost++;
		q->got++;
		if (q->got == q->rounds)
			q->done = true;
	}
	return n;
}

/* A flow for each queue, by one thread. */
static void
probe(struct queue *q, uint32_t queues)
{
	struct hvnet_frame f[4];
	uint32_t missing = queues, at;

	for (uint8_t flow = 1; missing > 0 && flow < 200; flow++) {
		frame_send(q, flow, PROBE);
		for (at = 0; hvnet_rx(q->h, at, f, 4) == 0;
		    at = (at + 1) % queues)
			;
		missing -= q[at].flow == 0;
		q[at].flow = flow;
	}
	for (uint32_t k = 0; k < queues; k++)
		q[k].sent = 0;
}

/* 1: something; 0: nothing in all that time; below zero: broken. */
static int
sleep_poll(struct queue *q, uint32_t n)
{
	struct pollfd p[HVNET_MAX_QUEUES];
	uint32_t open = 0;
	int rc = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (q[i].done)
			continue;
		rc = hvnet_wait(q[i].h, q[i].k, 0);
		if (rc != 0)
			return rc;
		p[open++] = (struct pollfd){ .fd = hvnet_fd(q[i].h, q[i].k),
			.events = POLLIN };
	}
	return open == 0 ? 1 : poll(p, open, SECONDS * 1000);
}

static void *
serve(void *arg)
{
	struct queue *q = arg;
	const bool ask = strcmp(q->role, "ask") == 0;
	const bool all = strcmp(q->how, "1fd") == 0;
	uint32_t n = all ? hvnet_queues(q->h) : 1, left = n;
	int rc = 1;

	for (uint32_t i = 0; ask && i < n; i++)
		frame_send(&q[i], q[i].flow, q[i].sent);
	while (left > 0 && rc >= 0) {
		left = 0;
		for (uint32_t i = 0; i < n; i++) {
			int got = frames_take(&q[i]);

			for (; ask && got > 0 && !q[i].done; got--)
				frame_send(&q[i], q[i].flow, q[i].sent);
			left += !q[i].done;
		}
		if (left == 0)
			break;
		spin();
		q->sleeps++;
		rc = strcmp(q->how, "poll") == 0 || all ? sleep_poll(q, n) :
		    hvnet_wait(q->h, q->k, strcmp(q->role, "idle") == 0 ? -1 :
		    SECONDS * 1000);
		q->lost += rc == 0;
	}
	return NULL;
}

static void *
flood(void *arg)
{
	struct queue *q = arg;

	while (q->sent < q->rounds && hvnet_why(q->h)[0] == '\0')
		frame_send(q, 1, q->sent);
	/* What was sent last must be taken before we go. */
	for (uint32_t i = 0; i < 100; i++)
		(void)hvnet_wait(q->h, q->k, 1);
	return NULL;
}

int
main(int argc, char **argv)
{
	static struct queue q[HVNET_MAX_QUEUES];
	const char *small[] = { "sendbuf_kb=0", "tx_slots=4", NULL };
	uint64_t lost = 0, got = 0, sleeps = 0, full = 0;
	struct hvnet_config c;
	struct rusage before, use;
	struct hvnet *h;
	uint32_t queues, threads;
	char err[200];

	if (argc != 7)
		return 2;
	hvnet_config_default(&c);
	c.connect = argv[1];
	c.nic = argv[2];
	c.queues = (uint32_t)atoi(argv[3]);
	if (strcmp(argv[4], "flood") == 0)
		c.tunables = small;
	h = hvnet_open(&c, err, sizeof(err));
	if (h == NULL) {
		printf("{\"error\": \"%s\"}\n", err);
		return 1;
	}
	queues = hvnet_queues(h);
	slow = strcmp(argv[6], "slow") == 0;
	threads = strcmp(argv[6], "1fd") == 0 ? 1 : queues;
	printf("up %u\n", queues);
	fflush(stdout);
	if (strcmp(argv[4], "echo") != 0)
		getchar();
	for (uint32_t k = 0; k < queues; k++)
		q[k] = (struct queue){ .h = h, .k = k, .role = argv[4],
			.rounds = (uint32_t)atoi(argv[5]), .how = argv[6] };
	if (strcmp(argv[4], "ask") == 0)
		probe(q, queues);
	getrusage(RUSAGE_SELF, &before);
	for (uint32_t k = 0; k < threads; k++)
		pthread_create(&q[k].thread, NULL,
		    strcmp(argv[4], "flood") == 0 ? flood : serve, &q[k]);
	for (uint32_t k = 0; k < threads; k++)
		pthread_join(q[k].thread, NULL);
	for (uint32_t k = 0; k < queues; k++) {
		lost += q[k].lost;
		got += q[k].got;
		sleeps += q[k].sleeps;
		full += q[k].full;
	}
	getrusage(RUSAGE_SELF, &use);
	printf("{\"lost\": %lu, \"got\": %lu, \"sleeps\": %lu, \"full\": %lu, "
	    "\"switches\": %ld, \"why\": \"%s\"}\n", lost, got, sleeps, full,
	    use.ru_nvcsw - before.ru_nvcsw, hvnet_why(h));
	hvnet_close(h);
	return lost != 0;
}
