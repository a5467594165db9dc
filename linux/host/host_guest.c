/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One attached guest: its link and its VMBus server.  What it may have of the
 * NICs is offer.c's.
 *
 * The end comes through over(), from deep inside the link, so it only starts a
 * zero-length timer whose callback tears down: server, NetVSPs, link.
 *
 * Every message from the guest is handled with the gates of all its NICs
 * closed: that is the control context that core/vsp requires.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/host/host_bend.h"
#include "linux/host/host_guest_priv.h"
#include "linux/host/host_see.h"
#include "linux/host/nic_leaving.h"
#include "linux/host/nic_list.h"
#include "linux/host/nic_vsp.h"
#include "linux/host/offer.h"
#include "linux/run/clock.h"
#include "linux/run/stat.h"
#include "os_block.h"

/* --- the server's needs --- */

static void *
guest_alloc(void *ctx, size_t bytes)
{
	return os_block_zeroed(bytes);
}

static void
guest_free(void *ctx, void *p, size_t bytes)
{
	free(p);
}

static void
guest_trace(void *ctx, bool to_guest, struct span msg)
{
	struct host_guest *g = ctx;

	host_see_message(g, to_guest, msg);
}

static uint32_t
guest_filter(void *ctx, uint32_t vp, uint8_t *msg, uint32_t *len)
{
	return host_bend_message(ctx, true, vp, msg, len);
}

static const struct vms_ops guest_vms_ops = {
	.alloc = guest_alloc,
	.free = guest_free,
	.filter = guest_filter,
	.trace = guest_trace,
};

/* --- link upcalls --- */

static void
guest_park(void *ctx)
{
	nic_list_park(ctx);
}

static void
guest_unpark(void *ctx)
{
	nic_list_unpark(ctx);
}

static void
guest_say_attached(const struct host_guest *g)
{
	const struct link_hello *h = &g->hello;
	char nics[128];

	if (g->quiet)
		return;
	if (g->nics == 0) {
		snprintf(nics, sizeof(nics), "waits for a NIC: ");
		offer_why_none(g, nics + strlen(nics),
		    sizeof(nics) - strlen(nics));
	} else {
		snprintf(nics, sizeof(nics), "%u NIC%s", g->nics,
		    g->nics == 1 ? "" : "s");
	}
	host_log_of(&g->host->log, nic_list_log_peer(g), HOST_LOG_COME,
	    "guest %u (%s%spid %u) connected, %s",
	    g->number, h->name, h->name[0] != '\0' ? ", " : "", h->pid, nics);
}

static uint32_t
guest_attach(void *ctx, struct link_host *link, const struct link_hello *h)
{
	struct host_guest *g = ctx;
	struct host *host = g->host;
	bool monitor = host->cfg.monitor || h->kind == LINK_KIND_UIO;
	const struct vms_config vc = {
		.max_version = host->cfg.max_vmbus,
		.dedicated_interrupt = true,
		.monitor = monitor,
		.policy = host->cfg.signal == HOST_SIGNAL_PACKET ?
		    RING_CHAN_PACKET : RING_CHAN_EDGE,
	};

	g->hello = *h;
	g->monitored = monitor;
	if (h->kind == LINK_KIND_UIO && host->cfg.no_uio) {
		host_log_once(&host->log, "pid %u is a guest of kind uio "
		    "(hvnet uio): --no-uio takes none", h->pid);
		return LINK_E_KIND;
	}
	if (h->nic[0] != '\0' && nic_list_find(host, h->nic) == NULL) {
		host_log_once_of(&host->log, nic_list_log_peer(g),
		    HOST_LOG_COME, "pid %u wants NIC '%s': there is none of "
		    "that name", h->pid, h->nic);
		return LINK_E_NONIC;
	}
	g->vms = vms_create(link_host_partition(link), &vc, &guest_vms_ops, g);
	if (g->vms == NULL)
		return LINK_E_LIMIT;
	offer_all(g);
	host->guests_served++;
	g->quiet = host_tries_known(g);
	guest_say_attached(g);
	return LINK_OK;
}

