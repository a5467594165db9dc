/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics and settings of a host, over its control socket.
 *
 * Counters are read while workers run; what belongs to control is ours anyway.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/ring_chan.h"
#include "linux/host/host_guest_priv.h"
#include "linux/host/nic.h"
#include "linux/host/nic_bend.h"
#include "linux/host/nic_leaving.h"
#include "linux/host/nic_list.h"
#include "linux/host/nic_trace.h"
#include "linux/link/link_budget.h"
#include "linux/run/stat.h"
#include "linux/run/text.h"
#include "wire/nvs_msg.h"
#include "wire/wire_print.h"

static const struct {
	const char *name;
	const struct counter_table *table;
} ctl_tables[] = {
	{ "from_guest", &vsp_from_guest_counters_table },
	{ "to_guest", &vsp_to_guest_counters_table },
	{ "backend", &backend_counters_table },
	{ "signals", &ring_chan_counters_table },
	{ "ring_out", &ring_out_counters_table },
	{ "ring_in", &ring_in_counters_table },
	{ "poll", &ring_spin_counters_table },
	{ "worker", &worker_counters_table },
	{ "partition", &part_counters_table },
};

/* {"from_guest": {"frames": "frames from the guest", ...}, ...} */
static json_t *
ctl_describe(void)
{
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_LEN(ctl_tables); i++) {
		const struct counter_table *t = ctl_tables[i].table;
		json_t *texts = json_object();

		for (uint32_t r = 0; r < t->rows; r++)
			json_object_set_new(texts, t->row[r].name,
			    json_string(t->row[r].text));
		json_object_set_new(o, ctl_tables[i].name, texts);
	}
	return json_pack("{s:b,s:o}", "ok", 1, "describe", o);
}

static json_t *
ctl_queues(struct nic *nic)
{
	json_t *a = json_array();

	for (uint32_t k = 0; k < nic->spec.queues; k++) {
		const struct nic_queue *q = &nic->queue[k];
		json_t *o = json_pack("{s:i,s:i,s:o}", "queue", (int)k,
		    "worker", (int)q->work.worker->index, "backend",
		    stat_counters(&nic->port.queue[k].counters,
		    &backend_counters_table));

		if (nic->vsp != NULL) {
			json_object_set_new(o, "from_guest", stat_counters(
			    vsp_from_guest_stats(nic->vsp, k),
			    &vsp_from_guest_counters_table));
			json_object_set_new(o, "to_guest", stat_counters(
			    vsp_to_guest_stats(nic->vsp, k),
			    &vsp_to_guest_counters_table));
		}
		if (q->adaptive)
			json_object_set_new(o, "poll", stat_counters(
			    &q->spin.counters, &ring_spin_counters_table));
		if (q->chan != NULL)
			json_object_set_new(o, "channel", stat_chan(
			    q->chan, vms_chan_vp(q->chan)));
		json_array_append_new(a, o);
	}
	return a;
}

/* Checksum offloads that the guest switched on: "tcp4|tcp6", or "none". */
static const char *
ctl_csums(uint32_t bits, char *out, size_t cap)
{
	static const char *const names[] = { "ip4", "tcp4", "udp4", "tcp6",
		"udp6" };
	size_t at = 0;

	snprintf(out, cap, "none");
	for (size_t i = 0; i < ARRAY_LEN(names) && at < cap; i++)
		if ((bits & 1u << i) != 0)
			at += (size_t)snprintf(out + at, cap - at, "%s%s",
			    at > 0 ? "|" : "", names[i]);
	return out;
}

