/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What counters mean.
 *
 * The tables are those that the counters themselves are made from, so this
 * cannot fall behind them.  An answer's object is matched to its table by its
 * members: where a process puts a group is its own matter.
 */
#include "cli/stat_text.h"

#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/span.h"
#include "bus/partition.h"
#include "bus/ring_chan.h"
#include "bus/vmc.h"
#include "linux/bend/bend.h"
#include "linux/guest/netif.h"
#include "linux/guest/vp.h"
#include "linux/host/backend.h"
#include "linux/host/worker.h"
#include "linux/run/ctl.h"
#include "linux/uio/uio.h"
#include "vsc/vsc.h"
#include "vsp/vsp.h"

const struct stat_group stat_groups[] = {
	{ "guest's interface", "interface", "guest",
	    &netif_counters_table },
	{ "NetVSC transmit", "transmit", "guest",
	    &vsc_tx_counters_table },
	{ "NetVSC receive", "receive", "guest",
	    &vsc_rx_counters_table },
	{ "virtual processor", "vp", "guest",
	    &vp_counters_table },
	{ "VMBus client", "vmbus", "guest",
	    &vmc_counters_table },
	{ "interrupts of a virtual processor", "vp_interrupts", "guest",
	    &vmc_vp_counters_table },
	{ "how the host was told", "told", "guest",
	    &vmc_signal_counters_table },
	{ "stand-in of the kernel", "uio", "uio",
	    &uio_counters_table },
	{ "NetVSP from guest", "from_guest", "host",
	    &vsp_from_guest_counters_table },
	{ "NetVSP to guest", "to_guest", "host",
	    &vsp_to_guest_counters_table },
	{ "backend", "backend", "host",
	    &backend_counters_table },
	{ "worker", "worker", "host",
	    &worker_counters_table },
	{ "partition", "partition", "host",
	    &part_counters_table },
	{ "signals of a channel", "channel", "both",
	    &ring_chan_counters_table },
	{ "ring, producing", "ring_out", "both",
	    &ring_out_counters_table },
	{ "ring, consuming", "ring_in", "both",
	    &ring_in_counters_table },
};
const uint32_t stat_group_count = (uint32_t)ARRAY_LEN(stat_groups);

static bool
table_fits(const struct counter_table *t, const json_t *o)
{
	if (json_object_size(o) != t->rows)
		return false;
	for (uint32_t i = 0; i < t->rows; i++)
		if (!json_is_integer(json_object_get(o, t->row[i].name)))
			return false;
	return true;
}

const struct stat_group *
stat_group_of(const json_t *o)
{
	for (uint32_t i = 0; json_is_object(o) && i < stat_group_count; i++)
		if (table_fits(stat_groups[i].table, o))
			return &stat_groups[i];
	return NULL;
}

const char *
stat_fault_text(const char *name)
{
	for (unsigned int i = 0; i < FAULT_COUNT; i++)
		if (strcmp(fault_name((enum fault)i), name) == 0)
			return fault_text((enum fault)i);
	return "";
}

/* Every message that a script of bends may name, with its fields. */
static void
bends_describe(void)
{
	const char *layer, *name;
	char fields[400];

	printf("messages of a bend (hvnet-bend(5)) and their fields\n");
	for (uint32_t i = 0; (name = bend_name(i, &layer)) != NULL; i++) {
		bend_fields_text(i, fields, sizeof(fields));
		printf("  %-5s %-26s %s\n", layer, name, fields);
	}
}

static json_t *
bends_describe_json(void)
{
	json_t *a = json_array();
	const char *layer, *name;
	char fields[400];

	for (uint32_t i = 0; (name = bend_name(i, &layer)) != NULL; i++) {
		bend_fields_text(i, fields, sizeof(fields));
		json_array_append_new(a, json_pack("{s:s,s:s,s:s}", "layer",
		    layer, "message", name, "fields", fields));
	}
	return a;
}

void
stat_describe(void)
{
	for (uint32_t i = 0; i < stat_group_count; i++) {
		const struct stat_group *g = &stat_groups[i];

		printf("%s (%s)\n", g->title, g->side);
		for (uint32_t k = 0; k < g->table->rows; k++)
			printf("  %-18s %s\n", g->table->row[k].name,
			    g->table->row[k].text);
	}
	printf("faults (both)\n");
	for (unsigned int i = 1; i < FAULT_COUNT; i++)
		printf("  %-18s %s\n", fault_name((enum fault)i),
		    fault_text((enum fault)i));
	bends_describe();
}

/* What a counter counts: "bytes", or what its text names, or "events". */
static const char *
stat_unit(const struct counter_desc *d)
{
	static const char *const units[] = { "frames", "packets", "segments",
		"batches", "signals", "interrupts", "messages", "completions",
		"bytes" };
	const size_t len = strlen(d->name);

	if (len >= 5 && strcmp(d->name + len - 5, "bytes") == 0)
		return "bytes";
	if (strncmp(d->name, "drop", 4) == 0)
		return "frames";
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strncmp(d->text, units[i], strlen(units[i])) == 0)
			return units[i];
	return "events";
}

json_t *
stat_describe_json(void)
{
	json_t *groups = json_array(), *faults = json_object();

	for (uint32_t i = 0; i < stat_group_count; i++) {
		const struct counter_table *t = stat_groups[i].table;
		json_t *c = json_object(), *units = json_object();

		for (uint32_t k = 0; k < t->rows; k++) {
			json_object_set_new(c, t->row[k].name,
			    json_string(t->row[k].text));
			json_object_set_new(units, t->row[k].name,
			    json_string(stat_unit(&t->row[k])));
		}
		json_array_append_new(groups, json_pack("{s:s,s:s,s:s,s:o,"
		    "s:o}", "title", stat_groups[i].title, "name",
		    stat_groups[i].name, "side", stat_groups[i].side,
		    "counters", c, "units", units));
	}
	for (unsigned int i = 1; i < FAULT_COUNT; i++)
		json_object_set_new(faults, fault_name((enum fault)i),
		    json_string(fault_text((enum fault)i)));
	return json_pack("{s:i,s:o,s:o,s:o}", "schema", CTL_SCHEMA,
	    "groups", groups, "faults", faults, "bends",
	    bends_describe_json());
}

void
stat_describe_mdoc(void)
{
	for (uint32_t i = 0; i < stat_group_count; i++) {
		const struct stat_group *g = &stat_groups[i];

		printf(".Ss %s (%s)\n.Bl -tag -width drop_malformed\n",
		    g->title, g->side);
		for (uint32_t k = 0; k < g->table->rows; k++)
			printf(".It Cm %s\n%s.\n", g->table->row[k].name,
			    g->table->row[k].text);
		printf(".El\n");
	}
	printf(".Ss faults (both)\n.Bl -tag -width drop_malformed\n");
	for (unsigned int i = 1; i < FAULT_COUNT; i++)
		printf(".It Cm %s\n%s.\n", fault_name((enum fault)i),
		    fault_text((enum fault)i));
	printf(".El\n");
}
