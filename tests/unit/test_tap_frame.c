/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames read from a TAP, for which a pair of datagram sockets stands in: as
 * the TAP, it gives one frame a read and cuts it to the room without a word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "linux/net/tap_frame.h"

static int pair[2];

static void
frame_send(uint32_t len)
{
	struct {
		struct virtio_net_hdr h;
		uint8_t bytes[3000];
	} frame = { .h = { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	    .gso_size = 1448 } };

	for (uint32_t i = 0; i < len; i++)
		frame.bytes[i] = (uint8_t)(i * 7);
	assert_int_equal(write(pair[0], &frame, sizeof(frame.h) + len),
	    (ssize_t)(sizeof(frame.h) + len));
}

static void
whole_or_lost(void **state)
{
	uint8_t a[100], b[1000];
	const struct vec room[2] = { { a, sizeof(a) }, { b, sizeof(b) } };
	struct pkt_meta m;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0,
	    pair), 0);
	assert_int_equal(tap_frame_read(pair[1], room, 2, &m), 0);
	for (uint32_t len = 1050; len <= 1150; len++) {
		frame_send(len);
		if (len >= 1100) {
			assert_int_equal(tap_frame_read(pair[1], room, 2, &m),
			    E_STATE);
			continue;
		}
		assert_int_equal(tap_frame_read(pair[1], room, 2, &m), len);
		assert_int_equal(m.flags, PKT_GSO_TCP4);
		assert_int_equal(m.gso_size, 1448);
		for (uint32_t i = 0; i < len; i++)
			assert_int_equal(i < 100 ? a[i] : b[i - 100],
			    (uint8_t)(i * 7));
	}
	/* What was cut is gone, the next one is the next one. */
	frame_send(2000);
	frame_send(60);
	assert_int_equal(tap_frame_read(pair[1], room, 2, &m), E_STATE);
	assert_int_equal(tap_frame_read(pair[1], room, 2, &m), 60);
	assert_int_equal(tap_frame_read(pair[1], room, 2, &m), 0);
	close(pair[0]);
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_or_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
