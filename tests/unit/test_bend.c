/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bends without a host: what a script may say, and what becomes of packets and
 * messages that fit its lines.  A channel on rings and its other end stand in
 * for host and guest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/ring_chan.h"
#include "linux/bend/bend.h"
#include "wire/nvs_msg.h"
#include "wire/rndis_msg.h"
#include "wire/vmbus_msg.h"

#define RING_BYTES	(4 * HV_PAGE_SIZE)
#define SECTION		256u

struct rig {
	struct ring_chan host, guest;
	struct bend *bend;
	struct bend_chan bent;
	uint8_t *ring[2];
	uint8_t recv[4 * SECTION];	/* the guest's receive buffer */
	uint32_t asked, rescinds, posts;
	uint8_t posted[240];
	uint32_t posted_len;
};

static void rig_ask(void *ctx) { ((struct rig *)ctx)->asked++; }
static void rig_rescind(void *ctx) { ((struct rig *)ctx)->rescinds++; }

static void
rig_post(void *ctx, uint32_t guest, uint32_t vp, struct span msg)
{
	struct rig *r = ctx;

	assert_int_equal(guest, 7);
	assert_int_equal(vp, 1);
	memcpy(r->posted, msg.p, msg.len);
	r->posted_len = msg.len;
	r->posts++;
}

static const struct bend_ops rig_ops = {
	.ask = rig_ask, .post = rig_post, .rescind = rig_rescind,
};

static void
rig_memory(void *ctx, struct see_memory *m)
{
	struct rig *r = ctx;

	*m = (struct see_memory){ .recv = r->recv,
		.recv_bytes = sizeof(r->recv) };
}

static uint8_t *
rig_gpa(void *ctx, uint64_t gpa, uint32_t len)
{
	return NULL;
}

static const struct see_watch_ops rig_need = {
	.memory = rig_memory, .gpa = rig_gpa,
};

static void rig_signal(struct ring_chan *rc) { }

static void
rig_chan(struct ring_chan *rc, uint8_t *out, uint8_t *in)
{
	const struct ring_chan_config cfg = { .out_mem = out, .in_mem = in,
		.out_bytes = RING_BYTES, .in_bytes = RING_BYTES,
		.policy = RING_CHAN_EDGE, .signal = rig_signal };
	enum fault why;

	memset(rc, 0, sizeof(*rc));
	rc->chan.ops = &ring_chan_ops;
	assert_int_equal(ring_chan_init(rc, &cfg, &why), 0);
}

/* A script of this text; NULL with its complaint in err. */
static struct bend *
script(const char *text, void *ctx, char *err, size_t cap)
{
	char path[] = "/tmp/hvnet-test-bend-XXXXXX";
	int fd = mkstemp(path);
	struct bend *b;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	b = bend_load(path, &rig_ops, ctx, err, cap);
	unlink(path);
	return b;
}

static void
rig_make(struct rig *r, const char *text)
{
	char err[600] = "";

	memset(r, 0, sizeof(*r));
	for (int i = 0; i < 2; i++) {
		r->ring[i] = aligned_alloc(HV_PAGE_SIZE, RING_BYTES);
		memset(r->ring[i], 0, RING_BYTES);
	}
	rig_chan(&r->host, r->ring[0], r->ring[1]);
	rig_chan(&r->guest, r->ring[1], r->ring[0]);
	r->bend = script(text, r, err, sizeof(err));
	assert_string_equal(err, "");
	bend_chan_start(&r->bent, &r->host.chan, &r->host, r->bend, &rig_need,
	    r);
}

static void
rig_free(struct rig *r)
{
	bend_chan_stop(&r->bent);
	assert_ptr_equal(r->host.chan.ops, &ring_chan_ops);
	bend_free(r->bend);
	free(r->ring[0]);
	free(r->ring[1]);
}

/* The host sends an NVSP message of so many words. */
static void
say(struct rig *r, uint32_t words, const uint32_t *w)
{
	const struct vmpkt_out p = { .type = VMPKT_COMPLETION, .xact = 5,
		.data = { (const uint8_t *)w, words * 4 } };

	assert_int_equal(chan_send(&r->host.chan, &p), 0);
	chan_commit(&r->host.chan);
}

/* SUBCHAN with this count. */
static void
say_count(struct rig *r, uint32_t count)
{
	const uint32_t w[10] = { NVS_SUBCHAN, 1, count };

	say(r, 10, w);
}

static void
say_init_done(struct rig *r)
{
	const uint32_t w[10] = { NVS_INIT_DONE, NVS_NO_VERSION, 34, 1 };

	say(r, 10, w);
}

