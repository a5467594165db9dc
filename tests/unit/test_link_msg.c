/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of the partition protocol as they come off the socket: of every
 * wrong length, and with descriptors that must not stay open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/link/link_msg.h"

static int sock[2];

static int
setup(void **state)
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock);
}

static int
teardown(void **state)
{
	close(sock[0]);
	close(sock[1]);
	return 0;
}

static int
open_now(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int
receive(union link_msg *m, int fds[LINK_MAX_FDS], unsigned int *nfds)
{
	return link_msg_recv(sock[1], m, fds, nfds, MSG_DONTWAIT);
}

static void
lengths(void **state)
{
	struct link_mem_del d = { { LINK_MEM_DEL, 7 }, 0x1000 };
	uint8_t longer[LINK_MAX_MSG + 8] = { LINK_MEM_DEL };
	int fds[LINK_MAX_FDS];
	unsigned int nfds;
	union link_msg m;

	for (size_t n = 1; n <= sizeof(d); n++) {
		assert_int_equal(link_msg_send(sock[0], &d, n, NULL, 0, 0), 0);
		assert_int_equal(receive(&m, fds, &nfds),
		    n == sizeof(d) ? 1 : -EPROTO);
		assert_int_equal(nfds, 0);
	}
	assert_memory_equal(&m, &d, sizeof(d));
	/* more than its type has: a later version's; more than any: refused */
	assert_int_equal(link_msg_send(sock[0], longer, sizeof(d) + 8, NULL, 0,
	    0), 0);
	assert_int_equal(receive(&m, fds, &nfds), 1);
	assert_int_equal(link_msg_send(sock[0], longer, sizeof(m) + 1, NULL, 0,
	    0), 0);
	assert_int_equal(receive(&m, fds, &nfds), -EPROTO);
	d.hdr.type = 99;
	assert_int_equal(link_msg_send(sock[0], &d, sizeof(d), NULL, 0, 0), 0);
	assert_int_equal(receive(&m, fds, &nfds), -EPROTO);
	assert_int_equal(receive(&m, fds, &nfds), -EAGAIN);
}

/* Send a message with n descriptors, more than link_msg_send() takes. */
static void
send_fds(const void *msg, size_t len, int n)
{
	struct iovec iov = { (void *)(uintptr_t)msg, len };
	char ctl[CMSG_SPACE(4 * sizeof(int))] __attribute__((aligned(8))) = "";
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	const int fds[4] = { sock[0], sock[0], sock[0], sock[0] };
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	assert_int_equal(sendmsg(sock[0], &mh, 0), len);
}

/* A message that is refused leaves none of its descriptors open. */
static void
descriptors(void **state)
{
	struct link_simple s = { { LINK_RESET, 1 } };
	int before = open_now();
	int fds[LINK_MAX_FDS];
	unsigned int nfds;
	union link_msg m;

	for (int n = 1; n <= 4; n++) {
		bool few = n <= (int)LINK_MAX_FDS;

		send_fds(&s, sizeof(s), n);
		assert_int_equal(receive(&m, fds, &nfds) == 1, few);
		assert_int_equal(nfds, few ? n : 0);
		link_fds_close(fds, nfds);
		assert_int_equal(open_now(), before);
		send_fds(&s, 4, n);
		assert_true(receive(&m, fds, &nfds) < 0);
		assert_int_equal(nfds, 0);
		assert_int_equal(open_now(), before);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
