/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture: rings of the threads that capture, and the thread that writes.
 *
 * Theory of operation.  Each thread gets the ring of its own number in this
 * process; the memory of a ring is reserved at the start and taken by the
 * kernel when it is first used, so that nothing is allocated in a data path.
 * The writer looks at all rings every few milliseconds and writes what is
 * there, oldest first.  What is younger than the moment at which it began to
 * look waits for the next time, so the file is in order of time, except for a
 * thread that was interrupted between taking the time and putting the record.
 *
 * A full disk is outfile.c's: one sentence, and traffic goes on.
 */
#include "linux/see/capture.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "linux/run/clock.h"
#include "linux/see/capture_file.h"
#include "wire/nvs_msg.h"

/* Policy: threads that may capture, and bytes of each one's ring. */
#define CAPTURE_THREADS		80u
#define CAPTURE_RING_BYTES	(8u << 20)
/* Policy: between two looks of the writer. */
#define CAPTURE_LOOK_NS		4000000l
/* A record put this long before the writer looks is in its ring by then. */
#define CAPTURE_SETTLE_NS	1000000u
#define CAPTURE_TEXT_MAX	400u

struct capture {
	struct capture_ring ring[CAPTURE_THREADS];
	uint8_t *mem;
	uint32_t snap;
	uint64_t no_ring;	/* shared: lost by threads beyond those */
	struct capture_file file;
	pthread_t thread;
	uint32_t stop;		/* shared */
	uint32_t reopen;	/* shared */
};

/* --- threads that capture --- */

static struct capture_ring *
ring_mine(struct capture *c)
{
	uint32_t k = see_thread();

	if (k <= CAPTURE_THREADS)
		return &c->ring[k - 1];
	os_add64(&c->no_ring, 1);
	return NULL;
}

static void
head_fill(struct see_record_wire *h, const struct see_name *n, uint32_t kind,
    bool to_guest, uint64_t now)
{
	*h = (struct see_record_wire){ .version = SEE_VERSION,
		.kind = (uint8_t)kind, .end = (uint8_t)n->end,
		.to_guest = to_guest, .guest = le32_put(n->guest),
		.relid = le32_put(n->relid), .queue = le32_put(n->queue),
		.vp = le32_put(n->vp), .time_ns = le64_put(now) };
	memcpy(h->nic, n->nic, sizeof(h->nic));
}

/* A head and one piece behind it; text: the piece is the comment as well. */
static void
record_put(struct capture *c, struct see_record_wire *h, uint64_t now,
    struct span body, bool text)
{
	struct capture_ring *r = ring_mine(c);
	uint32_t bytes = (uint32_t)sizeof(*h) + body.len;
	struct capture_record *rec = r == NULL ? NULL :
	    capture_ring_room(r, bytes);

	if (rec == NULL)
		return;
	rec->orig = bytes;
	rec->text = text ? body.len : 0;
	rec->time_ns = now;
	memcpy(rec + 1, h, sizeof(*h));
	memcpy((uint8_t *)(rec + 1) + sizeof(*h), body.p, body.len);
	capture_ring_publish(r, rec);
}

void
capture_message(struct capture *c, const struct see_name *name, bool to_guest,
    struct span msg)
{
	uint64_t now = clock_now_ns();
	struct see_record_wire h;

	if (c == NULL)
		return;
	head_fill(&h, name, SEE_MESSAGE, to_guest, now);
	h.data_bytes = le32_put(msg.len);
	record_put(c, &h, now, msg, false);
}

void
capture_note(struct capture *c, const struct see_name *name, const char *fmt,
    ...)
{
	uint64_t now = clock_now_ns();
	struct see_record_wire h;
	char text[CAPTURE_TEXT_MAX];
	va_list ap;
	int n;

	if (c == NULL)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	head_fill(&h, name, SEE_NOTE, false, now);
	h.data_bytes = le32_put(min_u32((uint32_t)n, sizeof(text) - 1));
	record_put(c, &h, now, (struct span){ (const uint8_t *)text,
	    le32_get(h.data_bytes) }, true);
}

/* Bytes to keep of piece i, and how many may still follow. */
static uint32_t
piece_keep(uint32_t len, uint32_t most, bool each, uint32_t *left)
{
	uint32_t n = most == 0 ? len : min_u32(len, each ? most : *left);

	*left -= min_u32(n, *left);
	return n;
}

