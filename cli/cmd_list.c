/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet list: the NICs that there are, a line each.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/nic_sum.h"

static const struct argp_option options[] = {
	CLI_OPTION_HELP,
	{ 0 }
};

static const char doc[] =
    "List the NICs of all running hosts and the interfaces of guests, a line "
    "each: what it is called, whose it is, what it is joined to, its state, "
    "the guest that has it, MTU and queues.\v"
    "Examples:\n"
    "  hvnet list\n"
    "  hvnet list | awk '$5 == \"free\" {print $1}'\n";

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL && s[0] != '\0' ? s : "-";
}

static void
list_host(const struct nic_sum *s)
{
	const json_t *spec = json_object_get(s->nic, "spec");
	const json_t *guest = json_object_get(s->nic, "guest");
	const char *backend = text_of(spec, "backend");
	const char *bridge = text_of(spec, "bridge");
	char who[64] = "-", to[64];

	snprintf(to, sizeof(to), "%s%s%s", backend, bridge[0] != '-' ? ":" :
	    "", bridge[0] != '-' ? bridge : "");
	if (guest != NULL)
		snprintf(who, sizeof(who), "%s:%lld", text_of(guest, "name"),
		    (long long)json_integer_value(json_object_get(guest,
		    "pid")));
	printf("%-15s %-5s %7ld %-13s %-6s %-20s %5s %6s\n", s->name, "host",
	    peer_pid(s->peer), to, strcmp(text_of(spec, "link"), "up") != 0 ?
	    "down" : guest == NULL ? "free" : "up", who,
	    text_of(spec, "mtu"), text_of(spec, "queues"));
}

static void
list_guest(const struct nic_sum *s)
{
	const json_t *device = json_object_get(s->nic, "device");
	char mtu[24] = "-", queues[24] = "-";

	if (device != NULL) {
		snprintf(mtu, sizeof(mtu), "%lld", (long long)
		    json_integer_value(json_object_get(device, "mtu")));
		snprintf(queues, sizeof(queues), "%lld", (long long)
		    json_integer_value(json_object_get(device, "queues")));
	}
	printf("%-15s %-5s %7ld %-13s %-6s %-20s %5s %6s\n", s->name,
	    peer_kind(s->peer), peer_pid(s->peer), "-",
	    text_of(s->nic, "state"), "-", mtu, queues);
}

static int
cmd_list_run(int argc, char **argv)
{
	const struct argp argp = { .options = options, .doc = doc };
	struct peer_list list;
	struct nic_sums sums;
	int status = CLI_OK;

	cli_parse(&argp, argc, argv, NULL);
	list = peers_ask();
	sums = nic_sums_of(&list);
	if (list.count == 0)
		status = peers_none(&list, NULL);
	else
		printf("%-15s %-5s %7s %-13s %-6s %-20s %5s %6s\n", "NIC",
		    "END", "PID", "BACKEND", "STATE", "GUEST:PID", "MTU",
		    "QUEUES");
	for (size_t i = 0; i < sums.count; i++) {
		if (sums.nic[i].nic == sums.nic[i].peer->stat)
			list_guest(&sums.nic[i]);
		else
			list_host(&sums.nic[i]);
	}
	nic_sums_free(&sums);
	peers_free(&list);
	return status;
}

const struct cli_command cli_list = {
	"list", "the NICs that there are, a line each", cmd_list_run
};
