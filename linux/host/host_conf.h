/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file of a host: an INI file, as systemd's are.
 *
 *	[host]			the options of `hvnet host', without "--"
 *	listen = /run/hvnet/guests.sock
 *	[nic hvhost0]		a NIC each, with the keys of --nic
 *	bridge = br0
 *
 * Context: any thread, one at a time.
 */
#ifndef LINUX_HOST_HOST_CONF_H
#define LINUX_HOST_HOST_CONF_H

#include "linux/host/nic_spec.h"

#define HOST_CONF_LINE	1000u	/* Policy: characters of a line */

/* A key of [host], not checked yet. */
struct host_conf_setting {
	char *key, *value;
	unsigned int line;
};

struct host_conf_nic {
	struct nic_spec_draft draft;
	unsigned int line;		/* of its [nic NAME] */
};

struct host_conf {
	char *path;
	struct host_conf_setting *setting;
	uint32_t settings;
	struct host_conf_nic *nic;	/* each is right, and has a name */
	uint32_t nics;
};

/*
 * Read and check a file.  0 and the caller calls host_conf_free(); or -errno
 * with "FILE:LINE: a sentence" in err.
 */
int host_conf_read(struct host_conf *, const char *path, char *err,
    size_t cap);
/* One that is all zeros is allowed. */
void host_conf_free(struct host_conf *);

/* NULL: there is none of that name. */
const struct host_conf_nic *host_conf_find(const struct host_conf *,
    const char *name);

#endif
