/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet_open() with nothing, zero and nonsense in its configuration: defaults
 * or a sentence; and with a host that never answers: back in time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "include/hvnet.h"
#include "linux/run/clock.h"

static char err[200];

static const char *
refused(const struct hvnet_config *c)
{
	err[0] = '\0';
	assert_null(hvnet_open(c, err, sizeof(err)));
	return err;
}

static void
test_nothing_said(void **state)
{
	const struct hvnet_config zero = { 0 };
	struct hvnet_config c;

	assert_non_null(strstr(refused(NULL), "connect:"));
	assert_non_null(strstr(refused(&zero), "connect:"));
	hvnet_config_default(&c);
	assert_non_null(strstr(refused(&c), "connect:"));
	assert_null(hvnet_open(&zero, NULL, 0));
	assert_null(hvnet_open(&zero, NULL, 10));
	hvnet_close(NULL);
}

/* Names, queues, memory and time-out have defaults. */
static void
test_defaults(void **state)
{
	struct hvnet_config c = { .connect = "/nonexistent/socket" };

	assert_non_null(strstr(refused(&c), "No such file"));
	c.queues = HVNET_MAX_QUEUES + 1;
	assert_non_null(strstr(refused(&c), "queues: 1 to 64"));
	c.queues = 1;
	c.tunables = (const char *const[]){ "nonsense=1", NULL };
	assert_non_null(strstr(refused(&c), "nonsense=1"));
	c.reserved[7] = 1;
	assert_non_null(strstr(refused(&c), "newer libhvnet"));
}

/* A listener that never reads; the first client may also fill its queue. */
static void
test_silent_host(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct hvnet_config c = { .connect = sa.sun_path, .timeout_ms = 100 };
	int s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	uint64_t start;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "/tmp/hvnet-silent.%d",
	    (int)getpid());
	assert_int_equal(bind(s, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(s, 0), 0);
	for (int i = 0; i < 2; i++) {
		start = clock_now_ns();
		assert_non_null(strstr(refused(&c), "does not answer"));
		/* Without a bound it was 5 s, or for ever. */
		assert_true(clock_now_ns() - start < 4000000000ull);
	}
	unlink(sa.sun_path);
	close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_said),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_silent_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
