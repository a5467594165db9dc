/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters as metrics.
 *
 * Theory of operation.  An answer is walked once; each object in it that is a
 * counter table (stat_group_of()) is noted with labels that say where it was:
 * end, process, NIC, queue.  Then each row of each table is a family with its
 * text as HELP, and a sample for each object that was noted.  So a new counter
 * is a new metric without a line here.
 */
#include "cli/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "cli/cli.h"
#include "cli/stat_text.h"

#define LABELS_BYTES	1024u

/* One object with counters. */
struct found {
	const struct stat_group *group;	/* NULL: faults by reason */
	const json_t *o;
	char *labels;
};

struct metrics {
	FILE *f;
	enum metrics_format format;
	struct found *found;
	size_t count;
};

/* --- labels --- */

/* `labels` and one more; values are escaped as both formats want it. */
static void
label_add(char out[LABELS_BYTES], const char *labels, const char *name,
    const char *value)
{
	size_t at = (size_t)snprintf(out, LABELS_BYTES, "%s%s%s=\"", labels,
	    labels[0] != '\0' ? "," : "", name);

	for (; *value != '\0' && at + 4 < LABELS_BYTES; value++) {
		if (*value == '"' || *value == '\\' || *value == '\n')
			out[at++] = '\\';
		out[at++] = *value == '\n' ? 'n' : *value;
	}
	snprintf(out + at, LABELS_BYTES - at, "\"");
}

static void
label_add_number(char out[LABELS_BYTES], const char *labels,
    const char *name, long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", value);
	label_add(out, labels, name, text);
}

/* What an element of this array is: its label, or NULL. */
static const char *
label_of_array(const char *key)
{
	static const char *const names[][2] = { { "queues", "queue" },
		{ "vps", "vp" }, { "workers", "worker" }, { "nics", "nic" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], key) == 0)
			return names[i][1];
	return NULL;
}

/* --- what there is --- */

static void
found_note(struct metrics *m, const struct stat_group *g, const json_t *o,
    const char *labels)
{
	char *copy = strdup(labels);

	m->found = realloc(m->found, (m->count + 1) * sizeof(*m->found));
	if (m->found == NULL || copy == NULL)
		exit(cli_fail(CLI_FAILED, "out of memory"));
	m->found[m->count++] = (struct found){ g, o, copy };
}

static void walk(struct metrics *, const json_t *, const char *labels);

static void
walk_array(struct metrics *m, const json_t *a, const char *key,
    const char *labels)
{
	const char *label = label_of_array(key);
	char more[LABELS_BYTES];
	json_t *v;
	size_t i;

	if (label == NULL)
		return;
	json_array_foreach(a, i, v) {
		const char *name = json_string_value(json_object_get(v,
		    "name"));

		if (name != NULL)
			label_add(more, labels, label, name);
		else
			label_add_number(more, labels, label, (long long)i);
		walk(m, v, more);
	}
}

static void
walk(struct metrics *m, const json_t *o, const char *labels)
{
	const struct stat_group *g = stat_group_of(o);
	const json_t *number;
	char more[LABELS_BYTES];
	const char *key;
	json_t *v;

	if (g != NULL || json_object_get(o, "by_reason") != NULL) {
		found_note(m, g, o, labels);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)o, key, v) {
		if (json_is_array(v)) {
			walk_array(m, v, key, labels);
			continue;
		}
		if (!json_is_object(v))
			continue;
		number = json_object_get(v, "guest");
		if (json_is_integer(number)) {
			label_add_number(more, labels, "guest", (long long)
			    json_integer_value(number));
			walk(m, v, more);
		} else {
			walk(m, v, labels);
		}
	}
}

static void
walk_peer(struct metrics *m, const struct peer *p)
{
	const char *listen = json_string_value(json_object_get(p->stat,
	    "listen"));
	const char *nic = json_string_value(json_object_get(p->stat, "nic"));
	char end[LABELS_BYTES], all[LABELS_BYTES];

	label_add(end, "", "end", peer_kind(p));
	if (listen != NULL) {
		label_add(all, end, "listen", listen);
	} else {
		/* Guests in several namespaces may have the same names. */
		label_add_number(all, end, "pid", peer_pid(p));
		if (nic != NULL) {
			memcpy(end, all, sizeof(end));
			label_add(all, end, "nic", nic);
		}
	}
	walk(m, p->stat, all);
}

/* --- families --- */

/* The unit that a name ends with, or "". */
static const char *
family_unit(const char *name)
{
	size_t len = strlen(name);

	return len > 6 && strcmp(name + len - 6, "_bytes") == 0 ? "bytes" :
	    len > 8 && strcmp(name + len - 8, "_seconds") == 0 ? "seconds" :
	    "";
}

