/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where control sockets are: RUNDIR/<kind>-<name>.<pid>.sock.
 *
 * The pid is for people: processes of several PID namespaces may share a
 * RUNDIR, and who is alive is who answers.
 */
#ifndef LINUX_RUN_CTL_PATH_H
#define LINUX_RUN_CTL_PATH_H

#include <stddef.h>

/* As ctl.h has it: $HVNET_RUN, $XDG_RUNTIME_DIR/hvnet or /run/hvnet. */
const char *ctl_rundir(void);
/*
 * The k-th path that this process may choose, its directory made (mode 0755)
 * where it lacks.  0, or -errno with a sentence in err.
 */
int ctl_path_make(char *path, size_t path_cap, const char *kind,
    const char *name, unsigned int k, char *err, size_t err_cap);

#endif
