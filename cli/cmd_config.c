/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet config: look at a configuration file of a host, without a host.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/host_args.h"
#include "linux/run/text.h"

struct cmd_config {
	const char *what, *path;
};

static const struct argp_option options[] = {
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Check a configuration file of hvnet host (hvnet-host.conf(5)): each key "
    "and value, as --config and a reload do, but nothing is started.\v"
    "Exit code 2: the file is wrong; the line says where and what would be "
    "right.\n\n"
    "Examples:\n"
    "  hvnet config check /etc/hvnet/host.conf\n";

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct cmd_config *c = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (c->what == NULL && strcmp(arg, "check") != 0)
			cli_usage("what about the file? 'check' FILE, not "
			    "'%s'", arg);
		if (c->path != NULL)
			cli_usage("one file, not '%s' and '%s'", c->path, arg);
		if (c->what != NULL)
			c->path = arg;
		else
			c->what = arg;
		break;
	case ARGP_KEY_END:
		if (c->path == NULL || c->path[0] == '\0')
			cli_usage("which file? hvnet config check FILE");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int
cmd_config_run(int argc, char **argv)
{
	const struct argp argp = { .options = options, .parser = parse,
		.args_doc = "check FILE", .doc = doc };
	struct cmd_config c = { 0 };
	struct host_args h;
	char shown[512];

	cli_parse(&argp, argc, argv, &c);
	host_args_file(&h, c.path);
	printf("%s is right: %u NIC%s\n", text_show(shown, sizeof(shown),
	    c.path), h.nics, h.nics == 1 ? "" : "s");
	host_args_free(&h);
	return CLI_OK;
}

const struct cli_command cli_config = {
	"config", "check a configuration file of a host", cmd_config_run
};
