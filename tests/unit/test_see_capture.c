/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures without a network: the ring of records, the option's text, and a
 * file read back by libpcap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pcap/pcap.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/see/capture.h"
#include "linux/see/capture_frames.h"
#include "linux/see/capture_ring.h"
#include "wire/nvs_msg.h"
#include "test_pkt_frame.h"
#include "wire/rndis_pkt.h"

#define RING	4096u

/* --- the ring --- */

static void
ring_make(struct capture_ring *r, uint32_t size)
{
	memset(r, 0, sizeof(*r));
	r->mem = malloc(size);
	r->size = size;
	assert_non_null(r->mem);
}

static bool
ring_put(struct capture_ring *r, uint32_t bytes, uint8_t mark)
{
	struct capture_record *rec = capture_ring_room(r, bytes);

	if (rec == NULL)
		return false;
	rec->orig = bytes;
	rec->text = 0;
	rec->time_ns = mark;
	memset(rec + 1, mark, bytes);
	capture_ring_publish(r, rec);
	return true;
}

/* The next record has these bytes, all of them the mark. */
static void
ring_expect(struct capture_ring *r, uint32_t bytes, uint8_t mark)
{
	const struct capture_record *rec = capture_ring_get(r);
	const uint8_t *p = (const uint8_t *)(rec + 1);

	assert_non_null(rec);
	assert_int_equal(rec->bytes, bytes);
	for (uint32_t i = 0; i < bytes; i++)
		assert_int_equal(p[i], mark);
	capture_ring_skip(r, rec);
}

/* Every length and place: what goes in comes out, in order, over the end. */
static void
test_ring_all_lengths(void **state)
{
	struct capture_ring r;
	uint8_t mark = 1;

	ring_make(&r, RING);
	for (uint32_t bytes = 1; bytes < RING / 2 - 64; bytes += 7) {
		assert_true(ring_put(&r, bytes, mark));
		assert_true(ring_put(&r, 9, (uint8_t)(mark + 1)));
		ring_expect(&r, bytes, mark);
		ring_expect(&r, 9, (uint8_t)(mark + 1));
		assert_null(capture_ring_get(&r));
		capture_ring_free(&r);
		mark += 2;
	}
	assert_int_equal(r.lost, 0);
	free(r.mem);
}

/* What does not fit is counted, and the next record says how many. */
static void
test_ring_counts_what_is_lost(void **state)
{
	const struct capture_record *rec;
	struct capture_ring r;
	uint32_t in = 0;

	ring_make(&r, RING);
	while (ring_put(&r, 100, 1))
		in++;
	assert_true(in >= RING / 136);
	assert_false(ring_put(&r, 100, 1));
	assert_int_equal(r.lost, 2);
	assert_int_equal(r.records, in);
	/* Not given back yet: still none. */
	ring_expect(&r, 100, 1);
	assert_false(ring_put(&r, 100, 1));
	capture_ring_free(&r);
	assert_true(ring_put(&r, 8, 2));
	for (uint32_t i = 1; i < in; i++)
		ring_expect(&r, 100, 1);
	rec = capture_ring_get(&r);
	assert_int_equal(rec->lost, 3);
	/* Never longer than the ring. */
	assert_false(ring_put(&r, 2 * RING, 1));
	free(r.mem);
}

struct feed {
	struct capture_ring *r;
	uint32_t count;
};

static void *
feed_main(void *arg)
{
	struct feed *f = arg;

	for (uint32_t i = 0; i < f->count;)
		if (ring_put(f->r, 1 + i % 300, (uint8_t)i))
			i++;
	return NULL;
}

static void
test_ring_two_threads(void **state)
{
	struct capture_ring r;
	struct feed f = { &r, 20000 };
	pthread_t t;

	ring_make(&r, RING);
	assert_int_equal(pthread_create(&t, NULL, feed_main, &f), 0);
	for (uint32_t i = 0; i < f.count;) {
		if (capture_ring_get(&r) == NULL)
			continue;
		ring_expect(&r, 1 + i % 300, (uint8_t)i);
		capture_ring_free(&r);
		i++;
	}
	pthread_join(t, NULL);
	free(r.mem);
}

/* --- the option --- */

