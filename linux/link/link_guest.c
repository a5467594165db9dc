/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest side of the partition protocol.
 *
 * Memory (link_pages.c) is handed to the host as one region.
 *
 * Signals: the host hands over an eventfd for each connection id before it
 * delivers the offer that names it.  Since the offer travels in memory and may
 * overtake the socket, a look-up that misses reads the socket first.
 * Connection ids are looked up without a lock in a table that only grows
 * while channels are open: entries are published with a release store.
 */
#include "linux/link/link_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "linux/link/link_guard.h"
#include "linux/link/link_msg.h"
#include "linux/link/link_pages.h"
#include "linux/run/clock.h"
#include "linux/run/name.h"

#define LINK_GUEST_GPA_BASE	0x100000000ull	/* Policy: above 4 GiB */
#define LINK_GUEST_WANTS	128u	/* more than a host asks at a time */
#define LINK_GUEST_SIGNALS	1024u
#define LINK_SIGNAL_USED	UINT32_MAX	/* free, its descriptor open */
/* Policy: patience with the host's answer, and how often a wait asks whether
 * it shall go on. */
#define LINK_GUEST_TIMEOUT_MS	5000u
#define LINK_GUEST_SLICE_MS	50u
/* Policy: messages at a time, four times what a socket holds; a host that sends
 * more would keep us reading for ever. */
#define LINK_GUEST_TURN		1024u

struct link_signal_slot {
	uint32_t connection;	/* 0: free */
	int fd;
};

struct link_guest_vp {
	int interrupt_fd;
	int eom_fd;
	struct chan_mem simp, siefp;
};

struct link_guest {
	int sock;
	int gone;		/* 0, or the -errno it ended with */
	uint32_t bye;		/* why: a status from the host, or 0 */
	uint32_t held;		/* any thread: the host held a write */
	uint32_t seq;
	uint32_t taken;		/* messages, of LINK_GUEST_TURN */
	uint64_t open_by;	/* deadline of link_guest_open(); 0: it is */
	bool (*go_on)(void *ctx);	/* or NULL */
	void *ctx;
	uint32_t vps;
	uint32_t connections;
	uint32_t connection[4];
	struct link_guest_vp *vp;

	uint64_t want[LINK_GUEST_WANTS];
	uint32_t wants;

	struct link_pages pages;

	pthread_mutex_t sock_lock;	/* reading the socket, signal table */
	struct link_signal_slot signal[LINK_GUEST_SIGNALS];
};

int
link_guest_mem_alloc(struct link_guest *lg, uint32_t bytes,
    struct chan_mem *out)
{
	return link_pages_alloc(&lg->pages, bytes, out);
}

void
link_guest_mem_free(struct link_guest *lg, struct chan_mem *m)
{
	link_pages_free(&lg->pages, m);
}

uint8_t *
link_guest_mem_find(const struct link_guest *lg, uint64_t gpa, uint32_t len)
{
	const struct link_pages *p = &lg->pages;

	if (gpa < p->gpa_base || !range_ok(gpa - p->gpa_base, len, p->bytes))
		return NULL;
	return p->mem + (gpa - p->gpa_base);
}

uint64_t
link_guest_mem_used(const struct link_guest *lg)
{
	return lg->pages.used_bytes;
}

/* --- messages from the host --- */

/* May it be an id?  Two numbers are states of a slot. */
static bool
link_connection_ok(uint32_t id)
{
	return id != 0 && id != LINK_SIGNAL_USED;
}

static void
link_signal_add(struct link_guest *lg, uint32_t connection, int fd)
{
	for (uint32_t i = 0; i < LINK_GUEST_SIGNALS; i++) {
		struct link_signal_slot *s = &lg->signal[i];

		if (s->connection == LINK_SIGNAL_USED) {
			/* The old number, atomically made the new eventfd. */
			dup3(fd, s->fd, O_CLOEXEC);
			close(fd);
		} else if (s->connection == 0) {
			s->fd = fd;
		} else {
			continue;
		}
		os_st32_rel(&s->connection, connection);
		return;
	}
	close(fd);
}

static void
link_signal_del(struct link_guest *lg, uint32_t connection)
{
	for (uint32_t i = 0; i < LINK_GUEST_SIGNALS; i++) {
		struct link_signal_slot *s = &lg->signal[i];

		/*
		 * A thread may be about to write to it, so the descriptor
		 * stays open until link_signal_add() replaces it.
		 */
		if (s->connection == connection)
			os_st32_rel(&s->connection, LINK_SIGNAL_USED);
	}
}

