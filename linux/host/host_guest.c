/*
 * One attached guest: its link, its VMBus server, and the NICs it was given.
 *
 * A guest gets its NICs at HELLO: those that name it (guest=NAME) first, then
 * free ones that name nobody, or just the one that it names; and later those
 * that are added.  A NIC belongs to one guest at a time and is free again when
 * the guest is gone.
 *
 * The end comes through over(), from deep inside the link, so it only starts a
 * zero-length timer whose callback tears down: server, NetVSPs, link.
 *
 * Whatever comes from the guest by message is handled with the gates of all its
 * NICs closed: that is the control context that core/vsp asks for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "linux/host/host_priv.h"
#include "linux/host/nic.h"
#include "linux/run/stat.h"

/* Policy: monitor page polls, while busy and while idle; beats until idle. */
#define MONITOR_BUSY_NS		100000
#define MONITOR_IDLE_NS		2000000
#define MONITOR_BUSY_BEATS	1000u

struct host_guest {
	struct host *host;
	struct host_guest *next;
	struct link_host *link;
	struct vms *vms;		/* NULL before HELLO */
	struct event *end;		/* the deferred teardown */
	uint32_t number;
	struct link_hello hello;
	uint32_t nics;
	char why[96];
	/* VMBus before 2.4: one signal for all channels */
	struct event *shared_event;
	int shared_fd;
	/* guests that cannot signal */
	struct event *monitor_event;
	int monitor_fd;
	uint32_t monitor_quiet;		/* beats without a signal */
	bool monitor_hit;
};

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

