/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's side of the partition protocol against a scripted host: an answer
 * that comes too late, one that nobody requested, and a wait that is called
 * off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/link/link_guest.h"
#include "linux/link/link_msg.h"
#include "linux/run/clock.h"

#define ODD	0xdead0000ull	/* of a region that is answered at leisure */

struct host {
	int listener;
	char path[64];
	pthread_t thread;
	int32_t early;		/* added to the answer's number */
	uint32_t late_seq;	/* not answered so far; 0: none */
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

	assert_int_equal(link_msg_send(s, &a, sizeof(a), NULL, 0, 0), 0);
}

/* Answers everything, but for a region at ODD: that with the next request. */
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
		if (m.hdr.type == LINK_HELLO) {
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
		if (h->late_seq != 0)
			answer(h, s, h->late_seq, LINK_E_MEM);
		h->late_seq = 0;
		answer(h, s, seq, LINK_OK);
	}
	close(s);
	return NULL;
}

static struct link_guest *
guest_open(struct host *h)
{
	const struct link_guest_config lc = { .path = h->path, .name = "",
		.nic = "", .vps = 1, .memory_bytes = 64u << 20,
		.go_on = go_on };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct link_guest *lg;
	char err[200];

	off = false;
	snprintf(h->path, sizeof(h->path), "/tmp/hvnet-link.%d",
	    (int)getpid());
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", h->path);
	h->listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(h->listener, (struct sockaddr *)&sa,
	    sizeof(sa)), 0);
	assert_int_equal(listen(h->listener, 1), 0);
	assert_int_equal(pthread_create(&h->thread, NULL, host_main, h), 0);
	assert_int_equal(link_guest_open(&lc, &lg, err, sizeof(err)), 0);
	return lg;
}

static void
guest_end(struct host *h, struct link_guest *lg)
{
	link_guest_close(lg);
	pthread_join(h->thread, NULL);
	close(h->listener);
	unlink(h->path);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_answer),
		cmocka_unit_test(test_answer_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
