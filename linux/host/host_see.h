/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is seen of a guest's VMBus messages.
 *
 * Context: control.
 */
#ifndef LINUX_HOST_HOST_SEE_H
#define LINUX_HOST_HOST_SEE_H

#include "base/span.h"

struct host_guest;
struct nic;

/* The NIC of the guest that a message is about, or NULL: not known. */
struct nic *host_see_about(const struct host_guest *, struct span msg);
/* A message of a guest, or to it, for all who want to see it. */
void host_see_message(struct host_guest *, bool to_guest, struct span msg);
/* The message that host_see_message() saw was a fault. */
void host_see_fault(struct host_guest *, struct span msg);

#endif
