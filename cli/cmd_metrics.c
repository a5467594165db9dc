/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet metrics: the counters of all processes for Prometheus and its like,
 * once, into a file, or over HTTP.
 *
 * The HTTP server is libevent's, without TLS and without a login; it listens
 * at 127.0.0.1 unless another address is given, and asks the processes again
 * for each request.
 */
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/loop.h"
#include "cli/metrics.h"

struct cmd_metrics {
	const char *listen, *textfile;
	enum metrics_format format;
};

enum { KEY_LISTEN = 256, KEY_TEXTFILE, KEY_FORMAT };

static const struct argp_option options[] = {
	{ "listen", KEY_LISTEN, "[ADDRESS:]PORT", 0,
	    "Serve them over HTTP at /metrics until Ctrl-C; ADDRESS is "
	    "127.0.0.1 by default", 1 },
	{ "textfile", KEY_TEXTFILE, "FILE", 0,
	    "Replace this file by them, for node_exporter's textfile "
	    "collector", 1 },
	{ "format", KEY_FORMAT, "HOW", 0,
	    "openmetrics (default) or text, Prometheus' older format, in which "
	    "a textfile always is", 1 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Print the counters of all running hosts and guests as OpenMetrics, with "
    "their meaning and unit.\v"
    "Examples:\n"
    "  hvnet metrics\n"
    "  hvnet metrics --listen 9464\n"
    "  hvnet metrics --textfile "
    "/var/lib/prometheus/node-exporter/hvnet.prom\n";

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	static const char *const formats[] = { "openmetrics", "text" };
	struct cmd_metrics *m = state->input;

	switch (key) {
	case KEY_LISTEN:
		m->listen = arg;
		break;
	case KEY_TEXTFILE:
		if (arg[0] == '\0')
			cli_usage("--textfile: '' is no file");
		m->textfile = arg;
		break;
	case KEY_FORMAT:
		m->format = (enum metrics_format)cli_choice("--format", arg,
		    formats, 2);
		break;
	case ARGP_KEY_END:
		if (m->listen != NULL && m->textfile != NULL)
			cli_usage("--listen and --textfile do not go "
			    "together");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* --- a file --- */

/* At every moment the path is a whole file. */
static int
metrics_file(const char *path)
{
	struct peer_list list;
	char temp[4096];
	FILE *f;
	int fd;

	if ((size_t)snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >=
	    sizeof(temp))
		return cli_fail(CLI_FAILED, "%s: the path is too long", path);
	fd = mkstemp(temp);
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (f == NULL)
		return cli_fail(CLI_FAILED, "%s: %m", temp);
	list = peers_ask();
	metrics_print(f, &list, METRICS_TEXT);
	peers_free(&list);
	/* Others read it. */
	if (fflush(f) != 0 || ferror(f) || fchmod(fd, 0644) < 0 ||
	    rename(temp, path) < 0) {
		cli_fail(0, "%s: %m", path);
		fclose(f);
		unlink(temp);
		return CLI_FAILED;
	}
	fclose(f);
	return CLI_OK;
}

/* --- HTTP --- */

static void
metrics_on_request(struct evhttp_request *r, void *arg)
{
	const char *accept = evhttp_find_header(
	    evhttp_request_get_input_headers(r), "Accept");
	bool open = accept != NULL &&
	    strstr(accept, "application/openmetrics-text") != NULL;
	struct evbuffer *body = evbuffer_new();
	struct peer_list list = peers_ask();
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f != NULL) {
		metrics_print(f, &list, open ? METRICS_OPENMETRICS :
		    METRICS_TEXT);
		fclose(f);
	}
	peers_free(&list);
	if (body == NULL || text == NULL || evbuffer_add(body, text, len) < 0) {
		evhttp_send_error(r, 503, "out of memory");
	} else {
		evhttp_add_header(evhttp_request_get_output_headers(r),
		    "Content-Type", open ? "application/openmetrics-text; "
		    "version=1.0.0; charset=utf-8" : "text/plain; "
		    "version=0.0.4; charset=utf-8");
		evhttp_send_reply(r, 200, "OK", body);
	}
	if (body != NULL)
		evbuffer_free(body);
	free(text);
}

/* [ADDRESS:]PORT; an IPv6 address in brackets.  Ends the program if wrong. */
static uint16_t
listen_parse(const char *text, char *address, size_t cap)
{
	const char *colon = strrchr(text, ':');
	const char *port = colon != NULL ? colon + 1 : text;
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;

	snprintf(address, cap, "127.0.0.1");
	if (len > 2 && text[0] == '[' && text[len - 1] == ']')
		snprintf(address, cap, "%.*s", (int)len - 2, text + 1);
	else if (len > 0)
		snprintf(address, cap, "%.*s", (int)len, text);
	return (uint16_t)cli_uint("--listen: port", port, 1, 65535);
}

static int
metrics_serve(const char *where)
{
	char address[128];
	uint16_t port = listen_parse(where, address, sizeof(address));
	struct loop *l = loop_create();
	struct evhttp *http = l != NULL ? evhttp_new(loop_base(l)) : NULL;
	int status = CLI_OK;

	if (http == NULL) {
		status = cli_fail(CLI_FAILED, "out of memory");
	} else if (evhttp_bind_socket(http, address, port) < 0) {
		status = cli_fail(CLI_FAILED, "--listen %s: %m", where);
	} else {
		evhttp_set_allowed_methods(http, EVHTTP_REQ_GET |
		    EVHTTP_REQ_HEAD);
		evhttp_set_max_body_size(http, 0);
		evhttp_set_max_headers_size(http, 16384);
		evhttp_set_timeout(http, 10);
		evhttp_set_cb(http, "/metrics", metrics_on_request, NULL);
		printf("serving http://%s:%u/metrics\n", address, port);
		loop_run(l, NULL, NULL, 0);
	}
	if (http != NULL)
		evhttp_free(http);
	if (l != NULL)
		loop_destroy(l);
	return status;
}

static int
cmd_metrics_run(int argc, char **argv)
{
	const struct argp argp = { .options = options, .parser = parse,
		.doc = doc };
	struct cmd_metrics m = { .format = METRICS_OPENMETRICS };
	struct peer_list list;
	int status;

	cli_parse(&argp, argc, argv, &m);
	if (m.listen != NULL)
		return metrics_serve(m.listen);
	if (m.textfile != NULL)
		return metrics_file(m.textfile);
	list = peers_ask();
	status = list.count > 0 ? CLI_OK : peers_none(&list, NULL);
	if (status == CLI_OK)
		metrics_print(stdout, &list, m.format);
	peers_free(&list);
	return status;
}

const struct cli_command cli_metrics = {
	"metrics", "counters for Prometheus: OpenMetrics", cmd_metrics_run
};
