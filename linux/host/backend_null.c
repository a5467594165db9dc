/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Null backend: counts what the guest sends and gives it nothing.
 */
#include "linux/host/backend.h"

static int
null_open(struct backend_port *port, char *err, size_t cap)
{
	return 0;
}

static void
null_close(struct backend_port *port)
{
}

static enum backend_pull
null_pull(struct backend_port *port, uint32_t k, uint32_t queue)
{
	return BACKEND_DRY;
}

static void
null_from_guest(struct backend_port *port, uint32_t queue,
    const struct vsp_frame *f)
{
	struct backend_counters *c = &port->queue[queue].counters;

	backend_count_written(c, f->len);
}

static void
null_flush(struct backend_port *port, uint32_t queue)
{
}

const struct backend_ops backend_null_ops = {
	.caps = BACKEND_GSO4 | BACKEND_GSO6 | BACKEND_CSUM,
	.open = null_open,
	.close = null_close,
	.pull = null_pull,
	.from_guest = null_from_guest,
	.from_guest_flush = null_flush,
};
