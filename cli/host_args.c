/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of `hvnet host', from the command line and from a configuration
 * file.
 *
 * The file's [host] goes through the same parser, a word "--key=value" each,
 * before the command line, which so has the last word.  To know the file, the
 * command line is parsed once before.
 */
#include "cli/host_args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/span.h"
#include "cli/cli.h"
#include "linux/bend/bend.h"
#include "linux/run/service.h"
#include "linux/run/text.h"

enum {
	KEY_LISTEN = 256, KEY_NIC, KEY_WORKERS, KEY_GROUP, KEY_LENIENT,
	KEY_MONITOR, KEY_SIGNAL, KEY_MAX_VMBUS, KEY_MAX_NVSP, KEY_MAX_GUESTS,
	KEY_POLL, KEY_POLL_TIME, KEY_PROFILE, KEY_NO_UIO, KEY_BEND, KEY_MDOC,
	KEY_MDOC_BEND, KEY_CONFIG, KEY_CTL_GROUP,
};

static const struct argp_option options[] = {
	{ "config", KEY_CONFIG, "FILE", 0,
	    "Read options and NICs from this file (hvnet-host.conf(5)); the "
	    "command line has the last word", 1 },
	{ "listen", KEY_LISTEN, "PATH", 0,
	    "Socket that guests connect to (required)", 1 },
	{ "nic", KEY_NIC, "SPEC", 0,
	    "A NIC, as key=value,... (see below); may be repeated, and more "
	    "can be added with `hvnet set --add'", 1 },
	{ "group", KEY_GROUP, "GROUP", 0,
	    "Let this group connect (socket mode 0660); default: only "
	    "the owner (0600)", 1 },
	{ "ctl-group", KEY_CTL_GROUP, "GROUP", 0,
	    "Let this group read statistics (hvnet stat, list, top, metrics); "
	    "default: only the owner and root", 1 },
	{ "max-guests", KEY_MAX_GUESTS, "N", 0,
	    "Guests attached at a time, 1 to 64; default 64", 1 },
	{ "no-uio", KEY_NO_UIO, NULL, 0,
	    "Refuse DPDK programs (`hvnet uio'): their memory cannot be "
	    "sealed, and their monitor page must be polled", 1 },
	{ "workers", KEY_WORKERS, "N", 0,
	    "Worker threads, 1 to 64; default: one for each processor", 2 },
	{ "signal", KEY_SIGNAL, "HOW", 0,
	    "When a guest is interrupted: edge (default, once a batch) or "
	    "packet (each packet, legacy)", 2 },
	{ "poll", KEY_POLL, "HOW", 0,
	    "Whose rings are polled while there is traffic: auto (default, "
	    "those of guests that poll: DPDK, the frames API), off, all, or "
	    "adaptive: of all, as long as it pays", 2 },
	{ "profile", KEY_PROFILE, "NAME", 0,
	    "Settings that go together: default, throughput, latency, "
	    "many-flows or low-cpu; options behind it change them", 2 },
	{ "poll-time", KEY_POLL_TIME, "US", 0,
	    "Microseconds that an empty ring is polled before the worker "
	    "sleeps, 1 to 1000000; default 200", 2 },
	{ "monitor", KEY_MONITOR, NULL, 0,
	    "Offer monitor pages to every guest", 2 },
	{ "lenient", KEY_LENIENT, NULL, 0,
	    "Accept messages that Windows refuses; default: strict",
	    OPTIONS_GROUP_PROTOCOL },
	{ "max-vmbus", KEY_MAX_VMBUS, "V", 0,
	    "Newest VMBus version accepted, 0.13 to 6.0; default 6.0",
	    OPTIONS_GROUP_PROTOCOL },
	{ "max-nvsp", KEY_MAX_NVSP, "V", 0,
	    "Newest NVSP version accepted, 1 to 6.1; default 6.1",
	    OPTIONS_GROUP_PROTOCOL },
	{ "bend", KEY_BEND, "FILE", 0,
	    "Behave oddly, as this script says (hvnet-bend(5)): of every NIC "
	    "without a bend= of its own", OPTIONS_GROUP_PROTOCOL },
	{ "mdoc", KEY_MDOC, NULL, OPTION_HIDDEN, "For the manual page", 1 },
	{ "mdoc-bend", KEY_MDOC_BEND, NULL, OPTION_HIDDEN,
	    "For the manual page", 1 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Serve Hyper-V synthetic NICs to guests, until Ctrl-C or SIGTERM.\v"
    "Examples:\n"
    "  hvnet host --config /etc/hvnet/host.conf\n"
    "  hvnet host --listen /run/hvnet.sock --nic backend=tap,name=hvhost0\n"
    "  hvnet host --listen /run/hvnet.sock --group kvm --workers 2 \\\n"
    "    --nic backend=tap,name=h0,netns=h,mtu=9000,queues=4 \\\n"
    "    --nic backend=pcap,name=p0,file=out.pcap --transcript -\n";

/* One more NIC, if it goes with those that are there. */
static int
args_nic_add(struct host_args *h, const struct nic_spec *spec, char *err,
    size_t cap)
{
	struct nic_spec *more = realloc(h->nic, (h->nics + 1) * sizeof(*more));

	if (more == NULL)
		exit(cli_fail(CLI_FAILED, "out of memory"));
	h->nic = more;
	for (uint32_t i = 0; i < h->nics; i++) {
		if (strcmp(more[i].name, spec->name) == 0) {
			snprintf(err, cap, "there are two NICs of the name "
			    "'%s'; choose another", spec->name);
			return -1;
		}
		if (nic_spec_peer_check(&more[i], spec, err, cap) < 0)
			return -1;
	}
	more[h->nics++] = *spec;
	return 0;
}

static void
args_nic(struct host_args *h, const char *text)
{
	struct nic_spec spec;
	char err[1200];

	if (nic_spec_parse(&spec, text, err, sizeof(err)) < 0 ||
	    args_nic_add(h, &spec, err, sizeof(err)) < 0)
		cli_usage("--nic %s: %s", text, err);
}

/* The keys of a NIC, for hvnet-host(1). */
static void
args_mdoc(void)
{
	struct nic_spec spec;
	char value[NIC_PATH_LEN];
	const char *key;

	nic_spec_default(&spec);
	for (uint32_t i = 0; (key = nic_spec_key(i)) != NULL; i++) {
		printf(".It Cm %s\n%s.\n", key, nic_spec_key_help(i));
		if (nic_spec_get(&spec, key, value, sizeof(value)) &&
		    value[0] != '\0' && strcmp(key, "mac") != 0 &&
		    strstr(nic_spec_key_help(i), "default") == NULL)
			printf("Default %s.\n", value);
		if (nic_spec_key_running(i))
			printf("Can change while the NIC runs.\n");
	}
	exit(CLI_OK);
}

static const char *
args_bend(const char *path)
{
	if (strlen(path) >= NIC_PATH_LEN || strlen(path) == 0)
		cli_usage("--bend: want the path of a file, at most %u "
		    "characters", NIC_PATH_LEN - 1);
	return path;
}

/* The messages that a script may name, for hvnet-bend(5). */
static void
args_mdoc_bend(void)
{
	const char *layer, *name;
	char fields[400];

	for (uint32_t i = 0; (name = bend_name(i, &layer)) != NULL; i++) {
		bend_fields_text(i, fields, sizeof(fields));
		printf(".It Cm %s %s\n%s\n", layer, name, fields[0] != '\0' ?
		    fields : "by offset only");
	}
	exit(CLI_OK);
}

/* Options of the protocol and for the manual page. */
static error_t
parse_protocol(int key, char *arg, struct host_config *c)
{
	switch (key) {
	case KEY_LENIENT:
		c->lenient = true;
		break;
	case KEY_MAX_VMBUS:
		c->max_vmbus = cli_vmbus_version("--max-vmbus", arg);
		break;
	case KEY_MAX_NVSP:
		c->max_nvsp = cli_nvsp_version("--max-nvsp", arg);
		break;
	case KEY_BEND:
		c->bend = args_bend(arg);
		break;
	case KEY_MDOC_BEND:
		args_mdoc_bend();
		break;
	case KEY_MDOC:
		args_mdoc();
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	static const char *const signals[] = { "edge", "packet" };
	static const char *const polls[] = { "auto", "off", "all",
		"adaptive" };
	struct host_args *h = state->input;
	struct host_config *c = &h->cfg;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &c->place;
		h->see.capture = &c->capture;
		h->see.transcript = &c->transcript;
		state->child_inputs[1] = &h->see;
		break;
	case KEY_CONFIG:
		if (arg[0] == '\0')
			cli_usage("--config: '' is no file");
		h->config = arg;
		break;
	case KEY_LISTEN:
		c->listen = cli_socket("--listen", arg);
		break;
	case KEY_NIC:
		args_nic(h, arg);
		break;
	case KEY_GROUP:
		if (arg[0] == '\0')
			cli_usage("--group: '' is no group");
		c->group = arg;
		break;
	case KEY_CTL_GROUP:
		if (arg[0] == '\0')
			cli_usage("--ctl-group: '' is no group");
		c->ctl_group = arg;
		break;
	case KEY_MAX_GUESTS:
		c->max_guests = cli_uint("--max-guests", arg, 1,
		    HOST_MAX_GUESTS);
		break;
	case KEY_WORKERS:
		c->workers = cli_uint("--workers", arg, 1, HOST_MAX_WORKERS);
		break;
	case KEY_SIGNAL:
		c->signal = (enum host_signal)cli_choice("--signal", arg,
		    signals, ARRAY_LEN(signals));
		break;
	case KEY_POLL:
		c->poll = (enum host_poll)cli_choice("--poll", arg, polls,
		    ARRAY_LEN(polls));
		break;
	case KEY_PROFILE:
		host_profile(c, (enum profile)cli_choice("--profile", arg,
		    profile_names, PROFILES));
		break;
	case KEY_POLL_TIME:
		c->poll_us = cli_uint("--poll-time", arg, 1, 1000000);
		break;
	case KEY_MONITOR:
		c->monitor = true;
		break;
	case KEY_NO_UIO:
		c->no_uio = true;
		break;
	default:
		return parse_protocol(key, arg, c);
	}
	return 0;
}

/* The help's last part: examples, then the keys of a NIC. */
static char *
help_filter(int key, const char *text, void *input)
{
	return key == ARGP_KEY_HELP_POST_DOC ?
	    cli_help_nic("Keys of a NIC (--nic):", text, false) :
	    (char *)(uintptr_t)text;
}

static const struct argp_child shared[] = {
	{ &options_place_argp, 0, NULL, 0 },
	{ &options_see_argp, 0, NULL, 0 },
	{ 0 }
};
static const struct argp args_argp = { .options = options, .parser = parse,
	.doc = doc, .children = shared, .help_filter = help_filter };

/* --- the configuration file --- */

/* An option that a file has no key for. */
static bool
args_only_words(const struct argp_option *o)
{
	return (o->flags & OPTION_HIDDEN) != 0 || o->key == KEY_NIC ||
	    o->key == KEY_CONFIG || o->key == CLI_KEY_HELP;
}

/* NULL: no key has this name. */
static const struct argp_option *
args_key_find(const char *name)
{
	const struct argp *const tables[] = { &args_argp, &options_place_argp,
		&options_see_argp };

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct argp_option *o = tables[i]->options;
		    o->name != NULL; o++)
			if (strcmp(o->name, name) == 0 && !args_only_words(o))
				return o;
	return NULL;
}

