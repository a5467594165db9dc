/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parsing for all subcommands.
 *
 * argp finds the options.  Its own error messages are off (ARGP_NO_ERRS),
 * since they take two lines and do not say what would be right; so the words
 * are held against the option table before argp sees them.  ARGP_NO_ERRS also
 * silences argp's help, so --help is ours.
 *
 * Context: before anything runs; these functions may exit.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "linux/host/nic_spec.h"
#include "linux/run/text.h"
#include "wire/nvs_msg.h"
#include "wire/vmbus_msg.h"

/* Options of one command, its children's too. */
#define CLI_MAX_OPTIONS	64u
#define HELP_COLUMNS	78	/* argp breaks longer lines its own way */

static const char *cli_name = "hvnet";

void
cli_name_set(const char *name)
{
	cli_name = name;
}

/* Borrowed until the next call. */
static const char *cli_where = "";

void
cli_where_set(const char *where)
{
	cli_where = where;
}

static void
cli_say(const char *fmt, va_list ap)
{
	char prefix[512];

	snprintf(prefix, sizeof(prefix), "%s: %s", cli_name, cli_where);
	text_line(stderr, prefix, fmt, ap);
}

int
cli_fail(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_say(fmt, ap);
	va_end(ap);
	return status;
}

void
cli_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_say(fmt, ap);
	va_end(ap);
	exit(CLI_USAGE);
}

/* The options of a parser and its children: what argp itself would take. */
struct option_list {
	const struct argp_option *option[CLI_MAX_OPTIONS];
	size_t count;
};

static void
options_collect(struct option_list *list, const struct argp *a)
{
	for (const struct argp_option *o = a->options; o->name != NULL; o++)
		if (list->count < CLI_MAX_OPTIONS)
			list->option[list->count++] = o;
	for (const struct argp_child *c = a->children;
	    c != NULL && c->argp != NULL; c++)
		options_collect(list, c->argp);
}

/*
 * The option that `word` ("--nam", "--name=x", "-n") means, or NULL.  *begun:
 * how many begin with it.
 */
static const struct argp_option *
option_of(const struct option_list *list, const char *word, size_t *begun)
{
	const struct argp_option *found = NULL;
	const size_t len = strcspn(word + 2, "=");
	const bool is_long = word[1] == '-';

	*begun = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct argp_option *o = list->option[i];

		if (!is_long && o->key == word[1])
			return o;
		if (!is_long || strncmp(o->name, word + 2, len) != 0)
			continue;
		if (strlen(o->name) == len)
			return o;
		if ((o->flags & OPTION_HIDDEN) == 0) {
			found = o;
			(*begun)++;
		}
	}
	return *begun == 1 ? found : NULL;
}

/* It is none, or the beginning of several. */
static void
option_unknown(const struct option_list *list, const char *word, size_t begun)
{
	const size_t len = strcspn(word + 2, "=");
	char text[1024] = "";
	size_t at = 0;

	for (size_t i = 0; i < list->count && at < sizeof(text); i++) {
		const struct argp_option *o = list->option[i];

		if ((o->flags & OPTION_HIDDEN) == 0 && (begun == 0 ||
		    strncmp(o->name, word + 2, len) == 0))
			at += (size_t)snprintf(text + at, sizeof(text) - at,
			    " --%s", o->name);
	}
	cli_usage(begun == 0 ? "unknown option '%s'; there are%s" :
	    "option '%s' can mean%s", word, text);
}

/* Every option there is, and with a value where it takes one. */
static void
options_check(const struct argp *a, int argc, char **argv)
{
	struct option_list list = { .count = 0 };
	size_t begun;

	options_collect(&list, a);
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const bool is_long = argv[i][0] == '-' && argv[i][1] == '-';
		const struct argp_option *o;
		bool attached;

		if (argv[i][0] != '-' || argv[i][1] == '\0')
			continue;
		o = option_of(&list, argv[i], &begun);
		if (o == NULL)
			option_unknown(&list, argv[i], begun);
		attached = is_long ? strchr(argv[i], '=') != NULL :
		    argv[i][2] != '\0';
		if (o->arg == NULL && attached)
			cli_usage("--%s takes no value", o->name);
		if (o->arg == NULL || attached)
			continue;
		if ((o->flags & OPTION_ARG_OPTIONAL) != 0) {
			if (i + 1 < argc && argv[i + 1][0] >= '0' &&
			    argv[i + 1][0] <= '9')
				cli_usage("--%s takes its value behind '=': "
				    "--%s=%s", o->name, o->name, argv[i + 1]);
			continue;
		}
		if (++i == argc)
			cli_usage("--%s needs a value: --%s=%s", o->name,
			    o->name, o->arg);
	}
}

/* The user's parser and its input, under the help option. */
struct cli_input {
	const struct argp *argp;
	void *input;
};

static error_t
parse_help(int key, char *arg, struct argp_state *state)
{
	const struct cli_input *in = state->input;

	if (key == CLI_KEY_HELP) {
		argp_help(in->argp, stdout, ARGP_HELP_USAGE |
		    ARGP_HELP_PRE_DOC | ARGP_HELP_LONG | ARGP_HELP_POST_DOC,
		    (char *)(uintptr_t)cli_name);
		exit(CLI_OK);
	}
	if (in->argp->parser == NULL)
		return ARGP_ERR_UNKNOWN;
	state->input = in->input;
	key = in->argp->parser(key, arg, state);
	state->input = (void *)(uintptr_t)in;
	return key;
}