/* What the guest gets next: its type and the word at `at`; false: nothing. */
static bool
hear(struct rig *r, uint32_t *type, uint32_t at, uint32_t *value)
{
	uint8_t buf[512];
	struct vmpkt_in in;

	if (chan_recv(&r->guest.chan, &in, buf, sizeof(buf)) != 1)
		return false;
	chan_recv_commit(&r->guest.chan);
	memcpy(type, in.data.p, 4);
	*value = 0;
	if (in.data.len >= 4 * at + 4)
		memcpy(value, in.data.p + 4 * at, 4);
	return true;
}

static void
expect(struct rig *r, uint32_t type, uint32_t at, uint32_t value)
{
	uint32_t t, v;

	assert_true(hear(r, &t, at, &v));
	assert_int_equal(t, type);
	assert_int_equal(v, value);
}

static void
expect_silence(struct rig *r)
{
	uint32_t t, v;

	assert_false(hear(r, &t, 0, &v));
}

static void
test_complaints(void **state)
{
	static const struct { const char *line, *says; } bad[] = {
		{ "NVSP SUBCHAN count=1", "ACTION" },
		{ "OFFER_CHANNEL: drop", "want VMBUS, NVSP or RNDIS" },
		{ "VMBUS OFER: drop", "'OFER' is no message of VMBUS" },
		{ "VMBUS OPEN_CHANNEL: drop", "write 'guest' before it" },
		{ "guest VMBUS OPEN_RESULT: drop", "leave 'guest' out" },
		{ "NVSP SUBCHAN x: drop", "field=value" },
		{ "NVSP SUBCHAN n=0: drop", "from 1" },
		{ "NVSP SUBCHAN n=5..2: drop", "2..5" },
		{ "NVSP SUBCHAN: fly", "'fly' is no action" },
		{ "NVSP SUBCHAN: drop now", "nothing comes behind" },
		{ "NVSP SUBCHAN: set cuont=1", "there are: status count" },
		{ "NVSP SUBCHAN: set count=x", "want a number" },
		{ "NVSP SUBCHAN: wait 5", "such as 200ms" },
		{ "NVSP SUBCHAN: until VMBUS", "'' is no message" },
		{ "NVSP SUBCHAN: say 0g", "hexadecimal" },
		{ "NVSP SUBCHAN: index 8", "+N or -N" },
		{ "VMBUS OPEN_RESULT: index +8", "in no ring" },
		{ "RNDIS INIT_DONE: cut 8", "range.bytes" },
		{ "guest NVSP INIT: wait 1s", "a guest's message" },
		{ "guest RNDIS INIT: set u32@0=1", "cannot be changed" },
	};
	char err[600], text[200];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text), "# fine\n\n%s\n", bad[i].line);
		assert_null(script(text, NULL, err, sizeof(err)));
		if (strstr(err, bad[i].says) == NULL ||
		    strstr(err, ":3: ") == NULL)
			fail_msg("%s: %s", bad[i].line, err);
	}
}

static void
test_set_drop_twice_cut(void **state)
{
	struct rig r;

	rig_make(&r, "NVSP SUBCHAN n=1: set count=+2 status=2\n"
	    "NVSP SUBCHAN n=2: drop\n"
	    "NVSP SUBCHAN count=9: twice  # and no other\n"
	    "NVSP SUBCHAN n=5: cut 8\n");
	say_count(&r, 1);
	expect(&r, NVS_SUBCHAN, 2, 3);
	say_count(&r, 1);
	expect_silence(&r);
	say_count(&r, 9);
	expect(&r, NVS_SUBCHAN, 2, 9);
	expect(&r, NVS_SUBCHAN, 2, 9);
	say_count(&r, 90);
	expect(&r, NVS_SUBCHAN, 2, 90);
	say_count(&r, 8);
	expect(&r, NVS_SUBCHAN, 2, 0);
	expect_silence(&r);
	json_t *stat = bend_stat(r.bend);
	json_t *third = json_array_get(stat, 2);
	assert_int_equal(json_integer_value(json_object_get(third, "line")), 3);
	assert_int_equal(json_integer_value(json_object_get(third, "done")), 1);
	json_decref(stat);
	rig_free(&r);
}

