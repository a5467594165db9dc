/*
 * Parsing for all subcommands.
 *
 * argp finds the options.  Its own error messages are off (ARGP_NO_ERRS),
 * since they take two lines and do not say what would be right; so the words
 * are held against the option table before argp sees them.  ARGP_NO_ERRS
 * silences argp's help, too, so --help is ours.
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

#include "linux/host/nic_spec.h"
#include "wire/nvs_msg.h"
#include "wire/vmbus_msg.h"

static const char *cli_name = "hvnet";

void
cli_name_set(const char *name)
{
	cli_name = name;
}

int
cli_fail(int status, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", cli_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

void
cli_usage(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", cli_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(CLI_USAGE);
}

/* The option that `word` ("--nam", "--name=x", "-n") can only mean, or NULL. */
static const struct argp_option *
option_of(const struct argp *a, const char *word)
{
	const struct argp_option *found = NULL;
	const size_t len = strcspn(word + 2, "=");
	const bool is_long = word[1] == '-';

	for (const struct argp_option *o = a->options; o->name != NULL; o++) {
		if (!is_long && o->key == word[1])
			return o;
		if (!is_long || strncmp(o->name, word + 2, len) != 0)
			continue;
		if (strlen(o->name) == len)
			return o;
		if (found != NULL)
			return NULL;
		found = o;
	}
	return found;
}

static void
option_unknown(const struct argp *a, const char *word)
{
	char list[1024] = "";
	size_t at = 0;

	for (const struct argp_option *o = a->options; o->name != NULL; o++)
		if ((o->flags & OPTION_HIDDEN) == 0 && at < sizeof(list))
			at += (size_t)snprintf(list + at, sizeof(list) - at,
			    " --%s", o->name);
	cli_usage("unknown option '%s'; there are%s", word, list);
}

/* Every option there is, and with a value where it takes one. */
static void
options_check(const struct argp *a, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const bool is_long = argv[i][0] == '-' && argv[i][1] == '-';
		const struct argp_option *o;
		bool attached;

		if (argv[i][0] != '-' || argv[i][1] == '\0')
			continue;
		o = option_of(a, argv[i]);
		if (o == NULL)
			option_unknown(a, argv[i]);
		attached = is_long ? strchr(argv[i], '=') != NULL :
		    argv[i][2] != '\0';
		if (o->arg == NULL && attached)
			cli_usage("--%s takes no value", o->name);
		if (o->arg == NULL || (o->flags & OPTION_ARG_OPTIONAL) != 0 ||
		    attached)
			continue;
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

char *
cli_help_nic(const char *title, const char *text, bool running)
{
	struct nic_spec spec;
	const char *key;
	char *out, value[NIC_PATH_LEN];
	size_t len;
	FILE *f = open_memstream(&out, &len);

	if (f == NULL)
		return NULL;
	nic_spec_default(&spec);
	fprintf(f, "%s\n", title);
	for (uint32_t i = 0; (key = nic_spec_key(i)) != NULL; i++) {
		if (running && !nic_spec_key_running(i))
			continue;
		fprintf(f, "  %-10s %s", key, nic_spec_key_help(i));
		if (!running && nic_spec_get(&spec, key, value,
		    sizeof(value)) && value[0] != '\0' &&
		    strcmp(key, "mac") != 0 &&
		    strstr(nic_spec_key_help(i), "default") == NULL)
			fprintf(f, "; default %s", value);
		fputc('\n', f);
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
	v = strtoull(text, &end, 0);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    v < min || v > max)
		cli_usage("%s: '%s' is not a number from %u to %u", what, text,
		    min, max);
	return (uint32_t)v;
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
	static const char *const names[] = { "1", "2", "4", "5", "6", "6.1" };
	static const uint32_t versions[] = { NVS_V1, NVS_V2, NVS_V4, NVS_V5,
		NVS_V6, NVS_V6_1 };

	return versions[cli_choice(what, text, names, ARRAY_LEN(names))];
}
