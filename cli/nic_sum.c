/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A few numbers of each NIC, out of the counters of its end.
 *
 * Who is the slower end: the host waits for room in a guest's ring or receive
 * buffer, or a guest waits for room in its ring.  Either end knows of both: of
 * its own waits, and of the signals that it owed to a writer that waited.
 */
#include "cli/nic_sum.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* A counter of a queue: the group that it is in, which may be in another. */
struct counter_at {
	const char *outer, *group, *name;	/* outer may be NULL */
};

static uint64_t
queue_count(const json_t *queue, const struct counter_at *at)
{
	const json_t *o = at->outer != NULL ?
	    json_object_get(queue, at->outer) : queue;

	o = json_object_get(json_object_get(o, at->group), at->name);
	return (uint64_t)json_integer_value(o);
}

static uint64_t
queues_count(const json_t *queues, const struct counter_at *at, size_t n)
{
	uint64_t sum = 0;
	json_t *q;
	size_t i;

	json_array_foreach(queues, i, q)
		for (size_t k = 0; k < n; k++)
			sum += queue_count(q, &at[k]);
	return sum;
}

/* Counters of a group of each queue whose names begin like this. */
static uint64_t
queues_like(const json_t *queues, const char *group, const char *begin)
{
	uint64_t sum = 0;
	const char *key;
	json_t *q, *v;
	size_t i;

	json_array_foreach(queues, i, q)
		json_object_foreach(json_object_get(q, group), key, v)
			if (strncmp(key, begin, strlen(begin)) == 0)
				sum += (uint64_t)json_integer_value(v);
	return sum;
}

#define COUNT(queues, ...)						\
	queues_count(queues,						\
	    (const struct counter_at[]){ __VA_ARGS__ },			\
	    sizeof((const struct counter_at[]){ __VA_ARGS__ }) /	\
	    sizeof(struct counter_at))
#define SIGNALS								\
	{ "channel", "signals", "signals_data" },			\
	{ "channel", "signals", "signals_room" }
/* Signals to a writer that waited for room. */
#define OTHER_WAITED	{ "channel", "ring_in", "signals" }

static struct nic_counts
counts_host(const json_t *nic)
{
	const json_t *q = json_object_get(nic, "queues");
	const json_t *part = json_object_get(json_object_get(nic, "guest"),
	    "partition");

	return (struct nic_counts){
		.frames_out = COUNT(q, { NULL, "from_guest", "frames" }),
		.bytes_out = COUNT(q, { NULL, "from_guest", "bytes" }),
		.frames_in = COUNT(q, { NULL, "to_guest", "frames" }),
		.bytes_in = COUNT(q, { NULL, "to_guest", "bytes" }),
		.drops = queues_like(q, "from_guest", "drop_") +
		    queues_like(q, "to_guest", "drop_") +
		    COUNT(q, { NULL, "backend", "write_errors" },
		    { NULL, "backend", "no_guest" },
		    { NULL, "backend", "read_cut" },
		    { NULL, "backend", "delay_full" },
		    { NULL, "backend", "pair_full" }),
		.signals = COUNT(q, SIGNALS),
		.interrupts = (uint64_t)json_integer_value(
		    json_object_get(part, "interrupts")),
		.waits_guest = COUNT(q, { NULL, "backend", "blocked" }),
		.waits_host = COUNT(q, OTHER_WAITED,
		    { NULL, "from_guest", "set_aside" }),
	};
}

static struct nic_counts
counts_guest(const json_t *guest)
{
	const json_t *q = json_object_get(guest, "queues"), *vp;
	struct nic_counts n = {
		.frames_out = COUNT(q, { NULL, "transmit", "frames" }),
		.bytes_out = COUNT(q, { NULL, "transmit", "bytes" }),
		.frames_in = COUNT(q, { NULL, "receive", "frames" }),
		.bytes_in = COUNT(q, { NULL, "receive", "bytes" }),
		.drops = COUNT(q, { NULL, "receive", "dropped" },
		    { NULL, "transmit", "too_long" },
		    { NULL, "transmit", "too_short" },
		    { NULL, "transmit", "no_vlan" },
		    { NULL, "interface", "write_errors" },
		    { NULL, "interface", "no_queue" },
		    { NULL, "interface", "read_cut" }),
		.signals = COUNT(q, SIGNALS),
		.waits_guest = COUNT(q, OTHER_WAITED),
		.waits_host = COUNT(q, { NULL, "interface", "blocked" }),
	};
	size_t i;

	json_array_foreach(json_object_get(guest, "vps"), i, vp)
		n.interrupts += (uint64_t)json_integer_value(
		    json_object_get(vp, "interrupts"));
	return n;
}

static void
sums_add(struct nic_sums *s, const struct peer *p, const json_t *nic,
    const char *name, struct nic_counts n)
{
	s->nic = realloc(s->nic, (s->count + 1) * sizeof(*s->nic));
	if (s->nic == NULL)
		exit(cli_fail(CLI_FAILED, "out of memory"));
	s->nic[s->count++] = (struct nic_sum){ p, name, nic, n };
}

struct nic_sums
nic_sums_of(const struct peer_list *list)
{
	struct nic_sums s = { NULL, 0 };

	for (size_t i = 0; i < list->count; i++) {
		const struct peer *p = &list->peer[i];
		const char *name = json_string_value(json_object_get(p->stat,
		    "nic"));
		json_t *nic;
		size_t k;

		if (name != NULL)
			sums_add(&s, p, p->stat, name, counts_guest(p->stat));
		json_array_foreach(json_object_get(p->stat, "nics"), k, nic)
			sums_add(&s, p, nic, json_string_value(
			    json_object_get(nic, "name")), counts_host(nic));
	}
	return s;
}

void
nic_sums_free(struct nic_sums *s)
{
	free(s->nic);
	*s = (struct nic_sums){ NULL, 0 };
}

const struct nic_sum *
nic_sums_find(const struct nic_sums *s, const struct nic_sum *like)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->nic[i].name, like->name) == 0 &&
		    strcmp(s->nic[i].peer->path, like->peer->path) == 0)
			return &s->nic[i];
	return NULL;
}
