/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's side of the partition protocol against a scripted host: an answer
 * that comes too late, one that nobody requested, a wait that is called off;
 * and a host that means harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/link/link_guest.h"
#include "linux/link/link_msg.h"
#include "linux/run/clock.h"

#define ODD	0xdead0000ull	/* of a region that is answered at leisure */
#define FLOOD	0xdead1000ull	/* of one that is answered by a flood */

struct host {
	int listener;
	char path[64];
	pthread_t thread;
	int32_t early;		/* added to the answer's number */
	uint32_t late_seq;	/* not answered so far; 0: none */
	uint32_t status;	/* of answers to regions that go */
	uint32_t signal;	/* of a connection, before such an answer; */
	int signal_fd;		/* < 0: it is deleted */
	bool wrong_kind;	/* answers HELLO with ACK */
};

static bool off;		/* the guest waits no longer */

static bool
go_on(void *ctx)
{
	return !off;
}

static void
answer(struct host *h, int s, uint32_t seq, uint32_t status)
{
	struct link_ack a = { { LINK_ACK, seq + (uint32_t)h->early }, status };

	/* A guest that was sent nonsense does not wait for it. */
	(void)link_msg_send(s, &a, sizeof(a), NULL, 0, 0);
}

/* Late answers without end, until the guest leaves. */
static void
flood(int s, uint32_t seq)
{
	struct link_ack a = { { LINK_ACK, seq - 1 }, LINK_OK };

	while (link_msg_send(s, &a, sizeof(a), NULL, 0, 0) == 0)
		;
}

static void
send_signal(struct host *h, int s)
{
	struct link_signal m = { { h->signal_fd < 0 ? LINK_SIGNAL_DEL :
	    LINK_SIGNAL_ADD, 0 }, h->signal, 0 };

	assert_int_equal(link_msg_send(s, &m, sizeof(m), &h->signal_fd,
	    h->signal_fd >= 0, 0), 0);
}

/* Answers everything, except a region at ODD: that with the next request. */
static void *
host_main(void *arg)
{
	struct host *h = arg;
	int s = accept(h->listener, NULL, NULL), fds[LINK_MAX_FDS];
	union link_msg m;
	unsigned int n;

	while (link_msg_recv(s, &m, fds, &n, 0) == 1) {
		uint32_t seq = m.hdr.seq;

		link_fds_close(fds, n);
		if (m.hdr.type == LINK_HELLO && !h->wrong_kind) {
			struct link_hello_ack a = { { LINK_HELLO_ACK, seq },
				.connections = 1, .connection = { 1 } };

			assert_int_equal(link_msg_send(s, &a, sizeof(a), NULL,
			    0, 0), 0);
			continue;
		}
		if (m.hdr.type == LINK_MEM_ADD && m.mem_add.gpa == ODD) {
			h->late_seq = seq;
			continue;
		}
		if (m.hdr.type == LINK_MEM_ADD && m.mem_add.gpa == FLOOD)
			flood(s, seq);
		if (m.hdr.type == LINK_MEM_DEL && h->signal_fd != 0)
			send_signal(h, s);
		if (h->late_seq != 0)
			answer(h, s, h->late_seq, LINK_E_MEM);
		h->late_seq = 0;
		if (m.hdr.type != LINK_MEM_ADD || m.mem_add.gpa != FLOOD)
			answer(h, s, seq, m.hdr.type == LINK_MEM_DEL ?
			    h->status : LINK_OK);
	}
	close(s);
	return NULL;
}

static int
guest_try(struct host *h, struct link_guest **lg)
{
	const struct link_guest_config lc = { .path = h->path, .name = "",
		.nic = "", .vps = 1, .memory_bytes = 64u << 20,
		.go_on = go_on };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char err[200];
	int rc;

	off = false;
	snprintf(h->path, sizeof(h->path), "/tmp/hvnet-link.%d",
	    (int)getpid());
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", h->path);
	h->listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(h->listener, (struct sockaddr *)&sa,
	    sizeof(sa)), 0);
	assert_int_equal(listen(h->listener, 1), 0);
	assert_int_equal(pthread_create(&h->thread, NULL, host_main, h), 0);
	rc = link_guest_open(&lc, lg, err, sizeof(err));
	/* Now, so that a test that fails leaves nothing. */
	unlink(h->path);
	return rc;
}