/* One message, blocking or not; host messages that need no answer are done
 * here.  1: *m is an answer; 0: nothing more; -errno: the end. */
static int
link_guest_take(struct link_guest *lg, union link_msg *m, int flags)
{
	int fds[LINK_MAX_FDS];
	unsigned int nfds;

	for (;;) {
		int rc = link_msg_recv(lg->sock, m, fds, &nfds, flags);

		if (rc == -EAGAIN)
			return 0;
		if (rc <= 0)
			return lg->gone = -EPIPE;
		if (lg->taken++ == LINK_GUEST_TURN) {
			link_fds_close(fds, nfds);
			return lg->gone = -EPROTO;
		}
		switch (m->hdr.type) {
		case LINK_SIGNAL_ADD:
			/* We write to it: a pipe would be SIGPIPE. */
			if (nfds != 1 || !link_eventfd_ok(fds[0]) ||
			    !link_connection_ok(m->signal.connection)) {
				link_fds_close(fds, nfds);
				return lg->gone = -EPROTO;
			}
			link_signal_add(lg, m->signal.connection, fds[0]);
			fds[0] = -1;
			break;
		case LINK_SIGNAL_DEL:
			if (link_connection_ok(m->signal.connection))
				link_signal_del(lg, m->signal.connection);
			break;
		case LINK_MEM_WANT:
			if (lg->wants < LINK_GUEST_WANTS)
				lg->want[lg->wants++] = m->mem_want.gpa;
			break;
		case LINK_BYE:
			link_fds_close(fds, nfds);
			lg->bye = m->ack.status;
			return lg->gone = -ECONNABORTED;
		case LINK_HELLO_ACK:
		case LINK_ACK:
			link_fds_close(fds, nfds);
			return 1;
		default:
			break;
		}
		link_fds_close(fds, nfds);
	}
}

int
link_guest_poll(struct link_guest *lg)
{
	union link_msg m;
	int rc;

	pthread_mutex_lock(&lg->sock_lock);
	lg->taken = 0;
	do {
		rc = lg->gone != 0 ? lg->gone :
		    link_guest_take(lg, &m, MSG_DONTWAIT);
	} while (rc > 0);
	pthread_mutex_unlock(&lg->sock_lock);
	return rc;
}

static uint64_t
link_deadline(const struct link_guest *lg)
{
	return lg->open_by != 0 ? lg->open_by :
	    clock_now_ns() + LINK_GUEST_TIMEOUT_MS * 1000000ull;
}

/*
 * Sleep until the socket has the event, or for a moment if there is none to
 * wait for.  0; -ETIMEDOUT; -ECANCELED: go_on() returned false.
 */
static int
link_guest_wait(struct link_guest *lg, short events, uint64_t deadline)
{
	struct pollfd p = { lg->sock, events, 0 };

	for (;;) {
		uint64_t now = clock_now_ns();
		uint64_t ms = now < deadline ? (deadline - now) / 1000000 : 0;

		if (now >= deadline)
			return -ETIMEDOUT;
		if (ms >= LINK_GUEST_SLICE_MS)
			ms = LINK_GUEST_SLICE_MS - 1;
		if (poll(&p, events != 0, (int)ms + 1) > 0)
			return 0;
		if (lg->go_on != NULL && !lg->go_on(lg->ctx))
			return -ECANCELED;
		if (events == 0)
			return 0;
	}
}

/* Take messages until the answer to q: 1, or -errno. */
static int
link_guest_answer(struct link_guest *lg, const struct link_hdr *q,
    union link_msg *answer, uint64_t deadline)
{
	uint32_t type = q->type == LINK_HELLO ? LINK_HELLO_ACK : LINK_ACK;
	int rc;

	for (;;) {
		rc = link_guest_take(lg, answer, MSG_DONTWAIT);
		if (rc == 0)
			rc = link_guest_wait(lg, POLLIN, deadline);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		if (answer->hdr.seq == q->seq)
			return answer->hdr.type == type ? 1 : -EPROTO;
		/* The late answer to a request that timed out is nobody's. */
		if ((int32_t)(answer->hdr.seq - q->seq) > 0)
			return -EPROTO;
	}
}

