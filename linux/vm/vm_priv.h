/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of linux/vm share: scripts, children. */
#ifndef LINUX_VM_VM_PRIV_H
#define LINUX_VM_VM_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "linux/vm/vm.h"

/* The path of scripts/NAME to path[cap]; 0, or -ENOENT. */
int vm_script_find(const char *name, char *path, size_t cap);
/* Where that looks, for a sentence. */
const char *vm_script_places(void);
/*
 * Run a script and put its standard output into text[cap]; what is wrong it
 * prints itself, on standard error.  Its exit code, or -errno.  Blocks.
 */
int vm_script_ask(char *const *argv, char *text, size_t cap);

/*
 * Start a program that ends when we do.  Before it runs, the descriptor `out`
 * becomes its standard output and error (< 0: ours stay).  hand_on: from now on
 * SIGINT and SIGTERM are handed on to it, SIGHUP, SIGUSR1 and SIGUSR2 as
 * SIGTERM, until it was reaped.  Its pid, or -errno with a line in err.
 */
pid_t vm_spawn(char *const *argv, int out, bool hand_on, char *err,
    size_t err_cap);
/* Until it has ended: its exit status, 128 + signal, or -errno. */
int vm_reap(pid_t pid);

/* Write all of it; false: nobody reads on. */
bool vm_write(int fd, const char *p, size_t len);

/* Wait until the host's socket is there: 0, or -errno with a line in err. */
int vm_wait_socket(const char *path, uint32_t seconds, char *err,
    size_t err_cap);

#endif