static bool
guest_connection(void *ctx, uint32_t connection)
{
	const struct host_guest *g = ctx;

	return vms_message_conn(g->vms, connection);
}

static int
guest_message(void *ctx, uint32_t connection, struct span msg)
{
	struct host_guest *g = ctx;
	uint8_t bent[VMBUS_MSG_MAX];
	uint32_t len = min_u32(msg.len, sizeof(bent));
	int rc;

	memcpy(bent, msg.p, len);
	if (host_bend_message(g, false, 0, bent, &len) == 0)
		return 0;
	nic_list_park(g);
	rc = vms_message(g->vms, connection, (struct span){ bent, len });
	nic_list_unpark(g);
	if (rc == E_PEER)
		host_see_fault(g, msg);
	host_tries_look(g, NULL);
	return rc;
}

static void
guest_signalled(void *ctx)
{
	host_guest_signalled(ctx);
}

static void
guest_reset(void *ctx)
{
	struct host_guest *g = ctx;

	vms_reset(g->vms);
}

static bool
guest_memory_used(void *ctx, uint64_t gpa, uint64_t bytes)
{
	struct host_guest *g = ctx;

	return vms_memory_used(g->vms, gpa, bytes);
}

static void
guest_memory_changed(void *ctx)
{
	struct host_guest *g = ctx;

	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->user.guest == g)
			nic_memory_changed(n);
	nic_leaving_memory_changed(g->host, g);
}

static void
guest_refused(void *ctx, const char *what, const char *why)
{
	struct host_guest *g = ctx;

	host_log_once_of(&g->host->log, nic_list_log_peer(g), HOST_LOG_REFUSED,
	    "guest %u: %s refused: %s", g->number, what, why);
}

static void
guest_end_soon(struct host_guest *g, const char *why)
{
	const struct timeval now = { 0, 0 };

	snprintf(g->why, sizeof(g->why), "%s", why);
	evtimer_add(g->end, &now);
}

/* It held a thread: its process stays out, with all its other connections. */
static void
guest_held(void *ctx)
{
	struct host_guest *g = ctx;
	const struct link_peer *p = link_host_peer(g->link);

	host_holdoff_add(&g->host->holdoff, p, clock_now_ns());
	for (struct host_guest *o = g->host->guests; o != NULL && p->pid != 0;
	    o = o->next) {
		const struct link_peer *q = link_host_peer(o->link);

		if (o != g && q->pid == p->pid && q->uid == p->uid)
			guest_end_soon(o, "another connection of the same "
			    "process had an interrupt block us");
	}
}

static void
guest_over(void *ctx, const char *why)
{
	guest_end_soon(ctx, why);
}

static const struct link_host_ops guest_link_ops = {
	.attach = guest_attach,
	.park = guest_park,
	.unpark = guest_unpark,
	.connection = guest_connection,
	.message = guest_message,
	.signalled = guest_signalled,
	.reset = guest_reset,
	.memory_used = guest_memory_used,
	.memory_changed = guest_memory_changed,
	.refused = guest_refused,
	.held = guest_held,
	.over = guest_over,
};

/* --- the end --- */

static void
guest_unlist(struct host_guest *g)
{
	struct host_guest **p = &g->host->guests;

	while (*p != g)
		p = &(*p)->next;
	*p = g->next;
	g->host->guest_count--;
}

static void
guest_faults_keep(struct host_guest *g)
{
	const struct fault_log *f = &link_host_partition(g->link)->faults;
	struct fault_log *sum = &g->host->faults;

	sum->total += f->total;
	for (uint32_t i = 0; i < FAULT_COUNT; i++)
		sum->count[i] += f->count[i];
	if (f->total > 0) {
		sum->last = f->last;
		sum->last_value = f->last_value;
	}
}

