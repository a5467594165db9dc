/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the server tells: messages to the guest, faults to the log.
 *
 * The lowest file of the server: every other one calls it, and it calls none.
 *
 * Messages go to the virtual processor that the guest named when it connected,
 * or to the one that a request names, where there is no connection to ask.
 * Nothing waits here: a message for which the partition has no slot is queued
 * there, up to a bound, and dropped beyond it.
 *
 * Context: control.
 */
#include "bus/vms_priv.h"

int
vms_fault(struct vms *s, enum fault why, uint64_t value)
{
	return fault_note(&s->part->faults, why, value);
}

void
vms_post_bytes(struct vms *s, uint32_t vp, struct span msg)
{
	if (s->ops->trace != NULL)
		s->ops->trace(s->ctx, true, msg);
	/* A guest that requests more than it reads loses the answers. */
	if (part_post_message(s->part, vp, msg.p, msg.len) < 0)
		vms_fault(s, FAULT_MSG_RATE, vp);
}

void
vms_post_vp(struct vms *s, uint32_t vp, const struct vmbus_msg *m)
{
	uint8_t buf[VMBUS_MSG_MAX];
	uint32_t len = vmbus_msg_encode(m, buf), times = 1;

	if (s->ops->filter != NULL)
		times = s->ops->filter(s->ctx, vp, buf, &len);
	while (times-- > 0)
		vms_post_bytes(s, vp, (struct span){ buf, len });
}

void
vms_post(struct vms *s, const struct vmbus_msg *m)
{
	if (s->version != 0)
		vms_post_vp(s, s->msg_vp, m);
}
