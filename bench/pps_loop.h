/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two programs of `hvnet bench pps` share: arguments, the frame that
 * is sent, the loop that counts, the line that is printed.  So both measure in
 * the same way; only the calls into the driver differ.
 *
 *	... QUEUES tx|rx|echo SIZE SECONDS [key=value ...]
 *
 *	burst=N		frames a call, 64
 *	threads=N	1; queue k is driven by thread k modulo N
 *	frames=N	end after so many, with neither warm-up nor time
 *	ref=N		tx from registered memory, without a copy, N frames a
 *			packet (ours only)
 *	nap=1		sleep after a call that found nothing: to count
 *			instructions without those of waiting
 *
 * The programs say "begin" when they are warm.  Context: a worker belongs to
 * one thread.
 */
#ifndef BENCH_PPS_LOOP_H
#define BENCH_PPS_LOOP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PPS_QUEUES	64u
#define PPS_BURST_MAX	256u
#define PPS_FRAME_MAX	9014u
#define PPS_SEQ_OFF	42u	/* the generator's sequence number, 32 bit */
#define PPS_WARM	0.25	/* Policy: s before counting begins */
#define PPS_STUCK	1.0	/* Policy: s until an echo is given up */

struct pps_opt {
	uint32_t queues, size, burst, threads, txd, rxd;
	char mode;		/* 't', 'r', 'e' */
	double seconds;
	uint64_t frames;	/* 0: by time */
	uint32_t ref;
	bool nap;
};

struct pps_count {
	uint64_t calls, idle, frames, lost;
	uint64_t idle_ticks;	/* in calls that found nothing */
};

struct pps_worker {
	const struct pps_opt *o;
	uint32_t first;		/* queue; then every threads-th */
	struct pps_count all, warm;
	double took;
	uint64_t ticks;		/* in that time */
	uint32_t seq[PPS_QUEUES];	/* expected next */
	bool seen[PPS_QUEUES];
};

static inline double
pps_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* A clock that costs next to nothing. */
static inline uint64_t
pps_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	return (uint64_t)(pps_now() * 1e9);
#endif
}

/* The arguments from QUEUES on; false: not to be understood. */
static inline bool
pps_args(struct pps_opt *o, int argc, char **argv)
{
	*o = (struct pps_opt){ .burst = 64, .threads = 1, .txd = 512,
		.rxd = 4096 };
	if (argc < 4)
		return false;
	o->queues = (uint32_t)atoi(argv[0]);
	o->mode = argv[1][0];
	o->size = (uint32_t)atoi(argv[2]);
	o->seconds = atof(argv[3]);
	for (int i = 4; i < argc; i++) {
		unsigned long v;
		char key[16];

		if (sscanf(argv[i], "%15[^=]=%lu", key, &v) != 2)
			return false;
		if (strcmp(key, "burst") == 0)
			o->burst = (uint32_t)v;
		else if (strcmp(key, "threads") == 0)
			o->threads = (uint32_t)v;
		else if (strcmp(key, "txd") == 0)
			o->txd = (uint32_t)v;
		else if (strcmp(key, "rxd") == 0)
			o->rxd = (uint32_t)v;
		else if (strcmp(key, "frames") == 0)
			o->frames = v;
		else if (strcmp(key, "nap") == 0)
			o->nap = v != 0;
		else if (strcmp(key, "ref") == 0)
			o->ref = (uint32_t)v;
		else
			return false;
	}
	return o->queues > 0 && o->queues <= PPS_QUEUES && o->size >= 46 &&
	    o->size <= PPS_FRAME_MAX && o->burst > 0 &&
	    o->burst <= PPS_BURST_MAX && o->threads > 0 &&
	    o->threads <= o->queues && strchr("tre", o->mode) != NULL;
}

/* A UDP frame of the requested size. */
static inline void
pps_frame(uint8_t *p, const struct pps_opt *o, const uint8_t mac[6],
    uint32_t queue)
{
	uint32_t ip = o->size - 14;

	memset(p, 0, o->size);
	memset(p, 0xff, 6);
	memcpy(p + 6, mac, 6);
	p[12] = 8;
	p[14] = 0x45;
	p[16] = (uint8_t)(ip >> 8);
	p[17] = (uint8_t)ip;
	p[22] = 64;
	p[23] = 17;
	memcpy(p + 26, "\012\011\0\1\012\011\0\2", 8);
	p[35] = (uint8_t)queue;
	p[37] = 9;
	p[38] = (uint8_t)((ip - 20) >> 8);
	p[39] = (uint8_t)(ip - 20);
}

