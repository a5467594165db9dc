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

struct peer_list
peers_ask(void)
{
	struct peer_list list = { NULL, 0, 0 };
	json_t *request = json_pack("{s:s}", "cmd", "stat");
	char err[400];
	size_t n;
	char **paths = ctl_paths(NULL, &n);

	list.peer = calloc(n + 1, sizeof(*list.peer));
	for (size_t i = 0; list.peer != NULL && i < n; i++) {
		json_t *answer = ctl_call(paths[i], request, err, sizeof(err));

		if (answer == NULL) {
			cli_fail(0, "%s", err);
			continue;
		}
		list.peer[list.count].path = strdup(paths[i]);
		list.peer[list.count++].stat = answer;
	}
	list.answered = list.count;
	ctl_paths_free(paths, n);
	json_decref(request);
	return list;
}

void
peers_free(struct peer_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->peer[i].path);
		json_decref(list->peer[i].stat);
	}
	free(list->peer);
	*list = (struct peer_list){ NULL, 0, 0 };
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
