/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two of these at the ends of a pair exchange frames by the frames API and
 * check every byte, order and metadata included.
 *
 *	fcheck SOCKET NIC QUEUES THREADS COUNT HOW
 *
 * Each queue sends COUNT frames and expects COUNT; sizes go through 60..1514
 * (and back), payload follows from queue and number.  THREADS: one for each
 * queue, or 1 for all.  HOW: "copy", "room" (reserve and submit), "vlan", or
 * "ref": from hvnet_memory(), where a buffer whose cookie came is spoilt at
 * once; "ref" also crosses pages and the 2 MiB after which memory need not be
 * contiguous for the host; or "refs": that with 16 frames a packet.  "hold"
 * copies, and holds received frames, to look at them again much later; some
 * are still held at the end.
 * Prints one line of JSON; exit code 0 if all came, whole and in order.
 */
#include <hvnet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BURST	32u
#define SECONDS	50	/* on a machine that is busy otherwise */
#define HELD	200u	/* frames of a thread, at a time */
#define HEAD	22u	/* Ethernet, queue, number */

struct worker {
	struct hvnet *h;
	const char *how;
	pthread_t thread;
	uint32_t first, step, queues;
	uint32_t count;
	uint64_t got, bad, sent, short_tx;
	/* held: a ring, the oldest first */
	struct hvnet_frame held[HELD];
	uint32_t held_on[HELD], held_first, held_n;
	uint64_t holds, refused;
};

/* A queue's buffers by reference: 1 MiB, 256 of 4 KiB less 256 bytes. */
#define REF_BYTES	(1u << 20)
#define REF_BUFS	256u
#define REF_STEP	3840u

static struct {
	uint8_t *memory;
	uint32_t free[REF_BUFS], n;
	uint64_t done;
} ref[HVNET_MAX_QUEUES];

/* Of all threads: frames without a hash all come on queue 0. */
static uint64_t total_got;

static uint8_t buf[HVNET_MAX_QUEUES][BURST][1600];

static uint32_t
size_of(uint32_t n)
{
	return 60 + n * 37 % 1455;
}

static void
frame_fill(uint8_t *p, uint32_t q, uint32_t n)
{
	memset(p, 0xff, 6);
	memcpy(p + 6, "\2\0\0\0\0\1", 6);
	p[12] = 0x88;
	p[13] = 0xb5;
	memcpy(p + 14, &q, 4);
	memcpy(p + 18, &n, 4);
	for (uint32_t i = HEAD; i < size_of(n); i++)
		p[i] = (uint8_t)(q * 31 + n * 7 + i);
}

/* True if it is the next frame of its sender's queue. */
static bool
frame_good(const struct worker *w, const struct hvnet_frame *f,
    uint32_t *next)
{
	const uint8_t *p = f->data;
	uint8_t want[1600];
	uint32_t q, n;

	if (f->len < HEAD)
		return false;
	memcpy(&q, p + 14, 4);
	memcpy(&n, p + 18, 4);
	if (q >= HVNET_MAX_QUEUES || n != next[q] || f->len != size_of(n))
		return false;
	next[q]++;
	if (strcmp(w->how, "vlan") == 0 &&
	    ((f->meta.flags & HVNET_VLAN) == 0 ||
	    f->meta.vlan_tci != (n & 0xeffe)))
		return false;
	frame_fill(want, q, n);
	return memcmp(want, p, f->len) == 0;
}

/* Look at the oldest that we hold once more, and let go of it. */
static void
hold_end(struct worker *w)
{
	const struct hvnet_frame *f = &w->held[w->held_first % HELD];
	uint8_t want[1600];
	uint32_t q, n;

	memcpy(&q, (const uint8_t *)f->data + 14, 4);
	memcpy(&n, (const uint8_t *)f->data + 18, 4);
	frame_fill(want, q, n);
	w->bad += f->len != size_of(n) || memcmp(want, f->data, f->len) != 0;
	w->bad += hvnet_release(w->h, w->held_on[w->held_first % HELD], f,
	    1) != 0;
	w->held_first++;
	w->held_n--;
}

static void
hold(struct worker *w, uint32_t q, const struct hvnet_frame *f)
{
	uint32_t i;
	int rc;

	if (w->held_n == HELD)
		hold_end(w);
	i = (w->held_first + w->held_n) % HELD;
	w->held[i] = *f;
	w->held_on[i] = q;
	rc = hvnet_hold(w->h, q, &w->held[i], 1);
	w->bad += rc < 0;
	w->holds += rc == 1;
	w->refused += rc == 0;
	w->held_n += rc == 1;
	if (rc == 0 && w->held_n > 0)
		hold_end(w);
}

