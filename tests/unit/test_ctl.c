/*
 * The control socket where descriptors run out: its clients wait, the process
 * does not spin, and says so once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "linux/run/ctl.h"

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
	char **paths;		/* one */
	size_t n;
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
	r->server = ctl_server_create(r->base, "test", "x", answer, NULL, err,
	    sizeof(err));
	assert_non_null(r->server);
	r->paths = ctl_paths("test", &r->n);
	assert_int_equal(r->n, 1);
	r->sock = client(r->paths[0]);
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
	ctl_paths_free(r->paths, r->n);
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
	assert_non_null(strstr(text, rig.paths[0]));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_wait_for_a_descriptor),
		cmocka_unit_test(end_in_a_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
