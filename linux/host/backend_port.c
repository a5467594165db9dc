/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a backend may do with its NIC: send frames to the guest's NetVSP, and
 * give a source or a queue a turn.
 */
#include "linux/host/backend.h"
#include "linux/host/nic.h"
#include "linux/host/nic_wake.h"

static inline struct nic *
port_nic(struct backend_port *p)
{
	return CONTAINER_OF(p, struct nic, port);
}

void
backend_port_post(struct backend_port *p, uint32_t k)
{
	nic_source_post(port_nic(p), k);
}

void
backend_port_poke(struct backend_port *p, uint32_t queue)
{
	nic_queue_poke(&port_nic(p)->queue[queue]);
}

static int
port_reserve(struct backend_port *p, uint32_t queue, uint32_t usual,
    struct vsp_room *room)
{
	return vsp_to_guest_reserve(port_nic(p)->vsp, queue, usual, room);
}

static int
port_submit(struct backend_port *p, uint32_t queue, struct vsp_room *room,
    uint32_t len, const struct pkt_meta *m)
{
	return vsp_to_guest_submit(port_nic(p)->vsp, queue, room, len, m);
}

static int
port_copy(struct backend_port *p, uint32_t queue, const struct vec *v,
    uint32_t n, const struct pkt_meta *m)
{
	return vsp_to_guest_copy(port_nic(p)->vsp, queue, v, n, m);
}

static void
port_flush(struct backend_port *p, uint32_t queue)
{
	vsp_to_guest_flush(port_nic(p)->vsp, queue);
}

const struct backend_to_guest backend_port_to_guest = {
	.reserve = port_reserve,
	.submit = port_submit,
	.copy = port_copy,
	.flush = port_flush,
};
