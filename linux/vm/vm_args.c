/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's command line.
 *
 * Guest memory is a memfd that both processes map; QEMU seals it against
 * shrinking.  Firmware lies beside a QEMU that scripts/qemu-build.sh made.
 * `-cx16`: QEMU 7.2's emulation of CMPXCHG16B corrupts Linux 6.12 with several
 * processors (field notes, vm.md).
 *
 * A machine's disks have names, as serial numbers, by which scripts/guest finds
 * them: their order is free.
 */
#include "linux/vm/vm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VM_MAX_ARGS	128u

void
vm_config_default(struct vm_config *cfg)
{
	*cfg = (struct vm_config){ .vps = 2, .memory_mib = 1024,
	    .wait_s = 10 };
}

struct vm_args {
	char **arg;
	size_t n;
	bool failed;
};

static void __attribute__((format(printf, 2, 3)))
vm_arg(struct vm_args *a, const char *fmt, ...)
{
	va_list ap;

	if (a->n + 1 >= VM_MAX_ARGS) {
		a->failed = true;
		return;
	}
	va_start(ap, fmt);
	if (vasprintf(&a->arg[a->n], fmt, ap) < 0) {
		a->arg[a->n] = NULL;
		a->failed = true;
	} else {
		a->n++;
	}
	va_end(ap);
}

/* A value of one of QEMU's key=value lists: a comma is written twice. */
static char *
vm_quote(const char *s)
{
	char *out = malloc(2 * strlen(s) + 1), *to = out;

	if (out == NULL)
		return NULL;
	for (; *s != '\0'; s++) {
		if (*s == ',')
			*to++ = ',';
		*to++ = *s;
	}
	*to = '\0';
	return out;
}

static void
vm_arg_list(struct vm_args *a, const char *head, const char *value,
    const char *tail)
{
	char *quoted = vm_quote(value);

	if (quoted == NULL)
		a->failed = true;
	else
		vm_arg(a, "%s%s%s", head, quoted, tail);
	free(quoted);
}

static void
vm_args_device(struct vm_args *a, const struct vm_config *cfg)
{
	char tail[256];
	int n;

	n = snprintf(tail, sizeof(tail), ",name=%s%s%s,nics=%u%s",
	    cfg->name != NULL ? cfg->name : "vm",
	    cfg->nic != NULL ? ",nic=" : "", cfg->nic != NULL ? cfg->nic : "",
	    cfg->nics, cfg->no_aeoi ? ",aeoi=off" : "");
	if (n >= (int)sizeof(tail))
		a->failed = true;
	vm_arg(a, "-device");
	vm_arg_list(a, "hvnet,path=", cfg->connect, tail);
}

static void
vm_args_machine(struct vm_args *a, const struct vm_config *cfg,
    const char *qemu)
{
	const char *slash = strrchr(qemu, '/');
	char firmware[4096];

	vm_arg(a, "%s", qemu);
	snprintf(firmware, sizeof(firmware), "%.*s/firmware",
	    slash != NULL ? (int)(slash - qemu) : 1,
	    slash != NULL ? qemu : ".");
	if (access(firmware, R_OK) == 0) {
		vm_arg(a, "-L");
		vm_arg(a, "%s", firmware);
	}
	vm_arg(a, "-nodefaults");
	vm_arg(a, "-no-user-config");
	vm_arg(a, "-display");
	vm_arg(a, "none");
	vm_arg(a, "-accel");
	vm_arg(a, "tcg,thread=multi");
	vm_arg(a, "-cpu");
	vm_arg(a, "max,-cx16,-erms,-fsrm");
	vm_arg(a, "-machine");
	/* No screen: what the BIOS and a boot sector say is on the port. */
	vm_arg(a, "pc,%smemory-backend=ram", cfg->image != NULL &&
	    cfg->kernel == NULL ? "graphics=off," : "");
	vm_arg(a, "-object");
	vm_arg(a, "memory-backend-memfd,id=ram,size=%uM,share=on,seal=on",
	    cfg->memory_mib);
	vm_arg(a, "-m");
	vm_arg(a, "%uM", cfg->memory_mib);
	vm_arg(a, "-smp");
	vm_arg(a, "%u", cfg->vps);
}

/* A raw disk that the machine knows by its name. */
static void
vm_args_disk(struct vm_args *a, const char *name, const char *file,
    const char *options)
{
	char tail[128];

	if (file == NULL)
		return;
	snprintf(tail, sizeof(tail), ",if=none,format=raw,id=%s,%s", name,
	    options);
	vm_arg(a, "-drive");
	vm_arg_list(a, "file=", file, tail);
	vm_arg(a, "-device");
	vm_arg(a, "virtio-blk-pci,drive=%s,serial=hvnet-%s", name, name);
}

static void
vm_args_disks(struct vm_args *a, const struct vm_config *cfg)
{
	if (cfg->image != NULL) {
		vm_arg(a, "-drive");
		vm_arg_list(a, "if=virtio,file=", cfg->image,
		    cfg->snapshot ? ",snapshot=on" : "");
	}
	vm_args_disk(a, "root", cfg->root, "snapshot=on,cache=unsafe");
	vm_args_disk(a, "modules", cfg->modules, "readonly=on");
	vm_args_disk(a, "task", cfg->task, "readonly=on");
	vm_args_disk(a, "fetch", cfg->fetch, "cache=unsafe");
}

/* The terminal is the first port, unless a command's output is. */
static void
vm_args_ports(struct vm_args *a, const struct vm_config *cfg)
{
	char talk[64];

	vm_arg(a, "-serial");
	if (cfg->console == NULL) {
		vm_arg(a, "mon:stdio");
		return;
	}
	vm_arg(a, "chardev:console");
	vm_arg(a, "-chardev");
	snprintf(talk, sizeof(talk), "socket,id=console,fd=%d,logfile=",
	    cfg->console_fd);
	vm_arg_list(a, cfg->console_fd > 0 ? talk : "file,id=console,path=",
	    cfg->console, "");
	for (unsigned i = 0; i < VM_PORTS && cfg->console_fd <= 0; i++) {
		vm_arg(a, "-chardev");
		vm_arg(a, "socket,id=port%u,fd=%d", i, cfg->port[i]);
		vm_arg(a, "-serial");
		vm_arg(a, "chardev:port%u", i);
	}
	vm_arg(a, "-no-reboot");
}

char **
vm_args_make(const struct vm_config *cfg, const char *qemu)
{
	struct vm_args a = { calloc(VM_MAX_ARGS, sizeof(*a.arg)), 0, false };

	if (a.arg == NULL)
		return NULL;
	vm_args_machine(&a, cfg, qemu);
	vm_args_device(&a, cfg);
	if (cfg->kernel != NULL) {
		vm_arg(&a, "-kernel");
		vm_arg(&a, "%s", cfg->kernel);
	}
	if (cfg->initrd != NULL) {
		vm_arg(&a, "-initrd");
		vm_arg(&a, "%s", cfg->initrd);
	}
	if (cfg->append != NULL) {
		vm_arg(&a, "-append");
		vm_arg(&a, "%s", cfg->append);
	}
	vm_args_disks(&a, cfg);
	vm_args_ports(&a, cfg);
	for (char **e = cfg->extra; e != NULL && *e != NULL; e++)
		vm_arg(&a, "%s", *e);
	if (!a.failed)
		return a.arg;
	vm_args_free(a.arg);
	return NULL;
}

void
vm_args_free(char **args)
{
	for (size_t i = 0; args != NULL && args[i] != NULL; i++)
		free(args[i]);
	free(args);
}
