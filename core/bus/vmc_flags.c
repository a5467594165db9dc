/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMBus client: event flags in, signals out, and which virtual processor serves
 * a channel.
 *
 * Theory of operation.  A flag is a channel's relid; whole words of the SIEFP
 * page are exchanged with 0, up to the highest word that an open channel of
 * this VP ever had.  They collect in `ready`, where a channel also stays whose
 * handler left work because of its budget.  route[] tells which VP serves a
 * relid: a flag that arrives at another VP (the channel was moved; before 5.3
 * the host never reports when it stopped using the old one) is passed on by
 * `forward` and a kick.  So a VP dereferences only channels that are routed to
 * it, and control, which parks that VP after taking the route away, may then
 * free them.
 *
 * Before 2.4 flag 0 of VMC_MSG_VP means "look at the shared interrupt page",
 * whose bits are the relids.
 *
 * Context: vmc_flags_run() on its VP; route functions control; signals on the
 * channel's owner.  Nothing of the connection is called from here.
 */
#include "bus/vmc_priv.h"

#define X(name, text) COUNTER_ROW(vmc_vp_counters, name, text)
COUNTER_TABLE(vmc_vp_counters, VMC_VP_COUNTERS(X));
#undef X

static struct synic_monitor_wire *
monitor_to_host(const struct vmc *vmc)
{
	return (void *)((uint8_t *)vmc->pages.va + HV_PAGE_SIZE);
}

static struct synic_intpage_wire *
intpage(const struct vmc *vmc)
{
	return (void *)((uint8_t *)vmc->pages.va + 2 * HV_PAGE_SIZE);
}

static void
park(struct vmc *vmc, uint32_t vp)
{
	if (vmc->ops->vp_park != NULL)
		vmc->ops->vp_park(vmc->ctx, vp);
}

static void
unpark(struct vmc *vmc, uint32_t vp)
{
	if (vmc->ops->vp_unpark != NULL)
		vmc->ops->vp_unpark(vmc->ctx, vp);
}

void
vmc_vp_poke(struct vmc *vmc, uint32_t vp, uint32_t relid)
{
	struct vmc_vp *v = &vmc->vp[vp];

	os_or32(&v->forward[relid / 32], 1u << relid % 32);
	os_st32_rel(&v->forwarded, 1);
	if (vmc->ops->vp_kick != NULL)
		vmc->ops->vp_kick(vmc->ctx, vp);
}

void
vmc_route_add(struct vmc_chan *vc)
{
	struct vmc *vmc = vc->vmc;
	uint32_t relid = vc->rc.chan.relid;
	struct vmc_vp *v = &vmc->vp[vc->vp];

	if (vc->monitor && vmc->cfg.monitor_latency_100ns != 0)
		monitor_to_host(vmc)->latency[vc->monitor_id / 32]
		    [vc->monitor_id % 32] = le16_put((uint16_t)min_u32(
		    vmc->cfg.monitor_latency_100ns, UINT16_MAX));
	if (relid / 32 >= v->words)
		os_st32(&v->words, relid / 32 + 1);
	os_st32_rel(&vmc->route[relid], vc->vp << 16 | (vc->index + 1));
	/* What was flagged before the route existed was dropped as stray. */
	vmc_vp_poke(vmc, vc->vp, relid);
}

void
vmc_route_remove(struct vmc_chan *vc)
{
	struct vmc *vmc = vc->vmc;
	uint32_t relid = vc->rc.chan.relid;
	uint32_t bit = 1u << relid % 32;
	struct vmc_vp *v = &vmc->vp[vc->vp];

	if (vmc->route[relid] == 0)
		return;
	os_st32_rel(&vmc->route[relid], 0);
	park(vmc, vc->vp);
	v->ready[relid / 32] &= ~bit;
	unpark(vmc, vc->vp);
}

void
vmc_flags_reset(struct vmc *vmc)
{
	for (uint32_t i = 0; i < SYNIC_FLAGS; i++)
		os_st32_rel(&vmc->route[i], 0);
	for (uint32_t i = 0; i < vmc->cfg.vps; i++) {
		struct synic_siefp_wire *flags = vmc->cfg.siefp[i];
		struct vmc_vp *v = &vmc->vp[i];

		park(vmc, i);
		memset(v->ready, 0, sizeof(v->ready));
		for (uint32_t w = 0; w < SYNIC_FLAG_WORDS; w++) {
			os_st32(&v->forward[w], 0);
			if (flags != NULL)
				os_st32(&flags->sint[VMBUS_SINT].word[w].raw,
				    0);
		}
		os_st32(&v->words, 0);
		unpark(vmc, i);
	}
	if (vmc->cfg.simp[VMC_MSG_VP] != NULL) {
		struct synic_simp_wire *simp = vmc->cfg.simp[VMC_MSG_VP];

		os_st32_rel(&simp->slot[VMBUS_SINT].type.raw, 0);
	}
}

/* --- event flags --- */

/* Move the bits of a shared word to where this VP keeps them. */
static void
flags_take(struct vmc_vp *v, uint32_t *shared, uint32_t w)
{
	uint32_t bits;

	if (os_ld32(shared) == 0)
		return;
	bits = os_le32(os_xchg32(shared, 0));
	v->ready[w] |= bits;
	for (; bits != 0; bits &= bits - 1)
		counter_add(&v->counters.flags, 1);
}