static void
test_held(void **state)
{
	struct rig r;

	rig_make(&r, "NVSP SUBCHAN n=1: until NVSP INIT_DONE status=ok\n"
	    "NVSP SUBCHAN n=2: swap\n"
	    "NVSP SUBCHAN n=3: wait 0ms\n"
	    "NVSP SUBCHAN n=4: wait 3600s\n");
	say_count(&r, 1);
	assert_int_equal(bend_release(r.bend), 0);
	expect_silence(&r);
	say_init_done(&r);
	expect(&r, NVS_INIT_DONE, 3, 1);
	assert_true(r.asked > 0);
	assert_int_equal(bend_release(r.bend), 0);
	expect(&r, NVS_SUBCHAN, 2, 1);
	say_count(&r, 2);
	expect_silence(&r);
	say_init_done(&r);
	expect(&r, NVS_INIT_DONE, 3, 1);
	expect(&r, NVS_SUBCHAN, 2, 2);
	say_count(&r, 3);
	(void)bend_release(r.bend);
	expect(&r, NVS_SUBCHAN, 2, 3);
	/* What waits still goes when the channel is straight again. */
	say_count(&r, 4);
	assert_true(bend_release(r.bend) > 3000000000000u);
	expect_silence(&r);
	bend_chan_stop(&r.bent);
	expect(&r, NVS_SUBCHAN, 2, 4);
	rig_free(&r);
}

/* Of packets that would all be swapped each second one passes the last. */
static void
test_swap_all(void **state)
{
	struct rig r;

	rig_make(&r, "NVSP SUBCHAN: swap\n");
	for (uint32_t i = 1; i < 5; i += 2) {
		say_count(&r, i);
		expect_silence(&r);
		say_count(&r, i + 1);
		expect(&r, NVS_SUBCHAN, 2, i + 1);
		expect(&r, NVS_SUBCHAN, 2, i);
	}
	rig_free(&r);
}

/* A host says nothing by itself in a sub-channel. */
static void
test_say_in_subchannel(void **state)
{
	struct rig r;

	rig_make(&r, "NVSP INIT_DONE n=1: say ef000000 01000000\n");
	r.host.chan.subindex = 1;
	say_init_done(&r);
	expect(&r, NVS_INIT_DONE, 3, 1);
	expect_silence(&r);
	r.host.chan.subindex = 0;
	say_init_done(&r);
	expect(&r, NVS_INIT_DONE, 3, 1);
	expect(&r, 0xef, 1, 1);
	rig_free(&r);
}

static void
test_say_and_rescind(void **state)
{
	struct rig r;

	rig_make(&r, "NVSP INIT_DONE: say ef000000 01000000; rescind\n");
	say_init_done(&r);
	expect(&r, NVS_INIT_DONE, 3, 1);
	expect(&r, 0xef, 1, 1);
	(void)bend_release(r.bend);
	(void)bend_release(r.bend);
	assert_int_equal(r.rescinds, 1);
	rig_free(&r);
}

/* RNDIS lies in the receive buffer, and its packet names sections there. */
static void
test_rndis(void **state)
{
	const uint32_t nvs[4] = { NVS_RNDIS, NVS_CHANNEL_CONTROL,
		NVS_SECTION_NONE, 0 };
	const uint32_t done[4] = { RNDIS_SET_DONE, 16, 0x10, 0 };
	const struct vmpkt_xfer_range range = { 16, SECTION };
	uint8_t ext[VMPKT_XFER_EXT_BYTES(1)], buf[512];
	struct vmpkt_out p = { .type = VMPKT_XFER_PAGES, .xact = 1,
		.ext = { ext, sizeof(ext) },
		.data = { (const uint8_t *)nvs, sizeof(nvs) } };
	struct vmpkt_xfer x;
	struct vmpkt_in in;
	enum fault why;
	uint32_t status;
	struct rig r;

	rig_make(&r, "RNDIS SET_DONE id=0x10 status=OK: set status=0xc0000001 "
	    "range.bytes=8 packet.xact=77\n");
	vmpkt_xfer_ext_put(ext, 0, &range, 1);
	memcpy(r.recv + SECTION, done, sizeof(done));
	assert_int_equal(chan_send(&r.host.chan, &p), 0);
	chan_commit(&r.host.chan);
	assert_int_equal(chan_recv(&r.guest.chan, &in, buf, sizeof(buf)), 1);
	memcpy(&status, r.recv + SECTION + 12, 4);
	assert_int_equal(status, 0xc0000001);
	assert_int_equal(in.xact, 77);
	assert_int_equal(vmpkt_xfer_decode(&x, in.ext, &why), 0);
	assert_int_equal(vmpkt_xfer_range(&x, 0).bytes, 8);
	rig_free(&r);
}

