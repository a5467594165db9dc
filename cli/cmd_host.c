/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet host: the host end, for any number of guests.
 *
 * The command line becomes a host_config and a list of NIC specifications,
 * all checked before anything starts.  The main thread then is the host's
 * control thread until a signal ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "cli/cli.h"
#include "cli/loop.h"
#include "cli/options.h"
#include "linux/bend/bend.h"
#include "linux/host/host.h"
#include "linux/run/priv.h"
#include "linux/run/text.h"

struct cmd_host {
	struct host_config cfg;
	struct options_see see;
	struct nic_spec *nic;
	uint32_t nics;
};

enum {
	KEY_LISTEN = 256, KEY_NIC, KEY_WORKERS, KEY_GROUP, KEY_LENIENT,
	KEY_MONITOR, KEY_SIGNAL, KEY_MAX_VMBUS, KEY_MAX_NVSP, KEY_MAX_GUESTS,
	KEY_POLL, KEY_POLL_TIME, KEY_NO_UIO, KEY_BEND, KEY_MDOC,
	KEY_MDOC_BEND,
};

static const struct argp_option options[] = {
	{ "listen", KEY_LISTEN, "PATH", 0,
	    "Socket that guests connect to (required)", 1 },
	{ "nic", KEY_NIC, "SPEC", 0,
	    "A NIC, as key=value,... (see below); may be repeated, and more "
	    "can be added with `hvnet set --add'", 1 },
	{ "group", KEY_GROUP, "GROUP", 0,
	    "Let this group connect (socket mode 0660); default: only "
	    "the owner (0600)", 1 },
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
	    "those of guests that poll: DPDK, the frames API), off or all", 2 },
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
    "  hvnet host --listen /run/hvnet.sock --nic backend=tap,name=hvhost0\n"
    "  hvnet host --listen /run/hvnet.sock --group kvm --workers 2 \\\n"
    "    --nic backend=tap,name=h0,netns=h,mtu=9000,queues=4 \\\n"
    "    --nic backend=pcap,name=p0,file=out.pcap --transcript -\n";

static void
cmd_host_nic(struct cmd_host *h, const char *text)
{
	char err[300];

	h->nic = realloc(h->nic, (h->nics + 1) * sizeof(*h->nic));
	if (h->nic == NULL)
		exit(cli_fail(CLI_FAILED, "out of memory"));
	if (nic_spec_parse(&h->nic[h->nics], text, err, sizeof(err)) < 0)
		cli_usage("--nic %s: %s", text, err);
	for (uint32_t i = 0; i < h->nics; i++) {
		if (strcmp(h->nic[i].name, h->nic[h->nics].name) == 0)
			cli_usage("--nic %s: there are two NICs of the name "
			    "'%s'; choose another", text, h->nic[i].name);
		if (nic_spec_peer_check(&h->nic[i], &h->nic[h->nics], err,
		    sizeof(err)) < 0)
			cli_usage("--nic %s: %s", text, err);
	}
	h->nics++;
}

/* The keys of a NIC, for hvnet-host(1). */
static void
cmd_host_mdoc(void)
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
cmd_host_bend(const char *path)
{
	if (strlen(path) >= NIC_PATH_LEN || strlen(path) == 0)
		cli_usage("--bend: want the path of a file, at most %u "
		    "characters", NIC_PATH_LEN - 1);
	return path;
}

/* The messages that a script may name, for hvnet-bend(5). */
static void
cmd_host_mdoc_bend(void)
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
		c->bend = cmd_host_bend(arg);
		break;
	case KEY_MDOC_BEND:
		cmd_host_mdoc_bend();
		break;
	case KEY_MDOC:
		cmd_host_mdoc();
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
	static const char *const polls[] = { "auto", "off", "all" };
	struct cmd_host *h = state->input;
	struct host_config *c = &h->cfg;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &c->place;
		h->see.capture = &c->capture;
		h->see.transcript = &c->transcript;
		state->child_inputs[1] = &h->see;
		break;
	case KEY_LISTEN:
		c->listen = cli_socket("--listen", arg);
		break;
	case KEY_NIC:
		cmd_host_nic(h, arg);
		break;
	case KEY_GROUP:
		if (arg[0] == '\0')
			cli_usage("--group: '' is no group");
		c->group = arg;
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
	case KEY_POLL_TIME:
		c->poll_us = cli_uint("--poll-time", arg, 1, 1000000);
		break;
	case KEY_MONITOR:
		c->monitor = true;
		break;
	case KEY_NO_UIO:
		c->no_uio = true;
		break;
	case ARGP_KEY_END:
		if (c->listen == NULL)
			cli_usage("--listen PATH is required: where guests "
			    "connect");
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

static int
cmd_host_serve(const struct cmd_host *h, struct loop *l)
{
	char err[400] = "", shown[512];
	struct host *host = host_start(&h->cfg, loop_base(l), err,
	    sizeof(err));

	if (host == NULL)
		return cli_fail(CLI_FAILED, "%s", err);
	/* The socket has its group; NICs are made with what is left. */
	priv_limit();
	for (uint32_t i = 0; i < h->nics; i++) {
		if (host_nic_add(host, &h->nic[i], err, sizeof(err)) == 0)
			continue;
		host_stop(host);
		return cli_fail(CLI_FAILED, "NIC %s: %s", h->nic[i].name, err);
	}
	for (uint32_t i = 0; i < h->nics; i++)
		if (host_nic_waits(host, h->nic[i].name, err, sizeof(err)))
			cli_fail(0, "%s", err);
	printf("listening on %s, %u NIC%s\n",
	    text_show(shown, sizeof(shown), h->cfg.listen),
	    host_nic_count(host), host_nic_count(host) == 1 ? "" : "s");
	loop_run(l, NULL, NULL, 0);
	loop_signals_release(l);
	host_stop(host);
	return CLI_OK;
}

static int
cmd_host_run(int argc, char **argv)
{
	static const struct argp_child shared[] = {
		{ &options_place_argp, 0, NULL, 0 },
		{ &options_see_argp, 0, NULL, 0 },
		{ 0 }
	};
	const struct argp argp = { .options = options, .parser = parse,
		.doc = doc, .children = shared, .help_filter = help_filter };
	struct cmd_host h = { 0 };
	struct loop *l;
	int status;

	host_config_default(&h.cfg);
	cli_parse(&argp, argc, argv, &h);
	l = loop_create();
	if (l == NULL)
		return cli_fail(CLI_FAILED, "out of memory");
	status = cmd_host_serve(&h, l);
	loop_destroy(l);
	free(h.nic);
	return status;
}

const struct cli_command cli_host = {
	"host", "serve NICs to guests: the host end", cmd_host_run
};
