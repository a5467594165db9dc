/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hvnet processes that run here, found by their control sockets.
 *
 * A process is known by its answer to "stat": kind, pid, and the NICs it has
 * ("nics" of a host, an array of objects with a name; "nic" of a guest).
 */
#include "cli/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "linux/run/ctl.h"
#include "linux/run/ctl_path.h"

struct peer_list
peers_ask(void)
{
	struct peer_list list = { NULL, 0, 0, 0 };
	json_t *request = json_pack("{s:s}", "cmd", "stat");
	struct ctl_answer *answer;
	struct ctl_paths p;
	int rc = ctl_paths(NULL, &p);

	if (rc < 0) {
		cli_fail(0, "looking for hvnet processes in %s: %s",
		    ctl_rundir(), strerror(-rc));
		list.failed++;
	}
	answer = calloc(p.count + 1, sizeof(*answer));
	list.peer = calloc(p.count + 1, sizeof(*list.peer));
	if (answer != NULL && list.peer != NULL)
		ctl_ask(p.path, p.count, request, CTL_ASK_SECONDS, answer);
	for (size_t i = 0; answer != NULL && list.peer != NULL && i < p.count;
	    i++) {
		if (answer[i].json != NULL) {
			list.peer[list.count].path = strdup(p.path[i]);
			list.peer[list.count++].stat = answer[i].json;
		} else if (answer[i].why[0] != '\0') {
			cli_fail(0, "%s", answer[i].why);
			list.failed++;
		}
	}
	list.answered = list.count;
	free(answer);
	ctl_paths_free(&p);
	json_decref(request);
	return list;
}

int
peers_none(const struct peer_list *list, const char *what)
{
	if (what != NULL && list->answered > 0)
		return cli_fail(CLI_NOT_FOUND, "no %s has %s", list->failed >
		    0 ? "host or guest that answered" :
		    "running host or guest", what);
	if (list->failed > 0)
		return CLI_FAILED;	/* each reason was reported */
	return cli_fail(CLI_NOT_FOUND, "no hvnet host or guest is running "
	    "here (looked in %s; HVNET_RUN=FOLDER names another place)",
	    ctl_rundir());
}

void
peers_free(struct peer_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->peer[i].path);
		json_decref(list->peer[i].stat);
	}
	free(list->peer);
	*list = (struct peer_list){ NULL, 0, 0, 0 };
}

static bool
names(const json_t *o, const char *key, const char *name)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL && strcmp(s, name) == 0;
}

bool
peer_has(const struct peer *p, const char *nic)
{
	const json_t *nics = json_object_get(p->stat, "nics");
	size_t i;
	json_t *o;

	if (names(p->stat, "nic", nic))
		return true;
	json_array_foreach(nics, i, o)
		if (names(o, "name", nic))
			return true;
	return false;
}

void
peers_keep(struct peer_list *list, const char *nic)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct peer p = list->peer[i];
		json_t *nics = json_object_get(p.stat, "nics");

		if (!peer_has(&p, nic)) {
			free(p.path);
			json_decref(p.stat);
			continue;
		}
		for (size_t k = json_array_size(nics); k-- > 0;)
			if (!names(json_array_get(nics, k), "name", nic))
				json_array_remove(nics, k);
		list->peer[kept++] = p;
	}
	list->count = kept;
}

const char *
peer_kind(const struct peer *p)
{
	const char *s = json_string_value(json_object_get(p->stat, "kind"));

	return s != NULL ? s : "process";
}

long
peer_pid(const struct peer *p)
{
	return (long)json_integer_value(json_object_get(p->stat, "pid"));
}

json_t *
peer_switch(const struct peer *p, const char *cmd, const char *nic, bool on,
    int *status)
{
	json_t *request = json_pack("{s:s, s:s, s:b}", "cmd", cmd, "nic", nic,
	    "on", on);
	char err[400];
	json_t *answer = ctl_call(p->path, request, err, sizeof(err));
	const char *text;

	json_decref(request);
	if (answer == NULL) {
		*status = cli_fail(CLI_FAILED, "%s", err);
		return NULL;
	}
	if (json_is_true(json_object_get(answer, "ok")))
		return answer;
	text = json_string_value(json_object_get(answer, "error"));
	*status = cli_fail(CLI_REFUSED, "%s: %s", nic, text != NULL ? text :
	    "refused without a reason");
	json_decref(answer);
	return NULL;
}
