/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `hvnet` command: finds the subcommand and runs it.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "cli/cli.h"

static const struct cli_command *const commands[] = {
	&cli_host, &cli_guest, &cli_uio, &cli_vm, &cli_stat, &cli_set,
	&cli_bench,
};

static void
main_help(void)
{
	printf("Usage: hvnet COMMAND [OPTION...]\n"
	    "Hyper-V synthetic networking, both ends, on Linux.\n\n"
	    "Commands:\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
	printf("\nhvnet COMMAND --help says more.  Options of hvnet itself:\n"
	    "  --help      This text\n"
	    "  --version   Version of hvnet\n\n"
	    "A guest's traffic through both ends, as root:\n"
	    "  hvnet host --listen /run/hvnet.sock "
	    "--nic backend=tap,name=hvhost0,queues=2 &\n"
	    "  ip netns add g\n"
	    "  hvnet guest --connect /run/hvnet.sock --ifname hn0 --netns g "
	    "--vps 2 &\n"
	    "  hvnet stat\n"
	    "  hvnet set hvhost0 link=down\n\n"
	    "Exit codes: 0 done; 1 failed; 2 usage; 3 no such process or NIC;\n"
	    "4 refused by the process or the other end; 5 host lost "
	    "(guest --once).\n\n"
	    "Manual: hvnet(1), and hvnet-COMMAND(1) for each.\n");
}

int
main(int argc, char **argv)
{
	char name[32];

	/* Answers to peers that went away, and `hvnet stat | head`. */
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2)
		cli_usage("which command: host, guest, uio, vm, stat, set or "
		    "bench? (hvnet --help)");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		main_help();
		return CLI_OK;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("hvnet %s\n", CLI_VERSION);
		return CLI_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(argv[1], commands[i]->name) != 0)
			continue;
		snprintf(name, sizeof(name), "hvnet %s", commands[i]->name);
		cli_name_set(name);
		argv[1] = name;
		return commands[i]->run(argc - 1, argv + 1);
	}
	cli_usage("no command '%s'; there are host, guest, uio, vm, stat, "
	    "set and bench",
	    argv[1]);
}
