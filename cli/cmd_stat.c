/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet stat: every counter of the processes that run here.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/peers.h"
#include "cli/stat_hist.h"
#include "cli/stat_print.h"
#include "cli/stat_text.h"
#include "linux/run/clock.h"
#include "linux/run/ctl.h"

struct cmd_stat {
	const char *nic;
	bool json, all, describe, mdoc;
	uint32_t watch;		/* seconds; 0: once */
	uint32_t hist;		/* seconds; 0: no histograms */
};

enum { KEY_JSON = 256, KEY_ALL, KEY_WATCH, KEY_DESCRIBE, KEY_MDOC,
	KEY_HIST };

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0,
	    "One JSON object: {\"processes\": [...]}", 1 },
	{ "all", KEY_ALL, NULL, 0, "Print counters that are zero also", 1 },
	{ "watch", KEY_WATCH, "SECONDS", 0,
	    "Repeat at this interval, 1 to 3600, and print how much each "
	    "counter grew a second (with --json: the counters)", 1 },
	{ "hist", KEY_HIST, "SECONDS", OPTION_ARG_OPTIONAL,
	    "Histograms of each channel of the NIC, gathered for 1 to 600 "
	    "seconds (default 1): packets in a batch, time between signals, "
	    "time from a signal to its first packet", 1 },
	{ "describe", KEY_DESCRIBE, NULL, 0,
	    "List every counter and fault with its meaning; needs no running "
	    "process", 1 },
	{ "mdoc", KEY_MDOC, NULL, OPTION_HIDDEN, "For the manual page", 1 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Print the statistics of all running hosts and guests, each counter with "
    "its meaning.  With NIC, the name of a host's NIC or of a guest's "
    "interface: only the processes that have it.\v"
    "Examples:\n"
    "  hvnet stat\n"
    "  hvnet stat --watch 1 hn0\n"
    "  hvnet stat --hist=5 hvhost0\n"
    "  hvnet stat --json | jq '.processes[].queues[0].transmit'\n";

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct cmd_stat *s = state->input;

	switch (key) {
	case KEY_JSON:
		s->json = true;
		break;
	case KEY_ALL:
		s->all = true;
		break;
	case KEY_WATCH:
		s->watch = cli_uint("--watch", arg, 1, 3600);
		break;
	case KEY_HIST:
		s->hist = arg == NULL ? 1 : cli_uint("--hist", arg, 1, 600);
		break;
	case KEY_MDOC:
		s->mdoc = true;
		break;
	case KEY_DESCRIBE:
		s->describe = true;
		break;
	case ARGP_KEY_ARG:
		if (s->nic != NULL)
			cli_usage("one NIC at most, not '%s' and '%s'", s->nic,
			    arg);
		if (arg[0] == '\0')
			cli_usage("which NIC? '' is no name");
		s->nic = arg;
		break;
	case ARGP_KEY_END:
		if (s->describe && (s->nic != NULL || s->watch != 0))
			cli_usage("--describe takes no NIC and no --watch");
		if (s->hist != 0 && (s->nic == NULL || s->watch != 0))
			cli_usage("--hist wants one NIC, and no --watch");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static struct peer_list
stat_ask(const struct cmd_stat *s)
{
	struct peer_list list = peers_ask();

	if (s->nic != NULL)
		peers_keep(&list, s->nic);
	return list;
}

static int
stat_nobody(const struct cmd_stat *s, const struct peer_list *list)
{
	char what[100];

	snprintf(what, sizeof(what), "a NIC or interface '%.60s'",
	    s->nic != NULL ? s->nic : "");
	return peers_none(list, s->nic != NULL ? what : NULL);
}

static void
stat_show_json(const struct cmd_stat *s, const struct peer_list *list)
{
	json_t *a = json_array(), *o;

	for (size_t i = 0; i < list->count; i++)
		json_array_append(a, list->peer[i].stat);
	o = json_pack("{s:i,s:o}", "schema", CTL_SCHEMA, "processes", a);
	json_dumpf(o, stdout, s->watch != 0 ? JSON_COMPACT : JSON_INDENT(2));
	printf("\n");
	json_decref(o);
}

/* Show list; before: the same processes' answers `seconds` ago. */
static void
stat_show(const struct cmd_stat *s, const struct peer_list *list,
    const struct peer_list *before, double seconds)
{
	if (s->json) {
		stat_show_json(s, list);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		json_t *o = json_deep_copy(list->peer[i].stat);

		for (size_t k = 0; k < before->count; k++)
			if (strcmp(before->peer[k].path,
			    list->peer[i].path) == 0)
				stat_rate(o, before->peer[k].stat, seconds);
		if (i > 0)
			printf("\n");
		stat_print(o, s->all);
		json_decref(o);
	}
}

static int
stat_watch(const struct cmd_stat *s)
{
	struct peer_list before = { NULL, 0, 0, 0 };
	uint64_t at = 0;

	for (;;) {
		struct peer_list list = stat_ask(s);
		uint64_t now = clock_now_ns();

		if (!s->json && isatty(STDOUT_FILENO))
			printf("\033[H\033[2J");
		if (!s->json)
			printf("%s\n", before.count > 0 ? "counters: growth a "
			    "second" : "counters: since the start");
		if (list.count == 0) {
			int status = stat_nobody(s, &list);

			peers_free(&before);
			peers_free(&list);
			return status;
		}
		stat_show(s, &list, &before, (double)(now - at) / 1e9);
		if (fflush(stdout) != 0 || ferror(stdout))
			return CLI_FAILED;
		peers_free(&before);
		before = list;
		at = now;
		sleep(s->watch);
	}
}

static int
cmd_stat_run(int argc, char **argv)
{
	const struct argp argp = { .options = options, .parser = parse,
		.args_doc = "[NIC]", .doc = doc };
	const struct peer_list none = { NULL, 0, 0, 0 };
	struct cmd_stat s = { 0 };
	struct peer_list list;
	int status = CLI_OK;
	json_t *o;

	cli_parse(&argp, argc, argv, &s);
	if (s.describe && s.json) {
		o = stat_describe_json();
		json_dumpf(o, stdout, JSON_INDENT(2));
		printf("\n");
		json_decref(o);
		return CLI_OK;
	}
	if (s.describe || s.mdoc) {
		s.mdoc ? stat_describe_mdoc() : stat_describe();
		return CLI_OK;
	}
	if (s.watch != 0)
		return stat_watch(&s);
	list = stat_ask(&s);
	if (list.count > 0 && s.hist != 0)
		status = stat_hist(&list, s.nic, s.hist, s.json);
	else if (list.count > 0)
		stat_show(&s, &list, &none, 0);
	else
		status = stat_nobody(&s, &list);
	peers_free(&list);
	return status;
}

const struct cli_command cli_stat = {
	"stat", "counters of both ends, with what they mean", cmd_stat_run
};
