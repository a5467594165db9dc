/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hvnet bench pps` and `hvnet bench vm`: find bench/pps.py or bench/vm.py and
 * become it.
 *
 * The measurement is a script of the source tree (or HVNET_BENCH), which runs
 * this very executable as host; see there for what is measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static void
bench_help(void)
{
	printf("Usage: hvnet bench pps [OPTION...]\n"
	    "Packets a second of a guest: our driver against DPDK's netvsc "
	    "PMD.\n\n"
	    "      --json=FILE            Write everything there, too: "
	    "machine, versions,\n"
	    "                             commands, every run\n"
	    "      --quick                A try: 1 round of 0.5 s, default "
	    "settings\n"
	    "      --rounds=N             Runs of each driver; default 5\n"
	    "      --seconds=S            Length of one run; default 1\n"
	    "      --modes=LIST           Default tx,rx,echo\n"
	    "      --sizes=LIST           Bytes of a frame, 46 to 1514; "
	    "default 64,512,1514\n"
	    "      --queues=LIST          Default 1,2\n"
	    "      --no-count             Without instructions a packet "
	    "(callgrind)\n"
	    "      --no-virtio            Without virtio-user to vhost-user\n"
	    "      --no-yardsticks        Without bare consumer, uio files and "
	    "TAP\n"
	    "      --realtime             Both ends before all other "
	    "processes\n"
	    "      --lock=FILE            Hold a lock on FILE during each run\n"
	    "\nIt needs root, huge pages (which it reserves and gives back) "
	    "and DPDK; without\nthem our side alone is measured.  The script "
	    "is bench/pps.py of the source tree;\nHVNET_BENCH names another "
	    "folder.\n"
	    "\nExamples:\n"
	    "  hvnet bench pps --quick --modes tx --sizes 64\n"
	    "  hvnet bench pps --json pps.json\n"
	    "\n`hvnet bench vm --help`: a stock kernel in a virtual "
	    "machine.\n");
}

static int
cmd_bench(int argc, char **argv)
{
	const char *dir = getenv("HVNET_BENCH");
	char exe[512], script[600], *args[64];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	int n = 0;

	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)) {
		bench_help();
		return CLI_OK;
	}
	if (argc < 2 || argc > 50 || (strcmp(argv[1], "pps") != 0 &&
	    strcmp(argv[1], "vm") != 0))
		cli_usage("bench what? (hvnet bench pps or vm; --help says "
		    "more)");
	if (len < 0)
		return CLI_FAILED;
	exe[len] = '\0';
	snprintf(script, sizeof(script), "%s/%s.py",
	    dir != NULL ? dir : HVNET_BENCH_DIR, argv[1]);
	if (access(script, R_OK) != 0) {
		fprintf(stderr, "hvnet bench: no %s: it is in the source tree; "
		    "HVNET_BENCH names its folder\n", script);
		return CLI_FAILED;
	}
	args[n++] = (char *)"python3";
	args[n++] = script;
	args[n++] = (char *)"--hvnet";
	args[n++] = exe;
	for (int i = 2; i < argc; i++)
		args[n++] = argv[i];
	args[n] = NULL;
	execvp(args[0], args);
	perror("hvnet bench: python3");
	return CLI_FAILED;
}

const struct cli_command cli_bench = {
	"bench", "measure packets a second, or a stock kernel", cmd_bench
};
