/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus client: what the interrupt of a virtual processor does.
 *
 * Theory of operation.  Event flags come before messages (protocol.md 1.3).
 * Messages: copy the slot out, free it (type 0), full barrier, read the pending
 * bit, write EOM if set.  In another order the host's next message could stay
 * behind for ever.
 *
 * Context: vmc_vp_dispatch() on its VP; only VMC_MSG_VP takes messages.
 */
#include "bus/vmc_priv.h"

static void
message_handle(struct vmc *vmc, struct span raw)
{
	struct vmbus_msg m;
	enum fault why = FAULT_NONE;

	if (vmc->ops->trace != NULL)
		vmc->ops->trace(vmc->ctx, false, raw);
	if (vmbus_msg_decode(&m, raw, &why) < 0) {
		vmc_fault(vmc, why, raw.len);
		return;
	}
	if (vmc->state == VMC_IDLE) {
		/* News of a connection that is over, say of 0.13. */
		counter_add(&vmc->counters.late, 1);
		return;
	}
	switch (m.type) {
	case VMBUS_OFFER_CHANNEL:
		vmc_offer(vmc, &m.offer);
		break;
	case VMBUS_RESCIND_OFFER:
		vmc_rescind(vmc, m.relid);
		break;
	case VMBUS_ALL_OFFERS_DELIVERED:
		vmc_all_offers(vmc);
		break;
	case VMBUS_OPEN_RESULT:
		vmc_open_result(vmc, &m.open_result);
		break;
	case VMBUS_GPADL_CREATED:
		vmc_gpadl_created(vmc, &m.gpadl);
		break;
	case VMBUS_GPADL_TORNDOWN:
		vmc_gpadl_torndown(vmc, m.gpadl.gpadl);
		break;
	case VMBUS_VERSION_RESPONSE:
		vmc_version_response(vmc, &m.version);
		break;
	case VMBUS_UNLOAD_COMPLETE:
		vmc_unload_done(vmc, 0);
		break;
	case VMBUS_MODIFY_CHANNEL_RESPONSE:
		vmc_modify_result(vmc, &m.modify_result);
		break;
	default:
		vmc_fault(vmc, FAULT_VMBUS_TYPE, m.type);
		break;
	}
}

/* payload_len and flags, which the host writes while we read. */
static void
slot_word(struct synic_slot_wire *slot, uint8_t byte[4])
{
	uint32_t word = os_ld32((uint32_t *)(void *)&slot->payload_len);

	memcpy(byte, &word, sizeof(word));
}

static bool
messages_run(struct vmc *vmc, uint32_t vp, bool *work)
{
	struct synic_simp_wire *simp = vmc->cfg.simp[vp];
	struct synic_slot_wire *slot;
	uint8_t copy[VMBUS_MSG_MAX] __attribute__((aligned(8)));
	uint8_t len_flags[4];

	if (simp == NULL)
		return false;
	slot = &simp->slot[VMBUS_SINT];
	for (uint32_t n = 0; n < VMC_MSG_BUDGET; n++) {
		uint32_t type = os_le32(os_ld32_acq(&slot->type.raw));
		uint32_t len;

		if (type == SYNIC_MSG_NONE)
			return false;
		*work = true;
		slot_word(slot, len_flags);
		len = min_u32(len_flags[0], VMBUS_MSG_MAX);
		copy_once(copy, slot->payload, len);
		os_st32_rel(&slot->type.raw, os_le32(SYNIC_MSG_NONE));
		os_mb();
		slot_word(slot, len_flags);
		if (len_flags[1] & SYNIC_MSG_F_PENDING) {
			counter_add(&vmc->counters.eoms, 1);
			vmc->ops->eom(vmc->ctx, vp);
		}
		counter_add(&vmc->counters.messages_in, 1);
		if (type == SYNIC_MSG_CHANNEL)
			message_handle(vmc, (struct span){ copy, len });
		else
			vmc_fault(vmc, FAULT_VMBUS_TYPE, type);
	}
	return true;
}

bool
vmc_vp_dispatch(struct vmc *vmc, uint32_t vp, uint32_t budget)
{
	struct vmc_vp *v = &vmc->vp[vp];
	bool work = false, more;

	counter_add(&v->counters.dispatches, 1);
	more = vmc_flags_run(vmc, vp, budget, &work);
	if (vp == VMC_MSG_VP) {
		more |= messages_run(vmc, vp, &work);
		if (vmc->sweep)
			vmc_chan_sweep(vmc);
	}
	if (!work)
		counter_add(&v->counters.idle, 1);
	return more;
}
