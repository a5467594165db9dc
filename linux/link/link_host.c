/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host side of the partition protocol.
 *
 * One link_host serves one guest: it turns messages of the socket into the
 * registers, memory and posted messages of a struct partition, and hands out
 * an eventfd for each connection id that the VMBus server declares, always
 * before the offer that names it is delivered (shared memory overtakes the
 * socket, see docs/partition.md).  What the partition requests of the link is
 * in link_part.c.
 *
 * States: until HELLO only HELLO is allowed; from HELLO_ACK on everything else
 * is.  Any violation ends the connection with a BYE that says why.  A guest
 * that posts faster than LINK_POST_RATE is read more slowly, not dropped.
 *
 * Context: control thread.
 */
#include "linux/link/link_host_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/link/link_fds.h"
#include "linux/link/link_guard.h"
#include "linux/link/link_mem.h"
#include "linux/link/link_msg.h"
#include "linux/run/clock.h"
#include "linux/run/name.h"

/* --- the end --- */

static void
link_over(struct link_host *lh, const char *why)
{
	if (lh->over)
		return;
	lh->over = true;
	event_del(lh->readable);
	event_del(lh->timer);
	event_del(lh->alarm);
	event_del(lh->miss_timer);
	lh->ops->over(lh->ctx, why);
}

static void
link_bye(struct link_host *lh, uint32_t status)
{
	struct link_ack bye = { { LINK_BYE, 0 }, status, 0 };

	link_msg_send(lh->sock, &bye, sizeof(bye), NULL, 0, MSG_DONTWAIT);
}

/* End it for what it did; `what` and `why` are for the log. */
static void
link_refuse(struct link_host *lh, uint32_t status, const char *what,
    const char *why)
{
	fault_note(&lh->part.faults, status == LINK_E_LIMIT ?
	    FAULT_LINK_LIMIT : FAULT_LINK_PROTO, status);
	link_bye(lh, status);
	if (!lh->over)
		snprintf(lh->why, sizeof(lh->why), "%s: %s", what, why);
	link_over(lh, lh->why);
}

static void
link_out_of_fds(struct link_host *lh, const char *what)
{
	link_refuse(lh, LINK_E_LIMIT, what, link_fds_text());
}

static void
link_ack(struct link_host *lh, uint32_t seq, uint32_t status)
{
	struct link_ack ack = { { LINK_ACK, seq }, status, 0 };

	if (link_msg_send(lh->sock, &ack, sizeof(ack), NULL, 0,
	    MSG_DONTWAIT) < 0)
		link_over(lh, "guest does not read its socket");
}

/* --- messages --- */

static uint32_t
link_partition_make(struct link_host *lh, uint32_t vps)
{
	lh->vps = calloc(vps, sizeof(*lh->vps));
	lh->queue_mem = malloc((size_t)vps * PART_MSG_QUEUE *
	    sizeof(*lh->queue_mem));
	if (lh->vps == NULL || lh->queue_mem == NULL)
		return LINK_E_LIMIT;
	for (uint32_t i = 0; i < vps; i++)
		lh->vps[i] = (struct link_vp){ .interrupt_fd = -1,
			.eom_fd = -1 };
	part_init(&lh->part, &link_part_ops, lh, vps, lh->queue_mem);
	return LINK_OK;
}

static void
link_on_hello(struct link_host *lh, const struct link_hello *h)
{
	struct link_hello_ack ack = {
		.hdr = { LINK_HELLO_ACK, h->hdr.seq },
		.version = LINK_VERSION,
		.post_max = LINK_POST_BURST,
	};
	struct link_hello copy = *h;
	const char *why = NULL;

	/* What it says of itself is not what log and statistics say. */
	copy.pid = lh->peer.pid;
	event_del(lh->timer);
	if (h->magic != LINK_MAGIC)
		ack.status = LINK_E_PROTO;
	else if (h->version < LINK_VERSION)
		ack.status = LINK_E_VERSION;
	else if (h->vps == 0 || h->vps > LINK_MAX_VPS)
		ack.status = LINK_E_LIMIT;
	else if (!name_ok_or_empty(h->name, sizeof(h->name)) ||
	    !name_ok_or_empty(h->nic, sizeof(h->nic))) {
		ack.status = LINK_E_PROTO;
		why = "HELLO: its name or NIC is not " NAME_RULE;
	} else
		ack.status = link_partition_make(lh, h->vps);
	if (ack.status == LINK_OK) {
		lh->greeted = true;
		lh->loose = h->kind == LINK_KIND_UIO;
		ack.status = lh->ops->attach(lh->ctx, lh, &copy);
	}
	/* The guest needs the answer of a hypercall at once: name them now. */
	for (uint32_t id = 1; ack.status == LINK_OK && id <= 4; id++)
		if (lh->ops->connection == NULL ? id == 1 || id == 4 :
		    lh->ops->connection(lh->ctx, id))
			ack.connection[ack.connections++] = id;
	link_msg_send(lh->sock, &ack, sizeof(ack), NULL, 0, MSG_DONTWAIT);
	if (ack.status == LINK_OK)
		return;
	if (ack.status == LINK_E_PROTO)
		fault_note(&lh->part.faults, FAULT_LINK_PROTO, ack.status);
	link_over(lh, why != NULL ? why : link_status_text(ack.status));
}

