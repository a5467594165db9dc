/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A producer and a consumer thread that sleep on eventfds and are woken only by
 * the signals that the ring requests.  A wake-up that gets lost leaves both
 * asleep: poll() then runs into the watchdog, and the test fails.  The last
 * test loses one on purpose, to show that the watchdog barks.
 *
 * Run under ThreadSanitizer this also shows that the ring has no data race.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test_ring_rig.h"

#define PACKETS		200000u
#define WATCHDOG_MS	60000
#define MAX_DATA	600u

static struct rig rig;

struct pair {
	int to_reader, to_writer;	/* eventfds */
	uint32_t packets;
	bool reader_masks;
	int watchdog_ms;
	uint32_t lose_wakeup;		/* swallow this signal, 1 the first */
	/* set by one thread, read after join */
	const char *writer_failed, *reader_failed;
	uint64_t writer_sleeps, reader_sleeps;
};

static uint32_t
next_random(uint32_t *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

static void
wake(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

/* Sleep until signalled; false if nobody did. */
static bool
sleep_on(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t n;

	if (poll(&p, 1, ms) != 1)
		return false;
	return read(fd, &n, sizeof(n)) == sizeof(n);
}

static void
commit_and_wake(struct pair *pr)
{
	if (!ring_out_commit(&rig.out))
		return;
	if (rig.out.counters.signals == pr->lose_wakeup)
		return;
	wake(pr->to_reader);
}

static void *
writer(void *arg)
{
	struct pair *pr = arg;
	uint8_t data[MAX_DATA];
	uint32_t rng = 1, len = 8;
	enum fault why;

	for (uint32_t i = 0; i < pr->packets;) {
		struct vmpkt_out p = { .type = VMPKT_INBAND, .xact = i,
		    .data = { data, len } };
		int r;

		memset(data, (uint8_t)i, len);
		r = ring_out_put(&rig.out, &p, &why);
		if (r == 0) {
			i++;
			len = next_random(&rng) % (MAX_DATA + 1);
			if (next_random(&rng) % 4 == 0)
				commit_and_wake(pr);
			continue;
		}
		if (r != E_AGAIN) {
			pr->writer_failed = "put";
			return NULL;
		}
		commit_and_wake(pr);
		while (!ring_out_want_space(&rig.out,
		    (uint32_t)ring_packet_bytes(0, len))) {
			pr->writer_sleeps++;
			if (!sleep_on(pr->to_writer, pr->watchdog_ms)) {
				pr->writer_failed = "lost wake-up";
				return NULL;
			}
		}
	}
	commit_and_wake(pr);
	return NULL;
}

static bool
packet_ok(const struct vmpkt_in *pkt, uint32_t i, uint32_t len)
{
	if (pkt->xact != i || pkt->data.len != align_up(len, 8))
		return false;
	for (uint32_t k = 0; k < len; k++)
		if (pkt->data.p[k] != (uint8_t)i)
			return false;
	return true;
}

static void
give_back(struct pair *pr)
{
	if (ring_in_commit(&rig.in))
		wake(pr->to_writer);
}

static void *
reader(void *arg)
{
	static uint8_t buf[MAX_DATA + 8];
	struct pair *pr = arg;
	uint32_t i = 0, rng = 1, pace = 7, len = 8;
	struct vmpkt_in pkt;
	enum fault why;

	for (;;) {
		int r;

		if (pr->reader_masks)
			ring_in_mask(&rig.in);
		while ((r = ring_in_get(&rig.in, &pkt, buf, sizeof(buf),
		    &why)) == 1) {
			if (!packet_ok(&pkt, i, len)) {
				pr->reader_failed = "wrong packet";
				return NULL;
			}
			/* The writer's draws, in the writer's order. */
			len = next_random(&rng) % (MAX_DATA + 1);
			next_random(&rng);
			i++;
			if (next_random(&pace) % 8 == 0)
				give_back(pr);
		}
		give_back(pr);
		if (r < 0) {
			pr->reader_failed = "get";
			return NULL;
		}
		if (i == pr->packets)
			return NULL;
		if (ring_in_unmask(&rig.in))
			continue;
		pr->reader_sleeps++;
		if (!sleep_on(pr->to_reader, pr->watchdog_ms)) {
			pr->reader_failed = "lost wake-up";
			return NULL;
		}
	}
}

static void
run_pair(struct pair *pr, uint32_t ring_bytes)
{
	pthread_t w, r;

	rig_init_at(&rig, ring_bytes, 0, 0, 0);
	pr->to_reader = eventfd(0, 0);
	pr->to_writer = eventfd(0, 0);
	assert_true(pr->to_reader >= 0 && pr->to_writer >= 0);
	assert_int_equal(pthread_create(&r, NULL, reader, pr), 0);
	assert_int_equal(pthread_create(&w, NULL, writer, pr), 0);
	pthread_join(w, NULL);
	pthread_join(r, NULL);
	close(pr->to_reader);
	close(pr->to_writer);
	printf("# signals %llu, space signals %llu, reader slept %llu, "
	    "writer slept %llu, re-checks that hit %llu and %llu\n",
	    (unsigned long long)rig.out.counters.signals,
	    (unsigned long long)rig.in.counters.signals,
	    (unsigned long long)pr->reader_sleeps,
	    (unsigned long long)pr->writer_sleeps,
	    (unsigned long long)rig.in.counters.rechecks,
	    (unsigned long long)rig.out.counters.wait_avoided);
}

static void
run_good(bool masks, uint32_t ring_bytes)
{
	struct pair pr = { .packets = PACKETS, .reader_masks = masks,
	    .watchdog_ms = WATCHDOG_MS };

	run_pair(&pr, ring_bytes);
	if (pr.writer_failed || pr.reader_failed)
		fail_msg("writer: %s, reader: %s",
		    pr.writer_failed ? pr.writer_failed : "ok",
		    pr.reader_failed ? pr.reader_failed : "ok");
	assert_int_equal(rig.in.counters.packets, PACKETS);
	assert_true(ring_in_empty(&rig.in));
}

static void
masking_reader(void **state)
{
	run_good(true, 2 * HV_PAGE_SIZE);
}

static void
polling_reader(void **state)
{
	run_good(false, 2 * HV_PAGE_SIZE);
}

static void
larger_ring(void **state)
{
	run_good(true, 17 * HV_PAGE_SIZE);
}

static void
watchdog_barks(void **state)
{
	struct pair pr = { .packets = 1, .watchdog_ms = 100,
	    .lose_wakeup = 1 };

	/* The reader must be asleep for the loss to be one. */
	rig_init_at(&rig, 2 * HV_PAGE_SIZE, 0, 0, 0);
	pr.to_reader = eventfd(0, 0);
	assert_true(pr.to_reader >= 0);
	assert_false(ring_in_unmask(&rig.in));
	writer(&pr);
	assert_int_equal(rig.out.counters.signals, 1);
	assert_false(sleep_on(pr.to_reader, pr.watchdog_ms));
	close(pr.to_reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masking_reader),
		cmocka_unit_test(polling_reader),
		cmocka_unit_test(larger_ring),
		cmocka_unit_test(watchdog_barks),
	};

	return cmocka_run_group_tests_name("ring_threads", tests, NULL, NULL);
}