/* What the guest has set up. */
static json_t *
ctl_device(const struct nic *nic)
{
	char filter[80], hash[120], csum_tx[40], csum_rx[40];
	struct vsp_guest_state s;
	char vmbus[16], ndis[16];
	const char *nvsp;

	vsp_guest_state(nic->vsp, &s);
	snprintf(vmbus, sizeof(vmbus), "%u.%u", s.vmbus_version >> 16,
	    s.vmbus_version & 0xffff);
	nvsp = nvs_version_name(s.nvsp_version);
	ndis_filter_print(filter, sizeof(filter), s.filter);
	ndis_hash_print(hash, sizeof(hash), s.hash_types);
	snprintf(ndis, sizeof(ndis), "%u.%u", s.ndis_version >> 16,
	    s.ndis_version & 0xffff);
	return json_pack("{s:s,s:s,s:s,s:s,s:i,s:i,s:s,s:s,s:b,s:b,s:b,s:b,"
	    "s:s,s:i,s:i,s:i,s:i}",
	    "vmbus", vmbus, "nvsp", nvsp != NULL ? nvsp : "none", "ndis",
	    ndis, "filter", filter, "guest_mtu", (int)s.guest_mtu, "queues",
	    (int)s.queues, "csum_tx", ctl_csums(s.offloads_tx, csum_tx,
	    sizeof(csum_tx)), "csum_rx", ctl_csums(s.offloads_rx, csum_rx,
	    sizeof(csum_rx)), "lso4", s.lso4, "lso6", s.lso6, "rsc4",
	    s.rsc4, "rsc6", s.rsc6, "hash_types", hash,
	    "table_entries", (int)s.table_entries, "rx_sections",
	    (int)s.rx_sections, "rx_sections_free", (int)s.rx_sections_free,
	    "send_sections", (int)s.send_sections);
}

/* Why a NIC that is free is not offered, where that will pass. */
static void
ctl_waiting(const struct nic *nic, json_t *o)
{
	const struct host_guest *g = nic->user.guest != NULL ? NULL :
	    nic_leaving_holder(nic->host, nic->mac, NULL);

	if (g != NULL)
		json_object_set_new(o, "waiting", json_sprintf("guest %u has "
		    "not let go of it yet", g->number));
}

static json_t *
ctl_nic(struct nic *nic)
{
	json_t *spec = json_object();
	json_t *o;
	char text[NIC_PATH_LEN];
	const char *key;

	for (uint32_t i = 0; (key = nic_spec_key(i)) != NULL; i++)
		if (nic_spec_get(&nic->spec, key, text, sizeof(text)) &&
		    text[0] != '\0')
			json_object_set_new(spec, key, text_json(text));
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x",
	    nic->mac[0], nic->mac[1], nic->mac[2], nic->mac[3], nic->mac[4],
	    nic->mac[5]);
	json_object_set_new(spec, "mac", json_string(text));
	o = json_pack("{s:s,s:o,s:b,s:o}", "name", nic->spec.name, "spec",
	    spec, "attached", nic->user.guest != NULL, "queues",
	    ctl_queues(nic));
	if (nic->port.interface != NULL)
		json_object_set_new(o, "interface",
		    json_string(nic->port.interface));
	if (nic->bent.bend != NULL)
		json_object_set_new(o, "bend", nic_bend_stat(nic));
	ctl_waiting(nic, o);
	if (nic->user.guest != NULL) {
		json_object_set_new(o, "guest",
		    host_guest_stat(nic->user.guest));
		json_object_set_new(o, "device", ctl_device(nic));
		json_object_set_new(o, "faults", stat_faults(
		    vsp_faults(nic->vsp)));
	}
	return o;
}

/* Resident bytes of this process. */
static json_int_t
ctl_rss(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long long size = 0, resident = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lld %lld", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return (json_int_t)(resident * sysconf(_SC_PAGESIZE));
}

static json_t *
ctl_stat(struct host *h, const char *name)
{
	json_t *nics = json_array(), *workers = json_array(), *o;

	if (name != NULL && nic_list_find(h, name) == NULL) {
		json_decref(nics);
		json_decref(workers);
		return ctl_error("there is no NIC '%s'", name);
	}
	for (struct nic *n = h->nics; n != NULL; n = n->next)
		if (name == NULL || strcmp(n->spec.name, name) == 0)
			json_array_append_new(nics, ctl_nic(n));
	for (uint32_t i = 0; i < h->pool.count; i++)
		json_array_append_new(workers, stat_counters(
		    &h->pool.worker[i].counters, &worker_counters_table));
	o = json_pack("{s:b,s:s,s:i,s:o,s:I,s:i,s:i,s:I,s:I,s:I,s:I,s:I,"
	    "s:o,s:o,s:o}",
	    "ok", 1, "kind", "host", "pid", (int)getpid(), "listen",
	    text_json(h->cfg.listen), "rss_bytes", ctl_rss(), "guests",
	    (int)h->guest_count, "nics_leaving",
	    (int)nic_leaving_count(h, NULL), "guests_served",
	    (json_int_t)h->guests_served, "turned_away",
	    (json_int_t)h->turned_away, "evicted", (json_int_t)h->evicted,
	    "guest_mappings", (json_int_t)link_budget_maps(),
	    "guest_mappings_max", (json_int_t)link_budget_maps_max(),
	    "nics", nics, "workers", workers,
	    "faults_of_gone_guests", stat_faults(&h->faults));
	if (h->cfg.config != NULL)
		json_object_set_new(o, "config", text_json(h->cfg.config));
	return o;
}