struct host_guest *
host_guest_next(const struct host_guest *g)
{
	return g->next;
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
	if (nic->guest != NULL)
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
		fprintf(stderr, "hvnet host: %s: offering it to guest %u: "
		    "%s\n", nic->spec.name, g->number, hv_err_name(rc));
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
host_guest_nic_gone(struct host_guest *g)
{
	g->nics--;
}

/* --- signals that are not one eventfd a channel --- */

static void
guest_poke(void *ctx, struct chan *c)
{
	struct host_guest *g = ctx;

	g->monitor_hit = true;
	for (struct nic *n = g->host->nics; n != NULL; n = n->next)
		if (n->guest == g && nic_chan_poke(n, c))
			return;
}

static void
guest_on_shared(evutil_socket_t fd, short what, void *arg)
{
	struct host_guest *g = arg;

	vms_intpage_poll(g->vms, guest_poke, g);
}

/* The eventfd without a channel comes and goes with the VMBus version. */
static void
guest_shared_watch(struct host_guest *g)
{
	int fd = link_host_signal_fd(g->link, NULL);

	if (fd == g->shared_fd)
		return;
	if (g->shared_event != NULL)
		event_free(g->shared_event);
	g->shared_event = NULL;
	g->shared_fd = fd;
	if (fd < 0)
		return;
	g->shared_event = event_new(g->host->base, fd,
	    EV_READ | EV_PERSIST | EV_ET, guest_on_shared, g);
	if (g->shared_event != NULL)
		event_add(g->shared_event, NULL);
}

static void
guest_monitor_beat(struct host_guest *g, long ns)
{
	const struct itimerspec it = { { 0, ns }, { 0, ns } };

	timerfd_settime(g->monitor_fd, 0, &it, NULL);
}

static void
guest_on_monitor(evutil_socket_t fd, short what, void *arg)
{
	struct host_guest *g = arg;
	uint64_t beats;

	if (read(fd, &beats, sizeof(beats)) < 0)
		return;
	g->monitor_hit = false;
	vms_monitor_poll(g->vms, guest_poke, g);
	if (g->monitor_hit) {
		if (g->monitor_quiet >= MONITOR_BUSY_BEATS)
			guest_monitor_beat(g, MONITOR_BUSY_NS);
		g->monitor_quiet = 0;
	} else if (++g->monitor_quiet == MONITOR_BUSY_BEATS) {
		guest_monitor_beat(g, MONITOR_IDLE_NS);
	}
}

static uint32_t
guest_monitor_start(struct host_guest *g)
{
	g->monitor_fd = timerfd_create(CLOCK_MONOTONIC,
	    TFD_CLOEXEC | TFD_NONBLOCK);
	if (g->monitor_fd < 0)
		return LINK_E_LIMIT;
	g->monitor_event = event_new(g->host->base, g->monitor_fd,
	    EV_READ | EV_PERSIST, guest_on_monitor, g);
	if (g->monitor_event == NULL)
		return LINK_E_LIMIT;
	event_add(g->monitor_event, NULL);
	guest_monitor_beat(g, MONITOR_BUSY_NS);
	return LINK_OK;
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
	g->vms = vms_create(link_host_partition(link), &vc, &guest_vms_ops, g);
	if (g->vms == NULL)
		return LINK_E_LIMIT;
	guest_offer_all(g, true);
	guest_offer_all(g, false);
	if (monitor && guest_monitor_start(g) != LINK_OK)
		return LINK_E_LIMIT;
	host->guests_served++;
	fprintf(stderr, "hvnet host: guest %u (%s%spid %u) attached, %u NIC%s\n",
	    g->number, h->name, h->name[0] != '\0' ? ", " : "", h->pid,
	    g->nics, g->nics == 1 ? "" : "s");
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
	guest_shared_watch(g);
	return rc;
}

static void
guest_reset(void *ctx)
{
	struct host_guest *g = ctx;

	vms_reset(g->vms);
	guest_shared_watch(g);
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
}

static void
guest_over(void *ctx, const char *why)
{
	const struct timeval now = { 0, 0 };
	struct host_guest *g = ctx;

	snprintf(g->why, sizeof(g->why), "%s", why);
	evtimer_add(g->end, &now);
}

static const struct link_host_ops guest_link_ops = {
	.attach = guest_attach,
	.park = guest_park,
	.unpark = guest_unpark,
	.connection = guest_connection,
	.message = guest_message,
	.reset = guest_reset,
	.memory_used = guest_memory_used,
	.memory_changed = guest_memory_changed,
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

	if (g->shared_event != NULL)
		event_free(g->shared_event);
	if (g->monitor_event != NULL)
		event_free(g->monitor_event);
	if (g->monitor_fd >= 0)
		close(g->monitor_fd);
	if (g->vms != NULL) {
		guest_park(g);
		vms_destroy(g->vms);
		guest_unpark(g);
		for (struct nic *n = h->nics; n != NULL; n = n->next)
			if (n->guest == g)
				nic_release(n);
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

	fprintf(stderr, "hvnet host: guest %u: %s\n", g->number, g->why);
	host_guest_end(g, LINK_OK);
}

/* --- a connection --- */

static void
guest_turn_away(int sock, uint32_t status)
{
	const struct link_ack bye = { { LINK_BYE, 0 }, status, 0 };

	if (send(sock, &bye, sizeof(bye), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		/* It learns from the end of file. */
	}
	close(sock);
}

void
host_guest_accept(struct host *h, int sock)
{
	struct host_guest *g;

	if (h->guest_count >= h->cfg.max_guests) {
		guest_turn_away(sock, LINK_E_BUSY);
		return;
	}
	g = calloc(1, sizeof(*g));
	if (g == NULL) {
		guest_turn_away(sock, LINK_E_LIMIT);
		return;
	}
	g->host = h;
	g->number = ++h->next_guest;
	g->shared_fd = g->monitor_fd = -1;
	g->end = evtimer_new(h->base, guest_on_end, g);
	if (g->end == NULL)
		goto free_guest;
	g->link = link_host_create(h->base, sock, &guest_link_ops, g);
	if (g->link == NULL)
		goto free_end;
	g->next = h->guests;
	h->guests = g;
	h->guest_count++;
	return;

free_end:
	event_free(g->end);
	free(g);
	return;
free_guest:
	free(g);
	guest_turn_away(sock, LINK_E_LIMIT);
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
	    "s:I,s:I,s:I,s:I,s:o,s:o}",
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
	    "partition", stat_counters(&part->counters, &part_counters_table),
	    "faults", stat_faults(&part->faults));
}
