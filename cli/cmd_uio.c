/*
 * hvnet uio: the kernel's part for an unmodified DPDK program.
 *
 * What stands before "--" is ours, what stands behind it is the program.  Our
 * exit code is the program's, where it ran.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/span.h"
#include "cli/cli.h"
#include "cli/loop.h"
#include "linux/link/link_wire.h"
#include "linux/uio/uio.h"

enum {
	KEY_CONNECT = 256, KEY_NIC, KEY_NAME, KEY_RING, KEY_RECV, KEY_SEND,
	KEY_MAX_VMBUS, KEY_TRANSCRIPT,
};

static const struct argp_option options[] = {
	{ "connect", KEY_CONNECT, "PATH", 0,
	    "Socket that the host listens on (required)", 1 },
	{ "nic", KEY_NIC, "NAME", 0,
	    "The host's NIC; default: the first that is free", 1 },
	{ "name", KEY_NAME, "NAME", 0,
	    "Name of this guest, for the host's NICs with guest=NAME", 1 },
	{ "ring", KEY_RING, "KIB", 0,
	    "Size of each ring, 8 to 8192; default 2048", 2 },
	{ "recv-buffer", KEY_RECV, "MIB", 0,
	    "Receive buffer, 1 to 31; default 31", 2 },
	{ "send-buffer", KEY_SEND, "MIB", 0,
	    "Send buffer, 1 to 16; default 16", 2 },
	{ "max-vmbus", KEY_MAX_VMBUS, "V", 0,
	    "Newest VMBus version tried, 2.4 to 6.0; default 6.0", 3 },
	{ "transcript", KEY_TRANSCRIPT, "FILE", 0,
	    "Write every VMBus message, decoded, to FILE (-: standard error)",
	    3 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Run a DPDK program, unmodified, on a NIC of the host: its netvsc driver "
    "finds the files that Linux's uio_hv_generic would show it.\n"
    "Usage: hvnet uio --connect PATH [OPTION...] -- PROGRAM [ARGUMENT...]\v"
    "It needs root, fanotify, and huge pages (or --no-huge for the program).  "
    "Give DPDK programs --no-pci, or they take the machine's own NICs.  The "
    "exit code is the program's (128 + N if signal N ended it).\n\n"
    "Examples:\n"
    "  hvnet host --listen /run/hvnet.sock --nic backend=null,name=n0 &\n"
    "  sysctl vm.nr_hugepages=256\n"
    "  hvnet uio --connect /run/hvnet.sock -- dpdk-testpmd --no-pci "
    "--iova-mode=va \\\n"
    "    --vdev 'net_failsafe0,dev(vmbus:GUID)' -- -i "
    "--total-num-mbufs=16384\n";

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct uio_config *c = state->input;

	switch (key) {
	case KEY_CONNECT:
		c->connect = arg;
		break;
	case KEY_NIC:
	case KEY_NAME:
		if (strlen(arg) >= LINK_NAME_LEN)
			cli_usage("--%s: '%s' is longer than %u characters",
			    key == KEY_NIC ? "nic" : "name", arg,
			    LINK_NAME_LEN - 1);
		*(key == KEY_NIC ? &c->nic : &c->name) = arg;
		break;
	case KEY_RING:
		c->ring_bytes = cli_uint("--ring", arg, 8, 8192) / 4 * 4096;
		break;
	case KEY_RECV:
		c->recv_bytes = cli_uint("--recv-buffer", arg, 1, 31) << 20;
		break;
	case KEY_SEND:
		c->send_bytes = cli_uint("--send-buffer", arg, 1, 16) << 20;
		break;
	case KEY_MAX_VMBUS:
		c->max_vmbus = cli_vmbus_version("--max-vmbus", arg);
		break;
	case KEY_TRANSCRIPT:
		c->transcript = arg;
		break;
	case ARGP_KEY_END:
		if (c->connect == NULL)
			cli_usage("--connect PATH is required: where the host "
			    "listens");
		if (c->argv == NULL || c->argv[0] == NULL)
			cli_usage("which program? Put it behind '--': hvnet "
			    "uio --connect PATH -- dpdk-testpmd --no-pci ...");
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
	const struct argp argp = { .options = options, .parser = parse,
		.doc = doc };
	struct uio_config cfg;
	struct loop *l;
	int own = 1, status;

	uio_config_default(&cfg);
	while (own < argc && strcmp(argv[own], "--") != 0)
		own++;
	if (own < argc) {
		cfg.argv = argv + own + 1;
		argv[own] = NULL;
	}
	cli_parse(&argp, own, argv, &cfg);
	l = loop_create();
	if (l == NULL)
		return cli_fail(CLI_FAILED, "out of memory");
	status = cmd_uio_serve(&cfg, l);
	loop_destroy(l);
	return status;
}

const struct cli_command cli_uio = {
	"uio", "run a DPDK program on a host's NIC", cmd_uio_run
};
