/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Completions of the guest's packets on their way to its ring.
 *
 * Completions wait in an array of VSP_COMPLETIONS, from vsp_completion_add()
 * until the ring has room for them.  Who finds the array full takes no further
 * packet until the ring's space event; so none is ever lost, and a guest that
 * does not read its ring stops only itself.
 *
 * Context: the worker that owns the queue, or control.
 */
#include "vsp/vsp_priv.h"
#include "wire/nvs_msg.h"

/* Ring bytes of a completion: descriptor, message, trailer. */
#define COMPLETION_RING_BYTES	(16u + NVS_MSG_BYTES_6_1 + 8u)

static int
completion_send(struct vsp_queue *q, const struct vsp_completion *d)
{
	struct nvs_rndis_done_wire w = {
		.type = le32_put(NVS_RNDIS_DONE),
		.status = le32_put(d->status),
	};
	uint8_t msg[NVS_MSG_BYTES_6_1] = { 0 };
	struct vmpkt_out out = {
		.type = VMPKT_COMPLETION,
		.xact = d->xact,
		.data = { msg, q->vsp->guest.nvsp_version >= NVS_V6_1 ?
		    NVS_MSG_BYTES_6_1 : NVS_MSG_BYTES_5 },
	};

	memcpy(msg, &w, sizeof(w));
	return chan_send(q->chan, &out);
}

bool
vsp_completions_send(struct vsp_queue *q)
{
	struct vsp_from_guest *f = &q->from;
	struct vsp_from_guest_counters *c = &q->vsp->counts[q->index].from;

	while (f->done_count > 0 && !q->dead) {
		int rc = completion_send(q, &f->done[f->done_head]);

		if (rc == E_AGAIN) {
			if (vsp_queue_want_space(q, COMPLETION_RING_BYTES))
				continue;
			counter_add(&c->completion_waits, 1);
			return false;
		}
		if (rc != 0) {
			q->dead = true;
			break;
		}
		f->done_head = (f->done_head + 1) % VSP_COMPLETIONS;
		f->done_count--;
		counter_add(&c->completions, 1);
	}
	return true;
}
