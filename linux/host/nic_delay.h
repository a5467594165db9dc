/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delay lines of a NIC: frames are copied, wait, and go on.  Only a NIC with
 * delay= has them.
 */
#ifndef LINUX_HOST_NIC_DELAY_H
#define LINUX_HOST_NIC_DELAY_H

#include "linux/host/nic.h"

/* --- control, gate closed --- */

/*
 * Make what this delay needs beyond what the NIC has: *made, or NULL if that is
 * nothing.  0, or -errno and nothing has changed.
 */
int nic_delay_make(struct nic *, uint32_t delay_us, struct nic_delay **made);
/* Change the delay with it (consumed); 0 us ends it, what waits is lost. */
void nic_delay_use(struct nic *, uint32_t delay_us, struct nic_delay *made);
/* ... or leave all as it is (made is consumed, may be NULL). */
void nic_delay_forget(struct nic *, struct nic_delay *made);
/* Forget the frames that wait. */
void nic_delay_clear(struct nic *);
/* Stop watching; then, after work_remove(), free. */
void nic_delay_quiet(struct nic *);
void nic_delay_free(struct nic *);

/* --- worker of the queue; nic->delay is not NULL --- */

/* Take a frame of the guest; false: pass it on at once. */
bool nic_delay_from_guest(struct nic *, uint32_t queue,
    const struct vsp_frame *);
/* Let go of what is due. */
void nic_delay_turn(struct nic_queue *);

#endif
