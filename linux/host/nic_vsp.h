/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NetVSP of a NIC: what it needs of us, and how it is configured.
 *
 * Context: control, with the NIC's gate closed where nothing else is noted.
 */
#ifndef LINUX_HOST_NIC_VSP_H
#define LINUX_HOST_NIC_VSP_H

#include "linux/host/nic.h"

/* Memory of a NetVSP: alloc and free of struct vsp_ops. */
void *nic_vsp_alloc(void *ctx, size_t bytes);
void nic_vsp_free(void *ctx, void *p, size_t bytes);

/* The settings of the NIC for its user. */
void nic_vsp_config(const struct nic *, struct vsp_config *);
/* Tell its guest the settings of now.  0 or E_STATE. */
int nic_vsp_reconfigure(struct nic *);
/* Make one for its user, not offered yet.  NULL: out of memory. */
struct vsp *nic_vsp_create(struct nic *);

/* It is one of a pair, and the other is not there: its link is down. */
bool nic_waits(const struct nic *);
/* Tell the guest how the link is now.  Closes the gate itself. */
void nic_link_changed(struct nic *);

/*
 * Memory came that packets waited for, or will not: try them again.  Closes
 * the gate itself.
 */
void nic_memory_changed(struct nic *);

/* Tell the backend whether its guest can receive.  Gate closed. */
void nic_carrier(struct nic *);

#endif
