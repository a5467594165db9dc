/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run of a machine: QEMU and a Debian are found or built, a host end of its
 * own is started where it needs one, then the machine runs, at the terminal or
 * for one command.  What that needs lies in a folder of its own, which goes
 * with it.
 */
#include "cli/vm_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* Policy: a fetched folder's bytes; the file has holes. */
#define VM_MACHINE_FETCH	((off_t)8 << 30)

/* Policy: seconds for the boot of an image, by emulation. */
#define VM_MACHINE_SHELL	600u

struct machine_run {
	struct vm_machine *m;
	struct vm_host host;
	char qemu[4096];
	char folder[100];	/* "": none yet */
	char task[128], fetch[128], console[128];
	char append[4096];
	char err[8400];
};

/* A command line that a shell takes. */
static void
machine_print(char **args)
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
machine_folder(struct machine_run *r)
{
	const char *tmp = getenv("TMPDIR");

	if (tmp == NULL || tmp[0] != '/' || strlen(tmp) > 60)
		tmp = "/tmp";
	snprintf(r->folder, sizeof(r->folder), "%s/hvnet-vm.XXXXXX", tmp);
	if (mkdtemp(r->folder) == NULL) {
		cli_fail(0, "%s: %s", r->folder, strerror(errno));
		r->folder[0] = '\0';
		return CLI_FAILED;
	}
	snprintf(r->task, sizeof(r->task), "%s/task", r->folder);
	snprintf(r->fetch, sizeof(r->fetch), "%s/fetch", r->folder);
	snprintf(r->console, sizeof(r->console), "%s/console", r->folder);
	return CLI_OK;
}

static void
machine_clean(struct machine_run *r)
{
	vm_host_stop(&r->host);
	if (r->folder[0] == '\0')
		return;
	unlink(r->task);
	unlink(r->fetch);
	unlink(r->console);
	unlink(r->host.log);
	unlink(r->host.socket);
	rmdir(r->folder);
}

/* The disk that the machine writes to, as large as it may become. */
static int
machine_fetch_disk(struct machine_run *r)
{
	int fd = open(r->fetch, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, VM_MACHINE_FETCH) < 0)
		return cli_fail(CLI_FAILED, "%s: %s", r->fetch,
		    strerror(errno));
	close(fd);
	r->m->cfg.fetch = r->fetch;
	return CLI_OK;
}

/* Whether the machine gets a disk with what to do, or with folders. */
static bool
machine_has_task(const struct vm_machine *m)
{
	return m->image.run != NULL || m->copies[0] != NULL;
}

/* Debian's kernel is told what its root is to do. */
static int
machine_debian(struct machine_run *r)
{
	struct vm_machine *m = r->m;
	struct vm_debian *d = &m->image;
	const char *colon = d->fetch != NULL ? strchr(d->fetch, ':') : NULL;
	char path[4096];
	int rc;

	snprintf(r->append, sizeof(r->append),
	    "console=ttyS0 mitigations=off net.ifnames=0%s%s%s%s",
	    d->run != NULL ? " panic=-1 hvnet.task" : "",
	    m->systemd ? " hvnet.init=systemd" : "",
	    m->cfg.append != NULL ? " " : "",
	    m->cfg.append != NULL ? m->cfg.append : "");
	m->cfg.append = r->append;
	d->packages = m->packages;
	d->copies = m->copies;
	d->kernel = m->cfg.kernel;
	if (colon != NULL) {
		snprintf(path, sizeof(path), "%.*s", (int)(colon - d->fetch),
		    d->fetch);
		d->fetch = path;
	}
	rc = vm_debian_make(d, machine_has_task(m) ? r->task : NULL, &m->cfg);
	if (rc != 0)
		return rc == CLI_USAGE ? CLI_USAGE : CLI_FAILED;
	if (machine_has_task(m))
		m->cfg.task = r->task;
	if (d->run == NULL)
		return CLI_OK;
	d->fetch = colon != NULL ? colon + 1 : d->fetch != NULL ? "." : NULL;
	return d->fetch != NULL ? machine_fetch_disk(r) : CLI_OK;
}

static int
machine_host(struct machine_run *r)
{
	struct vm_machine *m = r->m;
	static char null_nic[] = "backend=null,name=n0";
	int rc;

	if (m->cfg.connect != NULL)
		return CLI_OK;
	if (m->host_nics[0] == NULL) {
		cli_fail(0, "no --connect and no --host-nic: the machine's NIC "
		    "is %s", null_nic);
		m->host_nics[0] = null_nic;
	}
	rc = vm_host_start(&r->host, r->folder, m->host_nics, r->err,
	    sizeof(r->err));
	if (rc < 0)
		return cli_fail(CLI_FAILED, "%s", r->err);
	m->cfg.connect = r->host.socket;
	return rc;
}

