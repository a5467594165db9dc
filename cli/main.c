/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `hvnet` command: finds the subcommand and runs it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "cli/cli.h"
#include "cli/version.h"
#include "linux/run/ctl.h"
#include "linux/run/outfile.h"

static const struct cli_command *const commands[] = {
	&cli_host, &cli_guest, &cli_uio, &cli_vm, &cli_list, &cli_top,
	&cli_stat, &cli_metrics, &cli_set, &cli_trace, &cli_config, &cli_bench,
	&cli_conform,
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

/* Its reader went away: `hvnet stat | head`.  That is no error. */
static bool
main_stdout_unread(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

/*
 * The end of every command: output that did not arrive (a full disk) and files
 * that lost something (reported before) are a failure.
 */
static void
main_on_exit(int status, void *arg)
{
	bool unread = main_stdout_unread(), failed = ferror(stdout) != 0;

	errno = 0;
	if (__fpending(stdout) != 0 && fflush(stdout) != 0)
		failed = true;
	if (failed && !unread)
		cli_fail(0, "standard output: %s", errno != 0 ?
		    strerror(errno) :
		    "not all was written (is the disk full?)");
	if (((failed && !unread) || outfile_failed()) && status == CLI_OK)
		_exit(CLI_FAILED);
}

/*
 * Files of ours must not become standard output or error because those were
 * closed; what is printed to them fails as before.
 */
static void
main_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int
main(int argc, char **argv)
{
	char name[32];

	main_standard_files();
	on_exit(main_on_exit, NULL);
	/* Answers to peers that went away, and `hvnet stat | head`. */
	signal(SIGPIPE, SIG_IGN);
	/* A file at its limit (ulimit -f) is a write that fails. */
	signal(SIGXFSZ, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	ctl_about(version_text(), version_commit());
	if (argc < 2)
		cli_usage("which command: host, guest, uio, vm, stat, set or "
		    "bench? (hvnet --help)");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		main_help();
		return CLI_OK;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("hvnet %s (%s)\n", version_text(), version_commit());
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
	if (argv[1][0] == '-')
		cli_usage("unknown option '%s'; hvnet itself has --help and "
		    "--version, all others stand behind a command: host, "
		    "guest, uio, vm, stat, set or bench", argv[1]);
	cli_usage("no command '%s'; there are host, guest, uio, vm, stat, "
	    "set and bench",
	    argv[1]);
}
