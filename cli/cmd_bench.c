/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hvnet bench pps` and `hvnet bench vm` are scripts, bench/pps.py and
 * bench/vm.py, which run this very executable as host; see there for what is
 * measured.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/script.h"

static void
bench_help(void)
{
	printf("Usage: hvnet bench pps [OPTION...]\n"
	    "Packets a second of a guest: our driver against DPDK's netvsc "
	    "PMD.\n\n"
	    "      --json=FILE            Also write everything there: "
	    "machine, versions,\n"
	    "                             commands, every run\n"
	    "      --quick                See that it runs: 1 round of "
	    "0.5 s\n"
	    "      --rounds=N             Runs of each driver; default 5\n"
	    "      --seconds=S            Length of one run; default 1\n"
	    "      --modes=LIST           Default tx,rx,echo\n"
	    "      --sizes=LIST           Bytes of a frame, 46 to 1514; "
	    "default 64,512,1514\n"
	    "      --queues=LIST          Default 1,2\n"
	    "      --no-count             Do not count instructions a "
	    "packet (callgrind)\n"
	    "      --no-virtio            Do not measure virtio-user to "
	    "vhost-user\n"
	    "      --no-yardsticks        Do not measure the bare ring "
	    "consumer, uio files\n"
	    "                             and TAP\n"
	    "      --realtime             Run both ends with real-time "
	    "priority\n"
	    "      --lock=FILE            Hold a lock on FILE during each run\n"
	    "\nIt needs root, huge pages (which it reserves and gives back) "
	    "and DPDK; without\nthem only our side is measured.  The script "
	    "is bench/pps.py; HVNET_BENCH names\nanother folder for it.\n"
	    "\nExamples:\n"
	    "  hvnet bench pps --quick --modes tx --sizes 64\n"
	    "  hvnet bench pps --json pps.json\n"
	    "\n`hvnet bench vm --help`: a stock kernel in a virtual "
	    "machine.\n");
}

static bool
bench_is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static int
cmd_bench(int argc, char **argv)
{
	static const struct script bench = { "HVNET_BENCH", "bench",
		HVNET_BENCH_DIR };

	/* Of vm the script has the help. */
	if (argc >= 2 && bench_is_help(argv[strcmp(argv[1], "pps") == 0 &&
	    argc > 2 ? 2 : 1])) {
		bench_help();
		return CLI_OK;
	}
	if (argc < 2)
		cli_usage("bench what? (hvnet bench pps or vm; --help says "
		    "more)");
	if (strcmp(argv[1], "pps") != 0 && strcmp(argv[1], "vm") != 0)
		cli_usage("'%s' is no benchmark; there are pps and vm",
		    argv[1]);
	return script_become(&bench, argv[1], argc - 2, argv + 2);
}

const struct cli_command cli_bench = {
	"bench", "measure packets a second, or a stock kernel", cmd_bench
};