static void
link_on_eom(struct link_host *lh, uint32_t vp)
{
	part_eom(&lh->part, vp);
}

static void
link_on_signal(struct link_host *lh, uint32_t none)
{
	if (lh->ops->signalled != NULL)
		lh->ops->signalled(lh->ctx);
}

/*
 * A region may go only when no page register and no GPADL lies in it.  The
 * guest should have closed its channels; a reset is safe whatever it did.
 */
static uint32_t
link_on_mem_del(struct link_host *lh, const struct link_mem_del *m)
{
	const struct gpa_region *r = guestmem_find(&lh->part.mem, m->gpa);
	uint32_t status;

	if (r == NULL || r->gpa != m->gpa)
		return LINK_E_MEM;
	lh->ops->park(lh->ctx);
	if (lh->ops->memory_used(lh->ctx, r->gpa, r->bytes))
		lh->ops->reset(lh->ctx);
	for (uint32_t i = 0; i < lh->part.vps; i++) {
		struct part_vp_regs regs = lh->part.vp[i].regs;
		const uint8_t *simp = regs.simp, *siefp = regs.siefp;

		if (simp >= r->va && simp < r->va + r->bytes)
			regs.simp = NULL;
		if (siefp >= r->va && siefp < r->va + r->bytes)
			regs.siefp = NULL;
		part_vp_set_regs(&lh->part, i, &regs);
	}
	status = link_mem_del(&lh->part, m->gpa, &lh->owner);
	lh->ops->unpark(lh->ctx);
	return status;
}

static uint32_t
link_on_mem_add(struct link_host *lh, const struct link_mem_add *m, int *fds,
    unsigned int nfds)
{
	uint32_t status;

	if (nfds != 1)
		return LINK_E_PROTO;
	lh->ops->park(lh->ctx);
	status = link_mem_add(&lh->part, m, fds[0],
	    &lh->owner, lh->loose);
	lh->ops->unpark(lh->ctx);
	if (status != LINK_OK)
		return status;
	fds[0] = -1;
	if (link_miss_met(&lh->misses, m->gpa, m->bytes))
		lh->ops->memory_changed(lh->ctx);
	return LINK_OK;
}

static bool
link_takes_fds(uint32_t type)
{
	return type == LINK_MEM_ADD || type == LINK_VP_FDS ||
	    type == LINK_VP_REGS;
}

static void
link_handle(struct link_host *lh, union link_msg *m, int *fds,
    unsigned int nfds)
{
	uint32_t status;

	const char *name = link_type_name(m->hdr.type);

	if (nfds != 0 && !link_takes_fds(m->hdr.type)) {
		link_refuse(lh, LINK_E_PROTO, name, "descriptors came along");
		return;
	}
	for (unsigned int i = 0; i < nfds; i++)
		if (link_fd_kept(fds[i], link_fds_mine(lh))) {
			link_out_of_fds(lh, name);
			return;
		}
	if (!lh->greeted) {
		if (m->hdr.type == LINK_HELLO)
			link_on_hello(lh, &m->hello);
		else
			link_refuse(lh, LINK_E_PROTO, name, "before HELLO");
		return;
	}
	switch (m->hdr.type) {
	case LINK_MEM_ADD:
		status = link_on_mem_add(lh, &m->mem_add, fds, nfds);
		break;
	case LINK_MEM_DEL:
		status = link_on_mem_del(lh, &m->mem_del);
		break;
	case LINK_VP_FDS:
		status = link_on_vp_fds(lh, &m->vp_fds, fds, nfds);
		break;
	case LINK_VP_REGS:
		status = link_on_vp_regs(lh, &m->vp_regs, fds, nfds);
		break;
	case LINK_POST:
		lh->posts++;
		if (m->post.len > sizeof(m->post.payload)) {
			link_refuse(lh, LINK_E_PROTO, name,
			    "more than 240 bytes");
			return;
		}
		lh->ops->message(lh->ctx, m->post.connection,
		    (struct span){ m->post.payload, m->post.len });
		return;
	case LINK_RESET:
		lh->ops->park(lh->ctx);
		lh->ops->reset(lh->ctx);
		part_reset(&lh->part);
		lh->ops->unpark(lh->ctx);
		status = LINK_OK;
		break;
	case LINK_DETACH:
		link_ack(lh, m->hdr.seq, LINK_OK);
		link_over(lh, LINK_HOST_DETACHED);
		return;
	default:
		link_refuse(lh, LINK_E_PROTO, name, "not from a guest, or "
		    "not now");
		return;
	}
	if (status == LINK_E_PROTO || status == LINK_E_LIMIT) {
		link_refuse(lh, status, name, link_status_text(status));
		return;
	}
	if (status != LINK_OK && lh->ops->refused != NULL)
		lh->ops->refused(lh->ctx, name, link_status_text(status));
	link_ack(lh, m->hdr.seq, status);
}

