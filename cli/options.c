/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options that several subcommands have: one table, one parser each, so that
 * their texts and checks are the same everywhere.
 */
#include "cli/options.h"

#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "linux/link/link_wire.h"
#include "linux/run/name.h"

enum {
	KEY_CONNECT = 256, KEY_NIC, KEY_NAME, KEY_PIN, KEY_NO_PIN, KEY_SCHED,
	KEY_TRANSCRIPT, KEY_CAPTURE,
};

/* --- attach --- */

static const struct argp_option attach_options[] = {
	{ "connect", KEY_CONNECT, "PATH", 0,
	    "Socket that the host listens on",
	    OPTIONS_GROUP_ATTACH },
	{ "nic", KEY_NIC, "NAME", 0,
	    "Take the host's NIC of this name; default: any that is free",
	    OPTIONS_GROUP_ATTACH },
	{ "name", KEY_NAME, "NAME", 0,
	    "Name of this guest, for the host's NICs with guest=NAME",
	    OPTIONS_GROUP_ATTACH },
	{ 0 }
};

/* A name that a NIC's key=value,... can hold. */
static const char *
attach_name(const char *what, const char *text)
{
	if (!name_ok(text, LINK_NAME_LEN))
		cli_usage("%s: '%s' is not a name: want 1 to %u " NAME_RULE,
		    what, text, LINK_NAME_LEN - 1);
	return text;
}

static error_t
attach_parse(int key, char *arg, struct argp_state *state)
{
	struct options_attach *a = state->input;

	switch (key) {
	case KEY_CONNECT:
		*a->connect = cli_socket("--connect", arg);
		break;
	case KEY_NIC:
		*a->nic = attach_name("--nic", arg);
		break;
	case KEY_NAME:
		*a->name = attach_name("--name", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp options_attach_argp = {
	.options = attach_options, .parser = attach_parse
};

/* --- place --- */

static const struct argp_option place_options[] = {
	{ "pin", KEY_PIN, "CPU", OPTION_ARG_OPTIONAL,
	    "Pin thread k to processor CPU + k (default).  CPU is 0 by "
	    "default; for a guest, the first after the guests that run",
	    OPTIONS_GROUP_PLACE },
	{ "no-pin", KEY_NO_PIN, NULL, 0, "Do not pin threads",
	    OPTIONS_GROUP_PLACE },
	{ "sched", KEY_SCHED, "HOW", 0,
	    "Scheduling of threads: batch (default: a woken thread waits for "
	    "the one that runs, and then finds more work) or normal",
	    OPTIONS_GROUP_PLACE },
	{ 0 }
};

/* The last processor of this machine; they count from 0. */
static uint32_t
place_last_cpu(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus > 0 ? (uint32_t)cpus - 1 : 0;
}

static error_t
place_parse(int key, char *arg, struct argp_state *state)
{
	struct thread_place *place = state->input;

	switch (key) {
	case KEY_PIN:
		place->pin = true;
		if (arg != NULL)
			place->first_cpu = cli_uint("--pin: processor", arg,
			    0, place_last_cpu());
		break;
	case KEY_NO_PIN:
		place->pin = false;
		break;
	case KEY_SCHED:
		place->sched = (enum thread_sched)cli_choice("--sched", arg,
		    thread_sched_names, THREAD_SCHEDS);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp options_place_argp = {
	.options = place_options, .parser = place_parse
};

/* --- capture and transcript --- */

static const struct argp_option see_options[] = {
	{ "capture", KEY_CAPTURE, "FILE[,KEY=N...]", 0,
	    "Write VMBus messages, ring packets and the frames in them to "
	    "FILE, for Wireshark; snap=BYTES of each frame, default 2048; "
	    "files=N of size=MIB, default 2 of 256; gso=cut: large frames "
	    "as their segments", OPTIONS_GROUP_PROTOCOL },
	{ "transcript", KEY_TRANSCRIPT, "FILE[,KEY...]", 0,
	    "Append every control message, decoded, a line each, to FILE (-: "
	    "standard error); only=vmbus+nvsp+rndis or some of them; json; "
	    "time=wall: of day, UTC; gpadl=full: all of its bodies",
	    OPTIONS_GROUP_PROTOCOL },
	{ 0 }
};

static error_t
see_parse(int key, char *arg, struct argp_state *state)
{
	struct options_see *see = state->input;
	char err[300];

	switch (key) {
	case KEY_CAPTURE:
		if (capture_parse(&see->capture_spec, arg, err,
		    sizeof(err)) < 0)
			cli_usage("--capture %s: %s", arg, err);
		*see->capture = &see->capture_spec;
		break;
	case KEY_TRANSCRIPT:
		if (transcript_parse(&see->transcript_spec, arg, err,
		    sizeof(err)) < 0)
			cli_usage("--transcript: %s", err);
		*see->transcript = &see->transcript_spec;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp options_see_argp = {
	.options = see_options, .parser = see_parse
};
