/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet vm: a virtual machine with a stock kernel as a guest.
 *
 * Finds or builds QEMU, starts it and waits for its end; the guest's first
 * serial port is this terminal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "linux/link/link_wire.h"
#include "linux/vm/vm.h"

struct cmd_vm {
	struct vm_config cfg;
	struct options_attach attach;
	bool print;
};

enum {
	KEY_NICS = 256, KEY_VPS, KEY_MEMORY, KEY_KERNEL, KEY_INITRD, KEY_APPEND,
	KEY_IMAGE, KEY_SNAPSHOT, KEY_QEMU, KEY_NO_AEOI, KEY_WAIT, KEY_PRINT,
};

static const struct argp_option options[] = {
	{ "nics", KEY_NICS, "N", 0,
	    "Take up to N NICs; default: all that are free", 1 },
	{ "wait", KEY_WAIT, "SECONDS", 0,
	    "Wait so long for the host's socket to be there; default 10", 1 },
	{ "kernel", KEY_KERNEL, "FILE", 0, "Boot this kernel", 2 },
	{ "initrd", KEY_INITRD, "FILE", 0, "Initial root of --kernel", 2 },
	{ "append", KEY_APPEND, "TEXT", 0, "Command line of --kernel", 2 },
	{ "image", KEY_IMAGE, "FILE", 0,
	    "Disk image (raw, qcow2); booted unless --kernel is given", 2 },
	{ "snapshot", KEY_SNAPSHOT, NULL, 0,
	    "Leave the image as it is: writes are forgotten", 2 },
	{ "vps", KEY_VPS, "N", 0, "Virtual processors, 1 to 64; default 2",
	    3 },
	{ "memory", KEY_MEMORY, "SIZE", 0,
	    "Guest memory, as 512M or 2G; default 1G", 3 },
	{ "no-auto-eoi", KEY_NO_AEOI, NULL, 0,
	    "Advise the guest against automatic end of interrupt", 3 },
	{ "qemu", KEY_QEMU, "FILE", 0,
	    "This qemu-system-x86_64, built with qemu/ of hvnet; default: "
	    "$HVNET_QEMU, else one found or built in ~/.cache/hvnet", 4 },
	{ "print", KEY_PRINT, NULL, 0,
	    "Print QEMU's command line instead of running it", 4 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Run a virtual machine whose own Hyper-V drivers attach to a host. The "
    "guest's first serial port is the terminal (Ctrl-A X ends QEMU, Ctrl-A H "
    "tells more). What follows -- goes to QEMU as it is.\v"
    "Examples:\n"
    "  hvnet vm --connect /run/hvnet.sock --vps 4 --kernel vmlinuz \\\n"
    "    --initrd initrd.img --append 'console=ttyS0'\n"
    "  hvnet vm --connect /run/hvnet.sock --snapshot \\\n"
    "    --image FreeBSD-14.3-RELEASE-amd64.qcow2\n";

static const char *
cmd_vm_file(const char *what, const char *text, int mode)
{
	struct stat st;

	if (text[0] == '\0')
		cli_usage("%s: '' is no file", what);
	if (stat(text, &st) < 0 || access(text, mode) < 0)
		cli_usage("%s: %s: %s", what, text, strerror(errno));
	if (S_ISDIR(st.st_mode))
		cli_usage("%s: %s is a folder; a file is wanted", what, text);
	return text;
}

/* Options about the host and about running. */
static error_t
parse_outer(int key, char *arg, struct cmd_vm *v)
{
	struct vm_config *c = &v->cfg;

	switch (key) {
	case KEY_NICS:
		c->nics = cli_uint("--nics", arg, 1, 64);
		break;
	case KEY_WAIT:
		c->wait_s = cli_uint("--wait", arg, 0, 86400);
		break;
	case KEY_QEMU:
		c->qemu = cmd_vm_file("--qemu", arg, X_OK);
		break;
	case KEY_PRINT:
		v->print = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct cmd_vm *v = state->input;
	struct vm_config *c = &v->cfg;

	switch (key) {
	case ARGP_KEY_INIT:
		v->attach = (struct options_attach){ &c->connect, &c->nic,
			&c->name };
		state->child_inputs[0] = &v->attach;
		break;
	case KEY_KERNEL:
		c->kernel = cmd_vm_file("--kernel", arg, R_OK);
		break;
	case KEY_INITRD:
		c->initrd = cmd_vm_file("--initrd", arg, R_OK);
		break;
	case KEY_APPEND:
		c->append = arg;
		break;
	case KEY_IMAGE:
		c->image = cmd_vm_file("--image", arg, R_OK);
		break;
	case KEY_SNAPSHOT:
		c->snapshot = true;
		break;
	case KEY_VPS:
		c->vps = cli_uint("--vps", arg, 1, LINK_MAX_VPS);
		break;
	case KEY_MEMORY:
		c->memory_mib = cli_mib("--memory", arg);
		break;
	case KEY_NO_AEOI:
		c->no_aeoi = true;
		break;
	case ARGP_KEY_END:
		if (c->connect == NULL)
			cli_usage("--connect PATH is required: where the host "
			    "listens");
		if (c->kernel == NULL && c->image == NULL)
			cli_usage("--kernel FILE or --image FILE is required: "
			    "what to boot");
		if (c->kernel == NULL && (c->initrd != NULL ||
		    c->append != NULL))
			cli_usage("--initrd and --append go with --kernel");
		break;
	default:
		return parse_outer(key, arg, v);
	}
	return 0;
}

/* A command line that a shell takes. */
static void
cmd_vm_print(char **args)
{
	for (size_t i = 0; args[i] != NULL; i++) {
		bool plain = args[i][strcspn(args[i], " '\"$\\`!*?;&|<>()")] ==
		    '\0' && args[i][0] != '\0';

		printf("%s", i > 0 ? " " : "");
		if (plain) {
			printf("%s", args[i]);
			continue;
		}
		putchar('\'');
		for (const char *s = args[i]; *s != '\0'; s++)
			if (*s == '\'')
				printf("'\\''");
			else
				putchar(*s);
		putchar('\'');
	}
	putchar('\n');
}

static int
cmd_vm_run(int argc, char **argv)
{
	static const struct argp_child shared[] = {
		{ &options_attach_argp, 0, NULL, 0 },
		{ 0 }
	};
	const struct argp argp = { .options = options, .parser = parse,
		.args_doc = "[-- QEMU-OPTION...]", .doc = doc,
		.children = shared };
	char qemu[4096], err[8400] = "";
	struct cmd_vm v = { 0 };
	char **args;
	int n, rc;

	vm_config_default(&v.cfg);
	/* What follows "--" is QEMU's, and argp is not to see it. */
	for (n = 1; n < argc; n++)
		if (strcmp(argv[n], "--") == 0)
			break;
	if (n < argc) {
		v.cfg.extra = &argv[n + 1];
		argv[n] = NULL;
	}
	cli_parse(&argp, n, argv, &v);
	if (vm_qemu_find(&v.cfg, qemu, sizeof(qemu), err, sizeof(err)) < 0)
		return cli_fail(CLI_FAILED, "%s", err);
	args = vm_args_make(&v.cfg, qemu);
	if (args == NULL)
		return cli_fail(CLI_FAILED, "out of memory, or too many "
		    "options for QEMU");
	rc = 0;
	if (v.print)
		cmd_vm_print(args);
	else
		rc = vm_run(&v.cfg, args, err, sizeof(err));
	vm_args_free(args);
	if (rc < 0)
		return cli_fail(CLI_FAILED, "%s", err);
	/* It reported that itself. */
	if (rc == 1 && vm_qemu_given(&v.cfg) != NULL &&
	    !vm_qemu_has_device(qemu))
		return cli_fail(CLI_FAILED, "%s is not built with hvnet's "
		    "device; without --qemu and HVNET_QEMU, hvnet vm finds or "
		    "builds one that is (docs/vm.md)", qemu);
	if (rc > 128)
		return cli_fail(CLI_FAILED, "QEMU ended by signal %d (%s)",
		    rc - 128, strsignal(rc - 128));
	return rc == 0 ? CLI_OK : CLI_FAILED;
}

const struct cli_command cli_vm = {
	"vm", "run a virtual machine as a guest", cmd_vm_run
};
