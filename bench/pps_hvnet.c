/*
 * One end of `hvnet bench pps`: sends, receives or echoes as fast as it can by
 * the frames API, one thread a queue, for some seconds; one line of JSON.
 *
 *	pps_hvnet SOCKET NIC QUEUES tx|rx|echo SIZE SECONDS
 *
 * rates are of frames that the host took (tx), or that arrived (rx, echo).
 * idle counts calls that found nothing to do: many mean that the host end was
 * the slower one.
 */
#include <hvnet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BURST	64u

struct worker {
	struct hvnet *h;
	pthread_t thread;
	uint32_t queue, size;
	char mode;
	double seconds;
	uint64_t calls, idle, frames, lost;
	double took;
};

static uint8_t mac[6];

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void
frame_make(uint8_t *p, const struct worker *w)
{
	uint32_t ip = w->size - 14;

	memset(p, 0, w->size);
	memset(p, 0xff, 6);
	memcpy(p + 6, mac, 6);
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

static bool
tx_turn(struct worker *w, const struct hvnet_frame *f)
{
	int n = hvnet_tx(w->h, w->queue, f, BURST);

	if (n < 0)
		return false;
	w->frames += (uint32_t)n;
	w->idle += n == 0;
	return true;
}

static bool
rx_turn(struct worker *w, struct hvnet_frame *f)
{
	int n = hvnet_rx(w->h, w->queue, f, BURST), sent = 0, rc = 0;

	if (n < 0)
		return false;
	w->idle += n == 0;
	if (w->mode == 'r') {
		for (int i = 0; i < n; i++)	/* as a program would */
			w->lost += f[i].len != w->size;
		w->frames += (uint32_t)n;
		return true;
	}
	for (int i = 0; i < n; i++) {
		uint8_t *p = f[i].data;

		memcpy(p, p + 6, 6);
		memcpy(p + 6, mac, 6);
		f[i].meta.flags = 0;
	}
	for (int tries = 0; sent < n && tries < 100000; tries++) {
		rc = hvnet_tx(w->h, w->queue, f + sent, (uint32_t)(n - sent));
		if (rc < 0)
			return false;
		sent += rc;
	}
	w->frames += (uint32_t)sent;
	w->lost += (uint32_t)(n - sent);
	return true;
}

static void *
work(void *arg)
{
	static __thread uint8_t data[9014];
	struct worker *w = arg;
	struct hvnet_frame f[BURST] = { { 0 } };
	double begin = now(), end = begin + w->seconds;
	bool ok = true;

	frame_make(data, w);
	for (uint32_t i = 0; i < BURST; i++) {
		f[i].data = data;
		f[i].len = w->size;
	}
	while (ok && ((w->calls & 63) != 0 || now() < end)) {
		w->calls++;
		ok = w->mode == 't' ? tx_turn(w, f) : rx_turn(w, f);
	}
	w->took = now() - begin;
	return NULL;
}

int
main(int argc, char **argv)
{
	struct worker w[HVNET_MAX_QUEUES] = { { 0 } }, all = { 0 };
	struct hvnet_config c;
	struct hvnet_info info;
	struct hvnet *h;
	char err[200];
	uint32_t queues;

	if (argc != 7)
		return 2;
	hvnet_config_default(&c);
	c.connect = argv[1];
	c.nic = argv[2];
	c.queues = (uint32_t)atoi(argv[3]);
	c.offloads &= ~HVNET_OFF_HASH;
	h = hvnet_open(&c, err, sizeof(err));
	if (h == NULL) {
		fprintf(stderr, "pps_hvnet: %s\n", err);
		return 1;
	}
	hvnet_info(h, &info);
	memcpy(mac, info.mac, 6);
	queues = hvnet_queues(h);
	for (uint32_t k = 0; k < queues; k++) {
		w[k] = (struct worker){ .h = h, .queue = k, .mode = argv[4][0],
			.size = (uint32_t)atoi(argv[5]),
			.seconds = atof(argv[6]) };
		pthread_create(&w[k].thread, NULL, work, &w[k]);
	}
	for (uint32_t k = 0; k < queues; k++) {
		pthread_join(w[k].thread, NULL);
		all.calls += w[k].calls;
		all.idle += w[k].idle;
		all.frames += w[k].frames;
		all.lost += w[k].lost;
		all.took = w[k].took;
	}
	printf("{\"ok\": %s, \"queues\": %u, \"frames\": %lu, \"seconds\": "
	    "%.4f, \"mpps\": %.4f, \"calls\": %lu, \"idle\": %lu, "
	    "\"lost\": %lu, \"why\": \"%s\"}\n",
	    hvnet_why(h)[0] == '\0' ? "true" : "false", queues, all.frames,
	    all.took, (double)all.frames / all.took / 1e6, all.calls,
	    all.idle, all.lost, hvnet_why(h));
	hvnet_close(h);
	return 0;
}