static struct link_guest *
guest_open(struct host *h)
{
	struct link_guest *lg;

	assert_int_equal(guest_try(h, &lg), 0);
	return lg;
}

static void
guest_end(struct host *h, struct link_guest *lg)
{
	if (lg != NULL)
		link_guest_close(lg);
	pthread_join(h->thread, NULL);
	close(h->listener);
}

static void
test_late_answer(void **state)
{
	struct host h = { 0 };
	struct link_guest *lg = guest_open(&h);

	off = true;
	assert_int_equal(link_guest_region_add(lg, ODD, 4096, 0, 0),
	    -ECANCELED);
	off = false;
	/* Its late refusal comes first, and is nobody's. */
	assert_int_equal(link_guest_region_add(lg, 0x1000, 4096, 0, 0), 0);
	assert_int_equal(link_guest_region_del(lg, 0x1000), 0);
	guest_end(&h, lg);
}

static void
test_answer_to_nothing(void **state)
{
	struct host h = { 0 };
	struct link_guest *lg = guest_open(&h);

	h.early = 1;
	assert_int_equal(link_guest_region_add(lg, 0x1000, 4096, 0, 0),
	    -EPROTO);
	guest_end(&h, lg);
}

/* 0 is what a free slot holds: it was our standard input that was closed. */
static void
test_signal_of_nobody(void **state)
{
	struct host h = { .signal_fd = -1 };
	struct link_guest *lg = guest_open(&h);
	int fd = dup(1), copy = dup(0);

	assert_int_equal(dup2(fd, 0), 0);
	assert_int_equal(link_guest_region_del(lg, 0x1000), 0);
	guest_end(&h, lg);
	assert_true(fcntl(0, F_GETFD) >= 0);
	if (copy >= 0)
		dup2(copy, 0);
	close(copy);
	close(fd);
}

/* A write to such a pipe ends a process that does not ignore SIGPIPE. */
static void
test_signal_is_a_pipe(void **state)
{
	struct host h = { .signal = 5 };
	struct link_guest *lg = guest_open(&h);
	int p[2];

	assert_int_equal(pipe(p), 0);
	close(p[0]);
	h.signal_fd = p[1];
	assert_int_equal(link_guest_region_del(lg, 0x1000), -EPROTO);
	link_guest_signal(lg, 5);
	assert_int_equal(link_guest_poll(lg), -EPROTO);
	guest_end(&h, lg);
	close(p[1]);
}

static void
test_flood(void **state)
{
	struct host h = { 0 };
	struct link_guest *lg = guest_open(&h);

	assert_int_equal(link_guest_region_add(lg, FLOOD, 4096, 0, 0),
	    -EPROTO);
	assert_int_equal(link_guest_poll(lg), -EPROTO);
	guest_end(&h, lg);
}

static void
test_status_is_no_error(void **state)
{
	struct host h = { .status = 0xffffff94 };	/* -108 */
	struct link_guest *lg = guest_open(&h);

	assert_int_equal(link_guest_region_del(lg, 0x1000), INT_MAX);
	guest_end(&h, lg);
}

static void
test_answer_of_another_kind(void **state)
{
	struct host h = { .wrong_kind = true };
	struct link_guest *lg = NULL;

	assert_int_equal(guest_try(&h, &lg), -EPROTO);
	guest_end(&h, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_answer_to_nothing),
		cmocka_unit_test(test_signal_of_nobody),
		cmocka_unit_test(test_signal_is_a_pipe),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_status_is_no_error),
		cmocka_unit_test(test_answer_of_another_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
