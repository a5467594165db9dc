/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets in the file system: nobody sees one that does not listen yet, and
 * nothing that answers is ever removed.  listen() and rename() below are those
 * of the code under test, with a moment before them in which others act.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/span.h"
#include "linux/run/ctl.h"
#include "linux/run/sockfile.h"

static void (*before_listen)(void), (*before_rename)(void);
static char dir[32], path[64];

int
listen(int sock, int backlog)
{
	if (before_listen != NULL)
		before_listen();
	return (int)syscall(SYS_listen, sock, backlog);
}

int
rename(const char *from, const char *to)
{
	void (*hook)(void) = before_rename;

	before_rename = NULL;
	if (hook != NULL)
		hook();
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int
setup(void **state)
{
	strcpy(dir, "/tmp/hvnet-sock-XXXXXX");
	before_listen = before_rename = NULL;
	if (mkdtemp(dir) == NULL)
		return -1;
	setenv("HVNET_RUN", dir, 1);
	snprintf(path, sizeof(path), "%s/a", dir);
	return 0;
}

/* Nothing stays, hidden or not. */
static int
teardown(void **state)
{
	return rmdir(dir);
}

/* A socket at p that never was one of ours. */
static int
stranger(const char *p, bool listens)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", p);
	assert_int_equal(bind(sock, (struct sockaddr *)&sa, sizeof(sa)), 0);
	if (listens)
		assert_int_equal(syscall(SYS_listen, sock, 4), 0);
	return sock;
}

static bool
there(const char *p)
{
	struct stat st;

	return lstat(p, &st) == 0;
}

/* Everybody asks who is there, between bind() and listen(). */
static void
look(void)
{
	struct ctl_paths p;

	before_listen = NULL;
	assert_int_equal(ctl_paths(NULL, &p), 0);
	assert_int_equal(p.count, 0);
	ctl_paths_free(&p);
}

static json_t *
answer(void *ctx, const json_t *request)
{
	return json_pack("{s:b}", "ok", 1);
}

static void
not_seen_before_it_listens(void **state)
{
	struct event_base *base = event_base_new();
	struct ctl_server *s;
	struct ctl_paths p;
	char err[200];

	before_listen = look;
	s = ctl_server_create(base, "test", "x",
	    SOCKFILE_NO_GROUP, answer, NULL, err,
	    sizeof(err));
	assert_non_null(s);
	assert_null(before_listen);
	assert_int_equal(ctl_paths(NULL, &p), 0);
	assert_int_equal(p.count, 1);
	ctl_paths_free(&p);
	ctl_server_destroy(s);
	event_base_free(base);
}

/* A process of another PID namespace: no pid of ours, or the same as ours. */
static void
other_pid_namespaces(void **state)
{
	struct event_base *base = event_base_new();
	struct ctl_server *s[2];
	char far[64], err[200];
	struct ctl_paths p;
	int sock;

	snprintf(far, sizeof(far), "%s/test-x.99999999.sock", dir);
	sock = stranger(far, true);
	for (size_t i = 0; i < 2; i++)
		s[i] = ctl_server_create(base, "test", "x",
	    SOCKFILE_NO_GROUP, answer, NULL, err,
		    sizeof(err));
	assert_true(s[0] != NULL && s[1] != NULL);
	assert_int_equal(ctl_paths("test", &p), 0);
	assert_int_equal(p.count, 3);
	ctl_paths_free(&p);
	ctl_server_destroy(s[0]);
	ctl_server_destroy(s[1]);
	close(sock);
	/* Its process is dead now, and the file goes with the next look. */
	assert_int_equal(ctl_paths("tes", &p), 0);
	ctl_paths_free(&p);
	assert_true(there(far));
	assert_int_equal(ctl_paths(NULL, &p), 0);
	assert_int_equal(p.count, 0);
	ctl_paths_free(&p);
	assert_false(there(far));
	event_base_free(base);
}

static void
who_has_the_name(void **state)
{
	struct sockfile f, g;
	struct stat st;
	int sock, file;

	assert_int_equal(sockfile_open(&f, path, SOCK_SEQPACKET, 0), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(sockfile_open(&g, path, SOCK_SEQPACKET, 0),
	    -EADDRINUSE);
	/* The same for another type. */
	assert_int_equal(sockfile_open(&g, path, SOCK_STREAM, 0),
	    -EADDRINUSE);
	sockfile_close(&g);
	sockfile_close(&f);
	sockfile_close(&f);
	assert_false(there(path));
	/* A dead one is replaced. */
	close(stranger(path, false));
	assert_int_equal(sockfile_open(&f, path, SOCK_SEQPACKET,
	    SOCKFILE_NO_GROUP), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Somebody took our name: it is not ours to remove. */
	unlink(path);
	sock = stranger(path, true);
	sockfile_close(&f);
	assert_true(there(path));
	close(sock);
	unlink(path);
	/* What is no socket stays. */
	file = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(sockfile_open(&f, path, SOCK_STREAM,
	    SOCKFILE_NO_GROUP), -EEXIST);
	assert_false(sockfile_bury(path, SOCK_STREAM));
	assert_true(there(path));
	close(file);
	unlink(path);
}

static int newcomer;

/* The dead one's name is taken again, by one that listens. */
static void
take(void)
{
	unlink(path);
	newcomer = stranger(path, true);
}

static void
taken_between_look_and_removal(void **state)
{
	close(stranger(path, false));
	before_rename = take;
	assert_false(sockfile_bury(path, SOCK_STREAM));
	assert_null(before_rename);
	assert_true(there(path));
	assert_false(sockfile_bury(path, SOCK_STREAM));
	close(newcomer);
	assert_true(sockfile_bury(path, SOCK_STREAM));
	assert_false(there(path));
	assert_true(sockfile_bury(path, SOCK_STREAM));
}

static void
path_too_long(void **state)
{
	char name[108];
	struct sockfile f;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	name[100] = '/';
	assert_int_equal(sockfile_open(&f, name, SOCK_STREAM,
	    SOCKFILE_NO_GROUP), -ENAMETOOLONG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(not_seen_before_it_listens),
		TEST(other_pid_namespaces),
		TEST(who_has_the_name),
		TEST(taken_between_look_and_removal),
		TEST(path_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
