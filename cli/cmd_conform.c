/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet conform: does a driver survive what real hosts do?  The suite is a
 * script, share/conform/conform.py, which runs this very executable as host.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/script.h"

static void
conform_help(void)
{
	printf("Usage: hvnet conform [OPTION...] -- COMMAND...\n"
	    "Run scenarios against a driver: each starts a host that behaves "
	    "as real hosts\ndo, and odder, has a guest come, and gives a "
	    "verdict: pass, fail or not\napplicable.\n\n"
	    "      --list                 The scenarios: what must hold, "
	    "whose rule it is,\n"
	    "                             which real bug it would have "
	    "caught\n"
	    "      --only=GLOB            Only scenarios of this name, or "
	    "group/name; may be\n"
	    "                             repeated\n"
	    "      --skip=GLOB            Not these; may be repeated\n"
	    "      --junit=FILE           Verdicts as JUnit XML\n"
	    "      --json=FILE            Verdicts (with --list the scenarios) "
	    "as JSON\n"
	    "      --report=FILE          A report card, in Markdown\n"
	    "      --evidence=DIR         Where a failure leaves transcript, "
	    "capture,\n"
	    "                             counters and logs; default "
	    "conform-evidence\n"
	    "      --listen=PATH          The guest is there already, and "
	    "connects to this\n"
	    "                             socket whenever a host listens "
	    "there\n"
	    "      --guest-run=COMMAND    How the guest is asked to do "
	    "something: COMMAND\n"
	    "                             gets what its shell shall do as "
	    "the last argument,\n"
	    "                             such as 'ssh root@A' or 'ip netns "
	    "exec g sh -c'\n"
	    "      --guest-console=PATH   The same by a root shell at a "
	    "serial line: a Unix\n"
	    "                             socket, a device, or - for the "
	    "terminal of COMMAND\n"
	    "                             itself, as with hvnet vm "
	    "--debian\n"
	    "      --restart              The guest ends with its NIC, as a "
	    "program under\n"
	    "                             hvnet uio does: start it again; one "
	    "that a signal\n"
	    "                             ended is a failure all the same\n"
	    "      --patience=SECONDS     Bound of each wait, 1 to 3600; "
	    "default 60\n"
	    "\nCOMMAND starts a guest: hvnet guest, vm or uio, to which "
	    "--connect is added, or\nany command with {socket} where the "
	    "path of the host's socket goes.\nIt needs root.  HVNET_CONFORM "
	    "names another folder with conform.py and\nscenarios/.  "
	    "Exit code 1: a scenario failed.\n"
	    "\nExamples:\n"
	    "  hvnet conform --list\n"
	    "  hvnet conform --junit out.xml -- hvnet guest --netns g\n"
	    "  hvnet conform --patience 300 --guest-console - -- hvnet vm "
	    "--debian\n"
	    "  hvnet conform --only 'nvsp/*' --listen /run/hv.sock \\\n"
	    "    --guest-run 'ssh root@192.0.2.7'\n");
}

static int
cmd_conform(int argc, char **argv)
{
	static const struct script suite = { "HVNET_CONFORM", "conform",
		HVNET_CONFORM_DIR };

	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)) {
		conform_help();
		return CLI_OK;
	}
	return script_become(&suite, "conform", argc - 1, argv + 1);
}

const struct cli_command cli_conform = {
	"conform", "does a driver survive what real hosts do?", cmd_conform
};
