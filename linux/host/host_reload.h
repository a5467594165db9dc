/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host takes over what its configuration file says now.
 *
 * Context: control.
 */
#ifndef LINUX_HOST_HOST_RELOAD_H
#define LINUX_HOST_HOST_RELOAD_H

#include "linux/host/host.h"
#include "linux/host/host_conf.h"

struct host_reload {
	uint32_t added, changed, withdrawn;	/* NICs */
};

/*
 * Make NICs as `now` has them: those that it has and the host has not are
 * added; those that differ are changed, or made again where a key cannot change
 * at run time; those that were in `was` and are not in `now` are withdrawn.
 * Others, of the command line or `hvnet set --add`, stay.  0, or -errno with a
 * sentence in err, and all is as before.
 */
int host_reload(struct host *, const struct host_conf *was,
    const struct host_conf *now, struct host_reload *, char *err, size_t cap);

#endif
