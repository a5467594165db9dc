/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One message of the partition protocol on a socket, with its descriptors.
 */
#ifndef LINUX_LINK_LINK_MSG_H
#define LINUX_LINK_LINK_MSG_H

#include <stddef.h>

#include "linux/link/link_wire.h"

/*
 * Send.  Borrows the descriptors (the kernel dups them).  0 or -errno;
 * -EAGAIN when the socket is full and flags hold MSG_DONTWAIT.
 */
int link_msg_send(int sock, const void *msg, size_t len, const int *fds,
    unsigned int nfds, int flags);

/*
 * Receive one message of at least a header.  Its length is checked against its
 * type, so that every field of its structure is present.  Descriptors are
 * close-on-exec, belong to the caller, and *nfds says how many came (at most
 * LINK_MAX_FDS; more are closed and the message refused).
 * 1: a message; 0: end of file; -EAGAIN; -EPROTO: malformed, descriptors
 * closed; -EMFILE: this process had no room for them; another -errno.
 */
int link_msg_recv(int sock, union link_msg *msg, int fds[LINK_MAX_FDS],
    unsigned int *nfds, int flags);

/* "MEM_ADD" and the like, for messages to people. */
const char *link_type_name(uint32_t type);
const char *link_status_text(uint32_t status);

/* Close descriptors that a message brought and nobody wants. */
void link_fds_close(int *fds, unsigned int nfds);

#endif
