/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet trace: what the threads of a NIC decided, for a while.
 *
 * Each process that has the NIC is told to begin, and after the time to end and
 * to hand over what its threads noted.  A guest's interface and the NIC of its
 * host are two names; both ends are traced where both are given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "cli/cli.h"
#include "cli/peers.h"
#include "linux/see/trace_text.h"

#define TRACE_NICS	16u

struct cmd_trace {
	const char *nic[TRACE_NICS];
	uint32_t nics;
	const char *out;	/* NULL: standard output */
	uint32_t seconds;
	bool lines;
};

enum { KEY_SECONDS = 256, KEY_LINES };

static const struct argp_option options[] = {
	{ "seconds", KEY_SECONDS, "N", 0, "How long, 1 to 600; default 1", 1 },
	{ "output", 'o', "FILE", 0, "Where to; default standard output", 1 },
	{ "lines", KEY_LINES, NULL, 0,
	    "A JSON object a line; default: Chrome's trace events, which "
	    "ui.perfetto.dev and chrome://tracing show", 1 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Record what threads decide, and why: signals and interrupts sent or not, "
    "batches, sleeps, waits for room, shortages.  NIC is the name of a host's "
    "NIC or of a guest's interface; with both, one file shows both ends by one "
    "clock.\v"
    "Each thread keeps its last 32767 events.\n\n"
    "Examples:\n"
    "  hvnet trace hvhost0 hn0 --seconds 2 -o trace.json\n"
    "  hvnet trace hn0 --lines | grep shortage\n";

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct cmd_trace *t = state->input;

	switch (key) {
	case KEY_SECONDS:
		t->seconds = cli_uint("--seconds", arg, 1, 600);
		break;
	case KEY_LINES:
		t->lines = true;
		break;
	case 'o':
		if (arg[0] == '\0')
			cli_usage("-o: '' is no file");
		t->out = arg;
		break;
	case ARGP_KEY_ARG:
		if (t->nics == TRACE_NICS)
			cli_usage("%u NICs at most", TRACE_NICS);
		if (arg[0] == '\0')
			cli_usage("which NIC? '' is no name");
		t->nic[t->nics++] = arg;
		break;
	case ARGP_KEY_END:
		if (t->nics == 0)
			cli_usage("which NIC? hvnet trace NIC...");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* The process of NIC i; NULL and *status where there is none. */
static const struct peer *
trace_peer(const struct cmd_trace *t, const struct peer_list *list,
    uint32_t i, int *status)
{
	char what[100];

	for (size_t k = 0; k < list->count; k++)
		if (peer_has(&list->peer[k], t->nic[i]))
			return &list->peer[k];
	snprintf(what, sizeof(what), "a NIC or interface '%.60s'", t->nic[i]);
	*status = peers_none(list, what);
	return NULL;
}

/* End all first, so that their times overlap; then write. */
static int
trace_write(const struct cmd_trace *t, const struct peer_list *list,
    FILE *out)
{
	struct trace_text *text = trace_text_begin(out, t->lines);
	json_t *answer[TRACE_NICS] = { NULL };
	int status = CLI_OK;

	if (text == NULL)
		return cli_fail(CLI_FAILED, "out of memory");
	for (uint32_t i = 0; i < t->nics; i++) {
		const struct peer *p = trace_peer(t, list, i, &status);

		if (p != NULL)
			answer[i] = peer_switch(p, "trace", t->nic[i], false,
			    &status);
	}
	for (uint32_t i = 0; i < t->nics; i++) {
		const struct peer *p = trace_peer(t, list, i, &status);

		if (answer[i] != NULL && !trace_text_process(text,
		    peer_kind(p), peer_pid(p), json_object_get(answer[i],
		    "trace")))
			status = cli_fail(CLI_FAILED, "%s: its answer is no "
			    "trace", t->nic[i]);
		json_decref(answer[i]);
	}
	trace_text_end(text);
	return status;
}

static int
trace_run(const struct cmd_trace *t, const struct peer_list *list)
{
	FILE *out = t->out == NULL ? stdout : fopen(t->out, "we");
	int status = CLI_OK;

	if (out == NULL)
		return cli_fail(CLI_FAILED, "%s: %m", t->out);
	for (uint32_t i = 0; i < t->nics && status == CLI_OK; i++) {
		const struct peer *p = trace_peer(t, list, i, &status);

		if (p != NULL)
			json_decref(peer_switch(p, "trace", t->nic[i], true,
			    &status));
	}
	if (status == CLI_OK) {
		sleep(t->seconds);
		status = trace_write(t, list, out);
	}
	if (out != stdout && fclose(out) != 0 && status == CLI_OK)
		status = cli_fail(CLI_FAILED, "%s: %m", t->out);
	return status;
}

static int
cmd_trace_run(int argc, char **argv)
{
	const struct argp argp = { .options = options, .parser = parse,
		.args_doc = "NIC...", .doc = doc };
	struct cmd_trace t = { .seconds = 1 };
	struct peer_list list;
	int status;

	cli_parse(&argp, argc, argv, &t);
	list = peers_ask();
	status = trace_run(&t, &list);
	peers_free(&list);
	return status;
}

const struct cli_command cli_trace = {
	"trace", "what a NIC's threads decided, and why", cmd_trace_run
};