static void
test_option(void **state)
{
	struct capture_spec s;
	char err[300];

	assert_int_equal(capture_parse(&s, "x", err, sizeof(err)), 0);
	assert_string_equal(s.path, "x");
	assert_int_equal(s.snap, 2048);
	assert_int_equal(capture_parse(&s, "/a/b,files=3,snap=64,size=1", err,
	    sizeof(err)), 0);
	assert_string_equal(s.path, "/a/b");
	assert_int_equal(s.snap, 64);
	assert_int_equal(s.size_mib, 1);
	assert_int_equal(s.files, 3);
	assert_false(s.gso_cut);
	assert_int_equal(capture_parse(&s, "x,gso=cut,snap=64", err,
	    sizeof(err)), 0);
	assert_true(s.gso_cut);
	assert_true(capture_parse(&s, "x,gso=cutt", err, sizeof(err)) < 0);
	assert_true(capture_parse(&s, "x,", err, sizeof(err)) < 0);
	assert_true(capture_parse(&s, "x,snap=63", err, sizeof(err)) < 0);
	assert_string_equal(err, "snap=63: want bytes of a frame, from 64 to "
	    "65535");
}

/* --- a file --- */

/* An RNDIS data message with a frame of len bytes; returns its length. */
static uint32_t
message_put(uint8_t *p, uint32_t len, uint8_t mark)
{
	uint32_t head = 44 + RNDIS_PPI_BYTES;

	rndis_packet_put_bare(p, head + len, head, len, RNDIS_PPI_BYTES);
	rndis_ppi_put(p + 44, RNDIS_PPI_VLAN, rndis_vlan_from_tci(5));
	memset(p + head, mark, len);
	return head + len;
}

static void
packet_put(struct capture *c, const struct see_name *n, uint8_t *bytes,
    uint32_t len)
{
	const struct nvs_msg m = { .type = NVS_RNDIS, .rndis = {
	    NVS_CHANNEL_DATA, 0, len } };
	uint8_t nvs[NVS_MSG_BYTES_MAX];
	const struct vmpkt_in pkt = { .type = VMPKT_INBAND, .xact = 7,
		.data = { nvs, nvs_msg_encode(&m, NVS_MSG_BYTES_6_1, nvs) } };
	const struct vec v = { bytes, len };

	capture_packet(c, n, false, &pkt, &v, 1, 0);
}

/* Whole frames with their tag, cut ones with their length, a comment. */
static void
test_file(void **state)
{
	struct capture_spec s = { .snap = 200, .size_mib = 1, .files = 1 };
	char err[400], why[PCAP_ERRBUF_SIZE];
	struct see_name name;
	struct pcap_pkthdr *h;
	struct capture *c;
	uint8_t bytes[4000];
	const u_char *p;
	uint32_t len;
	pcap_t *in;

	snprintf(s.path, sizeof(s.path), "/tmp/hvnet-test-see.%d",
	    (int)getpid());
	see_name_set(&name, SEE_END_HOST, "n0", 3);
	c = capture_create(&s, err, sizeof(err));
	assert_non_null(c);
	len = message_put(bytes, 60, 0x11);
	packet_put(c, &name, bytes, len);
	len += message_put(bytes + len, 1000, 0x22);
	packet_put(c, &name, bytes, len);
	capture_note(c, &name, "note %d", 1);
	capture_message(c, &name, true, (struct span){ bytes, 12 });
	capture_destroy(c);
	/* libpcap takes one link type: it stops at the second interface. */
	in = pcap_open_offline(s.path, why);
	assert_non_null(in);
	assert_int_equal(pcap_datalink(in), DLT_USER0);
	assert_int_equal(pcap_next_ex(in, &h, &p), 1);
	assert_int_equal(h->caplen, sizeof(struct see_record_wire) + 40 + 120);
	assert_int_equal(h->len, h->caplen);
	assert_string_equal((const char *)p + 56, "n0");
	assert_int_equal(p[4], 3);
	pcap_close(in);
	unlink(s.path);
}

/* --- frames of several segments --- */

struct cut {
	const struct frame_spec *spec;
	uint32_t count, bytes;		/* segments, and payload of them */
	uint32_t there;			/* payload that was captured */
	bool whole;
};

static void
cut_emit(void *ctx, const struct see_record_wire *h, uint64_t time_ns,
    const struct span *v, uint32_t n, uint32_t orig)
{
	const uint32_t l3 = frame_l3(&(struct frame_spec){ .tags = 1 });
	struct cut *t = ctx;
	uint8_t seg[4000];
	uint32_t len = 0;

	for (uint32_t i = 0; i < n; i++) {
		assert_true(len + v[i].len <= sizeof(seg));
		memcpy(seg + len, v[i].p, v[i].len);
		len += v[i].len;
	}
	assert_int_equal(get16(seg + 12), 0x8100);
	assert_int_equal(get16(seg + 14), 5);
	assert_int_equal(get16(seg + l3 + 2), orig - l3);
	assert_int_equal(get32(seg + l3 + 24), t->spec->seq + t->bytes);
	if (t->whole) {
		assert_int_equal(len, orig);
		assert_int_equal(0xffff, naive_sum(naive_pseudo(seg + l3, 6,
		    len - l3 - 20), seg + l3 + 20, len - l3 - 20));
	}
	t->count++;
	t->bytes += orig - l3 - 40;
	t->there += len - l3 - 40;
}

