/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `hvnet host' was told, by its command line and a configuration file.
 */
#ifndef CLI_HOST_ARGS_H
#define CLI_HOST_ARGS_H

#include "cli/options.h"
#include "linux/host/host.h"
#include "linux/host/host_conf.h"

struct host_args {
	struct host_config cfg;
	struct options_see see;
	struct nic_spec *nic;	/* the file's first */
	uint32_t nics;
	const char *config;	/* --config, or NULL */
	struct host_conf conf;	/* the file; all zeros: there is none */
	char passed[108];	/* path of the socket that was passed; or "" */
	char **word;		/* what cfg points into */
	size_t words;
};

/*
 * All of it, checked: what is wrong ends the program with one line.  It points
 * into itself, so it stays where it is.
 */
void host_args_parse(struct host_args *, int argc, char **argv);
/* The same of a file only. */
void host_args_file(struct host_args *, const char *path);
void host_args_free(struct host_args *);

#endif
