/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest side of the partition protocol (docs/partition.md), for a virtual
 * machine: one SOCK_SEQPACKET connection to `hvnet host`.
 *
 * Requests are answered in order, and the caller waits: the vCPU, or the main
 * loop while the machine is stopped.  All under the BQL, so there is one
 * request at a time; a signal alone, which only writes to an eventfd, does
 * without, under a lock of its own (signals_lock).  Whatever else the host
 * sends (eventfds of connection ids) is taken while waiting, when the main
 * loop sees the socket readable, and when a hypercall names a connection id
 * that is not known yet: the offer travels in memory and may overtake the
 * socket, but the host sends the eventfd first.
 *
 * A host that goes away leaves the machine running: posts and signals are
 * refused with "invalid connection id".  A new host is looked for every second
 * and when the machine resets; it gets memory and registers, but the guest
 * must contact it anew (a reset, or its VMBus driver loaded again).
 *
 * A host that is hostile, or merely stopped, must not hold the machine: there
 * is a time limit on what is sent to it and on its answers, what it sends is
 * taken a turn at a time, and its eventfds are written as guard.c says.  The
 * more time a host cost the machine, the later it is looked for again.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qapi/error.h"
#include "hw/boards.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "hvnet.h"

#define HVNET_ANSWER_MS		5000	/* Policy: then the host is gone */
#define HVNET_RETRY_MS		1000	/* Policy */
#define HVNET_RETRY_SHARE	10	/* Policy: of the time, one part */
#define HVNET_HELD_MS		400	/* at most, as guard.c has it */
#define HVNET_MAX_SIGNALS	1024	/* Policy: four for each channel */
#define HVNET_TURN		HVNET_MAX_SIGNALS	/* messages taken */

/* The eventfd of a connection id; in use by the table and by who writes. */
struct hvnet_signal {
	int fd;
	int uses;
};

/* --- one message --- */

static bool
hvnet_send(struct hvnet_dev *dev, const void *msg, size_t len, const int *fds,
    unsigned nfds, int flags)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(LINK_MAX_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)msg, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (nfds > 0) {
		struct cmsghdr *c;

		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	do {
		n = sendmsg(dev->sock, &mh, flags | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)len;
}

/* 1: a message, *fd the descriptor that came with it or -1; 0: none now;
 * -1: the connection is over. */
static int
hvnet_recv(struct hvnet_dev *dev, union link_msg *m, int *fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(LINK_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf) };
	ssize_t n;

	*fd = -1;
	memset(m, 0, sizeof(*m));
	do {
		n = recvmsg(dev->sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < (ssize_t)sizeof(m->hdr))
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c != NULL;
	    c = CMSG_NXTHDR(&mh, c)) {
		size_t nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < nfds; i++) {
			int got;

			memcpy(&got, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(got));
			if (*fd < 0)
				*fd = got;
			else
				close(got);
		}
	}
	return 1;
}

/* --- what the host says --- */

static const char *
hvnet_status_name(uint32_t status)
{
	static const char *const names[] = {
		"ok", "protocol error", "version not spoken",
		"over a limit", "unusable memory", "no free NIC",
		"too many guests", "host stops", "guest broke VMBus",
		"no guests of this kind",
	};

	return status < ARRAY_SIZE(names) ? names[status] : "unknown status";
}

static void
hvnet_retry_in(struct hvnet_dev *dev, int64_t ms);

/* cost: ms that the machine stood still for this host. */
static void
hvnet_gone(struct hvnet_dev *dev, const char *why, int64_t cost)
{
	if (dev->sock < 0)
		return;
	warn_report("hvnet: %s: %s", dev->path, why);
	hvnet_link_close(dev, false);
	hvnet_retry_in(dev, cost * HVNET_RETRY_SHARE);
}

void
hvnet_link_held(struct hvnet_dev *dev)
{
	hvnet_gone(dev, "the host had an eventfd of ours filled, and a virtual "
	    "processor waited for it", HVNET_HELD_MS);
}

static void
hvnet_signal_put(gpointer opaque)
{
	struct hvnet_signal *s = opaque;

	if (qatomic_fetch_dec(&s->uses) > 1)
		return;
	close(s->fd);
	g_free(s);
}

/* fd, now ours to close, is the eventfd of a connection id from now on.  False:
 * it cannot be. */