void
host_guest_end(struct host_guest *g, uint32_t status)
{
	struct host *h = g->host;

	if (g->vms != NULL) {
		nic_list_park(g);
		vms_destroy(g->vms);
		nic_list_unpark(g);
		for (struct nic *n = h->nics; n != NULL; n = n->next)
			if (n->user.guest == g)
				offer_release(n);
		nic_leaving_end_guest(h, g);
	}
	guest_faults_keep(g);
	link_host_destroy(g->link, status);
	event_free(g->end);
	guest_unlist(g);
	free(g);
}

static void
guest_on_end(evutil_socket_t fd, short what, void *arg)
{
	struct host_guest *g = arg;

	struct host *h = g->host;

	/* Who never was a guest may come again and again. */
	if (g->vms != NULL && !host_tries_ended(g))
		host_log_of(&h->log, nic_list_log_peer(g), HOST_LOG_GO,
		    "guest %u: %s", g->number, g->why);
	else if (g->vms == NULL)
		host_log_once_of(&h->log, nic_list_log_peer(g), HOST_LOG_GO,
		    "a connection ended: %s", g->why);
	host_guest_end(g, LINK_OK);
	offer_again(h, NULL);
	/* Many guests leave holes that only malloc_trim() gives back. */
	malloc_trim(0);
}

bool
host_guest_create(struct host *h, int sock)
{
	struct host_guest *g = calloc(1, sizeof(*g)), **last = &h->guests;

	if (g == NULL)
		goto close_sock;
	g->host = h;
	g->number = ++h->next_guest;
	g->end = evtimer_new(h->base, guest_on_end, g);
	if (g->end == NULL)
		goto free_guest;
	g->link = link_host_create(h->base, sock, &guest_link_ops, g);
	if (g->link == NULL)
		goto free_end;
	while (*last != NULL)
		last = &(*last)->next;
	*last = g;
	h->guest_count++;
	return true;

free_end:
	event_free(g->end);
	free(g);
	return false;	/* the link closed the socket */
free_guest:
	free(g);
close_sock:
	close(sock);
	return false;
}

json_t *
host_guest_stat(struct host_guest *g)
{
	const struct partition *part = link_host_partition(g->link);
	struct link_host_usage u;
	uint32_t version = g->vms != NULL ? vms_version(g->vms) : 0;
	char vmbus[16];

	link_host_usage(g->link, &u);
	snprintf(vmbus, sizeof(vmbus), "%u.%u", version >> 16,
	    version & 0xffff);
	return json_pack("{s:i,s:s,s:i,s:i,s:s,s:i,s:I,s:i,s:i,s:i,s:i,s:i,"
	    "s:I,s:I,s:I,s:I,s:i,s:i,s:o,s:o}",
	    "guest", (int)g->number, "name", g->hello.name,
	    "pid", (int)g->hello.pid, "vps", (int)g->hello.vps,
	    "vmbus", vmbus, "nics", (int)g->nics,
	    "guest_bytes", (json_int_t)u.guest_bytes,
	    "regions", (int)u.regions, "connections", (int)u.connections,
	    "map_runs", (int)u.map_runs,
	    "gpadls", (int)(g->vms != NULL ? vms_gpadl_count(g->vms) : 0),
	    "gpadl_pages", (int)(g->vms != NULL ? vms_gpadl_pages(g->vms) : 0),
	    "posts", (json_int_t)u.posts,
	    "posts_delayed", (json_int_t)u.posts_delayed,
	    "memory_wanted", (json_int_t)u.wanted,
	    "memory_refused", (json_int_t)u.want_refused,
	    "relids", (int)(g->vms != NULL ? vms_relid_count(g->vms) : 0),
	    "nics_leaving", (int)nic_leaving_count(g->host, g),
	    "partition", stat_counters(&part->counters, &part_counters_table),
	    "faults", stat_faults(&part->faults));
}