/* Spread over two rooms' pieces. */
static bool
send_room(struct worker *w, uint32_t q, uint32_t n)
{
	const struct hvnet_meta plain = { 0 };
	uint32_t len = size_of(n), off = 0;
	struct hvnet_room r;
	uint8_t f[1600];

	if (hvnet_tx_reserve(w->h, q, &r) < 0)
		return false;
	frame_fill(f, q, n);
	for (uint32_t i = 0; i < r.pieces && off < len; i++) {
		uint32_t k = r.piece[i].len < len - off ? r.piece[i].len :
		    len - off;

		memcpy(r.piece[i].data, f + off, k);
		off += k;
	}
	return hvnet_tx_submit(w->h, q, &r, len, &plain) == 0;
}

/* Queue 1's first buffer lies across the first 2 MiB's end. */
static void
ref_init(struct hvnet *h, uint32_t queues)
{
	uint64_t bytes;
	uint8_t *p = hvnet_memory(h, &bytes);

	for (uint32_t q = 0; p != NULL && q < queues; q++) {
		ref[q].memory = p + (2u << 20) - 900 + q * REF_BYTES;
		for (ref[q].n = 0; ref[q].n < REF_BUFS; ref[q].n++)
			ref[q].free[ref[q].n] = ref[q].n;
	}
}

static void
ref_collect(struct worker *w, uint32_t q)
{
	uint64_t cookie[BURST];
	int n;

	while ((n = hvnet_tx_done(w->h, q, cookie, BURST)) > 0) {
		for (int i = 0; i < n; i++) {
			memset(ref[q].memory + cookie[i] * REF_STEP, 0xee,
			    1600);
			ref[q].free[ref[q].n++] = (uint32_t)cookie[i];
		}
		ref[q].done += (uint64_t)n;
	}
}

static uint32_t
send_ref(struct worker *w, uint32_t q, uint32_t n, uint32_t want)
{
	struct hvnet_frame f[BURST] = { { 0 } };
	uint64_t cookie[BURST];
	uint32_t i;
	int rc;

	ref_collect(w, q);
	for (i = 0; i < want && i < ref[q].n; i++) {
		/* Taken from the end, as many as hvnet takes. */
		cookie[i] = ref[q].free[ref[q].n - 1 - i];
		f[i].data = ref[q].memory + cookie[i] * REF_STEP;
		f[i].len = size_of(n + i);
		frame_fill(f[i].data, q, n + i);
	}
	rc = hvnet_tx_ref(w->h, q, f, cookie, i);
	if (rc < 0)
		return 0;
	ref[q].n -= (uint32_t)rc;
	return (uint32_t)rc;
}

