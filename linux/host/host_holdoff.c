/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much time a hostile peer can take by holding threads.
 *
 * Each time costs some milliseconds of one thread (link_guard.h) and the peer
 * its connections.  So that it cannot just come back and do it again, its
 * process stays out for a second, then for two, four and so on up to a minute.
 * A peer that makes a new process each time is known by its user: after some
 * more times all the user's processes stay out in the same way.  No healthy
 * program ever does this once, so nobody pays for a mistake; but the programs
 * of one user, which can end each other anyway, pay for each other.
 *
 * One process thus holds threads for less than ten times in the first minute
 * and once a minute from then on; one user so and some twenty times more.
 */
#include "linux/host/host_holdoff.h"

#include <stddef.h>

#include "base/span.h"

static uint32_t
holdoff_find(const struct host_holdoff *h, uint32_t uid, uint32_t pid)
{
	uint32_t i;

	for (i = 0; i < HOST_HOLDOFF_PEERS; i++)
		if (h->peer[i].times > 0 && h->peer[i].uid == uid &&
		    h->peer[i].pid == pid)
			break;
	return i;
}

/* A free entry, or the one that was quiet for longest. */
static uint32_t
holdoff_take(const struct host_holdoff *h)
{
	uint32_t oldest = 0;

	for (uint32_t i = 0; i < HOST_HOLDOFF_PEERS; i++) {
		if (h->peer[i].times == 0)
			return i;
		if (h->peer[i].last_ns < h->peer[oldest].last_ns)
			oldest = i;
	}
	return oldest;
}

static void
holdoff_count(struct host_holdoff *h, uint32_t uid, uint32_t pid,
    uint32_t free_times, uint64_t now_ns)
{
	uint32_t i = holdoff_find(h, uid, pid);

	if (i == HOST_HOLDOFF_PEERS) {
		i = holdoff_take(h);
		h->peer[i].uid = uid;
		h->peer[i].pid = pid;
		h->peer[i].times = 0;
	} else if (now_ns - h->peer[i].last_ns > HOST_HOLDOFF_KEEP_NS) {
		h->peer[i].times = 0;
	}
	h->peer[i].times++;
	h->peer[i].last_ns = now_ns;
	h->peer[i].until_ns = h->peer[i].times <= free_times ? 0 : now_ns +
	    (HOST_HOLDOFF_NS << min_u32(h->peer[i].times - free_times - 1,
	    HOST_HOLDOFF_DOUBLE));
}

void
host_holdoff_add(struct host_holdoff *h, const struct link_peer *p,
    uint64_t now_ns)
{
	if (p->pid != 0)
		holdoff_count(h, p->uid, p->pid, 0, now_ns);
	holdoff_count(h, p->uid, 0, HOST_HOLDOFF_USER_FREE, now_ns);
}

uint64_t
host_holdoff_ns(const struct host_holdoff *h, const struct link_peer *p,
    uint64_t now_ns)
{
	const uint32_t pids[2] = { p->pid, 0 };
	uint64_t until = now_ns;

	for (uint32_t k = 0; k < ARRAY_LEN(pids); k++) {
		uint32_t i = holdoff_find(h, p->uid, pids[k]);

		if (i < HOST_HOLDOFF_PEERS && h->peer[i].until_ns > until)
			until = h->peer[i].until_ns;
	}
	return until - now_ns;
}