static bool
hvnet_signal_add(struct hvnet_dev *dev, uint32_t connection, int fd)
{
	struct hvnet_signal *s;
	bool room;

	if (fd < 0)
		return false;
	if (!hvnet_eventfd_ok(fd)) {
		close(fd);
		return false;
	}
	s = g_new(struct hvnet_signal, 1);
	*s = (struct hvnet_signal){ fd, 1 };
	qemu_mutex_lock(&dev->signals_lock);
	room = g_hash_table_size(dev->signals) < HVNET_MAX_SIGNALS;
	if (room)
		g_hash_table_replace(dev->signals,
		    GUINT_TO_POINTER(connection), s);
	qemu_mutex_unlock(&dev->signals_lock);
	if (!room)
		hvnet_signal_put(s);
	return room;
}

static void
hvnet_signal_del(struct hvnet_dev *dev, uint32_t connection)
{
	qemu_mutex_lock(&dev->signals_lock);
	g_hash_table_remove(dev->signals, GUINT_TO_POINTER(connection));
	qemu_mutex_unlock(&dev->signals_lock);
}

/*
 * Takes messages up to an answer, a turn's at most.  1: *m is it; 0: none now,
 * or the turn is over; -1: the connection is.
 */
static int
hvnet_take(struct hvnet_dev *dev, union link_msg *m)
{
	for (unsigned i = 0; i < HVNET_TURN; i++) {
		int fd, rc = hvnet_recv(dev, m, &fd);

		if (rc < 0)
			hvnet_gone(dev, "the host is gone", 0);
		if (rc <= 0)
			return rc;
		switch (m->hdr.type) {
		case LINK_SIGNAL_ADD:
			if (hvnet_signal_add(dev, m->signal.connection, fd))
				continue;
			hvnet_gone(dev, "a signal of the host's is no eventfd, "
			    "or is one too many", 0);
			return -1;
		case LINK_SIGNAL_DEL:
			hvnet_signal_del(dev, m->signal.connection);
			break;
		case LINK_BYE:
			hvnet_gone(dev, hvnet_status_name(m->ack.status), 0);
			rc = -1;
			break;
		default:	/* MEM_WANT: the host has all there is */
			break;
		}
		if (fd >= 0)
			close(fd);
		if (rc < 0 || m->hdr.type == LINK_HELLO_ACK ||
		    m->hdr.type == LINK_ACK)
			return rc;
	}
	return 0;
}

static void
hvnet_readable(void *opaque)
{
	struct hvnet_dev *dev = opaque;
	union link_msg m;

	/* An answer that nobody waits for, if any. */
	hvnet_take(dev, &m);
}

/* Waits for the answer to seq.  False: no host any more. */
static bool
hvnet_answer(struct hvnet_dev *dev, uint32_t seq, union link_msg *m)
{
	int64_t end = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + HVNET_ANSWER_MS;

	while (dev->sock >= 0) {
		struct pollfd p = { dev->sock, POLLIN, 0 };
		int64_t left = end - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
		int rc = hvnet_take(dev, m);

		if (rc < 0)
			return false;
		if (rc > 0 && m->hdr.seq == seq)
			return true;
		if (rc > 0)
			continue;
		if (left <= 0) {
			hvnet_gone(dev, "no answer from the host",
			    HVNET_ANSWER_MS);
			return false;
		}
		poll(&p, 1, (int)left);
	}
	return false;
}

int
hvnet_link_call(struct hvnet_dev *dev, void *msg, size_t len, const int *fds,
    unsigned nfds)
{
	struct link_hdr *hdr = msg;
	union link_msg m;

	if (dev->sock < 0)
		return -1;
	hdr->seq = ++dev->seq;
	if (!hvnet_send(dev, msg, len, fds, nfds, 0)) {
		hvnet_gone(dev, "cannot send", HVNET_ANSWER_MS);
		return -1;
	}
	return hvnet_answer(dev, hdr->seq, &m) ? (int)m.ack.status : -1;
}

/* --- registers and hypercalls --- */

