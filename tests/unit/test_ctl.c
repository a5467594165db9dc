/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control sockets.  Where descriptors run out their clients wait, the process
 * does not spin, and says so once.  Many processes are asked at once, and each
 * that does not answer costs its own line.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "linux/run/ctl.h"
#include "linux/run/sockfile.h"

static json_t *
answer(void *ctx, const json_t *request)
{
	return json_pack("{s:b}", "ok", 1);
}

/* A client that has sent its request. */
static int
client(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_int_equal(connect(sock, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(write(sock, "{}", 2), 2);
	assert_int_equal(shutdown(sock, SHUT_WR), 0);
	return sock;
}

static int
count_readable(const struct event_base *base, const struct event *ev, void *n)
{
	if ((event_get_events(ev) & EV_READ) != 0)
		++*(int *)n;
	return 0;
}

/* How many descriptors the base is watching. */
static int
watched(struct event_base *base)
{
	int n = 0;

	event_base_foreach_event(base, count_readable, &n);
	return n;
}

/* No descriptor below `next` is free, and none above may be. */
static struct rlimit
descriptors_end(void)
{
	struct rlimit old, r;
	int next = dup(0);

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	r = old;
	r.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
	return old;
}

/* A server with a client, and no descriptor to accept it. */
struct rig {
	struct event_base *base;
	struct ctl_server *server;
	char dir[32];
	struct ctl_paths paths;	/* one */
	int sock;		/* of the client */
	struct rlimit limit;	/* as it was */
	FILE *log;		/* standard error meanwhile */
	int err_fd;
};

static void
rig_up(struct rig *r)
{
	char err[200];

	r->base = event_base_new();
	strcpy(r->dir, "/tmp/hvnet-ctl-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	setenv("HVNET_RUN", r->dir, 1);
	r->server = ctl_server_create(r->base, "test", "x",
	    SOCKFILE_NO_GROUP, answer, NULL, err,
	    sizeof(err));
	assert_non_null(r->server);
	assert_int_equal(ctl_paths("test", &r->paths), 0);
	assert_int_equal(r->paths.count, 1);
	r->sock = client(r->paths.path[0]);
	r->log = tmpfile();
	r->err_fd = dup(2);
	assert_true(r->log != NULL && r->err_fd >= 0);
	assert_int_equal(dup2(fileno(r->log), 2), 2);
	r->limit = descriptors_end();
}

static void
rig_descriptors_back(struct rig *r)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r->limit), 0);
	dup2(r->err_fd, 2);
	close(r->err_fd);
	rewind(r->log);
}

/* Nothing of the server stays in the base or the file system. */
static void
rig_down(struct rig *r)
{
	close(r->sock);
	ctl_server_destroy(r->server);
	assert_int_equal(event_base_loop(r->base, EVLOOP_NONBLOCK), 1);
	event_base_free(r->base);
	ctl_paths_free(&r->paths);
	assert_int_equal(rmdir(r->dir), 0);
	fclose(r->log);
}

static void
clients_wait_for_a_descriptor(void **state)
{
	char text[400] = "";
	struct rig rig;

	rig_up(&rig);
	/* An accept() that fails, and a pause that ends. */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(watched(rig.base), 1);
		event_base_loop(rig.base, EVLOOP_ONCE);
		assert_int_equal(watched(rig.base), 0);
		event_base_loop(rig.base, EVLOOP_ONCE);
	}
	rig_descriptors_back(&rig);
	assert_non_null(fgets(text, sizeof(text), rig.log));
	assert_non_null(strstr(text, rig.paths.path[0]));
	assert_non_null(strstr(text, "clients wait: Too many open files"));
	assert_null(fgets(text, sizeof(text), rig.log));
	/* With a descriptor the client has its answer. */
	assert_int_equal(fcntl(rig.sock, F_SETFL, O_NONBLOCK), 0);
	while (read(rig.sock, text, sizeof(text)) < 0)
		event_base_loop(rig.base, EVLOOP_ONCE);
	assert_memory_equal(text, "{\"ok\":true}", 11);
	rig_down(&rig);
}

static void
end_in_a_pause(void **state)
{
	struct rig rig;

	rig_up(&rig);
	event_base_loop(rig.base, EVLOOP_ONCE);
	assert_int_equal(watched(rig.base), 0);
	rig_descriptors_back(&rig);
	rig_down(&rig);
}

/* --- asking --- */

/* A socket in dir; what it does with clients is the caller's. */
static int
listener(const char *dir, const char *name, int backlog, char path[64])
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, 64, "%s/%s", dir, name);
	strcpy(sa.sun_path, path);
	assert_int_equal(bind(sock, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(sock, backlog), 0);
	return sock;
}

