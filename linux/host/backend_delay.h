/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delay lines: a layer between a NIC and its backend.  Frames are copied, wait,
 * and go on.
 *
 * In use, it stands in port->ops and port->to_guest, and calls what stood there
 * before.  A NIC without delay= has no such layer.
 *
 * Context: control, gate closed.
 */
#ifndef LINUX_HOST_BACKEND_DELAY_H
#define LINUX_HOST_BACKEND_DELAY_H

#include "linux/host/backend.h"

/*
 * Make what this delay needs beyond what the port has: *made, or NULL if that
 * is nothing.  0, or -errno and nothing has changed.
 */
int backend_delay_make(struct backend_port *, uint32_t delay_us,
    struct backend_delay **made);
/* Change the delay with it (consumed); 0 us ends it, what waits is lost. */
void backend_delay_use(struct backend_port *, uint32_t delay_us,
    struct backend_delay *made);
/* ... or leave all as it is (made is consumed, may be NULL). */
void backend_delay_forget(struct backend_port *, struct backend_delay *made);
/* Stop watching; then, after work_remove(), free. */
void backend_delay_quiet(struct backend_port *);
void backend_delay_free(struct backend_port *);

#endif
