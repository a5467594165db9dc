/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual machine as a guest: finds or builds the QEMU that knows the
 * partition protocol (qemu/, docs/vm.md) and a Debian to boot, and runs one.
 */
#ifndef LINUX_VM_VM_H
#define LINUX_VM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Serial ports after the first: standard output and error, and how it went. */
#define VM_PORTS	3u

struct vm_config {
	const char *connect;	/* the host's socket */
	const char *name;	/* of the guest; NULL: "vm" */
	const char *nic;	/* NULL: any */
	const char *qemu;	/* path of the program; NULL: find or build */
	const char *kernel;	/* NULL: boot the image */
	const char *initrd;	/* NULL: none */
	const char *append;	/* NULL: none */
	const char *image;	/* NULL: no disk */
	bool snapshot;		/* writes to the image are forgotten */
	/* Disks of vm_debian_make() and vm_task_run(), or NULL. */
	const char *root, *modules, *task, *fetch;
	const char *console;	/* file for the first port; NULL: terminal */
	int port[VM_PORTS];	/* sockets for the next, with console */
	int console_fd;		/* > 0: a socket for the first instead */
	bool no_aeoi;		/* advise the guest against auto-EOI */
	uint32_t vps;
	uint32_t memory_mib;
	uint32_t nics;		/* 0: all that are free */
	uint32_t wait_s;	/* for the host's socket */
	char **extra;		/* NULL-terminated, for QEMU; or NULL */
};

/* Policy: 2 virtual processors, 1 GiB, 10 s. */
void vm_config_default(struct vm_config *cfg);

/* cfg->qemu, or $HVNET_QEMU if it is not empty; NULL: none was named. */
const char *vm_qemu_given(const struct vm_config *cfg);
/* Whether the QEMU at path knows our device; asks the program.  Blocks. */
bool vm_qemu_has_device(const char *path);

/*
 * The path of QEMU to path[cap]: cfg->qemu, $HVNET_QEMU, or what
 * scripts/qemu-build.sh says, which builds it if need be (minutes, progress on
 * standard error).  0, or -errno with a line in err.  Blocks.
 */
int vm_qemu_find(const struct vm_config *cfg, char *path, size_t cap,
    char *err, size_t err_cap);

/* QEMU's argument vector; NULL: out of memory.  vm_args_free() frees it. */
char **vm_args_make(const struct vm_config *cfg, const char *qemu);
void vm_args_free(char **args);

/*
 * Start QEMU and wait for its end; SIGINT and SIGTERM are handed on to it,
 * SIGHUP, SIGUSR1 and SIGUSR2 as SIGTERM.  Its exit status, 128 + signal, or
 * -errno with a line in err.
 */
int vm_run(const struct vm_config *cfg, char **args, char *err,
    size_t err_cap);

/* --- a Debian machine: scripts/debian_image.py --- */

struct vm_debian {
	const char *suite;	/* NULL: this machine's */
	char *const *packages;	/* NULL-terminated */
	const char *kernel;	/* NULL: Debian's */
	const char *modules;	/* folder of --kernel's; NULL: none */
	const char *run;	/* NULL: nothing */
	char *const *copies;	/* "DIR[:PATH]", NULL-terminated */
	const char *fetch;	/* path in the machine, or NULL */
	/* Out: where the parts are. */
	char parts[4][4096];
};

/*
 * Build what is not there yet (a minute or two, progress on standard error) and
 * put it into *cfg, which borrows d->parts; unless task is NULL, write what the
 * machine shall do to that file.  0, or not: 2 if what was given cannot be
 * right.  The script has printed a line then.  Blocks.
 */
int vm_debian_make(struct vm_debian *d, const char *task,
    struct vm_config *cfg);
/* Unpack the disk that a machine wrote into the folder `into`.  As above. */
int vm_debian_unpack(const char *disk, const char *into);

/* --- a command in it --- */

struct vm_task {
	bool started;		/* the command ran */
	bool ended;		/* and this is its exit code */
	int code;
	char bad[200];		/* what went wrong beside it, or "" */
};

/*
 * Run the machine whose task is cfg->task; the command's output is ours.
 * cfg->console is set.  0, or -errno with a line in err.
 */
int vm_task_run(struct vm_config *cfg, const char *qemu, struct vm_task *t,
    char *err, size_t err_cap);

/*
 * The same for a machine that has no task, by its serial console: the image
 * must give a root shell there within so many seconds, without a password, else
 * t->bad is a sentence.  The command's standard error comes with its output.
 * The machine is powered off after it.
 */
int vm_console_run(struct vm_config *cfg, const char *qemu,
    const char *command, uint32_t seconds, struct vm_task *t, char *err,
    size_t err_cap);

/* --- a host end of its own --- */

struct vm_host {
	int pid;		/* 0: none runs */
	char socket[128];
	char log[128];		/* what it prints */
};

/*
 * Start `hvnet host` with these NICs (NULL-terminated) on a socket in the
 * folder dir, and wait until it listens.  0, or its exit code with its lines
 * on standard error, or -errno with a line in err.
 */
int vm_host_start(struct vm_host *h, const char *dir, char *const *nics,
    char *err, size_t err_cap);
/* End it, if it runs. */
void vm_host_stop(struct vm_host *h);

#endif
