/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hvnet bench pps` and `hvnet bench vm`: find bench/pps.py or bench/vm.py and
 * become it.
 *
 * The measurement is a script, which runs this very executable as host; see
 * there for what is measured.  It is looked for in HVNET_BENCH, then where
 * `make install` put it (../lib/hvnet/bench beside this executable's folder),
 * then in the source tree.
 */
#include <errno.h>
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

/* The script of a benchmark; false: there is none, path is the last tried. */
static bool
bench_find(const char *name, const char *exe, char *path, size_t cap)
{
	const char *dir = getenv("HVNET_BENCH");
	const char *slash = strrchr(exe, '/');

	if (dir != NULL && dir[0] != '\0') {
		snprintf(path, cap, "%s/%s.py", dir, name);
		return access(path, R_OK) == 0;
	}
	snprintf(path, cap, "%.*s/../lib/hvnet/bench/%s.py",
	    (int)(slash - exe), exe, name);
	if (access(path, R_OK) == 0)
		return true;
	snprintf(path, cap, "%s/%s.py", HVNET_BENCH_DIR, name);
	return access(path, R_OK) == 0;
}

static int
cmd_bench(int argc, char **argv)
{
	char exe[512], script[600], *args[64];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	int n = 0;

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
	if (argc > 50)
		cli_usage("%d arguments are too many: 49 at most", argc - 1);
	if (len < 0)
		return cli_fail(CLI_FAILED, "/proc/self/exe: %s",
		    strerror(errno));
	exe[len] = '\0';
	if (!bench_find(argv[1], exe, script, sizeof(script))) {
		fprintf(stderr, "hvnet bench: no %s: it is in the folder "
		    "bench/ of the source tree; HVNET_BENCH names that "
		    "folder\n", script);
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