static uint32_t
send_some(struct worker *w, uint32_t q, uint32_t n)
{
	uint32_t want = w->count - n < BURST ? w->count - n : BURST, i;
	struct hvnet_frame f[BURST] = { { 0 } };
	int rc;

	if (strncmp(w->how, "ref", 3) == 0)
		return send_ref(w, q, n, want);
	if (strcmp(w->how, "room") == 0) {
		for (i = 0; i < want && send_room(w, q, n + i); i++)
			;
		hvnet_tx_flush(w->h, q);
		return i;
	}
	for (i = 0; i < want; i++) {
		f[i].data = buf[q][i];
		f[i].len = size_of(n + i);
		frame_fill(buf[q][i], q, n + i);
		if (strcmp(w->how, "vlan") == 0) {
			f[i].meta.flags = HVNET_VLAN;
			f[i].meta.vlan_tci = (uint16_t)((n + i) & 0xeffe);
		}
	}
	rc = hvnet_tx(w->h, q, f, want);
	if (rc >= 0 && (uint32_t)rc < want)
		w->short_tx++;
	return rc < 0 ? 0 : (uint32_t)rc;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	uint32_t sent[HVNET_MAX_QUEUES] = { 0 }, next[HVNET_MAX_QUEUES] = { 0 };
	uint64_t mine = 0;
	time_t end = time(NULL) + SECONDS;

	for (uint32_t q = w->first; q < w->queues; q += w->step)
		mine += w->count;
	while ((__atomic_load_n(&total_got, __ATOMIC_ACQUIRE) <
	    (uint64_t)w->queues * w->count || w->sent < mine) &&
	    time(NULL) < end && hvnet_why(w->h)[0] == '\0') {
		for (uint32_t q = w->first; q < w->queues; q += w->step) {
			struct hvnet_frame f[BURST];
			int n = hvnet_rx(w->h, q, f, BURST);

			/* Sending in between must not take them away. */
			if (sent[q] < w->count) {
				uint32_t k = send_some(w, q, sent[q]);

				sent[q] += k;
				w->sent += k;
			}
			for (int i = 0; i < n; i++) {
				w->bad += !frame_good(w, &f[i], next);
				w->got++;
				if (strcmp(w->how, "hold") == 0)
					hold(w, q, &f[i]);
			}
			if (n > 0)
				__atomic_fetch_add(&total_got, (uint64_t)n,
				    __ATOMIC_RELEASE);
		}
	}
	/* What was sent last must be taken before we go. */
	for (uint32_t i = 0; i < 2000; i++) {
		struct timespec ts = { 0, 100000 };

		for (uint32_t q = w->first; q < w->queues; q += w->step) {
			hvnet_poll(w->h, q);
			if (ref[q].memory != NULL)
				ref_collect(w, q);
		}
		nanosleep(&ts, NULL);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	static struct worker w[HVNET_MAX_QUEUES], all;
	const char *tunables[] = { "rx_hold=1", NULL };
	struct hvnet_stats st, sum = { 0 };
	struct hvnet_config c;
	struct hvnet *h;
	uint32_t threads, queues;
	char err[200];
	bool ok;

	if (argc != 7)
		return 2;
	hvnet_config_default(&c);
	c.connect = argv[1];
	c.nic = argv[2];
	c.queues = (uint32_t)atoi(argv[3]);
	c.timeout_ms = 1000 * SECONDS;
	if (strncmp(argv[6], "ref", 3) == 0)
		c.send_bytes = (3u << 20) + c.queues * REF_BYTES;
	c.send_frames = strcmp(argv[6], "refs") == 0 ? 0 : 1;
	/* About 90 sections: so some are refused. */
	if (strcmp(argv[6], "hold") == 0)
		c.tunables = tunables;
	h = hvnet_open(&c, err, sizeof(err));
	if (h == NULL) {
		printf("{\"ok\": false, \"error\": \"%s\"}\n", err);
		return 1;
	}
	queues = hvnet_queues(h);
	threads = atoi(argv[4]) == 1 ? 1 : queues;
	ref_init(h, queues);
	printf("up %u\n", queues);
	fflush(stdout);
	getchar();	/* until the other one is up as well */
	for (uint32_t i = 0; i < threads; i++) {
		w[i] = (struct worker){ .h = h, .first = i, .step = threads,
			.queues = queues, .count = (uint32_t)atoi(argv[5]),
			.how = argv[6] };
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (uint32_t i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		all.got += w[i].got;
		all.bad += w[i].bad;
		all.sent += w[i].sent;
		all.short_tx += w[i].short_tx;
		all.holds += w[i].holds;
		all.refused += w[i].refused;
	}
	for (uint32_t q = 0; q < queues; q++) {
		hvnet_stats(h, q, &st);
		sum.tx_frames += st.tx_frames;
		sum.tx_invalid += st.tx_invalid;
		sum.rx_dropped += st.rx_dropped;
	}
	ok = all.got == (uint64_t)queues * (uint64_t)atoll(argv[5]) &&
	    all.bad == 0 && hvnet_why(h)[0] == '\0';
	/* Each cookie came, once. */
	for (uint32_t q = 0; q < queues && ref[q].memory != NULL; q++)
		ok = ok && ref[q].n == REF_BUFS &&
		    ref[q].done == (uint64_t)atoll(argv[5]);
	printf("{\"ok\": %s, \"queues\": %u, \"got\": %lu, \"bad\": %lu, "
	    "\"sent\": %lu, \"tx_frames\": %lu, \"rx_dropped\": %lu, "
	    "\"tx_invalid\": %lu, \"short_tx\": %lu, \"holds\": %lu, "
	    "\"refused\": %lu, \"why\": \"%s\"}\n",
	    ok ? "true" : "false", queues, all.got, all.bad, all.sent,
	    sum.tx_frames, sum.rx_dropped, sum.tx_invalid, all.short_tx,
	    all.holds, all.refused, hvnet_why(h));
	hvnet_close(h);
	return ok ? 0 : 1;
}