void
hvnet_link_regs(struct hvnet_vp *vp)
{
	struct link_vp_regs r = { .hdr.type = LINK_VP_REGS, .vp = vp->index };
	struct hvnet_dev *dev = vp->dev;
	struct link_vp_regs *sent = &vp->sent;

	r.flags = (vp->scontrol & 1 ? LINK_VP_SCONTROL : 0) |
	    (vp->sint[HVNET_SINT_VMBUS] >> 16 & 1 ? LINK_VP_SINT_MASKED : 0) |
	    (vp->simp & 1 ? LINK_VP_SIMP : 0) |
	    (vp->siefp & 1 ? LINK_VP_SIEFP : 0);
	r.simp = vp->simp & ~0xfffull;
	r.siefp = vp->siefp & ~0xfffull;
	if (r.flags == sent->flags && r.simp == sent->simp &&
	    r.siefp == sent->siefp)
		return;
	dev->used = true;
	*sent = r;
	if (hvnet_link_call(dev, &r, sizeof(r), NULL, 0) > 0 &&
	    !dev->complained) {
		warn_report("hvnet: the host refuses the SynIC of vp %u",
		    vp->index);
		dev->complained = true;
	}
}

uint16_t
hvnet_link_post(struct hvnet_dev *dev, uint32_t connection,
    const uint8_t *payload, uint32_t len)
{
	struct link_post p = { .hdr.type = LINK_POST,
		.connection = connection, .len = len };
	uint32_t i;

	for (i = 0; i < dev->connections; i++)
		if (dev->connection[i] == connection)
			break;
	if (dev->sock < 0 || i == dev->connections)
		return HV_INVALID_CONNECTION;
	memcpy(p.payload, payload, len);
	dev->used = true;
	if (hvnet_send(dev, &p, sizeof(p), NULL, 0, MSG_DONTWAIT))
		return HV_OK;
	if (errno == EAGAIN || errno == ENOBUFS)
		return HV_NO_BUFFERS;
	hvnet_gone(dev, "cannot send", 0);
	return HV_INVALID_CONNECTION;
}

/* The eventfd of an id, to be put back; NULL: not (yet) known. */
static struct hvnet_signal *
hvnet_signal_get(struct hvnet_dev *dev, uint32_t connection)
{
	struct hvnet_signal *s = NULL;

	qemu_mutex_lock(&dev->signals_lock);
	if (dev->signals != NULL)
		s = g_hash_table_lookup(dev->signals,
		    GUINT_TO_POINTER(connection));
	if (s != NULL) {
		qatomic_inc(&s->uses);
		dev->signals_sent++;
	}
	qemu_mutex_unlock(&dev->signals_lock);
	return s;
}

uint16_t
hvnet_link_signal(struct hvnet_vp *vp, uint32_t connection)
{
	struct hvnet_dev *dev = vp->dev;
	struct hvnet_signal *s = hvnet_signal_get(dev, connection);
	bool held;

	if (s == NULL) {
		bql_lock();
		if (dev->sock >= 0)
			hvnet_readable(dev);
		bql_unlock();
		s = hvnet_signal_get(dev, connection);
	}
	if (s == NULL)
		return HV_INVALID_CONNECTION;
	/* No lock is held: the main loop goes on if the host holds this. */
	held = !hvnet_eventfd_add(vp, s->fd);
	hvnet_signal_put(s);
	if (held) {
		bql_lock();
		hvnet_link_held(dev);
		bql_unlock();
	}
	return HV_OK;
}

/* --- connecting --- */

static bool
hvnet_hello(struct hvnet_dev *dev, Error **errp)
{
	struct link_hello h = { .hdr = { LINK_HELLO, ++dev->seq },
		.magic = LINK_MAGIC, .version = LINK_VERSION,
		.vps = dev->vps, .kind = LINK_KIND_VM,
		.max_nics = dev->nics, .pid = (uint32_t)getpid() };
	union link_msg m;

	pstrcpy(h.name, sizeof(h.name), dev->name != NULL ? dev->name : "vm");
	pstrcpy(h.nic, sizeof(h.nic), dev->nic != NULL ? dev->nic : "");
	if (!hvnet_send(dev, &h, sizeof(h), NULL, 0, 0) ||
	    !hvnet_answer(dev, h.hdr.seq, &m)) {
		error_setg(errp, "hvnet: %s: no answer", dev->path);
		return false;
	}
	if (m.hello_ack.status != LINK_OK) {
		error_setg(errp, "hvnet: %s refuses the guest: %s", dev->path,
		    hvnet_status_name(m.hello_ack.status));
		return false;
	}
	dev->connections = MIN(m.hello_ack.connections, 4);
	memcpy(dev->connection, m.hello_ack.connection,
	    sizeof(dev->connection));
	return true;
}

