/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who gets which NIC, and how it is given and taken.
 *
 * Context: control.
 */
#ifndef LINUX_HOST_OFFER_H
#define LINUX_HOST_OFFER_H

#include "linux/host/host_priv.h"

/* A guest came: offer it all NICs that it may have. */
void offer_all(struct host_guest *);
/* A NIC came: offer it to a guest that may have it. */
void offer_new(struct host *, struct nic *);
/* Offer every free NIC, to this guest before others where it is not NULL. */
void offer_again(struct host *, struct host_guest *first);
/* Why the guest has to wait for a NIC; a text. */
void offer_why_none(const struct host_guest *, char *why, size_t cap);

/*
 * Take the NIC from its guest: it is free, and its NetVSP leaves
 * (nic_leaving.h).
 */
void offer_withdraw(struct nic *);
/* The vms of the NIC's guest is gone: let go of the NetVSP. */
void offer_release(struct nic *);

#endif
