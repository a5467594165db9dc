/*
 * `hvnet bench pps`: finds bench/pps.py and becomes it.
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
	printf("Usage: hvnet bench pps [--json FILE] [OPTION...]\n"
	    "Packets a second of a guest: our driver against DPDK's netvsc "
	    "PMD.\n\n"
	    "  --json FILE      Write the results there, too\n"
	    "  --seconds S      Length of one run; default 2\n"
	    "  --rounds N       Runs of each driver; default 2\n"
	    "  --sizes LIST     Bytes; default 64,512,1514\n"
	    "  --queues LIST    Default 1,2\n"
	    "  --modes LIST     Default tx,rx,echo\n\n"
	    "DPDK is left out where it is missing.  The script "
	    "is\nbench/pps.py of the source tree; HVNET_BENCH names another "
	    "folder.\n");
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
	if (argc < 2 || strcmp(argv[1], "pps") != 0 || argc > 50)
		cli_usage("bench what? (hvnet bench pps; --help says more)");
	if (len < 0)
		return CLI_FAILED;
	exe[len] = '\0';
	snprintf(script, sizeof(script), "%s/pps.py",
	    dir != NULL ? dir : HVNET_BENCH_DIR);
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
	"bench", "measure packets a second, against DPDK's driver", cmd_bench
};
