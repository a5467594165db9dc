/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine of `hvnet vm`: what its command line wants, and the run.
 */
#ifndef CLI_VM_MACHINE_H
#define CLI_VM_MACHINE_H

#include <stdbool.h>

#include "linux/vm/vm.h"

/* Policy: so often may an option be repeated. */
#define VM_MACHINE_MOST	64u

struct vm_machine {
	struct vm_config cfg;
	struct vm_debian image;
	bool debian, systemd, print;
	const char *console;	/* NULL: a file of ours */
	uint32_t shell_s;	/* for an image's root shell; 0: the default */
	/* NULL-terminated. */
	char *packages[VM_MACHINE_MOST + 1];
	char *copies[VM_MACHINE_MOST + 1];
	char *host_nics[VM_MACHINE_MOST + 1];
};

/* Build what is missing, run, clean up; an exit code.  Blocks. */
int vm_machine_run(struct vm_machine *m);

#endif
