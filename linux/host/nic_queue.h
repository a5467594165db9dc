/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One queue of a NIC at its worker.
 *
 * Context: control, gate closed.
 */
#ifndef LINUX_HOST_NIC_QUEUE_H
#define LINUX_HOST_NIC_QUEUE_H

#include "linux/host/nic.h"

void nic_queue_init(struct nic_queue *, struct nic *, uint32_t index,
    struct worker *);
/* A channel for this queue; signal_fd -1: it is poked instead. */
void nic_queue_start(struct nic_queue *, struct chan *, int signal_fd);
void nic_queue_stop(struct nic_queue *);
/* How it is polled and how its guest is signalled, as the spec says now. */
void nic_queue_talk(struct nic_queue *);
/* Say it, once, if what its guest did stopped it. */
void nic_queue_say_stopped(struct nic_queue *);
/* Watch the descriptor of a source that was just opened; 0 or -errno. */
int nic_source_open(struct nic *, uint32_t k);
/* Before the backend closes it. */
void nic_source_close(struct nic *, uint32_t k);

#endif
