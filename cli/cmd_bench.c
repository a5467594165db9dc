/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `hvnet bench NAME` is a script of bench/, which runs this very executable;
 * see there for what is measured.
 */
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "cli/cli.h"
#include "cli/script.h"

static void
bench_pps_help(void)
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
	    "      --modes=LIST           Default tx,rx,echo; ref: only "
	    "transmit from\n"
	    "                             registered memory\n"
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
	    "  hvnet bench pps --json pps.json\n");
}

static const struct bench {
	const char *name, *script, *text;
	void (*help)(void);	/* NULL: the script's own */
} benches[] = {
	{ "ladder", "ladder",
	    "what each improvement gave a guest, one step at a time", NULL },
	{ "layers", "instructions",
	    "where the processor time goes: instructions of each layer",
	    NULL },
	{ "memory", "memory", "memory of the host end for a NIC, a channel",
	    NULL },
	{ "pps", "pps",
	    "packets a second: our driver against DPDK's netvsc PMD",
	    bench_pps_help },
	{ "tcp", "tcp", "TCP and ping against a bare TAP relay", NULL },
	{ "vm", "vm", "what offloads and channels give a stock kernel", NULL },
};

static void
bench_help(void)
{
	printf("Usage: hvnet bench NAME [OPTION...]\n"
	    "Measure something.  NAME is one of\n\n");
	for (size_t i = 0; i < ARRAY_LEN(benches); i++)
		printf("  %-13s %s\n", benches[i].name, benches[i].text);
	printf("\n`hvnet bench NAME --help` has its options.  HVNET_BENCH "
	    "names another folder\nfor their scripts.\n"
	    "\nExamples:\n"
	    "  hvnet bench ladder --html ladder.html\n"
	    "  hvnet bench pps --quick --modes tx --sizes 64\n");
}

static bool
bench_is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

/* "ladder, pps and vm" */
static const char *
bench_names(char *out, size_t cap)
{
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(benches) && at < cap; i++)
		at += (size_t)snprintf(out + at, cap - at, "%s%s",
		    i == 0 ? "" : i + 1 < ARRAY_LEN(benches) ? ", " : " and ",
		    benches[i].name);
	return out;
}

static int
cmd_bench(int argc, char **argv)
{
	static const struct script script = { "HVNET_BENCH", "bench",
		HVNET_BENCH_DIR };
	char names[120];

	if (argc < 2)
		cli_usage("bench what? There are %s (--help says more)",
		    bench_names(names, sizeof(names)));
	if (bench_is_help(argv[1])) {
		bench_help();
		return CLI_OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(benches); i++) {
		const struct bench *b = &benches[i];

		if (strcmp(argv[1], b->name) != 0)
			continue;
		if (b->help == NULL || argc < 3 || !bench_is_help(argv[2]))
			return script_become(&script, b->script, argc - 2,
			    argv + 2);
		b->help();
		return CLI_OK;
	}
	cli_usage("'%s' is no benchmark; there are %s", argv[1],
	    bench_names(names, sizeof(names)));
}

const struct cli_command cli_bench = {
	"bench", "measure what offloads, signals and channels give", cmd_bench
};