/* Lies that only a ring can tell break the guest's end of it. */
static void
test_ring_lies(void **state)
{
	static const struct { const char *line; enum fault why; } lies[] = {
		{ "NVSP SUBCHAN: set packet.len8=+9", FAULT_RING_OVERRUN },
		{ "NVSP SUBCHAN: set packet.off8=0", FAULT_RING_DESC },
		{ "NVSP SUBCHAN: index +1000000", FAULT_RING_INDEX },
	};
	struct vmpkt_in in;
	uint8_t buf[512];
	struct rig r;

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		rig_make(&r, lies[i].line);
		say_count(&r, 1);
		assert_int_equal(chan_recv(&r.guest.chan, &in, buf,
		    sizeof(buf)), E_PEER);
		assert_int_equal(r.guest.chan.faults.last, lies[i].why);
		rig_free(&r);
	}
}

/* A channel that is on no ring has none to lie in: all else is bent. */
static void
test_no_ring(void **state)
{
	struct vmpkt_in in;
	uint8_t buf[512];
	uint32_t count;
	struct rig r;

	rig_make(&r, "NVSP SUBCHAN: set packet.len8=+9; set packet.off8=0; "
	    "set count=7; index +1000000\n");
	bend_chan_stop(&r.bent);
	bend_chan_start(&r.bent, &r.host.chan, NULL, r.bend, &rig_need, &r);
	say_count(&r, 1);
	assert_int_equal(chan_recv(&r.guest.chan, &in, buf, sizeof(buf)), 1);
	memcpy(&count, in.data.p + 8, 4);
	assert_int_equal(count, 7);
	chan_recv_commit(&r.guest.chan);
	assert_int_equal(chan_recv(&r.guest.chan, &in, buf, sizeof(buf)), 0);
	assert_int_equal(r.guest.chan.faults.total, 0);
	rig_free(&r);
}

static void
test_from_guest(void **state)
{
	const uint32_t w[10] = { NVS_SUBCHAN, 1, 3 };
	const struct vmpkt_out p = { .type = VMPKT_INBAND, .xact = 5,
		.data = { (const uint8_t *)w, sizeof(w) } };
	struct vmpkt_in in;
	uint8_t buf[512];
	uint32_t count;
	struct rig r;

	rig_make(&r, "guest NVSP SUBCHAN n=1: drop\n"
	    "guest NVSP SUBCHAN n=2: set count=1\n");
	for (int i = 0; i < 2; i++)
		assert_int_equal(chan_send(&r.guest.chan, &p), 0);
	chan_commit(&r.guest.chan);
	assert_int_equal(chan_recv(&r.host.chan, &in, buf, sizeof(buf)), 1);
	memcpy(&count, in.data.p + 8, 4);
	assert_int_equal(count, 1);
	assert_int_equal(chan_recv(&r.host.chan, &in, buf, sizeof(buf)), 0);
	rig_free(&r);
}

static void
test_messages(void **state)
{
	uint32_t open[5] = { VMBUS_OPEN_RESULT, 0, 1, 4, 0 }, len;
	struct rig r;

	rig_make(&r, "VMBUS OPEN_RESULT n=1: set status=5\n"
	    "VMBUS OPEN_RESULT n=2: drop\n"
	    "VMBUS OPEN_RESULT n=3: twice; cut 16\n"
	    "VMBUS OPEN_RESULT n=4: wait 0ms\n"
	    "VMBUS OPEN_RESULT n=5: say 0400000000000000\n"
	    "guest VMBUS OPEN_CHANNEL: drop\n");
#define SHOW(to_guest) (len = sizeof(open), bend_message(r.bend, to_guest, 7, \
	    1, (uint8_t *)open, &len))
	assert_int_equal(SHOW(true), BEND_PASS);
	assert_int_equal(open[4], 5);
	open[4] = 0;
	assert_int_equal(SHOW(true), BEND_TAKE);
	assert_int_equal(SHOW(true), BEND_TWICE);
	assert_int_equal(len, 16);
	assert_int_equal(SHOW(true), BEND_TAKE);
	(void)bend_release(r.bend);
	assert_int_equal(r.posts, 1);
	assert_memory_equal(r.posted, open, sizeof(open));
	assert_int_equal(SHOW(true), BEND_PASS);
	(void)bend_release(r.bend);
	assert_int_equal(r.posts, 2);
	assert_int_equal(r.posted[0], VMBUS_ALL_OFFERS_DELIVERED);
	assert_int_equal(r.posted_len, 8);
	open[0] = VMBUS_OPEN_CHANNEL;
	assert_int_equal(SHOW(false), BEND_TAKE);
	open[0] = 99;
	assert_int_equal(SHOW(false), BEND_PASS);
	rig_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_set_drop_twice_cut),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_swap_all),
		cmocka_unit_test(test_say_in_subchannel),
		cmocka_unit_test(test_say_and_rescind),
		cmocka_unit_test(test_rndis),
		cmocka_unit_test(test_ring_lies),
		cmocka_unit_test(test_no_ring),
		cmocka_unit_test(test_from_guest),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
