/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet set: change a running NIC, add one, remove one.
 *
 * Settings travel as {"cmd": "set", "nic": NIC, "set": {key: value, ...}}; the
 * process checks them, all or nothing, and its sentence is printed.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/conf_edit.h"
#include "cli/peers.h"
#include "linux/host/nic_spec.h"
#include "linux/run/ctl.h"

struct cmd_set {
	const char *nic;
	const char *add;	/* SPEC */
	const char *host;	/* pid or socket; NULL: the only one */
	bool remove, save;
	json_t *set;		/* {key: value} */
};

enum { KEY_ADD = 256, KEY_HOST, KEY_REMOVE, KEY_SAVE };

static const struct argp_option options[] = {
	{ "add", KEY_ADD, "SPEC", 0,
	    "Add a NIC to a running host: key=value,... as for hvnet host "
	    "--nic", 1 },
	{ "remove", KEY_REMOVE, NULL, 0,
	    "Take the NIC away from its guest and remove it", 1 },
	{ "save", KEY_SAVE, NULL, 0,
	    "Also change the host's configuration file (hvnet host --config), "
	    "so that it stays when the host starts again", 1 },
	{ "host", KEY_HOST, "PID|PATH", 0,
	    "Which process, by its pid or the socket it listens on; needed "
	    "only if several have such a NIC", 1 },
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "Change a NIC at run time.  NIC is the name of a host's NIC (keys below), "
    "or of a guest's interface (tso, txcsum, rxcsum, rsc, vlan, hash: on or "
    "off; rss_key: 80 hexadecimal digits; rss_table: queue numbers separated "
    "by ':', repeated until the table is full; signal: edge or packet; "
    "poll: off or adaptive; "
    "channel.K.vp: virtual processor of channel K; mtu, and each tunable of "
    "hvnet guest -o).\v"
    "Examples:\n"
    "  hvnet set hvhost0 link=down\n"
    "  hvnet set hvhost0 loss=0.1% delay=1ms\n"
    "  hvnet set hn0 tso=off\n"
    "  hvnet set hn0 rss_table=0:1:1:0\n"
    "  hvnet set hvhost0 loss=0% --save\n"
    "  hvnet set hn0 channel.1.vp=0\n"
    "  hvnet set hn0 chan_cnt=1 ring_pages=64\n"
    "  hvnet set --add backend=tap,name=hvhost1,mtu=9000\n"
    "  hvnet set hvhost1 --remove\n";

/* The value of option or key `what`; JSON has no other texts than UTF-8. */
static json_t *
cmd_set_text(const char *what, const char *value)
{
	json_t *text = json_string(value);

	if (text == NULL)
		cli_usage("%s: '%s' is not UTF-8", what, value);
	return text;
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct cmd_set *s = state->input;
	char *eq;

	switch (key) {
	case KEY_ADD:
		s->add = arg;
		break;
	case KEY_HOST:
		if (arg[0] == '\0')
			cli_usage("--host: '' is neither pid nor socket");
		s->host = arg;
		break;
	case KEY_SAVE:
		s->save = true;
		break;
	case KEY_REMOVE:
		s->remove = true;
		break;
	case ARGP_KEY_ARG:
		eq = strchr(arg, '=');
		if (eq == NULL && s->nic == NULL && arg[0] != '\0') {
			s->nic = arg;
			break;
		}
		if (eq == NULL || eq == arg)
			cli_usage("'%s' is not KEY=VALUE", arg);
		if (strchr(arg, ',') != NULL)
			cli_usage("'%s': want KEY=VALUE KEY=VALUE, blanks "
			    "between and no commas", arg);
		*eq = '\0';
		if (json_object_get(s->set, arg) != NULL)
			cli_usage("%s is given twice", arg);
		if (json_object_set_new(s->set, arg,
		    cmd_set_text(arg, eq + 1)) < 0)
			cli_usage("'%s' is not UTF-8", arg);
		break;
	case ARGP_KEY_END:
		if (s->add != NULL && (s->nic != NULL || s->remove ||
		    json_object_size(s->set) > 0))
			cli_usage("--add SPEC takes no other argument "
			    "but --host and --save");
		if (s->add == NULL && s->nic == NULL)
			cli_usage("which NIC? hvnet set NIC KEY=VALUE...");
		if (s->remove && json_object_size(s->set) > 0)
			cli_usage("--remove and KEY=VALUE do not go together");
		if (s->add == NULL && !s->remove &&
		    json_object_size(s->set) == 0)
			cli_usage("nothing to set: KEY=VALUE..., or --remove");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static char *
help_filter(int key, const char *text, void *input)
{
	return key == ARGP_KEY_HELP_POST_DOC ?
	    cli_help_nic("Keys of a host's NIC:", text, true) :
	    (char *)(uintptr_t)text;
}

/* --host means this process. */
static bool
set_host_is(const char *host, const struct peer *p)
{
	const char *listen = json_string_value(json_object_get(p->stat,
	    "listen"));
	char pid[24];

	snprintf(pid, sizeof(pid), "%ld", peer_pid(p));
	return strcmp(host, pid) == 0 || strcmp(host, p->path) == 0 ||
	    (listen != NULL && strcmp(host, listen) == 0);
}

static bool
set_peer_fits(const struct cmd_set *s, const struct peer *p)
{
	if (s->nic != NULL && !peer_has(p, s->nic))
		return false;
	if ((s->add != NULL || s->remove) && strcmp(peer_kind(p), "host") != 0)
		return false;
	if (s->host == NULL)
		return true;
	return set_host_is(s->host, p);
}

static int
set_nobody(const struct cmd_set *s, const struct peer_list *list)
{
	const char *run = list->failed > 0 ? "" : "running ";
	const char *answered = list->failed > 0 ? " that answered" : "";
	const char *kind = s->add != NULL || s->remove ? "host" :
	    "host or guest";
	bool known = false;

	for (size_t i = 0; s->host != NULL && i < list->count; i++)
		known |= set_host_is(s->host, &list->peer[i]);
	if (s->host != NULL && (!known || s->nic == NULL))
		return cli_fail(CLI_NOT_FOUND, "--host: no %s%s%s has the pid "
		    "or socket '%s' (hvnet stat shows both)", run, kind,
		    answered, s->host);
	if (s->host != NULL)
		return cli_fail(CLI_NOT_FOUND, "--host: the process of the "
		    "pid or socket '%s' has no NIC '%s'", s->host, s->nic);
	if (s->nic == NULL)
		return cli_fail(CLI_NOT_FOUND, "no %shost%s", run, answered);
	return cli_fail(CLI_NOT_FOUND, "no %s%s%s has a NIC '%s'", run, kind,
	    answered, s->nic);
}

/* The one process that is meant, or NULL and *status, the reason printed. */
static const struct peer *
set_peer_find(const struct cmd_set *s, const struct peer_list *list,
    int *status)
{
	const struct peer *found = NULL;
	size_t fits = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (set_peer_fits(s, &list->peer[i])) {
			found = &list->peer[i];
			fits++;
		}
	}
	if (fits == 1)
		return found;
	if (fits > 1)
		*status = cli_fail(CLI_USAGE, "%zu processes fit; say which "
		    "with --host PID (hvnet stat shows them)", fits);
	else if (list->count == 0)
		*status = peers_none(list, NULL);
	else
		*status = set_nobody(s, list);
	return NULL;
}

static int
set_send(const struct cmd_set *s, const struct peer *p)
{
	json_t *request, *answer;
	char err[400];
	const char *text;
	int status = CLI_OK;

	if (s->add != NULL)
		request = json_pack("{s:s,s:o}", "cmd", "add", "spec",
		    cmd_set_text("--add", s->add));
	else if (s->remove)
		request = json_pack("{s:s,s:s}", "cmd", "remove", "nic",
		    s->nic);
	else
		request = json_pack("{s:s,s:s,s:O}", "cmd", "set", "nic",
		    s->nic, "set", s->set);
	answer = ctl_call(p->path, request, err, sizeof(err));
	json_decref(request);
	if (answer == NULL)
		return cli_fail(CLI_FAILED, "%s", err);
	text = json_string_value(json_object_get(answer, "error"));
	if (!json_is_true(json_object_get(answer, "ok")))
		status = cli_fail(CLI_REFUSED, "%s", text != NULL ? text :
		    "refused without a reason");
	text = json_string_value(json_object_get(answer, "note"));
	if (status == CLI_OK && text != NULL)
		printf("%s\n", text);
	json_decref(answer);
	return status;
}

/*
 * The same change to the host's file, ready to be saved; NULL: it cannot be,
 * *status, the reason printed.  added: the NIC of --add.
 */
static struct conf_edit *
set_edit(const struct cmd_set *s, const struct peer *p,
    const struct nic_spec *added, int *status)
{
	const char *path = json_string_value(json_object_get(p->stat,
	    "config"));
	struct conf_edit *e;
	const char *key;
	char err[1400];
	json_t *value;

	*status = CLI_FAILED;
	if (path == NULL) {
		cli_fail(0, "--save: %s", strcmp(peer_kind(p), "host") != 0 ?
		    "only a host has a configuration file" :
		    "this host was started without --config FILE");
		return NULL;
	}
	e = conf_edit_open(path, err, sizeof(err));
	if (e == NULL) {
		cli_fail(0, "--save: %s", err);
		return NULL;
	}
	if (s->add == NULL && !conf_edit_has(e, s->nic)) {
		cli_fail(0, "--save: %s has no [nic %s]", path, s->nic);
		conf_edit_free(e);
		return NULL;
	}
	if (s->add != NULL)
		conf_edit_add(e, added->name, s->add);
	else if (s->remove)
		conf_edit_remove(e, s->nic);
	json_object_foreach(s->set, key, value)
		conf_edit_set(e, s->nic, key, json_string_value(value));
	if (conf_edit_prepare(e, err, sizeof(err)) == 0)
		return e;
	cli_fail(0, "--save: %s", err);
	conf_edit_free(e);
	return NULL;
}

/* Change what runs, then the file. */
static int
set_send_and_save(const struct cmd_set *s, const struct peer *p,
    const struct nic_spec *added)
{
	char err[400];
	int status;
	struct conf_edit *e = set_edit(s, p, added, &status);

	if (e == NULL)
		return status;
	status = set_send(s, p);
	if (status == CLI_OK && conf_edit_save(e, err, sizeof(err)) < 0)
		status = cli_fail(CLI_FAILED, "changed, but not saved: %s",
		    err);
	conf_edit_free(e);
	return status;
}

static int
cmd_set_run(int argc, char **argv)
{
	const struct argp argp = { .options = options, .parser = parse,
		.args_doc = "NIC KEY=VALUE...\nNIC --remove\n--add SPEC",
		.doc = doc, .help_filter = help_filter };
	struct cmd_set s = { .set = json_object() };
	struct peer_list list;
	const struct peer *p;
	struct nic_spec spec;
	char err[400];
	int status = CLI_OK;

	cli_parse(&argp, argc, argv, &s);
	if (s.add != NULL && nic_spec_parse(&spec, s.add, err,
	    sizeof(err)) < 0)
		cli_usage("--add %s: %s", s.add, err);
	list = peers_ask();
	p = set_peer_find(&s, &list, &status);
	if (p != NULL && s.save)
		status = set_send_and_save(&s, p, &spec);
	else if (p != NULL)
		status = set_send(&s, p);
	peers_free(&list);
	json_decref(s.set);
	return status;
}

const struct cli_command cli_set = {
	"set", "change, add or remove a NIC at run time", cmd_set_run
};
