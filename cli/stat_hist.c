/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvnet stat --hist: histograms of a NIC, gathered for a while and drawn.
 */
#include "cli/stat_hist.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "linux/see/hist_json.h"

int
stat_hist(const struct peer_list *list, const char *nic, unsigned int seconds,
    bool json)
{
	json_t *hist, *all = json_array();
	int status = CLI_OK;
	size_t k;

	for (size_t i = 0; i < list->count; i++)
		json_decref(peer_switch(&list->peer[i], "hist", nic, true,
		    &status));
	if (status == CLI_OK)
		sleep(seconds);
	for (size_t i = 0; i < list->count && status == CLI_OK; i++) {
		json_t *a = peer_switch(&list->peer[i], "hist", nic, false,
		    &status);

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
