/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of the partition protocol: sendmsg and recvmsg with SCM_RIGHTS.
 *
 * Invariant: whatever a peer sends, a received message either has all the
 * bytes of its type or is refused, and no descriptor is ever left open by
 * accident.  Called by both sides, from their control threads.
 */
#include "linux/link/link_msg.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t
link_type_size(uint32_t type)
{
	switch (type) {
	case LINK_HELLO:
		return sizeof(struct link_hello);
	case LINK_MEM_ADD:
		return sizeof(struct link_mem_add);
	case LINK_MEM_DEL:
		return sizeof(struct link_mem_del);
	case LINK_VP_FDS:
		return sizeof(struct link_vp_fds);
	case LINK_VP_REGS:
		return sizeof(struct link_vp_regs);
	case LINK_POST:
		return sizeof(struct link_post);
	case LINK_RESET:
	case LINK_DETACH:
		return sizeof(struct link_simple);
	case LINK_HELLO_ACK:
		return sizeof(struct link_hello_ack);
	case LINK_ACK:
	case LINK_BYE:
		return sizeof(struct link_ack);
	case LINK_SIGNAL_ADD:
	case LINK_SIGNAL_DEL:
		return sizeof(struct link_signal);
	case LINK_MEM_WANT:
		return sizeof(struct link_mem_want);
	default:
		return 0;
	}
}

const char *
link_type_name(uint32_t type)
{
	switch (type) {
	case LINK_HELLO:
		return "HELLO";
	case LINK_MEM_ADD:
		return "MEM_ADD";
	case LINK_MEM_DEL:
		return "MEM_DEL";
	case LINK_VP_FDS:
		return "VP_FDS";
	case LINK_VP_REGS:
		return "VP_REGS";
	case LINK_POST:
		return "POST";
	case LINK_RESET:
		return "RESET";
	case LINK_DETACH:
		return "DETACH";
	case LINK_HELLO_ACK:
		return "HELLO_ACK";
	case LINK_ACK:
		return "ACK";
	case LINK_SIGNAL_ADD:
		return "SIGNAL_ADD";
	case LINK_SIGNAL_DEL:
		return "SIGNAL_DEL";
	case LINK_MEM_WANT:
		return "MEM_WANT";
	case LINK_BYE:
		return "BYE";
	default:
		return "unknown";
	}
}

const char *
link_status_text(uint32_t status)
{
	switch (status) {
	case LINK_OK:
		return "ok";
	case LINK_E_PROTO:
		return "partition protocol violated";
	case LINK_E_VERSION:
		return "no common version of the partition protocol";
	case LINK_E_LIMIT:
		return "over a limit of the host";
	case LINK_E_MEM:
		return "memory unusable (size, overlap, or not sealed against "
		    "shrinking)";
	case LINK_E_NONIC:
		return "the host has no free NIC for this guest";
	case LINK_E_BUSY:
		return "the host serves as many guests as it may";
	case LINK_E_SHUTDOWN:
		return "the host stops";
	case LINK_E_FAULT:
		return "the guest broke VMBus beyond repair";
	case LINK_E_KIND:
		return "the host takes no guests of this kind (it runs with "
		    "--no-uio)";
	default:
		return "unknown status";
	}
}

void
link_fds_close(int *fds, unsigned int nfds)
{
	for (unsigned int i = 0; i < nfds; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

int
link_msg_send(int sock, const void *msg, size_t len, const int *fds,
    unsigned int nfds, int flags)
{
	struct iovec iov = { (void *)(uintptr_t)msg, len };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(LINK_MAX_FDS * sizeof(int))];
	} ctl;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds > LINK_MAX_FDS)
		return -EINVAL;
	if (nfds > 0) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = ctl.buf;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	for (;;) {
		if (sendmsg(sock, &mh, flags | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/*
 * Collect descriptors.  0; -EPROTO: more came than a message may have; -EMFILE:
 * fewer arrived than were sent, though there was room to name them.
 */
static int
link_fds_take(struct msghdr *mh, int fds[LINK_MAX_FDS], unsigned int *nfds)
{
	int rc = (mh->msg_flags & MSG_CTRUNC) != 0 ? -EMFILE : 0;

	*nfds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL;
	    c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*nfds < LINK_MAX_FDS) {
				fds[(*nfds)++] = fd;
			} else {
				close(fd);
				rc = -EPROTO;
			}
		}
	}
	return rc;
}

int
link_msg_recv(int sock, union link_msg *msg, int fds[LINK_MAX_FDS],
    unsigned int *nfds, int flags)
{
	/* Room for one descriptor too many, so that excess is seen. */
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE((LINK_MAX_FDS + 1) * sizeof(int))];
	} ctl;
	struct iovec iov = { msg, sizeof(*msg) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl.buf, .msg_controllen = sizeof(ctl.buf) };
	int resets = 0;
	ssize_t n;

	*nfds = 0;
	memset(msg, 0, sizeof(*msg));
	/*
	 * If a peer closed with messages of ours unread we get ECONNRESET,
	 * once, before its last messages.
	 */
	do {
		n = recvmsg(sock, &mh, flags | MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR ||
	    (errno == ECONNRESET && resets++ == 0)));
	if (n < 0)
		return -errno;
	int taken = link_fds_take(&mh, fds, nfds);
	if (n == 0 && *nfds == 0)
		return 0;
	size_t need = (size_t)n >= sizeof(msg->hdr) ?
	    link_type_size(msg->hdr.type) : 0;
	if (taken < 0 || (mh.msg_flags & MSG_TRUNC) != 0 || need == 0 ||
	    (size_t)n < need) {
		link_fds_close(fds, *nfds);
		*nfds = 0;
		return taken < 0 ? taken : -EPROTO;
	}
	return 1;
}
