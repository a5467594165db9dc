/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel made of our own two rings.
 *
 * The rings decide whether the peer must be told; the policy of the channel may
 * suppress or add signals; signal() sends them.  So each "signal or not" has
 * its counter either in a ring (why not) or here (sent, withheld).
 *
 * A peer that breaks a ring is noted once in chan.faults; from then on the
 * channel refuses everything with E_PEER and touches the rings no more, so a
 * liar costs nothing further whatever the user does next.  `gone` is the
 * control context's way to stop an owner that is still running: a hint that
 * takes effect at the next call, not a barrier.
 *
 * Context: one owner at a time, see chan.h.
 */
#include "bus/ring_chan.h"

#define X(name, text) COUNTER_ROW(ring_chan_counters, name, text)
COUNTER_TABLE(ring_chan_counters, RING_CHAN_COUNTERS(X));
#undef X

const struct chan_ops ring_chan_ops = {
	.caps = RING_CHAN_CAPS,
	RING_CHAN_DATA_OPS,
};

const struct chan_ops ring_chan_ops_no_space = {
	.caps = RING_CHAN_CAPS & ~CHAN_CAP_SPACE,
	RING_CHAN_DATA_OPS,
};

int
ring_chan_init(struct ring_chan *rc, const struct ring_chan_config *cfg,
    enum fault *why)
{
	uint32_t out_flags = cfg->out_flags;
	int err;

	rc->open = false;
	os_st32(&rc->broken, 0);
	rc->signal = cfg->signal;
	rc->policy = cfg->policy;
	memset(&rc->counters, 0, sizeof(rc->counters));
	if (cfg->policy == RING_CHAN_PACKET)
		out_flags |= RING_OUT_SIGNAL_ALWAYS;
	err = ring_out_init(&rc->out, cfg->out_mem, cfg->out_bytes, out_flags,
	    why);
	if (err < 0)
		return err;
	err = ring_in_init(&rc->in, cfg->in_mem, cfg->in_bytes, cfg->in_flags,
	    why);
	if (err < 0)
		return err;
	rc->open = true;
	os_st32(&rc->gone, 0);
	return 0;
}

void
ring_chan_stop(struct ring_chan *rc)
{
	os_st32(&rc->gone, 1);
}

bool
ring_chan_drained(struct ring_chan *rc)
{
	return ring_out_space(&rc->out) > 0 &&
	    rc->out.read == rc->out.committed;
}

void
ring_chan_policy_set(struct ring_chan *rc, enum ring_chan_policy policy)
{
	rc->policy = policy;
	if (policy == RING_CHAN_PACKET)
		rc->out.flags |= RING_OUT_SIGNAL_ALWAYS;
	else
		rc->out.flags &= ~(uint32_t)RING_OUT_SIGNAL_ALWAYS;
}

static bool
ring_chan_gone(struct ring_chan *rc)
{
	return !rc->open || os_ld32(&rc->gone) != 0;
}

/* Usable: neither gone nor broken. */
static bool
ring_chan_live(struct ring_chan *rc)
{
	return !ring_chan_gone(rc) && os_ld32(&rc->broken) == 0;
}

static int
ring_chan_break(struct ring_chan *rc, enum fault why, uint32_t value)
{
	os_st32(&rc->broken, 1);
	return fault_note(&rc->chan.faults, why, value);
}

/* The peer must be told, says a ring; `count` is the reason's counter. */
static void
ring_chan_tell(struct ring_chan *rc, uint64_t *count)
{
	if (rc->policy == RING_CHAN_POLL) {
		counter_add(&rc->counters.signals_poll, 1);
		return;
	}
	counter_add(count, 1);
	rc->signal(rc);
}

static void
ring_chan_publish(struct ring_chan *rc)
{
	if (ring_out_commit(&rc->out))
		ring_chan_tell(rc, &rc->counters.signals_data);
}

int
ring_chan_send(struct chan *c, const struct vmpkt_out *pkt)
{
	struct ring_chan *rc = ring_chan_of(c);
	enum fault why = FAULT_NONE;
	int err;

	if (ring_chan_gone(rc))
		return E_GONE;
	if (os_ld32(&rc->broken) != 0)
		return E_PEER;
	err = ring_out_put(&rc->out, pkt, &why);
	if (err == E_PEER)
		return ring_chan_break(rc, why,
		    ring_ld(&rc->out.ctrl->read_index));
	if (err == 0 && rc->policy == RING_CHAN_PACKET)
		ring_chan_publish(rc);
	return err;
}

void
ring_chan_commit(struct chan *c)
{
	struct ring_chan *rc = ring_chan_of(c);

	if (ring_chan_live(rc))
		ring_chan_publish(rc);
}

bool
ring_chan_want_space(struct chan *c, uint32_t bytes)
{
	struct ring_chan *rc = ring_chan_of(c);

	if (!ring_chan_live(rc))
		return true;
	ring_chan_publish(rc);
	return ring_out_want_space(&rc->out, bytes);
}

int
ring_chan_recv(struct chan *c, struct vmpkt_in *out, void *buf, uint32_t cap)
{
	struct ring_chan *rc = ring_chan_of(c);
	enum fault why = FAULT_NONE;
	int got;

	if (ring_chan_gone(rc))
		return 0;
	if (os_ld32(&rc->broken) != 0)
		return E_PEER;
	got = ring_in_get(&rc->in, out, buf, cap, &why);
	if (got == E_PEER)
		return ring_chan_break(rc, why,
		    ring_ld(&rc->in.ctrl->write_index));
	return got;
}

void
ring_chan_recv_commit(struct chan *c)
{
	struct ring_chan *rc = ring_chan_of(c);

	if (ring_chan_live(rc) && ring_in_commit(&rc->in))
		ring_chan_tell(rc, &rc->counters.signals_room);
}

void
ring_chan_irq_mask(struct chan *c)
{
	struct ring_chan *rc = ring_chan_of(c);

	if (ring_chan_live(rc))
		ring_in_mask(&rc->in);
}

bool
ring_chan_irq_unmask(struct chan *c)
{
	struct ring_chan *rc = ring_chan_of(c);

	if (!ring_chan_live(rc))
		return false;
	ring_chan_recv_commit(c);
	return ring_in_unmask(&rc->in);
}
