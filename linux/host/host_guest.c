/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One attached guest: its link, its VMBus server, and the NICs it was given.
 *
 * A guest gets its NICs at HELLO: those that name it (guest=NAME) first, then
 * free ones that name nobody, or just the one that it names; and later those
 * that are added.  A NIC belongs to one guest at a time and is free again when
 * the guest is gone, or has let go of it (nic_leaving.c).
 *
 * The end comes through over(), from deep inside the link, so it only starts a
 * zero-length timer whose callback tears down: server, NetVSPs, link.
 *
 * Whatever comes from the guest by message is handled with the gates of all its
 * NICs closed: that is the control context that core/vsp asks for.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/host/host_guest_priv.h"
#include "linux/host/nic.h"
#include "linux/host/nic_leaving.h"
#include "linux/run/clock.h"
#include "linux/run/stat.h"

struct vms *
host_guest_vms(struct host_guest *g)
{
	return g->vms;
}

struct link_host *
host_guest_link(struct host_guest *g)
{
	return g->link;
}

uint32_t
host_guest_kind(const struct host_guest *g)
{
	return g->hello.kind;
}

const char *
host_guest_name(const struct host_guest *g)
{
	return g->hello.name;
}

uint32_t
host_guest_number(const struct host_guest *g)
{
	return g->number;
}

struct host_guest *
host_guest_next(const struct host_guest *g)
{
	return g->next;
}

/* Whom lines about this guest are about. */
static struct host_log_peer
guest_log_peer(const struct host_guest *g)
{
	for (const struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->guest == g)
			return host_log_nic(n->spec.name);
	return host_log_user(g->link != NULL ? link_host_peer(g->link)->uid :
	    0);
}

/* --- the server's needs --- */

static void *
guest_alloc(void *ctx, size_t bytes)
{
	return calloc(1, bytes);
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

	transcript_line(g->host->transcript, g->hello.name, to_guest,
	    TRANSCRIPT_VMBUS, msg);
}

static const struct vms_ops guest_vms_ops = {
	.alloc = guest_alloc,
	.free = guest_free,
	.trace = guest_trace,
};

/* --- NICs --- */

static bool
guest_may_have(const struct host_guest *g, const struct nic *nic)
{
	if (nic->guest != NULL ||
	    nic_leaving_holder(g->host, nic->mac, g) != NULL)
		return false;
	if (g->hello.nic[0] != '\0' &&
	    strcmp(g->hello.nic, nic->spec.name) != 0)
		return false;
	return nic->spec.guest[0] == '\0' ||
	    strcmp(nic->spec.guest, g->hello.name) == 0;
}

static bool
guest_full(const struct host_guest *g)
{
	return g->hello.max_nics != 0 && g->nics >= g->hello.max_nics;
}

static void
guest_offer(struct host_guest *g, struct nic *nic)
{
	int rc = nic_offer(nic, g, g->vms);

	if (rc == 0)
		g->nics++;
	else
		host_log_of(&g->host->log, host_log_nic(nic->spec.name),
		    HOST_LOG_REFUSED, "%s: offering it to guest %u: %s",
		    nic->spec.name, g->number, hv_err_text(rc));
}

static void
guest_offer_all(struct host_guest *g, bool by_name)
{
	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (!guest_full(g) && guest_may_have(g, n) &&
		    (n->spec.guest[0] != '\0') == by_name)
			guest_offer(g, n);
}

void
host_guests_offer(struct host *h, struct nic *nic)
{
	for (int by_name = 1; by_name >= 0; by_name--)
		for (struct host_guest *g = h->guests; g != NULL; g = g->next)
			if (g->vms != NULL && nic->guest == NULL &&
			    !guest_full(g) && guest_may_have(g, nic) &&
			    (nic->spec.guest[0] != '\0') == by_name)
				guest_offer(g, nic);
}

void
host_nics_offer(struct host *h, struct host_guest *first)
{
	for (struct nic *n = h->nics; n != NULL; n = n->next) {
		if (first != NULL && !guest_full(first) &&
		    guest_may_have(first, n))
			guest_offer(first, n);
		host_guests_offer(h, n);
	}
}

void
host_guest_nic_gone(struct host_guest *g)
{
	g->nics--;
}

/* --- link upcalls --- */

static void
guest_park(void *ctx)
{
	struct host_guest *g = ctx;

	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->guest == g)
			gate_close(&g->host->pool, n->gate);
}

static void
guest_unpark(void *ctx)
{
	struct host_guest *g = ctx;

	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->guest == g)
			gate_open(&g->host->pool, n->gate);
}

/* Why a guest has to wait for a NIC; a text. */
static void
guest_why_none(const struct host_guest *g, char *why, size_t cap)
{
	const struct nic *n = host_nic_find(g->host, g->hello.nic);
	const struct host_guest *holder = n == NULL ? NULL :
	    nic_leaving_holder(g->host, n->mac, g);

	if (n == NULL)
		snprintf(why, cap, "every one is taken or kept for another");
	else if (n->guest != NULL)
		snprintf(why, cap, "%s is guest %u's", n->spec.name,
		    n->guest->number);
	else if (holder != NULL)
		snprintf(why, cap, "guest %u has not let go of %s yet",
		    holder->number, n->spec.name);
	else
		snprintf(why, cap, "%s is kept for a guest named '%s'",
		    n->spec.name, n->spec.guest);
}

static void
guest_say_attached(const struct host_guest *g)
{
	const struct link_hello *h = &g->hello;
	char nics[128];

	if (g->nics == 0) {
		snprintf(nics, sizeof(nics), "waits for a NIC: ");
		guest_why_none(g, nics + strlen(nics),
		    sizeof(nics) - strlen(nics));
	} else {
		snprintf(nics, sizeof(nics), "%u NIC%s", g->nics,
		    g->nics == 1 ? "" : "s");
	}
	host_log_of(&g->host->log, guest_log_peer(g), HOST_LOG_COME,
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
	if (h->nic[0] != '\0' && host_nic_find(host, h->nic) == NULL) {
		host_log_once_of(&host->log, guest_log_peer(g), HOST_LOG_COME,
		    "pid %u wants NIC '%s': there is none of that name",
		    h->pid, h->nic);
		return LINK_E_NONIC;
	}
	g->vms = vms_create(link_host_partition(link), &vc, &guest_vms_ops, g);
	if (g->vms == NULL)
		return LINK_E_LIMIT;
	guest_offer_all(g, true);
	guest_offer_all(g, false);
	host->guests_served++;
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
	int rc;

	guest_park(g);
	rc = vms_message(g->vms, connection, msg);
	guest_unpark(g);
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
		if (n->guest == g)
			nic_memory_changed(n);
	nic_leaving_memory_changed(g->host, g);
}

static void
guest_refused(void *ctx, const char *what, const char *why)
{
	struct host_guest *g = ctx;

	host_log_once_of(&g->host->log, guest_log_peer(g), HOST_LOG_REFUSED,
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
		guest_park(g);
		vms_destroy(g->vms);
		guest_unpark(g);
		for (struct nic *n = h->nics; n != NULL; n = n->next)
			if (n->guest == g)
				nic_release(n);
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
	if (g->vms != NULL)
		host_log_of(&h->log, guest_log_peer(g), HOST_LOG_GO,
		    "guest %u: %s", g->number, g->why);
	else
		host_log_once_of(&h->log, guest_log_peer(g), HOST_LOG_GO,
		    "a connection ended: %s", g->why);
	host_guest_end(g, LINK_OK);
	host_nics_offer(h, NULL);
	/* Many guests leave holes that free() alone does not give back. */
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
