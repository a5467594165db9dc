/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wakes who serves a NIC: the worker of a queue, of a source, or control.
 *
 * Context: any thread, except nic_chan_poke() (control).
 */
#ifndef LINUX_HOST_NIC_WAKE_H
#define LINUX_HOST_NIC_WAKE_H

#include <stdbool.h>
#include <stdint.h>

struct chan;
struct nic;
struct nic_queue;

/* Have the queue's worker look at its ring. */
void nic_queue_poke(struct nic_queue *);
/* Source k has frames.  Any worker behind the NIC's gate. */
void nic_source_post(struct nic *, uint32_t k);
/* Control: somebody signalled this channel by other means than its eventfd. */
bool nic_chan_poke(struct nic *, const struct chan *);
/* Have control call nic_control(). */
void nic_control_ask(struct nic *);
/* Have control call host_bend_run(). */
void nic_bend_ask(struct nic *);

#endif
