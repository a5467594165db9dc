/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a service manager such as systemd and its services tell each other:
 * sockets that it opened (sd_listen_fds(3)), and states (sd_notify(3)).
 *
 * Both are a few environment variables and a datagram socket, which are
 * documented to stay; so no library is needed for them.  Without a manager
 * nothing happens.
 *
 * Context: one thread.
 */
#ifndef LINUX_RUN_SERVICE_H
#define LINUX_RUN_SERVICE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A listening socket of this type (SOCK_SEQPACKET) in the file system that the
 * manager passed: its descriptor, close-on-exec and non-blocking, the caller's,
 * and its path.  -1: there is none.
 */
int service_socket(int type, char *path, size_t cap);
/* Tell the manager "READY=1" and the like, as printf; lines end with \n. */
void service_notify(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
/* "WATCHDOG=1" is wanted at least this often; 0: never. */
uint64_t service_watchdog_us(void);

#endif