/* One token a message; false: none left, and the reader sleeps a while. */
static bool
link_token_take(struct link_host *lh)
{
	const struct timeval pause = { 0, 5000 };

	if (rate_take(&lh->post_rate, clock_now_ns()))
		return true;
	lh->posts_delayed++;
	if (lh->posts_delayed == 1)
		fault_note(&lh->part.faults, FAULT_MSG_RATE, LINK_POST_RATE);
	event_del(lh->readable);
	evtimer_add(lh->timer, &pause);
	return false;
}

/* Messages, a bounded turn, so that one guest cannot keep the thread. */
static void
link_read(struct link_host *lh)
{
	union link_msg m;
	int fds[LINK_MAX_FDS];
	unsigned int nfds;

	for (int turn = 0; turn < 64 && !lh->over; turn++) {
		if (!link_token_take(lh))
			return;
		int rc = link_msg_recv(lh->sock, &m, fds, &nfds, MSG_DONTWAIT);
		if (rc == -EAGAIN) {
			return;
		} else if (rc == -EPROTO) {
			link_refuse(lh, LINK_E_PROTO, "a message",
			    "malformed, or with too many descriptors");
			return;
		} else if (rc == -EMFILE) {
			link_out_of_fds(lh, "a message");
			return;
		} else if (rc <= 0) {
			link_over(lh, "guest closed the connection");
			return;
		}
		/*
		 * Do not use lh after link_over(), except for lh->over:
		 * ops->over() destroys lh later (see its contract).
		 */
		link_handle(lh, &m, fds, nfds);
		link_fds_close(fds, nfds);
	}
}

/* True if its messages had their share of this thread: they wait for more. */
static bool
link_time_waits(struct link_host *lh)
{
	uint64_t wait = share_wait_ns(&lh->time, clock_now_ns());
	const struct timeval tv = { (time_t)(wait / 1000000000u),
	    (suseconds_t)(wait % 1000000000u / 1000u) };

	if (wait == 0 || !lh->greeted)
		return false;
	event_del(lh->readable);
	evtimer_add(lh->timer, &tv);
	return true;
}

static void
link_on_readable(evutil_socket_t sock, short what, void *arg)
{
	uint64_t began = clock_thread_ns();
	struct link_host *lh = arg;

	if (link_time_waits(lh))
		return;
	link_read(lh);
	share_spend(&lh->time, clock_thread_ns() - began, clock_now_ns());
}

static void
link_on_timer(evutil_socket_t sock, short what, void *arg)
{
	struct link_host *lh = arg;

	if (!lh->greeted)
		link_refuse(lh, LINK_E_PROTO, "HELLO", "did not come in time");
	else
		event_add(lh->readable, NULL);
}

/* --- what threads have to say --- */

/* Something happened to memory or interrupts of this guest, in any thread. */
static void
link_on_alarm(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval miss = { 0, LINK_MISS_LOOK_US };
	struct link_host *lh = arg;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	if (os_ld32(&lh->held) != 0) {
		if (lh->ops->held != NULL)
			lh->ops->held(lh->ctx);
		link_refuse(lh, LINK_E_PROTO, "interrupt",
		    "its eventfd was full and blocked us");
	} else if (os_ld32(&lh->owner.loose.condemned) != 0) {
		fault_note(&lh->part.faults, FAULT_MEM_GONE, 0);
		link_bye(lh, LINK_E_MEM);
		link_over(lh, fault_text(FAULT_MEM_GONE));
	} else if (!evtimer_pending(lh->miss_timer, NULL)) {
		evtimer_add(lh->miss_timer, &miss);
	}
}

/* Channels wait for memory: have those try again whose time is over. */
static void
link_on_miss(evutil_socket_t sock, short what, void *arg)
{
	const struct timeval again = { 0, LINK_MISS_LOOK_US };
	struct link_host *lh = arg;

	if (link_miss_due(&lh->misses, clock_now_ns()))
		lh->ops->memory_changed(lh->ctx);
	if (link_miss_any(&lh->misses))
		evtimer_add(lh->miss_timer, &again);
}

/* --- public --- */