/* QEMU's own end, at the terminal. */
static int
machine_qemu_ended(const struct machine_run *r, int rc)
{
	if (rc < 0)
		return cli_fail(CLI_FAILED, "%s", r->err);
	/* It reported that itself. */
	if (rc == 1 && vm_qemu_given(&r->m->cfg) != NULL &&
	    !vm_qemu_has_device(r->qemu))
		return cli_fail(CLI_FAILED, "%s is not built with hvnet's "
		    "device; without --qemu and HVNET_QEMU, hvnet vm finds or "
		    "builds one that is (docs/vm.md)", r->qemu);
	if (rc > 128)
		return cli_fail(CLI_FAILED, "QEMU ended by signal %d (%s)",
		    rc - 128, strsignal(rc - 128));
	return rc == 0 ? CLI_OK : CLI_FAILED;
}

static int
machine_terminal(struct machine_run *r)
{
	struct vm_machine *m = r->m;
	char **args = vm_args_make(&m->cfg, r->qemu);
	int rc = 0;

	if (args == NULL)
		return cli_fail(CLI_FAILED, "out of memory, or too many "
		    "options for QEMU");
	if (m->print)
		machine_print(args);
	else
		rc = vm_run(&m->cfg, args, r->err, sizeof(r->err));
	vm_args_free(args);
	return machine_qemu_ended(r, rc);
}

/*
 * The end of what the kernel printed, in whole lines.  Policy: 8 KiB of it, for
 * a panic with its stack.
 */
static void
machine_console(const struct machine_run *r)
{
	char text[8192], *line = text;
	FILE *f = fopen(r->m->cfg.console, "r");
	bool whole;
	size_t n;

	if (f == NULL)
		return;
	whole = fseek(f, -(long)sizeof(text), SEEK_END) != 0;
	if (whole)
		rewind(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (!whole && (line = memchr(text, '\n', n)) != NULL)
		line++;
	else
		line = text;
	fwrite(line, 1, n - (size_t)(line - text), stderr);
}

static int
machine_task(struct machine_run *r)
{
	struct vm_machine *m = r->m;
	struct vm_task t;
	int rc = m->debian ?
	    vm_task_run(&m->cfg, r->qemu, &t, r->err, sizeof(r->err)) :
	    vm_console_run(&m->cfg, r->qemu, m->image.run,
	    m->shell_s > 0 ? m->shell_s : VM_MACHINE_SHELL, &t, r->err,
	    sizeof(r->err));

	if (t.ended && t.bad[0] == '\0' && m->image.fetch != NULL &&
	    vm_debian_unpack(r->fetch, m->image.fetch) != 0)
		return CLI_FAILED;
	if (t.bad[0] != '\0' && !m->debian)
		machine_console(r);
	if (t.bad[0] != '\0')
		return cli_fail(CLI_FAILED, "%s", t.bad);
	if (t.ended)
		return t.code;
	rc = machine_qemu_ended(r, rc);
	if (rc != CLI_OK)
		return rc;
	machine_console(r);
	return cli_fail(CLI_FAILED, "the machine ended before %s; the lines "
	    "above are the last of its console", t.started ?
	    "the command did" : "it ran the command");
}

static int
machine_steps(struct machine_run *r)
{
	struct vm_machine *m = r->m;
	int rc = CLI_OK;

	if (machine_has_task(m) || m->cfg.connect == NULL)
		rc = machine_folder(r);
	if (m->image.run != NULL)
		m->cfg.console = m->console != NULL ? m->console : r->console;
	if (rc == CLI_OK && m->debian)
		rc = machine_debian(r);
	if (rc == CLI_OK && vm_qemu_find(&m->cfg, r->qemu, sizeof(r->qemu),
	    r->err, sizeof(r->err)) < 0)
		rc = cli_fail(CLI_FAILED, "%s", r->err);
	if (rc == CLI_OK)
		rc = machine_host(r);
	if (rc != CLI_OK)
		return rc;
	return m->image.run != NULL ? machine_task(r) : machine_terminal(r);
}

int
vm_machine_run(struct vm_machine *m)
{
	struct machine_run *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return cli_fail(CLI_FAILED, "out of memory");
	r->m = m;
	rc = machine_steps(r);
	machine_clean(r);
	free(r);
	return rc;
}
