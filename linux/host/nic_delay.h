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
/*
 * Where a frame of up to max bytes for the guest may be put, or NULL when the
 * line is full; then what was put there.
 */
uint8_t *nic_delay_room(struct nic *, uint32_t queue, uint32_t max);
void nic_delay_to_guest(struct nic *, uint32_t queue, uint32_t len,
    const struct pkt_meta *);
/* vsp_to_guest_copy() by way of the line. */
int nic_delay_copy(struct nic *, uint32_t queue, const struct vec *,
    uint32_t n, const struct pkt_meta *);
/* The same if there is a line: nic->delay may be NULL here. */
static inline int
nic_to_guest_copy(struct nic *nic, uint32_t queue, const struct vec *v,
    uint32_t n, const struct pkt_meta *m)
{
	if (nic->delay != NULL)
		return nic_delay_copy(nic, queue, v, n, m);
	return vsp_to_guest_copy(nic->vsp, queue, v, n, m);
}
/* Let go of what is due. */
void nic_delay_turn(struct nic_queue *);

#endif