const struct link_peer *
link_host_peer(const struct link_host *lh)
{
	return &lh->peer;
}

bool
link_host_silent(const struct link_host *lh)
{
	return !lh->greeted;
}

/* A UNIX socket knows its peer; if it does not, nobody's ids. */
struct link_peer
link_peer_get(int sock)
{
	struct ucred c = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t len = sizeof(c);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0)
		c = (struct ucred){ 0, (uid_t)-1, (gid_t)-1 };
	return (struct link_peer){ (uint32_t)c.pid, c.uid, c.gid };
}

/* 0, or -1: out of memory or descriptors. */
static int
link_events_make(struct link_host *lh)
{
	const struct timeval hello = { LINK_HELLO_SECONDS, 0 };
	int fd;

	lh->readable = event_new(lh->base, lh->sock, EV_READ | EV_PERSIST,
	    link_on_readable, lh);
	lh->timer = evtimer_new(lh->base, link_on_timer, lh);
	lh->miss_timer = evtimer_new(lh->base, link_on_miss, lh);
	lh->owner.loose.alarm_fd = fd = eventfd(0, EFD_CLOEXEC |
	    EFD_NONBLOCK);
	if (fd >= 0 && !link_fd_kept(fd, 1))
		lh->alarm = event_new(lh->base, fd, EV_READ | EV_PERSIST,
		    link_on_alarm, lh);
	if (lh->readable == NULL || lh->timer == NULL ||
	    lh->miss_timer == NULL || lh->alarm == NULL ||
	    link_sources_init(&lh->eoms, lh->base, LINK_EOM_RATE,
	    LINK_EOM_BURST, LINK_EOM_PAUSE_US, link_on_eom) < 0 ||
	    link_sources_init(&lh->signals, lh->base, LINK_SIGNAL_RATE,
	    LINK_SIGNAL_BURST, LINK_SIGNAL_PAUSE_US, link_on_signal) < 0)
		return -1;
	event_add(lh->readable, NULL);
	event_add(lh->alarm, NULL);
	evtimer_add(lh->timer, &hello);
	return 0;
}

static void
link_event_free(struct event *e)
{
	if (e != NULL)
		event_free(e);
}

struct link_host *
link_host_create(struct event_base *base, int sock,
    const struct link_host_ops *ops, void *ctx)
{
	struct link_host *lh = calloc(1, sizeof(*lh));

	if (lh == NULL) {
		close(sock);
		return NULL;
	}
	lh->base = base;
	lh->sock = sock;
	lh->ops = ops;
	lh->ctx = ctx;
	lh->peer = link_peer_get(sock);
	lh->owner.loose.alarm_fd = -1;
	link_miss_init(&lh->misses);
	lh->post_rate = rate_of(LINK_POST_RATE, LINK_POST_BURST,
	    clock_now_ns());
	lh->time = share_of(LINK_TIME_PART, LINK_TIME_BURST_NS);
	if (link_events_make(lh) == 0)
		return lh;
	link_host_destroy(lh, LINK_OK);
	return NULL;
}

void
link_host_destroy(struct link_host *lh, uint32_t status)
{
	if (status != LINK_OK && !lh->over)
		link_bye(lh, status);
	for (uint32_t i = 0; lh->vps != NULL && i < lh->part.vps; i++) {
		link_vp_close(&lh->vps[i]);
		link_page_unmap(&lh->vps[i].simp, &lh->owner);
		link_page_unmap(&lh->vps[i].siefp, &lh->owner);
	}
	for (uint32_t i = 0; i < lh->conns_count; i++) {
		link_source_del(lh->conns[i].signal);
		close(lh->conns[i].fd);
	}
	link_sources_free(&lh->signals);
	link_sources_free(&lh->eoms);
	link_mem_del_all(&lh->part, &lh->owner);
	link_event_free(lh->readable);
	link_event_free(lh->timer);
	link_event_free(lh->alarm);
	link_event_free(lh->miss_timer);
	if (lh->owner.loose.alarm_fd >= 0)
		close(lh->owner.loose.alarm_fd);
	close(lh->sock);
	free(lh->conns);
	free(lh->vps);
	free(lh->queue_mem);
	free(lh);
}

struct partition *
link_host_partition(struct link_host *lh)
{
	return &lh->part;
}

void
link_host_usage(const struct link_host *lh, struct link_host_usage *u)
{
	*u = (struct link_host_usage){ .regions = lh->part.mem.count,
		.connections = lh->conns_count, .map_runs = lh->owner.map_runs,
		.posts = lh->posts, .posts_delayed = lh->posts_delayed,
		.wanted = lh->misses.asked,
		.want_refused = lh->misses.refused };
	for (uint32_t i = 0; i < lh->part.mem.count; i++)
		u->guest_bytes += lh->part.mem.region[i].bytes;
}