/* Send a request and wait for its ACK: a link_status, or -errno. */
static int
link_guest_call(struct link_guest *lg, struct link_hdr *hdr, size_t len,
    const int *fds, unsigned int nfds, union link_msg *answer)
{
	uint64_t deadline = link_deadline(lg);
	int rc;

	pthread_mutex_lock(&lg->sock_lock);
	lg->taken = 0;
	hdr->seq = ++lg->seq;
	do {
		rc = lg->gone != 0 ? lg->gone : link_msg_send(lg->sock, hdr,
		    len, fds, nfds, MSG_DONTWAIT);
	} while (rc == -EAGAIN &&
	    (rc = link_guest_wait(lg, POLLOUT, deadline)) == 0);
	/* A host that refused us sent the reason before it closed. */
	if ((rc == -EPIPE || rc == -ECONNRESET) && lg->gone == 0)
		rc = link_guest_take(lg, answer, MSG_DONTWAIT) < 0 ?
		    lg->gone : rc;
	else if (rc == 0)
		rc = link_guest_answer(lg, hdr, answer, deadline);
	if (rc == 1)
		rc = (int)min_u32(answer->ack.status, INT_MAX);
	pthread_mutex_unlock(&lg->sock_lock);
	return rc;
}

int
link_guest_region_add(struct link_guest *lg, uint64_t gpa, uint64_t bytes,
    int fd, uint64_t offset)
{
	struct link_mem_add m = { { LINK_MEM_ADD, 0 }, gpa, bytes, offset };
	union link_msg a;

	return link_guest_call(lg, &m.hdr, sizeof(m), &fd, 1, &a);
}

int
link_guest_region_del(struct link_guest *lg, uint64_t gpa)
{
	struct link_mem_del m = { { LINK_MEM_DEL, 0 }, gpa };
	union link_msg a;

	return link_guest_call(lg, &m.hdr, sizeof(m), NULL, 0, &a);
}

bool
link_guest_want(struct link_guest *lg, uint64_t *gpa)
{
	bool any;

	pthread_mutex_lock(&lg->sock_lock);
	any = lg->wants > 0;
	if (any)
		*gpa = lg->want[--lg->wants];
	pthread_mutex_unlock(&lg->sock_lock);
	return any;
}

/* --- hypercalls --- */

int
link_guest_post(struct link_guest *lg, uint32_t connection, const void *msg,
    uint32_t len)
{
	struct link_post p = { { LINK_POST, 0 }, connection, len, { 0 } };
	uint32_t i;
	int rc;

	for (i = 0; i < lg->connections; i++)
		if (lg->connection[i] == connection)
			break;
	if (i == lg->connections)
		return E_NOTSUP;
	if (len > sizeof(p.payload))
		return E_STATE;
	if (lg->gone != 0)
		return E_GONE;
	memcpy(p.payload, msg, len);
	rc = link_msg_send(lg->sock, &p, sizeof(p), NULL, 0, MSG_DONTWAIT);
	return rc == 0 ? 0 : rc == -EAGAIN || rc == -ENOBUFS ? E_AGAIN :
	    E_GONE;
}

static bool
link_signal_write(struct link_guest *lg, uint32_t connection)
{
	for (uint32_t i = 0; i < LINK_GUEST_SIGNALS; i++) {
		uint32_t id = os_ld32_acq(&lg->signal[i].connection);

		if (id == 0)
			return false;
		if (id == connection) {
			link_guard_write(lg->signal[i].fd, &lg->held);
			return true;
		}
	}
	return false;
}

void
link_guest_signal(struct link_guest *lg, uint32_t connection)
{
	if (link_signal_write(lg, connection))
		return;
	link_guest_poll(lg);
	link_signal_write(lg, connection);
}

void
link_guest_eom(struct link_guest *lg, uint32_t vp)
{
	link_guard_write(lg->vp[vp].eom_fd, &lg->held);
}

/* --- bring-up --- */

