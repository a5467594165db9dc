/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces and histograms of a NIC.
 *
 * Context: control, except for what says "worker".
 */
#ifndef LINUX_HOST_NIC_TRACE_H
#define LINUX_HOST_NIC_TRACE_H

#include <jansson.h>

#include "linux/host/nic.h"

/*
 * The control socket's commands "trace" and "hist": {"on": true} begins, {"on":
 * false} ends and answers with what there is.
 */
json_t *nic_trace_ctl(struct nic *, const json_t *request);
json_t *nic_hist_ctl(struct nic *, const json_t *request);
/* The NIC is about to go. */
void nic_trace_end(struct nic *);

/* Worker: the guest signalled; frames must wait; they need not any more. */
void nic_trace_signalled(struct nic_queue *);
void nic_trace_short(struct nic_queue *);
void nic_trace_short_end(struct nic_queue *);
/* Worker: a frame was left for this queue. */
void nic_trace_handover(struct nic_queue *);

#endif
