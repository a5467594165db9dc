/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics of a stand-in, over its control socket: who has the NIC, how the
 * program addresses its memory, what was handed over.
 */
#include "linux/uio/uio_ctl.h"

#include <string.h>
#include <unistd.h>

#include "linux/run/stat.h"
#include "linux/uio/uio_priv.h"

static json_t *
uio_stat(const struct uio *u)
{
	static const char *const states[] = { "connecting",
		"waiting for a program", "opening", "open", "closing" };
	static const char *const iova[] = { "unknown", "va", "pa" };
	uint32_t subs = 0;

	for (uint32_t i = 1; i < UIO_MAX_QUEUES; i++)
		subs += u->sub[i].shown;
	return json_pack("{s:b,s:s,s:s,s:i,s:s,s:i,s:i,s:s,s:i,s:i,s:o}",
	    "ok", 1, "kind", "uio", "nic", u->cfg.nic, "pid", (int)getpid(),
	    "state", states[u->state], "child", (int)u->child,
	    "program", (int)u->user,
	    "iova", iova[u->mem != NULL ? uio_mem_iova(u->mem) : 0],
	    "regions", (int)(u->mem != NULL ? uio_mem_regions(u->mem) : 0),
	    "subchannels", (int)subs,
	    "counters", stat_counters(&u->counters, &uio_counters_table));
}

json_t *
uio_ctl(void *ctx, const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));

	if (cmd == NULL || strcmp(cmd, "stat") != 0)
		return ctl_error("a uio stand-in knows only stat");
	return uio_stat(ctx);
}
