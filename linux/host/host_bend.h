/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What scripts of bends do beyond a channel.
 *
 * Context: control.
 */
#ifndef LINUX_HOST_HOST_BEND_H
#define LINUX_HOST_HOST_BEND_H

#include <stdbool.h>
#include <stdint.h>

struct bend_ops;
struct host_guest;
struct nic;

/* For bend_load(): the context is the NIC. */
extern const struct bend_ops host_bend_ops;

/* Something was due: send it.  Closes the gate itself. */
void host_bend_run(struct nic *);

/*
 * A message to a processor of the guest, or from the guest (vp is ignored);
 * *len bytes, which may change.  Returns how often it goes: 0 to 2.
 */
uint32_t host_bend_message(struct host_guest *, bool to_guest, uint32_t vp,
    uint8_t *msg, uint32_t *len);

#endif