static int
link_connect(struct link_guest *lg, const struct link_guest_config *cfg,
    char *err, size_t cap)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int rc;

	if (strlen(cfg->path) >= sizeof(sa.sun_path)) {
		snprintf(err, cap, "%s: path longer than %zu bytes", cfg->path,
		    sizeof(sa.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(sa.sun_path, cfg->path);
	lg->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (lg->sock < 0) {
		int e = errno;

		snprintf(err, cap, "a socket for %s: %s", cfg->path,
		    strerror(e));
		return -e;
	}
	/* EAGAIN: others are waiting to be accepted, as many as may. */
	do {
		rc = connect(lg->sock, (struct sockaddr *)&sa, sizeof(sa)) <
		    0 ? -errno : 0;
	} while (rc == -EAGAIN && (rc = link_guest_wait(lg, 0,
	    lg->open_by)) == 0);
	if (rc == -ETIMEDOUT || rc == -ECANCELED)
		snprintf(err, cap, "%s: the host does not answer", cfg->path);
	else if (rc < 0)
		snprintf(err, cap, "%s: %s (is `hvnet host` running?)",
		    cfg->path, strerror(-rc));
	return rc;
}

/* Why the connection ended with rc: the host's word, or the error. */
static const char *
link_end_text(const struct link_guest *lg, int rc)
{
	if (lg->bye != LINK_OK)
		return link_status_text(lg->bye);
	return rc == -ETIMEDOUT || rc == -ECANCELED ?
	    "the host does not answer" : strerror(-rc);
}

static int
link_say_hello(struct link_guest *lg, const struct link_guest_config *cfg,
    char *err, size_t cap)
{
	struct link_hello h = {
		.hdr = { LINK_HELLO, 0 }, .magic = LINK_MAGIC,
		.version = LINK_VERSION, .vps = cfg->vps, .kind = cfg->kind,
		.max_nics = cfg->max_nics, .pid = (uint32_t)getpid(),
	};
	union link_msg a;
	int rc;

	if (!name_ok_or_empty(cfg->name, sizeof(h.name)) ||
	    !name_ok_or_empty(cfg->nic, sizeof(h.nic))) {
		snprintf(err, cap, "the name of a guest or NIC: want 1 to %u "
		    NAME_RULE, LINK_NAME_LEN - 1);
		return -EINVAL;
	}
	snprintf(h.name, sizeof(h.name), "%s", cfg->name);
	snprintf(h.nic, sizeof(h.nic), "%s", cfg->nic);
	rc = link_guest_call(lg, &h.hdr, sizeof(h), NULL, 0, &a);
	if (rc == (int)LINK_E_NONIC && h.nic[0] != '\0') {
		snprintf(err, cap, "%s: the host has no NIC '%s'", cfg->path,
		    h.nic);
		return -ECONNABORTED;
	}
	if (rc != 0) {
		snprintf(err, cap, "%s: %s", cfg->path, rc > 0 ?
		    link_status_text((uint32_t)rc) : link_end_text(lg, rc));
		return rc > 0 ? -ECONNABORTED : rc;
	}
	lg->connections = min_u32(a.hello_ack.connections,
	    (uint32_t)ARRAY_LEN(lg->connection));
	memcpy(lg->connection, a.hello_ack.connection, sizeof(lg->connection));
	return 0;
}

static int
link_vp_open(struct link_guest *lg, uint32_t i)
{
	struct link_guest_vp *v = &lg->vp[i];
	struct link_vp_fds fds = { .hdr = { LINK_VP_FDS, 0 }, .vp = i };
	struct link_vp_regs regs = { .hdr = { LINK_VP_REGS, 0 }, .vp = i,
		.flags = LINK_VP_SCONTROL | LINK_VP_SIMP | LINK_VP_SIEFP };
	union link_msg a;
	int pair[2], rc;

	v->interrupt_fd = pair[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	v->eom_fd = pair[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pair[0] < 0 || pair[1] < 0)
		return -errno;
	if (link_guest_mem_alloc(lg, HV_PAGE_SIZE, &v->simp) < 0 ||
	    link_guest_mem_alloc(lg, HV_PAGE_SIZE, &v->siefp) < 0)
		return -ENOMEM;
	regs.simp = v->simp.gpa;
	regs.siefp = v->siefp.gpa;
	rc = link_guest_call(lg, &fds.hdr, sizeof(fds), pair, 2, &a);
	if (rc == 0)
		rc = link_guest_call(lg, &regs.hdr, sizeof(regs), NULL, 0, &a);
	return rc > 0 ? -ECONNABORTED : rc;
}

static int
link_hand_over(struct link_guest *lg, char *err, size_t cap)
{
	struct link_mem_add m = { .hdr = { LINK_MEM_ADD, 0 },
		.gpa = lg->pages.gpa_base, .bytes = lg->pages.bytes };
	union link_msg a;
	int rc = link_guest_call(lg, &m.hdr, sizeof(m), &lg->pages.fd, 1, &a);

	if (rc != 0) {
		snprintf(err, cap, "the host refused our memory: %s", rc > 0 ?
		    link_status_text((uint32_t)rc) : link_end_text(lg, rc));
		return rc > 0 ? -ECONNABORTED : rc;
	}
	for (uint32_t i = 0; rc == 0 && i < lg->vps; i++)
		rc = link_vp_open(lg, i);
	if (rc < 0)
		snprintf(err, cap, "handing virtual processors over: %s",
		    link_end_text(lg, rc));
	return rc;
}

int
link_guest_open(const struct link_guest_config *cfg, struct link_guest **out,
    char *err, size_t cap)
{
	struct link_guest *lg = calloc(1, sizeof(*lg));
	int rc = -ENOMEM;

	snprintf(err, cap, "out of memory");
	if (lg == NULL)
		return rc;
	lg->sock = lg->pages.fd = -1;
	pthread_mutex_init(&lg->sock_lock, NULL);
	lg->open_by = clock_now_ns() + 1000000ull * (cfg->timeout_ms != 0 ?
	    cfg->timeout_ms : LINK_GUEST_TIMEOUT_MS);
	lg->go_on = cfg->go_on;
	lg->ctx = cfg->ctx;
	lg->vps = cfg->vps;
	lg->vp = calloc(cfg->vps, sizeof(*lg->vp));
	if (lg->vp == NULL)
		goto fail;
	for (uint32_t i = 0; i < lg->vps; i++)
		lg->vp[i].interrupt_fd = lg->vp[i].eom_fd = -1;
	if ((rc = link_connect(lg, cfg, err, cap)) < 0)
		goto fail;
	if ((rc = link_say_hello(lg, cfg, err, cap)) < 0)
		goto fail;
	rc = link_pages_create(&lg->pages, cfg->gpa_base != 0 ?
	    cfg->gpa_base : LINK_GUEST_GPA_BASE, cfg->memory_bytes);
	if (rc < 0) {
		snprintf(err, cap, "guest memory of %llu bytes: %s",
		    (unsigned long long)cfg->memory_bytes, strerror(-rc));
		goto fail;
	}
	if ((rc = link_hand_over(lg, err, cap)) < 0)
		goto fail;
	lg->open_by = 0;
	*out = lg;
	return 0;

fail:
	link_guest_close(lg);
	return rc;
}

void
link_guest_close(struct link_guest *lg)
{
	struct link_simple bye = { { LINK_DETACH, 0 } };
	union link_msg a;

	/* Not where it failed to open, or the owner waits no longer. */
	if (lg->sock >= 0 && lg->gone == 0 && lg->connections > 0 &&
	    lg->open_by == 0 && (lg->go_on == NULL || lg->go_on(lg->ctx)))
		link_guest_call(lg, &bye.hdr, sizeof(bye), NULL, 0, &a);
	for (uint32_t i = 0; lg->vp != NULL && i < lg->vps; i++) {
		if (lg->vp[i].interrupt_fd >= 0)
			close(lg->vp[i].interrupt_fd);
		if (lg->vp[i].eom_fd >= 0)
			close(lg->vp[i].eom_fd);
	}
	for (uint32_t i = 0; i < LINK_GUEST_SIGNALS; i++)
		if (lg->signal[i].connection != 0)
			close(lg->signal[i].fd);
	link_pages_destroy(&lg->pages);
	if (lg->sock >= 0)
		close(lg->sock);
	pthread_mutex_destroy(&lg->sock_lock);
	free(lg->vp);
	free(lg);
}

int
link_guest_fd(const struct link_guest *lg)
{
	return lg->sock;
}

int
link_guest_interrupt_fd(const struct link_guest *lg, uint32_t vp)
{
	return lg->vp[vp].interrupt_fd;
}

void *
link_guest_simp(const struct link_guest *lg, uint32_t vp)
{
	return lg->vp[vp].simp.va;
}

void *
link_guest_siefp(const struct link_guest *lg, uint32_t vp)
{
	return lg->vp[vp].siefp.va;
}