/* Descriptors and registers of every virtual processor. */
static bool
hvnet_vps_tell(struct hvnet_dev *dev)
{
	for (uint32_t i = 0; i < dev->vps; i++) {
		struct hvnet_vp *vp = &dev->vp[i];
		struct link_vp_fds f = { .hdr.type = LINK_VP_FDS, .vp = i };
		int fds[2];

		/* New ones: an earlier host has the old ones still. */
		if (!hvnet_tcg_eventfds(vp))
			return false;
		fds[0] = vp->irq_fd;
		fds[1] = vp->eom_fd;
		if (hvnet_link_call(dev, &f, sizeof(f), fds, 2) != LINK_OK)
			return false;
		vp->sent = (struct link_vp_regs){
			.flags = LINK_VP_SINT_MASKED };
		hvnet_link_regs(vp);
	}
	return dev->sock >= 0;
}

bool
hvnet_link_open(struct hvnet_dev *dev, Error **errp)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const struct timeval limit = { HVNET_ANSWER_MS / 1000, 0 };

	if (strlen(dev->path) >= sizeof(to.sun_path)) {
		error_setg(errp, "hvnet: path too long: %s", dev->path);
		return false;
	}
	pstrcpy(to.sun_path, sizeof(to.sun_path), dev->path);
	dev->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	/* The time limit is for a full queue, of connections or messages. */
	if (dev->sock < 0 || setsockopt(dev->sock, SOL_SOCKET, SO_SNDTIMEO,
	    &limit, sizeof(limit)) < 0 ||
	    connect(dev->sock, (struct sockaddr *)&to, sizeof(to)) < 0) {
		error_setg_errno(errp, errno,
		    "hvnet: cannot connect to `hvnet host` at %s", dev->path);
		hvnet_link_close(dev, false);
		return false;
	}
	qemu_mutex_lock(&dev->signals_lock);
	dev->signals = g_hash_table_new_full(NULL, NULL, NULL,
	    hvnet_signal_put);
	qemu_mutex_unlock(&dev->signals_lock);
	if (!hvnet_hello(dev, errp)) {
		hvnet_link_close(dev, false);
		return false;
	}
	for (uint32_t i = 0; i < dev->regions; i++)
		dev->region[i].told = false;
	dev->used = false;	/* registers that are set make it true again */
	dev->complained = false;
	if (!hvnet_memory_tell(dev) || !hvnet_vps_tell(dev)) {
		error_setg(errp, "hvnet: %s refuses the machine's memory or "
		    "processors", dev->path);
		hvnet_link_close(dev, false);
		return false;
	}
	qemu_set_fd_handler(dev->sock, hvnet_readable, NULL, dev);
	return true;
}

static void
hvnet_retry(void *opaque)
{
	struct hvnet_dev *dev = opaque;
	int64_t began = qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
	Error *err = NULL;

	if (dev->sock >= 0)
		return;
	if (hvnet_link_open(dev, &err)) {
		info_report("hvnet: %s: a host again", dev->path);
		return;
	}
	error_free(err);
	hvnet_retry_in(dev, (qemu_clock_get_ms(QEMU_CLOCK_REALTIME) - began) *
	    HVNET_RETRY_SHARE);
}

/* In so many ms, or HVNET_RETRY_MS if that is more. */
static void
hvnet_retry_in(struct hvnet_dev *dev, int64_t ms)
{
	if (dev->retry == NULL)
		dev->retry = timer_new_ms(QEMU_CLOCK_REALTIME, hvnet_retry,
		    dev);
	timer_mod(dev->retry, qemu_clock_get_ms(QEMU_CLOCK_REALTIME) +
	    MAX(ms, HVNET_RETRY_MS));
}

void
hvnet_link_retry(struct hvnet_dev *dev)
{
	hvnet_retry_in(dev, 0);
}

void
hvnet_link_close(struct hvnet_dev *dev, bool orderly)
{
	struct link_simple detach = { { LINK_DETACH, 0 } };

	if (dev->sock < 0)
		return;
	if (orderly)
		hvnet_link_call(dev, &detach, sizeof(detach), NULL, 0);
	if (dev->sock < 0)
		return;
	qemu_set_fd_handler(dev->sock, NULL, NULL, NULL);
	close(dev->sock);
	dev->sock = -1;
	qemu_mutex_lock(&dev->signals_lock);
	g_clear_pointer(&dev->signals, g_hash_table_unref);
	qemu_mutex_unlock(&dev->signals_lock);
	dev->connections = 0;
}
