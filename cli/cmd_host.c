/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet host: the host end, for any number of guests.
 *
 * The command line becomes a host_config and a list of NIC specifications,
 * all checked before anything starts.  The main thread then is the host's
 * control thread until a signal ends it; SIGHUP reads the configuration file
 * again, SIGUSR1 begins captures again that were moved away.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/host_args.h"
#include "cli/loop.h"
#include "linux/host/host_reload.h"
#include "linux/run/clock.h"
#include "linux/run/priv.h"
#include "linux/run/service.h"
#include "linux/run/text.h"

struct cmd_host {
	struct host_args args;
	struct host *host;
};

/* --- the service manager --- */

static int
cmd_host_tick(void *ctx)
{
	struct cmd_host *c = ctx;

	host_alive(c->host);
	service_notify("WATCHDOG=1");
	return 0;
}

/* Tell it that the host serves, and serve. */
static void
cmd_host_loop(struct cmd_host *c, struct loop *l)
{
	/* Twice as often as it must be. */
	uint64_t ms = service_watchdog_us() / 2000;

	service_notify("READY=1\nSTATUS=%u NICs", host_nic_count(c->host));
	loop_run(l, ms > 0 ? cmd_host_tick : NULL, c, (unsigned int)ms);
	service_notify("STOPPING=1");
}

/* --- SIGHUP and SIGUSR1 --- */

static const struct host_conf_setting *
setting_find(const struct host_conf *c, const char *key)
{
	for (uint32_t i = 0; i < c->settings; i++)
		if (strcmp(c->setting[i].key, key) == 0)
			return &c->setting[i];
	return NULL;
}

/* [host] is the same in both: true, or false with a sentence in err. */
static bool
settings_same(const struct host_conf *was, const struct host_conf *now,
    char *err, size_t cap)
{
	const struct host_conf_setting *other;

	for (uint32_t i = 0; i < now->settings; i++) {
		const struct host_conf_setting *s = &now->setting[i];

		other = setting_find(was, s->key);
		if (other != NULL && strcmp(other->value, s->value) == 0)
			continue;
		snprintf(err, cap, "%s:%u: %s of [host] changes only when the "
		    "host starts; restart it", now->path, s->line, s->key);
		return false;
	}
	for (uint32_t i = 0; i < was->settings; i++) {
		if (setting_find(now, was->setting[i].key) != NULL)
			continue;
		snprintf(err, cap, "%s: %s of [host] is not there any more; "
		    "that takes a restart of the host", now->path,
		    was->setting[i].key);
		return false;
	}
	return true;
}

static void
cmd_host_reload_file(struct cmd_host *c)
{
	struct host_reload n;
	struct host_conf now;
	char err[1400];

	if (host_conf_read(&now, c->args.conf.path, err, sizeof(err)) < 0) {
		host_say(c->host, "%s; nothing was changed", err);
		return;
	}
	if (!settings_same(&c->args.conf, &now, err, sizeof(err)) ||
	    host_reload(c->host, &c->args.conf, &now, &n, err,
	    sizeof(err)) < 0) {
		host_say(c->host, "%s; nothing was changed", err);
		host_conf_free(&now);
		return;
	}
	host_say(c->host, "reloaded %s; NICs added: %u, changed: %u, "
	    "withdrawn: %u", now.path, n.added, n.changed, n.withdrawn);
	host_conf_free(&c->args.conf);
	c->args.conf = now;
}

static void
cmd_host_reload(void *ctx)
{
	struct cmd_host *c = ctx;

	service_notify("RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)(clock_now_ns() / 1000));
	cmd_host_reload_file(c);
	service_notify("READY=1\nSTATUS=%u NICs", host_nic_count(c->host));
}

static void
cmd_host_reopen(void *ctx)
{
	struct cmd_host *c = ctx;

	host_reopen(c->host);
}

static int
cmd_host_signals(struct cmd_host *c, struct loop *l)
{
	if (c->args.config != NULL &&
	    loop_on(l, SIGHUP, cmd_host_reload, c) < 0)
		return -1;
	return loop_on(l, SIGUSR1, cmd_host_reopen, c);
}

/* --- life --- */

static int
cmd_host_nics(const struct cmd_host *c)
{
	const struct host_args *a = &c->args;
	char err[400] = "";

	for (uint32_t i = 0; i < a->nics; i++)
		if (host_nic_add(c->host, &a->nic[i], err, sizeof(err)) < 0)
			return cli_fail(CLI_FAILED, "NIC %s: %s",
			    a->nic[i].name, err);
	for (uint32_t i = 0; i < a->nics; i++)
		if (host_nic_waits(c->host, a->nic[i].name, err, sizeof(err)))
			cli_fail(0, "%s", err);
	return CLI_OK;
}

static int
cmd_host_serve(struct cmd_host *c, struct loop *l)
{
	char err[400] = "", shown[512];
	int status;

	c->host = host_start(&c->args.cfg, loop_base(l), err, sizeof(err));
	if (c->host == NULL)
		return cli_fail(CLI_FAILED, "%s", err);
	/* The socket has its group; NICs are made with what is left. */
	priv_limit();
	status = cmd_host_nics(c);
	if (status == CLI_OK && cmd_host_signals(c, l) < 0)
		status = cli_fail(CLI_FAILED, "out of memory");
	if (status == CLI_OK) {
		uint32_t nics = host_nic_count(c->host);

		printf("listening on %s, %u NIC%s\n", text_show(shown,
		    sizeof(shown), c->args.cfg.listen), nics,
		    nics == 1 ? "" : "s");
		cmd_host_loop(c, l);
		loop_signals_release(l);
	}
	host_stop(c->host);
	return status;
}

static int
cmd_host_run(int argc, char **argv)
{
	struct cmd_host c = { .host = NULL };
	char *path = NULL;
	struct loop *l;
	int status;

	host_args_parse(&c.args, argc, argv);
	if (c.args.config != NULL)
		path = realpath(c.args.config, NULL);
	c.args.cfg.config = path;
	l = loop_create();
	if (l == NULL)
		return cli_fail(CLI_FAILED, "out of memory");
	status = cmd_host_serve(&c, l);
	loop_destroy(l);
	host_args_free(&c.args);
	free(path);
	return status;
}

const struct cli_command cli_host = {
	"host", "serve NICs to guests: the host end", cmd_host_run
};
