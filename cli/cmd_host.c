/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet host: the host end, for any number of guests.
 *
 * The command line becomes a host_config and a list of NIC specifications,
 * all checked before anything starts.  The main thread then is the host's
 * control thread until a signal ends it.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/host_args.h"
#include "cli/loop.h"
#include "linux/run/priv.h"
#include "linux/run/text.h"

static int
cmd_host_serve(const struct host_args *h, struct loop *l)
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
	struct host_args h;
	struct loop *l;
	int status;

	host_args_parse(&h, argc, argv);
	l = loop_create();
	if (l == NULL)
		return cli_fail(CLI_FAILED, "out of memory");
	status = cmd_host_serve(&h, l);
	loop_destroy(l);
	host_args_free(&h);
	return status;
}

const struct cli_command cli_host = {
	"host", "serve NICs to guests: the host end", cmd_host_run
};
