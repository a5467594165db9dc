/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of a host's NICs, and which ones a guest has.
 *
 * Context: control.
 */
#ifndef LINUX_HOST_NIC_LIST_H
#define LINUX_HOST_NIC_LIST_H

#include "linux/host/host_log.h"

struct host;
struct host_guest;
struct nic;

/* The NIC of that name, or NULL. */
struct nic *nic_list_find(const struct host *, const char *name);
/* The list is in the order in which they came. */
void nic_list_add(struct host *, struct nic *);
void nic_list_remove(struct host *, struct nic *);

/* Close the gates of all NICs of the guest; they nest (worker.h). */
void nic_list_park(struct host_guest *);
/* Open them again. */
void nic_list_unpark(struct host_guest *);
/* Whom lines about this guest are about: its first NIC, else its user. */
struct host_log_peer nic_list_log_peer(const struct host_guest *);

#endif