void
capture_packet(struct capture *c, const struct see_name *name, bool to_guest,
    const struct vmpkt_in *pkt, const struct vec *v, uint32_t n,
    uint32_t whole)
{
	const bool each = pkt->type == VMPKT_XFER_PAGES;
	uint32_t most = whole != CAPTURE_WHOLE ? c->snap : 0;
	struct capture_ring *r = ring_mine(c);
	uint32_t payload = 0, kept = 0, left = most + whole;
	uint64_t now = clock_now_ns();
	struct capture_record *rec;
	struct see_record_wire h;
	uint8_t *p;

	if (r == NULL)
		return;
	for (uint32_t i = 0; i < n; i++) {
		payload += v[i].len;
		kept += piece_keep(v[i].len, most, each, &left);
	}
	uint32_t fixed = (uint32_t)sizeof(h) + pkt->ext.len + pkt->data.len;

	rec = capture_ring_room(r, fixed + kept);
	if (rec == NULL)
		return;
	rec->orig = fixed + payload;
	rec->text = 0;
	rec->time_ns = now;
	head_fill(&h, name, SEE_PACKET, to_guest, now);
	h.type = le16_put(pkt->type);
	h.flags = le16_put(pkt->flags);
	h.xact = le64_put(pkt->xact);
	h.ext_bytes = le32_put(pkt->ext.len);
	h.data_bytes = le32_put(pkt->data.len);
	h.payload_bytes = le32_put(payload);
	h.piece_max = le32_put(most);
	p = (uint8_t *)(rec + 1);
	memcpy(p, &h, sizeof(h));
	p += sizeof(h);
	if (pkt->ext.len > 0)
		memcpy(p, pkt->ext.p, pkt->ext.len);
	p += pkt->ext.len;
	if (pkt->data.len > 0)
		memcpy(p, pkt->data.p, pkt->data.len);
	p += pkt->data.len;
	left = most + whole;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t len = piece_keep(v[i].len, most, each, &left);

		if (len > 0)
			memcpy(p, v[i].p, len);
		p += len;
	}
	capture_ring_publish(r, rec);
}

/* --- the thread that writes --- */

/* The ring with the oldest record, not younger than `until`; or NULL. */
static struct capture_ring *
ring_oldest(struct capture *c, uint64_t until,
    const struct capture_record **oldest)
{
	struct capture_ring *found = NULL;

	for (uint32_t i = 0; i < CAPTURE_THREADS; i++) {
		const struct capture_record *rec =
		    capture_ring_get(&c->ring[i]);

		if (rec == NULL || rec->time_ns > until)
			continue;
		if (found == NULL || rec->time_ns < (*oldest)->time_ns) {
			found = &c->ring[i];
			*oldest = rec;
		}
	}
	return found;
}

static void
write_until(struct capture *c, uint64_t until)
{
	const struct capture_record *rec;
	struct capture_ring *r;

	while ((r = ring_oldest(c, until, &rec)) != NULL) {
		capture_file_put(&c->file, rec);
		capture_ring_skip(r, rec);
		capture_ring_free(r);
	}
	capture_file_flush(&c->file);
}

static void *
capture_main(void *arg)
{
	const struct timespec look = { 0, CAPTURE_LOOK_NS };
	struct capture *c = arg;

	while (os_ld32(&c->stop) == 0) {
		write_until(c, clock_now_ns() - CAPTURE_SETTLE_NS);
		if (os_xchg32(&c->reopen, 0) != 0)
			capture_file_reopen(&c->file);
		nanosleep(&look, NULL);
	}
	write_until(c, UINT64_MAX);
	return NULL;
}

/* --- life --- */

struct capture *
capture_create(const struct capture_spec *spec, char *err, size_t cap)
{
	struct capture *c = aligned_alloc(OS_CACHELINE,
	    (sizeof(*c) + OS_CACHELINE - 1) & ~(size_t)(OS_CACHELINE - 1));
	const size_t bytes = (size_t)CAPTURE_THREADS * CAPTURE_RING_BYTES;
	int rc;

	if (c == NULL) {
		snprintf(err, cap, "capture: out of memory");
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->snap = spec->snap;
	c->mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->mem == MAP_FAILED) {
		snprintf(err, cap, "capture: %s", strerror(errno));
		goto free_c;
	}
	for (uint32_t i = 0; i < CAPTURE_THREADS; i++) {
		c->ring[i].mem = c->mem + (size_t)i * CAPTURE_RING_BYTES;
		c->ring[i].size = CAPTURE_RING_BYTES;
	}
	if (capture_file_open(&c->file, spec, err, cap) < 0)
		goto unmap;
	rc = pthread_create(&c->thread, NULL, capture_main, c);
	if (rc == 0) {
		pthread_setname_np(c->thread, "capture");
		return c;
	}
	snprintf(err, cap, "capture: %s", strerror(rc));
	capture_file_close(&c->file);
unmap:
	munmap(c->mem, bytes);
free_c:
	free(c);
	return NULL;
}

void
capture_destroy(struct capture *c)
{
	struct capture_counts n;

	if (c == NULL)
		return;
	os_st32(&c->stop, 1);
	pthread_join(c->thread, NULL);
	capture_counts(c, &n);
	if (n.lost > 0)
		fprintf(stderr, "hvnet: capture %s: %llu of %llu records were "
		    "lost: they came faster than the file took them\n",
		    c->file.spec.path, (unsigned long long)n.lost,
		    (unsigned long long)(n.lost + n.records));
	c->file.lost = n.lost;
	capture_file_close(&c->file);
	munmap(c->mem, (size_t)CAPTURE_THREADS * CAPTURE_RING_BYTES);
	free(c);
}

void
capture_reopen(struct capture *c)
{
	if (c != NULL)
		os_st32(&c->reopen, 1);
}

void
capture_counts(const struct capture *c, struct capture_counts *out)
{
	*out = (struct capture_counts){ .lost = os_ld64(&c->no_ring),
		.files = c->file.files };
	for (uint32_t i = 0; i < CAPTURE_THREADS; i++) {
		out->records += os_ld64(&c->ring[i].records);
		out->lost += os_ld64(&c->ring[i].lost);
	}
}
