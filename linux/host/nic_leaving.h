/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NICs that were taken from a guest that has not let go of them yet.
 *
 * Removal, or a setting that a guest learns only at attach, parts a NIC from
 * its NetVSP.  The NIC is free at once, for a backend of other frames; the
 * NetVSP stays here, on the control thread, until its guest lets go: it
 * completes what the guest sends and answers its control messages, and passes
 * no frame.  Meanwhile the instance (the MAC address) is not offered again.
 *
 * Context: control.
 */
#ifndef LINUX_HOST_NIC_LEAVING_H
#define LINUX_HOST_NIC_LEAVING_H

#include "linux/host/nic.h"

/* Room for one, made with the offer so that removal never fails; or NULL. */
struct nic_leaving *nic_leaving_create(struct host *,
    const struct nic_user *);
/* NULL is allowed.  It was not begun, or no vms knows its NetVSP any more. */
void nic_leaving_free(struct nic_leaving *);

/*
 * Take the NetVSP of the NIC (consumed), its gate closed, and rescind it soon.
 * nic_leaving_free() is called by itself when the guest has let go.
 */
void nic_leaving_begin(struct nic_leaving *, const struct nic *);

/* The guest's vms was destroyed: free all that it had. */
void nic_leaving_end_guest(struct host *, const struct host_guest *);
/* Memory came that packets of this guest waited for, or will not. */
void nic_leaving_memory_changed(struct host *, const struct host_guest *);

/*
 * Who keeps an instance from being offered to g (NULL: to anybody): the guest
 * that has to let go of it first.  NULL: nobody.
 */
struct host_guest *nic_leaving_holder(const struct host *,
    const uint8_t mac[6], const struct host_guest *g);
/*
 * The name of one that a guest has: that of this channel, or with 0 its only
 * one.  "": there is none.
 */
const char *nic_leaving_name(const struct host *, const struct host_guest *,
    uint32_t relid);
/* How many a guest has, or with NULL all guests. */
uint32_t nic_leaving_count(const struct host *, const struct host_guest *);

#endif
