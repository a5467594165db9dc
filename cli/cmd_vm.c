/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet vm: a virtual machine with a stock kernel as a guest.
 *
 * The command line.  What happens then is in vm_machine.c.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/vm_machine.h"
#include "linux/host/nic_spec.h"
#include "linux/link/link_wire.h"

struct cmd_vm {
	struct vm_machine m;
	struct options_attach attach;
};

enum {
	KEY_NICS = 256, KEY_VPS, KEY_MEMORY, KEY_KERNEL, KEY_INITRD, KEY_APPEND,
	KEY_IMAGE, KEY_SNAPSHOT, KEY_QEMU, KEY_NO_AEOI, KEY_WAIT, KEY_PRINT,
	KEY_DEBIAN, KEY_PACKAGE, KEY_MODULES, KEY_SYSTEMD, KEY_RUN, KEY_COPY,
	KEY_FETCH, KEY_CONSOLE, KEY_HOST_NIC, KEY_SHELL_WAIT,
};

static const struct argp_option options[] = {
	{ "nics", KEY_NICS, "N", 0,
	    "Take up to N NICs; default: all that are free", 1 },
	{ "wait", KEY_WAIT, "SECONDS", 0,
	    "Wait at most this long for the host's socket; default 10", 1 },
	{ "host-nic", KEY_HOST_NIC, "SPEC", 0,
	    "Instead of --connect: start a host end with this NIC (as --nic "
	    "of `hvnet host'), for as long as the machine lives; may be "
	    "repeated.  With neither it is backend=null,name=n0", 1 },
	{ "debian", KEY_DEBIAN, "SUITE", OPTION_ARG_OPTIONAL,
	    "Boot Debian, of this suite (bookworm, trixie, sid ...), default "
	    "this machine's.  Built once, in a minute or two, and kept in "
	    "~/.cache/hvnet", 2 },
	{ "package", KEY_PACKAGE, "NAME", 0,
	    "One more package in it; linux-image-...[/SUITE] is its kernel; "
	    "may be repeated", 2 },
	{ "systemd", KEY_SYSTEMD, NULL, 0,
	    "systemd is process 1 of Debian; default: a script, which is "
	    "faster", 2 },
	{ "kernel", KEY_KERNEL, "FILE", 0, "Boot this kernel", 2 },
	{ "modules", KEY_MODULES, "DIR", 0,
	    "With --debian: its modules, as `make modules_install' put them",
	    2 },
	{ "initrd", KEY_INITRD, "FILE", 0, "Initial root of --kernel", 2 },
	{ "append", KEY_APPEND, "TEXT", 0, "Command line of --kernel", 2 },
	{ "image", KEY_IMAGE, "FILE", 0,
	    "Disk image (raw, qcow2); booted unless --kernel is given", 2 },
	{ "snapshot", KEY_SNAPSHOT, NULL, 0,
	    "Leave the image as it is: writes are forgotten", 2 },
	{ "run", KEY_RUN, "COMMAND", 0,
	    "Run this in the machine, as root, and end; its output and exit "
	    "code are ours.  With --image it is typed at the serial console",
	    3 },
	{ "shell-wait", KEY_SHELL_WAIT, "SECONDS", 0,
	    "With --image and --run: wait at most this long for a root shell "
	    "on the serial console; default 600", 3 },
	{ "copy", KEY_COPY, "DIR[:PATH]", 0,
	    "With --debian: put this folder into the machine (default "
	    "/root/DIR) before it runs; may be repeated", 3 },
	{ "fetch", KEY_FETCH, "PATH[:DIR]", 0,
	    "With --run: bring this back (to the current folder) after", 3 },
	{ "console", KEY_CONSOLE, "FILE", 0,
	    "With --run: where the kernel's messages go; default: shown if "
	    "the machine fails", 3 },
	{ "vps", KEY_VPS, "N", 0, "Virtual processors, 1 to 64; default 2",
	    4 },
	{ "memory", KEY_MEMORY, "SIZE", 0,
	    "Guest memory, as 512M or 2G; default 1G", 4 },
	{ "no-auto-eoi", KEY_NO_AEOI, NULL, 0,
	    "Advise the guest against automatic end of interrupt", 4 },
	{ "qemu", KEY_QEMU, "FILE", 0,
	    "This qemu-system-x86_64, built with qemu/ of hvnet; default: "
	    "$HVNET_QEMU, else one found or built in ~/.cache/hvnet", 5 },
	{ "print", KEY_PRINT, NULL, 0,
	    "Print QEMU's command line instead of running it", 5 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Run a virtual machine whose own Hyper-V drivers attach to a host: Debian, "
    "or what you give it.  The guest's first serial port is the terminal "
    "(Ctrl-A X ends QEMU, Ctrl-A H tells more).  What follows -- goes to QEMU "
    "as it is.\v"
    "Examples:\n"
    "  hvnet vm --debian\n"
    "  hvnet vm --debian --run 'ethtool -S eth0'\n"
    "  hvnet vm --debian trixie --host-nic backend=tap,name=hvhost0\n"
    "  hvnet vm --debian --kernel ~/linux/arch/x86/boot/bzImage \\\n"
    "    --copy tests --run 'cd tests && ./all' --fetch /root/tests/log\n"
    "  hvnet vm --connect /run/hvnet.sock --vps 4 --kernel vmlinuz \\\n"
    "    --initrd initrd.img --append 'console=ttyS0'\n"
    "  hvnet vm --connect /run/hvnet.sock --snapshot \\\n"
    "    --image FreeBSD-14.3-RELEASE-amd64.qcow2\n"
    "  hvnet vm --snapshot --image freebsd.qcow2 --run 'sysctl dev.hn.0'\n";

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

/* One more of an option that may be repeated. */
static void
cmd_vm_add(const char *what, char **list, char *arg)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	if (n == VM_MACHINE_MOST)
		cli_usage("%s: %u times at most", what, VM_MACHINE_MOST);
	if (arg[0] == '\0')
		cli_usage("%s: '' is nothing", what);
	list[n] = arg;
}

static void
cmd_vm_host_nic(struct vm_machine *m, char *arg)
{
	struct nic_spec spec;
	char err[400];

	if (nic_spec_parse(&spec, arg, err, sizeof(err)) < 0)
		cli_usage("--host-nic %s: %s", arg, err);
	cmd_vm_add("--host-nic", m->host_nics, arg);
}

/* Options of a Debian. */
static error_t
parse_debian(int key, char *arg, struct vm_machine *m)
{
	switch (key) {
	case KEY_DEBIAN:
		m->debian = true;
		if (arg != NULL)
			m->image.suite = arg;
		break;
	case ARGP_KEY_ARG:
		if (!m->debian || m->image.suite != NULL)
			cli_usage("unexpected argument '%s'", arg);
		m->image.suite = arg;
		break;
	case KEY_PACKAGE:
		cmd_vm_add("--package", m->packages, arg);
		break;
	case KEY_MODULES:
		m->image.modules = arg;
		break;
	case KEY_SYSTEMD:
		m->systemd = true;
		break;
	case KEY_RUN:
		if (arg[0] == '\0')
			cli_usage("--run: '' is no command");
		m->image.run = arg;
		break;
	case KEY_COPY:
		cmd_vm_add("--copy", m->copies, arg);
		break;
	case KEY_FETCH:
		if (arg[0] != '/')
			cli_usage("--fetch: '%s' is no path in the machine: "
			    "want one that begins with /", arg);
		m->image.fetch = arg;
		break;
	case KEY_CONSOLE:
		m->console = arg;
		break;
	case KEY_SHELL_WAIT:
		m->shell_s = cli_uint("--shell-wait", arg, 1, 86400);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* Options about the host and about running. */
static error_t
parse_outer(int key, char *arg, struct vm_machine *m)
{
	struct vm_config *c = &m->cfg;

	switch (key) {
	case KEY_NICS:
		c->nics = cli_uint("--nics", arg, 1, 64);
		break;
	case KEY_WAIT:
		c->wait_s = cli_uint("--wait", arg, 0, 86400);
		break;
	case KEY_HOST_NIC:
		cmd_vm_host_nic(m, arg);
		break;
	case KEY_QEMU:
		c->qemu = cmd_vm_file("--qemu", arg, X_OK);
		break;
	case KEY_PRINT:
		m->print = true;
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
	default:
		return parse_debian(key, arg, m);
	}
	return 0;
}

/* A command that is typed at a console: any byte but what means something. */
static void
check_console(const struct vm_machine *m)
{
	if (m->cfg.image == NULL)
		cli_usage("--run goes with --debian or --image");
	for (const char *c = m->image.run; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c) && *c != '\n' && *c != '\t')
			cli_usage("--run: with --image it is typed at a "
			    "console, which takes no control character");
}

/* What goes with what. */
static void
check(const struct vm_machine *m)
{
	const struct vm_config *c = &m->cfg;
	const struct vm_debian *d = &m->image;

	if (c->connect != NULL && m->host_nics[0] != NULL)
		cli_usage("--connect and --host-nic: a machine has one host "
		    "end");
	if (!m->debian && c->kernel == NULL && c->image == NULL)
		cli_usage("--debian, --kernel FILE or --image FILE is "
		    "required: what to boot");
	if (m->debian && (c->image != NULL || c->initrd != NULL))
		cli_usage("--debian has its own %s: leave out --%s",
		    c->image != NULL ? "disk" : "initial root",
		    c->image != NULL ? "image" : "initrd");
	if (!m->debian && (m->packages[0] != NULL || m->copies[0] != NULL ||
	    d->fetch != NULL || m->systemd))
		cli_usage("--copy, --fetch, --package and --systemd go with "
		    "--debian");
	if (!m->debian && d->run != NULL)
		check_console(m);
	else if (m->shell_s != 0)
		cli_usage("--shell-wait goes with --image and --run");
	if (d->modules != NULL && (!m->debian || c->kernel == NULL))
		cli_usage("--modules goes with --debian and --kernel");
	if (d->run == NULL && (d->fetch != NULL || m->console != NULL))
		cli_usage("--fetch and --console go with --run");
	if (m->print && (d->run != NULL || m->copies[0] != NULL ||
	    c->connect == NULL))
		cli_usage("--print goes with --connect, and without --run and "
		    "--copy");
	if (!m->debian && c->kernel == NULL && (c->initrd != NULL ||
	    c->append != NULL))
		cli_usage("--initrd and --append go with --kernel");
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct cmd_vm *v = state->input;
	struct vm_config *c = &v->m.cfg;

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
	case ARGP_KEY_END:
		check(&v->m);
		break;
	default:
		return parse_outer(key, arg, &v->m);
	}
	return 0;
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
	struct cmd_vm v = { 0 };
	int n;

	vm_config_default(&v.m.cfg);
	/* What follows "--" is QEMU's, and argp is not to see it. */
	for (n = 1; n < argc; n++)
		if (strcmp(argv[n], "--") == 0)
			break;
	if (n < argc) {
		v.m.cfg.extra = &argv[n + 1];
		argv[n] = NULL;
	}
	cli_parse(&argp, n, argv, &v);
	return vm_machine_run(&v.m);
}

const struct cli_command cli_vm = {
	"vm", "run a virtual machine as a guest", cmd_vm_run
};