void
cli_parse(const struct argp *a, int argc, char **argv, void *input)
{
	struct cli_input in = { a, input };
	struct argp with_help = *a;
	error_t err;
	int at = argc;

	with_help.parser = parse_help;
	options_check(a, argc, argv);
	err = argp_parse(&with_help, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP |
	    ARGP_NO_EXIT, &at, &in);
	if (err != 0)
		cli_usage("%s", strerror(err));
	if (at < argc)
		cli_usage("unexpected argument '%s'", argv[at]);
}

/* "  key        text", further lines below the text. */
static void
help_key(FILE *f, const char *key, const char *text)
{
	int at = fprintf(f, "  %-10s", key);

	while (*text != '\0') {
		int len = (int)strcspn(text, " ");

		if (at + 1 + len > HELP_COLUMNS)
			at = fprintf(f, "\n%12s", "") - 1;
		at += fprintf(f, " %.*s", len, text);
		text += len + strspn(text + len, " ");
	}
	fputc('\n', f);
}

char *
cli_help_nic(const char *title, const char *text, bool running)
{
	struct nic_spec spec;
	const char *key;
	char *out, value[NIC_PATH_LEN], line[NIC_PATH_LEN + 200];
	size_t len;
	FILE *f = open_memstream(&out, &len);

	if (f == NULL)
		return NULL;
	nic_spec_default(&spec);
	fprintf(f, "%s\n", title);
	for (uint32_t i = 0; (key = nic_spec_key(i)) != NULL; i++) {
		if (running && !nic_spec_key_running(i))
			continue;
		if (!nic_spec_get(&spec, key, value, sizeof(value)) ||
		    running || strcmp(key, "mac") == 0 ||
		    strstr(nic_spec_key_help(i), "default") != NULL)
			value[0] = '\0';
		snprintf(line, sizeof(line), "%s%s%s", nic_spec_key_help(i),
		    value[0] != '\0' ? "; default " : "", value);
		help_key(f, key, line);
	}
	fprintf(f, "\n%s", text);
	fclose(f);
	return out;
}

/* --- values --- */

uint32_t
cli_uint(const char *what, const char *text, uint32_t min, uint32_t max)
{
	char *end;
	unsigned long long v;

	errno = 0;
	/* "010" is ten to everybody but C. */
	v = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    v < min || v > max)
		cli_usage("%s: '%s' is not a number from %u to %u", what, text,
		    min, max);
	return (uint32_t)v;
}

const char *
cli_socket(const char *what, const char *text)
{
	const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	const char *colon = strchr(text, ':');

	if (text[0] == '\0' || strlen(text) > max)
		cli_usage("%s: the path must have 1 to %zu characters", what,
		    max);
	if (colon != NULL && memchr(text, '/', (size_t)(colon - text)) == NULL)
		cli_usage("%s: '%s' is no path of a Unix socket, such as "
		    "/run/hvnet.sock; hvnet speaks over no other (./%s is a "
		    "file of that name)", what, text, text);
	return text;
}

uint32_t
cli_mib(const char *what, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || end - text > 5 ||
	    (*end != '\0' && strcmp(end, "M") != 0 && strcmp(end, "G") != 0))
		cli_usage("%s: '%s' is not a size such as 512M or 2G", what,
		    text);
	if (*end == 'G')
		n *= 1024;
	if (n < 64 || n > 65536)
		cli_usage("%s: '%s' is not from 64M to 64G", what, text);
	return (uint32_t)n;
}

uint32_t
cli_choice(const char *what, const char *text, const char *const *names,
    uint32_t n)
{
	char list[256] = "";
	size_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (strcmp(text, names[i]) == 0)
			return i;
		if (at < sizeof(list))
			at += (size_t)snprintf(list + at, sizeof(list) - at,
			    "%s%s", i > 0 ? ", " : "", names[i]);
	}
	cli_usage("%s: '%s' is none of %s", what, text, list);
}

uint32_t
cli_vmbus_version(const char *what, const char *text)
{
	char names[VMBUS_VERSIONS][12];
	const char *list[VMBUS_VERSIONS];

	/* Oldest first, as people count. */
	for (uint32_t i = 0; i < VMBUS_VERSIONS; i++) {
		uint32_t v = vmbus_versions[VMBUS_VERSIONS - 1 - i];

		snprintf(names[i], sizeof(names[i]), "%u.%u", v >> 16,
		    v & 0xffffu);
		list[i] = names[i];
	}
	return vmbus_versions[VMBUS_VERSIONS - 1 -
	    cli_choice(what, text, list, VMBUS_VERSIONS)];
}

uint32_t
cli_nvsp_version(const char *what, const char *text)
{
	const char *names[NVS_VERSIONS];

	/* Oldest first, as people count. */
	for (uint32_t i = 0; i < NVS_VERSIONS; i++)
		names[i] = nvs_version_name(
		    nvs_versions[NVS_VERSIONS - 1 - i]);
	return nvs_versions[NVS_VERSIONS - 1 -
	    cli_choice(what, text, names, NVS_VERSIONS)];
}
