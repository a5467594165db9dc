/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics of a guest, over its control socket; guest_set.c has its settings.
 *
 * Context: main thread.  VP 0 is parked meanwhile, so NetVSC and link stay as
 * they are; counters of other VPs are read as they run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/ring_chan.h"
#include "linux/guest/guest_priv.h"
#include "linux/run/stat.h"
#include "linux/run/text.h"
#include "wire/nvs_msg.h"
#include "wire/wire_print.h"

const char *
guest_state_name(enum guest_state s)
{
	static const char *const names[] = { "waiting for the host",
		"connecting", "attaching", "up", "detaching", "unloading",
		"stopped" };

	return names[s];
}

static json_t *
stat_offloads(uint32_t off)
{
	json_t *o = json_object();
	const char *name;

	for (uint32_t i = 0; (name = guest_offload_name(i)) != NULL; i++)
		json_object_set_new(o, name,
		    json_boolean((off & guest_offload_bits(name)) != 0));
	return o;
}

static json_t *
stat_caps(const struct vsc_caps *c, uint32_t filter_bits)
{
	char mac[18], vmbus[16], filter[80];

	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", c->mac[0],
	    c->mac[1], c->mac[2], c->mac[3], c->mac[4], c->mac[5]);
	snprintf(vmbus, sizeof(vmbus), c->vmbus_version == 0 ? "unknown" :
	    "%u.%u", c->vmbus_version >> 16, c->vmbus_version & 0xffff);
	ndis_filter_print(filter, sizeof(filter), filter_bits);
	return json_pack("{s:s,s:s,s:s,s:s,s:i,s:i,s:b,s:I,s:i,s:i,s:i,s:i,s:i,"
	    "s:o}",
	    "vmbus", vmbus, "nvsp", nvs_version_name(c->nvsp_version),
	    "mac", mac, "filter", filter, "mtu", (int)c->mtu,
	    "queues", (int)c->queues, "link_up", c->link_up, "speed_bps",
	    (json_int_t)c->speed_bps, "tso_maxlen", (int)c->tso_maxlen,
	    "send_sections", (int)c->sections, "send_section_bytes",
	    (int)c->section_bytes, "receive_sections", (int)c->rx_sections,
	    "agg_packets", (int)c->agg_pkts,
	    "offloads", stat_offloads(c->offloads));
}

/* The key as hex, the indirection table as queue numbers. */
static json_t *
stat_rss(const struct vsc *v)
{
	uint8_t key[40];
	uint32_t table[128];
	char hex[2 * sizeof(key) + 1];
	json_t *a = json_array();
	int n = vsc_get_rss(v, key, table, (uint32_t)ARRAY_LEN(table));

	for (size_t i = 0; i < sizeof(key); i++)
		snprintf(&hex[2 * i], 3, "%02x", key[i]);
	for (int i = 0; i < n; i++)
		json_array_append_new(a, json_integer(table[i]));
	return json_pack("{s:s,s:o}", "key", hex, "table", a);
}

static json_t *
stat_queues(struct guest *g)
{
	json_t *a = json_array();

	for (uint32_t k = 0; k < g->tap.queues; k++) {
		json_t *q = json_pack("{s:i,s:i,s:o}", "queue", (int)k,
		    "vp", (int)netif_queue_vp(g, k), "interface",
		    stat_counters(&g->queue[k].counters,
		    &netif_counters_table));

		if (g->vsc != NULL && k < g->queues) {
			const struct chan *c = vsc_queue_chan(g->vsc, k);

			json_object_set_new(q, "transmit", stat_counters(
			    vsc_tx_stats(g->vsc, k), &vsc_tx_counters_table));
			json_object_set_new(q, "receive", stat_counters(
			    vsc_rx_stats(g->vsc, k), &vsc_rx_counters_table));
			if (c != NULL)
				json_object_set_new(q, "channel",
				    stat_chan(c, g->wire.bus != NULL ?
				    uio_bus_chan_vp(c) : vmc_chan_vp(c)));
		}
		if (g->cfg.adaptive)
			json_object_set_new(q, "poll", stat_counters(
			    &g->queue[k].spin.counters,
			    &ring_spin_counters_table));
		json_array_append_new(a, q);
	}
	return a;
}

static json_t *
guest_stat(struct guest *g)
{
	json_t *vps = json_array();
	json_t *o;

	for (uint32_t i = 0; i < g->cfg.vps; i++)
		json_array_append_new(vps, stat_counters(&g->vp[i].counters,
		    &vp_counters_table));
	o = json_pack("{s:b,s:s,s:s,s:i,s:s,s:o,s:s,s:i,s:I,s:I,s:o,s:o}",
	    "ok", 1, "kind", "guest", "nic", g->cfg.ifname, "pid",
	    (int)getpid(), "state", guest_state_name(g->state), "reason",
	    text_json(g->reason), "interface", tapwatch_state_name(g->iface),
	    "attaches", (int)g->attaches, "leaked_bytes",
	    (json_int_t)g->leaked_bytes, "memory_bytes", (json_int_t)
	    (g->wire.link != NULL ? link_guest_mem_used(g->wire.link) : 0),
	    "vps", vps, "queues", stat_queues(g));
	if (g->vsc != NULL && g->state == GUEST_UP) {
		json_object_set_new(o, "device", stat_caps(vsc_caps(g->vsc),
		    g->cfg.vsc.filter));
		json_object_set_new(o, "rss", stat_rss(g->vsc));
	}
	return o;
}

json_t *
guest_ctl(void *ctx, const json_t *request)
{
	struct guest *g = ctx;
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	json_t *answer;

	if (cmd == NULL)
		return ctl_error("no command");
	vp_park(&g->vp[0]);
	if (strcmp(cmd, "stat") == 0)
		answer = guest_stat(g);
	else if (strcmp(cmd, "set") == 0)
		answer = guest_set(g, json_object_get(request, "set"));
	else if (strcmp(cmd, "trace") == 0)
		answer = guest_see_trace(g, request);
	else if (strcmp(cmd, "hist") == 0)
		answer = guest_see_hist(g, request);
	else
		answer = ctl_error("a guest knows stat, set, trace and hist, "
		    "not '%s'", cmd);
	vp_unpark(&g->vp[0]);
	/* What was set may have started an exchange with a time-out. */
	os_xchg32(&g->control_due, 1);
	vp_wake(&g->vp[0]);
	return answer;
}
