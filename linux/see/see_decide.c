/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decisions of a channel, for traces and histograms.
 *
 * Theory of operation.  Rings count each decision by its reason, so an
 * operation's outcome is the counter that it moved.  The data path needs no
 * place of its own for any of this.
 *
 * A host's worker knows which channel was signalled.  In a guest one interrupt
 * is for all channels of its VP; each counts the first packet after it.
 */
#include "linux/see/see_decide.h"

#include "linux/run/clock.h"
#include "linux/see/trace.h"

static uint32_t interrupts_wanted;	/* shared: see_decide_interrupts() */
static __thread uint64_t interrupt_ns;	/* the last one of this VP */

void
see_decide_interrupts(bool on)
{
	os_st32(&interrupts_wanted, on);
}

void
see_decide_interrupted(void)
{
	if (os_ld32(&interrupts_wanted) != 0)
		interrupt_ns = clock_now_ns();
}

bool
see_decide_before(const struct see_watch *w, struct see_before *b)
{
	const struct ring_chan *rc = ring_chan_of_const(w->chan);

	if (w->trace == 0 && w->hist == NULL)
		return false;
	b->chan = rc->counters;
	b->out = rc->out.counters;
	b->in = rc->in.counters;
	b->interrupts = trace_interrupts;
	return true;
}

static void
decide_put(const struct see_watch *w, enum trace_event e, enum trace_why why,
    uint64_t value)
{
	if (w->trace != 0 && trace_on())
		trace_put(e, why, w->trace, value);
}

static void
hist_add(uint64_t *bucket, uint64_t value)
{
	uint32_t k = value == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(value);

	counter_add(&bucket[min_u32(k, SEE_HIST_BUCKETS - 1)], 1);
}

static enum trace_why
out_why(const struct ring_chan *rc, const struct see_before *b)
{
	if (rc->counters.signals_data != b->chan.signals_data)
		return TRACE_WHY_SENT;
	if (rc->counters.signals_poll != b->chan.signals_poll)
		return TRACE_WHY_POLLS;
	if (rc->out.counters.skip_masked != b->out.skip_masked)
		return TRACE_WHY_MASKED;
	if (rc->out.counters.skip_busy != b->out.skip_busy)
		return TRACE_WHY_BUSY;
	return TRACE_WHY_BAD;
}

void
see_decide_out(struct see_watch *w, const struct see_before *b)
{
	const struct ring_chan *rc = ring_chan_of_const(w->chan);
	enum trace_why why;

	if (rc->out.counters.commits == b->out.commits)
		return;
	why = out_why(rc, b);
	decide_put(w, TRACE_BATCH_OUT, TRACE_WHY_NONE, w->out);
	decide_put(w, TRACE_SIGNAL, why, w->out);
	if (why == TRACE_WHY_SENT && w->name.end == SEE_END_HOST &&
	    trace_interrupts == b->interrupts)
		decide_put(w, TRACE_INTERRUPT, TRACE_WHY_SAVED, w->name.vp);
	if (w->hist != NULL) {
		hist_add(w->hist->batch_out, w->out);
		if (why == TRACE_WHY_SENT) {
			uint64_t now = clock_now_ns();

			if (w->signal_ns != 0)
				hist_add(w->hist->signal_gap, now -
				    w->signal_ns);
			w->signal_ns = now;
		}
	}
	w->out = 0;
}

void
see_decide_in(struct see_watch *w, const struct see_before *b)
{
	const struct ring_chan *rc = ring_chan_of_const(w->chan);

	if (rc->in.counters.commits == b->in.commits)
		return;
	decide_put(w, TRACE_BATCH_IN, TRACE_WHY_NONE, w->in);
	if (w->hist != NULL)
		hist_add(w->hist->batch_in, w->in);
	if (rc->counters.signals_room != b->chan.signals_room)
		decide_put(w, TRACE_SIGNAL_ROOM, TRACE_WHY_SENT, w->in);
	else if (rc->in.counters.skip_short != b->in.skip_short)
		decide_put(w, TRACE_SIGNAL_ROOM, TRACE_WHY_FEW, w->in);
	else if (rc->in.counters.skip_roomy != b->in.skip_roomy)
		decide_put(w, TRACE_SIGNAL_ROOM, TRACE_WHY_ROOMY, w->in);
	w->in = 0;
}

void
see_decide_room(struct see_watch *w, uint32_t bytes, bool there)
{
	if (!there && !w->room_wait)
		decide_put(w, TRACE_ROOM_WAIT, TRACE_WHY_RING, bytes);
	else if (there && w->room_wait)
		decide_put(w, TRACE_ROOM_BACK, TRACE_WHY_NONE, 0);
	w->room_wait = !there;
}

/* A packet was taken: the first after a signal, or after an interrupt? */
static void
first_packet_add(struct see_watch *w)
{
	const bool guest = w->name.end == SEE_END_GUEST;
	uint64_t from = guest ? interrupt_ns : w->wake_ns;

	if (from == 0 || (guest && from <= w->wake_ns))
		return;
	hist_add(w->hist->first_packet, clock_now_ns() - from);
	w->wake_ns = guest ? from : 0;
}

void
see_decide_packet(struct see_watch *w, bool sent)
{
	if (sent) {
		w->out++;
		if (w->room_wait)
			see_decide_room(w, 0, true);
		return;
	}
	w->in++;
	if (w->hist != NULL)
		first_packet_add(w);
}

void
see_decide_short(struct see_watch *w, const uint64_t now[SEE_SHORTS])
{
	const enum trace_why whys[SEE_SHORTS] = { TRACE_WHY_SECTION,
		w->name.end == SEE_END_HOST ? TRACE_WHY_LENT :
		TRACE_WHY_LIMIT, TRACE_WHY_SLOT, TRACE_WHY_RING };
	enum trace_why why = TRACE_WHY_OTHER;

	for (uint32_t i = SEE_SHORTS; i-- > 0;) {
		if (now[i] != w->shorts[i])
			why = whys[i];
		w->shorts[i] = now[i];
	}
	if (!w->is_short)
		decide_put(w, TRACE_SHORT, why, 0);
	w->is_short = true;
}

void
see_decide_short_end(struct see_watch *w)
{
	if (w->is_short)
		decide_put(w, TRACE_SHORT_END, TRACE_WHY_NONE, 0);
	w->is_short = false;
}

void
see_decide_mask(const struct see_watch *w)
{
	decide_put(w, TRACE_MASK, TRACE_WHY_NONE, 0);
}

void
see_decide_unmask(const struct see_watch *w, bool there)
{
	decide_put(w, TRACE_UNMASK, there ? TRACE_WHY_AWAKE :
	    TRACE_WHY_ASLEEP, 0);
}

void
see_decide_signalled(struct see_watch *w)
{
	decide_put(w, TRACE_SIGNALLED, TRACE_WHY_NONE, 0);
	if (w->hist != NULL)
		w->wake_ns = clock_now_ns();
}

void
see_decide_fault(const struct see_watch *w)
{
	const struct fault_log *f = &w->chan->faults;

	if (w->trace != 0 && trace_on())
		trace_put(TRACE_FAULT, f->last, w->trace, f->last_value);
}
