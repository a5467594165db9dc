/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual machine as a guest: finds or builds the QEMU that knows the
 * partition protocol (qemu/, docs/vm.md), and runs one.
 */
#ifndef LINUX_VM_VM_H
#define LINUX_VM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

#endif