/* {"mtu": "9000", "loss": "1%"} -> "mtu=9000,loss=1%"; NULL: malformed. */
static char *
ctl_set_list(const json_t *set)
{
	char *list = NULL;
	size_t len = 0;
	const char *key;
	json_t *value;
	FILE *f = open_memstream(&list, &len);
	bool good = f != NULL && json_is_object(set) &&
	    json_object_size(set) > 0;

	if (good)
		json_object_foreach((json_t *)(uintptr_t)set, key, value) {
			const char *v = json_string_value(value);

			/* A comma would smuggle in another key. */
			good = good && v != NULL && strchr(v, ',') == NULL;
			fprintf(f, "%s%s=%s", ftell(f) > 0 ? "," : "", key,
			    v != NULL ? v : "");
		}
	if (f != NULL)
		fclose(f);
	if (!good) {
		free(list);
		return NULL;
	}
	return list;
}

static json_t *
ctl_set(struct host *h, const char *name, const json_t *set)
{
	char err[400], *list = ctl_set_list(set);
	int rc;

	if (name == NULL || list == NULL) {
		free(list);
		return ctl_error("set wants a NIC and values, each a "
		    "text without a comma");
	}
	rc = host_nic_set(h, name, list, err, sizeof(err));
	free(list);
	return rc < 0 ? ctl_error("%s", err) : json_pack("{s:b}", "ok", 1);
}

static json_t *
ctl_add(struct host *h, const char *text)
{
	struct nic_spec spec;
	char err[400];

	if (text == NULL)
		return ctl_error("add wants a NIC, key=value,...");
	if (nic_spec_parse(&spec, text, err, sizeof(err)) < 0 ||
	    host_nic_add(h, &spec, err, sizeof(err)) < 0)
		return ctl_error("%s", err);
	if (host_nic_waits(h, spec.name, err, sizeof(err)))
		return json_pack("{s:b,s:s}", "ok", 1, "note", err);
	return json_pack("{s:b}", "ok", 1);
}

static json_t *
ctl_look(struct host *h, const char *cmd, const char *name,
    const json_t *request)
{
	struct nic *nic = name != NULL ? nic_list_find(h, name) : NULL;

	if (nic == NULL)
		return ctl_error("there is no NIC '%s'", name != NULL ? name :
		    "");
	return strcmp(cmd, "trace") == 0 ? nic_trace_ctl(nic, request) :
	    nic_hist_ctl(nic, request);
}

json_t *
host_ctl(void *ctx, const json_t *request)
{
	struct host *h = ctx;
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	const char *nic = json_string_value(json_object_get(request, "nic"));
	char err[400];

	if (cmd == NULL)
		return ctl_error("no command");
	if (strcmp(cmd, "stat") == 0)
		return ctl_stat(h, nic);
	if (strcmp(cmd, "describe") == 0)
		return ctl_describe();
	if (strcmp(cmd, "set") == 0)
		return ctl_set(h, nic, json_object_get(request, "set"));
	if (strcmp(cmd, "add") == 0)
		return ctl_add(h, json_string_value(json_object_get(request,
		    "spec")));
	if (strcmp(cmd, "remove") == 0 && nic != NULL)
		return host_nic_remove(h, nic, err, sizeof(err)) < 0 ?
		    ctl_error("%s", err) : json_pack("{s:b}", "ok", 1);
	if (strcmp(cmd, "trace") == 0 || strcmp(cmd, "hist") == 0)
		return ctl_look(h, cmd, nic, request);
	return ctl_error("a host knows stat, describe, set, add, remove, "
	    "trace and hist, not '%s'", cmd);
}
