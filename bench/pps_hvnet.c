/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One end of `hvnet bench pps`: sends, receives or echoes as fast as it can by
 * the frames API.
 *
 *	pps_hvnet SOCKET|uio:N[,no-huge] NIC ...	the rest: pps_loop.h
 *
 * Counted are frames that the driver took (tx), that arrived (rx), or that went
 * back (echo), and calls that found nothing to do.  tx ends when the host has
 * answered for all.
 */
#include <hvnet.h>
#include <pthread.h>

#include "bench/pps_loop.h"

#define PPS_OWN		(2u << 20)	/* of a thread's registered memory */

struct sender {
	struct pps_worker w;
	struct hvnet *h;
	pthread_t thread;
	const uint8_t *mac;
	struct hvnet_frame frame[PPS_BURST_MAX];
	uint64_t cookie[PPS_BURST_MAX];
	uint8_t *data;
	uint8_t own[PPS_FRAME_MAX];
};

static bool
tx_turn(void *arg, uint32_t queue)
{
	struct sender *s = arg;
	int n = hvnet_tx(s->h, queue, s->frame, s->w.o->burst);

	if (n < 0)
		return false;
	s->w.all.frames += (uint32_t)n;
	s->w.all.idle += n == 0;
	return true;
}

/* The same from registered memory; cookies are collected and forgotten. */
static bool
tx_ref_turn(void *arg, uint32_t queue)
{
	struct sender *s = arg;
	int n = hvnet_tx_ref(s->h, queue, s->frame, s->cookie, s->w.o->burst);
	uint64_t done[PPS_BURST_MAX];

	if (n < 0)
		return false;
	s->w.all.frames += (uint32_t)n;
	s->w.all.idle += n == 0;
	while (hvnet_tx_done(s->h, queue, done, PPS_BURST_MAX) > 0)
		;
	return true;
}

static bool
rx_turn(void *arg, uint32_t queue)
{
	struct hvnet_frame f[PPS_BURST_MAX];
	struct sender *s = arg;
	int n = hvnet_rx(s->h, queue, f, s->w.o->burst);

	if (n < 0)
		return false;
	s->w.all.idle += n == 0;
	s->w.all.frames += (uint32_t)n;
	for (int i = 0; i < n; i++) {
		s->w.all.lost += f[i].len != s->w.o->size;
		pps_seen(&s->w, queue, f[i].data);
	}
	return true;
}

static bool
echo_turn(void *arg, uint32_t queue)
{
	struct hvnet_frame f[PPS_BURST_MAX];
	struct sender *s = arg;
	int n = hvnet_rx(s->h, queue, f, s->w.o->burst), sent = 0, rc;
	double stuck = 0;

	if (n < 0)
		return false;
	s->w.all.idle += n == 0;
	for (int i = 0; i < n; i++) {
		pps_seen(&s->w, queue, f[i].data);
		pps_turn_round(f[i].data, s->mac);
		f[i].meta.flags = 0;
	}
	while (sent < n) {
		rc = hvnet_tx(s->h, queue, f + sent, (uint32_t)(n - sent));
		if (rc < 0)
			return false;
		sent += rc;
		if (rc == 0 && stuck == 0)
			stuck = pps_now() + PPS_STUCK;
		else if (rc == 0 && pps_now() > stuck)
			break;
	}
	s->w.all.frames += (uint32_t)sent;
	s->w.all.lost += (uint32_t)(n - sent);
	return true;
}

static const struct pps_turns turns = { tx_turn, rx_turn, echo_turn };
static const struct pps_turns ref_turns = { tx_ref_turn, rx_turn, echo_turn };

static void *
work(void *arg)
{
	struct sender *s = arg;

	pps_frame(s->data, s->w.o, s->mac, s->w.first);
	for (uint32_t i = 0; i < s->w.o->burst; i++) {
		s->frame[i].data = s->data;
		s->frame[i].len = s->w.o->size;
	}
	pps_loop(&s->w, s->w.o->ref != 0 ? &ref_turns : &turns, s);
	return NULL;
}

/* Until the host is done with what was sent, or a second. */
static void
settle(struct hvnet *h, const struct pps_opt *o)
{
	double end = pps_now() + PPS_STUCK;
	uint64_t open;

	do {
		open = 0;
		for (uint32_t q = 0; q < o->queues; q++) {
			struct hvnet_stats st = { 0 };

			hvnet_poll(h, q);
			hvnet_stats(h, q, &st);
			open += st.tx_packets - st.tx_completed;
		}
	} while (open > 0 && pps_now() < end && hvnet_why(h)[0] == '\0');
}

int
main(int argc, char **argv)
{
	static struct sender s[PPS_QUEUES];
	static struct pps_worker w[PPS_QUEUES];
	struct hvnet_config c;
	struct hvnet_info info;
	struct pps_opt o;
	struct hvnet *h;
	uint8_t *memory;
	uint64_t bytes;
	char text[400];

	if (argc < 7 || !pps_args(&o, argc - 3, argv + 3)) {
		fprintf(stderr, "pps_hvnet: see bench/pps_loop.h\n");
		return 2;
	}
	hvnet_config_default(&c);
	c.connect = argv[1];
	c.nic = argv[2];
	c.queues = o.queues;
	c.offloads &= ~HVNET_OFF_HASH;
	c.send_bytes = o.ref != 0 ? o.threads * PPS_OWN : 0;
	c.send_frames = o.ref;
	h = hvnet_open(&c, text, sizeof(text));
	if (h == NULL || hvnet_queues(h) < o.queues) {
		fprintf(stderr, "pps_hvnet: %s\n", h == NULL ? text :
		    "the host gave fewer queues");
		return 1;
	}
	hvnet_info(h, &info);
	memory = hvnet_memory(h, &bytes);
	for (uint32_t k = 0; k < o.threads; k++) {
		s[k].w.o = &o;
		s[k].w.first = k;
		s[k].h = h;
		s[k].mac = info.mac;
		s[k].data = o.ref != 0 ? memory + k * PPS_OWN : s[k].own;
		pthread_create(&s[k].thread, NULL, work, &s[k]);
	}
	for (uint32_t k = 0; k < o.threads; k++) {
		pthread_join(s[k].thread, NULL);
		w[k] = s[k].w;
	}
	settle(h, &o);
	snprintf(text, sizeof(text), ", \"why\": \"%s\"", hvnet_why(h));
	pps_report(w, &o, hvnet_why(h)[0] == '\0', text);
	hvnet_close(h);
	return 0;
}
