/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet uio: the kernel's part for an unmodified DPDK program.
 *
 * What stands before "--" is ours, what stands behind it is the program.  Our
 * exit code is the program's, where it ran.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "cli/loop.h"
#include "cli/options.h"
#include "linux/uio/uio.h"
#include "wire/vmbus_msg.h"

struct cmd_uio {
	struct uio_config cfg;
	struct options_attach attach;
	struct options_see see;
};

enum { KEY_RING = 256, KEY_RECV, KEY_SEND, KEY_MAX_VMBUS,
	KEY_PCI };

static const struct argp_option options[] = {
	{ "ring", KEY_RING, "KIB", 0,
	    "Size of each ring, 8 to 8192 in steps of 4; default 2048", 2 },
	{ "recv-buffer", KEY_RECV, "MIB", 0,
	    "Receive buffer, 1 to 31; default 31", 2 },
	{ "send-buffer", KEY_SEND, "MIB", 0,
	    "Send buffer, 1 to 16; default 16", 2 },
	{ "max-vmbus", KEY_MAX_VMBUS, "V", 0,
	    "Newest VMBus version tried, 2.4 to 6.0; default 6.0",
	    OPTIONS_GROUP_PROTOCOL },
	{ "pci", KEY_PCI, NULL, 0,
	    "Let the program see the machine's PCI devices, which DPDK takes "
	    "unless it is told --no-pci; default: it sees none", 2 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Run an unmodified DPDK program on a NIC of the host.  Its netvsc driver "
    "finds the files that Linux's uio_hv_generic would provide.\v"
    "It needs root, fanotify, and huge pages (or --no-huge for the program).  "
    "The program sees no PCI devices, so that DPDK does not take the "
    "machine's own NICs, unless you give --pci.  The exit code is the "
    "program's (128 + N if signal N ended it).\n\n"
    "Examples:\n"
    "  hvnet host --listen /run/hvnet.sock --nic backend=null,name=n0 &\n"
    "  sysctl vm.nr_hugepages=256\n"
    "  hvnet uio --connect /run/hvnet.sock -- dpdk-testpmd \\\n"
    "    --iova-mode=va --vdev 'net_failsafe0,dev(vmbus:GUID)' -- \\\n"
    "    -i --total-num-mbufs=16384\n";

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct cmd_uio *u = state->input;
	struct uio_config *c = &u->cfg;

	switch (key) {
	case ARGP_KEY_INIT:
		u->attach = (struct options_attach){ &c->connect, &c->nic,
			&c->name };
		state->child_inputs[0] = &u->attach;
		u->see.capture = &c->capture;
		u->see.transcript = &c->transcript;
		state->child_inputs[1] = &u->see;
		break;
	case KEY_RING:
		c->ring_bytes = cli_uint("--ring", arg, 8, 8192) * 1024;
		if (c->ring_bytes % 4096 != 0)
			cli_usage("--ring: %s KiB are not whole pages of 4",
			    arg);
		break;
	case KEY_RECV:
		c->recv_bytes = cli_uint("--recv-buffer", arg, 1, 31) << 20;
		break;
	case KEY_SEND:
		c->send_bytes = cli_uint("--send-buffer", arg, 1, 16) << 20;
		break;
	case KEY_PCI:
		c->pci = true;
		break;
	case KEY_MAX_VMBUS:
		c->max_vmbus = cli_vmbus_version("--max-vmbus", arg);
		if (c->max_vmbus < VMBUS_V2_4)
			cli_usage("--max-vmbus: %s is older than 2.4, the "
			    "first with channels that a program can have",
			    arg);
		break;
	case ARGP_KEY_ARG:
		cli_usage("'%s': the program stands behind '--'", arg);
	case ARGP_KEY_END:
		if (c->connect == NULL)
			cli_usage("--connect PATH is required: where the host "
			    "listens");
		if (c->argv == NULL || c->argv[0] == NULL ||
		    c->argv[0][0] == '\0')
			cli_usage("which program? Put it behind '--': hvnet "
			    "uio --connect PATH -- dpdk-testpmd ...");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int
tick(void *ctx)
{
	const char *why;
	int status;

	return uio_ended(ctx, &status, &why) != UIO_RUNNING;
}

static int
exit_code(enum uio_end end, int status, const char *why)
{
	switch (end) {
	case UIO_LOST:
		return cli_fail(CLI_LOST, "%s", why);
	case UIO_REFUSED:
		return cli_fail(CLI_REFUSED, "%s", why);
	case UIO_EXITED:
		break;
	default:
		return cli_fail(CLI_FAILED, "%s", why);
	}
	if (why[0] != '\0')
		cli_fail(0, "%s", why);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

static int
cmd_uio_serve(const struct uio_config *cfg, struct loop *l)
{
	char err[400] = "";
	bool refused;
	struct uio *u = uio_start(cfg, loop_base(l), &refused, err,
	    sizeof(err));
	const char *why;
	int status, code, stops = 0;

	if (u == NULL)
		return cli_fail(refused ? CLI_REFUSED : CLI_FAILED, "%s", err);
	while (uio_ended(u, &status, &why) == UIO_RUNNING) {
		/* Broken off by the end, or by a signal for the program. */
		loop_run(l, tick, u, 200);
		if (!tick(u))
			uio_signal(u, stops++ == 0 ? SIGTERM : SIGKILL);
	}
	code = exit_code(uio_ended(u, &status, &why), status, why);
	uio_stop(u);
	return code;
}

static int
cmd_uio_run(int argc, char **argv)
{
	static const struct argp_child shared[] = {
		{ &options_attach_argp, 0, NULL, 0 },
		{ &options_see_argp, 0, NULL, 0 },
		{ 0 }
	};
	const struct argp argp = { .options = options, .parser = parse,
		.args_doc = "-- PROGRAM [ARGUMENT...]", .doc = doc,
		.children = shared };
	struct cmd_uio u = { 0 };
	struct loop *l;
	int own = 1, status;

	uio_config_default(&u.cfg);
	while (own < argc && strcmp(argv[own], "--") != 0)
		own++;
	if (own < argc) {
		u.cfg.argv = argv + own + 1;
		argv[own] = NULL;
	}
	cli_parse(&argp, own, argv, &u);
	l = loop_create();
	if (l == NULL)
		return cli_fail(CLI_FAILED, "out of memory");
	status = cmd_uio_serve(&u.cfg, l);
	loop_destroy(l);
	return status;
}

const struct cli_command cli_uio = {
	"uio", "run a DPDK program on a host's NIC", cmd_uio_run
};