/* A process that answers one request with this text; "" closes at once. */
static pid_t
answerer(int sock, const char *text)
{
	char buf[4096];
	pid_t pid = fork();
	ssize_t n;
	int c;

	if (pid != 0)
		return pid;
	c = accept(sock, NULL, NULL);
	while (text[0] != '\0' && read(c, buf, sizeof(buf)) > 0)
		;
	for (size_t at = 0; at < strlen(text); at += (size_t)n)
		if ((n = write(c, text + at, strlen(text + at))) <= 0)
			break;
	_exit(0);
}

enum { ASK_OK, ASK_LONG, ASK_CUT, ASK_SHUT, ASK_DEAD, ASK_GONE, ASK_FULL,
    ASK_STUCK, ASK_COUNT = ASK_STUCK + 6 };

static void
many_are_asked_at_once(void **state)
{
	static char text[400000] = "{\"x\":\"";
	char dir[] = "/tmp/hvnet-ask-XXXXXX", path[ASK_COUNT][64];
	char *paths[ASK_COUNT];
	int sock[ASK_COUNT], full[2];
	struct ctl_answer a[ASK_COUNT];
	struct timespec from, to;
	json_t *request = json_pack("{s:s}", "cmd", "stat");

	assert_non_null(mkdtemp(dir));
	memset(text + strlen(text), 'x', sizeof(text) - 10);
	strcpy(text + sizeof(text) - 4, "\"}");
	for (int i = 0; i < ASK_COUNT; i++) {
		char name[16];

		snprintf(name, sizeof(name), "t-%d.sock", i);
		sock[i] = listener(dir, name, i == ASK_FULL ? 0 : 8, path[i]);
		paths[i] = path[i];
	}
	close(sock[ASK_DEAD]);	/* before anybody else has it */
	answerer(sock[ASK_OK], "{\"ok\":true}");
	answerer(sock[ASK_LONG], text);
	answerer(sock[ASK_CUT], "{\"ok\":");
	answerer(sock[ASK_SHUT], "");
	unlink(path[ASK_GONE]);
	for (int i = 0; i < 2; i++)
		full[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };

		strcpy(sa.sun_path, path[ASK_FULL]);
		(void)connect(full[i], (struct sockaddr *)&sa, sizeof(sa));
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	ctl_ask(paths, ASK_COUNT, request, 2, a);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(json_is_true(json_object_get(a[ASK_OK].json, "ok")));
	assert_int_equal(json_string_length(json_object_get(a[ASK_LONG].json,
	    "x")), sizeof(text) - 10);
	assert_non_null(strstr(a[ASK_CUT].why, "cut off"));
	assert_non_null(strstr(a[ASK_SHUT].why, "t-3.sock: it ended"));
	assert_string_equal(a[ASK_DEAD].why, "");
	assert_string_equal(a[ASK_GONE].why, "");
	for (int i = ASK_FULL; i < ASK_COUNT; i++) {
		assert_null(a[i].json);
		assert_non_null(strstr(a[i].why, path[i]));
		assert_non_null(strstr(a[i].why, "no answer within 2 s"));
	}
	/* One after the other would take 14 s. */
	assert_true(to.tv_sec - from.tv_sec < 10);
	for (int i = 0; i < ASK_COUNT; i++) {
		if (i < ASK_DEAD)
			wait(NULL);
		json_decref(a[i].json);
		if (i != ASK_DEAD)
			close(sock[i]);
		unlink(path[i]);
	}
	close(full[0]);
	close(full[1]);
	json_decref(request);
	assert_int_equal(rmdir(dir), 0);
}

/* Another user's process: reported as that, not as missing. */
static void
permission_is_not_absence(void **state)
{
	char dir[] = "/tmp/hvnet-ask-XXXXXX", path[64], *paths[1] = { path };
	json_t *request = json_pack("{s:s}", "cmd", "stat");
	struct ctl_answer a;
	struct ctl_paths p;
	int sock, status = -1;

	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	setenv("HVNET_RUN", dir, 1);
	sock = listener(dir, "t-0.sock", 8, path);
	assert_int_equal(chmod(path, 0600), 0);
	if (fork() == 0) {
		int bad = setgid(65534) < 0 || setuid(65534) < 0;

		ctl_ask(paths, 1, request, 1, &a);
		bad |= strstr(a.why, "permission denied") == NULL;
		bad |= ctl_paths(NULL, &p) != 0 || p.count != 1;
		_exit(bad);
	}
	wait(&status);
	assert_int_equal(status, 0);
	assert_int_equal(chmod(dir, 0700), 0);
	if (fork() == 0)
		_exit(setgid(65534) < 0 || setuid(65534) < 0 ||
		    ctl_paths(NULL, &p) != -EACCES);
	wait(&status);
	assert_int_equal(status, 0);
	close(sock);
	unlink(path);
	json_decref(request);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_wait_for_a_descriptor),
		cmocka_unit_test(end_in_a_pause),
		cmocka_unit_test(many_are_asked_at_once),
		cmocka_unit_test(permission_is_not_absence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