/* A frame of 5 segments, of which `kept` bytes of the message are there. */
static struct cut
cut_run(uint32_t mss, uint32_t kept)
{
	static const struct frame_spec spec = { .version = 4, .proto = 6,
		.flags = 0x18, .seq = 1000, .payload = 4500 };
	struct cut t = { .spec = &spec, .whole = kept == UINT32_MAX };
	struct capture_frames *c = calloc(1, sizeof(*c));
	const struct nvs_msg m = { .type = NVS_RNDIS, .rndis = {
	    NVS_CHANNEL_DATA, 0, 0 } };
	const uint32_t head = 44 + 2 * RNDIS_PPI_BYTES;
	struct see_record_wire h = { .type = le16_put(VMPKT_INBAND) };
	uint8_t body[6000];
	uint32_t nvs = nvs_msg_encode(&m, NVS_MSG_BYTES_6_1, body), len;
	uint8_t *p = body + nvs;

	assert_non_null(c);
	c->emit = cut_emit;
	c->ctx = &t;
	c->segments = true;
	len = frame_build(p + head, &spec);
	rndis_packet_put_bare(p, head + len, head, len, 2 * RNDIS_PPI_BYTES);
	rndis_ppi_put(p + 44, RNDIS_PPI_VLAN, rndis_vlan_from_tci(5));
	rndis_ppi_put(p + 44 + RNDIS_PPI_BYTES, RNDIS_PPI_LSO,
	    rndis_lso_put(mss, 34, false));
	h.data_bytes = le32_put(nvs);
	capture_frames_of(c, &h, 1, (struct span){ body, nvs +
	    min_u32(head + len, kept) });
	free(c);
	return t;
}

/* Segments have lengths, numbers and sums of their own; also of what is cut. */
static void
test_segments(void **state)
{
	const uint32_t head = 44 + 2 * RNDIS_PPI_BYTES + 54;
	struct cut t = cut_run(1000, UINT32_MAX);

	assert_int_equal(t.count, 5);
	assert_int_equal(t.bytes, 4500);
	assert_int_equal(t.there, 4500);
	t = cut_run(1000, head + 1300);
	assert_int_equal(t.count, 5);
	assert_int_equal(t.bytes, 4500);
	assert_int_equal(t.there, 1300);
}

static void
lengths_emit(void *ctx, const struct see_record_wire *h, uint64_t time_ns,
    const struct span *v, uint32_t n, uint32_t orig)
{
	uint32_t *frames = ctx, len = 0;

	for (uint32_t i = 0; i < n; i++)
		len += v[i].len;
	assert_true(len <= CAPTURE_FRAME_MAX && len <= orig);
	++*frames;
}

/* Fragments whose lengths are over 32 bits together. */
static void
test_lengths_that_lie(void **state)
{
	const uint32_t head = 44 + 2 * RNDIS_PPI_BYTES, there = 1000;
	const uint32_t said[] = { there + 700, 0u - 1500u };
	const uint32_t flags[] = { RNDIS_FRAG_FIRST, RNDIS_FRAG_LAST };
	struct capture_frames *c = calloc(1, sizeof(*c));
	const struct nvs_msg m = { .type = NVS_RNDIS, .rndis = {
	    NVS_CHANNEL_DATA, 0, 0 } };
	struct see_record_wire h = { .type = le16_put(VMPKT_INBAND) };
	uint8_t body[2000] = { 0 };
	uint32_t nvs = nvs_msg_encode(&m, NVS_MSG_BYTES_6_1, body);
	uint32_t frames = 0;
	uint8_t *p = body + nvs;

	assert_non_null(c);
	c->emit = lengths_emit;
	c->ctx = &frames;
	c->segments = true;
	h.data_bytes = le32_put(nvs);
	for (uint32_t i = 0; i < 2; i++) {
		rndis_packet_put_bare(p, head + said[i], head, said[i],
		    2 * RNDIS_PPI_BYTES);
		rndis_ppi_put(p + 44, RNDIS_PPI_LSO,
		    rndis_lso_put(1000, 34, false));
		rndis_ppi_put(p + 44 + RNDIS_PPI_BYTES, RNDIS_PPI_PKTINFO_ID,
		    flags[i] << 8);
		capture_frames_of(c, &h, 1, (struct span){ body, nvs + head +
		    there });
	}
	assert_int_equal(frames, 1);
	free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_all_lengths),
		cmocka_unit_test(test_ring_counts_what_is_lost),
		cmocka_unit_test(test_ring_two_threads),
		cmocka_unit_test(test_option),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_lengths_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