/* A key of [host] as a word of the command line, malloc'd; NULL: no word. */
static char *
args_word(const struct host_conf_setting *s)
{
	const struct argp_option *o = args_key_find(s->key);
	char *word = NULL;

	if (o == NULL)
		cli_usage("'%s' is no key of [host]; its keys are the options "
		    "of hvnet host, such as listen (hvnet-host.conf(5))",
		    s->key);
	if (o->arg != NULL) {
		if (asprintf(&word, "--%s=%s", s->key, s->value) < 0)
			exit(cli_fail(CLI_FAILED, "out of memory"));
		return word;
	}
	if (strcmp(s->value, "off") == 0)
		return NULL;
	if (strcmp(s->value, "on") != 0)
		cli_usage("%s=%s: want on or off", s->key, s->value);
	if (asprintf(&word, "--%s", s->key) < 0)
		exit(cli_fail(CLI_FAILED, "out of memory"));
	return word;
}

/* Parse [host] as if it stood on the command line; errors name the line. */
static void
args_conf_settings(struct host_args *h)
{
	char where[NIC_PATH_LEN + 64], shown[NIC_PATH_LEN];
	char name[] = "hvnet host";

	h->word = calloc(h->conf.settings + 1, sizeof(*h->word));
	if (h->word == NULL)
		exit(cli_fail(CLI_FAILED, "out of memory"));
	for (uint32_t i = 0; i < h->conf.settings; i++) {
		const struct host_conf_setting *s = &h->conf.setting[i];

		snprintf(where, sizeof(where), "%s:%u: ", text_show(shown,
		    sizeof(shown), h->conf.path), s->line);
		cli_where_set(where);
		h->word[h->words] = args_word(s);
		if (h->word[h->words] != NULL)
			cli_parse(&args_argp, 2, (char *[]){ name,
			    h->word[h->words++], NULL }, h);
		cli_where_set("");
	}
}

