/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet stat --hist: histograms of a NIC, gathered for a while and drawn.
 */
#include "cli/stat_hist.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "linux/run/ctl.h"
#include "linux/see/hist_json.h"

/* Tell a process; its answer, or NULL and *status. */
static json_t *
hist_call(const struct peer *p, const char *nic, bool on, int *status)
{
	json_t *request = json_pack("{s:s, s:s, s:b}", "cmd", "hist", "nic",
	    nic, "on", on);
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

int
stat_hist(const struct peer_list *list, const char *nic, unsigned int seconds,
    bool json)
{
	json_t *hist, *all = json_array();
	int status = CLI_OK;
	size_t k;

	for (size_t i = 0; i < list->count; i++)
		json_decref(hist_call(&list->peer[i], nic, true, &status));
	if (status == CLI_OK)
		sleep(seconds);
	for (size_t i = 0; i < list->count && status == CLI_OK; i++) {
		json_t *a = hist_call(&list->peer[i], nic, false, &status);

		json_array_foreach(json_object_get(a, "hist"), k, hist) {
			json_array_append(all, hist);
			if (json)
				continue;
			printf("%s %s, queue %zu, in %u s:\n",
			    peer_kind(&list->peer[i]), nic, k, seconds);
			hist_draw(stdout, hist);
		}
		json_decref(a);
	}
	if (json && status == CLI_OK) {
		json_dumpf(all, stdout, JSON_COMPACT);
		printf("\n");
	}
	json_decref(all);
	return status;
}
