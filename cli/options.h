/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options that several subcommands have, as children of their argp parsers.
 *
 * A command lists those that it wants in struct argp's children, and at
 * ARGP_KEY_INIT points state->child_inputs[] at what they fill in.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <argp.h>

#include "linux/run/thread.h"
#include "linux/see/capture.h"
#include "linux/see/transcript.h"

/* Groups of the help that these options stand in; commands number theirs
 * from 1. */
#define OPTIONS_GROUP_ATTACH	1	/* the first of all */
#define OPTIONS_GROUP_PLACE	8
#define OPTIONS_GROUP_PROTOCOL	9

/* What each option sets, where it is given: text of the arguments. */
struct options_attach {
	const char **connect;
	const char **nic;
	const char **name;
};

/* --connect, --nic and --name; input: struct options_attach. */
extern const struct argp options_attach_argp;
/* --pin, --no-pin and --sched; input: struct thread_place. */
extern const struct argp options_place_argp;
/* What --capture and --transcript set, where they are given. */
struct options_see {
	const struct capture_spec **capture;
	const struct transcript_spec **transcript;
	/* what these point to then */
	struct capture_spec capture_spec;
	struct transcript_spec transcript_spec;
};

/* --capture and --transcript; input: struct options_see. */
extern const struct argp options_see_argp;

#endif