void
host_args_file(struct host_args *h, const char *path)
{
	char err[1400];
	int rc;

	*h = (struct host_args){ 0 };
	host_config_default(&h->cfg);
	rc = host_conf_read(&h->conf, path, err, sizeof(err));
	if (rc < 0)
		exit(cli_fail(rc == -EINVAL ? CLI_USAGE : CLI_FAILED, "%s",
		    err));
	args_conf_settings(h);
	for (uint32_t i = 0; i < h->conf.nics; i++)
		if (args_nic_add(h, &h->conf.nic[i].draft.spec, err,
		    sizeof(err)) < 0)
			cli_usage("%s:%u: %s", path, h->conf.nic[i].line, err);
}

/* The socket that a service manager opened, if there is one. */
static void
args_passed(struct host_args *h)
{
	int fd = service_socket(SOCK_SEQPACKET, h->passed, sizeof(h->passed));

	if (fd < 0)
		return;
	if (h->cfg.listen != NULL && strcmp(h->cfg.listen, h->passed) != 0)
		cli_usage("--listen %s: the service manager passed the socket "
		    "%s; leave one of them out", h->cfg.listen, h->passed);
	h->cfg.listen = h->passed;
	h->cfg.listen_fd = fd;
}

void
host_args_parse(struct host_args *h, int argc, char **argv)
{
	struct host_args first = { 0 };

	host_config_default(&first.cfg);
	cli_parse(&args_argp, argc, argv, &first);
	if (first.config != NULL) {
		host_args_file(h, first.config);
	} else {
		*h = (struct host_args){ 0 };
		host_config_default(&h->cfg);
	}
	host_args_free(&first);
	cli_parse(&args_argp, argc, argv, h);
	args_passed(h);
	if (h->cfg.listen == NULL)
		cli_usage("--listen PATH is required: where guests connect");
}

void
host_args_free(struct host_args *h)
{
	for (size_t i = 0; i < h->words; i++)
		free(h->word[i]);
	free(h->word);
	free(h->nic);
	host_conf_free(&h->conf);
}
