/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's log: bounded for each peer and kind of line, and nobody uses up
 * what is another's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/host/host_log.h"
#include "linux/run/clock.h"

static struct host_log *l;
static FILE *out;
static int err_fd;
static uint64_t start_ns;

static int
setup(void **state)
{
	l = calloc(1, sizeof(*l));
	out = tmpfile();
	err_fd = dup(2);
	start_ns = clock_now_ns();
	return l == NULL || out == NULL || dup2(fileno(out), 2) < 0;
}

static int
teardown(void **state)
{
	dup2(err_fd, 2);
	close(err_fd);
	fclose(out);
	free(l);
	return 0;
}

/* How many lines have this in them. */
static unsigned int
lines(const char *part)
{
	char text[500];
	unsigned int n = 0;

	rewind(out);
	while (fgets(text, sizeof(text), out) != NULL)
		n += strstr(text, part) != NULL;
	return n;
}

/* A burst, and what time gave back meanwhile, however busy the machine is. */
static void
about(unsigned int n, unsigned int burst, uint64_t line_ns)
{
	assert_in_range(n, burst, burst + (clock_now_ns() - start_ns) /
	    line_ns);
}

static void
one_nic_does_not_mute_another(void **state)
{
	const struct host_log_peer a = host_log_nic("a"),
	    b = host_log_nic("b");

	for (int i = 0; i < 1000; i++) {
		host_log_of(l, a, HOST_LOG_COME, "a came %d", i);
		host_log_once_of(l, a, HOST_LOG_GO, "a went %d", i);
	}
	host_log_of(l, a, HOST_LOG_STOPPED, "a stopped");
	host_log_of(l, b, HOST_LOG_COME, "b came");
	host_log(l, "ours");
	about(lines("a came"), HOST_LOG_BURST, HOST_LOG_LINE_NS);
	about(lines("a went"), HOST_LOG_BURST, HOST_LOG_LINE_NS);
	assert_int_equal(lines("a stopped"), 1);
	assert_int_equal(lines("b came"), 1);
	assert_int_equal(lines("ours"), 1);
	/* Some seconds later: how many there were. */
	for (int i = 0; i < (int)HOST_LOG_BUCKETS; i++)
		if (l->bucket[i].used_at_ns != 0)
			l->bucket[i].spent_at_ns -= HOST_LOG_LINE_NS;
	host_log_of(l, a, HOST_LOG_COME, "a came again");
	assert_in_range(lines(" lines like the next were left out)"), 1, 9);
	assert_int_equal(lines("a came again"), 1);
}

/* One user has its lines, all users have theirs, NICs are not among them. */
static void
users_share(void **state)
{
	for (uint32_t uid = 0; uid < 100; uid++)
		for (int i = 0; i < 20; i++)
			host_log_of(l, host_log_user(uid), HOST_LOG_COME,
			    "user %u. %d", uid, i);
	host_log_of(l, host_log_user(7), HOST_LOG_GO, "another kind");
	host_log_of(l, host_log_nic("a"), HOST_LOG_COME, "a came");
	about(lines("user 0."), HOST_LOG_BURST, HOST_LOG_LINE_NS);
	about(lines("user "), HOST_LOG_USERS_BURST, HOST_LOG_USERS_NS);
	assert_int_equal(lines("another kind"), 1);
	assert_int_equal(lines("a came"), 1);
}

static void
repeated_texts_once(void **state)
{
	const struct host_log_peer a = host_log_nic("a"),
	    b = host_log_nic("b");

	for (int i = 0; i < 100; i++) {
		host_log_once_of(l, a, HOST_LOG_REFUSED, "same");
		host_log_once_of(l, b, HOST_LOG_REFUSED, "same");
		host_log_once(l, "ours");
	}
	assert_int_equal(lines("same"), 2);
	assert_int_equal(lines("ours"), 1);
	for (uint32_t i = 0; i < HOST_LOG_BUCKETS; i++)
		for (uint32_t k = 0; k < HOST_LOG_KNOWN; k++)
			if (l->bucket[i].known[k].at_ns != 0)
				l->bucket[i].known[k].at_ns -=
				    HOST_LOG_AGAIN_NS;
	host_log_once_of(l, a, HOST_LOG_REFUSED, "same");
	assert_int_equal(lines("same"), 3);
}

/* More peers than buckets: the one that was silent for longest goes. */
static void
buckets_run_out(void **state)
{
	char name[16];

	for (int i = 0; i < 2 * (int)HOST_LOG_BUCKETS; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		host_log_of(l, host_log_nic(name), HOST_LOG_COME, "line");
	}
	assert_int_equal(lines("line"), 2 * HOST_LOG_BUCKETS);
}

static void
one_line_each(void **state)
{
	host_log_of(l, host_log_nic("a"), HOST_LOG_COME, "%s", "x\nhvnet: y");
	assert_int_equal(lines("hvnet"), 1);
	assert_int_equal(lines("x\\x0ahvnet: y"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_nic_does_not_mute_another),
		TEST(users_share),
		TEST(repeated_texts_once),
		TEST(buckets_run_out),
		TEST(one_line_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
