/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Subcommands that are Python scripts: find one and become it.
 */
#ifndef CLI_SCRIPT_H
#define CLI_SCRIPT_H

struct script {
	const char *env;	/* variable that names another folder */
	const char *folder;	/* of lib/hvnet, where `make install` puts it */
	const char *source;	/* folder in the source tree */
};

/*
 * Run `python3 NAME.py --hvnet THIS_EXECUTABLE ARGS...` in this process's
 * place.  Returns only on failure, with an exit code; it has printed why.
 */
int script_become(const struct script *, const char *name, int argc,
    char **argv);

#endif