static void
flags_collect(struct vmc *vmc, uint32_t vp)
{
	struct synic_siefp_wire *page = vmc->cfg.siefp[vp];
	struct vmc_vp *v = &vmc->vp[vp];
	uint32_t words = os_ld32(&v->words);

	if (os_ld32(&v->forwarded) != 0 && os_xchg32(&v->forwarded, 0) != 0)
		for (uint32_t w = 0; w < SYNIC_FLAG_WORDS; w++)
			if (os_ld32(&v->forward[w]) != 0)
				v->ready[w] |= os_xchg32(&v->forward[w], 0);
	if (page == NULL)
		return;
	if (os_ld32(&vmc->intpage_used) != 0) {
		uint32_t *first = &page->sint[VMBUS_SINT].word[0].raw;

		if (vp != VMC_MSG_VP || os_ld32(first) == 0 ||
		    (os_xchg32(first, 0) & os_le32(1)) == 0)
			return;
		for (uint32_t w = 0; w < words; w++)
			flags_take(v, &intpage(vmc)->to_guest[w].raw, w);
		return;
	}
	for (uint32_t w = 0; w < words; w++)
		flags_take(v, &page->sint[VMBUS_SINT].word[w].raw, w);
}

/* One channel's turn; true if it left work. */
static bool
flag_run(struct vmc *vmc, uint32_t vp, uint32_t relid, uint32_t budget)
{
	struct vmc_vp *v = &vmc->vp[vp];
	uint32_t route = os_ld32_acq(&vmc->route[relid]);
	struct chan *c;

	if (route == 0) {
		counter_add(&v->counters.stray, 1);
		return false;
	}
	if (route >> 16 != vp) {
		counter_add(&v->counters.forwarded, 1);
		vmc_vp_poke(vmc, route >> 16, relid);
		return false;
	}
	c = &vmc->chan[(route & 0xffff) - 1]->rc.chan;
	counter_add(&v->counters.ready, 1);
	if (!c->events->ready(c, budget))
		return false;
	counter_add(&v->counters.again, 1);
	return true;
}

bool
vmc_flags_run(struct vmc *vmc, uint32_t vp, uint32_t budget, bool *work)
{
	struct vmc_vp *v = &vmc->vp[vp];
	bool more = false;

	flags_collect(vmc, vp);
	for (uint32_t w = 0; w < SYNIC_FLAG_WORDS; w++) {
		uint32_t bits = v->ready[w];

		if (bits == 0)
			continue;
		*work = true;
		v->ready[w] = 0;
		for (; bits != 0; bits &= bits - 1) {
			uint32_t bit = (uint32_t)__builtin_ctz(bits);

			if (flag_run(vmc, vp, w * 32 + bit, budget)) {
				v->ready[w] |= 1u << bit;
				more = true;
			}
		}
	}
	return more;
}

const struct vmc_vp_counters *
vmc_vp_stats(const struct vmc *vmc, uint32_t vp)
{
	return &vmc->vp[vp].counters;
}

/* --- signals --- */

enum ring_chan_policy
vmc_signal_policy(const struct vmc *vmc)
{
	switch (vmc->cfg.signal) {
	case VMC_SIGNAL_PACKET:
		return RING_CHAN_PACKET;
	case VMC_SIGNAL_POLL:
		return RING_CHAN_POLL;
	default:
		return RING_CHAN_EDGE;
	}
}

bool
vmc_signal_monitor(const struct vmc_chan *vc)
{
	enum vmc_signal how = vc->vmc->cfg.signal;

	return vc->monitor_allocated &&
	    (how == VMC_SIGNAL_AUTO || how == VMC_SIGNAL_MONITOR);
}

void
vmc_signal_set(struct vmc *vmc, enum vmc_signal how)
{
	vmc->cfg.signal = how;
	for (uint32_t i = 0; i < VMC_MAX_CHANNELS; i++) {
		struct vmc_chan *vc = vmc->chan[i];

		if (vc == NULL)
			continue;
		vc->monitor = vmc_signal_monitor(vc);
		ring_chan_policy_set(&vc->rc, vmc_signal_policy(vmc));
	}
}

void
vmc_chan_signal(struct ring_chan *rc)
{
	struct vmc_chan *vc = CONTAINER_OF(rc, struct vmc_chan, rc);
	struct vmc *vmc = vc->vmc;
	uint32_t relid = rc->chan.relid;

	if (vc->monitor) {
		struct synic_monitor_trigger_wire *g =
		    &monitor_to_host(vmc)->group[vc->monitor_id / 32];
		uint32_t bit = os_le32(1u << vc->monitor_id % 32);

		if (os_or32(&g->pending.raw, bit) & bit)
			counter_add(&vc->signals.monitor_set, 1);
		else
			counter_add(&vc->signals.monitor, 1);
		return;
	}
	if (os_ld32(&vmc->intpage_used) != 0 && !vc->dedicated) {
		os_or32(&intpage(vmc)->to_host[relid / 32].raw,
		    os_le32(1u << relid % 32));
		counter_add(&vc->signals.shared_bits, 1);
	}
	counter_add(&vc->signals.hypercalls, 1);
	vmc->ops->signal_event(vmc->ctx, vc->conn_id);
}
