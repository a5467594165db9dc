/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet top: what the NICs do now, a line each, again and again.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/nic_sum.h"
#include "linux/run/clock.h"

struct cmd_top {
	const char *nic;
	uint32_t seconds;
	uint32_t times;		/* 0: no end */
};

enum { KEY_SECONDS = 256, KEY_TIMES };

static const struct argp_option options[] = {
	{ "seconds", KEY_SECONDS, "N", 0,
	    "Between two pictures, 1 to 3600; default 1", 1 },
	{ "times", KEY_TIMES, "N", 0,
	    "End after so many pictures, 1 to 1000000; default: no end", 1 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Show what the NICs of all running hosts and guests do, a line each, and "
    "how much it was a second: frames and bits out (from the guest) and in "
    "(to the guest), frames dropped, signals that this end sent, interrupts of "
    "the guest, and the slower end: who kept the other waiting.  With NIC: "
    "only those of this name.\v"
    "Examples:\n"
    "  hvnet top\n"
    "  hvnet top hvhost0 --seconds 5 --times 1\n";

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct cmd_top *t = state->input;

	switch (key) {
	case KEY_SECONDS:
		t->seconds = cli_uint("--seconds", arg, 1, 3600);
		break;
	case KEY_TIMES:
		t->times = cli_uint("--times", arg, 1, 1000000);
		break;
	case ARGP_KEY_ARG:
		if (t->nic != NULL)
			cli_usage("one NIC at most, not '%s' and '%s'", t->nic,
			    arg);
		if (arg[0] == '\0')
			cli_usage("which NIC? '' is no name");
		t->nic = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* Counters begin again with each guest. */
static double
rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before ? (double)(now - before) / seconds : 0;
}

/* Who kept the other waiting since then. */
static const char *
slower(const struct nic_counts *now, const struct nic_counts *before)
{
	double guest = rate(now->waits_guest, before->waits_guest, 1);
	double host = rate(now->waits_host, before->waits_host, 1);

	if (guest + host < 1)
		return "-";
	return guest > 10 * host ? "guest" : host > 10 * guest ? "host" :
	    "both";
}

static void
top_line(const struct nic_sum *s, const struct nic_counts *b, double seconds)
{
	const struct nic_counts *n = &s->n;

	printf("%-15s %-5s %10.0f %9.1f %10.0f %9.1f %8.0f %8.0f %8.0f %s\n",
	    s->name, peer_kind(s->peer),
	    rate(n->frames_out, b->frames_out, seconds),
	    rate(n->bytes_out, b->bytes_out, seconds) * 8e-6,
	    rate(n->frames_in, b->frames_in, seconds),
	    rate(n->bytes_in, b->bytes_in, seconds) * 8e-6,
	    rate(n->drops, b->drops, seconds),
	    rate(n->signals, b->signals, seconds),
	    rate(n->interrupts, b->interrupts, seconds), slower(n, b));
}

/* A NIC that came meanwhile has no line yet. */
static void
top_picture(const struct nic_sums *now, const struct nic_sums *before,
    double seconds)
{
	if (isatty(STDOUT_FILENO))
		printf("\033[H\033[2J");
	printf("%-15s %-5s %10s %9s %10s %9s %8s %8s %8s %s\n", "NIC", "END",
	    "OUT/s", "Mbit/s", "IN/s", "Mbit/s", "DROPS/s", "SIGNAL/s",
	    "INTR/s", "SLOWER");
	for (size_t i = 0; i < now->count; i++) {
		const struct nic_sum *b = nic_sums_find(before, &now->nic[i]);

		if (b != NULL)
			top_line(&now->nic[i], &b->n, seconds);
	}
}

/* Everybody's answers, or those that have the NIC; none: *status. */
static struct peer_list
top_ask(const struct cmd_top *t, int *status)
{
	struct peer_list list = peers_ask();
	char what[100];

	if (t->nic != NULL)
		peers_keep(&list, t->nic);
	snprintf(what, sizeof(what), "a NIC or interface '%.60s'",
	    t->nic != NULL ? t->nic : "");
	*status = list.count > 0 ? CLI_OK :
	    peers_none(&list, t->nic != NULL ? what : NULL);
	return list;
}

static int
cmd_top_run(int argc, char **argv)
{
	const struct argp argp = { .options = options, .parser = parse,
		.args_doc = "[NIC]", .doc = doc };
	struct cmd_top t = { .seconds = 1 };
	struct peer_list before, list;
	struct nic_sums was, sums;
	uint64_t at, now;
	int status;

	cli_parse(&argp, argc, argv, &t);
	before = top_ask(&t, &status);
	at = clock_now_ns();
	for (uint32_t i = 0; status == CLI_OK && (t.times == 0 ||
	    i < t.times); i++) {
		sleep(t.seconds);
		list = top_ask(&t, &status);
		now = clock_now_ns();
		was = nic_sums_of(&before);
		sums = nic_sums_of(&list);
		if (status == CLI_OK)
			top_picture(&sums, &was, (double)(now - at) / 1e9);
		if (fflush(stdout) != 0 || ferror(stdout))
			status = CLI_FAILED;
		nic_sums_free(&was);
		nic_sums_free(&sums);
		peers_free(&before);
		before = list;
		at = now;
	}
	peers_free(&before);
	return status;
}

const struct cli_command cli_top = {
	"top", "what the NICs do now: rates, drops, the slower end",
	cmd_top_run
};
