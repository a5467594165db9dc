/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the subcommands of `hvnet` share: exit codes, parsing, and how they say
 * what is wrong.
 *
 * A usage error ends the program with one line on standard error that names
 * what would be right.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes, as in hvnet(1). */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,		/* it did not work; the text says why */
	CLI_USAGE = 2,		/* the command line is wrong */
	CLI_NOT_FOUND = 3,	/* no such process or NIC */
	CLI_REFUSED = 4,	/* the process or the other end refused */
	CLI_LOST = 5,		/* the host went away (guest --once) */
};

struct cli_command {
	const char *name;
	const char *summary;
	/* argv[0] is "hvnet NAME"; returns an exit code. */
	int (*run)(int argc, char **argv);
};

extern const struct cli_command cli_host, cli_guest, cli_uio, cli_vm;
extern const struct cli_command cli_stat, cli_set, cli_trace, cli_bench;
extern const struct cli_command cli_config, cli_conform, cli_list, cli_top;
extern const struct cli_command cli_metrics;

/* argp keys below are free for commands; these are ours. */
#define CLI_KEY_HELP	'h'
#define CLI_OPTION_HELP	\
	{ "help", CLI_KEY_HELP, NULL, 0, "This text", -1 }

/*
 * argp_parse(), but every error is one line and exit code 2.  The parser does
 * not handle CLI_KEY_HELP.
 */
void cli_parse(const struct argp *, int argc, char **argv, void *input);

/*
 * Title, the keys of a NIC (running: those that can change while it exists),
 * then text, for an argp help filter; malloc'd.
 */
char *cli_help_nic(const char *title, const char *text, bool running);

/* "hvnet CMD: text" to standard error; exits with CLI_USAGE. */
void cli_usage(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));
/* The same without the exit; returns status. */
int cli_fail(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* What cli_usage() and cli_fail() put before the text: "hvnet host". */
void cli_name_set(const char *name);
/* What stands behind that: "FILE:LINE: " while a file is parsed, or "". */
void cli_where_set(const char *where);

/* Values of option `what`; a usage error names the range or the choices. */
uint32_t cli_uint(const char *what, const char *text, uint32_t min,
    uint32_t max);
/* Path of a Unix socket, and nothing that looks like another kind's address. */
const char *cli_socket(const char *what, const char *text);
/* MiB of guest memory: "512M", "2G"; bare numbers are MiB. */
uint32_t cli_mib(const char *what, const char *text);
/* Index of text among n names. */
uint32_t cli_choice(const char *what, const char *text,
    const char *const *names, uint32_t n);
/* "5.3" as VMBus has it; "6.1" as NVSP has it. */
uint32_t cli_vmbus_version(const char *what, const char *text);
uint32_t cli_nvsp_version(const char *what, const char *text);

#endif