static void
family_begin(const struct metrics *m, const char *name, const char *type,
    const char *help)
{
	const char *total = m->format == METRICS_TEXT &&
	    strcmp(type, "counter") == 0 ? "_total" : "";

	fprintf(m->f, "# HELP %s%s %s.\n# TYPE %s%s %s\n", name, total, help,
	    name, total, type);
	if (m->format == METRICS_OPENMETRICS && family_unit(name)[0] != '\0')
		fprintf(m->f, "# UNIT %s %s\n", name, family_unit(name));
}

static void
families_of_group(const struct metrics *m, const struct stat_group *g)
{
	char name[100];
	bool any = false;

	for (size_t k = 0; k < m->count && !any; k++)
		any = m->found[k].group == g;
	for (uint32_t r = 0; any && r < g->table->rows; r++) {
		const struct counter_desc *d = &g->table->row[r];

		snprintf(name, sizeof(name), "hvnet_%s_%s", g->name, d->name);
		family_begin(m, name, "counter", d->text);
		for (size_t k = 0; k < m->count; k++)
			if (m->found[k].group == g)
				fprintf(m->f, "%s_total{%s} %lld\n", name,
				    m->found[k].labels, (long long)
				    json_integer_value(json_object_get(
				    m->found[k].o, d->name)));
	}
}

static void
family_of_faults(const struct metrics *m)
{
	char labels[LABELS_BYTES];
	const char *reason;
	json_t *v;

	family_begin(m, "hvnet_faults", "counter", "Violations of the "
	    "protocol by the other end, by reason");
	for (size_t k = 0; k < m->count; k++) {
		if (m->found[k].group != NULL)
			continue;
		json_object_foreach(json_object_get(m->found[k].o,
		    "by_reason"), reason, v) {
			label_add(labels, m->found[k].labels, "reason",
			    reason);
			fprintf(m->f, "hvnet_faults_total{%s} %lld\n", labels,
			    (long long)json_integer_value(v));
		}
	}
}

/* A number of a process: {end="host"} and so on. */
static void
family_of_processes(const struct metrics *m, const struct peer_list *list,
    const char *key, const char *name, const char *help)
{
	bool begun = false;

	for (size_t i = 0; i < list->count; i++) {
		const json_t *v = json_object_get(list->peer[i].stat, key);

		if (!json_is_number(v))
			continue;
		if (!begun)
			family_begin(m, name, "gauge", help);
		begun = true;
		fprintf(m->f, "%s{end=\"%s\",pid=\"%ld\"} %.15g\n", name,
		    peer_kind(&list->peer[i]), peer_pid(&list->peer[i]),
		    json_number_value(v));
	}
}

static void
family_of_attached(const struct metrics *m, const struct peer_list *list)
{
	char labels[LABELS_BYTES], more[LABELS_BYTES];
	json_t *nic;
	size_t k;

	family_begin(m, "hvnet_nic_attached", "gauge",
	    "Whether a guest has the NIC");
	for (size_t i = 0; i < list->count; i++)
		json_array_foreach(json_object_get(list->peer[i].stat, "nics"),
		    k, nic) {
			label_add(more, "end=\"host\"", "listen",
			    json_string_value(json_object_get(
			    list->peer[i].stat, "listen")));
			label_add(labels, more, "nic", json_string_value(
			    json_object_get(nic, "name")));
			fprintf(m->f, "hvnet_nic_attached{%s} %d\n", labels,
			    json_is_true(json_object_get(nic, "attached")));
		}
}

void
metrics_print(FILE *f, const struct peer_list *list,
    enum metrics_format format)
{
	struct metrics m = { .f = f, .format = format };

	for (size_t i = 0; i < list->count; i++)
		walk_peer(&m, &list->peer[i]);
	for (uint32_t i = 0; i < stat_group_count; i++)
		families_of_group(&m, &stat_groups[i]);
	family_of_faults(&m);
	family_of_attached(&m, list);
	family_of_processes(&m, list, "guests", "hvnet_guests",
	    "Guests that are attached");
	family_of_processes(&m, list, "rss_bytes", "hvnet_resident_bytes",
	    "Memory of the process");
	family_of_processes(&m, list, "uptime_seconds",
	    "hvnet_uptime_seconds", "Time since the process started");
	if (format == METRICS_OPENMETRICS)
		fprintf(f, "# EOF\n");
	for (size_t i = 0; i < m.count; i++)
		free(m.found[i].labels);
	free(m.found);
}