/* A frame of the generator came: what is missing before it is lost. */
static inline void
pps_seen(struct pps_worker *w, uint32_t queue, const void *frame)
{
	uint32_t seq;

	memcpy(&seq, (const uint8_t *)frame + PPS_SEQ_OFF, sizeof(seq));
	if (w->seen[queue] && seq != w->seq[queue])
		w->all.lost += (seq - w->seq[queue]) / w->o->queues;
	w->seen[queue] = true;
	w->seq[queue] = seq + w->o->queues;
}

/* Back to where it came from. */
static inline void
pps_turn_round(void *frame, const uint8_t mac[6])
{
	memcpy(frame, (uint8_t *)frame + 6, 6);
	memcpy((uint8_t *)frame + 6, mac, 6);
}

typedef bool pps_turn_fn(void *arg, uint32_t queue);

/* A driver's turn of each mode. */
struct pps_turns {
	pps_turn_fn *tx, *rx, *echo;
};

/* Calls of the mode's turn for each queue of the worker until all is done. */
static inline void
pps_loop(struct pps_worker *w, const struct pps_turns *turns, void *arg)
{
	pps_turn_fn *turn = w->o->mode == 't' ? turns->tx :
	    w->o->mode == 'r' ? turns->rx : turns->echo;
	const struct timespec nap = { 0, 500000 };
	const struct pps_opt *o = w->o;
	double begin = pps_now(), end = begin + PPS_WARM, t;
	bool warm = o->frames != 0;

	for (bool ok = true; ok;) {
		uint64_t idle = w->all.idle, lost = w->all.lost, before, at;

		for (uint32_t q = w->first; q < o->queues && ok;
		    q += o->threads) {
			before = w->all.idle;
			at = pps_ticks();
			w->all.calls++;
			ok = turn(arg, q);
			if (w->all.idle != before)
				w->all.idle_ticks += pps_ticks() - at;
		}
		if (o->frames != 0) {
			ok = ok && w->all.frames < o->frames;
			if (o->nap && w->all.idle != idle)
				nanosleep(&nap, NULL);
			continue;
		}
		/* What was given up took long. */
		if ((w->all.calls & 63) != 0 && w->all.lost == lost)
			continue;
		t = pps_now();
		if (t < end)
			continue;
		if (warm)
			break;
		warm = true;
		w->warm = w->all;
		begin = t;
		w->ticks = pps_ticks();
		end = begin + o->seconds;
		if (w->first == 0) {
			printf("begin\n");
			fflush(stdout);
		}
	}
	w->took = pps_now() - begin;
	w->ticks = pps_ticks() - w->ticks;
}

/* The result, one line of JSON; more: members to add, or "". */
static inline void
pps_report(const struct pps_worker *w, const struct pps_opt *o, bool ok,
    const char *more)
{
	struct pps_count n = { 0 };
	uint64_t total = 0, ticks = 0;
	double rate = 0;

	for (uint32_t k = 0; k < o->threads; k++) {
		uint64_t frames = w[k].all.frames - w[k].warm.frames;

		n.calls += w[k].all.calls - w[k].warm.calls;
		n.idle += w[k].all.idle - w[k].warm.idle;
		n.frames += frames;
		n.lost += w[k].all.lost;
		n.idle_ticks += w[k].all.idle_ticks - w[k].warm.idle_ticks;
		ticks += w[k].ticks;
		total += w[k].all.frames;
		rate += (double)frames / w[k].took;
	}
	printf("\npps: {\"ok\": %s, \"frames\": %" PRIu64 ", \"total\": %"
	    PRIu64 ", \"seconds\": %.4f, \"mpps\": %.4f, \"calls\": %" PRIu64
	    ", \"idle\": %" PRIu64 ", \"idle_time\": %.4f, \"lost\": %" PRIu64
	    "%s}\n", ok ? "true" : "false", n.frames, total, w[0].took,
	    rate / 1e6, n.calls, n.idle, (double)n.idle_ticks /
	    (double)(ticks != 0 ? ticks : 1), n.lost, more);
	fflush(stdout);
}

#endif
